/* table.h: which scheme is reached how, and which protocol speaks on a channel that opened.
 *
 * What is linked decides what a build has: table.c has all, table_exchange.c only what a host does by itself. */
#ifndef SLUICE_TABLE_H
#define SLUICE_TABLE_H
#include "protocol.h"

/* How a URL's scheme is reached: the kind of channel and its open spec. A host without such channels answers SL_NOSYS,
 * each time, and is asked for the other way; so one module runs over sockets and over fetch, and nobody has to say
 * which it is. Where both are there, the first is taken. */
typedef struct sl_scheme {
  const char *scheme;
  uint32_t kind;
  const char *alpn; /* NULL: none offered */
  const struct sl_scheme *otherwise; /* NULL: there is no other way */
} sl_scheme;
/* NULL: unknown scheme. */
const sl_scheme *sl_scheme_find(const char *scheme);
/* The protocol of a channel that opened. */
const sl_protocol *sl_protocol_find(uint32_t kind, const char *alpn, size_t n);

#endif
