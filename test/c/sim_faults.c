/* sim_faults.c: what the simulator's seeds found, each once more by hand, on virtual time. */
#include <string.h>
#include "sim.h"
#include "support/check.h"

/* Arguments of SIM_LIMIT (play.c): which option, and which value. */
enum { CONNECT_MS = 1 * 16, PAUSED_MS = 6 * 16, TO_100 = 4, TO_1000 = 5 };

static sim_transfer *transfer(sim *s, uint32_t body_len)
{
  sim_transfer *x = sim_transfer_new(s);
  sim_respond(x, body_len);
  return x;
}

/* Ready, and added then. */
static void add(sim_transfer *x, int64_t after_us)
{
  sim_transfer_ready(x);
  sim_at(x->sim, after_us, SIM_ADD, x->number, 0);
}

static void play(sim *s)
{
  sim_play(s);
  if (s->violated) fprintf(stderr, "%s\n", s->message);
  CHECK(SIM, !s->violated);
}

static uint32_t seen_paused;

static void look(sim *s, sim_transfer *x, int64_t arg)
{
  (void)s, (void)arg;
  seen_paused = sl_gate_paused(&x->transfer->gate);
}

static bool pauses;

static void pause_at_hop(sl_transfer *t)
{
  if (t->state.life != SL_PENDING || !t->redirects || !pauses) return;
  pauses = false;
  sim_pause(sim_of(t), SL_DIR_RECV, SL_BY_CALLBACK);
}

/* Who pauses when told of a redirect's new try means the new try: only older pauses are forgotten. */
static void test_pause_when_told_of_a_hop(void)
{
  sim *s = sim_new(1, 0);
  sim_transfer *x = transfer(s, 100);
  s->look = look;
  x->follow = true;
  sim_redirect(x, 302, "/1.1", 10);
  x->user.changed = pause_at_hop;
  pauses = true;
  add(x, 0);
  sim_at(s, SL_SECOND, SIM_LOOK, 1, 0);
  sim_at(s, 2 * SL_SECOND, SIM_RESUME, 1, 0);
  play(s);
  CHECK_EQ(P13, seen_paused, SL_DIR_RECV);
  CHECK_EQ(P13, x->code, CURLE_OK);
  CHECK_EQ(P13, x->done_us - x->start_us, 2 * SL_SECOND);
  sim_free(s);
}

/* A pause from before the host had no room is forgotten with that try: without a connection nobody could end it. */
static void test_pause_then_no_room(void)
{
  sim *s = sim_new(1, 0);
  sim_use_easy(s, SIM_DRIVE_SOCKETS);
  sim_transfer *x = transfer(s, 100);
  s->origins[0].open_code = SL_BUSY;
  s->origins[0].open_delay_us = 1000;
  x->may_hang = true;
  sim_number(x, CURLOPT_TIMEOUT_MS, 3000);
  s->look = look;
  seen_paused = 99;
  add(x, 0);
  sim_at(s, 500, SIM_PAUSE, 1, SL_DIR_RECV);
  sim_at(s, 50000, SIM_LOOK, 1, 0);
  play(s);
  CHECK_EQ(P13, seen_paused, 0);
  CHECK_EQ(P2, x->code, CURLE_OPERATION_TIMEDOUT);
  CHECK(P13, x->transfer->connects > 10); /* it went on trying */
  sim_free(s);
}

/* Who stood behind one that the host had no room for goes on when that one is taken out. */
static void test_queue_left_unserved(void)
{
  sim *s = sim_new(1, 0);
  s->origin_count = 2;
  s->origins[1] = (sim_origin){ .name = "b.test", .idle_us = SL_NEVER };
  s->channels_max = 1;
  s->m->max_host_connections = 2;
  sim_transfer *holds = transfer(s, 100), *goes = transfer(s, 100), *waits = transfer(s, 100);
  holds->origin = 1;
  holds->response.think_us = 0;
  holds->refuse_at = 0;
  holds->resume_us = SL_SECOND;
  holds->response.close = true;
  add(holds, 0);
  add(goes, 10);
  add(waits, 20);
  sim_at(s, 100, SIM_REMOVE, goes->number, 0);
  play(s);
  CHECK_EQ(T6, waits->code, CURLE_OK);
  CHECK(T6, waits->done_us <= SIM_EPOCH_US + 2 * SL_SECOND);
  sim_free(s);
}

/* A paused one in the queue is in nobody's way. */
static void test_queue_behind_a_paused_one(void)
{
  sim *s = sim_new(1, 0);
  s->m->max_host_connections = 1;
  sim_transfer *holds = transfer(s, 100), *paused = transfer(s, 100), *passes = transfer(s, 100);
  holds->refuse_at = 0;
  holds->resume_us = SL_SECOND;
  add(holds, 0);
  add(paused, 10);
  sim_at(s, 20, SIM_PAUSE, paused->number, SL_DIR_RECV);
  add(passes, 2 * SL_SECOND);
  sim_at(s, 5 * SL_SECOND, SIM_RESUME, paused->number, 0);
  play(s);
  CHECK_EQ(P15, passes->done_us - passes->start_us, 0);
  CHECK_EQ(P10, paused->done_us, SIM_EPOCH_US + 5 * SL_SECOND);
  sim_free(s);
}

