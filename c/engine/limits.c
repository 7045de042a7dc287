/* limits.c: see limits.h.
 *
 * Nothing here can fail: rates, sizes and counts of any size are taken, and what does not fit saturates.
 * No 128-bit and no floating arithmetic, so that the Wasm and the native build say the same to the byte.
 *
 * Bucket: rate > 0 means per_step >= 1 and step_us >= 1; tokens <= bucket_cap; last_us is the begin of the
 * running step. Meter: ring[(count - 1) % SL_METER_RECORDS] is the newest record. */
#include "limits.h"
#include "base.h"

#define LAST_STEP_MAX 4096 /* S1: bytes of the last step at most */

static int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }

/* amount * SL_SECOND / per, per > 0; saturates. A duration when bytes are divided by a rate, a speed when
 * bytes are divided by microseconds. */
static int64_t scale_second(uint64_t amount, uint64_t per)
{
  uint64_t whole = amount / per, rest = amount % per;
  if (whole >= (uint64_t)(INT64_MAX / SL_SECOND)) return INT64_MAX;
  while (rest > UINT64_MAX / (uint64_t)SL_SECOND) {
    rest >>= 1; /* far more digits than a microsecond matters to: drop the last */
    per >>= 1;
  }
  return (int64_t)(whole * (uint64_t)SL_SECOND + rest * (uint64_t)SL_SECOND / per);
}

static int64_t bucket_cap(const sl_bucket *b)
{
  if (b->burst) return larger(b->burst, b->per_step);
  return larger(larger(b->rate, SL_BURST_MIN), b->per_step);
}

/* tokens + n, n >= 0, at most what the bucket holds. */
static void bucket_add(sl_bucket *b, int64_t n)
{
  int64_t cap = bucket_cap(b);
  if (b->tokens > cap - n) b->tokens = cap;
  else b->tokens += n;
}

/* Add the steps that have passed. */
static void bucket_refill(sl_bucket *b, int64_t now_us)
{
  SL_ASSERT(b->per_step > 0 && b->step_us > 0);
  if (now_us - b->last_us < b->step_us) return;
  int64_t steps = (now_us - b->last_us) / b->step_us;
  b->last_us += steps * b->step_us;
  b->taken = 0;
  bucket_add(b, steps > INT64_MAX / b->per_step ? INT64_MAX : steps * b->per_step);
}

/* Rate, burst and steps; rate > 0. */
static void bucket_set(sl_bucket *b, int64_t rate, int64_t burst)
{
  b->rate = rate;
  b->burst = burst < 0 ? larger(rate / 10, SL_BURST_MIN) : burst;
  b->per_step = burst ? larger(rate / (SL_SECOND / SL_BUCKET_STEP_US), 1) : rate;
  b->step_us = burst ? scale_second((uint64_t)b->per_step, (uint64_t)rate) + 1 : SL_SECOND; /* rounded up: never faster */
  if (burst && !(rate % (SL_SECOND / SL_BUCKET_STEP_US))) b->step_us = SL_BUCKET_STEP_US;
}

void sl_bucket_start(sl_bucket *b, int64_t rate, int64_t burst, int64_t now_us)
{
  *b = (sl_bucket){ .last_us = now_us };
  if (rate <= 0) return;
  bucket_set(b, rate, burst);
  b->tokens = burst ? bucket_cap(b) : rate;
}

void sl_bucket_change(sl_bucket *b, int64_t rate, int64_t burst, int64_t now_us)
{
  if (!b->rate || rate <= 0 || (burst != 0) != (b->burst != 0)) {
    sl_bucket_start(b, rate, burst, now_us);
    if (burst) b->tokens = b->per_step; /* who imposes a rate means now: no burst before it */
    return;
  }
  bucket_refill(b, now_us);
  bucket_set(b, rate, burst);
  if (!burst) {
    if (b->tokens >= 0) b->tokens = larger(rate - b->taken, 0);
    return;
  }
  b->last_us = larger(b->last_us, now_us - b->step_us); /* a step that was long is one step of the new ones */
  if (b->tokens > bucket_cap(b)) b->tokens = bucket_cap(b);
}

void sl_bucket_plan(sl_bucket *b, int64_t total, int64_t now_us)
{
  if (!b->rate || b->burst || total <= 0) return;
  bucket_refill(b, now_us);
  int64_t last = total / 100 < LAST_STEP_MAX ? total / 100 : LAST_STEP_MAX;
  int64_t steps = (total - last) / b->rate;
  int64_t before = b->per_step;
  b->per_step = steps ? (total - last) / steps : b->rate;
  b->step_us = scale_second((uint64_t)b->per_step, (uint64_t)b->rate);
  /* The step that runs becomes a longer one as well: what is missing of its tokens comes now. */
  bucket_add(b, larger(b->per_step - before, 0));
}

void sl_bucket_burst(sl_bucket *b, int64_t held, int64_t now_us)
{
  SL_ASSERT(held >= 0);
  if (!b->rate) return;
  b->tokens = (b->burst ? bucket_cap(b) : larger(b->rate, SL_BURST_MIN)) - held;
  b->last_us = now_us;
  b->taken = 0;
}

int64_t sl_bucket_allows(sl_bucket *b, int64_t now_us)
{
  if (!b->rate) return INT64_MAX;
  bucket_refill(b, now_us);
  return b->tokens > 0 ? b->tokens : 0;
}

