/* sim_paths.c: programs of the C face on the simulator's host: what a real host or server seldom does (no room while it
 * connects, heads larger than a burst), limits on connections with a pool, and what may be asked of a handle when. */
#include <stdio.h>
#include <string.h>
#include "alloc_fail.h"
#include "check.h"
#include "scenarios.h"
#include "engine/text.h"

static world *w;

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

/* ---- The host has no room ------------------------------------------------------------------------------ */

static void turn_room(world *now)
{
  if (now->s->now_us > SIM_EPOCH_US + 250000) now->s->origins[0].open_code = 0;
}

/* The host says BUSY when it is already at it: asked again until it has room, on the same clocks. */
static void test_busy_while_connecting(void)
{
  w = world_new();
  w->s->origins[0].open_code = SL_BUSY;
  w->turn = turn_room;
  guest *g = get(100);
  world_add(g);
  world_drive(w);
  CHECK_EQ(T6, g->code, CURLE_OK);
  CHECK_EQ(T6, g->got, 100);
  CHECK_EQ(F4, w->s->last_id, 5); /* at 0, 100 ... 400 ms: not again and again */
  end();

  w = world_new();
  w->s->origins[0].open_code = SL_BUSY;
  g = get(100);
  world_number(g, CURLOPT_TIMEOUT_MS, 330);
  world_add(g);
  world_drive(w);
  CHECK_EQ(T6, g->code, CURLE_OPERATION_TIMEDOUT);
  CHECK_EQ(T6, w->s->now_us - SIM_EPOCH_US, 330000);
  end();
}

/* ---- Connection limits --------------------------------------------------------------------------------- */

static guest *get_from(uint32_t origin, uint32_t n)
{
  guest *g = world_guest(w);
  g->x->origin = origin;
  alloc_fail_hold(1);
  sim_respond(g->x, n);
  alloc_fail_hold(-1);
  world_ready(g);
  return g;
}

static world *two_origins(void)
{
  w = world_new();
  w->s->origin_count = 2;
  w->s->origins[1] = (sim_origin){ .name = "b.test", .idle_us = SL_NEVER };
  CHECK(ready, world_engine(w));
  return w;
}

/* An idle connection to another host makes room for a new one; one to the same host only where its own limit asks. */
static void test_idle_makes_room(void)
{
  two_origins();
  world_limit(w, 1);
  guest *a = get_from(0, 100), *b = get_from(1, 200);
  world_add(a);
  world_drive(w);
  CHECK_EQ(X2, w->s->channel_count, 1);
  world_add(b);
  world_drive(w);
  CHECK_EQ(X3, b->code, CURLE_OK);
  CHECK_EQ(X3, b->got, 200);
  CHECK_EQ(X2, w->s->channel_count, 1); /* a's went */
  end();

  two_origins();
  curl_multi_setopt(w->multi, CURLMOPT_MAX_HOST_CONNECTIONS, 1L);
  a = get_from(0, 100);
  b = get_from(1, 200);
  world_add(a);
  world_drive(w);
  world_add(b);
  world_drive(w);
  CHECK_EQ(X2, w->s->channel_count, 2); /* each host has its own */
  guest *c = get_from(0, 300);
  WORLD_SET(c, CURLOPT_FRESH_CONNECT, 1L); /* not the idle one, so that has to go */
  world_add(c);
  world_drive(w);
  CHECK_EQ(X3, c->code, CURLE_OK);
  CHECK_EQ(X2, w->s->channel_count, 2);
  end();
}

/* P10: who waits for a connection and is paused lets the next one go first. JavaScript's face: in C what has no
 * connection cannot be paused (P2). */
static int64_t done_us[2];
static void turn_times(world *now)
{
  for (int i = 0; i < 2; i++)
    if (now->guests[i + 1].dones && !done_us[i]) done_us[i] = now->s->now_us - SIM_EPOCH_US;
}

