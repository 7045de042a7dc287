/* event.c: driven by socket and timer callbacks: SPEC P8, P9, G3, X7. */
#include "scene.h"

static bool begun(const client *c) { return c->written > 0; }

/* Until its first part is there, and what came with it is over. */
static void until_begun(events *e, client *c)
{
  for (double until = now() + 10; !begun(c) && now() < until;) events_go(e, 0.05);
  events_go(e, 0.2);
}

static void end(events *e, client *c)
{
  client_total(c);
  multi_remove(e->multi, c);
  client_free(c);
  events_free(e);
}

static void announced(void)
{
  events *e = events_new();
  client *c = client_new("/l2000/b1000/w1200/b1000");
  multi_add(e->multi, c);
  until_begun(e, c);
  e->shows_sockets = true;
  client_pause(c, CURLPAUSE_RECV);
  events_go(e, 0.5);
  client_pause(c, CURLPAUSE_CONT);
  events_finish(e);
  end(e, c);
}

static void whole(void)
{
  events *e = events_new();
  client *c = client_new("/w300/l1000/b1000");
  e->shows_sockets = true;
  multi_add(e->multi, c);
  events_finish(e);
  end(e, c);
}

static void timer_told(void)
{
  events *e = events_new();
  client *c = client_new("/l2000/b1000/w1200/b1000");
  curl_easy_setopt(c->easy, CURLOPT_TIMEOUT, 0L);
  e->shows_timer = true;
  multi_add(e->multi, c);
  e->shows_timer = false;
  until_begun(e, c);
  client_pause(c, CURLPAUSE_RECV);
  events_go(e, 0.3);
  e->shows_timer = true;
  client_pause(c, CURLPAUSE_CONT);
  e->shows_timer = false;
  events_finish(e);
  end(e, c);
}

static void socket_fails_in_pause(void)
{
  events *e = events_new();
  client *c = client_new("/l2000/b1000/h");
  multi_add(e->multi, c);
  until_begun(e, c);
  e->socket_answer = -1;
  client_pause(c, CURLPAUSE_RECV);
  e->socket_answer = 0;
  events_finish(e);
  end(e, c);
}

static void say_timeout(CURLM *multi)
{
  long ms = -4711;
  CURLMcode code = curl_multi_timeout(multi, &ms);
  say("timeout -> %d: %s", (int)code, ms ? ms < 0 ? "none" : "later" : "at once");
}

/* The multi is dead until it is empty. */
static void dead(events *e, client *c)
{
  client *other = client_new("/l10/b10");
  other->name = "other ";
  say_timeout(e->multi);
  multi_messages(e->multi);
  multi_add(e->multi, other);
  multi_remove(e->multi, c);
  multi_add(e->multi, other);
  events_finish(e);
  multi_remove(e->multi, other);
  client_free(other);
  client_free(c);
  events_free(e);
}

static void socket_fails(void)
{
  events *e = events_new();
  client *c = client_new("/l10/b10");
  multi_add(e->multi, c);
  e->socket_answer = -1;
  CURLMcode code = CURLM_OK;
  for (int i = 0; i < 5 && !code; i++) code = events_action(e, CURL_SOCKET_TIMEOUT, 0);
  say_multi("action", code);
  e->socket_answer = 0;
  say_multi("next action", events_action(e, CURL_SOCKET_TIMEOUT, 0));
  dead(e, c);
}

static void timer_fails(void)
{
  events *e = events_new();
  client *c = client_new("/l10/b10");
  e->timer_answer = -1;
  say_multi("add", curl_multi_add_handle(e->multi, c->easy));
  e->timer_answer = 0;
  dead(e, c);
}

static void turns(void)
{
  events *e = events_new();
  client *c = client_new("/l2000/b1000/w300/b1000");
  multi_add(e->multi, c);
  until_begun(e, c);
  client_pause(c, CURLPAUSE_RECV);
  events_go(e, 0.3);
  unsigned before = e->turns;
  events_go(e, 2);
  say("turns in 2 s: %s", e->turns - before < 20 ? "few" : "many");
  client_pause(c, CURLPAUSE_CONT);
  events_finish(e);
  end(e, c);
}

static void limited(void)
{
  if (!rates_hold()) return;
  events *e = events_new();
  client *c = client_new("/l30000/b30000");
  c->quiet = true;
  curl_easy_setopt(c->easy, CURLOPT_MAX_RECV_SPEED_LARGE, (curl_off_t)10000);
  double from = now();
  multi_add(e->multi, c);
  events_finish(e);
  say_within(from, 2.5, 4);
  say("turns: %s", e->turns < 200 ? "few" : "many");
  end(e, c);
}

static long refuse_first(client *c, kind k, const char *data, size_t n)
{
  (void)data, (void)n;
  return k == WRITE && !c->count++ ? (long)CURL_WRITEFUNC_PAUSE : USUAL;
}

static void end_held(void)
{
  events *e = events_new();
  client *c = client_new("/l1000/b1000");
  c->hook = refuse_first;
  multi_add(e->multi, c);
  events_go(e, 0.6);
  say("running %d", e->running);
  client_pause(c, CURLPAUSE_CONT);
  events_finish(e);
  end(e, c);
}

static void times_out(void)
{
  events *e = events_new();
  client *c = client_new("/l2000/b1000/h");
  curl_easy_setopt(c->easy, CURLOPT_TIMEOUT_MS, 1200L);
  double from = now();
  multi_add(e->multi, c);
  until_begun(e, c);
  client_pause(c, CURLPAUSE_RECV);
  events_finish(e);
  say_time("time", from);
  end(e, c);
}

static void assigned(void)
{
  events *e = events_new();
  client *c = client_new("/l2000/b1000/w600/b1000");
  say_multi("assign of none", curl_multi_assign(e->multi, 9999, e));
  multi_add(e->multi, c);
  until_begun(e, c);
  say("sockets %d", e->count);
  if (e->count) say_multi("assign", curl_multi_assign(e->multi, e->fds[0], e));
  events_finish(e);
  end(e, c);
}

const scene event_scenes[] = {
  { "P9 pausing removes the socket", announced },
  { "P9 sockets of a transfer", whole },
  { "P8 X3 the timer callback is told", timer_told },
  { "P9 the socket callback fails in a pause", socket_fails_in_pause },
  { "X7 the socket callback fails", socket_fails },
  { "X7 the timer callback fails", timer_fails },
  { "K6 G3 paused does not turn", turns },
  { "S1 S5 rate limited by events", limited },
  { "W9 the end while paused, by events", end_held },
  { "T1 TIMEOUT while paused, by events", times_out },
  { "X6 assign", assigned },
  { NULL, NULL },
};
