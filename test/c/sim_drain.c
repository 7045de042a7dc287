/* sim_drain.c: the bounded drain (B11) on virtual time: what a stopped transfer leaves of its response is read out by
 * its connection, in bounds of bytes and time, and the next transfer uses that; and what makes a connection unfit. */
#include <string.h>
#include "engine/request.h"
#include "sim.h"
#include "support/check.h"

/* What a look at transfer 1 saw. */
static struct { uint32_t channels, draining, idle, delivered; int64_t next_us; } seen[4];

static void look(sim *s, sim_transfer *x, int64_t slot)
{
  seen[slot].channels = s->channel_count;
  seen[slot].draining = s->m->draining_first != NULL;
  seen[slot].idle = s->m->idle_count;
  seen[slot].delivered = x->delivered;
  seen[slot].next_us = sl_multi_next_us(s->m) - SIM_EPOCH_US;
}

static sim_transfer *add(sim *s, uint32_t body_len, int64_t at_us)
{
  sim_transfer *x = sim_transfer_new(s);
  sim_respond(x, body_len);
  sim_at(s, at_us, SIM_ADD, x->number, 0);
  return x;
}

/* Transfer 1: 10000 bytes in about so many milliseconds, stopped after 50 with about 8000 of them to come when that is
 * 250; transfer 2 to the same place at 1500. `bound`: of transfer 1. */
static sim_transfer *begin(uint32_t ms, int64_t bound)
{
  sim *s = sim_new(1, 0);
  memset(seen, 0, sizeof seen);
  s->look = look;
  sim_transfer *x = add(s, 10000, 0);
  x->response.seg_max = 200;
  x->response.delay_us = 20 * (int64_t)ms;
  sim_number(x, SLUICEOPT_DRAIN_MAX_BYTES, bound);
  add(s, 100, 1500000);
  sim_at(s, 50000, SIM_STOP, 1, 0);
  sim_at(s, 60000, SIM_LOOK, 1, 0);
  sim_at(s, 900000, SIM_LOOK, 1, 1);
  sim_at(s, 1100000, SIM_LOOK, 1, 2);
  return x;
}

/* Both are played. Whether transfer 2 came by a connection that transfer 1 left; all else must be as ever. */
static bool play(sim_transfer *x)
{
  sim *s = x->sim;
  sim_transfer *second = &s->transfers[1];
  sim_transfer_ready(x);
  sim_transfer_ready(second);
  CHECK(B11, sim_play(s));
  if (s->violated) fprintf(stderr, "%s\n", s->message);
  CHECK_EQ(B11, x->dones, 1);
  CHECK_EQ(B11, second->code, CURLE_OK);
  CHECK_EQ(B11, second->t.reused, !second->t.connects);
  return second->t.reused;
}

static void test_kept(void)
{
  sim_transfer *x = begin(250, 65536);
  CHECK(B11, play(x));
  CHECK_EQ(B11, x->code, CURLE_ABORTED_BY_CALLBACK);
  CHECK_EQ(B11, x->done_us - x->start_us, 50000); /* at once */
  CHECK(B11, seen[0].draining && seen[0].channels == 1 && !seen[0].idle);
  CHECK(B11, !seen[1].draining && seen[1].idle == 1);
  CHECK_EQ(B11, seen[1].delivered, seen[0].delivered); /* nothing more is delivered */
  sim_free(x->sim);

  for (int moves = 0; moves < 2; moves++) { /* removed, and with bytes held: they are dropped */
    x = begin(0, 65536);
    x->sim->moves = x->user.moves = x->sim->reads_ahead = moves;
    x->refuse_at = 3000;
    x->sim->commands[2].what = SIM_REMOVE;
    CHECK(B11, play(x));
    CHECK(B11, seen[0].delivered == 3000 && seen[0].idle == 1);
    sim_free(x->sim);
  }
}

/* Other causes of ours. */
static void test_causes(void)
{
  sim_transfer *x = begin(250, 65536);
  sim_number(x, CURLOPT_TIMEOUT_MS, 30);
  CHECK(B11, play(x));
  CHECK_EQ(B11, x->code, CURLE_OPERATION_TIMEDOUT);
  sim_free(x->sim);

  x = begin(250, 65536);
  x->fail = 100;
  CHECK(B11, play(x));
  CHECK_EQ(B11, x->code, CURLE_WRITE_ERROR);
  sim_free(x->sim);

  x = begin(250, 65536); /* the peer's fault leaves nothing to keep (X9) */
  x->response.fault = SIM_FAULT_END;
  x->response.fault_at = (uint32_t)x->response.heads.len + 500;
  sim_allow(x, CURLE_PARTIAL_FILE);
  CHECK(B11, !play(x));
  CHECK_EQ(X9, x->code, CURLE_PARTIAL_FILE);
  sim_free(x->sim);
}

