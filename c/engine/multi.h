/* multi.h: one engine: its loop, its transfers, its connections, its one timer.
 *
 * Owns: the loop, every connection (in use, draining, idle), the heap of deadlines, the dirty and ready lists,
 * the finished transfers not yet told (X10), one receive buffer for all. Borrows transfers.
 *
 * Work enters by sl_multi_event (something happened at a channel) and by what marks a transfer dirty; it is
 * done by sl_multi_run: due deadlines, ready connections, dirty transfers, until nothing is left or the
 * turn's budget is used up. A run within a run (from a callback) does nothing: the outer one goes on.
 * Work is proportional to what is ready, never to what is there.
 *
 * Invariants: a transfer is on the dirty list at most once, a connection on the ready list at most once.
 * Between runs every connection's wants have been told to the host. next_us is 0 iff work is waiting (K6), or the host is to
 * have another turn before a deadline is judged (B17). */
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
