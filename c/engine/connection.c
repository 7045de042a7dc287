/* connection.c: see connection.h. The receive buffer belongs to the engine and is shared by all connections;
 * what a connection has not consumed when its turn ends moves to its own stash, so a quiet one owns none. */
#include "connection.h"
#include <stdlib.h>
#include <string.h>
#include "../protocol/protocol.h"
#include "list.h"
#include "multi.h"
#include "queue.h"
#include "transfer.h"

sl_conn *sl_conn_open(sl_multi *m, uint32_t kind, const char *spec, uint32_t len, int32_t *code)
{
  sl_conn *c = calloc(1, sizeof *c);
  *code = SL_NOMEM;
  if (!c) return NULL;
  c->multi = m;
  c->id = m->next_conn_id++;
  c->kind = kind;
  c->spec = sl_copy(spec, len);
  c->spec_len = len;
  c->host = sl_queue_host(kind, spec, len);
  c->stash.max = SL_HEAD_MAX + SL_RECV_CHUNK_MAX;
  c->out.max = SL_REQUEST_HEAD_MAX;
  if (c->spec) {
    c->ch = sl_open(m->loop, kind, spec, len);
    if (c->ch > 0 && sl_multi_channel_add(m, c)) {
      SL_LIST_APPEND(m->conns, m->conns_last, c, prev, next);
      m->counted += c->host != 0;
      sl_multi_watch(c, false);
      return c;
    }
    if (c->ch > 0) sl_close(c->ch, SL_ABORT);
    else *code = c->ch < 0 ? c->ch : SL_IO;
  }
  sl_conn_free(c);
  return NULL;
}

void sl_conn_free(sl_conn *c)
{
  sl_text_free(&c->stash);
  sl_text_free(&c->out);
  free(c->spec);
  free(c);
}

static void idle_enter(sl_conn *c)
{
  sl_multi *m = c->multi;
  c->idle = true;
  c->pooled_us = m->now_us;
  SL_LIST_APPEND(m->idle_first, m->idle_last, c, pool_prev, pool_next);
  sl_multi_watch(c, false);
  if (++m->idle_count > (m->max_idle ? m->max_idle : SL_POOL_IDLE_MAX)) sl_conn_close(m->idle_first, SL_FINISH);
  sl_queue_freed(m, c->host, true);
}

static void idle_leave(sl_conn *c)
{
  sl_multi *m = c->multi;
  c->idle = false;
  m->idle_count--;
  SL_LIST_REMOVE(m->idle_first, m->idle_last, c, pool_prev, pool_next);
}

static void drain_leave(sl_conn *c)
{
  sl_multi *m = c->multi;
  c->draining = false;
  SL_LIST_REMOVE(m->draining_first, m->draining_last, c, pool_prev, pool_next);
}

void sl_conn_close(sl_conn *c, enum sl_how how)
{
  sl_multi *m = c->multi;
  if (c->closed) return;
  SL_ASSERT(!c->transfers);
  if (c->idle) idle_leave(c);
  if (c->draining) drain_leave(c);
  sl_multi_unready(m, c);
  sl_multi_watch(c, true);
  sl_multi_channel_remove(m, c);
  sl_close(c->ch, how);
  sl_multi_trace(m, NULL, SL_TRACE_CLOSE, how, c->used);
  if (c->protocol) c->protocol->closed(c);
  c->closed = true;
  SL_LIST_REMOVE(m->conns, m->conns_last, c, prev, next);
  c->next = m->closed;
  m->closed = c;
  m->counted -= c->host != 0;
  sl_queue_freed(m, c->host, !c->no_room);
}

bool sl_conn_sound(sl_conn *c)
{
  return !c->held && sl_recv(c->ch, c->multi->scratch, 1) == SL_AGAIN;
}

/* Move what was not consumed out of the shared buffer. */
static bool keep_rest(sl_conn *c)
{
  c->last_fill = 0; /* what outlives the turn cannot be given back */
  bool in_stash = c->stash.data && c->in >= c->stash.data && c->in <= c->stash.data + c->stash.len;
  if (!c->in_len) {
    if (c->stash.data) sl_text_free(&c->stash);
    return true;
  }
  if (in_stash) sl_text_drop(&c->stash, (size_t)(c->in - c->stash.data));
  else {
    c->stash.len = 0;
    sl_text_add(&c->stash, c->in, c->in_len);
  }
  c->in = c->stash.data;
  return !c->stash.failed;
}

