/* invariants.c: what must hold, looked at after every step, at every delivery and at every end; the trace.
 * The first violation is kept and ends the run. See sim.h for the list. */
#include "sim.h"
#include <string.h>
#include "engine/request.h"
#include "engine/pool.h"
#include "engine/ready.h"

void sim_violate(sim *s, const sim_transfer *x, const char *what, int64_t a, int64_t b)
{
  if (s->violated) return;
  s->violated = true;
  sl_line line = { s->message, s->message + sizeof s->message };
  sl_line_str(&line, "at ");
  sl_line_int(&line, s->now_us - SIM_EPOCH_US);
  sl_line_str(&line, " us, transfer ");
  sl_line_int(&line, x ? x->number : 0);
  sl_line_str(&line, ": ");
  sl_line_str(&line, what);
  sl_line_str(&line, " (");
  sl_line_int(&line, a);
  sl_line_str(&line, ", ");
  sl_line_int(&line, b);
  sl_line_str(&line, ")");
  if (!x || !x->transfer->error[0]) return;
  sl_line_str(&line, " error: ");
  sl_line_str(&line, x->transfer->error);
}

/* ---- Trace --------------------------------------------------------------------------------------------- */

static char *put_int(char *p, int64_t n)
{
  char digits[24];
  uint32_t count = 0;
  uint64_t u = n < 0 ? 0 - (uint64_t)n : (uint64_t)n;
  if (n < 0) *p++ = '-';
  do digits[count++] = (char)('0' + u % 10);
  while (u /= 10);
  while (count) *p++ = digits[--count];
  return p;
}

void sim_trace(sim *s, uint32_t number, char letter, int64_t a, int64_t b)
{
  char line[96], *p = put_int(line, s->now_us - SIM_EPOCH_US);
  *p++ = ' ';
  p = put_int(p, number);
  *p++ = ' ';
  *p++ = letter;
  *p++ = ' ';
  p = put_int(p, a);
  *p++ = ' ';
  p = put_int(p, b);
  *p++ = '\n';
  sl_text_add(&s->trace, line, (size_t)(p - line));
}

/* How long its clocks have run: not while its host held it. */
static int64_t clocked(const sim *s, const sim_transfer *x)
{
  int64_t held = x->held_sum_us + (x->held_since_us >= 0 ? s->now_us - x->held_since_us : 0);
  return s->now_us - x->start_us - held;
}

/* T2, B16: for how long it has tried to connect, its host's holds left out. */
static int64_t connecting_for(const sim *s, const sim_transfer *x)
{
  bool alone = x->user.connect_alone;
  return s->now_us - (alone ? x->opening_us : x->single_us) - (x->held_sum_us - (alone ? x->opening_held_us : x->single_held_us));
}

static int64_t after(int64_t ms, int64_t late_us) { return ms > SL_NEVER / 2000 ? SL_NEVER : ms * 1000 + late_us; }

/* B17: what the peer did that nobody has seen yet. */
static void check_seen(sim *s, sim_transfer *x, const char *text)
{
  const sl_transfer *t = x->transfer;
  const sim_channel *c = t->conn ? sim_channel_find(s, t->conn->ch) : NULL;
  bool total = x->o->timeout_ms && clocked(s, x) >= x->o->timeout_ms * 1000; /* goes on whatever there is to be seen */
  if (!c || c->held || total || x->limits_us == s->now_us) return; /* a limit that was just set may have passed already */
  int64_t opened = connecting_for(s, x) - (s->now_us - c->open_at_us); /* after so long */
  if (!c->told_open && c->open && opened < after(x->o->connect_timeout_ms, 0) && !strstr(text, "Operation") && strstr(text, "timed out"))
    sim_violate(s, x, "B17: not connected in time, but it was", c->open_at_us, s->now_us);
  if ((strstr(text, "silent") || strstr(text, "too slow")) && c->arrived > c->taken && sl_ready_takes(t) &&
      sl_ready_recv(x->transfer))
    sim_violate(s, x, "B17: judged while bytes wait to be seen", c->arrived, c->taken);
}

