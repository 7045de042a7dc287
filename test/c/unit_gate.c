/* unit_gate.c: the gate with a user made up here: what it is given is logged, what it answers is scripted. */
#include <stdlib.h>
#include <string.h>
#include "engine/gate.h"
#include "support/alloc_fail.h"
#include "support/check.h"

#define ALL INT32_MAX        /* answer: accept everything                          */
#define WHOLE UINT64_MAX     /* flush without a limit                              */
#define HEAD SL_PART_HEAD
#define BODY SL_PART_BODY
#define TRAILER SL_PART_TRAILER

/* The user. The gate does not look into it. */
struct sl_transfer {
  sl_gate gate;
  char log[8192];            /* "H:text|B:text|"; what was accepted of a call is before a '/'  */
  size_t log_len;
  int32_t answers[64];       /* of the calls to come; behind the last: ALL                     */
  int count, next, calls;
  void (*during)(sl_transfer *t); /* done within the next call                                 */
};

static void log_add(sl_transfer *t, const char *s, size_t n)
{
  if (t->log_len + n >= sizeof t->log) return;
  memcpy(t->log + t->log_len, s, n);
  t->log[t->log_len += n] = 0;
}

static int32_t user(sl_transfer *t, enum sl_part part, const char *data, uint32_t n)
{
  CHECK(rule 7, t->gate.delivering && !(sl_gate_paused(&t->gate) & SL_DIR_RECV));
  CHECK(W11, data != NULL);
  char *copy = malloc(n + 1); /* so that a sanitizer sees a read past n */
  if (copy && n) memcpy(copy, data, n);
  int32_t answer = t->next < t->count ? t->answers[t->next++] : ALL;
  if (answer == ALL) answer = (int32_t)n;
  size_t accepted = answer >= 0 && (uint32_t)answer <= n ? (size_t)answer : 0;
  t->calls++;
  log_add(t, part == HEAD ? "H:" : part == BODY ? "B:" : "T:", 2);
  if (copy) log_add(t, copy, accepted);
  if (copy && accepted < n) {
    log_add(t, "/", 1);
    log_add(t, copy + accepted, n - accepted);
  }
  log_add(t, "|", 1);
  free(copy);
  void (*during)(sl_transfer *) = t->during;
  t->during = NULL;
  if (during) during(t);
  return answer;
}

/* Begin anew; the answers of the first calls. */
static void begin(sl_transfer *t, int count, int32_t a, int32_t b, int32_t c)
{
  sl_gate_clear(&t->gate);
  *t = (sl_transfer){ .answers = { a, b, c }, .count = count };
}

static enum sl_gate_result put(sl_transfer *t, enum sl_part part, const char *s)
{
  return sl_gate_write(&t->gate, t, user, part, s, (uint32_t)strlen(s));
}

static enum sl_gate_result flush(sl_transfer *t, uint64_t max)
{
  return sl_gate_flush(&t->gate, t, user, max);
}

static void resume(sl_transfer *t) { sl_gate_set(&t->gate, 0, SL_BY_CALL); }

/* What was logged since the last look. */
static bool logged(sl_transfer *t, const char *want)
{
  bool same = !strcmp(t->log, want);
  if (!same) fprintf(stderr, "    log: %s\n", t->log);
  t->log[t->log_len = 0] = 0;
  return same;
}

