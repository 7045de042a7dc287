/* unit_limits.c: buckets and meters, driven by a clock made up here. */
#include <string.h>
#include <sluice/sluice.h>
#include "engine/limits.h"
#include "support/check.h"

#define MS ((int64_t)1000)

/* S1 [M]: 40000 bytes at 10000 B/s are 13200 at 0, 1.32 and 2.64 s, and 400 at 3.96 s. */
static void check_measured(sl_bucket *b)
{
  static const int64_t at[] = { 0, 1320 * MS, 2640 * MS, 3960 * MS }, size[] = { 13200, 13200, 13200, 400 };
  int64_t left = 40000;
  CHECK_EQ(S1, b->per_step, 13200);
  CHECK_EQ(S1, b->step_us, 1320 * MS);
  for (int i = 0; i < 4; i++) {
    int64_t n = sl_bucket_allows(b, at[i]);
    if (n > left) n = left;
    CHECK_EQ(S1, n, size[i]);
    CHECK_EQ(S1, sl_bucket_next_us(b), SL_NEVER);
    sl_bucket_charge(b, n);
    left -= n;
    if (!left) break;
    CHECK_EQ(S1, sl_bucket_allows(b, at[i] + 1319 * MS), 0);
    CHECK_EQ(S1, sl_bucket_next_us(b), at[i + 1]);
  }
  CHECK_EQ(S1, left, 0);
}

static void test_plan(void)
{
  sl_bucket b;
  sl_bucket_start(&b, 10000, 0, 0);
  sl_bucket_plan(&b, 40000, 0);
  check_measured(&b);

  /* The head was charged before the size was known: the step's tokens grow by the difference. */
  sl_bucket_start(&b, 10000, 0, 0);
  sl_bucket_charge(&b, 300);
  sl_bucket_plan(&b, 40000, 500 * MS);
  CHECK_EQ(S1, sl_bucket_allows(&b, 500 * MS), 12900);
  sl_bucket_charge(&b, 12900);
  CHECK_EQ(S1, sl_bucket_next_us(&b), 1320 * MS);

  /* The head came late: the steps before it were short ones, the running one becomes long. */
  sl_bucket_start(&b, 10000, 0, 0);
  sl_bucket_charge(&b, 10000);
  sl_bucket_plan(&b, 40000, 2500 * MS);
  CHECK_EQ(S1, sl_bucket_allows(&b, 2500 * MS), 23200);
  sl_bucket_charge(&b, 23200);
  CHECK_EQ(S1, sl_bucket_next_us(&b), 3320 * MS);

  /* The last step of a large one is 4096 at most. */
  sl_bucket_start(&b, 1000000, 0, 0);
  sl_bucket_plan(&b, 10004096, 0);
  CHECK_EQ(S1, b.per_step, 1000000);
  CHECK_EQ(S1, b.step_us, SL_SECOND);

  /* Less than one step, or unknown: as it was. */
  static const int64_t totals[] = { -1, 0, 1, 9999 };
  for (int i = 0; i < 4; i++) {
    sl_bucket_start(&b, 10000, 0, 0);
    sl_bucket_plan(&b, totals[i], 0);
    CHECK(S1, b.per_step == 10000 && b.step_us == SL_SECOND && b.tokens == 10000);
  }
}

/* However odd the numbers: the planned time is the time at that rate, within a step. */
static void test_plan_any(void)
{
  static const int64_t rates[] = { 1, 2, 3, 7, 100, 9999, 32768, 1000003 };
  static const int64_t sizes[] = { 1, 2, 99, 100, 101, 4096, 12345, 99999, 409600 };
  for (unsigned r = 0; r < sizeof rates / sizeof *rates; r++) {
    for (unsigned s = 0; s < sizeof sizes / sizeof *sizes; s++) {
      sl_bucket b;
      int64_t now = 0, left = sizes[s], turns = 0;
      sl_bucket_start(&b, rates[r], 0, 0);
      sl_bucket_plan(&b, sizes[s], 0);
      while (left) {
        int64_t n = sl_bucket_allows(&b, now);
        if (n > left) n = left;
        sl_bucket_charge(&b, n);
        left -= n;
        if (!left) break;
        int64_t next = sl_bucket_next_us(&b);
        if (!CHECK(S5, (next > now && next != SL_NEVER) || sl_bucket_allows(&b, now) > 0)) return;
        if (next != SL_NEVER) now = next;
        if (!CHECK(S5, ++turns <= sizes[s] + 1)) return;
      }
      double ideal = (double)sizes[s] / (double)rates[r] * 1e6;
      CHECK(S1, (double)now <= ideal + 1 && (double)now >= ideal - 2.0 * (double)b.step_us);
    }
  }
}

