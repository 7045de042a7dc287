/* transfer.c: see transfer.h. Wishes are written down here; sl_transfer_run makes them true. */
#include "transfer.h"
#include <stdlib.h>
#include <string.h>
#include "../protocol/protocol.h"
#include "connection.h"
#include "multi.h"

#define CALLBACK_ABORTED "Callback aborted"

/* Time now: inside a run the run's own, else the clock's. */
static int64_t now_us(sl_transfer *t)
{
  sl_multi *m = t->multi;
  if (!m->depth) m->now_us = sl_now_us(m->loop);
  return m->now_us;
}

static void set_timer(sl_transfer *t, enum sl_timer_kind kind, int64_t due_us)
{
  sl_timers_set(&t->multi->timers, &t->timer, kind, due_us);
}

/* `after` milliseconds from `from`; 0 = never. */
static int64_t deadline(int64_t from_us, int64_t after_ms)
{
  if (after_ms <= 0) return SL_NEVER;
  return after_ms > (SL_NEVER - from_us) / 1000 ? SL_NEVER - 1 : from_us + after_ms * 1000;
}

static bool running(const sl_transfer *t)
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
  t->recv_total = -1;
  sl_timer_init(&t->timer, t);
}

void sl_transfer_clear(sl_transfer *t)
{
  SL_ASSERT(!t->multi);
  sl_gate_clear(&t->gate);
  sl_url_free(&t->url);
}

/* Pause: what the clocks do when the gate changed. */

/* L5: the low-speed clock runs while nothing is paused; a pause makes it forget. The first answer is asked for
 * at once, so that being slow begins here and not a second later (L4). */
static void start_low_speed(sl_transfer *t, bool first)
{
  const sl_options *o = t->options;
  int64_t now = t->multi->now_us;
  uint64_t bytes = t->received + t->sent;
  bool on = o->low_speed_limit && o->low_speed_time_s && !t->paused_noted && running(t);
  set_timer(t, SL_TIMER_LOW_SPEED, on ? now + SL_SECOND : SL_NEVER);
  if (first) sl_meter_start(&t->meter, now, bytes);
  else sl_meter_resume(&t->meter, now, bytes);
  t->low_speed_limit = o->low_speed_limit;
  t->low_speed_time_s = o->low_speed_time_s;
  if (on) sl_meter_too_slow(&t->meter, now, sl_meter_speed(&t->meter, now, bytes), o->low_speed_limit, SL_NEVER);
}

/* B9: silence counts while an answer is due and wanted. */
static void start_silence(sl_transfer *t)
{
  bool on = t->state.send == SL_SEND_END && t->state.recv != SL_RECV_END && !(t->paused_noted & SL_DIR_RECV);
  t->last_recv_us = t->multi->now_us;
  set_timer(t, SL_TIMER_SILENCE, on ? deadline(t->multi->now_us, t->options->silence_timeout_ms) : SL_NEVER);
}

/* T1, T2: they run while the caller pauses; B15: not while the host holds. */
static void set_clocks(sl_transfer *t)
{
  if (!t->start_us) return; /* T2: not before the first run */
  const sl_options *o = t->options;
  int64_t connect = o->connect_timeout_ms ? o->connect_timeout_ms : SL_CONNECT_TIMEOUT_MS;
  bool connecting = t->state.life == SL_PENDING || t->state.life == SL_CONNECTING;
  set_timer(t, SL_TIMER_TOTAL, t->host_noted ? SL_NEVER : deadline(t->start_us + t->frozen_us, o->timeout_ms));
  set_timer(t, SL_TIMER_CONNECT,
            t->host_noted || !connecting ? SL_NEVER : deadline(t->single_us + t->frozen_us, connect));
  set_timer(t, SL_TIMER_PAUSED,
            t->host_noted || !t->own_noted ? SL_NEVER : deadline(t->own_since_us, o->paused_timeout_ms));
}

