/* embed.c: embed.h over the engine: one engine per instance, transfers by pointer, texts by a scratch area.
 *
 * The instance's state is the one mutable global there is: a Wasm instance is the engine, and its exports
 * carry no handle. Natively this file is not built. */
#include <sluice/embed.h>
#include <stdlib.h>
#include <string.h>
#include "../engine/agenda.h"
#include "../engine/expiry.h"
#include "../engine/multi.h"
#include "../engine/pool.h"
#include "../engine/ready.h"
#include "../engine/request.h"
#include "../engine/transfer.h"

struct sl_embed {
  sl_transfer transfer; /* first: a transfer's address is its embed's */
  sl_options options;
  bool watched;         /* on_state is wanted */
  bool traced;          /* on_trace is wanted */
};

static struct {
  sl_multi *multi;
  char *scratch;
  uint32_t scratch_cap;
} instance;

static int32_t embed_write(sl_transfer *t, enum sl_part part, const char *data, uint32_t n)
{
  if (part == SL_PART_BODY) return on_body(t->token, data, n);
  if (part == SL_PART_TRAILER) on_trailers(t->token, data, n);
  else if ((t->status >= 200 || !t->status) && !t->after) 
    on_head(t->token, data, n, t->peer, (uint32_t)strlen(t->peer), t->redirects);
  return (int32_t)n;
}

static int32_t embed_read(sl_transfer *t, char *buf, uint32_t cap) { return on_read_body(t->token, buf, cap); }
static int32_t embed_ready(sl_transfer *t) { return on_want_body(t->token); }
static bool embed_rewind(sl_transfer *t) { return on_rewind(t->token) == 1; }

static void embed_changed(sl_transfer *t)
{
  if (((const struct sl_embed *)(const void *)t)->watched) on_state(t->token, t->state.life);
}

static void embed_done(sl_transfer *t)
{
  uint32_t left;
  /* JavaScript hears of the end here, so nothing waits to be read as a message. */
  while (sl_agenda_message(instance.multi, &left)) {}
  on_done(t->token, t->code);
}

static const sl_user embed_user = {
  .write = embed_write,
  .read = embed_read,
  .ready = embed_ready,
  .rewind = embed_rewind,
  .changed = embed_changed,
  .done = embed_done,
  .moves = true,
  .hears_head = true,
  .keeps_pause = true,
  .connect_alone = true,
};

int32_t sl_embed_init(void)
{
  instance.multi = sl_multi_new(NULL);
  return instance.multi ? CURLE_OK : CURLE_OUT_OF_MEMORY;
}

void sl_embed_limits(uint32_t connections, uint32_t per_host, uint32_t idle)
{
  sl_multi *m = instance.multi;
  m->max_connections = connections;
  m->max_host_connections = per_host;
  m->max_idle = idle;
  sl_pool_call_all(m);
}

void sl_embed_close(void)
{
  if (!instance.multi || instance.multi->depth) return;
  sl_multi_free(instance.multi);
  free(instance.scratch);
  memset(&instance, 0, sizeof instance);
}

void *sl_embed_scratch(uint32_t n)
{
  if (!n) n = 1;
  if (n > instance.scratch_cap) {
    char *area = realloc(instance.scratch, n);
    if (!area) return NULL;
    instance.scratch = area;
    instance.scratch_cap = n;
  }
  return instance.scratch;
}

struct sl_embed *sl_embed_new(uint32_t token)
{
  struct sl_embed *e = malloc(sizeof *e);
  if (!e) return NULL;
  e->watched = e->traced = false;
  sl_options_init(&e->options);
  e->options.burst = SLUICE_BURST_DEFAULT; /* B20 */
  sl_transfer_init(&e->transfer, &embed_user, &e->options);
  e->transfer.token = token;
  return e;
}

void sl_embed_free(struct sl_embed *e)
{
  if (!e || (e->transfer.state.life != SL_IDLE && e->transfer.state.life != SL_DONE)) return;
  if (e->transfer.multi) sl_multi_remove(instance.multi, &e->transfer);
  sl_transfer_clear(&e->transfer);
  sl_options_clear(&e->options);
  free(e);
}