static void test_steps(void)
{
  sl_bucket b;
  sl_bucket_start(&b, 1, 0, 0); /* S5 */
  for (int i = 0; i < 5; i++) {
    CHECK_EQ(S5, sl_bucket_allows(&b, i * SL_SECOND), 1);
    sl_bucket_charge(&b, 1);
    CHECK_EQ(S5, sl_bucket_allows(&b, i * SL_SECOND + 999 * MS), 0);
    CHECK_EQ(S5, sl_bucket_next_us(&b), (i + 1) * SL_SECOND);
  }
  sl_bucket_start(&b, 10000, 0, 7 * MS);
  sl_bucket_charge(&b, 10000);
  CHECK_EQ(S1, sl_bucket_allows(&b, 3 * SL_SECOND + 500 * MS), 30000); /* 1.007, 2.007, 3.007 s */
  CHECK_EQ(S1, sl_bucket_allows(&b, 90 * SL_SECOND), SL_BURST_MIN);
  CHECK_EQ(S1, b.last_us, 89 * SL_SECOND + 7 * MS);
  sl_bucket_start(&b, 50000, 0, 0);
  CHECK_EQ(S1, sl_bucket_allows(&b, 90 * SL_SECOND), 50000);
  sl_bucket_start(&b, 20000, 0, 0);
  sl_bucket_plan(&b, 39000, 0); /* one step of 38610 */
  CHECK_EQ(S1, sl_bucket_allows(&b, 90 * SL_SECOND), 38610);
  sl_bucket_charge(&b, 40000);
  sl_bucket_charge(&b, -1500); /* given back */
  CHECK_EQ(S1, b.tokens, 110);
  sl_bucket_start(&b, 0, 0, 0);
  sl_bucket_plan(&b, 1000, 0);
  sl_bucket_burst(&b, 1000, 0);
  sl_bucket_charge(&b, INT64_MAX);
  CHECK(S1, sl_bucket_allows(&b, 1) == INT64_MAX && sl_bucket_next_us(&b) == SL_NEVER);
}

static void test_burst(void)
{
  sl_bucket b;
  sl_bucket_start(&b, 10000, 0, 0);
  sl_bucket_charge(&b, 10000);
  sl_bucket_burst(&b, 0, 5 * SL_SECOND + 1);
  CHECK_EQ(S3, sl_bucket_allows(&b, 5 * SL_SECOND + 1), 32768); /* the paused time earned nothing */
  CHECK_EQ(B3, sl_bucket_allows(&b, 6 * SL_SECOND), 32768);
  sl_bucket_burst(&b, 16384, 5 * SL_SECOND);
  CHECK_EQ(B3, sl_bucket_allows(&b, 5 * SL_SECOND), 16384);
  sl_bucket_burst(&b, 32768, 5 * SL_SECOND);
  CHECK_EQ(B3, sl_bucket_next_us(&b), 6 * SL_SECOND);
  sl_bucket_burst(&b, 32768 + 25000, 5 * SL_SECOND);
  CHECK_EQ(B3, sl_bucket_allows(&b, 5 * SL_SECOND), 0);
  CHECK_EQ(B3, sl_bucket_next_us(&b), 8 * SL_SECOND);
  CHECK_EQ(B3, sl_bucket_allows(&b, 8 * SL_SECOND - 1), 0);
  CHECK_EQ(B3, sl_bucket_allows(&b, 8 * SL_SECOND), 5000);
  sl_bucket_burst(&b, 32768 + 20000, 0);
  CHECK_EQ(B3, sl_bucket_next_us(&b), 3 * SL_SECOND); /* two steps make 0, which is not yet one byte */
  sl_bucket_start(&b, 100000, 0, 0);
  sl_bucket_burst(&b, 0, 0);
  CHECK_EQ(B3, sl_bucket_allows(&b, 0), 100000);
}

