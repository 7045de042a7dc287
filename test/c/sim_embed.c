/* sim_embed.c: JavaScript's face (sluice/embed.h) as its exports promise it, in C, on the simulator's host. js/ has the
 * tests of what is made of it; here is what a caller of the exports may rely on: codes, numbers, texts, ends. */
#include <sluice/embed.h>
#include <stdio.h>
#include <string.h>
#include "alloc_fail.h"
#include "check.h"
#include "scenarios.h"

static world *w;

static void begin(void)
{
  w = world_new();
  w->embed = true;
}

static void end(void)
{
  char words[256] = "";
  if (!CHECK(nothing_left, !world_end(w, words, sizeof words))) fprintf(stderr, "    %s\n", words);
}

static guest *get(uint32_t n)
{
  guest *g = scenario_get(w, n);
  world_ready(g);
  CHECK_EQ(ready, g->set, CURLE_OK);
  return g;
}

static double number(const guest *g, enum sl_embed_what what) { return sl_embed_number(g->embed, what); }

/* The code of these settings. */
static int32_t configure(const guest *g, const char *settings)
{
  uint32_t n = (uint32_t)strlen(settings);
  char *area = sl_embed_scratch(n);
  memcpy(area, settings, n);
  return sl_embed_configure(g->embed, n);
}

/* The text, equal to this? */
static bool text_is(const guest *g, uint32_t what, const char *wanted)
{
  uint32_t n = sl_embed_text(g->embed, what);
  return n == strlen(wanted) && !memcmp(sl_embed_scratch(n), wanted, n);
}

static void test_settings(void)
{
  begin();
  guest *g = get(10);
  CHECK_EQ(T8, configure(g, "n155=1000:n78=500:"), CURLE_OK);
  CHECK_EQ(T8, g->w->guests[0].set, CURLE_OK);
  static const char *const malformed[] = { "n", "n=1:", "n155", "n155=", "n155=1", "n155=:", "n155=x:", "n155=1x:", "nx=1:",
                                           "n99999999999=1:", "n-99999999999=1:", "n99999999999999999999=1:", "x155=1:",
                                           "t10018=5:abc", "t10018=-1:abc", "h0=9:X: y", "n155=--1:", "n10002=1:", "t155=1:1",
                                           "n10062=1:", "t80=1:1" };
  for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++)
    if (!CHECK_EQ(settings, configure(g, malformed[i]), CURLE_BAD_FUNCTION_ARGUMENT)) puts(malformed[i]);
  CHECK_EQ(settings, sl_embed_configure(g->embed, UINT32_MAX), CURLE_BAD_FUNCTION_ARGUMENT); /* more than the area has */
  CHECK_EQ(settings, configure(g, "n39999=1:"), CURLE_UNKNOWN_OPTION);
  CHECK_EQ(T8, configure(g, "n155=-1:"), CURLE_BAD_FUNCTION_ARGUMENT);
  CHECK_EQ(settings, configure(g, "t10018=3:a\nb"), CURLE_BAD_FUNCTION_ARGUMENT);
  CHECK_EQ(settings, configure(g, "t10018=3:abch0=4:X: y"), CURLE_OK);
  CHECK(settings, sl_embed_scratch(0));
  end();
}

