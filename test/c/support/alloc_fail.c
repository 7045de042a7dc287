/* alloc_fail.c: see alloc_fail.h. */
#include "alloc_fail.h"
#include <stddef.h>

void *__real_malloc(size_t n);
void *__real_calloc(size_t count, size_t n);
void *__real_realloc(void *p, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t count, size_t n);
void *__wrap_realloc(void *p, size_t n);

static unsigned left; /* allocations until the one that fails; 0: none will */
static bool came;

void alloc_fail_at(unsigned n)
{
  left = n;
  came = false;
}

bool alloc_fail_came(void) { return came; }

static bool fails(void)
{
  if (!left || --left) return false;
  return came = true;
}

void *__wrap_malloc(size_t n) { return fails() ? NULL : __real_malloc(n); }
void *__wrap_calloc(size_t count, size_t n) { return fails() ? NULL : __real_calloc(count, n); }
void *__wrap_realloc(void *p, size_t n) { return fails() ? NULL : __real_realloc(p, n); }
