/* transfer.c: see transfer.h. Wishes are written down here; sl_life_run makes them true. */
#include "transfer.h"
#include <stdlib.h>
#include <string.h>
#include "../protocol/protocol.h"
#include "agenda.h"
#include "clocks.h"
#include "pool.h"
#include "ready.h"
#include "remote.h"
#include "request.h"

#define REMOTE_ABORTED "Aborted by a remote handle"

static void tell_changed(sl_transfer *t)
{
  if (!t->user->changed) return;
  t->multi->in_callback++;
  t->user->changed(t);
  t->multi->in_callback--;
}

bool sl_transfer_step(sl_transfer *t, enum sl_step_event event)
{
  sl_state before = t->state;
  bool ok = sl_state_step(&t->state, event, sl_gate_holds(&t->gate));
  SL_ASSERT(ok);
  sl_agenda_trace(t->multi, t, SL_TRACE_STATE, t->state.life, t->state.send * 16 + t->state.recv);
  if (ok && t->state.life != before.life) tell_changed(t);
  return ok;
}

void sl_transfer_init(sl_transfer *t, const sl_user *user, sl_options *options)
{
  memset(t, 0, sizeof *t);
  t->user = user;
  t->options = options;
  t->recv_total = t->send_total = t->conn_id = t->id = -1;
  sl_timer_init(&t->timer, t);
}

void sl_transfer_clear(sl_transfer *t)
{
  SL_ASSERT(!t->multi);
  sl_remote_leave(t->remote);
  t->remote = NULL;
  sl_gate_clear(&t->gate);
  sl_url_free(&t->url);
  sl_request_clear(t);
}

/* Pause. */

/* The gate may have changed: the clocks look, and the user is told when it did. */
void sl_transfer_gate_changed(sl_transfer *t)
{
  if (sl_clocks_gate(t)) tell_changed(t);
}

/* Paused in every direction it still wants: it has nothing to run for (P8, K6). One that wants nothing more is to end. */
static bool blocked(const sl_transfer *t)
{
  uint32_t paused = sl_gate_paused(&t->gate);
  bool recv = t->state.recv != SL_RECV_END || sl_gate_holds(&t->gate), send = t->state.send != SL_SEND_END;
  if (!recv && !send) return false;
  return (!recv || (paused & SL_DIR_RECV)) && (!send || (paused & SL_DIR_SEND));
}

/* What a new pause state means for the rest. */
static void pause_follow(sl_transfer *t, enum sl_by by)
{
  if (!t->multi || t->cause) return;
  /* R6: the answer is whole, so nobody waits for the rest of a body that is held back now. */
  bool given_up = t->state.recv == SL_RECV_END && t->state.send != SL_SEND_END;
  if (given_up && (sl_gate_paused(&t->gate) & SL_DIR_SEND)) sl_out_end(t);
  if (t->conn) sl_pool_want(t->conn);
  if ((sl_gate_paused(&t->gate) & SL_DIR_RECV) && t->queued) sl_pool_passed(t);
  if (blocked(t)) return;
  /* P8, P14: also when nothing was paused. */
  if (by != SL_BY_SINK) t->meter.slow_since_us = -1;
  sl_agenda_dirty(t->multi, t);
}

void sl_transfer_pause(sl_transfer *t, uint32_t mask, enum sl_by by)
{
  if (t->state.life == SL_DONE) return;
  sl_gate_set(&t->gate, mask & SL_DIR_BOTH, by);
  sl_transfer_gate_changed(t);
  pause_follow(t, by);
}

void sl_transfer_remote(sl_transfer *t, uint32_t mask, bool abort)
{
  if (!sl_ready_running(t) || t->cause) return;
  sl_agenda_trace(t->multi, t, SL_TRACE_REMOTE, abort ? 0 : mask, abort);
  if (abort) sl_transfer_stop(t, SL_CAUSE_ABORT, CURLE_ABORTED_BY_CALLBACK, REMOTE_ABORTED);
  else sl_transfer_pause(t, mask, SL_BY_REMOTE);
}

void sl_transfer_sample(sl_transfer *t)
{
  uint32_t mask;
  bool abort;
  if (sl_remote_take(t->remote, &mask, &abort)) sl_transfer_remote(t, mask, abort);
}

void sl_transfer_hold(sl_transfer *t, bool held)
{
  sl_gate_hold(&t->gate, held);
  sl_transfer_gate_changed(t);
  sl_agenda_dirty(t->multi, t);
}

void sl_transfer_gate_clear(sl_transfer *t) { sl_gate_clear(&t->gate); }

void sl_transfer_forget_pause(sl_transfer *t)
{
  uint8_t by_recv = t->gate.by_recv & SL_BY_REMOTE, by_send = t->gate.by_send & SL_BY_REMOTE;
  sl_gate_clear(&t->gate);
  t->gate.by_recv = by_recv; /* B2: another thread cannot see that there was a redirect */
  t->gate.by_send = by_send;
}

/* Delivery: the gate's way to the user. */

static int32_t deliver(sl_transfer *t, enum sl_part part, const char *data, uint32_t n)
{
  sl_transfer_sample(t);
  if (t->cause) return (int32_t)n; /* it is over: what comes is dropped, the user is not called (F16) */
  if (sl_gate_paused(&t->gate) & SL_DIR_RECV) return SL_SINK_PAUSED; /* the sample said so */
  t->multi->in_callback++;
  int32_t taken = t->user->write(t, part, data, n);
  t->multi->in_callback--;
  sl_agenda_trace(t->multi, t, SL_TRACE_WRITE, part, taken);
  if (taken > 0 && part == SL_PART_BODY) t->delivered += (uint32_t)taken;
  return taken;
}

