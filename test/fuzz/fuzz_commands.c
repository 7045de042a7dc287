/* fuzz_commands.c: programs over the C API, against servers that behave, from outside and inside callbacks.
 *
 * Input: commands of two bytes, a letter (`obey`) and an argument, up to a newline; behind it what callbacks do, see
 * `inside`. An argument's low two bits choose the handle, the rest is the value.
 *
 * Every body, up and down, is fuzz_bytes' pattern, and every answer says in X-Len how long it is. So at all times: bytes
 * are the right ones, in order; 0 only for all of them; a callback comes only to a handle that runs, never to itself, never
 * while its direction is paused; one message for each add; what X4 to X6 refuse is refused; the count of running transfers
 * is right; a wakeup ends the next poll at once; sockets are announced before they are removed. At the end everything is
 * resumed, must end within its TIMEOUT by whichever way it is driven, and nothing stays open. */
#include <curl/curl.h>
#include <sluice/sluice.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "engine/base.h"
#include "host.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SLOTS 4
#define MULTIS 2
#define COMMANDS_MAX 96
#define DEPTH_MAX 3
#define ENDS_MS 20000L /* TIMEOUT of every handle */
#define PERFORMS -2    /* slot.in: inside curl_easy_perform */
#define NOWHERE -1
#define HELD_MAX (SL_HEAD_MAX + 2 * SL_RECV_CHUNK_MAX + SL_HOST_HELD_MAX)

typedef struct {
  CURL *easy;
  int in;              /* which multi, NOWHERE or PERFORMS                       */
  bool live;           /* added, and its message not read                        */
  bool leaving;        /* its removal is on: nothing is done to it from the callbacks of that */
  int inside;
  int unpausing;       /* pause calls that are on: they deliver what is held (P6)  */
  bool writing;        /* a write or header callback is on                       */
  bool failed, nobody; /* NOBODY was set: what X-Len says may not come          */
  uint64_t delivered, read, body;
  long long expect;    /* X-Len of the latest answer, -1: none                   */
} slot;

typedef struct {
  CURLM *multi;
  int inside;          /* callbacks that are not notifications                   */
  bool notifying, woken, dead, sockets;
  int watched[FUZZ_FD_FIRST + FUZZ_CHANNELS_MAX];
  int64_t timer_us;
} pool;

static slot slots[SLOTS];
static pool pools[MULTIS];
static const uint8_t *script, *script_end; /* what callbacks do, a byte or more each */
static int depth;
static struct curl_slist *expect_header, *plain_header;
static sl_text pending[FUZZ_CHANNELS_MAX]; /* of each channel: what its server has to say */
static char fields[300];

static void obey(uint8_t op, uint8_t arg);

/* ---- The server ---- */

static const char *const paths[] = {
  "/len/0", "/len/5", "/len/20000", "/len/100000", "/chunked/0", "/chunked/5000", "/chunked/60000", "/close/0", "/close/30000",
  "/short/100", "/reset/5000", "/hang/0", "/gone/0", "/early/50", "/to/302", "/to/307", "/to/303", "/loop/301", "/refuse/10",
  "/status/404", "/status/204", "/status/417", "/late/10", "/refused/0",
};
#define PATHS (sizeof paths / sizeof *paths)

static sl_text *out_of(const fuzz_channel *c) { return &pending[c - host.channels]; }

static void put_body(sl_text *to, uint32_t n, bool chunked)
{
  char line[32];
  for (uint32_t at = 0; at < n;) {
    uint32_t most = chunked ? 1000 : FUZZ_PIECE_MAX, k = n - at < most ? n - at : most;
    if (chunked) sl_text_add(to, line, (size_t)snprintf(line, sizeof line, "%x\r\n", k));
    sl_text_add(to, fuzz_bytes(at), k);
    if (chunked) sl_text_str(to, "\r\n");
    at += k;
  }
  if (chunked) sl_text_str(to, "0\r\nX-T: yes\r\n\r\n");
}

static void put_head(sl_text *to, unsigned status, uint32_t n, const char *more)
{
  char line[128];
  sl_text_add(to, line, (size_t)snprintf(line, sizeof line, "HTTP/1.1 %u Words\r\nX-Len: %u\r\n%s\r\n", status, n, more));
}

static void put_length(sl_text *to, unsigned status, uint32_t n, bool head)
{
  char more[64];
  snprintf(more, sizeof more, "Content-Length: %u\r\n", n);
  put_head(to, status, head || status == 204 ? 0 : n, status == 204 ? "" : more);
  if (!head && status != 204) put_body(to, n, false);
}

