/* main.c: sluice-sim FROM COUNT [--trace | --script | --hashes | --self-test]: run seeds, say what came out.
 *
 * The last line sums up; --hashes prints a line "seed hash" each. A violation prints the seed,
     the scenario in
 * words and the end of its trace, and the exit status is 1. */
#include "sim.h"
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static volatile uint64_t now_running;

static void crashed(int signal_number)
{
  fprintf(stderr, "sluice-sim: signal %d in seed %" PRIu64 "\n", signal_number, now_running);
  _Exit(2);
}

void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));
static void dying(void) { fprintf(stderr, "sluice-sim: died in seed %" PRIu64 "\n", now_running); }

/* The last `lines` lines of a text. */
static void print_tail(const char *text, uint32_t len, unsigned lines)
{
  uint32_t at = len;
  while (at && lines) if (text[--at] == '\n' && at + 1 < len) lines--;
  if (at) at++;
  fwrite(text + at, 1, len - at, stdout);
}

static void report(uint64_t seed, uint32_t flags)
{
  sim_result r;
  sim_run(seed, flags | SIM_DESCRIBE, &r);
  printf("seed %" PRIu64 ": VIOLATED %s\n", seed, r.message);
  if (r.script) fwrite(r.script, 1, r.script_len, stdout);
  printf(" ... the trace ends:\n");
  if (r.trace) print_tail(r.trace, r.trace_len, 40);
  sim_result_free(&r);
}

static bool has(int argc, char **argv, const char *word)
{
  for (int i = 3; i < argc; i++)
    if (!strcmp(argv[i], word)) return true;
  return false;
}

int main(int argc, char **argv)
{
  if (argc < 3) {
    fprintf(stderr,
            "usage: sluice-sim FROM COUNT [--trace | --script | --hashes | --self-test | --keep-going]\n");
    return 2;
  }
  uint64_t from = strtoull(argv[1], NULL, 10), count = strtoull(argv[2], NULL, 10), bytes = 0,
      all = 0xcbf29ce484222325u;
  uint32_t flags = has(argc, argv, "--self-test") ? SIM_SELF_TEST : 0;
  bool hashes = has(argc, argv, "--hashes"), trace = has(argc, argv, "--trace"), on = has(argc, argv,
                                                                                          "--keep-going");
  uint64_t by_code[SIM_CODES] = { 0 }, transfers = 0, steps = 0, violated = 0;
  if (has(argc, argv, "--script")) flags |= SIM_DESCRIBE;
  if (__sanitizer_set_death_callback) __sanitizer_set_death_callback(dying);
  else
    for (int i = 0; i < 4; i++) signal(((int[]){ SIGSEGV, SIGILL, SIGTRAP, SIGABRT })[i], crashed);
  for (uint64_t seed = from; seed < from + count; seed++) {
    sim_result r;
    now_running = seed;
    int ok = sim_run(seed, flags, &r);
    if (hashes) printf("%" PRIu64 " %016" PRIx64 "\n", seed, r.hash);
    if (r.script) fwrite(r.script, 1, r.script_len, stdout);
    if (trace) fwrite(r.trace, 1, r.trace_len, stdout);
    if (!ok && on) printf("seed %" PRIu64 ": %s\n", seed, r.message);
    for (unsigned i = 0; i < SIM_CODES; i++) by_code[i] += r.by_code[i];
    transfers += r.transfers;
    steps += r.steps;
    bytes += r.bytes;
    all = (all ^ r.hash) * 0x100000001b3u;
    sim_result_free(&r);
    if (ok) continue;
    violated++;
    if (on) continue;
    report(seed, flags);
    return 1;
  }
  if (hashes) return violated ? 1 : 0;
  printf("%" PRIu64 " scenarios, %" PRIu64 " transfers, %" PRIu64 " steps, ", count, transfers, steps);
  printf("%" PRIu64 " bytes, violated %" PRIu64 "; ended with", bytes, violated);
  for (unsigned i = 0; i < SIM_CODES; i++)
    if (by_code[i]) printf(" %u: %" PRIu64, i, by_code[i]);
  printf("; hash %016" PRIx64 "\n", all);
  return violated ? 1 : 0;
}
