/* heap.c: the allocator of the module for browsers: Emscripten's emmalloc, of constant time as the one in wasi-libc and a
 * quarter as large. Here is what it takes from Emscripten elsewhere: an sbrk of any number of bytes.
 *
 * Owns the memory behind the stack and the static data, to its end. It grows by whole pages and is never given back. */
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#define PAGE 65536u

extern char __heap_base;

static void *claim(intptr_t n)
{
  static char *top;
  if (!top) top = &__heap_base;
  char *from = top;
  size_t left = __builtin_wasm_memory_size(0) * PAGE - (uintptr_t)top, wanted = (size_t)n;
  if (wanted > left && __builtin_wasm_memory_grow(0, (wanted - left + PAGE - 1) / PAGE) == SIZE_MAX) return (void *)-1;
  top += wanted;
  return from;
}

#define sbrk claim
#define max_align_t int64_t /* nothing in the engine is of a larger alignment */
#define MAIN_THREAD_ASYNC_EM_ASM(...)
struct mallinfo { size_t arena, ordblks, smblks, hblks, hblkhd, usmblks, fsmblks, uordblks, fordblks, keepcost; };
size_t emscripten_get_heap_size(void);
size_t emscripten_get_heap_max(void);

#pragma clang diagnostic ignored "-Weverything"
#include <emmalloc.c>
