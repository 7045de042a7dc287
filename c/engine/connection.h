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
#include "base.h"
#include "text.h"
#include "timers.h"

struct sl_protocol;

struct sl_conn {
  sl_multi *multi;
  sl_conn *prev, *next, *ready_prev, *ready_next; /* multi.h                          */
  sl_conn *pool_prev, *pool_next; /* of the idle, or of the draining ones             */
  int64_t id;                /* counted by the engine from 0                          */
  sl_ch ch;
  uint32_t host;             /* queue.h: what a limit counts by, 0 = not counted      */
  uint32_t kind;             /* enum sl_kind                                          */
  char *spec;                /* the pool's key, with kind                             */
  uint32_t spec_len;
  const struct sl_protocol *protocol; /* NULL until it opened                         */
  void *protocol_state;
  sl_transfer *transfers;    /* guests, by conn_next                                  */
  uint32_t wanted;           /* last told to the host                                 */
  uint32_t events;           /* enum sl_event_bits not looked at yet                  */
  bool opened, draining, idle, closed, ready;
  bool raw;                  /* handed over: CONNECT_ONLY                             */
  uint32_t asked;            /* of such a one: what its owner waits for               */
  bool held;                 /* by the host (B15): so are its guests                  */
  bool no_room;              /* the host had none for it (SL_BUSY): its end makes none either */
  bool doubt;                /* something came that should not have: never used again */
  bool host_moves_not;       /* the host answered NOSYS to move or unrecv             */
  bool host_moves_out_not;   /* ... to move_out                                       */
  int64_t pooled_us;         /* when it was left: idle or draining since then         */
  uint64_t drain_left;       /* bytes of the response that nobody wants               */
  uint32_t used;             /* transfers begun on it                                 */
  const char *in;            /* received, not consumed; inside scratch or `stash`     */
  uint32_t in_len;
  uint32_t last_fill;        /* bytes of the latest receive: what may be given back   */
  char peer[64], local[64];  /* "address port", known when it opened                  */
  int64_t resolved_us, connected_us, tls_us; /* SL_INFO_TIMES                         */
  void *face;                /* of whoever set the engine's watch                     */
  sl_text stash;             /* what of `in` outlives a run                           */
  sl_text out;               /* composed, not sent                                    */
};

/* Open a channel for t's spec: the connection, or NULL with *code = SL_BUSY, SL_NOMEM or another. */
sl_conn *sl_conn_open(sl_multi *m, uint32_t kind, const char *spec, uint32_t len, int32_t *code);
/* An idle connection with this key that is still sound, taken out of the pool, or NULL. */
sl_conn *sl_conn_reuse(sl_multi *m, uint32_t kind, const char *spec, uint32_t len);
void sl_conn_attach(sl_conn *c, sl_transfer *t);
void sl_conn_detach(sl_conn *c, sl_transfer *t);
/* t has no more to do with it. It is kept for the next one when at most `left_max` bytes of the response are still to
 * come (0: only when it is whole; < 0: never), the request is out whole and the connection sound; else closed. */
void sl_conn_release(sl_conn *c, sl_transfer *t, int64_t left_max, enum sl_how how);
/* When a draining one is to be given up; and its last look, after which it drains no more. */
int64_t sl_conn_drain_due_us(const sl_conn *c);
void sl_conn_drain_end(sl_conn *c);
/* t leaves it to whoever t belongs to: nothing is read from it, no other transfer gets it, until sl_conn_close. */
sl_conn *sl_conn_hand_over(sl_conn *c, sl_transfer *t);
/* What the owner of such a one waits for, SL_IN or SL_OUT, until the next event; 0: nothing. */
void sl_conn_ask(sl_conn *c, uint32_t events);
/* Close the channel. The struct is freed when the run ends (sl_conn_free). */
void sl_conn_close(sl_conn *c, enum sl_how how);
void sl_conn_free(sl_conn *c);
/* A quiet channel answers AGAIN. Anything else, bytes above all, means that no request must be sent on it. */
bool sl_conn_sound(sl_conn *c);
/* The channel died of `code`: tell every guest, then close it. */
void sl_conn_broken(sl_conn *c, int32_t code);
/* Look at its events; called by the engine's run. */
void sl_conn_run(sl_conn *c);
/* Ask the protocol what it wants and tell the host when that changed. */
void sl_conn_want(sl_conn *c);

/* For protocols. */

/* Receive up to max bytes behind what `in` has: how many came (> 0), 0 at the end, or a code. */
int32_t sl_conn_fill(sl_conn *c, uint32_t max);
void sl_conn_consume(sl_conn *c, uint32_t n);
/* Whether body bytes for t may take the host's short way. */
bool sl_conn_moves(const sl_conn *c, const sl_transfer *t);
/* Nothing more of `in` must be looked at for now: give it back to a host that moves (body bytes that nobody
 * has to see), so that the next sl_conn_move finds it. How many bytes went back. */
uint32_t sl_conn_unread(sl_conn *c);
/* Let the host hand up to max bytes to t's sink: as sl_move, SL_NOSYS when this way is closed. */
int32_t sl_conn_move(sl_conn *c, sl_transfer *t, uint32_t max);
/* Let the host take up to max bytes from t's source: as sl_move_out, SL_NOSYS when this way is closed. */
int32_t sl_conn_move_out(sl_conn *c, sl_transfer *t, uint32_t max);
/* Send as much of `out` as the channel takes: 0 when all went, SL_AGAIN, or a code. */
int32_t sl_conn_flush(sl_conn *c);

#endif
