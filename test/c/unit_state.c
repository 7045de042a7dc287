/* unit_state.c: every reachable state of the table, every event, every answer of the guard; and the diagram.
 * `unit_state --diagram` prints the diagram; c/engine/state.mmd holds it. */
#include <stdio.h>
#include <string.h>
#include "engine/state.h"
#include "support/check.h"

enum { HELD = 2, GATES = 4, HALVES = SL_SEND_COUNT * SL_RECV_COUNT };

static bool reached[SL_LIFE_COUNT][SL_SEND_COUNT][SL_RECV_COUNT];

static void check_invariants(sl_state s)
{
  bool active = s.life == SL_ACTIVE;
  CHECK(STATE, s.life < SL_LIFE_COUNT && s.send < SL_SEND_COUNT && s.recv < SL_RECV_COUNT);
  CHECK(STATE, active == (s.send != SL_SEND_NONE));
  CHECK(STATE, active == (s.recv != SL_RECV_NONE));
}

static void check_step(sl_state from, sl_state to, unsigned event, bool ok, uint64_t held)
{
  if (!ok) {
    CHECK(STATE, !memcmp(&from, &to, sizeof from));
    return;
  }
  check_invariants(to);
  /* Rule 6: DONE is unreachable while bytes are held. */
  if (to.life == SL_DONE) CHECK(W9, !held && (event == SL_STEP_FINISH || event == SL_STEP_STOP));
  if (event == SL_STEP_FINISH) CHECK(W9, from.send == SL_SEND_END && from.recv == SL_RECV_END);
  if (event == SL_STEP_STOP) CHECK(X1, from.life != SL_IDLE && from.life != SL_DONE);
  /* Halves only go forward inside ACTIVE. */
  if (from.life == SL_ACTIVE && to.life == SL_ACTIVE) CHECK(STATE, to.send >= from.send && to.recv >= from.recv);
}

/* Breadth first from IDLE. Returns the number of reachable (life, send, recv). */
static unsigned explore(unsigned *steps)
{
  sl_state queue[SL_LIFE_COUNT * HALVES] = { { SL_IDLE, SL_SEND_NONE, SL_RECV_NONE } };
  unsigned head = 0, tail = 1;
  reached[SL_IDLE][SL_SEND_NONE][SL_RECV_NONE] = true;
  for (; head < tail; head++)
    for (unsigned event = 0; event < SL_STEP_COUNT; event++)
      for (uint64_t held = 0; held < HELD; held++) {
        sl_state s = queue[head];
        bool ok = sl_state_step(&s, event, held);
        check_step(queue[head], s, event, ok, held);
        *steps += ok;
        if (reached[s.life][s.send][s.recv]) continue;
        reached[s.life][s.send][s.recv] = true;
        queue[tail++] = s;
      }
  return tail;
}

static int print_diagram(void)
{
  char line[160];
  const char *text;
  for (unsigned n = 0; (text = sl_state_diagram_line(n, line, sizeof line)); n++) puts(text);
  return 0;
}

static void check_diagram(void)
{
  char line[160], file[200];
  FILE *f = fopen("c/engine/state.mmd", "r");
  CHECK(DIAGRAM, f != NULL);
  if (!f) return;
  const char *text;
  for (unsigned n = 0; (text = sl_state_diagram_line(n, line, sizeof line)); n++) {
    bool read = fgets(file, sizeof file, f) != NULL;
    if (read) file[strcspn(file, "\n")] = 0;
    CHECK(DIAGRAM, read && !strcmp(file, text));
    if (!read) break;
  }
  CHECK(DIAGRAM, !fgets(file, sizeof file, f));
  fclose(f);
}

int main(int argc, char **argv)
{
  unsigned steps = 0;
  if (argc > 1 && !strcmp(argv[1], "--diagram")) return print_diagram();
  unsigned states = explore(&steps);
  printf("states %u, with gate and held %u, allowed steps %u\n", states, states * GATES * HELD, steps);
  CHECK(STATE, states == 16); /* as state.h says */
  check_diagram();
  return check_result();
}
