/* pool.c: see pool.h. */
#include "pool.h"
#include <stdlib.h>
#include <string.h>
#include "../protocol/protocol.h"
#include "agenda.h"
#include "clocks.h"
#include "connection.h"
#include "list.h"

sl_conn *sl_pool_open(sl_multi *m, uint32_t kind, const char *spec, uint32_t len, int32_t *code)
{
  sl_conn *c = calloc(1, sizeof *c);
  *code = SL_NOMEM;
  if (!c) return NULL;
  c->multi = m;
  c->id = m->next_conn_id++;
  c->kind = kind;
  c->spec = sl_copy(spec, len);
  c->spec_len = len;
  c->host = sl_pool_host(kind, spec, len);
  c->stash.max = SL_HEAD_MAX + SL_RECV_CHUNK_MAX;
  c->out.max = SL_REQUEST_HEAD_MAX;
  if (c->spec) {
    c->ch = sl_open(m->loop, kind, spec, len);
    if (c->ch > 0 && sl_agenda_channel_add(m, c)) {
      SL_LIST_APPEND(m->conns, m->conns_last, c, prev, next);
      m->counted += c->host != 0;
      sl_agenda_watch(c, false);
      return c;
    }
    if (c->ch > 0) sl_close(c->ch, SL_ABORT);
    else *code = c->ch < 0 ? c->ch : SL_IO;
  }
  sl_pool_free(c);
  return NULL;
}

void sl_pool_free(sl_conn *c)
{
  sl_text_free(&c->stash);
  sl_text_free(&c->out);
  free(c->spec);
  free(c);
}

static void idle_enter(sl_conn *c)
{
  sl_multi *m = c->multi;
  sl_conn_step(c, SL_CONN_IDLE);
  c->pooled_us = m->now_us;
  SL_LIST_APPEND(m->idle_first, m->idle_last, c, pool_prev, pool_next);
  sl_agenda_watch(c, false);
  if (++m->idle_count > (m->max_idle ? m->max_idle : SL_POOL_IDLE_MAX)) sl_pool_close(m->idle_first, SL_FINISH);
  sl_pool_freed(m, c->host, true);
}

static void idle_leave(sl_conn *c)
{
  sl_multi *m = c->multi;
  m->idle_count--;
  SL_LIST_REMOVE(m->idle_first, m->idle_last, c, pool_prev, pool_next);
}

static void drain_leave(sl_conn *c)
{
  sl_multi *m = c->multi;
  SL_LIST_REMOVE(m->draining_first, m->draining_last, c, pool_prev, pool_next);
}

void sl_pool_close(sl_conn *c, enum sl_how how)
{
  sl_multi *m = c->multi;
  if (c->life == SL_CONN_CLOSED) return;
  SL_ASSERT(!c->transfers);
  if (c->life == SL_CONN_IDLE) idle_leave(c);
  if (c->life == SL_CONN_DRAINING) drain_leave(c);
  sl_conn_step(c, SL_CONN_CLOSED);
  sl_agenda_unready(m, c);
  sl_agenda_watch(c, true);
  sl_agenda_channel_remove(m, c);
  sl_close(c->ch, how);
  sl_agenda_trace(m, NULL, SL_TRACE_CLOSE, how, c->used);
  if (c->protocol) c->protocol->closed(c);
  SL_LIST_REMOVE(m->conns, m->conns_last, c, prev, next);
  c->next = m->closed;
  m->closed = c;
  m->counted -= c->host != 0;
  sl_pool_freed(m, c->host, !c->no_room);
}

void sl_pool_drain_enter(sl_conn *c, uint64_t left)
{
  sl_multi *m = c->multi;
  sl_conn_step(c, SL_CONN_DRAINING);
  c->drain_left = left;
  c->pooled_us = m->now_us;
  SL_LIST_APPEND(m->draining_first, m->draining_last, c, pool_prev, pool_next);
  if (left) sl_agenda_watch(c, false);
}

/* Nothing is left to drop. Bytes after the end of a response could pass for the next one's: such a connection is
 * not kept. */
static void drained(sl_conn *c)
{
  bool quiet = sl_conn_keep(c) && !c->in_len && sl_recv(c->ch, c->multi->scratch, 1) == SL_AGAIN;
  if (!quiet) {
    sl_pool_close(c, SL_FINISH);
    return;
  }
  drain_leave(c);
  idle_enter(c);
  sl_pool_want(c);
}

/* Drop what is here of what is left. */
void sl_pool_drain(sl_conn *c)
{
  for (unsigned reads = 0; c->drain_left; reads++) {
    int32_t n = (int32_t)c->in_len;
    uint32_t max = c->drain_left < SL_RECV_CHUNK_MAX ? (uint32_t)c->drain_left : SL_RECV_CHUNK_MAX;
    if (!n && reads > SL_RUN_READS_MAX) sl_agenda_ready(c->multi, c); /* others first */
    if (!n) n = reads > SL_RUN_READS_MAX ? SL_AGAIN : sl_conn_fill(c, max);
    if (n == SL_AGAIN) {
      sl_pool_want(c);
      return;
    }
    if (n <= 0) {
      sl_pool_close(c, SL_FINISH);
      return;
    }
    uint32_t dropped = (uint32_t)n < max ? (uint32_t)n : max;
    sl_conn_consume(c, dropped);
    c->drain_left -= dropped;
  }
  drained(c);
}

