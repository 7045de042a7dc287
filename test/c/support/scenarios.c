/* scenarios.c: see scenarios.h. */
#include "scenarios.h"
#include <string.h>
#include <sluice/sluice.h>
#include "alloc_fail.h"
#include "door_fail.h"
#include "engine/text.h"

static void respond(guest *g, uint32_t n)
{
  alloc_fail_hold(1);
  sim_respond(g->x, n);
  alloc_fail_hold(-1);
}

static void upload(guest *g, uint32_t n, bool known)
{
  alloc_fail_hold(1);
  sim_upload_body(g->x, n, known);
  alloc_fail_hold(-1);
}

static void redirect(guest *g, uint32_t status, const char *location, uint32_t n)
{
  g->x->follow = true;
  alloc_fail_hold(1);
  sim_redirect(g->x, status, location, n);
  alloc_fail_hold(-1);
}

guest *scenario_get(world *w, uint32_t n)
{
  guest *g = world_guest(w);
  respond(g, n);
  return g;
}

void scenario_go(guest *g)
{
  world_ready(g);
  world_add(g);
  world_drive(g->w);
}

static void play_get(world *w) { scenario_go(scenario_get(w, 40000)); }

static void play_perform(world *w)
{
  guest *g = scenario_get(w, 40000);
  world_ready(g);
  if (g->set) return;
  g->given = true;
  g->code = curl_easy_perform(g->easy);
  g->dones++;
}

static void play_tls(world *w)
{
  guest *g = scenario_get(w, 1000);
  g->x->tls = true;
  scenario_go(g);
}

static void play_chunked_trailers(world *w)
{
  guest *g = world_guest(w);
  world_wire(&g->x->response, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n\2"
             "5;name=value\r\n\1hello\2\r\n11\r\n\1, many long words\2\r\n0\r\n\3X-Sum: 7\r\n\2\r\n");
  g->x->response.seg_max = 30;
  g->x->response.delay_us = 100;
  scenario_go(g);
}

/* A head of several receives. */
static void play_long_head(world *w)
{
  guest *g = world_guest(w);
  char wire[6000] = "HTTP/1.1 200 OK\r\nContent-Type: a/b\r\nContent-Length: 2\r\n";
  for (int i = 0; i < 40; i++) strcat(wire, "X-Line: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n");
  strcat(wire, "\r\n\1ok");
  world_wire(&g->x->response, wire);
  world_ready(g);
  world_number(g, CURLOPT_BUFFERSIZE, 1024);
  world_add(g);
  world_drive(w);
}

static void play_until_close(world *w)
{
  guest *g = world_guest(w);
  world_wire(&g->x->response, "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\n\r\n\1all until the end\2");
  g->x->response.close = g->x->response.until_close = true;
  scenario_go(g);
}

static void play_head(world *w)
{
  guest *g = world_guest(w);
  g->x->head_only = true;
  respond(g, 5000);
  scenario_go(g);
}

static void play_put_continue(world *w)
{
  guest *g = scenario_get(w, 100);
  g->x->up.expects_own = true;
  upload(g, 30000, true);
  g->x->up.continue_us = 200000;
  scenario_go(g);
}

static void play_post_chunked(world *w)
{
  guest *g = scenario_get(w, 100);
  upload(g, 20000, false);
  g->x->hops[0].method = SIM_POST;
  g->x->up.most = 7000;
  scenario_go(g);
}

static void play_post_fields(world *w)
{
  guest *g = scenario_get(w, 100);
  upload(g, 5000, true);
  g->x->hops[0].method = SIM_POST;
  world_ready(g);
  WORLD_SET(g, CURLOPT_COPYPOSTFIELDS, (const char *)g->x->up.bytes);
  world_add(g);
  world_drive(w);
}

static void play_expect_417(world *w)
{
  guest *g = world_guest(w);
  world_wire(&g->x->response, "HTTP/1.1 417 No\r\nContent-Length: 3\r\n\r\n\1no!\2");
  g->x->up.expects_own = true;
  upload(g, 5000, true);
  g->x->up.answer_at = 0;
  scenario_go(g);
}

