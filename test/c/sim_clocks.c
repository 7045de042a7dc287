/* sim_clocks.c: section 5 of the specification on virtual time: every limit to the microsecond, over redirects, while
 * waiting for a connection, changed while it runs, zero and extreme. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "sim.h"
#include "support/check.h"
#include "engine/expiry.h"

#define MS 1000
#define CHANGES 8
#define T(x) ((x)->transfer)
#define O(x) ((x)->o)

/* What SIM_LOOK number n sets while it runs. */
static struct { int option; int64_t value; } change[CHANGES];
static uint32_t turns[2]; /* what SIM_LOOK CHANGES + n saw */

static bool woken[2];     /* ... and whether a clock will bring a run */

enum { SINK_BUSY = -2, SINK_FREE = -1 }; /* SIM_LOOK as well */

static void look(sim *s, sim_transfer *x, int64_t n)
{
  if (n < 0) {
    static int64_t since_us;
    if (n == SINK_BUSY) since_us = x->resumed_us - s->now_us;
    sim_pause(x, n == SINK_BUSY ? SL_DIR_RECV : 0, SL_BY_SINK);
    x->slow_us = x->resumed_us = s->now_us + since_us; /* no pause to the low-speed clock */
    return;
  }
  if (n >= CHANGES) {
    turns[n - CHANGES] = s->m->turns;
    woken[n - CHANGES] = sl_multi_next_us(s->m) != SL_NEVER;
    return;
  }
  x->speed_changed = true;
  CHECK_EQ(T8, sl_options_number(O(x), change[n].option, change[n].value), CURLE_OK);
  if (!x->running) return;
  sl_expiry_limits(T(x));
  sl_multi_run(s->m); /* a limit that has passed by now ends it now */
}

static void change_at(sim_transfer *x, int64_t at_us, int64_t n, int option, int64_t value)
{
  change[n].option = option;
  change[n].value = value;
  sim_at(x->sim, at_us, SIM_LOOK, x->number, n);
}

/* A GET of a body of so many bytes, that may take its time. Then options, then go(). */
static sim_transfer *begin(uint32_t body_len)
{
  sim *s = sim_new(1, 0);
  s->look = look;
  s->calm_us += 1000 * SL_SECOND;
  sim_transfer *x = sim_transfer_new(s);
  sim_respond(x, body_len);
  return x;
}

static sim_transfer *begin_upload(uint32_t n)
{
  sim_transfer *x = begin(100);
  sim_upload_body(x, n, true);
  x->up.expects = false;
  return x;
}

/* One more on the same engine. */
static sim_transfer *another(sim *s, uint32_t body_len)
{
  sim_transfer *x = sim_transfer_new(s);
  sim_respond(x, body_len);
  return x;
}

static void ready(sim_transfer *x, int64_t at_us)
{
  sim_transfer_ready(x);
  sim_at(x->sim, at_us, SIM_ADD, x->number, 0);
}

static void play(sim *s)
{
  sim_play(s);
  CHECK(simulator, !s->violated);
  if (s->violated) fprintf(stderr, "    %s\n", s->message);
}

/* Play it alone; microseconds from its start to its end, and nothing is left open. */
static int64_t go(sim_transfer *x)
{
  sim_transfer_ready(x);
  sim_at(x->sim, 0, SIM_ADD, 1, 0);
  play(x->sim);
  return x->done_us - x->start_us;
}

/* Whether it ended so; and it is gone. */
static bool was(sim_transfer *x, CURLcode code, const char *words)
{
  bool yes = x->code == code && (!words || !strcmp(T(x)->error, words));
  if (!yes) fprintf(stderr, "    %d: \"%s\"\n", (int)x->code, T(x)->error);
  sim_free(x->sim);
  return yes;
}

/* The server goes silent after `bytes` of body (-1: before the head). */
static void stall(sim_transfer *x, int64_t bytes)
{
  x->response.fault = SIM_FAULT_STALL;
  x->response.fault_at = bytes < 0 ? 0 : (uint32_t)x->response.heads.len + (uint32_t)bytes;
  x->may_hang = true;
}

static const char timeout_1500[] = "Operation timed out after 1500 milliseconds with 0 bytes received";

