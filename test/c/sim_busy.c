/* sim_busy.c: limits that judge the peer, not ourselves, on virtual time: a process that was stopped (B17), our own queue
 * and the way to the peer (B16), what waited during a pause (L5); rates without lumps (B20); times beyond 2^31 ms. */
#include <string.h>
#include "sim.h"
#include "support/check.h"

#define MS 1000
#define SLICE_US (100 * MS)
#define SLICES 400

static sim_transfer *begin(uint32_t body_len)
{
  sim *s = sim_new(1, 0);
  s->calm_us += 1000 * SL_SECOND;
  sim_transfer *x = sim_transfer_new(s);
  sim_respond(x, body_len);
  return x;
}

static void add(sim_transfer *x, int64_t at_us)
{
  sim_transfer_ready(x);
  sim_at(x->sim, at_us, SIM_ADD, x->number, 0);
}

static void play(sim *s)
{
  sim_play(s);
  if (s->violated) fprintf(stderr, "    %s\n", s->message);
  CHECK(simulator, !s->violated);
}

static int64_t took(const sim_transfer *x) { return x->done_us - x->start_us; }

static void stall(sim_transfer *x, uint32_t bytes)
{
  x->response.fault = SIM_FAULT_STALL;
  x->response.fault_at = (uint32_t)x->response.heads.len + bytes;
  x->may_hang = true;
}