static void test_states(void)
{
  begin();
  guest *g = get(1000);
  CHECK_EQ(life, number(g, SL_EMBED_LIFE), SL_IDLE);
  CHECK_EQ(life, number(g, SL_EMBED_ELAPSED_US), 0);
  CHECK_EQ(life, number(g, SL_EMBED_RECEIVE_SPEED), 0);
  CHECK_EQ(life, number(g, SL_EMBED_FIRST_US), -1);
  sl_embed_stop(g->embed, CURLE_ABORTED_BY_CALLBACK); /* nothing runs: nothing happens */
  sl_embed_more(g->embed);
  CHECK(life, text_is(g, 3, ""));
  w->s->origins[0].open_delay_us = 1000;
  world_add(g);
  CHECK_EQ(X5, sl_embed_start(g->embed), CURLE_FAILED_INIT); /* it runs */
  sl_embed_free(g->embed);
  CHECK_EQ(X4, number(g, SL_EMBED_LIFE), SL_PENDING); /* not freed */
  CHECK_EQ(life, sl_embed_number(NULL, SL_EMBED_RUNNING), 1);
  CHECK_EQ(life, sl_embed_number(NULL, SL_EMBED_LIFE), -1);
  CHECK_EQ(life, sl_embed_number(g->embed, 99), -1);
  CHECK(life, sl_embed_run() > 0);
  CHECK_EQ(life, number(g, SL_EMBED_LIFE), SL_CONNECTING);
  world_drive(w);
  CHECK_EQ(X10, g->dones, 1);
  CHECK_EQ(life, number(g, SL_EMBED_LIFE), SL_DONE);
  CHECK_EQ(life, number(g, SL_EMBED_CODE), CURLE_OK);
  CHECK_EQ(life, number(g, SL_EMBED_CAUSE), SL_CAUSE_COMPLETE);
  CHECK_EQ(life, number(g, SL_EMBED_STATUS), 200);
  CHECK_EQ(life, number(g, SL_EMBED_HTTP_MINOR), 1);
  CHECK_EQ(life, number(g, SL_EMBED_RECEIVED), 1000);
  CHECK_EQ(life, number(g, SL_EMBED_DELIVERED), 1000);
  CHECK_EQ(life, number(g, SL_EMBED_ELAPSED_US), 1000);
  CHECK_EQ(life, number(g, SL_EMBED_CONNECT_US), 1000);
  CHECK_EQ(life, number(g, SL_EMBED_TLS_US), -1);
  CHECK_EQ(life, number(g, SL_EMBED_RECEIVE_SPEED), 1000000);
  CHECK_EQ(life, number(g, SL_EMBED_SEND_SPEED), 0);
  CHECK_EQ(life, sl_embed_number(NULL, SL_EMBED_RUNNING), 0);
  CHECK_EQ(life, sl_embed_number(NULL, SL_EMBED_IDLE_CONNECTIONS), 1);
  CHECK(life, text_is(g, 1, "") && text_is(g, 2, "192.0.2.1 80") && text_is(g, 3, "http://a.test/1") && text_is(g, 4, ""));
  CHECK_EQ(X5, sl_embed_start(g->embed), CURLE_OK); /* again */
  g->got = g->dones = 0;
  world_drive(w);
  CHECK_EQ(X2, number(g, SL_EMBED_REUSED), 1);
  CHECK_EQ(X10, g->dones, 1);
  CHECK_EQ(X10, g->got, 1000);
  sl_embed_free(NULL);
  end();
}

/* B8, B10, P1: masks set and read; who set them. */
static void test_pause(void)
{
  begin();
  guest *g = get(50000);
  sl_embed_pause(g->embed, 5, SL_BY_CALL); /* before the start: holds (B14) */
  world_add(g);
  sl_embed_run();
  CHECK_EQ(B8, number(g, SL_EMBED_PAUSED), 5);
  CHECK_EQ(B8, number(g, SL_EMBED_BY_RECV), SL_BY_CALL);
  CHECK_EQ(B8, number(g, SL_EMBED_BY_SEND), SL_BY_CALL);
  CHECK_EQ(P10, w->s->channel_count, 0); /* it does not even connect */
  w->s->now_us += 5000;
  CHECK_EQ(B8, number(g, SL_EMBED_PAUSED_US), 5000);
  sl_embed_pause(g->embed, 4, SL_BY_REMOTE);
  CHECK_EQ(P1, number(g, SL_EMBED_PAUSED), 4);
  CHECK_EQ(B8, number(g, SL_EMBED_BY_RECV), 0);
  sl_embed_pause(g->embed, 0, SL_BY_CALL);
  CHECK_EQ(P1, number(g, SL_EMBED_PAUSED), 0);
  g->refuse_at = 20000;
  g->resume_us = 1000;
  world_drive(w);
  CHECK_EQ(P6, g->code, CURLE_OK);
  CHECK_EQ(P6, g->got, 50000);
  CHECK(P6, !g->wrong);
  end();
}

/* Limits set while it runs are in force at once. */
static void test_limits_while_running(void)
{
  begin();
  guest *g = get(100);
  w->s->origins[0].open_delay_us = SL_NEVER;
  world_add(g);
  sl_embed_run();
  CHECK_EQ(T2, configure(g, "n78=250:"), CURLE_OK); /* CURLOPT_CONNECTTIMEOUT has seconds: 78 */
  CHECK_EQ(T1, configure(g, "n155=300:"), CURLE_OK);
  world_drive(w);
  CHECK_EQ(T1, g->code, CURLE_OPERATION_TIMEDOUT);
  CHECK_EQ(T1, number(g, SL_EMBED_ELAPSED_US), 300000);
  CHECK(T5, text_is(g, 1, "Connection timed out after 300 milliseconds"));
  sl_embed_limits(1, 1, 1);
  end();
}

