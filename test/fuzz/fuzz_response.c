/* fuzz_response.c: hostile bytes of a server, cut, delayed and ended anywhere.
 *
 * Input: one line of knobs, a letter each (below), then what the server sends. In that, '^' and a letter is an order:
 *   ^|  cut: what follows comes 1 ms later      ^_  ... 20 ms later
 *   ^P  the user pauses here, 3 ms long         ^U  resumes at once
 *   ^N  the answer ends here; what follows answers the next request (of a redirect, a reused connection)
 *   ^E  the server closes                       ^X  resets
 *   ^^  and anything else: as it is
 * Each request gets the next answer, on whichever connection it comes; when there is none left the server closes.
 *
 * The same bytes are run three times: WHOLE, each answer at once, by curl_easy_perform, nobody pausing; CUT, by
 * curl_multi_perform and poll, as the input says; MOVED, cut too, through embed.h and the host's short way. What the
 * user gets and how it ends must be the same, but for what `comparable` names. In all: no callback while
 * paused, nested, after the end or a failure; one completion; what is held is bounded; nothing is left open. */
#include <curl/curl.h>
#include <sluice/embed.h>
#include <sluice/sluice.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "engine/base.h"
#include "host.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define INPUT_MAX 8192
#define ANSWERS_MAX 8
#define CUTS_MAX 512
#define TRANSFERS_MAX 3
#define UPLOAD 3000             /* bytes of an upload's body                              */
#define STEPS_MAX 20000
#define TIME_LIMIT_MS 30000     /* TIMEOUT: who waits for what never comes ends           */
#define HELD_MAX (SL_HEAD_MAX + 2 * SL_RECV_CHUNK_MAX + SL_HOST_HELD_MAX) /* B4 */

typedef struct { uint32_t at; char order; } cut;
typedef struct {
  uint8_t *bytes;
  uint32_t len, cuts;
  cut cut[CUTS_MAX];
  char end;                     /* 'E', 'X' or 0: it stays silent                         */
} answer;

enum way { WHOLE, CUT, MOVED };

typedef struct {
  sl_text body, heads;
  CURLcode code;
  long status;
  uint32_t dones;
  bool failed;
} outcome;

typedef struct { enum way way; uint32_t index; CURL *easy; struct sl_embed *moved; bool paused, running, inside; uint32_t calls, read, want; outcome *out; int64_t resume_us; } user;

static uint8_t bytes[INPUT_MAX];
static answer answers[ANSWERS_MAX];
static uint32_t answer_count, answer_next, transfer_count;
static bool knob[128];
static char wished;             /* P or U                                                  */
static bool tangled;            /* an answer was not over when the next request came      */
static enum way way;
static outcome outcomes[3][TRANSFERS_MAX];
static user users[TRANSFERS_MAX];
static CURLM *multi;            /* NULL but in CUT                                         */

/* ---- The input ---- */

static void parse(const uint8_t *data, size_t size)
{
  size_t i = 0;
  uint32_t used = 0;
  memset(knob, 0, sizeof knob);
  memset(answers, 0, sizeof answers);
  transfer_count = 1;
  for (; i < size && data[i] != '\n' && i < 16; i++) {
    knob[data[i] & 127] = true;
    if (data[i] == 'r' && transfer_count < TRANSFERS_MAX) transfer_count++;
  }
  i++;
  answer *a = answers;
  a->bytes = bytes;
  for (answer_count = 1; i < size && used < INPUT_MAX; i++) {
    char order = data[i] == '^' && i + 1 < size ? (char)data[i + 1] : 0;
    if (order && strchr("|_PUNEX", order)) i++;
    else {
      order = 0;
      if (data[i] == '^' && i + 1 < size && data[i + 1] == '^') i++;
      if (a->end) continue; /* nothing comes after the end */
      bytes[used++] = data[i];
      a->len++;
    }
    if (order == 'N') {
      if (answer_count == ANSWERS_MAX) return;
      a = &answers[answer_count++];
      a->bytes = bytes + used;
    } else if (order == 'E' || order == 'X') {
      if (!a->end) a->end = order;
    } else if (order && a->cuts < CUTS_MAX) a->cut[a->cuts++] = (cut){ a->len, order };
  }
}