static void test_bits(void)
{
  sl_gate g = { 0 };
  CHECK_EQ(P1, sl_gate_set(&g, SL_DIR_BOTH, SL_BY_CALL), SL_DIR_BOTH);
  CHECK_EQ(P14, sl_gate_set(&g, SL_DIR_BOTH, SL_BY_CALLBACK), 0);
  CHECK(B8, g.by_recv == SL_BY_CALL && g.by_send == SL_BY_CALL);
  CHECK_EQ(P1, sl_gate_set(&g, SL_DIR_SEND, SL_BY_REMOTE), SL_DIR_RECV);
  CHECK(B8, g.by_recv == 0 && g.by_send == (SL_BY_CALL | SL_BY_REMOTE) && sl_gate_paused(&g) == SL_DIR_SEND);
  CHECK_EQ(B15, sl_gate_hold(&g, true), SL_DIR_RECV);
  CHECK_EQ(B15, sl_gate_set(&g, 0, SL_BY_CALL), 0); /* the host still holds both */
  CHECK_EQ(B15, sl_gate_paused(&g), SL_DIR_BOTH);
  CHECK_EQ(B15, sl_gate_set(&g, SL_DIR_RECV, SL_BY_CALL), 0);
  CHECK_EQ(B15, sl_gate_hold(&g, false), SL_DIR_SEND); /* the pause by call survives */
  CHECK(B8, g.by_recv == SL_BY_CALL && g.by_send == 0);
  CHECK_EQ(B10, sl_gate_set(&g, 0x40, SL_BY_CALL), SL_DIR_RECV);
  CHECK_EQ(P14, sl_gate_set(&g, 0, SL_BY_CALL), 0);
  /* A wish takes the place of back-pressure, not the other way round. */
  CHECK_EQ(B8, sl_gate_set(&g, SL_DIR_RECV, SL_BY_SINK), SL_DIR_RECV);
  CHECK_EQ(B8, sl_gate_set(&g, SL_DIR_RECV, SL_BY_SINK), 0);
  CHECK_EQ(B8, sl_gate_set(&g, SL_DIR_RECV, SL_BY_CALLBACK), 0); /* how a refusal of that sink arrives */
  CHECK_EQ(B8, g.by_recv, SL_BY_SINK);
  CHECK_EQ(B8, sl_gate_set(&g, SL_DIR_RECV, SL_BY_CALL), 0);
  CHECK_EQ(B8, sl_gate_set(&g, SL_DIR_RECV, SL_BY_SINK), 0);
  CHECK_EQ(B8, g.by_recv, SL_BY_CALL);
  CHECK_EQ(B8, sl_gate_set(&g, 0, SL_BY_SINK), SL_DIR_RECV);
  sl_gate_set(&g, SL_DIR_BOTH, SL_BY_CALL);
  sl_gate_hold(&g, true);
  sl_gate_clear(&g);
  CHECK_EQ(P13, sl_gate_paused(&g), 0);
}

static void test_refusal(void)
{
  sl_transfer t = { 0 };
  begin(&t, 2, SL_SINK_PAUSED, SL_SINK_PAUSED, 0);
  CHECK_EQ(W2, put(&t, BODY, "abc"), SL_GATE_BLOCKED);
  CHECK(W2, t.gate.by_recv == SL_BY_CALLBACK && t.gate.by_send == 0 && t.gate.held == 3);
  CHECK_EQ(W2, flush(&t, WHOLE), SL_GATE_BLOCKED); /* paused: not called */
  CHECK_EQ(W2, put(&t, BODY, "def"), SL_GATE_BLOCKED);
  CHECK_EQ(W2, t.calls, 1);
  resume(&t);
  CHECK_EQ(P6, flush(&t, WHOLE), SL_GATE_BLOCKED); /* refused again */
  CHECK_EQ(W2, put(&t, BODY, "gh"), SL_GATE_BLOCKED);
  resume(&t);
  CHECK_EQ(P6, put(&t, BODY, "i"), SL_GATE_BLOCKED); /* open, but nothing overtakes */
  CHECK(W9, sl_gate_holds(&t.gate) && t.gate.held == 9 && t.gate.parts == 1);
  CHECK_EQ(P6, flush(&t, WHOLE), SL_GATE_OPEN);
  CHECK(W9, !sl_gate_holds(&t.gate) && t.gate.held == 0 && t.gate.parts == 0);
  CHECK_EQ(W2, put(&t, BODY, "j"), SL_GATE_OPEN);
  CHECK(W2, logged(&t, "B:/abc|B:/abcdef|B:abcdefghi|B:j|"));

  /* A user that takes a part of it: the rest comes again. */
  begin(&t, 2, 2, 1, 0);
  CHECK_EQ(W2, put(&t, BODY, "abcde"), SL_GATE_BLOCKED);
  CHECK_EQ(W2, put(&t, BODY, "fg"), SL_GATE_BLOCKED);
  resume(&t);
  CHECK_EQ(W2, flush(&t, WHOLE), SL_GATE_BLOCKED);
  CHECK(W2, t.gate.by_recv == SL_BY_CALLBACK && t.gate.held == 4);
  CHECK_EQ(W2, put(&t, BODY, "h"), SL_GATE_BLOCKED);
  resume(&t);
  CHECK_EQ(W2, flush(&t, WHOLE), SL_GATE_OPEN);
  CHECK(W2, logged(&t, "B:ab/cde|B:c/defg|B:defgh|"));
  sl_gate_clear(&t.gate);
}

