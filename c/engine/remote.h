/* remote.h: what another thread may do to a transfer: one word that it writes, one bell that it rings (B1, B2).
 *
 * The word has the wanted pause mask, an abort and a sequence number; every command writes it whole, the last one
 * counts, but an abort is not lost to a pause. The owner's thread takes it (sl_remote_take) once a run and before each
 * delivery; a word it has seen already is no command, so what it says is not asked for again after the owner's own
 * curl_easy_pause (P1). A word written while the transfer does not run waits: what came before the first start takes
 * effect there, what came after an end is forgotten by the next start (sl_remote_forget): it meant the one that ended.
 *
 * Owns: itself, by reference count. One reference is the transfer's, from the first sl_remote_new until
 * sl_remote_leave; each of the others is a handle's. Whoever drops the last one frees it, in whatever thread. The
 * transfer is touched by its owner's thread alone, and not after sl_remote_leave.
 *
 * States: apart (engine NULL), attached (while the transfer is in an engine). A command rings the engine it finds: it
 * puts itself on the engine's list of those that were rung, once, and wakes its loop. `ringing` counts who is doing
 * that; sl_remote_detach takes the engine away and then waits until nobody is at it, so a loop that was found is
 * never a freed one, and a transfer that moves on is rung where it is. That wait is the only one there is: a command
 * never waits, so it may come from a signal handler, even of the owner's thread.
 *
 * Ordering: all atomics are sequentially consistent, two pairs need it. Write word, read engine here and write
 * engine, read word there (attach, then the start takes it): one of the two sees the other. Count ringing, read engine
 * here and clear engine, read ringing there (detach): likewise. `queued` is taken back before the word is read, so
 * a command that found it set will be read. Without threads (Wasm) these are plain loads and stores.
 *
 * Errors: only sl_remote_new can fail, for want of memory. */
#ifndef SLUICE_REMOTE_H
#define SLUICE_REMOTE_H
#include <sluice/sluice.h>
#include "model.h"

/* A handle of t's; the first one makes it. NULL: memory. Owner's thread. */
sluice_remote *sl_remote_new(sl_transfer *t);

/* All below: owner's thread; r may be NULL. */

/* Its transfer was added to / is leaving an engine. */
void sl_remote_attach(sluice_remote *r, sl_multi *m);
void sl_remote_detach(sluice_remote *r);
/* Its transfer is no more. */
void sl_remote_leave(sluice_remote *r);
/* Forget what was written and not taken. */
void sl_remote_forget(sluice_remote *r);
/* What was written since: false when nothing was. *mask is the whole pause state (P1), without a meaning when *abort. */
bool sl_remote_take(sluice_remote *r, uint32_t *mask, bool *abort);

/* Those that were rung: `take` is called for the transfer of each. Once a run. */
void sl_remote_answer(sl_multi *m, void (*take)(sl_transfer *t));
/* Whether there are any: then a run is due. */
bool sl_remote_rung(const sl_multi *m);

#endif