static void drain_enter(sl_conn *c, uint64_t left)
{
  sl_multi *m = c->multi;
  c->draining = true;
  c->drain_left = left;
  c->pooled_us = m->now_us;
  SL_LIST_APPEND(m->draining_first, m->draining_last, c, pool_prev, pool_next);
  if (left) sl_multi_watch(c, false);
}

/* Nothing is left to drop. Bytes after the end of a response could pass for the next one's: such a connection is
 * not kept. */
static void drained(sl_conn *c)
{
  bool quiet = keep_rest(c) && !c->in_len && sl_recv(c->ch, c->multi->scratch, 1) == SL_AGAIN;
  if (!quiet) {
    sl_conn_close(c, SL_FINISH);
    return;
  }
  drain_leave(c);
  idle_enter(c);
  sl_conn_want(c);
}

/* Drop what is here of what is left. */
static void drain(sl_conn *c)
{
  for (unsigned reads = 0; c->drain_left; reads++) {
    int32_t n = (int32_t)c->in_len;
    uint32_t max = c->drain_left < SL_RECV_CHUNK_MAX ? (uint32_t)c->drain_left : SL_RECV_CHUNK_MAX;
    if (!n && reads > SL_RUN_READS_MAX) sl_multi_ready(c->multi, c); /* others first */
    if (!n) n = reads > SL_RUN_READS_MAX ? SL_AGAIN : sl_conn_fill(c, max);
    if (n == SL_AGAIN) {
      sl_conn_want(c);
      return;
    }
    if (n <= 0) {
      sl_conn_close(c, SL_FINISH);
      return;
    }
    uint32_t dropped = (uint32_t)n < max ? (uint32_t)n : max;
    sl_conn_consume(c, dropped);
    c->drain_left -= dropped;
  }
  drained(c);
}

int64_t sl_conn_drain_due_us(const sl_conn *c) { return c->pooled_us + SL_DRAIN_US; }

void sl_conn_drain_end(sl_conn *c)
{
  drain(c); /* the run may have come late */
  if (c->draining) sl_conn_close(c, SL_FINISH);
}

static bool has_key(const sl_conn *c, uint32_t kind, const char *spec, uint32_t len)
{
  return c->kind == kind && c->spec_len == len && !memcmp(c->spec, spec, len);
}

sl_conn *sl_conn_reuse(sl_multi *m, uint32_t kind, const char *spec, uint32_t len)
{
  /* What curl_easy_perform left draining has nobody to drive it before the next one. */
  for (sl_conn *c = m->draining_first, *next; c; c = next) {
    next = c->pool_next;
    if (has_key(c, kind, spec, len)) drain(c);
  }
  for (sl_conn *c = m->idle_last, *older; c; c = older) {
    older = c->pool_prev;
    if (!has_key(c, kind, spec, len) || !c->protocol->room(c)) continue;
    if (m->now_us - c->pooled_us > SL_POOL_IDLE_US || !sl_conn_sound(c)) {
      sl_conn_close(c, SL_FINISH);
      continue;
    }
    idle_leave(c);
    return c;
  }
  return NULL;
}

void sl_conn_attach(sl_conn *c, sl_transfer *t)
{
  SL_ASSERT(!t->conn && !c->idle && !c->draining);
  t->conn = c;
  t->conn_id = c->id;
  t->conn_next = c->transfers;
  c->transfers = t;
  sl_multi_watch(c, false);
  if (c->held) sl_transfer_hold(t, true);
}

void sl_conn_detach(sl_conn *c, sl_transfer *t)
{
  SL_ASSERT(t->conn == c);
  for (sl_transfer **p = &c->transfers; *p; p = &(*p)->conn_next)
    if (*p == t) {
      *p = t->conn_next;
      break;
    }
  t->conn = NULL;
  t->conn_next = NULL;
  if (c->held) sl_transfer_hold(t, false); /* the hold was this channel's */
}

