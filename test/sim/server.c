/* server.c: the far end of every channel: it reads requests and lets the bytes of answers arrive.
 *
 * A request "GET /N" is answered with the response of transfer N, in segments, never more than the socket
 * buffer has room for: who pauses long enough stops the server. A response's fault happens when all bytes
 * before it have arrived. An idle connection is closed after the origin's patience, or at the request after
 * its last one (then an engine that used it again must try once more on a new one). */
#include "sim.h"
#include <string.h>

static sim_transfer *requested(sim *s, sim_channel *c)
{
  const char *text = c->request.data;
  size_t n = c->request.len, at = 4;
  if (n > 5 && !memcmp(text, "HEAD /", 6)) at = 6;
  else if (n > 4 && !memcmp(text, "GET /", 5)) at = 5;
  else return NULL;
  uint32_t number = (uint32_t)(text[at] - '0');
  if (number < 1 || number > s->count || text[at + 1] != ' ') return NULL;
  sim_transfer *x = &s->transfers[number - 1];
  if (x->head_only != (at == 6) || x->origin != c->origin || x->tls != (c->kind == SL_TLS)) return NULL;
  return x;
}

/* Where the head ends, 0 when it is not all here. */
static uint32_t head_end(const sl_text *t)
{
  for (uint32_t i = 3; i < t->len; i++)
    if (t->data[i] == '\n' && t->data[i - 1] == '\r' && t->data[i - 2] == '\n') return i + 1;
  return 0;
}

static bool has_host(const sim *s, const sim_channel *c)
{
  char line[64];
  sl_line l = { line, line + sizeof line };
  sl_line_str(&l, "\r\nHost: ");
  sl_line_str(&l, s->origins[c->origin].name);
  sl_line_str(&l, "\r\n");
  return c->request.data && strstr(c->request.data, line) != NULL;
}

static void fail(sim *s, sim_channel *c, int32_t code)
{
  c->broken = code;
  c->next_us = SL_NEVER;
  sim_trace(s, 0, 'y', c->id, code);
}

static void end(sim *s, sim_channel *c)
{
  c->ended = true;
  c->next_us = SL_NEVER;
  sim_trace(s, 0, 'y', c->id, 0);
}

/* All of an answer that will come has arrived. */
static void played(sim *s, sim_channel *c)
{
  const sim_response *r = c->playing;
  c->playing = NULL;
  c->next_us = SL_NEVER;
  switch (r->fault) {
  case SIM_FAULT_END: end(s, c); return;
  case SIM_FAULT_RESET:
    if (r->fault_drops) c->arrived = s->reads_ahead ? c->chunk : c->taken;
    fail(s, c, SL_RESET);
    return;
  case SIM_FAULT_STALL: c->playing = r; return;
  case SIM_FAULT_NONE: break;
  }
  if (r->close) end(s, c);
  int64_t patience = s->origins[c->origin].idle_us;
  if (!r->close && patience != SL_NEVER) c->idle_end_us = s->now_us + patience;
}

void sim_server_sent(sim *s, sim_channel *c)
{
  uint32_t n = head_end(&c->request);
  if (!n || c->ended || c->broken) return;
  sim_transfer *x = requested(s, c);
  if (!x || n != c->request.len || !has_host(s, c)) {
    sim_violate(s, x, "a request that nobody made", c->id, n);
    return;
  }
  if (c->playing && c->playing->fault && c->arrived - c->playing_at == c->playing->wire.len) {
    played(s, c); /* the engine was faster than the fault that comes after the answer */
    return;
  }
  if (c->playing) {
    sim_violate(s, x, "a request before the answer to the one before", c->id, n);
    return;
  }
  sl_text_drop(&c->request, n);
  c->idle_end_us = SL_NEVER;
  const sim_origin *o = &s->origins[c->origin];
  if (o->requests_max && c->requests >= o->requests_max) {
    if (o->requests_reset) fail(s, c, SL_RESET);
    else end(s, c);
    return;
  }
  c->requests++;
  c->playing = &x->response;
  c->playing_at = (uint32_t)c->wire.len;
  sl_text_add(&c->wire, x->response.wire.data, x->response.wire.len);
  c->next_us = s->now_us + (x->response.think_us ? sim_below(s, (uint32_t)x->response.think_us) : 0);
}

static void arrive(sim *s, sim_channel *c)
{
  const sim_response *r = c->playing;
  uint32_t done = c->arrived - c->playing_at, room = s->window - (c->arrived - c->taken);
  uint32_t all = r->fault ? r->fault_at : (uint32_t)r->wire.len;
  if (done == all) {
    played(s, c);
    return;
  }
  uint32_t n = 1 + sim_below(s, r->seg_max);
  if (n > all - done) n = all - done;
  if (r->glue && done + n < all && done + n > all - r->glue) n = all - done;
  if (c->arrived - c->taken >= s->window) {
    c->blocked = true;
    c->next_us = SL_NEVER;
    return;
  }
  if (n > room) n = room;
  c->arrived += n;
  s->progress++;
  if (s->reads_ahead && !(c->want & SL_IN) && c->chunk == c->taken && sim_chance(s, 200))
    c->chunk = c->arrived; /* its own pause came late; the window is no larger than what it may hold */
  c->next_us = s->now_us + (r->delay_us ? sim_below(s, (uint32_t)r->delay_us) : 0);
  if (done + n == all && !r->fault) played(s, c);
}

void sim_server_taken(sim *s, sim_channel *c)
{
  if (!c->blocked) return;
  c->blocked = false;
  c->next_us = s->now_us + (c->playing && c->playing->delay_us ? sim_below(s,
      (uint32_t)c->playing->delay_us) : 0);
}

int64_t sim_server_next_us(const sim_channel *c)
{
  int64_t next = c->next_us < c->room_us ? c->next_us : c->room_us;
  if (c->idle_end_us < next) next = c->idle_end_us;
  if (!c->open && !c->broken && c->open_at_us < next) next = c->open_at_us;
  return next;
}

void sim_server_tick(sim *s, sim_channel *c)
{
  if (!c->open && !c->broken && c->open_at_us <= s->now_us) {
    if (c->open_code) fail(s, c, c->open_code);
    else c->open = true;
  }
  if (c->room_us <= s->now_us) {
    c->room_us = SL_NEVER;
    c->send_room = 1 + sim_below(s, s->send_max);
  }
  if (c->idle_end_us <= s->now_us) {
    c->idle_end_us = SL_NEVER;
    if (!c->ended && !c->broken) end(s, c);
  }
  if (c->next_us <= s->now_us) {
    c->next_us = SL_NEVER;
    if (c->playing && !c->ended && !c->broken) arrive(s, c);
  }
}