/* The answer for a path, into `to`; c->play becomes how it ends: E, D (so does its body), X, or 0. */
static void compose(fuzz_channel *c, const char *path, bool head, sl_text *to)
{
  const char *number = strchr(path + 1, '/');
  uint32_t n = number ? (uint32_t)atoi(number + 1) : 0;
  c->play = 0;
  if (!strncmp(path, "/chunked", 8)) {
    put_head(to, 200, head ? 0 : n, "Transfer-Encoding: chunked\r\n");
    if (!head) put_body(to, n, true);
  } else if (!strncmp(path, "/close", 6)) {
    put_head(to, 200, head ? 0 : n, "");
    if (!head) put_body(to, n, false);
    c->play = 'D';
  } else if (!strncmp(path, "/short", 6) || !strncmp(path, "/reset", 6)) {
    put_head(to, 200, head ? 0 : 2 * n, "Content-Length: 1000000\r\n");
    if (!head) put_body(to, n, false);
    c->play = path[1] == 's' ? 'E' : 'X';
  } else if (!strncmp(path, "/hang", 5)) {
    c->play = 'H';
  } else if (!strncmp(path, "/gone", 5)) {
    c->play = 'E';
  } else if (!strncmp(path, "/to", 3) || !strncmp(path, "/loop", 5)) {
    char more[80];
    snprintf(more, sizeof more, "Location: %s\r\nContent-Length: 4\r\n", path[1] == 'l' ? path : "/chunked/3000");
    put_head(to, n, head ? 0 : 4, more);
    if (!head) put_body(to, 4, false);
  } else if (!strncmp(path, "/status", 7)) {
    put_length(to, n, 7, head);
  } else {
    if (!strncmp(path, "/early", 6)) sl_text_str(to, "HTTP/1.1 103 Early\r\nLink: x\r\n\r\n");
    put_length(to, !strncmp(path, "/refuse", 7) ? 413 : 200, n, head);
    if (!strncmp(path, "/refuse", 7)) c->play = 'E';
  }
}

static void server_head(fuzz_channel *c, const char *head, uint32_t n)
{
  char path[64] = "";
  bool is_head = n > 5 && !memcmp(head, "HEAD ", 5);
  const char *at = memchr(head, ' ', n);
  for (size_t i = 0; at && i < sizeof path - 1 && at[1 + i] != ' '; i++) path[i] = at[1 + i];
  FUZZ_CHECK(!c->playing, "a request before the answer to the one before it");
  sl_text_free(out_of(c));
  c->at = 0;
  compose(c, path, is_head, out_of(c));
  c->tag = !strncmp(path, "/refuse", 7) ? 2 : 0;
  if (c->tag) c->next_us = host.now_us + 100, c->playing = true;
  else if (memmem(head, n, "100-continue", 12) && strncmp(path, "/late", 5)) {
    fuzz_arrive(c, "HTTP/1.1 100 Continue\r\n\r\n", 25);
  }
}

static void server_body(fuzz_channel *c, const char *data, uint32_t n)
{
  FUZZ_CHECK(n <= FUZZ_PIECE_MAX && !memcmp(data, fuzz_bytes(c->at), n), "upload: a byte behind %u is wrong", c->at);
  c->at += n;
}

static void server_request(fuzz_channel *c)
{
  if (c->playing || c->tag == 2) return;
  c->playing = true;
  c->next_us = host.now_us + 1000;
}

static void server_tick(fuzz_channel *c)
{
  sl_text *to = out_of(c);
  uint32_t hash = (uint32_t)to->len * 2654435761u >> 16;
  size_t n = 1 + hash % 9000;
  if (c->play == 'H') return;
  if (n > to->len) n = to->len;
  if (n) fuzz_arrive(c, to->data, n);
  sl_text_drop(to, n);
  c->next_us = to->len ? host.now_us + hash % 4000 : FUZZ_NEVER;
  if (to->len) return;
  c->playing = false;
  if (c->play == 'E' || c->play == 'D') c->ended = true;
  if (c->play == 'X') c->broken = SL_RESET;
}

static void server_opened(fuzz_channel *c, const char *spec, uint32_t len)
{
  c->open_at_us = host.now_us + 300 * (c->id % 3);
  if (memmem(spec, len, "127.0.0.3", 9)) c->open_code = SL_REFUSED;
  sl_text_free(out_of(c));
  if (c->kind != SL_FILE) return;
  const char *path = memmem(spec, len, "path ", 5);
  if (memmem(spec, len, "mode write", 10)) c->reading = 3;
  else if (path && !memcmp(path + 5, "/len", 4)) {
    put_body(out_of(c), 20000, false);
    c->play = 'E';
    c->playing = true;
    c->next_us = host.now_us + 1000;
  } else c->open_code = SL_IO;
}

static const fuzz_server server = { .opened = server_opened, .head = server_head, .body = server_body,
                                    .request = server_request, .tick = server_tick };

/* ---- Callbacks ---- */

static int next_byte(void) { return script < script_end ? *script++ : 0; }

/* One byte: its low half says what is done inside the callback (a command follows when it is above 11), its high half
 * what the callback answers: 0 as usual, else what the callback makes of it. */
