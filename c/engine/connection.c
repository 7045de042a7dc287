/* connection.c: see connection.h. */
#include "connection.h"
#include <stdlib.h>
#include <string.h>

/* From each life, those that may follow. */
#define BIT(life) (1u << (life))
static const uint8_t table[SL_CONN_LIVES] = {
  [SL_CONN_OPENING] = BIT(SL_CONN_OPEN) | BIT(SL_CONN_CLOSED),
  [SL_CONN_OPEN] = BIT(SL_CONN_DRAINING) | BIT(SL_CONN_RAW) | BIT(SL_CONN_CLOSED),
  [SL_CONN_DRAINING] = BIT(SL_CONN_IDLE) | BIT(SL_CONN_CLOSED),
  [SL_CONN_IDLE] = BIT(SL_CONN_OPEN) | BIT(SL_CONN_CLOSED),
  [SL_CONN_RAW] = BIT(SL_CONN_CLOSED),
};

void sl_conn_step(sl_conn *c, enum sl_conn_life to)
{
  SL_ASSERT(table[c->life] & BIT(to));
  c->life = (uint8_t)to;
}

const char *sl_conn_diagram_line(unsigned n, char *buf, size_t size)
{
  static const char *const names[SL_CONN_LIVES] = { "OPENING", "OPEN", "DRAINING", "IDLE", "RAW", "CLOSED" };
  static const char *const before[] = { "stateDiagram-v2", "  [*] --> OPENING" };
  sl_line line = { buf, buf + size };
  if (n < 2) return before[n];
  n -= 2;
  for (unsigned from = 0; from < SL_CONN_LIVES; from++)
    for (unsigned to = 0; to < SL_CONN_LIVES; to++) {
      if (!(table[from] & BIT(to)) || n--) continue;
      sl_line_str(&line, "  ");
      sl_line_str(&line, names[from]);
      sl_line_str(&line, " --> ");
      sl_line_str(&line, names[to]);
      return buf;
    }
  return NULL;
}

bool sl_conn_sound(sl_conn *c)
{
  return !c->held && sl_recv(c->ch, c->multi->scratch, 1) == SL_AGAIN;
}

/* Move what was not consumed out of the shared buffer. */
bool sl_conn_keep(sl_conn *c)
{
  c->last_fill = 0; /* what outlives the turn cannot be given back */
  bool in_stash = c->stash.data && c->in >= c->stash.data && c->in <= c->stash.data + c->stash.len;
  if (!c->in_len) {
    if (c->stash.data) sl_text_free(&c->stash);
    return true;
  }
  if (in_stash) sl_text_drop(&c->stash, (size_t)(c->in - c->stash.data));
  else {
    c->stash.len = 0;
    sl_text_add(&c->stash, c->in, c->in_len);
  }
  c->in = c->stash.data;
  return !c->stash.failed;
}

int32_t sl_conn_fill(sl_conn *c, uint32_t max)
{
  sl_multi *m = c->multi;
  int32_t n;
  if (max > SL_RECV_CHUNK_MAX) max = SL_RECV_CHUNK_MAX;
  if (!c->in_len) {
    n = sl_recv(c->ch, m->scratch, max);
    if (n > 0) c->in = m->scratch;
  } else {
    if (!sl_conn_keep(c) || !sl_text_reserve(&c->stash, max)) return SL_NOMEM;
    n = sl_recv(c->ch, c->stash.data + c->stash.len, max);
    if (n > 0) c->stash.len += (uint32_t)n;
    c->in = c->stash.data;
  }
  if (n > 0) {
    c->in_len += (uint32_t)n;
    c->last_fill = (uint32_t)n;
  }
  return n;
}

void sl_conn_consume(sl_conn *c, uint32_t n)
{
  SL_ASSERT(n <= c->in_len);
  c->in += n;
  c->in_len -= n;
}

uint32_t sl_conn_unread(sl_conn *c)
{
  uint32_t n = c->in_len;
  if (!n || n > c->last_fill) return 0;
  int32_t code = sl_unrecv(c->ch, n);
  if (code == SL_NOSYS) c->host_moves_not = true;
  if (code < 0) return 0;
  c->in_len = 0;
  c->last_fill = 0;
  return n;
}

int32_t sl_conn_flush(sl_conn *c)
{
  while (c->out.len) {
    int32_t n = sl_send(c->ch, c->out.data, (uint32_t)c->out.len);
    if (n < 0) return n;
    if (n == 0) return SL_AGAIN;
    sl_text_drop(&c->out, (size_t)n < c->out.len ? (size_t)n : c->out.len);
  }
  sl_text_free(&c->out);
  return 0;
}
