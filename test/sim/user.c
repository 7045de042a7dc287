/* user.c: the user of a transfer: what its callbacks answer, and what it does from inside them. See sim.h. */
#include "sim.h"
#include <string.h>

sim_transfer *sim_of(const sl_transfer *t)
{
  sim *s = t->multi->trace_arg;
  return &s->transfers[t->token - 1];
}

/* ---- The user ------------------------------------------------------------------------------------------ */

/* Inside a callback of x: pause, resume or stop it or a neighbour, change a limit, wake the loop. */
static void act(sim *s, sim_transfer *x)
{
  sim_transfer *to = sim_chance(s, 600) ? x : &s->transfers[sim_below(s, s->count)];
  if (!to->added) return;
  s->progress++;
  uint32_t what = sim_below(s, 20);
  if (s->multi && s->in_user > 3) return;
  if (s->multi && s->m->in_callback && sim_chance(s, 100)) sim_easy_forbidden(s, to);
  static const uint8_t masks[] = { SL_DIR_RECV, SL_DIR_SEND, SL_DIR_BOTH, 0 };
  if (what == 0) {
    if (!to->running) return;
    sim_trace(s, to->number, 'x', 1, 0);
    sim_stop(to, SL_CAUSE_CALLBACK);
  } else if (what > 17) {
    int64_t arg = sim_limit_arg(s);
    sim_trace(s, to->number, 'l', arg, 1);
    sim_set_limit(to, arg);
  } else if (what == 17) {
    sim_trace(s, 0, 'k', 0, 1);
    sim_wake(s);
  } else if (what == 16) {
    if (!s->multi) sl_transfer_more(to->transfer);
  } else if (what < 10) {
    uint32_t mask = masks[sim_below(s, 4)];
    sim_trace(s, to->number, 'p', mask, 1);
    sim_pause(to, mask, SL_BY_CALLBACK);
    if (mask) sim_at(s, sim_some(s, 2 * SL_SECOND), SIM_RESUME, to->number, 0);
  } else {
    sim_trace(s, to->number, 'r', 0, 1);
    sim_pause(to, 0, SL_BY_CALLBACK);
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
  sim_transfer *x = sim_of(t);
  sim *s = x->sim;
  sim_check_write(s, x, part, data, n);
  s->in_user++;
  s->progress++;
  int32_t k = decide(s, x, part, n);
  s->in_user--;
  if (k == SL_SINK_PAUSED || (k >= 0 && k < (int32_t)n)) x->model |= SL_DIR_RECV;
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
  if (up->pause_told) x->model |= SL_DIR_SEND;
  up->short_told = n == 0 && up->announced > up->at;
  return n;
}

static int32_t user_read(sl_transfer *t, char *buf, uint32_t cap)
{
  sim_transfer *x = sim_of(t);
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
  sim_transfer *x = sim_of(t);
  int32_t n = ask_body(x->sim, x, INT32_MAX);
  if (n == INT32_MAX) return SL_SINK_FAILED;
  x->up.promised = n > 0 ? (uint32_t)n : 0;
  return n;
}

bool sim_user_rewind(sl_transfer *t)
{
  sim_transfer *x = sim_of(t);
  sim *s = x->sim;
  if (!x->running || s->in_user) sim_violate(s, x, "a rewind of what does not run", s->in_user, 0);
  sim_trace(s, x->number, 'b', x->up.at, x->up.rewinds);
  s->progress++;
  if (!x->up.rewinds) return false;
  s->in_user++;
  if (!s->calm && sim_chance(s, x->act)) act(s, x);
  s->in_user--;
  x->up.at = x->up.promised = 0;
  x->up.ended = false;
  return true;
}

static int user_progress(sl_transfer *t)
{
  sim_transfer *x = sim_of(t);
  sim *s = x->sim;
  if (!x->running) sim_violate(s, x, "progress told of what does not run", 0, 0);
  s->in_user++;
  if (!s->calm && sim_chance(s, x->act / 4)) act(s, x);
  s->in_user--;
  return 0;
}

static void user_changed(sl_transfer *t)
{
  sim_transfer *x = sim_of(t);
  sim *s = x->sim;
  s->in_user++;
  if (!s->calm && sim_chance(s, x->act)) act(s, x);
  s->in_user--;
}

/* What only looks on: a connection will be opened, is there; a head goes out. */
static void looks_on(sl_transfer *t)
{
  sim_transfer *x = sim_of(t);
  sim *s = x->sim;
  if (!x->running) sim_violate(s, x, "told of what does not run", 0, 0);
  s->in_user++;
  if (!s->calm && sim_chance(s, 4 * x->act)) act(s, x);
  s->in_user--;
}

static bool user_begun(sl_transfer *t)
{
  looks_on(t);
  return true;
}

static void user_asked(sl_transfer *t, const char *head, size_t n)
{
  sim_transfer *x = sim_of(t);
  if (n < 4 || memcmp(head + n - 4, "\r\n\r\n", 4)) sim_violate(x->sim, x, "a request head without its end", 0, 0);
  looks_on(t);
}

/* R4: behind the last chunk. */
static bool user_trailers(sl_transfer *t, sl_text *lines)
{
  sim_transfer *x = sim_of(t);
  looks_on(t);
  if (!x->sim->calm && sim_chance(x->sim, x->up.fail)) {
    x->stop_asked = true;
    return false;
  }
  if (x->up.trailers) sl_text_str(lines, "X-Up: t\r\n");
  return true;
}

static void user_done(sl_transfer *t)
{
  sim_transfer *x = sim_of(t);
  sim *s = x->sim;
  sim_trace(s, x->number, 'd', t->code, x->delivered);
  s->progress++;
  s->in_user++;
  x->done_us = s->now_us;
  x->code = t->code;
  x->dones++;
  if (s->plant == PLANT_TWICE) x->dones++;
  if (s->plant == PLANT_DONE_HELD) t->gate.parts = 1;
  sim_check_done(s, x);
  x->running = false;
  if (!s->calm && sim_chance(s, x->act)) act(s, x);
  if (!s->calm && x->starts < 8 && sim_chance(s, x->act / 2)) { /* started again from here, as the JavaScript face does */
    sim_trace(s, x->number, 'm', 1, 0);
    sim_take_out(s, x);
    sim_add(s, x);
  }
  s->in_user--;
}

const sl_user sim_user = { .write = sim_write, .progress = user_progress, .changed = user_changed,
                           .done = user_done, .read = user_read, .rewind = sim_user_rewind, .opening = looks_on,
                           .begun = user_begun, .asked = user_asked, .trailers = user_trailers };
