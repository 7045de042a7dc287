/* clocks.c: see clocks.h. */
#include "clocks.h"
#include <string.h>
#include "connection.h"
#include "multi.h"

/* Time now: inside a run the run's own, else the clock's. */
int64_t sl_clocks_now_us(sl_transfer *t)
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

/* B16: neither our queue nor the way to the peer is the peer's speed. */
static bool low_speed_on(const sl_transfer *t)
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
  bool on = low_speed_on(t);
  set_timer(t, SL_TIMER_LOW_SPEED, on ? now + SL_SECOND : SL_NEVER);
  sl_meter_start(&t->meter, now, bytes);
  note_low_speed(t);
  if (on) sl_meter_too_slow(&t->meter, now, sl_meter_speed(&t->meter, now, bytes), t->low_speed_limit, SL_NEVER);
}

/* L5: a pause made it forget. What waited meanwhile is taken in before the first record (B17), which is due now. */
static void resume_low_speed(sl_transfer *t)
{
  sl_meter_resume(&t->meter);
  if (t->sink_since_us) t->sink_since_us = t->multi->now_us; /* of what it holds back, only the rest is still to be left out */
  note_low_speed(t);
  set_timer(t, SL_TIMER_LOW_SPEED, low_speed_on(t) ? t->multi->now_us : SL_NEVER);
}

/* B9: silence counts while an answer is due and wanted. */
static bool silence_on(const sl_transfer *t)
{
  return t->state.send == SL_SEND_END && t->state.recv != SL_RECV_END && !(t->paused_noted & SL_DIR_RECV);
}

static void set_silence(sl_transfer *t)
{
  set_timer(t, SL_TIMER_SILENCE, silence_on(t) ? deadline(t->last_recv_us, t->options->silence_timeout_ms) : SL_NEVER);
}

void sl_clocks_silence(sl_transfer *t)
{
  t->last_recv_us = t->multi->now_us;
  t->unsent_noted = INT64_MAX;
  set_silence(t);
}

/* B16: our own queue is no way to the peer, for those who say so. */
static bool connect_on(const sl_transfer *t)
{
  return !t->host_noted &&
         (t->state.life == SL_CONNECTING || (t->state.life == SL_PENDING && !t->user->connect_alone));
}

static int64_t connect_since_us(const sl_transfer *t) { return t->user->connect_alone ? t->opening_us : t->single_us; }

static bool paused_on(const sl_transfer *t) { return t->own_noted && !t->host_noted; }

static bool queue_on(const sl_transfer *t)
{
  return t->queued && !t->host_noted && !(t->paused_noted & SL_DIR_RECV);
}

/* T1, T2: they run while the caller pauses; B15: not while the host holds. */
void sl_clocks_set(sl_transfer *t)
{
  if (!t->start_us) return; /* T2: not before the first run */
  const sl_options *o = t->options;
  int64_t connect = o->connect_timeout_ms ? o->connect_timeout_ms : SL_CONNECT_TIMEOUT_MS;
  set_timer(t, SL_TIMER_TOTAL, t->host_noted ? SL_NEVER : deadline(t->start_us + t->frozen_us, o->timeout_ms));
  set_timer(t, SL_TIMER_CONNECT, connect_on(t) ? deadline(connect_since_us(t) + t->frozen_us, connect) : SL_NEVER);
  set_timer(t, SL_TIMER_PAUSED, paused_on(t) ? deadline(t->own_since_us, o->paused_timeout_ms) : SL_NEVER);
  set_timer(t, SL_TIMER_QUEUE, queue_on(t) ? deadline(t->waits_since_us, o->queue_timeout_ms) : SL_NEVER);
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
  if (opened & SL_DIR_RECV) sl_bucket_burst(&t->recv_bucket, (int64_t)sl_transfer_held_engine(t), now);
  if (opened & SL_DIR_SEND) sl_bucket_burst(&t->send_bucket, 0, now);
  resume_low_speed(t);
}

