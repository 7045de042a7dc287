/* lifecycle.h: a transfer's way from PENDING to DONE, and what happens to the guests of a connection.
 *
 * A transfer that wants something (start, pause, resume, stop) is marked dirty (agenda.h); sl_life_run, called by the
 * engine's run and never nested, makes it true. So a callback may ask for anything, and it happens when the callback has
 * returned. `user->done` is called once for each START. DONE with CURLE_OK means that every byte was accepted. */
#ifndef SLUICE_LIFECYCLE_H
#define SLUICE_LIFECYCLE_H
#include "model.h"
/* Begin, or begin again after DONE. The transfer must be in an engine. A URL or option that cannot be
 * begins and ends it at once with that error. Only sl_multi_add calls it; nothing is left of a run before. */
void sl_life_start(sl_transfer *t);
/* For the engine: make it true (see above). Nothing is known of t afterwards when it got DONE. */
void sl_life_run(sl_transfer *t);
/* Its connection opened / broke: retried once when a pooled one was stale, else stopped. Then it has no
 * connection any more. */
void sl_life_opened(sl_transfer *t);
void sl_life_broken(sl_transfer *t, int32_t code);
/* End without a word: sl_multi_remove. */
void sl_life_drop(sl_transfer *t);
void sl_life_attach(sl_conn *c, sl_transfer *t);
void sl_life_detach(sl_conn *c, sl_transfer *t);
/* t has no more to do with it. It is kept for the next one when at most `left_max` bytes of the response are still to
 * come (0: only when it is whole; < 0: never), the request is out whole and the connection sound; else closed. */
void sl_life_release(sl_conn *c, sl_transfer *t, int64_t left_max, enum sl_how how);
/* t leaves it to whoever t belongs to: nothing is read from it, no other transfer gets it, until sl_pool_close. */
sl_conn *sl_life_hand_over(sl_conn *c, sl_transfer *t);
/* The channel died of `code`: tell every guest, then close it. */
void sl_life_conn_broken(sl_conn *c, int32_t code);
/* Look at its events; called by the engine's run. */
void sl_life_conn_run(sl_conn *c);

#endif
