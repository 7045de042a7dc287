/* play.c: the user, the commands, and the loop that moves virtual time. See sim.h.
 *
 * One step is one of: a command; events of some channels and a run; a run that is due; time moves to the next
 * of all that is to come. Every step ends with sim_check_step. */
#include "sim.h"
#include "engine/pool.h"
#include <stdlib.h>
#include <string.h>
#include "engine/agenda.h"
#include "engine/expiry.h"

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

void sim_wake(sim *s)
{
  s->woken = true;
  if (s->multi) sim_easy_wake(s);
  else s->m->woken = true;
}

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
  if (!x->user.keeps_pause || x->transfer->state.life != SL_IDLE) x->model = x->remote_model = 0; /* P13, B14 */
  x->life = SL_IDLE;
  x->single_us = x->limits_us = x->slow_us = x->asked_us = x->moved_us = x->silent_us = x->freed_us = s->now_us;
  x->single_held_us = 0;
  x->moved_bytes = x->silent_bytes = 0;
  x->rejected_at = 0;
  x->running = true;
  x->told = x->failed = x->stop_asked = false;
  x->starts++;
  x->delivered = x->head_at = x->writes = x->slices = 0;
  x->start_us = s->now_us;
  x->first_write_us = x->last_write_us = -1;
  x->paused_since_us = x->own_since_us = x->held_since_us = -1;
  x->held_sum_us = x->opening_held_us = 0;
  x->active_us = x->opening_us = s->now_us;
  x->queued_us = -1;
  x->resumed_us = x->burst_us = x->listens_us = s->now_us;
  x->burst_bytes = x->bursts = 0;
  x->paused_sum_us = 0;
  x->rate_max = x->o->max_recv_speed;
  x->heads.len = 0;
  x->whole_sent = false;
  x->up.at = x->up.given = x->up.promised = x->up.burst_given = x->up.bursts = 0;
  x->up.ended = x->up.failed = x->up.short_told = x->up.pause_told = false;
  x->up.burst_us = s->now_us;
}

void sim_add(sim *s, sim_transfer *x)
{
  if (x->running) return;
  if (x->added && x->easy) sim_easy_remove(s, x);
  else if (x->added) sl_multi_remove(s->m, x->transfer);
  begins(s, x);
  sim_remote_begin(s, x);
  x->added = true;
  if (x->easy ? !sim_easy_add(s, x) : !sl_multi_add(s->m, x->transfer)) return;
  x->added = x->running = false;
  x->dones++;
}

void sim_take_out(sim *s, sim_transfer *x)
{
  if (!x->added) return;
  if (x->easy) sim_easy_remove(s, x);
  else sl_multi_remove(s->m, x->transfer);
  if (x->running) x->dones++; /* nothing will be told */
  x->added = x->running = false;
  x->paused_since_us = x->own_since_us = x->held_since_us = -1;
}

/* P1: from here on the mask is the whole truth, until a refusal, a redirect (P13) or the next call. */
void sim_pause(sim_transfer *x, uint32_t mask, enum sl_by by)
{
  if (!x->added && !x->user.keeps_pause) return;
  if (x->easy) {
    sim_easy_pause(x, mask);
    return;
  }
  x->up.pause_told = false;
  if (x->running || x->transfer->state.life == SL_IDLE) x->model = mask & SL_DIR_BOTH;
  x->remote_model &= x->model;
  x->asked_us = x->sim->now_us; /* P8 */
  sl_transfer_pause(x->transfer, mask, by);
}

static void resume(sim_transfer *x)
{
  if (!x->added) return;
  sim_pause(x, 0, SL_BY_CALL);
  /* The same once more changes nothing, and delivers what is held; unless who was told has paused it again. */
  bool open = !sl_gate_paused(&x->transfer->gate);
  if (open && x->replays && x->running && !x->easy) sl_transfer_pause_replay(x->transfer, 0, SL_BY_CALL);
}

void sim_stop(sim_transfer *x, enum sl_cause cause)
{
  if (!x->running) return;
  x->stop_asked = true;
  sl_transfer_stop(x->transfer, cause, CURLE_ABORTED_BY_CALLBACK, "stopped by a command");
  if (x->sim->multi && !x->sim->m->in_callback) x->sim->m->settle(x->sim->m); /* as who stops from outside does */
}