/* Whose pause it is may change without the gate changing. */
static void note_who(sl_transfer *t, int64_t now)
{
  uint8_t by = t->gate.by_recv | t->gate.by_send;
  bool own = (by & ~SL_BY_HOST) != 0, host = (by & SL_BY_HOST) != 0;
  if (own == t->own_noted && host == t->host_noted) return;
  if (own && (!t->own_noted || (t->host_noted && !host))) t->own_since_us = now;
  if (host && !t->host_noted) t->frozen_since_us = now;
  if (!host && t->host_noted) t->frozen_us += now - t->frozen_since_us;
  t->own_noted = own;
  t->host_noted = host;
  set_clocks(t);
}

static uint64_t held_in_engine(const sl_transfer *t)
{
  return t->gate.held + (t->conn && t->conn->transfers == t && !t->conn_next ? t->conn->in_len : 0);
}

/* The gate may have changed: by a call, by a refusal, by the host. */
static void note_pause(sl_transfer *t)
{
  uint8_t paused = (uint8_t)sl_gate_paused(&t->gate), before = t->paused_noted;
  if (!t->multi) return;
  int64_t now = now_us(t);
  note_who(t, now);
  if (paused == before) return;
  t->paused_noted = paused;
  sl_multi_trace(t->multi, t, SL_TRACE_GATE, paused, t->gate.by_recv * 16 + t->gate.by_send);
  if (!before) t->paused_since_us = now;
  if (!paused) t->paused_us += now - t->paused_since_us;
  if ((before & ~paused) & SL_DIR_RECV) sl_bucket_burst(&t->recv_bucket, (int64_t)held_in_engine(t), now);
  if ((before & ~paused) & SL_DIR_SEND) sl_bucket_burst(&t->send_bucket, 0, now);
  start_low_speed(t, false);
  start_silence(t);
  tell_changed(t);
}

/* Paused in every direction it still wants: it has nothing to run for (P8, K6). */
static bool blocked(const sl_transfer *t)
{
  uint32_t paused = sl_gate_paused(&t->gate);
  bool recv = t->state.recv != SL_RECV_END || sl_gate_holds(&t->gate), send = t->state.send != SL_SEND_END;
  return (!recv || (paused & SL_DIR_RECV)) && (!send || (paused & SL_DIR_SEND));
}

void sl_transfer_pause(sl_transfer *t, uint32_t mask, enum sl_by by)
{
  if (t->state.life == SL_DONE) return;
  sl_gate_set(&t->gate, mask & SL_DIR_BOTH, by);
  note_pause(t);
  if (!t->multi || t->cause) return;
  if (t->conn) sl_conn_want(t->conn);
  /* P8, P14: also when nothing was paused. */
  if (!blocked(t)) sl_multi_dirty(t->multi, t);
}

void sl_transfer_hold(sl_transfer *t, bool held)
{
  sl_gate_hold(&t->gate, held);
  note_pause(t);
  sl_multi_dirty(t->multi, t);
}

/* Delivery: the gate's way to the user. */

static int32_t deliver(sl_transfer *t, enum sl_part part, const char *data, uint32_t n)
{
  if (t->cause) return (int32_t)n; /* it is over: what comes is dropped, the user is not called (F16) */
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
  note_pause(t);
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
  sl_bucket_allows(&t->recv_bucket, now_us(t));
  if (t->recv_bucket.tokens >= 0) return t->gate.held;
  uint64_t owed = (uint64_t)-t->recv_bucket.tokens, all = held_in_engine(t);
  uint64_t covered = owed < all ? all - owed : 0;
  return covered < t->gate.held ? covered : t->gate.held;
}

static bool replay_due(sl_transfer *t)
{
  return sl_gate_holds(&t->gate) && !(sl_gate_paused(&t->gate) & SL_DIR_RECV) && !t->cause;
}

static void replay(sl_transfer *t)
{
  if (!replay_due(t)) return;
  uint64_t max = replay_allowance(t);
  if (max || !t->gate.held) delivered(t, sl_gate_flush(&t->gate, t, deliver, max));
}

CURLcode sl_transfer_replay(sl_transfer *t)
{
  if (!t->multi || t->gate.delivering) return CURLE_OK;
  replay(t);
  return t->cause == SL_CAUSE_CALLBACK ? t->code : CURLE_OK;
}

