/* request.c: see request.h. */
#include "request.h"
#include <stdlib.h>
#include <string.h>
#include "../protocol/protocol.h"
#include "clocks.h"
#include "connection.h"
#include "multi.h"

void sl_request_begin(sl_transfer *t)
{
  sl_request_clear(t);
  t->redirects = 0;
  t->body_dropped = t->redirecting = t->hop_now = t->repeating = t->no_expect = t->login_asked = t->body_ignored = false;
  t->login_offered = 0;
  t->range_from = t->range_total = -1;
  t->body_read = 0;
  t->send_total = -1;
}

void sl_request_clear(sl_transfer *t)
{
  free(t->location);
  t->location = NULL;
  sl_url_free(&t->initial);
}

void sl_request_url(const sl_transfer *t, sl_text *text)
{
  const sl_url *u = &t->url;
  const sl_scheme *scheme = sl_scheme_find(u->scheme);
  sl_text_str(text, u->scheme);
  sl_text_str(text, u->host_is_ipv6 ? "://[" : "://");
  sl_text_str(text, u->host);
  if (u->host_is_ipv6) sl_text_str(text, "]");
  if (u->port && (!scheme || u->port != scheme->port)) {
    sl_text_str(text, ":");
    sl_text_int(text, u->port);
  }
  if (scheme && scheme->kind == SL_FILE) sl_url_add_path(text, u->target); /* it was decoded */
  else sl_text_str(text, u->target);
}

static const char *plain_method(const sl_options *o)
{
  if (o->nobody) return "HEAD";
  if (o->upload) return "PUT";
  return o->post ? "POST" : "GET";
}

const char *sl_request_method(const sl_transfer *t)
{
  const sl_options *o = t->options;
  if (o->custom_request && (!t->body_dropped || o->follow == CURLFOLLOW_ALL)) return o->custom_request;
  return t->body_dropped ? "GET" : plain_method(o);
}

bool sl_request_idempotent(const sl_transfer *t)
{
  static const char *const methods[] = { "GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE" };
  const char *method = sl_request_method(t);
  for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
    if (!strcmp(method, methods[i])) return true;
  return false;
}

bool sl_request_has_body(const sl_transfer *t)
{
  const sl_options *o = t->options;
  return !t->body_dropped && !o->nobody && (o->upload || o->post);
}

bool sl_request_writes_file(const sl_transfer *t) { return t->options->upload && !t->options->nobody; }

bool sl_request_at_home(const sl_transfer *t)
{
  return !t->initial.host || sl_url_same_origin(&t->initial, &t->url);
}

bool sl_request_trusted(const sl_transfer *t) { return t->options->unrestricted_auth || sl_request_at_home(t); }

/* R1: how much may still come; a body that ends before its size ends the transfer. */
static uint64_t body_left(const sl_transfer *t)
{
  return t->send_total < 0 ? UINT64_MAX : (uint64_t)t->send_total - t->body_read;
}

static int32_t body_short(sl_transfer *t)
{
  char text[CURL_ERROR_SIZE];
  sl_line line = { text, text + sizeof text };
  sl_line_str(&line, "client read function EOF fail, only ");
  sl_line_int(&line, (int64_t)t->body_read);
  sl_line_str(&line, "/");
  sl_line_int(&line, t->send_total);
  sl_line_str(&line, " of needed bytes read");
  sl_transfer_stop(t, SL_CAUSE_CALLBACK, CURLE_READ_ERROR, text);
  return SL_SINK_FAILED;
}

/* What the user answered, for at most cap bytes. */
static int32_t body_answer(sl_transfer *t, int64_t n, uint32_t cap)
{
  if (t->cause || n == SL_SINK_FAILED) {
    sl_transfer_stop(t, SL_CAUSE_CALLBACK, CURLE_READ_ERROR, NULL);
    return SL_SINK_FAILED;
  }
  if (n == SL_SINK_PAUSED) {
    sl_transfer_pause(t, sl_gate_paused(&t->gate) | SL_DIR_SEND, SL_BY_CALLBACK); /* R2 */
    return SL_AGAIN;
  }
  if (n > (int64_t)cap || (n < 0 && n != SL_AGAIN)) {
    sl_transfer_stop(t, SL_CAUSE_CALLBACK, CURLE_READ_ERROR, "read function returned funny value");
    return SL_SINK_FAILED;
  }
  return n == 0 && t->send_total >= 0 && body_left(t) ? body_short(t) : (int32_t)n;
}

/* B2: not when another thread has just paused or stopped it. */
static bool may_ask(sl_transfer *t)
{
  sl_transfer_sample(t);
  return !t->cause && !(sl_gate_paused(&t->gate) & SL_DIR_SEND);
}

bool sl_request_body_gone(const sl_transfer *t)
{
  return !body_left(t) && (t->send_total || !t->user->ready);
}

