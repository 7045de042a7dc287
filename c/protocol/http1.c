/* http1.c: HTTP/1.0 and 1.1 on one connection, one transfer at a time.
 *
 * Owns: where in a response the connection is (`stage`), how many bytes of the present piece are left, whether
 * the connection may serve another request. Heads and trailers are parsed by picohttpparser; what it leaves
 * open is decided here, in `read_framing`: conflicting or overflowing lengths and other transfer codings than chunked
 * are refused; content-length beside chunked, chunked in an HTTP/1.0 response and a bare LF are read but make the
 * connection doubtful, and obsolete folding is refused. Chunk framing is stricter than most: any doubt ends the transfer.
 *
 *   HEAD ──► (1xx: HEAD again) ──► LENGTH | CHUNK_SIZE ◄─► CHUNK_DATA | CLOSE ──► (TRAILER) ──► END
 *
 * Invariants: bytes in `in` belong to the present response, or the connection is not used again. While the guest
 * does not take (paused, holding, over), nothing is parsed. */
#include <picohttpparser.h>
#include <stdlib.h>
#include <string.h>
#include "../engine/agenda.h"
#include "../engine/connection.h"
#include "../engine/ready.h"
#include "../engine/receive.h"
#include "../engine/redirect.h"
#include "../engine/request.h"
#include "../engine/transfer.h"
#include "../engine/upload.h"
#include "body.h"
#include "fields.h"
#include "protocol.h"

/* A moving host's receive for framing: enough for a chunk's end and the next size line. */
#define FRAMING_PEEK 64
/* R5: a body larger than this waits for 100-continue. */
#define EXPECT_BODY_MIN 1048576

enum stage { HEAD, LENGTH, CHUNK_SIZE, CHUNK_DATA, CHUNK_END, TRAILER, CLOSE, END };

struct http1 {
  uint8_t stage;
  bool keep_alive;
  bool head_request;  /* a response has no body                                       */
  bool body_unwanted; /* the caller wants none though the method has one              */
  /* the request */
  bool asked;         /* its head is going out                                        */
  bool answer_due;    /* its head went out in this turn: there is no answer yet       */
  bool chunked_out;   /* its body goes in chunks                                      */
  bool out_ended;     /* its body is in `out` or gone, to the last byte               */
  bool out_full;      /* the channel takes no more now                                */
  bool out_lost;      /* the channel takes no more for ever: what came is still read (U8) */
  bool expects;       /* Expect: 100-continue was sent                                */
  bool closes;        /* an interim response said that the connection will be closed  */
  bool no_body;       /* of the response                                              */
  uint32_t out_chunk; /* bytes of a moved chunk still to go                           */
  uint64_t left;      /* bytes of this length or chunk still to come                   */
  uint32_t head_bytes;/* of the heads and trailers of this response so far             */
  uint32_t looked_at; /* bytes of `in` the head parser has seen                        */
};

static bool http1_opened(sl_conn *c)
{
  c->protocol_state = calloc(1, sizeof(struct http1));
  return c->protocol_state != NULL;
}

static void http1_closed(sl_conn *c)
{
  free(c->protocol_state);
  c->protocol_state = NULL;
}

static uint32_t http1_room(const sl_conn *c) { return c->transfers ? 0 : 1; }

static int64_t http1_leave(sl_conn *c, sl_transfer *t)
{
  const struct http1 *h = c->protocol_state;
  (void)t;
  if (!h->keep_alive || !h->out_ended) return -1;
  if (h->stage == END) return 0;
  return h->stage == LENGTH ? (int64_t)h->left : -1; /* it was an int64_t */
}

/* The request. */

