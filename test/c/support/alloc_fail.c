/* alloc_fail.c: see alloc_fail.h. */
#include "alloc_fail.h"
#include <stdatomic.h>
#include <stddef.h>

void *__real_malloc(size_t n);
void *__real_calloc(size_t count, size_t n);
void *__real_realloc(void *p, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t count, size_t n);
void *__wrap_realloc(void *p, size_t n);

static atomic_uint left; /* allocations until the one that fails; 0: none will */
static atomic_bool came;
static atomic_int held; /* > 0: allocations of others, which do not count */

void alloc_fail_at(unsigned n)
{
  left = n;
  came = false;
}

bool alloc_fail_came(void) { return came; }
void alloc_fail_hold(int by) { held += by; }

static bool fails(void)
{
  if (atomic_load(&held)) return false;
  unsigned now = atomic_load(&left);
  while (now && !atomic_compare_exchange_weak(&left, &now, now - 1)) continue;
  if (now != 1) return false;
  return came = true;
}

void *__wrap_malloc(size_t n) { return fails() ? NULL : __real_malloc(n); }
void *__wrap_calloc(size_t count, size_t n) { return fails() ? NULL : __real_calloc(count, n); }
void *__wrap_realloc(void *p, size_t n) { return fails() ? NULL : __real_realloc(p, n); }
