/* exchange.c: HTTP done by the host (fetch): one request and its response on one channel, never pooled.
 *
 * Owns: how much of the announced body is still to come. The request goes with the open spec, so opening is
 * sending: a pause of the sending side holds it back there (P11, lifecycle.c). Framing, interim responses,
 * 100-continue and keep-alive are the host's; counting, limits, pause, redirects and where the body ends are
 * decided here and in receive.c as for every other protocol.
 *
 *   request: (body by send or move_out ──► SL_END_SEND)
 *   response: SL_INFO_HEAD ──► body by recv or move until the host's end
 *
 * Invariants: `in` is empty between calls. A host may have decoded the body, so that Content-Length speaks of
 * other bytes: beside Content-Encoding it counts for nothing. Else a body shorter or longer than announced is
 * an error. */
#include "exchange.h"
#include <picohttpparser.h>
#include <stdlib.h>
#include <string.h>
#include "../engine/agenda.h"
#include "../engine/ready.h"
#include "../engine/receive.h"
#include "../engine/redirect.h"
#include "../engine/request.h"
#include "../engine/transfer.h"
#include "body.h"
#include "fields.h"
#include "protocol.h"

#define FETCH_REDIRECTS 20
#define HTTP_BOTH (CURLPROTO_HTTP | CURLPROTO_HTTPS)

struct exchange {
  bool head_request;  /* a response has no body                                 */
  bool body_unwanted; /* the caller wants none though the method has one        */
  bool out_ended;     /* the request's body went to the last byte               */
  bool out_full;      /* the channel takes no more of it now                    */
  int64_t total;      /* announced size of the response's body, -1 = unknown    */
  uint64_t left;      /* of it still to come                                    */
};

static bool exchange_opened(sl_conn *c)
{
  c->protocol_state = calloc(1, sizeof(struct exchange));
  return c->protocol_state != NULL;
}

static void exchange_closed(sl_conn *c)
{
  free(c->protocol_state);
  c->protocol_state = NULL;
}

static uint32_t exchange_room(const sl_conn *c) { return c->transfers || c->used ? 0 : 1; }

static int64_t exchange_leave(sl_conn *c, sl_transfer *t)
{
  (void)c, (void)t;
  return -1;
}

/* The request. */

static void spec_line(sl_text *spec, const char *key, const char *value, size_t n)
{
  sl_text_str(spec, key);
  sl_text_str(spec, " ");
  sl_text_add(spec, value, n);
  sl_text_str(spec, "\n");
}

/* Header lines that frame the body: `body` says it, and the host frames it its own way. */
static bool frames(const char *line)
{
  size_t n = strcspn(line, ":");
  return sl_equal_nocase(line, n, "Content-Length") || sl_equal_nocase(line, n, "Transfer-Encoding");
}

/* Whether a host that cannot show redirects may follow them all by itself, and whether that is more than was allowed: fetch
 * stops after 20, and knows HTTP only. NULL: it may not. */
static const char *follows_all(const sl_options *o)
{
  if (!o->follow || (o->protocols & o->redirect_protocols & HTTP_BOTH) != HTTP_BOTH || !o->max_redirects) return NULL;
  return o->max_redirects < 0 || o->max_redirects >= FETCH_REDIRECTS ? "follow" : "counted";
}

void sl_exchange_compose(const sl_transfer *t, sl_text *spec)
{
  const sl_options *o = t->options;
  const char *method = sl_request_method(t);
  bool body = sl_request_has_body(t);
  sl_text fields = { .max = SL_REQUEST_HEAD_MAX };
  spec_line(spec, "method", method, strlen(method));
  sl_text_str(spec, "url ");
  sl_request_url(t, spec);
  sl_text_str(spec, "\n");
  const char *redirect = follows_all(o);
  if (redirect) spec_line(spec, "redirect", redirect, strlen(redirect));
  if (body) {
    sl_text_str(spec, "body ");
    sl_text_int(spec, sl_fields_body_size(t));
    sl_text_str(spec, "\n");
  }
  sl_fields_compose(t, &fields);
  if (body && o->post && !o->upload)
    sl_field_add(o, &fields, "Content-Type", "application/x-www-form-urlencoded");
  if (fields.failed) spec->failed = true;
  else
    for (const char *p = fields.data, *end; p && *(end = p + strcspn(p, "\r")); p = end + 2)
      if (!frames(p)) spec_line(spec, "header", p, (size_t)(end - p));
  sl_text_free(&fields);
}

