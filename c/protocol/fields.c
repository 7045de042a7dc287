/* fields.c: see fields.h. */
#include "fields.h"
#include <string.h>
#include "../engine/request.h"

static void header_base64(sl_text *out, const char *s, size_t n)
{
  static const char set[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (size_t i = 0; i < n; i += 3) {
    uint32_t v = (uint32_t)(uint8_t)s[i] << 16;
    if (i + 1 < n) v |= (uint32_t)(uint8_t)s[i + 1] << 8;
    if (i + 2 < n) v |= (uint8_t)s[i + 2];
    char q[4] = { set[v >> 18], set[v >> 12 & 63], i + 1 < n ? set[v >> 6 & 63] : '=', i + 2 < n ? set[v & 63] : '=' };
    sl_text_add(out, q, 4);
  }
}

static size_t name_length(const char *line) { return line ? strcspn(line, ":;") : 0; }

static const struct curl_slist *own_list(const sl_options *o) { return o->headers ? o->headers : o->own_headers; }

bool sl_fields_sound(const sl_transfer *t) { return sl_headers_valid(own_list(t->options)); }

bool sl_field_own(const sl_options *o, const char *name)
{
  for (const struct curl_slist *h = own_list(o); h; h = h->next)
    if (sl_equal_nocase(h->data, name_length(h->data), name)) return true;
  return false;
}

void sl_field_add(const sl_options *o, sl_text *out, const char *name, const char *value)
{
  if (!value || sl_field_own(o, name)) return;
  sl_text_str(out, name);
  sl_text_str(out, ": ");
  sl_text_str(out, value);
  sl_text_str(out, "\r\n");
}

bool sl_field_own_is(const sl_options *o, const char *name, const char *value)
{
  for (const struct curl_slist *h = own_list(o); h; h = h->next) {
    size_t n = name_length(h->data);
    if (!n || h->data[n] != ':' || !sl_equal_nocase(h->data, n, name)) continue;
    const char *text = h->data + n + 1 + strspn(h->data + n + 1, " \t");
    if (sl_equal_nocase(text, strcspn(text, " \t"), value)) return true;
  }
  return false;
}

/* Credentials do not go to another host (request.h), nor does the first one's name. */
static bool own_header_goes(const sl_transfer *t, const char *line)
{
  size_t n = name_length(line);
  if (sl_equal_nocase(line, n, "Host")) return sl_request_at_home(t);
  return sl_request_trusted(t) || !(sl_equal_nocase(line, n, "Authorization") || sl_equal_nocase(line, n, "Cookie"));
}

/* What frames a body is written by the protocol, which knows what it sends: two framings at once, two lengths or a length of
 * nothing that comes would make a server take a part of one request for another (RFC 9112, 6). Without a body an own
 * Content-Length of 0 says so. Headers that speak of a body go only with one: a redirect may have dropped it. */
static bool own_header_fits(const sl_transfer *t, const char *line)
{
  size_t n = name_length(line);
  if (sl_equal_nocase(line, n, "Transfer-Encoding")) return false;
  if (sl_equal_nocase(line, n, "Content-Length")) return false;
  return !t->body_dropped || !(sl_equal_nocase(line, n, "Content-Type") || sl_equal_nocase(line, n, "Expect"));
}

bool sl_fields_frame(const sl_options *o)
{
  for (const struct curl_slist *h = own_list(o); h; h = h->next) {
    size_t n = name_length(h->data);
    if (!n || h->data[n] != ':' || !sl_equal_nocase(h->data, n, "Transfer-Encoding")) continue;
    const char *value = h->data + n + 1;
    size_t len = strlen(value);
    while (len && (*value == ' ' || *value == '\t')) value++, len--;
    while (len && (value[len - 1] == ' ' || value[len - 1] == '\t')) len--;
    if (len && !sl_equal_nocase(value, len, "chunked")) return false;
  }
  return true;
}

/* "Name: value" as it is; "Name;" an empty header; "Name:" removes, so adds nothing. */
static void add_own_headers(const sl_transfer *t, sl_text *out)
{
  for (const struct curl_slist *h = own_list(t->options); h; h = h->next) {
    size_t n = name_length(h->data);
    if (!own_header_goes(t, h->data) || !own_header_fits(t, h->data)) continue;
    const char *value = h->data + n;
    bool empty = *value == ';' && !value[1 + strspn(value + 1, " \t")];
    if (*value == ':' && !value[1 + strspn(value + 1, " \t")]) continue;
    if (*value != ':' && !empty) continue;
    if (empty) {
      sl_text_add(out, h->data, n);
      sl_text_str(out, ":");
    } else sl_text_str(out, h->data);
    sl_text_str(out, "\r\n");
  }
}

void sl_field_add_host(const sl_transfer *t, sl_text *out)
{
  if (sl_field_own(t->options, "Host") && sl_request_at_home(t)) return;
  sl_text_str(out, t->url.host_is_ipv6 ? "Host: [" : "Host: ");
  sl_text_str(out, t->url.host);
  if (t->url.host_is_ipv6) sl_text_str(out, "]");
  if (t->url.port != sl_url_default_port(t->url.scheme)) {
    sl_text_str(out, ":");
    sl_text_int(out, t->url.port);
  }
  sl_text_str(out, "\r\n");
}

/* The URL whose credentials go now: those of the first URL hold where it is trusted; a redirect's own may bring others. */
static const sl_url *login_url(const sl_transfer *t)
{
  return t->url.user || !sl_request_trusted(t) || !t->initial.host ? &t->url : &t->initial;
}

static bool has_login(const sl_transfer *t)
{
  const sl_options *o = t->options;
  if (o->auth_none || (sl_field_own(o, "Authorization") && sl_request_trusted(t))) return false;
  return (o->userpwd && sl_request_trusted(t)) || login_url(t)->user;
}

bool sl_fields_login_waits(const sl_transfer *t)
{
  return t->status == 401 && t->options->auth_asks && !t->login_asked && (t->login_offered & CURLAUTH_BASIC) && has_login(t);
}

bool sl_fields_logs_in(const sl_transfer *t) { return has_login(t) && (!t->options->auth_asks || t->login_asked); }

static void add_authorization(const sl_transfer *t, sl_text *out)
{
  const sl_options *o = t->options;
  const sl_url *from = login_url(t);
  if (!sl_fields_logs_in(t)) return;
  sl_text plain = { .max = SL_URL_MAX };
  if (o->userpwd && sl_request_trusted(t)) sl_text_str(&plain, o->userpwd);
  else {
    sl_text_str(&plain, from->user);
    sl_text_str(&plain, ":");
    sl_text_str(&plain, from->password ? from->password : "");
  }
  sl_text_str(out, "Authorization: Basic ");
  if (plain.failed) out->failed = true;
  else header_base64(out, plain.data, plain.len);
  sl_text_str(out, "\r\n");
  sl_text_free(&plain);
}

static void add_range(const sl_transfer *t, sl_text *out)
{
  const sl_options *o = t->options;
  if (!(o->range || o->resume_from) || sl_field_own(o, "Range")) return;
  sl_text_str(out, "Range: bytes=");
  if (o->resume_from) {
    sl_text_int(out, o->resume_from);
    sl_text_str(out, "-");
  } else sl_text_str(out, o->range);
  sl_text_str(out, "\r\n");
}

void sl_fields_compose(const sl_transfer *t, sl_text *out)
{
  const sl_options *o = t->options;
  add_authorization(t, out);
  sl_field_add(o, out, "User-Agent", o->user_agent);
  sl_field_add(o, out, "Accept", "*/*");
  sl_field_add(o, out, "Referer", o->referer);
  if (sl_request_trusted(t)) sl_field_add(o, out, "Cookie", o->cookie);
  add_range(t, out);
  if (!sl_request_has_body(t) && !t->body_dropped && sl_field_own_is(o, "Content-Length", "0"))
    sl_text_str(out, "Content-Length: 0\r\n");
  add_own_headers(t, out);
}

int64_t sl_fields_body_size(const sl_transfer *t)
{
  const sl_options *o = t->options;
  int64_t size = o->post && !o->upload ? o->post_size : o->upload_size;
  return size < 0 && o->post_fields && !o->upload ? (int64_t)strlen(o->post_fields) : size;
}