static void test_order(void)
{
  sl_transfer t = { 0 };
  begin(&t, 3, SL_SINK_PAUSED, ALL, SL_SINK_PAUSED);
  put(&t, HEAD, "h1");
  put(&t, HEAD, "h2");
  put(&t, BODY, "a");
  put(&t, BODY, "b");
  put(&t, TRAILER, "t1");
  CHECK_EQ(W5, put(&t, TRAILER, "t2"), SL_GATE_BLOCKED);
  CHECK(W5, t.gate.parts == 5 && t.gate.held == 10);
  resume(&t);
  CHECK_EQ(W6, flush(&t, WHOLE), SL_GATE_BLOCKED);
  resume(&t);
  CHECK_EQ(W5, flush(&t, WHOLE), SL_GATE_OPEN);
  CHECK(W5, logged(&t, "H:/h1|H:h1|H:/h2|H:h2|B:ab|T:t1|T:t2|"));

  /* Paused by a call: kept from the start. */
  begin(&t, 0, 0, 0, 0);
  sl_gate_set(&t.gate, SL_DIR_RECV, SL_BY_CALL);
  CHECK_EQ(W9, put(&t, BODY, "x"), SL_GATE_BLOCKED);
  CHECK(B8, t.gate.by_recv == SL_BY_CALL && t.calls == 0);
  resume(&t);
  CHECK_EQ(W9, flush(&t, WHOLE), SL_GATE_OPEN);
  /* Sending paused only: receiving goes on. */
  sl_gate_set(&t.gate, SL_DIR_SEND, SL_BY_CALL);
  CHECK_EQ(P1, put(&t, BODY, "y"), SL_GATE_OPEN);
  CHECK(P1, logged(&t, "B:x|B:y|"));
  sl_gate_clear(&t.gate);
}

static void test_empty(void)
{
  sl_transfer t = { 0 };
  begin(&t, 2, SL_SINK_PAUSED, SL_SINK_PAUSED, 0);
  CHECK_EQ(W11, sl_gate_write(&t.gate, &t, user, BODY, "", 0), SL_GATE_BLOCKED);
  CHECK(W11, sl_gate_holds(&t.gate) && t.gate.held == 0 && t.gate.parts == 1);
  resume(&t);
  CHECK_EQ(W11, flush(&t, 0), SL_GATE_BLOCKED);
  CHECK(W11, t.gate.by_recv == SL_BY_CALLBACK);
  resume(&t);
  CHECK_EQ(W11, flush(&t, 0), SL_GATE_OPEN);
  CHECK_EQ(W11, sl_gate_write(&t.gate, &t, user, BODY, NULL, 0), SL_GATE_OPEN);
  CHECK(W11, logged(&t, "B:|B:|B:|B:|"));
  begin(&t, 1, SL_SINK_PAUSED, 0, 0);
  sl_gate_write(&t.gate, &t, user, BODY, NULL, 0);
  put(&t, BODY, "late"); /* one body: merged */
  resume(&t);
  CHECK_EQ(W11, flush(&t, WHOLE), SL_GATE_OPEN);
  CHECK(W11, logged(&t, "B:|B:late|"));
  begin(&t, 1, SL_SINK_PAUSED, 0, 0);
  put(&t, HEAD, "head");
  sl_gate_write(&t.gate, &t, user, BODY, NULL, 0);
  resume(&t);
  CHECK_EQ(W11, flush(&t, t.gate.held), SL_GATE_OPEN); /* held bytes cover it: an empty part costs none */
  CHECK(W11, logged(&t, "H:/head|H:head|B:|"));
}

