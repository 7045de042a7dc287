/* curl_multi.c: the multi interface of libcurl over one engine.
 *
 * The engine does the work; here are libcurl's answers (X, K rows) and its two ways to be driven: perform looks
 * at the host without waiting and runs, poll waits and runs nothing. A wakeup that perform happens to see is
 * remembered in m->woken for the next poll (K3). */
#include "easy.h"
#include <stdlib.h>

#define MULTI_MAGIC 0x736c756du
#define EVENTS_MAX 64 /* taken from the host at a time, a count                               */
#define ROUNDS_MAX 64 /* times perform asks again when the host had more than EVENTS_MAX      */

/* Nothing here changes between init and cleanup: curl_multi_wakeup reads it from any thread. */
typedef struct {
  uint32_t magic;
  sl_multi *engine;
  sl_loop *loop; /* engine's */
} curlm;

/* c/host/posix_fds.h; weak, for a host without descriptors need not have it. */
int32_t sl_wait_fds(sl_loop *loop, sl_event *ev, uint32_t cap, int64_t timeout_us, struct curl_waitfd *extra,
                    unsigned extra_n, int *extra_ready) __attribute__((weak));

static curlm *multi_of(CURLM *handle)
{
  curlm *c = handle;
  return c && c->magic == MULTI_MAGIC ? c : NULL;
}

/* X6: what most functions look at first. */
static CURLMcode check(const curlm *c)
{
  if (!c) return CURLM_BAD_HANDLE;
  return c->engine->in_callback ? CURLM_RECURSIVE_API_CALL : CURLM_OK;
}

CURLM *curl_multi_init(void)
{
  curlm *c = calloc(1, sizeof *c);
  sl_multi *m = c ? sl_multi_new(NULL) : NULL;
  if (!m) {
    free(c);
    return NULL;
  }
  *c = (curlm){ .magic = MULTI_MAGIC, .engine = m, .loop = m->loop };
  return c;
}

CURLMcode curl_multi_cleanup(CURLM *handle)
{
  curlm *c = multi_of(handle);
  CURLMcode code = check(c);
  if (code) return code;
  sl_multi_free(c->engine);
  c->magic = 0;
  free(c);
  return CURLM_OK;
}

CURLMcode curl_multi_add_handle(CURLM *handle, CURL *easy)
{
  curlm *c = multi_of(handle);
  sl_easy *e = sl_easy_of(easy);
  CURLMcode code = check(c);
  if (code == CURLM_BAD_HANDLE) return code;
  if (!e) return CURLM_BAD_EASY_HANDLE;
  if (code) return code;
  if (e->t.multi) return CURLM_ADDED_ALREADY;
  sl_easy_begin(e);
  return sl_multi_add(c->engine, &e->t) ? CURLM_OUT_OF_MEMORY : CURLM_OK;
}

CURLMcode curl_multi_remove_handle(CURLM *handle, CURL *easy)
{
  curlm *c = multi_of(handle);
  sl_easy *e = sl_easy_of(easy);
  CURLMcode code = check(c);
  if (code == CURLM_BAD_HANDLE) return code;
  if (!e) return CURLM_BAD_EASY_HANDLE;
  if (code) return code;
  if (!e->t.multi) return CURLM_OK;
  if (e->t.multi != c->engine) return CURLM_BAD_EASY_HANDLE;
  sl_multi_remove(c->engine, &e->t);
  return CURLM_OK;
}

/* Hand what the host told to the engine. Answers how many channels it was about. */
static int feed(sl_multi *m, const sl_event *events, int32_t n)
{
  int channels = 0;
  for (int32_t i = 0; i < n; i++) {
    if (events[i].events & SL_WOKEN) m->woken = true;
    if (!events[i].ch) continue;
    channels++;
    sl_multi_event(m, events[i].ch, events[i].events);
  }
  return channels;
}