/* ---- The server ---- */

/* What the user was to do while it waited: it is woken for it. */
static void wish(char order)
{
  wished = order;
  host.woken = true;
}

static void set_paused(user *u, bool paused)
{
  u->paused = false; /* an unpause delivers before it returns */
  if (way == CUT) paused = curl_easy_pause(u->easy, paused ? CURLPAUSE_RECV : CURLPAUSE_CONT) == CURLE_OK && paused;
  else sl_embed_pause(u->moved, paused ? 1 : 0, 1);
  if (u->paused) return; /* it refused again */
  u->paused = paused;
  u->resume_us = host.now_us + 3000;
}

/* Between two calls of the engine. */
static void act(user *u)
{
  if (!u->running) return;
  if (wished) set_paused(u, wished == 'P');
  else if (u->paused && host.now_us >= u->resume_us) set_paused(u, false);
  wished = 0;
}

static void play(fuzz_channel *c)
{
  const answer *a = &answers[c->play];
  uint32_t to = a->len, step = knob['d'] ? 1 : knob['D'] ? 7 : 0;
  int64_t delay = 1000;
  char order = 0;
  if (way != WHOLE) {
    while (c->tag < a->cuts && a->cut[c->tag].at < c->at) c->tag++;
    if (c->tag < a->cuts) {
      to = a->cut[c->tag].at;
      order = a->cut[c->tag++].order;
      if (order == '_') delay = 20000;
    }
    if (step && to > c->at + step) {
      to = c->at + step;
      if (order) c->tag--;
      order = '|';
      delay = 200;
    }
  }
  if (to > c->at) fuzz_arrive(c, (const char *)a->bytes + c->at, to - c->at);
  c->at = to;
  if (order == 'P' || order == 'U') wish(order);
  if (order || to < a->len) {
    c->next_us = host.now_us + delay;
    return;
  }
  c->playing = false;
  if (a->end == 'E') c->ended = true;
  if (a->end == 'X') c->broken = SL_RESET;
}

static void begin_answer(fuzz_channel *c)
{
  if (answer_next >= answer_count) {
    c->ended = true;
    return;
  }
  c->play = answer_next++;
  c->at = c->tag = 0;
  c->playing = true;
  c->next_us = host.now_us + 100; /* never inside a call of the engine */
}

static void server_head(fuzz_channel *c, const char *head, uint32_t n)
{
  (void)head, (void)n;
  if (c->playing || fuzz_unread(c)) tangled = true;
  if (knob['a'] || knob['x']) begin_answer(c);
}

static void server_request(fuzz_channel *c)
{
  if (!knob['a'] && !knob['x']) begin_answer(c);
}

static void server_opened(fuzz_channel *c, const char *spec, uint32_t len)
{
  (void)spec, (void)len;
  c->open_at_us = host.now_us + (way == CUT ? 500 : 0);
}

/* ---- The user ---- */

static void enter(user *u)
{
  FUZZ_CHECK(u->running, "a callback for what does not run");
  FUZZ_CHECK(!u->inside, "a callback inside a callback");
  u->calls++;
  host.progress++;
}

static bool refuses(user *u, char letter)
{
  if (way == WHOLE || !knob[(int)letter] || u->calls % 3 != 1) return false;
  u->paused = true;
  u->resume_us = host.now_us + 2000;
  return true;
}

static size_t on_write(char *data, size_t one, size_t n, void *arg)
{
  user *u = arg;
  enter(u);
  FUZZ_CHECK(one == 1 && n <= CURL_MAX_WRITE_SIZE, "W1: %zu times %zu", one, n);
  FUZZ_CHECK(!u->paused, "a write while paused");
  FUZZ_CHECK(!u->out->failed, "a write after one failed");
  if (refuses(u, 'w')) return CURL_WRITEFUNC_PAUSE;
  if (way != WHOLE && knob['s'] && n > 1) {
    u->out->failed = true;
    return n - 1;
  }
  sl_text_add(&u->out->body, data, n);
  return n;
}

