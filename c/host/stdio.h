/* stdio.h: the callbacks that libcurl documents as its defaults: bodies from and to a FILE.
 *
 * For the C libraries only: sluice.wasm has no stdio. `stream` is borrowed for the call. */
#ifndef SLUICE_STDIO_H
#define SLUICE_STDIO_H
#include <stdbool.h>
#include <stddef.h>

/* fwrite to the FILE `stream`, stdout when NULL: items written; fewer than n is a failure. */
size_t sl_stdio_write(char *ptr, size_t size, size_t n, void *stream);
/* fread from the FILE `stream`, stdin when NULL: items read; 0 is the end. */
size_t sl_stdio_read(char *ptr, size_t size, size_t n, void *stream);
/* Back to the start of the FILE `stream`, stdin when NULL; false when it cannot be sought. */
bool sl_stdio_rewind(void *stream);
/* One piece of what CURLOPT_VERBOSE tells (curl_infotype) to stderr: texts and heads, not bodies. */
void sl_stdio_debug(void *file, int type, const char *data, size_t n);

#endif
