/* host_fds.c: descriptors, for the C face driven by socket_action (c/host/posix_fds.h). See sim.h.
 *
 * A channel's descriptor is its id behind the loop's own. While it opens it is waited on for writing; then for what is
 * wanted. Who watches them is the program, face.c. */
#include "sim.h"
#include "host/posix_fds.h"
#include <curl/curl.h>

static sim *of(sl_ch ch, sim_channel **c)
{
  sim *s = sim_current();
  *c = s ? sim_channel_find(s, ch) : NULL;
  return s;
}

uint32_t sl_fds_of(sl_ch ch, sl_fd *fds, uint32_t cap, int64_t *due_us)
{
  sim_channel *c;
  of(ch, &c);
  *due_us = SL_NEVER;
  uint32_t events = !c ? 0 : c->told_open ? c->want : SL_OUT;
  if (!cap || !events) return 0;
  fds[0] = (sl_fd){ SIM_FD(ch), events };
  return 1;
}

uint32_t sl_look(sl_ch ch)
{
  sim_channel *c;
  sim *s = of(ch, &c);
  uint32_t events = c ? sim_channel_events(s, c) : 0;
  if (events) sim_channel_told(s, c, events);
  return events;
}

int sl_loop_fd(const sl_loop *loop)
{
  (void)loop;
  return SIM_LOOP_FD;
}

uint32_t sl_look_loop(sl_loop *loop)
{
  bool woken = loop->sim->loop_woken;
  loop->sim->loop_woken = false;
  return woken ? SL_WOKEN : 0;
}

#ifdef __wasm__ /* natively c/host/stdio.c has them; nobody calls them here */
#include "face/handle.h"

size_t sl_stdio_write(char *data, size_t size, size_t n, void *file)
{
  (void)data, (void)size, (void)n, (void)file;
  return 0;
}

size_t sl_stdio_read(char *buf, size_t size, size_t n, void *file)
{
  (void)buf, (void)size, (void)n, (void)file;
  return CURL_READFUNC_ABORT;
}

bool sl_stdio_rewind(void *file)
{
  (void)file;
  return false;
}

void sl_stdio_debug(void *file, int type, const char *data, size_t n) { (void)file, (void)type, (void)data, (void)n; }
#endif