/* Stopped for 4 s; what the peer did meanwhile is there. */
static void test_stopped(void)
{
  static const struct { int option; int64_t value; int64_t think_us, open_us; } cases[] = {
    { SLUICEOPT_SILENCE_TIMEOUT_MS, 1000, 500 * MS, 0 },
    { CURLOPT_CONNECTTIMEOUT_MS, 1000, 0, 500 * MS },
    { CURLOPT_LOW_SPEED_LIMIT, 1000, 500 * MS, 0 },
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    for (int moves = 0; moves < 2; moves++) {
      sim_transfer *x = begin(50000);
      x->sim->moves = x->user.moves = moves;
      x->response.think_us = cases[i].think_us;
      x->sim->origins[0].open_delay_us = cases[i].open_us;
      sim_number(x, cases[i].option, cases[i].value);
      sim_number(x, CURLOPT_LOW_SPEED_TIME, 1);
      add(x, 0);
      sim_at(x->sim, 10 * MS, SIM_SLEEP, 0, 4 * SL_SECOND);
      play(x->sim);
      CHECK_EQ(B17, x->code, CURLE_OK);
      CHECK_EQ(U4, took(x), 4010 * MS);
      sim_free(x->sim);
    }
  /* The limit comes all the same when there was nothing: not early, and a second after the end of the stop at most. */
  for (int way = 0; way < 2; way++) {
    sim_transfer *x = begin(50000);
    if (way) x->sim->origins[0].open_delay_us = SL_NEVER;
    stall(x, 1000);
    sim_number(x, way ? CURLOPT_CONNECTTIMEOUT_MS : SLUICEOPT_SILENCE_TIMEOUT_MS, 1000);
    add(x, 0);
    sim_at(x->sim, 100 * MS, SIM_SLEEP, 0, 4 * SL_SECOND);
    play(x->sim);
    CHECK_EQ(B17, x->code, CURLE_OPERATION_TIMEDOUT);
    CHECK(B17, took(x) >= 4100 * MS && took(x) <= 5200 * MS);
    sim_free(x->sim);
  }
  /* T1: the total time is a total. */
  sim_transfer *x = begin(50000);
  x->response.think_us = 500 * MS;
  sim_number(x, CURLOPT_TIMEOUT_MS, 1000);
  add(x, 0);
  sim_at(x->sim, 10 * MS, SIM_SLEEP, 0, 4 * SL_SECOND);
  play(x->sim);
  CHECK_EQ(T1, x->code, CURLE_OPERATION_TIMEDOUT);
  sim_free(x->sim);
}

/* One connection for two; the first one has it for 3 s. Limits of the second one. */
static sim_transfer *begin_queue(sim_transfer **second)
{
  sim_transfer *x = begin(1000);
  x->sim->m->max_connections = 1;
  x->refuse_at = 0;
  x->resume_us = 3 * SL_SECOND;
  *second = sim_transfer_new(x->sim);
  sim_respond(*second, 1000);
  return x;
}

static void test_queue(void)
{
  static const struct { int option; int64_t value; bool alone; CURLcode code; int64_t took_ms; const char *words; } cases[] = {
    { CURLOPT_LOW_SPEED_LIMIT, 1000, false, CURLE_OK, 3000, "" },
    { SLUICEOPT_SILENCE_TIMEOUT_MS, 1000, false, CURLE_OK, 3000, "" },
    { CURLOPT_CONNECTTIMEOUT_MS, 1000, true, CURLE_OK, 3000, "" },
    { CURLOPT_CONNECTTIMEOUT_MS, 1000, false, CURLE_OPERATION_TIMEDOUT, 1000, "Connection timed out after 1000 milliseconds" }, /* T6 */
    { SLUICEOPT_QUEUE_TIMEOUT_MS, 1000, false, CURLE_OPERATION_TIMEDOUT, 1000, "Waited 1000 milliseconds for a free connection" },
    { SLUICEOPT_QUEUE_TIMEOUT_MS, 3001, true, CURLE_OK, 3000, "" },
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    sim_transfer *second, *first = begin_queue(&second);
    second->user.connect_alone = cases[i].alone;
    sim_number(second, cases[i].option, cases[i].value);
    sim_number(second, CURLOPT_LOW_SPEED_TIME, 1);
    add(first, 0);
    add(second, 0);
    play(first->sim);
    CHECK_EQ(B16, second->code, cases[i].code);
    CHECK_EQ(U3, took(second), cases[i].took_ms * MS);
    CHECK(B16, !strcmp(second->transfer->error, cases[i].words));
    sim_free(first->sim);
  }
  /* Paused it does not wait: 0.8 s, then 2 s of a pause, then the whole of its time. */
  sim_transfer *second, *first = begin_queue(&second);
  first->resume_us = 10 * SL_SECOND;
  sim_number(second, SLUICEOPT_QUEUE_TIMEOUT_MS, 1000);
  add(first, 0);
  add(second, 0);
  sim_at(first->sim, 800 * MS, SIM_PAUSE, 2, SL_DIR_RECV);
  sim_at(first->sim, 2800 * MS, SIM_RESUME, 2, 0);
  play(first->sim);
  CHECK_EQ(B16, took(second), 3800 * MS);
  sim_free(first->sim);
  /* Connecting is not slow either, and has its whole time behind the queue. */
  for (int slow = 0; slow < 2; slow++) {
    first = begin_queue(&second);
    first->response.close = true;
    first->sim->origins[0].open_delay_us = 1500 * MS;
    second->user.connect_alone = true;
    sim_number(second, CURLOPT_CONNECTTIMEOUT_MS, slow ? 1499 : 1501);
    sim_number(second, CURLOPT_LOW_SPEED_LIMIT, 1000);
    sim_number(second, CURLOPT_LOW_SPEED_TIME, 1);
    add(first, 0);
    add(second, 0);
    play(first->sim);
    CHECK_EQ(B16, second->code, slow ? CURLE_OPERATION_TIMEDOUT : CURLE_OK);
    CHECK_EQ(B16, took(second), (4500 + (slow ? 1499 : 1500)) * MS);
    CHECK(B16, !slow || !strcmp(second->transfer->error, "Connection timed out after 1499 milliseconds"));
    sim_free(first->sim);
  }
}

/* L5 [M]: unpaused at 3.0 s, when much is waiting and the server has stalled: 6.0 s. */
static void test_unpaused(void)
{
  for (int waiting = 0; waiting < 2; waiting++) {
    sim_transfer *x = begin(100000);
    x->refuse_at = 20000; /* of the 60000; the rest waits in the channel, or there is no rest */
    x->response.seg_max = 20000;
    stall(x, waiting ? 60000 : 20100);
    sim_number(x, CURLOPT_LOW_SPEED_LIMIT, 1000);
    sim_number(x, CURLOPT_LOW_SPEED_TIME, 2);
    add(x, 0);
    sim_at(x->sim, 3 * SL_SECOND, SIM_RESUME, 1, 0);
    play(x->sim);
    CHECK_EQ(L5, x->code, CURLE_OPERATION_TIMEDOUT);
    CHECK_EQ(L5, took(x), 6 * SL_SECOND);
    CHECK_EQ(L5, x->delivered, waiting ? 60000 : 20100);
    sim_free(x->sim);
  }
}

/* What was delivered, by slices of 100 ms. */
static uint32_t slices[SLICES];

static int32_t write_slice(sl_transfer *t, enum sl_part part, const char *data, uint32_t n)
{
  int32_t taken = sim_write(t, part, data, n);
  const sim_transfer *x = sim_of(t);
  int64_t slice = (x->sim->now_us - x->start_us) / SLICE_US;
  if (part == SL_PART_BODY && taken > 0 && slice < SLICES) slices[slice] += (uint32_t)taken;
  return taken;
}

static void test_smooth(void)
{
  static const struct { int64_t rate, burst, late_us, resume_ms; } cases[] = {
    { 1000000, SLUICE_BURST_DEFAULT, 0, 0 }, { 1000000, SLUICE_BURST_DEFAULT, 20 * MS, 0 }, { 1000000, 1, 0, 0 },
    { 400000, 250000, 5 * MS, 0 }, { 150000, SLUICE_BURST_DEFAULT, 0, 0 }, { 1000000, SLUICE_BURST_DEFAULT, 0, 1550 },
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    int64_t rate = cases[i].rate, share = rate / 10, burst = cases[i].burst > 0 ? cases[i].burst : share > SL_BURST_MIN ? share : SL_BURST_MIN;
    uint32_t body = (uint32_t)(3 * rate);
    sim_transfer *x = begin(body);
    memset(slices, 0, sizeof slices);
    x->user.write = write_slice;
    x->sim->late_us = cases[i].late_us;
    sim_number(x, CURLOPT_MAX_RECV_SPEED_LARGE, rate);
    sim_number(x, SLUICEOPT_BURST, cases[i].burst);
    if (cases[i].resume_ms) {
      sim_at(x->sim, 1000 * MS, SIM_PAUSE, 1, SL_DIR_RECV);
      sim_at(x->sim, cases[i].resume_ms * MS, SIM_RESUME, 1, 0);
    }
    add(x, 0);
    play(x->sim);
    CHECK_EQ(B20, x->code, CURLE_OK);
    for (int64_t k = 0; k < SLICES; k++) {
      bool first = k == 0 || (cases[i].resume_ms && k == cases[i].resume_ms / 100);
      CHECK(B20, slices[k] <= 2 * share + (first ? burst : 0));
      if (k > 1 && k < 25 && !cases[i].resume_ms && !cases[i].late_us) CHECK(B20, slices[k] >= share / 2); /* no gaps */
    }
    int64_t least = ((int64_t)body - burst * (cases[i].resume_ms ? 2 : 1)) * 1000 / rate * MS + (cases[i].resume_ms ? 550 * MS : 0);
    CHECK(B20, took(x) >= least - 50 * MS && took(x) <= least + 300 * MS); /* nothing is lost, nothing doubled */
    sim_free(x->sim);
  }
}

/* Times that no 32 bits hold. */
static void test_long(void)
{
  static const int options[] = { CURLOPT_TIMEOUT_MS, SLUICEOPT_SILENCE_TIMEOUT_MS };
  const int64_t ms = 3000000000; /* 35 days */
  for (int i = 0; i < 2; i++) {
    sim_transfer *x = begin(1000);
    x->sim->calm_us += 2 * ms * MS;
    stall(x, 0);
    sim_number(x, options[i], ms);
    add(x, 0);
    play(x->sim);
    CHECK_EQ(T8, x->code, CURLE_OPERATION_TIMEDOUT);
    CHECK_EQ(T8, took(x), ms * MS);
    sim_free(x->sim);
  }
}

int main(void)
{
  test_stopped();
  test_queue();
  test_unpaused();
  test_smooth();
  test_long();
  return check_result();
}
