/* scenario.c: from a seed to a scenario, and sim_run. See sim.h.
 *
 * A profile of the host's manners first, then origins, then the transfers with their responses, faults,
 * options and users, then commands. What a fault allows a transfer to end with is decided here,
     next to it. */
#include "sim.h"
#include <stdlib.h>
#include <string.h>

void sim_allow(sim_transfer *x, CURLcode code)
{
  for (uint32_t i = 0; i < x->allows; i++)
    if (x->allow[i] == code) return;
  if (x->allows < SIM_ALLOW_MAX) x->allow[x->allows++] = (uint8_t)code;
}

void sim_number(sim_transfer *x, int option, int64_t value)
{
  CURLcode code = sl_options_number(&x->options, option, value);
  if (code) sim_violate(x->sim, x, "an option was refused", option, code);
}

void sim_transfer_ready(sim_transfer *x)
{
  char url[64];
  sl_line line = { url, url + sizeof url };
  sl_line_str(&line, x->tls ? "https://" : "http://");
  sl_line_str(&line, x->sim->origins[x->origin].name);
  sl_line_str(&line, "/");
  sl_line_int(&line, x->number);
  sl_options_text(&x->options, CURLOPT_URL, url, strlen(url));
  if (x->head_only) sim_number(x, CURLOPT_NOBODY, 1);
  uint32_t token = x->number;
  sl_transfer_init(&x->t, &x->user, &x->options);
  x->t.token = token;
}

/* ---- Responses ----------------------------------------------------------------------------------------- */

static void text_hex(sl_text *t, uint32_t n, bool upper, uint32_t zeros)
{
  char digits[8];
  uint32_t count = 0;
  while (zeros--) sl_text_str(t, "0");
  do digits[count++] = (upper ? "0123456789ABCDEF" : "0123456789abcdef")[n & 15];
  while (n >>= 4);
  while (count) sl_text_add(t, &digits[--count], 1);
}

/* A head goes into the wire and into what the user must see. */
static void head_str(sim_response *r, const char *s)
{
  sl_text_str(&r->wire, s);
  sl_text_str(&r->heads, s);
}

static void head_int(sim_response *r, int64_t n)
{
  sl_text_int(&r->wire, n);
  sl_text_int(&r->heads, n);
}

static void make_body(sim_transfer *x, uint32_t n)
{
  sim_response *r = &x->response;
  r->body = malloc(n + 8u);
  uint64_t state = x->sim->seed * 31 + x->number;
  for (uint32_t i = 0; r->body && i < n; i += 8) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    for (uint32_t k = 0; k < 8; k++) r->body[i + k] = (uint8_t)(state >> (8 * k)) | 1;
  }
  r->body_len = r->body ? n : 0;
}

void sim_respond(sim_transfer *x, uint32_t body_len)
{
  sim_response *r = &x->response;
  make_body(x, body_len);
  head_str(r, "HTTP/1.1 200 OK\r\nContent-Length: ");
  head_int(r, body_len);
  head_str(r, "\r\n\r\n");
  if (!x->head_only) sl_text_add(&r->wire, r->body, r->body_len);
  else r->body_len = 0;
  r->whole = true;
}

static void random_headers(sim *s, sim_response *r)
{
  static const char *const lines[] = { "Server: sim\r\n", "Content-Type: text/plain\r\n", "X-Empty:\r\n",
                                       "Date: now\r\n",
                                       "X-Long: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n" };
  for (uint32_t n = sim_below(s, 4); n; n--) head_str(r, lines[sim_below(s, 5)]);
}

/* Bad things that can be in the bytes themselves. */
enum evil {
  EVIL_NONE, EVIL_GARBAGE, EVIL_STATUS, EVIL_HEADER, EVIL_FOLDED, EVIL_TWO_LENGTHS, EVIL_LENGTH, EVIL_CODING,
  EVIL_CHUNK_SIZE, EVIL_CHUNK_END, EVIL_HUGE_HEAD, EVIL_EXTRA, EVIL_COUNT
};

