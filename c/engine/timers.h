/* timers.h: one heap of deadlines for one engine.
 *
 * A node belongs to a transfer and is embedded in it. It has a deadline of its own for
 * each kind of limit; the heap is ordered by the earliest of them. The heap owns only its array of
 * pointers, and reserves a slot when a node joins, so that setting a deadline cannot fail (rule 9).
 *
 * Invariants: node->index is its place in the heap, SL_TIMER_NOWHERE when it has not joined;
 * node->min_us is the minimum of due_us; a parent's min_us is never above its children's. */
#ifndef SLUICE_TIMERS_H
#define SLUICE_TIMERS_H
#include "base.h"

enum sl_timer_kind {
  SL_TIMER_TOTAL, SL_TIMER_CONNECT, SL_TIMER_LOW_SPEED, SL_TIMER_RECV_RATE, SL_TIMER_SEND_RATE,
  SL_TIMER_EXPECT, SL_TIMER_PAUSED, SL_TIMER_SILENCE, SL_TIMER_QUEUE, SL_TIMER_RETRY, SL_TIMER_HOP, SL_TIMER_KINDS
};
#define SL_TIMER_NOWHERE UINT32_MAX

typedef struct {
  int64_t due_us[SL_TIMER_KINDS]; /* SL_NEVER = not set */
  int64_t min_us;
  uint32_t index;
  void *owner;
} sl_timer;

typedef struct {
  sl_timer **heap;
  uint32_t count, cap;
} sl_timers;

/* Every deadline SL_NEVER, in no heap. */
void sl_timer_init(sl_timer *t, void *owner);
/* Join: false when memory is short. */
bool sl_timers_join(sl_timers *h, sl_timer *t);
/* Leave; nothing happens to a node that has not joined. */
void sl_timers_leave(sl_timers *h, sl_timer *t);
/* Set one deadline of a node (SL_NEVER clears). A node that has not joined keeps it for later. */
void sl_timers_set(sl_timers *h, sl_timer *t, enum sl_timer_kind kind, int64_t due_us);
/* Clear all deadlines of a node. */
void sl_timers_clear(sl_timers *h, sl_timer *t);
/* The node that is due first, or NULL when no node has a deadline. */
sl_timer *sl_timers_first(const sl_timers *h);
void sl_timers_free(sl_timers *h);

#endif
