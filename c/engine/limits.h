/* limits.h: the meters and buckets of one transfer: pure arithmetic on times and counts that are passed in.
 *
 * Owns no timer and calls nobody: clocks.c and expiry.c ask, set the deadlines and stop. All times are
 * microseconds on the engine's clock, speeds bytes per second, 0 = no limit.
 *
 * Bucket (S1..S5, B3): a token is a wire byte that may leave the channel. It starts with one step's
 * tokens, gets the same again every step (1 s, stretched by sl_bucket_plan when the size is known so that
 * the last step carries about 1 % of it, at most 4 KiB), and never holds more than max(rate, 32 KiB, one step).
 * With a burst it is smooth instead (B20): it starts with the burst, a step is SL_BUCKET_STEP_US, and it never holds
 * more than max(burst, one step), so that a late run loses nothing that fits there.
 * A pause forgets it; an unpause begins a full burst. Tokens may go below zero only by charging what was
 * held at an unpause.
 *
 * Meter (L1..L6): a ring of SL_METER_RECORDS records taken at most once a second; speed is the newest
 * against the oldest record, or the average since the start until the second record exists.
 *
 * Speed: the current one, over the last SL_SPEED_SLOTS * SL_SPEED_SLOT_US; for those who look on, no limit uses it. */
#ifndef SLUICE_LIMITS_H
#define SLUICE_LIMITS_H
#include "base.h"

typedef struct {
  int64_t rate;     /* bytes per second; 0 = unlimited             */
  int64_t burst;    /* bytes; 0 = a second's worth each second (S1) */
  int64_t tokens;
  int64_t per_step; /* tokens a step                               */
  int64_t step_us;
  int64_t last_us;  /* when tokens were last added                 */
  int64_t taken;    /* bytes passed since then                     */
} sl_bucket;

/* Begin at `now`. rate 0 makes it unlimited. burst: > 0: smooth, with so many bytes at once at most; < 0: smooth, with
 * the default of a 100 ms share, at least 32 KiB; 0: libcurl's way, one step's tokens (S1). */
void sl_bucket_start(sl_bucket *b, int64_t rate, int64_t burst, int64_t now_us);
/* Another rate or burst from now on, at once; what has passed in the running step counts, so that changes by themselves
 * earn nothing. From or to rate 0, or from one kind to the other: as sl_bucket_start, but with one step's tokens. */
void sl_bucket_change(sl_bucket *b, int64_t rate, int64_t burst, int64_t now_us);
/* The size became known: stretch the steps (S1), but of a smooth one. Call before the first byte is charged or right after
 * the head; what was charged already stays charged. total <= 0: nothing. */
void sl_bucket_plan(sl_bucket *b, int64_t total, int64_t now_us);
/* After a pause: history forgotten, a full burst (its own, or max(rate, 32 KiB)), minus `held` (B3). */
void sl_bucket_burst(sl_bucket *b, int64_t held, int64_t now_us);
/* Bytes that may pass now: INT64_MAX when unlimited, else >= 0. Adds the steps that have passed. */
int64_t sl_bucket_allows(sl_bucket *b, int64_t now_us);
/* n bytes passed; n < 0 gives back. */
void sl_bucket_charge(sl_bucket *b, int64_t n);
/* When sl_bucket_allows will next be above 0; SL_NEVER when it already is. */
int64_t sl_bucket_next_us(const sl_bucket *b);

#define SL_METER_RECORDS 6
typedef struct {
  struct { int64_t at_us; uint64_t bytes; } ring[SL_METER_RECORDS];
  uint32_t count;       /* records taken, kept below 12: see limits.c */
  int64_t start_us;     /* begin of the average                     */
  uint64_t start_bytes;
  int64_t slow_since_us;/* when speed fell below the limit; -1: it is not */
} sl_meter;

/* Forget everything and begin at `now` with `bytes` already counted: the first record. */
void sl_meter_start(sl_meter *m, int64_t now_us, uint64_t bytes);
/* After a pause: records and slow clock forgotten, but the average still counts from the start (L2, L5: a
 * peer that fell silent during the pause is found slow by the second record, not by the first look). The first record is
 * taken by the next sl_meter_speed: to be asked when what had arrived meanwhile was taken in, for that is not speed. */
void sl_meter_resume(sl_meter *m);
/* The last `us` microseconds do not count: everything moves by them. */
void sl_meter_skip(sl_meter *m, int64_t us);
/* When the next record is due; 0: at once. */
int64_t sl_meter_next_us(const sl_meter *m);
/* Take a record when a second has passed since the last one, and answer the speed (L2). */
int64_t sl_meter_speed(sl_meter *m, int64_t now_us, uint64_t bytes);
/* L3: true when speed has stayed below `limit` for at least `time_us`. Updates slow_since_us. */
bool sl_meter_too_slow(sl_meter *m, int64_t now_us, int64_t speed, int64_t limit, int64_t time_us);

#define SL_SPEED_SLOTS 12
#define SL_SPEED_SLOT_US (SL_SECOND / 4)
typedef struct {
  int64_t start_us, end_us; /* of the count; of the running slot, bytes[at] */
  uint32_t at;
  uint64_t bytes[SL_SPEED_SLOTS];
} sl_speed;

/* Forget everything and count from `now` on. Zero-filled it has counted nothing. */
void sl_speed_start(sl_speed *s, int64_t now_us);
void sl_speed_add(sl_speed *s, int64_t now_us, uint32_t bytes);
/* Bytes per second over the last 3 s, or since the start when that was later. */
int64_t sl_speed_now(const sl_speed *s, int64_t now_us);

#endif
