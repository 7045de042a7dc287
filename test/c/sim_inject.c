/* sim_inject.c: failure injection. Each scenario of the list below is played once in peace, then once for each allocation
 * that fails, and once for each call of the door and each code that call may answer (host.h). Whatever failed: the
 * transfers end once, with 0 or the code that stands for the failure, bytes delivered are the right ones, nothing is left
 * open or unfreed, nothing turns without end, and the next transfer of the same engine works. */
#include <stdio.h>
#include <string.h>
#include "alloc_fail.h"
#include "check.h"
#include "door_fail.h"
#include "world.h"

int __lsan_do_recoverable_leak_check(void) __attribute__((weak));

typedef struct {
  const char *name;
  void (*play)(world *w);
  CURLcode code; /* what its transfers end with in peace */
} scenario;

/* What is injected: nothing when n is 0; an allocation when call is DOOR_CALLS. */
typedef struct {
  unsigned n;
  enum door_call call;
  int32_t code;
} fault;

/* ---- The scenarios ------------------------------------------------------------------------------------- */

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

static guest *get(world *w, uint32_t n)
{
  guest *g = world_guest(w);
  respond(g, n);
  return g;
}

static void go(guest *g)
{
  world_ready(g);
  world_add(g);
  world_drive(g->w);
}

static void play_get(world *w) { go(get(w, 40000)); }

static void play_perform(world *w)
{
  guest *g = get(w, 40000);
  world_ready(g);
  if (g->set) return;
  g->given = true;
  g->code = curl_easy_perform(g->easy);
  g->dones++;
}

static void play_tls(world *w)
{
  guest *g = get(w, 1000);
  g->x->tls = true;
  go(g);
}

static void play_chunked_trailers(world *w)
{
  guest *g = world_guest(w);
  world_wire(&g->x->response, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n\2"
             "5;name=value\r\n\1hello\2\r\n11\r\n\1, many long words\2\r\n0\r\n\3X-Sum: 7\r\n\r\n");
  g->x->response.seg_max = 30;
  g->x->response.delay_us = 100;
  go(g);
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
  WORLD_SET(g, CURLOPT_BUFFERSIZE, 1024L);
  world_add(g);
  world_drive(w);
}

static void play_until_close(world *w)
{
  guest *g = world_guest(w);
  world_wire(&g->x->response, "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\n\r\n\1all until the end\2");
  g->x->response.close = g->x->response.until_close = true;
  go(g);
}

static void play_head(world *w)
{
  guest *g = world_guest(w);
  g->x->head_only = true;
  respond(g, 5000);
  go(g);
}

static void play_put_continue(world *w)
{
  guest *g = get(w, 100);
  g->x->up.expects_own = true;
  upload(g, 30000, true);
  g->x->up.continue_us = 200000;
  go(g);
}

static void play_post_chunked(world *w)
{
  guest *g = get(w, 100);
  upload(g, 20000, false);
  g->x->hops[0].method = SIM_POST;
  g->x->up.most = 7000;
  go(g);
}

static void play_post_fields(world *w)
{
  guest *g = get(w, 100);
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
  go(g);
}

static void play_redirect_303(world *w)
{
  guest *g = get(w, 300);
  upload(g, 2000, true);
  g->x->hops[0].method = SIM_POST;
  redirect(g, 303, "/1.1", 50);
  go(g);
}

/* To a relative place, then by an absolute URL; both times the body again. */
static void play_redirect_307(world *w)
{
  guest *g = get(w, 300);
  upload(g, 2000, true);
  g->x->up.most = 500;
  redirect(g, 307, "/x/../1.1", 100000); /* too large to be read out: another connection */
  redirect(g, 308, "http://a.test/1.2", 10);
  go(g);
}

static void play_refuse_replay(world *w)
{
  guest *g = get(w, 60000);
  g->refuse_at = 20000;
  g->resume_us = SL_SECOND;
  go(g);
}

static void turn_pause_both(world *w)
{
  if (w->turns == 0) world_pause(&w->guests[0], CURLPAUSE_RECV); /* P10: while connecting */
  if (w->turns == 4) world_pause(&w->guests[0], CURLPAUSE_ALL);
}

static void play_pause_both(world *w)
{
  guest *g = get(w, 30000);
  upload(g, 30000, true);
  g->x->up.expects = false;
  g->hold_at = 10000;
  g->refuse_at = 1000;
  g->resume_us = 300000;
  w->turn = turn_pause_both;
  go(g);
}

static void play_pool_reuse(world *w)
{
  for (int i = 0; i < 3; i++) go(get(w, 1000));
}

/* The server closes at the second request: sent again, with its body, on a connection of its own. */
static void play_stale_retry(world *w)
{
  w->s->origins[0].requests_max = 1;
  go(get(w, 100));
  guest *g = get(w, 100);
  upload(g, 3000, true);
  go(g);
}