static void test_max(void)
{
  sl_transfer t = { 0 };
  begin(&t, 1, SL_SINK_PAUSED, 0, 0);
  put(&t, HEAD, "head");
  put(&t, BODY, "abcdefgh");
  put(&t, TRAILER, "t");
  resume(&t);
  t.log[t.log_len = 0] = 0;
  CHECK_EQ(B3, flush(&t, 0), SL_GATE_BLOCKED);
  CHECK(B3, logged(&t, ""));
  CHECK_EQ(B3, flush(&t, 1), SL_GATE_BLOCKED); /* a head is not cut */
  CHECK(B3, logged(&t, "H:head|"));
  CHECK_EQ(B3, flush(&t, 3), SL_GATE_BLOCKED);
  CHECK(B3, logged(&t, "B:abc|") && t.gate.held == 6);
  put(&t, BODY, "behind"); /* behind the trailer: another part */
  CHECK_EQ(B3, flush(&t, 6), SL_GATE_BLOCKED);
  CHECK(B3, logged(&t, "B:defgh|T:t|"));
  CHECK_EQ(B3, flush(&t, 6), SL_GATE_OPEN);
  CHECK(B3, logged(&t, "B:behind|"));
}

static void pause_it(sl_transfer *t) { sl_gate_set(&t->gate, SL_DIR_RECV, SL_BY_CALL); }
static void clear_it(sl_transfer *t) { sl_gate_clear(&t->gate); }
static void hold_it(sl_transfer *t) { sl_gate_hold(&t->gate, true); }

static void nest_it(sl_transfer *t)
{
  int calls = t->calls;
  uint64_t held = t->gate.held;
  CHECK_EQ(rule 7, put(t, BODY, "N"), SL_GATE_BLOCKED);
  CHECK_EQ(rule 7, flush(t, WHOLE), SL_GATE_BLOCKED);
  CHECK(rule 7, t->calls == calls && t->gate.held == held + 1);
}

static void test_during(void)
{
  sl_transfer t = { 0 };
  /* Takes it and pauses: nothing is held, nothing more is wanted. */
  begin(&t, 0, 0, 0, 0);
  t.during = pause_it;
  CHECK_EQ(P3, put(&t, BODY, "a"), SL_GATE_BLOCKED);
  CHECK(P3, !sl_gate_holds(&t.gate) && t.gate.by_recv == SL_BY_CALL);
  put(&t, HEAD, "h");
  put(&t, BODY, "b");
  resume(&t);
  t.during = pause_it;
  CHECK_EQ(P6, flush(&t, WHOLE), SL_GATE_BLOCKED); /* stops after that part */
  CHECK(P6, logged(&t, "B:a|H:h|") && t.gate.held == 1);
  resume(&t);
  t.during = hold_it;
  CHECK_EQ(B15, flush(&t, WHOLE), SL_GATE_OPEN);
  CHECK_EQ(B15, put(&t, BODY, "c"), SL_GATE_BLOCKED);
  sl_gate_hold(&t.gate, false);
  CHECK_EQ(B15, flush(&t, WHOLE), SL_GATE_OPEN);
  CHECK(B15, logged(&t, "B:b|B:c|"));

  /* Pauses by itself and refuses: it was the call. Unpauses and refuses: the refusal is a pause. */
  begin(&t, 2, SL_SINK_PAUSED, 0, 0);
  t.during = pause_it;
  put(&t, BODY, "a");
  CHECK(B8, t.gate.by_recv == SL_BY_CALL);
  resume(&t);
  t.during = resume;
  CHECK_EQ(P14, flush(&t, WHOLE), SL_GATE_BLOCKED);
  CHECK(B8, t.gate.by_recv == SL_BY_CALLBACK);
  sl_gate_clear(&t.gate);
}