static size_t on_header(char *data, size_t one, size_t n, void *arg)
{
  user *u = arg;
  enter(u);
  FUZZ_CHECK(one == 1 && n && data[n - 1] == '\n' && !memchr(data, '\n', n - 1), "W1: a header that is no line");
  FUZZ_CHECK(!u->paused, "a header while paused");
  if (refuses(u, 'v')) return CURL_WRITEFUNC_PAUSE;
  sl_text_add(&u->out->heads, data, n);
  return n;
}

static size_t on_read(char *data, size_t one, size_t n, void *arg)
{
  user *u = arg;
  enter(u);
  n *= one;
  if (n > UPLOAD - u->read) n = UPLOAD - u->read;
  if (n > 1000) n = 1000;
  memcpy(data, fuzz_bytes(u->read), n);
  u->read += (uint32_t)n;
  return n;
}

static int on_seek(void *arg, curl_off_t at, int origin)
{
  user *u = arg;
  enter(u);
  FUZZ_CHECK(at >= 0 && at <= UPLOAD && origin == SEEK_SET, "R7: a strange seek");
  u->read = (uint32_t)at;
  return CURL_SEEKFUNC_OK;
}

/* ---- embed.h's imports: MOVED ---- */

static user *user_of(uint32_t token)
{
  FUZZ_CHECK(token >= 1 && token <= transfer_count, "a token that nobody chose");
  return &users[token - 1];
}

void on_head(uint32_t token, const char *ptr, uint32_t n, const char *peer, uint32_t peer_n, uint32_t redirects)
{
  (void)ptr, (void)peer, (void)peer_n, (void)redirects;
  user *u = user_of(token);
  enter(u);
  FUZZ_CHECK(!u->paused && n, "a head while paused, or an empty one");
}

void on_trailers(uint32_t token, const char *ptr, uint32_t n)
{
  (void)ptr, (void)n;
  user *u = user_of(token);
  enter(u);
  FUZZ_CHECK(!u->paused, "trailers while paused");
}

int32_t on_body(uint32_t token, const char *ptr, uint32_t n)
{
  user *u = user_of(token);
  enter(u);
  FUZZ_CHECK(!u->paused, "a body while paused");
  if (refuses(u, 'w')) return SL_SINK_PAUSED;
  sl_text_add(&u->out->body, ptr, n);
  return (int32_t)n;
}

/* Bytes left after a part was taken: the sink that wants no more pauses. */
static int32_t sink(uint32_t token, const char *data, uint32_t n)
{
  user *u = user_of(token);
  if (knob['w'] && n > 2 && u->calls % 5 == 2) {
    n -= 1;
    enter(u);
    sl_text_add(&u->out->body, data, n);
    sl_embed_pause(u->moved, 1, 2);
    u->paused = true;
    u->resume_us = host.now_us + 2000;
    return (int32_t)n;
  }
  return on_body(token, data, n);
}

int32_t on_want_body(uint32_t token) { return (int32_t)(UPLOAD - user_of(token)->read); }

int32_t on_read_body(uint32_t token, char *ptr, uint32_t cap) { return (int32_t)on_read(ptr, 1, cap, user_of(token)); }
static int32_t source(uint32_t token, char *data, uint32_t cap) { return on_read_body(token, data, cap); }

int32_t on_rewind(uint32_t token)
{
  user_of(token)->read = 0;
  return 1;
}

void on_state(uint32_t token, uint32_t life) { (void)token, (void)life; }
void on_trace(uint32_t token, uint32_t kind, double a, double b) { (void)token, (void)kind, (void)a, (void)b; }

void on_done(uint32_t token, int32_t code)
{
  user *u = user_of(token);
  enter(u);
  u->out->dones++;
  u->out->code = (CURLcode)code;
  u->running = false;
}

