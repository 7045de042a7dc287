/* easy.c: the handle behind CURL *: its life, its options, perform and pause; see handle.h.
 *
 * A handle is in one engine at a time: none, its own (only while perform runs) or a multi's. The private
 * engine is made by the first perform and stays until cleanup: its pool keeps the connections. perform is the
 * only function here that blocks. */
#include "handle.h"
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "../engine/agenda.h"
#include "../engine/expiry.h"
#include "../engine/multi.h"
#include "../engine/pool.h"
#include "../engine/ready.h"
#include "../engine/remote.h"
#include "../engine/transfer.h"
#include "../host/posix_fds.h"

#pragma weak sl_loop_hooks
#pragma weak sl_socket_of

#define POLL_MAX_US SL_SECOND /* G2: perform runs, and reports progress, at least this often */
#define EVENTS_MAX 16         /* taken from the host at a time, a count                      */

sl_easy *sl_easy_of(CURL *handle)
{
  sl_easy *e = handle;
  return e && e->magic == SL_EASY_MAGIC ? e : NULL;
}

CURL *curl_easy_init(void)
{
  sl_easy *e = calloc(1, sizeof *e);
  if (!e) return NULL;
  e->magic = SL_EASY_MAGIC;
  sl_options_init(&e->options);
  sl_transfer_init(&e->t, &sl_easy_user, &e->options);
  return e;
}

/* Inside a callback of the handle. Those for descriptors are its private engine's: they may outlive a transfer. */
static bool called_back(const sl_easy *e) { return e->in_callback || (e->own && e->own->in_callback); }

/* X4: inside a callback of the handle, or of the engine it is in, it cannot be taken apart. */
static bool busy(const sl_easy *e)
{
  return called_back(e) || (e->t.multi && e->t.multi->in_callback);
}

/* B7, P9: the program's timer, and what it watches, follow; inside a run or a callback when that ends. */
static void settle(sl_multi *m)
{
  if (!m->depth && !m->in_callback && m->settle) m->settle(m);
}

void curl_easy_cleanup(CURL *handle)
{
  sl_easy *e = sl_easy_of(handle);
  if (!e || busy(e)) return;
  if (e->t.multi) {
    sl_multi *m = e->t.multi;
    if (e->owner) e->owner->leaves(e);
    sl_easy_close_raw(e);
    sl_multi_remove(m, &e->t);
    settle(m);
  }
  sl_easy_close_raw(e);
  if (e->own) sl_multi_free(e->own);
  sl_transfer_clear(&e->t);
  sl_options_clear(&e->options);
  free(e->content_type);
  free(e->effective_url);
  free(e->redirect_url);
  e->magic = 0;
  free(e);
}

CURL *curl_easy_duphandle(CURL *handle)
{
  sl_easy *e = sl_easy_of(handle), *copy = e ? curl_easy_init() : NULL;
  if (!copy || sl_options_copy(&copy->options, &e->options)) return copy;
  curl_easy_cleanup(copy);
  return NULL;
}

/* CURLE_OK and *bytes, AGAIN, or why there is nothing to be had. */
static CURLcode raw_bytes(sl_easy *e, int32_t code, CURLcode broken, size_t *bytes)
{
  *bytes = code > 0 ? (size_t)code : 0;
  if (code >= 0) return CURLE_OK;
  if (code == SL_AGAIN) return CURLE_AGAIN;
  sl_easy_error(e, curl_easy_strerror(broken));
  return broken;
}

/* Where there are no descriptors only this can say what the program waits for, and hosts give nothing that is not wanted.
 * In a multi curl_multi_poll wakes then. Alone nobody waits on the loop, so the host has its turn here. True: try again. */
static bool raw_waits(sl_easy *e, int32_t code, uint32_t events)
{
  sl_conn *c = e->t.raw;
  sl_event told[EVENTS_MAX];
  if (sl_socket_of) return false;
  sl_pool_ask(c, code == SL_AGAIN ? events : 0);
  if (code != SL_AGAIN || c->multi != e->own) return false;
  int32_t n = sl_wait(c->multi->loop, told, EVENTS_MAX, 0);
  for (int32_t i = 0; i < n; i++)
    if (told[i].ch) sl_multi_event(c->multi, told[i].ch, told[i].events);
  return n > 0;
}

