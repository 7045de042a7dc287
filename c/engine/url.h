/* url.h: from a URL as people write it to the parts a transfer needs. Strict: a doubt is an error.
 *
 * Accepts scheme://[user[:password]@]host[:port][/path][?query][#fragment] with scheme http, https or
 * file; schemes and host names in any case. Owns nothing but the strings of sl_url (malloc). */
#ifndef SLUICE_URL_H
#define SLUICE_URL_H
#include "base.h"

typedef struct {
  char *scheme;   /* lower case                                                        */
  char *host;     /* lower case, IPv6 without brackets, no zone; "" for file           */
  char *target;   /* what goes into the request line: path and query, at least "/"     */
  char *user, *password; /* percent-decoded, NULL when absent                          */
  uint16_t port;  /* the scheme's own when the URL names none; 0 for file              */
  bool port_given, host_is_ipv6;
} sl_url;

enum sl_url_error { SL_URL_OK, SL_URL_MALFORMED, SL_URL_SCHEME, SL_URL_PORT, SL_URL_HOST, SL_URL_CREDENTIALS, SL_URL_NOMEM };

/* Parse n bytes. On error *url is empty and *why (never NULL) is a short English phrase naming what is
 * wrong, static. A control character, a space, a byte above 0x7f in the host, an empty host, a port
 * outside 1..65535, a backslash in the authority are errors. Bytes above 0x7f and spaces are refused in
 * the target too: the caller percent-encodes. A fragment is dropped.
 * A file's target is its path, percent-decoded; a query or a control character in it is an error.
 * "http://h:/" names no port, "http://@h/" no user; a second '@' is an error. */
enum sl_url_error sl_url_parse(const char *text, size_t n, sl_url *url, const char **why);
void sl_url_free(sl_url *url);

#endif