/* ---- Options, for either face ---- */

typedef struct { CURL *easy; char text[2048]; size_t len; } setup;

static void number(setup *s, CURLoption option, long value)
{
  if (!s->easy) s->len += (size_t)snprintf(s->text + s->len, sizeof s->text - s->len, "n%d=%ld:", (int)option, value);
  else if (option / 10000 == 3) curl_easy_setopt(s->easy, option, (curl_off_t)value);
  else curl_easy_setopt(s->easy, option, value);
}

static void text(setup *s, CURLoption option, const char *value)
{
  if (s->easy) curl_easy_setopt(s->easy, option, value);
  else s->len += (size_t)snprintf(s->text + s->len, sizeof s->text - s->len, "t%d=%zu:%s", (int)option, strlen(value), value);
}

static void configure(setup *s)
{
  text(s, CURLOPT_URL, "http://127.0.0.1/a/b?c");
  number(s, CURLOPT_TIMEOUT_MS, TIME_LIMIT_MS);
  number(s, CURLOPT_FOLLOWLOCATION, knob['f']);
  number(s, CURLOPT_MAXREDIRS, 3);
  if (knob['H'] || knob['N']) number(s, CURLOPT_NOBODY, 1);
  if (knob['N']) text(s, CURLOPT_CUSTOMREQUEST, "GET");
  if (knob['P'] || knob['C']) {
    number(s, CURLOPT_UPLOAD, 1);
    if (knob['P']) number(s, CURLOPT_INFILESIZE_LARGE, UPLOAD);
  }
  if (knob['O'] && !knob['P'] && !knob['C']) {
    number(s, CURLOPT_POST, 1);
    number(s, CURLOPT_POSTFIELDSIZE_LARGE, UPLOAD);
  }
  number(s, CURLOPT_FAILONERROR, knob['e']);
  if (knob['0']) number(s, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_0);
  if (knob['m']) number(s, CURLOPT_MAXFILESIZE_LARGE, 100);
  number(s, CURLOPT_KEEP_SENDING_ON_ERROR, knob['k']);
  number(s, CURLOPT_BUFFERSIZE, knob['b'] ? 1024 : 16384);
  if (knob['t'] && way != WHOLE) number(s, CURLOPT_MAX_RECV_SPEED_LARGE, 100);
  if (knob['l'] && way != WHOLE) {
    number(s, CURLOPT_LOW_SPEED_LIMIT, 50);
    number(s, CURLOPT_LOW_SPEED_TIME, 1);
    number(s, SLUICEOPT_PAUSED_TIMEOUT_MS, 2);
    number(s, SLUICEOPT_SILENCE_TIMEOUT_MS, 15);
  }
}

/* ---- The three ways ---- */

static void configure_easy(user *u, struct curl_slist *list)
{
  setup s = { .easy = u->easy };
  configure(&s);
  curl_easy_setopt(u->easy, CURLOPT_HEADER, (long)knob['h']);
  curl_easy_setopt(u->easy, CURLOPT_WRITEFUNCTION, on_write);
  curl_easy_setopt(u->easy, CURLOPT_WRITEDATA, u);
  curl_easy_setopt(u->easy, CURLOPT_HEADERFUNCTION, on_header);
  curl_easy_setopt(u->easy, CURLOPT_HEADERDATA, u);
  curl_easy_setopt(u->easy, CURLOPT_READFUNCTION, on_read);
  curl_easy_setopt(u->easy, CURLOPT_READDATA, u);
  curl_easy_setopt(u->easy, CURLOPT_SEEKFUNCTION, on_seek);
  curl_easy_setopt(u->easy, CURLOPT_SEEKDATA, u);
  if (list) curl_easy_setopt(u->easy, CURLOPT_HTTPHEADER, list);
}

static void ended(user *u, CURLcode code)
{
  FUZZ_CHECK(u->running, "an end of what does not run");
  u->running = false;
  u->out->dones++;
  u->out->code = code;
  curl_easy_getinfo(u->easy, CURLINFO_RESPONSE_CODE, &u->out->status);
}

