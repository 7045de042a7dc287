/* curl_multi_set.c: curl_multi_setopt and what else is set or asked of a multi. See curlm.h. */
#include <stdarg.h>
#include <stdlib.h>
#include "../engine/pool.h"
#include "../host/posix_fds.h"
#include "curlm.h"
#include "handle.h"

#pragma weak sl_fds_of

static CURLMcode set_notify(CURLM *handle, unsigned int what, bool on)
{
  sl_curlm *c = sl_curlm_of(handle);
  if (!c) return CURLM_BAD_HANDLE;
  if (what > CURLMNOTIFY_EASY_DONE) return CURLM_UNKNOWN_OPTION;
  if (on && !sl_curlm_self(c)) return CURLM_OUT_OF_MEMORY;
  if (on) c->notify_mask |= 1u << what;
  else c->notify_mask &= ~(1u << what);
  return CURLM_OK;
}

CURLMcode curl_multi_notify_enable(CURLM *handle, unsigned int notification)
{
  return set_notify(handle, notification, true);
}

CURLMcode curl_multi_notify_disable(CURLM *handle, unsigned int notification)
{
  return set_notify(handle, notification, false);
}

CURL **curl_multi_get_handles(CURLM *handle)
{
  sl_curlm *c = sl_curlm_of(handle);
  CURL **list = c ? malloc((c->engine->added + (size_t)1) * sizeof *list) : NULL;
  size_t n = 0;
  if (!list) return NULL;
  for (sl_transfer *t = c->engine->transfers; t; t = t->next) list[n++] = sl_easy_from(t);
  list[n] = NULL;
  return list;
}

CURLMcode curl_multi_get_offt(CURLM *handle, CURLMinfo_offt info, curl_off_t *value)
{
  sl_curlm *c = sl_curlm_of(handle);
  if (!c) return CURLM_BAD_HANDLE;
  if (!value) return CURLM_BAD_FUNCTION_ARGUMENT;
  const sl_multi *m = c->engine;
  uint32_t waiting = 0;
  for (const sl_transfer *q = m->queued_first; q; q = q->queued_next) waiting++;
  switch ((int)info) {
  case CURLMINFO_XFERS_CURRENT: *value = m->added; return CURLM_OK;
  case CURLMINFO_XFERS_RUNNING: *value = m->running - waiting; return CURLM_OK;
  case CURLMINFO_XFERS_PENDING: *value = waiting; return CURLM_OK;
  case CURLMINFO_XFERS_DONE: *value = m->messages; return CURLM_OK;
  case CURLMINFO_XFERS_ADDED: *value = m->next_transfer_id; return CURLM_OK; /* each is started once */
  default: return CURLM_UNKNOWN_OPTION;
  }
}

static CURLMcode set_number(sl_curlm *c, CURLMoption option, long value)
{
  sl_multi *m = c->engine;
  if (value < 0 || value > INT32_MAX) return CURLM_BAD_FUNCTION_ARGUMENT;
  switch ((int)option) {
  case CURLMOPT_MAXCONNECTS: m->max_idle = (uint32_t)value; return CURLM_OK;
  case CURLMOPT_MAX_HOST_CONNECTIONS: m->max_host_connections = (uint32_t)value; break;
  case CURLMOPT_MAX_TOTAL_CONNECTIONS: m->max_connections = (uint32_t)value; break;
  case CURLMOPT_PIPELINING: /* nothing to choose: HTTP/1 has one at a time */
    return value <= (CURLPIPE_HTTP1 | CURLPIPE_MULTIPLEX) ? CURLM_OK : CURLM_BAD_FUNCTION_ARGUMENT;
  default: return CURLM_UNKNOWN_OPTION;
  }
  sl_pool_call_all(m);
  return sl_curlm_finish(c); /* B7: the program's timer must know */
}

static CURLMcode set_pointer(sl_curlm *c, CURLMoption option, void *value)
{
  switch ((int)option) {
  case CURLMOPT_SOCKETDATA: c->socket_data = value; return CURLM_OK;
  case CURLMOPT_TIMERDATA: c->timer_data = value; return CURLM_OK;
  case CURLMOPT_NOTIFYDATA: c->notify_data = value; return CURLM_OK;
  default: return CURLM_UNKNOWN_OPTION;
  }
}

CURLMcode curl_multi_setopt(CURLM *handle, CURLMoption option, ...)
{
  sl_curlm *c = sl_curlm_of(handle);
  CURLMcode code = sl_curlm_check(c);
  va_list args;
  if (code) return code;
  va_start(args, option);
  switch ((int)option) {
  case CURLMOPT_SOCKETFUNCTION:
    if (!sl_fds_of) code = CURLM_UNKNOWN_OPTION;
    else c->socket_fn = va_arg(args, curl_socket_callback);
    if (!code && c->socket_fn) sl_curlm_watch(c);
    break;
  case CURLMOPT_TIMERFUNCTION:
    c->timer_fn = va_arg(args, curl_multi_timer_callback);
    c->told_us = SL_TOLD_NOTHING;
    break;
  case CURLMOPT_NOTIFYFUNCTION: c->notify_fn = va_arg(args, curl_notify_callback); break;
  default:
    if ((int)option < CURLOPTTYPE_OBJECTPOINT) code = set_number(c, option, va_arg(args, long));
    else if ((int)option < CURLOPTTYPE_FUNCTIONPOINT) code = set_pointer(c, option, va_arg(args, void *));
    else code = CURLM_UNKNOWN_OPTION;
  }
  va_end(args);
  return code;
}