static int32_t raw_size(size_t n) { return n < INT32_MAX ? (int32_t)n : INT32_MAX; }

CURLcode curl_easy_recv(CURL *handle, void *buffer, size_t n, size_t *bytes)
{
  sl_easy *e = sl_easy_of(handle);
  if (!e || !bytes || (n && !buffer)) return CURLE_BAD_FUNCTION_ARGUMENT;
  if (called_back(e)) return CURLE_RECURSIVE_API_CALL;
  *bytes = 0;
  if (!e->t.raw) return CURLE_UNSUPPORTED_PROTOCOL;
  int32_t code = 0;
  if (n) do code = sl_recv(e->t.raw->ch, buffer, (uint32_t)raw_size(n));
    while (raw_waits(e, code, SL_IN));
  return raw_bytes(e, code, CURLE_RECV_ERROR, bytes);
}

CURLcode curl_easy_send(CURL *handle, const void *buffer, size_t n, size_t *bytes)
{
  sl_easy *e = sl_easy_of(handle);
  if (!e || !bytes || (n && !buffer)) return CURLE_BAD_FUNCTION_ARGUMENT;
  if (called_back(e)) return CURLE_RECURSIVE_API_CALL;
  *bytes = 0;
  if (!e->t.raw) return CURLE_UNSUPPORTED_PROTOCOL;
  int32_t code = 0;
  if (n) do code = sl_send(e->t.raw->ch, buffer, (uint32_t)raw_size(n));
    while (raw_waits(e, code, SL_OUT));
  return raw_bytes(e, code, CURLE_SEND_ERROR, bytes);
}

/* In a multi the transfer goes on with what it has begun; only its pause ends (P13), and its limits do. A request body
 * that is not all read yet went with its options: easy_user.c ends the transfer when it is to go on. */
void curl_easy_reset(CURL *handle)
{
  sl_easy *e = sl_easy_of(handle);
  if (!e || busy(e)) return;
  sl_options_clear(&e->options);
  if (e->t.multi) {
    sl_transfer_pause(&e->t, 0, SL_BY_CALL);
    sl_expiry_limits(&e->t);
    settle(e->t.multi);
    return;
  }
  sl_easy_begin(e);
  sluice_remote *remote = e->t.remote; /* handles stay good */
  sl_remote_forget(remote);
  e->t.remote = NULL;
  sl_transfer_clear(&e->t);
  sl_transfer_init(&e->t, &sl_easy_user, &e->options);
  e->t.remote = remote;
}

/* What the engine has made deadlines and buckets of: a change is told to it, when the transfer is in one. */
static bool is_limit(CURLoption option)
{
  switch ((int)option) {
  case CURLOPT_TIMEOUT:
  case CURLOPT_TIMEOUT_MS:
  case CURLOPT_CONNECTTIMEOUT:
  case CURLOPT_CONNECTTIMEOUT_MS:
  case SLUICEOPT_PAUSED_TIMEOUT_MS:
  case SLUICEOPT_SILENCE_TIMEOUT_MS:
  case SLUICEOPT_QUEUE_TIMEOUT_MS:
  case SLUICEOPT_BURST:
  case CURLOPT_LOW_SPEED_LIMIT:
  case CURLOPT_LOW_SPEED_TIME:
  case CURLOPT_MAX_RECV_SPEED_LARGE:
  case CURLOPT_MAX_SEND_SPEED_LARGE:
    return true;
  default:
    return false;
  }
}

static bool is_progress(CURLoption option)
{
  return option == CURLOPT_NOPROGRESS || option == CURLOPT_XFERINFOFUNCTION || option == CURLOPT_PROGRESSFUNCTION;
}