static void test_total(void)
{
  sim_transfer *x = begin(100000);
  stall(x, -1);
  sim_number(x, CURLOPT_TIMEOUT_MS, 1500);
  CHECK_EQ(T7, go(x), 1500 * MS); /* nothing left is expired: not one microsecond more */
  CHECK_EQ(T6, x->sim->channel_count, 0);
  CHECK(T5, was(x, CURLE_OPERATION_TIMEDOUT, timeout_1500));

  x = begin(100000);
  sim_number(x, CURLOPT_TIMEOUT, 2);
  x->refuse_at = 10000;
  CHECK_EQ(T1, go(x), 2000 * MS);
  CHECK(T5, x->delivered == 10000 && T(x)->received > 10000);
  char words[CURL_ERROR_SIZE];
  snprintf(words, sizeof words, "Operation timed out after 2000 milliseconds with %" PRIu64 " out of 100000 bytes received",
           T(x)->received);
  CHECK(T5, was(x, CURLE_OPERATION_TIMEDOUT, words));

  x = begin(100000); /* paused before it has a connection, and ever after */
  sim_number(x, CURLOPT_TIMEOUT_MS, 1500);
  x->sim->origins[0].open_delay_us = 1000;
  sim_at(x->sim, 500, SIM_PAUSE, 1, SL_DIR_BOTH);
  CHECK_EQ(T1, go(x), 1500 * MS);
  CHECK(T5, was(x, CURLE_OPERATION_TIMEDOUT, "Connection timed out after 1500 milliseconds"));

  x = begin_upload(50000);
  x->up.pause_at = 20000;
  sim_number(x, CURLOPT_TIMEOUT_MS, 1500);
  CHECK_EQ(T1, go(x), 1500 * MS);
  CHECK(T1, was(x, CURLE_OPERATION_TIMEDOUT, timeout_1500));

  x = begin(100); /* the end comes first */
  x->sim->origins[0].open_delay_us = 1500 * MS - 1;
  sim_number(x, CURLOPT_TIMEOUT_MS, 1500);
  CHECK_EQ(T7, go(x), 1500 * MS - 1);
  CHECK(T7, was(x, CURLE_OK, NULL));
}

static void test_connect_time(void)
{
  static const struct { int64_t total_ms, connect_ms, ends_ms; } cases[] = {
    { 0, 700, 700 }, { 500, 700, 500 }, { 700, 500, 500 }, { 900, 0, 900 }, { 0, 0, 300000 } };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    sim_transfer *x = begin(100);
    char words[CURL_ERROR_SIZE];
    x->may_hang = true;
    x->sim->origins[0].open_delay_us = SL_NEVER;
    sim_number(x, CURLOPT_TIMEOUT_MS, cases[i].total_ms);
    sim_number(x, CURLOPT_CONNECTTIMEOUT_MS, cases[i].connect_ms);
    CHECK_EQ(T2, go(x), cases[i].ends_ms * MS);
    CHECK_EQ(T6, x->sim->channel_count, 0);
    snprintf(words, sizeof words, "Connection timed out after %" PRId64 " milliseconds", cases[i].ends_ms);
    CHECK(T5, was(x, CURLE_OPERATION_TIMEDOUT, words));
  }
  sim_transfer *x = begin(100); /* it ends with the connection, and runs again for the next one only */
  stall(x, -1);
  x->sim->origins[0].open_delay_us = 400 * MS;
  sim_number(x, CURLOPT_CONNECTTIMEOUT_MS, 401);
  sim_at(x->sim, 9 * SL_SECOND, SIM_STOP, 1, 0);
  CHECK_EQ(T2, go(x), 9000 * MS);
  CHECK(T2, was(x, CURLE_ABORTED_BY_CALLBACK, NULL));
  x = begin(100); /* P10: paused, it is held up but not its limit */
  x->sim->origins[0].open_delay_us = 100 * MS;
  sim_number(x, CURLOPT_CONNECTTIMEOUT_MS, 900);
  sim_at(x->sim, 50 * MS, SIM_PAUSE, 1, SL_DIR_RECV);
  CHECK_EQ(P10, go(x), 900 * MS);
  CHECK(P10, was(x, CURLE_OPERATION_TIMEDOUT, "Connection timed out after 900 milliseconds"));
}

/* Two redirects and the answer. Each on a connection of its own, which takes delay_us to be made (the body is too
 * large to be read out); or all on one, each answered within delay_us, the last one never. */
