/* sim_smoke.c: hand-written scenarios with exact expectations on virtual time, then some hundred seeds.
 * Each check carries the row of the specification it proves. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "sim.h"

static unsigned failed;

static void check(bool ok, const char *row, const char *what, int64_t got)
{
  if (ok) return;
  failed++;
  printf("FAIL %s: %s (got %" PRId64 ")\n", row, what, got);
}

/* What a look saw. */
static struct { uint32_t turns, delivered, want; bool running; } seen[8];

static void look(sim *s, sim_transfer *x, int64_t slot)
{
  seen[slot].turns = s->m->turns;
  seen[slot].delivered = x->delivered;
  seen[slot].want = s->channel_count ? s->channels[0]->want : 0;
  seen[slot].running = x->running;
}

static sim_transfer *begin(uint32_t body_len)
{
  sim *s = sim_new(1, 0);
  sim_transfer *x = sim_transfer_new(s);
  memset(seen, 0, sizeof seen);
  s->look = look;
  sim_respond(x, body_len);
  sim_transfer_ready(x);
  sim_at(s, 0, SIM_ADD, 1, 0);
  return x;
}

/* Play to the end; then when it ended, in microseconds since its start. */
static int64_t play(sim_transfer *x, const char *row)
{
  sim_play(x->sim);
  if (x->sim->violated) {
    failed++;
    printf("FAIL %s: %s\n", row, x->sim->message);
  }
  return x->done_us - x->start_us;
}

static void expect(sim_transfer *x, const char *row, CURLcode code, int64_t from_us, int64_t to_us,
                   const char *message)
{
  int64_t took = play(x, row);
  check(x->code == code, row, "the code", x->code);
  check(took >= from_us && took <= to_us, row, "the time", took);
  if (message && !strstr(x->t.error, message)) {
    failed++;
    printf("FAIL %s: the message \"%s\" lacks \"%s\"\n", row, x->t.error, message);
  }
  sim_free(x->sim);
}

/* The server goes silent after `bytes` of body (-1: before the head). */
static void stall(sim_transfer *x, int64_t bytes)
{
  x->response.fault = SIM_FAULT_STALL;
  x->response.fault_at = bytes < 0 ? 0 : (uint32_t)x->response.heads.len + (uint32_t)bytes;
  x->may_hang = true;
}

static void plain(void)
{
  sim_transfer *x = begin(100000);
  expect(x, "plain", CURLE_OK, 0, 0, NULL);
  x = begin(0);
  expect(x, "W11: empty body", CURLE_OK, 0, 0, NULL);
}

static void total_time(void)
{
  sim_transfer *x = begin(100000);
  sim_number(x, CURLOPT_TIMEOUT_MS, 1500);
  x->refuse_at = 10000;
  expect(x, "T1: total time while paused", CURLE_OPERATION_TIMEDOUT, 1500000, 1500000,
         "timed out after 1500 milliseconds");

  x = begin(100);
  sim_number(x, CURLOPT_CONNECTTIMEOUT_MS, 700);
  x->sim->origins[0].open_delay_us = SL_NEVER;
  expect(x, "T2: connect time", CURLE_OPERATION_TIMEDOUT, 700000, 700000,
         "Connection timed out after 700 milliseconds");
}

static void rates(void)
{
  sim_transfer *x = begin(40000);
  sim_number(x, CURLOPT_MAX_RECV_SPEED_LARGE, 10000);
  expect(x, "S1: 40000 bytes at 10000", CURLE_OK, 3960000, 3960000, NULL);

  x = begin(40000);
  sim_number(x, CURLOPT_MAX_RECV_SPEED_LARGE, 10000);
  x->sim->moves = x->user.moves = true;
  expect(x, "S1: the same by sl_move", CURLE_OK, 3960000, 3960000, NULL);

  x = begin(5);
  sim_number(x, CURLOPT_MAX_RECV_SPEED_LARGE, 1);
  x->sim->calm_us += 1000 * SL_SECOND;
  sim_at(x->sim, 5 * SL_SECOND + 1, SIM_LOOK, 1, 0);
  sim_at(x->sim, 25 * SL_SECOND + 1, SIM_LOOK, 1, 1);
  int64_t took = play(x, "S5: a byte a second");
  check(x->code == CURLE_OK, "S5", "the code", x->code);
  check(took <= 120 * SL_SECOND, "S5", "the time", took);
  check(seen[1].turns - seen[0].turns <= 60, "S5, F35: no spinning", "turns in 20 s",
        seen[1].turns - seen[0].turns);
  sim_free(x->sim);
}

