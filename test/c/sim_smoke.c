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
static struct { uint32_t turns, delivered, want, given, channels; bool running; } seen[8];

static void look(sim *s, sim_transfer *x, int64_t slot)
{
  seen[slot].turns = s->m->turns;
  seen[slot].delivered = x->delivered;
  seen[slot].given = x->up.given;
  seen[slot].want = s->channel_count ? s->channels[0]->want : 0;
  seen[slot].channels = s->channel_count;
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

/* A PUT of n bytes, not ready yet: sim_transfer_ready is the caller's. */
static sim_transfer *begin_upload(uint32_t n, bool known, bool expects)
{
  sim *s = sim_new(1, 0);
  sim_transfer *x = sim_transfer_new(s);
  memset(seen, 0, sizeof seen);
  s->look = look;
  sim_respond(x, 100);
  x->up.expects_own = expects;
  sim_upload_body(x, n, known);
  sim_at(s, 0, SIM_ADD, 1, 0);
  return x;
}

static void upload_plain(void)
{
  for (int way = 0; way < 8; way++) {
    sim_transfer *x = begin_upload(100000, way & 1, false);
    x->up.expects = false;
    x->up.readies = way & 2;
    x->sim->moves_out = way & 4;
    x->up.most = 3000;
    sim_transfer_ready(x);
    sim *s = x->sim;
    int64_t took = play(x, "R4: whole, both ways");
    check(x->code == CURLE_OK && x->whole_sent && took < SL_SECOND, "R4: whole, both ways", "the code", x->code);
    check(x->t.sent == 100000, "R4", "bytes sent", (int64_t)x->t.sent);
    sim_free(s);
  }
}

static void upload_ends(void)
{
  sim_transfer *x = begin_upload(1000, true, false);
  x->up.announced = 2000;
  sim_transfer_ready(x);
  expect(x, "R1: short", CURLE_READ_ERROR, 0, SL_SECOND, "only 1000/2000 of needed bytes read");

  x = begin_upload(1000, true, false);
  x->up.fail = 1024;
  sim_transfer_ready(x);
  expect(x, "R1: a user that fails", CURLE_READ_ERROR, 0, SL_SECOND, NULL);

  x = begin_upload(1000, true, false);
  x->up.announced = 600; /* the user has more than it said: never asked for */
  sim_transfer_ready(x);
  expect(x, "R1: long", CURLE_OK, 0, SL_SECOND, NULL);
}

static void upload_pause(void)
{
  for (int way = 0; way < 4; way++) {
    sim_transfer *x = begin_upload(50000, way & 1, false);
    x->up.expects = false;
    x->up.readies = x->sim->moves_out = way & 2;
    x->up.pause_at = 20000;
    x->resume_us = 2 * SL_SECOND;
    sim_transfer_ready(x);
    sim_at(x->sim, SL_SECOND / 2, SIM_LOOK, 1, 0);
    sim_at(x->sim, 3 * SL_SECOND / 2, SIM_LOOK, 1, 1);
    sim *s = x->sim;
    int64_t took = play(x, "R2, R3");
    check(x->code == CURLE_OK && took == 2 * SL_SECOND, "R3: goes on when resumed", "the time", took);
    check(seen[0].given == 20000 && seen[1].given == 20000, "R2: nothing asked for", "bytes", seen[1].given);
    check(!(seen[1].want & SL_OUT), "R2: wants no SL_OUT", "want", seen[1].want);
    check(seen[1].turns == seen[0].turns, "R2: no turn while paused", "turns", seen[1].turns - seen[0].turns);
    sim_free(s);
  }

  /* P11: paused before the request went out. */
  sim_transfer *x = begin_upload(1000, true, false);
  x->sim->origins[0].open_delay_us = 1000;
  sim_transfer_ready(x);
  sim_at(x->sim, 1, SIM_PAUSE, 1, SL_DIR_SEND);
  sim_at(x->sim, SL_SECOND, SIM_RESUME, 1, 0);
  expect(x, "P11: SEND paused before the head", CURLE_OK, SL_SECOND, SL_SECOND, NULL);

  /* L5: paused uploads are not slow. */
  x = begin_upload(50000, true, false);
  x->up.pause_at = 20000;
  x->resume_us = 3500000;
  sim_number(x, CURLOPT_LOW_SPEED_LIMIT, 100000);
  sim_number(x, CURLOPT_LOW_SPEED_TIME, 1);
  sim_transfer_ready(x);
  expect(x, "L5: upload paused for 3.5 s", CURLE_OK, 3500000, 3500000, NULL);
}

static void continues(void)
{
  sim_transfer *x = begin_upload(5000, true, true);
  x->up.continue_us = 500000;
  x->up.pause_at = 0;
  x->resume_us = SL_SECOND;
  sim_transfer_ready(x);
  expect(x, "R5: 100 after 500 ms, then a pause of 1 s", CURLE_OK, 1500000, 1500000, NULL);

  x = begin_upload(5000, false, false);
  sim_transfer_ready(x);
  expect(x, "R5: 100 never comes", CURLE_OK, 1000000, 1000000, NULL);

  x = begin_upload(5000, true, true);
  sim_number(x, CURLOPT_EXPECT_100_TIMEOUT_MS, 300);
  sim_transfer_ready(x);
  expect(x, "R5: its own time", CURLE_OK, 300000, 300000, NULL);

  x = begin_upload(5000, true, true); /* a final answer instead: the body is not sent */
  x->up.answer_at = 0;
  x->response.think_us = 0;
  x->response.wire.len = x->response.heads.len = 0;
  sl_text_str(&x->response.wire, "HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n");
  sl_text_str(&x->response.heads, "HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n");
  x->response.body_len = 0;
  sim_transfer_ready(x);
  sim *s = x->sim;
  sim_at(s, 60 * SL_SECOND, SIM_LOOK, 1, 0);
  int64_t took = play(x, "R5: refused");
  check(x->code == CURLE_OK && took < 10000, "R5: a refusal ends the upload", "the time", took);
  check(!x->up.given && !seen[0].channels, "R5: nothing was asked for, nothing kept", "bytes", x->up.given);
  sim_free(s);

  /* F27: one is not the other. */
  x = begin_upload(5000, true, true);
  sim_transfer_ready(x);
  sim_at(x->sim, 100000, SIM_PAUSE, 1, SL_DIR_SEND);
  sim_at(x->sim, 300000, SIM_RESUME, 1, 0);
  expect(x, "F27: an unpause does not end the wait", CURLE_OK, 1000000, 1000000, NULL);

  x = begin_upload(5000, true, true);
  x->up.continue_us = 200000;
  sim_transfer_ready(x);
  sim_at(x->sim, 100000, SIM_PAUSE, 1, SL_DIR_SEND);
  sim_at(x->sim, 1900000, SIM_LOOK, 1, 0);
  sim_at(x->sim, 2000000, SIM_RESUME, 1, 0);
  s = x->sim;
  took = play(x, "F27");
  check(x->code == CURLE_OK && took == 2 * SL_SECOND, "F27: a 100 does not end the pause", "the time", took);
  check(seen[0].given == 0, "F27: nothing asked for while paused", "bytes", seen[0].given);
  sim_free(s);
}

/* R6, F23: what ends an upload although it is paused. */
static void upload_given_up(void)
{
  sim_transfer *x = begin_upload(50000, true, false);
  x->up.pause_at = 20000;
  x->up.answer_at = 10000;
  sim_transfer_ready(x);
  sim *s = x->sim;
  sim_at(s, 60 * SL_SECOND, SIM_LOOK, 1, 0);
  int64_t took = play(x, "R6");
  check(x->code == CURLE_OK && took < SL_SECOND, "R6, F23: the answer is whole", "the time", took);
  check(!seen[0].channels, "R6: such a connection is not kept", "channels", seen[0].channels);
  sim_free(s);

  x = begin_upload(50000, true, false);
  x->up.pause_at = 20000;
  x->up.fault = SIM_FAULT_END;
  x->up.fault_at = 20000;
  sim_allow(x, CURLE_SEND_ERROR);
  sim_transfer_ready(x);
  expect(x, "R6, F23: closed by the server", CURLE_SEND_ERROR, 0, SL_SECOND, NULL);

  x = begin_upload(50000, true, false);
  x->up.pause_at = 20000;
  x->up.answer_at = 20000;
  x->response.fault = SIM_FAULT_END;
  x->response.fault_at = (uint32_t)x->response.heads.len + 50;
  sim_allow(x, CURLE_PARTIAL_FILE);
  sim_transfer_ready(x);
  expect(x, "R6: closed inside the answer", CURLE_PARTIAL_FILE, 0, SL_SECOND, "with 50 bytes missing");
}

/* R5, R6: an error is answered and the body still goes (KEEP_SENDING_ON_ERROR), until somebody pauses it. */
static void upload_kept_up(void)
{
  static const struct { int64_t by_read, by_call_us; uint32_t given_from, given_to; bool kept; } ways[] = {
    { -1, 0, 50000, 50000, true }, { 20000, 0, 20000, 20000, false }, { -1, 2500000, 24000, 40000, false } };
  for (int i = 0; i < 3; i++) {
    sim_transfer *x = begin_upload(50000, true, false);
    x->up.expects = false;
    x->up.answer_at = 5000;
    x->up.pause_at = ways[i].by_read;
    x->response.wire.len = x->response.heads.len = 0;
    sl_text_str(&x->response.wire, "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n");
    sl_text_str(&x->response.heads, "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n");
    x->response.body_len = 0;
    sim_number(x, CURLOPT_KEEP_SENDING_ON_ERROR, 1);
    sim_number(x, CURLOPT_MAX_SEND_SPEED_LARGE, 10000);
    sim_transfer_ready(x);
    if (ways[i].by_call_us) sim_at(x->sim, ways[i].by_call_us, SIM_PAUSE, 1, SL_DIR_SEND);
    sim_at(x->sim, 60 * SL_SECOND, SIM_RESUME, 1, 0);
    sim_at(x->sim, 60 * SL_SECOND, SIM_LOOK, 1, 0);
    sim *s = x->sim;
    int64_t took = play(x, "R5, R6");
    check(x->code == CURLE_OK && took < 6 * SL_SECOND, "R6: a pause behind the answer gives the body up", "the time", took);
    check(x->up.given >= ways[i].given_from && x->up.given <= ways[i].given_to, "R5, R6: the body", "bytes", x->up.given);
    check(seen[0].channels == ways[i].kept, "R6: a connection with half a body is not kept", "channels", seen[0].channels);
    sim_free(s);
  }
}

static void upload_rates(void)
{
  for (int way = 0; way < 4; way++) {
    sim_transfer *x = begin_upload(40000, way & 1, false);
    x->up.expects = false;
    x->up.readies = x->sim->moves_out = way & 2;
    sim_number(x, CURLOPT_MAX_SEND_SPEED_LARGE, 10000);
    sim_transfer_ready(x);
    int64_t took = way & 1 ? 3960000 : 4000000; /* of unknown size: the end is asked for when there are tokens again */
    expect(x, "S1: 40000 bytes out at 10000", CURLE_OK, took, took, NULL);
  }
  sim_transfer *x = begin_upload(300000, true, false); /* the server takes little: no spinning on the rate */
  sim_number(x, CURLOPT_MAX_SEND_SPEED_LARGE, 100000);
  x->up.stall_at = 1000;
  x->may_hang = true;
  sim_transfer_ready(x);
  sim_at(x->sim, SL_SECOND, SIM_LOOK, 1, 0);
  sim_at(x->sim, 61 * SL_SECOND, SIM_LOOK, 1, 1);
  sim_at(x->sim, 61 * SL_SECOND, SIM_STOP, 1, 0);
  x->sim->calm_us += 1000 * SL_SECOND;
  play(x, "F35");
  check(seen[1].turns - seen[0].turns <= 120, "F35: a full channel under a rate", "turns", seen[1].turns - seen[0].turns);
  sim_free(x->sim);
}

static void redirects(void)
{
  for (int way = 0; way < 4; way++) {
    sim_transfer *x = begin_upload(5000, way & 1, false);
    x->up.expects = false;
    x->up.rewinds = way & 2;
    x->follow = true;
    sim_redirect(x, 307, "/1.1", 500);
    sim_allow(x, CURLE_SEND_FAIL_REWIND);
    sim_transfer_ready(x);
    sim *s = x->sim;
    play(x, "R7");
    check(x->code == (way & 2 ? CURLE_OK : CURLE_SEND_FAIL_REWIND), "R7: 307", "the code", x->code);
    check(x->up.given == (way & 2 ? 10000u : 5000u), "R7: the body again", "bytes", x->up.given);
    check(way & 2 || strstr(x->t.error, "necessary data rewind was not possible"), "R7", "the message", 0);
    sim_free(s);
  }
  sim_transfer *x = begin_upload(5000, true, false);
  x->hops[0].method = SIM_POST;
  x->up.rewinds = false;
  x->follow = true;
  sim_redirect(x, 302, "/1.1", 100000); /* too large to be read out: another connection */
  sim_transfer_ready(x);
  sim *s = x->sim;
  play(x, "302");
  check(x->code == CURLE_OK && x->up.given == 5000, "R7: 302 of a POST drops the body", "the code", x->code);
  check(x->t.connects == 2, "a large body of a redirect is not read out", "connections", x->t.connects);
  sim_free(s);

  /* A stale connection: the server closes it at its second request. */
  s = sim_new(1, 0);
  s->origins[0].requests_max = 1;
  for (uint32_t i = 0; i < 2; i++) {
    x = sim_transfer_new(s);
    sim_respond(x, 100);
    if (i) sim_upload_body(x, 5000, true);
    sim_transfer_ready(x);
    sim_at(s, i * 1000, SIM_ADD, i + 1, 0);
  }
  play(x, "R7: stale");
  check(x->code == CURLE_OK && x->t.retried && x->whole_sent, "R7: retried once with the whole body", "the code", x->code);
  sim_free(s);
}

static void files(void)
{
  for (int way = 0; way < 4; way++) {
    sim *s = sim_new(1, 0);
    sim_transfer *x = sim_transfer_new(s);
    memset(seen, 0, sizeof seen);
    s->look = look;
    s->moves = x->user.moves = way & 1;
    x->file = true;
    sim_respond(x, way & 2 ? 0 : 50000);
    x->response.wire.len = x->response.heads.len = 0;
    if (!(way & 2)) sl_text_add(&x->response.wire, x->response.body, 50000);
    x->response.close = true;
    x->response.file_size = x->response.body_len;
    x->refuse_at = way & 2 ? -1 : 20000;
    x->resume_us = 2 * SL_SECOND;
    sim_transfer_ready(x);
    sim_at(s, 0, SIM_ADD, 1, 0);
    if (way & 2) sim_at(s, 1, SIM_PAUSE, 1, SL_DIR_RECV);
    if (way & 2) sim_at(s, 2 * SL_SECOND, SIM_RESUME, 1, 0);
    sim_at(s, SL_SECOND, SIM_LOOK, 1, 0);
    sim_at(s, 3 * SL_SECOND / 2, SIM_LOOK, 1, 1);
    int64_t took = play(x, "B6");
    check(x->code == CURLE_OK && took >= 2 * SL_SECOND && took < 2010000, "B6: a file pauses", "the time", took);
    check(seen[0].turns == seen[1].turns && !seen[1].want, "B6: a paused file wants nothing", "want", seen[1].want);
    sim_free(s);
  }
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
    found += !sim_run(seed, PLANT_BYTE * SIM_PLANT, &r);
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
  upload_plain();
  upload_ends();
  upload_pause();
  continues();
  upload_given_up();
  upload_kept_up();
  upload_rates();
  redirects();
  files();
  seeds(500);
  self_test();
  printf(failed ? "%u failed\n" : "ok\n", failed);
  return failed ? 1 : 0;
}
