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

static bool low_speed_on(const sl_transfer *t)
{
  const sl_options *o = t->options;
  return o->low_speed_limit && o->low_speed_time_s && !t->paused_noted && sl_transfer_running(t);
}

/* L5: the low-speed clock runs while nothing is paused; a pause makes it forget. The first answer is asked for
 * at once, so that being slow begins here and not a second later (L4). */
static void start_low_speed(sl_transfer *t, bool first)
{
  const sl_options *o = t->options;
  int64_t now = t->multi->now_us;
  uint64_t bytes = t->received + t->sent;
  bool on = low_speed_on(t);
  set_timer(t, SL_TIMER_LOW_SPEED, on ? now + SL_SECOND : SL_NEVER);
  if (first) sl_meter_start(&t->meter, now, bytes);
  else sl_meter_resume(&t->meter, now, bytes);
  if (t->sink_since_us) t->sink_since_us = now; /* of what it holds back, only the rest is still to be left out */
  t->low_speed_limit = o->low_speed_limit;
  t->low_speed_time_s = o->low_speed_time_s;
  if (on) sl_meter_too_slow(&t->meter, now, sl_meter_speed(&t->meter, now, bytes), o->low_speed_limit, SL_NEVER);
}

/* B9: silence counts while an answer is due and wanted. */
static void set_silence(sl_transfer *t)
{
  bool on = t->state.send == SL_SEND_END && t->state.recv != SL_RECV_END && !(t->paused_noted & SL_DIR_RECV);
  set_timer(t, SL_TIMER_SILENCE, on ? deadline(t->last_recv_us, t->options->silence_timeout_ms) : SL_NEVER);
}

void sl_clocks_silence(sl_transfer *t)
{
  t->last_recv_us = t->multi->now_us;
  set_silence(t);
}

/* T1, T2: they run while the caller pauses; B15: not while the host holds. */
void sl_clocks_set(sl_transfer *t)
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
  sl_clocks_set(t);
}

/* A pause of somebody began or ended: what the meter and the buckets know is forgotten (S3, L5). */
static void forget(sl_transfer *t, uint32_t opened, int64_t now)
{
  if (opened & SL_DIR_RECV) sl_bucket_burst(&t->recv_bucket, (int64_t)sl_transfer_held_engine(t), now);
  if (opened & SL_DIR_SEND) sl_bucket_burst(&t->send_bucket, 0, now);
  start_low_speed(t, false);
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
  if ((before ^ paused) & SL_DIR_RECV) sl_clocks_silence(t);
  /* Last: who looks on may pause it once more. */
  sl_multi_trace(t->multi, t, SL_TRACE_GATE, paused, t->gate.by_recv * 16 + t->gate.by_send);
  return true;
}

/* T2: the clocks begin with the first run, not when it was added. */
void sl_clocks_begin(sl_transfer *t)
{
  const sl_options *o = t->options;
  int64_t now = t->multi->now_us;
  t->start_us = t->single_us = now;
  if (t->paused_noted) t->paused_since_us = t->own_since_us = t->frozen_since_us = now;
  sl_clocks_set(t);
  sl_bucket_start(&t->recv_bucket, o->max_recv_speed, now);
  sl_bucket_start(&t->send_bucket, o->max_send_speed, now);
  start_low_speed(t, true);
}

void sl_clocks_expect(sl_transfer *t)
{
  set_timer(t, SL_TIMER_EXPECT, t->multi->now_us + t->options->expect_100_ms * 1000);
}

void sl_clocks_retry(sl_transfer *t) { set_timer(t, SL_TIMER_RETRY, t->multi->now_us + SL_BUSY_RETRY_US); }

void sl_clocks_single(sl_transfer *t)
{
  t->single_us = t->multi->now_us - t->frozen_us; /* sl_clocks_set adds what was frozen */
  sl_clocks_set(t);
  start_low_speed(t, true); /* the counters begin anew, so the records must */
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

/* B9: while the rate let nothing in, nobody listened. */
static void recv_wanted(sl_transfer *t) { t->last_recv_us = sl_clocks_now_us(t); }

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
    case SL_TIMER_EXPECT: sl_out_go(t); break;
    case SL_TIMER_RECV_RATE: recv_wanted(t); sl_multi_dirty(t->multi, t); break;
    default: sl_multi_dirty(t->multi, t); break; /* what they held back goes on */
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
  sl_clocks_set(t);
  set_silence(t);
  if (o->max_recv_speed != t->recv_bucket.rate) sl_bucket_change(&t->recv_bucket, o->max_recv_speed, now);
  if (o->max_send_speed != t->send_bucket.rate) sl_bucket_change(&t->send_bucket, o->max_send_speed, now);
  if (o->low_speed_limit != t->low_speed_limit || o->low_speed_time_s != t->low_speed_time_s)
    start_low_speed(t, false);
  sl_multi_dirty(t->multi, t);
}
