/* curl_socket.c: the multi interface for programs that watch descriptors themselves.
 *
 * What a connection wants is the engine's business; which descriptor that means, the host knows (posix_fds.h). Here
 * both are put together and told: by the socket callback when they change, by fdset and waitfds when asked.
 *
 * A watched is a connection seen from here, from its opening to its closing, made only while there is a socket
 * callback; a sock is one descriptor that was announced (P9: and is wanted: a paused one is not). A connection that
 * is not open yet is unsettled: its descriptors change whenever the host looks at it, which is when one of them is
 * ready, its own deadline has come, a name was found, or somebody waited on all. Work is proportional to what is ready
 * or has changed, never to what is there.
 *
 * Told at the end of the call that changed it, but a closing: that is told before the descriptor is closed, for its
 * number may be another's right after. */
#include "curl_socket.h"
#include <stdlib.h>
#include "../engine/list.h"
#include "../engine/multi.h"
#include "../engine/transfer.h"
#include "../host/posix_fds.h"
#include "curlm.h"
#include "handle.h"

#pragma weak sl_fds_of
#pragma weak sl_look
#pragma weak sl_loop_fd
#pragma weak sl_look_loop

bool sl_curlm_watching(const sl_curlm *c) { return c->socket_fn != NULL; }

/* Telling. */

static void tell(sl_curlm *c, CURL *easy, sl_sock *s, int what)
{
  bool removes = what == CURL_POLL_REMOVE;
  if (!c->socket_fn || (c->dead && !removes) || (removes && !s->what)) return; /* a dead multi announced it not */
  s->what = what;
  c->engine->in_watch++;
  c->engine->in_callback++;
  int answer = c->socket_fn(easy, s->fd, what, c->socket_data, s->socketp);
  c->engine->in_callback--;
  c->engine->in_watch--;
  if (answer == -1) sl_curlm_die(c);
}

static sl_sock *sock_new(sl_curlm *c, sl_watched *owner, int fd)
{
  if ((size_t)fd >= c->by_fd_cap) {
    size_t cap = (size_t)fd * 2 + 16;
    sl_sock **table = realloc(c->by_fd, cap * sizeof *table);
    if (!table) return NULL;
    for (size_t i = c->by_fd_cap; i < cap; i++) table[i] = NULL;
    c->by_fd = table;
    c->by_fd_cap = cap;
  }
  sl_sock *s = calloc(1, sizeof *s);
  if (!s) return NULL;
  s->fd = fd;
  s->owner = owner;
  if (owner) {
    s->next = owner->socks;
    owner->socks = s;
  }
  return c->by_fd[fd] = s;
}

/* It is not watched any more: told, and forgotten with what was assigned to it. */
static void sock_drop(sl_curlm *c, sl_sock *s)
{
  sl_watched *w = s->owner;
  for (sl_sock **p = w ? &w->socks : NULL; p && *p; p = &(*p)->next)
    if (*p == s) {
      *p = s->next;
      break;
    }
  c->by_fd[s->fd] = NULL;
  tell(c, w ? w->easy : sl_curlm_self(c), s, CURL_POLL_REMOVE);
  free(s);
}

sl_sock *sl_curlm_sock(const sl_curlm *c, int fd) { return fd >= 0 && (size_t)fd < c->by_fd_cap ? c->by_fd[fd] : NULL; }

/* Announce a descriptor, or what it is now wanted for. False: memory. */
static bool sock_set(sl_curlm *c, sl_watched *w, CURL *easy, int fd, uint32_t events)
{
  int what = (events & SL_IN ? CURL_POLL_IN : 0) | (events & SL_OUT ? CURL_POLL_OUT : 0);
  sl_sock *s = sl_curlm_sock(c, fd);
  if (s && s->owner != w) { /* its number was given out again */
    sock_drop(c, s);
    s = NULL;
  }
  if (!s && !(s = sock_new(c, w, fd))) return false;
  s->seen = true;
  if (s->what != what) tell(c, easy, s, what);
  return true;
}

static void set_lookup(sl_curlm *c, sl_watched *w, bool looks_up)
{
  if (w->looks_up == looks_up) return;
  w->looks_up = looks_up;
  c->lookups += looks_up ? 1 : (uint32_t)-1;
}