/* 28 by one of the limits, each no earlier than it may. */
static void check_limit(sim *s, sim_transfer *x)
{
  const sl_options *o = x->o;
  const char *text = x->transfer->error;
  int64_t passed = clocked(s, x);
  int64_t running = s->now_us - (x->resumed_us > x->start_us ? x->resumed_us : x->start_us);
  check_seen(s, x, text);
  int64_t paused = x->paused_sum_us + (x->paused_since_us >= 0 ? s->now_us - x->paused_since_us : 0);
  if (strstr(text, "too slow")) {
    if (s->now_us - x->slow_us < running) running = s->now_us - x->slow_us;
    if (s->now_us - x->active_us < running) running = s->now_us - x->active_us; /* B16 */
    if (!o->low_speed_limit || !o->low_speed_time_s || running < o->low_speed_time_s * SL_SECOND)
      sim_violate(s, x, "too slow, too early", running, o->low_speed_time_s);
  } else if (strstr(text, "aused for")) {
    if (!o->paused_timeout_ms || paused < o->paused_timeout_ms * 1000)
      sim_violate(s, x, "paused limit too early", paused, o->paused_timeout_ms);
  } else if (strstr(text, "silent")) {
    int64_t listened = x->listens_us < 0 ? 0 : s->now_us - x->listens_us;
    if (!o->silence_timeout_ms || listened < o->silence_timeout_ms * 1000)
      sim_violate(s, x, "silence limit too early", listened, o->silence_timeout_ms);
  } else if (strstr(text, "free connection")) {
    int64_t waited = x->queued_us < 0 ? 0 : s->now_us - x->queued_us;
    if (!o->queue_timeout_ms || waited < o->queue_timeout_ms * 1000)
      sim_violate(s, x, "B16: queue limit too early", waited, o->queue_timeout_ms);
  } else if (strstr(text, "timed out after")) {
    int64_t connect = o->connect_timeout_ms ? o->connect_timeout_ms : SL_CONNECT_TIMEOUT_MS;
    int64_t tried = connecting_for(s, x);
    bool operation = strstr(text, "Operation") != NULL, due = o->timeout_ms && passed >= o->timeout_ms * 1000;
    if (!due && (operation || tried < connect * 1000)) sim_violate(s, x, "timeout too early", passed, tried);
  } else if (!s->dead) {
    sim_violate(s, x, "28 without a reason", passed, 0);
  }
}

/* A redirect or a retry begins a new try, and ends a pause that is not to be kept (P13), but another thread's (B2). */
static void note_life(sim *s, sim_transfer *x, uint8_t life)
{
  if (life == SL_PENDING && x->life > SL_PENDING && !x->user.keeps_pause) x->model = x->remote_model;
  if (life == SL_PENDING && x->life == SL_ACTIVE) {
    x->single_us = x->moved_us = s->now_us;
    x->single_held_us = x->held_sum_us + (x->held_since_us >= 0 ? s->now_us - x->held_since_us : 0);
  }
  if (life == SL_CONNECTING && x->life != SL_CONNECTING) {
    x->opening_us = s->now_us;
    x->opening_held_us = x->held_sum_us + (x->held_since_us >= 0 ? s->now_us - x->held_since_us : 0);
  }
  if (life == SL_ACTIVE && x->life != SL_ACTIVE) x->active_us = s->now_us;
  if (life != SL_PENDING) x->queued_us = -1;
  x->life = life;
}

void sim_trace_hook(void *arg, const sl_transfer *t, enum sl_trace_kind kind, int64_t a, int64_t b)
{
  static const char letters[] = "SGWXOCR";
  sim *s = arg;
  sim_transfer *x = NULL;
  for (uint32_t i = 0; i < s->count && t; i++)
    if (s->transfers[i].transfer == t) x = &s->transfers[i];
  sim_trace(s, x ? x->number : 0, letters[kind], a, b);
  if (kind == SL_TRACE_STATE || kind >= SL_TRACE_STOP) s->progress++;
  if (!x) return;
  if (kind == SL_TRACE_REMOTE) {
    x->asked_us = s->now_us;
    x->up.pause_told = false;
    if (a >= 0 && !x->transfer->cause) {
      uint32_t mask = (uint32_t)a & SL_DIR_BOTH;
      x->remote_model = x->model = mask;
    }
  }
  if (kind == SL_TRACE_STATE) note_life(s, x, (uint8_t)a);
  if (kind == SL_TRACE_GATE) {
    s->progress++;
    x->burst_us = s->now_us;
    x->bursts++;
    x->burst_bytes = x->delivered;
    x->up.burst_us = s->now_us;
    x->up.bursts++;
    x->up.burst_given = x->up.given;
    sim_note_pause(s, x);
  }
  if (kind == SL_TRACE_STOP && x->life == SL_ACTIVE && strstr(t->error, "Connection timed out"))
    sim_violate(s, x, "T2: connect timeout of a connected transfer", s->now_us - x->single_us, 0);
  if (kind == SL_TRACE_STOP && b == CURLE_OPERATION_TIMEDOUT) check_limit(s, x);
  if (kind == SL_TRACE_STOP && x->model && strstr(t->error, "too slow"))
    sim_violate(s, x, "L5: low speed stopped a paused transfer", x->model, 0);
}

