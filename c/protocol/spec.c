/* spec.c: see spec.h. */
#include "spec.h"
#include <string.h>
#include "../engine/request.h"
#include "../engine/route.h"
#include "exchange.h"
#include "fields.h"
#include "table.h"

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
  sl_route to;
  CURLcode bad = sl_route_find(o->connect_to, o->resolve, t->url.host, t->url.port, &to);
  if (bad) return bad;
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
  if (scheme->kind == SL_EXCHANGE) {
    if (!sl_fields_sound(t)) return CURLE_BAD_FUNCTION_ARGUMENT;
    sl_exchange_compose(t, spec);
  }
  return spec->failed ? CURLE_OUT_OF_MEMORY : CURLE_OK;
}