static void test_nested(void)
{
  sl_transfer t = { 0 };
  /* What comes from inside a delivery waits behind the part that is delivered. */
  begin(&t, 1, 1, 0, 0);
  t.during = nest_it;
  CHECK_EQ(rule 7, put(&t, BODY, "abc"), SL_GATE_BLOCKED);
  resume(&t);
  t.during = nest_it;
  CHECK_EQ(rule 7, flush(&t, WHOLE), SL_GATE_OPEN);
  CHECK(rule 7, logged(&t, "B:a/bc|B:bc|B:NN|"));
  begin(&t, 0, 0, 0, 0);
  t.during = nest_it;
  CHECK_EQ(rule 7, put(&t, BODY, "abc"), SL_GATE_BLOCKED);
  CHECK_EQ(rule 7, flush(&t, WHOLE), SL_GATE_OPEN);
  CHECK(rule 7, logged(&t, "B:abc|B:N|"));

  /* A stop from inside: what was held is gone, and the tail too. */
  for (int32_t answer = -1; answer < 3; answer++) {
    begin(&t, 2, SL_SINK_PAUSED, answer < 0 ? SL_SINK_FAILED : answer, 0);
    put(&t, BODY, "ab");
    put(&t, TRAILER, "t");
    resume(&t);
    t.during = clear_it;
    CHECK_EQ(X4, flush(&t, WHOLE), SL_GATE_FAILED);
    CHECK(X4, t.gate.held == 0 && t.gate.parts == 0 && !t.gate.first && !t.gate.last && t.calls == 2);
    begin(&t, 1, answer < 0 ? SL_SINK_FAILED : answer, 0, 0);
    t.during = clear_it;
    CHECK_EQ(X4, put(&t, BODY, "ab"), SL_GATE_FAILED);
    CHECK(X4, t.gate.held == 0 && !t.gate.first && !t.gate.by_recv);
    CHECK_EQ(X4, put(&t, BODY, "next run"), SL_GATE_OPEN);
  }
  sl_gate_clear(&t.gate);
}

static void test_failure(void)
{
  static const int32_t bad[] = { SL_SINK_FAILED, 3, -1 }; /* more than given is a failure too (W13) */
  sl_transfer t = { 0 };
  for (int i = 0; i < 3; i++) {
    begin(&t, 1, bad[i], 0, 0);
    CHECK_EQ(P7, put(&t, BODY, "ab"), SL_GATE_FAILED);
    CHECK_EQ(P7, put(&t, BODY, "cd"), SL_GATE_FAILED);
    CHECK_EQ(P7, flush(&t, WHOLE), SL_GATE_FAILED);
    CHECK_EQ(P7, t.calls, 1);
    begin(&t, 2, SL_SINK_PAUSED, bad[i], 0);
    put(&t, BODY, "ab");
    put(&t, TRAILER, "t");
    resume(&t);
    CHECK_EQ(P7, flush(&t, WHOLE), SL_GATE_FAILED);
    CHECK_EQ(P7, flush(&t, WHOLE), SL_GATE_FAILED);
    CHECK_EQ(P7, put(&t, TRAILER, "u"), SL_GATE_FAILED);
    CHECK(P7, t.calls == 2 && t.gate.held == 3 && t.gate.parts == 2);
  }
  sl_gate_clear(&t.gate);
}