/* The end. */

static void set_error(sl_transfer *t, const char *message)
{
  sl_line line = { t->error, t->error + sizeof t->error };
  sl_line_str(&line, message);
}

void sl_transfer_stop(sl_transfer *t, enum sl_cause cause, CURLcode code, const char *message)
{
  if (t->cause || !running(t)) return;
  t->cause = (uint8_t)cause;
  t->code = code;
  set_error(t, message ? message : "");
  sl_multi_trace(t->multi, t, SL_TRACE_STOP, cause, code);
  if (t->conn) sl_conn_want(t->conn);
  sl_multi_dirty(t->multi, t);
}

/* Take it from wherever it is to DONE. The connection is idle or closed before anybody hears of it. */
static void end(sl_transfer *t)
{
  bool complete = t->cause == SL_CAUSE_COMPLETE;
  t->done_us = now_us(t);
  if (!t->start_us) t->start_us = t->done_us;
  if (!complete) sl_gate_clear(&t->gate);
  if (t->conn) sl_conn_release(t->conn, t, complete, complete ? SL_FINISH : SL_ABORT);
  if (t->paused_noted) t->paused_us += t->done_us - t->paused_since_us;
  t->paused_noted = 0;
  t->busy = false;
  sl_timers_clear(&t->multi->timers, &t->timer);
  sl_state_step(&t->state, complete ? SL_STEP_FINISH : SL_STEP_STOP, sl_gate_holds(&t->gate));
  SL_ASSERT(t->state.life == SL_DONE);
  sl_gate_clear(&t->gate);
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

static void finish(sl_transfer *t)
{
  sl_multi *m = t->multi;
  /* G2: a last call at the end; G6: none after an abort. */
  if (t->cause != SL_CAUSE_CALLBACK && t->cause != SL_CAUSE_ABORT && progress_aborts(t) && !t->code) {
    t->code = CURLE_ABORTED_BY_CALLBACK;
    set_error(t, CALLBACK_ABORTED);
  }
  end(t);
  sl_multi_finished(m, t);
  m->in_callback++;
  t->user->done(t); /* may free t */
  m->in_callback--;
}

void sl_transfer_drop(sl_transfer *t)
{
  if (!running(t)) return;
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

/* T2: the clocks begin with the first run, not when it was added. */
static void start_limits(sl_transfer *t)
{
  const sl_options *o = t->options;
  int64_t now = t->multi->now_us;
  t->start_us = t->single_us = now;
  if (t->paused_noted) t->paused_since_us = t->own_since_us = t->frozen_since_us = now;
  set_clocks(t);
  sl_bucket_start(&t->recv_bucket, o->max_recv_speed, now);
  sl_bucket_start(&t->send_bucket, o->max_send_speed, now);
  start_low_speed(t, true);
}

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

static bool parse_url(sl_transfer *t)
{
  const char *text = t->options->url, *why;
  sl_url_free(&t->url);
  t->effective_url = false;
  if (!text || !*text) {
    sl_transfer_stop(t, SL_CAUSE_INPUT, CURLE_URL_MALFORMAT, "No URL set");
    return false;
  }
  switch (sl_url_parse(text, strlen(text), &t->url, &why)) {
  case SL_URL_OK:
    if (t->options->port) t->url.port = (uint16_t)t->options->port;
    t->effective_url = true;
    return true;
  case SL_URL_NOMEM: sl_transfer_stop(t, SL_CAUSE_HOST, CURLE_OUT_OF_MEMORY, NULL); break;
  case SL_URL_SCHEME: stop_input(t, CURLE_UNSUPPORTED_PROTOCOL, why, text); break;
  default: stop_input(t, CURLE_URL_MALFORMAT, why, text); break;
  }
  return false;
}

void sl_transfer_start(sl_transfer *t)
{
  bool keeps = t->user->keeps_pause && t->state.life == SL_IDLE;
  uint8_t by_recv = t->gate.by_recv, by_send = t->gate.by_send;
  sl_gate_clear(&t->gate); /* P13 */
  if (keeps) {             /* B14 */
    t->gate.by_recv = by_recv;
    t->gate.by_send = by_send;
  }
  t->cause = SL_CAUSE_NONE;
  t->code = CURLE_OK;
  t->error[0] = t->peer[0] = t->local[0] = 0;
  t->retried = t->reused = t->busy = t->has_body = t->effective_url = false;
  t->paused_noted = 0;
  t->own_noted = t->host_noted = false;
  t->frozen_us = 0;
  t->status = t->http_minor = 0;
  t->recv_total = -1;
  t->received = t->sent = t->delivered = t->head_received = t->head_sent = 0;
  t->begin_us = t->first_us = t->last_recv_us = t->done_us = t->paused_us = 0;
  t->resolved_us = t->connected_us = t->tls_us = 0;
  t->connects = 0;
  t->start_us = t->single_us = 0;
  step(t, SL_STEP_START);
  note_pause(t);
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
  if (!begun) return CURLE_COULDNT_CONNECT;
  if (t->first_us || code == SL_IO) return CURLE_RECV_ERROR;
  return t->state.send == SL_SEND_END ? CURLE_GOT_NOTHING : CURLE_SEND_ERROR;
}

/* Stop for a code of the host, with the host's own words where it has some. */
static void stop_for_host(sl_transfer *t, int32_t code, sl_ch ch)
{
  CURLcode c = code_of(t, code);
  char text[CURL_ERROR_SIZE];
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

static void begin(sl_transfer *t)
{
  sl_conn *c = t->conn;
  step(t, SL_STEP_BEGIN);
  if (t->cause) return; /* told of the change, the user stopped it */
  t->begin_us = t->multi->now_us;
  set_clocks(t);
  memcpy(t->peer, c->peer, sizeof t->peer);
  memcpy(t->local, c->local, sizeof t->local);
  if (!t->reused) {
    t->resolved_us = c->resolved_us;
    t->connected_us = c->connected_us;
    t->tls_us = c->tls_us;
  }
  c->used++;
  start_silence(t);
  if (c->protocol->begin(c, t)) sl_multi_ready(t->multi, c);
}

/* The host has no room: try again when a connection goes, or after a while (the host may free late). */
static void wait_for_room(sl_transfer *t)
{
  t->busy = t->multi->some_busy = true;
  set_timer(t, SL_TIMER_RETRY, t->multi->now_us + SL_BUSY_RETRY_US);
}

static void open_own(sl_transfer *t, const sl_scheme *scheme, const sl_text *spec)
{
  int32_t code;
  sl_multi *m = t->multi;
  sl_conn *c = sl_conn_open(m, scheme->kind, spec->data, (uint32_t)spec->len, &code);
  while (!c && code == SL_BUSY && m->idle_first) { /* idle connections make room */
    sl_conn_close(m->idle_first, SL_FINISH);
    c = sl_conn_open(m, scheme->kind, spec->data, (uint32_t)spec->len, &code);
  }
  t->busy = false;
  if (!c && code == SL_BUSY) {
    wait_for_room(t);
    return;
  }
  if (!c) {
    stop_for_host(t, code, 0);
    return;
  }
  sl_conn_attach(c, t);
  t->connects++;
  sl_multi_trace(t->multi, t, SL_TRACE_OPEN, scheme->kind, 1);
  step(t, SL_STEP_OPEN);
}

static void find_connection(sl_transfer *t, const sl_scheme *scheme)
{
  sl_text spec = { .max = SL_URL_MAX };
  CURLcode bad = sl_spec_compose(t, scheme, &spec);
  if (bad) sl_transfer_stop(t, SL_CAUSE_INPUT, bad, NULL);
  else {
    bool pooled = !t->options->fresh_connect && !t->retried;
    sl_conn *c = pooled ? sl_conn_reuse(t->multi, scheme->kind, spec.data, (uint32_t)spec.len) : NULL;
    if (c) {
      t->reused = true;
      sl_conn_attach(c, t);
      sl_multi_trace(t->multi, t, SL_TRACE_OPEN, scheme->kind, 0);
      begin(t);
    } else open_own(t, scheme, &spec);
  }
  sl_text_free(&spec);
}

void sl_transfer_opened(sl_transfer *t) { sl_multi_dirty(t->multi, t); }

void sl_transfer_broken(sl_transfer *t, int32_t code)
{
  sl_conn *c = t->conn;
  if (code == SL_BUSY && t->state.life == SL_CONNECTING && !t->cause) {
    sl_conn_detach(c, t);
    step(t, SL_STEP_AGAIN);
    wait_for_room(t);
    return;
  }
  bool stale = t->reused && !t->retried && !t->first_us && !t->cause && t->state.life == SL_ACTIVE &&
               !sl_gate_holds(&t->gate) && code > SL_CANCELED && code != SL_NOMEM;
  if (!stale) stop_for_host(t, code, c->ch);
  sl_conn_detach(c, t);
  if (!stale) return;
  t->retried = true;
  t->reused = false;
  step(t, SL_STEP_AGAIN);
  if (!t->user->keeps_pause) { /* P13, B14 */
    sl_gate_clear(&t->gate);
    note_pause(t);
  }
  t->single_us = t->multi->now_us - t->frozen_us; /* set_clocks adds what was frozen */
  set_clocks(t);
  sl_multi_dirty(t->multi, t);
}

/* The run. */

static void run_pending(sl_transfer *t)
{
  if (!t->start_us) start_limits(t);
  if (!t->effective_url && !parse_url(t)) return;
  const sl_scheme *scheme = sl_scheme_find(t->url.scheme);
  if (!scheme) stop_input(t, CURLE_UNSUPPORTED_PROTOCOL, "Protocol not supported", t->url.scheme);
  /* P10: a paused receive side holds the way to the connection too; its deadlines run. */
  else if (!(sl_gate_paused(&t->gate) & SL_DIR_RECV)) find_connection(t, scheme);
}

static void run_active(sl_transfer *t)
{
  replay(t);
  if (t->cause || !t->conn) return;
  if (t->conn->protocol->resumed) t->conn->protocol->resumed(t->conn, t);
  bool ended = t->state.send == SL_SEND_END && t->state.recv == SL_RECV_END;
  if (ended && !sl_gate_holds(&t->gate)) sl_transfer_stop(t, SL_CAUSE_COMPLETE, CURLE_OK, NULL);
  /* What the connection kept or the host has may go on now. */
  else if (sl_transfer_takes(t)) sl_multi_ready(t->multi, t->conn);
  else if (t->conn->out.len && sl_transfer_send_allowance(t)) sl_multi_ready(t->multi, t->conn);
  sl_conn_want(t->conn);
}

void sl_transfer_run(sl_transfer *t)
{
  if (!t->cause && t->state.life == SL_PENDING) run_pending(t);
  if (!t->cause && t->state.life == SL_CONNECTING && t->conn && t->conn->opened &&
      !(sl_gate_paused(&t->gate) & SL_DIR_RECV))
    begin(t);
  if (!t->cause && t->conn && progress_aborts(t))
    sl_transfer_stop(t, SL_CAUSE_CALLBACK, CURLE_ABORTED_BY_CALLBACK, CALLBACK_ABORTED);
  if (!t->cause && t->state.life == SL_ACTIVE) run_active(t);
  if (t->cause && running(t)) finish(t);
}

/* Deadlines. */

static void time_out(sl_transfer *t, const char *what, int64_t since_us)
{
  char text[CURL_ERROR_SIZE];
  sl_line line = { text, text + sizeof text };
  if (t->state.life == SL_CONNECTING) {
    char phase[16];
    int32_t n = sl_info(t->conn->ch, SL_INFO_PHASE, phase, sizeof phase);
    what = n == 7 && !memcmp(phase, "resolve", 7) ? "Resolving" : "Connection";
  }
  sl_line_str(&line, what);
  sl_line_str(&line, " timed out after ");
  sl_line_int(&line, (t->multi->now_us - since_us) / 1000);
  sl_line_str(&line, " milliseconds");
  if (!strcmp(what, "Operation")) {
    sl_line_str(&line, " with ");
    sl_line_int(&line, (int64_t)t->received);
    if (t->recv_total >= 0) {
      sl_line_str(&line, " out of ");
      sl_line_int(&line, t->recv_total);
    }
    sl_line_str(&line, " bytes received");
  }
  sl_transfer_stop(t, SL_CAUSE_LIMIT, CURLE_OPERATION_TIMEDOUT, text);
}

/* B9: the two limits are told apart in the message. */
static void limit_passed(sl_transfer *t, const char *what, int64_t ms)
{
  char text[CURL_ERROR_SIZE];
  sl_line line = { text, text + sizeof text };
  sl_line_str(&line, what);
  sl_line_int(&line, ms);
  sl_line_str(&line, " milliseconds");
  sl_transfer_stop(t, SL_CAUSE_LIMIT, CURLE_OPERATION_TIMEDOUT, text);
}

static void check_low_speed(sl_transfer *t)
{
  const sl_options *o = t->options;
  int64_t now = t->multi->now_us, time_us = o->low_speed_time_s * SL_SECOND;
  int64_t speed = sl_meter_speed(&t->meter, now, t->received + t->sent);
  if (!sl_meter_too_slow(&t->meter, now, speed, o->low_speed_limit, time_us)) {
    set_timer(t, SL_TIMER_LOW_SPEED, now + SL_SECOND);
    return;
  }
  char text[CURL_ERROR_SIZE];
  sl_line line = { text, text + sizeof text };
  sl_line_str(&line, "Operation too slow. Less than ");
  sl_line_int(&line, o->low_speed_limit);
  sl_line_str(&line, " bytes/sec transferred the last ");
  sl_line_int(&line, o->low_speed_time_s);
  sl_line_str(&line, " seconds");
  sl_transfer_stop(t, SL_CAUSE_LIMIT, CURLE_OPERATION_TIMEDOUT, text);
}

/* The deadline is moved only when it comes, not with every receive: one heap operation a period. */
static void check_silence(sl_transfer *t)
{
  int64_t due = deadline(t->last_recv_us, t->options->silence_timeout_ms), now = t->multi->now_us;
  if (due <= now && !sl_transfer_recv_allowance(t)) due = deadline(now, t->options->silence_timeout_ms);
  if (due > now) set_timer(t, SL_TIMER_SILENCE, due);
  else limit_passed(t, "Peer silent for ", t->options->silence_timeout_ms);
}

void sl_transfer_expire(sl_transfer *t)
{
  for (unsigned kind = 0; kind < SL_TIMER_KINDS; kind++) {
    if (t->timer.due_us[kind] > t->multi->now_us) continue;
    set_timer(t, kind, SL_NEVER);
    if (t->cause) continue;
    switch ((enum sl_timer_kind)kind) {
    case SL_TIMER_TOTAL: time_out(t, "Operation", t->start_us); break;
    case SL_TIMER_CONNECT: time_out(t, "Connection", t->single_us); break;
    case SL_TIMER_LOW_SPEED: check_low_speed(t); break;
    case SL_TIMER_PAUSED: limit_passed(t, "Paused for ", t->options->paused_timeout_ms); break;
    case SL_TIMER_SILENCE: check_silence(t); break;
    default: sl_multi_dirty(t->multi, t); break; /* what they held back goes on */
    }
  }
}

/* Readiness. */

bool sl_transfer_takes(const sl_transfer *t)
{
  return !t->cause && t->state.life == SL_ACTIVE && t->state.recv != SL_RECV_END &&
         !(sl_gate_paused(&t->gate) & SL_DIR_RECV) && !sl_gate_holds(&t->gate);
}

int64_t sl_transfer_recv_allowance(sl_transfer *t)
{
  return sl_transfer_takes(t) ? sl_bucket_allows(&t->recv_bucket, now_us(t)) : 0;
}

int64_t sl_transfer_send_allowance(sl_transfer *t)
{
  if (t->cause || t->state.life != SL_ACTIVE || t->state.send == SL_SEND_END) return 0;
  if (sl_gate_paused(&t->gate) & SL_DIR_SEND) return 0;
  return sl_bucket_allows(&t->send_bucket, now_us(t));
}

void sl_transfer_arm(sl_transfer *t)
{
  if (t->cause || t->state.life != SL_ACTIVE) return;
  bool receives = sl_transfer_takes(t) || replay_due(t);
  bool sends = t->state.send != SL_SEND_END && !(sl_gate_paused(&t->gate) & SL_DIR_SEND);
  set_timer(t, SL_TIMER_RECV_RATE, receives ? sl_bucket_next_us(&t->recv_bucket) : SL_NEVER);
  set_timer(t, SL_TIMER_SEND_RATE, sends ? sl_bucket_next_us(&t->send_bucket) : SL_NEVER);
}

void sl_transfer_limits(sl_transfer *t)
{
  if (!running(t)) return;
  int64_t now = now_us(t);
  const sl_options *o = t->options;
  set_clocks(t);
  start_silence(t);
  if (o->max_recv_speed != t->recv_bucket.rate) sl_bucket_start(&t->recv_bucket, o->max_recv_speed, now);
  if (o->max_send_speed != t->send_bucket.rate) sl_bucket_start(&t->send_bucket, o->max_send_speed, now);
  if (o->low_speed_limit != t->low_speed_limit || o->low_speed_time_s != t->low_speed_time_s)
    start_low_speed(t, false);
  sl_multi_dirty(t->multi, t);
}

/* What protocols tell. */

void sl_transfer_charge_recv(sl_transfer *t, int64_t n)
{
  sl_bucket_charge(&t->recv_bucket, n);
  if (n <= 0) return;
  t->last_recv_us = t->multi->now_us;
  if (!t->first_us) t->first_us = t->multi->now_us;
}

void sl_transfer_charge_sent(sl_transfer *t, int64_t n) { sl_bucket_charge(&t->send_bucket, n); }

enum sl_gate_result sl_in_head(sl_transfer *t, enum sl_part part, const char *text, uint32_t n)
{
  t->head_received += n;
  return write_part(t, part, text, n);
}

bool sl_in_head_end(sl_transfer *t, int64_t total, bool has_body)
{
  t->recv_total = total;
  t->has_body = has_body;
  if (t->cause) return false;
  if (t->options->fail_on_error && t->status >= 400) {
    char text[CURL_ERROR_SIZE];
    sl_line line = { text, text + sizeof text };
    sl_line_str(&line, "The requested URL returned error: ");
    sl_line_int(&line, t->status);
    sl_transfer_stop(t, SL_CAUSE_PEER, CURLE_HTTP_RETURNED_ERROR, text);
    return false;
  }
  step(t, SL_STEP_RECV_HEAD);
  sl_bucket_plan(&t->recv_bucket, has_body ? total : -1, now_us(t));
  return !t->cause;
}

enum sl_gate_result sl_in_body(sl_transfer *t, const char *data, uint32_t n)
{
  t->received += n;
  return write_part(t, SL_PART_BODY, data, n);
}

void sl_in_moved(sl_transfer *t, uint32_t n)
{
  t->received += n;
  t->delivered += n;
  sl_multi_trace(t->multi, t, SL_TRACE_WRITE, SL_PART_BODY, n);
  note_pause(t);
}

void sl_in_end(sl_transfer *t)
{
  if (t->cause) return;
  if (t->has_body && !t->received) write_part(t, SL_PART_BODY, "", 0); /* W11 */
  step(t, SL_STEP_RECV_END);
  /* R6: a response that is whole before the request went out ends the sending. */
  if (!t->cause && t->state.send != SL_SEND_END) step(t, SL_STEP_SEND_END);
  sl_multi_dirty(t->multi, t);
}

void sl_out_end(sl_transfer *t)
{
  if (t->cause) return;
  step(t, SL_STEP_SEND_END);
  start_silence(t);
  sl_multi_dirty(t->multi, t);
}

uint64_t sl_transfer_held(const sl_transfer *t)
{
  int64_t host = 0;
  if (t->conn && sl_info(t->conn->ch, SL_INFO_HELD, &host, sizeof host) <= 0) host = 0;
  return held_in_engine(t) + (uint64_t)host;
}
