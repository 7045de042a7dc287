/* request.c: see request.h. */
#include "request.h"
#include <stdlib.h>
#include <string.h>

void sl_request_begin(sl_transfer *t)
{
  sl_request_clear(t);
  t->redirects = 0;
  t->after = SL_AFTER_NOTHING;
  t->body_dropped = t->hop_now = t->no_expect = t->login_asked = t->body_ignored = false;
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
  sl_text_str(text, u->scheme);
  sl_text_str(text, u->host_is_ipv6 ? "://[" : "://");
  sl_text_str(text, u->host);
  if (u->host_is_ipv6) sl_text_str(text, "]");
  if (u->port && u->port != sl_url_default_port(u->scheme)) {
    sl_text_str(text, ":");
    sl_text_int(text, u->port);
  }
  if (!strcmp(u->scheme, "file")) sl_url_add_path(text, u->target); /* it was decoded */
  else sl_text_str(text, u->target);
}

const char *sl_request_plain_method(const sl_options *o)
{
  if (o->nobody) return "HEAD";
  if (o->upload) return "PUT";
  return o->post ? "POST" : "GET";
}

const char *sl_request_method(const sl_transfer *t)
{
  const sl_options *o = t->options;
  if (o->custom_request && (!t->body_dropped || o->follow == CURLFOLLOW_ALL)) return o->custom_request;
  return t->body_dropped ? "GET" : sl_request_plain_method(o);
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
