/* curl_notify.c: the notifications of a multi (X11).
 *
 * A notification is written down when it happens and told at the end of the call it happened in, in the order of
 * completion; inside the callback handles may be added and removed, so nothing is remembered over a call of it. */
#include "../engine/list.h"
#include "curlm.h"
#include "handle.h"

static bool tells(const sl_curlm *c, unsigned int what) { return c->notify_fn && c->notify_mask >> what & 1; }

void sl_curlm_done(sl_easy *e)
{
  sl_curlm *c = e->t.multi->face;
  if (e->t.multi->messages == 1 && tells(c, CURLMNOTIFY_INFO_READ)) c->unread = true;
  if (e->notify || !tells(c, CURLMNOTIFY_EASY_DONE)) return;
  e->notify = true;
  SL_LIST_APPEND(c->notify_first, c->notify_last, e, notify_prev, notify_next);
}

void sl_curlm_leaves(sl_easy *e)
{
  sl_curlm *c = e->t.multi->face;
  e->owner = NULL;
  if (!e->notify) return;
  e->notify = false;
  SL_LIST_REMOVE(c->notify_first, c->notify_last, e, notify_prev, notify_next);
}

static void tell(sl_curlm *c, unsigned int what, CURL *easy)
{
  c->notifying = true;
  if (tells(c, what)) c->notify_fn(c, what, easy, c->notify_data);
  c->notifying = false;
}

void sl_curlm_notify(sl_curlm *c)
{
  if (c->notifying) return;
  while (c->notify_first) {
    sl_easy *e = c->notify_first;
    e->notify = false;
    SL_LIST_REMOVE(c->notify_first, c->notify_last, e, notify_prev, notify_next);
    tell(c, CURLMNOTIFY_EASY_DONE, e);
  }
  if (!c->unread) return;
  c->unread = false;
  tell(c, CURLMNOTIFY_INFO_READ, c->self);
}
