/* invariants.c: what must hold, looked at after every step, at every delivery and at every end; the trace.
 * The first violation is kept and ends the run. See sim.h for the list. */
#include "sim.h"
#include <string.h>

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
  if (!x || !x->t.error[0]) return;
  sl_line_str(&line, " error: ");
  sl_line_str(&line, x->t.error);
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

void sim_trace_hook(void *arg, const sl_transfer *t, enum sl_trace_kind kind, int64_t a, int64_t b)
{
  static const char letters[] = "SGWXOCR";
  sim *s = arg;
  sim_transfer *x = NULL;
  for (uint32_t i = 0; i < s->count && t; i++)
    if (&s->transfers[i].t == t) x = &s->transfers[i];
  sim_trace(s, x ? x->number : 0, letters[kind], a, b);
  if (kind == SL_TRACE_STATE || kind >= SL_TRACE_STOP) s->progress++;
  if (!x) return;
  if (kind == SL_TRACE_REMOTE) x->up.pause_told = false;
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
  if (kind == SL_TRACE_STOP && x->paused_at_run && strstr(t->error, "too slow"))
    sim_violate(s, x, "low speed stopped a paused transfer", 0, 0);
}

/* ---- The user's side ----------------------------------------------------------------------------------- */

void sim_note_pause(sim *s, sim_transfer *x)
{
  if (x->t.cause && x->running) return; /* it is over: what is asked for now changes nothing */
  bool paused = x->running && sl_gate_paused(&x->t.gate);
  if (paused && x->paused_since_us < 0) x->paused_since_us = s->now_us;
  bool held = paused && ((x->t.gate.by_recv | x->t.gate.by_send) & SL_BY_HOST);
  if (held && x->held_since_us < 0) x->held_since_us = s->now_us;
  if (!held && x->held_since_us >= 0) {
    x->held_sum_us += s->now_us - x->held_since_us;
    x->held_since_us = -1;
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
    if ((s->flags & SIM_SELF_TEST) && at) at--;
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
  if (s->in_user) sim_violate(s, x, "a delivery inside a callback", s->in_user, 0);
  if (!x->running) sim_violate(s, x, "a delivery to what does not run", part, n);
  if (x->failed) sim_violate(s, x, "F16: a delivery after the user failed", part, n);
  if (x->t.cause) sim_violate(s, x, "a delivery after a stop", x->t.cause, n);
  if (sl_gate_paused(&x->t.gate) & SL_DIR_RECV) sim_violate(s, x, "a delivery while paused", part, n);
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
  if (x->t.cause) sim_violate(s, x, "a body asked for after a stop", x->t.cause, 0);
  if (x->t.state.send != SL_SEND_BODY) sim_violate(s, x, "R5: a body asked for too early", x->t.state.send, 0);
  if (sl_gate_paused(&x->t.gate) & SL_DIR_SEND) sim_violate(s, x, "R2: a body asked for while paused", x->up.at, 0);
}

/* ---- Ends ---------------------------------------------------------------------------------------------- */

static bool allowed(const sim_transfer *x, CURLcode code)
{
  for (uint32_t i = 0; i < x->allows; i++)
    if (x->allow[i] == code) return true;
  return false;
}

/* How long its clocks have run: not while its host held it. */
static int64_t clocked(const sim *s, const sim_transfer *x)
{
  int64_t held = x->held_sum_us + (x->held_since_us >= 0 ? s->now_us - x->held_since_us : 0);
  return s->now_us - x->start_us - held;
}

/* 28 by one of the limits, each no earlier than it may. */
static void check_limit(sim *s, sim_transfer *x)
{
  const sl_options *o = &x->options;
  const char *text = x->t.error;
  int64_t passed = clocked(s, x);
  int64_t running = s->now_us - (x->resumed_us > x->start_us ? x->resumed_us : x->start_us);
  int64_t paused = x->paused_sum_us + (x->paused_since_us >= 0 ? s->now_us - x->paused_since_us : 0);
  if (strstr(text, "too slow")) {
    if (!o->low_speed_limit || !o->low_speed_time_s || running < o->low_speed_time_s * SL_SECOND)
      sim_violate(s, x, "too slow, too early", running, o->low_speed_time_s);
  } else if (strstr(text, "aused for")) {
    if (!o->paused_timeout_ms || paused < o->paused_timeout_ms * 1000)
      sim_violate(s, x, "paused limit too early", paused, o->paused_timeout_ms);
  } else if (strstr(text, "silent")) {
    if (!o->silence_timeout_ms || running < o->silence_timeout_ms * 1000)
      sim_violate(s, x, "silence limit too early", running, o->silence_timeout_ms);
  } else if (strstr(text, "timed out after")) {
    int64_t total = o->timeout_ms ? o->timeout_ms : SL_CONNECT_TIMEOUT_MS;
    int64_t connect = o->connect_timeout_ms ? o->connect_timeout_ms : SL_CONNECT_TIMEOUT_MS;
    if (x->t.begin_us && !x->t.retried && !x->t.redirects && !o->timeout_ms)
      sim_violate(s, x, "connect timeout of a connected transfer", passed, connect);
    if (passed < (total < connect ? total : connect) * 1000)
      sim_violate(s, x, "timeout too early", passed, total);
  } else if (!s->dead) {
    sim_violate(s, x, "28 without a reason", passed, 0);
  }
}

static void check_code(sim *s, sim_transfer *x)
{
  CURLcode code = x->t.code;
  if (code == CURLE_OK) {
    const sim_response *r = sim_final(x);
    if (!r) {
      sim_violate(s, x, "0 although no answer can be the user's", x->delivered, 0);
      return;
    }
    if (x->has_body && x->up.announced > x->up.len && x->whole_sent && x->t.state.send == SL_SEND_END)
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
  if (code == CURLE_OPERATION_TIMEDOUT) {
    check_limit(s, x);
    return;
  }
  if (x->any_code || allowed(x, code)) return;
  sim_violate(s, x, "ended with a code that nothing explains", code, x->delivered);
}

void sim_check_done(sim *s, sim_transfer *x)
{
  if (!x->running) sim_violate(s, x, "done for what does not run", x->starts, x->dones);
  if (x->dones != x->starts) sim_violate(s, x, "done not once a start", x->starts, x->dones);
  if (x->t.state.life != SL_DONE) sim_violate(s, x, "done in another state", x->t.state.life, 0);
  if (sl_gate_holds(&x->t.gate))
    sim_violate(s, x, "W9: done while bytes are held", (int64_t)x->t.gate.held, 0);
  if (x->t.conn) sim_violate(s, x, "done with a connection", 0, 0);
  check_code(s, x);
}

/* ---- Steps --------------------------------------------------------------------------------------------- */

static void check_bounds(sim *s, sim_transfer *x)
{
  const sl_conn *c = x->t.conn;
  if (x->t.gate.held > SL_HEAD_MAX + SL_RECV_CHUNK_MAX)
    sim_violate(s, x, "B4: the gate holds too much", (int64_t)x->t.gate.held, 0);
  if (!c) return;
  if (c->in_len > SL_HEAD_MAX + SL_RECV_CHUNK_MAX)
    sim_violate(s, x, "B4: the connection holds too much", c->in_len, 0);
  s->looking = true;
  uint64_t held = sl_transfer_held(&x->t);
  s->looking = false;
  if (held > SL_HEAD_MAX + 2 * SL_RECV_CHUNK_MAX + SL_HOST_HELD_MAX)
    sim_violate(s, x, "B4: too much is held in all", (int64_t)held, 0);
}

static void check_wants(sim *s, sim_transfer *x)
{
  const sl_conn *c = x->t.conn;
  if (!c || c->transfers != &x->t || x->t.conn_next) return;
  const sim_channel *ch = sim_channel_find(s, c->ch);
  if (!ch) {
    sim_violate(s, x, "its channel is closed", c->ch, 0);
    return;
  }
  uint32_t paused = sl_gate_paused(&x->t.gate);
  if ((ch->want & SL_IN) && (paused & SL_DIR_RECV))
    sim_violate(s, x, "W8: paused, and wants SL_IN", ch->want, paused);
  if ((ch->want & SL_OUT) && (paused & SL_DIR_SEND) && !(c->out.len && x->t.state.send == SL_SEND_BODY))
    sim_violate(s, x, "P11, R2: paused, and wants SL_OUT", ch->want, paused);
  if ((ch->want & SL_OUT) && x->t.state.send == SL_SEND_END && !c->out.len)
    sim_violate(s, x, "wants SL_OUT behind its end", ch->want, 0);
  if (c->out.cap && !c->out.len && x->t.state.send == SL_SEND_BODY)
    sim_violate(s, x, "B4: an empty buffer is kept", (int64_t)c->out.cap, 0);
  if ((ch->want & SL_IN) && x->t.gate.parts)
    sim_violate(s, x, "B4: holds bytes, and wants SL_IN", ch->want, x->t.gate.parts);
}

/* Limits that had to stop it by now. */
static void check_late(sim *s, sim_transfer *x)
{
  const sl_options *o = &x->options;
  int64_t late = s->late_us, passed = clocked(s, x);
  if (x->held_since_us >= 0) return;
  if (o->timeout_ms && passed > o->timeout_ms * 1000 + late)
    sim_violate(s, x, "T1: total time passed", passed, o->timeout_ms);
  if (o->paused_timeout_ms && x->own_since_us >= 0 &&
      s->now_us - x->own_since_us > o->paused_timeout_ms * 1000 + late)
    sim_violate(s, x, "B9: paused for too long", s->now_us - x->own_since_us, o->paused_timeout_ms);
  if (x->t.state.life != SL_ACTIVE && !x->t.begin_us) {
    int64_t ms = o->connect_timeout_ms ? o->connect_timeout_ms : SL_CONNECT_TIMEOUT_MS;
    if (passed > ms * 1000 + late) sim_violate(s, x, "T2: connect time passed", passed, ms);
  }
}

/* R6, F23: an end that the server told is seen, whatever the upload waits for. */
static void check_end_seen(sim *s, sim_transfer *x)
{
  const sim_channel *ch = x->t.conn ? sim_channel_find(s, x->t.conn->ch) : NULL;
  bool over = ch && !x->file && ch->told_open && !ch->held && (ch->ended || ch->broken) && ch->arrived == ch->taken;
  bool due = over && x->t.state.life == SL_ACTIVE && x->t.state.recv != SL_RECV_END &&
             x->t.state.send != SL_SEND_HEAD && !(sl_gate_paused(&x->t.gate) & SL_DIR_RECV) && !x->t.gate.parts &&
             !x->options.max_recv_speed;
  if (!due) x->end_due_us = 0;
  else if (!x->end_due_us) x->end_due_us = s->now_us;
  else if (s->now_us > x->end_due_us + 2 * s->late_us + 1000)
    sim_violate(s, x, "R6: the end is not seen", s->now_us - x->end_due_us, x->t.state.send);
}

/* S1, B3: no faster than the bucket. */
static void check_rate(sim *s, sim_transfer *x)
{
  if (!x->options.max_recv_speed || x->speed_changed) return;
  int64_t rate = x->options.max_recv_speed, burst = rate > SL_BURST_MIN ? rate : SL_BURST_MIN;
  int64_t took = x->delivered - x->burst_bytes, passed = s->now_us - x->burst_us;
  int64_t most = 2 * (x->bursts ? burst : rate) + rate * passed / SL_SECOND;
  if (took > most) sim_violate(s, x, "S1: faster than its rate", took, most);
}

static void check_send_rate(sim *s, sim_transfer *x)
{
  int64_t rate = x->options.max_send_speed, burst = rate > SL_BURST_MIN ? rate : SL_BURST_MIN;
  if (!rate || !x->has_body || x->send_speed_changed) return;
  int64_t took = x->up.given - x->up.burst_given, passed = s->now_us - x->up.burst_us;
  int64_t most = 2 * (x->up.bursts ? burst : rate) + rate * passed / SL_SECOND;
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
  if (++s->idle_steps > 100)
    sim_violate(s, NULL, "F2: steps without progress or passing time", s->idle_steps, sl_multi_next_us(s->m));
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
    if (x->t.state.life == SL_DONE || x->t.state.life == SL_IDLE)
      sim_violate(s, x, "ended without done", x->t.state.life, 0);
    check_bounds(s, x);
    check_wants(s, x);
    check_late(s, x);
    check_rate(s, x);
    check_send_rate(s, x);
    check_end_seen(s, x);
    if (x->up.pause_told && !x->t.cause && x->t.state.life == SL_ACTIVE && x->t.state.send == SL_SEND_BODY &&
        !(sl_gate_paused(&x->t.gate) & SL_DIR_SEND))
      sim_violate(s, x, "R2: it answered PAUSE and is not paused", x->t.state.send, 0);
  }
  if (runs != s->m->running)
    sim_violate(s, NULL, "P15: the count of running transfers is wrong", runs, s->m->running);
  check_turns(s);
}

void sim_check_end(sim *s)
{
  for (uint32_t i = 0; i < s->count; i++) {
    sim_transfer *x = &s->transfers[i];
    if (x->running) sim_violate(s, x, "still running at the end", x->t.state.life, 0);
    if (x->starts != x->dones) sim_violate(s, x, "not one done for each start", x->starts, x->dones);
    x->added = false;
  }
  uint32_t pooled = s->m->idle_count;
  for (const sl_conn *c = s->m->draining_first; c; c = c->pool_next, pooled++)
    if (s->now_us > sl_conn_drain_due_us(c) + s->late_us)
      sim_violate(s, NULL, "B11: a connection drains beyond its time", sl_conn_drain_due_us(c), 0);
  if (s->channel_count != pooled) sim_violate(s, NULL, "channels open beyond the pool", s->channel_count, pooled);
  sl_multi_free(s->m);
  s->m = NULL;
  if (s->channel_count) sim_violate(s, NULL, "channels open after the end", s->channel_count, 0);
  if (s->loops) sim_violate(s, NULL, "loops left after the end", s->loops, 0);
}