static sim_transfer *begin_hops(int64_t delay_us, bool own)
{
  sim_transfer *x = begin(100);
  x->follow = true;
  sim_redirect(x, 302, "/1.1", own ? 100000 : 10);
  sim_redirect(x, 302, "/1.2", own ? 100000 : 10);
  if (own) {
    x->sim->origins[0].open_delay_us = delay_us;
    return x;
  }
  x->redirects[0].think_us = x->redirects[1].think_us = delay_us;
  stall(x, -1);
  return x;
}

static void test_hops(void)
{
  static const int64_t limits_ms[] = { 399, 400, 401, 799, 800, 1000, 1200 };
  for (size_t i = 0; i < sizeof limits_ms / sizeof *limits_ms; i++)
    for (int own = 0; own < 2; own++) {
      sim_transfer *x = begin_hops(400 * MS, own);
      sim_number(x, CURLOPT_TIMEOUT_MS, limits_ms[i]);
      CHECK_EQ(T3, go(x), limits_ms[i] * MS);
      CHECK_EQ(B7, T(x)->redirects, own ? (limits_ms[i] > 400) + (limits_ms[i] > 800) : T(x)->redirects);
      CHECK_EQ(T6, x->sim->channel_count, 0);
      CHECK(T2, was(x, CURLE_OPERATION_TIMEDOUT, NULL));
    }
  sim_transfer *x = begin_hops(400 * MS, true);
  sim_number(x, CURLOPT_TIMEOUT_MS, 1201);
  sim_number(x, CURLOPT_CONNECTTIMEOUT_MS, 401); /* each request has the whole of it */
  CHECK_EQ(T2, go(x), 1200 * MS);
  CHECK(T2, was(x, CURLE_OK, NULL));
  x = begin_hops(500 * MS, true);
  sim_number(x, CURLOPT_CONNECTTIMEOUT_MS, 501);
  sim_number(x, CURLOPT_TIMEOUT_MS, 1200); /* the smaller time left */
  CHECK_EQ(T2, go(x), 1200 * MS);
  CHECK(T2, was(x, CURLE_OPERATION_TIMEDOUT, NULL));

  x = begin_hops(1500 * MS, true); /* the other limits begin anew with each request */
  sim_number(x, CURLOPT_LOW_SPEED_LIMIT, 1000);
  sim_number(x, CURLOPT_LOW_SPEED_TIME, 2);
  CHECK_EQ(L3, go(x), 4500 * MS);
  CHECK(L3, was(x, CURLE_OK, NULL));
  x = begin_hops(2 * SL_SECOND, true);
  sim_number(x, CURLOPT_LOW_SPEED_LIMIT, 1000);
  sim_number(x, CURLOPT_LOW_SPEED_TIME, 2);
  CHECK_EQ(B16, go(x), 6000 * MS); /* each takes as long to connect, and that is no speed */
  CHECK(B16, was(x, CURLE_OK, NULL));
  x = begin_hops(1400 * MS, false);
  sim_number(x, SLUICEOPT_SILENCE_TIMEOUT_MS, 1500);
  int64_t took = go(x), asked = T(x)->posted_us - x->start_us;
  CHECK(B9, T(x)->redirects == 2 && asked > 0);
  CHECK_EQ(B9, took, asked + 1500 * MS);
  CHECK(B9, was(x, CURLE_OPERATION_TIMEDOUT, "Peer silent for 1500 milliseconds"));
}

static void test_pending(void)
{
  static const struct { int option; const char *words; } cases[] = {
    { CURLOPT_TIMEOUT_MS, "Operation timed out after 300 milliseconds with 0 bytes received" },
    { CURLOPT_CONNECTTIMEOUT_MS, "Connection timed out after 300 milliseconds" } };
  for (int i = 0; i < 4; i++) { /* over our own limit, and over the host's */
    sim_transfer *first = begin(100);
    sim *s = first->sim;
    stall(first, 10);
    sim_number(first, CURLOPT_TIMEOUT_MS, 2000);
    ready(first, 0);
    sim_transfer *x = another(s, 100);
    sim_number(x, cases[i & 1].option, 300);
    ready(x, 100 * MS);
    if (i & 2) s->channels_max = 1;
    else s->m->max_connections = 1;
    play(s);
    CHECK_EQ(F28, x->done_us - x->start_us, 300 * MS); /* whatever is tried meanwhile */
    CHECK_EQ(F29, x->code, CURLE_OPERATION_TIMEDOUT);
    CHECK(T6, !strcmp(T(x)->error, cases[i & 1].words));
    CHECK_EQ(T6, first->done_us - first->start_us, 2000 * MS);
    sim_free(s);
  }
}

