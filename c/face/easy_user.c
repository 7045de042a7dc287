/* easy_user.c: the callbacks of a C program, as the engine sees them.
 *
 * Every callback is looked up at the moment it is called (W15) and is bracketed by in_callback, on the handle
 * and on its engine, so that what SPEC's X rows refuse can be refused. A callback that fails stops the
 * transfer here, with its message; the engine then only learns SL_SINK_FAILED. */
#include <stdlib.h>
#include <string.h>
#include "../engine/pool.h"
#include "../engine/request.h"
#include "../engine/transfer.h"
#include "../host/posix_fds.h"
#include "../protocol/fields.h"
#include "handle.h"

#pragma weak sl_loop_hooks

enum answer { TAKEN, REFUSED, FAILED };

sl_easy *sl_easy_from(sl_transfer *t)
{
  sl_easy *e = (sl_easy *)(void *)((char *)t - offsetof(sl_easy, t));
  SL_ASSERT(e->magic == SL_EASY_MAGIC);
  return e;
}

static void enter(sl_easy *e)
{
  e->in_callback++;
  e->t.multi->in_callback++;
}

static void leave(sl_easy *e)
{
  SL_ASSERT(e->in_callback && e->t.multi->in_callback);
  e->t.multi->in_callback--;
  e->in_callback--;
}

/* CURLOPT_VERBOSE: show what goes on. */
static void show(sl_easy *e, curl_infotype type, const char *data, size_t n)
{
  const sl_options *o = &e->options;
  if (!o->verbose) return;
  if (!o->debug_fn) {
    sl_stdio_debug(o->stderr_file, (int)type, data, n);
    return;
  }
  enter(e);
  o->debug_fn(e, type, (char *)(uintptr_t)data, n, o->debug_data);
  leave(e);
}

_Static_assert((int)SLUICE_TRACE_STOP == (int)SL_TRACE_STOP && (int)SLUICE_TRACE_OPEN == (int)SL_TRACE_OPEN &&
                 (int)SLUICE_TRACE_REMOTE == (int)SL_TRACE_REMOTE && (int)SLUICE_TRACE_LEFT == (int)SL_TRACE_LEFT, "sluice.h says what the engine's numbers mean");

/* SLUICEOPT_TRACEFUNCTION: it comes from anywhere in the engine, so it is refused as much as callbacks for descriptors. */
static void trace(void *arg, const sl_transfer *t, enum sl_trace_kind kind, int64_t a, int64_t b)
{
  (void)arg;
  const sluice_trace_callback tell = t ? t->options->trace_fn : NULL;
  if (!tell) return;
  sl_easy *e = sl_easy_from((sl_transfer *)(uintptr_t)t);
  sl_multi *m = t->multi;
  e->in_callback++;
  m->in_callback++;
  m->in_watch++;
  tell(e, (int)kind, a, b, e->options.trace_data);
  m->in_watch--;
  m->in_callback--;
  e->in_callback--;
}

void sl_easy_trace(sl_multi *m, const sl_easy *e)
{
  if (e->options.trace_fn) m->trace = trace;
}

static enum answer write_failed(sl_easy *e, size_t given, size_t answered)
{
  char words[CURL_ERROR_SIZE];
  sl_line line = { words, words + sizeof words };
  if (answered == CURL_WRITEFUNC_ERROR) {
    sl_line_str(&line, "client returned ERROR on write of ");
    sl_line_int(&line, (int64_t)given);
    sl_line_str(&line, " bytes");
  } else {
    sl_line_str(&line, "Failure writing output to destination, passed ");
    sl_line_int(&line, (int64_t)given);
    sl_line_str(&line, " returned ");
    sl_line_int(&line, (int64_t)answered);
  }
  sl_transfer_stop(&e->t, SL_CAUSE_CALLBACK, CURLE_WRITE_ERROR, words);
  return FAILED;
}

static enum answer give(sl_easy *e, curl_write_callback to, void *where, const char *data, uint32_t n)
{
  if (!to) to = sl_stdio_write;
  enter(e);
  /* The callback's type has no const, for historical reasons. */
  size_t took = to((char *)(uintptr_t)data, 1, n, where);
  leave(e);
  if (took == n) return TAKEN;
  if (took == CURL_WRITEFUNC_PAUSE) return REFUSED;
  return write_failed(e, n, took);
}

/* A callback may have paused its transfer by call, or another thread has: then nothing more is given to it. */
static bool interrupted(sl_easy *e)
{
  sl_transfer_sample(&e->t);
  return sl_gate_paused(&e->t.gate) & SL_DIR_RECV || e->t.cause != SL_CAUSE_NONE;
}

