/* unit_state.c: every reachable (state, halves, gate, held) with every event of the machine and of the gate, the
 * invariants as assertions; and the diagram. The machine and the gate are the engine's own.
 * `unit_state --diagram` prints the diagram that c/engine/state.mmd holds, `--connection` that of connection.mmd. */
#include <stdio.h>
#include <string.h>
#include "engine/gate.h"
#include "engine/connection.h"
#include "engine/state.h"
#include "support/check.h"

enum { EVENTS = SL_STEP_COUNT, GATE_EVENTS = 6, NODES_MAX = SL_LIFE_COUNT * SL_SEND_COUNT * SL_RECV_COUNT * 4 * 2 };

/* A place in the product: the machine, the directions paused, and whether something is held. */
typedef struct {
  sl_state s;
  uint32_t paused;
  bool held;
} node;

/* What the gate can meet: a call that pauses one, the other, both or none; a refusal; what is held is taken. */
enum { PAUSE_RECV, PAUSE_SEND, PAUSE_BOTH, RESUME, REFUSE, TAKE };

static struct { unsigned nodes, states, steps, refused, gate_steps; } count;
static node found[NODES_MAX];

static void check_invariants(node n)
{
  bool active = n.s.life == SL_ACTIVE;
  CHECK(STATE, n.s.life < SL_LIFE_COUNT && n.s.send < SL_SEND_COUNT && n.s.recv < SL_RECV_COUNT);
  CHECK(STATE, active == (n.s.send != SL_SEND_NONE));
  CHECK(STATE, active == (n.s.recv != SL_RECV_NONE));
  CHECK(W9, !n.held || active); /* nothing is held but while something can be received */
}

static void check_step(node from, node to, unsigned event, bool ok)
{
  if (!ok) {
    CHECK(STATE, !memcmp(&from.s, &to.s, sizeof from.s));
    return;
  }
  check_invariants(to);
  /* Rule 6: DONE is unreachable while bytes are held. */
  if (to.s.life == SL_DONE) CHECK(W9, !from.held && (event == SL_STEP_FINISH || event == SL_STEP_STOP));
  if (event == SL_STEP_FINISH) CHECK(W9, from.s.send == SL_SEND_END && from.s.recv == SL_RECV_END);
  if (event == SL_STEP_STOP) CHECK(X1, from.s.life != SL_IDLE && from.s.life != SL_DONE);
  if (event == SL_STEP_START) CHECK(X5, from.s.life == SL_IDLE || from.s.life == SL_DONE);
  /* Halves only go forward inside ACTIVE, and one event moves one of them by one row of the table. */
  if (from.s.life != SL_ACTIVE || to.s.life != SL_ACTIVE) return;
  CHECK(STATE, to.s.send >= from.s.send && to.s.recv >= from.s.recv);
  CHECK(STATE, (to.s.send != from.s.send) + (to.s.recv != from.s.recv) == 1);
}

static int32_t answered; /* by the user, at the next delivery */

static int32_t user(sl_transfer *t, enum sl_part part, const char *data, uint32_t n)
{
  (void)t, (void)part, (void)data;
  return answered < 0 ? (int32_t)n : answered;
}

/* A gate that is so. */
static void gate_make(sl_gate *g, node n)
{
  memset(g, 0, sizeof *g);
  answered = 0;
  if (n.held) sl_gate_write(g, NULL, user, SL_PART_BODY, "held", 4);
  sl_gate_set(g, n.paused, SL_BY_CALL);
  CHECK(P1, sl_gate_paused(g) == n.paused && sl_gate_holds(g) == n.held);
}

static void gate_event(sl_gate *g, unsigned event)
{
  static const uint32_t masks[] = { SL_DIR_RECV, SL_DIR_SEND, SL_DIR_BOTH, 0 };
  answered = event == REFUSE ? 0 : -1;
  if (event <= RESUME) sl_gate_set(g, masks[event], SL_BY_CALL);
  else if (event == REFUSE) sl_gate_write(g, NULL, user, SL_PART_BODY, "more", 4);
  else sl_gate_flush(g, NULL, user, UINT64_MAX);
}