static void low_speed(void)
{
  sim_transfer *x = begin(100000);
  sim_number(x, CURLOPT_LOW_SPEED_LIMIT, 1000);
  sim_number(x, CURLOPT_LOW_SPEED_TIME, 2);
  stall(x, 30000);
  expect(x, "L4: burst, then silence", CURLE_OPERATION_TIMEDOUT, 8000000, 8000000, "Operation too slow");

  x = begin(100000);
  sim_number(x, CURLOPT_LOW_SPEED_LIMIT, 1000);
  sim_number(x, CURLOPT_LOW_SPEED_TIME, 1);
  stall(x, -1);
  expect(x, "L4: slow from the start", CURLE_OPERATION_TIMEDOUT, 1000000, 2000000, "Operation too slow");

  x = begin(100000);
  sim_number(x, CURLOPT_LOW_SPEED_LIMIT, 1000);
  sim_number(x, CURLOPT_LOW_SPEED_TIME, 2);
  stall(x, 10000);
  x->refuse_at = 5000;
  x->resume_us = 3 * SL_SECOND;
  expect(x, "L5: resumed at 3 s, stalled", CURLE_OPERATION_TIMEDOUT, 6000000, 6000000, "Operation too slow");

  x = begin(100000);
  sim_number(x, CURLOPT_LOW_SPEED_LIMIT, 1000);
  sim_number(x, CURLOPT_LOW_SPEED_TIME, 1);
  x->refuse_at = 20000;
  x->resume_us = 30 * SL_SECOND;
  expect(x, "L5, F6: paused for 30 s", CURLE_OK, 30 * SL_SECOND, 30 * SL_SECOND, NULL);
}

static void burst(void)
{
  sim_transfer *x = begin(400000);
  sim_number(x, CURLOPT_MAX_RECV_SPEED_LARGE, 10000);
  x->sim->calm_us += 1000 * SL_SECOND;
  sim_at(x->sim, 2 * SL_SECOND + 500000, SIM_PAUSE, 1, SL_DIR_RECV);
  sim_at(x->sim, 2 * SL_SECOND + 500001, SIM_LOOK, 1, 0);
  sim_at(x->sim, 12 * SL_SECOND, SIM_LOOK, 1, 1);
  sim_at(x->sim, 12 * SL_SECOND, SIM_RESUME, 1, 0);
  sim_at(x->sim, 12 * SL_SECOND + 1, SIM_LOOK, 1, 2);
  int64_t took = play(x, "B3");
  check(x->code == CURLE_OK, "B3", "the code", x->code);
  check(seen[1].delivered == seen[0].delivered, "W8", "delivered while paused",
        seen[1].delivered - seen[0].delivered);
  check(seen[1].turns == seen[0].turns, "F2: no turn while paused", "turns", seen[1].turns - seen[0].turns);
  check(seen[1].want == 0, "W8: paused wants nothing", "want", seen[1].want);
  check(seen[2].delivered - seen[1].delivered == 32768, "B3: one burst at once", "bytes",
        seen[2].delivered - seen[1].delivered);
  check(took > 40 * SL_SECOND && took < 50 * SL_SECOND, "S3: paused time earns nothing", "the time", took);
  sim_free(x->sim);
}

