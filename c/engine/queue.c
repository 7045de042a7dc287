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

static bool fits_all(const sl_multi *m, bool busy)
{
  return !m->max_connections || count(m, 0, busy) < m->max_connections;
}

static bool fits_host(const sl_multi *m, uint32_t host, bool busy)
{
  return !m->max_host_connections || count(m, host, busy) < m->max_host_connections;
}

static bool fits(const sl_multi *m, uint32_t host, bool busy)
{
  return !host || (fits_all(m, busy) && fits_host(m, host, busy));
}

/* P10: a paused one would not use a connection, so nobody stands behind it. */
static bool stands(const sl_transfer *q) { return !(sl_gate_paused(&q->gate) & SL_DIR_RECV); }

/* Whether a newcomer stands behind q: they want the same. */
static bool is_behind(const sl_multi *m, const sl_transfer *t, const sl_transfer *q)
{
  if (!stands(q)) return false;
  if (q->host == t->host) return m->max_connections || m->max_host_connections;
  return m->max_connections && fits_host(m, q->host, true);
}

bool sl_queue_admits(sl_transfer *t)
{
  const sl_multi *m = t->multi;
  if (t->queued) return t->called || t->busy || fits(m, t->host, true);
  if (!t->host) return true;
  for (const sl_transfer *q = m->queued_first; q; q = q->queued_next)
    if (is_behind(m, t, q)) return false;
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
  t->queued_since_us = t->waits_since_us = m->now_us;
  SL_LIST_APPEND(m->queued_first, m->queued_last, t, queued_prev, queued_next);
}

void sl_queue_leave(sl_transfer *t)
{
  sl_multi *m = t->multi;
  bool was_busy = t->busy;
  if (!t->queued) return;
  SL_LIST_REMOVE(m->queued_first, m->queued_last, t, queued_prev, queued_next);
  t->queued_us += m->now_us - t->queued_since_us;
  t->queued = t->called = t->busy = false;
  /* Served or not: who stood behind it, and did not try for that reason, tries now. */
  if (was_busy || fits_all(m, true)) sl_queue_freed(m, t->host, true);
}

static void call(sl_transfer *q)
{
  q->called = true;
  sl_multi_dirty(q->multi, q);
}

/* One for the room within the limits, and one that the host had no room for: it may have now. */
void sl_queue_freed(sl_multi *m, uint32_t host, bool host_has_room)
{
  bool total = fits_all(m, true), own = total && fits_host(m, host, true), asked_host = !host_has_room;
  if (m->making_room) return;
  for (sl_transfer *q = m->queued_first; q; q = q->queued_next) {
    if (q->called || !stands(q)) continue;
    if (q->busy) {
      if (!asked_host) call(q);
      asked_host = true;
    } else if (q->host == host ? own : total && m->max_connections && fits_host(m, q->host, true)) {
      call(q);
      return;
    }
  }
}

void sl_queue_passed(sl_transfer *t)
{
  if (!t->called && !t->busy) return;
  t->called = t->busy = false;
  sl_queue_freed(t->multi, t->host, true);
}

void sl_queue_call_all(sl_multi *m)
{
  for (sl_transfer *q = m->queued_first; q; q = q->queued_next) call(q);
}