/* L5: time that does not count: the meter says afterwards what it would have said without it. */
/* Changed again and again within a step: no more than the highest rate since the step began. */
static void test_change(void)
{
  static const int64_t rates[] = { 2000, 1000, 2000, 1, 1500, 2000, 1999, 2000 };
  sl_bucket b;
  int64_t sum = 0, now = 0;
  sl_bucket_start(&b, 1000, 0, 0);
  for (int step = 1; step < 4; step++) {
    for (int i = 0; i < 8; i++, now += 125 * MS) {
      sl_bucket_change(&b, rates[i], 0, now);
      int64_t n = sl_bucket_allows(&b, now);
      CHECK(S5, n > 0 || i > 0);
      sl_bucket_charge(&b, n);
      sum += n;
    }
    CHECK_EQ(S1, sum, 2000 * step);
  }
  sl_bucket_start(&b, 1000, 0, 0); /* higher: what is missing, at once; lower: no debt */
  sl_bucket_charge(&b, 1000);
  sl_bucket_change(&b, INT64_MAX, 0, 1);
  CHECK_EQ(S1, sl_bucket_allows(&b, 1), INT64_MAX - 1000);
  sl_bucket_change(&b, 1, 0, 2);
  CHECK_EQ(S5, sl_bucket_allows(&b, 2), 0);
  CHECK_EQ(S5, sl_bucket_next_us(&b), SL_SECOND);
  sl_bucket_burst(&b, 50000, 3); /* B3: what an unpause owes stays owed */
  sl_bucket_change(&b, 1000, 0, 4);
  CHECK_EQ(B3, b.tokens, SL_BURST_MIN - 50000);
  sl_bucket_change(&b, 0, 0, 5);
  CHECK_EQ(S1, sl_bucket_allows(&b, 5), INT64_MAX);
}

static void test_skip(void)
{
  for (int skips = 0; skips < 2; skips++) {
    sl_meter m;
    int64_t skipped = 0, slow_at = -1;
    uint64_t bytes = 0;
    sl_meter_start(&m, 5 * SL_SECOND, 0);
    for (int64_t i = 1; i <= 200 && slow_at < 0; i++) {
      int64_t at = 5 * SL_SECOND + i * 100 * MS + skipped;
      if (i <= 30) bytes += 200; /* 2000 a second, then nothing */
      int64_t speed = sl_meter_speed(&m, at, bytes);
      CHECK(L2, sl_meter_next_us(&m) > at && sl_meter_next_us(&m) <= at + SL_SECOND);
      if (sl_meter_too_slow(&m, at, speed, 1000, 2 * SL_SECOND)) slow_at = i;
      if (!skips) continue;
      sl_meter_skip(&m, i * 37 * MS);
      skipped += i * 37 * MS;
    }
    CHECK_EQ(L5, slow_at, 80); /* with and without */
  }
}

/* Nothing overflows (the sanitizer says) and every answer is one. */
static void test_extremes(void)
{
  static const int64_t n[] = { 1, 2, 4096, 1000000, INT64_MAX / 1000000, INT64_MAX / 2, INT64_MAX - 1,
                               INT64_MAX };
  const unsigned count = sizeof n / sizeof *n;
  for (unsigned r = 0; r < count; r++)
    for (unsigned s = 0; s < count; s++)
      for (unsigned t = 0; t < count; t++) {
        sl_bucket b;
        sl_bucket_start(&b, n[r], 0, 0);
        sl_bucket_plan(&b, n[s], n[t] / 2);
        CHECK(S1, b.per_step > 0 && b.step_us > 0 && b.step_us <= 2 * SL_SECOND);
        CHECK(S1, sl_bucket_allows(&b, n[t]) >= 0);
        sl_bucket_charge(&b, n[s]);
        sl_bucket_charge(&b, n[r]);
        CHECK(S1, sl_bucket_next_us(&b) > 0);
        sl_bucket_charge(&b, INT64_MIN);
        CHECK(S1, b.tokens >= 0);
        sl_bucket_burst(&b, n[s], n[t]);
        CHECK(S1, sl_bucket_allows(&b, n[t]) >= 0 && sl_bucket_next_us(&b) > 0);
        sl_meter m;
        sl_meter_start(&m, 0, 0);
        CHECK(L2, sl_meter_speed(&m, n[t], (uint64_t)n[s] * 2) >= 0);
        CHECK(L2, sl_meter_speed(&m, n[t], UINT64_MAX) >= 0);
      }
}

/* Ask every `every` from `first` on, the count being `bytes`. When it was found slow, in ms; -1: never. */
static int64_t stop_ms(sl_meter *m, int64_t first, int64_t every, uint64_t bytes, int64_t limit,
                       int64_t time_s)
{
  for (int64_t now = first; now < 60 * SL_SECOND; now += every) {
    int64_t speed = sl_meter_speed(m, now, bytes);
    if (sl_meter_too_slow(m, now, speed, limit, time_s * SL_SECOND)) return now / MS;
  }
  return -1;
}