/* ---- The user's side ----------------------------------------------------------------------------------- */

void sim_note_pause(sim *s, sim_transfer *x)
{
  if (x->transfer->cause && x->running) return; /* it is over: what is asked for now changes nothing */
  bool paused = x->running && sl_gate_paused(&x->transfer->gate);
  if (sl_gate_paused(&x->transfer->gate) & SL_DIR_RECV) x->listens_us = -1;
  else if (x->listens_us < 0) x->listens_us = s->now_us;
  if (paused && x->paused_since_us < 0) x->paused_since_us = s->now_us;
  bool held = paused && ((x->transfer->gate.by_recv | x->transfer->gate.by_send) & SL_BY_HOST);
  if (held && x->held_since_us < 0) x->held_since_us = s->now_us;
  if (!held && x->held_since_us >= 0) {
    x->held_sum_us += s->now_us - x->held_since_us;
    x->held_since_us = -1;
    x->freed_us = s->now_us;
  }
  bool own = paused && !held;
  if (!own) x->own_since_us = -1;
  else if (x->own_since_us < 0) x->own_since_us = s->now_us;
  if (!paused && x->paused_since_us >= 0) {
    x->paused_sum_us += s->now_us - x->paused_since_us;
    x->paused_since_us = -1;
    x->resumed_us = s->now_us;
  }
}

static void check_part(sim *s, sim_transfer *x, enum sl_part part, const char *data, uint32_t n)
{
  static const sim_response none;
  const sim_response *r = sim_final(x);
  if (part == SL_PART_BODY) {
    uint32_t at = x->delivered;
    if (!r) r = &none;
    if (s->plant == PLANT_BYTE && at) at--;
    if (n > SL_WRITE_MAX && !x->user.moves) sim_violate(s, x, "W1: too much at once", n, SL_WRITE_MAX);
    if (x->delivered > r->body_len || n > r->body_len - x->delivered)
      sim_violate(s, x, "more body than was sent", x->delivered, n);
    else if (n && memcmp(r->body + at, data, n))
      sim_violate(s, x, "body bytes lost, doubled or wrong", x->delivered, n);
    return;
  }
  if (x->delivered && part == SL_PART_HEAD) sim_violate(s, x, "a head behind the body", x->delivered, n);
  if (x->head_at > x->heads.len || n > x->heads.len - x->head_at)
    sim_violate(s, x, "more heads than were sent", x->head_at, n);
  else if (n && memcmp(x->heads.data + x->head_at, data, n))
    sim_violate(s, x, "head bytes lost, doubled or wrong", x->head_at, n);
}

void sim_check_write(sim *s, sim_transfer *x, enum sl_part part, const char *data, uint32_t n)
{
  sim_check_remote(s, x);
  if (s->in_user && !s->in_pause) sim_violate(s, x, "a delivery inside a callback", s->in_user, 0);
  if (!x->running) sim_violate(s, x, "a delivery to what does not run", part, n);
  if (x->failed) sim_violate(s, x, "F16: a delivery after the user failed", part, n);
  if (x->transfer->cause) sim_violate(s, x, "a delivery after a stop", x->transfer->cause, n);
  if ((sl_gate_paused(&x->transfer->gate) | x->model) & SL_DIR_RECV)
    sim_violate(s, x, "a delivery while paused", part, x->model);
  if (!n && part != SL_PART_BODY) sim_violate(s, x, "an empty head", part, 0);
  check_part(s, x, part, data, n);
}

