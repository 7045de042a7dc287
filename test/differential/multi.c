/* multi.c: the multi interface as scenes use it, polled and event driven; see scene.h. */
#include <poll.h>
#include <stdlib.h>
#include "scene.h"

#define STUCK_S 20

void say_multi(const char *what, CURLMcode code) { say("%s -> %d", what, (int)code); }

CURLM *multi_new(void)
{
  CURLM *multi = curl_multi_init();
  if (!multi) abort();
  return multi;
}

void multi_add(CURLM *multi, client *c) { say("%sadd -> %d", c->name, (int)curl_multi_add_handle(multi, c->easy)); }
void multi_remove(CURLM *multi, client *c) { say("%sremove -> %d", c->name, (int)curl_multi_remove_handle(multi, c->easy)); }

int multi_turn(CURLM *multi, int ms)
{
  int running = -1;
  CURLMcode code = curl_multi_perform(multi, &running);
  if (!code && running && ms) code = curl_multi_poll(multi, NULL, 0, ms, NULL);
  if (code) say_multi("turn", code);
  return running;
}

void multi_go(CURLM *multi, double seconds)
{
  double until = now() + seconds;
  int running;
  do running = multi_turn(multi, 50);
  while (running && now() < until);
  say("running %d", running);
}

void multi_until(CURLM *multi, client *c, bool (*what)(const client *c))
{
  double until = now() + STUCK_S;
  while (!what(c) && now() < until && multi_turn(multi, 50)) {}
  if (!what(c)) say("%sdid not come", c->name);
}

void multi_messages(CURLM *multi)
{
  int left = 0;
  CURLMsg *m;
  while ((m = curl_multi_info_read(multi, &left))) {
    client *c = NULL;
    curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&c);
    say("message %d, %d left", (int)m->msg, left);
    say_code(c, "result", m->data.result);
  }
}

void multi_finish(CURLM *multi)
{
  double until = now() + STUCK_S;
  int running;
  while ((running = multi_turn(multi, 200)) && now() < until) {}
  if (running) say("still running %d", running);
  multi_messages(multi);
}

void multi_cleanup(CURLM *multi) { say("cleanup -> %d", (int)curl_multi_cleanup(multi)); }

/* Event driven. */

static const char *const interests[] = { "none", "in", "out", "in and out", "remove" };

/* Once. */
static void try_pause(CURL **easy, const char *where)
{
  CURL *which = *easy;
  *easy = NULL;
  if (which) say("pause in %s callback -> %d", where, (int)curl_easy_pause(which, CURLPAUSE_CONT));
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *socketp)
{
  events *e = arg;
  int i = 0;
  (void)easy, (void)socketp;
  if (e->shows_sockets) say("socket %s", interests[what]);
  try_pause(&e->pause_in_socket, "socket");
  while (i < e->count && e->fds[i] != fd) i++;
  if (what == CURL_POLL_REMOVE) {
    if (i == e->count) return e->socket_answer;
    e->fds[i] = e->fds[--e->count];
    e->what[i] = e->what[e->count];
  } else {
    if (i == e->count) e->count++;
    e->fds[i] = fd;
    e->what[i] = what;
  }
  return e->socket_answer;
}

static int on_timer(CURLM *multi, long ms, void *arg)
{
  events *e = arg;
  (void)multi;
  if (e->shows_timer) say(ms < 0 ? "timer off" : ms ? "timer later" : "timer now");
  try_pause(&e->pause_in_timer, "timer");
  e->due = ms < 0 ? -1 : now() + (double)ms / 1000;
  return e->timer_answer;
}

events *events_new(void)
{
  events *e = calloc(1, sizeof *e);
  e->multi = multi_new();
  e->due = -1;
  curl_multi_setopt(e->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
  curl_multi_setopt(e->multi, CURLMOPT_SOCKETDATA, e);
  curl_multi_setopt(e->multi, CURLMOPT_TIMERFUNCTION, on_timer);
  curl_multi_setopt(e->multi, CURLMOPT_TIMERDATA, e);
  return e;
}

CURLMcode events_action(events *e, curl_socket_t fd, int mask)
{
  e->turns++;
  return curl_multi_socket_action(e->multi, fd, mask, &e->running);
}

static void events_turn(events *e, double until)
{
  struct pollfd fds[64];
  int n = e->count;
  double wait = until - now();
  if (e->due >= 0 && e->due - now() < wait) wait = e->due - now();
  for (int i = 0; i < n; i++)
    fds[i] = (struct pollfd){ .fd = e->fds[i], .events = (short)((e->what[i] & CURL_POLL_IN ? POLLIN : 0) |
                                                                 (e->what[i] & CURL_POLL_OUT ? POLLOUT : 0)) };
  poll(fds, (nfds_t)n, wait > 0 ? (int)(wait * 1000) + 1 : 0);
  for (int i = 0; i < n; i++) {
    int mask = (fds[i].revents & POLLIN ? CURL_CSELECT_IN : 0) | (fds[i].revents & POLLOUT ? CURL_CSELECT_OUT : 0) |
               (fds[i].revents & (POLLERR | POLLHUP) ? CURL_CSELECT_ERR : 0);
    CURLMcode code = mask ? events_action(e, fds[i].fd, mask) : CURLM_OK;
    if (code) say_multi("action", code);
  }
  if (e->due < 0 || e->due > now()) return;
  e->due = -1;
  CURLMcode code = events_action(e, CURL_SOCKET_TIMEOUT, 0);
  if (code) say_multi("timer action", code);
}

void events_go(events *e, double seconds)
{
  double until = now() + seconds;
  e->running = 1;
  while (e->running && now() < until) events_turn(e, until);
}

void events_finish(events *e)
{
  events_go(e, STUCK_S);
  if (e->running) say("still running %d", e->running);
  multi_messages(e->multi);
}

void events_free(events *e)
{
  multi_cleanup(e->multi);
  free(e);
}