/* A header line goes to two callbacks with CURLOPT_HEADER, the write callback first; when only the second
 * one refuses, the first must not see the line again. */
static enum answer give_line(sl_easy *e, const char *line, uint32_t n)
{
  const sl_options *o = &e->options;
  if (o->header && !e->line_written) {
    enum answer a = give(e, o->write_fn, o->write_data, line, n);
    if (a != TAKEN) return a;
    e->line_written = true;
    if (interrupted(e)) return REFUSED;
  }
  /* W15: without a header callback a line is dropped, unless there is a place for it. */
  curl_write_callback to = o->header_fn ? o->header_fn : o->header_data ? o->write_fn : NULL;
  if (to || o->header_data) {
    enum answer a = give(e, to, o->header_data, line, n);
    if (a != TAKEN) return a;
  }
  e->line_written = false;
  return TAKEN;
}

/* CURLINFO_CONTENT_TYPE. Without memory there is none, as if the server had named none. */
static void note_line(sl_easy *e, const char *line, uint32_t n)
{
  static const char name[] = "content-type:";
  const uint32_t name_n = sizeof name - 1;
  bool status = n >= 5 && !memcmp(line, "HTTP/", 5);
  if (!status && !(n >= name_n && sl_equal_nocase(line, name_n, name))) return;
  free(e->content_type);
  e->content_type = NULL;
  if (status) return;
  for (line += name_n, n -= name_n; n && (*line == ' ' || *line == '\t'); n--) line++;
  while (n && strchr(" \t\r\n", line[n - 1])) n--;
  e->content_type = sl_copy(line, n);
}

/* Line by line, each one whole (W1). */
static int32_t write_head(sl_easy *e, enum sl_part part, const char *data, uint32_t n)
{
  uint32_t at = 0;
  while (at < n) {
    const char *line = data + at, *end = memchr(line, '\n', n - at);
    uint32_t len = end ? (uint32_t)(end + 1 - line) : n - at;
    if (!e->line_shown) show(e, CURLINFO_HEADER_IN, line, len);
    e->line_shown = true;
    if (interrupted(e)) break;
    enum answer a = give_line(e, line, len);
    if (a == FAILED) return SL_SINK_FAILED;
    if (a == REFUSED) break;
    e->line_shown = false;
    if (part == SL_PART_HEAD) note_line(e, line, len);
    at += len;
    if (interrupted(e)) break;
  }
  return (int32_t)at;
}

static int32_t write_body(sl_easy *e, const char *data, uint32_t n)
{
  uint32_t at = 0;
  do {
    uint32_t len = n - at < SL_WRITE_MAX ? n - at : SL_WRITE_MAX;
    enum answer a = give(e, e->options.write_fn, e->options.write_data, data + at, len);
    if (a == FAILED) return SL_SINK_FAILED;
    if (a == REFUSED) return n ? (int32_t)at : SL_SINK_PAUSED;
    if (len) show(e, CURLINFO_DATA_IN, data + at, len);
    at += len;
  } while (at < n && !interrupted(e));
  return (int32_t)at;
}

static int32_t easy_write(sl_transfer *t, enum sl_part part, const char *data, uint32_t n)
{
  sl_easy *e = sl_easy_from(t);
  return part == SL_PART_BODY ? write_body(e, data, n) : write_head(e, part, data, n);
}

static bool body_in_memory(const sl_options *o) { return o->post && !o->upload && o->post_fields; }

/* A reset, or another body set, in the middle of the body: what was announced is not there any more, and the default
 * callback's standard input is not what anybody meant. */
static bool body_taken_back(sl_easy *e)
{
  const sl_transfer *t = &e->t;
  const char *body = body_in_memory(&e->options) ? e->options.post_fields : NULL;
  if (!sl_request_has_body(t)) return true;
  if (t->body_read) return body != e->body;
  e->body = body;
  return body && sl_fields_body_size(t) != t->send_total;
}

