/* clocks.h: the clocks of one transfer: which deadline is set when. What a deadline means when it comes: expiry.h.
 *
 * Owns: the times of a transfer, the low-speed meter, its deadlines. They are derived from the options, the state and the gate.
 *
 *   TOTAL, CONNECT   T1, T2: run while the caller pauses, are frozen while the host holds (B15); B16: for a user with
 *                    connect_alone CONNECT begins when a connection is opened
 *   QUEUE            B16: waiting for a free connection, not while receiving is paused
 *   LOW_SPEED        L1..L6: asked once a second while ACTIVE (B16), not while anything is paused; a pause makes it and the rates
 *                    forget (S3, L5), back-pressure alone (SL_BY_SINK) only stands still: a reader that takes chunk
 *                    by chunk would else never be too slow, nor held to a rate
 *   PAUSED           B9: time under the caller's own pause
 *   SILENCE          B9: time without a byte while an answer is due and wanted, and the request's body is with the peer
 *   RECV_, SEND_RATE S2: when the bucket has tokens again
 *   EXPECT           R5: when the body goes although no 100 came
 *   RETRY            the host had no room
 *   HOP              a redirect's body that is read out was not here in time
 *
 * B17: all but TOTAL judge somebody who may have done his part while this process was busy or stopped. So when such a
 * deadline is seen late, its connection is run and the host gets another turn, in which it can tell what it has not told
 * yet, and as much time again, at most SL_LOOK_MAX_US. It is judged at the end of a run, behind its connection.
 *
 * Invariant: after sl_expiry_run no deadline of the transfer is in the past. */
#ifndef SLUICE_CLOCKS_H
#define SLUICE_CLOCKS_H
#include "model.h"

/* T2: the first run: everything begins. */
void sl_clocks_begin(sl_transfer *t);
/* The state changed: TOTAL, CONNECT and PAUSED follow. */
void sl_clocks_set(sl_transfer *t);
/* The request went out whole, or receiving was resumed: the answer is due from now. */
void sl_clocks_silence(sl_transfer *t);
/* The gate may have changed: by a call, by a refusal, by the host. True when a direction did. */
bool sl_clocks_gate(sl_transfer *t);
/* The request's body waits for 100-continue (R5). */
void sl_clocks_expect(sl_transfer *t);
/* The host has no room: ask again later. */
void sl_clocks_retry(sl_transfer *t);
/* A redirect's body is read out, if it comes soon. */
void sl_clocks_hop(sl_transfer *t);
/* A new try of the request begins: CONNECT counts anew (T2). */
void sl_clocks_single(sl_transfer *t);
/* A connection is opened for it. */
void sl_clocks_opening(sl_transfer *t);
/* It has its connection: LOW_SPEED begins (B16). */
void sl_clocks_connected(sl_transfer *t);

/* Set the deadlines that follow from what it may not do now (rates). */
void sl_clocks_arm(sl_transfer *t);

/* For expiry.c. */

void sl_clocks_set_timer(sl_transfer *t, enum sl_timer_kind kind, int64_t due_us);
/* `after_ms` milliseconds behind `from_us`; 0 = never. */
int64_t sl_clocks_deadline(int64_t from_us, int64_t after_ms);
/* L5: a pause, or a change of the limit, made the low-speed measurement forget. */
void sl_clocks_low_speed_anew(sl_transfer *t);
/* Whether this clock runs for t now. */
bool sl_clocks_low_speed_on(const sl_transfer *t);
bool sl_clocks_silence_on(const sl_transfer *t);
bool sl_clocks_connect_on(const sl_transfer *t);
bool sl_clocks_paused_on(const sl_transfer *t);
bool sl_clocks_queue_on(const sl_transfer *t);
/* Since when CONNECT counts. */
int64_t sl_clocks_connect_since_us(const sl_transfer *t);
/* B9: set the deadline of silence by what is due now. */
void sl_clocks_silence_set(sl_transfer *t);
/* B9: while the rate let nothing in, nobody listened: silence begins now. */
void sl_clocks_recv_wanted(sl_transfer *t);

#endif