static sim *opened;

/* The host has room again, and tells nobody. */
static void more_room(sim *s, sim_transfer *x, int64_t n)
{
  (void)x, (void)n;
  opened = s;
  s->channels_max = 0;
}

static void test_retry(void)
{
  sim_transfer *first = begin(100);
  sim *s = first->sim;
  stall(first, 10);
  ready(first, 0);
  sim_transfer *x = another(s, 100);
  ready(x, 0);
  s->channels_max = 1;
  s->look = more_room;
  sim_at(s, 5 * SL_SECOND, SIM_LOOK, 1, 0);
  sim_at(s, 20 * SL_SECOND, SIM_STOP, 1, 0);
  play(s);
  int64_t took = x->done_us - x->start_us;
  CHECK(F43, opened == s && took >= 5 * SL_SECOND && took <= 5 * SL_SECOND + SL_BUSY_RETRY_US);
  CHECK_EQ(F43, x->code, CURLE_OK);
  sim_free(s);
}

static void test_low_speed(void)
{
  for (int zero = 0; zero < 3; zero++) {
    sim_transfer *x = begin(1000);
    stall(x, 10);
    sim_number(x, CURLOPT_LOW_SPEED_LIMIT, zero & 1 ? 0 : 1000);
    sim_number(x, CURLOPT_LOW_SPEED_TIME, zero & 2 ? 0 : 1);
    sim_number(x, CURLOPT_TIMEOUT_MS, 20000);
    CHECK_EQ(L1, go(x), zero ? 20000 * MS : 1000 * MS);
    CHECK(L3, was(x, CURLE_OPERATION_TIMEDOUT, zero ? "Operation timed out after 20000 milliseconds with 10 out of 1000 bytes received"
                        : "Operation too slow. Less than 1000 bytes/sec transferred the last 1 seconds"));
  }
  sim_transfer *x = begin(100000);
  stall(x, 30000);
  sim_number(x, CURLOPT_LOW_SPEED_LIMIT, 1000);
  sim_number(x, CURLOPT_LOW_SPEED_TIME, 2);
  CHECK_EQ(L4, go(x), 8000 * MS);
  sim_free(x->sim);

  for (int way = 0; way < 2; way++) { /* down and up are added; a byte a second less is too slow */
    x = begin_upload(40000);
    sim_number(x, CURLOPT_MAX_SEND_SPEED_LARGE, 4000);
    sim_number(x, CURLOPT_LOW_SPEED_LIMIT, way ? 4500 : 3000);
    sim_number(x, CURLOPT_LOW_SPEED_TIME, 3);
    int64_t took = go(x);
    CHECK(L2, way ? took < 6 * SL_SECOND : took > 8 * SL_SECOND);
    CHECK(L2, was(x, way ? CURLE_OPERATION_TIMEDOUT : CURLE_OK, NULL));
  }

  x = begin(100000); /* slow because of its own rate: that is slow as well */
  sim_number(x, CURLOPT_MAX_RECV_SPEED_LARGE, 100);
  sim_number(x, CURLOPT_LOW_SPEED_LIMIT, 1000);
  sim_number(x, CURLOPT_LOW_SPEED_TIME, 2);
  CHECK_EQ(L6, go(x), 2000 * MS);
  CHECK(L6, was(x, CURLE_OPERATION_TIMEDOUT, "Operation too slow. Less than 1000 bytes/sec transferred the last 2 seconds"));

  x = begin(200000); /* one direction paused, the other waits */
  stall(x, -1);
  sim_at(x->sim, 4 * SL_SECOND, SIM_STOP, 1, 0);
  sim_number(x, CURLOPT_LOW_SPEED_LIMIT, 1000);
  sim_number(x, CURLOPT_LOW_SPEED_TIME, 1);
  sim_at(x->sim, 500 * MS, SIM_PAUSE, 1, SL_DIR_SEND);
  CHECK_EQ(L5, go(x), 4000 * MS);
  CHECK(L5, was(x, CURLE_ABORTED_BY_CALLBACK, NULL));

  x = begin(100000); /* any unpause begins it anew */
  stall(x, 10);
  sim_number(x, CURLOPT_LOW_SPEED_LIMIT, 1000);
  sim_number(x, CURLOPT_LOW_SPEED_TIME, 2);
  for (int i = 1; i < 10; i++) {
    sim_at(x->sim, i * SL_SECOND, SIM_PAUSE, 1, i & 1 ? SL_DIR_SEND : SL_DIR_RECV);
    sim_at(x->sim, i * SL_SECOND + 100 * MS, SIM_RESUME, 1, 0);
  }
  int64_t took = go(x);
  CHECK(L5, took >= 11100 * MS && took <= 12100 * MS);
  CHECK(L5, was(x, CURLE_OPERATION_TIMEDOUT, NULL));
}