/* Digits with perhaps a minus in front, and what ends them; false: it is not so. */
static bool read_number(const char **at, const char *end, char stop, int64_t *number)
{
  const char *p = *at;
  bool minus = p < end && *p == '-';
  uint64_t v;
  p += minus;
  const char *last = p;
  while (last < end && *last != stop) last++;
  if (last == end || !sl_parse_uint(p, (size_t)(last - p), (uint64_t)1 << 53, &v)) return false;
  *number = minus ? -(int64_t)v : (int64_t)v;
  *at = last + 1;
  return true;
}

int32_t sl_embed_configure(struct sl_embed *e, uint32_t n)
{
  const char *at = instance.scratch, *end = at + n;
  CURLcode code = n <= instance.scratch_cap ? CURLE_OK : CURLE_BAD_FUNCTION_ARGUMENT;
  while (!code && at < end) {
    char kind = *at++;
    int64_t option, value;
    if (!read_number(&at, end, '=', &option) || option < INT32_MIN || option > INT32_MAX ||
        !read_number(&at, end, ':', &value))
      return CURLE_BAD_FUNCTION_ARGUMENT;
    if (kind == 'n') {
      code = sl_options_number(&e->options, (int)option, value);
      continue;
    }
    if (value < 0 || value > end - at) return CURLE_BAD_FUNCTION_ARGUMENT;
    code = kind == 't'   ? sl_options_text(&e->options, (int)option, at, (size_t)value)
           : kind == 'h' ? sl_options_add_header(&e->options, at, (size_t)value)
                         : CURLE_BAD_FUNCTION_ARGUMENT;
    at += value;
  }
  if (!code && e->transfer.multi) sl_expiry_limits(&e->transfer);
  return code;
}

void sl_embed_watch(struct sl_embed *e) { e->watched = true; }

static void embed_trace(void *arg, const sl_transfer *t, enum sl_trace_kind kind, int64_t a, int64_t b)
{
  (void)arg;
  if (t && ((const struct sl_embed *)t)->traced) on_trace(t->token, kind, (double)a, (double)b);
}

void sl_embed_trace(struct sl_embed *e)
{
  e->traced = true;
  instance.multi->trace = embed_trace;
}

int32_t sl_embed_start(struct sl_embed *e)
{
  sl_transfer *t = &e->transfer;
  if (t->state.life != SL_IDLE && t->state.life != SL_DONE) return CURLE_FAILED_INIT;
  if (t->multi) sl_multi_remove(instance.multi, t);
  return sl_multi_add(instance.multi, t) ? CURLE_OUT_OF_MEMORY : CURLE_OK;
}

void sl_embed_pause(struct sl_embed *e, uint32_t mask, uint32_t by)
{
  sl_transfer_pause(&e->transfer, mask, by);
}

void sl_embed_remote(struct sl_embed *e, uint32_t mask, int32_t abort)
{
  sl_transfer *t = &e->transfer;
  if (sl_ready_running(t)) sl_transfer_remote(t, mask, abort != 0);
  else if (!abort) sl_transfer_pause(t, mask, SL_BY_REMOTE);
}

void sl_embed_stop(struct sl_embed *e, int32_t code)
{
  CURLcode why = code ? (CURLcode)code : CURLE_ABORTED_BY_CALLBACK;
  enum sl_cause cause = why == CURLE_ABORTED_BY_CALLBACK ? SL_CAUSE_ABORT
                        : why == CURLE_FILESIZE_EXCEEDED ? SL_CAUSE_LIMIT : SL_CAUSE_CALLBACK;
  sl_transfer_stop(&e->transfer, cause, why, NULL);
}

void sl_embed_more(struct sl_embed *e) { sl_transfer_more(&e->transfer); }

double sl_embed_ready(int32_t ch, uint32_t events)
{
  if (instance.multi) sl_multi_event(instance.multi, ch, events);
  return sl_embed_run();
}

void sl_embed_turn(void)
{
  if (instance.multi && !++instance.multi->host_turns) instance.multi->host_turns = 1;
}

double sl_embed_run(void)
{
  if (!instance.multi) return -1;
  sl_multi_run(instance.multi);
  int64_t next = sl_multi_next_us(instance.multi);
  return next == SL_NEVER ? -1 : (double)next;
}

void sl_embed_wakeup(void) { atomic_store(&instance.multi->woken, true); }

int32_t sl_embed_woken(void)
{
  return atomic_exchange(&instance.multi->woken, false);
}

static double since_start(const sl_transfer *t, int64_t at_us)
{
  return at_us ? (double)(at_us - t->start_us) : -1;
}

