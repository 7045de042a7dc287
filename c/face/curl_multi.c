/* curl_multi.c: the multi interface of libcurl over one engine; see curlm.h.
 *
 * The engine does the work; here are libcurl's answers (X, K rows) and its two ways to be driven: perform looks
 * at the host without waiting and runs, poll waits and runs nothing. A wakeup is remembered in m->woken, which only poll
 * takes back (K2, K3); that the host's sl_wait returned for one means nothing by itself, for remote handles wake too
 * (F31). */
#include "curlm.h"
#include <stdarg.h>
#include <stdlib.h>
#include "../engine/agenda.h"
#include "../engine/multi.h"
#include "../engine/remote.h"
#include "handle.h"

#define EVENTS_MAX 64 /* taken from the host at a time, a count                               */
#define ROUNDS_MAX 64 /* times perform asks again when the host had more than EVENTS_MAX      */

/* c/host/posix_fds.h; weak, for a host without descriptors need not have it. */
int32_t sl_wait_fds(sl_loop *loop, sl_event *ev, uint32_t cap, int64_t timeout_us, struct curl_waitfd *extra,
                    unsigned extra_n, int *extra_ready) __attribute__((weak));

uint32_t sl_fds_of(sl_ch ch, void *fds, uint32_t cap, int64_t *due_us) __attribute__((weak));

/* The same for what a notify callback may not do either (X6). */
static CURLMcode check_outside(const sl_curlm *c)
{
  CURLMcode code = sl_curlm_check(c);
  return !code && c->notifying ? CURLM_RECURSIVE_API_CALL : code;
}

CURLMcode sl_curlm_finish(sl_curlm *c)
{
  sl_curlm_settle(c);
  sl_curlm_tell_timer(c);
  if (c->died && !c->engine->depth) {
    sl_multi_run(c->engine); /* X7: all end here */
    sl_curlm_settle(c);
  }
  sl_curlm_notify(c);
  bool died = c->died;
  c->died = false;
  return died ? CURLM_ABORTED_BY_CALLBACK : CURLM_OK;
}

/* The same from a call that belongs to a transfer: it ends no other one. */
static bool settle(sl_multi *m)
{
  sl_curlm *c = m->face;
  sl_curlm_settle(c);
  sl_curlm_tell_timer(c);
  bool died = c->died;
  c->died = false;
  return !died;
}

CURLM *curl_multi_init(void)
{
  sl_curlm *c = calloc(1, sizeof *c);
  sl_multi *m = c ? sl_multi_new(NULL) : NULL;
  if (!m) {
    free(c);
    return NULL;
  }
  *c = (sl_curlm){ .magic = SL_CURLM_MAGIC, .engine = m, .loop = m->loop, .told_us = SL_TOLD_NOTHING,
                   .progress_us = SL_NEVER };
  m->face = c;
  m->settle = settle;
  return c;
}

/* e is taken out. */
static void leave(sl_easy *e)
{
  sl_curlm_leaves(e);
  sl_easy_close_raw(e);
}

CURLMcode curl_multi_cleanup(CURLM *handle)
{
  sl_curlm *c = sl_curlm_of(handle);
  CURLMcode code = check_outside(c);
  if (code) return code;
  while (c->engine->transfers) {
    sl_transfer *t = c->engine->transfers;
    leave(sl_easy_from(t));
    sl_multi_remove(c->engine, t);
  }
  sl_curlm_settle(c);
  sl_multi_free(c->engine);
  sl_curlm_unwatch(c);
  curl_easy_cleanup(c->self);
  c->magic = 0;
  free(c);
  return CURLM_OK;
}

static void expects_progress(sl_easy *e)
{
  sl_curlm *c = e->t.multi->face;
  if (sl_easy_wants_progress(e) && c->socket_fn && c->progress_us == SL_NEVER)
    c->progress_us = sl_now_us(c->loop) + SL_SECOND;
}