static void play_redirect_303(world *w)
{
  guest *g = scenario_get(w, 300);
  upload(g, 2000, true);
  g->x->hops[0].method = SIM_POST;
  redirect(g, 303, "/1.1", 50);
  scenario_go(g);
}

/* To a relative place, then by an absolute URL; both times the body again. */
static void play_redirect_307(world *w)
{
  guest *g = scenario_get(w, 300);
  upload(g, 2000, true);
  g->x->up.most = 500;
  redirect(g, 307, "/x/../1.1", 100000); /* too large to be read out: another connection */
  redirect(g, 308, "http://a.test/1.2", 10);
  scenario_go(g);
}

static void play_refuse_replay(world *w)
{
  guest *g = scenario_get(w, 60000);
  g->refuse_at = 20000;
  g->resume_us = SL_SECOND;
  scenario_go(g);
}

static void turn_pause_both(world *w)
{
  if (w->turns == 0) world_pause(&w->guests[0], CURLPAUSE_RECV); /* P10: while connecting */
  if (w->turns == 4) world_pause(&w->guests[0], CURLPAUSE_ALL);
}

static void play_pause_both(world *w)
{
  guest *g = scenario_get(w, 30000);
  upload(g, 30000, true);
  g->x->up.expects = false;
  g->hold_at = 10000;
  g->refuse_at = 1000;
  g->resume_us = 300000;
  w->turn = turn_pause_both;
  scenario_go(g);
}

static void play_pool_reuse(world *w)
{
  for (int i = 0; i < 3; i++) scenario_go(scenario_get(w, 1000));
}

/* The server closes at the second request: sent again, with its body, on a connection of its own. */
static void play_stale_retry(world *w)
{
  w->s->origins[0].requests_max = 1;
  scenario_go(scenario_get(w, 100));
  guest *g = scenario_get(w, 100);
  upload(g, 3000, true);
  scenario_go(g);
}

static void play_connect_only(world *w)
{
  guest *g = scenario_get(w, 100);
  char buf[400];
  size_t n = 0, got = 0;
  world_ready(g);
  world_number(g, CURLOPT_CONNECT_ONLY, 1);
  world_add(g);
  world_drive(w);
  if (g->code || !g->dones) return;
  const char request[] = "GET /1 HTTP/1.1\r\nHost: a.test\r\n\r\n";
  CURLcode code = curl_easy_send(g->easy, request, sizeof request - 1, &n);
  if (!code && n != sizeof request - 1) g->wrong = true;
  for (int i = 0; i < 9 && (!code || code == CURLE_AGAIN); i++) {
    curl_multi_poll(w->multi, NULL, 0, 10, NULL);
    if (!(code = curl_easy_recv(g->easy, buf, sizeof buf, &n))) got += n;
  }
  bool all = got == g->x->response.wire.len;
  if (!all && code != CURLE_AGAIN && code != CURLE_RECV_ERROR && code != CURLE_SEND_ERROR && !door_fail_came()) g->wrong = true;
  g->got = 100; /* this was not told by callbacks */
}

static void file_answer(guest *g, uint32_t n)
{
  sim_response *r = &g->x->response;
  g->x->file = true;
  respond(g, n);
  r->wire.len = r->heads.len = 0;
  alloc_fail_hold(1);
  sl_text_add(&r->wire, (const char *)r->body, n);
  alloc_fail_hold(-1);
  r->close = true;
  r->file_size = n;
}

static void play_file_read(world *w)
{
  guest *g = world_guest(w);
  file_answer(g, 40000);
  g->refuse_at = 20000;
  g->resume_us = 1000;
  scenario_go(g);
}

static void play_file_upload(world *w)
{
  guest *g = world_guest(w);
  file_answer(g, 0);
  upload(g, 40000, true);
  g->x->up.expects = false;
  scenario_go(g);
}

