/* connection.h: one channel of the host, the protocol on it, and the pool they wait in between transfers.
 *
 * Owns: the channel, the protocol's state, what was received but not yet understood (`in`), what was
 * composed but not yet sent (`out`). A transfer is a guest on it: HTTP/1 has one at a time, HTTP/2 many.
 *
 * Two connections are the same to a transfer iff kind and open spec are byte-equal; that is the only key.
 * Life: opening -> open -> (busy -> draining -> idle -> busy) -> closed. Closed means gone: it is freed at the end of
 * the run that closed it (sl_multi_run), so no caller up the stack is left with a dangling pointer.
 *
 * Draining (B11): its transfer has stopped and left; what is still to come of the response is known, and small enough
 * for that transfer's option. It is read and dropped, at most SL_DRAIN_US long; then the connection is idle, or closed
 * if it was not in time or anything else came. It counts for the limits meanwhile (queue.h). The body of a redirect
 * is not drained but read by its transfer: that is who needs the connection next.
 *
 * What is wanted from the channel is asked of the protocol after every change and told to the host;
 * `wanted` is only a memo of the last word said, to save a crossing. */
#ifndef SLUICE_CONNECTION_H
#define SLUICE_CONNECTION_H
#include "model.h"

struct sl_protocol;

/* A quiet channel answers AGAIN. Anything else, bytes above all, means that no request must be sent on it. */
bool sl_conn_sound(sl_conn *c);

/* For protocols. */

/* Receive up to max bytes behind what `in` has: how many came (> 0), 0 at the end, or a code. */
int32_t sl_conn_fill(sl_conn *c, uint32_t max);
void sl_conn_consume(sl_conn *c, uint32_t n);
/* Nothing more of `in` must be looked at for now: give it back to a host that moves (body bytes that nobody
 * has to see), so that the next sl_body_move finds it. How many bytes went back. */
uint32_t sl_conn_unread(sl_conn *c);
/* Send as much of `out` as the channel takes: 0 when all went, SL_AGAIN, or a code. */
int32_t sl_conn_flush(sl_conn *c);
/* Move what was not consumed out of the engine's buffer, into the connection's own. False: memory. */
bool sl_conn_keep(sl_conn *c);

#endif
