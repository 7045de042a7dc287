/* sim_limits.c: limits that change while a transfer runs, on virtual time: each takes effect at once, zero lifts it, the
 * largest value is taken, and one that is changed leaves the clocks of the others alone. */
#include <limits.h>
#include <string.h>
#include "sim.h"
#include "support/check.h"
#include "engine/expiry.h"

#define MS 1000 /* microseconds */
#define CHANGES_MAX 6

typedef struct { int64_t at_ms; int option; int64_t value; } change;

static const change *changes;
static uint32_t delivered[CHANGES_MAX]; /* just before a change */

static void make(sim *s, sim_transfer *x, int64_t i)
{
  delivered[i] = x->delivered;
  sim_number(x, changes[i].option, changes[i].value);
  if (changes[i].option == CURLOPT_LOW_SPEED_LIMIT || changes[i].option == CURLOPT_LOW_SPEED_TIME) x->slow_us = s->now_us;
  sl_expiry_limits(&x->t);
  sl_multi_run(s->m);
}

/* A transfer of 100000 bytes; changes at 0 are made before it starts. */
static sim_transfer *begin(const change *list)
{
  sim *s = sim_new(1, 0);
  sim_transfer *x = sim_transfer_new(s);
  s->look = make;
  s->calm_us += 1000 * SL_SECOND;
  changes = list;
  sim_respond(x, 100000);
  for (int i = 0; i < CHANGES_MAX && list[i].option; i++) {
    if (list[i].at_ms) sim_at(s, list[i].at_ms * MS, SIM_LOOK, 1, i);
    else sim_number(x, list[i].option, list[i].value);
  }
  sim_at(s, 0, SIM_ADD, 1, 0);
  return x;
}

/* The code, and the time of its end in milliseconds. */
static void expect(sim_transfer *x, CURLcode code, int64_t ms)
{
  sim_transfer_ready(x);
  x->speed_changed = x->send_speed_changed = true; /* the simulator's own bound knows one rate only */
  CHECK(T8, sim_play(x->sim));
  if (x->sim->violated) fprintf(stderr, "%s\n", x->sim->message);
  CHECK_EQ(T8, x->code, code);
  CHECK_EQ(B7, (x->done_us - x->start_us) / MS, ms);
  sim_free(x->sim);
}

/* The server says nothing more behind so many bytes of the body. */
static sim_transfer *stalled(const change *list, uint32_t bytes)
{
  sim_transfer *x = begin(list);
  x->response.fault = SIM_FAULT_STALL;
  x->response.fault_at = (uint32_t)x->response.heads.len + bytes;
  x->may_hang = true;
  return x;
}