/* Ends at its limits: baseline codes 28. */
static void play_low_speed(world *w)
{
  guest *g = scenario_get(w, 50000);
  g->x->response.fault = SIM_FAULT_STALL;
  g->x->response.fault_at = 1000;
  world_ready(g);
  world_number(g, CURLOPT_LOW_SPEED_LIMIT, 1000);
  world_number(g, CURLOPT_LOW_SPEED_TIME, 2);
  world_add(g);
  world_drive(w);
}

static void play_rate_limited(world *w)
{
  guest *g = scenario_get(w, 50000);
  world_ready(g);
  world_number(g, CURLOPT_MAX_RECV_SPEED_LARGE, 20000);
  world_add(g);
  world_drive(w);
}

static void play_connect_timeout(world *w)
{
  guest *g = scenario_get(w, 100);
  w->s->origins[0].open_delay_us = SL_NEVER;
  world_ready(g);
  world_number(g, CURLOPT_CONNECTTIMEOUT_MS, 1500);
  world_add(g);
  world_drive(w);
}

static void play_connection_limit(world *w)
{
  guest *a = scenario_get(w, 20000), *b = scenario_get(w, 20000);
  world_ready(a);
  world_ready(b);
  world_limit(w, 1);
  world_add(a);
  world_add(b);
  world_drive(w);
}

static void play_host_busy(world *w)
{
  guest *a = scenario_get(w, 20000), *b = scenario_get(w, 20000);
  w->s->channels_max = 1;
  world_ready(a);
  world_ready(b);
  world_add(a);
  world_add(b);
  world_drive(w);
}

static void turn_remove(world *w)
{
  guest *g = &w->guests[0];
  if (g->resume_at_us != SL_NEVER && !g->removed) world_remove(g);
}

static void play_remove_paused(world *w)
{
  guest *a = scenario_get(w, 60000), *b = scenario_get(w, 30000);
  a->refuse_at = 20000;
  a->resume_us = SL_SECOND;
  w->turn = turn_remove;
  world_ready(a);
  world_ready(b);
  world_add(a);
  world_add(b);
  world_drive(w);
}

/* B11: what is left of the removed one's response is read out, and the next one gets its connection. */
static void play_drain(world *w)
{
  guest *g = scenario_get(w, 60000);
  g->x->response.seg_max = 5000;
  g->x->response.delay_us = 5000;
  g->refuse_at = 20000;
  g->resume_us = SL_SECOND;
  w->turn = turn_remove;
  w->poll_ms = 20;
  world_ready(g);
  world_number(g, SLUICEOPT_DRAIN_MAX_BYTES, 100000);
  world_add(g);
  world_drive(w);
  scenario_go(scenario_get(w, 20000));
  for (int i = 0; i < 30 && world_engine(w); i++) world_turn(w); /* nothing runs, and it drains */
  scenario_go(scenario_get(w, 1000));
}

static int on_debug(CURL *easy, curl_infotype type, char *data, size_t n, void *arg)
{
  (void)easy, (void)type, (void)data, (void)n, (void)arg;
  return 0;
}

static int on_progress(void *arg, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
  (void)arg, (void)a, (void)b, (void)c, (void)d;
  return 0;
}

