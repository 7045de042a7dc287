/* file.c: a file, read or written in order, pausable like any transfer (B6).
 *
 * Owns: which way it goes, what the host announced of it, and whether the last byte went out. The channel is
 * one transfer's and never pooled. There is no request and no response head; who asks for one (NOBODY, HEADER)
 * is given the size in the form of a head, as libcurl does; who hears of every head is given an empty one.
 *
 *   reading: send END at once; head ──► body by recv or move until the announced size, or the end
 *   writing: body from the user ──► SL_END_SEND ──► the host's end of stream: all of it is in the file
 *
 * Invariants: `in` is empty between turns. A file that grows is read to the size it had; one that shrinks ends
 * with 18. No clock begins here (F42). */
#include <stdlib.h>
#include <string.h>
#include "../engine/agenda.h"
#include "../engine/connection.h"
#include "../engine/ready.h"
#include "../engine/receive.h"
#include "../engine/request.h"
#include "../engine/transfer.h"
#include "body.h"
#include "protocol.h"

struct file {
  bool writes;
  bool out_ended; /* the user's last byte is in `out` or gone, and the host was told */
  bool out_full;  /* the channel takes no more now                                   */
  int64_t size;   /* announced, -1 = unknown; of a range what it has of it           */
  uint64_t skip;  /* bytes before the range, still to be read and dropped            */
  uint64_t max;   /* bytes of the range at most                                      */
};

static bool file_opened(sl_conn *c)
{
  c->protocol_state = calloc(1, sizeof(struct file));
  return c->protocol_state != NULL;
}

static void file_closed(sl_conn *c)
{
  free(c->protocol_state);
  c->protocol_state = NULL;
}

static uint32_t file_room(const sl_conn *c) { return c->transfers || c->used ? 0 : 1; }

static int64_t file_leave(sl_conn *c, sl_transfer *t)
{
  (void)c, (void)t;
  return -1;
}

/* CURLOPT_RANGE: "a-b", "a-" or "-n", the last n bytes. False: another form, or nothing that this file has. */
static bool read_range(struct file *f, const char *text)
{
  const char *dash = strchr(text, '-');
  uint64_t from = 0, to = INT64_MAX, size = f->size > 0 ? (uint64_t)f->size : INT64_MAX;
  if (!dash || (dash == text && !dash[1])) return false;
  if (dash > text && !sl_parse_uint(text, (size_t)(dash - text), INT64_MAX, &from)) return false;
  if (dash[1] && !sl_parse_uint(dash + 1, strlen(dash + 1), INT64_MAX - 1, &to)) return false;
  if (dash == text) {
    if (f->size <= 0 || !to) return false; /* who knows no end knows no last bytes */
    from = to < size ? size - to : 0;
    to = size;
  }
  if (to < from || from >= size) return false;
  if (to >= size) to = size - 1;
  f->skip = from;
  f->max = to - from + 1;
  if (f->size > 0) f->size = (int64_t)f->max;
  return true;
}

/* Where reading begins: no door knows of places in a file, so what is before is read and dropped. */
static bool find_begin(struct file *f, sl_transfer *t)
{
  const sl_options *o = t->options;
  f->max = UINT64_MAX;
  if (!o->resume_from) {
    if (!o->range || read_range(f, o->range)) return true;
    sl_transfer_stop(t, SL_CAUSE_INPUT, CURLE_RANGE_ERROR, "The file does not have the range that was asked for");
    return false;
  }
  f->skip = (uint64_t)o->resume_from;
  if (f->size > 0) f->size -= o->resume_from;
  if (f->size >= -1) return true;
  sl_transfer_stop(t, SL_CAUSE_INPUT, CURLE_BAD_DOWNLOAD_RESUME, "The file is shorter than where to resume");
  return false;
}

static bool file_begin(sl_conn *c, sl_transfer *t)
{
  struct file *f = c->protocol_state;
  int64_t size = -1;
  f->writes = sl_request_writes_file(t);
  if (f->writes) t->send_total = t->options->upload_size;
  /* A size of 0 is also what files have that are made as they are read. */
  else if (sl_info(c->ch, SL_INFO_SIZE, &size, sizeof size) != (int32_t)sizeof size) size = -1;
  f->size = size;
  return f->writes || find_begin(f, t);
}

static void empty_head(sl_transfer *t)
{
  if (t->user->hears_head) sl_in_head(t, SL_PART_HEAD, "\r\n", 2);
}

/* Writing. */

static int32_t file_output(sl_conn *c)
{
  struct file *f = c->protocol_state;
  for (unsigned writes = 0; writes < SL_RUN_READS_MAX; writes++) {
    sl_transfer *t = c->transfers;
    if (!t || t->cause) return 0;
    if (t->state.send == SL_SEND_HEAD && f->writes) sl_out_body(t, false);
    else if (t->state.send == SL_SEND_HEAD) sl_out_end(t);
    if (t->state.send != SL_SEND_BODY || t->cause) return 0;
    int32_t n = sl_body_send(c, t, &f->out_full);
    if (n < 0) return n;
    if (n > 0) continue;
    f->out_ended = true;
    sl_close(c->ch, SL_END_SEND);
    sl_out_end(t);
  }
  sl_agenda_ready(c->multi, c); /* others first */
  return 0;
}