void sim_check_read(sim *s, sim_transfer *x)
{
  sim_check_remote(s, x);
  if (s->in_user) sim_violate(s, x, "a body asked for inside a callback", s->in_user, 0);
  if (!x->running) sim_violate(s, x, "a body asked for by what does not run", 0, 0);
  if (!x->has_body) sim_violate(s, x, "a body asked for that there is not", 0, 0);
  if (x->up.failed) sim_violate(s, x, "R1: a body asked for after the user failed", 0, 0);
  if (x->up.ended && x->up.at) sim_violate(s, x, "R1: a body asked for after its end", x->up.at, 0);
  if (x->transfer->cause) sim_violate(s, x, "a body asked for after a stop", x->transfer->cause, 0);
  if (x->transfer->state.send != SL_SEND_BODY) sim_violate(s, x, "R5: a body asked for too early", x->transfer->state.send, 0);
  if ((sl_gate_paused(&x->transfer->gate) | x->model) & SL_DIR_SEND) sim_violate(s, x, "R2: a body asked for while paused", x->up.at, 0);
}

/* ---- Ends ---------------------------------------------------------------------------------------------- */

static bool allowed(const sim_transfer *x, CURLcode code)
{
  for (uint32_t i = 0; i < x->allows; i++)
    if (x->allow[i] == code) return true;
  return false;
}

static void check_code(sim *s, sim_transfer *x)
{
  CURLcode code = x->transfer->code;
  if (code == CURLE_OK) {
    const sim_response *r = sim_final(x);
    if (!r) {
      sim_violate(s, x, "0 although no answer can be the user's", x->delivered, 0);
      return;
    }
    if (x->has_body && x->up.announced > x->up.len && x->whole_sent && x->transfer->state.send == SL_SEND_END)
      sim_violate(s, x, "R1: 0 for a body that was short", x->up.at, x->up.announced);
    if (x->has_body && !x->whole_sent && x->up.answer_at == UINT32_MAX)
      sim_violate(s, x, "0 without the whole body at the server", x->up.at, x->up.len);
    if (!r->whole) sim_violate(s, x, "0 for a response that is not whole", x->delivered, 0);
    if (x->delivered != r->body_len) sim_violate(s, x, "0 without the whole body", x->delivered, r->body_len);
    if (x->head_at != x->heads.len)
      sim_violate(s, x, "0 without the whole heads", x->head_at, (int64_t)x->heads.len);
    if (x->failed) sim_violate(s, x, "0 although the user failed", 0, 0);
    return;
  }
  if (code == CURLE_ABORTED_BY_CALLBACK && x->stop_asked) return;
  if (code == CURLE_WRITE_ERROR && x->failed) return;
  if (code == CURLE_READ_ERROR && (x->up.failed || x->up.short_told)) return;
  if (code == CURLE_ABORTED_BY_CALLBACK && x->easy && x->up.failed) return; /* CURL_READFUNC_ABORT */
  if (code == CURLE_OPERATION_TIMEDOUT) return; /* check_limit, when it was stopped */
  /* A kept connection that was closed under a POST: it is not repeated. */
  bool unanswered = code == CURLE_GOT_NOTHING || code == CURLE_SEND_ERROR || code == CURLE_RECV_ERROR;
  if (unanswered && x->transfer->reused && !strcmp(sl_request_method(x->transfer), "POST")) return;
  if (x->any_code || allowed(x, code)) return;
  sim_violate(s, x, "ended with a code that nothing explains", code, x->delivered);
}

void sim_check_done(sim *s, sim_transfer *x)
{
  if (!x->running) sim_violate(s, x, "done for what does not run", x->starts, x->dones);
  if (x->dones != x->starts) sim_violate(s, x, "done not once a start", x->starts, x->dones);
  if (x->transfer->state.life != SL_DONE) sim_violate(s, x, "done in another state", x->transfer->state.life, 0);
  if (sl_gate_holds(&x->transfer->gate))
    sim_violate(s, x, "W9: done while bytes are held", (int64_t)x->transfer->gate.held, 0);
  if (x->transfer->conn) sim_violate(s, x, "done with a connection", 0, 0);
  check_code(s, x);
}

/* What is open may stay open when a limit shrinks; nothing is added to it. */
static uint32_t allowed_now(uint32_t before, uint32_t open, uint32_t limit)
{
  uint32_t kept = before < open ? before : open;
  return kept > limit ? kept : limit;
}

/* ---- Steps --------------------------------------------------------------------------------------------- */

