/* curlm.c: the handle behind CURLM *: what every file of the multi interface asks of it. See curlm.h. */
#include "../engine/agenda.h"
#include "../engine/ready.h"
#include "../engine/transfer.h"
#include "curlm.h"
#include "handle.h"

sl_curlm *sl_curlm_of(CURLM *handle)
{
  sl_curlm *c = handle;
  return c && c->magic == SL_CURLM_MAGIC ? c : NULL;
}

CURLMcode sl_curlm_check(const sl_curlm *c)
{
  if (!c) return CURLM_BAD_HANDLE;
  return c->engine->in_callback ? CURLM_RECURSIVE_API_CALL : CURLM_OK;
}

void sl_curlm_die(sl_curlm *c)
{
  if (c->dead) return;
  c->dead = c->died = true;
  for (sl_transfer *t = c->engine->transfers, *next; t; t = next) {
    next = t->next;
    sl_transfer_stop(t, SL_CAUSE_CALLBACK, CURLE_ABORTED_BY_CALLBACK, NULL);
  }
}

/* G2: a progress callback is owed a call in every perform, paused transfers included. */
bool sl_curlm_owe_progress(sl_multi *m)
{
  bool any = false;
  for (sl_transfer *t = m->transfers; t; t = t->next) {
    if (!sl_ready_running(t) || !sl_easy_wants_progress(sl_easy_from(t))) continue;
    any = true;
    if (t->conn) sl_agenda_dirty(m, t);
  }
  return any;
}

CURL *sl_curlm_self(sl_curlm *c)
{
  if (!c->self) c->self = curl_easy_init();
  return c->self;
}