static const sl_easy_owner owner = { .done = sl_curlm_done, .leaves = sl_curlm_leaves, .expects_progress = expects_progress };

CURLMcode curl_multi_add_handle(CURLM *handle, CURL *easy)
{
  sl_curlm *c = sl_curlm_of(handle);
  sl_easy *e = sl_easy_of(easy);
  CURLMcode code = sl_curlm_check(c);
  if (code == CURLM_BAD_HANDLE) return code;
  if (!e) return CURLM_BAD_EASY_HANDLE;
  if (code) return code;
  if (e->t.multi) return CURLM_ADDED_ALREADY;
  if (c->dead && c->engine->added) return CURLM_ABORTED_BY_CALLBACK; /* X7 */
  c->dead = false;
  sl_easy_begin(e);
  sl_easy_trace(c->engine, e);
  if (sl_multi_add(c->engine, &e->t)) return CURLM_OUT_OF_MEMORY;
  e->owner = &owner;
  expects_progress(e);
  return sl_curlm_finish(c);
}

CURLMcode curl_multi_remove_handle(CURLM *handle, CURL *easy)
{
  sl_curlm *c = sl_curlm_of(handle);
  sl_easy *e = sl_easy_of(easy);
  CURLMcode code = sl_curlm_check(c);
  if (code == CURLM_BAD_HANDLE) return code;
  if (!e) return CURLM_BAD_EASY_HANDLE;
  if (code) return code;
  if (!e->t.multi) return CURLM_OK;
  if (e->t.multi != c->engine) return CURLM_BAD_EASY_HANDLE;
  leave(e);
  sl_multi_remove(c->engine, &e->t);
  if (!c->engine->added) c->progress_us = SL_NEVER;
  sl_curlm_settle(c);
  sl_curlm_tell_timer(c);
  bool died = c->died;
  c->died = false;
  return died ? CURLM_ABORTED_BY_CALLBACK : CURLM_OK;
}

/* Hand what the host told to the engine. Answers how many channels it was about. */
static int feed(sl_multi *m, const sl_event *events, int32_t n)
{
  int channels = 0;
  for (int32_t i = 0; i < n; i++) {
    if (!events[i].ch) continue;
    channels++;
    sl_multi_event(m, events[i].ch, events[i].events);
  }
  return channels;
}

void sl_curlm_pump(sl_curlm *c)
{
  sl_multi *m = c->engine;
  sl_event events[EVENTS_MAX];
  int32_t n;
  unsigned round = 0;
  do {
    n = sl_wait(c->loop, events, EVENTS_MAX, 0);
    sl_curlm_waited(c);
    if (n < 0) sl_easy_host_failed(m, n);
    feed(m, events, n);
    sl_multi_run(m);
  } while (n == EVENTS_MAX && ++round < ROUNDS_MAX);
}

CURLMcode curl_multi_perform(CURLM *handle, int *running)
{
  sl_curlm *c = sl_curlm_of(handle);
  CURLMcode code = check_outside(c);
  if (code) return code;
  sl_curlm_owe_progress(c->engine);
  sl_curlm_pump(c);
  code = sl_curlm_finish(c);
  if (running) *running = (int)c->engine->running;
  return code;
}

/* Wait, on the caller's descriptors as well when there are some: as sl_wait. */
static int32_t wait_both(sl_curlm *c, sl_event *events, int64_t timeout_us, struct curl_waitfd *extra, unsigned extra_n,
                         int *extra_ready)
{
  if (!extra_n) return sl_wait(c->loop, events, EVENTS_MAX, timeout_us);
  if (!sl_wait_fds) return SL_NOSYS;
  return sl_wait_fds(c->loop, events, EVENTS_MAX, timeout_us, extra, extra_n, extra_ready);
}

