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

const sim_response *sim_final(const sim_transfer *x)
{
  if (x->hop_count && !x->follow) return &x->redirects[0];
  if (x->missing) return &x->redirects[x->hop_count - 1];
  return x->loops || x->unreachable ? NULL : &x->response;
}

/* What the redirect before it makes of a request (RFC 9110, 15.4, as libcurl without POSTREDIR does it). */
static void make_hop(sim_transfer *x, uint32_t i)
{
  const sim_hop *from = &x->hops[i - 1], *first = &x->hops[0];
  sim_hop *to = &x->hops[i];
  uint32_t status = x->redirects[i - 1].status;
  bool get = status == 303 ? from->method != SIM_HEAD : status < 303 && from->method == SIM_POST;
  to->method = get ? SIM_GET : from->method;
  to->body = from->body && !get;
  to->secret = first->secret && to->origin == first->origin && to->tls == first->tls;
}

void sim_transfer_ready(sim_transfer *x)
{
  char url[64];
  sl_line line = { url, url + sizeof url };
  sim_hop *first = &x->hops[0];
  first->origin = x->origin;
  first->tls = x->tls;
  first->body = x->has_body;
  if (!x->has_body) first->method = x->head_only ? SIM_HEAD : SIM_GET;
  for (uint32_t i = 1; i <= x->hop_count; i++) make_hop(x, i);
  sl_line_str(&line, x->file ? "file://" : x->tls ? "https://" : "http://");
  sl_line_str(&line, x->file ? "" : x->sim->origins[x->origin].name);
  sl_line_str(&line, "/");
  sl_line_int(&line, x->number);
  sl_options_text(&x->options, CURLOPT_URL, url, strlen(url));
  if (x->head_only) sim_number(x, CURLOPT_NOBODY, 1);
  if (x->follow) sim_number(x, CURLOPT_FOLLOWLOCATION, 1);
  if (x->has_body) sim_number(x, first->method == SIM_POST ? CURLOPT_POST : CURLOPT_UPLOAD, 1);
  if (x->has_body)
    sim_number(x, first->method == SIM_POST ? CURLOPT_POSTFIELDSIZE_LARGE : CURLOPT_INFILESIZE_LARGE, x->up.announced);
  if (x->up.readies) x->user.ready = sim_user_ready;
  if (first->secret) sl_options_add_header(&x->options, "Authorization: secret", 21);
  if (x->up.expects_own) sl_options_add_header(&x->options, "Expect: 100-continue", 20);
  else if (x->has_body && x->up.announced < 0 && !x->up.expects) sl_options_add_header(&x->options, "Expect:", 7);
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

static uint8_t *random_bytes(sim_transfer *x, uint32_t n, uint64_t salt)
{
  uint8_t *bytes = malloc(n + 8u);
  uint64_t state = x->sim->seed * 31 + x->number + salt;
  for (uint32_t i = 0; bytes && i < n; i += 8) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    for (uint32_t k = 0; k < 8; k++) bytes[i + k] = (uint8_t)(state >> (8 * k)) | 1;
  }
  return bytes;
}

