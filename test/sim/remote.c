/* remote.c: somebody in another thread. Commands are written through remote handles in the middle of the engine's own
 * calls of the door, as if another thread ran there; the engine has to see them before its next delivery (B1, B2). */
#include "sim.h"
#include "engine/remote.h"

void sim_remote_begin(sim *s, sim_transfer *x)
{
  if (s->remotes && !x->remote) x->remote = sl_remote_new(x->transfer);
}

void sim_remote_act(sim *s)
{
  static const uint8_t masks[] = { SL_DIR_RECV, SL_DIR_SEND, SL_DIR_BOTH, 0 };
  if (!s->remotes || s->looking || s->calm || s->in_user || !sim_chance(s, s->remotes)) return;
  sim_transfer *x = &s->transfers[sim_below(s, s->count)];
  if (!x->running || !x->remote) return;
  s->progress++;
  if (!sim_below(s, 24)) {
    sim_trace(s, x->number, 'z', -1, 0);
    x->stop_asked = true;
    sluice_remote_abort(x->remote);
    return;
  }
  uint32_t mask = masks[sim_below(s, 4)];
  sim_trace(s, x->number, 'z', mask, 0);
  sluice_remote_pause(x->remote, (int)mask);
  if (mask) sim_at(s, sim_some(s, 2 * SL_SECOND), SIM_RESUME, x->number, 0);
}

/* It becomes calm: the last word is to go on. */
void sim_remote_calm(sim_transfer *x)
{
  if (x->running) sluice_remote_pause(x->remote, 0);
}

void sim_check_remote(sim *s, sim_transfer *x)
{
  uint32_t mask;
  bool abort;
  if (sl_remote_take(x->transfer->remote, &mask, &abort)) sim_violate(s, x, "called past a remote command", mask, abort);
}