static void test_rates(void)
{
  for (int up = 0; up < 2; up++) {
    sim_transfer *x = up ? begin_upload(40000) : begin(40000);
    sim_number(x, up ? CURLOPT_MAX_SEND_SPEED_LARGE : CURLOPT_MAX_RECV_SPEED_LARGE, 10000);
    sim_at(x->sim, 10 * SL_SECOND, SIM_READD, 1, 0); /* the next start owes and saves nothing */
    CHECK_EQ(F36, go(x), 3960 * MS);
    CHECK(F36, x->starts == 2 && x->start_us == SIM_EPOCH_US + 10 * SL_SECOND);
    CHECK(S1, was(x, CURLE_OK, NULL));
  }
  sim_transfer *x = begin(400000); /* S2: it waits for the next step, and only for it */
  sim_number(x, CURLOPT_MAX_RECV_SPEED_LARGE, 10000);
  sim_at(x->sim, 5 * SL_SECOND + 1, SIM_LOOK, 1, CHANGES);
  sim_at(x->sim, 15 * SL_SECOND + 1, SIM_LOOK, 1, CHANGES + 1);
  go(x);
  CHECK(S2, turns[1] - turns[0] >= 9 && turns[1] - turns[0] <= 33);
  CHECK(S2, was(x, CURLE_OK, NULL));

  x = begin(400000); /* a pause of 100 s earns one burst of 32 KiB and no more */
  sim_number(x, CURLOPT_MAX_RECV_SPEED_LARGE, 10000);
  sim_at(x->sim, 1500 * MS, SIM_PAUSE, 1, SL_DIR_RECV);
  sim_at(x->sim, 101500 * MS, SIM_RESUME, 1, 0);
  int64_t took = go(x) - 100 * SL_SECOND;
  CHECK(S3, took >= 36 * SL_SECOND && took <= 40 * SL_SECOND);
  CHECK(S4, was(x, CURLE_OK, NULL));

  x = begin(30); /* the least there is */
  sim_number(x, CURLOPT_MAX_RECV_SPEED_LARGE, 1);
  sim_at(x->sim, SL_SECOND, SIM_LOOK, 1, CHANGES);
  sim_at(x->sim, 21 * SL_SECOND, SIM_LOOK, 1, CHANGES + 1);
  took = go(x);
  CHECK(S5, took <= 300 * SL_SECOND && turns[1] - turns[0] <= 60);
  CHECK(F35, was(x, CURLE_OK, NULL));

  x = begin_upload(30);
  sim_number(x, CURLOPT_MAX_SEND_SPEED_LARGE, 1);
  took = go(x);
  CHECK(S5, took >= 28 * SL_SECOND && took <= 31 * SL_SECOND);
  CHECK(F35, was(x, CURLE_OK, NULL));

  x = begin(1000000); /* and the largest */
  sim_number(x, CURLOPT_MAX_RECV_SPEED_LARGE, INT64_MAX);
  x->speed_changed = true; /* more than the simulator can reckon with */
  sim_number(x, CURLOPT_TIMEOUT_MS, INT64_MAX);
  sim_number(x, CURLOPT_CONNECTTIMEOUT_MS, INT64_MAX);
  sim_number(x, CURLOPT_LOW_SPEED_TIME, INT64_MAX);
  sim_number(x, SLUICEOPT_SILENCE_TIMEOUT_MS, INT64_MAX);
  sim_number(x, SLUICEOPT_PAUSED_TIMEOUT_MS, INT64_MAX);
  x->sim->origins[0].open_delay_us = 200 * SL_SECOND;
  CHECK_EQ(T8, go(x), 200 * SL_SECOND);
  CHECK(T8, was(x, CURLE_OK, NULL));
}

