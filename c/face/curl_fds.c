/* curl_fds.c: socket_action, assign, fdset and waitfds, for programs that watch descriptors themselves. What they are told
 * of is in curl_socket.c. */
#include <stdlib.h>
#include "../engine/multi.h"
#include "../host/posix_fds.h"
#include "curlm.h"
#include "curl_socket.h"

#pragma weak sl_look_loop

static void timer_came(sl_curlm *c)
{
  c->told_us = SL_TOLD_NOTHING; /* the program's timer is spent (F34) */
  if (c->progress_us <= sl_now_us(c->loop))
    c->progress_us = sl_curlm_owe_progress(c->engine) ? sl_now_us(c->loop) + SL_SECOND : SL_NEVER; /* B7 */
  for (sl_timer *t; (t = sl_timers_first(&c->due)) && t->min_us <= sl_now_us(c->loop);) {
    sl_timers_set(&c->due, t, SL_TIMER_RETRY, SL_NEVER); /* set anew when it is settled */
    sl_curlm_look(c, t->owner);
  }
}

static void socket_came(sl_curlm *c, sl_sock *s, int mask)
{
  if (!s->owner) {
    sl_look_loop(c->loop); /* F32: read; a wakeup is kept for poll */
    for (sl_watched *w = c->unsettled_first; w; w = w->unsettled_next)
      if (w->looks_up) sl_curlm_look(c, w);
    return;
  }
  sl_conn *conn = s->owner->conn;
  uint32_t events = (mask & CURL_CSELECT_IN ? SL_IN : 0) | (mask & CURL_CSELECT_OUT ? SL_OUT : 0);
  if (conn->life == SL_CONN_OPENING) sl_curlm_look(c, s->owner);
  else sl_multi_event(c->engine, conn->ch, events ? events : SL_IN | SL_OUT);
}

CURLMcode curl_multi_socket_action(CURLM *handle, curl_socket_t fd, int mask, int *running)
{
  sl_curlm *c = sl_curlm_of(handle);
  CURLMcode code = sl_curlm_check(c);
  if (code) return code;
  if (c->notifying) return CURLM_RECURSIVE_API_CALL;
  sl_sock *s = sl_curlm_sock(c, fd);
  if (fd == CURL_SOCKET_TIMEOUT) timer_came(c);
  else if (s) socket_came(c, s, mask);
  if (sl_curlm_watching(c)) sl_multi_run(c->engine);
  else sl_curlm_pump(c);
  code = sl_curlm_finish(c);
  if (running) *running = (int)c->engine->running;
  return code;
}

CURLMcode curl_multi_assign(CURLM *handle, curl_socket_t fd, void *socketp)
{
  sl_curlm *c = sl_curlm_of(handle);
  if (!c) return CURLM_BAD_HANDLE;
  sl_sock *s = sl_curlm_sock(c, fd);
  if (!s) return CURLM_BAD_SOCKET;
  s->socketp = socketp;
  return CURLM_OK;
}

struct sets { fd_set *in, *out; int max; };

static bool into_sets(void *arg, int fd, uint32_t events)
{
  struct sets *s = arg;
  if (fd >= FD_SETSIZE) return true; /* there is no place for it */
  if (events & SL_IN && s->in) FD_SET(fd, s->in);
  if (events & SL_OUT && s->out) FD_SET(fd, s->out);
  if (fd > s->max) s->max = fd;
  return true;
}

CURLMcode curl_multi_fdset(CURLM *handle, fd_set *in, fd_set *out, fd_set *except, int *max)
{
  sl_curlm *c = sl_curlm_of(handle);
  CURLMcode code = sl_curlm_check(c);
  struct sets sets = { .in = in, .out = out, .max = -1 };
  (void)except;
  if (code) return code;
  if (!max) return CURLM_BAD_FUNCTION_ARGUMENT;
  sl_curlm_each_fd(c, into_sets, &sets);
  *max = sets.max;
  return CURLM_OK;
}

struct list { struct curl_waitfd *fds; unsigned size, count; };

static bool into_list(void *arg, int fd, uint32_t events)
{
  struct list *l = arg;
  short wanted = (short)((events & SL_IN ? CURL_WAIT_POLLIN : 0) | (events & SL_OUT ? CURL_WAIT_POLLOUT : 0));
  if (l->count < l->size) l->fds[l->count] = (struct curl_waitfd){ .fd = fd, .events = wanted };
  l->count++;
  return true;
}

CURLMcode curl_multi_waitfds(CURLM *handle, struct curl_waitfd *fds, unsigned int size, unsigned int *count)
{
  sl_curlm *c = sl_curlm_of(handle);
  CURLMcode code = sl_curlm_check(c);
  struct list list = { .fds = fds, .size = size };
  if (code) return code;
  if (!fds && (size || !count)) return CURLM_BAD_FUNCTION_ARGUMENT;
  sl_curlm_each_fd(c, into_list, &list);
  if (count) *count = list.count;
  return fds && list.count > size ? CURLM_OUT_OF_MEMORY : CURLM_OK;
}

CURLMcode curl_multi_socket(CURLM *handle, curl_socket_t s, int *running) { return curl_multi_socket_action(handle, s, 0, running); }

CURLMcode curl_multi_socket_all(CURLM *handle, int *running) { return curl_multi_perform(handle, running); }
