/* state.c: the table of all lifecycle transitions, and the only code that changes a sl_state.
 *
 * A row says: on this event, from these lives and these halves, go there. Sets are bit masks over the enums
 * of state.h. KEEP leaves a part as it is. Rows that end a transfer well demand that nothing is held (rule:
 * DONE is unreachable while bytes are held); a stop throws away what is held before it steps. */
#include "state.h"
#include "base.h"
#include "text.h"

#define KEEP 0xFF
#define BIT(x) (1u << (x))
#define ANY 0xFFu

struct row {
  uint8_t event;
  uint8_t from_life, from_send, from_recv; /* sets         */
  uint8_t life, send, recv;                /* new, or KEEP */
  bool empty;                              /* guard: nothing held */
};

static const struct row table[] = {
  { SL_STEP_START, BIT(SL_IDLE) | BIT(SL_DONE), ANY, ANY, SL_PENDING, KEEP, KEEP, true },
  { SL_STEP_OPEN, BIT(SL_PENDING), ANY, ANY, SL_CONNECTING, KEEP, KEEP, true },
  { SL_STEP_BEGIN, BIT(SL_PENDING) | BIT(SL_CONNECTING), ANY, ANY, SL_ACTIVE, SL_SEND_HEAD, SL_RECV_HEAD, true },
  { SL_STEP_SEND_WAIT, BIT(SL_ACTIVE), BIT(SL_SEND_HEAD), ANY, KEEP, SL_SEND_WAIT, KEEP, false },
  { SL_STEP_SEND_BODY, BIT(SL_ACTIVE), BIT(SL_SEND_HEAD) | BIT(SL_SEND_WAIT), ANY, KEEP, SL_SEND_BODY, KEEP, false },
  { SL_STEP_SEND_END, BIT(SL_ACTIVE), BIT(SL_SEND_HEAD) | BIT(SL_SEND_WAIT) | BIT(SL_SEND_BODY), ANY, KEEP,
    SL_SEND_END, KEEP, false },
  { SL_STEP_RECV_HEAD, BIT(SL_ACTIVE), ANY, BIT(SL_RECV_HEAD), KEEP, KEEP, SL_RECV_BODY, false },
  { SL_STEP_RECV_END, BIT(SL_ACTIVE), ANY, BIT(SL_RECV_BODY), KEEP, KEEP, SL_RECV_END, false },
  { SL_STEP_AGAIN, BIT(SL_CONNECTING) | BIT(SL_ACTIVE), ANY, ANY, SL_PENDING, SL_SEND_NONE, SL_RECV_NONE, true },
  { SL_STEP_FINISH, BIT(SL_ACTIVE), BIT(SL_SEND_END), BIT(SL_RECV_END), SL_DONE, SL_SEND_NONE, SL_RECV_NONE, true },
  { SL_STEP_STOP, BIT(SL_PENDING) | BIT(SL_CONNECTING) | BIT(SL_ACTIVE), ANY, ANY, SL_DONE, SL_SEND_NONE,
    SL_RECV_NONE, true },
  { SL_STEP_RESET, BIT(SL_DONE), ANY, ANY, SL_IDLE, KEEP, KEEP, true },
};
enum { ROWS = sizeof table / sizeof table[0] };

static const char *const life_names[SL_LIFE_COUNT] = { "IDLE", "PENDING", "CONNECTING", "ACTIVE", "DONE" };
static const char *const send_names[SL_SEND_COUNT] = { "NONE", "HEAD", "WAIT", "BODY", "END" };
static const char *const recv_names[SL_RECV_COUNT] = { "NONE", "HEAD", "BODY", "END" };
static const char *const event_names[SL_STEP_COUNT] = { "START", "OPEN", "BEGIN", "SEND_WAIT", "SEND_BODY",
  "SEND_END", "RECV_HEAD", "RECV_END", "AGAIN", "FINISH", "STOP", "RESET" };