static void drive_multi(user *u)
{
  for (uint32_t step = 0; u->running; step++) {
    int left, count;
    FUZZ_CHECK(step < STEPS_MAX, "too many steps");
    FUZZ_CHECK(curl_multi_perform(multi, &count) == CURLM_OK, "perform");
    for (CURLMsg *m; (m = curl_multi_info_read(multi, &left));) ended(u, m->data.result);
    FUZZ_CHECK(count == (int)u->running, "P15: the count of running transfers is %d", count);
    curl_off_t held = 0;
    curl_easy_getinfo(u->easy, SLUICEINFO_HELD, &held);
    FUZZ_CHECK(held >= 0 && held <= HELD_MAX, "B4: held %lld", (long long)held);
    if (!u->running) return;
    act(u);
    long wait = u->paused ? (long)(u->resume_us - host.now_us + 999) / 1000 : 1000;
    FUZZ_CHECK(curl_multi_poll(multi, NULL, 0, (int)(wait < 0 ? 0 : wait), NULL) == CURLM_OK, "poll");
  }
}

static void run_c(void)
{
  struct curl_slist *list = knob['x'] ? curl_slist_append(NULL, "Expect: 100-continue") : NULL;
  CURL *easy = curl_easy_init();
  multi = way == CUT ? curl_multi_init() : NULL;
  for (uint32_t i = 0; i < transfer_count; i++) {
    user *u = &users[i];
    u->easy = easy;
    configure_easy(u, list);
    u->running = true;
    if (way == WHOLE) ended(u, curl_easy_perform(easy));
    else {
      FUZZ_CHECK(curl_multi_add_handle(multi, easy) == CURLM_OK, "add");
      drive_multi(u);
      curl_multi_remove_handle(multi, easy);
    }
  }
  curl_easy_cleanup(easy);
  if (multi) curl_multi_cleanup(multi);
  multi = NULL;
  curl_slist_free_all(list);
}

static void drive_moved(user *u)
{
  sl_embed_run();
  for (uint32_t step = 0; u->running; step++) {
    sl_event ev[8];
    double next = sl_embed_run();
    FUZZ_CHECK(step < STEPS_MAX, "too many steps");
    FUZZ_CHECK(sl_embed_number(u->moved, SL_EMBED_HELD) <= HELD_MAX, "B4");
    if (!u->running) return;
    int64_t at = next < 0 ? FUZZ_NEVER : (int64_t)next;
    if (u->paused && u->resume_us < at) at = u->resume_us;
    FUZZ_CHECK(at != FUZZ_NEVER, "it has no deadline");
    int32_t n = sl_wait(NULL, ev, 8, at > host.now_us ? at - host.now_us : 0);
    for (int32_t i = 0; i < n && u->running; i++) sl_embed_ready(ev[i].ch, ev[i].events);
    act(u);
  }
}

static void run_moved(void)
{
  FUZZ_CHECK(sl_embed_init() == 0, "init");
  for (uint32_t i = 0; i < transfer_count; i++) {
    user *u = &users[i];
    setup s = { .easy = NULL };
    u->moved = sl_embed_new(i + 1);
    configure(&s);
    if (knob['x']) s.len += (size_t)snprintf(s.text + s.len, sizeof s.text - s.len, "h0=20:Expect: 100-continue");
    memcpy(sl_embed_scratch((uint32_t)s.len), s.text, s.len);
    FUZZ_CHECK(sl_embed_configure(u->moved, (uint32_t)s.len) == 0, "configure");
    u->running = true;
    FUZZ_CHECK(sl_embed_start(u->moved) == 0, "start");
    drive_moved(u);
    u->out->status = (long)sl_embed_number(u->moved, SL_EMBED_STATUS);
    sl_embed_free(u->moved);
  }
  sl_embed_close();
}