static CURLMcode wait(sl_curlm *c, struct curl_waitfd extra[], unsigned int extra_n, int timeout_ms, int *numfds)
{
  if (timeout_ms < 0 || (extra_n && !extra)) return CURLM_BAD_FUNCTION_ARGUMENT;
  sl_multi *m = c->engine;
  sl_event events[EVENTS_MAX];
  int extra_ready = 0;
  int64_t now = sl_now_us(c->loop), end = now + (int64_t)timeout_ms * 1000;
  int channels = 0;
  for (bool again = true; again; now = sl_now_us(c->loop)) {
    int64_t wait_ms = sl_easy_wait_ms(m, sl_multi_next_us(m)), left_ms = end > now ? (end - now + 999) / 1000 : 0;
    if (wait_ms < 0 || wait_ms > left_ms) wait_ms = left_ms;
    bool woken = atomic_exchange(&m->woken, false); /* K2: however many there were, they are told by this return */
    int32_t n = wait_both(c, events, woken ? 0 : wait_ms * 1000, extra, extra_n, &extra_ready);
    sl_curlm_waited(c);
    if (n == SL_NOSYS) return CURLM_UNKNOWN_OPTION; /* this host knows no descriptors, or cannot wait at all */
    if (n < 0) {
      sl_easy_host_failed(m, n);
      return CURLM_UNRECOVERABLE_POLL;
    }
    channels = feed(m, events, n);
    if (!woken && wait_ms) woken = atomic_exchange(&m->woken, false);
    /* The host was woken, but for what has been seen to in the meantime. */
    again = n == 1 && !channels && !extra_ready && !woken && wait_ms && !sl_remote_rung(m);
  }
  if (numfds) *numfds = channels + extra_ready;
  return CURLM_OK;
}

CURLMcode curl_multi_poll(CURLM *handle, struct curl_waitfd extra[], unsigned int extra_n, int timeout_ms, int *numfds)
{
  sl_curlm *c = sl_curlm_of(handle);
  CURLMcode code = sl_curlm_check(c);
  return code ? code : wait(c, extra, extra_n, timeout_ms, numfds);
}

CURLMcode curl_multi_wait(CURLM *handle, struct curl_waitfd extra[], unsigned int extra_n, int timeout_ms, int *numfds)
{
  sl_curlm *c = sl_curlm_of(handle);
  CURLMcode code = sl_curlm_check(c);
  if (code) return code;
  if (timeout_ms < 0) return CURLM_BAD_FUNCTION_ARGUMENT;
  if (extra_n || sl_curlm_has_sockets(c)) return wait(c, extra, extra_n, timeout_ms, numfds);
  if (numfds) *numfds = 0; /* K5 */
  return CURLM_OK;
}

CURLMcode curl_multi_wakeup(CURLM *handle)
{
  sl_curlm *c = sl_curlm_of(handle);
  if (!c) return CURLM_BAD_HANDLE;
  atomic_store(&c->engine->woken, true);
  int32_t code = sl_wake(c->loop); /* SL_NOSYS: there is no other thread, this one is about to poll */
  return code && code != SL_NOSYS ? CURLM_WAKEUP_FAILURE : CURLM_OK;
}

CURLMcode curl_multi_timeout(CURLM *handle, long *timeout_ms)
{
  sl_curlm *c = sl_curlm_of(handle);
  CURLMcode code = sl_curlm_check(c);
  if (code) return code;
  if (!timeout_ms) return CURLM_BAD_FUNCTION_ARGUMENT;
  *timeout_ms = (long)sl_easy_wait_ms(c->engine, sl_curlm_next_us(c));
  return CURLM_OK;
}

CURLMsg *curl_multi_info_read(CURLM *handle, int *left)
{
  sl_curlm *c = sl_curlm_of(handle);
  uint32_t more = 0;
  sl_transfer *t = c ? sl_agenda_message(c->engine, &more) : NULL;
  if (left) *left = (int)more;
  return t ? &sl_easy_from(t)->message : NULL;
}
