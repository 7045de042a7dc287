/* url.c: see url.h.
 *
 * Owns nothing between calls. The text is cut into spans from the outside in: fragment, scheme, authority
 * (credentials, host, port), target; each span is checked by the one function that reads it. Strings are
 * copied only when their span has been found right.
 * Joining cuts base and reference into the five parts of RFC 3986, each with the delimiters that make it
 * one, and puts the right ones behind each other: what is not there is empty, and adds nothing. */
#include "url.h"
#include <stdlib.h>
#include <string.h>
#include "base.h"
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

/* Behind the last c in s, 0 when there is none. */
static size_t span_behind_last(span s, char c)
{
  while (s.n && s.at[s.n - 1] != c) s.n--;
  return s.n;
}

static span span_from(span s, size_t i) { return (span){ s.at + i, s.n - i }; }

/* How many bytes at the beginning of s can be a scheme. */
static size_t scheme_length(span s)
{
  size_t n = 0;
  while (n < s.n && (is_alpha(s.at[n]) || (n && (is_digit(s.at[n]) || memchr("+-.", s.at[n], 3))))) n++;
  return n;
}

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
  size_t at = span_behind_last(s, '@');
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
  size_t n = scheme_length(s);
  if (!n || s.n - n < 3 || memcmp(s.at + n, "://", 3) != 0)
    return refuse(why, SL_URL_MALFORMED, "it does not begin with scheme://");
  size_t i = 0, count = sizeof schemes / sizeof *schemes;
  while (i < count && !sl_equal_nocase(s.at, n, schemes[i].name)) i++;
  if (i == count) return refuse(why, SL_URL_SCHEME, "the scheme is none of http, https and file");
  url->scheme = schemes[i].name;
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

static const char *guess(span s)
{
  static const char *const words[] = { "ftp", "dict", "ldap", "imap", "smtp", "pop3" };
  size_t end = 0;
  while (end < s.n && !memchr("/?#", s.at[end], 3)) end++;
  span host = span_from((span){ s.at, end }, span_behind_last((span){ s.at, end }, '@'));
  for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
    size_t n = strlen(words[i]);
    if (host.n > n && host.at[n] == '.' && sl_equal_nocase(host.at, n, words[i])) return words[i];
  }
  return "http";
}

char *sl_url_complete(const char *text, size_t n, const char *scheme)
{
  span s = { text, n };
  sl_text whole = { 0 };
  size_t word = scheme_length(s);
  if (!word || n - word < 2 || text[word] != ':' || text[word + 1] != '/') {
    sl_text_str(&whole, scheme ? scheme : guess(s));
    sl_text_str(&whole, n >= 2 && text[0] == '/' && text[1] == '/' ? ":" : "://");
  }
  sl_text_add(&whole, text, n);
  if (whole.failed) sl_text_free(&whole);
  return whole.data;
}

void sl_url_free(sl_url *url)
{
  free(url->host);
  free(url->target);
  free(url->user);
  free(url->password);
  *url = (sl_url){ 0 };
}

/* What a URL or a reference is made of: "scheme:", "//authority", "path", "?query", "#fragment". */
typedef struct { span scheme, authority, path, query, fragment; } url_parts;

static url_parts cut(span s)
{
  url_parts p = { 0 };
  size_t n = scheme_length(s);
  if (n && n < s.n && s.at[n] == ':') {
    p.scheme = (span){ s.at, n + 1 };
    s = span_from(s, n + 1);
  }
  n = span_find(s, '#');
  p.fragment = span_from(s, n);
  s.n = n;
  n = span_find(s, '?');
  p.query = span_from(s, n);
  s.n = n;
  if (s.n >= 2 && s.at[0] == '/' && s.at[1] == '/') {
    n = 2 + span_find(span_from(s, 2), '/');
    p.authority = (span){ s.at, n };
    s = span_from(s, n);
  }
  p.path = s;
  return p;
}

static const char hex[] = "0123456789ABCDEF";

void sl_url_add_path(sl_text *to, const char *path)
{
  for (; *path; path++) {
    unsigned char c = (unsigned char)*path;
    if (is_alpha(*path) || is_digit(*path) || strchr("-._~/!$&'()*+,;=:@", *path)) sl_text_add(to, path, 1);
    else sl_text_add(to, (char[]){ '%', hex[c >> 4], hex[c & 15] }, 3);
  }
}

