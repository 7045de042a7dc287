/* transfer.c: see transfer.h. Wishes are written down here; sl_transfer_run makes them true. */
#include "transfer.h"
#include <stdlib.h>
#include <string.h>
#include "../protocol/protocol.h"
#include "clocks.h"
#include "connection.h"
#include "multi.h"
#include "queue.h"
#include "remote.h"
#include "request.h"

#define REMOTE_ABORTED "Aborted by a remote handle"

bool sl_transfer_running(const sl_transfer *t)
{
  return t->state.life == SL_PENDING || t->state.life == SL_CONNECTING || t->state.life == SL_ACTIVE;
}

static void tell_changed(sl_transfer *t)
{
  if (!t->user->changed) return;
  t->multi->in_callback++;
  t->user->changed(t);
  t->multi->in_callback--;
}

static bool step(sl_transfer *t, enum sl_step_event event)
{
  sl_state before = t->state;
  bool ok = sl_state_step(&t->state, event, sl_gate_holds(&t->gate));
  SL_ASSERT(ok);
  sl_multi_trace(t->multi, t, SL_TRACE_STATE, t->state.life, t->state.send * 16 + t->state.recv);
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

uint64_t sl_transfer_held_engine(const sl_transfer *t)
{
  return t->gate.held + (t->conn && t->conn->transfers == t && !t->conn_next ? t->conn->in_len : 0);
}

/* The gate may have changed: the clocks look, and the user is told when it did. */
static void gate_changed(sl_transfer *t)
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
  if (t->conn) sl_conn_want(t->conn);
  if ((sl_gate_paused(&t->gate) & SL_DIR_RECV) && t->queued) sl_queue_passed(t);
  if (blocked(t)) return;
  /* P8, P14: also when nothing was paused. */
  if (by != SL_BY_SINK) t->meter.slow_since_us = -1;
  sl_multi_dirty(t->multi, t);
}

void sl_transfer_pause(sl_transfer *t, uint32_t mask, enum sl_by by)
{
  if (t->state.life == SL_DONE) return;
  sl_gate_set(&t->gate, mask & SL_DIR_BOTH, by);
  gate_changed(t);
  pause_follow(t, by);
}

void sl_transfer_remote(sl_transfer *t, uint32_t mask, bool abort)
{
  if (!sl_transfer_running(t) || t->cause) return;
  sl_multi_trace(t->multi, t, SL_TRACE_REMOTE, abort ? 0 : mask, abort);
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
  gate_changed(t);
  sl_multi_dirty(t->multi, t);
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
  sl_multi_trace(t->multi, t, SL_TRACE_WRITE, part, taken);
  if (taken > 0 && part == SL_PART_BODY) t->delivered += (uint32_t)taken;
  return taken;
}

/* What a delivery through the gate meant. */
static enum sl_gate_result delivered(sl_transfer *t, enum sl_gate_result result)
{
  if (result == SL_GATE_FAILED) sl_transfer_stop(t, SL_CAUSE_CALLBACK, CURLE_WRITE_ERROR, NULL);
  if (result == SL_GATE_NOMEM) sl_transfer_stop(t, SL_CAUSE_HOST, CURLE_OUT_OF_MEMORY, NULL);
  gate_changed(t);
  return t->cause ? SL_GATE_FAILED : result;
}

static enum sl_gate_result write_part(sl_transfer *t, enum sl_part part, const char *data, uint32_t n)
{
  return delivered(t, sl_gate_write(&t->gate, t, deliver, part, data, n));
}

/* B3: of what is held, that much is covered by the burst. */
static uint64_t replay_allowance(sl_transfer *t)
{
  if (!t->recv_bucket.rate) return t->gate.held;
  sl_bucket_allows(&t->recv_bucket, sl_clocks_now_us(t));
  if (t->recv_bucket.tokens >= 0) return t->gate.held;
  uint64_t owed = (uint64_t)-t->recv_bucket.tokens, all = sl_transfer_held_engine(t);
  uint64_t covered = owed < all ? all - owed : 0;
  return covered < t->gate.held ? covered : t->gate.held;
}

bool sl_transfer_replays(const sl_transfer *t)
{
  return sl_gate_holds(&t->gate) && !(sl_gate_paused(&t->gate) & SL_DIR_RECV) && !t->cause;
}

