/* responses.c: what servers answer: heads, bodies, framing, what is wrong with them, and where they break. What a
 * fault allows a transfer to end with is decided here, next to it. See sim.h. */
#include "sim.h"
#include <stdlib.h>
#include <string.h>

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

uint8_t *sim_bytes(sim_transfer *x, uint32_t n, uint64_t salt)
{
  uint8_t *bytes = malloc(n + 8u);
  uint64_t state = x->sim->seed * 31 + x->number + salt;
  for (uint32_t i = 0; bytes && i < n; i += 8) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    for (uint32_t k = 0; k < 8; k++) bytes[i + k] = (uint8_t)(state >> (8 * k)) | 1;
  }
  return bytes;
}

void sim_make_body(sim_transfer *x, uint32_t n)
{
  sim_response *r = &x->response;
  r->body = sim_bytes(x, n, 0);
  r->body_len = r->body ? n : 0;
}

void sim_respond(sim_transfer *x, uint32_t body_len)
{
  sim_response *r = &x->response;
  sim_make_body(x, body_len);
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
  x->up.bytes = sim_bytes(x, n, 1000);
  x->up.len = n;
  x->up.announced = known ? (int64_t)n : -1;
  x->up.expects = !known || x->up.expects_own;
  x->up.rewinds = x->has_body = true;
  x->hops[0].method = SIM_PUT;
}

/* The body in two chunks. */
static void chunks_of(sim_response *r)
{
  uint32_t first = r->body_len / 3;
  for (uint32_t at = 0, n; at < r->body_len; at += n) {
    n = at || !first ? r->body_len - at : first;
    text_hex(&r->wire, n, false, 0);
    sl_text_str(&r->wire, "\r\n");
    sl_text_add(&r->wire, r->body + at, n);
    sl_text_str(&r->wire, "\r\n");
  }
  sl_text_str(&r->wire, "0\r\n\r\n");
}

void sim_redirect(sim_transfer *x, uint32_t status, const char *location, uint32_t body_len)
{
  sim_response *r = &x->redirects[x->hop_count++];
  r->status = status;
  r->seg_max = 65536;
  r->file_size = -1;
  r->whole = true;
  r->body = sim_bytes(x, body_len, 2000);
  r->body_len = x->head_only ? 0 : body_len;
  head_str(r, "HTTP/1.1 ");
  head_int(r, status);
  head_str(r, " Moved\r\n");
  if (location) {
    head_str(r, "Location: ");
    head_str(r, location);
    head_str(r, "\r\n");
  }
  if (x->chunked_hops) head_str(r, "Transfer-Encoding: chunked");
  else {
    head_str(r, "Content-Length: ");
    head_int(r, body_len);
  }
  head_str(r, "\r\n\r\n");
  if (x->head_only) return;
  if (x->chunked_hops) chunks_of(r);
  else sl_text_add(&r->wire, r->body, r->body_len);
}

static void random_headers(sim *s, sim_response *r)
{
  static const char *const lines[] = { "Server: sim\r\n", "Content-Type: text/plain\r\n", "X-Empty:\r\n",
                                       "Date: now\r\n",
                                       "X-Long: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n" };
  for (uint32_t n = sim_below(s, 4); n; n--) head_str(r, lines[sim_below(s, 5)]);
}

static void evil_head(sim *s, sim_transfer *x, enum sim_evil evil)
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

static void chunked_body(sim *s, sim_transfer *x, enum sim_evil evil)
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

void sim_make_response(sim *s, sim_transfer *x, enum sim_evil evil)
{
  sim_response *r = &x->response;
  bool none = false, chunked = false;
  uint32_t way = sim_below(s, 16);
  sim_make_body(x, sim_chance(s, 60) ? 0 : (uint32_t)sim_some(s, sim_chance(s, 60) ? 200000 : 20000));
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
void sim_make_fault(sim *s, sim_transfer *x)
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