static void hold(sim *s, sim_transfer *x, bool held)
{
  sim_channel *c = x->added && x->transfer->conn ? sim_channel_find(s, x->transfer->conn->ch) : NULL;
  if (!c || c->held == held || s->drive == SIM_DRIVE_SOCKETS) return;
  c->held = held;
  sl_multi_event(s->m, c->id, held ? SL_HELD : SL_FREE);
}

static const int limit_options[] = {
  CURLOPT_TIMEOUT_MS, CURLOPT_CONNECTTIMEOUT_MS, CURLOPT_LOW_SPEED_LIMIT, CURLOPT_LOW_SPEED_TIME,
  CURLOPT_MAX_RECV_SPEED_LARGE, CURLOPT_MAX_SEND_SPEED_LARGE, SLUICEOPT_PAUSED_TIMEOUT_MS, SLUICEOPT_SILENCE_TIMEOUT_MS,
  SLUICEOPT_QUEUE_TIMEOUT_MS, SLUICEOPT_BURST
};
static const int64_t limit_values[] = { 0, 1, 2, 10, 100, 1000, 3000, 10000, 65535, INT32_MAX, INT64_MAX };
enum { LIMIT_OPTIONS = 10, LIMIT_VALUES = 11 };

int64_t sim_limit_arg(sim *s) { return sim_below(s, LIMIT_OPTIONS) * 16 + sim_below(s, LIMIT_VALUES); }

static void set_limit(sim_transfer *x, int option, int64_t value)
{
  const sl_options before = *x->o;
  sim *s = x->sim;
  if (x->easy) sim_easy_limit(x, option, value);
  else sl_options_number(x->o, option, value); /* out of range: refused */
  if (x->o->low_speed_limit != before.low_speed_limit || x->o->low_speed_time_s != before.low_speed_time_s)
    x->slow_us = s->now_us;
  if (x->o->max_recv_speed != before.max_recv_speed || x->o->max_send_speed != before.max_send_speed ||
      x->o->burst != before.burst)
    x->speed_changed = true;
  if (x->o->silence_timeout_ms != before.silence_timeout_ms) x->silent_us = s->now_us;
  x->limits_us = s->now_us;
  if (x->added && x->running && !x->easy) sl_expiry_limits(x->transfer);
}

void sim_set_limit(sim_transfer *x, int64_t arg)
{
  if (x->added) set_limit(x, limit_options[arg / 16 % LIMIT_OPTIONS], limit_values[arg % 16 % LIMIT_VALUES]);
}

static void set_connections(sim *s, int64_t arg)
{
  s->limit_all = (uint32_t)arg / 16;
  s->limit_host = (uint32_t)arg % 16;
  if (s->multi) {
    sim_easy_connections(s, (long)s->limit_all, (long)s->limit_host);
    return;
  }
  s->m->max_connections = s->limit_all;
  s->m->max_host_connections = s->limit_host;
  sl_pool_call_all(s->m);
}

/* Events that did not happen. */
static void lie(sim *s)
{
  sim_channel *c = s->channel_count ? s->channels[sim_below(s, s->channel_count)] : NULL;
  uint32_t events = (uint32_t)sim_random(s) & (SL_IN | SL_OUT | SL_GONE);
  if (s->multi) sim_easy_lie(s);
  else sl_multi_event(s->m, c ? c->id : s->last_id + 1 + (sl_ch)sim_below(s, 1000), events);
}

static void run(sim *s);
static void tell(sim *s, sim_channel *c, uint32_t events);

/* The server goes on meanwhile. Behind it a turn of the loop: deadlines come before events, as in Node.js. */
static void sleep(sim *s, int64_t us)
{
  int64_t end = s->now_us + us;
  s->asleep_us = (s->now_us == s->woke_us ? s->asleep_us : 0) + us;
  if (s->asleep_us > s->sleep_us) s->sleep_us = s->asleep_us;
  s->woke_us = end;
  for (int64_t next = s->now_us; next < end;) {
    next = end;
    for (uint32_t i = 0; i < s->channel_count; i++) {
      int64_t at = sim_server_next_us(s->channels[i]);
      if (at < next) next = at;
    }
    if (next > s->now_us) s->now_us = next;
    for (uint32_t i = 0; i < s->channel_count; i++) sim_server_tick(s, s->channels[i]);
  }
  if (s->multi) return;
  if (sl_multi_next_us(s->m) <= s->now_us) run(s);
  for (uint32_t i = 0; i < s->channel_count; i++) {
    uint32_t events = sim_channel_events(s, s->channels[i]);
    if (events) tell(s, s->channels[i], events);
  }
  run(s);
}

