/* agenda.h: what one engine has to do: which transfers are dirty, which connections are ready, which transfers have
 * ended, which channel belongs to which connection; and the trace and the time, which go with every step.
 *
 * Owns: those lists and the table of channels. It does nothing with what is on them: multi.c does.
 *
 * Invariants: a transfer is on the dirty list at most once, a connection on the ready list at most once. A closed
 * connection is on no list. Errors: only sl_agenda_channel_add can fail, for lack of memory. */
#ifndef SLUICE_AGENDA_H
#define SLUICE_AGENDA_H
#include "model.h"
/* B17: what waits for t is taken in, and the host gets another turn before the next deadlines. */
void sl_agenda_look(sl_multi *m, sl_transfer *t);
/* A transfer has something to do. */
void sl_agenda_dirty(sl_multi *m, sl_transfer *t);
/* A connection has something to do / has not any more. */
void sl_agenda_ready(sl_multi *m, sl_conn *c);
void sl_agenda_unready(sl_multi *m, sl_conn *c);
/* t got DONE: its message waits to be told. */
void sl_agenda_finished(sl_multi *m, sl_transfer *t);
/* The next finished transfer not told yet, or NULL; X10: in the order of completion. */
sl_transfer *sl_agenda_message(sl_multi *m, uint32_t *left);
/* The connection of a channel, or NULL. */
sl_conn *sl_agenda_channel(const sl_multi *m, sl_ch ch);
/* The channel's place in the table of channels; false when memory is short. */
bool sl_agenda_channel_add(sl_multi *m, sl_conn *c);
void sl_agenda_channel_remove(sl_multi *m, const sl_conn *c);
void sl_agenda_watch(sl_conn *c, bool closing);
void sl_agenda_trace(sl_multi *m, const sl_transfer *t, enum sl_trace_kind kind, int64_t a, int64_t b);
/* Now: inside a run the run's own time, else the clock's. */
int64_t sl_agenda_now_us(sl_transfer *t);
/* t is not on the dirty list any more. */
void sl_agenda_clean(sl_multi *m, sl_transfer *t);

#endif
