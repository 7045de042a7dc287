/* state.h: the one state machine. Every change of a transfer's lifecycle is a row of the table in state.c.
 *
 * A transfer's state is three small numbers: its life, and while ACTIVE the two half-machines, because
 * an upload can pause while the response flows. Whether a half is paused is the gate's business and is
 * not state here; whether bytes are held is asked for by the guard.
 *
 * Size of the product: life and halves have 16 reachable values (IDLE, PENDING, CONNECTING, DONE and
 * ACTIVE x send {HEAD, WAIT, BODY, END} x recv {HEAD, BODY, END}); times the gate's two bits and
 * "something is held": 16 x 4 x 2 = 128, of which 109 are reached (unit_state.c): nothing is held outside ACTIVE,
 * and the gate of what is DONE is open.
 *
 * Invariants: outside ACTIVE both halves are NONE. DONE is not entered while bytes are held. Only STOP
 * and FINISH lead to DONE, and only from a life that was started. */
#ifndef SLUICE_STATE_H
#define SLUICE_STATE_H
#include "base.h"

enum sl_life { SL_IDLE, SL_PENDING, SL_CONNECTING, SL_ACTIVE, SL_DONE, SL_LIFE_COUNT };
enum sl_send_half { SL_SEND_NONE, SL_SEND_HEAD, SL_SEND_WAIT, SL_SEND_BODY, SL_SEND_END, SL_SEND_COUNT };
enum sl_recv_half { SL_RECV_NONE, SL_RECV_HEAD, SL_RECV_BODY, SL_RECV_END, SL_RECV_COUNT };

enum sl_step_event {
  SL_STEP_START,     /* the caller starts it                                     */
  SL_STEP_OPEN,      /* a connection of its own is being made                    */
  SL_STEP_BEGIN,     /* the connection is usable: the request begins             */
  SL_STEP_SEND_WAIT, /* request head sent, body waits for 100-continue (R5)      */
  SL_STEP_SEND_BODY, /* ... body may go                                          */
  SL_STEP_SEND_END,  /* nothing more to send                                     */
  SL_STEP_RECV_HEAD, /* the final response head is complete                      */
  SL_STEP_RECV_END,  /* the response is complete; bytes of it may still be held  */
  SL_STEP_AGAIN,     /* redirect, retry: look for a connection once more         */
  SL_STEP_FINISH,    /* both halves ended, nothing held                          */
  SL_STEP_STOP,      /* ended before that, by whatever cause                     */
  SL_STEP_RESET,     /* the caller takes the handle back                         */
  SL_STEP_COUNT
};

typedef struct {
  uint8_t life, send, recv; /* enum sl_life, sl_send_half, sl_recv_half */
} sl_state;

/* Apply one event. False and unchanged where the table has no row for it or the guard forbids it
 * (`held` bytes must be 0 for rows that say so). */
bool sl_state_step(sl_state *s, enum sl_step_event event, uint64_t held);

/* The diagram of the table, as Mermaid text: line `n` of it (0, 1, ...), or NULL after the last.
 * `buf` holds at least 160 bytes. */
const char *sl_state_diagram_line(unsigned n, char *buf, size_t size);

#endif
