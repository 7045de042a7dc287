/* text.h: a growing byte string, and the few conversions the engine needs without printf.
 *
 * Owns its bytes (malloc). The first failed allocation or overrun of `max` is remembered in `failed`
 * and every later append does nothing, so a caller composes first and looks once. A zero-filled
 * sl_text with max set is valid and empty. `data` is kept zero-ended once anything was appended. */
#ifndef SLUICE_TEXT_H
#define SLUICE_TEXT_H
#include <string.h>
#include "base.h"

typedef struct {
  char *data;
  size_t len, cap;
  size_t max;  /* bytes at most, the zero not counted; 0 = SIZE_MAX / 2 */
  bool failed;
} sl_text;

/* Room for n more bytes behind len; false (and failed) when there cannot be. */
bool sl_text_reserve(sl_text *t, size_t n);
void sl_text_add(sl_text *t, const void *bytes, size_t n);
/* In the header, so that the length of a literal is not counted at run time. */
static inline void sl_text_str(sl_text *t, const char *s) { sl_text_add(t, s, strlen(s)); }
void sl_text_int(sl_text *t, int64_t n);
/* Drop the first n bytes. */
void sl_text_drop(sl_text *t, size_t n);
/* Empty, memory released, usable again. */
void sl_text_free(sl_text *t);

/* A copy of n bytes with a zero behind, or NULL. Owned by the caller: free. */
char *sl_copy(const char *s, size_t n);
/* ASCII only, whatever the locale. */
char sl_lower(char c);
bool sl_same_nocase(const char *a, const char *b, size_t n);
static inline bool sl_equal_nocase(const char *a, size_t an, const char *b)
{
  return an == strlen(b) && sl_same_nocase(a, b, an);
}
/* The whole of s as a decimal number 0..max; false on anything else (empty, sign, overflow). */
bool sl_parse_uint(const char *s, size_t n, uint64_t max, uint64_t *out);

/* Compose into a fixed buffer, cut to fit, always zero-ended: begin with at = buf, end = buf + size. */
typedef struct { char *at, *end; } sl_line;
void sl_line_str(sl_line *l, const char *s);
void sl_line_int(sl_line *l, int64_t n);

#endif