static void check_bounds(sim *s, sim_transfer *x)
{
  const sl_conn *c = x->transfer->conn;
  /* One receive, and the heads that came with it. */
  if (sl_ready_held_engine(x->transfer) > x->heads.len + (uint64_t)x->o->buffer_size)
    sim_violate(s, x, "B4: the engine holds more than one receive", (int64_t)sl_ready_held_engine(x->transfer), x->o->buffer_size);
  if (x->transfer->gate.held > SL_HEAD_MAX + SL_RECV_CHUNK_MAX)
    sim_violate(s, x, "B4: the gate holds too much", (int64_t)x->transfer->gate.held, 0);
  if (!c) return;
  if (c->in_len > SL_HEAD_MAX + SL_RECV_CHUNK_MAX)
    sim_violate(s, x, "B4: the connection holds too much", c->in_len, 0);
  s->looking = true;
  uint64_t held = sl_ready_held(x->transfer);
  s->looking = false;
  if (held > SL_HEAD_MAX + 2 * SL_RECV_CHUNK_MAX + SL_HOST_HELD_MAX)
    sim_violate(s, x, "B4: too much is held in all", (int64_t)held, 0);
}

/* F3, F35: what its rate holds back is not waited for. */
static void check_rated_wants(sim *s, sim_transfer *x, const sim_channel *ch)
{
  sl_bucket in = x->transfer->recv_bucket, out = x->transfer->send_bucket;
  if ((ch->want & SL_IN) && in.rate && !sl_bucket_allows(&in, s->now_us))
    sim_violate(s, x, "F3: its rate is used up, and it wants SL_IN", in.rate, in.tokens);
  if ((ch->want & SL_OUT) && out.rate && !sl_bucket_allows(&out, s->now_us) && !x->transfer->conn->out.len)
    sim_violate(s, x, "F3: its rate is used up, and it wants SL_OUT", out.rate, out.tokens);
}

/* P1: the gate is what calls, refusals and the host made of it. */
static void check_gate(sim *s, sim_transfer *x)
{
  const sl_gate *g = &x->transfer->gate;
  uint32_t own = (g->by_recv & ~SL_BY_HOST ? SL_DIR_RECV : 0) | (g->by_send & ~SL_BY_HOST ? SL_DIR_SEND : 0);
  if (!x->transfer->cause && own != x->model) sim_violate(s, x, "P1: the gate is not what was asked for", own, x->model);
}

static void check_wants(sim *s, sim_transfer *x)
{
  const sl_conn *c = x->transfer->conn;
  if (!c || c->transfers != x->transfer || x->transfer->conn_next) return;
  const sim_channel *ch = sim_channel_find(s, c->ch);
  if (!ch) {
    sim_violate(s, x, "its channel is closed", c->ch, 0);
    return;
  }
  uint32_t paused = sl_gate_paused(&x->transfer->gate);
  if ((ch->want & SL_IN) && (paused & SL_DIR_RECV))
    sim_violate(s, x, "W8: paused, and wants SL_IN", ch->want, paused);
  if ((ch->want & SL_OUT) && (paused & SL_DIR_SEND) && !(c->out.len && x->transfer->state.send == SL_SEND_BODY))
    sim_violate(s, x, "P11, R2: paused, and wants SL_OUT", ch->want, paused);
  if ((ch->want & SL_OUT) && x->transfer->state.send == SL_SEND_END && !c->out.len)
    sim_violate(s, x, "wants SL_OUT behind its end", ch->want, 0);
  if (c->out.cap && !c->out.len && x->transfer->state.send == SL_SEND_BODY)
    sim_violate(s, x, "B4: an empty buffer is kept", (int64_t)c->out.cap, 0);
  if (!x->transfer->cause && sl_multi_next_us(s->m)) check_rated_wants(s, x, ch);
  if ((ch->want & SL_IN) && x->transfer->gate.parts)
    sim_violate(s, x, "B4: holds bytes, and wants SL_IN", ch->want, x->transfer->gate.parts);
}

static int64_t latest(int64_t a, int64_t b) { return a > b ? a : b; }

/* B7: a C program's timers are in milliseconds. A process that was stopped is late by that. */
static int64_t lateness(const sim *s) { return s->late_us + s->sleep_us + (s->multi ? 1000 : 0); }