static void turn_pause_waiting(world *now)
{
  if (now->turns == 0) world_pause(&now->guests[1], CURLPAUSE_RECV); /* a connects, b and c wait for it */
  turn_times(now);
}

static void test_paused_is_passed(void)
{
  w = world_new();
  w->embed = true;
  w->poll_ms = 10;
  world_limit(w, 1);
  done_us[0] = done_us[1] = 0;
  guest *a = get(1000), *b = get(2000), *c = get(3000);
  b->resume_us = SL_SECOND;
  w->turn = turn_pause_waiting;
  world_add(a);
  world_add(b);
  world_add(c);
  world_drive(w);
  CHECK(P15, a->dones == 1 && b->dones == 1 && c->dones == 1);
  CHECK(P10, done_us[0] >= SL_SECOND && done_us[1] < SL_SECOND);
  CHECK(P10, b->got == 2000 && c->got == 3000);
  end();
}

/* ---- Rates --------------------------------------------------------------------------------------------- */

/* B3: heads larger than the burst, refused and resumed. A head is given whole; what is behind it waits until the bucket
 * has made up for it. */
static int64_t head_us, body_us;
static bool refused;
static size_t refusing_header(char *data, size_t size, size_t n, void *arg)
{
  guest *g = arg;
  (void)data;
  if (!refused) {
    refused = true;
    g->resume_at_us = w->s->now_us + SL_SECOND;
    return CURL_WRITEFUNC_PAUSE;
  }
  g->heads += size * n;
  head_us = w->s->now_us;
  return size * n;
}

static void turn_body(world *now)
{
  if (now->guests[0].got == 5000 && !body_us) body_us = now->s->now_us;
}

static void test_burst_of_heads(void)
{
  static char wire[70000];
  w = world_new();
  guest *g = world_guest(w);
  size_t at = (size_t)sprintf(wire, "HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n");
  while (at < 60000) at += (size_t)sprintf(wire + at, "X-Line: %0500d\r\n", 7);
  sprintf(wire + at, "\r\n\1%05000d", 7);
  world_wire(&g->x->response, wire);
  world_ready(g);
  world_number(g, CURLOPT_MAX_RECV_SPEED_LARGE, 2000);
  WORLD_SET(g, CURLOPT_HEADERFUNCTION, refusing_header);
  w->turn = turn_body;
  refused = false;
  head_us = body_us = 0;
  world_add(g);
  world_drive(w);
  CHECK_EQ(B3, g->code, CURLE_OK);
  CHECK_EQ(B3, g->got, 5000);
  CHECK_EQ(B3, g->heads, at + 2);
  int64_t debt_us = ((int64_t)at - SL_BURST_MIN) * SL_SECOND / 2000;
  CHECK(B3, body_us >= head_us + debt_us && body_us < head_us + 2 * debt_us);
  end();
}

/* ---- Callbacks ----------------------------------------------------------------------------------------- */

static unsigned asked, stop_at;
static int on_progress(void *arg, curl_off_t total, curl_off_t now, curl_off_t up_total, curl_off_t up)
{
  (void)arg, (void)total, (void)now, (void)up_total, (void)up;
  return ++asked == stop_at;
}

static CURLcode progress_run(unsigned stop, guest *out)
{
  w = world_new();
  guest *g = get(500);
  WORLD_SET(g, CURLOPT_NOPROGRESS, 0L);
  WORLD_SET(g, CURLOPT_XFERINFOFUNCTION, on_progress);
  asked = 0;
  stop_at = stop;
  world_add(g);
  world_drive(w);
  *out = *g;
  end();
  return out->code;
}

