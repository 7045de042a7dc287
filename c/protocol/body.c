/* body.c: see body.h. */
#include "body.h"
#include "../engine/request.h"

int32_t sl_body_receive(sl_conn *c, sl_transfer *t, uint32_t max)
{
  SL_ASSERT(!c->in_len);
  int32_t n = sl_conn_moves(c, t) ? sl_conn_move(c, t, max) : SL_NOSYS;
  if (n == SL_SINK_FAILED) sl_transfer_stop(t, SL_CAUSE_CALLBACK, CURLE_WRITE_ERROR, NULL);
  if (n == SL_SINK_PAUSED) sl_transfer_pause(t, sl_gate_paused(&t->gate) | SL_DIR_RECV, SL_BY_CALLBACK);
  if (n == SL_SINK_FAILED || n == SL_SINK_PAUSED) return SL_AGAIN;
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
  int32_t n = sl_request_read(t, c->out.data, max);
  if (n > 0) c->out.len = (uint32_t)n;
  else sl_text_free(&c->out); /* who waits keeps no buffer */
  return n == SL_SINK_FAILED ? SL_AGAIN : n;
}

/* By the host's short way; SL_NOSYS when there is none. */
static int32_t move_out(sl_conn *c, sl_transfer *t, uint32_t max, bool *full)
{
  if (c->host_moves_out_not) return SL_NOSYS;
  int32_t n = sl_request_ready(t);
  if (n <= 0) return n == SL_SINK_FAILED ? SL_AGAIN : n;
  n = sl_conn_move_out(c, t, (uint32_t)n < max ? (uint32_t)n : max);
  if (n > 0) sl_request_moved(t, (uint32_t)n);
  else *full = n == SL_AGAIN;
  return n ? n : SL_AGAIN;
}

int32_t sl_body_send(sl_conn *c, sl_transfer *t, bool *full)
{
  int32_t n = sl_conn_flush(c); /* R2: what was read goes out, paused or not */
  *full = n == SL_AGAIN;
  if (n < 0) return n;
  if (sl_request_body_gone(t)) return 0;
  int64_t allowance = sl_transfer_send_allowance(t);
  if (allowance <= 0) return SL_AGAIN;
  uint32_t max = allowance < SL_UPLOAD_CHUNK_MAX ? (uint32_t)allowance : SL_UPLOAD_CHUNK_MAX;
  n = move_out(c, t, max, full);
  return n == SL_NOSYS ? read_out(c, t, max) : n;
}