static int inside(slot *s, pool *p)
{
  int b = next_byte();
  host.progress++;
  if ((b & 15) < 12 || depth >= DEPTH_MAX || script >= script_end) return b >> 4;
  if (s) s->inside++;
  if (p) p->inside++;
  depth++;
  uint8_t op = (uint8_t)next_byte();
  obey(op, (uint8_t)next_byte());
  depth--;
  if (p) p->inside--;
  if (s) s->inside--;
  return b >> 4;
}

static pool *pool_of(const slot *s) { return s->in >= 0 ? &pools[s->in] : NULL; }

static long info(CURL *easy, CURLINFO what)
{
  long value = 0;
  FUZZ_CHECK(curl_easy_getinfo(easy, what, &value) == CURLE_OK, "getinfo %d", (int)what);
  return value;
}

static void enter(slot *s, long direction)
{
  FUZZ_CHECK(s->easy, "a callback of a handle that is gone");
  FUZZ_CHECK(s->in == PERFORMS || (s->in >= 0 && s->live), "a callback of what does not run");
  FUZZ_CHECK(!s->inside || s->unpausing, "a callback inside a callback of the same handle");
  FUZZ_CHECK(!s->writing || !(direction & CURLPAUSE_RECV), "a delivery inside a delivery");
  FUZZ_CHECK(!(info(s->easy, SLUICEINFO_PAUSED) & direction), "a callback in a paused direction: %ld", direction);
}

static int inside_delivery(slot *s)
{
  s->writing = true;
  int answer = inside(s, pool_of(s));
  s->writing = false;
  return answer;
}

static size_t on_write(char *data, size_t one, size_t n, void *arg)
{
  slot *s = arg;
  enter(s, CURLPAUSE_RECV);
  FUZZ_CHECK(one == 1 && n <= CURL_MAX_WRITE_SIZE, "W1: %zu", n);
  FUZZ_CHECK(!s->failed, "a write after one failed");
  FUZZ_CHECK(!memcmp(data, fuzz_bytes(s->delivered), n), "a byte behind %llu is wrong", (unsigned long long)s->delivered);
  switch (inside_delivery(s)) {
  case 1:
  case 2: return CURL_WRITEFUNC_PAUSE;
  case 3: s->failed = true; return CURL_WRITEFUNC_ERROR;
  case 4:
    if (!n) break;
    s->failed = true;
    return n - 1;
  default: break;
  }
  s->delivered += n;
  return n;
}

static size_t on_header(char *data, size_t one, size_t n, void *arg)
{
  slot *s = arg;
  enter(s, CURLPAUSE_RECV);
  FUZZ_CHECK(one == 1 && n && data[n - 1] == '\n', "W1: a header that is no line");
  FUZZ_CHECK(!s->failed, "a header after one failed");
  switch (inside_delivery(s)) {
  case 1: return CURL_WRITEFUNC_PAUSE;
  case 3: s->failed = true; return n + 1;
  default: break;
  }
  if (n > 5 && !memcmp(data, "HTTP/", 5)) {
    FUZZ_CHECK(!s->delivered, "a head behind the body");
    s->expect = -1;
  }
  if (n > 7 && !memcmp(data, "X-Len: ", 7)) s->expect = atoll(data + 7);
  return n;
}

static size_t on_read(char *data, size_t one, size_t n, void *arg)
{
  slot *s = arg;
  enter(s, CURLPAUSE_SEND);
  n *= one;
  if (n > 3000) n = 3000;
  switch (inside(s, pool_of(s))) {
  case 1:
  case 2: return CURL_READFUNC_PAUSE;
  case 3: return CURL_READFUNC_ABORT;
  case 4: return 0;
  default: break;
  }
  if (n > s->body - s->read) n = (size_t)(s->body - s->read);
  memcpy(data, fuzz_bytes(s->read), n);
  s->read += n;
  return n;
}

static int on_seek(void *arg, curl_off_t at, int origin)
{
  slot *s = arg;
  enter(s, 0);
  FUZZ_CHECK(at >= 0 && origin == SEEK_SET, "R7: a strange seek");
  if (inside(s, pool_of(s)) == 3) return CURL_SEEKFUNC_FAIL;
  s->read = (uint64_t)at;
  return CURL_SEEKFUNC_OK;
}

static int on_progress(void *arg, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
  slot *s = arg;
  FUZZ_CHECK(a >= 0 && b >= 0 && c >= 0 && d >= 0, "progress below nothing");
  enter(s, 0);
  return inside(s, pool_of(s)) == 3;
}