static bool exchange_begin(sl_conn *c, sl_transfer *t)
{
  struct exchange *x = c->protocol_state;
  *x = (struct exchange){ .head_request = !strcmp(sl_request_method(t), "HEAD"), .total = -1 };
  x->body_unwanted = t->options->nobody && !x->head_request;
  x->out_ended = !sl_request_has_body(t);
  t->send_total = x->out_ended ? -1 : sl_fields_body_size(t);
  return true;
}

static int32_t exchange_output(sl_conn *c)
{
  struct exchange *x = c->protocol_state;
  for (unsigned writes = 0; writes < SL_RUN_READS_MAX; writes++) {
    sl_transfer *t = c->transfers;
    if (!t || t->cause) return 0;
    if (t->state.send == SL_SEND_HEAD) {
      if (x->out_ended) sl_out_end(t);
      else sl_out_body(t, false);
    }
    if (t->state.send != SL_SEND_BODY || t->cause) return 0;
    int32_t n = sl_body_send(c, t, &x->out_full);
    if (n < 0) return n;
    if (n > 0) continue;
    x->out_ended = true;
    sl_close(c->ch, SL_END_SEND);
    sl_out_end(t);
  }
  sl_agenda_ready(c->multi, c); /* others first */
  return 0;
}

/* The response. */

static int32_t fail(sl_transfer *t, CURLcode code, const char *message)
{
  sl_transfer_stop(t, SL_CAUSE_PEER, code, message);
  return SL_AGAIN;
}

static void read_fields(struct exchange *x, sl_transfer *t, const struct phr_header *headers, size_t n)
{
  bool coded = false;
  for (size_t i = 0; i < n; i++) {
    const struct phr_header *f = &headers[i];
    uint64_t length;
    if (sl_equal_nocase(f->name, f->name_len, "location")) sl_redirect_location(t, f->value, f->value_len);
    else if (sl_equal_nocase(f->name, f->name_len, "content-encoding")) coded = true;
    else if (sl_equal_nocase(f->name, f->name_len, "content-range")) sl_in_content_range(t, f->value, f->value_len);
    else if (sl_equal_nocase(f->name, f->name_len, "www-authenticate")) sl_redirect_challenge(t, f->value, f->value_len);
    else if (sl_equal_nocase(f->name, f->name_len, "content-length") &&
             sl_parse_uint(f->value, f->value_len, INT64_MAX, &length))
      x->total = (int64_t)length;
  }
  if (coded && !x->head_request) x->total = -1;
  if (sl_fields_login_waits(t)) sl_redirect_with_login(t);
}

/* "HTTP/version 200 words CR LF", whatever the version: the length of that line, 0 when it is none. */
static uint32_t read_status(const char *text, uint32_t len, uint16_t *status)
{
  const char *space = memchr(text, ' ', len), *lf = memchr(text, '\n', len);
  uint64_t value;
  if (!space || !lf || lf - space < 5 || memcmp(text, "HTTP/", 5)) return 0;
  if (!sl_parse_uint(space + 1, 3, 999, &value) || value < 200) return 0;
  if (space[4] != ' ' && space[4] != '\r') return 0;
  *status = (uint16_t)value;
  return (uint32_t)(lf - text) + 1;
}

/* Not every host can do all that was asked, and some of that is better done without than refused. */
static void tell_left(const sl_conn *c, const sl_transfer *t)
{
  int64_t left = 0;
  if (sl_info(c->ch, SL_INFO_LEFT, &left, sizeof left) == (int32_t)sizeof left && left)
    sl_agenda_trace(t->multi, t, SL_TRACE_LEFT, left, 0);
}

/* A head as the host put it. > 0: go on with the body. */
static int32_t parse_head(struct exchange *x, sl_transfer *t, const char *text, uint32_t len)
{
  struct phr_header headers[SL_HEADER_LINES_MAX];
  size_t n = SL_HEADER_LINES_MAX;
  uint32_t line = read_status(text, len, &t->status);
  int parsed = line ? phr_parse_headers(text + line, len - line, headers, &n, 0) : -1;
  if (line && parsed < 0 && n >= SL_HEADER_LINES_MAX)
    return fail(t, CURLE_TOO_LARGE, "More than 256 header lines in the response");
  if (parsed != (int)(len - line)) return fail(t, CURLE_WEIRD_SERVER_REPLY, "Malformed response head");
  sl_transfer_charge_recv(t, len);
  for (size_t i = 0; i < n; i++)
    if (!headers[i].name) return fail(t, CURLE_WEIRD_SERVER_REPLY, "Folded header line in the response");
  read_fields(x, t, headers, n);
  bool no_body = x->head_request || x->body_unwanted || t->status == 204 || t->status == 304;
  t->recv_total = x->total;
  x->left = no_body ? 0 : x->total < 0 ? UINT64_MAX : (uint64_t)x->total;
  if (t->cause || sl_in_head(t, SL_PART_HEAD, text, len) >= SL_GATE_FAILED) return SL_AGAIN;
  /* An answer that refuses before the request was whole ends the sending (R5, R6). */
  if (t->state.send != SL_SEND_END && t->status >= 400 && !t->options->keep_sending_on_error) sl_out_end(t);
  return sl_in_head_end(t, !no_body, x->total >= 0) ? 1 : SL_AGAIN;
}

