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

static void stray(sim *s, sim_transfer *x, int64_t arg)
{
  sim_channel *c = s->channel_count ? s->channels[0] : NULL;
  (void)x, (void)arg;
  if (!CHECK(U11, c)) return;
  sl_text_add(&c->wire, "H", 1);
  c->arrived++;
  if (s->reads_ahead) c->chunk = c->arrived;
}

/* A byte that nobody asked for, on an idle connection: the probe that finds it has taken it, so the next request goes over
 * another one; also when it came in the same moment, before the host could tell. */
static void test_stray_byte(void)
{
  for (int way = 0; way < 4; way++) {
    sim *s = sim_new(1, 0);
    s->look = stray;
    s->reads_ahead = way & 1;
    add(transfer(s, 100), 0);
    sim_at(s, SL_SECOND, SIM_LOOK, 1, 0);
    sim_transfer *x = transfer(s, 100);
    add(x, way & 2 ? SL_SECOND : 2 * SL_SECOND);
    play(s);
    CHECK_EQ(U11, x->code, CURLE_OK);
    CHECK_EQ(U11, x->t.connects, 1);
    CHECK(U11, !x->t.reused);
    sim_free(s);
  }
}

/* What went out as the head of the request. */
static char asked_head[4096];

static void keep_head(sl_transfer *t, const char *text, size_t n)
{
  (void)t;
  if (n >= sizeof asked_head) n = sizeof asked_head - 1;
  memcpy(asked_head, text, n);
  asked_head[n] = 0;
}

static unsigned lines_of(const char *name)
{
  unsigned n = 0;
  for (const char *at = asked_head; (at = strstr(at, name)); at += strlen(name)) n++;
  return n;
}

static CURLcode ask(const char *const *own, int body, int64_t size)
{
  sim *s = sim_new(1, 0);
  sim_transfer *x = transfer(s, 10);
  if (body) sim_upload_body(x, 7, size >= 0);
  x->up.expects = false;
  x->user.asked = keep_head;
  asked_head[0] = 0;
  sl_options_add_header(x->o, "Expect:", 7);
  for (; *own; own++) sl_options_add_header(x->o, *own, strlen(*own));
  sim_allow(x, CURLE_BAD_FUNCTION_ARGUMENT);
  add(x, 0);
  sim_play(s); /* the server knows nothing of own framing: what it says of it is not looked at */
  CURLcode code = x->code;
  sim_free(s);
  return code;
}

/* One framing goes out, and it is that of the body that is sent, whatever headers of the caller's own say. */
static void test_framing(void)
{
  static const char *const none[] = { NULL }, *const both[] = { "Content-Length: 7", "Transfer-Encoding: chunked", NULL },
                   *const twice[] = { "Content-Length: 7", "content-length: 7", NULL }, *const wrong[] = { "Content-Length: 99", NULL },
                   *const removed[] = { "Content-Length:", "Transfer-Encoding:", NULL }, *const zero[] = { "Content-Length: 0", NULL },
                   *const coded[] = { "Transfer-Encoding: gzip, chunked", NULL };
  static const struct { const char *const *own; int body; int64_t size; unsigned lengths, codings; } cases[] = {
    { none, 1, 7, 1, 0 }, { none, 1, -1, 0, 1 }, { both, 1, 7, 0, 1 }, { both, 1, -1, 0, 1 }, { twice, 1, 7, 1, 0 }, { twice, 1, -1, 0, 1 },
    { wrong, 1, 7, 1, 0 }, { removed, 1, -1, 0, 1 }, { removed, 1, 7, 1, 0 }, { both, 0, 0, 0, 0 }, { wrong, 0, 0, 0, 0 }, { zero, 0, 0, 1, 0 } };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    ask(cases[i].own, cases[i].body, cases[i].size);
    CHECK_EQ(FRAMING, lines_of("ontent-Length: ") + lines_of("ontent-length: "), cases[i].lengths);
    CHECK_EQ(FRAMING, lines_of("Transfer-Encoding: chunked\r\n"), cases[i].codings);
    CHECK(FRAMING, !cases[i].lengths || !cases[i].body || strstr(asked_head, "Content-Length: 7\r\n"));
  }
  CHECK_EQ(FRAMING, ask(coded, 1, 7), CURLE_BAD_FUNCTION_ARGUMENT);
  CHECK_EQ(FRAMING, asked_head[0], 0);
}

int main(void)
{
  test_framing();
  test_stray_byte();
  test_early_answer();
  test_early_answer_cut();
  test_redirect_in_chunks();
  test_redirect_stalls();
  test_repeated();
  test_nothing_sent();
  return check_result();
}
