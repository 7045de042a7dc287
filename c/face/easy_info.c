/* easy_info.c: curl_easy_getinfo: a table from info numbers to what is known of a transfer. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "../engine/ready.h"
#include "../engine/request.h"
#include "../protocol/fields.h"
#include "handle.h"

enum what {
  STATUS, VERSION, PROTOCOL, HEAD_SIZE, REQUEST_SIZE, CONNECTS, ZERO, UNKNOWN, PEER_PORT, LOCAL_PORT, PAUSED, BY_RECV, BY_SEND,
  LOGIN_OFFERED, LOGIN_USED, HELD, DOWN, UP, DOWN_SPEED, UP_SPEED, DOWN_LENGTH, UP_LENGTH, REDIRECTS, TRANSFER_ID, CONN_ID, SOCKET,
  /* times, microseconds */
  FIRST_TIME, TOTAL = FIRST_TIME, RESOLVED, CONNECTED, SECURED, BEGUN, FIRST_BYTE, SENT_WHOLE, QUEUED, REDIRECTED,
  PAUSED_TIME
};

static const struct { int info; enum what what; } numbers[] = {
  { CURLINFO_RESPONSE_CODE, STATUS },
  { CURLINFO_HTTP_VERSION, VERSION },
  { CURLINFO_PROTOCOL, PROTOCOL },
  { CURLINFO_HEADER_SIZE, HEAD_SIZE },
  { CURLINFO_REQUEST_SIZE, REQUEST_SIZE },
  { CURLINFO_NUM_CONNECTS, CONNECTS },
  { CURLINFO_PRIMARY_PORT, PEER_PORT },
  { CURLINFO_LOCAL_PORT, LOCAL_PORT },
  { CURLINFO_SIZE_DOWNLOAD, DOWN },
  { CURLINFO_SIZE_DOWNLOAD_T, DOWN },
  { CURLINFO_SIZE_UPLOAD, UP },
  { CURLINFO_SIZE_UPLOAD_T, UP },
  { CURLINFO_SPEED_DOWNLOAD, DOWN_SPEED },
  { CURLINFO_SPEED_DOWNLOAD_T, DOWN_SPEED },
  { CURLINFO_SPEED_UPLOAD, UP_SPEED },
  { CURLINFO_SPEED_UPLOAD_T, UP_SPEED },
  { CURLINFO_CONTENT_LENGTH_DOWNLOAD, DOWN_LENGTH },
  { CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, DOWN_LENGTH },
  { CURLINFO_TOTAL_TIME, TOTAL },
  { CURLINFO_TOTAL_TIME_T, TOTAL },
  { CURLINFO_NAMELOOKUP_TIME, RESOLVED },
  { CURLINFO_NAMELOOKUP_TIME_T, RESOLVED },
  { CURLINFO_CONNECT_TIME, CONNECTED },
  { CURLINFO_CONNECT_TIME_T, CONNECTED },
  { CURLINFO_APPCONNECT_TIME, SECURED },
  { CURLINFO_APPCONNECT_TIME_T, SECURED },
  { CURLINFO_PRETRANSFER_TIME, BEGUN },
  { CURLINFO_PRETRANSFER_TIME_T, BEGUN },
  { CURLINFO_STARTTRANSFER_TIME, FIRST_BYTE },
  { CURLINFO_STARTTRANSFER_TIME_T, FIRST_BYTE },
  { SLUICEINFO_PAUSED, PAUSED },
  { SLUICEINFO_PAUSED_BY_RECV, BY_RECV },
  { SLUICEINFO_PAUSED_BY_SEND, BY_SEND },
  { SLUICEINFO_HELD, HELD },
  { SLUICEINFO_PAUSED_TIME_T, PAUSED_TIME },
  { CURLINFO_POSTTRANSFER_TIME_T, SENT_WHOLE },
  { CURLINFO_QUEUE_TIME_T, QUEUED },
  { CURLINFO_REDIRECT_TIME, REDIRECTED },
  { CURLINFO_REDIRECT_TIME_T, REDIRECTED },
  { CURLINFO_REDIRECT_COUNT, REDIRECTS },
  { CURLINFO_CONTENT_LENGTH_UPLOAD, UP_LENGTH },
  { CURLINFO_CONTENT_LENGTH_UPLOAD_T, UP_LENGTH },
  { CURLINFO_XFER_ID, TRANSFER_ID },
  { CURLINFO_CONN_ID, CONN_ID },
  { CURLINFO_LASTSOCKET, SOCKET },
  { CURLINFO_FILETIME, UNKNOWN }, /* not asked for: there is no CURLOPT_FILETIME */
  { CURLINFO_FILETIME_T, UNKNOWN },
  /* What cannot have happened, for the engine does not do it: proxies, conditions. */
  { CURLINFO_HTTPAUTH_AVAIL, LOGIN_OFFERED },
  { CURLINFO_HTTPAUTH_USED, LOGIN_USED },
  { CURLINFO_PROXYAUTH_AVAIL, ZERO },
  { CURLINFO_PROXYAUTH_USED, ZERO },
  { CURLINFO_PROXY_ERROR, ZERO },
  { CURLINFO_HTTP_CONNECTCODE, ZERO },
  { CURLINFO_USED_PROXY, ZERO },
  { CURLINFO_CONDITION_UNMET, ZERO },
};