/* What a delivery through the gate meant. */
static enum sl_gate_result delivered(sl_transfer *t, enum sl_gate_result result)
{
  if (result == SL_GATE_FAILED) sl_transfer_stop(t, SL_CAUSE_CALLBACK, CURLE_WRITE_ERROR, NULL);
  if (result == SL_GATE_NOMEM) sl_transfer_stop(t, SL_CAUSE_HOST, CURLE_OUT_OF_MEMORY, NULL);
  sl_transfer_gate_changed(t);
  return t->cause ? SL_GATE_FAILED : result;
}

enum sl_gate_result sl_transfer_write(sl_transfer *t, enum sl_part part, const char *data, uint32_t n)
{
  return delivered(t, sl_gate_write(&t->gate, t, deliver, part, data, n));
}

/* B3: of what is held, that much is covered by the burst. */
static uint64_t replay_allowance(sl_transfer *t)
{
  if (!t->recv_bucket.rate) return t->gate.held;
  sl_bucket_allows(&t->recv_bucket, sl_agenda_now_us(t));
  if (t->recv_bucket.tokens >= 0) return t->gate.held;
  uint64_t owed = (uint64_t)-t->recv_bucket.tokens, all = sl_ready_held_engine(t);
  uint64_t covered = owed < all ? all - owed : 0;
  return covered < t->gate.held ? covered : t->gate.held;
}

void sl_transfer_replay(sl_transfer *t)
{
  if (sl_ready_replays(t)) {
    uint64_t max = replay_allowance(t);
    if (max || !t->gate.held) delivered(t, sl_gate_flush(&t->gate, t, deliver, max));
  }
  /* What was received behind it is held as well, but not understood yet. A run comes to that by itself. */
  sl_conn *c = t->conn;
  if (!c || !c->in_len || t->multi->depth || t->multi->in_callback || !c->protocol->held) return;
  if (sl_ready_takes(t) && t->recv_bucket.tokens >= 0) c->protocol->held(c, t);
  sl_pool_want(c); /* it may have been refused again */
}

CURLcode sl_transfer_pause_replay(sl_transfer *t, uint32_t mask, enum sl_by by)
{
  sl_multi *m = t->multi;
  if (!m || t->state.life == SL_DONE) return CURLE_OK;
  sl_gate_set(&t->gate, mask & SL_DIR_BOTH, by);
  sl_transfer_gate_changed(t);
  bool replays = !t->gate.delivering && m->replays < SL_REPLAY_DEPTH_MAX;
  m->replays++;
  if (replays) sl_transfer_replay(t);
  m->replays--;
  pause_follow(t, by); /* behind it, for it may have been refused again */
  return replays && t->cause == SL_CAUSE_CALLBACK ? t->code : CURLE_OK;
}

/* The end. */

static void set_error(sl_transfer *t, const char *message)
{
  sl_line line = { t->error, t->error + sizeof t->error };
  sl_line_str(&line, message);
}

void sl_transfer_stop(sl_transfer *t, enum sl_cause cause, CURLcode code, const char *message)
{
  if (t->cause || !sl_ready_running(t)) return;
  t->cause = (uint8_t)cause;
  t->code = code;
  set_error(t, message ? message : "");
  sl_agenda_trace(t->multi, t, SL_TRACE_STOP, cause, code);
  if (t->conn) sl_pool_want(t->conn);
  sl_agenda_dirty(t->multi, t);
}

/* The begin. */

/* PENDING: a pooled connection, or one of its own. */

/* The run. */

/* Readiness. */

/* What protocols tell. */

/* G2: progress is told in the run in which there was some, not at the next occasion. */
static void progressed(sl_transfer *t)
{
  if (t->user->progress && !t->options->noprogress) sl_agenda_dirty(t->multi, t);
}

void sl_transfer_charge_recv(sl_transfer *t, int64_t n)
{
  sl_bucket_charge(&t->recv_bucket, n);
  if (n <= 0) return;
  progressed(t);
  t->last_recv_us = t->multi->now_us;
  if (!t->first_us) t->first_us = t->multi->now_us;
}

void sl_transfer_charge_sent(sl_transfer *t, int64_t n)
{
  sl_bucket_charge(&t->send_bucket, n);
  if (n > 0) progressed(t);
}

void sl_transfer_hop_now(sl_transfer *t)
{
  t->hop_now = true;
  sl_agenda_dirty(t->multi, t);
}

void sl_out_body(sl_transfer *t, bool wait)
{
  if (t->cause) return;
  sl_transfer_step(t, wait ? SL_STEP_SEND_WAIT : SL_STEP_SEND_BODY);
  sl_bucket_plan(&t->send_bucket, t->send_total, sl_agenda_now_us(t)); /* S1 */
  if (wait) sl_clocks_expect(t);
  sl_agenda_dirty(t->multi, t);
}

void sl_out_go(sl_transfer *t)
{
  if (t->cause || t->state.send != SL_SEND_WAIT) return;
  sl_transfer_step(t, SL_STEP_SEND_BODY);
  sl_agenda_dirty(t->multi, t);
}

void sl_transfer_more(sl_transfer *t)
{
  if (t->multi && t->state.send == SL_SEND_BODY) sl_agenda_dirty(t->multi, t);
}

void sl_out_end(sl_transfer *t)
{
  if (t->cause) return;
  sl_transfer_step(t, SL_STEP_SEND_END);
  t->posted_us = t->multi->now_us;
  sl_clocks_silence(t);
  sl_agenda_dirty(t->multi, t);
}