/* G2: a progress callback is owed a call in every perform, paused transfers included. */
static void owe_progress(sl_multi *m)
{
  for (sl_transfer *t = m->transfers; t; t = t->next)
    if (t->conn && sl_easy_wants_progress(sl_easy_from(t))) sl_multi_dirty(m, t);
}

CURLMcode curl_multi_perform(CURLM *handle, int *running)
{
  curlm *c = multi_of(handle);
  CURLMcode code = check(c);
  if (code) return code;
  sl_multi *m = c->engine;
  sl_event events[EVENTS_MAX];
  int32_t n;
  unsigned round = 0;
  owe_progress(m);
  do {
    n = sl_wait(c->loop, events, EVENTS_MAX, 0);
    if (n < 0) sl_easy_host_failed(m, n);
    feed(m, events, n);
    sl_multi_run(m);
  } while (n == EVENTS_MAX && ++round < ROUNDS_MAX);
  if (running) *running = (int)m->running;
  return CURLM_OK;
}

/* Wait, on the caller's descriptors as well when there are some: as sl_wait. */
static int32_t wait_both(curlm *c, sl_event *events, int64_t timeout_us, struct curl_waitfd *extra, unsigned extra_n,
                         int *extra_ready)
{
  if (!extra_n) return sl_wait(c->loop, events, EVENTS_MAX, timeout_us);
  if (!sl_wait_fds) return SL_NOSYS;
  return sl_wait_fds(c->loop, events, EVENTS_MAX, timeout_us, extra, extra_n, extra_ready);
}

CURLMcode curl_multi_poll(CURLM *handle, struct curl_waitfd extra[], unsigned int extra_n, int timeout_ms, int *numfds)
{
  curlm *c = multi_of(handle);
  CURLMcode code = check(c);
  if (code) return code;
  if (timeout_ms < 0 || (extra_n && !extra)) return CURLM_BAD_FUNCTION_ARGUMENT;
  sl_multi *m = c->engine;
  sl_event events[EVENTS_MAX];
  int extra_ready = 0;
  int64_t wait_ms = sl_easy_wait_ms(m, sl_multi_next_us(m));
  if (wait_ms < 0 || wait_ms > timeout_ms) wait_ms = timeout_ms;
  if (m->woken) wait_ms = 0;
  int32_t n = wait_both(c, events, wait_ms * 1000, extra, extra_n, &extra_ready);
  if (n == SL_NOSYS) return CURLM_UNKNOWN_OPTION; /* this host knows no descriptors, or cannot wait at all */
  if (n < 0) {
    sl_easy_host_failed(m, n);
    return CURLM_UNRECOVERABLE_POLL;
  }
  int channels = feed(m, events, n);
  m->woken = false; /* K2: however many there were, they are told by this return */
  if (numfds) *numfds = channels + extra_ready;
  return CURLM_OK;
}

CURLMcode curl_multi_wakeup(CURLM *handle)
{
  curlm *c = multi_of(handle);
  if (!c) return CURLM_BAD_HANDLE;
  int32_t code = sl_wake(c->loop);
  if (code != SL_NOSYS) return code ? CURLM_WAKEUP_FAILURE : CURLM_OK;
  c->engine->woken = true; /* there is no other thread: this one is about to poll */
  return CURLM_OK;
}

CURLMcode curl_multi_timeout(CURLM *handle, long *timeout_ms)
{
  curlm *c = multi_of(handle);
  CURLMcode code = check(c);
  if (code) return code;
  if (!timeout_ms) return CURLM_BAD_FUNCTION_ARGUMENT;
  *timeout_ms = (long)sl_easy_wait_ms(c->engine, sl_multi_next_us(c->engine));
  return CURLM_OK;
}

CURLMsg *curl_multi_info_read(CURLM *handle, int *left)
{
  curlm *c = multi_of(handle);
  uint32_t more = 0;
  sl_transfer *t = c ? sl_multi_message(c->engine, &more) : NULL;
  if (left) *left = (int)more;
  return t ? &sl_easy_from(t)->message : NULL;
}
