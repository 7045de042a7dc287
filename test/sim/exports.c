/* exports.c: the simulator as a WebAssembly module that imports nothing. */
#include "sim.h"

#ifdef __wasm__
#define EXPORT(name) __attribute__((export_name(#name))) name
#else
#define EXPORT(name) name
#endif

int EXPORT(sim_export_run)(uint32_t seed_lo, uint32_t seed_hi, uint32_t flags);
const char *EXPORT(sim_export_trace_ptr)(void);
uint32_t EXPORT(sim_export_trace_len)(void);
uint32_t EXPORT(sim_export_hash_lo)(void);
uint32_t EXPORT(sim_export_hash_hi)(void);
const char *EXPORT(sim_export_message_ptr)(void);
uint32_t EXPORT(sim_export_message_len)(void);

static sim_result result; /* of the latest run */

int sim_export_run(uint32_t seed_lo, uint32_t seed_hi, uint32_t flags)
{
  sim_result_free(&result);
  return sim_run((uint64_t)seed_hi << 32 | seed_lo, flags, &result);
}

const char *sim_export_trace_ptr(void) { return result.trace; }
uint32_t sim_export_trace_len(void) { return result.trace_len; }
uint32_t sim_export_hash_lo(void) { return (uint32_t)result.hash; }
uint32_t sim_export_hash_hi(void) { return (uint32_t)(result.hash >> 32); }
const char *sim_export_message_ptr(void) { return result.message; }

uint32_t sim_export_message_len(void)
{
  uint32_t n = 0;
  while (n < sizeof result.message && result.message[n]) n++;
  return n;
}
