/* url.c: see url.h.
 *
 * Owns nothing between calls. The text is cut into spans from the outside in: fragment, scheme, authority
 * (credentials, host, port), target; each span is checked by the one function that reads it. Strings are
 * copied only when their span has been found right. */
#include "url.h"
#include <stdlib.h>
#include <string.h>
#include "text.h"

#define HOST_MAX 254 /* bytes of a host name: DNS allows 253 and a dot at the end */

typedef struct { const char *at; size_t n; } span;

static const struct { const char *name; uint16_t port; } schemes[] = {
  { "http", 80 }, { "https", 443 }, { "file", 0 }
};

/* Every refusal passes here: its words and its code. */
static enum sl_url_error refuse(const char **why, enum sl_url_error error, const char *words)
{
  *why = words;
  return error;
}

static bool is_digit(char c) { return c >= '0' && c <= '9'; }
static bool is_alpha(char c) { return sl_lower(c) >= 'a' && sl_lower(c) <= 'z'; }

/* Value of a hex digit, or -1. */
static int hex_value(char c)
{
  if (is_digit(c)) return c - '0';
  c = sl_lower(c);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Where c first occurs in s, or s.n. */
static size_t span_find(span s, char c)
{
  const char *p = s.n ? memchr(s.at, c, s.n) : NULL;
  return p ? (size_t)(p - s.at) : s.n;
}

static span span_from(span s, size_t i) { return (span){ s.at + i, s.n - i }; }

static bool is_plain_ascii(span s)
{
  for (size_t i = 0; i < s.n; i++)
    if ((unsigned char)s.at[i] > 0x7e) return false;
  return true;
}

/* A copy of s in lower case, or NULL. */
static char *copy_lower(span s)
{
  char *copy = sl_copy(s.at, s.n);
  for (size_t i = 0; copy && i < s.n; i++) copy[i] = sl_lower(copy[i]);
  return copy;
}

/* *out gets s percent-decoded. A NUL would end the string early for whoever reads it: refused. */
static enum sl_url_error percent_decode(span s, char **out, const char **why, enum sl_url_error error)
{
  char *to = malloc(s.n + 1);
  if (!to) return refuse(why, SL_URL_NOMEM, "out of memory");
  *out = to; /* sl_url_free has it from here on */
  for (size_t i = 0; i < s.n; i++) {
    char c = s.at[i];
    if (c == '%') {
      int high = i + 1 < s.n ? hex_value(s.at[i + 1]) : -1;
      int low = i + 2 < s.n ? hex_value(s.at[i + 2]) : -1;
      *to = 0;
      if (high < 0 || low < 0) return refuse(why, error, "a % that two hex digits do not follow");
      c = (char)(high * 16 + low);
      if (!c) return refuse(why, error, "a NUL (%00)");
      i += 2;
    }
    *to++ = c;
  }
  *to = 0;
  return SL_URL_OK;
}

/* Four numbers 0..255 with dots between, no leading zeros. */
static bool is_ipv4(span s)
{
  for (int i = 0; i < 4; i++) {
    size_t n = span_find(s, '.');
    uint64_t v;
    if ((n < s.n) != (i < 3) || n > 3 || (n > 1 && s.at[0] == '0')) return false;
    if (!sl_parse_uint(s.at, n, 255, &v)) return false;
    if (i < 3) s = span_from(s, n + 1);
  }
  return true;
}

/* Groups of one to four hex digits, `::` at most once, the last two groups perhaps as IPv4. */
static bool is_ipv6(span s)
{
  unsigned groups = 0;
  bool gap = false;
  if (s.n >= 2 && s.at[0] == ':' && s.at[1] == ':') {
    gap = true;
    s = span_from(s, 2);
    if (!s.n) return true;
  }
  for (;;) {
    size_t n = span_find(s, ':');
    if (n == s.n && span_find(s, '.') < s.n) {
      if (!is_ipv4(s)) return false;
      groups += 2;
      break;
    }
    if (n < 1 || n > 4) return false;
    for (size_t i = 0; i < n; i++)
      if (hex_value(s.at[i]) < 0) return false;
    groups++;
    if (n == s.n) break;
    s = span_from(s, n + 1);
    if (s.n && s.at[0] == ':') {
      if (gap) return false;
      gap = true;
      s = span_from(s, 1);
      if (!s.n) break;
    }
  }
  return gap ? groups < 8 : groups == 8;
}

/* Letters, digits, '-' and '_' in labels that are not empty; a dot at the end is allowed. What looks like an
 * address in an old notation is passed on as it is: the host decides. */
static bool is_host_name(span s)
{
  if (s.n > HOST_MAX || s.at[0] == '.') return false;
  for (size_t i = 0; i < s.n; i++) {
    char c = s.at[i];
    if (c == '.' ? s.at[i - 1] == '.' : !is_alpha(c) && !is_digit(c) && c != '-' && c != '_') return false;
  }
  return true;
}

static enum sl_url_error parse_credentials(span s, sl_url *url, const char **why)
{
  if (span_find(s, '@') < s.n) return refuse(why, SL_URL_CREDENTIALS, "more than one @");
  if (!is_plain_ascii(s)) return refuse(why, SL_URL_CREDENTIALS, "a non-ASCII byte in the credentials");
  if (!s.n) return SL_URL_OK;
  size_t colon = span_find(s, ':');
  enum sl_url_error error = percent_decode((span){ s.at, colon }, &url->user, why, SL_URL_CREDENTIALS);
  if (error || colon == s.n) return error;
  return percent_decode(span_from(s, colon + 1), &url->password, why, SL_URL_CREDENTIALS);
}

static enum sl_url_error parse_port(span s, sl_url *url, const char **why)
{
  uint64_t port;
  if (!s.n) return SL_URL_OK; /* "host:" is the same as "host" */
  if (!sl_parse_uint(s.at, s.n, UINT16_MAX, &port) || !port)
    return refuse(why, SL_URL_PORT, "the port is not a number from 1 to 65535");
  url->port = (uint16_t)port;
  url->port_given = true;
  return SL_URL_OK;
}

static enum sl_url_error parse_host_port(span s, sl_url *url, const char **why)
{
  span host = { s.at, span_find(s, ':') };
  size_t end = host.n;
  if (s.n && s.at[0] == '[') {
    end = span_find(s, ']') + 1;
    if (end > s.n) return refuse(why, SL_URL_HOST, "a [ without its ]");
    if (end < s.n && s.at[end] != ':') return refuse(why, SL_URL_HOST, "something but a port behind ]");
    host = (span){ s.at + 1, end - 2 };
    if (!is_ipv6(host)) return refuse(why, SL_URL_HOST, "what is in [ ] is not an IPv6 address");
    url->host_is_ipv6 = true;
  } else if (!host.n) {
    return refuse(why, SL_URL_HOST, "no host name");
  } else if (!is_host_name(host)) {
    return refuse(why, SL_URL_HOST, "the host name is not letters, digits, - and _ with dots between");
  }
  url->host = copy_lower(host);
  if (!url->host) return refuse(why, SL_URL_NOMEM, "out of memory");
  return end < s.n ? parse_port(span_from(s, end + 1), url, why) : SL_URL_OK;
}

static enum sl_url_error parse_authority(span s, sl_url *url, const char **why)
{
  if (span_find(s, '\\') < s.n) return refuse(why, SL_URL_MALFORMED, "a backslash before the path");
  size_t at = s.n;
  while (at && s.at[at - 1] != '@') at--; /* behind the last @, 0 when there is none */
  if (at) {
    enum sl_url_error error = parse_credentials((span){ s.at, at - 1 }, url, why);
    if (error) return error;
  }
  return parse_host_port(span_from(s, at), url, why);
}

static enum sl_url_error parse_target(span s, sl_url *url, const char **why)
{
  if (!is_plain_ascii(s))
    return refuse(why, SL_URL_MALFORMED, "a non-ASCII byte in the path: percent-encode it");
  bool bare = !s.n || s.at[0] != '/'; /* "http://host", "http://host?query" */
  url->target = malloc(s.n + 2);
  if (!url->target) return refuse(why, SL_URL_NOMEM, "out of memory");
  url->target[0] = '/';
  if (s.n) memcpy(url->target + bare, s.at, s.n);
  url->target[s.n + bare] = 0;
  return SL_URL_OK;
}

static enum sl_url_error parse_file(span authority, span path, sl_url *url, const char **why)
{
  if (authority.n && !sl_equal_nocase(authority.at, authority.n, "localhost"))
    return refuse(why, SL_URL_HOST, "a file is on this machine: file:///path");
  if (!path.n || path.at[0] != '/') return refuse(why, SL_URL_MALFORMED, "no path");
  if (!is_plain_ascii(path))
    return refuse(why, SL_URL_MALFORMED, "a non-ASCII byte in the path: percent-encode it");
  if (span_find(path, '?') < path.n)
    return refuse(why, SL_URL_MALFORMED, "a file has no query: a ? in its name is %3F");
  url->host = sl_copy("", 0);
  if (!url->host) return refuse(why, SL_URL_NOMEM, "out of memory");
  enum sl_url_error error = percent_decode(path, &url->target, why, SL_URL_MALFORMED);
  if (error) return error;
  /* The path becomes one line of an open spec (host.h): a line end in it would be a line of its own. */
  for (const char *p = url->target; *p; p++)
    if ((unsigned char)*p < 0x20 || *p == 0x7f)
      return refuse(why, SL_URL_MALFORMED, "a control character in the path of a file");
  return SL_URL_OK;
}

/* url gets scheme and its port, *rest gets what follows "://". */
static enum sl_url_error parse_scheme(span s, sl_url *url, span *rest, const char **why)
{
  size_t n = 0;
  while (n < s.n && (is_alpha(s.at[n]) || (n && (is_digit(s.at[n]) || memchr("+-.", s.at[n], 3))))) n++;
  if (!n || s.n - n < 3 || memcmp(s.at + n, "://", 3) != 0)
    return refuse(why, SL_URL_MALFORMED, "it does not begin with scheme://");
  size_t i = 0, count = sizeof schemes / sizeof *schemes;
  while (i < count && !sl_equal_nocase(s.at, n, schemes[i].name)) i++;
  if (i == count) return refuse(why, SL_URL_SCHEME, "the scheme is none of http, https and file");
  url->scheme = copy_lower((span){ s.at, n });
  if (!url->scheme) return refuse(why, SL_URL_NOMEM, "out of memory");
  url->port = schemes[i].port;
  *rest = span_from(s, n + 3);
  return SL_URL_OK;
}

static enum sl_url_error parse_parts(span s, sl_url *url, const char **why)
{
  if (s.n > SL_URL_MAX) return refuse(why, SL_URL_MALFORMED, "it is too long");
  for (size_t i = 0; i < s.n; i++)
    if ((unsigned char)s.at[i] <= 0x20 || s.at[i] == 0x7f)
      return refuse(why, SL_URL_MALFORMED, "a space or a control character");
  s.n = span_find(s, '#');
  enum sl_url_error error = parse_scheme(s, url, &s, why);
  if (error) return error;
  size_t n = 0;
  while (n < s.n && s.at[n] != '/' && s.at[n] != '?') n++;
  span authority = { s.at, n }, rest = span_from(s, n);
  if (!strcmp(url->scheme, "file")) return parse_file(authority, rest, url, why);
  error = parse_authority(authority, url, why);
  return error ? error : parse_target(rest, url, why);
}

enum sl_url_error sl_url_parse(const char *text, size_t n, sl_url *url, const char **why)
{
  *url = (sl_url){ 0 };
  *why = "";
  enum sl_url_error error = parse_parts((span){ text, n }, url, why);
  SL_ASSERT(error == SL_URL_OK ? url->scheme && url->host && url->target : **why);
  if (error) sl_url_free(url);
  return error;
}

void sl_url_free(sl_url *url)
{
  free(url->scheme);
  free(url->host);
  free(url->target);
  free(url->user);
  free(url->password);
  *url = (sl_url){ 0 };
}