static void test_paused_and_silent(void)
{
  sim_transfer *x = begin(100000);
  sim_number(x, SLUICEOPT_PAUSED_TIMEOUT_MS, 2000);
  x->refuse_at = 20000;
  CHECK_EQ(B9, go(x), 2000 * MS);
  CHECK(B9, was(x, CURLE_OPERATION_TIMEDOUT, "Paused for 2000 milliseconds"));
  x = begin(100000); /* each pause has the whole time */
  sim_number(x, SLUICEOPT_PAUSED_TIMEOUT_MS, 2000);
  stall(x, 100);
  for (int i = 0; i < 4; i++) {
    sim_at(x->sim, i * 2500 * MS + 1, SIM_PAUSE, 1, SL_DIR_RECV);
    sim_at(x->sim, i * 2500 * MS + 1999 * MS, SIM_RESUME, 1, 0);
  }
  sim_at(x->sim, 20 * SL_SECOND, SIM_PAUSE, 1, SL_DIR_SEND);
  CHECK_EQ(B9, go(x), 22000 * MS);
  CHECK(B9, was(x, CURLE_OPERATION_TIMEDOUT, "Paused for 2000 milliseconds"));

  static const int64_t places[] = { -1, 100 };
  for (int i = 0; i < 2; i++) {
    x = begin(100000);
    sim_number(x, SLUICEOPT_SILENCE_TIMEOUT_MS, 3000);
    stall(x, places[i]);
    CHECK_EQ(B9, go(x), 3000 * MS);
    CHECK(B9, was(x, CURLE_OPERATION_TIMEDOUT, "Peer silent for 3000 milliseconds"));
  }
  x = begin(100000); /* what the other direction does is not the peer's word */
  sim_number(x, SLUICEOPT_SILENCE_TIMEOUT_MS, 3000);
  stall(x, 100);
  for (int i = 1; i < 5; i++) {
    sim_at(x->sim, i * SL_SECOND, SIM_PAUSE, 1, SL_DIR_SEND);
    sim_at(x->sim, i * SL_SECOND + 1, SIM_RESUME, 1, 0);
  }
  CHECK_EQ(B9, go(x), 3000 * MS);
  sim_free(x->sim);
  x = begin_upload(40000); /* the peer owes nothing before the request is whole */
  sim_number(x, SLUICEOPT_SILENCE_TIMEOUT_MS, 1000);
  sim_number(x, CURLOPT_MAX_SEND_SPEED_LARGE, 10000);
  CHECK_EQ(B9, go(x), 3960 * MS);
  CHECK(B9, was(x, CURLE_OK, NULL));
  x = begin(40000); /* nobody is silent to whom nobody listens: a rate leaves a second between two receives */
  sim_number(x, SLUICEOPT_SILENCE_TIMEOUT_MS, 400);
  sim_number(x, CURLOPT_MAX_RECV_SPEED_LARGE, 1000);
  int64_t took = go(x);
  CHECK(B9, took > 38 * SL_SECOND);
  CHECK(B9, was(x, CURLE_OK, NULL));
  x = begin(10000); /* ... but to whom it listens: from when there were tokens again */
  stall(x, 2200 - (int64_t)x->response.heads.len);
  sim_number(x, SLUICEOPT_SILENCE_TIMEOUT_MS, 400);
  sim_number(x, CURLOPT_MAX_RECV_SPEED_LARGE, 1000);
  took = go(x);
  CHECK_EQ(B9, took, 2600 * MS); /* steps of 1100 bytes in 1.1 s: tokens at 2.2 s, nothing comes */
  CHECK(B9, was(x, CURLE_OPERATION_TIMEDOUT, "Peer silent for 400 milliseconds"));
}

