/* route.h: where a connection really goes, when CURLOPT_CONNECT_TO or CURLOPT_RESOLVE say so. Pure: owns nothing.
 *
 * CONNECT_TO: "HOST:PORT:TO_HOST:TO_PORT", each part may be empty: any, or unchanged. The first that fits rules.
 * RESOLVE: "[+]HOST:PORT:ADDRESS", HOST may be *; the last that fits rules. "-HOST:PORT" takes earlier ones back. One
 * literal address each: several are NOT_BUILT_IN, for a connection is opened by one name. IPv6 stands in brackets.
 * Host header, credentials and redirects go by the URL as before. Not for https: there the name rules trust. */
#ifndef SLUICE_ROUTE_H
#define SLUICE_ROUTE_H
#include <curl/curl.h>
#include "base.h"

typedef struct {
  const char *host; /* not zero-ended, without brackets */
  size_t host_n;
  uint16_t port;
  bool changed;
} sl_route;

/* Whether every entry of a list can be understood: CURLE_OK, SETOPT_OPTION_SYNTAX (49) or NOT_BUILT_IN. */
CURLcode sl_route_check(int option, const struct curl_slist *list);
/* The lists are borrowed, and a program may have appended to them since they were set: they are read anew, and every
 * entry is checked again. The same answers; *to is good with CURLE_OK only. */
CURLcode sl_route_find(const struct curl_slist *connect, const struct curl_slist *resolve, const char *host, uint16_t port,
                       sl_route *to);

#endif