static void replay(sl_transfer *t)
{
  if (sl_transfer_replays(t)) {
    uint64_t max = replay_allowance(t);
    if (max || !t->gate.held) delivered(t, sl_gate_flush(&t->gate, t, deliver, max));
  }
  /* What was received behind it is held as well, but not understood yet. A run comes to that by itself. */
  sl_conn *c = t->conn;
  if (!c || !c->in_len || t->multi->depth || t->multi->in_callback || !c->protocol->held) return;
  if (sl_transfer_takes(t) && t->recv_bucket.tokens >= 0) c->protocol->held(c, t);
  sl_conn_want(c); /* it may have been refused again */
}

CURLcode sl_transfer_pause_replay(sl_transfer *t, uint32_t mask, enum sl_by by)
{
  sl_multi *m = t->multi;
  if (!m || t->state.life == SL_DONE) return CURLE_OK;
  sl_gate_set(&t->gate, mask & SL_DIR_BOTH, by);
  gate_changed(t);
  bool replays = !t->gate.delivering && m->replays < SL_REPLAY_DEPTH_MAX;
  m->replays++;
  if (replays) replay(t);
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
  if (t->cause || !sl_transfer_running(t)) return;
  t->cause = (uint8_t)cause;
  t->code = code;
  set_error(t, message ? message : "");
  sl_multi_trace(t->multi, t, SL_TRACE_STOP, cause, code);
  if (t->conn) sl_conn_want(t->conn);
  sl_multi_dirty(t->multi, t);
}

/* How much of the response may still be to come for its connection to be kept (connection.h). B11: a stop on our side may
 * have asked for that; after a fault of the peer or the host there is nothing to be kept (X9). */
static int64_t left_max(const sl_transfer *t)
{
  switch ((enum sl_cause)t->cause) {
  case SL_CAUSE_COMPLETE: return 0;
  case SL_CAUSE_LIMIT:
  case SL_CAUSE_CALLBACK:
  case SL_CAUSE_REMOVE:
  case SL_CAUSE_ABORT: return t->options->drain_max_bytes ? t->options->drain_max_bytes : -1;
  default: return -1;
  }
}

/* Take it from wherever it is to DONE. The connection is idle, draining or closed before anybody hears of it. */
static void end(sl_transfer *t)
{
  bool complete = t->cause == SL_CAUSE_COMPLETE;
  t->done_us = sl_clocks_now_us(t);
  if (!t->start_us) t->start_us = t->done_us;
  if (!complete) sl_gate_clear(&t->gate);
  if (!complete) t->unsent = t->sent - sl_transfer_sent(t);
  if (t->conn && complete && t->options->connect_only) t->raw = sl_conn_hand_over(t->conn, t);
  else if (t->conn) sl_conn_release(t->conn, t, left_max(t), complete ? SL_FINISH : SL_ABORT);
  if (t->paused_noted) t->paused_us += t->done_us - t->paused_since_us;
  t->paused_noted = 0;
  sl_queue_leave(t);
  sl_timers_clear(&t->multi->timers, &t->timer);
  sl_state_step(&t->state, complete ? SL_STEP_FINISH : SL_STEP_STOP, sl_gate_holds(&t->gate));
  SL_ASSERT(t->state.life == SL_DONE);
  sl_gate_clear(&t->gate); /* P13 */
  sl_multi_trace(t->multi, t, SL_TRACE_STATE, t->state.life, 0);
}

/* G2: each run of a transfer that has, or had, a connection. */
static bool progress_aborts(sl_transfer *t)
{
  if (!t->user->progress || !(t->connects || t->reused)) return false;
  t->multi->in_callback++;
  int abort = t->user->progress(t);
  t->multi->in_callback--;
  return abort != 0;
}

static void stop_by_progress(sl_transfer *t)
{
  sl_transfer_stop(t, SL_CAUSE_CALLBACK, CURLE_ABORTED_BY_CALLBACK, "Callback aborted");
}

/* All was done and taken. G1, G2: the last progress call may still abort it, so it comes first. */
static void complete(sl_transfer *t)
{
  if (progress_aborts(t)) stop_by_progress(t);
  else sl_transfer_stop(t, SL_CAUSE_COMPLETE, CURLE_OK, NULL);
}