static void evil_head(sim *s, sim_transfer *x, enum evil evil)
{
  sim_response *r = &x->response;
  r->whole = false;
  switch (evil) {
  case EVIL_GARBAGE:
    head_str(r, sim_chance(s, 512) ? "\x16\x03\x01 this is not HTTP\r\n\r\n" : "220 smtp ready\r\n\r\n");
    sim_allow(x, CURLE_UNSUPPORTED_PROTOCOL);
    break;
  case EVIL_STATUS:
    head_str(r, sim_chance(s, 512) ? "HTTP/1.1 2x0 OK\r\n" : "HTTP/1.1 OK\r\n");
    break;
  case EVIL_HEADER: head_str(r, "HTTP/1.1 200 OK\r\nA B: c\r\nno colon here\r\n"); break;
  case EVIL_FOLDED: head_str(r, "HTTP/1.1 200 OK\r\nA: b\r\n folded\r\n"); break;
  case EVIL_TWO_LENGTHS:
    head_str(r, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\nX: y\r\nContent-Length: 11\r\n");
    break;
  case EVIL_LENGTH:
    head_str(r, "HTTP/1.1 200 OK\r\nContent-Length: ");
    static const char *const bad[] = { "-1", "12a", "0x10", "99999999999999999999", "1 2", "5, 6", "" };
    head_str(r, bad[sim_below(s, 7)]);
    head_str(r, "\r\n");
    break;
  case EVIL_CODING:
    head_str(r, "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n");
    sim_allow(x, CURLE_BAD_CONTENT_ENCODING);
    break;
  default:
    head_str(r, "HTTP/1.1 200 OK\r\n");
    for (uint32_t i = 0; i < 1000; i++)
      head_str(r, "X-Huge: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n");
    sim_allow(x, CURLE_TOO_LARGE);
    break;
  }
  sim_allow(x, CURLE_WEIRD_SERVER_REPLY);
  head_str(r, "\r\n");
}

static void chunked_body(sim *s, sim_transfer *x, enum evil evil)
{
  sim_response *r = &x->response;
  uint32_t at = 0, parts = 1 + sim_below(s, 12), most = r->body_len / parts + 1, evil_at = sim_below(s,
      r->body_len + 1);
  while (at < r->body_len) {
    uint32_t n = 1 + sim_below(s, 2 * most);
    if (n > r->body_len - at) n = r->body_len - at;
    if (evil >= EVIL_CHUNK_SIZE && evil <= EVIL_CHUNK_END && at + n >= evil_at) break;
    bool upper = sim_chance(s, 512);
    text_hex(&r->wire, n, upper, sim_chance(s, 100) ? sim_below(s, 4) : 0);
    sl_text_str(&r->wire, sim_chance(s, 200) ? ";name=\"value\"\r\n" : "\r\n");
    sl_text_add(&r->wire, r->body + at, n);
    sl_text_str(&r->wire, "\r\n");
    at += n;
  }
  if (evil == EVIL_CHUNK_SIZE || evil == EVIL_CHUNK_END) {
    r->body_len = at;
    r->whole = false;
    sim_allow(x, CURLE_RECV_ERROR);
    static const char *const bad[] = { "zz\r\n", "-5\r\nabcde\r\n", "fffffffffffffffff\r\n", "\r\n", " 5\r\n",
                                       "5 x\r\n" };
    if (evil == EVIL_CHUNK_SIZE) sl_text_str(&r->wire, bad[sim_below(s, 6)]);
    else {
      text_hex(&r->wire, 3, true, 0);
      sl_text_str(&r->wire, "\r\nabcde\r\n");
      uint8_t *body = realloc(r->body, at + 8u);
      if (body) r->body = body;
      memcpy(r->body + at, "abc", 3);
      r->body_len += 3;
    }
    sl_text_str(&r->wire, "0\r\n\r\n");
    return;
  }
  sl_text_str(&r->wire, "0\r\n");
  if (sim_chance(s, 200)) {
    head_str(r, "X-Trailer: t\r\n");
    if (sim_chance(s, 300)) head_str(r, "X-Other: u\r\n");
    head_str(r, "\r\n");
  } else sl_text_str(&r->wire, "\r\n");
}

static void interim_heads(sim *s, sim_response *r)
{
  static const char *const heads[] = { "HTTP/1.1 100 Continue\r\n\r\n",
                                       "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" };
  for (uint32_t n = 1 + sim_below(s, 2); n; n--) head_str(r, heads[sim_below(s, 2)]);
}

static void make_response(sim *s, sim_transfer *x, enum evil evil)
{
  sim_response *r = &x->response;
  bool none = false, chunked = false;
  uint32_t way = sim_below(s, 16);
  make_body(x, sim_chance(s, 60) ? 0 : (uint32_t)sim_some(s, sim_chance(s, 60) ? 200000 : 20000));
  if (sim_chance(s, 150)) interim_heads(s, r);
  if (evil >= EVIL_GARBAGE && evil <= EVIL_CODING) {
    evil_head(s, x, evil);
    r->body_len = 0;
    r->close = sim_chance(s, 512);
    return;
  }
  if (evil == EVIL_HUGE_HEAD) {
    evil_head(s, x, evil);
    r->body_len = 0;
    return;
  }
  if (evil == EVIL_CHUNK_SIZE || evil == EVIL_CHUNK_END) way = 6, x->head_only = false;
  r->whole = true;
  if (way == 0) none = true, head_str(r, "HTTP/1.1 204 No Content\r\n");
  else if (way == 1) none = true, head_str(r, "HTTP/1.1 304 Not Modified\r\n");
  else if (way == 2) r->status = 404, head_str(r, "HTTP/1.1 404 Not Found\r\n");
  else head_str(r,
                way == 3 ? "HTTP/1.0 200 OK\r\n" : way == 10 ? "HTTP/1.1 200 \r\n" : "HTTP/1.1 200 OK\r\n");
  random_headers(s, r);
  if (way >= 5 && way <= 9) chunked = true, head_str(r, "Transfer-Encoding: chunked\r\n");
  else if (way == 3 || way == 4) r->until_close = !none;
  else if (!none || sim_chance(s, 512)) {
    head_str(r, sim_chance(s, 512) ? "Content-Length: " : "content-length:");
    head_int(r, r->body_len);
    head_str(r, "\r\n");
  }
  if (way != 3 && sim_chance(s, 150)) r->close = true, head_str(r, "Connection: close\r\n");
  if (way == 3) r->close = true;
  if (r->until_close) r->close = true;
  random_headers(s, r);
  head_str(r, "\r\n");
  if (none || x->head_only) {
    r->body_len = 0;
    r->until_close = false;
  } else if (chunked) chunked_body(s, x, evil);
  else sl_text_add(&r->wire, r->body, r->body_len);
  if (evil == EVIL_EXTRA && !r->until_close) {
    r->glue = 1 + sim_below(s, 30);
    for (uint32_t i = 0; i < r->glue; i++) sl_text_str(&r->wire, "!");
    r->glue++; /* with the last byte of the response */
  }
}

/* Where it breaks, and what that allows. */
static void make_fault(sim *s, sim_transfer *x)
{
  sim_response *r = &x->response;
  uint32_t len = (uint32_t)r->wire.len;
  r->fault = (enum sim_fault)(1 + sim_below(s, 3));
  r->fault_at = sim_chance(s, 200) ? (uint32_t)sim_some(s, len) : sim_below(s, len + 1);
  if (r->fault == SIM_FAULT_STALL && r->fault_at == len) r->fault_at = len - 1;
  r->fault_drops = sim_chance(s, 512);
  if (r->fault == SIM_FAULT_STALL) {
    x->may_hang = true;
    return;
  }
  bool whole = r->fault_at == len && r->whole;
  if (whole && !r->until_close && !(r->fault == SIM_FAULT_RESET && r->fault_drops)) return;
  if (r->fault == SIM_FAULT_END) {
    if (!r->fault_at) sim_allow(x, CURLE_GOT_NOTHING);
    if (r->fault_at && r->fault_at < r->heads.len) sim_allow(x, CURLE_RECV_ERROR);
    if (r->until_close && r->fault_at < len) {
      uint32_t head = len - r->body_len;
      if (r->fault_at >= head) r->body_len = r->fault_at - head; /* that is its end */
      else r->whole = false;
      return;
    }
    sim_allow(x, CURLE_PARTIAL_FILE);
    return;
  }
  sim_allow(x, CURLE_RECV_ERROR);
  sim_allow(x, CURLE_GOT_NOTHING);
}

/* ---- Transfers ----------------------------------------------------------------------------------------- */

static void make_limits(sim *s, sim_transfer *x)
{
  if (sim_chance(s, 120)) sim_number(x, CURLOPT_TIMEOUT_MS, 1 + sim_some(s, 20000));
  if (sim_chance(s, 100)) sim_number(x, CURLOPT_CONNECTTIMEOUT_MS, 1 + sim_some(s, 20000));
  if (sim_chance(s, 150)) {
    sim_number(x, CURLOPT_LOW_SPEED_LIMIT, 1 + sim_some(s, 50000));
    sim_number(x, CURLOPT_LOW_SPEED_TIME, 1 + sim_below(s, 4));
  }
  if (sim_chance(s, 250)) {
    int64_t least = (int64_t)x->response.wire.len / 20 + 1;
    sim_number(x, CURLOPT_MAX_RECV_SPEED_LARGE, sim_chance(s, 300) ? least : least + sim_some(s, 100000));
  }
  if (sim_chance(s, 60)) sim_number(x, CURLOPT_MAX_SEND_SPEED_LARGE, 10 + sim_some(s, 10000));
  if (sim_chance(s, 60)) sim_number(x, CURLOPT_FRESH_CONNECT, 1);
  if (sim_chance(s, 60)) sim_number(x, CURLOPT_FORBID_REUSE, 1);
  if (sim_chance(s, 60)) {
    sim_number(x, CURLOPT_FAILONERROR, 1);
    if (x->response.status >= 400) sim_allow(x, CURLE_HTTP_RETURNED_ERROR);
  }
  if (sim_chance(s, 60)) sim_number(x, SLUICEOPT_PAUSED_TIMEOUT_MS, 1 + sim_some(s, 10000));
  if (sim_chance(s, 60)) sim_number(x, SLUICEOPT_SILENCE_TIMEOUT_MS, 1 + sim_some(s, 10000));
}

static void make_pace(sim *s, sim_transfer *x)
{
  sim_response *r = &x->response;
  uint32_t len = (uint32_t)r->wire.len, least = len / 64;
  r->seg_max = sim_chance(s, 100) && len < 800 ? 1 : 1 + least + (uint32_t)sim_some(s, 65536);
  r->think_us = sim_chance(s, 300) ? 0 : sim_some(s, sim_chance(s, 200) ? 3 * SL_SECOND : 50000);
  r->delay_us = sim_chance(s, 300) ? 0 : sim_some(s, sim_chance(s, 200) ? SL_SECOND / 4 : 5000);
}

static void make_user(sim *s, sim_transfer *x)
{
  if (sim_chance(s, 500)) x->refuse = 1 + sim_below(s, 300);
  if (sim_chance(s, 300)) x->partial = 1 + sim_below(s, 300);
  if (sim_chance(s, 80)) x->fail = 1 + sim_below(s, 100);
  if (sim_chance(s, 400)) x->act = 1 + sim_below(s, 100);
  x->resume_us = sim_chance(s, 900) ? sim_some(s, sim_chance(s, 300) ? 5 * SL_SECOND : 20000) : -1;
  x->replays = sim_chance(s, 512);
  x->user.moves = s->moves && sim_chance(s, 900);
  if (sim_chance(s, 300)) x->user.progress = NULL;
  x->user.keeps_pause = sim_chance(s, 200);
}

/* What the way to its origin allows. */
static void origin_allows(sim *s, sim_transfer *x)
{
  const sim_origin *o = &s->origins[x->origin];
  if (o->open_delay_us == SL_NEVER) x->may_hang = true;
  if (s->other_alpn && x->tls) sim_allow(x, CURLE_SSL_CONNECT_ERROR);
  switch (o->open_code) {
  case 0: break;
  case SL_RESOLVE: sim_allow(x, CURLE_COULDNT_RESOLVE_HOST); break;
  case SL_DENIED: sim_allow(x, CURLE_REMOTE_ACCESS_DENIED); break;
  case SL_TLS_VERIFY: sim_allow(x, CURLE_PEER_FAILED_VERIFICATION); break;
  default: sim_allow(x, CURLE_COULDNT_CONNECT); break;
  }
}

static void make_transfer(sim *s)
{
  sim_transfer *x = sim_transfer_new(s);
  enum evil evil = sim_chance(s, 200) ? 1 + sim_below(s, EVIL_COUNT - 1) : EVIL_NONE;
  if (evil == EVIL_HUGE_HEAD && sim_chance(s, 800)) evil = EVIL_EXTRA;
  x->origin = sim_below(s, s->origin_count);
  x->head_only = sim_chance(s, 80);
  x->tls = sim_chance(s, 150);
  make_response(s, x, evil);
  if (sim_chance(s, 200) && (evil == EVIL_NONE || evil == EVIL_EXTRA) && !x->response.glue) make_fault(s, x);
  make_pace(s, x);
  make_limits(s, x);
  make_user(s, x);
  origin_allows(s, x);
  x->any_code = s->fail_call != 0;
  sim_transfer_ready(x);
}

static void make_origins(sim *s)
{
  static const char *const names[SIM_ORIGINS_MAX] = { "a.test", "b.test" };
  static const int32_t codes[] = { SL_RESOLVE, SL_REFUSED, SL_DENIED, SL_TLS_VERIFY, SL_RESET, SL_IO };
  s->origin_count = 1 + sim_below(s, SIM_ORIGINS_MAX);
  for (uint32_t i = 0; i < s->origin_count; i++) {
    sim_origin *o = &s->origins[i];
    *o = (sim_origin){ .name = names[i], .idle_us = SL_NEVER };
    o->open_delay_us = sim_chance(s, 300) ? 0 : sim_some(s, sim_chance(s, 100) ? 3 * SL_SECOND : 50000);
    if (sim_chance(s, 30)) o->open_delay_us = SL_NEVER;
    else if (sim_chance(s, 60)) o->open_code = codes[sim_below(s, 6)];
    if (sim_chance(s, 300)) o->idle_us = sim_some(s, 2 * SL_SECOND);
    if (sim_chance(s, 200)) o->requests_max = 1 + sim_below(s, 3);
    o->requests_reset = sim_chance(s, 512);
  }
}

static void make_host(sim *s)
{
  s->moves = sim_chance(s, 512);
  s->reads_ahead = sim_chance(s, 400);
  s->window = sim_chance(s, 700) ? 65536 : 1024 + (uint32_t)sim_some(s, 64000);
  s->send_max = sim_chance(s, 800) ? 65536 : 1 + (uint32_t)sim_some(s, 200);
  s->channels_max = sim_chance(s, 80) ? 1 + sim_below(s, 3) : 0;
  s->late_us = sim_chance(s, 300) ? sim_some(s, 5000) : 0;
  s->other_alpn = sim_chance(s, 30);
  s->fail_call = sim_chance(s, 80) ? 2 + (uint32_t)sim_some(s, 100) : 0;
}

static void make_commands(sim *s)
{
  static const uint8_t masks[] = { SL_DIR_RECV, SL_DIR_RECV, SL_DIR_SEND, SL_DIR_BOTH, 0, 0x40 };
  for (uint32_t i = 1; i <= s->count; i++)
    sim_at(s, sim_chance(s, 700) ? 0 : sim_some(s, SL_SECOND), SIM_ADD, i, 0);
  uint32_t n = sim_chance(s, 300) ? 0 : sim_below(s, 16);
  for (; n; n--) {
    uint32_t number = 1 + sim_below(s, s->count);
    int64_t at = sim_some(s, sim_chance(s, 300) ? 10 * SL_SECOND : 200000);
    switch (sim_below(s, 16)) {
    case 0: case 1: case 2: case 3: sim_at(s, at, SIM_PAUSE, number, masks[sim_below(s, 6)]); break;
    case 4: case 5: case 6: sim_at(s, at, SIM_RESUME, number, 0); break;
    case 7: sim_at(s, at, SIM_STOP, number, 0); break;
    case 8: sim_at(s, at, SIM_REMOVE, number, 0); break;
    case 9: sim_at(s, at, SIM_READD, number, 0); break;
    case 10: sim_at(s, at, SIM_ADD, number, 0); break;
    case 11: sim_at(s, at, SIM_SPEED, number,
                    (int64_t)s->transfers[number - 1].response.wire.len / 20 + 1 + sim_some(s,
                                                                                            100000)); break;
    case 12:
      sim_at(s, at, SIM_HOLD, number, 0);
      if (sim_chance(s, 800)) sim_at(s, at + sim_some(s, SL_SECOND), SIM_FREE, number, 0);
      break;
    default: sim_at(s, at, SIM_SPURIOUS, 0, 0); break;
    }
  }
}

void sim_scenario(sim *s)
{
  make_host(s);
  make_origins(s);
  for (uint32_t n = 1 + sim_below(s, SIM_TRANSFERS_MAX); n; n--) make_transfer(s);
  for (uint32_t i = 0; i < s->count; i++) /* who waits for a free channel hangs with its neighbours */
    if (s->channels_max && s->transfers[i].may_hang)
      for (uint32_t k = 0; k < s->count; k++) s->transfers[k].may_hang = true;
  make_commands(s);
  s->calm_us = SIM_EPOCH_US + 20 * SL_SECOND;
}

/* ---- In words ------------------------------------------------------------------------------------------ */

static void say(sim *s, const char *what, int64_t n)
{
  sl_text_str(&s->script, " ");
  sl_text_str(&s->script, what);
  sl_text_str(&s->script, " ");
  sl_text_int(&s->script, n);
}

static void describe_transfer(sim *s, const sim_transfer *x)
{
  static const char *const faults[] = { "none", "end", "reset", "stall" };
  const sim_response *r = &x->response;
  const sl_options *o = &x->options;
  say(s, "transfer", x->number);
  sl_text_str(&s->script, x->head_only ? ": HEAD" : ": GET");
  say(s, "origin", x->origin);
  say(s, "tls", x->tls);
  say(s, "moves", x->user.moves);
  sl_text_str(&s->script, "\n   response:");
  say(s, "wire", (int64_t)r->wire.len);
  say(s, "heads", (int64_t)r->heads.len);
  say(s, "body", r->body_len);
  say(s, "whole", r->whole);
  say(s, "close", r->close);
  say(s, "until_close", r->until_close);
  say(s, "seg_max", r->seg_max);
  say(s, "think", r->think_us);
  say(s, "delay", r->delay_us);
  say(s, "glue", r->glue);
  sl_text_str(&s->script, " fault ");
  sl_text_str(&s->script, faults[r->fault]);
  say(s, "at", r->fault_at);
  say(s, "drops", r->fault_drops);
  sl_text_str(&s->script, "\n   options:");
  say(s, "timeout_ms", o->timeout_ms);
  say(s, "connect_ms", o->connect_timeout_ms);
  say(s, "low_speed", o->low_speed_limit);
  say(s, "for_s", o->low_speed_time_s);
  say(s, "recv_rate", o->max_recv_speed);
  say(s, "send_rate", o->max_send_speed);
  say(s, "paused_ms", o->paused_timeout_ms);
  say(s, "silence_ms", o->silence_timeout_ms);
  sl_text_str(&s->script, "\n   user:");
  say(s, "refuse", x->refuse);
  say(s, "partial", x->partial);
  say(s, "fail", x->fail);
  say(s, "act", x->act);
  say(s, "resume_us", x->resume_us);
  say(s, "replays", x->replays);
  sl_text_str(&s->script, "\n   may end with: 0");
  for (uint32_t i = 0; i < x->allows; i++) say(s, "", x->allow[i]);
  say(s, "hang", x->may_hang);
  say(s, "any", x->any_code);
  sl_text_str(&s->script, "\n   wire begins: ");
  for (uint32_t i = 0; i < r->wire.len && i < 200; i++) {
    char c = r->wire.data[i];
    sl_text_add(&s->script, c >= ' ' && c < 127 ? &c : c == '\n' ? "|" : ".", 1);
  }
  sl_text_str(&s->script, "\n");
}

static void describe(sim *s)
{
  static const char *const names[] = { "add", "pause", "resume", "stop", "remove", "readd", "speed", "hold",
                                       "free", "spurious", "look" };
  sl_text_str(&s->script, " host:");
  say(s, "moves", s->moves);
  say(s, "reads_ahead", s->reads_ahead);
  say(s, "window", s->window);
  say(s, "send_max", s->send_max);
  say(s, "channels_max", s->channels_max);
  say(s, "late_us", s->late_us);
  say(s, "fail_call", s->fail_call);
  sl_text_str(&s->script, "\n");
  for (uint32_t i = 0; i < s->origin_count; i++) {
    const sim_origin *o = &s->origins[i];
    say(s, "origin", i);
    say(s, "open_code", o->open_code);
    say(s, "open_delay", o->open_delay_us == SL_NEVER ? -1 : o->open_delay_us);
    say(s, "idle_us", o->idle_us == SL_NEVER ? -1 : o->idle_us);
    say(s, "requests_max", o->requests_max);
    say(s, "requests_reset", o->requests_reset);
    sl_text_str(&s->script, "\n");
  }
  for (uint32_t i = 0; i < s->count; i++) describe_transfer(s, &s->transfers[i]);
  for (uint32_t i = 0; i < s->command_count; i++) {
    const sim_command *c = &s->commands[i];
    say(s, "at", c->at_us - SIM_EPOCH_US);
    sl_text_str(&s->script, " ");
    sl_text_str(&s->script, names[c->what]);
    say(s, "transfer", c->number);
    say(s, "arg", c->arg);
    sl_text_str(&s->script, "\n");
  }
}

/* ---- A seed -------------------------------------------------------------------------------------------- */

static uint64_t fnv(const char *p, size_t n)
{
  uint64_t hash = 0xcbf29ce484222325u;
  while (n--) hash = (hash ^ (uint8_t)*p++) * 0x100000001b3u;
  return hash;
}

static void take_result(sim *s, sim_result *out)
{
  out->ok = !s->violated;
  memcpy(out->message, s->message, sizeof out->message);
  out->steps = s->steps;
  out->virtual_us = s->now_us - SIM_EPOCH_US;
  for (uint32_t i = 0; i < s->count; i++) {
    out->transfers += s->transfers[i].starts;
    out->by_code[s->transfers[i].code < SIM_CODES
        ? s->transfers[i].code : 0] += s->transfers[i].starts ? 1 : 0;
    out->bytes += s->transfers[i].delivered;
  }
  out->hash = fnv(s->trace.data, s->trace.len);
  out->trace = s->trace.data;
  out->trace_len = (uint32_t)s->trace.len;
  out->script = s->script.data;
  out->script_len = (uint32_t)s->script.len;
  s->trace = s->script = (sl_text){ 0 };
}

int sim_run(uint64_t seed, uint32_t flags, sim_result *out)
{
  memset(out, 0, sizeof *out);
  sim *s = sim_new(seed, flags);
  if (!s) return 0;
  if (s->m) {
    sim_scenario(s);
    if (flags & SIM_DESCRIBE) describe(s);
    sim_play(s);
  } else sim_violate(s, NULL, "no engine", 0, 0);
  take_result(s, out);
  sim_free(s);
  return out->ok;
}

void sim_result_free(sim_result *r)
{
  free(r->trace);
  free(r->script);
  r->trace = r->script = NULL;
}
