/* nullhost.c: a host that does nothing, for tests of parts that need none: it has to be there to link.
 * The clock stands still, nothing opens, waiting is not possible. */
#include <stdlib.h>
#include <string.h>
#include <sluice/host.h>

struct sl_loop { int nothing; };

sl_loop *sl_loop_new(void) { return calloc(1, sizeof(sl_loop)); }
void sl_loop_free(sl_loop *loop) { free(loop); }

int32_t sl_wake(sl_loop *loop)
{
  (void)loop;
  return SL_NOSYS;
}

int64_t sl_now_us(sl_loop *loop)
{
  (void)loop;
  return 1;
}

int64_t sl_unix_ms(sl_loop *loop)
{
  (void)loop;
  return 0;
}

void sl_random(sl_loop *loop, void *buf, uint32_t n)
{
  (void)loop;
  memset(buf, 0, n);
}

sl_ch sl_open(sl_loop *loop, uint32_t kind, const char *spec, uint32_t len)
{
  (void)loop, (void)kind, (void)spec, (void)len;
  return SL_NOSYS;
}

int32_t sl_start_tls(sl_ch ch, const char *spec, uint32_t len)
{
  (void)ch, (void)spec, (void)len;
  return SL_NOSYS;
}

int32_t sl_recv(sl_ch ch, void *buf, uint32_t cap)
{
  (void)ch, (void)buf, (void)cap;
  return SL_NOSYS;
}

int32_t sl_unrecv(sl_ch ch, uint32_t n)
{
  (void)ch, (void)n;
  return SL_NOSYS;
}

int32_t sl_move(sl_ch ch, uint32_t sink, uint32_t max)
{
  (void)ch, (void)sink, (void)max;
  return SL_NOSYS;
}

int32_t sl_send(sl_ch ch, const void *buf, uint32_t len)
{
  (void)ch, (void)buf, (void)len;
  return SL_NOSYS;
}

int32_t sl_move_out(sl_ch ch, uint32_t source, uint32_t max)
{
  (void)ch, (void)source, (void)max;
  return SL_NOSYS;
}

int32_t sl_info(sl_ch ch, uint32_t what, void *buf, uint32_t cap)
{
  (void)ch, (void)what, (void)buf, (void)cap;
  return SL_NOSYS;
}

void sl_want(sl_ch ch, uint32_t events) { (void)ch, (void)events; }
void sl_close(sl_ch ch, uint32_t how) { (void)ch, (void)how; }

int32_t sl_wait(sl_loop *loop, sl_event *ev, uint32_t cap, int64_t timeout_us)
{
  (void)loop, (void)ev, (void)cap, (void)timeout_us;
  return SL_NOSYS;
}