static void finish(sl_transfer *t)
{
  sl_multi *m = t->multi;
  /* G2: a last call at the end, which changes nothing any more; G6: none after an abort. */
  if (t->cause != SL_CAUSE_COMPLETE && t->cause != SL_CAUSE_CALLBACK && t->cause != SL_CAUSE_ABORT) progress_aborts(t);
  end(t);
  sl_multi_finished(m, t);
  m->in_callback++;
  t->user->done(t); /* may free t */
  m->in_callback--;
}

void sl_transfer_drop(sl_transfer *t)
{
  if (!sl_transfer_running(t)) return;
  if (!t->cause) {
    t->cause = SL_CAUSE_REMOVE;
    t->code = CURLE_ABORTED_BY_CALLBACK;
    sl_multi_trace(t->multi, t, SL_TRACE_STOP, t->cause, t->code);
  }
  /* Nobody is told, so what came in whole but was not told is stopped like the rest (X2). */
  if (t->cause == SL_CAUSE_COMPLETE) t->cause = SL_CAUSE_REMOVE;
  end(t);
  t->multi->running--;
}

/* The begin. */

/* Message "what: value", the value cut to fit. */
static void stop_input(sl_transfer *t, CURLcode code, const char *what, const char *value)
{
  char text[CURL_ERROR_SIZE];
  sl_line line = { text, text + sizeof text };
  sl_line_str(&line, what);
  sl_line_str(&line, ": ");
  sl_line_str(&line, value);
  sl_transfer_stop(t, SL_CAUSE_INPUT, code, text);
}

/* What follows from the options for a URL that was understood. */
static bool url_allowed(sl_transfer *t)
{
  const sl_options *o = t->options;
  if (!(o->protocols & sl_protocol_bit(t->url.scheme, strlen(t->url.scheme))))
    stop_input(t, CURLE_UNSUPPORTED_PROTOCOL, "CURLOPT_PROTOCOLS does not allow this", t->url.scheme);
  else if (o->no_user_in_url && t->url.user)
    sl_transfer_stop(t, SL_CAUSE_INPUT, CURLE_LOGIN_DENIED, "A user name in the URL is not allowed");
  else if (o->resume_from && o->upload && !o->nobody)
    sl_transfer_stop(t, SL_CAUSE_INPUT, CURLE_NOT_BUILT_IN, "CURLOPT_RESUME_FROM is not there for uploads");
  return !t->cause;
}

static bool parse_url(sl_transfer *t)
{
  const sl_options *o = t->options;
  const char *text = o->url, *why;
  char *whole = NULL;
  sl_url_free(&t->url);
  t->effective_url = false;
  if (!text || !*text) {
    sl_transfer_stop(t, SL_CAUSE_INPUT, CURLE_URL_MALFORMAT, "No URL set");
    return false;
  }
  if (t->user->guesses_scheme || o->default_scheme) {
    if (!(whole = sl_url_complete(text, strlen(text), o->default_scheme))) {
      sl_transfer_stop(t, SL_CAUSE_HOST, CURLE_OUT_OF_MEMORY, NULL);
      return false;
    }
    text = whole;
  }
  switch (sl_url_parse(text, strlen(text), &t->url, &why)) {
  case SL_URL_OK:
    if (o->port) t->url.port = (uint16_t)o->port;
    t->effective_url = true;
    url_allowed(t);
    break;
  case SL_URL_NOMEM: sl_transfer_stop(t, SL_CAUSE_HOST, CURLE_OUT_OF_MEMORY, NULL); break;
  case SL_URL_SCHEME: stop_input(t, CURLE_UNSUPPORTED_PROTOCOL, why, text); break;
  default: stop_input(t, CURLE_URL_MALFORMAT, why, text); break;
  }
  free(whole);
  return !t->cause;
}

