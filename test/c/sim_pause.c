/* sim_pause.c: what pauses do to the clocks, on virtual time: scenarios with exact expectations. */
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

static void expect(sim_transfer *x, const char *row, CURLcode code, int64_t from_us, int64_t to_us, const char *message)
{
  sim_play(x->sim);
  if (x->sim->violated) check(false, row, x->sim->message, 0);
  int64_t took = x->done_us - x->start_us;
  check(x->code == code, row, "the code", x->code);
  check(took >= from_us && took <= to_us, row, "the time", took);
  check(!message || strstr(x->t.error, message), row, x->t.error, 0);
  sim_free(x->sim);
}

/* A response of n bytes, of which `sent` come; low speed: 1000 bytes/s over 2 s. */
static sim_transfer *slow(uint32_t n, uint32_t sent)
{
  sim *s = sim_new(1, 0);
  sim_transfer *x = sim_transfer_new(s);
  sim_respond(x, n);
  sim_number(x, CURLOPT_LOW_SPEED_LIMIT, 1000);
  sim_number(x, CURLOPT_LOW_SPEED_TIME, 2);
  sim_transfer_ready(x);
  x->response.fault = SIM_FAULT_STALL;
  x->response.fault_at = (uint32_t)x->response.heads.len + sent;
  x->may_hang = true;
  sim_at(s, 0, SIM_ADD, 1, 0);
  return x;
}

/* P8, P14: a call that leaves a direction open clears the low-speed clock, also when nothing was paused. */
static void calls_clear(void)
{
  expect(slow(50000, 10), "L3: slow from the start", CURLE_OPERATION_TIMEDOUT, 2000000, 2000000, "too slow");
  sim_transfer *x = slow(50000, 10);
  sim_at(x->sim, 1500000, SIM_RESUME, 1, 0);
  expect(x, "P8: an unpause of what is not paused", CURLE_OPERATION_TIMEDOUT, 3500000, 4000000, "too slow");
  /* T1 is not cleared by anything. */
  x = slow(50000, 10);
  sim_number(x, CURLOPT_TIMEOUT_MS, 1800);
  sim_at(x->sim, 1500000, SIM_RESUME, 1, 0);
  expect(x, "T1, P14", CURLE_OPERATION_TIMEDOUT, 1800000, 1800000, "Operation timed out");
}

/* F6: no clock of low speed in a pause; F7: behind one it begins anew, for either direction. */
static void uploads(void)
{
  for (int by_call = 0; by_call < 2; by_call++) {
    sim *s = sim_new(1, 0);
    sim_transfer *x = sim_transfer_new(s);
    sim_respond(x, 100);
    sim_upload_body(x, 500000, true);
    sim_number(x, CURLOPT_LOW_SPEED_LIMIT, 1000);
    sim_number(x, CURLOPT_LOW_SPEED_TIME, 2);
    x->up.stall_at = 100; /* the server takes no more */
    x->may_hang = true;
    sim_transfer_ready(x);
    sim_at(s, 0, SIM_ADD, 1, 0);
    sim_at(s, 1500000, SIM_PAUSE, 1, by_call ? SL_DIR_SEND : SL_DIR_BOTH);
    sim_at(s, 9 * SL_SECOND, SIM_RESUME, 1, 0);
    expect(x, "F6, F7: slow, paused, slow", CURLE_OPERATION_TIMEDOUT, 11 * SL_SECOND, 17 * SL_SECOND, "too slow");
  }
}

/* P10: a pause while connecting stops the limits of connecting not at all. */
static void connecting(void)
{
  for (int both = 0; both < 2; both++) {
    sim *s = sim_new(1, 0);
    sim_transfer *x = sim_transfer_new(s);
    sim_respond(x, 100);
    sim_number(x, CURLOPT_CONNECTTIMEOUT_MS, 700);
    s->origins[0].open_delay_us = 1000;
    sim_transfer_ready(x);
    sim_at(s, 0, SIM_ADD, 1, 0);
    sim_at(s, 10, SIM_PAUSE, 1, both ? SL_DIR_BOTH : SL_DIR_RECV);
    x->may_hang = true;
    expect(x, "P10: paused while connecting", CURLE_OPERATION_TIMEDOUT, 700000, 700000,
           "Connection timed out after 700 milliseconds");
  }
}

static unsigned opened;
static void look(sim *s, sim_transfer *x, int64_t slot)
{
  (void)x, (void)slot;
  opened = s->channel_count;
}

/* P10, B14: where a pause survives the start (JavaScript), a paused receiving side does not even open. */
static void before_start(void)
{
  sim *s = sim_new(1, 0);
  sim_transfer *x = sim_transfer_new(s);
  sim_respond(x, 100);
  x->user.keeps_pause = true;
  s->look = look;
  opened = 77;
  sim_transfer_ready(x);
  sim_at(s, 0, SIM_PAUSE, 1, SL_DIR_RECV);
  sim_at(s, 1, SIM_ADD, 1, 0);
  sim_at(s, SL_SECOND, SIM_LOOK, 1, 0);
  sim_at(s, 2 * SL_SECOND, SIM_RESUME, 1, 0);
  expect(x, "P10, B14: paused before the start", CURLE_OK, 1999999, 2000001, NULL);
  check(opened == 0, "P10: nothing is opened", "channels", opened);
}

/* S3, B3: in the wait of a rate: the pause ends it, the resume is a full burst. */
static void rate_wait(void)
{
  sim *s = sim_new(1, 0);
  sim_transfer *x = sim_transfer_new(s);
  sim_respond(x, 100000);
  sim_number(x, CURLOPT_MAX_RECV_SPEED_LARGE, 1000);
  s->calm_us += 1000 * SL_SECOND;
  sim_transfer_ready(x);
  sim_at(s, 0, SIM_ADD, 1, 0);
  for (int i = 1; i <= 3; i++) {
    sim_at(s, (2 * i) * SL_SECOND + 500000, SIM_PAUSE, 1, SL_DIR_RECV);
    sim_at(s, (2 * i + 1) * SL_SECOND + 500000, SIM_RESUME, 1, 0);
  }
  /* About 2 s at 1000, three bursts of 32768 and a second each: all within 8 s instead of 100. */
  expect(x, "B3, S3: a burst behind each pause", CURLE_OK, 7500000, 8500000, NULL);
}

int main(void)
{
  calls_clear();
  uploads();
  connecting();
  before_start();
  rate_wait();
  printf(failed ? "%u failed\n" : "ok\n", failed);
  return failed ? 1 : 0;
}