/* G1, G2, G6: the call at the end can say no as well as any other, and is the last one then. */
static void test_progress_at_any_call(void)
{
  guest g;
  CHECK_EQ(G2, progress_run(0, &g), CURLE_OK);
  unsigned all = asked;
  CHECK(G2, all > 2);
  for (unsigned n = 1; n <= all; n++) {
    CHECK_EQ(G1, progress_run(n, &g), CURLE_ABORTED_BY_CALLBACK);
    CHECK_EQ(G6, asked, n);
    CHECK_EQ(X10, g.dones, 1);
    CHECK_EQ(G1, strcmp(g.error, "Callback aborted"), 0);
    if (n == all) CHECK_EQ(G2, g.got, 500);
  }
}

static size_t drop(char *data, size_t size, size_t n, void *arg)
{
  (void)data, (void)arg;
  return size * n;
}

/* P13: a reset in the middle lifts the pause; the transfer goes on with what it has begun. */
static void turn_reset(world *now)
{
  guest *g = &now->guests[0];
  if (g->resume_at_us == SL_NEVER || now->s->now_us < SIM_EPOCH_US + SL_SECOND) return;
  g->resume_at_us = SL_NEVER;
  curl_easy_reset(g->easy);
  curl_easy_setopt(g->easy, CURLOPT_WRITEFUNCTION, drop);
  curl_easy_setopt(g->easy, CURLOPT_PRIVATE, g);
}

static void test_reset_lifts_pause(void)
{
  w = world_new();
  guest *g = get(50000);
  g->refuse_at = 20000;
  g->resume_us = 100 * SL_SECOND;
  w->turn = turn_reset;
  world_add(g);
  world_drive(w);
  CHECK_EQ(P13, g->dones, 1);
  CHECK_EQ(P13, g->code, CURLE_OK);
  CHECK(P13, w->s->now_us < SIM_EPOCH_US + 3 * SL_SECOND);
  end();
}

/* Limits set between two performs are in force at once: the strictest one ends it. */
static void test_limits_while_running(void)
{
  static const struct { CURLoption option; long value, with; } rows[] = {
    { CURLOPT_TIMEOUT, 2, 0 }, { CURLOPT_TIMEOUT_MS, 2000, 0 }, { CURLOPT_LOW_SPEED_TIME, 2, 1000 },
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    w = world_new();
    guest *g = get(1000);
    int running;
    g->x->response.fault = SIM_FAULT_STALL;
    g->x->response.fault_at = 0;
    world_add(g);
    for (int k = 0; k < 6; k++) {
      curl_multi_perform(w->multi, &running);
      curl_multi_poll(w->multi, NULL, 0, 10, NULL);
    }
    if (rows[i].with) CHECK_EQ(L1, curl_easy_setopt(g->easy, CURLOPT_LOW_SPEED_LIMIT, rows[i].with), CURLE_OK);
    CHECK_EQ(T8, curl_easy_setopt(g->easy, rows[i].option, rows[i].value), CURLE_OK);
    world_drive(w);
    CHECK_EQ(T1, g->code, CURLE_OPERATION_TIMEDOUT);
    CHECK(T1, w->s->now_us >= SIM_EPOCH_US + 2 * SL_SECOND && w->s->now_us <= SIM_EPOCH_US + 4 * SL_SECOND);
    end();
  }
}

/* R1: the source said that there is more, the size line went out, and then there is none. */
static void test_body_that_breaks_its_word(void)
{
  w = world_new();
  w->embed = true;
  guest *g = scenario_get(w, 10);
  alloc_fail_hold(1);
  sim_upload_body(g->x, 100, false);
  alloc_fail_hold(-1);
  g->x->up.expects = false;
  g->lies = true;
  world_ready(g);
  world_add(g);
  world_drive(w);
  CHECK_EQ(R1, g->code, CURLE_READ_ERROR);
  CHECK_EQ(X9, w->s->channel_count, 0);
  end();
}

/* P10, X3: told of an end, the program pauses the one whose turn has come: the next one gets it. */
static void pause_second(guest *g)
{
  if (g->x->number == 1) world_pause(&g->w->guests[1], CURLPAUSE_RECV);
}