/* X1: a stop in every state; 0 is taken for 42. */
static void test_stop(void)
{
  for (unsigned turns = 0; turns < 8; turns++) {
    begin();
    guest *g = get(60000);
    g->refuse_at = 20000;
    w->s->origins[0].open_delay_us = 1000;
    world_add(g);
    for (unsigned i = 0; i < turns; i++) embed_turn(w);
    sl_embed_stop(g->embed, turns % 2 ? CURLE_WRITE_ERROR : 0);
    CHECK_EQ(X10, g->dones, 0);
    sl_embed_stop(g->embed, CURLE_READ_ERROR); /* the first one wins */
    sl_embed_run();
    CHECK_EQ(X10, g->dones, 1);
    CHECK_EQ(X1, g->code, turns % 2 ? CURLE_WRITE_ERROR : CURLE_ABORTED_BY_CALLBACK);
    CHECK_EQ(X2, w->s->channel_count, 0);
    sl_embed_pause(g->embed, 5, SL_BY_CALL);
    CHECK_EQ(X1, number(g, SL_EMBED_PAUSED), 0);
    end();
  }
}

/* B1, B2: what another thread wrote down is the whole wish of that other one; a run makes it true. */
static void test_remote(void)
{
  begin();
  guest *g = get(1000);
  sl_embed_remote(g->embed, 1, 0); /* before the start */
  CHECK_EQ(B2, number(g, SL_EMBED_BY_RECV), SL_BY_REMOTE);
  world_add(g);
  sl_embed_run();
  CHECK_EQ(B2, w->s->channel_count, 0); /* P10 */
  sl_embed_remote(g->embed, 0, 0);
  sl_embed_run();
  CHECK_EQ(B2, number(g, SL_EMBED_PAUSED), 0);
  CHECK_EQ(B2, w->s->channel_count, 1);
  sl_embed_remote(g->embed, 5, 0);
  sl_embed_run();
  CHECK_EQ(B2, number(g, SL_EMBED_PAUSED), 5);
  sl_embed_remote(g->embed, 5, 1);
  sl_embed_run();
  CHECK_EQ(B1, g->dones, 1);
  CHECK_EQ(B1, g->code, CURLE_ABORTED_BY_CALLBACK);
  sl_embed_remote(g->embed, 0, 1); /* after the end: nothing */
  sl_embed_run();
  CHECK_EQ(B1, g->dones, 1);
  end();
}

/* K2, K3: remembered once, not taken by a run. */
static void test_wakeup(void)
{
  begin();
  CHECK(K2, embed_engine(w));
  CHECK_EQ(K2, sl_embed_woken(), 0);
  sl_embed_wakeup();
  sl_embed_wakeup();
  sl_embed_run();
  CHECK_EQ(K3, sl_embed_woken(), 1);
  CHECK_EQ(K2, sl_embed_woken(), 0);
  end();
}

/* After the end of the engine its host may still have an event or a timer under way. */
static void test_closed(void)
{
  begin();
  embed_engine(w);
  CHECK_EQ(close, sl_embed_run(), -1);
  sl_embed_close();
  w->engine = false;
  CHECK_EQ(close, sl_embed_run(), -1);
  CHECK_EQ(close, sl_embed_ready(1, SL_IN), -1);
  sl_embed_close();
  end();
}

static void test_memory(void)
{
  begin();
  guest *g = get(100);
  world_add(g);
  world_drive(w);
  sl_embed_close(); /* the scratch area goes with it: the next one must be made */
  w->engine = false;
  embed_engine(w);
  alloc_fail_at(1);
  CHECK(memory, !sl_embed_scratch(100));
  alloc_fail_at(1);
  CHECK(memory, !sl_embed_new(7));
  alloc_fail_at(1);
  CHECK(memory, !sl_embed_figures(g->embed));
  alloc_fail_at(1);
  CHECK_EQ(memory, sl_embed_text(g->embed, 2), 0);
  alloc_fail_at(0);
  w->count = 0; /* its transfer was the closed engine's */
  sl_embed_free(g->embed);
  end();
}

static unsigned inside;

static void run_when_told(guest *g)
{
  (void)g;
  inside++;
  CHECK_EQ(X6, inside, 1);
  sl_embed_run();
  inside--;
}

/* A run asked for in a callback is none: nobody else's callback comes inside that one. */
static void test_run_in_callback(void)
{
  begin();
  guest *a = get(0), *b = get(0);
  w->ended = run_when_told;
  world_add(a);
  world_add(b);
  sl_embed_stop(a->embed, 0);
  sl_embed_stop(b->embed, 0); /* both end in the next run */
  world_drive(w);
  CHECK(X6, a->dones == 1 && b->dones == 1);
  end();
}

int main(void)
{
  test_settings();
  test_states();
  test_pause();
  test_limits_while_running();
  test_stop();
  test_remote();
  test_run_in_callback();
  test_wakeup();
  test_closed();
  test_memory();
  return check_result();
}
