/* ready.h: what a transfer may do now. Readiness is derived here, each time, from state, gate and limits; nothing stores
 * it, so that a pause cannot disagree with what is wanted from the channel. */
#ifndef SLUICE_READY_H
#define SLUICE_READY_H
#include "model.h"
/* Whether what was received may be given to the user: not paused, nothing held, not over. */
bool sl_ready_takes(const sl_transfer *t);
/* Whether held bytes may go to the user. */
bool sl_ready_replays(const sl_transfer *t);
/* How many wire bytes may leave the channel for t now: 0 unless it takes and its rate has tokens. */
int64_t sl_ready_recv(sl_transfer *t);
/* How many may be sent: 0 while SEND is paused, the rate is used up, or it is over. */
int64_t sl_ready_send(sl_transfer *t);
/* Started and not over. */
bool sl_ready_running(const sl_transfer *t);
/* What lies between the engine and the peer. */
sl_unsent sl_ready_unsent(const sl_transfer *t);
/* Body bytes sent, but those that its host still keeps. */
uint64_t sl_ready_sent(const sl_transfer *t);
/* Bytes held for t in the engine: by the gate, and on its connection when that is its own. */
uint64_t sl_ready_held_engine(const sl_transfer *t);
/* The same and what its host keeps (B4). */
uint64_t sl_ready_held(const sl_transfer *t);

#endif