/* The host answers the end when everything is in the file. */
static int32_t written(sl_conn *c, sl_transfer *t)
{
  struct file *f = c->protocol_state;
  char nothing;
  int32_t n = f->out_ended ? sl_recv(c->ch, &nothing, 1) : SL_AGAIN;
  if (n) return n > 0 ? SL_IO : n;
  if (t->state.recv == SL_RECV_HEAD) {
    empty_head(t);
    if (!sl_in_head_end(t, false, false)) return 0;
  }
  sl_in_end(t);
  return 0;
}

/* Reading. */

/* What a head would say, to whoever asks for one. */
static bool tell_head(sl_conn *c, sl_transfer *t)
{
  const struct file *f = c->protocol_state;
  const sl_options *o = t->options;
  t->recv_total = f->size;
  if (o->nobody || o->header) {
    sl_text head = { .max = SL_HEAD_MAX };
    if (f->size >= 0) {
      sl_text_str(&head, "Content-Length: ");
      sl_text_int(&head, f->size);
      sl_text_str(&head, "\r\n");
    }
    sl_text_str(&head, "Accept-ranges: bytes\r\n\r\n");
    if (head.failed) sl_transfer_stop(t, SL_CAUSE_HOST, CURLE_OUT_OF_MEMORY, NULL);
    else sl_in_head(t, SL_PART_HEAD, head.data, (uint32_t)head.len);
    sl_text_free(&head);
  } else empty_head(t);
  return sl_in_head_end(t, !o->nobody, false);
}

static uint64_t file_left(const struct file *f, const sl_transfer *t)
{
  return (f->size > 0 ? (uint64_t)f->size : f->max) - t->received;
}

/* The host has no more. */
static void ended(const struct file *f, sl_transfer *t)
{
  if (f->size > 0 && file_left(f, t))
    sl_transfer_stop(t, SL_CAUSE_PEER, CURLE_PARTIAL_FILE, "The file became shorter while it was read");
  else sl_in_end(t);
}

/* Bytes before the range that were dropped: > 0; 0 = the end came first; or a code. */
static int32_t skip(sl_conn *c, sl_transfer *t, struct file *f)
{
  int64_t cap = t->options->buffer_size;
  int32_t n = sl_conn_fill(c, f->skip < (uint64_t)cap ? (uint32_t)f->skip : (uint32_t)cap);
  if (n > 0) {
    sl_conn_consume(c, (uint32_t)n);
    f->skip -= (uint32_t)n;
  } else if (!n) sl_transfer_stop(t, SL_CAUSE_PEER, CURLE_BAD_DOWNLOAD_RESUME, "The file ended before where to begin");
  return n;
}

static int32_t file_input(sl_conn *c)
{
  struct file *f = c->protocol_state;
  for (unsigned reads = 0; reads < SL_RUN_READS_MAX; reads++) {
    sl_transfer *t = c->transfers;
    if (!t || !sl_ready_takes(t)) return 0;
    if (f->writes) return written(c, t);
    if (t->state.recv == SL_RECV_HEAD) {
      if (!tell_head(c, t)) return 0;
      continue; /* the head may have been refused */
    }
    if (t->options->nobody) {
      sl_in_end(t);
      return 0;
    }
    uint64_t left = file_left(f, t);
    int64_t allowance = left ? sl_ready_recv(t) : 0;
    if (!left) sl_in_end(t);
    if (allowance <= 0) return 0;
    if (f->skip) {
      int32_t dropped = skip(c, t, f);
      if (dropped <= 0) return dropped;
      continue;
    }
    if ((uint64_t)allowance < left) left = (uint64_t)allowance;
    int32_t n = sl_body_receive(c, t, left < INT32_MAX ? (uint32_t)left : INT32_MAX);
    if (n == 0) ended(f, t);
    if (n <= 0) return n;
  }
  sl_agenda_ready(c->multi, c); /* others first */
  return 0;
}

static uint32_t file_want(sl_conn *c)
{
  const struct file *f = c->protocol_state;
  sl_transfer *t = c->transfers;
  if (!t || t->cause) return 0;
  if (!f->writes) return sl_ready_recv(t) > 0 ? SL_IN : 0;
  uint32_t want = f->out_ended && sl_ready_takes(t) ? SL_IN : 0;
  if (f->out_full && (c->out.len ? t->state.send == SL_SEND_BODY : sl_ready_send(t) > 0)) want |= SL_OUT;
  return want;
}

const sl_protocol sl_file = {
  .name = "file",
  .opened = file_opened,
  .room = file_room,
  .begin = file_begin,
  .input = file_input,
  .output = file_output,
  .want = file_want,
  .resumed = NULL,
  .held = NULL,
  .leave = file_leave,
  .closed = file_closed,
};
