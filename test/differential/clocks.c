/* clocks.c: TIMEOUT, CONNECTTIMEOUT and the low speed limit: SPEC section 5. */
#include "scene.h"

static bool at_1000(const client *c) { return c->written >= 1000; }

static bool at_30000(const client *c) { return c->written >= 30000; } /* what comes behind the pause would be a burst */

static void perform(const char *path, long ms)
{
  client *c = client_new(path);
  curl_easy_setopt(c->easy, CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt(c->easy, CURLOPT_TIMEOUT_MS, ms);
  client_perform(c);
  say("connections %u", peer_seen().connections);
  client_free(c);
}

static void known(void) { perform("/l2000/b1000/h", 1000); }
static void unknown(void) { perform("/c/b1000/h", 1000); }
static void unanswered(void) { perform("/h", 1000); }
static void over_redirects(void) { perform("/w500/to302/w500/to302/w500/to302/w500/l10/b10", 1200); }

static void connecting(long ms, long connect_ms)
{
  client *c = client_new("");
  client_port(c, peer_full(), "/");
  curl_easy_setopt(c->easy, CURLOPT_TIMEOUT_MS, ms);
  curl_easy_setopt(c->easy, CURLOPT_CONNECTTIMEOUT_MS, connect_ms);
  client_perform(c);
  client_free(c);
}

static void connect_timeout(void) { connecting(5000, 1000); }
static void connect_total(void) { connecting(1000, 5000); }
static void connect_default(void) { connecting(1000, 0); }

static void refused(void)
{
  client *c = client_new("");
  client_port(c, peer_refusing(), "/");
  say("code %d", (int)curl_easy_perform(c->easy));
  client_free(c);
}

static void paused_until(const char *path, long ms)
{
  CURLM *multi = multi_new();
  client *c = client_new(path);
  double from = now();
  curl_easy_setopt(c->easy, CURLOPT_TIMEOUT_MS, ms);
  multi_add(multi, c);
  multi_until(multi, c, at_1000);
  client_pause(c, CURLPAUSE_ALL);
  multi_finish(multi);
  say_time("time", from);
  client_total(c);
  multi_remove(multi, c);
  client_free(c);
  multi_cleanup(multi);
}

static void paused(void) { paused_until("/l2000/b1000/h", 1500); }

static long refuse(client *c, kind k, const char *data, size_t n)
{
  (void)c, (void)data, (void)n;
  return k == WRITE ? (long)CURL_WRITEFUNC_PAUSE : USUAL;
}

static void refused_until(void)
{
  client *c = client_new("/l1000/b1000");
  c->hook = refuse;
  curl_easy_setopt(c->easy, CURLOPT_TIMEOUT_MS, 1000L);
  client_perform(c);
  client_free(c);
}

/* The second waits for the first one's connection. */
static void pending(void)
{
  CURLM *multi = multi_new();
  client *a = client_new("/w2000/l10/b10"), *b = client_new("/l10/b10");
  a->name = "a ";
  b->name = "b ";
  double from = now();
  curl_multi_setopt(multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, 1L);
  curl_easy_setopt(b->easy, CURLOPT_TIMEOUT_MS, 800L);
  multi_add(multi, a);
  multi_turn(multi, 0);
  multi_add(multi, b);
  while (multi_turn(multi, 50) == 2) {}
  say_time("one ended", from);
  multi_finish(multi);
  multi_remove(multi, a);
  multi_remove(multi, b);
  client_free(a);
  client_free(b);
  multi_cleanup(multi);
}

static void changed_while_running(void)
{
  CURLM *multi = multi_new();
  client *c = client_new("/l2000/b1000/h");
  double from = now();
  multi_add(multi, c);
  multi_until(multi, c, at_1000);
  curl_easy_setopt(c->easy, CURLOPT_TIMEOUT_MS, 1200L);
  multi_finish(multi);
  say_time("time", from);
  multi_remove(multi, c);
  client_free(c);
  multi_cleanup(multi);
}

static void set(CURL *easy, const char *what, CURLoption option, long value)
{
  say("%s %ld -> %d", what, value, (int)curl_easy_setopt(easy, option, value));
}

static void set_big(CURL *easy, const char *what, CURLoption option, long value)
{
  say("%s %ld -> %d", what, value, (int)curl_easy_setopt(easy, option, (curl_off_t)value));
}

#define SET(option, value) set(c->easy, #option, CURLOPT_##option, value)
#define SET_BIG(option, value) set_big(c->easy, #option, CURLOPT_##option, value)

static void values(void)
{
  client *c = client_new("/l10/b10/h");
  SET(TIMEOUT, -1);
  SET(TIMEOUT_MS, -1);
  SET(CONNECTTIMEOUT, -1);
  SET(CONNECTTIMEOUT_MS, -1);
  SET(LOW_SPEED_LIMIT, -1);
  SET(LOW_SPEED_TIME, -1);
  SET(EXPECT_100_TIMEOUT_MS, -1);
  SET_BIG(MAX_RECV_SPEED_LARGE, -1);
  SET_BIG(MAX_SEND_SPEED_LARGE, -1);
  SET(TIMEOUT, LONG_MAX);
  SET(TIMEOUT_MS, LONG_MAX);
  SET(CONNECTTIMEOUT, LONG_MAX);
  SET(CONNECTTIMEOUT_MS, LONG_MAX);
  SET(LOW_SPEED_TIME, 70000);
  SET(EXPECT_100_TIMEOUT_MS, 70000);
  client_free(c);
}

static void last_set(void)
{
  client *c = client_new("/h");
  curl_easy_setopt(c->easy, CURLOPT_TIMEOUT_MS, 500L);
  curl_easy_setopt(c->easy, CURLOPT_TIMEOUT, 2L);
  client_perform(c);
  curl_easy_setopt(c->easy, CURLOPT_TIMEOUT_MS, 500L);
  client_perform(c);
  client_free(c);
}

/* Low speed. */

static client *slow(const char *path, long limit, long seconds)
{
  client *c = client_new(path);
  c->quiet = true;
  curl_easy_setopt(c->easy, CURLOPT_LOW_SPEED_LIMIT, limit);
  curl_easy_setopt(c->easy, CURLOPT_LOW_SPEED_TIME, seconds);
  return c;
}

static void low_speed(const char *path, long limit, long seconds)
{
  client *c = slow(path, limit, seconds);
  client_perform(c);
  client_free(c);
}

static void no_limit(void) { low_speed("/l2000/b1000/w2500/b1000", 0, 1); }
static void no_time(void) { low_speed("/l2000/b1000/w2500/b1000", 1000, 0); }
static void slow_from_start(void) { low_speed("/l2000/b1/h", 1000, 1); }
static void slow_answer(void) { low_speed("/h", 1000, 1); }

static void slow_burst(void)
{
  client *c = slow("/l60000/b30000/h", 1000, 2);
  double from = now();
  say_code(c, "perform", curl_easy_perform(c->easy));
  say_within(from, 6.5, 9);
  client_free(c);
}

static void fast_enough(void) { low_speed("/l4000/b1000/w700/b1000/w700/b1000/w700/b1000", 500, 1); }

static long pause_read(client *c, kind k, const char *data, size_t n)
{
  (void)data, (void)n;
  return k == READ && !c->count++ ? CURL_READFUNC_PAUSE : USUAL;
}

static void end(CURLM *multi, client *c)
{
  multi_finish(multi);
  client_total(c);
  multi_remove(multi, c);
  client_free(c);
  multi_cleanup(multi);
}

static void upload_paused(void)
{
  CURLM *multi = multi_new();
  client *c = slow("/u/l10/b10", 100000, 1);
  client_upload(c, 1000, true);
  c->hook = pause_read;
  multi_add(multi, c);
  multi_go(multi, 3.5);
  client_pause(c, CURLPAUSE_CONT);
  end(multi, c);
}

static void download_unpaused(void)
{
  CURLM *multi = multi_new();
  client *c = slow("/l60000/b30000/h", 1000, 2);
  double from = now();
  multi_add(multi, c);
  multi_until(multi, c, at_30000);
  client_pause(c, CURLPAUSE_RECV);
  multi_go(multi, 3);
  client_pause(c, CURLPAUSE_CONT);
  multi_finish(multi);
  say_within(from, 5.5, 9);
  end(multi, c);
}

const scene clock_scenes[] = {
  { "T5 TIMEOUT with a known length", known },
  { "T5 TIMEOUT with an unknown length", unknown },
  { "T5 TIMEOUT before an answer", unanswered },
  { "T5 T2 CONNECTTIMEOUT", connect_timeout },
  { "T5 T2 TIMEOUT while connecting", connect_total },
  { "T2 CONNECTTIMEOUT of 0 is the default", connect_default },
  { "T2 nobody listens", refused },
  { "T1 TIMEOUT while paused", paused },
  { "T1 TIMEOUT while the write callback refuses", refused_until },
  { "T2 T3 B7 TIMEOUT over redirects", over_redirects },
  { "T6 F29 TIMEOUT while waiting for a connection", pending },
  { "T2 TIMEOUT set while running", changed_while_running },
  { "T8 values", values },
  { "T8 the last one set counts", last_set },
  { "L1 without a limit", no_limit },
  { "L1 without a time", no_time },
  { "L3 L4 slow from the start", slow_from_start },
  { "L4 slow to answer", slow_answer },
  { "L4 L2 a burst postpones it", slow_burst },
  { "L3 fast enough", fast_enough },
  { "L5 F6 F7 not while the upload is paused", upload_paused },
  { "L5 forgotten by unpausing", download_unpaused },
  { NULL, NULL },
};
