/* agenda.c: see agenda.h. */
#include "agenda.h"
#include <stdlib.h>
#include "list.h"

/* Time now: inside a run the run's own, else the clock's. */
int64_t sl_agenda_now_us(sl_transfer *t)
{
  sl_multi *m = t->multi;
  if (!m->depth) m->now_us = sl_now_us(m->loop);
  return m->now_us;
}

void sl_agenda_clean(sl_multi *m, sl_transfer *t)
{
  if (!t->dirty) return;
  t->dirty = false;
  m->dirty_count--;
  SL_LIST_REMOVE(m->dirty_first, m->dirty_last, t, dirty_prev, dirty_next);
}

void sl_agenda_finished(sl_multi *m, sl_transfer *t)
{
  SL_ASSERT(!t->message && m->running);
  t->message = true;
  SL_LIST_APPEND(m->message_first, m->message_last, t, message_prev, message_next);
  m->messages++;
  m->running--;
}

sl_transfer *sl_agenda_message(sl_multi *m, uint32_t *left)
{
  sl_transfer *t = m->message_first;
  if (t) {
    SL_LIST_REMOVE(m->message_first, m->message_last, t, message_prev, message_next);
    t->message = false;
    m->messages--;
  }
  *left = m->messages;
  return t;
}

void sl_agenda_dirty(sl_multi *m, sl_transfer *t)
{
  if (t->dirty) return;
  t->dirty = true;
  m->dirty_count++;
  SL_LIST_APPEND(m->dirty_first, m->dirty_last, t, dirty_prev, dirty_next);
}

void sl_agenda_look(sl_multi *m, sl_transfer *t)
{
  m->look = true;
  if (t->conn) sl_agenda_ready(m, t->conn);
}

void sl_agenda_ready(sl_multi *m, sl_conn *c)
{
  if (c->ready || c->life == SL_CONN_CLOSED) return;
  c->ready = true;
  m->ready_count++;
  SL_LIST_APPEND(m->ready_first, m->ready_last, c, ready_prev, ready_next);
}

void sl_agenda_unready(sl_multi *m, sl_conn *c)
{
  if (!c->ready) return;
  c->ready = false;
  m->ready_count--;
  SL_LIST_REMOVE(m->ready_first, m->ready_last, c, ready_prev, ready_next);
}

static uint32_t channel_slot(const sl_multi *m, sl_ch ch)
{
  uint32_t mask = m->by_channel_cap - 1, i = ((uint32_t)ch * 2654435761u) & mask;
  while (m->by_channel[i] && m->by_channel[i]->ch != ch) i = (i + 1) & mask;
  return i;
}

sl_conn *sl_agenda_channel(const sl_multi *m, sl_ch ch)
{
  return m->by_channel_cap ? m->by_channel[channel_slot(m, ch)] : NULL;
}

bool sl_agenda_channel_add(sl_multi *m, sl_conn *c)
{
  if ((m->by_channel_count + 1) * 2 > m->by_channel_cap) {
    uint32_t old_cap = m->by_channel_cap, cap = old_cap ? old_cap * 2 : 16;
    sl_conn **old = m->by_channel, **table = calloc(cap, sizeof(sl_conn *));
    if (!table) return false;
    m->by_channel = table;
    m->by_channel_cap = cap;
    for (uint32_t i = 0; i < old_cap; i++)
      if (old[i]) table[channel_slot(m, old[i]->ch)] = old[i];
    free(old);
  }
  uint32_t i = channel_slot(m, c->ch);
  SL_ASSERT(!m->by_channel[i]);
  m->by_channel[i] = c;
  m->by_channel_count++;
  return true;
}

void sl_agenda_channel_remove(sl_multi *m, const sl_conn *c)
{
  uint32_t mask = m->by_channel_cap - 1, i = channel_slot(m, c->ch);
  SL_ASSERT(m->by_channel[i] == c);
  m->by_channel[i] = NULL;
  m->by_channel_count--;
  for (i = (i + 1) & mask; m->by_channel[i]; i = (i + 1) & mask) {
    sl_conn *moved = m->by_channel[i];
    m->by_channel[i] = NULL;
    m->by_channel[channel_slot(m, moved->ch)] = moved;
  }
}

void sl_agenda_watch(sl_conn *c, bool closing)
{
  if (c->multi->watch) c->multi->watch(c, closing);
}

void sl_agenda_trace(sl_multi *m, const sl_transfer *t, enum sl_trace_kind kind, int64_t a, int64_t b)
{
  if (m->trace) m->trace(m->trace_arg, t, kind, a, b);
}