static void test_pause_in_a_done(void)
{
  w = world_new();
  w->embed = true;
  w->poll_ms = 10;
  w->ended = pause_second;
  world_limit(w, 1);
  done_us[0] = done_us[1] = 0;
  guest *a = get(1000), *b = get(2000), *c = get(3000);
  b->resume_us = SL_SECOND;
  w->turn = turn_times;
  world_add(a);
  world_add(b);
  world_add(c);
  world_drive(w);
  CHECK(X3, a->dones == 1 && b->dones == 1 && c->dones == 1);
  CHECK(P10, done_us[0] >= SL_SECOND && done_us[1] < SL_SECOND);
  end();
}

/* ---- What may be asked when ---------------------------------------------------------------------------- */

static void test_raw_bytes(void)
{
  w = world_new();
  guest *g = get(10);
  char buf[10];
  size_t n = 7;
  CHECK_EQ(T4, curl_easy_recv(NULL, buf, 1, &n), CURLE_BAD_FUNCTION_ARGUMENT);
  CHECK_EQ(T4, curl_easy_send(NULL, buf, 1, &n), CURLE_BAD_FUNCTION_ARGUMENT);
  CHECK_EQ(T4, curl_easy_recv(g->easy, buf, 1, NULL), CURLE_BAD_FUNCTION_ARGUMENT);
  CHECK_EQ(T4, curl_easy_send(g->easy, buf, 1, NULL), CURLE_BAD_FUNCTION_ARGUMENT);
  CHECK_EQ(T4, curl_easy_recv(g->easy, NULL, 1, &n), CURLE_BAD_FUNCTION_ARGUMENT);
  CHECK_EQ(T4, curl_easy_send(g->easy, NULL, 1, &n), CURLE_BAD_FUNCTION_ARGUMENT);
  CHECK_EQ(T4, curl_easy_recv(g->easy, buf, 1, &n), CURLE_UNSUPPORTED_PROTOCOL); /* no CONNECT_ONLY */
  CHECK_EQ(T4, curl_easy_send(g->easy, buf, 1, &n), CURLE_UNSUPPORTED_PROTOCOL);
  CHECK_EQ(T4, n, 0);
  world_number(g, CURLOPT_CONNECT_ONLY, 1);
  world_add(g);
  world_drive(w);
  CHECK_EQ(T4, curl_easy_recv(g->easy, NULL, 0, &n), CURLE_OK);
  CHECK_EQ(T4, curl_easy_send(g->easy, NULL, 0, &n), CURLE_OK);
  CHECK_EQ(T4, curl_easy_recv(g->easy, buf, sizeof buf, &n), CURLE_AGAIN);
  CHECK_EQ(T4, curl_easy_perform(NULL), CURLE_BAD_FUNCTION_ARGUMENT);
  end();
}

/* What cannot be done ends before anything is opened, with a code and words. */
static void test_input(void)
{
  static const struct { const char *url; CURLcode code; } rows[] = {
    { "http://", CURLE_URL_MALFORMAT }, { "http://a.test:x/", CURLE_URL_MALFORMAT }, { "", CURLE_URL_MALFORMAT },
    { "gopher://a.test/", CURLE_UNSUPPORTED_PROTOCOL }, { "http://a b/", CURLE_URL_MALFORMAT },
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    w = world_new();
    guest *g = get(10);
    WORLD_SET(g, CURLOPT_URL, rows[i].url);
    WORLD_SET(g, CURLOPT_VERBOSE, 1L); /* no debug callback: to stderr */
    world_add(g);
    world_drive(w);
    CHECK_EQ(input, g->code, rows[i].code);
    CHECK(input, *g->error);
    CHECK_EQ(input, w->s->last_id, 0);
    end();
  }
  w = world_new(); /* R4: nothing frames such a body before HTTP/1.1 */
  guest *g = scenario_get(w, 10);
  alloc_fail_hold(1);
  sim_upload_body(g->x, 100, false);
  alloc_fail_hold(-1);
  world_ready(g);
  WORLD_SET(g, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_0);
  world_add(g);
  world_drive(w);
  CHECK_EQ(R4, g->code, CURLE_UPLOAD_FAILED);
  end();
}