/* Each limit set or changed while it runs, as setopt and limits() do. */
static void test_changes(void)
{
  static const struct { int64_t first, then, ends_ms; } total[] = {
    { 0, 1500, 1500 }, { 5000, 1500, 1500 }, { 5000, 400, 1000 }, { 1200, 3000, 3000 }, { 1200, 0, 20000 } };
  for (size_t i = 0; i < sizeof total / sizeof *total; i++)
    for (int connecting = 0; connecting < 2; connecting++) {
      sim_transfer *x = begin(1000);
      int option = connecting ? CURLOPT_CONNECTTIMEOUT_MS : CURLOPT_TIMEOUT_MS;
      if (connecting) x->sim->origins[0].open_delay_us = SL_NEVER;
      stall(x, 10);
      sim_number(x, option, total[i].first);
      change_at(x, 1000 * MS, 0, option, total[i].then);
      sim_at(x->sim, 20 * SL_SECOND, SIM_STOP, 1, 0);
      CHECK_EQ(T8, go(x), total[i].ends_ms * MS);
      CHECK(T8, was(x, total[i].then ? CURLE_OPERATION_TIMEDOUT : CURLE_ABORTED_BY_CALLBACK, NULL));
    }

  sim_transfer *x = begin(1000); /* slow for five seconds before anybody cared */
  stall(x, 10);
  sim_number(x, CURLOPT_LOW_SPEED_LIMIT, 1000);
  change_at(x, 5 * SL_SECOND, 0, CURLOPT_LOW_SPEED_TIME, 2);
  CHECK_EQ(L3, go(x), 7000 * MS);
  sim_free(x->sim);
  x = begin(1000);
  stall(x, 10);
  sim_number(x, CURLOPT_LOW_SPEED_LIMIT, 1000);
  sim_number(x, CURLOPT_LOW_SPEED_TIME, 2);
  change_at(x, 1900 * MS, 0, CURLOPT_LOW_SPEED_LIMIT, 0);
  sim_at(x->sim, 20 * SL_SECOND, SIM_STOP, 1, 0);
  CHECK_EQ(L1, go(x), 20000 * MS);
  sim_free(x->sim);

  x = begin(400000); /* a rate lifted, both ways; one lowered to a thousandth and lifted again */
  sim_number(x, CURLOPT_MAX_RECV_SPEED_LARGE, 10000);
  change_at(x, 2500 * MS, 0, CURLOPT_MAX_RECV_SPEED_LARGE, 0);
  CHECK_EQ(S1, go(x), 2500 * MS);
  CHECK(S1, was(x, CURLE_OK, NULL));
  x = begin_upload(400000);
  sim_number(x, CURLOPT_MAX_SEND_SPEED_LARGE, 10000);
  change_at(x, 2500 * MS, 0, CURLOPT_MAX_SEND_SPEED_LARGE, 0);
  int64_t upload_us = go(x); /* its server takes it in pieces */
  CHECK(S1, upload_us >= 2500 * MS && upload_us < 3000 * MS);
  CHECK(S1, was(x, CURLE_OK, NULL));
  x = begin(400000);
  sim_number(x, CURLOPT_MAX_RECV_SPEED_LARGE, 100000);
  change_at(x, 500 * MS, 0, CURLOPT_MAX_RECV_SPEED_LARGE, 100);
  change_at(x, 10 * SL_SECOND, 1, CURLOPT_MAX_RECV_SPEED_LARGE, 0);
  CHECK_EQ(S1, go(x), 10000 * MS);
  CHECK(S1, was(x, CURLE_OK, NULL));

  x = begin(1000); /* it has been paused, or silent, for longer than that already */
  x->refuse_at = 10;
  change_at(x, 3000 * MS, 0, SLUICEOPT_PAUSED_TIMEOUT_MS, 2000);
  CHECK_EQ(B9, go(x), 3000 * MS);
  sim_free(x->sim);
  x = begin(1000);
  stall(x, 10);
  change_at(x, 3000 * MS, 0, SLUICEOPT_SILENCE_TIMEOUT_MS, 2000);
  CHECK_EQ(B9, go(x), 3000 * MS);
  sim_free(x->sim);
  x = begin(1000); /* another limit that changes every second is no word of the peer, nor an end of the pause */
  stall(x, 10);
  sim_number(x, SLUICEOPT_SILENCE_TIMEOUT_MS, 3000);
  for (int i = 0; i < CHANGES; i++) change_at(x, i * SL_SECOND, i, CURLOPT_TIMEOUT_MS, 60000 + i);
  CHECK_EQ(B9, go(x), 3000 * MS);
  CHECK(B9, was(x, CURLE_OPERATION_TIMEDOUT, "Peer silent for 3000 milliseconds"));
  x = begin(1000);
  x->refuse_at = 10;
  sim_number(x, SLUICEOPT_PAUSED_TIMEOUT_MS, 3000);
  for (int i = 0; i < CHANGES; i++) change_at(x, i * SL_SECOND, i, CURLOPT_MAX_RECV_SPEED_LARGE, 1000 * i);
  CHECK_EQ(B9, go(x), 3000 * MS);
  CHECK(B9, was(x, CURLE_OPERATION_TIMEDOUT, "Paused for 3000 milliseconds"));
}