static void add_encoded(sl_text *to, span s)
{
  for (size_t i = 0; i < s.n; i++) {
    unsigned char c = (unsigned char)s.at[i];
    if (c > 0x20 && c < 0x7f) sl_text_add(to, &c, 1);
    else sl_text_add(to, (char[]){ '%', hex[c >> 4], hex[c & 15] }, 3);
  }
}

/* RFC 3986, 5.2.4, in place: path is empty or begins with a slash; answers its new length. */
static size_t remove_dot_segments(char *path, size_t n)
{
  size_t to = 0;
  for (size_t from = 0, next; from < n; from = next) {
    size_t len = span_find((span){ path + from + 1, n - from - 1 }, '/'); /* of the segment, no slash */
    next = from + 1 + len;
    bool dots = len == 2 && path[from + 1] == '.' && path[from + 2] == '.';
    if (dots && to) to = span_behind_last((span){ path, to }, '/') - 1;
    if (dots || (len == 1 && path[from + 1] == '.')) {
      if (next == n) path[to++] = '/'; /* a last dot segment leaves its slash */
    } else {
      memmove(path + to, path + from, len + 1);
      to += len + 1;
    }
  }
  return to;
}

/* RFC 3986, 5.2.2 and 5.2.3, for a reference without a scheme. */
static void add_resolved(sl_text *to, const url_parts *base, const url_parts *ref)
{
  span query = ref->query;
  add_encoded(to, base->scheme);
  if (ref->authority.n) {
    add_encoded(to, ref->authority);
  } else {
    span host_port = span_from(base->authority, 2);
    sl_text_str(to, "//");
    add_encoded(to, span_from(host_port, span_behind_last(host_port, '@')));
  }
  size_t start = to->len;
  if (!ref->authority.n && !ref->path.n) {
    add_encoded(to, base->path);
    if (!query.n) query = base->query;
  } else {
    if (ref->path.n && ref->path.at[0] != '/') {
      add_encoded(to, (span){ base->path.at, span_behind_last(base->path, '/') });
      if (!base->path.n) sl_text_str(to, "/");
    }
    add_encoded(to, ref->path);
    to->len = start + remove_dot_segments(to->data + start, to->len - start);
    to->data[to->len] = 0;
  }
  add_encoded(to, query);
  add_encoded(to, ref->fragment);
}

static bool is_blank(char c) { return c == ' ' || c == '\t'; }

enum sl_url_error sl_url_join(const char *base, size_t base_len, const char *ref, size_t ref_len, char **out)
{
  sl_url parsed;
  const char *why;
  *out = NULL;
  enum sl_url_error error = sl_url_parse(base, base_len, &parsed, &why);
  sl_url_free(&parsed);
  if (error) return error;
  span r = { ref_len ? ref : "", ref_len };
  while (r.n && is_blank(r.at[0])) r = span_from(r, 1);
  while (r.n && is_blank(r.at[r.n - 1])) r.n--;
  if (r.n > SL_URL_MAX || span_find(r, '\r') < r.n || span_find(r, '\n') < r.n || span_find(r, 0) < r.n)
    return SL_URL_MALFORMED;
  sl_text text = { 0 }; /* without max: it may be longer than the result until its dot segments are gone */
  if (!sl_text_reserve(&text, base_len + r.n)) return SL_URL_NOMEM;
  url_parts base_parts = cut((span){ base, base_len }), ref_parts = cut(r);
  SL_ASSERT(base_parts.scheme.n && base_parts.authority.n >= 2);
  if (ref_parts.scheme.n) add_encoded(&text, r);
  else add_resolved(&text, &base_parts, &ref_parts);
  if (text.failed || text.len > SL_URL_MAX) {
    error = text.failed ? SL_URL_NOMEM : SL_URL_MALFORMED;
    sl_text_free(&text);
    return error;
  }
  *out = text.data;
  return SL_URL_OK;
}

bool sl_url_same_origin(const sl_url *a, const sl_url *b)
{
  return a->port == b->port && !strcmp(a->scheme, b->scheme) && !strcmp(a->host, b->host);
}

uint16_t sl_url_default_port(const char *scheme)
{
  for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
    if (!strcmp(schemes[i].name, scheme)) return schemes[i].port;
  return 0;
}