/* R1, R2: the answers of a read callback. The engine checks counts. */
static int32_t easy_read(sl_transfer *t, char *buf, uint32_t cap)
{
  sl_easy *e = sl_easy_from(t);
  const sl_options *o = &e->options;
  if (body_taken_back(e)) {
    sl_transfer_stop(t, SL_CAUSE_CALLBACK, CURLE_READ_ERROR, "The request body was taken back while it was sent");
    return SL_SINK_FAILED;
  }
  if (body_in_memory(o)) {
    /* cap is within the announced size; a copy may be shorter: the size, or the copy, was set anew after it. */
    size_t left = !o->own_post ? cap : o->own_post_len > t->body_read ? o->own_post_len - (size_t)t->body_read : 0;
    if (cap > left) cap = (uint32_t)left;
    if (cap) memcpy(buf, o->post_fields + t->body_read, cap);
    show(e, CURLINFO_DATA_OUT, buf, cap);
    return (int32_t)cap;
  }
  enter(e);
  size_t n = (o->read_fn ? o->read_fn : sl_stdio_read)(buf, 1, cap, o->read_data);
  leave(e);
  if (n == CURL_READFUNC_PAUSE) return SL_SINK_PAUSED;
  if (n == CURL_READFUNC_ABORT) {
    sl_transfer_stop(t, SL_CAUSE_CALLBACK, CURLE_ABORTED_BY_CALLBACK, "operation aborted by callback");
    return SL_SINK_FAILED;
  }
  if (n && n <= cap) show(e, CURLINFO_DATA_OUT, buf, n);
  return n > cap ? INT32_MAX : (int32_t)n;
}

/* B18: what was refused when it was set, and read by nobody. */
static bool easy_may_start(sl_transfer *t)
{
  char words[CURL_ERROR_SIZE];
  sl_line line = { words, words + sizeof words };
  sl_refusal refused;
  if (!sl_options_refused(t->options, &refused)) return true;
  const char *name = sl_easy_option_name(refused.option);
  sl_line_str(&line, name ? "CURLOPT_" : "Option ");
  if (name) sl_line_str(&line, name);
  else sl_line_int(&line, refused.option);
  sl_line_str(&line, " was refused when it was set: ");
  sl_line_str(&line, curl_easy_strerror(refused.code));
  sl_transfer_stop(t, SL_CAUSE_INPUT, refused.code, words);
  return false;
}

static void easy_asked(sl_transfer *t, const char *head, size_t n) { show(sl_easy_from(t), CURLINFO_HEADER_OUT, head, n); }

static void inside_hook(void *multi, int by) { ((sl_multi *)multi)->in_callback += (uint32_t)by; }

/* What the program wants to have a say in is the host's business (posix_fds.h). */
static void easy_opening(sl_transfer *t)
{
  const sl_options *o = t->options;
  sl_fd_hooks hooks = { o->opensocket_fn, o->sockopt_fn, o->closesocket_fn, o->opensocket_data, o->sockopt_data,
                        o->closesocket_data, inside_hook, t->multi };
  if (sl_loop_hooks) sl_loop_hooks(t->multi->loop, &hooks);
}

static void show_connection(sl_easy *e)
{
  char words[CURL_ERROR_SIZE];
  sl_line line = { words, words + sizeof words };
  sl_line_str(&line, e->t.reused ? "Reusing the connection to " : "Connected to ");
  sl_line_str(&line, e->t.url.host);
  sl_line_str(&line, " (");
  sl_line_str(&line, e->t.peer);
  sl_line_str(&line, ")\n");
  show(e, CURLINFO_TEXT, words, strlen(words));
}

int64_t sl_easy_address(const char *both, char *ip)
{
  const char *space = strrchr(both, ' ');
  uint64_t port = 0;
  bool is = space && space - both < 64 && sl_parse_uint(space + 1, strlen(space + 1), 65535, &port);
  if (!ip) return (int64_t)port;
  memcpy(ip, both, is ? (size_t)(space - both) : 0);
  ip[is ? space - both : 0] = 0;
  return (int64_t)port;
}

/* P12, X8. */
static bool easy_begun(sl_transfer *t)
{
  sl_easy *e = sl_easy_from(t);
  const sl_options *o = &e->options;
  int peer_port, local_port;
  if (o->verbose) show_connection(e);
  if (!o->prereq_fn || t->cause) return !t->cause;
  peer_port = (int)sl_easy_address(t->peer, e->peer_ip);
  local_port = (int)sl_easy_address(t->local, e->local_ip);
  enter(e);
  int answer = o->prereq_fn(o->prereq_data, e->peer_ip, e->local_ip, peer_port, local_port);
  leave(e);
  if (answer == CURL_PREREQFUNC_OK) return true;
  sl_transfer_stop(t, SL_CAUSE_CALLBACK, CURLE_ABORTED_BY_CALLBACK, "operation aborted by pre-request callback");
  return false;
}

/* Whether it could; else its answer is in the message. */
static bool rewind_answered(sl_transfer *t, const char *which, int answer)
{
  char words[CURL_ERROR_SIZE];
  sl_line line = { words, words + sizeof words };
  if (!answer) return true;
  sl_line_str(&line, which);
  sl_line_str(&line, " callback returned error ");
  sl_line_int(&line, answer);
  sl_transfer_stop(t, SL_CAUSE_CALLBACK, CURLE_SEND_FAIL_REWIND, words);
  return false;
}

