/* play.c: the user, the commands, and the loop that moves virtual time. See sim.h.
 *
 * One step is one of: a command; events of some channels and a run; a run that is due; time moves to the next
 * of all that is to come. Every step ends with sim_check_step. */
#include "sim.h"
#include <stdlib.h>
#include <string.h>

/* ---- Random numbers (splitmix64) ----------------------------------------------------------------------- */

uint64_t sim_random(sim *s)
{
  uint64_t z = s->random += 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

uint32_t sim_below(sim *s, uint32_t n) { return (uint32_t)(((sim_random(s) >> 32) * n) >> 32); }
bool sim_chance(sim *s, uint32_t k) { return k && (sim_random(s) & 1023) < k; }

int64_t sim_some(sim *s, int64_t max)
{
  uint32_t bits = 0;
  while (bits < 62 && ((int64_t)1 << bits) <= max) bits++;
  uint32_t take = sim_below(s, bits + 1);
  int64_t n = (int64_t)(sim_random(s) & (((uint64_t)1 << take) - 1));
  return n > max ? max : n;
}

/* ---- Commands ------------------------------------------------------------------------------------------ */

void sim_at(sim *s, int64_t after_us, enum sim_what what, uint32_t number, int64_t arg)
{
  if (s->command_count == SIM_COMMANDS_MAX) return; /* what is calm resumes all the same */
  s->commands[s->command_count++] = (sim_command){
    .at_us = s->now_us + after_us, .order = s->command_order++, .what = (uint8_t)what,
        .number = (uint8_t)number, .arg = arg };
}

/* The command that comes first, or NULL. */
static sim_command *first_command(sim *s)
{
  sim_command *first = NULL;
  for (uint32_t i = 0; i < s->command_count; i++) {
    sim_command *c = &s->commands[i];
    if (!first || c->at_us < first->at_us || (c->at_us == first->at_us && c->order < first->order)) first = c;
  }
  return first;
}

static void begins(sim *s, sim_transfer *x)
{
  x->running = true;
  x->told = x->failed = x->stop_asked = false;
  x->starts++;
  x->delivered = x->head_at = x->writes = x->slices = 0;
  x->start_us = s->now_us;
  x->first_write_us = x->last_write_us = -1;
  x->paused_since_us = x->own_since_us = x->held_since_us = -1;
  x->held_sum_us = 0;
  x->resumed_us = x->burst_us = s->now_us;
  x->burst_bytes = x->bursts = 0;
  x->paused_sum_us = 0;
  x->rate_max = x->options.max_recv_speed;
  x->heads.len = 0;
  x->whole_sent = false;
  x->up.at = x->up.given = x->up.promised = x->up.burst_given = x->up.bursts = 0;
  x->up.ended = x->up.failed = x->up.short_told = x->up.pause_told = false;
  x->up.burst_us = s->now_us;
}

static void add(sim *s, sim_transfer *x)
{
  if (x->running) return;
  if (x->added) sl_multi_remove(s->m, &x->t);
  begins(s, x);
  sim_remote_begin(s, x);
  x->added = true;
  if (!sl_multi_add(s->m, &x->t)) return;
  x->added = x->running = false;
  x->dones++;
}

static void take_out(sim *s, sim_transfer *x)
{
  if (!x->added) return;
  sl_multi_remove(s->m, &x->t);
  if (x->running) x->dones++; /* nothing will be told */
  x->added = x->running = false;
  x->paused_since_us = x->own_since_us = x->held_since_us = -1;
}

static void resume(sim_transfer *x)
{
  if (!x->added) return;
  x->up.pause_told = false;
  sl_transfer_pause(&x->t, 0, SL_BY_CALL);
  if (x->replays && x->running) sl_transfer_replay(&x->t);
}

static void hold(sim *s, sim_transfer *x, bool held)
{
  sim_channel *c = x->added && x->t.conn ? sim_channel_find(s, x->t.conn->ch) : NULL;
  if (!c || c->held == held) return;
  c->held = held;
  sl_multi_event(s->m, c->id, held ? SL_HELD : SL_FREE);
}

/* A number set while it runs, as sl_embed_set_number does. */
static void set_speed(sim_transfer *x, int64_t rate)
{
  sl_options_number(&x->options, CURLOPT_MAX_RECV_SPEED_LARGE, rate);
  x->speed_changed = true;
  if (x->added && x->running) sl_transfer_limits(&x->t);
}

/* Events that did not happen. */
static void lie(sim *s)
{
  sim_channel *c = s->channel_count ? s->channels[sim_below(s, s->channel_count)] : NULL;
  uint32_t events = (uint32_t)sim_random(s) & (SL_IN | SL_OUT | SL_GONE);
  sl_multi_event(s->m, c ? c->id : s->last_id + 1 + (sl_ch)sim_below(s, 1000), events);
}

static void command(sim *s, sim_command *taken)
{
  static const char letters[] = "aprxmmvhfe.q";
  sim_command c = *taken;
  *taken = s->commands[--s->command_count];
  sim_transfer *x = c.number ? &s->transfers[c.number - 1] : NULL;
  sim_trace(s, c.number, letters[c.what], c.arg, 0);
  s->progress++;
  switch ((enum sim_what)c.what) {
  case SIM_ADD: add(s, x); break;
  case SIM_PAUSE:
    x->up.pause_told = false;
    if (x->added || x->user.keeps_pause) sl_transfer_pause(&x->t, (uint32_t)c.arg, SL_BY_CALL);
    break;
  case SIM_RESUME: resume(x); break;
  case SIM_STOP:
    if (!x->running) break;
    x->stop_asked = true;
    sl_transfer_stop(&x->t, SL_CAUSE_ABORT, CURLE_ABORTED_BY_CALLBACK, "stopped by a command");
    break;
  case SIM_REMOVE: take_out(s, x); break;
  case SIM_READD: take_out(s, x); add(s, x); break;
  case SIM_SPEED: set_speed(x, c.arg); break;
  case SIM_HOLD: hold(s, x, true); break;
  case SIM_FREE: hold(s, x, false); break;
  case SIM_SPURIOUS: lie(s); break;
  case SIM_MORE: if (x->added) sl_transfer_more(&x->t); break;
  case SIM_LOOK: if (s->look) s->look(s, x, c.arg); break;
  }
}

/* ---- The user ------------------------------------------------------------------------------------------ */

/* Inside a callback of x: pause, resume or stop it or a neighbour. */
static void act(sim *s, sim_transfer *x)
{
  sim_transfer *to = sim_chance(s, 600) ? x : &s->transfers[sim_below(s, s->count)];
  if (!to->added) return;
  s->progress++;
  to->up.pause_told = false;
  uint32_t what = sim_below(s, 16);
  static const uint8_t masks[] = { SL_DIR_RECV, SL_DIR_SEND, SL_DIR_BOTH, 0 };
  if (what == 0) {
    if (!to->running) return;
    sim_trace(s, to->number, 'x', 1, 0);
    to->stop_asked = true;
    sl_transfer_stop(&to->t, SL_CAUSE_CALLBACK, CURLE_ABORTED_BY_CALLBACK, NULL);
  } else if (what < 10) {
    uint32_t mask = masks[sim_below(s, 4)];
    sim_trace(s, to->number, 'p', mask, 1);
    sl_transfer_pause(&to->t, mask, SL_BY_CALLBACK);
    if (mask) sim_at(s, sim_some(s, 2 * SL_SECOND), SIM_RESUME, to->number, 0);
  } else {
    sim_trace(s, to->number, 'r', 0, 1);
    sl_transfer_pause(&to->t, 0, SL_BY_CALLBACK);
  }
}

static int32_t refuse(sim *s, sim_transfer *x, uint32_t taken, uint32_t n)
{
  if (x->resume_us >= 0) sim_at(s, sim_some(s, x->resume_us), SIM_RESUME, x->number, 0);
  return n ? (int32_t)taken : SL_SINK_PAUSED;
}

/* How many of n bytes it takes. */
static int32_t decide(sim *s, sim_transfer *x, enum sl_part part, uint32_t n)
{
  if (x->refuse_at >= 0 && part == SL_PART_BODY && x->delivered + n > (uint64_t)x->refuse_at) {
    uint32_t taken = (uint32_t)x->refuse_at - x->delivered;
    x->refuse_at = -1;
    if (x->resume_us >= 0) sim_at(s, x->resume_us, SIM_RESUME, x->number, 0);
    return taken || n ? (int32_t)taken : SL_SINK_PAUSED;
  }
  if (s->calm) return (int32_t)n;
  if (sim_chance(s, x->fail)) {
    x->failed = true;
    return SL_SINK_FAILED;
  }
  if (sim_chance(s, x->refuse)) return refuse(s, x, 0, n);
  if (n > 1 && sim_chance(s, x->partial)) return refuse(s, x, 1 + sim_below(s, n - 1), n);
  if (sim_chance(s, x->act)) act(s, x);
  return (int32_t)n;
}

int32_t sim_write(sl_transfer *t, enum sl_part part, const char *data, uint32_t n)
{
  sim_transfer *x = (sim_transfer *)t;
  sim *s = x->sim;
  sim_check_write(s, x, part, data, n);
  s->in_user++;
  s->progress++;
  int32_t k = decide(s, x, part, n);
  s->in_user--;
  if (k > 0 && part == SL_PART_BODY) {
    x->delivered += (uint32_t)k;
    if (x->first_write_us < 0) x->first_write_us = s->now_us;
    if (x->last_write_us != s->now_us) x->slices++;
    x->last_write_us = s->now_us;
  } else if (k > 0) {
    x->head_at += (uint32_t)k;
  }
  x->writes++;
  return k;
}

/* What a body callback answers, cap bytes being asked for: how many it has, or an answer below 0. */
static int32_t decide_body(sim *s, sim_transfer *x, uint32_t cap)
{
  sim_upload *up = &x->up;
  uint32_t left = up->len - up->at;
  if (up->pause_at >= 0 && up->at >= (uint64_t)up->pause_at) {
    up->pause_at = -1;
    if (x->resume_us >= 0) sim_at(s, x->resume_us, SIM_RESUME, x->number, 0);
    return SL_SINK_PAUSED;
  }
  if (up->pause_at >= 0 && left > (uint64_t)up->pause_at - up->at) left = (uint32_t)up->pause_at - up->at;
  if (!s->calm) {
    if (sim_chance(s, up->fail)) {
      up->failed = true;
      return sim_chance(s, 512) ? SL_SINK_FAILED : INT32_MAX;
    }
    if (sim_chance(s, up->pause)) {
      if (x->resume_us >= 0) sim_at(s, sim_some(s, x->resume_us), SIM_RESUME, x->number, 0);
      return SL_SINK_PAUSED;
    }
    if (sim_chance(s, up->again)) {
      sim_at(s, sim_some(s, 200000), SIM_MORE, x->number, 0);
      return SL_AGAIN;
    }
    if (sim_chance(s, x->act)) act(s, x);
  }
  if (left > cap) left = cap;
  if (left && up->most) {
    uint32_t some = 1 + sim_below(s, up->most);
    if (some < left) left = some;
  }
  return (int32_t)left;
}

static int32_t ask_body(sim *s, sim_transfer *x, uint32_t cap)
{
  sim_upload *up = &x->up;
  sim_check_read(s, x);
  s->in_user++;
  s->progress++;
  int32_t n = decide_body(s, x, cap);
  s->in_user--;
  sim_trace(s, x->number, 'u', cap, n);
  up->ended = n == 0;
  up->pause_told = n == SL_SINK_PAUSED;
  up->short_told = n == 0 && up->announced > up->at;
  return n;
}

static int32_t user_read(sl_transfer *t, char *buf, uint32_t cap)
{
  sim_transfer *x = (sim_transfer *)t;
  sim_upload *up = &x->up;
  int32_t n = ask_body(x->sim, x, cap);
  if (n <= 0 || n > (int64_t)cap) return n;
  memcpy(buf, up->bytes + up->at, (uint32_t)n);
  up->at += (uint32_t)n;
  up->given += (uint32_t)n;
  if (up->promised) up->promised = 0; /* the host did not take it */
  return n;
}

int32_t sim_user_ready(sl_transfer *t)
{
  sim_transfer *x = (sim_transfer *)t;
  int32_t n = ask_body(x->sim, x, INT32_MAX);
  if (n == INT32_MAX) return SL_SINK_FAILED;
  x->up.promised = n > 0 ? (uint32_t)n : 0;
  return n;
}

bool sim_user_rewind(sl_transfer *t)
{
  sim_transfer *x = (sim_transfer *)t;
  sim *s = x->sim;
  if (!x->running || s->in_user) sim_violate(s, x, "a rewind of what does not run", s->in_user, 0);
  sim_trace(s, x->number, 'b', x->up.at, x->up.rewinds);
  s->progress++;
  if (!x->up.rewinds) return false;
  x->up.at = x->up.promised = 0;
  x->up.ended = false;
  return true;
}

static int user_progress(sl_transfer *t)
{
  sim_transfer *x = (sim_transfer *)t;
  sim *s = x->sim;
  if (!x->running) sim_violate(s, x, "progress told of what does not run", 0, 0);
  s->in_user++;
  if (!s->calm && sim_chance(s, x->act / 4)) act(s, x);
  s->in_user--;
  return 0;
}

static void user_changed(sl_transfer *t)
{
  sim_transfer *x = (sim_transfer *)t;
  sim *s = x->sim;
  s->in_user++;
  if (!s->calm && sim_chance(s, x->act)) act(s, x);
  s->in_user--;
}

static void user_done(sl_transfer *t)
{
  sim_transfer *x = (sim_transfer *)t;
  sim *s = x->sim;
  sim_trace(s, x->number, 'd', t->code, x->delivered);
  s->progress++;
  s->in_user++;
  x->done_us = s->now_us;
  x->code = t->code;
  x->dones++;
  sim_check_done(s, x);
  x->running = false;
  if (!s->calm && sim_chance(s, x->act)) act(s, x);
  s->in_user--;
}

const sl_user sim_user = { .write = sim_write, .progress = user_progress, .changed = user_changed,
                           .done = user_done, .read = user_read, .rewind = sim_user_rewind };

/* ---- Time ---------------------------------------------------------------------------------------------- */

static void take_messages(sim *s)
{
  uint32_t left;
  for (sl_transfer *t; (t = sl_multi_message(s->m, &left));) {
    sim_transfer *x = (sim_transfer *)t;
    if (x->told || x->running || t->state.life != SL_DONE)
      sim_violate(s, x, "a message without an end", x->told, t->state.life);
    x->told = true;
  }
}

static void run(sim *s)
{
  uint32_t turns = s->m->turns;
  for (uint32_t i = 0; i < s->count; i++) {
    sim_transfer *x = &s->transfers[i];
    x->paused_at_run = x->running && (sl_gate_paused(&x->t.gate) & SL_DIR_RECV);
  }
  sl_multi_run(s->m);
  s->second_turns += s->m->turns - turns;
  for (uint32_t i = 0; i < s->count; i++) s->transfers[i].paused_at_run = false;
  if (sim_chance(s, 512)) take_messages(s);
}

/* Tell the engine of one channel's events. The host reads its chunk inside the event. */
static void tell(sim *s, sim_channel *c, uint32_t events)
{
  if (events & SL_OPENED) c->told_open = true, s->progress++;
  if (events & SL_GONE) c->told_gone = true, s->progress++;
  if ((events & SL_IN) && s->reads_ahead && c->chunk == c->taken && c->arrived > c->taken) {
    /* What follows an answer at once is seen with it: else no engine could tell it from the next answer. */
    uint32_t n = c->arrived - c->taken, glue = 0;
    for (uint32_t i = 0; i < s->count; i++) glue |= s->transfers[i].response.glue;
    c->chunk = c->taken + (glue || sim_chance(s, 800) ? n : 1 + sim_below(s, n));
  }
  sl_multi_event(s->m, c->id, events);
}

static bool tell_events(sim *s)
{
  uint32_t n = s->channel_count, from = n > 1 ? sim_below(s, n) : 0;
  bool told = false;
  for (uint32_t i = 0; i < n && i < s->channel_count; i++) {
    sim_channel *c = s->channels[(from + i) % s->channel_count];
    uint32_t events = sim_channel_events(s, c);
    if (!events) continue;
    if (told && sim_chance(s, 512)) break;
    tell(s, c, events);
    told = true;
  }
  return told;
}

static int64_t earliest(sim *s)
{
  sim_command *first = first_command(s);
  int64_t next = sl_multi_next_us(s->m), at = first ? first->at_us : SL_NEVER;
  if (at < next) next = at;
  for (uint32_t i = 0; i < s->channel_count; i++) {
    at = sim_server_next_us(s->channels[i]);
    if (at < next) next = at;
  }
  at = s->calm ? s->calm_us + SIM_CALM_US : s->calm_us;
  return at < next ? at : next;
}

static void advance(sim *s)
{
  int64_t to = earliest(s);
  if (to > s->now_us) {
    s->now_us = to;
    s->idle_steps = 0;
  }
  if (s->late_us) s->now_us += sim_below(s, (uint32_t)s->late_us + 1);
  for (uint32_t i = 0; i < s->channel_count; i++) sim_server_tick(s, s->channels[i]);
}

static void become_calm(sim *s)
{
  s->calm = true;
  s->progress++;
  for (uint32_t i = 0; i < s->channel_count; i++) {
    sim_channel *c = s->channels[i];
    if (c->held) sl_multi_event(s->m, c->id, SL_FREE);
    c->held = false;
  }
  for (uint32_t i = 0; i < s->count; i++)
    if (s->transfers[i].added) {
      sim_remote_calm(&s->transfers[i]);
      resume(&s->transfers[i]);
      sl_transfer_more(&s->transfers[i].t);
    }
}

/* What is still running now has no end of its own. */
static void stop_all(sim *s)
{
  for (uint32_t i = 0; i < s->count; i++) {
    sim_transfer *x = &s->transfers[i];
    if (!x->running) continue;
    if (!x->may_hang)
      sim_violate(s, x, "stuck: it should have ended long ago", s->now_us - x->start_us, x->t.state.life);
    x->stop_asked = true;
    sl_transfer_stop(&x->t, SL_CAUSE_ABORT, CURLE_ABORTED_BY_CALLBACK, NULL);
  }
  run(s);
  for (uint32_t i = 0; i < s->count; i++)
    if (s->transfers[i].running) sim_violate(s, &s->transfers[i], "runs after a stop and a run", 0, 0);
  s->stopped = true;
}

static void step(sim *s)
{
  sim_command *first = first_command(s);
  if (first && first->at_us <= s->now_us) command(s, first);
  else if (tell_events(s)) {
    if (!sim_chance(s, 30)) run(s);
  }
  else if (sl_multi_next_us(s->m) <= s->now_us) run(s);
  else if (!s->calm && s->now_us >= s->calm_us) become_calm(s);
  else if (s->calm && s->now_us >= s->calm_us + SIM_CALM_US) stop_all(s);
  else advance(s);
  s->steps++;
  sim_check_step(s);
}

static bool anything_left(const sim *s)
{
  if (s->command_count) return true;
  for (uint32_t i = 0; i < s->count; i++)
    if (s->transfers[i].running) return true;
  return false;
}

/* Idle connections whose server closed must not stay: watch the pool a while longer. */
static void linger(sim *s)
{
  int64_t until = s->now_us + 3 * SL_SECOND;
  s->command_count = 0;
  while (!s->violated && s->now_us < until && s->channel_count && !s->stopped) step(s);
  while (!s->violated && tell_events(s)) run(s);
  for (uint32_t i = 0; i < s->channel_count && !s->violated; i++)
    if (s->channels[i]->ended || s->channels[i]->broken)
      sim_violate(s, NULL, "a dead connection stays in the pool", s->channels[i]->id, 0);
}

bool sim_play(sim *s)
{
  while (!s->violated && !s->stopped && anything_left(s)) {
    step(s);
    if (s->steps > SIM_STEPS_MAX) sim_violate(s, NULL, "no end of steps", s->steps, 0);
  }
  if (!s->violated) take_messages(s);
  if (!s->violated && sim_chance(s, 256)) linger(s);
  if (!s->violated) sim_check_end(s);
  return !s->violated;
}

/* ---- Life ---------------------------------------------------------------------------------------------- */

sim *sim_new(uint64_t seed, uint32_t flags)
{
  sim *s = calloc(1, sizeof *s);
  if (!s) return NULL;
  s->seed = seed;
  s->flags = flags;
  s->random = seed * 0x2545f4914f6cdd1du + 0x632be59bd9b4e019u;
  s->now_us = s->second_us = SIM_EPOCH_US;
  s->calm_us = SIM_EPOCH_US + 100 * SL_SECOND;
  s->origins[0] = (sim_origin){ .name = "a.test", .idle_us = SL_NEVER };
  s->origin_count = 1;
  s->window = 65536;
  s->send_max = 65536;
  sim_set_current(s);
  s->m = sl_multi_new(NULL);
  if (s->m) {
    s->m->trace = sim_trace_hook;
    s->m->trace_arg = s;
  }
  return s;
}

sim_transfer *sim_transfer_new(sim *s)
{
  sim_transfer *x = &s->transfers[s->count++];
  x->sim = s;
  x->number = s->count;
  x->user = sim_user;
  x->up.pause_at = x->up.continue_us = -1;
  x->up.answer_at = x->up.stall_at = UINT32_MAX;
  x->response.file_size = -1;
  x->refuse_at = x->resume_us = x->paused_since_us = x->own_since_us = x->held_since_us = -1;
  sl_options_init(&x->options);
  x->response.seg_max = 65536;
  x->t.token = x->number;
  return x;
}

void sim_free(sim *s)
{
  sim_set_current(s);
  for (uint32_t i = 0; i < s->count; i++) {
    sim_transfer *x = &s->transfers[i];
    if (x->added && s->m) sl_multi_remove(s->m, &x->t);
    if (x->t.options) sl_transfer_clear(&x->t);
    sluice_remote_free(x->remote);
  }
  if (s->m) sl_multi_free(s->m);
  while (s->channel_count) sim_channel_drop(s, s->channels[0]);
  for (uint32_t i = 0; i < s->count; i++) {
    sim_transfer *x = &s->transfers[i];
    sl_options_clear(&x->options);
    sl_text_free(&x->response.wire);
    sl_text_free(&x->response.heads);
    free(x->response.body);
    for (uint32_t k = 0; k < SIM_HOPS_MAX; k++) {
      sl_text_free(&x->redirects[k].wire);
      sl_text_free(&x->redirects[k].heads);
      free(x->redirects[k].body);
    }
    sl_text_free(&x->heads);
    free(x->up.bytes);
  }
  sl_text_free(&s->trace);
  sl_text_free(&s->script);
  free(s);
  sim_set_current(NULL);
}
