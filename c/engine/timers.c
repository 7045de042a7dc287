/* timers.c: see timers.h.
 *
 * A binary heap in one array. Nodes stay in it while they have no deadline (min_us = SL_NEVER sinks to the
 * leaves), so that the array only grows when a node joins and setting a deadline never allocates.
 * Equal deadlines come in an order that depends on nothing but the calls made: traces can be replayed. */
#include "timers.h"
#include <stdlib.h>
#include "base.h"

#define HEAP_CAP_FIRST 16

static void heap_place(sl_timers *h, uint32_t i, sl_timer *t)
{
  h->heap[i] = t;
  t->index = i;
}

static void heap_rise(sl_timers *h, sl_timer *t)
{
  uint32_t i = t->index;
  while (i && h->heap[(i - 1) / 2]->min_us > t->min_us) {
    heap_place(h, i, h->heap[(i - 1) / 2]);
    i = (i - 1) / 2;
  }
  heap_place(h, i, t);
}

static void heap_sink(sl_timers *h, sl_timer *t)
{
  uint32_t i = t->index, child;
  while ((child = 2 * i + 1) < h->count) {
    if (child + 1 < h->count && h->heap[child + 1]->min_us < h->heap[child]->min_us) child++;
    if (h->heap[child]->min_us >= t->min_us) break;
    heap_place(h, i, h->heap[child]);
    i = child;
  }
  heap_place(h, i, t);
}

/* The node's deadlines changed: find its minimum and its place. */
static void timer_settle(sl_timers *h, sl_timer *t)
{
  int64_t before = t->min_us;
  t->min_us = SL_NEVER;
  for (int i = 0; i < SL_TIMER_KINDS; i++)
    if (t->due_us[i] < t->min_us) t->min_us = t->due_us[i];
  if (t->index == SL_TIMER_NOWHERE) return;
  SL_ASSERT(t->index < h->count && h->heap[t->index] == t);
  if (t->min_us < before) heap_rise(h, t);
  if (t->min_us > before) heap_sink(h, t);
}

void sl_timer_init(sl_timer *t, void *owner)
{
  for (int i = 0; i < SL_TIMER_KINDS; i++) t->due_us[i] = SL_NEVER;
  t->min_us = SL_NEVER;
  t->index = SL_TIMER_NOWHERE;
  t->owner = owner;
}

bool sl_timers_join(sl_timers *h, sl_timer *t)
{
  SL_ASSERT(t->index == SL_TIMER_NOWHERE);
  if (h->count == h->cap) {
    /* Below SIZE_MAX / 2 on 32 bits as well. */
    if (h->cap > UINT32_MAX / 4 / (uint32_t)sizeof *h->heap) return false;
    uint32_t cap = h->cap ? h->cap * 2 : HEAP_CAP_FIRST;
    sl_timer **heap = realloc(h->heap, cap * sizeof *heap);
    if (!heap) return false;
    h->heap = heap;
    h->cap = cap;
  }
  heap_place(h, h->count++, t);
  heap_rise(h, t); /* it may have got deadlines before it joined */
  return true;
}

void sl_timers_leave(sl_timers *h, sl_timer *t)
{
  if (t->index == SL_TIMER_NOWHERE) return;
  SL_ASSERT(t->index < h->count && h->heap[t->index] == t);
  sl_timer *last = h->heap[--h->count];
  if (last != t) {
    heap_place(h, t->index, last);
    heap_rise(h, last);
    heap_sink(h, last);
  }
  t->index = SL_TIMER_NOWHERE;
}

void sl_timers_set(sl_timers *h, sl_timer *t, enum sl_timer_kind kind, int64_t due_us)
{
  SL_ASSERT((unsigned)kind < SL_TIMER_KINDS);
  if (t->due_us[kind] == due_us) return;
  t->due_us[kind] = due_us;
  timer_settle(h, t);
}

void sl_timers_clear(sl_timers *h, sl_timer *t)
{
  for (int i = 0; i < SL_TIMER_KINDS; i++) t->due_us[i] = SL_NEVER;
  timer_settle(h, t);
}

sl_timer *sl_timers_first(const sl_timers *h)
{
  return h->count && h->heap[0]->min_us != SL_NEVER ? h->heap[0] : NULL;
}

void sl_timers_free(sl_timers *h)
{
  /* Nodes may outlive the heap: none may believe it is still in it. */
  for (uint32_t i = 0; i < h->count; i++) h->heap[i]->index = SL_TIMER_NOWHERE;
  free(h->heap);
  *h = (sl_timers){ 0 };
}