static void reach(node n)
{
  bool new_state = true;
  for (unsigned i = 0; i < count.nodes; i++) {
    bool same = !memcmp(&found[i].s, &n.s, sizeof n.s);
    if (same && found[i].paused == n.paused && found[i].held == n.held) return;
    if (same) new_state = false;
  }
  CHECK(STATE, count.nodes < NODES_MAX);
  count.states += new_state;
  found[count.nodes++] = n;
}

/* The machine's events, with what the gate holds as the guard. */
static void try_steps(node from)
{
  sl_gate g;
  for (unsigned event = 0; event < EVENTS; event++) {
    node to = from;
    gate_make(&g, from);
    bool ok = sl_state_step(&to.s, event, g.held);
    if (ok && to.s.life == SL_DONE) sl_gate_clear(&g), to.paused = 0; /* P13 */
    check_step(from, to, event, ok);
    *(ok ? &count.steps : &count.refused) += 1;
    sl_gate_clear(&g);
    reach(to);
  }
}

/* The gate's events: where there is no response there is nothing to refuse. None of them is the machine's. */
static void try_gate(node from)
{
  sl_gate g;
  if (from.s.life == SL_DONE) return; /* P2: there is nothing to pause */
  for (unsigned event = 0; event < GATE_EVENTS; event++) {
    if (event == REFUSE && (from.s.life != SL_ACTIVE || from.s.recv == SL_RECV_END)) continue;
    node to = from;
    gate_make(&g, from);
    gate_event(&g, event);
    to.paused = sl_gate_paused(&g);
    to.held = sl_gate_holds(&g);
    if (event == REFUSE) CHECK(W2, to.held && (from.paused & SL_DIR_RECV || from.held || to.paused & SL_DIR_RECV));
    if (event == TAKE) CHECK(W8, (from.paused & SL_DIR_RECV) ? to.held == from.held : !to.held);
    if (event != REFUSE && event != TAKE) CHECK(P4, to.held == from.held);
    check_invariants(to);
    count.gate_steps++;
    sl_gate_clear(&g);
    reach(to);
  }
}

/* Breadth first from IDLE. */
static void explore(void)
{
  reach((node){ { SL_IDLE, SL_SEND_NONE, SL_RECV_NONE }, 0, false });
  for (unsigned i = 0; i < count.nodes; i++) {
    node from = found[i];
    try_steps(from);
    try_gate(from);
  }
}

typedef const char *diagram_line(unsigned n, char *buf, size_t size);

static int print_diagram(diagram_line *line_of)
{
  char line[160];
  const char *text;
  for (unsigned n = 0; (text = line_of(n, line, sizeof line)); n++) puts(text);
  return 0;
}

static void check_diagram(diagram_line *line_of, const char *path)
{
  char line[160], file[200];
  FILE *f = fopen(path, "r");
  CHECK(DIAGRAM, f != NULL);
  if (!f) return;
  const char *text;
  for (unsigned n = 0; (text = line_of(n, line, sizeof line)); n++) {
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
  if (argc > 1 && !strcmp(argv[1], "--diagram")) return print_diagram(sl_state_diagram_line);
  if (argc > 1 && !strcmp(argv[1], "--connection")) return print_diagram(sl_conn_diagram_line);
  explore();
  printf("states %u, with gate and held %u; events: allowed %u, refused %u, of the gate %u\n", count.states, count.nodes,
         count.steps, count.refused, count.gate_steps);
  CHECK(STATE, count.states == 16); /* as state.h says */
  /* Of 128: held only while ACTIVE (4 x 4 fewer), DONE with an open gate only (3 fewer). */
  CHECK(STATE, count.nodes == 109);
  CHECK(STATE, count.steps + count.refused == count.nodes * EVENTS);
  check_diagram(sl_state_diagram_line, "c/engine/state.mmd");
  check_diagram(sl_conn_diagram_line, "c/engine/connection.mmd");
  return check_result();
}