void sl_transfer_start(sl_transfer *t)
{
  bool first = t->state.life == SL_IDLE;
  SL_ASSERT(!sl_gate_holds(&t->gate) && (first || !sl_gate_paused(&t->gate))); /* P13: the end opened it; B14 */
  t->cause = SL_CAUSE_NONE;
  t->code = CURLE_OK;
  t->error[0] = t->peer[0] = t->local[0] = 0;
  t->retried = t->reused = t->has_body = t->effective_url = false;
  t->paused_noted = 0;
  t->own_noted = t->host_noted = false;
  t->frozen_us = t->sink_since_us = 0;
  t->status = t->http_minor = 0;
  t->recv_total = -1;
  t->received = t->sent = t->delivered = t->head_received = t->head_sent = t->heads_before = 0;
  t->begin_us = t->first_us = t->last_recv_us = t->done_us = t->paused_us = 0;
  t->resolved_us = t->connected_us = t->tls_us = t->posted_us = t->queued_us = 0;
  t->opening_us = t->waits_since_us = t->look_until_us = 0;
  t->unsent = 0;
  t->judge = 0;
  t->recv_speed = t->send_speed = (sl_speed){ 0 };
  t->conn_id = -1;
  t->id = t->multi->next_transfer_id++;
  t->connects = 0;
  t->start_us = t->single_us = 0;
  sl_request_begin(t);
  step(t, SL_STEP_START);
  gate_changed(t);
  if (!first) sl_remote_forget(t->remote); /* it was meant for the run that ended */
  sl_transfer_sample(t);
  sl_multi_dirty(t->multi, t);
}

/* PENDING: a pooled connection, or one of its own. */

static CURLcode code_of(const sl_transfer *t, int32_t code)
{
  bool begun = t->state.life == SL_ACTIVE;
  switch (code) {
  case SL_NOMEM: return CURLE_OUT_OF_MEMORY;
  case SL_NOSYS: return CURLE_UNSUPPORTED_PROTOCOL;
  case SL_INVAL: return CURLE_URL_MALFORMAT;
  case SL_RESOLVE: return CURLE_COULDNT_RESOLVE_HOST;
  case SL_REFUSED: return CURLE_COULDNT_CONNECT;
  case SL_DENIED: return CURLE_REMOTE_ACCESS_DENIED;
  case SL_TLS_FAILED: return CURLE_SSL_CONNECT_ERROR;
  case SL_TLS_VERIFY: return CURLE_PEER_FAILED_VERIFICATION;
  case SL_TLS_CERT: return CURLE_SSL_CERTPROBLEM;
  case SL_TLS_CA: return CURLE_SSL_CACERT_BADFILE;
  case SL_TLS_PIN: return CURLE_SSL_PINNEDPUBKEYNOTMATCH;
  case SL_CANCELED: return CURLE_ABORTED_BY_CALLBACK;
  case SL_QUOTA: return CURLE_FILESIZE_EXCEEDED;
  case SL_DEADLINE: return CURLE_OPERATION_TIMEDOUT;
  default: break;
  }
  const sl_scheme *scheme = t->effective_url ? sl_scheme_find(t->url.scheme) : NULL;
  if (scheme && scheme->kind == SL_FILE) { /* as libcurl words it */
    if (!sl_request_writes_file(t)) return CURLE_FILE_COULDNT_READ_FILE;
    return begun ? CURLE_SEND_ERROR : CURLE_WRITE_ERROR;
  }
  if (!begun) return CURLE_COULDNT_CONNECT;
  if (t->first_us || code == SL_IO) return CURLE_RECV_ERROR;
  return t->state.send == SL_SEND_END ? CURLE_GOT_NOTHING : CURLE_SEND_ERROR;
}

/* Stop for a code of the host, with the host's own words where it has some. */
static void stop_for_host(sl_transfer *t, int32_t code, sl_ch ch)
{
  bool lacks = code == SL_NOSYS && ch; /* it has such channels, and this is not all that one was asked for */
  CURLcode c = lacks ? CURLE_NOT_BUILT_IN : code_of(t, code);
  char text[CURL_ERROR_SIZE] = ""; /* of more than fits a host may write nothing */
  int32_t n = ch ? sl_info(ch, SL_INFO_ERROR, text, sizeof text - 1) : 0;
  text[n < 0 ? 0 : (size_t)n < sizeof text ? (size_t)n : sizeof text - 1] = 0;
  if (!*text && c == CURLE_UNSUPPORTED_PROTOCOL && t->effective_url) {
    stop_input(t, c, "This host does not offer the protocol", t->url.scheme);
    return;
  }
  const char *own = c == CURLE_GOT_NOTHING ? "Empty reply from server" : NULL;
  enum sl_cause cause = code <= SL_CANCELED || code == SL_NOMEM ? SL_CAUSE_HOST : SL_CAUSE_PEER;
  sl_transfer_stop(t, cause, c, *text ? text : own);
}

