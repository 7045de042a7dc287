/* host.c: see host.h. */
#include "host.h"
#include <curl/curl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "host/posix_fds.h"

struct sl_loop { bool woken; };

fuzz_host host;

/* FUZZ_TRACE=1 in the environment tells what crosses the door. */
static bool traced;
#define TRACE(...) (traced ? (void)(fprintf(stderr, "%9lld ", (long long)host.now_us), fprintf(stderr, __VA_ARGS__)) : (void)0)

void fuzz_fail(const char *format, ...)
{
  va_list args;
  va_start(args, format);
  fprintf(stderr, "FUZZ: at %lld us: ", (long long)host.now_us);
  vfprintf(stderr, format, args);
  fprintf(stderr, "\n");
  va_end(args);
  abort();
}

#define PERIOD 2600
static char pattern[PERIOD + FUZZ_PIECE_MAX];

const char *fuzz_bytes(uint64_t from)
{
  if (!pattern[0])
    for (uint32_t i = 0; i < sizeof pattern; i++) pattern[i] = (char)('a' + (i + i / 100) % 26);
  return pattern + from % PERIOD;
}

static void drop(fuzz_channel *c)
{
  sl_text_free(&c->in);
  sl_text_free(&c->out);
  memset(c, 0, sizeof *c);
}

void fuzz_begin(const fuzz_server *server)
{
  memset(&host, 0, sizeof host);
  host.server = server;
  host.now_us = 1000000;
  traced = getenv("FUZZ_TRACE") != NULL;
  host.send_max = host.recv_max = 1 << 20;
  host.channels_max = FUZZ_CHANNELS_MAX;
}

void fuzz_end(void)
{
  for (uint32_t i = 0; i < FUZZ_CHANNELS_MAX; i++)
    FUZZ_CHECK(!host.channels[i].id, "a channel is open after the end: %d", host.channels[i].id);
  FUZZ_CHECK(!host.loops, "%u loops left after the end", host.loops);
}

fuzz_channel *fuzz_channel_find(sl_ch id)
{
  for (uint32_t i = 0; i < FUZZ_CHANNELS_MAX; i++)
    if (id > 0 && host.channels[i].id == id) return &host.channels[i];
  return NULL;
}

static fuzz_channel *called(sl_ch id)
{
  fuzz_channel *c = fuzz_channel_find(id);
  FUZZ_CHECK(c, "a call on a channel that is not open: %d", id);
  return c;
}

size_t fuzz_unread(const fuzz_channel *c) { return c->in.len - c->taken; }

void fuzz_arrive(fuzz_channel *c, const char *data, size_t n)
{
  sl_text_add(&c->in, data, n);
  host.progress++;
}

uint32_t fuzz_events(const fuzz_channel *c)
{
  if (c->held || c->open_at_us > host.now_us) return 0;
  if (!c->open) return c->broken && !c->told_gone ? SL_GONE : 0;
  uint32_t events = c->told_open ? 0 : SL_OPENED;
  bool over = !fuzz_unread(c) && (c->ended || c->broken);
  if ((c->want & SL_IN) && (fuzz_unread(c) || over)) events |= SL_IN;
  if (c->want & SL_OUT) events |= SL_OUT;
  if (c->want && c->broken && over && !c->told_gone) events |= SL_GONE;
  return events;
}

static void told(fuzz_channel *c, uint32_t events)
{
  if (events & SL_OPENED) c->told_open = true, host.progress++;
  if (events & SL_GONE) c->told_gone = true, host.progress++;
}

/* ---- Time ---- */

static int64_t next_us(const fuzz_channel *c)
{
  if (!c->open && !c->broken) return c->open_at_us;
  return c->next_us;
}

static void tick(fuzz_channel *c)
{
  if (!c->open && !c->broken && c->open_at_us <= host.now_us) {
    if (c->open_code) c->broken = c->open_code;
    else c->open = true;
    host.progress++;
  }
  if (c->open && c->next_us <= host.now_us) {
    c->next_us = FUZZ_NEVER;
    host.progress++;
    if (host.server->tick) host.server->tick(c);
  }
}

void fuzz_advance(int64_t until)
{
  for (uint32_t i = 0; i < FUZZ_CHANNELS_MAX; i++) {
    const fuzz_channel *c = &host.channels[i];
    if (c->id && next_us(c) < until) until = next_us(c);
  }
  if (until > host.now_us && until != FUZZ_NEVER) host.now_us = until;
  for (uint32_t i = 0; i < FUZZ_CHANNELS_MAX; i++)
    if (host.channels[i].id) tick(&host.channels[i]);
}

static void count_wait(void)
{
  if (host.progress != host.seen || host.now_us != host.seen_us) host.waits = 0;
  host.seen = host.progress;
  host.seen_us = host.now_us;
  FUZZ_CHECK(++host.waits < FUZZ_WAITS_MAX, "a busy loop");
}

