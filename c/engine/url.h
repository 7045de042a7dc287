/* url.h: from a URL as people write it to the parts a transfer needs, and from a reference to a URL.
 * Strict: a doubt is an error.
 *
 * Accepts scheme://[user[:password]@]host[:port][/path][?query][#fragment] with scheme http, https or
 * file; schemes and host names in any case. Owns nothing but the strings of sl_url (malloc). */
#ifndef SLUICE_URL_H
#define SLUICE_URL_H
#include "base.h"
#include "text.h"

typedef struct {
  const char *scheme; /* lower case, static                                             */
  char *host;     /* lower case, IPv6 without brackets, no zone; "" for file           */
  char *target;   /* what goes into the request line: path and query, at least "/"     */
  char *user, *password; /* percent-decoded, NULL when absent                          */
  uint16_t port;  /* the scheme's own when the URL names none; 0 for file              */
  bool host_is_ipv6;
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

/* For callers who let people leave the scheme out ("example.com", "127.0.0.1:8080/x"): a copy of text (free), with `scheme` and
 * "://" in front when it has none. A scheme is a word with ":/" behind it, so "localhost:8080" is a host and a port. scheme NULL:
 * by the host's name, as libcurl guesses: ftp., dict., ldap., imap., smtp. and pop3. are those, all others http. NULL: memory. */
char *sl_url_complete(const char *text, size_t n, const char *scheme);

/* The absolute URL that a reference (the value of a Location header) names, seen from base: RFC 3986, 5.2,
 * strict. *out gets its text: zero-ended, at most SL_URL_MAX bytes, each in 0x21..0x7e, owned by the caller
 * (free); NULL on error. *out is text only: whether it can be fetched, sl_url_parse says. It always takes
 * what came of an http or https base and a path, a query, a fragment or nothing.
 * - base is text that sl_url_parse takes; if not, its error is the answer. Its credentials and its fragment
 *   never come into the result; its scheme, host and port are copied as they are written.
 * - Spaces and tabs around ref are dropped. In it spaces, bytes above 0x7f and control characters are
 *   percent-encoded wherever they are, but a CR, LF or NUL anywhere is SL_URL_MALFORMED. All else stays:
 *   a % without its digits, a backslash, credentials that ref itself brings, %2e (no dot segment).
 * - A ref with a scheme, any scheme, is the result, its dot segments too ("http:g" is "http:g").
 * - An empty ref is base. No dot segments are removed from base's path unless ref brings one.
 * - A ref or a result of more than SL_URL_MAX bytes is SL_URL_MALFORMED. SL_URL_NOMEM: memory is short. */
enum sl_url_error sl_url_join(const char *base, size_t base_len, const char *ref, size_t ref_len, char **out);

/* The path of a file as it stands in a URL and in an open spec (host.h): every byte but letters, digits and
 * -._~/!$&'()*+,;=:@ becomes %XX. The one place that decides; sl_url_parse and hosts undo it. */
void sl_url_add_path(sl_text *to, const char *path);

/* Whether scheme, host and port of two parsed URLs are equal. Hosts are compared as text: "h" is not "h.",
 * "::1" is not "0::1". Two files have one origin. */
bool sl_url_same_origin(const sl_url *a, const sl_url *b);
/* The port that a URL of this scheme goes to when it names none; 0: a file, or a scheme that is not known. */
uint16_t sl_url_default_port(const char *scheme);

#endif
