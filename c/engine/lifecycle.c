/* lifecycle.c: see lifecycle.h. */
#include "lifecycle.h"
#include <stdlib.h>
#include <string.h>
#include "../protocol/protocol.h"
#include "../protocol/spec.h"
#include "../protocol/table.h"
#include "agenda.h"
#include "clocks.h"
#include "connection.h"
#include "expiry.h"
#include "pool.h"
#include "ready.h"
#include "redirect.h"
#include "remote.h"
#include "request.h"
#include "transfer.h"
#include "upload.h"

void sl_life_attach(sl_conn *c, sl_transfer *t)
{
  SL_ASSERT(!t->conn && (c->life == SL_CONN_OPENING || c->life == SL_CONN_OPEN));
  t->conn = c;
  t->conn_id = c->id;
  t->conn_next = c->transfers;
  c->transfers = t;
  sl_agenda_watch(c, false);
  if (c->held) sl_transfer_hold(t, true);
}

void sl_life_detach(sl_conn *c, sl_transfer *t)
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

void sl_life_release(sl_conn *c, sl_transfer *t, int64_t left_max, enum sl_how how)
{
  bool may = left_max >= 0 && c->life == SL_CONN_OPEN && !c->doubt && !t->options->forbid_reuse && !c->out.len;
  int64_t left = may ? c->protocol->leave(c, t) : -1;
  sl_life_detach(c, t);
  if (c->transfers) return;
  if (left < 0 || left > left_max) {
    sl_pool_close(c, how);
    return;
  }
  sl_pool_drain_enter(c, (uint64_t)left);
  sl_pool_drain(c);
}

sl_conn *sl_life_hand_over(sl_conn *c, sl_transfer *t)
{
  sl_life_detach(c, t);
  sl_conn_step(c, SL_CONN_RAW);
  sl_pool_want(c);
  return c;
}

void sl_life_conn_broken(sl_conn *c, int32_t code)
{
  c->no_room = code == SL_BUSY;
  while (c->transfers) sl_life_broken(c->transfers, code);
  sl_pool_close(c, SL_ABORT);
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
    sl_life_conn_broken(c, code);
    return;
  }
  sl_conn_step(c, SL_CONN_OPEN);
  address(c, SL_INFO_PEER, c->peer, sizeof c->peer);
  address(c, SL_INFO_LOCAL, c->local, sizeof c->local);
  if (sl_info(c->ch, SL_INFO_TIMES, times, sizeof times) == (int32_t)sizeof times) {
    c->resolved_us = times[0];
    c->connected_us = times[1];
    c->tls_us = times[2];
  }
  for (sl_transfer *t = c->transfers; t; t = t->conn_next) sl_life_opened(t);
}

static void run_opening(sl_conn *c, uint32_t events)
{
  if (events & SL_OPENED) {
    opened(c);
    return;
  }
  if (events & SL_GONE) {
    int32_t code = sl_recv(c->ch, c->multi->scratch, 1);
    if (code != SL_AGAIN) sl_life_conn_broken(c, code < 0 ? code : SL_IO);
  }
}

void sl_life_conn_run(sl_conn *c)
{
  uint32_t events = c->events;
  c->events = 0;
  if (events & (SL_HELD | SL_FREE)) {
    c->held = (events & SL_HELD) != 0;
    for (sl_transfer *t = c->transfers; t; t = t->conn_next) sl_transfer_hold(t, c->held);
  }
  if (c->life == SL_CONN_OPENING) {
    run_opening(c, events);
    return;
  }
  if (c->life == SL_CONN_RAW) return;
  if (c->life == SL_CONN_DRAINING) {
    sl_pool_drain(c);
    return;
  }
  if (c->life == SL_CONN_IDLE) {
    if (!sl_conn_sound(c)) sl_pool_close(c, SL_FINISH);
    else sl_pool_want(c);
    return;
  }
  int32_t code = c->protocol->output(c);
  if (code >= 0 || code == SL_AGAIN) code = c->protocol->input(c);
  if ((code >= 0 || code == SL_AGAIN) && !sl_conn_keep(c)) code = SL_NOMEM;
  if (code < 0 && code != SL_AGAIN) sl_life_conn_broken(c, code);
  else sl_pool_want(c);
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
  t->done_us = sl_agenda_now_us(t);
  if (!t->start_us) t->start_us = t->done_us;
  if (!complete) sl_transfer_gate_clear(t);
  if (!complete) t->unsent = t->sent - sl_ready_sent(t);
  if (t->conn && complete && t->options->connect_only) t->raw = sl_life_hand_over(t->conn, t);
  else if (t->conn) sl_life_release(t->conn, t, left_max(t), complete ? SL_FINISH : SL_ABORT);
  if (t->paused_noted) t->paused_us += t->done_us - t->paused_since_us;
  t->paused_noted = 0;
  sl_pool_wait_end(t);
  sl_timers_clear(&t->multi->timers, &t->timer);
  sl_state_step(&t->state, complete ? SL_STEP_FINISH : SL_STEP_STOP, sl_gate_holds(&t->gate));
  SL_ASSERT(t->state.life == SL_DONE);
  sl_transfer_gate_clear(t); /* P13 */
  sl_agenda_trace(t->multi, t, SL_TRACE_STATE, t->state.life, 0);
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
  sl_agenda_finished(m, t);
  m->in_callback++;
  t->user->done(t); /* may free t */
  m->in_callback--;
}

