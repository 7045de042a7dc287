/* protocol.c: which scheme is reached how, and which protocol speaks on a channel that opened. */
#include "protocol.h"
#include <string.h>
#include "../engine/route.h"
#include "../engine/request.h"

static const sl_scheme exchanges[] = {
  { "http", 80, SL_EXCHANGE, NULL, NULL },
  { "https", 443, SL_EXCHANGE, NULL, NULL },
};

static const sl_scheme schemes[] = {
  { "http", 80, SL_TCP, NULL, &exchanges[0] },
  { "https", 443, SL_TLS, "http/1.1", &exchanges[1] },
  { "file", 0, SL_FILE, NULL, NULL },
};

const sl_scheme *sl_scheme_find(const char *scheme)
{
  for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++)
    if (!strcmp(schemes[i].scheme, scheme)) return &schemes[i];
  return NULL;
}

const sl_protocol *sl_protocol_find(uint32_t kind, const char *alpn, size_t n)
{
  if (kind == SL_FILE) return &sl_file;
  if (kind == SL_EXCHANGE) return &sl_exchange;
  if (kind != SL_TCP && kind != SL_TLS) return NULL;
  return !n || (n == 8 && !memcmp(alpn, "http/1.1", 8)) ? &sl_http1 : NULL;
}

/* One line of the spec; a value that is absent makes no line. Line breaks were refused by options.c and url.c. */
static void line(sl_text *spec, const char *key, const char *value)
{
  if (!value || !*value) return;
  sl_text_str(spec, key);
  sl_text_str(spec, " ");
  sl_text_str(spec, value);
  sl_text_str(spec, "\n");
}

static CURLcode file_spec(const sl_transfer *t, sl_text *spec)
{
  sl_text_str(spec, "path ");
  sl_url_add_path(spec, t->url.target);
  sl_text_str(spec, sl_request_writes_file(t) ? "\nmode write\n" : "\nmode read\n");
  return spec->failed ? CURLE_OUT_OF_MEMORY : CURLE_OK;
}

CURLcode sl_spec_compose(const sl_transfer *t, const sl_scheme *scheme, sl_text *spec)
{
  const sl_options *o = t->options;
  if (scheme->kind == SL_FILE) return file_spec(t, spec);
  sl_route to = sl_route_find(o, t->url.host, t->url.port);
  if (to.changed && strcmp(t->url.scheme, "http")) return CURLE_NOT_BUILT_IN; /* the name rules trust */
  sl_text_str(spec, "name ");
  sl_text_add(spec, to.host, to.host_n);
  sl_text_str(spec, "\nport ");
  sl_text_int(spec, to.port);
  sl_text_str(spec, "\n");
  line(spec, "unix", o->unix_socket);
  line(spec, "local", o->interface_);
  if (o->ip_resolve == CURL_IPRESOLVE_V4) line(spec, "family", "4");
  if (o->ip_resolve == CURL_IPRESOLVE_V6) line(spec, "family", "6");
  if (!strcmp(scheme->scheme, "https")) { /* whoever speaks HTTP */
    /* The door knows one word for both checks. */
    if (o->verify_peer && !o->verify_host) return CURLE_NOT_BUILT_IN;
    line(spec, "alpn", scheme->alpn);
    if (!o->verify_peer) line(spec, "verify", "0");
    line(spec, "ca", o->ca);
    line(spec, "cert", o->cert);
    line(spec, "key", o->key);
  }
  if (scheme->kind == SL_EXCHANGE) sl_exchange_compose(t, spec);
  return spec->failed ? CURLE_OUT_OF_MEMORY : CURLE_OK;
}