static curl_off_t big(const guest *g, CURLINFO info)
{
  curl_off_t n = -4711;
  CHECK_EQ(info, curl_easy_getinfo(g->easy, info, &n), CURLE_OK);
  return n;
}

static void test_unknown_multi_options(void)
{
  w = world_new();
  CHECK(ready, world_engine(w));
  CHECK_EQ(X6, curl_multi_setopt(w->multi, (CURLMoption)(CURLOPTTYPE_LONG + 999), 1L), CURLM_UNKNOWN_OPTION);
  CHECK_EQ(X6, curl_multi_setopt(w->multi, (CURLMoption)(CURLOPTTYPE_OBJECTPOINT + 999), NULL), CURLM_UNKNOWN_OPTION);
  CHECK_EQ(X6, curl_multi_setopt(w->multi, (CURLMoption)(CURLOPTTYPE_FUNCTIONPOINT + 999), NULL), CURLM_UNKNOWN_OPTION);
  end();
}

static void test_infos(void)
{
  w = world_new();
  guest *g = scenario_get(w, 1000), *file = world_guest(w);
  long n = -1;
  char *text = "";
  curl_socket_t fd = 0;
  g->x->tls = true;
  w->s->origins[0].open_delay_us = 5000;
  world_ready(g);
  WORLD_SET(g, CURLOPT_REFERER, "http://r.test/");
  CHECK_EQ(info, curl_easy_getinfo(g->easy, CURLINFO_PROTOCOL, &n), CURLE_OK);
  CHECK_EQ(info, n, 0);
  CHECK_EQ(info, curl_easy_getinfo(g->easy, CURLINFO_ACTIVESOCKET, &fd), CURLE_OK);
  CHECK_EQ(info, (int)fd, -1);
  CHECK_EQ(info, curl_easy_getinfo(g->easy, CURLINFO_HTTP_VERSION, &n), CURLE_OK);
  CHECK_EQ(info, n, CURL_HTTP_VERSION_NONE);
  world_add(g);
  world_drive(w);
  CHECK_EQ(info, g->code, CURLE_OK);
  curl_easy_getinfo(g->easy, CURLINFO_PROTOCOL, &n);
  CHECK_EQ(info, n, CURLPROTO_HTTPS);
  CHECK_EQ(info, big(g, CURLINFO_NAMELOOKUP_TIME_T), 0); /* it was there when the run began */
  CHECK_EQ(info, big(g, CURLINFO_CONNECT_TIME_T), 5000);
  CHECK_EQ(info, big(g, CURLINFO_APPCONNECT_TIME_T), 5000);
  CHECK_EQ(info, big(g, CURLINFO_SPEED_UPLOAD_T), 0);
  CHECK_EQ(info, curl_easy_getinfo(g->easy, CURLINFO_USED_PROXY, &n), CURLE_OK);
  CHECK_EQ(info, n, 0);
  CHECK_EQ(info, big(g, CURLINFO_SPEED_DOWNLOAD_T), 200000);
  CHECK_EQ(info, curl_easy_getinfo(g->easy, CURLINFO_REFERER, &text), CURLE_OK);
  CHECK_EQ(info, strcmp(text, "http://r.test/"), 0);
  CHECK_EQ(info, curl_easy_getinfo(g->easy, CURLINFO_RESPONSE_CODE, NULL), CURLE_BAD_FUNCTION_ARGUMENT);
  CHECK_EQ(info, curl_easy_getinfo(NULL, CURLINFO_RESPONSE_CODE, &n), CURLE_BAD_FUNCTION_ARGUMENT);
  CHECK_EQ(info, curl_easy_getinfo(g->easy, (CURLINFO)(CURLINFO_STRING + 999), &text), CURLE_UNKNOWN_OPTION);
  CHECK_EQ(info, curl_easy_getinfo(g->easy, (CURLINFO)(CURLINFO_LONG + 999), &n), CURLE_UNKNOWN_OPTION);
  CHECK_EQ(info, curl_easy_getinfo(g->easy, (CURLINFO)(CURLINFO_SOCKET + 999), &fd), CURLE_UNKNOWN_OPTION);
  CHECK_EQ(info, curl_easy_getinfo(g->easy, (CURLINFO)1, &n), CURLE_UNKNOWN_OPTION);
  CHECK_EQ(memory, curl_easy_getinfo(g->easy, CURLINFO_EFFECTIVE_URL, &text), CURLE_OK);
  CHECK_EQ(memory, strcmp(text, "https://a.test/1"), 0);

  alloc_fail_hold(1);
  sim_respond(file->x, 5);
  alloc_fail_hold(-1);
  file->x->response.wire.len = file->x->response.heads.len = 0;
  alloc_fail_hold(1);
  sl_text_add(&file->x->response.wire, (const char *)file->x->response.body, 5);
  alloc_fail_hold(-1);
  file->x->response.close = true;
  file->x->response.file_size = 5;
  file->x->file = true;
  world_ready(file);
  world_add(file);
  world_drive(w);
  CHECK_EQ(B6, file->code, CURLE_OK);
  curl_easy_getinfo(file->easy, CURLINFO_PROTOCOL, &n);
  CHECK_EQ(info, n, CURLPROTO_FILE);
  end();
}

