/* main.c: sluice-sim FROM COUNT [OPTION ...]: run seeds, say what came out.
 *
 *   --trace, --script  print them          --hashes      a line "seed hash" each
 *   --keep-going       past violations     --without L   leave out these edits (shrink.c), "3,17"
 *   --plant N          break something (sim.h, enum sim_plant), which must be found
 *   --self-test        each plant in turn, up to COUNT seeds each: all must be found
 *
 * The last line sums up. A violation prints the seed, made small: the scenario in words, the end of its trace and the
 * command that replays it; the exit status is 1. */
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

static void report(uint64_t seed, uint32_t flags, sim_edits *e)
{
  sim_result r;
  sim_run_without(seed, flags, e, &r);
  printf("seed %" PRIu64 ": VIOLATED %s\n", seed, r.message);
  e->commands = r.commands;
  uint32_t runs = sim_shrink(seed, flags, r.message, e);
  sim_result_free(&r);
  sim_run_without(seed, flags | SIM_DESCRIBE, e, &r);
  printf("made small in %u runs: %s\n", runs, r.message);
  if (r.script) fwrite(r.script, 1, r.script_len, stdout);
  printf(" ... the trace ends:\n");
  if (r.trace) print_tail(r.trace, r.trace_len, 40);
  printf("replay: sluice-sim %" PRIu64 " 1 --trace", seed);
  if (flags / SIM_PLANT) printf(" --plant %u", flags / SIM_PLANT);
  for (uint32_t i = 0; i < e->count; i++) printf("%s%u", i ? "," : " --without ", e->ids[i]);
  printf("\n");
  sim_result_free(&r);
}

static const char *after(int argc, char **argv, const char *word)
{
  for (int i = 3; i < argc; i++)
    if (!strcmp(argv[i], word)) return i + 1 < argc ? argv[i + 1] : "";
  return NULL;
}

/* Every invariant can fail: what is broken on purpose is found, and as what it is. */
static int self_test(uint64_t from, uint64_t count)
{
  int missed = 0;
  for (uint32_t plant = 1; plant < SIM_PLANTS; plant++) {
    uint64_t seed = from, others = 0;
    bool found = false;
    for (; seed < from + count && !found; seed++) {
      sim_result r;
      now_running = seed;
      bool ok = sim_run(seed, plant * SIM_PLANT, &r);
      found = !ok && strstr(r.message, sim_plant_message(plant));
      others += !ok && !found;
      sim_result_free(&r);
    }
    printf("plant %u, \"%s\": %s", plant, sim_plant_message(plant), found ? "found" : "NOT FOUND");
    printf(" after %" PRIu64 " seeds (%" PRIu64 " of another kind before)\n", seed - from, others);
    missed += !found;
  }
  return missed ? 1 : 0;
}

int main(int argc, char **argv)
{
  if (argc < 3) {
    fprintf(stderr, "usage: sluice-sim FROM COUNT [--trace | --script | --hashes | --keep-going | --without LIST | "
                    "--plant N | --self-test]\n");
    return 2;
  }
  uint64_t from = strtoull(argv[1], NULL, 10), count = strtoull(argv[2], NULL, 10), bytes = 0,
           all = 0xcbf29ce484222325u;
  bool hashes = after(argc, argv, "--hashes"), trace = after(argc, argv, "--trace"),
       on = after(argc, argv, "--keep-going");
  uint64_t by_code[SIM_CODES] = { 0 }, transfers = 0, steps = 0, violated = 0;
  const char *plant = after(argc, argv, "--plant"), *without = after(argc, argv, "--without");
  uint32_t flags = plant ? (uint32_t)strtoul(plant, NULL, 10) * SIM_PLANT : 0;
  sim_edits edits = { 0 };
  for (char *end; without && *without && edits.count < SIM_EDITS_MAX; without = *end ? end + 1 : end)
    edits.ids[edits.count++] = (uint32_t)strtoul(without, &end, 10);
  if (after(argc, argv, "--script")) flags |= SIM_DESCRIBE;
  if (__sanitizer_set_death_callback) __sanitizer_set_death_callback(dying);
  else
    for (int i = 0; i < 4; i++) signal(((int[]){ SIGSEGV, SIGILL, SIGTRAP, SIGABRT })[i], crashed);
  if (after(argc, argv, "--self-test")) return self_test(from, count);
  for (uint64_t seed = from; seed < from + count; seed++) {
    sim_result r;
    now_running = seed;
    int ok = sim_run_without(seed, flags, &edits, &r);
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
    report(seed, flags & ~(uint32_t)SIM_DESCRIBE, &edits);
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
