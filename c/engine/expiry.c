/* expiry.c: see expiry.h. */
#include "expiry.h"
#include <string.h>
#include "agenda.h"
#include "clocks.h"
#include "ready.h"
#include "transfer.h"

/* B17: whether what was due at `due_us` may be judged: it is seen in time, or had its second look. Else that is arranged
 * for, and the deadline comes again behind it. */
static bool looked(sl_transfer *t, enum sl_timer_kind kind, int64_t due_us)
{
  const sl_multi *m = t->multi;
  int64_t now = m->now_us, late = now - (due_us > m->before_us ? due_us : m->before_us);
  if (due_us > t->look_until_us) {
    t->look_until_us = now + (late < SL_LOOK_MAX_US ? late : SL_LOOK_MAX_US);
    if (late) sl_agenda_look(t->multi, t);
  }
  if (now >= t->look_until_us) return true;
  sl_clocks_set_timer(t, kind, t->look_until_us);
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
    sl_clocks_set_timer(t, SL_TIMER_LOW_SPEED, t->multi->now_us + SL_SECOND);
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
  int64_t before = t->unsent_noted, n = sl_ready_unsent(t).underway;
  t->unsent_noted = n;
  return n < 0 ? t->body_read > SL_UNSEEN_MAX : n > 0 && n < before;
}

/* The deadline is moved only when it comes, not with every receive: one heap operation a period. */
static int64_t silence_due_us(sl_transfer *t)
{
  int64_t ms = t->options->silence_timeout_ms, due = sl_clocks_deadline(t->last_recv_us, ms), now = t->multi->now_us;
  return due > now || sl_ready_recv(t) ? due : sl_clocks_deadline(now, ms); /* while the rate lets nothing in, nobody listens */
}

static void check_silence(sl_transfer *t)
{
  int64_t ms = t->options->silence_timeout_ms, due = silence_due_us(t), now = t->multi->now_us;
  if (due <= now && body_moves(t)) due = sl_clocks_deadline(now, ms);
  if (due > now) sl_clocks_set_timer(t, SL_TIMER_SILENCE, due);
  else limit_passed(t, "Peer silent for ", ms, "");
}

#define GOES_ON 0x8000u /* in `judge`: see sl_expiry_judge */
_Static_assert(SL_TIMER_KINDS <= 15, "a bit for each kind");

static void judge(sl_transfer *t, enum sl_timer_kind kind)
{
  const sl_options *o = t->options;
  switch (kind) {
  case SL_TIMER_CONNECT: if (sl_clocks_connect_on(t)) time_out(t, "Connection", sl_clocks_connect_since_us(t)); break;
  case SL_TIMER_LOW_SPEED: if (sl_clocks_low_speed_on(t)) check_low_speed(t); break;
  case SL_TIMER_PAUSED: if (sl_clocks_paused_on(t)) limit_passed(t, "Paused for ", o->paused_timeout_ms, ""); break;
  case SL_TIMER_QUEUE: if (sl_clocks_queue_on(t)) limit_passed(t, "Waited ", o->queue_timeout_ms, " for a free connection"); break;
  case SL_TIMER_SILENCE: if (sl_clocks_silence_on(t)) check_silence(t); break;
  case SL_TIMER_HOP: sl_transfer_hop_now(t); break;
  default: sl_out_go(t); break; /* EXPECT */
  }
}

/* Behind what this run delivered of what was held, its connection may go on: that comes first, once. */
void sl_expiry_judge(sl_transfer *t)
{
  uint32_t kinds = t->judge;
  t->judge = 0;
  if (!(kinds & GOES_ON) && t->conn && t->conn->ready) {
    t->judge = (uint16_t)(kinds | GOES_ON);
    sl_agenda_dirty(t->multi, t);
    return;
  }
  for (unsigned kind = 0; kind < SL_TIMER_KINDS; kind++)
    if ((kinds >> kind & 1) && t->timer.due_us[kind] == SL_NEVER && !t->cause) judge(t, kind); /* else it was set anew */
}

/* Such a deadline has come: a second look at first, then it is judged in this run. */
static void suspect(sl_transfer *t, enum sl_timer_kind kind, int64_t due_us)
{
  int64_t silent_us = kind == SL_TIMER_SILENCE ? silence_due_us(t) : 0;
  if (silent_us > t->multi->now_us) sl_clocks_set_timer(t, kind, silent_us);
  else if (looked(t, kind, due_us)) {
    if (kind == SL_TIMER_LOW_SPEED && t->meter.count && !is_slow(t)) { /* the usual case costs no turn */
      sl_clocks_set_timer(t, kind, t->multi->now_us + SL_SECOND);
      return;
    }
    t->judge |= (uint16_t)(1u << kind);
    if (t->conn) sl_agenda_ready(t->multi, t->conn);
    sl_agenda_dirty(t->multi, t);
  }
}

void sl_expiry_run(sl_transfer *t)
{
  for (unsigned kind = 0; kind < SL_TIMER_KINDS; kind++) {
    int64_t due_us = t->timer.due_us[kind];
    if (due_us > t->multi->now_us) continue;
    sl_clocks_set_timer(t, kind, SL_NEVER);
    if (t->cause) continue;
    switch ((enum sl_timer_kind)kind) {
    case SL_TIMER_TOTAL: time_out(t, "Operation", t->start_us); break;
    case SL_TIMER_RECV_RATE: sl_clocks_recv_wanted(t); sl_agenda_dirty(t->multi, t); break;
    case SL_TIMER_SEND_RATE:
    case SL_TIMER_RETRY: sl_agenda_dirty(t->multi, t); break; /* what they held back goes on */
    default: suspect(t, kind, due_us); break;
    }
  }
}

void sl_expiry_limits(sl_transfer *t)
{
  if (!sl_ready_running(t) || !t->start_us) return; /* T2: the first run takes them as they are then */
  int64_t now = sl_agenda_now_us(t);
  const sl_options *o = t->options;
  const sl_timer before = t->timer;
  sl_clocks_set(t);
  sl_clocks_silence_set(t);
  for (unsigned kind = 0; kind < SL_TIMER_KINDS; kind++) /* what a change has put behind us comes now: nobody was late (B17) */
    if (t->timer.due_us[kind] < now && t->timer.due_us[kind] != before.due_us[kind]) sl_clocks_set_timer(t, kind, now);
  bool burst = o->burst != t->burst_noted;
  t->burst_noted = o->burst;
  if (burst || o->max_recv_speed != t->recv_bucket.rate) sl_bucket_change(&t->recv_bucket, o->max_recv_speed, o->burst, now);
  if (burst || o->max_send_speed != t->send_bucket.rate) sl_bucket_change(&t->send_bucket, o->max_send_speed, o->burst, now);
  if (o->low_speed_limit != t->low_speed_limit || o->low_speed_time_s != t->low_speed_time_s) sl_clocks_low_speed_anew(t);
  sl_agenda_dirty(t->multi, t);
}