static void pause_limits(void)
{
  sim_transfer *x = begin(100000);
  sim_number(x, SLUICEOPT_PAUSED_TIMEOUT_MS, 2000);
  x->refuse_at = 20000;
  expect(x, "B9: paused limit", CURLE_OPERATION_TIMEDOUT, 2000000, 2000000, "Paused for");

  x = begin(100000);
  sim_number(x, SLUICEOPT_SILENCE_TIMEOUT_MS, 3000);
  stall(x, 100);
  expect(x, "B9: silence limit", CURLE_OPERATION_TIMEDOUT, 3000000, 3000000, "silent");

  x = begin(100000);
  sim_number(x, SLUICEOPT_SILENCE_TIMEOUT_MS, 3000);
  x->refuse_at = 20000;
  x->resume_us = 20 * SL_SECOND;
  expect(x, "B9: silence is not counted while paused", CURLE_OK, 20 * SL_SECOND, 20 * SL_SECOND, NULL);

  x = begin(100000);
  sim_number(x, SLUICEOPT_PAUSED_TIMEOUT_MS, 2000);
  sim_at(x->sim, 0, SIM_PAUSE, 1, SL_DIR_BOTH);
  sim_at(x->sim, 1500000, SIM_PAUSE, 1, SL_DIR_RECV);
  expect(x, "B9: a smaller pause is the same pause", CURLE_OPERATION_TIMEDOUT, 2000000, 2000000,
         "Paused for");

  x = begin(100000); /* paused by its host and by itself: when the host frees it, its own limit counts */
  sim_number(x, SLUICEOPT_PAUSED_TIMEOUT_MS, 2000);
  x->sim->origins[0].open_delay_us = 1000000;
  sim_at(x->sim, 100000, SIM_HOLD, 1, 0);
  sim_at(x->sim, 200000, SIM_PAUSE, 1, SL_DIR_BOTH);
  sim_at(x->sim, 500000, SIM_FREE, 1, 0);
  expect(x, "B9, B15: its own pause under a host's hold", CURLE_OPERATION_TIMEDOUT, 2100000, 2500000,
         "Paused for");

  x = begin(100000);
  sim_number(x, SLUICEOPT_PAUSED_TIMEOUT_MS, 2000);
  sim_number(x, CURLOPT_LOW_SPEED_LIMIT, 1000);
  sim_number(x, CURLOPT_LOW_SPEED_TIME, 1);
  sim_number(x, SLUICEOPT_SILENCE_TIMEOUT_MS, 1000);
  x->sim->origins[0].open_delay_us = 1000;
  sim_at(x->sim, 500, SIM_HOLD, 1, 0);
  sim_at(x->sim, 30 * SL_SECOND, SIM_FREE, 1, 0);
  expect(x, "B15: held by its host", CURLE_OK, 30 * SL_SECOND, 30 * SL_SECOND, NULL);
}

static void ends(void)
{
  sim_transfer *x = begin(100);
  x->refuse_at = 0;
  x->resume_us = 5 * SL_SECOND;
  sim_at(x->sim, 4900000, SIM_LOOK, 1, 0);
  int64_t took = play(x, "W9");
  check(seen[0].running && !seen[0].delivered, "W9: all in, but refused: not done", "running",
        seen[0].running);
  check(x->code == CURLE_OK && took == 5 * SL_SECOND, "W9: done when taken", "the time", took);
  sim_free(x->sim);

  x = begin(50000);
  x->response.fault = SIM_FAULT_END;
  x->response.fault_at = (uint32_t)x->response.heads.len + 20000;
  x->refuse_at = 5000;
  x->resume_us = 3 * SL_SECOND;
  sim_allow(x, CURLE_PARTIAL_FILE);
  sim *s = x->sim;
  took = play(x, "W10");
  check(x->code == CURLE_PARTIAL_FILE && took == 3 * SL_SECOND, "W10: noticed at unpause", "the time", took);
  check(x->delivered == 20000, "W10: all that came is delivered", "bytes", x->delivered);
  check(strstr(x->t.error, "end of response with 30000 bytes missing") != NULL, "W10", "the message", 0);
  sim_free(s);
}