static void make_body(sim_transfer *x, uint32_t n)
{
  sim_response *r = &x->response;
  r->body = random_bytes(x, n, 0);
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

void sim_upload_body(sim_transfer *x, uint32_t n, bool known)
{
  free(x->up.bytes);
  x->up.bytes = random_bytes(x, n, 1000);
  x->up.len = n;
  x->up.announced = known ? (int64_t)n : -1;
  x->up.expects = !known || x->up.expects_own;
  x->up.rewinds = x->has_body = true;
  x->hops[0].method = SIM_PUT;
}

void sim_redirect(sim_transfer *x, uint32_t status, const char *location, uint32_t body_len)
{
  sim_response *r = &x->redirects[x->hop_count++];
  r->status = status;
  r->seg_max = 65536;
  r->file_size = -1;
  r->whole = true;
  r->body = random_bytes(x, body_len, 2000);
  r->body_len = x->head_only ? 0 : body_len;
  head_str(r, "HTTP/1.1 ");
  head_int(r, status);
  head_str(r, " Moved\r\n");
  if (location) {
    head_str(r, "Location: ");
    head_str(r, location);
    head_str(r, "\r\n");
  }
  head_str(r, "Content-Length: ");
  head_int(r, body_len);
  head_str(r, "\r\n\r\n");
  if (!x->head_only) sl_text_add(&r->wire, r->body, r->body_len);
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
  }
  sl_text_str(&r->wire, "\r\n"); /* ends them, and is not told */
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
    if (!r->fault_at && x->has_body) sim_allow(x, CURLE_SEND_ERROR);
    if (x->has_body && x->up.expects) sim_allow(x, CURLE_RECV_ERROR); /* a 100 came before */
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
  if (x->has_body) sim_allow(x, CURLE_SEND_ERROR);
}

/* ---- Bodies of requests, redirects, files ---- */

/* How an upload can end badly, and what that allows. */
static void upload_faults(sim *s, sim_transfer *x)
{
  sim_upload *up = &x->up;
  if (sim_chance(s, 100)) {
    up->fault = sim_chance(s, 512) ? SIM_FAULT_END : SIM_FAULT_RESET;
    up->fault_at = sim_below(s, up->len + 1);
    if (!up->fault_at && up->announced < 0 && x->file) up->fault = SIM_FAULT_NONE;
    sim_allow(x, CURLE_SEND_ERROR);
    if (!x->file) {
      sim_allow(x, CURLE_GOT_NOTHING);
      sim_allow(x, CURLE_RECV_ERROR);
    }
  } else if (sim_chance(s, 60)) {
    up->stall_at = sim_below(s, up->len + 1);
    x->may_hang = true;
  }
  if (sim_chance(s, 60) && up->announced > 0) { /* the user has less or more than announced */
    if (sim_chance(s, 512) && up->len) up->len = sim_below(s, up->len);
    else up->announced = sim_below(s, up->len + 1);
  }
  if (sim_chance(s, 60)) up->fail = 1 + sim_below(s, 200);
}

static void make_upload(sim *s, sim_transfer *x)
{
  sim_upload *up = &x->up;
  up->expects_own = !x->file && sim_chance(s, 250);
  int64_t most = s->send_max < 1000 ? 2000 : sim_chance(s, 100) ? 200000 : 20000;
  uint32_t n = sim_chance(s, 80) ? 0 : (uint32_t)sim_some(s, most);
  sim_upload_body(x, n, sim_chance(s, 512));
  x->hops[0].method = sim_chance(s, 400) ? SIM_POST : SIM_PUT;
  if (up->announced < 0 && sim_chance(s, 512)) up->expects = up->expects_own;
  up->rewinds = sim_chance(s, 800);
  up->readies = sim_chance(s, 512);
  if (sim_chance(s, 400)) up->most = 1 + (uint32_t)sim_some(s, 20000) + up->len / 64;
  if (sim_chance(s, 300)) up->pause = 1 + sim_below(s, 200);
  if (sim_chance(s, 300)) up->again = 1 + sim_below(s, 200);
  if (sim_chance(s, 300)) sim_number(x, CURLOPT_MAX_SEND_SPEED_LARGE, (int64_t)up->len / 10 + 1 + sim_some(s, 100000));
  upload_faults(s, x);
  if (x->file) {
    up->expects = up->expects_own = false;
    x->hops[0].method = SIM_PUT;
    return;
  }
  up->continue_us = sim_chance(s, 300) ? -1 : sim_chance(s, 700) ? sim_some(s, 50000) : sim_some(s, 2 * SL_SECOND);
  if (sim_chance(s, 200)) sim_number(x, CURLOPT_EXPECT_100_TIMEOUT_MS, sim_some(s, 3000));
  if (sim_chance(s, 150)) {
    up->answer_at = sim_below(s, up->len + 1);
    up->deaf = sim_chance(s, 512);
    if (up->deaf && x->may_hang) up->deaf = false;
  }
  if (sim_chance(s, 60)) {
    sim_number(x, CURLOPT_KEEP_SENDING_ON_ERROR, 1);
    if (up->deaf) x->may_hang = true;
  }
  if (!up->rewinds) sim_allow(x, CURLE_SEND_FAIL_REWIND);
}

