/* table.c: which scheme is reached how, and which protocol speaks on a channel that opened: all there are.
 *
 * What is linked instead of this decides what a build has; nothing else in it asks. What a table does not name is not
 * linked either, where the core is linked from an archive. */
#include "table.h"
#include <string.h>
#include "protocol.h"

static const sl_scheme exchanges[] = {
  { "http", SL_EXCHANGE, NULL, NULL },
  { "https", SL_EXCHANGE, NULL, NULL },
};

static const sl_scheme schemes[] = {
  { "http", SL_TCP, NULL, &exchanges[0] },
  { "https", SL_TLS, "http/1.1", &exchanges[1] },
  { "file", SL_FILE, NULL, NULL },
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
