/* rate.c: MAX_RECV_SPEED and MAX_SEND_SPEED. */
#include "scene.h"

static client *limited(const char *path, long rate)
{
  client *c = client_new(path);
  c->quiet = true;
  curl_easy_setopt(c->easy, CURLOPT_MAX_RECV_SPEED_LARGE, (curl_off_t)rate);
  return c;
}

static void within(client *c, double least, double most)
{
  double from = now();
  say_code(c, "perform", curl_easy_perform(c->easy));
  say_within(from, least, most);
  client_total(c);
}

static void recv_known(void)
{
  if (!rates_hold()) return;
  client *c = limited("/l40000/b40000", 10000);
  within(c, 3.5, 5);
  client_free(c);
}

static void recv_chunked(void)
{
  if (!rates_hold()) return;
  client *c = limited("/k/b30000/e", 10000);
  within(c, 2.5, 4);
  client_free(c);
}

static void send_known(void)
{
  client *c = client_new("/u/l10/b10");
  c->quiet = true;
  client_upload(c, 400000, true);
  curl_easy_setopt(c->easy, CURLOPT_MAX_SEND_SPEED_LARGE, (curl_off_t)100000);
  within(c, 3, 5);
  say("peer got %zu", peer_seen().uploaded);
  client_free(c);
}

/* Waits call progress and the low speed limit too. */
static void progress(void)
{
  if (!rates_hold()) return;
  client *c = limited("/l30000/b30000", 10000);
  client_progress(c, false);
  within(c, 2.5, 4);
  say("progress calls: %s", c->calls[PROGRESS] > 3 ? "several" : "few");
  client_free(c);
}

static void low_speed(void)
{
  if (!rates_hold()) return;
  client *c = limited("/l40000/b40000", 5000);
  curl_easy_setopt(c->easy, CURLOPT_LOW_SPEED_LIMIT, 20000L);
  curl_easy_setopt(c->easy, CURLOPT_LOW_SPEED_TIME, 2L);
  double from = now();
  say_code(c, "perform", curl_easy_perform(c->easy));
  say_within(from, 1.9, 3.5);
  client_free(c);
}

/* The time paused earns nothing; the burst behind it is 32 KB. */
static void paused(void)
{
  if (!rates_hold()) return;
  CURLM *multi = multi_new();
  client *c = limited("/l100000/b100000", 10000);
  multi_add(multi, c);
  while (!c->written && multi_turn(multi, 50)) {}
  curl_easy_pause(c->easy, CURLPAUSE_RECV);
  for (double until = now() + 2; now() < until;) multi_turn(multi, 50);
  curl_easy_pause(c->easy, CURLPAUSE_CONT);
  for (double until = now() + 1.5; now() < until;) multi_turn(multi, 50);
  say("came at most a step, a burst and two steps: %s", c->written <= 32768 + 3 * 10000 ? "yes" : "no");
  multi_remove(multi, c);
  client_free(c);
  multi_cleanup(multi);
}

static long refuse_first(client *c, kind k, const char *data, size_t n)
{
  (void)data, (void)n;
  return k == WRITE && !c->count++ ? (long)CURL_WRITEFUNC_PAUSE : USUAL;
}

/* What is held comes at once. */
static void replayed(void)
{
  CURLM *multi = multi_new();
  client *c = limited("/l3000/b3000", 1000);
  c->hook = refuse_first;
  multi_add(multi, c);
  while (!c->count) multi_turn(multi, 50);
  double from = now();
  client_progress(c, false);
  multi_go(multi, 1);
  client_pause(c, CURLPAUSE_CONT);
  say("held came: %s", c->written ? "yes" : "no");
  multi_finish(multi);
  say("later than 4 s: %s", now() - from > 4.5 ? "yes" : "no");
  client_total(c);
  multi_remove(multi, c);
  client_free(c);
  multi_cleanup(multi);
}

static void tiny(void)
{
  if (!rates_hold()) return;
  client *c = limited("/l40/b40", 20);
  within(c, 2, 6);
  client_free(c);
}

static void changed(void)
{
  if (!rates_hold()) return;
  CURLM *multi = multi_new();
  client *c = limited("/l100000/b100000", 10000);
  double from = now();
  multi_add(multi, c);
  for (double until = now() + 3; now() < until && multi_turn(multi, 50);) {}
  curl_easy_setopt(c->easy, CURLOPT_MAX_RECV_SPEED_LARGE, (curl_off_t)0);
  multi_finish(multi);
  say_within(from, 2.9, 4.5);
  client_total(c);
  multi_remove(multi, c);
  client_free(c);
  multi_cleanup(multi);
}

const scene rate_scenes[] = {
  { "S1 receiving", recv_known },
  { "S1 receiving an unknown size", recv_chunked },
  { "S1 sending", send_known },
  { "S2 progress while waiting", progress },
  { "S2 L6 low speed while waiting", low_speed },
  { "S3 a pause earns nothing", paused },
  { "S4 B3 what is held comes at once", replayed },
  { "S5 F35 a tiny limit", tiny },
  { "S1 a limit taken off while running", changed },
  { NULL, NULL },
};