/* The loop's own descriptor: finished lookups and remote handles (B1) make it readable. */
static void settle_loop(sl_curlm *c)
{
  bool wanted = sl_curlm_watching(c) && (c->lookups || c->engine->remotes);
  sl_sock *s = c->loop_sock;
  if (wanted == (s != NULL)) return;
  c->loop_sock = NULL;
  if (!wanted) sock_drop(c, s);
  else if (sock_set(c, NULL, sl_curlm_self(c), sl_loop_fd(c->loop), SL_IN))
    c->loop_sock = sl_curlm_sock(c, sl_loop_fd(c->loop));
}

static void set_unsettled(sl_curlm *c, sl_watched *w, bool unsettled)
{
  if (w->unsettled == unsettled) return;
  w->unsettled = unsettled;
  if (unsettled) SL_LIST_APPEND(c->unsettled_first, c->unsettled_last, w, unsettled_prev, unsettled_next);
  else SL_LIST_REMOVE(c->unsettled_first, c->unsettled_last, w, unsettled_prev, unsettled_next);
}

static void set_changed(sl_curlm *c, sl_watched *w, bool changed)
{
  if (w->changed == changed) return;
  w->changed = changed;
  if (changed) SL_LIST_APPEND(c->changed_first, c->changed_last, w, changed_prev, changed_next);
  else SL_LIST_REMOVE(c->changed_first, c->changed_last, w, changed_prev, changed_next);
}

/* There was no memory to watch it. */
static void stop_all(sl_conn *conn)
{
  for (sl_transfer *t = conn->transfers; t; t = t->conn_next)
    sl_transfer_stop(t, SL_CAUSE_HOST, CURLE_OUT_OF_MEMORY, NULL);
}

/* Compare what was announced with what is now. */
static void assess(sl_curlm *c, sl_watched *w)
{
  sl_fd fds[SL_FDS_MAX];
  bool ok = true, looks_up = false;
  int64_t due_us = SL_NEVER; /* an idle one is nobody's: closed when it is found broken */
  uint32_t n = w->conn->life == SL_CONN_IDLE ? 0 : sl_fds_of(w->conn->ch, fds, SL_FDS_MAX, &due_us);
  for (sl_sock *s = w->socks; s; s = s->next) s->seen = false;
  for (uint32_t i = 0; i < n; i++) {
    if (fds[i].fd == sl_loop_fd(c->loop)) looks_up = true;
    else ok = sock_set(c, w, w->easy, fds[i].fd, fds[i].events) && ok;
  }
  for (sl_sock *s = w->socks, *next; s; s = next) {
    next = s->next;
    if (!s->seen) sock_drop(c, s);
  }
  set_lookup(c, w, looks_up);
  sl_timers_set(&c->due, &w->due, SL_TIMER_RETRY, due_us);
  set_unsettled(c, w, w->conn->life == SL_CONN_OPENING || due_us != SL_NEVER);
  if (!ok) stop_all(w->conn);
}

void sl_curlm_waited(sl_curlm *c)
{
  for (sl_watched *w = c->unsettled_first; w; w = w->unsettled_next) set_changed(c, w, true);
}

void sl_curlm_settle(sl_curlm *c)
{
  while (c->changed_first) {
    sl_watched *w = c->changed_first;
    set_changed(c, w, false);
    assess(c, w);
  }
  settle_loop(c);
}

static sl_watched *watched_new(sl_curlm *c, sl_conn *conn)
{
  sl_watched *w = calloc(1, sizeof *w);
  if (!w) return NULL;
  w->conn = conn;
  sl_timer_init(&w->due, w);
  if (sl_timers_join(&c->due, &w->due)) return w;
  free(w);
  return NULL;
}

