/* remote.c: see remote.h. */
#include "remote.h"
#include <stdatomic.h>
#include <stdlib.h>

/* The word: CURLPAUSE_* where they are, the abort between them, the sequence number above. */
#define WORD_ABORT 2u
#define WORD_SEQ 8u
_Static_assert((SL_DIR_BOTH & WORD_ABORT) == 0 && SL_DIR_BOTH < WORD_SEQ, "the parts of the word do not overlap");

struct sluice_remote {
  atomic_uint refs;
  atomic_uint word;
  atomic_uint ringing;
  atomic_bool queued;         /* it is on the engine's list, or about to be put there */
  _Atomic(sl_multi *) engine;
  sluice_remote *next;        /* on that list                                         */
  /* the owner's thread's */
  sl_transfer *transfer;
  uint32_t seen;              /* the word as last taken                               */
};

/* Commands, from any thread. */

static void put_on_list(sl_multi *m, sluice_remote *r)
{
  r->next = atomic_load(&m->rung);
  while (!atomic_compare_exchange_weak(&m->rung, &r->next, r)) continue;
}

static void ring(sluice_remote *r, bool wakeup)
{
  atomic_fetch_add(&r->ringing, 1);
  sl_multi *m = atomic_load(&r->engine);
  if (m) {
    if (wakeup) atomic_store(&m->woken, true);
    else if (!atomic_exchange(&r->queued, true)) put_on_list(m, r);
    sl_wake(m->loop);
  }
  atomic_fetch_sub(&r->ringing, 1);
}

CURLcode sluice_remote_pause(sluice_remote *r, int mask)
{
  if (!r || (mask & ~(int)SL_DIR_BOTH)) return CURLE_BAD_FUNCTION_ARGUMENT;
  uint32_t word = atomic_load(&r->word);
  while (!atomic_compare_exchange_weak(&r->word, &word, ((word + WORD_SEQ) & ~(uint32_t)SL_DIR_BOTH) | (uint32_t)mask))
    continue;
  ring(r, false);
  return CURLE_OK;
}

CURLcode sluice_remote_abort(sluice_remote *r)
{
  if (!r) return CURLE_BAD_FUNCTION_ARGUMENT;
  uint32_t word = atomic_load(&r->word);
  while (!atomic_compare_exchange_weak(&r->word, &word, (word + WORD_SEQ) | WORD_ABORT)) continue;
  ring(r, false);
  return CURLE_OK;
}

CURLcode sluice_remote_wake(sluice_remote *r)
{
  if (!r) return CURLE_BAD_FUNCTION_ARGUMENT;
  ring(r, true);
  return CURLE_OK;
}

/* Life. */

sluice_remote *sluice_remote_dup(sluice_remote *r)
{
  if (r) atomic_fetch_add(&r->refs, 1);
  return r;
}

void sluice_remote_free(sluice_remote *r)
{
  if (r && atomic_fetch_sub(&r->refs, 1) == 1) free(r);
}

sluice_remote *sl_remote_new(sl_transfer *t)
{
  if (!t->remote) {
    sluice_remote *r = calloc(1, sizeof *r);
    if (!r) return NULL;
    atomic_init(&r->refs, 1);
    r->transfer = t;
    t->remote = r;
    if (t->multi) sl_remote_attach(r, t->multi);
  }
  return sluice_remote_dup(t->remote);
}

void sl_remote_leave(sluice_remote *r)
{
  if (!r) return;
  SL_ASSERT(!atomic_load(&r->engine));
  r->transfer = NULL;
  sluice_remote_free(r);
}

void sl_remote_attach(sluice_remote *r, sl_multi *m)
{
  if (!r) return;
  SL_ASSERT(!atomic_load(&r->engine) && !atomic_load(&r->queued));
  m->remotes++;
  atomic_store(&r->engine, m);
}

/* Others may be put on the list meanwhile: what was taken off goes back before them. */
static void take_off_list(sl_multi *m, sluice_remote *r)
{
  for (sluice_remote *other = atomic_exchange(&m->rung, NULL), *next; other; other = next) {
    next = other->next;
    if (other == r) atomic_store(&r->queued, false);
    else put_on_list(m, other);
  }
}

void sl_remote_detach(sluice_remote *r)
{
  sl_multi *m = r ? atomic_load(&r->engine) : NULL;
  if (!m) return;
  atomic_store(&r->engine, NULL);
  while (atomic_load(&r->ringing)) continue;
  if (atomic_load(&r->queued)) take_off_list(m, r);
  m->remotes--;
}

/* The word. */

bool sl_remote_take(sluice_remote *r, uint32_t *mask, bool *abort)
{
  if (!r || atomic_load(&r->word) == r->seen) return false;
  uint32_t word = atomic_fetch_and(&r->word, ~WORD_ABORT);
  r->seen = word & ~WORD_ABORT;
  *mask = word & SL_DIR_BOTH;
  *abort = (word & WORD_ABORT) != 0;
  return true;
}

void sl_remote_forget(sluice_remote *r)
{
  uint32_t mask;
  bool abort;
  sl_remote_take(r, &mask, &abort);
}

void sl_remote_answer(sl_multi *m, void (*take)(sl_transfer *t))
{
  if (!atomic_load(&m->rung)) return;
  for (sluice_remote *r = atomic_exchange(&m->rung, NULL), *next; r; r = next) {
    next = r->next;
    atomic_store(&r->queued, false);
    take(r->transfer);
  }
}

bool sl_remote_rung(const sl_multi *m) { return atomic_load(&m->rung) != NULL; }