int64_t sl_pool_drain_due_us(const sl_conn *c) { return c->pooled_us + SL_DRAIN_US; }

void sl_pool_drain_end(sl_conn *c)
{
  sl_pool_drain(c); /* the run may have come late */
  if (c->life == SL_CONN_DRAINING) sl_pool_close(c, SL_FINISH);
}

static bool has_key(const sl_conn *c, uint32_t kind, const char *spec, uint32_t len)
{
  return c->kind == kind && c->spec_len == len && !memcmp(c->spec, spec, len);
}

sl_conn *sl_pool_reuse(sl_multi *m, uint32_t kind, const char *spec, uint32_t len)
{
  /* What curl_easy_perform left draining has nobody to drive it before the next one. */
  for (sl_conn *c = m->draining_first, *next; c; c = next) {
    next = c->pool_next;
    if (has_key(c, kind, spec, len)) sl_pool_drain(c);
  }
  for (sl_conn *c = m->idle_last, *older; c; c = older) {
    older = c->pool_prev;
    if (!has_key(c, kind, spec, len) || !c->protocol->room(c)) continue;
    if (m->now_us - c->pooled_us > SL_POOL_IDLE_US || !sl_conn_sound(c)) {
      sl_pool_close(c, SL_FINISH);
      continue;
    }
    idle_leave(c);
    sl_conn_step(c, SL_CONN_OPEN);
    return c;
  }
  return NULL;
}

void sl_pool_ask(sl_conn *c, uint32_t events)
{
  SL_ASSERT(c->life == SL_CONN_RAW);
  c->asked = events;
  sl_pool_want(c);
}

void sl_pool_want(sl_conn *c)
{
  if (c->life == SL_CONN_OPENING || c->life == SL_CONN_CLOSED) return;
  if (c->ready && c->multi->depth && c->life != SL_CONN_RAW) return; /* its turn comes in this run, and ends here */
  uint32_t want = c->life == SL_CONN_RAW ? c->asked : c->protocol->want(c);
  for (sl_transfer *t = c->transfers; t; t = t->conn_next) sl_clocks_arm(t);
  if (want == c->wanted) return;
  c->wanted = want;
  sl_want(c->ch, want);
  sl_agenda_watch(c, false);
}

uint32_t sl_pool_host(uint32_t kind, const char *spec, uint32_t len)
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
    n += c->host && (!host || c->host == host) && !(busy && c->life == SL_CONN_IDLE);
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

bool sl_pool_admits(sl_transfer *t)
{
  const sl_multi *m = t->multi;
  if (t->queued) return t->called || t->busy || fits(m, t->host, true);
  if (!t->host) return true;
  for (const sl_transfer *q = m->queued_first; q; q = q->queued_next)
    if (is_behind(m, t, q)) return false;
  return true;
}

bool sl_pool_has_room(sl_transfer *t)
{
  sl_multi *m = t->multi;
  bool all = true;
  m->making_room = true;
  while (all && !fits(m, t->host, false)) {
    bool own = m->max_host_connections && count(m, t->host, false) >= m->max_host_connections;
    sl_conn *c = m->idle_first;
    while (c && (!c->host || (own && c->host != t->host))) c = c->pool_next;
    if (c) sl_pool_close(c, SL_FINISH);
    else all = false;
  }
  m->making_room = false;
  return all;
}

void sl_pool_wait(sl_transfer *t, bool host_busy)
{
  sl_multi *m = t->multi;
  t->called = false;
  t->busy = host_busy;
  if (t->queued) return;
  t->queued = true;
  t->queued_since_us = t->waits_since_us = m->now_us;
  SL_LIST_APPEND(m->queued_first, m->queued_last, t, queued_prev, queued_next);
}

void sl_pool_wait_end(sl_transfer *t)
{
  sl_multi *m = t->multi;
  bool was_busy = t->busy;
  if (!t->queued) return;
  SL_LIST_REMOVE(m->queued_first, m->queued_last, t, queued_prev, queued_next);
  t->queued_us += m->now_us - t->queued_since_us;
  t->queued = t->called = t->busy = false;
  /* Served or not: who stood behind it, and did not try for that reason, tries now. */
  if (was_busy || fits_all(m, true)) sl_pool_freed(m, t->host, true);
}

static void call(sl_transfer *q)
{
  q->called = true;
  sl_agenda_dirty(q->multi, q);
}

/* One for the room within the limits, and one that the host had no room for: it may have now. */
void sl_pool_freed(sl_multi *m, uint32_t host, bool host_has_room)
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

void sl_pool_passed(sl_transfer *t)
{
  if (!t->called && !t->busy) return;
  t->called = t->busy = false;
  sl_pool_freed(t->multi, t->host, true);
}

void sl_pool_call_all(sl_multi *m)
{
  for (sl_transfer *q = m->queued_first; q; q = q->queued_next) call(q);
}