/* The engine's hook: something about this connection changed, or it is about to be closed. */
static void watch(sl_conn *conn, bool closing)
{
  sl_curlm *c = conn->multi->face;
  sl_watched *w = conn->face;
  if (!w && (closing || !sl_curlm_watching(c))) return;
  if (!w) {
    if (!(w = watched_new(c, conn))) {
      stop_all(conn);
      return;
    }
    conn->face = w;
  }
  if (conn->transfers) w->easy = sl_easy_from(conn->transfers);
  if (conn->life == SL_CONN_DRAINING) w->easy = sl_curlm_self(c); /* its own may be gone before it has ended (B11) */
  set_changed(c, w, !closing);
  if (!closing) return;
  while (w->socks) sock_drop(c, w->socks);
  set_lookup(c, w, false);
  set_unsettled(c, w, false);
  sl_timers_leave(&c->due, &w->due);
  conn->face = NULL;
  free(w);
}

void sl_curlm_watch(sl_curlm *c)
{
  c->engine->watch = watch;
  for (sl_conn *conn = c->engine->conns; conn; conn = conn->next) watch(conn, false);
}

/* Its connections are gone. */
void sl_curlm_unwatch(sl_curlm *c)
{
  sl_timers_free(&c->due);
  free(c->by_fd);
  c->by_fd = NULL;
  c->by_fd_cap = 0;
}

/* The clock. */

static int64_t earlier(int64_t a, int64_t b) { return a < b ? a : b; }

int64_t sl_curlm_next_us(const sl_curlm *c)
{
  int64_t next = earlier(sl_multi_next_us(c->engine), c->progress_us), due;
  sl_fd fds[SL_FDS_MAX];
  if (c->dead) return 0; /* X7 */
  const sl_timer *look_due = sl_timers_first(&c->due);
  if (look_due) next = earlier(next, look_due->min_us);
  /* Without a socket callback only whoever asks wants to know. */
  for (const sl_conn *conn = sl_curlm_watching(c) || !sl_fds_of ? NULL : c->engine->conns; conn; conn = conn->next)
    if (conn->life == SL_CONN_OPENING) {
      sl_fds_of(conn->ch, fds, SL_FDS_MAX, &due);
      next = earlier(next, due);
    }
  return next;
}

/* A dead multi's too: at once, or nobody would come and find all ended (X7). */
void sl_curlm_tell_timer(sl_curlm *c)
{
  if (!c->timer_fn) return;
  int64_t next = sl_curlm_next_us(c);
  if (next == c->told_us || (next == SL_NEVER && c->told_us == SL_TOLD_NOTHING)) return;
  c->told_us = next == SL_NEVER ? SL_TOLD_NOTHING : next;
  c->engine->in_watch++;
  c->engine->in_callback++;
  int answer = c->timer_fn(c, (long)sl_easy_wait_ms(c->engine, next), c->timer_data);
  c->engine->in_callback--;
  c->engine->in_watch--;
  if (answer == -1) sl_curlm_die(c);
}

/* Being told. */

void sl_curlm_look(sl_curlm *c, sl_watched *w)
{
  uint32_t events = sl_look(w->conn->ch);
  set_changed(c, w, true);
  if (events) sl_multi_event(c->engine, w->conn->ch, events);
}

/* Being asked. */

void sl_curlm_each_fd(const sl_curlm *c, bool (*call)(void *arg, int fd, uint32_t events), void *arg)
{
  sl_fd fds[SL_FDS_MAX];
  int64_t due;
  bool more = true, loop = sl_fds_of && c->engine->remotes;
  if (loop) more = call(arg, sl_loop_fd(c->loop), SL_IN); /* B1 */
  for (const sl_conn *conn = sl_fds_of ? c->engine->conns : NULL; conn && more; conn = conn->next) {
    uint32_t n = conn->life == SL_CONN_IDLE ? 0 : sl_fds_of(conn->ch, fds, SL_FDS_MAX, &due);
    for (uint32_t i = 0; i < n && more; i++) {
      bool is_loop = fds[i].fd == sl_loop_fd(c->loop);
      if (!is_loop || !loop) more = call(arg, fds[i].fd, fds[i].events);
      loop = loop || is_loop;
    }
  }
}

static bool found(void *arg, int fd, uint32_t events)
{
  (void)fd, (void)events;
  *(bool *)arg = true;
  return false;
}

bool sl_curlm_has_sockets(const sl_curlm *c)
{
  bool any = false;
  sl_curlm_each_fd(c, found, &any);
  return any;
}
