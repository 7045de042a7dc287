/* gate.c: see gate.h.
 *
 * Owns the queue: a list of parts, each with its own bytes, of which data[at .. at + len) wait. A body part
 * that comes behind a body part is merged into it, heads and trailers stay as they came (W5). `held` and
 * `parts` count the part that is being delivered too: it is taken out of the list for that time, so that
 * nothing called from the delivery can move its bytes, and comes back to the front with what was refused.
 *
 * States: open; closed (by_recv not 0); failed, for ever until cleared. Invariants: while `delivering`,
 * nothing is delivered; outside of it first == NULL iff parts == 0; parts == 0 means held == 0. */
#include "gate.h"
#include <stdlib.h>
#include <string.h>
#include "base.h"

struct sl_held {
  sl_held *next;
  char *data; /* NULL while the part is empty */
  uint32_t at, len, cap;
  enum sl_part part;
};

static void held_free(sl_held *h)
{
  free(h->data);
  free(h);
}

/* Append to a part. A refused part is small and seldom grows: no room is kept in advance (B4). */
static bool held_add(sl_held *h, const char *data, uint32_t n)
{
  if (!n) return true;
  if (n > UINT32_MAX - h->len) return false;
  if (h->at) {
    memmove(h->data, h->data + h->at, h->len);
    h->at = 0;
  }
  if (h->len + n > h->cap) {
    char *grown = realloc(h->data, h->len + n);
    if (!grown) return false;
    h->data = grown;
    h->cap = h->len + n;
  }
  memcpy(h->data + h->len, data, n);
  h->len += n;
  return true;
}

static sl_held *held_new(enum sl_part part, const char *data, uint32_t n)
{
  sl_held *h = calloc(1, sizeof *h);
  if (!h) return NULL;
  h->part = part;
  if (held_add(h, data, n)) return h;
  held_free(h);
  return NULL;
}

static void queue_front(sl_gate *g, sl_held *h)
{
  h->next = g->first;
  g->first = h;
  if (!g->last) g->last = h;
}

static void queue_back(sl_gate *g, sl_held *h)
{
  if (g->last) g->last->next = h;
  else g->first = h;
  g->last = h;
}

static sl_held *queue_take(sl_gate *g)
{
  sl_held *h = g->first;
  g->first = h->next;
  if (!g->first) g->last = NULL;
  h->next = NULL;
  return h;
}

/* Keep a part behind what is held. */
static bool gate_append(sl_gate *g, enum sl_part part, const char *data, uint32_t n)
{
  if (g->last && part == SL_PART_BODY && g->last->part == SL_PART_BODY) {
    if (!held_add(g->last, data, n)) return false;
  } else {
    sl_held *h = held_new(part, data, n);
    if (!h) return false;
    queue_back(g, h);
    g->parts++;
  }
  g->held += n;
  return true;
}

/* One direction of sl_gate_set. */
static uint8_t bits_set(uint8_t bits, bool paused, enum sl_by by)
{
  if (!paused) return bits & SL_BY_HOST;
  if (by == SL_BY_CALL || by == SL_BY_REMOTE) bits &= (uint8_t)~SL_BY_SINK;
  /* Beside the owner's own: a redirect ends that one and not the other thread's (B2, P13). */
  if (by == SL_BY_REMOTE) return bits | SL_BY_REMOTE;
  return bits & ~SL_BY_HOST ? bits : (uint8_t)(bits | by);
}

uint32_t sl_gate_set(sl_gate *g, uint32_t mask, enum sl_by by)
{
  SL_ASSERT(by == SL_BY_CALL || by == SL_BY_CALLBACK || by == SL_BY_REMOTE || by == SL_BY_SINK);
  uint32_t before = sl_gate_paused(g);
  g->by_recv = bits_set(g->by_recv, mask & SL_DIR_RECV, by);
  g->by_send = bits_set(g->by_send, mask & SL_DIR_SEND, by);
  return before ^ sl_gate_paused(g);
}

uint32_t sl_gate_hold(sl_gate *g, bool held)
{
  uint32_t before = sl_gate_paused(g);
  uint8_t host = held ? SL_BY_HOST : 0;
  g->by_recv = (uint8_t)((g->by_recv & ~SL_BY_HOST) | host);
  g->by_send = (uint8_t)((g->by_send & ~SL_BY_HOST) | host);
  return before ^ sl_gate_paused(g);
}