static void command(sim *s, sim_command *taken)
{
  static const char letters[] = "aprxmmvhfe.qlnzko";
  sim_command c = *taken;
  *taken = s->commands[--s->command_count];
  sim_transfer *x = c.number ? &s->transfers[c.number - 1] : NULL;
  sim_trace(s, c.number, letters[c.what], c.arg, 0);
  s->progress++;
  switch ((enum sim_what)c.what) {
  case SIM_ADD: sim_add(s, x); break;
  case SIM_PAUSE: sim_pause(x, (uint32_t)c.arg, SL_BY_CALL); break;
  case SIM_RESUME: resume(x); break;
  case SIM_STOP: sim_stop(x, SL_CAUSE_ABORT); break;
  case SIM_REMOVE: sim_take_out(s, x); break;
  case SIM_READD: sim_take_out(s, x); sim_add(s, x); break;
  case SIM_SPEED: set_limit(x, CURLOPT_MAX_RECV_SPEED_LARGE, c.arg); break;
  case SIM_LIMIT: sim_set_limit(x, c.arg); break;
  case SIM_CONNS: set_connections(s, c.arg); break;
  case SIM_SLEEP: sleep(s, c.arg); break;
  case SIM_WAKE: sim_wake(s); break;
  case SIM_POLL:
    if (s->multi) sim_easy_take_wakeup(s);
    else s->m->woken = s->woken = false;
    break;
  case SIM_HOLD: hold(s, x, true); break;
  case SIM_FREE: hold(s, x, false); break;
  case SIM_SPURIOUS: lie(s); break;
  case SIM_MORE: if (x->added && !x->easy) sl_transfer_more(x->transfer); break;
  case SIM_LOOK: if (s->look) s->look(s, x, c.arg); break;
  }
}

/* ---- Time ---------------------------------------------------------------------------------------------- */

static void take_messages(sim *s)
{
  uint32_t left;
  for (sl_transfer *t; (t = sl_agenda_message(s->m, &left));) {
    sim_transfer *x = sim_of(t);
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
    x->paused_at_run = x->running && (sl_gate_paused(&x->transfer->gate) & SL_DIR_RECV);
  }
  sl_multi_run(s->m);
  s->second_turns += s->m->turns - turns;
  for (uint32_t i = 0; i < s->count; i++) s->transfers[i].paused_at_run = false;
  if (sim_chance(s, 512)) take_messages(s);
}

/* Tell the engine of one channel's events. The host reads its chunk inside the event. */
void sim_channel_told(sim *s, sim_channel *c, uint32_t events)
{
  if (events & SL_OPENED) c->told_open = true, s->progress++;
  if (events & SL_GONE) c->told_gone = true, s->progress++;
  if ((events & SL_IN) && s->reads_ahead && c->chunk == c->taken && c->arrived > c->taken) {
    /* What follows an answer at once is seen with it: else no engine could tell it from the next answer. */
    uint32_t n = c->arrived - c->taken, glue = 0;
    for (uint32_t i = 0; i < s->count; i++) glue |= s->transfers[i].response.glue;
    c->chunk = c->taken + (glue || sim_chance(s, 800) ? n : 1 + sim_below(s, n));
  }
}