/* How the body is announced, and whether it waits for a 100 (R5). False: it cannot be sent that way. */
static bool compose_body(struct http1 *h, sl_transfer *t, sl_text *out)
{
  const sl_options *o = t->options;
  bool http10 = o->http_version == CURL_HTTP_VERSION_1_0;
  h->out_ended = !sl_request_has_body(t);
  t->send_total = -1;
  if (h->out_ended) return true;
  t->send_total = sl_fields_body_size(t);
  h->chunked_out = t->send_total < 0 || sl_field_own_is(o, "Transfer-Encoding", "chunked");
  if (!sl_fields_frame(o)) {
    sl_transfer_stop(t, SL_CAUSE_INPUT, CURLE_BAD_FUNCTION_ARGUMENT, "Transfer-Encoding: only chunked can be sent");
    return false;
  }
  if (h->chunked_out && http10) {
    sl_transfer_stop(t, SL_CAUSE_INPUT, CURLE_UPLOAD_FAILED, "Chunky upload is not supported by HTTP 1.0");
    return false;
  }
  if (h->chunked_out) sl_text_str(out, "Transfer-Encoding: chunked\r\n");
  else {
    sl_text_str(out, "Content-Length: ");
    sl_text_int(out, t->send_total);
    sl_text_str(out, "\r\n");
  }
  if (o->post && !o->upload) sl_field_add(o, out, "Content-Type", "application/x-www-form-urlencoded");
  bool large = t->send_total < 0 || t->send_total > EXPECT_BODY_MIN;
  bool own = sl_field_own(o, "Expect");
  h->expects = own ? sl_field_own_is(o, "Expect", "100-continue")
                   : large && !http10 && !t->no_expect && !sl_field_own(o, "Upgrade");
  if (h->expects && !own) sl_field_add(o, out, "Expect", "100-continue");
  return true;
}

static bool compose(struct http1 *h, sl_transfer *t, sl_text *out)
{
  const sl_options *o = t->options;
  sl_text_str(out, sl_request_method(t));
  sl_text_str(out, " ");
  sl_text_str(out, t->url.target);
  sl_text_str(out, o->http_version == CURL_HTTP_VERSION_1_0 ? " HTTP/1.0\r\n" : " HTTP/1.1\r\n");
  sl_field_add_host(t, out);
  sl_fields_compose(t, out);
  if (!compose_body(h, t, out)) return false;
  sl_text_str(out, "\r\n");
  return true;
}

static bool http1_begin(sl_conn *c, sl_transfer *t)
{
  struct http1 *h = c->protocol_state;
  SL_ASSERT(!c->in_len && !c->out.len);
  *h = (struct http1){ .stage = HEAD, .head_request = !strcmp(sl_request_method(t), "HEAD") };
  h->body_unwanted = t->options->nobody && !h->head_request;
  if (!sl_fields_sound(t)) {
    sl_transfer_stop(t, SL_CAUSE_INPUT, CURLE_BAD_FUNCTION_ARGUMENT, "A line of CURLOPT_HTTPHEADER cannot be sent");
    return false;
  }
  bool composed = compose(h, t, &c->out);
  if (composed && c->out.failed)
    sl_transfer_stop(t, SL_CAUSE_INPUT, CURLE_OUT_OF_MEMORY, "Request head too large, or out of memory");
  if (!composed || c->out.failed) {
    sl_text_free(&c->out);
    return false;
  }
  t->head_sent = c->out.len;
  return true;
}

/* Nothing of the request has gone out: what comes now is no answer to it, and is not looked at. */
static bool not_asked(const sl_conn *c, const sl_transfer *t)
{
  return t->state.send == SL_SEND_HEAD && c->out.len == t->head_sent;
}

/* Behind the last chunk: trailers, if the user has some. */
static int32_t end_chunks(sl_conn *c, sl_transfer *t)
{
  sl_text lines = { .max = SL_HEAD_MAX };
  bool ok = true;
  sl_text_str(&c->out, "0\r\n");
  if (t->user->trailers) {
    c->multi->in_callback++;
    ok = t->user->trailers(t, &lines);
    c->multi->in_callback--;
  }
  sl_text_add(&c->out, lines.data, lines.len);
  sl_text_str(&c->out, "\r\n");
  if (lines.failed) c->out.failed = true;
  sl_text_free(&lines);
  if (!ok) sl_transfer_stop(t, SL_CAUSE_CALLBACK, CURLE_ABORTED_BY_CALLBACK, "Trailer callback aborted");
  return ok ? 0 : SL_AGAIN;
}

/* Room for the size line in front of a chunk of up to SL_UPLOAD_CHUNK_MAX: "10000\r\n". */
#define CHUNK_LINE 7

static void chunk_line(char *line, uint32_t n)
{
  static const char hex[] = "0123456789abcdef";
  for (int i = CHUNK_LINE - 3; i >= 0; i--, n >>= 4) line[i] = hex[n & 15];
  line[CHUNK_LINE - 2] = '\r';
  line[CHUNK_LINE - 1] = '\n';
}