/* The sink alone held it back: that time does not count. */
static void go_on(sl_transfer *t, int64_t held_us)
{
  sl_meter_skip(&t->meter, held_us);
  if (low_speed_on(t)) set_timer(t, SL_TIMER_LOW_SPEED, sl_meter_next_us(&t->meter));
}

/* The gate may have changed: by a call, by a refusal, by the host. */
bool sl_clocks_gate(sl_transfer *t)
{
  uint8_t paused = (uint8_t)sl_gate_paused(&t->gate), before = t->paused_noted;
  uint8_t by = t->gate.by_recv | t->gate.by_send;
  bool same = ((by & ~SL_BY_HOST) != 0) == t->own_noted && ((by & SL_BY_HOST) != 0) == t->host_noted;
  if (by & ~SL_BY_SINK) t->sink_since_us = 0;
  if (!t->multi || (paused == before && same)) return false;
  int64_t now = sl_clocks_now_us(t);
  note_who(t, now);
  if (paused == before) return false;
  t->paused_noted = paused;
  if (!before) t->paused_since_us = now;
  if (!paused) t->paused_us += now - t->paused_since_us;
  if (!before && by == SL_BY_SINK) {
    t->sink_since_us = now;
    set_timer(t, SL_TIMER_LOW_SPEED, SL_NEVER);
  } else if (!paused && t->sink_since_us) {
    go_on(t, now - t->sink_since_us);
    t->sink_since_us = 0;
  } else forget(t, before & ~paused, now);
  if ((before ^ paused) & SL_DIR_RECV) {
    t->waits_since_us = now;
    sl_clocks_silence(t);
    sl_clocks_set(t);
  }
  /* Last: who looks on may pause it once more. */
  sl_multi_trace(t->multi, t, SL_TRACE_GATE, paused, t->gate.by_recv * 16 + t->gate.by_send);
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
  set_timer(t, SL_TIMER_EXPECT, t->multi->now_us + t->options->expect_100_ms * 1000);
}

void sl_clocks_retry(sl_transfer *t) { set_timer(t, SL_TIMER_RETRY, t->multi->now_us + SL_BUSY_RETRY_US); }

void sl_clocks_hop(sl_transfer *t) { set_timer(t, SL_TIMER_HOP, t->multi->now_us + SL_DRAIN_US); }