bool sl_state_step(sl_state *s, enum sl_step_event event, uint64_t held)
{
  for (unsigned i = 0; i < ROWS; i++) {
    const struct row *r = &table[i];
    if (r->event != event || !(r->from_life & BIT(s->life)) || !(r->from_send & BIT(s->send)) ||
        !(r->from_recv & BIT(s->recv)))
      continue;
    if (r->empty && held) return false;
    if (r->life != KEEP) s->life = r->life;
    if (r->send != KEEP) s->send = r->send;
    if (r->recv != KEEP) s->recv = r->recv;
    SL_ASSERT((s->life == SL_ACTIVE) == (s->send != SL_SEND_NONE));
    SL_ASSERT((s->life == SL_ACTIVE) == (s->recv != SL_RECV_NONE));
    return true;
  }
  return false;
}

/* The diagram. Lives are states; the halves are two regions inside ACTIVE; each from-to pair of a row is an
 * arrow. Rows over "any half" of ACTIVE are drawn once, at ACTIVE. */

static const char *half_name(bool sending, unsigned half) { return sending ? send_names[half] : recv_names[half]; }

/* Arrow `n` between lives; false after the last. */
static bool life_arrow(unsigned n, sl_line *out)
{
  for (unsigned i = 0; i < ROWS; i++)
    for (unsigned from = 0; from < SL_LIFE_COUNT; from++) {
      if (table[i].life == KEEP || !(table[i].from_life & BIT(from)) || n--) continue;
      sl_line_str(out, "  ");
      sl_line_str(out, life_names[from]);
      sl_line_str(out, " --> ");
      sl_line_str(out, life_names[table[i].life]);
      sl_line_str(out, ": ");
      sl_line_str(out, event_names[table[i].event]);
      if (table[i].empty && table[i].life == SL_DONE) sl_line_str(out, " [nothing held]");
      return true;
    }
  return false;
}

/* Arrow `n` of one half inside ACTIVE. */
static bool half_arrow(bool sending, unsigned n, sl_line *out)
{
  unsigned count = sending ? SL_SEND_COUNT : SL_RECV_COUNT;
  for (unsigned i = 0; i < ROWS; i++)
    for (unsigned from = 1; from < count; from++) {
      unsigned to = sending ? table[i].send : table[i].recv;
      unsigned set = sending ? table[i].from_send : table[i].from_recv;
      if (table[i].life != KEEP || to == KEEP || !(set & BIT(from)) || n--) continue;
      const char *prefix = sending ? "send_" : "recv_";
      sl_line_str(out, "    ");
      sl_line_str(out, prefix);
      sl_line_str(out, half_name(sending, from));
      sl_line_str(out, " --> ");
      sl_line_str(out, prefix);
      sl_line_str(out, half_name(sending, to));
      sl_line_str(out, ": ");
      sl_line_str(out, event_names[table[i].event]);
      return true;
    }
  return false;
}

static unsigned arrows(int half)
{
  char skip[160];
  for (unsigned n = 0;; n++) {
    sl_line out = { skip, skip + sizeof skip };
    if (half < 0 ? !life_arrow(n, &out) : !half_arrow(half, n, &out)) return n;
  }
}

const char *sl_state_diagram_line(unsigned n, char *buf, size_t size)
{
  static const char *const before[] = { "stateDiagram-v2", "  [*] --> IDLE" };
  static const char *const into[] = { "  state ACTIVE {", "    [*] --> send_HEAD" };
  static const char *const between[] = { "    --", "    [*] --> recv_HEAD" };
  unsigned lives = arrows(-1), sends = arrows(1), recvs = arrows(0);
  sl_line out = { buf, buf + size };
  *buf = 0;
  if (n < 2) return before[n];
  if ((n -= 2) < lives) return life_arrow(n, &out), buf;
  if ((n -= lives) < 2) return into[n];
  if ((n -= 2) < sends) return half_arrow(true, n, &out), buf;
  if ((n -= sends) < 2) return between[n];
  if ((n -= 2) < recvs) return half_arrow(false, n, &out), buf;
  if (n == recvs) return "  }";
  return NULL;
}