static int32_t flush(sl_conn *c)
{
  struct http1 *h = c->protocol_state;
  int32_t code = sl_conn_flush(c);
  h->out_full = code == SL_AGAIN;
  return code;
}

/* Body bytes by way of `out`: > 0, 0 = the body has ended, SL_AGAIN, or a code. Also the rest of a chunk whose
 * line went out before the host said that it does not move. */
static int32_t read_out(sl_conn *c, sl_transfer *t, uint32_t max)
{
  struct http1 *h = c->protocol_state;
  bool rest = h->out_chunk > 0;
  uint32_t line = h->chunked_out && !rest ? CHUNK_LINE : 0;
  if (rest && max > h->out_chunk) max = h->out_chunk;
  if (!sl_text_reserve(&c->out, max + line + 2)) return SL_NOMEM;
  int32_t n = sl_upload_read(t, c->out.data + line, max);
  if (n <= 0) sl_text_free(&c->out); /* who waits keeps no buffer */
  if (n == 0 && rest) { /* it had said that there is more */
    sl_transfer_stop(t, SL_CAUSE_CALLBACK, CURLE_READ_ERROR, NULL);
    return SL_AGAIN;
  }
  if (n <= 0) return n == SL_SINK_FAILED ? SL_AGAIN : n;
  if (line) chunk_line(c->out.data, (uint32_t)n);
  c->out.len = line + (uint32_t)n;
  if (rest) h->out_chunk -= (uint32_t)n;
  if (h->chunked_out && !h->out_chunk) sl_text_str(&c->out, "\r\n");
  return n;
}

/* Body bytes by the host's short way: the same answers, and SL_NOSYS when there is none. */
static int32_t move_out(sl_conn *c, sl_transfer *t, uint32_t max)
{
  struct http1 *h = c->protocol_state;
  if (c->host_moves_out_not) return SL_NOSYS;
  if (!h->out_chunk) {
    int32_t n = sl_upload_ready(t);
    if (n <= 0) return n == SL_SINK_FAILED ? SL_AGAIN : n;
    if ((uint32_t)n > max) n = (int32_t)max;
    if (h->chunked_out) {
      char line[CHUNK_LINE];
      chunk_line(line, (uint32_t)n);
      sl_text_add(&c->out, line, sizeof line);
      if (c->out.failed) return SL_NOMEM; /* a flush would forget it */
      int32_t code = flush(c);
      h->out_chunk = (uint32_t)n;
      if (code < 0) return code;
    }
    max = (uint32_t)n;
  } else if (max > h->out_chunk) max = h->out_chunk;
  int32_t n = sl_body_move_out(c, t, max);
  if (n <= 0) {
    h->out_full = n == SL_AGAIN;
    return n ? n : SL_AGAIN;
  }
  sl_upload_moved(t, (uint32_t)n);
  if (h->chunked_out && !(h->out_chunk -= (uint32_t)n)) sl_text_str(&c->out, "\r\n");
  return n;
}

/* More of the body into the channel. */
static int32_t send_body(sl_conn *c, sl_transfer *t, int64_t allowance)
{
  struct http1 *h = c->protocol_state;
  uint32_t max = allowance < SL_UPLOAD_CHUNK_MAX ? (uint32_t)allowance : SL_UPLOAD_CHUNK_MAX;
  int32_t n = move_out(c, t, max);
  if (n == SL_NOSYS) n = read_out(c, t, max);
  if (n == 0 && h->chunked_out) n = end_chunks(c, t);
  if (n == 0) h->out_ended = true;
  return c->out.failed ? SL_NOMEM : n;
}

static int32_t send_head(sl_conn *c, sl_transfer *t)
{
  struct http1 *h = c->protocol_state;
  if (!sl_ready_send(t)) return SL_AGAIN;
  /* A pooled connection was sound when it was taken; the request may have been held back since (P11). */
  if (not_asked(c, t) && t->reused && t->begin_us != c->multi->now_us && !sl_conn_sound(c)) return SL_RESET;
  if (!h->asked && t->user->asked) t->user->asked(t, c->out.data, c->out.len);
  h->asked = true;
  int32_t code = flush(c);
  if (code < 0) return code;
  h->answer_due = true;
  if (h->out_ended) sl_out_end(t);
  else sl_out_body(t, h->expects);
  return 0;
}