/* loop NULL: of all. */
static int32_t collect(sl_loop *loop, sl_event *ev, uint32_t cap)
{
  uint32_t n = 0;
  if (host.woken || (loop && loop->woken)) {
    ev[n++] = (sl_event){ 0, SL_WOKEN };
    host.woken = 0;
    if (loop) loop->woken = false;
  }
  for (uint32_t i = 0; i < FUZZ_CHANNELS_MAX && n < cap; i++) {
    fuzz_channel *c = &host.channels[i];
    uint32_t events = c->id && (!loop || c->loop == loop) ? fuzz_events(c) : 0;
    if (!events) continue;
    TRACE("event %d: %x\n", c->id, events);
    told(c, events);
    ev[n++] = (sl_event){ c->id, events };
  }
  return (int32_t)n;
}

int32_t sl_wait(sl_loop *loop, sl_event *ev, uint32_t cap, int64_t timeout_us)
{
  count_wait();
  fuzz_advance(host.now_us);
  int32_t n = collect(loop, ev, cap);
  int64_t until = timeout_us < 0 ? FUZZ_NEVER : host.now_us + timeout_us;
  while (!n && host.now_us < until) {
    int64_t before = host.now_us;
    fuzz_advance(until);
    n = collect(loop, ev, cap);
    FUZZ_CHECK(n || host.now_us > before || until != FUZZ_NEVER, "waits for what cannot come");
  }
  return n;
}

int32_t sl_wait_fds(sl_loop *loop, sl_event *ev, uint32_t cap, int64_t timeout_us, struct curl_waitfd *extra,
                    unsigned n, int *ready)
{
  for (unsigned i = 0; i < n; i++) extra[i].revents = 0;
  if (ready) *ready = 0;
  return sl_wait(loop, ev, cap, timeout_us);
}

int64_t sl_now_us(sl_loop *loop)
{
  (void)loop;
  return host.now_us;
}

int64_t sl_unix_ms(sl_loop *loop)
{
  (void)loop;
  return 1700000000000 + host.now_us / 1000;
}

void sl_random(sl_loop *loop, void *buf, uint32_t n)
{
  (void)loop;
  memset(buf, 0x5a, n);
}

sl_loop *sl_loop_new(void)
{
  sl_loop *loop = calloc(1, sizeof *loop);
  host.loops += loop != NULL;
  return loop;
}

void sl_loop_free(sl_loop *loop)
{
  if (!loop) return;
  host.loops--;
  free(loop);
}

int32_t sl_wake(sl_loop *loop)
{
  loop->woken = true;
  return 0;
}

/* ---- Requests ---- */

static bool field(const char *head, uint32_t n, const char *name, const char **value)
{
  size_t len = strlen(name);
  for (const char *p = head, *end = head + n; p < end;) {
    const char *lf = memchr(p, '\n', (size_t)(end - p));
    if (!lf) return false;
    if ((size_t)(lf - p) > len && sl_equal_nocase(p, len, name) && p[len] == ':') {
      *value = p + len + 1 + strspn(p + len + 1, " \t");
      return true;
    }
    p = lf + 1;
  }
  return false;
}

static void got_head(fuzz_channel *c, uint32_t n)
{
  const char *value;
  c->requests++;
  c->reading = 0;
  c->left = 0;
  if (field(c->out.data, n, "Transfer-Encoding", &value)) c->reading = 2;
  else if (field(c->out.data, n, "Content-Length", &value) && (c->left = strtoull(value, NULL, 10)) > 0) c->reading = 1;
  c->chunk = 0;
  if (host.server->head) host.server->head(c, c->out.data, n);
  sl_text_drop(&c->out, n);
  if (!c->reading && host.server->request) host.server->request(c);
}

static void give_body(fuzz_channel *c, uint32_t n)
{
  if (host.server->body) host.server->body(c, c->out.data, n);
  sl_text_drop(&c->out, n);
}

/* Of a chunked body. False: more is needed. */
static bool read_chunked(fuzz_channel *c)
{
  if (c->chunk == 1) {
    uint32_t n = c->out.len < c->left ? (uint32_t)c->out.len : (uint32_t)c->left;
    give_body(c, n);
    if (!(c->left -= n)) c->chunk = 2;
    return true;
  }
  char *lf = memchr(c->out.data, '\n', c->out.len);
  if (!lf) return false;
  uint32_t n = (uint32_t)(lf - c->out.data) + 1;
  FUZZ_CHECK(n >= 2 && lf[-1] == '\r', "a chunk line that ends in a bare LF");
  if (c->chunk == 0) {
    char *end;
    c->left = strtoull(c->out.data, &end, 16);
    FUZZ_CHECK(end == lf - 1 && end > c->out.data, "a malformed chunk-size line was sent");
    c->chunk = c->left ? 1 : 3;
  } else if (c->chunk == 2) {
    FUZZ_CHECK(n == 2, "a chunk longer than its size was sent");
    c->chunk = 0;
  } else if (n == 2) c->reading = 0;
  sl_text_drop(&c->out, n);
  if (!c->reading && host.server->request) host.server->request(c);
  return true;
}

