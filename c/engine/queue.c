/* queue.c: see queue.h. */
#include "queue.h"
#include <string.h>
#include "connection.h"
#include "list.h"
#include "multi.h"

uint32_t sl_queue_host(uint32_t kind, const char *spec, uint32_t len)
{
  uint32_t hash = 2166136261u, lines = 0;
  if (kind == SL_FILE) return 0;
  for (uint32_t i = 0; i < len && lines < 2; i++) {
    hash = (hash ^ (uint8_t)spec[i]) * 16777619u;
    lines += spec[i] == '\n';
  }
  return hash ? hash : 1;
}

/* Open connections to a host (0: to all that count), the idle ones left out when `busy`. */
static uint32_t count(const sl_multi *m, uint32_t host, bool busy)
{
  uint32_t n = 0;
  if (!host && !busy) return m->counted;
  for (const sl_conn *c = m->conns; c; c = c->next)
    n += c->host && (!host || c->host == host) && !(busy && c->idle);
  return n;
}

static bool fits(const sl_multi *m, uint32_t host, bool busy)
{
  if (!host) return true;
  if (m->max_connections && count(m, 0, busy) >= m->max_connections) return false;
  return !m->max_host_connections || count(m, host, busy) < m->max_host_connections;
}

bool sl_queue_admits(sl_transfer *t)
{
  const sl_multi *m = t->multi;
  if (t->queued) return t->called || t->busy || fits(m, t->host, true);
  if (!t->host || !m->queued_first) return true;
  if (m->max_connections) return false;
  for (const sl_transfer *q = m->max_host_connections ? m->queued_first : NULL; q; q = q->queued_next)
    if (q->host == t->host) return false;
  return true;
}

bool sl_queue_has_room(sl_transfer *t)
{
  sl_multi *m = t->multi;
  bool all = true;
  m->making_room = true;
  while (all && !fits(m, t->host, false)) {
    bool own = m->max_host_connections && count(m, t->host, false) >= m->max_host_connections;
    sl_conn *c = m->idle_first;
    while (c && (!c->host || (own && c->host != t->host))) c = c->pool_next;
    if (c) sl_conn_close(c, SL_FINISH);
    else all = false;
  }
  m->making_room = false;
  return all;
}

void sl_queue_enter(sl_transfer *t, bool host_busy)
{
  sl_multi *m = t->multi;
  t->called = false;
  t->busy = host_busy;
  if (t->queued) return;
  t->queued = true;
  t->queued_since_us = m->now_us;
  SL_LIST_APPEND(m->queued_first, m->queued_last, t, queued_prev, queued_next);
}

void sl_queue_leave(sl_transfer *t, bool served)
{
  sl_multi *m = t->multi;
  bool pass_on = t->called && !served, was_busy = t->busy;
  if (!t->queued) return;
  SL_LIST_REMOVE(m->queued_first, m->queued_last, t, queued_prev, queued_next);
  t->queued_us += m->now_us - t->queued_since_us;
  t->queued = t->called = t->busy = false;
  /* A host that had room for one may have more. */
  if (pass_on || (was_busy && served)) sl_queue_freed(m, t->host);
}

void sl_queue_freed(sl_multi *m, uint32_t host)
{
  if (m->making_room) return;
  for (sl_transfer *q = m->queued_first; q; q = q->queued_next) {
    bool could = q->busy || (q->host == host || m->max_connections ? fits(m, q->host, true) : false);
    if (q->called || !could || sl_gate_paused(&q->gate) & SL_DIR_RECV) continue; /* P10: it would not use it */
    q->called = true;
    sl_multi_dirty(m, q);
    return;
  }
}

void sl_queue_passed(sl_transfer *t)
{
  if (!t->called) return;
  t->called = false;
  sl_queue_freed(t->multi, t->host);
}

void sl_queue_call_all(sl_multi *m)
{
  for (sl_transfer *q = m->queued_first; q; q = q->queued_next) {
    q->called = true;
    sl_multi_dirty(m, q);
  }
}