static void test_meter(void)
{
  sl_meter m;
  sl_meter_start(&m, 0, 0);
  CHECK_EQ(L4, stop_ms(&m, 0, SL_SECOND, 30000, 1000, 2), 8000);
  sl_meter_start(&m, 0, 0);
  CHECK_EQ(L4, stop_ms(&m, SL_SECOND, SL_SECOND, 30000, 1000, 2), 8000);
  sl_meter_start(&m, 0, 0); /* asked more often than records are taken: the same */
  CHECK_EQ(L4, stop_ms(&m, 0, 100 * MS, 30000, 1000, 2), 8000);
  for (int64_t first = 0; first < SL_SECOND; first += 100 * MS) {
    sl_meter_start(&m, 0, 0);
    int64_t at = stop_ms(&m, first, SL_SECOND, 0, 1000, 1);
    CHECK(L4, at >= 1000 && at <= 1900);
  }
  sl_meter_start(&m, 0, 0);
  CHECK_EQ(L1, stop_ms(&m, 0, SL_SECOND, 0, 0, 1), -1);
  sl_meter_start(&m, 0, 0);
  CHECK_EQ(L1, stop_ms(&m, 0, SL_SECOND, 0, 1000, 0), -1);

  /* L5 [M]: 100000 bytes, unpaused at 3.0 s, then silence, time 2: 6.0 s. */
  sl_meter_start(&m, 0, 0);
  CHECK(L2, sl_meter_speed(&m, 0, 100000) > 0);
  sl_meter_resume(&m);
  CHECK(L5, sl_meter_speed(&m, 3 * SL_SECOND, 130000) > 0); /* what had arrived meanwhile is no speed */
  CHECK_EQ(L5, stop_ms(&m, 3 * SL_SECOND, SL_SECOND, 130000, 1000, 2), 6000);
  /* ... and a resume forgets that it was slow. */
  sl_meter_start(&m, 0, 0);
  CHECK(L5, !sl_meter_too_slow(&m, 0, 0, 10, SL_SECOND));
  sl_meter_resume(&m);
  CHECK(L5, !sl_meter_too_slow(&m, 3 * SL_SECOND, 0, 10, SL_SECOND));
}

static void test_speed(void)
{
  sl_meter m;
  sl_meter_start(&m, 10 * SL_SECOND, 5000);
  CHECK_EQ(L2, sl_meter_speed(&m, 10 * SL_SECOND + 500 * MS, 6000), 2000); /* average since the start */
  CHECK_EQ(L2, sl_meter_speed(&m, 11 * SL_SECOND, 8000), 3000);
  CHECK_EQ(L2, sl_meter_speed(&m, 11 * SL_SECOND + 999 * MS, 80000), 3000); /* no record yet */
  uint64_t bytes = 8000;
  for (int i = 12; i < 40; i++) CHECK(L2, sl_meter_speed(&m, i * SL_SECOND, bytes += 7000) > 0);
  CHECK_EQ(L2, sl_meter_speed(&m, 39 * SL_SECOND, bytes), 7000);
  for (int i = 40; i < 45; i++) sl_meter_speed(&m, i * SL_SECOND, bytes);
  CHECK_EQ(L2, sl_meter_speed(&m, 44 * SL_SECOND, bytes), 0); /* the window is five seconds */

  sl_meter_start(&m, 0, 0);
  CHECK(L3, !sl_meter_too_slow(&m, 1, 9, 10, 5));
  CHECK(L3, !sl_meter_too_slow(&m, 5, 9, 10, 5));
  CHECK(L3, !sl_meter_too_slow(&m, 5, 10, 10, 5)); /* fast enough: clears */
  CHECK(L3, !sl_meter_too_slow(&m, 6, 9, 10, 5));
  CHECK(L3, !sl_meter_too_slow(&m, 10, 9, 10, 5));
  CHECK(L3, sl_meter_too_slow(&m, 11, 9, 10, 5));
}

/* B20: with a source that never runs dry and runs that come up to `late` after their deadline: no 100 ms carry more than
 * twice their share behind the burst, the sum is never above burst + rate * time, and no more than a burst is lost. */
