/* plants.c: what is broken on purpose. See sim.h.
 *
 * Each plant makes the engine, or what is seen of it, break one invariant: by hand where the engine's state can be
 * reached, else where the bytes pass (`s->plant` in host.c, invariants.c, play.c). A self-test runs seeds until the
 * invariant's message comes, so none of them can be blind. */
#include "sim.h"
#include "engine/clocks.h"
#include "engine/agenda.h"

static const char *const messages[SIM_PLANTS] = {
  [PLANT_NONE] = "",
  [PLANT_BYTE] = "body bytes lost, doubled or wrong",
  [PLANT_DELIVERY] = "a delivery while paused",
  [PLANT_GATE] = "P1: the gate is not what was asked for",
  [PLANT_TOTAL] = "T1: total time passed",
  [PLANT_SLOW_PAUSED] = "L5: low speed stopped a paused transfer",
  [PLANT_SLOW] = "L3: slow, and not stopped",
  [PLANT_SILENCE] = "B9: silent, and not stopped",
  [PLANT_WANT] = "W8: paused, and wants SL_IN",
  [PLANT_WANT_RATE] = "F3: its rate is used up, and it wants SL_IN",
  [PLANT_SPIN] = "F2:",
  [PLANT_LEAK] = "channels open",
  [PLANT_TWICE] = "done not once a start",
  [PLANT_HELD] = "B4: too much is held in all",
  [PLANT_WAKE] = "K3: a wakeup is lost",
  [PLANT_COUNT] = "P15: the count of running transfers is wrong",
  [PLANT_STUCK] = "stuck",
  [PLANT_RATE] = "S1: faster than its rate",
  [PLANT_UPLOAD] = "upload: bytes lost, doubled or wrong",
  [PLANT_END] = "R6: the end is not seen",
  [PLANT_EARLY] = "timeout too early",
  [PLANT_CODE] = "ended with a code that nothing explains",
  [PLANT_DONE_HELD] = "W9: done while bytes are held",
  [PLANT_CONNECTIONS] = "more connections than the limit",
  [PLANT_CONNECT] = "T2: connect time passed",
  [PLANT_PAUSED] = "B9: paused for too long",
  [PLANT_QUEUE] = "it waits for a connection, and there is room",
  [PLANT_SOCKET] = "P9: a socket is told of otherwise than wanted",
  [PLANT_TIMER] = "B7, F43: a deadline that the timer was not told of",
  [PLANT_POLL] = "K1: poll returned early",
  [PLANT_SEND_WANT] = "P11, R2: paused, and wants SL_OUT",
  [PLANT_P2] = "P6, P14: curl_easy_pause failed",
};

const char *sim_plant_message(uint32_t plant) { return messages[plant]; }

static void forget(sim_transfer *x, enum sl_timer_kind kind)
{
  sl_timers_set(&x->sim->m->timers, &x->transfer->timer, kind, SL_NEVER);
}

static void spoil(sim *s, sim_transfer *x)
{
  sl_transfer *t = x->transfer;
  switch (s->plant) {
  case PLANT_GATE: if (x->model & SL_DIR_RECV) t->gate.by_recv = 0; break;
  case PLANT_DELIVERY:
    if ((x->model & SL_DIR_RECV) && x->response.body_len && !t->cause) sim_write(t, SL_PART_BODY, "x", 1);
    break;
  case PLANT_CONNECT: forget(x, SL_TIMER_CONNECT); break;
  case PLANT_PAUSED: forget(x, SL_TIMER_PAUSED); break;
  case PLANT_TOTAL: forget(x, SL_TIMER_TOTAL); break;
  case PLANT_SLOW: forget(x, SL_TIMER_LOW_SPEED); break;
  case PLANT_SILENCE: forget(x, SL_TIMER_SILENCE); break;
  case PLANT_SLOW_PAUSED:
    if (x->model == SL_DIR_SEND && x->o->low_speed_time_s)
      sl_transfer_stop(t, SL_CAUSE_LIMIT, CURLE_OPERATION_TIMEDOUT, "Operation too slow. Less than");
    break;
  case PLANT_SPIN: if (x->model == SL_DIR_BOTH) sl_agenda_dirty(s->m, t); break;
  case PLANT_RATE: if (t->recv_bucket.rate) t->recv_bucket.tokens = 100000; break;
  case PLANT_EARLY:
    if (x->o->timeout_ms && t->state.life == SL_ACTIVE)
      sl_transfer_stop(t, SL_CAUSE_LIMIT, CURLE_OPERATION_TIMEDOUT, "Operation timed out after 0 milliseconds");
    break;
  case PLANT_CODE: if (t->state.life == SL_ACTIVE) sl_transfer_stop(t, SL_CAUSE_PEER, CURLE_FTP_QUOTE_ERROR, NULL); break;
  default: break;
  }
}

void sim_plant_step(sim *s)
{
  if (s->plant == PLANT_COUNT && s->steps == 50) s->m->running++;
  if (s->plant == PLANT_WAKE && s->woken) s->m->woken = false;
  if (s->plant == PLANT_QUEUE) s->m->max_connections = 1;
  if (s->plant == PLANT_CONNECTIONS) s->m->max_connections = s->m->max_host_connections = 0;
  for (uint32_t i = 0; i < s->count; i++)
    if (s->transfers[i].running) spoil(s, &s->transfers[i]);
}