void sl_life_drop(sl_transfer *t)
{
  if (!sl_ready_running(t)) return;
  if (!t->cause) {
    t->cause = SL_CAUSE_REMOVE;
    t->code = CURLE_ABORTED_BY_CALLBACK;
    sl_agenda_trace(t->multi, t, SL_TRACE_STOP, t->cause, t->code);
  }
  /* Nobody is told, so what came in whole but was not told is stopped like the rest (X2). */
  if (t->cause == SL_CAUSE_COMPLETE) t->cause = SL_CAUSE_REMOVE;
  end(t);
  t->multi->running--;
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

void sl_life_start(sl_transfer *t)
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
  t->connects = t->look_turn = 0;
  t->start_us = t->single_us = 0;
  sl_request_begin(t);
  sl_transfer_step(t, SL_STEP_START);
  sl_transfer_gate_changed(t);
  if (!first) sl_remote_forget(t->remote); /* it was meant for the run that ended */
  sl_transfer_sample(t);
  sl_agenda_dirty(t->multi, t);
}

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
  sl_transfer_step(t, SL_STEP_SEND_END);
  sl_transfer_step(t, SL_STEP_RECV_HEAD);
  sl_transfer_step(t, SL_STEP_RECV_END);
  complete(t);
}

static void begin(sl_transfer *t)
{
  sl_conn *c = t->conn;
  sl_transfer_step(t, SL_STEP_BEGIN);
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
  if (c->protocol->begin(c, t)) sl_agenda_ready(t->multi, c);
}

/* The host has no room: try again when a connection goes, or after a while (the host may free late). */
static void wait_for_room(sl_transfer *t)
{
  sl_pool_wait(t, true);
  sl_clocks_retry(t);
  sl_clocks_set(t);
}

static void find_connection(sl_transfer *t, const sl_scheme *scheme);