/* The kept connection was closed behind the request: whether the server has got it nobody knows. */
static void stop_unrepeated(sl_transfer *t, int32_t code)
{
  char text[CURL_ERROR_SIZE];
  sl_line line = { text, text + sizeof text };
  sl_line_str(&line, "The server closed the kept connection without an answer. ");
  sl_line_str(&line, sl_request_method(t));
  sl_line_str(&line, " is not repeated, because the server may have received it");
  sl_transfer_stop(t, SL_CAUSE_PEER, code_of(t, code), text);
}

/* CONNECT_ONLY: this was all; what goes over the connection is the caller's (T4, F39). */
static void connected(sl_transfer *t)
{
  step(t, SL_STEP_SEND_END);
  step(t, SL_STEP_RECV_HEAD);
  step(t, SL_STEP_RECV_END);
  complete(t);
}

static void begin(sl_transfer *t)
{
  sl_conn *c = t->conn;
  step(t, SL_STEP_BEGIN);
  if (t->cause) return; /* told of the change, the user stopped it */
  t->begin_us = t->multi->now_us;
  sl_clocks_connected(t);
  memcpy(t->peer, c->peer, sizeof t->peer);
  memcpy(t->local, c->local, sizeof t->local);
  if (!t->reused) {
    t->resolved_us = c->resolved_us;
    t->connected_us = c->connected_us;
    t->tls_us = c->tls_us;
  }
  c->used++;
  if (t->user->begun) {
    t->multi->in_callback++;
    bool go = t->user->begun(t);
    t->multi->in_callback--;
    if (!go || t->cause) return;
  }
  if (t->options->connect_only) {
    connected(t);
    return;
  }
  sl_clocks_silence(t);
  if (c->protocol->begin(c, t)) sl_multi_ready(t->multi, c);
}

/* The host has no room: try again when a connection goes, or after a while (the host may free late). */
static void wait_for_room(sl_transfer *t)
{
  sl_queue_enter(t, true);
  sl_clocks_retry(t);
  sl_clocks_set(t);
}

static void find_connection(sl_transfer *t, const sl_scheme *scheme);

static void open_own(sl_transfer *t, const sl_scheme *scheme, const sl_text *spec)
{
  int32_t code;
  sl_multi *m = t->multi;
  if (t->user->opening) t->user->opening(t);
  sl_conn *c = sl_conn_open(m, scheme->kind, spec->data, (uint32_t)spec->len, &code);
  while (!c && code == SL_BUSY && m->idle_first) { /* idle connections make room */
    sl_conn_close(m->idle_first, SL_FINISH);
    c = sl_conn_open(m, scheme->kind, spec->data, (uint32_t)spec->len, &code);
  }
  if (!c && code == SL_BUSY) {
    wait_for_room(t);
    return;
  }
  if (!c && code == SL_NOSYS && scheme->otherwise) {
    find_connection(t, scheme->otherwise);
    return;
  }
  if (!c) {
    stop_for_host(t, code, 0);
    return;
  }
  sl_queue_leave(t);
  sl_conn_attach(c, t);
  t->connects++;
  sl_multi_trace(t->multi, t, SL_TRACE_OPEN, scheme->kind, 1);
  step(t, SL_STEP_OPEN);
  sl_clocks_opening(t);
}

static void find_connection(sl_transfer *t, const sl_scheme *scheme)
{
  sl_text *spec = &t->multi->spec;
  spec->len = 0;
  spec->failed = false;
  if (scheme->kind == SL_EXCHANGE && (sl_gate_paused(&t->gate) & SL_DIR_SEND)) { /* P11: opening sends */
    sl_queue_leave(t); /* it is in nobody's way */
    return;
  }
  CURLcode bad = sl_spec_compose(t, scheme, spec);
  if (bad) sl_transfer_stop(t, SL_CAUSE_INPUT, bad, NULL);
  else if (t->host = sl_queue_host(scheme->kind, spec->data, (uint32_t)spec->len), !sl_queue_admits(t))
    sl_queue_enter(t, false);
  else {
    bool pooled = !t->options->fresh_connect && !t->retried && !t->options->connect_only;
    sl_conn *c = pooled ? sl_conn_reuse(t->multi, scheme->kind, spec->data, (uint32_t)spec->len) : NULL;
    if (c) {
      sl_queue_leave(t);
      t->reused = true;
      sl_conn_attach(c, t);
      sl_multi_trace(t->multi, t, SL_TRACE_OPEN, scheme->kind, 0);
      begin(t);
    } else if (sl_queue_has_room(t)) open_own(t, scheme, spec);
    else sl_queue_enter(t, false);
  }
}

