/* route.c: see route.h. */
#include "route.h"
#include <string.h>
#include "text.h"

#define ADDRESS_MAX_BYTES 45 /* the longest IPv6 address */
#define NAME_MAX_BYTES 254 /* of a host name or an address: DNS allows 253 and a dot at the end */

typedef struct {
  const char *at;
  size_t n;
} part;

/* What is left of an entry; at NULL: the last part ended without a colon, so there is no other. */
typedef struct {
  const char *at;
} rest;

/* The next part, up to a colon outside brackets or the end. False: there is none, or a bracket is open. */
static bool next_part(rest *r, part *p)
{
  const char *begin = r->at, *end;
  if (!begin) return false;
  if (*begin == '[') {
    end = strchr(++begin, ']');
    if (!end || (end[1] && end[1] != ':')) return false;
    *p = (part){ begin, (size_t)(end - begin) };
    end++;
  } else {
    end = begin + strcspn(begin, ":");
    *p = (part){ begin, (size_t)(end - begin) };
  }
  r->at = *end ? end + 1 : NULL;
  return p->n <= NAME_MAX_BYTES;
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

typedef struct {
  part host, to;
  uint16_t port, to_port; /* 0: any, or unchanged */
} connect_entry;

static bool read_connect_to(const char *text, connect_entry *e)
{
  rest r = { text };
  part port, to_port;
  uint64_t number, to_number;
  if (!text || !next_part(&r, &e->host) || !next_part(&r, &port) || !next_part(&r, &e->to) || !next_part(&r, &to_port)) return false;
  if (r.at || !sound(e->host) || !sound(e->to)) return false;
  if (!port_of(port, true, &number) || !port_of(to_port, true, &to_number)) return false;
  e->port = (uint16_t)number;
  e->to_port = (uint16_t)to_number;
  return true;
}

typedef struct {
  bool back; /* "-HOST:PORT": earlier entries do not count */
  part host, address;
  uint16_t port;
} resolve_entry;

static CURLcode read_resolve(const char *text, resolve_entry *e)
{
  rest r = { text };
  part port;
  uint64_t number;
  if (!text) return CURLE_SETOPT_OPTION_SYNTAX;
  e->back = *text == '-';
  if (e->back || *text == '+') r.at++;
  if (!next_part(&r, &e->host) || !e->host.n || !sound(e->host) || !next_part(&r, &port) || !port_of(port, false, &number))
    return CURLE_SETOPT_OPTION_SYNTAX;
  e->port = (uint16_t)number;
  if (e->back) return r.at && *r.at ? CURLE_SETOPT_OPTION_SYNTAX : CURLE_OK;
  if (!r.at) return CURLE_SETOPT_OPTION_SYNTAX;
  if (strchr(r.at, ',')) return CURLE_NOT_BUILT_IN;
  if (*r.at != '[') e->address = (part){ r.at, strlen(r.at) }; /* an IPv6 address needs no brackets */
  else if (!next_part(&r, &e->address) || r.at) return CURLE_SETOPT_OPTION_SYNTAX;
  bool literal = e->address.n && e->address.n <= ADDRESS_MAX_BYTES &&
                 strspn(e->address.at, "0123456789abcdefABCDEF.:") >= e->address.n;
  return literal ? CURLE_OK : CURLE_SETOPT_OPTION_SYNTAX;
}

CURLcode sl_route_check(int option, const struct curl_slist *list)
{
  CURLcode code = CURLE_OK;
  connect_entry c;
  resolve_entry r;
  for (; list && !code; list = list->next) {
    if (option == CURLOPT_RESOLVE) code = read_resolve(list->data, &r);
    else code = read_connect_to(list->data, &c) ? CURLE_OK : CURLE_SETOPT_OPTION_SYNTAX;
  }
  return code;
}

static bool same(part p, const char *host, size_t n)
{
  if (p.n != n) return false;
  for (size_t i = 0; i < n; i++)
    if (sl_lower(p.at[i]) != sl_lower(host[i])) return false;
  return true;
}

static CURLcode connect_to(const struct curl_slist *list, sl_route *r)
{
  connect_entry e;
  for (bool found = false; list; list = list->next) {
    if (!read_connect_to(list->data, &e)) return CURLE_SETOPT_OPTION_SYNTAX;
    if (found || (e.host.n && !same(e.host, r->host, r->host_n)) || (e.port && e.port != r->port)) continue;
    if (e.to.n) *r = (sl_route){ e.to.at, e.to.n, r->port, true };
    if (e.to_port) r->port = e.to_port;
    r->changed = found = true;
  }
  return CURLE_OK;
}

static CURLcode resolved(const struct curl_slist *list, sl_route *r)
{
  sl_route found = *r;
  resolve_entry e;
  for (; list; list = list->next) {
    CURLcode bad = read_resolve(list->data, &e);
    if (bad) return bad;
    if (e.port != r->port) continue;
    if (!same(e.host, r->host, r->host_n) && !(e.host.n == 1 && *e.host.at == '*')) continue;
    found = e.back ? *r : (sl_route){ e.address.at, e.address.n, r->port, true };
  }
  *r = found;
  return CURLE_OK;
}

CURLcode sl_route_find(const struct curl_slist *connect, const struct curl_slist *resolve, const char *host, uint16_t port,
                       sl_route *to)
{
  *to = (sl_route){ host, strlen(host), port, false };
  CURLcode bad = connect_to(connect, to);
  return bad ? bad : resolved(resolve, to);
}