/* Room for another host is not kept from a newcomer by those who wait for theirs. */
static void test_queue_of_another_host(void)
{
  sim *s = sim_new(1, 0);
  s->origin_count = 2;
  s->origins[1] = (sim_origin){ .name = "b.test", .idle_us = SL_NEVER };
  s->m->max_connections = 3;
  s->m->max_host_connections = 1;
  sim_transfer *holds = transfer(s, 100), *waits = transfer(s, 100), *other = transfer(s, 100);
  holds->refuse_at = 0;
  holds->resume_us = SL_SECOND;
  other->origin = 1;
  add(holds, 0);
  add(waits, 10);
  add(other, 20);
  play(s);
  CHECK_EQ(T6, other->done_us - other->start_us, 0);
  CHECK_EQ(T6, waits->done_us, SIM_EPOCH_US + SL_SECOND);
  sim_free(s);
}

/* Limits set while it runs are in force at once, and a program's timer is told (B7). */
static void test_limits_while_running(void)
{
  for (int drive = SIM_DRIVE_EVENTS; drive <= SIM_DRIVE_SOCKETS; drive++) {
    sim *s = sim_new(1, 0);
    if (drive) sim_use_easy(s, (enum sim_drive)drive);
    sim_transfer *x = transfer(s, 100);
    s->origins[0].open_delay_us = SL_NEVER;
    add(x, 0);
    sim_at(s, SL_SECOND, SIM_LIMIT, 1, CONNECT_MS + TO_100);
    play(s);
    CHECK_EQ(T2, x->code, CURLE_OPERATION_TIMEDOUT);
    CHECK(B7, x->done_us - x->start_us >= SL_SECOND && x->done_us - x->start_us <= SL_SECOND + 1000);
    sim_free(s);

    s = sim_new(1, 0);
    if (drive) sim_use_easy(s, (enum sim_drive)drive);
    x = transfer(s, 100);
    x->refuse_at = 0;
    add(x, 0);
    sim_at(s, 200000, SIM_LIMIT, 1, PAUSED_MS + TO_1000);
    play(s);
    CHECK_EQ(B9, x->code, CURLE_OPERATION_TIMEDOUT);
    CHECK(B7, x->done_us - x->start_us >= SL_SECOND && x->done_us - x->start_us <= SL_SECOND + 1000);
    sim_free(s);
  }
}

/* More room is used at once, with nobody else to say so. */
static void test_connections_while_waiting(void)
{
  for (int drive = SIM_DRIVE_POLL; drive <= SIM_DRIVE_SOCKETS; drive++) {
    sim *s = sim_new(1, 0);
    sim_use_easy(s, (enum sim_drive)drive);
    s->m->max_connections = 1;
    sim_transfer *holds = transfer(s, 100), *waits = transfer(s, 100);
    holds->refuse_at = 0;
    holds->resume_us = 5 * SL_SECOND;
    add(holds, 0);
    add(waits, 10);
    sim_at(s, SL_SECOND, SIM_CONNS, 0, 2 * 16);
    play(s);
    CHECK(B7, waits->done_us >= SIM_EPOCH_US + SL_SECOND && waits->done_us <= SIM_EPOCH_US + SL_SECOND + 1000);
    sim_free(s);
  }
}

/* B9: silence is counted since the latest byte, whatever else is set meanwhile. */
static void test_silence_goes_on(void)
{
  sim *s = sim_new(1, 0);
  sim_transfer *x = transfer(s, 1000);
  sim_number(x, SLUICEOPT_SILENCE_TIMEOUT_MS, 3000);
  x->response.fault = SIM_FAULT_STALL;
  x->response.fault_at = (uint32_t)x->response.heads.len + 10;
  x->may_hang = true;
  add(x, 0);
  for (int i = 1; i < 5; i++) sim_at(s, i * SL_SECOND, SIM_SPEED, 1, 100000 + i);
  play(s);
  CHECK_EQ(B9, x->code, CURLE_OPERATION_TIMEDOUT);
  CHECK_EQ(B9, x->done_us - x->start_us, 3 * SL_SECOND);
  sim_free(s);
}

int main(void)
{
  test_pause_when_told_of_a_hop();
  test_pause_then_no_room();
  test_queue_left_unserved();
  test_queue_behind_a_paused_one();
  test_queue_of_another_host();
  test_limits_while_running();
  test_connections_while_waiting();
  test_silence_goes_on();
  return check_result();
}