/* Until now while it runs, else until its end; before its first run it has not begun. */
static int64_t until_us(const sl_transfer *t)
{
  if (t->done_us || !t->start_us) return t->done_us;
  return t->multi ? sl_now_us(t->multi->loop) : t->start_us;
}

double sl_embed_number(struct sl_embed *e, uint32_t what)
{
  const sl_transfer *t = e ? &e->transfer : NULL;
  switch ((enum sl_embed_what)what) {
  case SL_EMBED_RUNNING: return instance.multi->running;
  case SL_EMBED_IDLE_CONNECTIONS: return instance.multi->idle_count;
  default: break;
  }
  if (!t) return -1;
  switch ((enum sl_embed_what)what) {
  case SL_EMBED_LIFE: return t->state.life;
  case SL_EMBED_PAUSED: return sl_gate_paused(&t->gate);
  case SL_EMBED_BY_RECV: return t->gate.by_recv;
  case SL_EMBED_BY_SEND: return t->gate.by_send;
  case SL_EMBED_HELD: return (double)sl_ready_held(t);
  case SL_EMBED_STATUS: return t->status;
  case SL_EMBED_RECEIVED: return (double)t->received;
  case SL_EMBED_RECEIVE_TOTAL: return (double)t->recv_total;
  case SL_EMBED_SENT: return (double)sl_ready_sent(t);
  case SL_EMBED_DELIVERED: return (double)t->delivered;
  case SL_EMBED_REDIRECTS: return t->redirects;
  case SL_EMBED_SEND_TOTAL: return (double)t->send_total;
  case SL_EMBED_RECEIVE_SPEED: return (double)sl_speed_now(&t->recv_speed, until_us(t));
  case SL_EMBED_SEND_SPEED: return (double)sl_speed_now(&t->send_speed, until_us(t));
  case SL_EMBED_ELAPSED_US: return (double)(until_us(t) - t->start_us);
  case SL_EMBED_PAUSED_US:
    return (double)(t->paused_us + (t->paused_noted && t->start_us ? until_us(t) - t->paused_since_us : 0));
  case SL_EMBED_CODE: return t->code;
  case SL_EMBED_CAUSE: return t->cause;
  case SL_EMBED_REUSED: return t->reused;
  case SL_EMBED_HTTP_MINOR: return t->http_minor;
  case SL_EMBED_RESOLVE_US: return since_start(t, t->resolved_us);
  case SL_EMBED_CONNECT_US: return since_start(t, t->connected_us);
  case SL_EMBED_TLS_US: return since_start(t, t->tls_us);
  case SL_EMBED_FIRST_US: return since_start(t, t->first_us);
  default: return -1;
  }
}

double *sl_embed_figures(struct sl_embed *e)
{
  static const uint8_t figures[] = {
    SL_EMBED_RECEIVED, SL_EMBED_RECEIVE_TOTAL, SL_EMBED_SENT, SL_EMBED_SEND_TOTAL, SL_EMBED_PAUSED_US, SL_EMBED_HELD,
    SL_EMBED_RESOLVE_US, SL_EMBED_CONNECT_US, SL_EMBED_TLS_US, SL_EMBED_FIRST_US, SL_EMBED_REUSED, SL_EMBED_REDIRECTS,
    SL_EMBED_RECEIVE_SPEED, SL_EMBED_SEND_SPEED,
  };
  _Static_assert(sizeof figures + 1 == SL_EMBED_FIGURES, "embed.h says how many there are");
  double *to = sl_embed_scratch(SL_EMBED_FIGURES * sizeof *to);
  if (!to) return NULL;
  to[0] = sl_embed_number(e, SL_EMBED_ELAPSED_US);
  for (size_t i = 0; i < sizeof figures; i++) to[i + 1] = sl_embed_number(e, figures[i]);
  return to;
}

uint32_t sl_embed_text(struct sl_embed *e, uint32_t what)
{
  const sl_transfer *t = &e->transfer;
  sl_text url = { .max = SL_URL_MAX };
  const char *text = what == 1 ? t->error : what == 2 ? t->peer : "";
  if (what == 3 && t->effective_url) {
    sl_request_url(t, &url);
    text = url.failed || !url.data ? "" : url.data;
  }
  uint32_t n = (uint32_t)strlen(text);
  char *area = sl_embed_scratch(n);
  if (area) memcpy(area, text, n);
  sl_text_free(&url);
  return area ? n : 0;
}