static int on_prereq(void *arg, char *a, char *b, int c, int d)
{
  slot *s = arg;
  (void)c, (void)d;
  FUZZ_CHECK(a && b, "prereq without addresses");
  enter(s, 0);
  return inside(s, pool_of(s)) == 3 ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

static int on_debug(CURL *easy, curl_infotype type, char *data, size_t n, void *arg)
{
  slot *s = arg;
  (void)type, (void)data, (void)n;
  FUZZ_CHECK(s->easy == easy, "debug of another handle");
  if (!s->inside) inside(s, pool_of(s));
  return 0;
}

static int on_trailers(struct curl_slist **list, void *arg)
{
  slot *s = arg;
  enter(s, CURLPAUSE_SEND);
  *list = curl_slist_append(*list, "X-Up: yes");
  return inside(s, pool_of(s)) == 3 ? CURL_TRAILERFUNC_ABORT : CURL_TRAILERFUNC_OK;
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *socketp)
{
  pool *p = arg;
  (void)easy, (void)socketp;
  FUZZ_CHECK(fd >= 0 && fd < FUZZ_FD_FIRST + FUZZ_CHANNELS_MAX, "a strange descriptor %d", fd);
  FUZZ_CHECK(what >= 1 && what <= 4, "a strange interest %d", what);
  FUZZ_CHECK(what != CURL_POLL_REMOVE || p->watched[fd], "a descriptor is removed that was not announced");
  p->watched[fd] = what == CURL_POLL_REMOVE ? 0 : what;
  if (inside(NULL, p) != 15) return 0;
  p->dead = true;
  return -1;
}

static int on_timer(CURLM *multi, long ms, void *arg)
{
  pool *p = arg;
  FUZZ_CHECK(multi == p->multi && ms >= -1, "timer: %ld ms", ms);
  p->timer_us = ms < 0 ? FUZZ_NEVER : host.now_us + ms * 1000;
  if (inside(NULL, p) != 15) return 0;
  p->dead = true;
  return -1;
}

static void on_notify(CURLM *multi, unsigned int what, CURL *easy, void *arg)
{
  pool *p = arg;
  FUZZ_CHECK(multi == p->multi && easy && what <= 1, "a strange notification");
  bool was = p->notifying;
  p->notifying = true;
  inside(NULL, NULL);
  p->notifying = was;
}

/* ---- Handles ---- */

static void usual(slot *s)
{
  CURL *e = s->easy;
  curl_easy_setopt(e, CURLOPT_URL, "http://127.0.0.1/len/20000");
  curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, ENDS_MS);
  curl_easy_setopt(e, CURLOPT_MAXREDIRS, 4L);
  curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_write);
  curl_easy_setopt(e, CURLOPT_WRITEDATA, s);
  curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header);
  curl_easy_setopt(e, CURLOPT_HEADERDATA, s);
  curl_easy_setopt(e, CURLOPT_READFUNCTION, on_read);
  curl_easy_setopt(e, CURLOPT_READDATA, s);
  curl_easy_setopt(e, CURLOPT_SEEKFUNCTION, on_seek);
  curl_easy_setopt(e, CURLOPT_SEEKDATA, s);
  curl_easy_setopt(e, CURLOPT_XFERINFOFUNCTION, on_progress);
  curl_easy_setopt(e, CURLOPT_XFERINFODATA, s);
  curl_easy_setopt(e, CURLOPT_DEBUGFUNCTION, on_debug);
  curl_easy_setopt(e, CURLOPT_DEBUGDATA, s);
  curl_easy_setopt(e, CURLOPT_PREREQDATA, s);
  curl_easy_setopt(e, CURLOPT_TRAILERDATA, s);
  s->body = 0;
  s->nobody = false;
}

static bool busy(const slot *s)
{
  return s->inside || s->in == PERFORMS || (s->in >= 0 && pools[s->in].inside);
}

static void begins(slot *s)
{
  s->delivered = s->read = 0;
  s->failed = false;
  s->expect = -1;
}

static void ended(slot *s, CURLcode code)
{
  FUZZ_CHECK(code >= 0 && code < CURL_LAST, "ended with %d", code);
  if (code) return;
  FUZZ_CHECK(!s->failed, "0 although a callback failed");
  FUZZ_CHECK(s->expect < 0 || s->nobody || (uint64_t)s->expect == s->delivered, "0 with %llu bytes of %lld",
             (unsigned long long)s->delivered, s->expect);
}

static void upload(slot *s, uint64_t n, bool known)
{
  curl_easy_setopt(s->easy, CURLOPT_UPLOAD, 1L);
  curl_easy_setopt(s->easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)(known ? (int64_t)n : -1));
  if (s->in == NOWHERE) s->body = n;
}