static void open_own(sl_transfer *t, const sl_scheme *scheme, const sl_text *spec)
{
  int32_t code;
  sl_multi *m = t->multi;
  if (t->user->opening) t->user->opening(t);
  sl_conn *c = sl_pool_open(m, scheme->kind, spec->data, (uint32_t)spec->len, &code);
  while (!c && code == SL_BUSY && m->idle_first) { /* idle connections make room */
    sl_pool_close(m->idle_first, SL_FINISH);
    c = sl_pool_open(m, scheme->kind, spec->data, (uint32_t)spec->len, &code);
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
  sl_pool_wait_end(t);
  sl_life_attach(c, t);
  t->connects++;
  sl_agenda_trace(t->multi, t, SL_TRACE_OPEN, scheme->kind, 1);
  sl_transfer_step(t, SL_STEP_OPEN);
  sl_clocks_opening(t);
}

/* A close by the peer may wait among the host's events. What must not be sent twice goes over a kept connection only when
 * the host has had two turns to tell: the present one may have begun before the close came. */
static bool looks_first(sl_transfer *t)
{
  sl_multi *m = t->multi;
  if (!m->host_turns || !m->idle_first || (sl_request_idempotent(t) && !sl_request_has_body(t))) return false;
  if (!t->look_turn) t->look_turn = m->host_turns + 2;
  if ((int32_t)(m->host_turns - t->look_turn) >= 0) return false;
  sl_agenda_dirty(m, t);
  return true;
}

static void find_connection(sl_transfer *t, const sl_scheme *scheme)
{
  sl_text *spec = &t->multi->spec;
  spec->len = 0;
  spec->failed = false;
  if (scheme->kind == SL_EXCHANGE && (sl_gate_paused(&t->gate) & SL_DIR_SEND)) { /* P11: opening sends */
    sl_pool_wait_end(t); /* it is in nobody's way */
    return;
  }
  CURLcode bad = sl_spec_compose(t, scheme, spec);
  if (bad) sl_transfer_stop(t, SL_CAUSE_INPUT, bad, NULL);
  else if (t->host = sl_pool_host(scheme->kind, spec->data, (uint32_t)spec->len), !sl_pool_admits(t))
    sl_pool_wait(t, false);
  else {
    bool pooled = !t->options->fresh_connect && !t->retried && !t->options->connect_only;
    if (pooled && looks_first(t)) return;
    sl_conn *c = pooled ? sl_pool_reuse(t->multi, scheme->kind, spec->data, (uint32_t)spec->len) : NULL;
    if (c) {
      sl_pool_wait_end(t);
      t->reused = true;
      sl_life_attach(c, t);
      sl_agenda_trace(t->multi, t, SL_TRACE_OPEN, scheme->kind, 0);
      begin(t);
    } else if (sl_pool_has_room(t)) open_own(t, scheme, spec);
    else sl_pool_wait(t, false);
  }
}

void sl_life_opened(sl_transfer *t) { sl_agenda_dirty(t->multi, t); }

/* Look for a connection once more. P13, B14: an old pause is forgotten, before anybody is told, so that who pauses
 * when told means the new try. (Which a later call can take back, P2: easy.c.) */
static void look_again(sl_transfer *t)
{
  if (!t->user->keeps_pause) sl_transfer_forget_pause(t); /* P13, B14 */
  sl_transfer_step(t, SL_STEP_AGAIN);
  sl_transfer_gate_changed(t);
}

/* A retry or a redirect. */
static void again(sl_transfer *t)
{
  look_again(t);
  t->look_turn = 0;
  t->first_us = 0;
  t->heads_before += t->head_sent;
  t->head_sent = 0;
  sl_clocks_silence(t);
  sl_clocks_single(t);
  sl_agenda_dirty(t->multi, t);
}

/* The response that leads on is out of the way: leave its connection and go there. */
static void follow(sl_transfer *t)
{
  sl_life_release(t->conn, t, t->hop_now ? -1 : 0, SL_FINISH);
  if (!sl_redirect_hop(t)) return;
  t->status = 0;
  t->received = t->delivered = 0;
  t->recv_total = -1;
  t->has_body = t->retried = t->reused = false;
  again(t);
}

#define UNREPEATABLE \
  "The server closed the kept connection without an answer, and the body cannot be given again: necessary data rewind was not possible"

void sl_life_broken(sl_transfer *t, int32_t code)
{
  sl_conn *c = t->conn;
  if (code == SL_BUSY && t->state.life == SL_CONNECTING && !t->cause) {
    sl_life_detach(c, t);
    look_again(t);
    wait_for_room(t);
    return;
  }
  bool stale = t->reused && !t->retried && !t->first_us && !t->cause && t->state.life == SL_ACTIVE &&
               !sl_gate_holds(&t->gate) && code > SL_CANCELED && code != SL_NOMEM;
  bool unsent = t->state.send == SL_SEND_HEAD && c->out.len == t->head_sent;
  if (stale && !unsent && !sl_request_idempotent(t)) stop_unrepeated(t, code);
  else if (!stale) stop_for_host(t, code, c->ch);
  sl_life_detach(c, t);
  if (!stale || t->cause || !sl_upload_rewind(t, UNREPEATABLE)) return;
  t->retried = true;
  t->reused = false;
  again(t);
}

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
  sl_transfer_replay(t);
  if (t->cause || !t->conn) return;
  if (t->conn->protocol->resumed) t->conn->protocol->resumed(t->conn, t);
  bool ended = t->state.send == SL_SEND_END && t->state.recv == SL_RECV_END;
  if (t->after && (ended || t->hop_now) && !sl_gate_holds(&t->gate)) {
    follow(t);
    return;
  }
  if (ended && !sl_gate_holds(&t->gate)) complete(t);
  /* What the connection kept or the host has may go on now. */
  else if (sl_ready_takes(t)) sl_agenda_ready(t->multi, t->conn);
  else if (sl_ready_send(t)) sl_agenda_ready(t->multi, t->conn);
  sl_pool_want(t->conn);
}

void sl_life_run(sl_transfer *t)
{
  if (t->judge && t->state.life != SL_ACTIVE) sl_expiry_judge(t);
  if (!t->cause && t->state.life == SL_PENDING) run_pending(t);
  if (!t->cause && t->state.life == SL_CONNECTING && t->conn && t->conn->life != SL_CONN_OPENING &&
      !(sl_gate_paused(&t->gate) & SL_DIR_RECV))
    begin(t);
  if (!t->cause && t->conn && progress_aborts(t)) stop_by_progress(t);
  if (!t->cause && t->state.life == SL_ACTIVE) run_active(t);
  if (!t->cause && t->judge) sl_expiry_judge(t); /* behind what it could still do */
  if (t->cause && sl_ready_running(t)) finish(t);
}