/* B17: what judges the peer takes as much time again, and may be late at that. */
static int64_t lateness_of_judges(const sim *s) { return 3 * lateness(s); }

/* L3: who moves nothing at all is slow when the ring has run out, at the latest. */
static void check_slow(sim *s, sim_transfer *x)
{
  const sl_options *o = x->o;
  uint64_t bytes = x->transfer->received + x->transfer->sent;
  if (bytes != x->moved_bytes) {
    x->moved_bytes = bytes;
    x->moved_us = s->now_us;
  }
  if (!o->low_speed_limit || !o->low_speed_time_s || x->paused_since_us >= 0 || x->transfer->state.life != SL_ACTIVE) return;
  int64_t since = latest(latest(latest(x->moved_us, x->active_us), latest(x->slow_us, x->asked_us)), latest(x->start_us, x->resumed_us));
  if (s->now_us - since > (o->low_speed_time_s + SL_METER_RECORDS + 2) * SL_SECOND + 8 * lateness(s))
    sim_violate(s, x, "L3: slow, and not stopped", s->now_us - since, o->low_speed_time_s);
}

/* B9: an answer is due and wanted, and nothing comes. */
static void check_silence(sim *s, sim_transfer *x)
{
  const sl_transfer *t = x->transfer;
  const sim_channel *c = t->conn ? sim_channel_find(s, t->conn->ch) : NULL;
  bool due = c && t->state.life == SL_ACTIVE && t->state.send == SL_SEND_END && t->state.recv != SL_RECV_END &&
             x->paused_since_us < 0 && !t->gate.parts && !x->o->max_recv_speed && !t->cause && !t->hop_now;
  if (!due || c->id != x->silent_ch || c->taken != x->silent_bytes) {
    x->silent_us = s->now_us;
    x->silent_ch = c ? c->id : 0;
    x->silent_bytes = c ? c->taken : 0;
    return;
  }
  x->silent_us = latest(x->silent_us, x->resumed_us);
  if (x->o->silence_timeout_ms && s->now_us - x->silent_us > after(x->o->silence_timeout_ms, lateness_of_judges(s)))
    sim_violate(s, x, "B9: silent, and not stopped", s->now_us - x->silent_us, x->o->silence_timeout_ms);
}

/* Limits that had to stop it by now. */
static void check_late(sim *s, sim_transfer *x)
{
  const sl_options *o = x->o;
  int64_t late = lateness(s), passed = clocked(s, x);
  check_slow(s, x);
  check_silence(s, x);
  if (x->held_since_us >= 0) return;
  if (s->now_us <= latest(x->limits_us, x->freed_us) + late) return; /* the run that looks at what was changed comes now */
  if (o->timeout_ms && passed > after(o->timeout_ms, late))
    sim_violate(s, x, "T1: total time passed", passed, o->timeout_ms);
  if (o->paused_timeout_ms && x->own_since_us >= 0 &&
      s->now_us - x->own_since_us > after(o->paused_timeout_ms, lateness_of_judges(s)))
    sim_violate(s, x, "B9: paused for too long", s->now_us - x->own_since_us, o->paused_timeout_ms);
  if (o->queue_timeout_ms && x->queued_us >= 0 && s->now_us - x->queued_us > after(o->queue_timeout_ms, lateness_of_judges(s)))
    sim_violate(s, x, "B16: queued for too long", s->now_us - x->queued_us, o->queue_timeout_ms);
  if (x->transfer->state.life == SL_CONNECTING || (x->transfer->state.life == SL_PENDING && !x->user.connect_alone)) {
    int64_t ms = o->connect_timeout_ms ? o->connect_timeout_ms : SL_CONNECT_TIMEOUT_MS;
    int64_t tried = connecting_for(s, x);
    if (tried > after(ms, lateness_of_judges(s))) sim_violate(s, x, "T2: connect time passed", tried, ms);
  }
}

