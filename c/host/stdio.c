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