static void play_connect_only(world *w)
{
  guest *g = get(w, 100);
  char buf[400];
  size_t n = 0, got = 0;
  world_ready(g);
  WORLD_SET(g, CURLOPT_CONNECT_ONLY, 1L);
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
  go(g);
}

static void play_file_upload(world *w)
{
  guest *g = world_guest(w);
  file_answer(g, 0);
  upload(g, 40000, true);
  g->x->up.expects = false;
  go(g);
}

/* Ends at its limits: baseline codes 28. */
static void play_low_speed(world *w)
{
  guest *g = get(w, 50000);
  g->x->response.fault = SIM_FAULT_STALL;
  g->x->response.fault_at = 1000;
  world_ready(g);
  WORLD_SET(g, CURLOPT_LOW_SPEED_LIMIT, 1000L);
  WORLD_SET(g, CURLOPT_LOW_SPEED_TIME, 2L);
  world_add(g);
  world_drive(w);
}

static void play_rate_limited(world *w)
{
  guest *g = get(w, 50000);
  world_ready(g);
  WORLD_SET(g, CURLOPT_MAX_RECV_SPEED_LARGE, (curl_off_t)20000);
  world_add(g);
  world_drive(w);
}

static void play_connect_timeout(world *w)
{
  guest *g = get(w, 100);
  w->s->origins[0].open_delay_us = SL_NEVER;
  world_ready(g);
  WORLD_SET(g, CURLOPT_CONNECTTIMEOUT_MS, 1500L);
  world_add(g);
  world_drive(w);
}

static void play_connection_limit(world *w)
{
  guest *a = get(w, 20000), *b = get(w, 20000);
  world_ready(a);
  world_ready(b);
  if (!world_multi(w)) return;
  curl_multi_setopt(w->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, 1L);
  world_add(a);
  world_add(b);
  world_drive(w);
}

static void play_host_busy(world *w)
{
  guest *a = get(w, 20000), *b = get(w, 20000);
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
  guest *a = get(w, 60000), *b = get(w, 30000);
  a->refuse_at = 20000;
  a->resume_us = SL_SECOND;
  w->turn = turn_remove;
  world_ready(a);
  world_ready(b);
  world_add(a);
  world_add(b);
  world_drive(w);
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
  guest *g = get(w, 2000);
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
  guest *g = get(w, 100);
  world_ready(g);
  if (!world_multi(w)) return;
  curl_multi_setopt(w->multi, CURLMOPT_NOTIFYFUNCTION, on_notify);
  curl_multi_notify_enable(w->multi, CURLMNOTIFY_INFO_READ);
  curl_multi_notify_enable(w->multi, CURLMNOTIFY_EASY_DONE);
  curl_multi_wakeup(w->multi);
  world_add(g);
  world_drive(w);
}

static const scenario scenarios[] = {
  { "get", play_get, CURLE_OK }, { "easy-perform", play_perform, CURLE_OK }, { "tls", play_tls, CURLE_OK },
  { "get-chunked-trailers", play_chunked_trailers, CURLE_OK }, { "get-until-close", play_until_close, CURLE_OK },
  { "long-head", play_long_head, CURLE_OK }, { "head", play_head, CURLE_OK }, { "put-continue", play_put_continue, CURLE_OK },
  { "post-chunked-upload", play_post_chunked, CURLE_OK }, { "post-fields", play_post_fields, CURLE_OK },
  { "expect-417", play_expect_417, CURLE_OK }, { "redirect-303", play_redirect_303, CURLE_OK },
  { "redirect-307-rewind", play_redirect_307, CURLE_OK }, { "pause-refuse-replay", play_refuse_replay, CURLE_OK },
  { "pause-both", play_pause_both, CURLE_OK }, { "pool-reuse", play_pool_reuse, CURLE_OK },
  { "stale-retry", play_stale_retry, CURLE_OK }, { "connect-only", play_connect_only, CURLE_OK },
  { "file-read", play_file_read, CURLE_OK }, { "file-upload", play_file_upload, CURLE_OK },
  { "low-speed", play_low_speed, CURLE_OPERATION_TIMEDOUT }, { "rate-limited", play_rate_limited, CURLE_OK },
  { "connect-timeout", play_connect_timeout, CURLE_OPERATION_TIMEDOUT },
  { "connection-limit", play_connection_limit, CURLE_OK }, { "host-busy", play_host_busy, CURLE_OK },
  { "remove-paused", play_remove_paused, CURLE_OK }, { "many-options", play_many_options, CURLE_OK },
  { "notify", play_notify, CURLE_OK },
};

/* ---- What must hold ------------------------------------------------------------------------------------ */