static const fuzz_server server = { .opened = server_opened, .head = server_head, .request = server_request, .tick = play };
static const fuzz_server moving = { .opened = server_opened, .head = server_head, .request = server_request, .tick = play,
                                    .sink = sink, .source = source };

static bool run(enum way which)
{
  way = which;
  answer_next = 0;
  tangled = false;
  wished = 0;
  memset(users, 0, sizeof users);
  fuzz_begin(which == MOVED ? &moving : &server);
  if (which != WHOLE && knob['z']) host.send_max = 7;
  if (which != WHOLE && knob['y']) host.recv_max = 3;
  for (uint32_t i = 0; i < transfer_count; i++) {
    users[i] = (user){ .way = which, .index = i, .out = &outcomes[which][i] };
    *users[i].out = (outcome){ .dones = 0 };
  }
  if (which == MOVED) run_moved();
  else run_c();
  fuzz_end();
  for (uint32_t i = 0; i < transfer_count; i++)
    FUZZ_CHECK(users[i].out->dones == 1, "transfer %u ended %u times", i, users[i].out->dones);
  return tangled;
}

/* ---- Equal ---- */

/* Where cutting may change what comes out:
 *   a, x  the answer races with the request's body
 *   t, l  limits, which only CUT and MOVED have      s  the user fails
 *   tangled: an answer that was longer than it said ran into the next request, or its end came late */
static bool comparable(void) { return !knob['a'] && !knob['x'] && !knob['t'] && !knob['l'] && !knob['s']; }

/* A head, or trailers, without their end: the parser looks at what has come when it came first, and again when all is
 * there. So whether they are malformed is said at once, or else silence or the end of the connection decide. */
static bool fault(const outcome *o)
{
  return o->code == CURLE_WEIRD_SERVER_REPLY || o->code == CURLE_RECV_ERROR || o->code == CURLE_UNSUPPORTED_PROTOCOL ||
         o->code == CURLE_OPERATION_TIMEDOUT || o->code == CURLE_PARTIAL_FILE;
}

static void compare(enum way which)
{
  static const char *const names[] = { "whole", "cut", "moved" };
  for (uint32_t i = 0; i < transfer_count; i++) {
    const outcome *a = &outcomes[WHOLE][i], *b = &outcomes[which][i];
    bool excess = a->code == CURLE_FILESIZE_EXCEEDED; /* W14: what is before it is cut as it came */
    FUZZ_CHECK(a->code == b->code || (fault(a) && fault(b)), "transfer %u: code %d whole, %d %s", i, a->code, b->code,
               names[which]);
    if (excess) continue;
    FUZZ_CHECK(a->code != b->code || a->status == b->status, "transfer %u: status %ld whole, %ld %s", i, a->status, b->status, names[which]);
    bool plain = which != MOVED || !knob['h'];
    FUZZ_CHECK(!plain || (a->body.len == b->body.len && !memcmp(a->body.data ? a->body.data : "", b->body.data ? b->body.data : "", a->body.len)),
               "transfer %u: %zu bytes whole, %zu %s", i, a->body.len, b->body.len, names[which]);
    /* A stop drops what the user has refused so far. */
    size_t same = a->code && b->heads.len < a->heads.len ? b->heads.len : a->heads.len;
    FUZZ_CHECK(which == MOVED || (same == b->heads.len && (!same || !memcmp(a->heads.data, b->heads.data, same))),
               "transfer %u: %zu bytes of heads whole, %zu %s", i, a->heads.len, b->heads.len, names[which]);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  if (size > INPUT_MAX) return -1;
  parse(data, size);
  bool loose = run(WHOLE);
  for (enum way which = CUT; which <= MOVED; which++) {
    bool tangle = run(which);
    if (comparable() && !loose && !tangle) compare(which);
  }
  for (int w = 0; w < 3; w++)
    for (uint32_t i = 0; i < transfer_count; i++) {
      sl_text_free(&outcomes[w][i].body);
      sl_text_free(&outcomes[w][i].heads);
    }
  return 0;
}