static void test_not_kept(void)
{
  sim_transfer *x = begin(250, 0); /* not asked for */
  CHECK(X2, !play(x));
  CHECK_EQ(X2, seen[0].channels, 0);
  sim_free(x->sim);

  x = begin(250, 5000); /* too much is to come */
  CHECK(B11, !play(x));
  CHECK_EQ(B11, seen[0].channels, 0);
  sim_free(x->sim);

  x = begin(250, 65536);
  sim_number(x, CURLOPT_FORBID_REUSE, 1);
  CHECK(B11, !play(x));
  CHECK_EQ(B11, seen[0].channels, 0);
  sim_free(x->sim);

  x = begin(2500, 65536); /* not in time */
  CHECK(B11, !play(x));
  CHECK(B11, seen[1].draining && !seen[2].channels);
  CHECK_EQ(B11, seen[1].next_us, 50000 + SL_DRAIN_US); /* its one deadline, when nothing comes before */
  sim_free(x->sim);

  x = begin(250, 65536); /* the server goes while it drains */
  x->response.fault = SIM_FAULT_END;
  x->response.fault_at = (uint32_t)x->response.heads.len + 9000;
  CHECK(B11, !play(x));
  CHECK(B11, seen[0].draining && !seen[1].channels);
  sim_free(x->sim);

  x = begin(250, 65536); /* more comes than was announced */
  sl_text_str(&x->response.wire, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  x->response.glue = 39;
  CHECK(B11, !play(x));
  CHECK(B11, seen[0].draining && !seen[1].channels);
  sim_free(x->sim);

  x = begin(250, 65536); /* held by the host: it does not read, so it is not in time */
  sim_at(x->sim, 40000, SIM_HOLD, 1, 0);
  CHECK(B11, !play(x));
  CHECK(B11, seen[1].draining && !seen[2].channels);
  sim_free(x->sim);
}

/* The request is not out whole: what comes next would pass for its body. */
static void test_upload(void)
{
  sim_transfer *x = begin(0, 65536);
  sim_upload_body(x, 100000, true);
  x->up.expects = false;
  x->up.answer_at = 10000;
  x->up.pause_at = 20000;
  x->refuse_at = 3000;
  CHECK(B11, !play(x));
  CHECK_EQ(B11, seen[0].channels, 0);
  sim_free(x->sim);
}

/* It counts while it drains: who waits for it starts when that is over, either way. */
static void test_limits(void)
{
  static const struct { uint32_t ms; int64_t from_us, to_us; bool reused; } ways[] = {
    { 250, 100000, 400000, true }, { 2500, 50000 + SL_DRAIN_US, 50000 + SL_DRAIN_US, false },
  };
  for (int i = 0; i < 4; i++) {
    sim_transfer *x = begin(ways[i / 2].ms, 65536), *second = &x->sim->transfers[1];
    if (i % 2) x->sim->m->max_connections = 1;
    else x->sim->m->max_host_connections = 1;
    x->sim->commands[1].at_us = SIM_EPOCH_US + 10000;
    CHECK_EQ(B11, play(x), ways[i / 2].reused);
    int64_t began = second->t.begin_us - SIM_EPOCH_US;
    CHECK(B11, began >= ways[i / 2].from_us && began <= ways[i / 2].to_us);
    sim_free(x->sim);
  }
}

/* X9: bytes that nobody asked for, come to an idle connection in the very turn in which it would be used again. */
static void unasked(sim *s, sim_transfer *x, int64_t slot)
{
  static const char bytes[] = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nbad";
  sim_channel *c = s->channels[0];
  (void)x, (void)slot;
  CHECK(X9, s->channel_count == 1 && s->m->idle_count == 1);
  sl_text_add(&c->wire, bytes, sizeof bytes - 1);
  c->arrived = (uint32_t)c->wire.len;
  sl_multi_run(s->m); /* the event comes later */
}

static void test_unasked(void)
{
  sim *s = sim_new(1, 0);
  s->look = unasked;
  for (int i = 0; i < 2; i++) sim_transfer_ready(add(s, 100, i * SL_SECOND));
  sim_at(s, SL_SECOND, SIM_LOOK, 2, 0);
  CHECK(X9, sim_play(s));
  if (s->violated) fprintf(stderr, "%s\n", s->message);
  CHECK(X9, s->transfers[1].code == CURLE_OK && !s->transfers[1].t.reused);
  sim_free(s);
}

/* As libcurl: one that was idle for more than 118 seconds is not used again. */
static void test_old(void)
{
  for (int64_t idle = 118; idle <= 119; idle++) {
    sim *s = sim_new(1, 0);
    s->calm_us += 1000 * SL_SECOND;
    for (int64_t i = 0; i < 2; i++) sim_transfer_ready(add(s, 100, i * idle * SL_SECOND));
    CHECK(X2, sim_play(s));
    CHECK_EQ(X2, s->transfers[1].t.reused, idle == 118);
    sim_free(s);
  }
}

/* An engine that is closed meanwhile closes what drains (sim_check_end looks). */
static void test_closed(void)
{
  sim_transfer *x = begin(2500, 65536);
  x->sim->command_count = 3; /* up to the stop */
  x->sim->commands[1].at_us = SIM_EPOCH_US;
  sim_transfer_ready(x);
  sim_transfer_ready(&x->sim->transfers[1]);
  CHECK(B11, sim_play(x->sim));
  CHECK_EQ(B11, x->code, CURLE_ABORTED_BY_CALLBACK);
  sim_free(x->sim);
}

int main(void)
{
  test_kept();
  test_causes();
  test_not_kept();
  test_upload();
  test_limits();
  test_unasked();
  test_old();
  test_closed();
  return check_result();
}