int32_t sl_request_read(sl_transfer *t, char *buf, uint32_t cap)
{
  uint64_t left = body_left(t);
  if (!left && !sl_request_body_gone(t)) return sl_request_ready(t);
  if (!left || !t->user->read) return 0;
  if (cap > left) cap = (uint32_t)left;
  if (!may_ask(t)) return SL_AGAIN;
  t->multi->in_callback++;
  int32_t n = t->user->read(t, buf, cap);
  t->multi->in_callback--;
  n = body_answer(t, n, cap);
  if (n > 0) sl_request_moved(t, (uint32_t)n);
  return n;
}

int32_t sl_request_ready(sl_transfer *t)
{
  uint64_t left = body_left(t);
  if (!t->user->ready) return SL_NOSYS;
  if (sl_request_body_gone(t)) return 0;
  if (!may_ask(t)) return SL_AGAIN;
  t->multi->in_callback++;
  int32_t n = t->user->ready(t);
  t->multi->in_callback--;
  if (n > 0 && (sl_gate_paused(&t->gate) & SL_DIR_SEND)) return SL_AGAIN; /* it paused itself: nothing was taken */
  if (n > 0 && (uint64_t)n > left) n = (int32_t)left;
  if (n >= 0 && !left) return 0;
  return body_answer(t, n, INT32_MAX);
}

void sl_request_moved(sl_transfer *t, uint32_t n)
{
  t->body_read += n;
  t->sent += n;
  sl_transfer_charge_sent(t, n);
}

bool sl_request_rewind(sl_transfer *t, const char *message)
{
  if (!t->body_read) return true;
  t->multi->in_callback++;
  bool rewound = t->user->rewind && t->user->rewind(t);
  t->multi->in_callback--;
  if (rewound) t->body_read = t->sent = 0;
  else sl_transfer_stop(t, SL_CAUSE_CALLBACK, CURLE_SEND_FAIL_REWIND, message);
  return rewound;
}

bool sl_request_location(sl_transfer *t, const char *value, size_t n)
{
  const sl_options *o = t->options;
  unsigned s = t->status;
  if ((s != 301 && s != 302 && s != 303 && s != 307 && s != 308) || !n) return false;
  free(t->location);
  t->location = sl_copy(value, n);
  if (!t->location) sl_transfer_stop(t, SL_CAUSE_HOST, CURLE_OUT_OF_MEMORY, NULL);
  if (!o->follow || t->cause) return false;
  return t->redirecting = true;
}

void sl_request_location_told(sl_transfer *t)
{
  const sl_options *o = t->options;
  if (!t->redirecting || t->repeating || o->max_redirects < 0 || t->redirects < o->max_redirects) return;
  char text[CURL_ERROR_SIZE];
  sl_line line = { text, text + sizeof text };
  sl_line_str(&line, "Maximum (");
  sl_line_int(&line, o->max_redirects);
  sl_line_str(&line, ") redirects followed");
  sl_transfer_stop(t, SL_CAUSE_LIMIT, CURLE_TOO_MANY_REDIRECTS, text);
}

/* Go to where it is once more. */
static bool repeat(sl_transfer *t)
{
  free(t->location);
  t->location = sl_copy(t->url.target, strlen(t->url.target));
  if (!t->location) sl_transfer_stop(t, SL_CAUSE_HOST, CURLE_OUT_OF_MEMORY, NULL);
  else t->redirecting = t->repeating = true;
  return t->location != NULL;
}

void sl_request_without_expect(sl_transfer *t)
{
  if (!t->no_expect && repeat(t)) t->no_expect = true;
}

void sl_request_with_login(sl_transfer *t)
{
  if (!t->login_asked && repeat(t)) t->login_asked = true;
}

void sl_request_challenge(sl_transfer *t, const char *value, size_t n)
{
  static const struct { const char *word; uint32_t method; } methods[] = {
    { "Basic", CURLAUTH_BASIC }, { "Digest", CURLAUTH_DIGEST }, { "Negotiate", CURLAUTH_NEGOTIATE }, { "NTLM", CURLAUTH_NTLM },
    { "Bearer", CURLAUTH_BEARER },
  };
  for (size_t i = 0, len; i < n && t->status == 401; i += len) {
    for (len = 0; i + len < n && !strchr(" \t,=\"", value[i + len]);) len++;
    if (value[i] == '"') /* what a quoted value says is no method */
      for (len = 1; i + len < n && value[i + len] != '"';) len += value[i + len] == '\\' ? 2 : 1;
    bool name = i + len < n && value[i + len] == '=', of_name = i && value[i - 1] == '=';
    for (size_t m = 0; !name && !of_name && m < sizeof methods / sizeof *methods; m++)
      if (sl_equal_nocase(value + i, len, methods[m].word)) t->login_offered |= methods[m].method;
    if (!len || value[i] == '"') len++;
  }
}