void sl_transfer_opened(sl_transfer *t) { sl_multi_dirty(t->multi, t); }

/* Look for a connection once more. P13, B14: an old pause is forgotten, before anybody is told, so that who pauses
 * when told means the new try. (Which a later call can take back, P2: easy.c.) */
static void look_again(sl_transfer *t)
{
  uint8_t by_recv = t->gate.by_recv & SL_BY_REMOTE, by_send = t->gate.by_send & SL_BY_REMOTE;
  if (!t->user->keeps_pause) { /* P13, B14 */
    sl_gate_clear(&t->gate);
    t->gate.by_recv = by_recv; /* B2: another thread cannot see that there was a redirect */
    t->gate.by_send = by_send;
  }
  step(t, SL_STEP_AGAIN);
  gate_changed(t);
}

/* A retry or a redirect. */
static void again(sl_transfer *t)
{
  look_again(t);
  t->first_us = 0;
  t->heads_before += t->head_sent;
  t->head_sent = 0;
  sl_clocks_silence(t);
  sl_clocks_single(t);
  sl_multi_dirty(t->multi, t);
}

/* The response that leads on is out of the way: leave its connection and go there. */
static void follow(sl_transfer *t)
{
  sl_conn_release(t->conn, t, t->hop_now ? -1 : 0, SL_FINISH);
  if (!sl_request_hop(t)) return;
  t->status = 0;
  t->received = t->delivered = 0;
  t->recv_total = -1;
  t->has_body = t->retried = t->reused = false;
  again(t);
}

#define UNREPEATABLE \
  "The server closed the kept connection without an answer, and the body cannot be given again: necessary data rewind was not possible"

void sl_transfer_broken(sl_transfer *t, int32_t code)
{
  sl_conn *c = t->conn;
  if (code == SL_BUSY && t->state.life == SL_CONNECTING && !t->cause) {
    sl_conn_detach(c, t);
    look_again(t);
    wait_for_room(t);
    return;
  }
  bool stale = t->reused && !t->retried && !t->first_us && !t->cause && t->state.life == SL_ACTIVE &&
               !sl_gate_holds(&t->gate) && code > SL_CANCELED && code != SL_NOMEM;
  bool unsent = t->state.send == SL_SEND_HEAD && c->out.len == t->head_sent;
  if (stale && !unsent && !sl_request_idempotent(t)) stop_unrepeated(t, code);
  else if (!stale) stop_for_host(t, code, c->ch);
  sl_conn_detach(c, t);
  if (!stale || t->cause || !sl_request_rewind(t, UNREPEATABLE)) return;
  t->retried = true;
  t->reused = false;
  again(t);
}

/* The run. */

static void run_pending(sl_transfer *t)
{
  if (!t->start_us) {
    sl_clocks_begin(t);
    if (t->user->may_start && !t->user->may_start(t)) return;
  }
  if (!t->effective_url && !parse_url(t)) return;
  const sl_scheme *scheme = sl_scheme_find(t->url.scheme);
  if (!scheme) stop_input(t, CURLE_UNSUPPORTED_PROTOCOL, "Protocol not supported", t->url.scheme);
  /* P10: a paused receive side holds the way to the connection too; its deadlines run. */
  else if (!(sl_gate_paused(&t->gate) & SL_DIR_RECV)) find_connection(t, scheme);
  if (!t->cause) sl_clocks_set(t); /* it waits in the queue now, or does no more */
}