static int32_t send_more(sl_conn *c)
{
  struct http1 *h = c->protocol_state;
  for (unsigned writes = 0; writes < SL_RUN_READS_MAX; writes++) {
    sl_transfer *t = c->transfers;
    if (!t || t->cause) return 0;
    if (t->state.send == SL_SEND_HEAD) {
      int32_t code = send_head(c, t);
      if (code < 0) return code;
    }
    if (t->state.send != SL_SEND_BODY || t->cause) return 0;
    int32_t code = flush(c); /* R2: what was read goes out, paused or not */
    if (code < 0) return code;
    if (!h->chunked_out && sl_upload_gone(t)) h->out_ended = true;
    if (h->out_ended) {
      sl_out_end(t);
      return 0;
    }
    int64_t allowance = sl_ready_send(t);
    if (allowance <= 0) return 0;
    if ((code = send_body(c, t, allowance)) < 0) return code;
  }
  sl_agenda_ready(c->multi, c); /* others first */
  return 0;
}

/* U8: a server that refuses a body answers, closes and resets. The answer may be here when sending fails, so a channel
 * that is lost for sending is read to its end before it is given up. Not before the request began to go out. */
static int32_t http1_output(sl_conn *c)
{
  struct http1 *h = c->protocol_state;
  sl_transfer *t = c->transfers;
  if (h->out_lost) return 0;
  int32_t code = send_more(c);
  if (code != SL_RESET || not_asked(c, t)) return code;
  h->out_lost = true;
  h->out_full = false;
  if (t->state.recv != SL_RECV_HEAD) sl_out_end(t); /* the answer has come */
  return 0;
}

/* The response. Every fault ends the transfer here and answers false. */

static bool fail(sl_transfer *t, CURLcode code, const char *message)
{
  sl_transfer_stop(t, SL_CAUSE_PEER, code, message);
  return false;
}

static bool value_is(const struct phr_header *h, const char *word)
{
  size_t n = h->value_len;
  while (n && (h->value[n - 1] == ' ' || h->value[n - 1] == '\t')) n--;
  return sl_equal_nocase(h->value, n, word);
}

/* Whether a comma-separated value has this word. */
static bool value_has(const struct phr_header *h, const char *word)
{
  const char *p = h->value, *end = p + h->value_len;
  while (p < end) {
    const char *comma = memchr(p, ',', (size_t)(end - p)), *stop = comma ? comma : end, *last = stop;
    while (p < last && (*p == ' ' || *p == '\t')) p++;
    while (last > p && (last[-1] == ' ' || last[-1] == '\t')) last--;
    if (sl_equal_nocase(p, (size_t)(last - p), word)) return true;
    p = stop + 1;
  }
  return false;
}

/* One or several equal numbers, "5" or "5, 5" (RFC 9110, 8.6). */
static bool read_length(sl_transfer *t, const struct phr_header *h, int64_t *length)
{
  const char *p = h->value, *end = p + h->value_len;
  do {
    const char *comma = memchr(p, ',', (size_t)(end - p)), *stop = comma ? comma : end, *last = stop;
    uint64_t v;
    while (p < last && (*p == ' ' || *p == '\t')) p++;
    while (last > p && (last[-1] == ' ' || last[-1] == '\t')) last--;
    if (!sl_parse_uint(p, (size_t)(last - p), INT64_MAX, &v))
      return fail(t, CURLE_WEIRD_SERVER_REPLY, "Invalid Content-Length in the response");
    if (*length >= 0 && (uint64_t)*length != v)
      return fail(t, CURLE_WEIRD_SERVER_REPLY, "Conflicting Content-Length in the response");
    *length = (int64_t)v;
    p = stop + 1;
  } while (p <= end && p[-1] == ',');
  return true;
}