static int64_t now_us(const sl_transfer *t)
{
  if (t->state.life == SL_DONE || !t->multi) return t->done_us;
  return sl_now_us(t->multi->loop);
}

/* Microseconds from the start to `at_us`; 0 when either has not been, or had been before (a reused connection). */
static int64_t since_start(const sl_transfer *t, int64_t at_us)
{
  return t->start_us && at_us > t->start_us ? at_us - t->start_us : 0;
}

static int64_t speed(const sl_transfer *t, uint64_t bytes)
{
  int64_t us = since_start(t, now_us(t));
  return us ? (int64_t)((double)bytes * (double)SL_SECOND / (double)us) : 0;
}

static int64_t version(const sl_transfer *t)
{
  if (!t->status) return CURL_HTTP_VERSION_NONE;
  return t->http_minor ? CURL_HTTP_VERSION_1_1 : CURL_HTTP_VERSION_1_0;
}

static int64_t protocol(const sl_transfer *t)
{
  if (!t->url.scheme) return 0;
  if (!strcmp(t->url.scheme, "http")) return CURLPROTO_HTTP;
  return !strcmp(t->url.scheme, "https") ? CURLPROTO_HTTPS : CURLPROTO_FILE;
}

static int64_t paused_us(const sl_transfer *t)
{
  return t->paused_us + (t->paused_noted && t->start_us ? now_us(t) - t->paused_since_us : 0);
}

/* c/host/posix_fds.h; weak, for a host without descriptors need not have it. */
int sl_socket_of(sl_ch ch) __attribute__((weak));

/* The descriptor of the latest connection, while that lives; else -1. */
static int64_t socket_of(const sl_easy *e)
{
  const sl_multi *m = e->t.multi ? e->t.multi : e->own;
  if (!m || !sl_socket_of || e->t.conn_id < 0) return -1;
  for (const sl_conn *c = m->conns; c; c = c->next)
    if (c->id == e->t.conn_id) return sl_socket_of(c->ch);
  return -1;
}

static int64_t number(const sl_easy *e, enum what what)
{
  const sl_transfer *t = &e->t;
  switch (what) {
  case STATUS: return t->status;
  case VERSION: return version(t);
  case PROTOCOL: return protocol(t);
  case HEAD_SIZE: return (int64_t)t->head_received;
  case REQUEST_SIZE: return (int64_t)(t->heads_before + t->head_sent);
  case CONNECTS: return t->connects;
  case PEER_PORT: return sl_easy_address(t->peer, NULL);
  case LOCAL_PORT: return sl_easy_address(t->local, NULL);
  case PAUSED: return sl_gate_paused(&t->gate);
  case BY_RECV: return t->gate.by_recv;
  case BY_SEND: return t->gate.by_send;
  case HELD: return (int64_t)sl_ready_held(t);
  case DOWN: return (int64_t)t->received;
  case UP: return (int64_t)t->sent;
  case DOWN_SPEED: return speed(t, t->received);
  case UP_SPEED: return speed(t, t->sent);
  case DOWN_LENGTH: return t->recv_total;
  case TOTAL: return since_start(t, now_us(t));
  case RESOLVED: return since_start(t, t->resolved_us);
  case CONNECTED: return since_start(t, t->connected_us);
  case SECURED: return since_start(t, t->tls_us);
  case BEGUN: return since_start(t, t->begin_us);
  case FIRST_BYTE: return since_start(t, t->first_us);
  case PAUSED_TIME: return paused_us(t);
  case UP_LENGTH: return t->send_total;
  case REDIRECTS: return t->redirects;
  case TRANSFER_ID: return t->id;
  case CONN_ID: return t->conn_id;
  case SOCKET: return socket_of(e);
  case SENT_WHOLE: return since_start(t, t->posted_us);
  case QUEUED: return t->queued_us + (t->queued ? now_us(t) - t->queued_since_us : 0);
  case REDIRECTED: return t->redirects ? since_start(t, t->single_us + t->frozen_us) : 0;
  case LOGIN_OFFERED: return t->login_offered;
  case LOGIN_USED: return t->effective_url && sl_fields_logs_in(t) ? (int64_t)CURLAUTH_BASIC : 0;
  case UNKNOWN: return -1;
  case ZERO: break;
  }
  return 0;
}

