/* curl_text.c: libcurl's small helpers for texts: percent-encoding, comparing, dates. Pure. */
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include "../engine/text.h"

static bool is_plain(char c)
{
  char l = sl_lower(c);
  return (l >= 'a' && l <= 'z') || (c >= '0' && c <= '9') || (c && strchr("-._~", c));
}

char *curl_easy_escape(CURL *handle, const char *string, int length)
{
  static const char hex[] = "0123456789ABCDEF";
  sl_text to = { 0 };
  (void)handle;
  if (!string || length < 0) return NULL;
  size_t n = length ? (size_t)length : strlen(string);
  sl_text_reserve(&to, n);
  sl_text_str(&to, "");
  for (size_t i = 0; i < n; i++) {
    unsigned char c = (unsigned char)string[i];
    if (is_plain(string[i])) sl_text_add(&to, &c, 1);
    else sl_text_add(&to, (char[]){ '%', hex[c >> 4], hex[c & 15] }, 3);
  }
  if (to.failed) sl_text_free(&to);
  return to.data;
}

static int hex_value(char c)
{
  c = sl_lower(c);
  return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

char *curl_easy_unescape(CURL *handle, const char *string, int length, int *out)
{
  (void)handle;
  if (!string || length < 0) return NULL;
  size_t n = length ? (size_t)length : strlen(string), len = 0;
  char *to = sl_copy(string, n);
  for (size_t i = 0; to && i < n; i++) {
    int high = string[i] == '%' && i + 2 < n ? hex_value(string[i + 1]) : -1, low = high < 0 ? -1 : hex_value(string[i + 2]);
    to[len++] = low < 0 ? string[i] : (char)(high * 16 + low);
    if (low >= 0) i += 2;
  }
  if (to) to[len] = 0;
  if (to && out) *out = (int)len;
  return to;
}

char *curl_escape(const char *string, int length) { return curl_easy_escape(NULL, string, length); }
char *curl_unescape(const char *string, int length) { return curl_easy_unescape(NULL, string, length, NULL); }

int curl_strequal(const char *a, const char *b)
{
  return a && b ? sl_equal_nocase(a, strlen(a), b) : a == b;
}

int curl_strnequal(const char *a, const char *b, size_t n)
{
  if (!a || !b) return a == b;
  for (size_t i = 0; i < n; i++) {
    if (sl_lower(a[i]) != sl_lower(b[i])) return 0;
    if (!a[i]) return 1;
  }
  return 1;
}

char *curl_getenv(const char *variable) { return (void)variable, NULL; }

/* Dates. */

static int month_of(const char *word)
{
  static const char names[] = "janfebmaraprmayjunjulaugsepoctnovdec";
  for (int i = 0; i < 12; i++)
    if (sl_equal_nocase(word, 3, (char[]){ names[3 * i], names[3 * i + 1], names[3 * i + 2], 0 })) return i + 1;
  return 0;
}

/* Days since 1970-01-01 of a day of the Gregorian calendar. */
static int64_t days_of(int64_t year, int month, int day)
{
  year -= month <= 2;
  int64_t era = (year >= 0 ? year : year - 399) / 400, of_era = year - era * 400;
  int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static int days_in(int64_t year, int month)
{
  static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
  bool leap = year % 4 == 0 && (year % 100 || year % 400 == 0);
  return days[month - 1] + (month == 2 && leap);
}

/* Up to two numbers, a month and a time, in the order in which they come: "day month year time" or "month day time year". */
time_t curl_getdate(const char *p, const time_t *now)
{
  int64_t numbers[2] = { 0, 0 }, second = -1;
  int month = 0, count = 0;
  (void)now;
  while (p && *p) {
    size_t n = strcspn(p, " ,-");
    uint64_t a, b, c;
    if (n == 8 && p[2] == ':' && p[5] == ':') {
      if (second >= 0 || !sl_parse_uint(p, 2, 23, &a) || !sl_parse_uint(p + 3, 2, 59, &b) || !sl_parse_uint(p + 6, 2, 60, &c)) return -1;
      second = (int64_t)(a * 3600 + b * 60 + c);
    } else if (n && *p >= '0' && *p <= '9') {
      if (count == 2 || !sl_parse_uint(p, n, 9999, &a)) return -1;
      if (count && n == 2) a += a < 70 ? 2000 : 1900;
      numbers[count++] = (int64_t)a; /* the day, then the year */
    } else if (n >= 3 && !month && month_of(p)) month = month_of(p);
    p += n;
    p += strspn(p, " ,-");
  }
  if (count != 2 || !month || second < 0 || numbers[0] < 1 || numbers[0] > days_in(numbers[1], month)) return -1;
  return (time_t)(days_of(numbers[1], month, (int)numbers[0]) * 86400 + second);
}