void sl_bucket_charge(sl_bucket *b, int64_t n)
{
  if (!b->rate) return;
  if (n < 0) bucket_add(b, n > -INT64_MAX ? -n : INT64_MAX); /* given back */
  else b->tokens = b->tokens > n - INT64_MAX ? b->tokens - n : -INT64_MAX;
  b->taken = n > INT64_MAX - b->taken ? INT64_MAX : larger(b->taken + n, 0);
}

int64_t sl_bucket_next_us(const sl_bucket *b)
{
  if (!b->rate || b->tokens > 0) return SL_NEVER;
  int64_t spare = -b->tokens / b->per_step; /* steps that only pay back */
  if (spare >= (SL_NEVER - b->last_us) / b->step_us) return SL_NEVER;
  return b->last_us + (spare + 1) * b->step_us;
}

static void meter_record(sl_meter *m, int64_t now_us, uint64_t bytes)
{
  uint32_t i = m->count % SL_METER_RECORDS;
  m->ring[i].at_us = now_us;
  m->ring[i].bytes = bytes;
  /* Must not come back to "one record" after 2^32 seconds: the average would return. */
  if (++m->count == 2 * SL_METER_RECORDS) m->count = SL_METER_RECORDS;
}

void sl_meter_start(sl_meter *m, int64_t now_us, uint64_t bytes)
{
  m->start_us = now_us;
  m->start_bytes = bytes;
  sl_meter_resume(m);
  meter_record(m, now_us, bytes);
}

void sl_meter_resume(sl_meter *m)
{
  m->count = 0;
  m->slow_since_us = -1;
}

void sl_meter_skip(sl_meter *m, int64_t us)
{
  SL_ASSERT(us >= 0);
  m->start_us += us;
  for (unsigned i = 0; i < SL_METER_RECORDS; i++) m->ring[i].at_us += us;
  if (m->slow_since_us >= 0) m->slow_since_us += us;
}

int64_t sl_meter_next_us(const sl_meter *m)
{
  return m->count ? m->ring[(m->count - 1) % SL_METER_RECORDS].at_us + SL_SECOND : 0;
}

static int64_t speed_between(int64_t from_us, uint64_t from_bytes, int64_t to_us, uint64_t to_bytes)
{
  if (to_bytes <= from_bytes) return 0;
  return scale_second(to_bytes - from_bytes, to_us > from_us ? (uint64_t)(to_us - from_us) : 1);
}

int64_t sl_meter_speed(sl_meter *m, int64_t now_us, uint64_t bytes)
{
  if (!m->count) meter_record(m, now_us, bytes);
  uint32_t newest = (m->count - 1) % SL_METER_RECORDS;
  if (now_us - m->ring[newest].at_us >= SL_SECOND) {
    newest = m->count % SL_METER_RECORDS;
    meter_record(m, now_us, bytes);
  } else if (m->count > 1 && now_us == m->ring[newest].at_us) m->ring[newest].bytes = bytes; /* what came in that very moment is in it */
  if (m->count == 1) return speed_between(m->start_us, m->start_bytes, now_us, bytes);
  uint32_t oldest = m->count >= SL_METER_RECORDS ? m->count % SL_METER_RECORDS : 0;
  return speed_between(m->ring[oldest].at_us, m->ring[oldest].bytes, m->ring[newest].at_us,
                       m->ring[newest].bytes);
}

bool sl_meter_too_slow(sl_meter *m, int64_t now_us, int64_t speed, int64_t limit, int64_t time_us)
{
  if (limit <= 0 || time_us <= 0 || speed >= limit) {
    m->slow_since_us = -1;
    return false;
  }
  if (m->slow_since_us < 0) m->slow_since_us = now_us;
  return now_us - m->slow_since_us >= time_us;
}

void sl_speed_start(sl_speed *s, int64_t now_us)
{
  *s = (sl_speed){ .start_us = now_us, .end_us = now_us + SL_SPEED_SLOT_US };
}

/* How many slots have begun since the running one. */
static int64_t slots_passed(const sl_speed *s, int64_t now_us)
{
  return now_us < s->end_us ? 0 : (now_us - s->end_us) / SL_SPEED_SLOT_US + 1;
}

void sl_speed_add(sl_speed *s, int64_t now_us, uint32_t bytes)
{
  int64_t passed = slots_passed(s, now_us);
  s->end_us += passed * SL_SPEED_SLOT_US;
  for (int64_t i = 0; i < passed && i < SL_SPEED_SLOTS; i++) {
    s->at = (s->at + 1) % SL_SPEED_SLOTS;
    s->bytes[s->at] = 0;
  }
  s->bytes[s->at] += bytes;
}

int64_t sl_speed_now(const sl_speed *s, int64_t now_us)
{
  int64_t passed = slots_passed(s, now_us), left = SL_SPEED_SLOTS - passed;
  int64_t begun = (s->end_us - s->start_us) / SL_SPEED_SLOT_US; /* a small transfer uses one */
  int64_t from = larger(s->end_us + (passed - SL_SPEED_SLOTS) * SL_SPEED_SLOT_US, s->start_us);
  uint64_t bytes = 0;
  for (int64_t i = 0; i < left && i < begun; i++) bytes += s->bytes[(s->at + SL_SPEED_SLOTS - (uint32_t)i) % SL_SPEED_SLOTS];
  return now_us > from ? speed_between(from, 0, now_us, bytes) : 0;
}
