/* clocks.c: see clocks.h. */
#include "clocks.h"
#include <string.h>
#include "agenda.h"
#include "ready.h"

void sl_clocks_set_timer(sl_transfer *t, enum sl_timer_kind kind, int64_t due_us)
{
  sl_timers_set(&t->multi->timers, &t->timer, kind, due_us);
}

/* `after` milliseconds from `from`; 0 = never. */
int64_t sl_clocks_deadline(int64_t from_us, int64_t after_ms)
{
  if (after_ms <= 0) return SL_NEVER;
  return after_ms > (SL_NEVER - from_us) / 1000 ? SL_NEVER - 1 : from_us + after_ms * 1000;
}

/* B16: neither our queue nor the way to the peer is the peer's speed. */
bool sl_clocks_low_speed_on(const sl_transfer *t)
{
  const sl_options *o = t->options;
  return o->low_speed_limit && o->low_speed_time_s && !t->paused_noted && t->state.life == SL_ACTIVE;
}

static void note_low_speed(sl_transfer *t)
{
  t->low_speed_limit = t->options->low_speed_limit;
  t->low_speed_time_s = t->options->low_speed_time_s;
}

/* The first answer is asked for at once, so that being slow begins here and not a second later (L4). */
static void start_low_speed(sl_transfer *t)
{
  int64_t now = t->multi->now_us;
  uint64_t bytes = t->received + t->sent;
  bool on = sl_clocks_low_speed_on(t);
  sl_clocks_set_timer(t, SL_TIMER_LOW_SPEED, on ? now + SL_SECOND : SL_NEVER);
  sl_meter_start(&t->meter, now, bytes);
  note_low_speed(t);
  if (on) sl_meter_too_slow(&t->meter, now, sl_meter_speed(&t->meter, now, bytes), t->low_speed_limit, SL_NEVER);
}

/* L5: a pause made it forget. What waited meanwhile is taken in before the first record (B17), which is due now. */
void sl_clocks_low_speed_anew(sl_transfer *t)
{
  sl_meter_resume(&t->meter);
  if (t->sink_since_us) t->sink_since_us = t->multi->now_us; /* of what it holds back, only the rest is still to be left out */
  note_low_speed(t);
  sl_clocks_set_timer(t, SL_TIMER_LOW_SPEED, sl_clocks_low_speed_on(t) ? t->multi->now_us : SL_NEVER);
}

/* B9: silence counts while an answer is due and wanted. */
bool sl_clocks_silence_on(const sl_transfer *t)
{
  return t->state.send == SL_SEND_END && t->state.recv != SL_RECV_END && !(t->paused_noted & SL_DIR_RECV);
}

void sl_clocks_silence_set(sl_transfer *t)
{
  sl_clocks_set_timer(t, SL_TIMER_SILENCE, sl_clocks_silence_on(t) ? sl_clocks_deadline(t->last_recv_us, t->options->silence_timeout_ms) : SL_NEVER);
}

void sl_clocks_silence(sl_transfer *t)
{
  t->last_recv_us = t->multi->now_us;
  t->unsent_noted = INT64_MAX;
  sl_clocks_silence_set(t);
}

/* B16: our own queue is no way to the peer, for those who say so. */
bool sl_clocks_connect_on(const sl_transfer *t)
{
  return !t->host_noted &&
         (t->state.life == SL_CONNECTING || (t->state.life == SL_PENDING && !t->user->connect_alone));
}

int64_t sl_clocks_connect_since_us(const sl_transfer *t) { return t->user->connect_alone ? t->opening_us : t->single_us; }

bool sl_clocks_paused_on(const sl_transfer *t) { return t->own_noted && !t->host_noted; }

bool sl_clocks_queue_on(const sl_transfer *t)
{
  return t->queued && !t->host_noted && !(t->paused_noted & SL_DIR_RECV);
}

/* T1, T2: they run while the caller pauses; B15: not while the host holds. */
void sl_clocks_set(sl_transfer *t)
{
  if (!t->start_us) return; /* T2: not before the first run */
  const sl_options *o = t->options;
  int64_t connect = o->connect_timeout_ms ? o->connect_timeout_ms : SL_CONNECT_TIMEOUT_MS;
  sl_clocks_set_timer(t, SL_TIMER_TOTAL, t->host_noted ? SL_NEVER : sl_clocks_deadline(t->start_us + t->frozen_us, o->timeout_ms));
  sl_clocks_set_timer(t, SL_TIMER_CONNECT, sl_clocks_connect_on(t) ? sl_clocks_deadline(sl_clocks_connect_since_us(t) + t->frozen_us, connect) : SL_NEVER);
  sl_clocks_set_timer(t, SL_TIMER_PAUSED, sl_clocks_paused_on(t) ? sl_clocks_deadline(t->own_since_us, o->paused_timeout_ms) : SL_NEVER);
  sl_clocks_set_timer(t, SL_TIMER_QUEUE, sl_clocks_queue_on(t) ? sl_clocks_deadline(t->waits_since_us, o->queue_timeout_ms) : SL_NEVER);
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
  sl_clocks_set(t);
}

/* A pause of somebody began or ended: what the meter and the buckets know is forgotten (S3, L5). */
static void forget(sl_transfer *t, uint32_t opened, int64_t now)
{
  if (opened & SL_DIR_RECV) sl_bucket_burst(&t->recv_bucket, (int64_t)sl_ready_held_engine(t), now);
  if (opened & SL_DIR_SEND) sl_bucket_burst(&t->send_bucket, 0, now);
  sl_clocks_low_speed_anew(t);
}

