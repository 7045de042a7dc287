/* multi.c: one engine; see multi.h. Work arrives as events, deadlines and dirty marks; a run does it. */
#include "multi.h"
#include <stdlib.h>
#include <string.h>
#include "agenda.h"
#include "expiry.h"
#include "lifecycle.h"
#include "list.h"
#include "pool.h"
#include "remote.h"
#include "transfer.h"

/* Lists are served as they were at the start of a pass: what a pass adds waits for the next one, so that a
 * transfer which fails and is started again at once cannot keep a run from ending. */
#define PASSES_MAX 4

sl_multi *sl_multi_new(sl_loop *loop)
{
  sl_multi *m = calloc(1, sizeof *m);
  if (!m) return NULL;
  m->loop = loop ? loop : sl_loop_new();
  m->owns_loop = !loop;
  m->scratch = malloc(SL_RECV_CHUNK_MAX);
  m->spec.max = SL_REQUEST_HEAD_MAX;
  if (!m->loop || !m->scratch) {
    sl_multi_free(m);
    return NULL;
  }
  m->now_us = sl_now_us(m->loop);
  return m;
}

static void reap(sl_multi *m)
{
  while (m->closed) {
    sl_conn *c = m->closed;
    m->closed = c->next;
    sl_pool_free(c);
  }
}

void sl_multi_free(sl_multi *m)
{
  while (m->transfers) sl_multi_remove(m, m->transfers);
  while (m->conns) sl_pool_close(m->conns, SL_FINISH);
  reap(m);
  if (m->owns_loop && m->loop) sl_loop_free(m->loop);
  sl_timers_free(&m->timers);
  free(m->by_channel);
  free(m->scratch);
  sl_text_free(&m->spec);
  free(m);
}

int sl_multi_add(sl_multi *m, sl_transfer *t)
{
  SL_ASSERT(!t->multi && (t->state.life == SL_IDLE || t->state.life == SL_DONE));
  if (!sl_timers_join(&m->timers, &t->timer)) return CURLM_OUT_OF_MEMORY;
  t->multi = m;
  SL_LIST_APPEND(m->transfers, m->transfers_last, t, prev, next);
  m->added++;
  m->running++;
  sl_remote_attach(t->remote, m);
  sl_life_start(t);
  return CURLM_OK;
}

void sl_multi_remove(sl_multi *m, sl_transfer *t)
{
  SL_ASSERT(t->multi == m);
  sl_life_drop(t);
  sl_agenda_clean(m, t);
  if (t->message) {
    SL_LIST_REMOVE(m->message_first, m->message_last, t, message_prev, message_next);
    t->message = false;
    m->messages--;
  }
  sl_timers_leave(&m->timers, &t->timer);
  SL_LIST_REMOVE(m->transfers, m->transfers_last, t, prev, next);
  m->added--;
  sl_remote_detach(t->remote);
  t->multi = NULL;
  if (!m->depth) reap(m);
}

/* The table of channels: open addressing, linear probing, deletion by moving back. Hosts choose ids. */

void sl_multi_event(sl_multi *m, sl_ch ch, uint32_t events)
{
  sl_conn *c = sl_agenda_channel(m, ch);
  if (!c) return;
  if (c->life == SL_CONN_RAW) { /* its owner was woken; one that does not look is not woken again and again */
    sl_pool_ask(c, 0);
    return;
  }
  /* Of a hold and a release the later one counts. */
  if (events & (SL_HELD | SL_FREE)) c->events &= ~(uint32_t)(SL_HELD | SL_FREE);
  c->events |= events;
  sl_agenda_ready(m, c);
}

/* Both serve as many as are on the list now: what they add waits for the next pass. */

static void run_ready(sl_multi *m)
{
  for (uint32_t n = m->ready_count; n && m->ready_first; n--) {
    sl_conn *c = m->ready_first;
    sl_agenda_unready(m, c);
    sl_life_conn_run(c);
  }
}

static void run_dirty(sl_multi *m)
{
  for (uint32_t n = m->dirty_count; n && m->dirty_first; n--) {
    sl_transfer *t = m->dirty_first;
    sl_agenda_clean(m, t);
    sl_life_run(t);
  }
}

static void run_deadlines(sl_multi *m)
{
  sl_timer *due;
  while ((due = sl_timers_first(&m->timers)) && due->min_us <= m->now_us) sl_expiry_run(due->owner);
  while (m->draining_first && sl_pool_drain_due_us(m->draining_first) <= m->now_us) sl_pool_drain_end(m->draining_first);
}

void sl_multi_run(sl_multi *m)
{
  if (m->depth) return;
  m->depth++;
  m->before_us = m->run_us;
  m->run_us = m->now_us = sl_now_us(m->loop);
  m->look = false;
  sl_remote_answer(m, sl_transfer_sample);
  run_deadlines(m);
  if (m->ready_first || m->dirty_first) m->turns++;
  for (unsigned pass = 0; pass < PASSES_MAX && (m->ready_first || m->dirty_first); pass++) {
    run_ready(m);
    run_dirty(m);
  }
  reap(m);
  m->depth--;
  /* Whose turn is still to come was spared the question; the host must know all the same (W8). */
  for (sl_conn *c = m->ready_first; c; c = c->ready_next) sl_pool_want(c);
}

int64_t sl_multi_next_us(const sl_multi *m)
{
  if (m->ready_first || m->dirty_first || m->look || sl_remote_rung(m)) return 0;
  const sl_timer *first = sl_timers_first(&m->timers);
  int64_t timer = first ? first->min_us : SL_NEVER;
  int64_t drain = m->draining_first ? sl_pool_drain_due_us(m->draining_first) : SL_NEVER;
  return timer < drain ? timer : drain;
}
