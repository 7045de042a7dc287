/* multi.h: one engine: transfers are added and removed, and a run does what is to be done.
 *
 * Owns: the loop, the heap of deadlines, one receive buffer for all connections. Borrows transfers. The lists of what is to
 * be done are agenda.h's, the connections pool.h's.
 *
 * Work enters by sl_multi_event (something happened at a channel) and by what marks a transfer dirty. sl_multi_run does it:
 * due deadlines, ready connections, dirty transfers, until nothing is left or the turn's budget is used up. A run within a
 * run (from a callback) does nothing: the outer one goes on. Work is proportional to what is ready, not to what is there.
 *
 * Invariants: between runs the host knows what every connection wants. next_us is 0 iff work is waiting (K6), or the host is
 * to have another turn before a deadline is judged (B17). */
#ifndef SLUICE_MULTI_H
#define SLUICE_MULTI_H
#include "model.h"

/* A new engine on a loop of its own (loop NULL) or a borrowed one. NULL: memory or the host is short. */
sl_multi *sl_multi_new(sl_loop *loop);
/* Close everything. Transfers still added are removed first, stopped without a word. */
void sl_multi_free(sl_multi *m);

/* Add a transfer (IDLE or DONE; in no engine) and start it. CURLM_OUT_OF_MEMORY or 0. */
int sl_multi_add(sl_multi *m, sl_transfer *t);
/* Take it out in any state; a running one is stopped without done being told. Never from a callback. */
void sl_multi_remove(sl_multi *m, sl_transfer *t);

/* Something happened at a channel (enum sl_event_bits); unknown channels are ignored. */
void sl_multi_event(sl_multi *m, sl_ch ch, uint32_t events);
/* Do what is to be done. */
void sl_multi_run(sl_multi *m);
/* When the next run is due: 0 = now, SL_NEVER = only an event can bring one. */
int64_t sl_multi_next_us(const sl_multi *m);

#endif