void sl_conn_release(sl_conn *c, sl_transfer *t, int64_t left_max, enum sl_how how)
{
  bool may = left_max >= 0 && c->opened && !c->doubt && !t->options->forbid_reuse && !c->out.len;
  int64_t left = may ? c->protocol->leave(c, t) : -1;
  sl_conn_detach(c, t);
  if (c->transfers) return;
  if (left < 0 || left > left_max) {
    sl_conn_close(c, how);
    return;
  }
  drain_enter(c, (uint64_t)left);
  drain(c);
}

sl_conn *sl_conn_hand_over(sl_conn *c, sl_transfer *t)
{
  sl_conn_detach(c, t);
  c->raw = true;
  sl_conn_want(c);
  return c;
}

void sl_conn_ask(sl_conn *c, uint32_t events)
{
  SL_ASSERT(c->raw);
  c->asked = events;
  sl_conn_want(c);
}

void sl_conn_broken(sl_conn *c, int32_t code)
{
  c->no_room = code == SL_BUSY;
  while (c->transfers) sl_transfer_broken(c->transfers, code);
  sl_conn_close(c, SL_ABORT);
}

/* "address port", cut to fit, zero-ended. */
static void address(const sl_conn *c, uint32_t what, char *buf, uint32_t size)
{
  int32_t n = sl_info(c->ch, what, buf, size - 1);
  buf[n < 0 ? 0 : (uint32_t)n < size ? (uint32_t)n : size - 1] = 0;
}

static void opened(sl_conn *c)
{
  char alpn[32];
  int64_t times[3] = { 0, 0, 0 };
  int32_t n = sl_info(c->ch, SL_INFO_ALPN, alpn, sizeof alpn);
  bool fits = n <= (int32_t)sizeof alpn;
  c->protocol = fits ? sl_protocol_find(c->kind, alpn, n < 0 ? 0 : (size_t)n) : NULL;
  if (!c->protocol || !c->protocol->opened(c)) {
    int32_t code = c->protocol ? SL_NOMEM : SL_TLS_FAILED; /* an ALPN that was not offered */
    c->protocol = NULL;
    sl_conn_broken(c, code);
    return;
  }
  c->opened = true;
  address(c, SL_INFO_PEER, c->peer, sizeof c->peer);
  address(c, SL_INFO_LOCAL, c->local, sizeof c->local);
  if (sl_info(c->ch, SL_INFO_TIMES, times, sizeof times) == (int32_t)sizeof times) {
    c->resolved_us = times[0];
    c->connected_us = times[1];
    c->tls_us = times[2];
  }
  for (sl_transfer *t = c->transfers; t; t = t->conn_next) sl_transfer_opened(t);
}

static void run_opening(sl_conn *c, uint32_t events)
{
  if (events & SL_OPENED) {
    opened(c);
    return;
  }
  if (events & SL_GONE) {
    int32_t code = sl_recv(c->ch, c->multi->scratch, 1);
    if (code != SL_AGAIN) sl_conn_broken(c, code < 0 ? code : SL_IO);
  }
}

void sl_conn_run(sl_conn *c)
{
  uint32_t events = c->events;
  c->events = 0;
  if (events & (SL_HELD | SL_FREE)) {
    c->held = (events & SL_HELD) != 0;
    for (sl_transfer *t = c->transfers; t; t = t->conn_next) sl_transfer_hold(t, c->held);
  }
  if (!c->opened) {
    run_opening(c, events);
    return;
  }
  if (c->raw) return;
  if (c->draining) {
    drain(c);
    return;
  }
  if (c->idle) {
    if (!sl_conn_sound(c)) sl_conn_close(c, SL_FINISH);
    else sl_conn_want(c);
    return;
  }
  int32_t code = c->protocol->output(c);
  if (code >= 0 || code == SL_AGAIN) code = c->protocol->input(c);
  if ((code >= 0 || code == SL_AGAIN) && !keep_rest(c)) code = SL_NOMEM;
  if (code < 0 && code != SL_AGAIN) sl_conn_broken(c, code);
  else sl_conn_want(c);
}