static void test_smooth(void)
{
  static const int64_t rates[] = { 1, 7, 39, 1000, 99999, 333333, 1000000, 50000000, 1000000000000 };
  for (size_t r = 0; r < sizeof rates / sizeof *rates; r++)
    for (int64_t late = 0; late <= 40 * MS; late += 10 * MS) {
      int64_t rate = rates[r], now = 0, sum = 0, wakes = 0, slice = 0, slice_us = 0;
      double share = (double)rate / 10;
      sl_bucket b;
      sl_bucket_start(&b, rate, SLUICE_BURST_DEFAULT, 0);
      int64_t first = sl_bucket_allows(&b, 0);
      CHECK_EQ(B20, first, rate / 10 > SL_BURST_MIN ? rate / 10 : SL_BURST_MIN);
      sl_bucket_charge(&b, first);
      for (; now < 20 * SL_SECOND; wakes++) {
        int64_t due = sl_bucket_next_us(&b);
        CHECK(S5, due > now);
        now = due + late * (wakes % 3) / 2;
        int64_t n = sl_bucket_allows(&b, now);
        CHECK(S5, n > 0);
        sl_bucket_charge(&b, n);
        if (sum < INT64_MAX / 2 - n) sum += n;
        if (now / (100 * MS) != slice_us) slice = 0;
        slice_us = now / (100 * MS);
        slice += n;
        CHECK(B20, (double)slice <= 2 * share + 1);
      }
      CHECK(B20, (double)sum <= (double)rate * ((double)now / SL_SECOND) + 1);
      CHECK(B20, (double)sum >= (double)rate * ((double)now / SL_SECOND) * 0.999 - (double)b.per_step - 1); /* none lost */
      CHECK(S5, wakes <= 40 * 20);
    }
  sl_bucket b; /* an own burst; after a pause, minus what is held; an idle time earns no more */
  sl_bucket_start(&b, 1000000, 70000, 0);
  CHECK_EQ(B20, sl_bucket_allows(&b, 0), 70000);
  sl_bucket_charge(&b, 70000);
  CHECK_EQ(B20, sl_bucket_allows(&b, 30 * SL_SECOND), 70000);
  sl_bucket_burst(&b, 20000, 31 * SL_SECOND);
  CHECK_EQ(B3, sl_bucket_allows(&b, 31 * SL_SECOND), 50000);
  sl_bucket_plan(&b, 123456, 31 * SL_SECOND);
  CHECK_EQ(B20, b.step_us, SL_BUCKET_STEP_US);
  sl_bucket_start(&b, 1, 1, 0); /* changes earn no more than the step that runs */
  sl_bucket_charge(&b, 1);
  sl_bucket_change(&b, 1000000, 1, 900 * MS);
  CHECK(B20, sl_bucket_allows(&b, 900 * MS) <= 50000);
  sl_bucket_charge(&b, sl_bucket_allows(&b, 900 * MS));
  for (int64_t i = 0; i < 100; i++) sl_bucket_change(&b, i % 2 ? 1000000 : 999999, 1, 900 * MS + i);
  CHECK_EQ(B20, sl_bucket_allows(&b, 900 * MS + 100), 0);
  sl_bucket_change(&b, 1000000, 0, 2 * SL_SECOND); /* libcurl's way again */
  CHECK_EQ(S1, b.step_us, SL_SECOND);
}

/* The current speed: over three seconds, or since the start; a stall shows within them. */
static void test_current(void)
{
  sl_speed s = { 0 };
  CHECK_EQ(U10, sl_speed_now(&s, 5 * SL_SECOND), 0);
  sl_speed_start(&s, 7 * SL_SECOND + 1);
  CHECK_EQ(U10, sl_speed_now(&s, 7 * SL_SECOND + 1), 0);
  for (int i = 0; i < 100; i++) sl_speed_add(&s, 7 * SL_SECOND + 1 + i * 100 * MS, 1000);
  int64_t now = 17 * SL_SECOND + 1;
  int64_t speed = sl_speed_now(&s, now);
  CHECK(U10, speed >= 9000 && speed <= 11000);
  for (int i = 0; i < 100; i++) sl_speed_add(&s, now + i * 100 * MS, 100); /* slower: only that counts soon */
  now += 10 * SL_SECOND;
  speed = sl_speed_now(&s, now);
  CHECK(U10, speed >= 900 && speed <= 1100);
  CHECK(U10, sl_speed_now(&s, now + SL_SECOND) < speed);
  CHECK_EQ(U10, sl_speed_now(&s, now + 3 * SL_SECOND), 0);
  CHECK_EQ(U10, sl_speed_now(&s, INT64_MAX / 2), 0);
  sl_speed_add(&s, now + 100 * SL_SECOND, 3000); /* and it goes on from there */
  CHECK(U10, sl_speed_now(&s, now + 100 * SL_SECOND + 1) > 0);
  CHECK_EQ(U10, sl_speed_now(&s, now + 104 * SL_SECOND), 0);
}

int main(void)
{
  test_smooth();
  test_current();
  test_plan();
  test_plan_any();
  test_steps();
  test_burst();
  test_change();
  test_skip();
  test_extremes();
  test_meter();
  test_speed();
  return check_result();
}