/* How the body is delimited, and whether the connection lives on: decided here and nowhere else. */
static bool read_framing(sl_conn *c, sl_transfer *t, const struct phr_header *headers, size_t n, int minor)
{
  struct http1 *h = c->protocol_state;
  int64_t length = -1;
  bool chunked = false, coded = false, close = false, keep = false;
  for (size_t i = 0; i < n; i++) {
    const struct phr_header *f = &headers[i];
    if (sl_equal_nocase(f->name, f->name_len, "content-length")) {
      if (!read_length(t, f, &length)) return false;
    } else if (sl_equal_nocase(f->name, f->name_len, "transfer-encoding")) {
      if (coded || !value_is(f, "chunked"))
        return fail(t, CURLE_BAD_CONTENT_ENCODING, "Unsupported Transfer-Encoding in the response");
      coded = chunked = true;
    } else if (sl_equal_nocase(f->name, f->name_len, "location")) {
      sl_redirect_location(t, f->value, f->value_len);
    } else if (sl_equal_nocase(f->name, f->name_len, "content-range")) {
      sl_in_content_range(t, f->value, f->value_len);
    } else if (sl_equal_nocase(f->name, f->name_len, "www-authenticate")) {
      sl_redirect_challenge(t, f->value, f->value_len);
    } else if (sl_equal_nocase(f->name, f->name_len, "connection")) {
      close = close || value_has(f, "close");
      keep = keep || value_has(f, "keep-alive");
    }
  }
  if (chunked && (length >= 0 || minor == 0)) c->doubt = true;
  h->keep_alive = !close && !h->closes && (minor > 0 || keep);
  h->no_body = h->head_request || t->status == 204 || t->status == 304 || h->body_unwanted;
  if (h->body_unwanted) h->keep_alive = false; /* it would pass for the next response */
  if (h->no_body) h->stage = END;
  else if (chunked) h->stage = CHUNK_SIZE;
  else if (length >= 0) h->stage = LENGTH;
  else h->stage = CLOSE;
  h->left = length >= 0 && !chunked ? (uint64_t)length : 0;
  if (h->stage == LENGTH && !h->left) h->stage = END;
  t->recv_total = chunked ? -1 : length;
  return !t->cause;
}

/* The final head was told. An answer that came before the request was whole may end the sending (R5). */
static bool head_ended(sl_conn *c, sl_transfer *t)
{
  struct http1 *h = c->protocol_state;
  bool refused = t->status >= (t->state.send == SL_SEND_WAIT ? 300 : 400) && !t->options->keep_sending_on_error;
  refused = refused || h->out_lost;
  if (t->state.send == SL_SEND_WAIT && !refused) sl_out_go(t);
  else if (t->state.send != SL_SEND_END && refused) {
    h->keep_alive = false;
    sl_out_end(t);
  }
  return sl_in_head_end(t, !h->no_body, h->keep_alive && h->stage != CLOSE);
}

/* Strictness over the parser's: every line ends in CR LF, no line is folded. */
static bool lines_sound(sl_conn *c, sl_transfer *t, const char *text, size_t len, const struct phr_header *headers,
                        size_t n)
{
  for (size_t i = 0; i < n; i++)
    if (!headers[i].name) return fail(t, CURLE_WEIRD_SERVER_REPLY, "Folded header line in the response");
  for (const char *p = text, *lf; (lf = memchr(p, '\n', (size_t)(text + len - p))); p = lf + 1)
    if (lf == text || lf[-1] != '\r') c->doubt = true;
  return true;
}

static bool head_fits(struct http1 *h, sl_transfer *t, size_t more)
{
  if (h->head_bytes + more <= SL_HEAD_MAX) return true;
  return fail(t, CURLE_TOO_LARGE, "Response head larger than 65536 bytes");
}

/* A status line may end behind its code, without the space that the grammar asks for; the parser asks for it too. The
 * same answers as its own: bytes of the head, -1 malformed, -2 more is needed. */
#define BARE_STATUS_LINE "HTTP/1.1 200\r\n"
static int parse_head(const sl_conn *c, const struct http1 *h, int *minor, int *status, struct phr_header *headers,
                      size_t *n)
{
  const size_t line = sizeof BARE_STATUS_LINE - 1, code = line - 5;
  const char *in = c->in, *reason;
  size_t reason_len;
  bool bare = c->in_len >= line - 1 && in[line - 2] == '\r' && !memcmp(in, "HTTP/1.", 7);
  if (!bare) return phr_parse_response(in, c->in_len, minor, status, &reason, &reason_len, headers, n, h->looked_at);
  uint64_t number;
  *n = 0;
  if (in[7] < '0' || in[7] > '9' || in[8] != ' ' || !sl_parse_uint(in + code, 3, 999, &number)) return -1;
  if (c->in_len < line) return -2;
  if (in[line - 1] != '\n') return -1;
  *minor = in[7] - '0';
  *status = (int)number;
  /* The parser's quick look for the end would miss the lone CR LF of no fields at all. */
  size_t seen = h->looked_at > line + 2 ? h->looked_at - line : 0;
  *n = SL_HEADER_LINES_MAX;
  int len = phr_parse_headers(in + line, c->in_len - line, headers, n, seen);
  return len < 0 ? len : len + (int)line;
}