/* A sink that is busy: that time does not count, were the limit changed within. */
static void test_busy_sink(void)
{
  for (int changed = 0; changed < 2; changed++) {
    sim_transfer *x = begin(1000);
    stall(x, 10);
    sim_number(x, CURLOPT_LOW_SPEED_LIMIT, 1000);
    sim_number(x, CURLOPT_LOW_SPEED_TIME, 3);
    sim_at(x->sim, 500 * MS, SIM_LOOK, 1, SINK_BUSY);
    if (changed) change_at(x, 8500 * MS, 0, CURLOPT_LOW_SPEED_TIME, 2);
    sim_at(x->sim, 10500 * MS, SIM_LOOK, 1, SINK_FREE);
    CHECK_EQ(L5, go(x), changed ? 12500 * MS : 13000 * MS); /* slow from where it is free again, or since the start */
    CHECK(L5, was(x, CURLE_OPERATION_TIMEDOUT, NULL));
  }
}

/* Paused or held back, nothing is done until a deadline comes. */
static void test_quiet(void)
{
  for (int way = 0; way < 4; way++) {
    sim_transfer *x = begin(1000000);
    x->response.seg_max = 100;
    x->response.delay_us = 200;
    sim_number(x, CURLOPT_TIMEOUT_MS, 3600000);
    sim_number(x, SLUICEOPT_SILENCE_TIMEOUT_MS, 10000);
    sim_number(x, SLUICEOPT_PAUSED_TIMEOUT_MS, 3600000);
    sim_number(x, CURLOPT_LOW_SPEED_LIMIT, 1);
    sim_number(x, CURLOPT_LOW_SPEED_TIME, 100);
    if (way < 2) sim_at(x->sim, 1, SIM_PAUSE, 1, way ? SL_DIR_BOTH : SL_DIR_RECV);
    if (way == 2) x->refuse_at = 1000;
    if (way == 3) stall(x, 10);
    if (way == 3) sim_number(x, SLUICEOPT_SILENCE_TIMEOUT_MS, 3600000);
    sim_at(x->sim, SL_SECOND, SIM_LOOK, 1, CHANGES);
    sim_at(x->sim, 61 * SL_SECOND, SIM_LOOK, 1, CHANGES + 1);
    sim_at(x->sim, 61 * SL_SECOND, SIM_STOP, 1, 0);
    CHECK_EQ(F2, go(x), 61 * SL_SECOND);
    CHECK_EQ(K6, turns[1] - turns[0], 0);
    CHECK(F4, was(x, CURLE_ABORTED_BY_CALLBACK, NULL));
  }
  sim_transfer *x = begin(1000000); /* nor is there a deadline that a pause has put off */
  sim_number(x, SLUICEOPT_SILENCE_TIMEOUT_MS, 10000);
  sim_number(x, CURLOPT_LOW_SPEED_LIMIT, 1);
  sim_number(x, CURLOPT_LOW_SPEED_TIME, 1);
  sim_number(x, CURLOPT_MAX_RECV_SPEED_LARGE, 1000);
  sim_at(x->sim, 500 * MS, SIM_PAUSE, 1, SL_DIR_RECV);
  sim_at(x->sim, 600 * MS, SIM_LOOK, 1, CHANGES);
  sim_at(x->sim, SL_SECOND, SIM_STOP, 1, 0);
  CHECK_EQ(K6, go(x), SL_SECOND);
  CHECK(K6, !woken[0] && was(x, CURLE_ABORTED_BY_CALLBACK, NULL));
}

/* T2: added, but not run yet, with limits set meanwhile: nothing counts before the first run. */
static void test_before_the_first_run(void)
{
  sim_transfer *x = begin(1000);
  sim *s = x->sim;
  sim_transfer_ready(x);
  sim_add(s, x);
  sim_number(x, CURLOPT_LOW_SPEED_LIMIT, 1000);
  sim_number(x, CURLOPT_LOW_SPEED_TIME, 2);
  sim_number(x, CURLOPT_TIMEOUT_MS, 5000);
  sim_number(x, CURLOPT_MAX_RECV_SPEED_LARGE, 100000);
  sl_expiry_limits(T(x));
  s->now_us += 10 * SL_SECOND;
  x->start_us = x->slow_us = x->limits_us = s->now_us;
  play(s);
  CHECK(T2, was(x, CURLE_OK, NULL));
}

int main(void)
{
  test_total();
  test_connect_time();
  test_hops();
  test_pending();
  test_retry();
  test_low_speed();
  test_rates();
  test_paused_and_silent();
  test_changes();
  test_busy_sink();
  test_quiet();
  test_before_the_first_run();
  return check_result();
}