uint32_t sl_gate_paused(const sl_gate *g)
{
  return (g->by_recv ? SL_DIR_RECV : 0) | (g->by_send ? SL_DIR_SEND : 0);
}

bool sl_gate_holds(const sl_gate *g) { return g->parts > 0; }

/* Ask the user to take n bytes; *took: how many it did. BLOCKED: fewer than all, and it is paused now.
 * FAILED with g->cleared: the gate is not what it was, nothing of before may be touched. */
static enum sl_gate_result gate_ask(sl_gate *g, sl_transfer *t, sl_deliver *to, enum sl_part part,
                                    const char *data, uint32_t n, uint32_t *took)
{
  SL_ASSERT(!g->delivering && !g->failed);
  SL_ASSERT(!g->by_recv && n <= INT32_MAX);
  *took = 0;
  g->delivering = true;
  g->cleared = false;
  int32_t answer = to(t, part, data, n);
  g->delivering = false;
  if (g->cleared) return SL_GATE_FAILED;
  if (answer != SL_SINK_PAUSED && (answer < 0 || (uint32_t)answer > n)) {
    g->failed = true;
    return SL_GATE_FAILED;
  }
  if (answer != SL_SINK_PAUSED) *took = (uint32_t)answer;
  if (answer == (int32_t)n) return SL_GATE_OPEN;
  /* A refusal is a pause, whether or not the user said so by itself. */
  g->by_recv = bits_set(g->by_recv, true, SL_BY_CALLBACK);
  return SL_GATE_BLOCKED;
}

enum sl_gate_result sl_gate_write(sl_gate *g, sl_transfer *t, sl_deliver *to, enum sl_part part,
                                  const char *data, uint32_t n)
{
  if (g->failed) return SL_GATE_FAILED;
  if (!n) data = ""; /* an empty part may come without a place */
  if (g->by_recv || g->parts || g->delivering)
    return gate_append(g, part, data, n) ? SL_GATE_BLOCKED : SL_GATE_NOMEM;
  uint32_t took;
  enum sl_gate_result result = gate_ask(g, t, to, part, data, n, &took);
  if (result == SL_GATE_BLOCKED) {
    sl_held *h = held_new(part, data + took, n - took);
    if (!h) return SL_GATE_NOMEM;
    /* To the front: what the delivery itself may have written comes later. */
    queue_front(g, h);
    g->parts++;
    g->held += n - took;
  }
  if (result == SL_GATE_OPEN && (g->by_recv || g->parts)) return SL_GATE_BLOCKED;
  return result;
}

/* Deliver the oldest part, or as much of it as max allows. */
static enum sl_gate_result gate_deliver_first(sl_gate *g, sl_transfer *t, sl_deliver *to, uint64_t *max)
{
  sl_held *h = queue_take(g);
  uint32_t n = h->len, took;
  /* A head is one thing to the user: it is not cut. */
  if (h->part == SL_PART_BODY && n > *max) n = (uint32_t)*max;
  enum sl_gate_result result = gate_ask(g, t, to, h->part, h->data ? h->data + h->at : "", n, &took);
  if (result == SL_GATE_FAILED && g->cleared) {
    held_free(h);
    return result;
  }
  SL_ASSERT(took <= h->len && took <= g->held);
  h->at += took;
  h->len -= took;
  g->held -= took;
  *max -= took < *max ? took : *max;
  if (result == SL_GATE_OPEN && !h->len) {
    held_free(h);
    g->parts--;
  } else {
    queue_front(g, h);
  }
  return result;
}

enum sl_gate_result sl_gate_flush(sl_gate *g, sl_transfer *t, sl_deliver *to, uint64_t max)
{
  if (g->failed) return SL_GATE_FAILED;
  if (g->delivering) return g->parts ? SL_GATE_BLOCKED : SL_GATE_OPEN;
  while (g->first && !g->by_recv && (max || !g->first->len)) {
    enum sl_gate_result result = gate_deliver_first(g, t, to, &max);
    if (result != SL_GATE_OPEN) return result;
  }
  SL_ASSERT(!g->first == !g->parts);
  return g->first ? SL_GATE_BLOCKED : SL_GATE_OPEN;
}

void sl_gate_clear(sl_gate *g)
{
  while (g->first) held_free(queue_take(g));
  *g = (sl_gate){ .delivering = g->delivering, .cleared = g->delivering };
}