/* Where redirects led, and would have led: without memory there is no answer, and no wrong one. */
static void test_infos_without_memory(void)
{
  w = world_new();
  guest *g = scenario_get(w, 10);
  char *text = NULL;
  g->x->follow = true;
  alloc_fail_hold(1);
  sim_redirect(g->x, 302, "/1.1", 0);
  alloc_fail_hold(-1);
  world_ready(g);
  world_add(g);
  world_drive(w);
  CHECK_EQ(memory, g->code, CURLE_OK);
  alloc_fail_at(1);
  CHECK_EQ(memory, curl_easy_getinfo(g->easy, CURLINFO_EFFECTIVE_URL, &text), CURLE_OUT_OF_MEMORY);
  alloc_fail_at(0);
  CHECK_EQ(memory, curl_easy_getinfo(g->easy, CURLINFO_EFFECTIVE_URL, &text), CURLE_OK);
  CHECK_EQ(memory, strcmp(text, "http://a.test/1.1"), 0);

  guest *stay = scenario_get(w, 10);
  alloc_fail_hold(1);
  sim_redirect(stay->x, 302, "/elsewhere", 0);
  alloc_fail_hold(-1);
  world_ready(stay);
  world_add(stay);
  world_drive(w);
  for (unsigned n = 1; n < 4; n++) {
    alloc_fail_at(n);
    text = "?";
    CHECK_EQ(memory, curl_easy_getinfo(stay->easy, CURLINFO_REDIRECT_URL, &text), CURLE_OK);
    if (alloc_fail_came()) CHECK(memory, !text);
  }
  alloc_fail_at(0);
  curl_easy_getinfo(stay->easy, CURLINFO_REDIRECT_URL, &text);
  CHECK(memory, text && !strcmp(text, "http://a.test/elsewhere"));
  end();
}

int main(void)
{
  test_busy_while_connecting();
  test_idle_makes_room();
  test_paused_is_passed();
  test_burst_of_heads();
  test_progress_at_any_call();
  test_body_that_breaks_its_word();
  test_input();
  test_pause_in_a_done();
  test_reset_lifts_pause();
  test_limits_while_running();
  test_raw_bytes();
  test_unknown_multi_options();
  test_infos();
  test_infos_without_memory();
  return check_result();
}