/* Write and flush with the n-th allocation failing: NOMEM, and a gate that still counts right. */
static bool memory_run(sl_transfer *t)
{
  static const struct { enum sl_part part; const char *text; } parts[] = {
    { HEAD, "one" }, { BODY, "two" }, { BODY, "three" }, { TRAILER, "four" }
  };
  begin(t, 2, SL_SINK_PAUSED, 1, 0);
  for (int i = 0; i < 4; i++) {
    uint64_t held = t->gate.held;
    uint32_t count = t->gate.parts;
    if (put(t, parts[i].part, parts[i].text) != SL_GATE_NOMEM) continue;
    CHECK(rule 9, t->gate.held == held && t->gate.parts == count);
    resume(t);
    flush(t, WHOLE);
    return false;
  }
  resume(t);
  flush(t, WHOLE);
  resume(t);
  return flush(t, WHOLE) == SL_GATE_OPEN;
}

static void test_memory(void)
{
  sl_transfer t = { 0 };
  unsigned n = 1;
  while (alloc_fail_at(n), !memory_run(&t) || alloc_fail_came()) {
    if (!CHECK(rule 9, n++ < 100)) break;
    alloc_fail_at(0);
    sl_gate_clear(&t.gate);
    CHECK(rule 9, t.gate.held == 0 && t.gate.parts == 0 && !t.gate.first && !t.gate.last);
  }
  alloc_fail_at(0);
  CHECK(rule 9, n > 6);
  sl_gate_clear(&t.gate);
}

/* Random writes, answers, pauses and flushes: every byte comes once and in order, and counts are right. */
static void test_random(void)
{
  static sl_transfer t;
  uint32_t seed = 7;
  for (int round = 0; round < 300; round++) {
    char sent[2048] = "", got[2048];
    size_t sent_len = 0, n = 0;
    begin(&t, 0, 0, 0, 0);
    for (int step = 0; step < 60; step++) {
      seed = seed * 1664525 + 1013904223;
      uint32_t r = seed >> 16;
      t.next = 0;
      t.count = (int)(r & 3) + 1;
      for (int i = 0; i < t.count; i++) t.answers[i] = (r >> (2 + i)) & 1 ? ALL : (int32_t)((r >> 8) % 3) - 1;
      for (int i = 0; i < t.count; i++)
        if (t.answers[i] < 0) t.answers[i] = SL_SINK_PAUSED;
      char text[8];
      size_t len = 2 + (r >> 6) % 5;
      for (size_t i = 0; i < len; i++) text[i] = (char)('a' + (sent_len + i) % 26);
      if ((r >> 3) % 3 == 0) resume(&t);
      if ((r >> 4) % 7 == 0) pause_it(&t);
      if ((r >> 5) % 2) {
        enum sl_part part = (r >> 9) % 4 == 0 ? TRAILER : BODY;
        CHECK(W5, sl_gate_write(&t.gate, &t, user, part, text, (uint32_t)len) != SL_GATE_NOMEM);
        memcpy(sent + sent_len, text, len);
        sent_len += len;
      } else {
        flush(&t, (r >> 7) % 9);
      }
    }
    t.count = 0;
    resume(&t);
    CHECK_EQ(W5, flush(&t, WHOLE), SL_GATE_OPEN);
    for (char *p = t.log; *p; p++) { /* only what was accepted: between ':' and '/' or '|' */
      if (*p != ':') continue;
      for (p++; *p != '/' && *p != '|'; p++) got[n++] = *p;
    }
    CHECK(W5, n == sent_len && !memcmp(sent, got, n));
    CHECK(W5, t.gate.held == 0 && t.gate.parts == 0);
  }
}

int main(void)
{
  test_bits();
  test_refusal();
  test_order();
  test_empty();
  test_max();
  test_during();
  test_nested();
  test_failure();
  test_memory();
  test_random();
  return check_result();
}