/* An answer that comes before the body is whole may end the connection under it. */
static void early_answer(sim_transfer *x)
{
  const sim_upload *up = &x->up;
  if (!x->has_body || up->answer_at == UINT32_MAX) return;
  if (x->response.close || x->response.until_close || x->response.fault) {
    sim_allow(x, CURLE_SEND_ERROR);
    sim_allow(x, CURLE_RECV_ERROR);
  }
}

static void make_redirects(sim *s, sim_transfer *x)
{
  static const uint32_t statuses[] = { 301, 302, 303, 307, 308 };
  static const char *const bad[] = { "ftp://a.test/", "file:///1", "http://", "http://[::", "http://a b/", "https:///x",
                                     "http://a.test:99999/" };
  x->follow = sim_chance(s, 900);
  uint32_t count = x->loops ? 1 : 1 + sim_below(s, SIM_HOPS_MAX);
  if (sim_chance(s, 100)) x->loops = true, count = 1;
  for (uint32_t i = 1; i <= count; i++) {
    char location[64];
    sl_line l = { location, location + sizeof location };
    sim_hop *to = &x->hops[i];
    const sim_hop *from = &x->hops[i - 1];
    to->origin = x->loops ? from->origin : sim_below(s, s->origin_count);
    to->tls = x->loops || !sim_chance(s, 200) ? from->tls : !from->tls;
    bool same = to->origin == from->origin && to->tls == from->tls;
    if (!same || sim_chance(s, 300)) {
      sl_line_str(&l, to->tls ? "https://" : "http://");
      sl_line_str(&l, s->origins[to->origin].name);
    }
    bool relative = same && l.at == location && sim_chance(s, 300);
    if (!relative) sl_line_str(&l, "/");
    sl_line_int(&l, x->number);
    if (!x->loops) sl_line_str(&l, ".");
    if (!x->loops) sl_line_int(&l, i);
    if (sim_chance(s, 100)) sl_line_str(&l, "#part");
    const char *where = location;
    if (sim_chance(s, 60)) where = bad[sim_below(s, 7)];
    else if (sim_chance(s, 40)) where = NULL;
    uint32_t body = sim_chance(s, 60) ? 60000 + sim_below(s, 20000) : sim_below(s, 1000);
    sim_redirect(x, statuses[x->loops ? 3 + sim_below(s, 2) : sim_below(s, 5)], where, body);
    sim_response *r = &x->redirects[i - 1];
    r->seg_max = 1 + (uint32_t)sim_some(s, 65536) + body / 64;
    r->delay_us = sim_chance(s, 512) ? 0 : sim_some(s, 5000);
    r->think_us = sim_chance(s, 512) ? 0 : sim_some(s, 20000);
    if (where == location) continue;
    if (!where) { /* no redirect, an answer */
      x->missing = true;
      break;
    }
    x->unreachable = true;
    sim_allow(x, CURLE_URL_MALFORMAT);
    sim_allow(x, CURLE_UNSUPPORTED_PROTOCOL);
    break;
  }
  if (!x->follow) return;
  if (x->loops) {
    sim_number(x, CURLOPT_MAXREDIRS, sim_below(s, 4));
    sim_allow(x, CURLE_TOO_MANY_REDIRECTS);
  } else if (sim_chance(s, 60)) {
    sim_number(x, CURLOPT_MAXREDIRS, 0);
    sim_allow(x, CURLE_TOO_MANY_REDIRECTS);
  }
}