static const char *playing; /* for messages */
static fault injected;
static CURLcode peace; /* its code without a failure */
static unsigned runs;

static void where(void)
{
  fprintf(stderr, "    in %s: %s %u answers %d\n", playing,
          injected.call == DOOR_CALLS ? "allocation" : door_names[injected.call], injected.n, (int)injected.code);
}

/* The CURLcodes that may come of a call of the door that answered this. */
static bool stands_for(enum door_call call, int32_t code, CURLcode got)
{
  switch (code) {
  case SL_NOMEM: return got == CURLE_OUT_OF_MEMORY;
  case SL_CANCELED: return got == CURLE_ABORTED_BY_CALLBACK;
  case SL_QUOTA: return got == CURLE_FILESIZE_EXCEEDED;
  case SL_DEADLINE: return got == CURLE_OPERATION_TIMEDOUT;
  default: break;
  }
  if (call == DOOR_LOOP_NEW) return got == CURLE_OUT_OF_MEMORY;
  if (call == DOOR_WAIT) return got == (code == SL_NOSYS ? CURLE_NOT_BUILT_IN : CURLE_UNRECOVERABLE_POLL);
  switch (code) {
  case SL_NOSYS: return call == DOOR_OPEN && got == CURLE_UNSUPPORTED_PROTOCOL;
  case SL_INVAL: return got == CURLE_URL_MALFORMAT;
  case SL_RESOLVE: return got == CURLE_COULDNT_RESOLVE_HOST;
  case SL_REFUSED: return got == CURLE_COULDNT_CONNECT;
  case SL_DENIED: return got == CURLE_REMOTE_ACCESS_DENIED;
  case SL_TLS_FAILED: return got == CURLE_SSL_CONNECT_ERROR;
  case SL_TLS_VERIFY: return got == CURLE_PEER_FAILED_VERIFICATION;
  case SL_TLS_CERT: return got == CURLE_SSL_CERTPROBLEM;
  case SL_TLS_CA: return got == CURLE_SSL_CACERT_BADFILE;
  case SL_TLS_PIN: return got == CURLE_SSL_PINNEDPUBKEYNOTMATCH;
  default: break;
  }
  if (call == DOOR_OPEN) /* SL_IO, SL_RESET */
    return got == CURLE_COULDNT_CONNECT || got == CURLE_FILE_COULDNT_READ_FILE || got == CURLE_WRITE_ERROR;
  if (call == DOOR_RECV)
    return got == CURLE_RECV_ERROR || got == CURLE_GOT_NOTHING || got == CURLE_SEND_ERROR || got == CURLE_PARTIAL_FILE ||
           got == CURLE_FILE_COULDNT_READ_FILE;
  if (call == DOOR_SEND) return got == CURLE_SEND_ERROR || got == CURLE_RECV_ERROR || got == CURLE_GOT_NOTHING;
  return false;
}

static bool explained(CURLcode code)
{
  if (code == peace) return true;
  if (injected.call == DOOR_CALLS) return injected.n && code == CURLE_OUT_OF_MEMORY;
  return stands_for(injected.call, injected.code, code);
}

static void check_guest(const guest *g)
{
  const sim_response *r = sim_final(g->x);
  bool ok = CHECK(F16, !g->wrong);
  if (g->set) ok &= CHECK_EQ(memory, g->set, CURLE_OUT_OF_MEMORY);
  if (g->refused) ok &= CHECK_EQ(memory, g->refused, CURLM_OUT_OF_MEMORY);
  ok &= CHECK_EQ(X10, g->dones, g->given && !g->removed);
  if (g->dones && !CHECK(stop, explained(g->code))) {
    ok = false;
    fprintf(stderr, "    the code is %d, \"%s\"\n", (int)g->code, g->error);
  }
  if (g->dones && !g->code && r) ok &= CHECK_EQ(W9, g->got, r->body_len);
  if (!ok) where();
}

/* The engine is as good as before. */
static void check_next(world *w)
{
  w->s->origins[0] = (sim_origin){ .name = "a.test", .idle_us = SL_NEVER };
  w->s->channels_max = 0;
  w->turn = NULL;
  for (uint32_t i = 0; i < w->count; i++) /* who never ended is no concern of this one */
    if (w->guests[i].given && !w->guests[i].dones) world_remove(&w->guests[i]);
  guest *g = get(w, 3000);
  go(g);
  bool ok = CHECK_EQ(next, g->set, CURLE_OK) & CHECK_EQ(next, g->code, CURLE_OK) & CHECK_EQ(next, g->dones, 1);
  if (!(ok & CHECK_EQ(next, g->got, 3000))) where();
}