/* The sink alone held it back: that time does not count. */
static void go_on(sl_transfer *t, int64_t held_us)
{
  sl_meter_skip(&t->meter, held_us);
  if (sl_clocks_low_speed_on(t)) sl_clocks_set_timer(t, SL_TIMER_LOW_SPEED, sl_meter_next_us(&t->meter));
}

/* The gate may have changed: by a call, by a refusal, by the host. */
bool sl_clocks_gate(sl_transfer *t)
{
  uint8_t paused = (uint8_t)sl_gate_paused(&t->gate), before = t->paused_noted;
  uint8_t by = t->gate.by_recv | t->gate.by_send;
  bool same = ((by & ~SL_BY_HOST) != 0) == t->own_noted && ((by & SL_BY_HOST) != 0) == t->host_noted;
  if (by & ~SL_BY_SINK) t->sink_since_us = 0;
  if (!t->multi || (paused == before && same)) return false;
  int64_t now = sl_agenda_now_us(t);
  note_who(t, now);
  if (paused == before) return false;
  t->paused_noted = paused;
  if (!before) t->paused_since_us = now;
  if (!paused) t->paused_us += now - t->paused_since_us;
  if (!before && by == SL_BY_SINK) {
    t->sink_since_us = now;
    sl_clocks_set_timer(t, SL_TIMER_LOW_SPEED, SL_NEVER);
  } else if (!paused && t->sink_since_us) {
    go_on(t, now - t->sink_since_us);
    t->sink_since_us = 0;
  } else forget(t, before & ~paused, now);
  if ((before ^ paused) & SL_DIR_RECV) {
    t->waits_since_us = now;
    sl_clocks_silence(t);
    sl_clocks_set(t);
    sl_clocks_hop(t);
  }
  /* Last: who looks on may pause it once more. */
  sl_agenda_trace(t->multi, t, SL_TRACE_GATE, paused, t->gate.by_recv * 16 + t->gate.by_send);
  return true;
}

/* For those who look on: since the request began, not since its first byte, so that a short one has a speed too. */
static void start_speeds(sl_transfer *t)
{
  sl_speed_start(&t->recv_speed, t->multi->now_us);
  sl_speed_start(&t->send_speed, t->multi->now_us);
}

/* T2: the clocks begin with the first run, not when it was added. */
void sl_clocks_begin(sl_transfer *t)
{
  const sl_options *o = t->options;
  int64_t now = t->multi->now_us;
  t->start_us = t->single_us = now;
  t->burst_noted = o->burst;
  if (t->paused_noted) t->paused_since_us = t->own_since_us = t->frozen_since_us = now;
  sl_clocks_set(t);
  start_speeds(t);
  sl_bucket_start(&t->recv_bucket, o->max_recv_speed, o->burst, now);
  sl_bucket_start(&t->send_bucket, o->max_send_speed, o->burst, now);
}

void sl_clocks_expect(sl_transfer *t)
{
  sl_clocks_set_timer(t, SL_TIMER_EXPECT, t->multi->now_us + t->options->expect_100_ms * 1000);
}

void sl_clocks_retry(sl_transfer *t) { sl_clocks_set_timer(t, SL_TIMER_RETRY, t->multi->now_us + SL_BUSY_RETRY_US); }

/* While receiving is paused, the rest of a redirect's body is not late. */
void sl_clocks_hop(sl_transfer *t)
{
  bool on = t->after && t->state.recv == SL_RECV_BODY && !(sl_gate_paused(&t->gate) & SL_DIR_RECV);
  sl_clocks_set_timer(t, SL_TIMER_HOP, on ? t->multi->now_us + SL_DRAIN_US : SL_NEVER);
}

void sl_clocks_single(sl_transfer *t)
{
  sl_clocks_set_timer(t, SL_TIMER_HOP, SL_NEVER);
  t->judge = 0; /* what had come was meant for the try before */
  t->single_us = t->multi->now_us - t->frozen_us; /* sl_clocks_set adds what was frozen */
  sl_clocks_set(t);
  start_speeds(t);
  sl_clocks_set_timer(t, SL_TIMER_LOW_SPEED, SL_NEVER);
}

void sl_clocks_opening(sl_transfer *t)
{
  t->opening_us = t->multi->now_us - t->frozen_us;
  sl_clocks_set(t);
}

void sl_clocks_connected(sl_transfer *t)
{
  sl_clocks_set(t);
  start_low_speed(t); /* the counters begin anew, so the records must */
}

/* Deadlines. */

/* B9: while the rate let nothing in, nobody listened. */
void sl_clocks_recv_wanted(sl_transfer *t) { t->last_recv_us = sl_agenda_now_us(t); }

/* Tokens are added first: who could not go on for another reason did not ask, and the deadline would lie behind. */
static int64_t bucket_due_us(sl_transfer *t, sl_bucket *b)
{
  sl_bucket_allows(b, sl_agenda_now_us(t));
  return sl_bucket_next_us(b);
}

void sl_clocks_arm(sl_transfer *t)
{
  if (t->cause || t->state.life != SL_ACTIVE) return;
  bool receives = sl_ready_takes(t) || sl_ready_replays(t);
  bool sends = t->state.send != SL_SEND_END && !(sl_gate_paused(&t->gate) & SL_DIR_SEND);
  int64_t recv_due = receives ? bucket_due_us(t, &t->recv_bucket) : SL_NEVER;
  if (recv_due == SL_NEVER && t->timer.due_us[SL_TIMER_RECV_RATE] != SL_NEVER) sl_clocks_recv_wanted(t);
  sl_clocks_set_timer(t, SL_TIMER_RECV_RATE, recv_due);
  sl_clocks_set_timer(t, SL_TIMER_SEND_RATE, sends ? bucket_due_us(t, &t->send_bucket) : SL_NEVER);
}
