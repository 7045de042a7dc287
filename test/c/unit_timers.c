/* unit_timers.c: the heap against a plain search, by random calls; and its promises about memory. */
#include <stdlib.h>
#include <string.h>
#include "engine/timers.h"
#include "support/alloc_fail.h"
#include "support/check.h"

#define NODES 200

static uint32_t seed = 1;

static uint32_t random_below(uint32_t n)
{
  seed = seed * 1664525 + 1013904223;
  return (seed >> 8) % n;
}

static bool heap_sound(const sl_timers *h)
{
  for (uint32_t i = 0; i < h->count; i++) {
    if (h->heap[i]->index != i) return false;
    if (i && h->heap[(i - 1) / 2]->min_us > h->heap[i]->min_us) return false;
  }
  return true;
}

static int64_t search_min(const sl_timer *nodes)
{
  int64_t min = SL_NEVER;
  for (int i = 0; i < NODES; i++)
    for (int k = 0; k < SL_TIMER_KINDS; k++)
      if (nodes[i].index != SL_TIMER_NOWHERE && nodes[i].due_us[k] < min) min = nodes[i].due_us[k];
  return min;
}

static void random_step(sl_timers *h, sl_timer *t)
{
  switch (random_below(8)) {
  case 0:
    if (t->index == SL_TIMER_NOWHERE) CHECK(B7, sl_timers_join(h, t));
    break;
  case 1: sl_timers_leave(h, t); break;
  case 2: sl_timers_clear(h, t); break;
  case 3: sl_timers_set(h, t, (enum sl_timer_kind)random_below(SL_TIMER_KINDS), SL_NEVER); break;
  default: sl_timers_set(h, t, (enum sl_timer_kind)random_below(SL_TIMER_KINDS), random_below(1000)); break;
  }
}

static void test_random(void)
{
  static sl_timer nodes[NODES];
  sl_timers h = { 0 };
  for (int i = 0; i < NODES; i++) sl_timer_init(&nodes[i], &nodes[i]);
  for (int step = 0; step < 20000; step++) {
    random_step(&h, &nodes[random_below(NODES)]);
    sl_timer *first = sl_timers_first(&h);
    if (!CHECK(B7, (first ? first->min_us : SL_NEVER) == search_min(nodes))) return;
    if (!CHECK(B7, heap_sound(&h))) return;
  }
  sl_timers_free(&h);
  for (int i = 0; i < NODES; i++) CHECK(B7, nodes[i].index == SL_TIMER_NOWHERE);
}

static void test_order(void)
{
  sl_timer t[3];
  sl_timers h = { 0 };
  CHECK(B7, !sl_timers_first(&h));
  for (int i = 0; i < 3; i++) sl_timer_init(&t[i], NULL);
  sl_timers_set(&h, &t[0], SL_TIMER_TOTAL, 30); /* kept until it joins */
  for (int i = 0; i < 3; i++) CHECK(B7, sl_timers_join(&h, &t[i]));
  CHECK(B7, sl_timers_first(&h) == &t[0]);
  sl_timers_set(&h, &t[2], SL_TIMER_EXPECT, 20);
  sl_timers_set(&h, &t[2], SL_TIMER_SILENCE, 10);
  CHECK(B7, sl_timers_first(&h) == &t[2] && t[2].min_us == 10);
  sl_timers_set(&h, &t[2], SL_TIMER_SILENCE, SL_NEVER);
  CHECK_EQ(B7, t[2].min_us, 20);
  sl_timers_leave(&h, &t[2]);
  sl_timers_leave(&h, &t[2]);
  CHECK(B7, sl_timers_first(&h) == &t[0]);
  sl_timers_clear(&h, &t[0]);
  CHECK(B7, !sl_timers_first(&h));
  sl_timers_free(&h);
}

/* Rule 9: only joining may fail, and then nothing has changed. */
static void test_memory(void)
{
  static sl_timer nodes[NODES];
  sl_timers h = { 0 };
  int refused = 0;
  for (int i = 0; i < NODES; i++) {
    sl_timer_init(&nodes[i], NULL);
    sl_timers_set(&h, &nodes[i], SL_TIMER_TOTAL, 1000 - i);
    uint32_t count = h.count;
    alloc_fail_at(1);
    if (!sl_timers_join(&h, &nodes[i])) {
      refused++;
      CHECK(rule 9, nodes[i].index == SL_TIMER_NOWHERE && h.count == count && heap_sound(&h));
      alloc_fail_at(0);
      CHECK(rule 9, sl_timers_join(&h, &nodes[i]));
    }
    alloc_fail_at(1);
    for (int k = 0; k < SL_TIMER_KINDS; k++) sl_timers_set(&h, &nodes[i], (enum sl_timer_kind)k, 1000 - i);
    CHECK(rule 9, !alloc_fail_came() && sl_timers_first(&h) == &nodes[i]);
    alloc_fail_at(0);
  }
  CHECK(rule 9, refused > 0);
  sl_timers_free(&h);
}

int main(void)
{
  test_order();
  test_random();
  test_memory();
  return check_result();
}
