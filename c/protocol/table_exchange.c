/* table_exchange.c: in the place of table.c where there are no sockets and no files: the host does HTTP. */
#include <string.h>
#include "protocol.h"
#include "table.h"

static const sl_scheme schemes[] = {
  { "http", SL_EXCHANGE, NULL, NULL },
  { "https", SL_EXCHANGE, NULL, NULL },
};

const sl_scheme *sl_scheme_find(const char *scheme)
{
  for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++)
    if (!strcmp(schemes[i].scheme, scheme)) return &schemes[i];
  return NULL;
}

const sl_protocol *sl_protocol_find(uint32_t kind, const char *alpn, size_t n)
{
  (void)alpn, (void)n;
  return kind == SL_EXCHANGE ? &sl_exchange : NULL;
}
