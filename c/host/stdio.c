/* stdio.c: see stdio.h. Owns nothing, keeps nothing. */
#include "stdio.h"
#include <stdio.h>

size_t sl_stdio_write(char *ptr, size_t size, size_t n, void *stream)
{
  return fwrite(ptr, size, n, stream ? (FILE *)stream : stdout);
}

size_t sl_stdio_read(char *ptr, size_t size, size_t n, void *stream)
{
  return fread(ptr, size, n, stream ? (FILE *)stream : stdin);
}

bool sl_stdio_rewind(void *stream)
{
  return !fseek(stream ? (FILE *)stream : stdin, 0, SEEK_SET);
}

void sl_stdio_debug(void *file, int type, const char *data, size_t n)
{
  static const char marks[] = "*<>"; /* CURLINFO_TEXT, HEADER_IN, HEADER_OUT */
  if (type < 0 || type > 2) return;
  while (n) {
    size_t len = 0;
    while (len < n && data[len] != '\n') len++;
    if (len < n) len++;
    fprintf(file ? (FILE *)file : stderr, "%c %.*s", marks[type], (int)len, data);
    data += len;
    n -= len;
  }
}
