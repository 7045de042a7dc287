/* gate.h: between the decoder and the user: the two pause bits, who set them, and what was refused.
 *
 * Owns the queue of received but not accepted parts (heads, body, trailers), in order, kinds never mixed
 * (W5). It is filled only by a refusal: while it is not empty, or RECV is paused, everything that arrives
 * goes to its end and nothing past it, and the protocol above stops reading, so it never holds more than
 * the parts of one receive (SL_RECV_CHUNK_MAX) or one head (SL_HEAD_MAX).
 *
 * Invariants: paused(d) is derived from who paused d. A part is delivered from its first refused byte on.
 * Nothing is delivered while RECV is paused, nor after the user failed once (W: F16), nor from inside a delivery. */
#ifndef SLUICE_GATE_H
#define SLUICE_GATE_H
#include "base.h"

enum sl_dir { SL_DIR_RECV = 1, SL_DIR_SEND = 4, SL_DIR_BOTH = 5 }; /* CURLPAUSE_* */
/* SINK: a sink is busy with what it took, or was not asked for more: back-pressure, nobody's wish. It stops the bytes
 * like a pause, but of the clocks' history nothing is forgotten for it (clocks.h). Of receiving only. */
enum sl_by { SL_BY_CALL = 1, SL_BY_CALLBACK = 2, SL_BY_REMOTE = 4, SL_BY_HOST = 8, SL_BY_SINK = 16 };
enum sl_part { SL_PART_HEAD, SL_PART_BODY, SL_PART_TRAILER };

/* The user: takes `n` bytes of one part (data is never NULL). Answers how many it accepted; fewer than n (or SL_SINK_PAUSED
 * for an empty part) means it has refused the rest and pauses; SL_SINK_FAILED: it failed, and is not
 * called again. */
typedef int32_t sl_deliver(sl_transfer *t, enum sl_part part, const char *data, uint32_t n);

typedef struct sl_held sl_held;
typedef struct {
  uint8_t by_recv, by_send; /* enum sl_by bits; 0 = open                  */
  bool delivering, failed;
  bool cleared;             /* sl_gate_clear was called by the delivery that is on */
  sl_held *first, *last;    /* refused parts, oldest first                */
  uint64_t held;            /* bytes in them                              */
  uint32_t parts;           /* number of them: an empty body part can be refused too (W11) */
} sl_gate;

/* OPEN: go on. BLOCKED: something is held or (write) RECV is paused: bring no more. FAILED: also when the
 * delivery itself cleared the gate (a stop): bring nothing more either. */
enum sl_gate_result { SL_GATE_OPEN, SL_GATE_BLOCKED, SL_GATE_FAILED, SL_GATE_NOMEM };

/* P1: `mask` is the whole new state as seen by call, callback and remote; a host's hold stays until the
 * host frees it. Directions newly paused are noted as set by `by`; a call or a remote takes the place of SINK, and a remote
 * is noted beside whoever was first. Answers the directions that changed. */
uint32_t sl_gate_set(sl_gate *g, uint32_t mask, enum sl_by by);
/* The host holds or frees both directions. Answers the directions that changed. */
uint32_t sl_gate_hold(sl_gate *g, bool held);
/* The directions that are paused now. */
uint32_t sl_gate_paused(const sl_gate *g);
/* Whether anything waits for the user: then nothing may overtake it. */
bool sl_gate_holds(const sl_gate *g);

/* Give a part to the user, or keep what it refuses. Takes all of it in any case but NOMEM and FAILED. */
enum sl_gate_result sl_gate_write(sl_gate *g, sl_transfer *t, sl_deliver *to, enum sl_part part,
                                  const char *data, uint32_t n);
/* Deliver what is held, at most `max` bytes of it (B3); a head is not cut, an empty part costs nothing.
 * OPEN when nothing is left. */
enum sl_gate_result sl_gate_flush(sl_gate *g, sl_transfer *t, sl_deliver *to, uint64_t max);
/* Throw away what is held, open both directions and forget a failure (start, stop, reset: P13). Allowed from
 * inside a delivery: what that delivery leaves is thrown away too. */
void sl_gate_clear(sl_gate *g);

#endif