static void set(slot *s, unsigned value)
{
  static const struct { CURLoption option; long value; } numbers[] = {
    { CURLOPT_NOBODY, 1 }, { CURLOPT_HTTPGET, 1 }, { CURLOPT_FOLLOWLOCATION, 1 }, { CURLOPT_FOLLOWLOCATION, 0 },
    { CURLOPT_TIMEOUT_MS, 500 }, { CURLOPT_TIMEOUT_MS, ENDS_MS }, { CURLOPT_CONNECTTIMEOUT_MS, 1 }, { CURLOPT_LOW_SPEED_LIMIT, 100 },
    { CURLOPT_LOW_SPEED_TIME, 1 }, { CURLOPT_LOW_SPEED_LIMIT, 0 }, { CURLOPT_MAX_RECV_SPEED_LARGE, 1000 },
    { CURLOPT_MAX_RECV_SPEED_LARGE, 0 }, { CURLOPT_MAX_RECV_SPEED_LARGE, 100000 }, { CURLOPT_MAX_SEND_SPEED_LARGE, 1 },
    { CURLOPT_MAX_SEND_SPEED_LARGE, 0 }, { CURLOPT_NOPROGRESS, 0 }, { CURLOPT_NOPROGRESS, 1 }, { CURLOPT_FRESH_CONNECT, 1 },
    { CURLOPT_FORBID_REUSE, 1 }, { CURLOPT_VERBOSE, 1 }, { SLUICEOPT_PAUSED_TIMEOUT_MS, 5 }, { SLUICEOPT_PAUSED_TIMEOUT_MS, 0 },
    { SLUICEOPT_SILENCE_TIMEOUT_MS, 100 }, { SLUICEOPT_SILENCE_TIMEOUT_MS, 0 }, { CURLOPT_BUFFERSIZE, 1024 },
    { CURLOPT_MAXFILESIZE, 1000 }, { CURLOPT_CONNECT_ONLY, 1 }, { CURLOPT_FAILONERROR, 1 }, { CURLOPT_EXPECT_100_TIMEOUT_MS, 0 },
    { CURLOPT_KEEP_SENDING_ON_ERROR, 1 }, { CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_0 }, { CURLOPT_NOBODY, 0 },
    { CURLOPT_LOW_SPEED_LIMIT, 1000000 }, { CURLOPT_BUFFERSIZE, 100000 }, { CURLOPT_UPLOAD, 0 },
  };
  const unsigned n = sizeof numbers / sizeof *numbers;
  value %= n + 12;
  if (value < n) {
    CURLoption option = numbers[value].option;
    s->nobody = s->nobody || option == CURLOPT_NOBODY || option == CURLOPT_CONNECT_ONLY; /* also from a redirect on */
    if (option / 10000 == 3) curl_easy_setopt(s->easy, option, (curl_off_t)numbers[value].value);
    else curl_easy_setopt(s->easy, option, numbers[value].value);
    return;
  }
  switch (value - n) {
  case 0: upload(s, 0, true); break;
  case 1: upload(s, 3000, true); break;
  case 2: upload(s, 100000, true); break;
  case 3: upload(s, 20000, false); break;
  case 4: upload(s, 0, false); break;
  case 5: curl_easy_setopt(s->easy, CURLOPT_POSTFIELDS, fields); break;
  case 6: curl_easy_setopt(s->easy, CURLOPT_COPYPOSTFIELDS, fields); break;
  case 7: curl_easy_setopt(s->easy, CURLOPT_HTTPHEADER, expect_header); break;
  case 8: curl_easy_setopt(s->easy, CURLOPT_HTTPHEADER, plain_header); break;
  case 9: curl_easy_setopt(s->easy, CURLOPT_SEEKFUNCTION, NULL); break;
  case 10: curl_easy_setopt(s->easy, CURLOPT_PREREQFUNCTION, on_prereq); break;
  default: curl_easy_setopt(s->easy, CURLOPT_TRAILERFUNCTION, on_trailers); break;
  }
}

static void set_url(slot *s, unsigned value)
{
  char url[128];
  static const char *const sites[] = { "http://127.0.0.1", "http://127.0.0.2:81", "https://127.0.0.1", "file://", "http://127.0.0.3" };
  snprintf(url, sizeof url, "%s%s", sites[value / PATHS % 5], paths[value % PATHS]);
  curl_easy_setopt(s->easy, CURLOPT_URL, url);
}

static void perform_easy(slot *s)
{
  if (s->in != NOWHERE) {
    CURLcode code = curl_easy_perform(s->easy);
    FUZZ_CHECK(code == CURLE_RECURSIVE_API_CALL || code == CURLE_FAILED_INIT, "X5: perform answers %d", code);
    return;
  }
  if (s->inside) return; /* it left its multi inside a notification */
  begins(s);
  s->in = PERFORMS;
  CURLcode code = curl_easy_perform(s->easy);
  s->in = NOWHERE;
  ended(s, code);
}

/* ---- Multis ---- */

static void clear_pool(pool *p)
{
  memset(p, 0, sizeof *p);
  p->timer_us = FUZZ_NEVER;
  p->multi = curl_multi_init();
}

/* Whether this answer is what X6 says of a call that is refused inside callbacks. True: it was done. */
static bool allowed(const pool *p, CURLMcode code, bool in_notify)
{
  if (p->inside || (p->notifying && !in_notify)) {
    FUZZ_CHECK(code == CURLM_RECURSIVE_API_CALL, "X6: answers %d inside a callback", code);
    return false;
  }
  return code == CURLM_OK || code == CURLM_ABORTED_BY_CALLBACK;
}

