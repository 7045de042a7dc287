/* alloc_fail.h: make the n-th allocation fail. For programs linked with
 * -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc. It counts those of all threads.
 *
 *   for (unsigned n = 1; alloc_fail_at(n), !operation(); n++) check what it left;
 *   alloc_fail_at(0); */
#ifndef SLUICE_ALLOC_FAIL_H
#define SLUICE_ALLOC_FAIL_H
#include <stdbool.h>

/* The n-th allocation from now on fails, once; 0: none. */
void alloc_fail_at(unsigned n);
/* Whether it has failed since. */
bool alloc_fail_came(void);
/* +1: from now on allocations do not count and do not fail, until as many -1: those of the test itself. */
void alloc_fail_hold(int by);

#endif