static void tell(sim *s, sim_channel *c, uint32_t events)
{
  sim_channel_told(s, c, events);
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

/* The next that the program itself knows of. */
static int64_t earliest_but_servers(sim *s)
{
  sim_command *first = first_command(s);
  int64_t next = s->calm ? s->calm_us + SIM_CALM_US : s->calm_us;
  return first && first->at_us < next ? first->at_us : next;
}

static int64_t earliest(sim *s)
{
  sim_command *first = first_command(s);
  int64_t next = s->drive == SIM_DRIVE_SOCKETS ? s->timer_us : s->multi ? SL_NEVER : sl_multi_next_us(s->m);
  int64_t at = first ? first->at_us : SL_NEVER;
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
    if (s->transfers[i].added && s->plant != PLANT_STUCK) {
      sim_remote_calm(&s->transfers[i]);
      if (s->transfers[i].speed_changed) {
        set_limit(&s->transfers[i], CURLOPT_MAX_RECV_SPEED_LARGE, 0);
        set_limit(&s->transfers[i], CURLOPT_MAX_SEND_SPEED_LARGE, 0);
      }
      resume(&s->transfers[i]);
      if (!s->multi) sl_transfer_more(s->transfers[i].transfer);
    }
}

/* What is still running now has no end of its own. */
static void stop_all(sim *s)
{
  for (uint32_t i = 0; i < s->count; i++) {
    sim_transfer *x = &s->transfers[i];
    if (!x->running) continue;
    if (!x->may_hang)
      sim_violate(s, x, "stuck: it should have ended long ago", s->now_us - x->start_us, x->transfer->state.life);
    sim_stop(x, SL_CAUSE_ABORT);
  }
  if (s->multi)
    for (int turns = 0; turns < 4; turns++) sim_easy_turn(s, s->now_us), sim_easy_settled(s);
  else run(s);
  for (uint32_t i = 0; i < s->count; i++)
    if (s->transfers[i].running) sim_violate(s, &s->transfers[i], "runs after a stop and a run", 0, 0);
  s->stopped = true;
}

/* A C program's turn; between its turns it sleeps in poll, or until a descriptor or its timer. */
static void turn(sim *s)
{
  if (!s->calm && s->now_us >= s->calm_us) become_calm(s);
  else if (s->calm && s->now_us >= s->calm_us + SIM_CALM_US) stop_all(s);
  else if (!sim_easy_turn(s, earliest_but_servers(s))) advance(s);
}

static void step(sim *s)
{
  sim_command *first = first_command(s);
  if (first && first->at_us <= s->now_us) command(s, first);
  else if (s->multi) turn(s);
  else if (tell_events(s)) {
    if (!sim_chance(s, 30)) run(s);
  }
  else if (sl_multi_next_us(s->m) <= s->now_us) run(s);
  else if (!s->calm && s->now_us >= s->calm_us) become_calm(s);
  else if (s->calm && s->now_us >= s->calm_us + SIM_CALM_US) stop_all(s);
  else advance(s);
  s->steps++;
  if (s->multi) sim_easy_settled(s);
  if (s->plant) sim_plant_step(s);
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
    if ((s->channels[i]->ended || s->channels[i]->broken) && !s->channels[i]->held)
      sim_violate(s, NULL, "a dead connection stays in the pool", s->channels[i]->id, 0);
}

bool sim_play(sim *s)
{
  s->limit_all = s->m ? s->m->max_connections : 0;
  s->limit_host = s->m ? s->m->max_host_connections : 0;
  while (!s->violated && !s->stopped && anything_left(s)) {
    step(s);
    if (s->steps > SIM_STEPS_MAX) sim_violate(s, NULL, "no end of steps", s->steps, 0);
  }
  if (!s->violated && !s->multi) take_messages(s);
  if (!s->violated && !s->multi && sim_chance(s, 256)) linger(s);
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
  s->plant = (enum sim_plant)(flags / SIM_PLANT);
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
  x->transfer = &x->t;
  x->o = &x->options;
  x->number = s->count;
  x->user = sim_user;
  x->up.pause_at = x->up.continue_us = -1;
  x->up.answer_at = x->up.stall_at = UINT32_MAX;
  x->response.file_size = -1;
  x->refuse_at = x->resume_us = x->paused_since_us = x->own_since_us = x->held_since_us = -1;
  sl_options_init(x->o);
  x->response.seg_max = 65536;
  x->transfer->token = x->number;
  if (s->multi) sim_easy_new(x);
  return x;
}

void sim_free(sim *s)
{
  sim_set_current(s);
  for (uint32_t i = 0; i < s->count; i++) {
    sim_transfer *x = &s->transfers[i];
    if (x->easy) continue;
    if (x->added && s->m) sl_multi_remove(s->m, x->transfer);
    if (x->transfer->options) sl_transfer_clear(x->transfer);
  }
  if (s->multi) sim_easy_end(s);
  if (s->m) sl_multi_free(s->m);
  while (s->channel_count) sim_channel_drop(s, s->channels[0]);
  for (uint32_t i = 0; i < s->count; i++) {
    sim_transfer *x = &s->transfers[i];
    sluice_remote_free(x->remote);
    if (x->easy) curl_easy_cleanup(x->easy);
    else sl_options_clear(x->o);
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
