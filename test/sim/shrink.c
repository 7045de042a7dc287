/* shrink.c: a failing seed made small. See sim.h.
 *
 * A scenario is made whole, then edits take things out of it: a command, a difficulty of the host, of a server or of
 * a user. Edits use no random numbers, so that what is left stays as it was. Each edit is tried alone and kept when
 * the run still fails of the same. The list of edits is the script: `sluice-sim SEED 1 --without LIST` replays it. */
#include "sim.h"
#include <string.h>

enum { HOST_EDITS = 12, TRANSFER_EDITS = 20, FIRST_HOST = SIM_COMMANDS_MAX, FIRST_TRANSFER = FIRST_HOST + HOST_EDITS };

static void drop_command(sim *s, uint32_t order)
{
  for (uint32_t i = 0; i < s->command_count; i++)
    if (s->commands[i].order == order) {
      s->commands[i] = s->commands[--s->command_count];
      return;
    }
}

static void edit_host(sim *s, uint32_t what)
{
  switch (what) {
  case 0: s->moves = false; break;
  case 1: s->moves_out = false; break;
  case 2: s->reads_ahead = false; break;
  case 3: s->window = 65536; break;
  case 4: s->send_max = 65536; break;
  case 5: s->late_us = 0; break;
  case 6: s->fail_call = s->fail_chance = 0; break;
  case 7: s->busy = 0; break;
  case 8: s->channels_max = 0; break;
  case 9: s->m->max_connections = s->m->max_host_connections = 0; break;
  case 10: for (uint32_t i = 0; i < s->origin_count; i++) s->origins[i].idle_us = SL_NEVER; break;
  default: for (uint32_t i = 0; i < s->origin_count; i++) s->origins[i].requests_max = 0; break;
  }
}

static void edit_transfer(sim_transfer *x, uint32_t what)
{
  sim_response *r = &x->response;
  sim_upload *up = &x->up;
  sl_options *o = x->o;
  switch (what) {
  case 0: if (!r->until_close && !x->file) r->fault = SIM_FAULT_NONE; break;
  case 1: x->refuse = 0; break;
  case 2: x->partial = 0; break;
  case 3: x->act = 0; break;
  case 4: x->fail = 0; break;
  case 5: up->pause = 0; break;
  case 6: up->again = 0; break;
  case 7: up->fault = SIM_FAULT_NONE; break;
  case 8: up->most = 0; break;
  case 9: o->timeout_ms = 0; break;
  case 10: o->connect_timeout_ms = 0; break;
  case 11: o->low_speed_limit = 0; break;
  case 12: o->max_recv_speed = 0; break;
  case 13: o->max_send_speed = 0; break;
  case 14: o->paused_timeout_ms = o->silence_timeout_ms = 0; break;
  case 15: r->think_us = r->delay_us = 0; break;
  case 16: r->seg_max = 65536; break;
  case 17: x->replays = false; break;
  case 18: x->user.moves = false; break;
  default: up->fail = 0; break;
  }
}

void sim_edit(sim *s, const sim_edits *e)
{
  for (uint32_t i = 0; i < e->count; i++) {
    uint32_t id = e->ids[i];
    if (id < FIRST_HOST) drop_command(s, id);
    else if (id < FIRST_TRANSFER) edit_host(s, id - FIRST_HOST);
    else if ((id -= FIRST_TRANSFER) / TRANSFER_EDITS < s->count)
      edit_transfer(&s->transfers[id / TRANSFER_EDITS], id % TRANSFER_EDITS);
  }
}

/* Whether two messages tell of the same invariant: what stands between ": " and " (". */
static bool same_fault(const char *a, const char *b)
{
  const char *from = strstr(a, ": "), *other = strstr(b, ": ");
  if (!from || !other) return !from && !other;
  const char *to = strstr(from, " (");
  size_t n = to ? (size_t)(to - from) : strlen(from);
  return !strncmp(from, other, n);
}

/* Whether it fails of the same with these edits, and the last one made a difference. */
static bool fails_alike(uint64_t seed, uint32_t flags, const sim_edits *e, const char *message, uint64_t *hash)
{
  sim_result r;
  bool ok = sim_run_without(seed, flags, e, &r);
  bool alike = !ok && same_fault(message, r.message) && r.hash != *hash;
  if (alike) *hash = r.hash;
  sim_result_free(&r);
  return alike;
}

uint32_t sim_shrink(uint64_t seed, uint32_t flags, const char *message, sim_edits *e)
{
  uint64_t hash = 0;
  uint32_t runs = 0, all = FIRST_TRANSFER + SIM_TRANSFERS_MAX * TRANSFER_EDITS, before;
  do {
    before = e->count;
    for (uint32_t id = 0; id < all; id++) {
      bool in = e->count == SIM_EDITS_MAX;
      for (uint32_t i = 0; i < e->count && !in; i++) in = e->ids[i] == id;
      if (in || (id >= e->commands && id < FIRST_HOST)) continue;
      e->ids[e->count++] = id;
      runs++;
      if (!fails_alike(seed, flags, e, message, &hash)) e->count--;
    }
  } while (e->count != before && runs < 2000);
  return runs;
}