static bool needs_descriptors(CURLoption option)
{
  return option == CURLOPT_OPENSOCKETFUNCTION || option == CURLOPT_SOCKOPTFUNCTION ||
         option == CURLOPT_CLOSESOCKETFUNCTION;
}

static CURLcode set_number(sl_options *o, int option, int64_t value)
{
  CURLcode code = sl_options_number(o, option, value);
  return code == CURLE_UNKNOWN_OPTION ? sl_easy_neutral_number(option, value) : code;
}

static CURLcode set_pointer(sl_options *o, int option, void *value)
{
  CURLcode code = sl_options_object(o, option, value);
  return code == CURLE_UNKNOWN_OPTION ? sl_easy_neutral_pointer(option, value) : code;
}

static CURLcode set_function(sl_options *o, CURLoption option, sl_function *value)
{
  if (needs_descriptors(option) && !sl_loop_hooks) return value ? CURLE_UNKNOWN_OPTION : CURLE_OK;
  CURLcode code = sl_options_function(o, (int)option, value);
  return code == CURLE_UNKNOWN_OPTION ? sl_easy_neutral_pointer((int)option, (void *)(uintptr_t)value) : code;
}

/* B18. A number out of its range is libcurl's 43 too, and leaves what was there; programs try such. All else that is refused
 * here libcurl might have taken, so that the program has no reason to look. */
static void note(sl_options *o, int option, CURLcode code)
{
  bool number = option / 10000 == 0 || option / 10000 == 3;
  if (!code) sl_options_accept(o, option);
  else if (!number || code != CURLE_BAD_FUNCTION_ARGUMENT) sl_options_refuse(o, option, code);
}

CURLcode curl_easy_setopt(CURL *handle, CURLoption option, ...)
{
  sl_easy *e = sl_easy_of(handle);
  CURLcode code;
  va_list args;
  if (!e) return CURLE_BAD_FUNCTION_ARGUMENT;
  va_start(args, option);
  switch ((int)option / 10000 * 10000) {
  case CURLOPTTYPE_LONG:
    code = set_number(&e->options, (int)option, va_arg(args, long));
    break;
  case CURLOPTTYPE_OBJECTPOINT:
  case CURLOPTTYPE_BLOB:
    code = set_pointer(&e->options, (int)option, va_arg(args, void *));
    break;
  case CURLOPTTYPE_FUNCTIONPOINT:
    code = set_function(&e->options, option, va_arg(args, sl_function *));
    break;
  case CURLOPTTYPE_OFF_T:
    code = set_number(&e->options, (int)option, va_arg(args, curl_off_t));
    break;
  default:
    code = CURLE_UNKNOWN_OPTION;
  }
  va_end(args);
  note(&e->options, (int)option, code);
  if (code || !e->t.multi) return code;
  if (is_limit(option)) sl_expiry_limits(&e->t);
  else if (is_progress(option) && e->owner) e->owner->expects_progress(e);
  else return code;
  settle(e->t.multi);
  return code;
}

int64_t sl_easy_wait_ms(const sl_multi *m, int64_t next_us)
{
  if (next_us == SL_NEVER) return -1;
  int64_t left = next_us ? next_us - sl_now_us(m->loop) : 0;
  int64_t ms = left > 0 ? (left + 999) / 1000 : 0;
  return ms < INT_MAX ? ms : INT_MAX; /* early is fine: it is asked again */
}

static CURLcode host_code(int32_t code)
{
  switch (code) {
  case SL_CANCELED:
    return CURLE_ABORTED_BY_CALLBACK;
  case SL_QUOTA:
    return CURLE_FILESIZE_EXCEEDED;
  case SL_DEADLINE:
    return CURLE_OPERATION_TIMEDOUT;
  case SL_NOMEM:
    return CURLE_OUT_OF_MEMORY;
  case SL_NOSYS:
    return CURLE_NOT_BUILT_IN; /* a host that cannot block */
  default:
    return CURLE_UNRECOVERABLE_POLL;
  }
}

