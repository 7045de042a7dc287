/* stdio_print.c: curl/mprintf.h over the C library: part of the C libraries only, as stdio.c is. */
#include <curl/curl.h>
#include <limits.h>
#include <stdlib.h>

int curl_mvfprintf(FILE *file, const char *format, va_list args) { return vfprintf(file, format, args); }
int curl_mvprintf(const char *format, va_list args) { return vprintf(format, args); }
int curl_mvsprintf(char *buffer, const char *format, va_list args) { return vsnprintf(buffer, INT_MAX, format, args); }

/* Unlike vsnprintf it answers what was stored, so that nobody reads behind that. */
int curl_mvsnprintf(char *buffer, size_t max, const char *format, va_list args)
{
  int n = vsnprintf(buffer, max, format, args);
  return n >= 0 && max && (size_t)n >= max ? (int)(max - 1) : n;
}

char *curl_mvaprintf(const char *format, va_list args)
{
  va_list again;
  va_copy(again, args);
  int n = vsnprintf(NULL, 0, format, again);
  va_end(again);
  char *text = n < 0 ? NULL : malloc((size_t)n + 1);
  if (text) vsnprintf(text, (size_t)n + 1, format, args);
  return text;
}

#define WITH_ARGS(result, call) \
  va_list args;                 \
  va_start(args, format);       \
  result = call;                \
  va_end(args);                 \
  return n

int curl_mprintf(const char *format, ...) { WITH_ARGS(int n, curl_mvprintf(format, args)); }
int curl_mfprintf(FILE *file, const char *format, ...) { WITH_ARGS(int n, curl_mvfprintf(file, format, args)); }
int curl_msprintf(char *buffer, const char *format, ...) { WITH_ARGS(int n, curl_mvsprintf(buffer, format, args)); }
int curl_msnprintf(char *buffer, size_t max, const char *format, ...) { WITH_ARGS(int n, curl_mvsnprintf(buffer, max, format, args)); }
char *curl_maprintf(const char *format, ...) { WITH_ARGS(char *n, curl_mvaprintf(format, args)); }
