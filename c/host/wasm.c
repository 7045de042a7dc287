/* wasm.c: the few functions of the door that are not imports, for engines compiled to WebAssembly. A loop is
 * only a name here: the host tells the channels of several engines in one module apart by it. */
#include <curl/curl.h>
#include <sluice/host.h>
#include <stdlib.h>
#include "posix_fds.h"

struct sl_loop {
  uint32_t unused;
};

sl_loop *sl_loop_new(void) { return calloc(1, sizeof(sl_loop)); }
void sl_loop_free(sl_loop *loop) { free(loop); }

/* One thread: nobody can call while this guest waits, but a wake before the wait is remembered by the engine. */
int32_t sl_wake(sl_loop *loop)
{
  (void)loop;
  return SL_NOSYS;
}

int32_t sl_wait_fds(sl_loop *loop, sl_event *ev, uint32_t cap, int64_t timeout_us, struct curl_waitfd *extra,
                    unsigned int extra_n, int *extra_ready)
{
  (void)extra;
  *extra_ready = 0;
  return extra_n ? SL_NOSYS : sl_wait(loop, ev, cap, timeout_us);
}