static bool lists(const pool *p, const slot *s)
{
  bool found = false;
  CURL **all = curl_multi_get_handles(p->multi);
  for (CURL **at = all; *at; at++) found = found || *at == s->easy;
  curl_free(all);
  return found;
}

static void add(slot *s, int which)
{
  pool *p = &pools[which];
  slot before = *s;
  if (s->in == NOWHERE && !p->inside) {
    begins(s);
    s->in = which;
    s->live = true;
  }
  CURLMcode code = curl_multi_add_handle(p->multi, s->easy);
  if (!p->inside && before.in != NOWHERE)
    FUZZ_CHECK(code == CURLM_ADDED_ALREADY, "X5: add twice answers %d", code);
  else if (!allowed(p, code, true) || (code && !lists(p, s))) *s = before; /* X7: a callback ended it, or before */
}

static void remove_slot(slot *s, int which)
{
  pool *p = &pools[which];
  int in = s->in;
  s->leaving = true;
  CURLMcode code = curl_multi_remove_handle(p->multi, s->easy);
  s->leaving = false;
  if (!allowed(p, code, true)) return;
  if (in == which) {
    s->in = NOWHERE;
    s->live = false;
  }
}

static void read_messages(pool *p)
{
  int left;
  for (CURLMsg *m; (m = curl_multi_info_read(p->multi, &left));) {
    slot *s = NULL;
    for (int i = 0; i < SLOTS; i++)
      if (slots[i].easy == m->easy_handle) s = &slots[i];
    FUZZ_CHECK(m->msg == CURLMSG_DONE && s && s->in == p - pools && s->live, "X10: a message of what does not run");
    s->live = false;
    ended(s, m->data.result);
  }
}

static void check_count(pool *p, int count)
{
  int live = 0;
  read_messages(p);
  for (int i = 0; i < SLOTS; i++) live += slots[i].in == p - pools && slots[i].live;
  FUZZ_CHECK(live == count, "P15: %d run, perform says %d", live, count);
}

static void perform(pool *p)
{
  int count = 0;
  if (allowed(p, curl_multi_perform(p->multi, &count), false) && !p->notifying) check_count(p, count);
}

static void poll_for(pool *p, int ms)
{
  bool woken = p->woken;
  int64_t before = host.now_us;
  int numfds = -1;
  if (!allowed(p, curl_multi_poll(p->multi, NULL, 0, ms, &numfds), true)) return;
  FUZZ_CHECK(numfds >= 0, "poll: numfds");
  FUZZ_CHECK(!woken || host.now_us == before, "K2: poll waited though it was woken");
  FUZZ_CHECK(host.now_us <= before + ms * (int64_t)1000, "K1: poll waited for longer than it was to");
  p->woken = false;
}

static void socket_action(pool *p, int fd, int mask)
{
  int count = 0;
  if (fd == CURL_SOCKET_TIMEOUT && !p->inside && !p->notifying) p->timer_us = FUZZ_NEVER;
  if (allowed(p, curl_multi_socket_action(p->multi, fd, mask, &count), false) && !p->notifying) check_count(p, count);
}

/* A program that waits by itself: tell of what is ready, else of the timer, else let time go on. */
static void drive_sockets(pool *p)
{
  bool told = false;
  fuzz_advance(host.now_us);
  for (int i = 0; i < FUZZ_CHANNELS_MAX; i++) {
    int fd = FUZZ_FD_FIRST + i, what = p->watched[fd];
    const fuzz_channel *c = &host.channels[i];
    bool over = c->ended || c->broken;
    int mask = (what & CURL_POLL_IN) && (fuzz_unread(c) || over) ? CURL_CSELECT_IN : 0;
    if ((what & CURL_POLL_OUT) && (c->open || c->broken)) mask |= CURL_CSELECT_OUT;
    if (!what || !c->id || !mask || c->held) continue;
    told = true;
    socket_action(p, fd, mask);
    if (p->inside) return;
  }
  if (p->timer_us <= host.now_us) socket_action(p, CURL_SOCKET_TIMEOUT, 0);
  else if (!told) fuzz_advance(p->timer_us == FUZZ_NEVER ? host.now_us + SL_SECOND : p->timer_us);
}

static bool added(const pool *p)
{
  bool any = false;
  for (int i = 0; i < SLOTS; i++) any = any || slots[i].in == p - pools;
  return any;
}