void sl_request_content_range(sl_transfer *t, const char *value, size_t n)
{
  const char *end = value + n, *p = value, *slash = memchr(value, '/', n);
  uint64_t number;
  t->range_from = t->range_total = -1;
  if (n < 6 || !sl_equal_nocase(p, 5, "bytes") || (p[5] != ' ' && p[5] != '=') || !slash) return;
  for (p += 6; p < slash && *p == ' ';) p++;
  const char *dash = memchr(p, '-', (size_t)(slash - p));
  if (dash && sl_parse_uint(p, (size_t)(dash - p), INT64_MAX, &number)) t->range_from = (int64_t)number;
  while (end > slash + 1 && (end[-1] == ' ' || end[-1] == '\t')) end--;
  if (sl_parse_uint(slash + 1, (size_t)(end - slash - 1), INT64_MAX, &number)) t->range_total = (int64_t)number;
}

bool sl_request_resumed(sl_transfer *t)
{
  int64_t from = t->options->resume_from;
  if (!from || !t->status || t->redirecting) return true;
  if (t->status == 206 && t->range_from == from) return true;
  if (t->status == 416 && t->range_total == from) return t->body_ignored = true; /* it has all there is */
  if (t->status >= 400 && t->options->fail_on_error) return true; /* that is said instead */
  char text[CURL_ERROR_SIZE];
  sl_line line = { text, text + sizeof text };
  sl_line_str(&line, t->status == 206 ? "Cannot resume: the server sent another range than was asked for"
                                      : "Cannot resume: the server did not send the rest, but status ");
  if (t->status != 206) sl_line_int(&line, t->status);
  sl_transfer_stop(t, SL_CAUSE_PEER, CURLE_RANGE_ERROR, text);
  return false;
}

/* Whether this status drops the body, and with it the method, but for a custom word that is to stay. */
static bool becomes_get(const sl_transfer *t)
{
  const sl_options *o = t->options;
  const char *method = o->custom_request && o->follow != CURLFOLLOW_ALL ? o->custom_request : plain_method(o);
  if (!strcmp(method, "HEAD") || !strcmp(method, "GET") || t->body_dropped) return false;
  switch (t->status) {
  case 301: return !strcmp(method, "POST") && !(o->post_redirect & CURL_REDIR_POST_301);
  case 302: return !strcmp(method, "POST") && !(o->post_redirect & CURL_REDIR_POST_302);
  case 303: return strcmp(method, "POST") || !(o->post_redirect & CURL_REDIR_POST_303);
  default: return false;
  }
}

static bool scheme_allowed(const sl_transfer *t, const char *scheme)
{
  if (!strcmp(scheme, "file")) return false; /* no server says which files are read here */
  return t->options->protocols & t->options->redirect_protocols & sl_protocol_bit(scheme, strlen(scheme));
}

/* The URL of the hop into `to`; false: stopped. */
static bool resolve(sl_transfer *t, sl_url *to)
{
  sl_text base = { .max = SL_URL_MAX };
  const char *why = "malformed Location";
  char *text = NULL;
  sl_request_url(t, &base);
  enum sl_url_error bad = base.failed ? SL_URL_NOMEM
                                      : sl_url_join(base.data, base.len, t->location, strlen(t->location), &text);
  if (!bad) bad = sl_url_parse(text, strlen(text), to, &why);
  if (!bad && !scheme_allowed(t, to->scheme)) {
    bad = SL_URL_SCHEME;
    why = "the scheme is not allowed";
    sl_url_free(to);
  }
  sl_text_free(&base);
  free(text);
  if (!bad) return true;
  CURLcode code = bad == SL_URL_NOMEM ? CURLE_OUT_OF_MEMORY
                  : bad == SL_URL_SCHEME ? CURLE_UNSUPPORTED_PROTOCOL : CURLE_URL_MALFORMAT;
  char said[CURL_ERROR_SIZE];
  sl_line line = { said, said + sizeof said };
  sl_line_str(&line, "Redirect that cannot be followed: ");
  sl_line_str(&line, why);
  sl_line_str(&line, ": ");
  sl_line_str(&line, t->location);
  sl_transfer_stop(t, SL_CAUSE_PEER, code, said);
  return false;
}

bool sl_request_hop(sl_transfer *t)
{
  sl_url to;
  SL_ASSERT(!sl_gate_holds(&t->gate));
  if (!resolve(t, &to)) return false;
  if (becomes_get(t)) t->body_dropped = true;
  else if (!sl_request_rewind(t, "necessary data rewind was not possible")) {
    sl_url_free(&to);
    return false;
  }
  if (t->initial.host) sl_url_free(&t->url);
  else t->initial = t->url;
  t->url = to;
  if (!t->repeating) t->redirects++;
  t->range_from = t->range_total = -1;
  t->redirecting = t->hop_now = t->repeating = false;
  free(t->location);
  t->location = NULL;
  return true;
}
