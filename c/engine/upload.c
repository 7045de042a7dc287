/* upload.c: see upload.h. */
#include "upload.h"
#include "transfer.h"

/* R1: how much may still come; a body that ends before its size ends the transfer. */
static uint64_t body_left(const sl_transfer *t)
{
  return t->send_total < 0 ? UINT64_MAX : (uint64_t)t->send_total - t->body_read;
}

static int32_t body_short(sl_transfer *t)
{
  char text[CURL_ERROR_SIZE];
  sl_line line = { text, text + sizeof text };
  sl_line_str(&line, "client read function EOF fail, only ");
  sl_line_int(&line, (int64_t)t->body_read);
  sl_line_str(&line, "/");
  sl_line_int(&line, t->send_total);
  sl_line_str(&line, " of needed bytes read");
  sl_transfer_stop(t, SL_CAUSE_CALLBACK, CURLE_READ_ERROR, text);
  return SL_SINK_FAILED;
}

/* What the user answered, for at most cap bytes. */
static int32_t body_answer(sl_transfer *t, int64_t n, uint32_t cap)
{
  if (t->cause || n == SL_SINK_FAILED) {
    sl_transfer_stop(t, SL_CAUSE_CALLBACK, CURLE_READ_ERROR, NULL);
    return SL_SINK_FAILED;
  }
  if (n == SL_SINK_PAUSED) {
    sl_transfer_pause(t, sl_gate_paused(&t->gate) | SL_DIR_SEND, SL_BY_CALLBACK); /* R2 */
    return SL_AGAIN;
  }
  if (n > (int64_t)cap || (n < 0 && n != SL_AGAIN)) {
    sl_transfer_stop(t, SL_CAUSE_CALLBACK, CURLE_READ_ERROR, "read function returned funny value");
    return SL_SINK_FAILED;
  }
  return n == 0 && t->send_total >= 0 && body_left(t) ? body_short(t) : (int32_t)n;
}

/* B2: not when another thread has just paused or stopped it. */
static bool may_ask(sl_transfer *t)
{
  sl_transfer_sample(t);
  return !t->cause && !(sl_gate_paused(&t->gate) & SL_DIR_SEND);
}

bool sl_upload_gone(const sl_transfer *t)
{
  return !body_left(t) && (t->send_total || !t->user->ready);
}

int32_t sl_upload_read(sl_transfer *t, char *buf, uint32_t cap)
{
  uint64_t left = body_left(t);
  if (!left && !sl_upload_gone(t)) return sl_upload_ready(t);
  if (!left || !t->user->read) return 0;
  if (cap > left) cap = (uint32_t)left;
  if (!may_ask(t)) return SL_AGAIN;
  t->multi->in_callback++;
  int32_t n = t->user->read(t, buf, cap);
  t->multi->in_callback--;
  n = body_answer(t, n, cap);
  if (n > 0) sl_upload_moved(t, (uint32_t)n);
  return n;
}

int32_t sl_upload_ready(sl_transfer *t)
{
  uint64_t left = body_left(t);
  if (!t->user->ready) return SL_NOSYS;
  if (sl_upload_gone(t)) return 0;
  if (!may_ask(t)) return SL_AGAIN;
  t->multi->in_callback++;
  int32_t n = t->user->ready(t);
  t->multi->in_callback--;
  if (n > 0 && (sl_gate_paused(&t->gate) & SL_DIR_SEND)) return SL_AGAIN; /* it paused itself: nothing was taken */
  if (n > 0 && (uint64_t)n > left) n = (int32_t)left;
  if (n >= 0 && !left) return 0;
  return body_answer(t, n, INT32_MAX);
}

void sl_upload_moved(sl_transfer *t, uint32_t n)
{
  t->body_read += n;
  t->sent += n;
  sl_transfer_charge_sent(t, n);
}

bool sl_upload_rewind(sl_transfer *t, const char *message)
{
  if (!t->body_read) return true;
  t->multi->in_callback++;
  bool rewound = t->user->rewind && t->user->rewind(t);
  t->multi->in_callback--;
  if (rewound) t->body_read = t->sent = 0;
  else sl_transfer_stop(t, SL_CAUSE_CALLBACK, CURLE_SEND_FAIL_REWIND, message);
  return rewound;
}