void sl_easy_host_failed(sl_multi *m, int32_t code)
{
  for (sl_transfer *t = m->transfers, *next; t; t = next) {
    next = t->next;
    sl_transfer_stop(t, SL_CAUSE_HOST, host_code(code), NULL);
  }
}

static void drive(sl_easy *e)
{
  sl_multi *m = e->own;
  sl_event events[EVENTS_MAX];
  for (;;) {
    if (sl_easy_wants_progress(e)) sl_agenda_dirty(m, &e->t);
    sl_multi_run(m);
    if (e->ended) return;
    int64_t next_us = sl_multi_next_us(m), wait_us = POLL_MAX_US;
    if (next_us < SL_NEVER) next_us -= next_us ? sl_now_us(m->loop) : 0;
    if (next_us < wait_us) wait_us = next_us > 0 ? next_us : 0;
    int32_t n = sl_wait(m->loop, events, EVENTS_MAX, wait_us);
    if (n < 0) sl_easy_host_failed(m, n);
    if (e->ended) return;
    for (int32_t i = 0; i < n; i++)
      if (events[i].ch) sl_multi_event(m, events[i].ch, events[i].events);
  }
}

CURLcode curl_easy_perform(CURL *handle)
{
  sl_easy *e = sl_easy_of(handle);
  if (!e) return CURLE_BAD_FUNCTION_ARGUMENT;
  if (called_back(e)) return CURLE_RECURSIVE_API_CALL;
  sl_easy_error(e, "");
  if (e->t.multi) {
    sl_easy_error(e, "easy handle already used in multi handle");
    return CURLE_FAILED_INIT;
  }
  if (!e->own && !(e->own = sl_multi_new(NULL))) return CURLE_OUT_OF_MEMORY;
  sl_easy_begin(e);
  sl_easy_trace(e->own, e);
  if (sl_multi_add(e->own, &e->t)) return CURLE_OUT_OF_MEMORY;
  drive(e);
  CURLcode code = e->message.data.result;
  sl_multi_remove(e->own, &e->t);
  return code;
}

CURLcode curl_easy_upkeep(CURL *handle)
{
  sl_easy *e = sl_easy_of(handle);
  if (!e) return CURLE_BAD_FUNCTION_ARGUMENT;
  return called_back(e) ? CURLE_RECURSIVE_API_CALL : CURLE_OK;
}

/* P3 bounds the nesting of calls on one handle, at 7. Here it cannot grow: the one call that calls back and is allowed in
 * callbacks is this, by its replay, and a replay within a delivery is left to that delivery. So no count is kept. */
CURLcode curl_easy_pause(CURL *handle, int bitmask)
{
  sl_easy *e = sl_easy_of(handle);
  uint32_t mask = (uint32_t)bitmask & SL_DIR_BOTH; /* B10: other bits are ignored */
  sl_multi *m = e ? e->t.multi : NULL;
  if (m && m->in_watch) return CURLE_RECURSIVE_API_CALL; /* P3, F22 */
  /* P2: begun, not ended, and not in the queue for a connection; but a pause from just before the queue can be taken back. */
  bool waits = e && e->t.queued && !((e->t.gate.by_recv | e->t.gate.by_send) & SL_BY_CALL);
  if (!m || !sl_ready_running(&e->t) || !e->t.start_us || waits) return CURLE_BAD_FUNCTION_ARGUMENT;
  CURLcode code = sl_transfer_pause_replay(&e->t, mask, SL_BY_CALL);
  if (code) sl_easy_error(e, *e->t.error ? e->t.error : curl_easy_strerror(code)); /* P7 */
  if (!m->depth && !m->in_callback && m->settle && !m->settle(m)) return CURLE_ABORTED_BY_CALLBACK; /* P9 */
  return code;
}

sluice_remote *sluice_remote_new(CURL *handle)
{
  sl_easy *e = sl_easy_of(handle);
  sluice_remote *remote = e ? sl_remote_new(&e->t) : NULL;
  sl_multi *m = e ? e->t.multi : NULL;
  if (remote && m) settle(m); /* the loop's descriptor is wanted now */
  return remote;
}