static bool says_close(const struct phr_header *headers, size_t n)
{
  for (size_t i = 0; i < n; i++)
    if (sl_equal_nocase(headers[i].name, headers[i].name_len, "connection") && value_has(&headers[i], "close")) return true;
  return false;
}

/* Not on the hot path of bodies, and large with the header array: kept out of line. */
__attribute__((noinline)) static bool read_head(sl_conn *c, sl_transfer *t, bool *more)
{
  struct http1 *h = c->protocol_state;
  struct phr_header headers[SL_HEADER_LINES_MAX];
  size_t n = SL_HEADER_LINES_MAX;
  int minor, status, len = parse_head(c, h, &minor, &status, headers, &n);
  bool strange = memcmp(c->in, "HTTP/", c->in_len < 5 ? c->in_len : 5) != 0;
  if (len == -2 && !strange) {
    *more = true;
    h->looked_at = c->in_len;
    return head_fits(h, t, c->in_len);
  }
  if (strange)
    return fail(t, CURLE_UNSUPPORTED_PROTOCOL, "The response does not begin with an HTTP/1 status line");
  if (len < 0 && n >= SL_HEADER_LINES_MAX)
    return fail(t, CURLE_TOO_LARGE, "More than 256 header lines in the response");
  if (len < 0 || status < 100 || status > 999)
    return fail(t, CURLE_WEIRD_SERVER_REPLY, "Malformed response head");
  if (!head_fits(h, t, (size_t)len) || !lines_sound(c, t, c->in, (size_t)len, headers, n)) return false;
  if (status == 101) return fail(t, CURLE_WEIRD_SERVER_REPLY, "Switching protocols was not asked for");
  h->head_bytes += (uint32_t)len;
  h->looked_at = 0;
  t->status = (uint16_t)status;
  t->http_minor = (uint8_t)minor;
  if (status < 200) h->closes = h->closes || says_close(headers, n);
  else if (!read_framing(c, t, headers, n, minor)) return false;
  if (status == 417 && ((struct http1 *)c->protocol_state)->expects && !sl_field_own(t->options, "Expect"))
    sl_redirect_without_expect(t);
  if (sl_fields_login_waits(t)) sl_redirect_with_login(t);
  const char *text = c->in;
  sl_conn_consume(c, (uint32_t)len);
  if (sl_in_head(t, SL_PART_HEAD, text, (uint32_t)len) >= SL_GATE_FAILED) return false;
  if (status >= 200) return head_ended(c, t);
  if (status == 100) sl_out_go(t);
  return true;
}

