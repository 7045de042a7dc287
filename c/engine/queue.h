/* queue.h: transfers that wait for a connection: because the engine's limits are reached, or because the host has
 * no room (SL_BUSY). Part of the engine (multi.h), which owns the list; first come, first served.
 *
 * A connection that closes or falls idle calls one transfer out of the queue, the first that could use the room (and
 * one that the host had no room for); who leaves the queue, served or not, calls again, so that no room stays unused:
 * nobody stands behind a paused one (P10), nor behind one that waits for another host. Idle connections are room: the
 * oldest is closed for whoever needs another one. Time runs on while a transfer waits (T6, F29). Files are in no limit.
 *
 * Invariants: a transfer is in the queue at most once, and only while PENDING. `called` only while in it. */
#ifndef SLUICE_QUEUE_H
#define SLUICE_QUEUE_H
#include "transfer.h"

/* What MAX_HOST_CONNECTIONS counts by, of an open spec: name and port. 0: not counted. */
uint32_t sl_queue_host(uint32_t kind, const char *spec, uint32_t len);
/* Whether t may look for a connection now, or has to stand behind others. */
bool sl_queue_admits(sl_transfer *t);
/* Whether t may open a connection of its own; closes idle ones for it. */
bool sl_queue_has_room(sl_transfer *t);
/* t waits, at the end of the queue or where it stands already. */
void sl_queue_enter(sl_transfer *t, bool host_busy);
/* t waits no longer: it has a connection now, or it ends. */
void sl_queue_leave(sl_transfer *t);
/* t was paused and will not use a call (P10): the next one gets it. */
void sl_queue_passed(sl_transfer *t);
/* A connection to this host closed or fell idle. False: it was one that the host had no room for. */
void sl_queue_freed(sl_multi *m, uint32_t host, bool host_has_room);
/* The limits have changed: everybody tries. */
void sl_queue_call_all(sl_multi *m);

#endif
