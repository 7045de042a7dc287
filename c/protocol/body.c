/* body.c: see body.h. */
#include "body.h"
#include "../engine/connection.h"
#include "../engine/ready.h"
#include "../engine/receive.h"
#include "../engine/transfer.h"
#include "../engine/upload.h"

int32_t sl_body_receive(sl_conn *c, sl_transfer *t, uint32_t max)
{
  SL_ASSERT(!c->in_len);
  int32_t n = sl_body_moves(c, t) ? sl_body_move(c, t, max) : SL_NOSYS;
  bool moved = n != SL_NOSYS;
  if (!moved) n = sl_conn_fill(c, max < t->options->buffer_size ? max : (uint32_t)t->options->buffer_size);
  if (n <= 0) return n;
  sl_transfer_charge_recv(t, n);
  if (moved) {
    sl_in_moved(t, (uint32_t)n);
    return n;
  }
  const char *data = c->in;
  sl_conn_consume(c, (uint32_t)n);
  sl_in_body(t, data, (uint32_t)n);
  return n;
}

/* By way of `out`; it goes with the next call. */
static int32_t read_out(sl_conn *c, sl_transfer *t, uint32_t max)
{
  if (!sl_text_reserve(&c->out, max)) return SL_NOMEM;
  int32_t n = sl_upload_read(t, c->out.data, max);
  if (n > 0) c->out.len = (uint32_t)n;
  else sl_text_free(&c->out); /* who waits keeps no buffer */
  return n == SL_SINK_FAILED ? SL_AGAIN : n;
}

/* By the host's short way; SL_NOSYS when there is none. */
static int32_t move_out(sl_conn *c, sl_transfer *t, uint32_t max, bool *full)
{
  if (c->host_moves_out_not) return SL_NOSYS;
  int32_t n = sl_upload_ready(t);
  if (n <= 0) return n == SL_SINK_FAILED ? SL_AGAIN : n;
  n = sl_body_move_out(c, t, (uint32_t)n < max ? (uint32_t)n : max);
  if (n > 0) sl_upload_moved(t, (uint32_t)n);
  else *full = n == SL_AGAIN;
  return n ? n : SL_AGAIN;
}

int32_t sl_body_send(sl_conn *c, sl_transfer *t, bool *full)
{
  int32_t n = sl_conn_flush(c); /* R2: what was read goes out, paused or not */
  *full = n == SL_AGAIN;
  if (n < 0) return n;
  if (sl_upload_gone(t)) return 0;
  int64_t allowance = sl_ready_send(t);
  if (allowance <= 0) return SL_AGAIN;
  uint32_t max = allowance < SL_UPLOAD_CHUNK_MAX ? (uint32_t)allowance : SL_UPLOAD_CHUNK_MAX;
  n = move_out(c, t, max, full);
  return n == SL_NOSYS ? read_out(c, t, max) : n;
}

/* The body of a redirect goes nowhere, so not to the sink. */
bool sl_body_moves(const sl_conn *c, const sl_transfer *t)
{
  return t->user->moves && !c->host_moves_not && !t->after && !t->body_ignored;
}

int32_t sl_body_move(sl_conn *c, sl_transfer *t, uint32_t max)
{
  sl_multi *m = c->multi;
  SL_ASSERT(!c->in_len);
  sl_transfer_sample(t);
  if (!sl_ready_takes(t)) return SL_AGAIN;
  m->in_callback++;
  int32_t n = sl_move(c->ch, t->token, max);
  m->in_callback--;
  if (n == SL_NOSYS) c->host_moves_not = true;
  if (n == SL_SINK_FAILED) sl_transfer_stop(t, SL_CAUSE_CALLBACK, CURLE_WRITE_ERROR, NULL);
  if (n == SL_SINK_PAUSED) sl_transfer_pause(t, sl_gate_paused(&t->gate) | SL_DIR_RECV, SL_BY_CALLBACK);
  if (n == SL_SINK_FAILED || n == SL_SINK_PAUSED) return SL_AGAIN;
  SL_ASSERT(n <= (int64_t)max);
  return n > (int64_t)max ? SL_IO : n;
}

int32_t sl_body_move_out(sl_conn *c, sl_transfer *t, uint32_t max)
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