/* Play it with this failure; false when the failure did not come. *calls: of the door. */
static bool play(const scenario *sc, fault f, unsigned *calls)
{
  char words[256] = "";
  world *w = world_new();
  playing = sc->name;
  injected = f;
  runs++;
  door_fail_start(f.call == DOOR_CALLS ? 0 : f.n, f.code);
  alloc_fail_at(f.call == DOOR_CALLS ? f.n : 0);
  sc->play(w);
  bool came = f.call == DOOR_CALLS ? alloc_fail_came() : door_fail_came();
  alloc_fail_at(0);
  *calls = door_fail_stop();
  peace = sc->code;
  for (uint32_t i = 0; i < w->count; i++) check_guest(&w->guests[i]);
  if (!CHECK(bounded, !w->endless)) where();
  check_next(w);
  if (!CHECK(nothing_left, !world_end(w, words, sizeof words))) {
    fprintf(stderr, "    %s\n", words);
    where();
  }
  return came;
}

static void check_leaks(const char *what)
{
  if (__lsan_do_recoverable_leak_check && !CHECK(nothing_leaked, !__lsan_do_recoverable_leak_check()))
    fprintf(stderr, "    in %s: %s\n", playing, what);
}

/* The codes each call may answer, ended by 0. */
static const int32_t *codes_of(enum door_call call)
{
  static const int32_t null[] = { SL_NOMEM, 0 };
  static const int32_t open[] = { SL_NOSYS, SL_INVAL, SL_NOMEM, SL_IO, SL_BUSY, SL_RESOLVE, SL_REFUSED, SL_RESET,
                                  SL_DENIED, SL_TLS_FAILED, SL_TLS_VERIFY, SL_TLS_CERT, SL_TLS_CA, SL_TLS_PIN,
                                  SL_CANCELED, SL_QUOTA, SL_DEADLINE, 0 };
  static const int32_t recv[] = { SL_AGAIN, DOOR_END, SL_INVAL, SL_NOMEM, SL_IO, SL_RESOLVE, SL_REFUSED, SL_RESET,
                                  SL_DENIED, SL_TLS_FAILED, SL_TLS_VERIFY, SL_TLS_CERT, SL_TLS_CA, SL_TLS_PIN,
                                  SL_CANCELED, SL_QUOTA, SL_DEADLINE, 0 };
  static const int32_t send[] = { SL_AGAIN, SL_INVAL, SL_NOMEM, SL_IO, SL_RESET, SL_DENIED, SL_TLS_FAILED,
                                  SL_CANCELED, SL_QUOTA, SL_DEADLINE, 0 };
  static const int32_t info[] = { SL_AGAIN, SL_NOSYS, SL_IO, SL_NOMEM, 0 };
  static const int32_t wait[] = { SL_NOSYS, SL_INVAL, SL_NOMEM, SL_IO, SL_BUSY, SL_CANCELED, SL_QUOTA, SL_DEADLINE, 0 };
  static const int32_t nosys[] = { SL_NOSYS, SL_IO, 0 };
  switch (call) {
  case DOOR_LOOP_NEW: return null;
  case DOOR_OPEN: return open;
  case DOOR_RECV: case DOOR_MOVE: return recv;
  case DOOR_SEND: case DOOR_MOVE_OUT: return send;
  case DOOR_INFO: return info;
  case DOOR_WAIT: return wait;
  default: return nosys;
  }
}

static void test_no_failure(const scenario *sc, unsigned *calls)
{
  play(sc, (fault){ .call = DOOR_CALLS }, calls);
  check_leaks("no failure");
}

static unsigned test_allocations(const scenario *sc)
{
  unsigned n = 1, calls;
  while (play(sc, (fault){ .n = n, .call = DOOR_CALLS }, &calls)) n++;
  check_leaks("allocations");
  return n - 1;
}

static void test_calls(const scenario *sc, unsigned calls)
{
  static uint8_t kinds[DOOR_CALLS_MAX + 1];
  unsigned others;
  for (unsigned n = 1; n <= calls; n++) kinds[n] = (uint8_t)door_fail_call(n);
  for (unsigned n = 1; n <= calls; n++)
    for (const int32_t *code = codes_of((enum door_call)kinds[n]); *code; code++) {
      bool came = play(sc, (fault){ .n = n, .call = (enum door_call)kinds[n], .code = *code }, &others);
      if (!CHECK(same_run, came)) where();
    }
  check_leaks("calls");
}

int main(int argc, char **argv)
{
  for (size_t i = 0; i < sizeof scenarios / sizeof *scenarios; i++) {
    const scenario *sc = &scenarios[i];
    unsigned calls;
    if (argc > 1 && strcmp(argv[1], sc->name)) continue;
    runs = 0;
    test_no_failure(sc, &calls);
    test_calls(sc, calls);
    unsigned allocations = test_allocations(sc);
    printf("%-22s %4u allocations, %4u calls, %6u runs\n", sc->name, allocations, calls, runs);
  }
  return check_result();
}
