/* check.h: what a C unit test needs. CHECK(ROW, condition) names the row of SPEC.md it proves (or any word)
 * and the condition that failed; main ends with `return check_result();`. One test program, one thread. */
#ifndef SLUICE_CHECK_H
#define SLUICE_CHECK_H
#include <stdio.h>

static int check_count, check_failures;

static inline int check_that(const char *row, int ok, const char *what, const char *file, int line)
{
  check_count++;
  if (ok) return 1;
  if (++check_failures <= 50) fprintf(stderr, "%s:%d: %s: %s\n", file, line, row, what);
  return 0;
}

#define CHECK(row, condition) check_that(#row, !!(condition), #condition, __FILE__, __LINE__)

/* The same for two integers, telling both. */
#define CHECK_EQ(row, a, b) \
  check_equal(#row, (long long)(a), (long long)(b), #a " == " #b, __FILE__, __LINE__)

static inline int check_equal(const char *row, long long a, long long b, const char *what, const char *file,
                              int line)
{
  if (check_that(row, a == b, what, file, line)) return 1;
  if (check_failures <= 50) fprintf(stderr, "    %lld, not %lld\n", a, b);
  return 0;
}

static inline int check_result(void)
{
  printf("%d checks, %d failed\n", check_count, check_failures);
  return check_failures || !check_count ? 1 : 0;
}

#endif