void sl_conn_want(sl_conn *c)
{
  if (!c->opened || c->closed) return;
  if (c->ready && c->multi->depth && !c->raw) return; /* its turn comes in this run, and ends here */
  uint32_t want = c->raw ? c->asked : c->protocol->want(c);
  for (sl_transfer *t = c->transfers; t; t = t->conn_next) sl_transfer_arm(t);
  if (want == c->wanted) return;
  c->wanted = want;
  sl_want(c->ch, want);
  sl_multi_watch(c, false);
}

int32_t sl_conn_fill(sl_conn *c, uint32_t max)
{
  sl_multi *m = c->multi;
  int32_t n;
  if (max > SL_RECV_CHUNK_MAX) max = SL_RECV_CHUNK_MAX;
  if (!c->in_len) {
    n = sl_recv(c->ch, m->scratch, max);
    if (n > 0) c->in = m->scratch;
  } else {
    if (!keep_rest(c) || !sl_text_reserve(&c->stash, max)) return SL_NOMEM;
    n = sl_recv(c->ch, c->stash.data + c->stash.len, max);
    if (n > 0) c->stash.len += (uint32_t)n;
    c->in = c->stash.data;
  }
  if (n > 0) {
    c->in_len += (uint32_t)n;
    c->last_fill = (uint32_t)n;
  }
  return n;
}

void sl_conn_consume(sl_conn *c, uint32_t n)
{
  SL_ASSERT(n <= c->in_len);
  c->in += n;
  c->in_len -= n;
}

/* The body of a redirect goes nowhere, so not to the sink. */
bool sl_conn_moves(const sl_conn *c, const sl_transfer *t)
{
  return t->user->moves && !c->host_moves_not && !t->redirecting && !t->body_ignored;
}

uint32_t sl_conn_unread(sl_conn *c)
{
  uint32_t n = c->in_len;
  if (!n || n > c->last_fill) return 0;
  int32_t code = sl_unrecv(c->ch, n);
  if (code == SL_NOSYS) c->host_moves_not = true;
  if (code < 0) return 0;
  c->in_len = 0;
  c->last_fill = 0;
  return n;
}

int32_t sl_conn_move(sl_conn *c, sl_transfer *t, uint32_t max)
{
  sl_multi *m = c->multi;
  SL_ASSERT(!c->in_len);
  sl_transfer_sample(t);
  if (!sl_transfer_takes(t)) return SL_AGAIN;
  m->in_callback++;
  int32_t n = sl_move(c->ch, t->token, max);
  m->in_callback--;
  if (n == SL_NOSYS) c->host_moves_not = true;
  SL_ASSERT(n <= (int64_t)max);
  return n > (int64_t)max ? SL_IO : n;
}

int32_t sl_conn_move_out(sl_conn *c, sl_transfer *t, uint32_t max)
{
  sl_multi *m = c->multi;
  SL_ASSERT(!c->out.len);
  if (c->host_moves_out_not || !t->user->ready) return SL_NOSYS;
  sl_transfer_sample(t);
  if (t->cause || (sl_gate_paused(&t->gate) & SL_DIR_SEND)) return SL_AGAIN;
  m->in_callback++;
  int32_t n = sl_move_out(c->ch, t->token, max);
  m->in_callback--;
  if (n == SL_NOSYS) c->host_moves_out_not = true;
  if (n == SL_SINK_FAILED) { /* the source's fault, not the channel's */
    sl_transfer_stop(t, SL_CAUSE_CALLBACK, CURLE_READ_ERROR, NULL);
    return SL_AGAIN;
  }
  SL_ASSERT(n <= (int64_t)max);
  return n > (int64_t)max ? SL_IO : n;
}

int32_t sl_conn_flush(sl_conn *c)
{
  while (c->out.len) {
    int32_t n = sl_send(c->ch, c->out.data, (uint32_t)c->out.len);
    if (n < 0) return n;
    if (n == 0) return SL_AGAIN;
    sl_text_drop(&c->out, (size_t)n < c->out.len ? (size_t)n : c->out.len);
  }
  sl_text_free(&c->out);
  return 0;
}