/* R6, F23: an end that the server told is seen, whatever the upload waits for. */
static void check_end_seen(sim *s, sim_transfer *x)
{
  const sim_channel *ch = x->transfer->conn ? sim_channel_find(s, x->transfer->conn->ch) : NULL;
  bool over = ch && !x->file && ch->told_open && !ch->held && (ch->ended || ch->broken) && ch->arrived == ch->taken;
  bool due = over && x->transfer->state.life == SL_ACTIVE && x->transfer->state.recv != SL_RECV_END &&
             x->transfer->state.send != SL_SEND_HEAD && !(sl_gate_paused(&x->transfer->gate) & SL_DIR_RECV) && !x->transfer->gate.parts &&
             !x->o->max_recv_speed;
  if (!due) x->end_due_us = 0;
  else if (!x->end_due_us) x->end_due_us = s->now_us;
  else if (s->now_us > x->end_due_us + 2 * (s->late_us + s->sleep_us) + 1000)
    sim_violate(s, x, "R6: the end is not seen", s->now_us - x->end_due_us, x->transfer->state.send);
}

/* S1, B3, B20: what a rate allows behind the latest burst. */
static int64_t most_at(const sl_options *o, int64_t rate, const sl_bucket *b, uint32_t bursts, int64_t passed_us)
{
  int64_t steady = rate * passed_us / SL_SECOND, burst = rate > SL_BURST_MIN ? rate : SL_BURST_MIN;
  if (o->burst) {
    burst = o->burst > 0 ? o->burst : rate / 10 > SL_BURST_MIN ? rate / 10 : SL_BURST_MIN;
    return latest(burst, b->per_step) + b->per_step + steady; /* the step that runs may have begun before */
  }
  burst = latest(burst, b->per_step); /* S1: steps are stretched */
  return 2 * (bursts ? burst : rate) + steady;
}

/* S1, B3: no faster than the bucket. */
static void check_rate(sim *s, sim_transfer *x)
{
  if (!x->o->max_recv_speed || x->speed_changed) return;
  int64_t took = x->delivered - x->burst_bytes, passed = s->now_us - x->burst_us;
  int64_t most = most_at(x->o, x->o->max_recv_speed, &x->transfer->recv_bucket, x->bursts, passed);
  if (took > most) sim_violate(s, x, "S1: faster than its rate", took, most);
}

static void check_send_rate(sim *s, sim_transfer *x)
{
  int64_t rate = x->o->max_send_speed;
  if (!rate || !x->has_body || x->speed_changed || x->send_speed_changed) return;
  int64_t took = x->up.given - x->up.burst_given, passed = s->now_us - x->up.burst_us;
  int64_t most = most_at(x->o, rate, &x->transfer->send_bucket, x->up.bursts, passed);
  if (took > most) sim_violate(s, x, "S1: sends faster than its rate", took, most);
}

static void check_turns(sim *s)
{
  uint64_t caused = s->progress - s->second_progress;
  if (s->second_turns > 16 + 8 * s->count + 4 * caused)
    sim_violate(s, NULL, "F2: turns without cause in one second", s->second_turns, (int64_t)caused);
  if (s->now_us - s->second_us >= SL_SECOND) {
    s->second_us = s->now_us;
    s->second_turns = 0;
    s->second_progress = s->progress;
  }
  if (s->progress != s->progress_seen) s->idle_steps = 0;
  s->progress_seen = s->progress;
  if (++s->idle_steps > 20)
    sim_violate(s, NULL, "F2: steps without progress or passing time", s->idle_steps, sl_multi_next_us(s->m));
}

/* No more connections than the limits say; a limit that shrank closes only idle ones. */
static void check_connections(sim *s)
{
  const sl_multi *m = s->m;
  uint32_t all = 0, host[SIM_ORIGINS_MAX][2] = { { 0 } };
  for (uint32_t i = 0; i < s->channel_count; i++) {
    const sim_channel *c = s->channels[i];
    if (c->kind == SL_FILE) continue;
    all++;
    host[c->origin][c->kind == SL_TLS]++;
  }
  uint32_t limit = s->limit_all ? s->limit_all : UINT32_MAX, own = s->limit_host ? s->limit_host : UINT32_MAX;
  s->allowed = allowed_now(s->allowed, all, limit);
  if (all > s->allowed) sim_violate(s, NULL, "more connections than the limit", all, s->allowed);
  for (uint32_t i = 0; i < SIM_ORIGINS_MAX * 2; i++) {
    uint32_t n = host[i / 2][i % 2], *may = &s->allowed_host[i / 2][i % 2];
    *may = allowed_now(*may, n, own);
    if (n > *may) sim_violate(s, NULL, "more connections than the limit of one host", n, *may);
  }
  if (m->idle_count > (m->max_idle ? m->max_idle : SL_POOL_IDLE_MAX))
    sim_violate(s, NULL, "more idle connections than are kept", m->idle_count, m->max_idle);
}

