/* connection.h: one channel of the host and its two buffers. It knows no transfer.
 *
 * Owns: what was received but not yet understood (`in`), and what was composed but not yet sent (`out`). The receive
 * buffer belongs to the engine and is shared; what a connection has not consumed when its turn ends moves to `stash`, so
 * that a quiet connection owns no buffer. Which connections there are, and who uses them: pool.h, lifecycle.h. */
#ifndef SLUICE_CONNECTION_H
#define SLUICE_CONNECTION_H
#include "model.h"

/* A quiet channel answers AGAIN. Anything else, bytes above all, means that no request must be sent on it. */
bool sl_conn_sound(sl_conn *c);

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

/* Its life goes on: the only writer of `life`. What the table in connection.c does not allow is a fault of the engine. */
void sl_conn_step(sl_conn *c, enum sl_conn_life to);
/* The diagram of the table, as Mermaid text: line `n` of it (0, 1, ...), or NULL after the last. buf: at least 80 bytes. */
const char *sl_conn_diagram_line(unsigned n, char *buf, size_t size);

#endif