static void run_active(sl_transfer *t)
{
  replay(t);
  if (t->cause || !t->conn) return;
  if (t->conn->protocol->resumed) t->conn->protocol->resumed(t->conn, t);
  bool ended = t->state.send == SL_SEND_END && t->state.recv == SL_RECV_END;
  if (t->redirecting && (ended || t->hop_now) && !sl_gate_holds(&t->gate)) {
    follow(t);
    return;
  }
  if (ended && !sl_gate_holds(&t->gate)) complete(t);
  /* What the connection kept or the host has may go on now. */
  else if (sl_transfer_takes(t)) sl_multi_ready(t->multi, t->conn);
  else if (sl_transfer_send_allowance(t)) sl_multi_ready(t->multi, t->conn);
  sl_conn_want(t->conn);
}

void sl_transfer_run(sl_transfer *t)
{
  if (t->judge && t->state.life != SL_ACTIVE) sl_clocks_judge(t);
  if (!t->cause && t->state.life == SL_PENDING) run_pending(t);
  if (!t->cause && t->state.life == SL_CONNECTING && t->conn && t->conn->opened &&
      !(sl_gate_paused(&t->gate) & SL_DIR_RECV))
    begin(t);
  if (!t->cause && t->conn && progress_aborts(t)) stop_by_progress(t);
  if (!t->cause && t->state.life == SL_ACTIVE) run_active(t);
  if (!t->cause && t->judge) sl_clocks_judge(t); /* behind what it could still do */
  if (t->cause && sl_transfer_running(t)) finish(t);
}

/* Readiness. */

bool sl_transfer_takes(const sl_transfer *t)
{
  return !t->cause && !t->hop_now && t->state.life == SL_ACTIVE && t->state.recv != SL_RECV_END &&
         !(sl_gate_paused(&t->gate) & SL_DIR_RECV) && !sl_gate_holds(&t->gate);
}

int64_t sl_transfer_recv_allowance(sl_transfer *t)
{
  return sl_transfer_takes(t) ? sl_bucket_allows(&t->recv_bucket, sl_clocks_now_us(t)) : 0;
}

int64_t sl_transfer_send_allowance(sl_transfer *t)
{
  if (t->cause || t->hop_now || t->state.life != SL_ACTIVE) return 0;
  if (t->state.send == SL_SEND_WAIT || t->state.send == SL_SEND_END) return 0;
  if (sl_gate_paused(&t->gate) & SL_DIR_SEND) return 0;
  return sl_bucket_allows(&t->send_bucket, sl_clocks_now_us(t));
}

/* What protocols tell. */

