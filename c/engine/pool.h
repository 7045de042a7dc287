/* pool.h: the connections of one engine: opened, shared, idle, draining, closed; their limits, and who waits for one.
 *
 * Two connections are the same to a transfer iff kind and open spec are byte-equal; that is the only key.
 *
 * Draining (B11): the transfer has stopped and left, and what is still to come of its response is known and small enough
 * for that transfer's option. It is read and dropped, for SL_DRAIN_US at most. Then the connection is idle, or it is
 * closed if that took too long or anything else came. It counts for the limits meanwhile. The body of a redirect is not
 * drained: the transfer reads it, because the transfer needs the connection next.
 *
 * Waiting: a transfer waits because the engine's limits are reached, or because the host has no room (SL_BUSY). First
 * come, first served. A connection that closes or falls idle calls the first transfer that could use the room (and one
 * that the host had no room for). A transfer that leaves the queue, served or not, calls the next one, so that no room
 * stays unused: nobody waits behind a paused transfer (P10), nor behind one that waits for another host. Idle
 * connections are room: the oldest is closed for a transfer that needs another one. Time goes on while a transfer
 * waits (T6, F29). Files are in no limit.
 *
 * Invariants: a transfer is in the queue at most once, and only while PENDING; `called` only while in it. A closed
 * connection is freed at the end of the run that closed it, so that no caller up the stack has a dangling pointer. */
#ifndef SLUICE_POOL_H
#define SLUICE_POOL_H
#include "model.h"
/* Open a channel for t's spec: the connection, or NULL with *code = SL_BUSY, SL_NOMEM or another. */
sl_conn *sl_pool_open(sl_multi *m, uint32_t kind, const char *spec, uint32_t len, int32_t *code);
/* An idle connection with this key that is still sound, taken out of the pool, or NULL. */
sl_conn *sl_pool_reuse(sl_multi *m, uint32_t kind, const char *spec, uint32_t len);
/* Begin to drain `left` bytes; drop what is here of them. The connection is then idle, draining or closed. */
void sl_pool_drain_enter(sl_conn *c, uint64_t left);
void sl_pool_drain(sl_conn *c);
/* When a draining one is to be given up; and its last look, after which it drains no more. */
int64_t sl_pool_drain_due_us(const sl_conn *c);
void sl_pool_drain_end(sl_conn *c);
/* What the owner of such a one waits for, SL_IN or SL_OUT, until the next event; 0: nothing. */
void sl_pool_ask(sl_conn *c, uint32_t events);
/* Close the channel. The struct is freed when the run ends (sl_pool_free). */
void sl_pool_close(sl_conn *c, enum sl_how how);
void sl_pool_free(sl_conn *c);
/* Ask the protocol what it wants and tell the host when that changed. */
void sl_pool_want(sl_conn *c);
/* What MAX_HOST_CONNECTIONS counts by, of an open spec: name and port. 0: not counted. */
uint32_t sl_pool_host(uint32_t kind, const char *spec, uint32_t len);
/* Whether t may look for a connection now, or has to stand behind others. */
bool sl_pool_admits(sl_transfer *t);
/* Whether t may open a connection of its own; closes idle ones for it. */
bool sl_pool_has_room(sl_transfer *t);
/* t waits, at the end of the queue or where it stands already. */
void sl_pool_wait(sl_transfer *t, bool host_busy);
/* t waits no longer: it has a connection now, or it ends. */
void sl_pool_wait_end(sl_transfer *t);
/* t was paused and will not use a call (P10): the next one gets it. */
void sl_pool_passed(sl_transfer *t);
/* A connection to this host closed or fell idle. False: it was one that the host had no room for. */
void sl_pool_freed(sl_multi *m, uint32_t host, bool host_has_room);
/* The limits have changed: everybody tries. */
void sl_pool_call_all(sl_multi *m);

#endif