void sl_clocks_single(sl_transfer *t)
{
  set_timer(t, SL_TIMER_HOP, SL_NEVER);
  t->judge = 0; /* what had come was meant for the try before */
  t->single_us = t->multi->now_us - t->frozen_us; /* sl_clocks_set adds what was frozen */
  sl_clocks_set(t);
  start_speeds(t);
  set_timer(t, SL_TIMER_LOW_SPEED, SL_NEVER);
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

/* B17: whether what was due at `due_us` may be judged: it is seen in time, or had its second look. Else that is arranged
 * for, and the deadline comes again behind it. */
static bool looked(sl_transfer *t, enum sl_timer_kind kind, int64_t due_us)
{
  const sl_multi *m = t->multi;
  int64_t now = m->now_us, late = now - (due_us > m->before_us ? due_us : m->before_us);
  if (due_us > t->look_until_us) {
    t->look_until_us = now + (late < SL_LOOK_MAX_US ? late : SL_LOOK_MAX_US);
    if (late) sl_multi_look(t->multi, t);
  }
  if (now >= t->look_until_us) return true;
  set_timer(t, kind, t->look_until_us);
  return false;
}

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

/* B9, B16: these limits are told apart in the message. */
static void limit_passed(sl_transfer *t, const char *what, int64_t ms, const char *behind)
{
  char text[CURL_ERROR_SIZE];
  sl_line line = { text, text + sizeof text };
  sl_line_str(&line, what);
  sl_line_int(&line, ms);
  sl_line_str(&line, " milliseconds");
  sl_line_str(&line, behind);
  sl_transfer_stop(t, SL_CAUSE_LIMIT, CURLE_OPERATION_TIMEDOUT, text);
}

static bool is_slow(sl_transfer *t)
{
  const sl_options *o = t->options;
  int64_t now = t->multi->now_us, speed = sl_meter_speed(&t->meter, now, t->received + t->sent);
  return sl_meter_too_slow(&t->meter, now, speed, o->low_speed_limit, o->low_speed_time_s * SL_SECOND);
}

static void check_low_speed(sl_transfer *t)
{
  const sl_options *o = t->options;
  if (!is_slow(t)) {
    set_timer(t, SL_TIMER_LOW_SPEED, t->multi->now_us + SL_SECOND);
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

/* The peer may still be taking the request's body: what was sent lies between us for a while. Who cannot see it there
 * does not judge before the first byte of an answer, unless the body is so small that nothing can lie there long. */
static bool body_moves(sl_transfer *t)
{
  if (t->first_us || !t->body_read) return false;
  int64_t before = t->unsent_noted, n = sl_transfer_unsent(t).underway;
  t->unsent_noted = n;
  return n < 0 ? t->body_read > SL_UNSEEN_MAX : n > 0 && n < before;
}

/* The deadline is moved only when it comes, not with every receive: one heap operation a period. */
static int64_t silence_due_us(sl_transfer *t)
{
  int64_t ms = t->options->silence_timeout_ms, due = deadline(t->last_recv_us, ms), now = t->multi->now_us;
  return due > now || sl_transfer_recv_allowance(t) ? due : deadline(now, ms); /* while the rate lets nothing in, nobody listens */
}

static void check_silence(sl_transfer *t)
{
  int64_t ms = t->options->silence_timeout_ms, due = silence_due_us(t), now = t->multi->now_us;
  if (due <= now && body_moves(t)) due = deadline(now, ms);
  if (due > now) set_timer(t, SL_TIMER_SILENCE, due);
  else limit_passed(t, "Peer silent for ", ms, "");
}

/* B9: while the rate let nothing in, nobody listened. */
static void recv_wanted(sl_transfer *t) { t->last_recv_us = sl_clocks_now_us(t); }

#define GOES_ON 0x8000u /* in `judge`: see sl_clocks_judge */
_Static_assert(SL_TIMER_KINDS <= 15, "a bit for each kind");

static void judge(sl_transfer *t, enum sl_timer_kind kind)
{
  const sl_options *o = t->options;
  switch (kind) {
  case SL_TIMER_CONNECT: if (connect_on(t)) time_out(t, "Connection", connect_since_us(t)); break;
  case SL_TIMER_LOW_SPEED: if (low_speed_on(t)) check_low_speed(t); break;
  case SL_TIMER_PAUSED: if (paused_on(t)) limit_passed(t, "Paused for ", o->paused_timeout_ms, ""); break;
  case SL_TIMER_QUEUE: if (queue_on(t)) limit_passed(t, "Waited ", o->queue_timeout_ms, " for a free connection"); break;
  case SL_TIMER_SILENCE: if (silence_on(t)) check_silence(t); break;
  case SL_TIMER_HOP: sl_transfer_hop_now(t); break;
  default: sl_out_go(t); break; /* EXPECT */
  }
}

/* Behind what this run delivered of what was held, its connection may go on: that comes first, once. */
void sl_clocks_judge(sl_transfer *t)
{
  uint32_t kinds = t->judge;
  t->judge = 0;
  if (!(kinds & GOES_ON) && t->conn && t->conn->ready) {
    t->judge = (uint16_t)(kinds | GOES_ON);
    sl_multi_dirty(t->multi, t);
    return;
  }
  for (unsigned kind = 0; kind < SL_TIMER_KINDS; kind++)
    if ((kinds >> kind & 1) && t->timer.due_us[kind] == SL_NEVER && !t->cause) judge(t, kind); /* else it was set anew */
}

/* Such a deadline has come: a second look at first, then it is judged in this run. */
static void suspect(sl_transfer *t, enum sl_timer_kind kind, int64_t due_us)
{
  int64_t silent_us = kind == SL_TIMER_SILENCE ? silence_due_us(t) : 0;
  if (silent_us > t->multi->now_us) set_timer(t, kind, silent_us);
  else if (looked(t, kind, due_us)) {
    if (kind == SL_TIMER_LOW_SPEED && t->meter.count && !is_slow(t)) { /* the usual case costs no turn */
      set_timer(t, kind, t->multi->now_us + SL_SECOND);
      return;
    }
    t->judge |= (uint16_t)(1u << kind);
    if (t->conn) sl_multi_ready(t->multi, t->conn);
    sl_multi_dirty(t->multi, t);
  }
}

void sl_transfer_expire(sl_transfer *t)
{
  for (unsigned kind = 0; kind < SL_TIMER_KINDS; kind++) {
    int64_t due_us = t->timer.due_us[kind];
    if (due_us > t->multi->now_us) continue;
    set_timer(t, kind, SL_NEVER);
    if (t->cause) continue;
    switch ((enum sl_timer_kind)kind) {
    case SL_TIMER_TOTAL: time_out(t, "Operation", t->start_us); break;
    case SL_TIMER_RECV_RATE: recv_wanted(t); sl_multi_dirty(t->multi, t); break;
    case SL_TIMER_SEND_RATE:
    case SL_TIMER_RETRY: sl_multi_dirty(t->multi, t); break; /* what they held back goes on */
    default: suspect(t, kind, due_us); break;
    }
  }
}

/* Tokens are added first: who could not go on for another reason did not ask, and the deadline would lie behind. */
static int64_t bucket_due_us(sl_transfer *t, sl_bucket *b)
{
  sl_bucket_allows(b, sl_clocks_now_us(t));
  return sl_bucket_next_us(b);
}

void sl_transfer_arm(sl_transfer *t)
{
  if (t->cause || t->state.life != SL_ACTIVE) return;
  bool receives = sl_transfer_takes(t) || sl_transfer_replays(t);
  bool sends = t->state.send != SL_SEND_END && !(sl_gate_paused(&t->gate) & SL_DIR_SEND);
  int64_t recv_due = receives ? bucket_due_us(t, &t->recv_bucket) : SL_NEVER;
  if (recv_due == SL_NEVER && t->timer.due_us[SL_TIMER_RECV_RATE] != SL_NEVER) recv_wanted(t);
  set_timer(t, SL_TIMER_RECV_RATE, recv_due);
  set_timer(t, SL_TIMER_SEND_RATE, sends ? bucket_due_us(t, &t->send_bucket) : SL_NEVER);
}

void sl_transfer_limits(sl_transfer *t)
{
  if (!sl_transfer_running(t) || !t->start_us) return; /* T2: the first run takes them as they are then */
  int64_t now = sl_clocks_now_us(t);
  const sl_options *o = t->options;
  const sl_timer before = t->timer;
  sl_clocks_set(t);
  set_silence(t);
  for (unsigned kind = 0; kind < SL_TIMER_KINDS; kind++) /* what a change has put behind us comes now: nobody was late (B17) */
    if (t->timer.due_us[kind] < now && t->timer.due_us[kind] != before.due_us[kind]) set_timer(t, kind, now);
  bool burst = o->burst != t->burst_noted;
  t->burst_noted = o->burst;
  if (burst || o->max_recv_speed != t->recv_bucket.rate) sl_bucket_change(&t->recv_bucket, o->max_recv_speed, o->burst, now);
  if (burst || o->max_send_speed != t->send_bucket.rate) sl_bucket_change(&t->send_bucket, o->max_send_speed, o->burst, now);
  if (o->low_speed_limit != t->low_speed_limit || o->low_speed_time_s != t->low_speed_time_s) resume_low_speed(t);
  sl_multi_dirty(t->multi, t);
}
