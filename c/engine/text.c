/* text.c: see text.h. */
#include "text.h"
#include <stdlib.h>
#include <string.h>
#include "base.h"

/* Most texts are heads and specs composed piece by piece: few of them grow beyond this. Bytes. */
#define FIRST_CAP 256

bool sl_text_reserve(sl_text *t, size_t n)
{
  size_t max = t->max ? t->max : SIZE_MAX / 2;
  if (t->failed || n > max - t->len) {
    t->failed = true;
    return false;
  }
  size_t need = t->len + n + 1;
  if (need <= t->cap) return true;
  size_t cap = t->cap ? t->cap * 2 : FIRST_CAP;
  if (cap < need) cap = need;
  char *data = realloc(t->data, cap);
  if (!data) {
    t->failed = true;
    return false;
  }
  t->data = data;
  t->cap = cap;
  return true;
}

void sl_text_add(sl_text *t, const void *bytes, size_t n)
{
  if (!sl_text_reserve(t, n)) return;
  if (n) memcpy(t->data + t->len, bytes, n);
  t->len += n;
  t->data[t->len] = 0;
}

/* Digits of n into buf (21 bytes suffice), zero-ended; answers where they begin. */
static const char *digits(int64_t n, char buf[24])
{
  char *p = buf + 23;
  uint64_t u = n < 0 ? 0 - (uint64_t)n : (uint64_t)n;
  *p = 0;
  do *--p = (char)('0' + u % 10);
  while (u /= 10);
  if (n < 0) *--p = '-';
  return p;
}

void sl_text_int(sl_text *t, int64_t n)
{
  char buf[24];
  sl_text_str(t, digits(n, buf));
}

void sl_text_drop(sl_text *t, size_t n)
{
  SL_ASSERT(n <= t->len);
  t->len -= n;
  if (t->data) memmove(t->data, t->data + n, t->len + 1);
}

void sl_text_free(sl_text *t)
{
  free(t->data);
  *t = (sl_text){ .max = t->max };
}

char *sl_copy(const char *s, size_t n)
{
  char *copy = malloc(n + 1);
  if (!copy) return NULL;
  if (n) memcpy(copy, s, n);
  copy[n] = 0;
  return copy;
}

char sl_lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c; }

bool sl_same_nocase(const char *a, const char *b, size_t n)
{
  for (size_t i = 0; i < n; i++)
    if (sl_lower(a[i]) != sl_lower(b[i])) return false;
  return true;
}

bool sl_parse_uint(const char *s, size_t n, uint64_t max, uint64_t *out)
{
  uint64_t v = 0;
  if (!n) return false;
  for (size_t i = 0; i < n; i++) {
    if (s[i] < '0' || s[i] > '9') return false;
    uint64_t d = (uint64_t)(s[i] - '0');
    if (v > (max - d) / 10 || d > max) return false;
    v = v * 10 + d;
  }
  *out = v;
  return true;
}

void sl_line_str(sl_line *l, const char *s)
{
  while (*s && l->at < l->end - 1) *l->at++ = *s++;
  *l->at = 0;
}

void sl_line_int(sl_line *l, int64_t n)
{
  char buf[24];
  sl_line_str(l, digits(n, buf));
}