/* G2: progress is told in the run in which there was some, not at the next occasion. */
static void progressed(sl_transfer *t)
{
  if (t->user->progress && !t->options->noprogress) sl_multi_dirty(t->multi, t);
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

enum sl_gate_result sl_in_head(sl_transfer *t, enum sl_part part, const char *text, uint32_t n)
{
  t->head_received += n;
  return write_part(t, part, text, n);
}

void sl_transfer_hop_now(sl_transfer *t)
{
  t->hop_now = true;
  sl_multi_dirty(t->multi, t);
}

bool sl_in_head_end(sl_transfer *t, bool has_body, bool kept)
{
  int64_t total = t->recv_total;
  t->has_body = has_body;
  sl_request_location_told(t);
  if (t->cause) return false;
  if (!sl_request_resumed(t)) return false;
  if (t->body_ignored) t->has_body = has_body = false;
  if (t->options->fail_on_error && t->status >= 400 && !t->redirecting && !t->body_ignored) {
    char text[CURL_ERROR_SIZE];
    sl_line line = { text, text + sizeof text };
    sl_line_str(&line, "The requested URL returned error: ");
    sl_line_int(&line, t->status);
    sl_transfer_stop(t, SL_CAUSE_PEER, CURLE_HTTP_RETURNED_ERROR, text);
    return false;
  }
  if (!t->redirecting && has_body && t->options->max_file_size && total > t->options->max_file_size) {
    sl_transfer_stop(t, SL_CAUSE_LIMIT, CURLE_FILESIZE_EXCEEDED, "Maximum file size exceeded"); /* W14 */
    return false;
  }
  step(t, SL_STEP_RECV_HEAD);
  if (t->redirecting && has_body) {
    if (!kept || total > SL_REDIRECT_BODY_MAX) {
      sl_transfer_hop_now(t);
      return false;
    }
    t->redirect_left = SL_REDIRECT_BODY_MAX;
    sl_clocks_hop(t);
  }
  sl_bucket_plan(&t->recv_bucket, has_body ? total : -1, sl_clocks_now_us(t));
  return !t->cause;
}

/* W14, F37: what is delivered counts, not what came. */
static bool body_fits(sl_transfer *t, uint64_t size)
{
  int64_t max = t->options->max_file_size;
  if (!max || size <= (uint64_t)max) return true;
  sl_transfer_stop(t, SL_CAUSE_LIMIT, CURLE_FILESIZE_EXCEEDED, "Would have exceeded max file size");
  return false;
}

static void count_received(sl_transfer *t, uint32_t n)
{
  t->received += n;
  sl_speed_add(&t->recv_speed, sl_clocks_now_us(t), n);
}

enum sl_gate_result sl_in_body(sl_transfer *t, const char *data, uint32_t n)
{
  if (t->redirecting) {
    if (n > t->redirect_left) sl_transfer_hop_now(t);
    else t->redirect_left -= n;
    return t->hop_now ? SL_GATE_BLOCKED : SL_GATE_OPEN;
  }
  if (t->body_ignored) return SL_GATE_OPEN;
  count_received(t, n);
  return body_fits(t, t->delivered + t->gate.held + n) ? write_part(t, SL_PART_BODY, data, n) : SL_GATE_FAILED;
}

void sl_in_moved(sl_transfer *t, uint32_t n)
{
  count_received(t, n);
  t->delivered += n;
  body_fits(t, t->delivered);
  sl_multi_trace(t->multi, t, SL_TRACE_WRITE, SL_PART_BODY, n);
  gate_changed(t);
}

void sl_in_end(sl_transfer *t)
{
  if (t->cause) return;
  if (t->has_body && !t->received && !t->redirecting) { /* W11 */
    t->has_body = false; /* told once */
    write_part(t, SL_PART_BODY, "", 0);
  }
  if (!sl_transfer_takes(t)) return; /* W9: the protocol says it once more when it takes again */
  step(t, SL_STEP_RECV_END);
  /* R6: a response that is whole before the request went out ends the sending, unless an error is to be ignored. */
  bool goes_on = t->status >= 400 && t->options->keep_sending_on_error && !(sl_gate_paused(&t->gate) & SL_DIR_SEND);
  if (!t->cause && t->state.send != SL_SEND_END && !goes_on) step(t, SL_STEP_SEND_END);
  sl_multi_dirty(t->multi, t);
}

void sl_out_body(sl_transfer *t, bool wait)
{
  if (t->cause) return;
  step(t, wait ? SL_STEP_SEND_WAIT : SL_STEP_SEND_BODY);
  sl_bucket_plan(&t->send_bucket, t->send_total, sl_clocks_now_us(t)); /* S1 */
  if (wait) sl_clocks_expect(t);
  sl_multi_dirty(t->multi, t);
}

void sl_out_go(sl_transfer *t)
{
  if (t->cause || t->state.send != SL_SEND_WAIT) return;
  step(t, SL_STEP_SEND_BODY);
  sl_multi_dirty(t->multi, t);
}

void sl_transfer_more(sl_transfer *t)
{
  if (t->multi && t->state.send == SL_SEND_BODY) sl_multi_dirty(t->multi, t);
}

void sl_out_end(sl_transfer *t)
{
  if (t->cause) return;
  step(t, SL_STEP_SEND_END);
  t->posted_us = t->multi->now_us;
  sl_clocks_silence(t);
  sl_multi_dirty(t->multi, t);
}

sl_unsent sl_transfer_unsent(const sl_transfer *t)
{
  int64_t n[2];
  bool told = t->conn && sl_info(t->conn->ch, SL_INFO_UNSENT, n, sizeof n) == (int32_t)sizeof n;
  return told ? (sl_unsent){ n[0], n[1] } : (sl_unsent){ 0, -1 };
}

uint64_t sl_transfer_sent(const sl_transfer *t)
{
  uint64_t kept = t->conn && t->sent ? (uint64_t)sl_transfer_unsent(t).kept : t->unsent;
  return kept < t->sent ? t->sent - kept : 0;
}

uint64_t sl_transfer_held(const sl_transfer *t)
{
  int64_t host = 0;
  if (t->conn && sl_info(t->conn->ch, SL_INFO_HELD, &host, sizeof host) <= 0) host = 0;
  return sl_transfer_held_engine(t) + (uint64_t)host;
}