static void set_multi(pool *p, unsigned value)
{
  static const struct { CURLMoption option; long value; } numbers[] = {
    { CURLMOPT_MAX_TOTAL_CONNECTIONS, 1 }, { CURLMOPT_MAX_HOST_CONNECTIONS, 1 }, { CURLMOPT_MAXCONNECTS, 1 },
    { CURLMOPT_MAX_TOTAL_CONNECTIONS, 0 }, { CURLMOPT_MAX_HOST_CONNECTIONS, 0 }, { CURLMOPT_MAXCONNECTS, 0 },
  };
  const unsigned n = sizeof numbers / sizeof *numbers;
  CURLMcode code = CURLM_OK;
  if (value % (n + 4) < n) {
    allowed(p, curl_multi_setopt(p->multi, numbers[value % (n + 4)].option, numbers[value % (n + 4)].value), true);
    return;
  }
  switch (value % (n + 4) - n) {
  case 0: /* before there are transfers, as a program does: it would have missed what their timer was set to */
    if (p->sockets || added(p)) break;
    curl_multi_setopt(p->multi, CURLMOPT_TIMERDATA, p);
    curl_multi_setopt(p->multi, CURLMOPT_SOCKETDATA, p);
    code = curl_multi_setopt(p->multi, CURLMOPT_TIMERFUNCTION, on_timer);
    if (code) break;
    code = curl_multi_setopt(p->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    p->sockets = code == CURLM_OK;
    break;
  case 1:
    curl_multi_setopt(p->multi, CURLMOPT_NOTIFYDATA, p);
    code = curl_multi_setopt(p->multi, CURLMOPT_NOTIFYFUNCTION, on_notify);
    break;
  case 2: curl_multi_notify_enable(p->multi, value / 16 % 2); break;
  default: curl_multi_notify_disable(p->multi, value / 16 % 2); break;
  }
  (void)code;
}

static void ask(pool *p)
{
  fd_set in, out;
  struct curl_waitfd fds[4];
  unsigned count = 0;
  int max = 0;
  long ms = 0;
  FD_ZERO(&in);
  FD_ZERO(&out);
  allowed(p, curl_multi_fdset(p->multi, &in, &out, NULL, &max), true);
  CURLMcode code = curl_multi_waitfds(p->multi, fds, 4, &count);
  FUZZ_CHECK(code != CURLM_OUT_OF_MEMORY || count > 4, "K7: waitfds");
  if (allowed(p, curl_multi_timeout(p->multi, &ms), true)) FUZZ_CHECK(ms >= -1, "timeout %ld", ms);
  CURL **all = curl_multi_get_handles(p->multi);
  curl_free(all);
}

static void cleanup_multi(pool *p)
{
  if (!allowed(p, curl_multi_cleanup(p->multi), false)) return;
  for (int i = 0; i < SLOTS; i++)
    if (slots[i].in == p - pools) slots[i].in = NOWHERE, slots[i].live = false;
  for (int i = 0; i < FUZZ_FD_FIRST + FUZZ_CHANNELS_MAX; i++)
    FUZZ_CHECK(!p->watched[i], "descriptor %d is still watched after cleanup", i);
  p->multi = NULL;
}

static void fault(fuzz_channel *c, unsigned what)
{
  if (!c->open && what % 5 < 2) return;
  switch (what % 5) {
  case 0: /* but where that is how a body ends: nobody could know */
    if (!c->playing || c->play != 'D') c->ended = true;
    break;
  case 1: c->broken = SL_RESET; break;
  case 2: host.send_max = 1 + what * 50; break;
  case 3: host.recv_max = 1 + what * 50; break;
  default: host.channels_max = 1 + what % FUZZ_CHANNELS_MAX; break;
  }
}

/* ---- Commands ---- */

static void easy_command(uint8_t op, slot *s, unsigned value)
{
  static const int masks[] = { CURLPAUSE_CONT, CURLPAUSE_RECV, CURLPAUSE_SEND, CURLPAUSE_ALL, 0x40 };
  char buf[64];
  size_t n;
  switch (op) {
  case 'u': set_url(s, value); break;
  case 'o': set(s, value); break;
  case 'e': perform_easy(s); break;
  case 'p': {
    s->unpausing++;
    CURLcode code = curl_easy_pause(s->easy, masks[value % 5]);
    s->unpausing--;
    if (s->in == NOWHERE) FUZZ_CHECK(code == CURLE_BAD_FUNCTION_ARGUMENT, "P2: pause answers %d", code);
    break;
  }
  case 'g': {
    curl_off_t held = 0;
    char *text;
    info(s->easy, CURLINFO_RESPONSE_CODE);
    curl_easy_getinfo(s->easy, CURLINFO_EFFECTIVE_URL, &text);
    curl_easy_getinfo(s->easy, CURLINFO_REDIRECT_URL, &text);
    curl_easy_getinfo(s->easy, CURLINFO_CONTENT_TYPE, &text);
    curl_easy_getinfo(s->easy, SLUICEINFO_HELD, &held);
    FUZZ_CHECK(held >= 0 && held <= HELD_MAX, "B4: %lld held", (long long)held);
    break;
  }
  case 'c': {
    bool stays = busy(s);
    CURL *easy = s->easy;
    if (stays) {
      curl_easy_cleanup(easy); /* X4: nothing */
      info(easy, CURLINFO_RESPONSE_CODE);
      break;
    }
    curl_easy_cleanup(easy);
    *s = (slot){ .easy = curl_easy_init(), .in = NOWHERE };
    usual(s);
    break;
  }
  case 'z': {
    bool stays = busy(s);
    curl_easy_reset(s->easy);
    if (!stays) usual(s);
    break;
  }
  case 'D': {
    slot *to = &slots[(s - slots + 1) % SLOTS];
    if (busy(to) || to->leaving || to->in != NOWHERE) break;
    curl_easy_cleanup(to->easy);
    *to = (slot){ .easy = curl_easy_duphandle(s->easy), .in = NOWHERE };
    FUZZ_CHECK(to->easy, "duphandle");
    usual(to);
    to->body = s->body;
    to->nobody = s->nobody;
    break;
  }
  case 'n':
    curl_easy_recv(s->easy, buf, value % sizeof buf, &n);
    curl_easy_send(s->easy, "GET / HTTP/1.1\r\n\r\n", value % 18, &n);
    break;
  default: break;
  }
}

static void obey(uint8_t op, uint8_t arg)
{
  static const int waits[] = { 0, 1, 3, 10, 100, 1000, 5000 };
  slot *s = &slots[arg & 3];
  unsigned value = arg >> 2;
  int which = arg >> 7;
  pool *p = &pools[which];
  if (s->leaving) return;
  switch (op) {
  case 'a': add(s, which); break;
  case 'r': remove_slot(s, which); break;
  case 'P': perform(p); break;
  case 'w': poll_for(p, waits[value % 7]); break;
  case 'W':
    if (allowed(p, curl_multi_wait(p->multi, NULL, 0, waits[value % 7], NULL), true)) p->woken = false;
    break;
  case 'k': p->woken = curl_multi_wakeup(p->multi) == CURLM_OK; break;
  case 's': socket_action(p, FUZZ_FD_FIRST + (int)(value % 8), 1 + (arg & 3)); break;
  case 'S': socket_action(p, CURL_SOCKET_TIMEOUT, 0); break;
  case 'd': if (!depth) for (unsigned i = 0; i <= value % 8; i++) drive_sockets(p); break;
  case 't': fuzz_advance(host.now_us + waits[value % 7] * (int64_t)1000); break;
  case 'i': if (!p->notifying && !p->inside) read_messages(p); break;
  case 'm': set_multi(p, value); break;
  case 'f': ask(p); break;
  case 'A': curl_multi_assign(p->multi, FUZZ_FD_FIRST + (int)(value % 8), p); break;
  case 'C':
    cleanup_multi(p);
    if (!p->multi) clear_pool(p);
    break;
  case 'X': fault(&host.channels[arg & 7], value); break;
  default: easy_command(op, s, value); break;
  }
}

/* Everybody is resumed; whoever still runs must end by its TIMEOUT. */
static void finish(pool *p)
{
  int count = 1;
  for (int i = 0; i < SLOTS; i++)
    if (slots[i].in == p - pools) curl_easy_pause(slots[i].easy, CURLPAUSE_CONT);
  int64_t until = host.now_us + ENDS_MS * 1000 + 2 * SL_SECOND;
  for (int i = 0; i < 3000 && count; i++) {
    if (p->sockets) drive_sockets(p);
    else {
      perform(p);
      poll_for(p, 1000);
    }
    count = 0;
    read_messages(p);
    for (int j = 0; j < SLOTS; j++) count += slots[j].in == p - pools && slots[j].live;
    FUZZ_CHECK(!count || host.now_us < until, "it does not end");
  }
  FUZZ_CHECK(!count, "too many steps");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  const uint8_t *line = memchr(data, '\n', size), *end = line ? line : data + size;
  script = line ? line + 1 : data + size;
  script_end = data + size;
  depth = 0;
  memcpy(fields, fuzz_bytes(0), sizeof fields - 1);
  fuzz_begin(&server);
  expect_header = curl_slist_append(NULL, "Expect: 100-continue");
  plain_header = curl_slist_append(NULL, "X-A: b");
  for (int i = 0; i < SLOTS; i++) {
    slots[i] = (slot){ .easy = curl_easy_init(), .in = NOWHERE };
    usual(&slots[i]);
  }
  for (int i = 0; i < MULTIS; i++) clear_pool(&pools[i]);
  for (int n = 0; data + 1 < end && n < COMMANDS_MAX; data += 2, n++) obey(data[0], data[1]);
  script = script_end;
  host.channels_max = FUZZ_CHANNELS_MAX;
  for (int i = 0; i < MULTIS; i++) finish(&pools[i]);
  for (int i = 0; i < SLOTS; i++) {
    if (i & 1 && slots[i].in >= 0) remove_slot(&slots[i], slots[i].in);
    curl_easy_cleanup(slots[i].easy);
    slots[i].in = NOWHERE;
  }
  for (int i = 0; i < MULTIS; i++) cleanup_multi(&pools[i]);
  curl_slist_free_all(expect_header);
  curl_slist_free_all(plain_header);
  for (int i = 0; i < FUZZ_CHANNELS_MAX; i++) sl_text_free(&pending[i]);
  fuzz_end();
  return 0;
}