static int32_t read_head(sl_conn *c, sl_transfer *t)
{
  struct exchange *x = c->protocol_state;
  sl_text text = { .max = SL_HEAD_MAX };
  char nothing;
  int32_t n = sl_info(c->ch, SL_INFO_HEAD, NULL, 0);
  if (n == SL_AGAIN) { /* not here: or will it never be? */
    n = sl_recv(c->ch, &nothing, 1);
    return n < 0 ? n : SL_IO;
  }
  if (n < 0) return n;
  if (n > SL_HEAD_MAX) return fail(t, CURLE_TOO_LARGE, "Response head larger than 65536 bytes");
  bool ok = sl_text_reserve(&text, (size_t)n) && sl_info(c->ch, SL_INFO_HEAD, text.data, (uint32_t)n) == n;
  if (ok) tell_left(c, t);
  int32_t code = ok ? parse_head(x, t, text.data, (uint32_t)n) : text.failed ? SL_NOMEM : SL_IO;
  sl_text_free(&text);
  return code;
}

/* Body bytes, or the end. */
static int32_t read_body(sl_conn *c, sl_transfer *t, int64_t allowance)
{
  struct exchange *x = c->protocol_state;
  int32_t n;
  if (x->left) {
    uint64_t max = (uint64_t)allowance < x->left ? (uint64_t)allowance : x->left;
    n = sl_body_receive(c, t, max < INT32_MAX ? (uint32_t)max : INT32_MAX);
    if (n > 0 && x->total >= 0) x->left -= (uint32_t)n;
  } else {
    char more;
    n = sl_recv(c->ch, &more, 1);
    if (n > 0) return fail(t, CURLE_RECV_ERROR, "Body longer than its announced size");
  }
  if (n) return n;
  if (x->total < 0 || !x->left) {
    sl_in_end(t);
    return SL_AGAIN;
  }
  char text[CURL_ERROR_SIZE];
  sl_line line = { text, text + sizeof text };
  sl_line_str(&line, "end of response with ");
  sl_line_int(&line, (int64_t)x->left);
  sl_line_str(&line, " bytes missing");
  return fail(t, CURLE_PARTIAL_FILE, text);
}

static int32_t exchange_input(sl_conn *c)
{
  struct exchange *x = c->protocol_state;
  for (unsigned reads = 0; reads < SL_RUN_READS_MAX; reads++) {
    sl_transfer *t = c->transfers;
    if (!t || !sl_ready_takes(t)) return 0;
    if (t->state.recv == SL_RECV_BODY && x->body_unwanted) {
      sl_in_end(t);
      return 0;
    }
    int64_t allowance = sl_ready_recv(t);
    if (allowance <= 0) return 0;
    int32_t n = t->state.recv == SL_RECV_HEAD ? read_head(c, t) : read_body(c, t, allowance);
    if (n <= 0) return n;
  }
  sl_agenda_ready(c->multi, c); /* others first */
  return 0;
}

static uint32_t exchange_want(sl_conn *c)
{
  const struct exchange *x = c->protocol_state;
  sl_transfer *t = c->transfers;
  if (!t || t->cause) return 0;
  uint32_t want = sl_ready_recv(t) > 0 ? SL_IN : 0;
  bool sends = t->state.send == SL_SEND_BODY && (c->out.len || sl_ready_send(t) > 0);
  return x->out_full && sends ? want | SL_OUT : want;
}

const sl_protocol sl_exchange = {
  .name = "exchange",
  .opened = exchange_opened,
  .room = exchange_room,
  .begin = exchange_begin,
  .input = exchange_input,
  .output = exchange_output,
  .want = exchange_want,
  .resumed = NULL,
  .held = NULL,
  .leave = exchange_leave,
  .closed = exchange_closed,
};
