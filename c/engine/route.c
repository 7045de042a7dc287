/* route.c: see route.h. */
#include "route.h"
#include <string.h>
#include "text.h"

typedef struct {
  const char *at;
  size_t n;
} part;

/* The next part, up to a colon outside brackets or the end; `text` moves behind it. False: a bracket is open. */
static bool next_part(const char **text, part *p)
{
  const char *begin = *text, *end;
  bool brackets = *begin == '[';
  if (brackets) {
    end = strchr(++begin, ']');
    if (!end || (end[1] && end[1] != ':')) return false;
    *p = (part){ begin, (size_t)(end - begin) };
    end++;
  } else {
    end = begin + strcspn(begin, ":");
    *p = (part){ begin, (size_t)(end - begin) };
  }
  *text = *end ? end + 1 : end;
  return true;
}

static bool port_of(part p, bool may_be_empty, uint64_t *port)
{
  *port = 0;
  if (!p.n) return may_be_empty;
  return sl_parse_uint(p.at, p.n, 65535, port) && *port;
}

/* Nothing in it that a line of an open spec could not hold. */
static bool sound(part p)
{
  for (size_t i = 0; i < p.n; i++)
    if ((unsigned char)p.at[i] <= ' ' || (unsigned char)p.at[i] >= 0x7f) return false;
  return true;
}

static CURLcode check_connect_to(const char *text)
{
  part p[4];
  uint64_t port;
  for (int i = 0; i < 4; i++)
    if ((i && text[-1] != ':') || !next_part(&text, &p[i]) || !sound(p[i])) return CURLE_SETOPT_OPTION_SYNTAX;
  return !*text && port_of(p[1], true, &port) && port_of(p[3], true, &port) ? CURLE_OK : CURLE_SETOPT_OPTION_SYNTAX;
}

static CURLcode check_resolve(const char *text)
{
  part host, port, address;
  uint64_t number;
  bool back = *text == '-';
  if (back || *text == '+') text++;
  if (!next_part(&text, &host) || !host.n || !next_part(&text, &port) || !port_of(port, false, &number))
    return CURLE_SETOPT_OPTION_SYNTAX;
  if (back) return *text ? CURLE_SETOPT_OPTION_SYNTAX : CURLE_OK;
  if (strchr(text, ',')) return CURLE_NOT_BUILT_IN;
  if (*text != '[' && strchr(text, ':')) { /* libcurl takes an address with or without brackets */
    address = (part){ text, strlen(text) };
  } else if (!next_part(&text, &address) || *text) return CURLE_SETOPT_OPTION_SYNTAX;
  bool literal = address.n && strspn(address.at, "0123456789abcdefABCDEF.:") >= address.n;
  return literal ? CURLE_OK : CURLE_SETOPT_OPTION_SYNTAX;
}

CURLcode sl_route_check(int option, const struct curl_slist *list)
{
  CURLcode code = CURLE_OK;
  for (; list && !code; list = list->next)
    code = option == CURLOPT_RESOLVE ? check_resolve(list->data) : check_connect_to(list->data);
  return code;
}

static bool same(part p, const char *host, size_t n)
{
  if (p.n != n) return false;
  for (size_t i = 0; i < n; i++)
    if (sl_lower(p.at[i]) != sl_lower(host[i])) return false;
  return true;
}

static void connect_to(const struct curl_slist *list, sl_route *r)
{
  for (; list; list = list->next) {
    const char *text = list->data;
    part p[4];
    uint64_t port, to;
    for (int i = 0; i < 4; i++) next_part(&text, &p[i]);
    if ((p[0].n && !same(p[0], r->host, r->host_n)) || !port_of(p[1], true, &port) || (port && port != r->port)) continue;
    port_of(p[3], true, &to);
    if (p[2].n) *r = (sl_route){ p[2].at, p[2].n, r->port, true };
    if (to) r->port = (uint16_t)to;
    r->changed = true;
    return;
  }
}

static void resolve(const struct curl_slist *list, sl_route *r)
{
  sl_route found = *r;
  for (; list; list = list->next) {
    const char *text = list->data;
    bool back = *text == '-';
    part host, port, address;
    uint64_t number;
    if (back || *text == '+') text++;
    next_part(&text, &host);
    next_part(&text, &port);
    if (!port_of(port, false, &number) || number != r->port) continue;
    if (!same(host, r->host, r->host_n) && !(host.n == 1 && *host.at == '*')) continue;
    found = *r;
    if (back) continue;
    if (*text == '[') next_part(&text, &address);
    else address = (part){ text, strlen(text) };
    found = (sl_route){ address.at, address.n, r->port, true };
  }
  *r = found;
}

sl_route sl_route_find(const sl_options *o, const char *host, uint16_t port)
{
  sl_route r = { host, strlen(host), port, false };
  connect_to(o->connect_to, &r);
  resolve(o->resolve, &r);
  return r;
}
