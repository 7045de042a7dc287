/* door_fail.c: see door_fail.h. */
#include "door_fail.h"
#include <sluice/host.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "alloc_fail.h"

#define DEAD_MAX 64

const char *const door_names[DOOR_CALLS] = { "sl_loop_new", "sl_open", "sl_recv", "sl_unrecv", "sl_move", "sl_send",
                                             "sl_move_out", "sl_info", "sl_wait", "sl_wake" };

static struct {
  bool on, came;
  unsigned at, calls;
  int32_t code, guest; /* guest: what the guest was ended with */
  struct { sl_ch ch; int32_t code; } dead[DEAD_MAX];
  unsigned dead_count;
  uint8_t kinds[DOOR_CALLS_MAX + 1];
} door;

void door_fail_start(unsigned n, int32_t code)
{
  door.on = true;
  door.came = false;
  door.at = n;
  door.code = code;
  door.calls = door.dead_count = 0;
  door.guest = 0;
}

unsigned door_fail_stop(void)
{
  door.on = false;
  return door.calls;
}

bool door_fail_came(void) { return door.came; }
enum door_call door_fail_call(unsigned n) { return (enum door_call)door.kinds[n]; }

/* What the host allocates is its own business: it fails by its answers. */
static void hold(int by)
{
  if (door.on) alloc_fail_hold(by);
}

static int32_t dead(sl_ch ch)
{
  for (unsigned i = 0; i < door.dead_count; i++)
    if (door.dead[i].ch == ch) return door.dead[i].code;
  return 0;
}

static void bury(sl_ch ch, int32_t code)
{
  if (ch && door.dead_count < DEAD_MAX) {
    door.dead[door.dead_count].ch = ch;
    door.dead[door.dead_count++].code = code;
  }
}

static bool ends_channel(enum door_call call, int32_t code)
{
  bool bytes = call == DOOR_RECV || call == DOOR_MOVE || call == DOOR_SEND || call == DOOR_MOVE_OUT;
  return bytes && code != SL_AGAIN && code != SL_NOSYS && code != SL_BUSY;
}

/* A call: 0 when the host below is to be asked (then `left` follows), else what is answered. */
static int32_t entered(enum door_call call, sl_ch ch)
{
  int32_t code = 0;
  if (door.on) {
    if (++door.calls > DOOR_CALLS_MAX) {
      fprintf(stderr, "door_fail: no end of calls (the last is %s)\n", door_names[call]);
      abort();
    }
    door.kinds[door.calls] = (uint8_t)call;
    if (door.calls == door.at) {
      door.came = true;
      code = door.code;
      if (code <= SL_CANCELED && code >= SL_DEADLINE) door.guest = code;
      else if (ends_channel(call, code)) bury(ch, code);
    } else if (door.guest) code = door.guest;
    else if (call != DOOR_INFO) code = dead(ch);
  }
  if (!code) hold(1);
  return code;
}

static void left(void) { hold(-1); }

static int32_t bytes(int32_t code) { return code == DOOR_END ? 0 : code; }

sl_loop *__real_sl_loop_new(void);
sl_loop *__wrap_sl_loop_new(void);
sl_loop *__wrap_sl_loop_new(void)
{
  if (entered(DOOR_LOOP_NEW, 0)) return NULL;
  sl_loop *loop = __real_sl_loop_new();
  left();
  return loop;
}

sl_ch __real_sl_open(sl_loop *loop, uint32_t kind, const char *spec, uint32_t len);
sl_ch __wrap_sl_open(sl_loop *loop, uint32_t kind, const char *spec, uint32_t len);
sl_ch __wrap_sl_open(sl_loop *loop, uint32_t kind, const char *spec, uint32_t len)
{
  int32_t code = entered(DOOR_OPEN, 0);
  if (code) return code;
  sl_ch ch = __real_sl_open(loop, kind, spec, len);
  left();
  return ch;
}

int32_t __real_sl_recv(sl_ch ch, void *buf, uint32_t cap);
int32_t __wrap_sl_recv(sl_ch ch, void *buf, uint32_t cap);
int32_t __wrap_sl_recv(sl_ch ch, void *buf, uint32_t cap)
{
  int32_t code = entered(DOOR_RECV, ch);
  if (code) return bytes(code);
  int32_t n = __real_sl_recv(ch, buf, cap);
  left();
  return n;
}