static int hex_digit(char c)
{
  if (c >= '0' && c <= '9') return c - '0';
  c = sl_lower(c);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "1a[;extension] CR LF": at most 16 digits, and below 2^63. */
static bool read_chunk_size(sl_conn *c, sl_transfer *t, bool *more)
{
  struct http1 *h = c->protocol_state;
  const char *lf = memchr(c->in, '\n', c->in_len);
  uint32_t len = lf ? (uint32_t)(lf - c->in) + 1 : c->in_len, i = 0;
  if (len > SL_CHUNK_LINE_MAX) return fail(t, CURLE_RECV_ERROR, "Chunk-size line larger than 1024 bytes");
  if (!lf) return *more = true;
  uint64_t size = 0;
  for (int d; i < len && i < 17 && (d = hex_digit(c->in[i])) >= 0; i++) size = size << 4 | (unsigned)d;
  bool ok = i > 0 && i <= 16 && size <= INT64_MAX && len >= 2 && c->in[len - 2] == '\r';
  while (ok && i < len - 2 && (c->in[i] == ' ' || c->in[i] == '\t')) i++;
  ok = ok && (i == len - 2 || c->in[i] == ';');
  for (; ok && i < len - 2; i++) ok = (uint8_t)c->in[i] >= 0x20 || c->in[i] == '\t';
  if (!ok) return fail(t, CURLE_RECV_ERROR, "Malformed chunk-size line in the response");
  sl_conn_consume(c, len);
  h->left = size;
  h->stage = size ? CHUNK_DATA : TRAILER;
  return true;
}

static bool read_chunk_end(sl_conn *c, sl_transfer *t, bool *more)
{
  struct http1 *h = c->protocol_state;
  if (c->in_len < 2 && (!c->in_len || c->in[0] == '\r')) return *more = true;
  if (c->in_len < 2 || memcmp(c->in, "\r\n", 2)) return fail(t, CURLE_RECV_ERROR, "Chunk longer than its announced size");
  sl_conn_consume(c, 2);
  h->stage = CHUNK_SIZE;
  return true;
}

__attribute__((noinline)) static bool read_trailer(sl_conn *c, sl_transfer *t, bool *more)
{
  struct http1 *h = c->protocol_state;
  struct phr_header headers[SL_HEADER_LINES_MAX];
  size_t n = SL_HEADER_LINES_MAX;
  int len = phr_parse_headers(c->in, c->in_len, headers, &n, h->looked_at);
  if (len == -2) {
    *more = true;
    /* The parser's quick look for the end would miss the lone CR LF of no trailers at all. */
    h->looked_at = c->in_len > 2 ? c->in_len : 0;
    return head_fits(h, t, c->in_len);
  }
  if (len < 0) return fail(t, CURLE_RECV_ERROR, "Malformed trailers in the response");
  if (!head_fits(h, t, (size_t)len) || !lines_sound(c, t, c->in, (size_t)len, headers, n)) return false;
  const char *text = c->in;
  uint32_t lines = (uint32_t)len - (len > 1 && text[len - 2] == '\r' ? 2 : 1); /* the empty one is not told */
  h->stage = END;
  sl_conn_consume(c, (uint32_t)len);
  return !n || sl_in_head(t, SL_PART_TRAILER, text, lines) < SL_GATE_FAILED;
}

/* Body bytes that are in `in`. */
static bool read_body(sl_conn *c, sl_transfer *t)
{
  struct http1 *h = c->protocol_state;
  uint32_t n = c->in_len;
  if (h->stage != CLOSE && n > h->left) n = (uint32_t)h->left;
  const char *data = c->in;
  sl_conn_consume(c, n);
  if (h->stage != CLOSE) h->left -= n;
  if (h->stage == LENGTH && !h->left) h->stage = END;
  if (h->stage == CHUNK_DATA && !h->left) h->stage = CHUNK_END;
  return sl_in_body(t, data, n) < SL_GATE_FAILED;
}

/* Understand what is in `in`, as far as the guest takes it. True: *more bytes are needed, or it does not take. */
static bool parse(sl_conn *c, sl_transfer *t, bool *more)
{
  struct http1 *h = c->protocol_state;
  bool ok = true;
  while (ok && !*more && sl_ready_takes(t)) {
    if (h->stage == END) {
      sl_in_end(t);
      break;
    }
    if (!c->in_len) return *more = true;
    switch ((enum stage)h->stage) {
    case HEAD: ok = read_head(c, t, more); break;
    case CHUNK_SIZE: ok = read_chunk_size(c, t, more); break;
    case CHUNK_END: ok = read_chunk_end(c, t, more); break;
    case TRAILER: ok = read_trailer(c, t, more); break;
    default:
      /* Body for a sink that takes it from the host: hand it back instead of copying it. */
      if (sl_body_moves(c, t)) {
        uint32_t back = sl_conn_unread(c);
        if (back) sl_transfer_charge_recv(t, -(int64_t)back);
        if (back) return *more = true;
      }
      ok = read_body(c, t);
    }
  }
  return ok;
}

/* The stream ended. What that means depends on where in the response it did. */
static int32_t ended(sl_conn *c, sl_transfer *t)
{
  struct http1 *h = c->protocol_state;
  h->keep_alive = false;
  switch ((enum stage)h->stage) {
  case HEAD:
    if (!h->head_bytes && !c->in_len) return SL_RESET; /* 52, or a stale connection: lifecycle.c knows */
    fail(t, CURLE_RECV_ERROR, "Connection closed inside the response head");
    break;
  case LENGTH: {
    char text[CURL_ERROR_SIZE];
    sl_line line = { text, text + sizeof text };
    sl_line_str(&line, "end of response with ");
    sl_line_int(&line, (int64_t)h->left);
    sl_line_str(&line, " bytes missing");
    fail(t, CURLE_PARTIAL_FILE, text);
    break;
  }
  case CLOSE:
    h->stage = END;
    sl_in_end(t);
    break;
  default: fail(t, CURLE_PARTIAL_FILE, "transfer closed with outstanding read data remaining");
  }
  return 0;
}

static bool in_body(const struct http1 *h) { return h->stage == LENGTH || h->stage == CHUNK_DATA || h->stage == CLOSE; }

/* Bytes of body straight from the host to the sink. 1: some went; 0: not now; < 0: a code, 0 at the end in *eof. */
static int32_t move_body(sl_conn *c, sl_transfer *t, int64_t allowance, bool *eof)
{
  struct http1 *h = c->protocol_state;
  uint64_t max = h->stage == CLOSE || (uint64_t)allowance < h->left ? (uint64_t)allowance : h->left;
  int32_t n = sl_body_move(c, t, max > INT32_MAX ? INT32_MAX : (uint32_t)max);
  if (n == 0) *eof = true;
  if (n <= 0) return n;
  sl_transfer_charge_recv(t, n);
  if (h->stage != CLOSE) h->left -= (uint32_t)n;
  if (h->stage == LENGTH && !h->left) h->stage = END;
  if (h->stage == CHUNK_DATA && !h->left) h->stage = CHUNK_END;
  sl_in_moved(t, (uint32_t)n);
  return n;
}

static int32_t receive(sl_conn *c, sl_transfer *t, int64_t allowance, bool *eof)
{
  struct http1 *h = c->protocol_state;
  bool moves = sl_body_moves(c, t);
  if (in_body(h) && moves && !c->in_len) {
    int32_t n = move_body(c, t, allowance, eof);
    if (n != SL_NOSYS) return n;
    moves = false;
  }
  int64_t cap = moves && h->stage != HEAD ? FRAMING_PEEK : t->options->buffer_size;
  int32_t n = sl_conn_fill(c, (uint32_t)(allowance < cap ? allowance : cap));
  if (n == 0) *eof = true;
  if (n > 0) sl_transfer_charge_recv(t, n);
  return n;
}

static void http1_held(sl_conn *c, sl_transfer *t)
{
  bool more = false;
  if (!not_asked(c, t)) parse(c, t, &more);
}

static int32_t http1_input(sl_conn *c)
{
  struct http1 *h = c->protocol_state;
  if (h->answer_due && !h->out_lost) { /* the host tells when one comes */
    h->answer_due = false;
    return 0;
  }
  for (unsigned reads = 0; reads < SL_RUN_READS_MAX; reads++) {
    sl_transfer *t = c->transfers;
    bool more = false, eof = false;
    if (!t || not_asked(c, t)) return 0;
    if (!parse(c, t, &more) || !more) return 0; /* it is over, or does not take now */
    int64_t allowance = sl_ready_recv(t);
    if (allowance <= 0) return 0;
    int32_t n = receive(c, t, allowance, &eof);
    if (eof) return ended(c, t);
    if (n < 0) return n;
  }
  sl_agenda_ready(c->multi, c); /* others first */
  return 0;
}

static uint32_t http1_want(sl_conn *c)
{
  const struct http1 *h = c->protocol_state;
  sl_transfer *t = c->transfers;
  if (!t) return SL_IN; /* idle: to see it close */
  uint32_t want = !not_asked(c, t) && sl_ready_recv(t) > 0 ? SL_IN : 0;
  if (h->out_full && (c->out.len ? t->state.send == SL_SEND_BODY || sl_ready_send(t) > 0
                                 : sl_ready_send(t) > 0))
    want |= SL_OUT;
  return want;
}

const sl_protocol sl_http1 = {
  .name = "http/1.1",
  .opened = http1_opened,
  .room = http1_room,
  .begin = http1_begin,
  .input = http1_input,
  .output = http1_output,
  .want = http1_want,
  .resumed = NULL,
  .held = http1_held,
  .leave = http1_leave,
  .closed = http1_closed,
};