static CURLcode get_number(const sl_easy *e, int info, void *to)
{
  size_t i = 0, count = sizeof numbers / sizeof *numbers;
  while (i < count && numbers[i].info != info) i++;
  if (i == count) return CURLE_UNKNOWN_OPTION;
  int64_t value = number(e, numbers[i].what);
  switch (info & CURLINFO_TYPEMASK) {
  case CURLINFO_LONG:
    *(long *)to = (long)value;
    break;
  case CURLINFO_DOUBLE:
    *(double *)to = numbers[i].what >= FIRST_TIME ? (double)value / (double)SL_SECOND : (double)value;
    break;
  default:
    *(curl_off_t *)to = value;
  }
  return CURLE_OK;
}

/* As it was given, with its scheme, or where redirects led. NULL: memory. */
static const char *effective_url(sl_easy *e)
{
  sl_text text = { .max = SL_URL_MAX };
  const sl_options *o = &e->options;
  free(e->effective_url);
  e->effective_url = NULL;
  if (!e->t.redirects) {
    if (!o->url || !*o->url) return "";
    return e->effective_url = sl_url_complete(o->url, strlen(o->url), o->default_scheme);
  }
  sl_request_url(&e->t, &text);
  if (text.failed) sl_text_free(&text);
  return e->effective_url = text.data;
}

/* Where a redirect that was not followed would have led. NULL: none, or it leads nowhere. */
static const char *redirect_url(sl_easy *e)
{
  sl_text base = { .max = SL_URL_MAX };
  const char *location = e->t.location;
  free(e->redirect_url);
  e->redirect_url = NULL;
  if (!location) return NULL;
  sl_request_url(&e->t, &base);
  if (!base.failed) sl_url_join(base.data, base.len, location, strlen(location), &e->redirect_url);
  sl_text_free(&base);
  return e->redirect_url;
}

static CURLcode get_text(sl_easy *e, CURLINFO info, const char **to)
{
  switch (info) {
  case CURLINFO_EFFECTIVE_URL:
    *to = effective_url(e);
    return *to ? CURLE_OK : CURLE_OUT_OF_MEMORY;
  case CURLINFO_REDIRECT_URL: *to = redirect_url(e); break;
  case CURLINFO_EFFECTIVE_METHOD: *to = sl_request_method(&e->t); break;
  case CURLINFO_CONTENT_TYPE: *to = e->content_type; break;
  case CURLINFO_SCHEME: *to = e->t.url.scheme; break;
  case CURLINFO_PRIMARY_IP: sl_easy_address(e->t.peer, e->peer_ip); *to = e->peer_ip; break;
  case CURLINFO_LOCAL_IP: sl_easy_address(e->t.local, e->local_ip); *to = e->local_ip; break;
  case CURLINFO_REFERER: *to = e->options.referer; break;
  case CURLINFO_PRIVATE: *to = e->options.private_data; break;
  default: return CURLE_UNKNOWN_OPTION;
  }
  return CURLE_OK;
}

CURLcode curl_easy_getinfo(CURL *handle, CURLINFO info, ...)
{
  sl_easy *e = sl_easy_of(handle);
  va_list args;
  va_start(args, info);
  void *to = va_arg(args, void *);
  va_end(args);
  if (!e || !to) return CURLE_BAD_FUNCTION_ARGUMENT;
  switch ((int)info & CURLINFO_TYPEMASK) {
  case CURLINFO_STRING:
    return get_text(e, info, to);
  case CURLINFO_LONG:
  case CURLINFO_DOUBLE:
  case CURLINFO_OFF_T:
    return get_number(e, (int)info, to);
  case CURLINFO_SOCKET:
    if (info != CURLINFO_ACTIVESOCKET) return CURLE_UNKNOWN_OPTION;
    *(curl_socket_t *)to = (curl_socket_t)socket_of(e);
    return CURLE_OK;
  default:
    return CURLE_UNKNOWN_OPTION;
  }
}
