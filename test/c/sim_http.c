/* sim_http.c: what HTTP asks of a client when a connection breaks or a response leads elsewhere, on virtual time. */
#include <string.h>
#include "sim.h"
#include "support/check.h"

static sim_transfer *transfer(sim *s, uint32_t body_len)
{
  sim_transfer *x = sim_transfer_new(s);
  sim_respond(x, body_len);
  return x;
}

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

/* The server answers in the middle of the body and resets: what it said is still to be had, the rest is given up. */
static void test_early_answer(void)
{
  for (int way = 0; way < 8; way++) {
    sim *s = sim_new(1, 0);
    sim_transfer *x = transfer(s, 3000);
    sim_upload_body(x, 50000, way & 1);
    x->up.expects = false;
    x->up.readies = s->moves_out = way & 2;
    x->up.answer_at = 20000;
    x->up.deaf = x->up.resets = true;
    x->response.think_us = way & 4 ? 50000 : 0; /* sending has failed long before the answer is here */
    x->response.seg_max = 700;
    x->response.delay_us = 1000;
    s->send_max = 1000;
    add(x, 0);
    play(s);
    CHECK_EQ(U8, x->code, CURLE_OK);
    CHECK_EQ(U8, x->delivered, 3000);
    CHECK_EQ(U8, s->channel_count, 0); /* such a connection is not kept */
    sim_free(s);
  }
}

/* Of the answer only a part comes: that is the fault, not the sending. */
static void test_early_answer_cut(void)
{
  sim *s = sim_new(1, 0);
  sim_transfer *x = transfer(s, 3000);
  sim_upload_body(x, 50000, true);
  x->up.answer_at = 20000;
  x->up.deaf = x->up.resets = true;
  x->response.fault = SIM_FAULT_END;
  x->response.fault_at = (uint32_t)x->response.heads.len + 1000;
  sim_allow(x, CURLE_PARTIAL_FILE);
  add(x, 0);
  play(s);
  CHECK_EQ(U8, x->code, CURLE_PARTIAL_FILE);
  CHECK_EQ(U8, x->delivered, 1000);
  sim_free(s);
}

/* A redirect's small body is read out, in chunks too: the connection is kept. */
static void test_redirect_in_chunks(void)
{
  for (int large = 0; large < 2; large++) {
    sim *s = sim_new(1, 0);
    sim_transfer *x = transfer(s, 100);
    x->follow = x->chunked_hops = true;
    sim_redirect(x, 302, "/1.1", large ? 100000 : 1000);
    sim_redirect(x, 302, "/1.2", large ? 100000 : 0);
    add(x, 0);
    play(s);
    CHECK_EQ(REDIRECT, x->code, CURLE_OK);
    CHECK_EQ(REDIRECT, x->t.connects, large ? 3 : 1);
    sim_free(s);
  }
}

/* One that does not come is not waited for beyond a second. */
static void test_redirect_stalls(void)
{
  for (int way = 0; way < 4; way++) {
    sim *s = sim_new(1, 0);
    sim_transfer *x = transfer(s, 100);
    x->follow = true;
    x->chunked_hops = way & 1;
    sim_redirect(x, 302, "/1.1", 1000);
    sim_response *r = &x->redirects[0];
    r->fault = SIM_FAULT_STALL;
    r->fault_at = (uint32_t)(way & 2 ? r->heads.len : r->wire.len - 3);
    add(x, 0);
    play(s);
    CHECK_EQ(REDIRECT, x->code, CURLE_OK);
    CHECK_EQ(REDIRECT, x->t.connects, 2);
    CHECK_EQ(REDIRECT, x->done_us - x->start_us, SL_SECOND);
    sim_free(s);
  }
}

/* Two requests, and the server closes its connection at the second one. */
static sim_transfer *second(sim *s, uint8_t method, bool reset)
{
  s->origins[0].requests_max = 1;
  s->origins[0].requests_reset = reset;
  add(transfer(s, 100), 0);
  sim_transfer *x = transfer(s, 100);
  if (method >= SIM_PUT) sim_upload_body(x, 5000, true);
  x->up.expects = false;
  x->head_only = method == SIM_HEAD;
  if (x->head_only) x->response.wire.len = x->response.heads.len, x->response.body_len = 0;
  x->hops[0].method = method;
  add(x, 1000);
  play(s);
  return x;
}

/* A request that may have come is repeated only when that does no harm. (The server looks that no POST comes twice.) */
static void test_repeated(void)
{
  for (uint8_t method = SIM_GET; method <= SIM_POST; method++)
    for (int reset = 0; reset < 2; reset++) {
      sim *s = sim_new(1, 0);
      sim_transfer *x = second(s, method, reset);
      bool again = method != SIM_POST;
      CHECK_EQ(R7, x->code == CURLE_OK, again);
      CHECK_EQ(R7, x->t.retried, again);
      CHECK(R7, again || x->code == CURLE_GOT_NOTHING || x->code == CURLE_SEND_ERROR);
      CHECK(R7, again || strstr(x->t.error, "POST is not repeated"));
      sim_free(s);
    }
}

/* Of which nothing went out: every request goes over another connection. */
static void test_nothing_sent(void)
{
  sim *s = sim_new(1, 0);
  s->origins[0].idle_us = 0;
  add(transfer(s, 100), 0);
  sim_transfer *x = transfer(s, 100);
  sim_upload_body(x, 5000, true);
  x->hops[0].method = SIM_POST;
  add(x, SL_SECOND);
  play(s);
  CHECK_EQ(R7, x->code, CURLE_OK);
  CHECK_EQ(R7, x->t.connects, 1);
  CHECK_EQ(R7, x->up.given, 5000);
  sim_free(s);
}

int main(void)
{
  test_early_answer();
  test_early_answer_cut();
  test_redirect_in_chunks();
  test_redirect_stalls();
  test_repeated();
  test_nothing_sent();
  return check_result();
}