static void read_requests(fuzz_channel *c)
{
  while (c->out.len && !c->ended && !c->broken) {
    if (c->reading == 0) {
      const char *end = memmem(c->out.data, c->out.len, "\r\n\r\n", 4);
      if (!end) return;
      got_head(c, (uint32_t)(end - c->out.data) + 4);
    } else if (c->reading == 2) {
      if (!read_chunked(c)) return;
    } else {
      uint32_t n = c->reading == 1 && c->out.len > c->left ? (uint32_t)c->left : (uint32_t)c->out.len;
      give_body(c, n);
      if (c->reading == 1 && !(c->left -= n)) {
        c->reading = 0;
        if (host.server->request) host.server->request(c);
      }
    }
  }
}

/* ---- Channels ---- */

sl_ch sl_open(sl_loop *loop, uint32_t kind, const char *spec, uint32_t len)
{
  uint32_t slot = 0, open = 0;
  if (kind == SL_EXCHANGE || kind == SL_DATAGRAM) return SL_NOSYS;
  for (uint32_t i = 0; i < FUZZ_CHANNELS_MAX; i++) open += host.channels[i].id != 0;
  if (open >= host.channels_max) return SL_BUSY;
  while (host.channels[slot].id) slot++;
  fuzz_channel *c = &host.channels[slot];
  c->id = ++host.last_id;
  c->loop = loop;
  c->kind = kind;
  c->open_at_us = host.now_us;
  c->next_us = FUZZ_NEVER;
  host.progress++;
  if (host.server->opened) host.server->opened(c, spec, len);
  TRACE("open %d: kind %u\n", c->id, kind);
  return c->id;
}

int32_t sl_start_tls(sl_ch ch, const char *spec, uint32_t len)
{
  (void)ch, (void)spec, (void)len;
  return SL_NOSYS;
}

/* 0 when bytes can be given, 1 at the end, or a code. */
static int32_t unreadable(const fuzz_channel *c)
{
  if (!c->open || !c->told_open) return c->broken ? c->broken : SL_AGAIN;
  if (c->held) return SL_AGAIN;
  if (fuzz_unread(c)) return 0;
  if (c->broken) return c->broken;
  return c->ended ? 1 : SL_AGAIN;
}

static void taken(fuzz_channel *c, uint32_t n)
{
  c->taken += n;
  host.progress++;
}

int32_t sl_recv(sl_ch ch, void *buf, uint32_t cap)
{
  fuzz_channel *c = called(ch);
  FUZZ_CHECK(cap, "recv of no bytes");
  c->last_recv = 0;
  int32_t no = unreadable(c);
  if (no) return no == 1 ? 0 : no;
  size_t n = fuzz_unread(c);
  if (n > host.recv_max) n = host.recv_max;
  if (n > cap) n = cap;
  memcpy(buf, c->in.data + c->taken, n);
  TRACE("recv %d: %zu bytes\n", ch, n);
  taken(c, (uint32_t)n);
  c->last_recv = (uint32_t)n;
  return (int32_t)n;
}

int32_t sl_unrecv(sl_ch ch, uint32_t n)
{
  fuzz_channel *c = called(ch);
  if (!host.server->sink) return SL_NOSYS;
  FUZZ_CHECK(n <= c->last_recv, "more given back than the latest recv gave");
  TRACE("unrecv %d: %u bytes\n", ch, n);
  c->taken -= n;
  c->last_recv = 0;
  return 0;
}

int32_t sl_move(sl_ch ch, uint32_t sink, uint32_t max)
{
  fuzz_channel *c = called(ch);
  c->last_recv = 0;
  if (!host.server->sink) return SL_NOSYS;
  FUZZ_CHECK(max, "move of no bytes");
  int32_t no = unreadable(c);
  if (no) return no == 1 ? 0 : no;
  size_t n = fuzz_unread(c);
  if (n > host.recv_max) n = host.recv_max;
  if (n > max) n = max;
  int32_t k = host.server->sink(sink, c->in.data + c->taken, (uint32_t)n);
  TRACE("move %d: %zu bytes, %d taken\n", ch, n, k);
  host.progress++;
  c = fuzz_channel_find(ch);
  if (k > 0 && c) taken(c, (uint32_t)k);
  return k ? k : SL_SINK_PAUSED;
}