static void test_total(void)
{
  static const struct { change list[CHANGES_MAX]; int64_t ms; } cases[] = {
    { { { 1000, CURLOPT_TIMEOUT_MS, 3000 } }, 3000 },
    { { { 1000, CURLOPT_TIMEOUT_MS, 500 } }, 1000 }, /* over already */
    { { { 0, CURLOPT_TIMEOUT_MS, 2000 }, { 1000, CURLOPT_TIMEOUT_MS, 0 }, { 5000, CURLOPT_TIMEOUT_MS, 6000 } }, 6000 },
    { { { 0, CURLOPT_TIMEOUT_MS, 2000 }, { 1000, CURLOPT_TIMEOUT_MS, INT64_MAX }, { 9000, CURLOPT_TIMEOUT_MS, 9001 } }, 9001 },
    { { { 0, CURLOPT_TIMEOUT_MS, 9000 }, { 1000, CURLOPT_TIMEOUT, 2 } }, 2000 },
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
    expect(stalled(cases[i].list, 10000), CURLE_OPERATION_TIMEDOUT, cases[i].ms);
}

static void test_connect(void)
{
  static const struct { change list[CHANGES_MAX]; int64_t ms; } cases[] = {
    { { { 1000, CURLOPT_CONNECTTIMEOUT_MS, 1500 } }, 1500 },
    { { { 1000, CURLOPT_CONNECTTIMEOUT_MS, 1 } }, 1000 },
    { { { 0, CURLOPT_CONNECTTIMEOUT_MS, 2000 }, { 1000, CURLOPT_CONNECTTIMEOUT_MS, 0 } }, SL_CONNECT_TIMEOUT_MS },
    { { { 0, CURLOPT_CONNECTTIMEOUT_MS, 2000 }, { 1000, CURLOPT_CONNECTTIMEOUT_MS, INT64_MAX }, { 5000, CURLOPT_CONNECTTIMEOUT, 6 } }, 6000 },
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    sim_transfer *x = begin(cases[i].list);
    x->sim->origins[0].open_delay_us = SL_NEVER;
    x->may_hang = true;
    expect(x, CURLE_OPERATION_TIMEDOUT, cases[i].ms);
  }
}

/* B9's two. */
static void test_silence(void)
{
  static const struct { change list[CHANGES_MAX]; int64_t ms; } cases[] = {
    { { { 1000, SLUICEOPT_SILENCE_TIMEOUT_MS, 3000 } }, 3000 }, /* since the last byte, not since the change */
    { { { 1000, SLUICEOPT_SILENCE_TIMEOUT_MS, 900 } }, 1000 },
    { { { 0, SLUICEOPT_SILENCE_TIMEOUT_MS, 2000 }, { 1000, SLUICEOPT_SILENCE_TIMEOUT_MS, 0 }, { 5000, SLUICEOPT_SILENCE_TIMEOUT_MS, 5500 } }, 5500 },
    { { { 0, SLUICEOPT_SILENCE_TIMEOUT_MS, 2000 }, { 500, CURLOPT_TIMEOUT_MS, 9000 }, { 1000, CURLOPT_MAX_RECV_SPEED_LARGE, 70000 },
        { 1500, CURLOPT_LOW_SPEED_LIMIT, 5 } }, 2000 }, /* other limits are none of its business */
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
    expect(stalled(cases[i].list, 10000), CURLE_OPERATION_TIMEDOUT, cases[i].ms);
}

static void test_paused(void)
{
  static const struct { change list[CHANGES_MAX]; int64_t ms; } cases[] = {
    { { { 1000, SLUICEOPT_PAUSED_TIMEOUT_MS, 2000 } }, 2500 },
    { { { 1000, SLUICEOPT_PAUSED_TIMEOUT_MS, 400 } }, 1000 },
    { { { 0, SLUICEOPT_PAUSED_TIMEOUT_MS, 1000 }, { 1000, SLUICEOPT_PAUSED_TIMEOUT_MS, 0 }, { 3000, SLUICEOPT_PAUSED_TIMEOUT_MS, 3000 },
        { 3200, CURLOPT_TIMEOUT_MS, 90000 } }, 3500 },
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    sim_transfer *x = stalled(cases[i].list, 10000);
    sim_at(x->sim, 500 * MS, SIM_PAUSE, 1, SL_DIR_RECV);
    expect(x, CURLE_OPERATION_TIMEDOUT, cases[i].ms);
  }
}

/* L1, L2: records begin with the change, but for the average that stands in before there are two. */
static void test_low_speed(void)
{
  static const struct { change list[CHANGES_MAX]; int64_t ms; } cases[] = {
    { { { 0, CURLOPT_LOW_SPEED_LIMIT, 1000 }, { 5000, CURLOPT_LOW_SPEED_TIME, 2 } }, 8000 },
    { { { 0, CURLOPT_LOW_SPEED_LIMIT, 1000 }, { 0, CURLOPT_LOW_SPEED_TIME, 2 }, { 6000, CURLOPT_LOW_SPEED_TIME, 0 },
        { 20000, CURLOPT_LOW_SPEED_TIME, 1 } }, 22000 },
    { { { 0, CURLOPT_LOW_SPEED_LIMIT, 1000 }, { 0, CURLOPT_LOW_SPEED_TIME, 2 }, { 6000, CURLOPT_LOW_SPEED_LIMIT, 0 },
        { 20000, CURLOPT_LOW_SPEED_LIMIT, 1000 } }, 23000 },
    { { { 0, CURLOPT_LOW_SPEED_TIME, 3 }, { 4000, CURLOPT_LOW_SPEED_LIMIT, INT64_MAX } }, 7000 },
    { { { 0, CURLOPT_LOW_SPEED_LIMIT, 1000 }, { 0, CURLOPT_LOW_SPEED_TIME, 2 }, { 6000, CURLOPT_LOW_SPEED_TIME, INT64_MAX },
        { 20000, CURLOPT_LOW_SPEED_TIME, 1 } }, 22000 },
    { { { 0, CURLOPT_LOW_SPEED_LIMIT, 1000 }, { 0, CURLOPT_LOW_SPEED_TIME, 2 }, { 1000, CURLOPT_TIMEOUT_MS, 90000 },
        { 4000, CURLOPT_MAX_RECV_SPEED_LARGE, INT64_MAX } }, 8000 }, /* L4's time: not begun anew */
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
    expect(stalled(cases[i].list, 30000), CURLE_OPERATION_TIMEDOUT, cases[i].ms);
}

/* L2, L3: a redirect begins a new response; that the one before was slow is not told of it, and connecting is no speed. */
static void test_low_speed_redirect(void)
{
  static const change list[] = { { 0, CURLOPT_LOW_SPEED_LIMIT, 1000 }, { 0, CURLOPT_LOW_SPEED_TIME, 2 }, { 0 } };
  static const struct { int64_t open_ms; CURLcode code; int64_t ms; } cases[] = {
    { 1400, CURLE_OK, 2900 }, { 10000, CURLE_OK, 11500 } }; /* B16 */
  for (int i = 0; i < 2; i++) {
    sim_transfer *x = begin(list);
    x->sim->origin_count = 2;
    x->sim->origins[1] = (sim_origin){ .name = "b.test", .idle_us = SL_NEVER, .open_delay_us = cases[i].open_ms * MS };
    x->sim->origins[0].open_delay_us = 1500 * MS; /* all slow, but not for two seconds */
    x->follow = true;
    sim_redirect(x, 302, "http://b.test/1.1", 30);
    x->hops[1].origin = 1;
    x->may_hang = true;
    expect(x, cases[i].code, cases[i].ms);
  }
}

static void test_receive_rate(void)
{
  static const change lifted[] = { { 0, CURLOPT_MAX_RECV_SPEED_LARGE, 1000 }, { 10000, CURLOPT_MAX_RECV_SPEED_LARGE, 0 }, { 0 } };
  static const change largest[] = { { 0, CURLOPT_MAX_RECV_SPEED_LARGE, 1 }, { 10000, CURLOPT_MAX_RECV_SPEED_LARGE, INT64_MAX }, { 0 } };
  static const change raised[] = { { 0, CURLOPT_MAX_RECV_SPEED_LARGE, 1000 }, { 2500, CURLOPT_MAX_RECV_SPEED_LARGE, 40000 }, { 0 } };
  static const change lowered[] = { { 0, CURLOPT_MAX_RECV_SPEED_LARGE, 20000 }, { 500, CURLOPT_MAX_RECV_SPEED_LARGE, 1 },
                                    { 20000, CURLOPT_MAX_RECV_SPEED_LARGE, 0 }, { 0 } };
  for (int moves = 0; moves < 2; moves++) {
    const change *lists[] = { lifted, largest, raised, lowered };
    static const int64_t ends[] = { 10000, 10000, 4000, 20000 };
    for (int i = 0; i < 4; i++) {
      sim_transfer *x = begin(lists[i]);
      x->sim->moves = x->user.moves = moves;
      expect(x, CURLE_OK, ends[i]);
    }
    CHECK(S5, delivered[1] <= 24750 && delivered[2] - delivered[1] <= 21 && delivered[2] > delivered[1] + 10);
  }
  /* Set while paused: it holds from the unpause on, which begins a burst (B3). */
  static const change paused[] = { { 1000, CURLOPT_MAX_RECV_SPEED_LARGE, 5000 }, { 11000, CURLOPT_MAX_RECV_SPEED_LARGE, 0 }, { 0 } };
  sim_transfer *x = begin(paused);
  sim_at(x->sim, 0, SIM_PAUSE, 1, SL_DIR_RECV);
  sim_at(x->sim, 1500 * MS, SIM_RESUME, 1, 0);
  expect(x, CURLE_OK, 11000);
  CHECK(S3, delivered[1] >= SL_BURST_MIN + 9 * 5000 && delivered[1] <= SL_BURST_MIN + 10 * 5000);
}

static void test_send_rate(void)
{
  static const struct { change list[CHANGES_MAX]; int64_t ms; } cases[] = {
    { { { 0, CURLOPT_MAX_SEND_SPEED_LARGE, 1000 }, { 5000, CURLOPT_MAX_SEND_SPEED_LARGE, 0 } }, 5000 },
    { { { 0, CURLOPT_MAX_SEND_SPEED_LARGE, 1 }, { 5000, CURLOPT_MAX_SEND_SPEED_LARGE, INT64_MAX } }, 5000 },
    { { { 0, CURLOPT_MAX_SEND_SPEED_LARGE, 20000 }, { 500, CURLOPT_MAX_SEND_SPEED_LARGE, 1 },
        { 20000, CURLOPT_MAX_SEND_SPEED_LARGE, 0 } }, 20000 },
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    sim_transfer *x = begin(cases[i].list);
    sim_upload_body(x, 100000, true);
    x->up.expects = false;
    expect(x, CURLE_OK, cases[i].ms);
  }
}

/* Nothing that is set before the first run or after the end does anything but wait for the next. */
static void test_not_running(void)
{
  static const change late[] = { { 1000, CURLOPT_TIMEOUT_MS, 1 }, { 0 } };
  sim_transfer *x = begin(late);
  expect(x, CURLE_OK, 0);
}

int main(void)
{
  test_total();
  test_connect();
  test_silence();
  test_paused();
  test_low_speed();
  test_low_speed_redirect();
  test_receive_rate();
  test_send_rate();
  test_not_running();
  return check_result();
}