/* The file of a transfer that reads one: its bytes are the wire. */
static void make_file(sim *s, sim_transfer *x)
{
  sim_response *r = &x->response;
  x->tls = false;
  x->origin = 0;
  make_body(x, sim_chance(s, 100) ? 0 : (uint32_t)sim_some(s, 20000));
  r->whole = r->close = true;
  if (sim_chance(s, 60)) x->unreachable = true, sim_allow(x, CURLE_FILE_COULDNT_READ_FILE);
  if (x->has_body) {
    r->body_len = 0;
    sim_allow(x, CURLE_WRITE_ERROR);
    if (x->up.fault == SIM_FAULT_END) x->up.fault = SIM_FAULT_RESET;
    return;
  }
  r->file_size = sim_chance(s, 100) ? -1 : (int64_t)r->body_len;
  if (x->head_only) {
    if (r->file_size >= 0) {
      sl_text_str(&r->heads, "Content-Length: ");
      sl_text_int(&r->heads, r->file_size);
      sl_text_str(&r->heads, "\r\n");
    }
    sl_text_str(&r->heads, "Accept-ranges: bytes\r\n\r\n");
    r->body_len = 0;
    return;
  }
  sl_text_add(&r->wire, r->body, r->body_len);
  if (!r->body_len || !sim_chance(s, 150)) return;
  r->fault = (enum sim_fault)(1 + sim_below(s, 3));
  r->fault_at = sim_below(s, r->body_len);
  if (r->fault == SIM_FAULT_STALL) x->may_hang = true;
  else if (r->fault == SIM_FAULT_RESET) sim_allow(x, CURLE_FILE_COULDNT_READ_FILE), r->whole = false;
  else if (r->file_size < 0) r->body_len = r->fault_at; /* that is its end */
  else sim_allow(x, CURLE_PARTIAL_FILE), r->whole = false;
}

/* ---- Transfers ----------------------------------------------------------------------------------------- */

/* The least receive rate that ends before the calm does. */
static int64_t least_rate(const sim_transfer *x)
{
  size_t all = x->response.wire.len;
  for (uint32_t i = 0; i < x->hop_count; i++) all += x->redirects[i].wire.len * (x->loops ? 5 : 1);
  return (int64_t)(all + 100) / 20 + 1;
}