static int32_t sendable(const fuzz_channel *c)
{
  FUZZ_CHECK(!c->end_send, "a send after the end");
  if (!c->open) return c->broken ? c->broken : SL_AGAIN;
  return c->broken ? c->broken : c->held ? SL_AGAIN : 0;
}

static int32_t sent(fuzz_channel *c, const char *data, uint32_t n)
{
  TRACE("send %d: %u bytes\n", c->id, n);
  host.progress++;
  if (c->ended || c->broken) return (int32_t)n; /* it goes nowhere, as TCP does not know yet */
  sl_text_add(&c->out, data, n);
  read_requests(c);
  return (int32_t)n;
}

int32_t sl_send(sl_ch ch, const void *buf, uint32_t len)
{
  fuzz_channel *c = called(ch);
  FUZZ_CHECK(len, "send of no bytes");
  int32_t no = sendable(c);
  if (no) return no;
  return sent(c, buf, len < host.send_max ? len : host.send_max);
}

int32_t sl_move_out(sl_ch ch, uint32_t source, uint32_t max)
{
  char piece[4096];
  fuzz_channel *c = called(ch);
  if (!host.server->source) return SL_NOSYS;
  FUZZ_CHECK(max, "move_out of no bytes");
  int32_t no = sendable(c);
  if (no) return no;
  if (max > sizeof piece) max = sizeof piece;
  if (max > host.send_max) max = host.send_max;
  int32_t n = host.server->source(source, piece, max);
  return n > 0 ? sent(c, piece, (uint32_t)n) : n;
}

static int32_t answer(const void *from, uint32_t n, void *buf, uint32_t cap)
{
  memcpy(buf, from, n < cap ? n : cap);
  return (int32_t)n;
}

int32_t sl_info(sl_ch ch, uint32_t what, void *buf, uint32_t cap)
{
  fuzz_channel *c = called(ch);
  int64_t held = 0, size = -1, times[3] = { c->open_at_us, c->open_at_us, c->kind == SL_TLS ? c->open_at_us : 0 };
  switch (what) {
  case SL_INFO_PHASE: return c->open ? answer("open", 4, buf, cap) : answer("connect", 7, buf, cap);
  case SL_INFO_ALPN: return c->open ? 0 : SL_AGAIN;
  case SL_INFO_PEER: return answer("127.0.0.1 80", 12, buf, cap);
  case SL_INFO_LOCAL: return answer("127.0.0.1 40000", 15, buf, cap);
  case SL_INFO_TIMES: return answer(times, sizeof times, buf, cap);
  case SL_INFO_HELD: return answer(&held, sizeof held, buf, cap);
  case SL_INFO_SIZE: return c->kind == SL_FILE ? answer(&size, sizeof size, buf, cap) : SL_NOSYS;
  case SL_INFO_ERROR: return 0;
  default: return SL_NOSYS;
  }
}

void sl_want(sl_ch ch, uint32_t events)
{
  FUZZ_CHECK(!(events & ~(uint32_t)(SL_IN | SL_OUT)), "wants what is no direction: %x", events);
  if (called(ch)->want != events) TRACE("want %d: %x\n", ch, events);
  called(ch)->want = events;
}

void sl_close(sl_ch ch, uint32_t how)
{
  fuzz_channel *c = called(ch);
  TRACE("close %d: %u\n", ch, how);
  host.progress++;
  if (how != SL_END_SEND) {
    drop(c);
    return;
  }
  c->end_send = true;
  if (c->reading == 3 && host.server->request) host.server->request(c);
}

/* ---- Descriptors: the slot's number, so that they are given out again ---- */

int sl_socket_of(sl_ch ch)
{
  const fuzz_channel *c = fuzz_channel_find(ch);
  return c ? FUZZ_FD_FIRST + (int)(c - host.channels) : -1;
}

uint32_t sl_fds_of(sl_ch ch, sl_fd *fds, uint32_t cap, int64_t *due_us)
{
  const fuzz_channel *c = called(ch);
  *due_us = c->open || c->broken ? FUZZ_NEVER : c->open_at_us;
  if (!cap) return 0;
  if (!c->told_open) {
    *fds = (sl_fd){ sl_socket_of(ch), SL_OUT };
    return 1;
  }
  if (c->held || !c->want) return 0;
  *fds = (sl_fd){ sl_socket_of(ch), c->want };
  return 1;
}

uint32_t sl_look(sl_ch ch)
{
  fuzz_channel *c = called(ch);
  fuzz_advance(host.now_us);
  uint32_t events = fuzz_events(c);
  told(c, events);
  return events;
}

int sl_loop_fd(const sl_loop *loop)
{
  (void)loop;
  return FUZZ_FD_LOOP;
}

uint32_t sl_look_loop(sl_loop *loop)
{
  uint32_t woken = loop->woken ? SL_WOKEN : 0;
  loop->woken = false;
  return woken;
}
