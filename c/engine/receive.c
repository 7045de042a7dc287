/* receive.c: see receive.h. */
#include "receive.h"
#include "agenda.h"
#include "clocks.h"
#include "ready.h"
#include "redirect.h"
#include "request.h"
#include "transfer.h"

void sl_in_content_range(sl_transfer *t, const char *value, size_t n)
{
  const char *end = value + n, *p = value, *slash = memchr(value, '/', n);
  uint64_t number;
  t->range_from = t->range_total = -1;
  if (n < 6 || !sl_equal_nocase(p, 5, "bytes") || (p[5] != ' ' && p[5] != '=') || !slash) return;
  for (p += 6; p < slash && *p == ' ';) p++;
  const char *dash = memchr(p, '-', (size_t)(slash - p));
  if (dash && sl_parse_uint(p, (size_t)(dash - p), INT64_MAX, &number)) t->range_from = (int64_t)number;
  while (end > slash + 1 && (end[-1] == ' ' || end[-1] == '\t')) end--;
  if (sl_parse_uint(slash + 1, (size_t)(end - slash - 1), INT64_MAX, &number)) t->range_total = (int64_t)number;
}

bool sl_in_resumed(sl_transfer *t)
{
  int64_t from = t->options->resume_from;
  if (!from || !t->status || t->after) return true;
  if (t->status == 206 && t->range_from == from) return true;
  if (t->status == 416 && t->range_total == from) return t->body_ignored = true; /* it has all there is */
  if (t->status >= 400 && t->options->fail_on_error) return true; /* that is said instead */
  char text[CURL_ERROR_SIZE];
  sl_line line = { text, text + sizeof text };
  sl_line_str(&line, t->status == 206 ? "Cannot resume: the server sent another range than was asked for"
                                      : "Cannot resume: the server did not send the rest, but status ");
  if (t->status != 206) sl_line_int(&line, t->status);
  sl_transfer_stop(t, SL_CAUSE_PEER, CURLE_RANGE_ERROR, text);
  return false;
}

enum sl_gate_result sl_in_head(sl_transfer *t, enum sl_part part, const char *text, uint32_t n)
{
  t->head_received += n;
  return sl_transfer_write(t, part, text, n);
}

bool sl_in_head_end(sl_transfer *t, bool has_body, bool kept)
{
  int64_t total = t->recv_total;
  t->has_body = has_body;
  sl_redirect_told(t);
  if (t->cause) return false;
  if (!sl_in_resumed(t)) return false;
  if (t->body_ignored) t->has_body = has_body = false;
  if (t->options->fail_on_error && t->status >= 400 && !t->after && !t->body_ignored) {
    char text[CURL_ERROR_SIZE];
    sl_line line = { text, text + sizeof text };
    sl_line_str(&line, "The requested URL returned error: ");
    sl_line_int(&line, t->status);
    sl_transfer_stop(t, SL_CAUSE_PEER, CURLE_HTTP_RETURNED_ERROR, text);
    return false;
  }
  if (!t->after && has_body && t->options->max_file_size && total > t->options->max_file_size) {
    sl_transfer_stop(t, SL_CAUSE_LIMIT, CURLE_FILESIZE_EXCEEDED, "Maximum file size exceeded"); /* W14 */
    return false;
  }
  sl_transfer_step(t, SL_STEP_RECV_HEAD);
  if (t->after && has_body) {
    if (!kept || total > SL_REDIRECT_BODY_MAX) {
      sl_transfer_hop_now(t);
      return false;
    }
    t->redirect_left = SL_REDIRECT_BODY_MAX;
    sl_clocks_hop(t);
  }
  sl_bucket_plan(&t->recv_bucket, has_body ? total : -1, sl_agenda_now_us(t));
  return !t->cause;
}

/* W14, F37: what is delivered counts, not what came. */
static bool body_fits(sl_transfer *t, uint64_t size)
{
  int64_t max = t->options->max_file_size;
  if (!max || size <= (uint64_t)max) return true;
  sl_transfer_stop(t, SL_CAUSE_LIMIT, CURLE_FILESIZE_EXCEEDED, "Would have exceeded max file size");
  return false;
}

static void count_received(sl_transfer *t, uint32_t n)
{
  t->received += n;
  sl_speed_add(&t->recv_speed, sl_agenda_now_us(t), n);
}

enum sl_gate_result sl_in_body(sl_transfer *t, const char *data, uint32_t n)
{
  if (t->after) {
    if (n > t->redirect_left) sl_transfer_hop_now(t);
    else t->redirect_left -= n;
    return t->hop_now ? SL_GATE_BLOCKED : SL_GATE_OPEN;
  }
  if (t->body_ignored) return SL_GATE_OPEN;
  count_received(t, n);
  return body_fits(t, t->delivered + t->gate.held + n) ? sl_transfer_write(t, SL_PART_BODY, data, n) : SL_GATE_FAILED;
}

void sl_in_moved(sl_transfer *t, uint32_t n)
{
  count_received(t, n);
  t->delivered += n;
  body_fits(t, t->delivered);
  sl_agenda_trace(t->multi, t, SL_TRACE_WRITE, SL_PART_BODY, n);
  sl_transfer_gate_changed(t);
}

void sl_in_end(sl_transfer *t)
{
  if (t->cause) return;
  if (t->has_body && !t->received && !t->after) { /* W11 */
    t->has_body = false; /* told once */
    sl_transfer_write(t, SL_PART_BODY, "", 0);
  }
  if (!sl_ready_takes(t)) return; /* W9: the protocol says it once more when it takes again */
  sl_transfer_step(t, SL_STEP_RECV_END);
  /* R6: a response that is whole before the request went out ends the sending, unless an error is to be ignored. */
  bool goes_on = t->status >= 400 && t->options->keep_sending_on_error && !(sl_gate_paused(&t->gate) & SL_DIR_SEND);
  if (!t->cause && t->state.send != SL_SEND_END && !goes_on) sl_transfer_step(t, SL_STEP_SEND_END);
  sl_agenda_dirty(t->multi, t);
}