/* Many options that are copied, a duplicate of the handle, and what may be asked for afterwards. */
static void play_many_options(world *w)
{
  guest *g = scenario_get(w, 2000);
  char *text;
  world_ready(g);
  struct curl_slist *list = curl_slist_append(NULL, "X-One: 1"), *more = list ? curl_slist_append(list, "X-Two;") : NULL;
  if (!more && !g->set) g->set = CURLE_OUT_OF_MEMORY;
  WORLD_SET(g, CURLOPT_HTTPHEADER, more);
  WORLD_SET(g, CURLOPT_USERAGENT, "agent/1");
  WORLD_SET(g, CURLOPT_REFERER, "http://r.test/");
  WORLD_SET(g, CURLOPT_RANGE, "0-9999");
  WORLD_SET(g, CURLOPT_VERBOSE, 1L);
  WORLD_SET(g, CURLOPT_DEBUGFUNCTION, on_debug);
  WORLD_SET(g, CURLOPT_NOPROGRESS, 0L);
  WORLD_SET(g, CURLOPT_XFERINFOFUNCTION, on_progress);
  CURL *copy = g->set ? NULL : curl_easy_duphandle(g->easy);
  if (!copy && !g->set) g->set = CURLE_OUT_OF_MEMORY;
  curl_easy_cleanup(g->easy);
  g->easy = copy;
  world_add(g);
  world_drive(w);
  if (g->dones) {
    curl_easy_getinfo(g->easy, CURLINFO_EFFECTIVE_URL, &text);
    curl_easy_getinfo(g->easy, CURLINFO_CONTENT_TYPE, &text);
    curl_easy_getinfo(g->easy, CURLINFO_PRIMARY_IP, &text);
    curl_easy_getinfo(g->easy, CURLINFO_REDIRECT_URL, &text);
    world_remove(g);
    curl_easy_reset(g->easy);
  }
  curl_slist_free_all(list);
}

static void on_notify(CURLM *multi, unsigned int notification, CURL *easy, void *arg)
{
  (void)multi, (void)notification, (void)easy, (void)arg;
}

static void play_notify(world *w)
{
  guest *g = scenario_get(w, 100);
  world_ready(g);
  if (!world_engine(w)) return;
  curl_multi_setopt(w->multi, CURLMOPT_NOTIFYFUNCTION, on_notify);
  curl_multi_notify_enable(w->multi, CURLMNOTIFY_INFO_READ);
  curl_multi_notify_enable(w->multi, CURLMNOTIFY_EASY_DONE);
  curl_multi_wakeup(w->multi);
  world_add(g);
  world_drive(w);
}

const scenario scenarios[] = {
  { "get", play_get, CURLE_OK, false },
  { "easy-perform", play_perform, CURLE_OK, true },
  { "tls", play_tls, CURLE_OK, false },
  { "get-chunked-trailers", play_chunked_trailers, CURLE_OK, false },
  { "get-until-close", play_until_close, CURLE_OK, false },
  { "long-head", play_long_head, CURLE_OK, false },
  { "head", play_head, CURLE_OK, false },
  { "put-continue", play_put_continue, CURLE_OK, false },
  { "post-chunked-upload", play_post_chunked, CURLE_OK, false },
  { "post-fields", play_post_fields, CURLE_OK, true },
  { "expect-417", play_expect_417, CURLE_OK, false },
  { "redirect-303", play_redirect_303, CURLE_OK, false },
  { "redirect-307-rewind", play_redirect_307, CURLE_OK, false },
  { "pause-refuse-replay", play_refuse_replay, CURLE_OK, false },
  { "pause-both", play_pause_both, CURLE_OK, false },
  { "pool-reuse", play_pool_reuse, CURLE_OK, false },
  { "stale-retry", play_stale_retry, CURLE_OK, false },
  { "connect-only", play_connect_only, CURLE_OK, true },
  { "file-read", play_file_read, CURLE_OK, false },
  { "file-upload", play_file_upload, CURLE_OK, false },
  { "low-speed", play_low_speed, CURLE_OPERATION_TIMEDOUT, false },
  { "rate-limited", play_rate_limited, CURLE_OK, false },
  { "connect-timeout", play_connect_timeout, CURLE_OPERATION_TIMEDOUT, false },
  { "connection-limit", play_connection_limit, CURLE_OK, false },
  { "host-busy", play_host_busy, CURLE_OK, false },
  { "remove-paused", play_remove_paused, CURLE_OK, false },
  { "drain", play_drain, CURLE_OK, false },
  { "many-options", play_many_options, CURLE_OK, true },
  { "notify", play_notify, CURLE_OK, true },
};

const unsigned scenario_count = sizeof scenarios / sizeof *scenarios;