/* R7: the seek callback; without one the ioctl callback; without either the default FILE *. */
static bool easy_rewind(sl_transfer *t)
{
  sl_easy *e = sl_easy_from(t);
  const sl_options *o = &e->options;
  bool done = false;
  if (body_in_memory(o)) return true;
  enter(e);
  if (o->seek_fn) done = rewind_answered(t, "seek", o->seek_fn(o->seek_data, 0, 0 /* SEEK_SET */));
  else if (o->ioctl_fn) done = rewind_answered(t, "ioctl", (int)o->ioctl_fn(e, CURLIOCMD_RESTARTREAD, o->ioctl_data));
  else if (!o->read_fn) done = sl_stdio_rewind(o->read_data);
  leave(e);
  return done;
}

#define REFUSED_TRAILER "A trailer is not sent: it is malformed, or no field for a trailer\n"

static bool easy_trailers(sl_transfer *t, sl_text *lines)
{
  sl_easy *e = sl_easy_from(t);
  const sl_options *o = &e->options;
  struct curl_slist *list = NULL;
  if (!o->trailer_fn) return true;
  enter(e);
  int answer = o->trailer_fn(&list, o->trailer_data);
  leave(e);
  for (const struct curl_slist *l = list; l; l = l->next)
    if (l->data && sl_trailer_valid(l->data, strlen(l->data))) {
      sl_text_str(lines, l->data);
      sl_text_str(lines, "\r\n");
    } else show(e, CURLINFO_TEXT, REFUSED_TRAILER, sizeof REFUSED_TRAILER - 1);
  curl_slist_free_all(list);
  return answer == CURL_TRAILERFUNC_OK;
}

bool sl_easy_wants_progress(const sl_easy *e)
{
  const sl_options *o = &e->options;
  return !o->noprogress && (o->xferinfo_fn || o->progress_fn);
}

/* G1. There is no built-in meter to go on with: the engine does no output. */
static int easy_progress(sl_transfer *t)
{
  sl_easy *e = sl_easy_from(t);
  const sl_options *o = &e->options;
  if (!sl_easy_wants_progress(e)) return 0;
  int64_t total = t->recv_total > 0 ? t->recv_total : 0, now = (int64_t)t->received, sent = (int64_t)t->sent;
  enter(e);
  int64_t to_send = t->send_total > 0 ? t->send_total : 0;
  int answer = o->xferinfo_fn ? o->xferinfo_fn(o->progress_data, total, now, to_send, sent)
                              : o->progress_fn(o->progress_data, (double)total, (double)now, (double)to_send,
                                               (double)sent);
  leave(e);
  return answer && answer != CURL_PROGRESSFUNC_CONTINUE;
}

static void easy_done(sl_transfer *t)
{
  sl_easy *e = sl_easy_from(t);
  SL_ASSERT(!e->ended);
  e->ended = true;
  e->message = (CURLMsg){ .msg = CURLMSG_DONE, .easy_handle = e, .data = { .result = t->code } };
  if (e->owner) e->owner->done(e);
  if (!t->code) return;
  char words[CURL_ERROR_SIZE + 1];
  sl_line line = { words, words + sizeof words };
  const char *error = *t->error ? t->error : curl_easy_strerror(t->code);
  sl_easy_error(e, error);
  sl_line_str(&line, error);
  sl_line_str(&line, "\n");
  show(e, CURLINFO_TEXT, words, strlen(words));
}

void sl_easy_error(sl_easy *e, const char *message)
{
  if (!e->options.error_buffer) return;
  sl_line line = { e->options.error_buffer, e->options.error_buffer + CURL_ERROR_SIZE };
  sl_line_str(&line, message);
}

void sl_easy_begin(sl_easy *e)
{
  sl_easy_error(e, "");
  free(e->content_type);
  e->content_type = NULL;
  e->ended = e->line_written = e->line_shown = false;
  sl_easy_close_raw(e);
}

const sl_user sl_easy_user = { .write = easy_write, .read = easy_read, .rewind = easy_rewind,
                               .trailers = easy_trailers, .may_start = easy_may_start, .guesses_scheme = true,
                               .progress = easy_progress, .opening = easy_opening, .begun = easy_begun,
                               .asked = easy_asked, .done = easy_done };

void sl_easy_close_raw(sl_easy *e)
{
  if (e->t.raw) sl_pool_close(e->t.raw, SL_FINISH);
  e->t.raw = NULL;
}