static void busy_loops(void)
{
  static const char *const rows[] = { "F2: paused by a call", "F4: paused by a refusal", "F3: rate limited" };
  for (int way = 0; way < 3; way++) {
    sim_transfer *x = begin(1000000);
    x->sim->calm_us += 1000 * SL_SECOND;
    x->response.seg_max = 100; /* the server goes on until the window is full */
    x->response.delay_us = 200;
    if (way == 0) sim_at(x->sim, 1, SIM_PAUSE, 1, SL_DIR_RECV);
    if (way == 1) x->refuse_at = 1000;
    if (way == 2) sim_number(x, CURLOPT_MAX_RECV_SPEED_LARGE, 5000);
    sim_at(x->sim, SL_SECOND, SIM_LOOK, 1, 0);
    sim_at(x->sim, 61 * SL_SECOND, SIM_LOOK, 1, 1);
    sim_at(x->sim, 61 * SL_SECOND, SIM_STOP, 1, 0);
    play(x, rows[way]);
    check(x->code == CURLE_ABORTED_BY_CALLBACK, rows[way], "the code", x->code);
    uint32_t turns = seen[1].turns - seen[0].turns;
    check(turns <= (way == 2 ? 200u : 0u), rows[way], "turns in 60 s", turns);
    sim_free(x->sim);
  }
}

/* Every response must end whatever the place at which it is cut in two or refused. */
static void splits(void)
{
  for (uint32_t at = 0; at < 60; at++) {
    sim_transfer *x = begin(20);
    x->response.wire.len = 0;
    x->response.heads.len = 0;
    sl_text_str(&x->response.wire, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    sl_text_str(&x->response.heads, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    sl_text_str(&x->response.wire, "14\r\n");
    sl_text_add(&x->response.wire, x->response.body, 20);
    sl_text_str(&x->response.wire, "\r\n0\r\n\r\n");
    x->response.seg_max = 1;
    x->response.delay_us = 100;
    if (at < 20) x->refuse_at = at;
    x->resume_us = 1000;
    expect(x, "W2: chunked, a byte at a time", CURLE_OK, 0, SL_SECOND, NULL);
  }
  for (uint32_t at = 0; at < 20; at++) {
    sim_transfer *x = begin(20);
    x->refuse_at = at;
    x->resume_us = 1000;
    x->replays = true;
    expect(x, "W9, P6: replayed to the last byte", CURLE_OK, 1000, 1000, NULL);
  }
}

/* The host has room for one channel only; an idle one to another origin must make room. */
static void busy_host(void)
{
  sim *s = sim_new(1, 0);
  s->origin_count = 2;
  s->origins[1] = (sim_origin){ .name = "b.test", .idle_us = SL_NEVER };
  s->channels_max = 1;
  for (uint32_t i = 0; i < 2; i++) {
    sim_transfer *x = sim_transfer_new(s);
    x->origin = i;
    sim_respond(x, 1000);
    sim_transfer_ready(x);
    sim_at(s, 0, SIM_ADD, i + 1, 0);
  }
  int64_t took = play(&s->transfers[1], "SL_BUSY");
  check(took <= SL_SECOND && s->transfers[1].code == CURLE_OK, "SL_BUSY: an idle connection makes room",
        "the time", took);
  sim_free(s);
}

static void seeds(uint64_t count)
{
  for (uint64_t seed = 1; seed <= count; seed++) {
    sim_result r;
    if (!sim_run(seed, 0, &r)) {
      failed++;
      printf("FAIL seed %" PRIu64 ": %s (build/sim/sluice-sim %" PRIu64 " 1)\n", seed, r.message, seed);
    }
    sim_result_free(&r);
  }
}

/* A user that sees a byte doubled must be noticed. */
static void self_test(void)
{
  unsigned found = 0;
  for (uint64_t seed = 1; seed <= 20; seed++) {
    sim_result r;
    found += !sim_run(seed, SIM_SELF_TEST, &r);
    sim_result_free(&r);
  }
  check(found > 5, "self-test", "seeds that found the doubled byte", found);
}

int main(void)
{
  plain();
  total_time();
  rates();
  low_speed();
  burst();
  pause_limits();
  ends();
  busy_loops();
  splits();
  busy_host();
  seeds(500);
  self_test();
  printf(failed ? "%u failed\n" : "ok\n", failed);
  return failed ? 1 : 0;
}