int32_t __real_sl_unrecv(sl_ch ch, uint32_t n);
int32_t __wrap_sl_unrecv(sl_ch ch, uint32_t n);
int32_t __wrap_sl_unrecv(sl_ch ch, uint32_t n)
{
  int32_t code = entered(DOOR_UNRECV, ch);
  if (code) return code;
  code = __real_sl_unrecv(ch, n);
  left();
  return code;
}

int32_t __real_sl_move(sl_ch ch, uint32_t sink, uint32_t max);
int32_t __wrap_sl_move(sl_ch ch, uint32_t sink, uint32_t max);
int32_t __wrap_sl_move(sl_ch ch, uint32_t sink, uint32_t max)
{
  int32_t code = entered(DOOR_MOVE, ch);
  if (code) return bytes(code);
  int32_t n = __real_sl_move(ch, sink, max);
  left();
  return n;
}

int32_t __real_sl_send(sl_ch ch, const void *buf, uint32_t len);
int32_t __wrap_sl_send(sl_ch ch, const void *buf, uint32_t len);
int32_t __wrap_sl_send(sl_ch ch, const void *buf, uint32_t len)
{
  int32_t code = entered(DOOR_SEND, ch);
  if (code) return code;
  int32_t n = __real_sl_send(ch, buf, len);
  left();
  return n;
}

int32_t __real_sl_move_out(sl_ch ch, uint32_t source, uint32_t max);
int32_t __wrap_sl_move_out(sl_ch ch, uint32_t source, uint32_t max);
int32_t __wrap_sl_move_out(sl_ch ch, uint32_t source, uint32_t max)
{
  int32_t code = entered(DOOR_MOVE_OUT, ch);
  if (code) return code;
  int32_t n = __real_sl_move_out(ch, source, max);
  left();
  return n;
}

int32_t __real_sl_info(sl_ch ch, uint32_t what, void *buf, uint32_t cap);
int32_t __wrap_sl_info(sl_ch ch, uint32_t what, void *buf, uint32_t cap);
int32_t __wrap_sl_info(sl_ch ch, uint32_t what, void *buf, uint32_t cap)
{
  int32_t code = entered(DOOR_INFO, ch);
  if (code) return code;
  int32_t n = __real_sl_info(ch, what, buf, cap);
  left();
  return n;
}

/* These two cannot fail; what dead channels want nobody asks for. */
void __real_sl_want(sl_ch ch, uint32_t events);
void __wrap_sl_want(sl_ch ch, uint32_t events);
void __wrap_sl_want(sl_ch ch, uint32_t events)
{
  hold(1);
  __real_sl_want(ch, events);
  left();
}

void __real_sl_close(sl_ch ch, uint32_t how);
void __wrap_sl_close(sl_ch ch, uint32_t how);
void __wrap_sl_close(sl_ch ch, uint32_t how)
{
  hold(1);
  if (!dead(ch) || how != SL_END_SEND) __real_sl_close(ch, how);
  left();
}

int32_t __real_sl_wait(sl_loop *loop, sl_event *ev, uint32_t cap, int64_t timeout_us);
int32_t __wrap_sl_wait(sl_loop *loop, sl_event *ev, uint32_t cap, int64_t timeout_us);
int32_t __wrap_sl_wait(sl_loop *loop, sl_event *ev, uint32_t cap, int64_t timeout_us)
{
  int32_t code = entered(DOOR_WAIT, 0);
  if (code) return code;
  int32_t n = __real_sl_wait(loop, ev, cap, timeout_us);
  left();
  return n;
}

int32_t __real_sl_wake(sl_loop *loop);
int32_t __wrap_sl_wake(sl_loop *loop);
int32_t __wrap_sl_wake(sl_loop *loop)
{
  if (!door.on) return __real_sl_wake(loop); /* any thread */
  int32_t code = entered(DOOR_WAKE, 0);
  if (code) return code;
  code = __real_sl_wake(loop);
  left();
  return code;
}