static void make_limits(sim *s, sim_transfer *x)
{
  if (sim_chance(s, 120)) sim_number(x, CURLOPT_TIMEOUT_MS, 1 + sim_some(s, 20000));
  if (sim_chance(s, 100)) sim_number(x, CURLOPT_CONNECTTIMEOUT_MS, 1 + sim_some(s, 20000));
  if (sim_chance(s, 150)) {
    sim_number(x, CURLOPT_LOW_SPEED_LIMIT, 1 + sim_some(s, 50000));
    sim_number(x, CURLOPT_LOW_SPEED_TIME, 1 + sim_below(s, 4));
  }
  if (sim_chance(s, 250)) {
    int64_t least = least_rate(x);
    sim_number(x, CURLOPT_MAX_RECV_SPEED_LARGE, sim_chance(s, 300) ? least : least + sim_some(s, 100000));
  }
  if (!x->has_body && sim_chance(s, 60)) sim_number(x, CURLOPT_MAX_SEND_SPEED_LARGE, 10 + sim_some(s, 10000));
  if (sim_chance(s, 60)) sim_number(x, CURLOPT_FRESH_CONNECT, 1);
  if (sim_chance(s, 60)) sim_number(x, CURLOPT_FORBID_REUSE, 1);
  if (sim_chance(s, 60)) {
    sim_number(x, CURLOPT_FAILONERROR, 1);
    if (x->response.status >= 400) sim_allow(x, CURLE_HTTP_RETURNED_ERROR);
  }
  if (sim_chance(s, 60)) sim_number(x, SLUICEOPT_PAUSED_TIMEOUT_MS, 1 + sim_some(s, 10000));
  if (sim_chance(s, 60)) sim_number(x, SLUICEOPT_SILENCE_TIMEOUT_MS, 1 + sim_some(s, 10000));
  if (sim_chance(s, 300)) sim_number(x, SLUICEOPT_DRAIN_MAX_BYTES, 1 + sim_some(s, 1000000));
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
static void origin_allows(sim *s, sim_transfer *x, uint32_t hop)
{
  const sim_origin *o = &s->origins[hop ? x->hops[hop].origin : x->origin];
  if (o->open_delay_us == SL_NEVER) x->may_hang = true;
  if (s->other_alpn && (hop ? x->hops[hop].tls : x->tls)) sim_allow(x, CURLE_SSL_CONNECT_ERROR);
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
  x->head_only = sim_chance(s, 80) && evil != EVIL_CHUNK_SIZE && evil != EVIL_CHUNK_END;
  x->tls = sim_chance(s, 150);
  x->file = sim_chance(s, 60);
  if (sim_chance(s, 300)) x->head_only = false, make_upload(s, x);
  x->hops[0].secret = !x->file && sim_chance(s, 100);
  x->hops[0].origin = x->origin;
  x->hops[0].tls = x->tls;
  if (x->file) make_file(s, x);
  else if (sim_chance(s, 150)) make_redirects(s, x);
  if (!x->file) make_response(s, x, evil);
  if (x->head_only != (x->hops[0].method == SIM_HEAD)) x->hops[0].method = x->has_body ? x->hops[0].method : SIM_GET;
  if (!x->file && sim_chance(s, 200) && (evil == EVIL_NONE || evil == EVIL_EXTRA) && !x->response.glue) make_fault(s, x);
  early_answer(x);
  make_pace(s, x);
  make_limits(s, x);
  make_user(s, x);
  for (uint32_t i = 0; !x->file && i <= x->hop_count; i++) origin_allows(s, x, i);
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
  s->moves_out = sim_chance(s, 512);
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
                    least_rate(&s->transfers[number - 1]) + sim_some(s, 100000)); break;
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
  if (sim_chance(s, 256)) s->remotes = 1 + sim_below(s, 60);
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
  static const char *const methods[] = { ": GET", ": HEAD", ": PUT", ": POST" };
  sl_text_str(&s->script, methods[x->hops[0].method]);
  say(s, "file", x->file);
  say(s, "hops", x->hop_count);
  say(s, "follow", x->follow);
  say(s, "loops", x->loops);
  say(s, "unreachable", x->unreachable);
  if (x->has_body) {
    const sim_upload *up = &x->up;
    sl_text_str(&s->script, "\n   upload:");
    say(s, "len", up->len);
    say(s, "announced", up->announced);
    say(s, "expects", up->expects);
    say(s, "continue_us", up->continue_us);
    say(s, "answer_at", up->answer_at);
    say(s, "deaf", up->deaf);
    say(s, "stall_at", up->stall_at);
    say(s, "fault", up->fault);
    say(s, "fault_at", up->fault_at);
    say(s, "rewinds", up->rewinds);
    say(s, "readies", up->readies);
    say(s, "pause", up->pause);
    say(s, "again", up->again);
    say(s, "fail", up->fail);
    say(s, "most", up->most);
  }
  for (uint32_t i = 0; i < x->hop_count; i++) {
    sl_text_str(&s->script, "\n   redirect: ");
    for (uint32_t k = 0; k < x->redirects[i].heads.len; k++) {
      char c = x->redirects[i].heads.data[k];
      sl_text_add(&s->script, c >= ' ' ? &c : c == '\n' ? "|" : "", c == '\r' ? 0 : 1);
    }
  }
  sl_text_str(&s->script, "\n  ");
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
  say(s, "drain_max", o->drain_max_bytes);
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
                                       "free", "spurious", "look", "more" };
  sl_text_str(&s->script, " host:");
  say(s, "moves", s->moves);
  say(s, "moves_out", s->moves_out);
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
