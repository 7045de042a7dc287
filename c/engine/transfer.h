/* transfer.h: one transfer: its pauses, what is delivered to its user, its one stop, and the sending half.
 *
 * Owns: the gate, the buckets, the state (state.h) and the cause of the end. Borrows its options (options.h, owned by the
 * handle that it is part of) and its connection (owned by the engine). The way from PENDING to DONE is in lifecycle.h, what
 * protocols say about a response in receive.h, the body of the request in upload.h.
 *
 * A transfer that wants something is marked dirty (agenda.h), and the engine's run makes it true (lifecycle.h).
 *
 * Only transfer.c changes the gate. Invariants: `cause` is written by sl_transfer_stop, and by sl_life_drop for a transfer that is taken out. The first
 * cause stays. */
#ifndef SLUICE_TRANSFER_H
#define SLUICE_TRANSFER_H
#include "model.h"

/* A transfer in IDLE, in no engine. options are borrowed for its whole life. */
void sl_transfer_init(sl_transfer *t, const sl_user *user, sl_options *options);
/* Release what it owns. It must be in no engine. */
void sl_transfer_clear(sl_transfer *t);

/* P1: mask (enum sl_dir bits) is the whole new pause state, set by `by`. In force on return: nothing is
 * delivered, nothing read. Unpausing marks the transfer dirty (P8); it delivers nothing itself. */
void sl_transfer_pause(sl_transfer *t, uint32_t mask, enum sl_by by);
/* B1, B2: what another thread wants, as the owner's sees it now: an abort, else the whole pause state. It
 * delivers nothing itself; nothing happens to one that is not running. */
void sl_transfer_remote(sl_transfer *t, uint32_t mask, bool abort);
/* The same for what its remote handles have written. Once a run and before each delivery. */
void sl_transfer_sample(sl_transfer *t);
/* The same, as curl_easy_pause: P6: what is held is delivered before it returns, as much as the burst covers. Not from
 * inside a delivery to t, nor more than SL_REPLAY_DEPTH_MAX deep in those to others: then it follows in the next run.
 * The error of a user that failed (P7), else CURLE_OK. */
CURLcode sl_transfer_pause_replay(sl_transfer *t, uint32_t mask, enum sl_by by);
/* The one way to end. The first cause wins; later calls and calls on what is not running do nothing.
 * message NULL: the code's own text. Nothing is delivered from now on; it ends in the next run. */
void sl_transfer_stop(sl_transfer *t, enum sl_cause cause, CURLcode code, const char *message);

/* The host holds or frees its channel (B15). */
void sl_transfer_hold(sl_transfer *t, bool held);

/* The rest of a redirect's body is not worth the wait: its connection is closed. */
void sl_transfer_hop_now(sl_transfer *t);

/* For the files of a transfer: lifecycle.c, receive.c. */

/* One event of the table (state.h): the trace and the user hear of it. */
bool sl_transfer_step(sl_transfer *t, enum sl_step_event event);
/* The gate may have changed: the clocks look, and the user is told when it did. */
void sl_transfer_gate_changed(sl_transfer *t);
/* Throw away what is held, open both directions (P13). */
void sl_transfer_gate_clear(sl_transfer *t);
/* The same for a new try of the request: what another thread has paused stays paused. */
void sl_transfer_forget_pause(sl_transfer *t);
/* One part through the gate to the user: go on, or stop reading. */
enum sl_gate_result sl_transfer_write(sl_transfer *t, enum sl_part part, const char *data, uint32_t n);
/* Deliver what is held, as far as the gate and the burst (B3) allow, and let the protocol understand what it kept. */
void sl_transfer_replay(sl_transfer *t);

/* For protocols. */

/* n wire bytes left the channel for t / were put into it: rates, silence, first byte. n < 0 gives back. */
void sl_transfer_charge_recv(sl_transfer *t, int64_t n);
void sl_transfer_charge_sent(sl_transfer *t, int64_t n);
/* The request's head went out whole, and a body follows: now, or when a 100 comes (R5). */
void sl_out_body(sl_transfer *t, bool wait);
/* The wait is over: 100 came, or long enough was waited. */
void sl_out_go(sl_transfer *t);
/* The user has body bytes again after it answered SL_AGAIN. */
void sl_transfer_more(sl_transfer *t);
/* Nothing more will be sent. */
void sl_out_end(sl_transfer *t);

#endif