/* Nobody waits for a connection while there is room for one, but behind whom the host itself has no room for. */
static void check_queue(sim *s)
{
  const sl_multi *m = s->m;
  if (!sl_multi_next_us(m)) return;
  for (const sl_transfer *q = m->queued_first; q; q = q->queued_next)
    if (q->busy && !(sl_gate_paused(&q->gate) & SL_DIR_RECV)) return;
  for (const sl_transfer *q = m->queued_first; q; q = q->queued_next) {
    uint32_t all = 0, host = 0;
    for (const sl_conn *c = m->conns; c; c = c->next) {
      all += c->host && c->life != SL_CONN_IDLE;
      host += c->host == q->host && c->life != SL_CONN_IDLE;
    }
    if (q->cause || (sl_gate_paused(&q->gate) & SL_DIR_RECV)) continue;
    if ((!s->limit_all || all < s->limit_all) && (!s->limit_host || host < s->limit_host))
      sim_violate(s, sim_of(q), "it waits for a connection, and there is room", all, host);
  }
}

/* B16: it waits for a connection and would take one. */
static void note_queued(sim *s, sim_transfer *x)
{
  bool waits = x->transfer->queued && !(sl_gate_paused(&x->transfer->gate) & SL_DIR_RECV);
  if (!waits) x->queued_us = -1;
  else if (x->queued_us < 0) x->queued_us = s->now_us;
}

void sim_check_step(sim *s)
{
  if (s->in_user) sim_violate(s, NULL, "a callback has not returned", s->in_user, 0);
  if (s->m->depth || s->m->in_callback)
    sim_violate(s, NULL, "depth is not back to 0", s->m->depth, s->m->in_callback);
  uint32_t runs = 0;
  for (uint32_t i = 0; i < s->count; i++) {
    sim_transfer *x = &s->transfers[i];
    if (!x->running) continue;
    runs++;
    sim_note_pause(s, x);
    note_queued(s, x);
    if (x->transfer->state.life == SL_DONE || x->transfer->state.life == SL_IDLE)
      sim_violate(s, x, "ended without done", x->transfer->state.life, 0);
    check_bounds(s, x);
    check_gate(s, x);
    check_wants(s, x);
    check_late(s, x);
    check_rate(s, x);
    check_send_rate(s, x);
    check_end_seen(s, x);
    if (x->up.pause_told && !x->transfer->cause && x->transfer->state.life == SL_ACTIVE && x->transfer->state.send == SL_SEND_BODY &&
        !(sl_gate_paused(&x->transfer->gate) & SL_DIR_SEND))
      sim_violate(s, x, "R2: it answered PAUSE and is not paused", x->transfer->state.send, 0);
  }
  if (runs != s->m->running)
    sim_violate(s, NULL, "P15: the count of running transfers is wrong", runs, s->m->running);
  if (s->woken != (s->m->woken || (s->multi && s->loop_woken))) sim_violate(s, NULL, "K3: a wakeup is lost, or comes from nowhere", s->woken, 0);
  check_connections(s);
  check_queue(s);
  check_turns(s);
}

void sim_check_end(sim *s)
{
  for (uint32_t i = 0; i < s->count; i++) {
    sim_transfer *x = &s->transfers[i];
    if (x->running) sim_violate(s, x, "still running at the end", x->transfer->state.life, 0);
    if (x->starts != x->dones) sim_violate(s, x, "not one done for each start", x->starts, x->dones);
    x->added = false;
  }
  uint32_t pooled = s->m->idle_count;
  for (const sl_conn *c = s->m->draining_first; c; c = c->pool_next, pooled++)
    if (s->now_us > sl_pool_drain_due_us(c) + s->late_us)
      sim_violate(s, NULL, "B11: a connection drains beyond its time", sl_pool_drain_due_us(c), 0);
  if (s->channel_count != pooled) sim_violate(s, NULL, "channels open beyond the pool", s->channel_count, pooled);
  if (s->multi) sim_easy_end(s);
  else sl_multi_free(s->m);
  s->m = NULL;
  if (s->channel_count) sim_violate(s, NULL, "channels open after the end", s->channel_count, 0);
  if (s->loops) sim_violate(s, NULL, "loops left after the end", s->loops, 0);
}
