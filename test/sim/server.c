/* server.c: the far end of every channel: it reads requests and lets the bytes of answers arrive.
 *
 * A request for "/N" or "/N.H" is hop 0 or H of transfer N; it is answered with the redirect of that hop or with
 * the response, in segments, never more than the socket buffer has room for: who pauses long enough stops the
 * server. Method, Host, credentials and framing must be those of the hop, and a body must be the user's, byte for
 * byte. The answer begins when the body is whole, or earlier when the upload says so; a 100 comes before it when
 * it was asked for, or never. A response's fault happens when all bytes before it have arrived. An idle connection
 * is closed after the origin's patience, or at the request after its last one (then an engine that used it again
 * must try once more on a new one).
 *
 * A file is a channel that answers when it opens, or takes a body that ends with SL_END_SEND. */
#include "sim.h"
#include <string.h>

static bool starts(const sl_text *t, const char *with)
{
  size_t n = strlen(with);
  return t->len >= n && !memcmp(t->data, with, n);
}

/* Whose request this is; c->hop gets which one of it. */
static sim_transfer *requested(sim *s, sim_channel *c)
{
  static const char *const methods[] = { "GET /", "HEAD /", "PUT /", "POST /" };
  uint32_t method = 0;
  while (method < 4 && !starts(&c->request, methods[method])) method++;
  if (method == 4) return NULL;
  const char *at = c->request.data + strlen(methods[method]);
  uint32_t number = (uint32_t)(*at++ - '0'), hop = 0;
  if (*at == '.') {
    hop = (uint32_t)(at[1] - '0');
    at += 2;
  }
  if (number < 1 || number > s->count || *at != ' ') return NULL;
  sim_transfer *x = &s->transfers[number - 1];
  if (hop > x->hop_count) return NULL;
  const sim_hop *h = &x->hops[hop];
  c->hop = hop;
  return h->method == method && h->origin == c->origin && h->tls == (c->kind == SL_TLS) ? x : NULL;
}

/* Where the head ends, 0 when it is not all here. */
static uint32_t head_end(const sl_text *t)
{
  for (uint32_t i = 3; i < t->len; i++)
    if (t->data[i] == '\n' && t->data[i - 1] == '\r' && t->data[i - 2] == '\n') return i + 1;
  return 0;
}

/* Whether the head that is here has this line. */
static bool has_line(const sim_channel *c, uint32_t n, const char *name, const char *value)
{
  char line[80];
  sl_line l = { line, line + sizeof line };
  sl_line_str(&l, "\r\n");
  sl_line_str(&l, name);
  sl_line_str(&l, ": ");
  if (value) {
    sl_line_str(&l, value);
    sl_line_str(&l, "\r\n");
  }
  size_t len = strlen(line);
  for (uint32_t i = 0; i + len <= n; i++)
    if (c->request.data[i] == '\r' && !memcmp(c->request.data + i, line, len)) return true;
  return false;
}

static void fail(sim *s, sim_channel *c, int32_t code)
{
  c->broken = code;
  c->next_us = c->continue_at_us = SL_NEVER;
  sim_trace(s, 0, 'y', c->id, code);
}

static void end(sim *s, sim_channel *c)
{
  c->ended = true;
  c->next_us = c->continue_at_us = SL_NEVER;
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
    fail(s, c, c->kind == SL_FILE ? SL_IO : SL_RESET);
    return;
  case SIM_FAULT_STALL: c->playing = r; return;
  case SIM_FAULT_NONE: break;
  }
  if (r->close || c->send_lost) end(s, c);
  int64_t patience = s->origins[c->origin].idle_us;
  if (!r->close && !c->reading && patience != SL_NEVER) c->idle_end_us = s->now_us + patience;
}

/* The answer to the present request begins. */
static void answer(sim *s, sim_channel *c)
{
  sim_transfer *x = c->asker;
  static char no[] = "HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n";
  static const sim_response rejection = { .wire = { .data = no, .len = sizeof no - 1 }, .whole = true,
                                          .heads = { .data = no, .len = sizeof no - 1 }, .seg_max = 65536 };
  const sim_response *r = c->hop < x->hop_count ? &x->redirects[c->hop] : &x->response;
  if (c->expects && x->up.rejects) r = &rejection;
  c->answered = true;
  c->continue_at_us = SL_NEVER;
  c->playing = r;
  c->playing_at = (uint32_t)c->wire.len;
  sl_text_add(&c->wire, r->wire.data, r->wire.len);
  sl_text_add(&x->heads, r->heads.data, r->heads.len);
  c->next_us = s->now_us + (r->think_us ? sim_below(s, (uint32_t)r->think_us) : 0);
}

static void continues(sim *s, sim_channel *c)
{
  static const char head[] = "HTTP/1.1 100 Continue\r\n\r\n";
  c->continue_at_us = SL_NEVER;
  c->continued = true;
  sl_text_add(&c->wire, head, sizeof head - 1);
  sl_text_add(&c->asker->heads, head, sizeof head - 1);
  c->arrived += sizeof head - 1;
  s->progress++;
}

/* More of the body is here, or its end. */
static void body_came(sim *s, sim_channel *c, bool whole)
{
  sim_transfer *x = c->asker;
  const sim_upload *up = &x->up;
  if (up->fault && !c->answered && c->body_at >= up->fault_at) {
    if (up->fault == SIM_FAULT_END) end(s, c);
    else fail(s, c, c->kind == SL_FILE ? SL_IO : SL_RESET);
    return;
  }
  if (whole) {
    c->reading = c->stalled = false;
    x->whole_sent = true;
    if (up->announced >= 0 ? c->body_at != up->announced : c->body_at != up->len)
      sim_violate(s, x, "the end of a body that is not whole", c->body_at, up->len);
  }
  if (!c->answered && c->kind != SL_FILE && (whole || c->body_at >= up->answer_at)) answer(s, c);
  if (c->reading && (c->body_at >= up->stall_at || (up->deaf && c->answered))) c->stalled = true;
  if (c->stalled && c->answered && up->resets) c->send_lost = true;
}

static void request_head(sim *s, sim_channel *c, uint32_t n)
{
  sim_transfer *x = requested(s, c);
  if (!x || !has_line(c, n, "Host", s->origins[c->origin].name)) {
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
  const sim_hop *h = &x->hops[c->hop];
  const sim_upload *up = &x->up;
  char length[24];
  sl_line l = { length, length + sizeof length };
  sl_line_int(&l, up->announced);
  bool known = h->body && up->announced >= 0, expects = h->body && up->expects && !(x->rejected_at && x->head_at >= x->rejected_at);
  if (has_line(c, n, "Content-Length", known ? length : NULL) != known ||
      has_line(c, n, "Transfer-Encoding", NULL) != (h->body && !known))
    sim_violate(s, x, "a request with another framing", up->announced, h->body);
  if (has_line(c, n, "Expect", "100-continue") != expects) sim_violate(s, x, "R5: Expect", expects, 0);
  if (has_line(c, n, "Authorization", NULL) != h->secret)
    sim_violate(s, x, "credentials to where they do not belong, or none", c->hop, h->secret);
  if (h->method == SIM_POST && x->post_came == x->starts + 1) sim_violate(s, x, "a POST that came before, and was not answered", c->hop, x->starts);
  x->post_came = h->method == SIM_POST ? x->starts + 1 : 0;
  sl_text_drop(&c->request, n);
  c->idle_end_us = SL_NEVER;
  const sim_origin *o = &s->origins[c->origin];
  if (o->requests_max && c->requests >= o->requests_max) {
    if (o->requests_reset) fail(s, c, SL_RESET);
    else end(s, c);
    return;
  }
  c->requests++;
  c->asker = x;
  c->answered = c->continued = x->whole_sent = c->trailer_came = false;
  c->expects = expects;
  c->body_at = c->chunk_state = 0;
  c->head_us = s->now_us;
  x->heads.len = x->head_at; /* of an answer that was cut off, nobody saw the rest */
  c->reading = h->body;
  if (!c->reading) {
    x->whole_sent = true;
    answer(s, c);
    return;
  }
  if (expects && up->rejects) {
    answer(s, c);
    x->rejected_at = (uint32_t)x->heads.len; /* unless it never got there */
    return;
  }
  if (expects && up->continue_us >= 0) c->continue_at_us = s->now_us + up->continue_us;
  body_came(s, c, known && !up->announced);
}

static void body_bytes(sim *s, sim_channel *c, const char *data, uint32_t n)
{
  sim_transfer *x = c->asker;
  const sim_upload *up = &x->up;
  if (c->body_at + n > up->len || memcmp(up->bytes + c->body_at, data, n))
    sim_violate(s, x, "upload: bytes lost, doubled or wrong", c->body_at, n);
  int64_t expect_us = x->o->expect_100_ms * 1000;
  if (c->expects && c->kind != SL_FILE && !c->continued && !c->answered && s->now_us < c->head_us + expect_us)
    sim_violate(s, x, "R5: a body before its time", s->now_us - c->head_us, expect_us);
  c->body_at += n;
}

/* R4: "size CRLF data CRLF" ... "0 CRLF CRLF", the size in plain hex. How many bytes were understood. */
static uint32_t body_chunked(sim *s, sim_channel *c, const char *data, uint32_t n, bool *whole)
{
  uint32_t used = 0;
  const sim_upload *up = &c->asker->up;
  if (c->chunk_state == 1) {
    used = n < c->chunk_left ? n : c->chunk_left;
    body_bytes(s, c, data, used);
    if (!(c->chunk_left -= used)) c->chunk_state = 2;
    return used;
  }
  const char *lf = memchr(data, '\n', n);
  if (!lf) {
    if (n > 12) sim_violate(s, c->asker, "R4: a chunk line without an end", n, 0);
    return 0;
  }
  used = (uint32_t)(lf - data) + 1;
  bool ok = used >= 2 && data[used - 2] == '\r';
  if (c->chunk_state == 3 && up->trailers && !c->trailer_came) {
    c->trailer_came = true;
    ok = used == 9 && !memcmp(data, "X-Up: t\r\n", 9);
  } else if (c->chunk_state >= 2) {
    ok = ok && used == 2;
    *whole = c->chunk_state == 3;
    c->chunk_state = 0;
  } else {
    uint32_t size = 0, i = 0;
    for (; i + 2 < used; i++) {
      char d = data[i];
      ok = ok && ((d >= '0' && d <= '9') || (d >= 'a' && d <= 'f'));
      size = size * 16 + (uint32_t)(d <= '9' ? d - '0' : d - 'a' + 10);
    }
    ok = ok && i > 0 && i <= 5;
    c->chunk_left = size;
    c->chunk_state = size ? 1 : 3;
  }
  if (!ok) sim_violate(s, c->asker, "R4: chunk framing", c->chunk_state, used);
  return used;
}

void sim_server_sent(sim *s, sim_channel *c)
{
  while (c->request.len && !c->ended && !c->broken && !s->violated) {
    if (!c->reading) {
      if (c->kind == SL_FILE) {
        sim_violate(s, NULL, "bytes to a file that is read", c->id, (int64_t)c->request.len);
        return;
      }
      uint32_t n = head_end(&c->request);
      if (!n) return;
      request_head(s, c, n);
      if (!c->reading && c->request.len && !c->ended && !c->broken)
        sim_violate(s, c->asker, "bytes behind the end of a request", c->id, (int64_t)c->request.len);
      continue;
    }
    const sim_upload *up = &c->asker->up;
    uint32_t n = (uint32_t)c->request.len;
    bool whole = false;
    if (c->kind == SL_FILE) body_bytes(s, c, c->request.data, n);
    else if (up->announced >= 0) {
      if (n > up->announced - c->body_at) n = (uint32_t)(up->announced - c->body_at);
      body_bytes(s, c, c->request.data, n);
      whole = c->body_at == up->announced;
    } else n = body_chunked(s, c, c->request.data, n, &whole);
    if (!n) return;
    sl_text_drop(&c->request, n);
    body_came(s, c, whole);
  }
  sl_text_free(&c->request);
}

/* A file opened: it is there, or it is ready to be written. */
void sim_server_opened(sim *s, sim_channel *c)
{
  sim_transfer *x = c->asker;
  if (c->writes) {
    c->reading = true;
    x->whole_sent = false;
    return;
  }
  x->heads.len = 0;
  if (x->head_only) sl_text_add(&x->heads, x->response.heads.data, x->response.heads.len);
  c->playing = &x->response;
  c->playing_at = 0;
  sl_text_add(&c->wire, x->response.wire.data, x->response.wire.len);
  c->next_us = s->now_us;
}

void sim_server_end_send(sim *s, sim_channel *c)
{
  if (!c->writes || !c->reading) sim_violate(s, c->asker, "an end of sending that is none", c->id, 0);
  else body_came(s, c, true);
  if (!c->ended && !c->broken) c->continue_at_us = s->now_us + (c->id & 1 ? 3000 : 0); /* it is being written */
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
  if (done < r->cut && n > r->cut - done) n = r->cut - done;
  if (r->glue && done + n < all && done + n > all - r->glue) n = all - done;
  if (c->arrived - c->taken >= s->window) {
    c->blocked = true;
    c->next_us = SL_NEVER;
    return;
  }
  if (n > room) n = room;
  if (r->glue && done + n < all && done + n > all - r->glue) n = all - done;
  c->arrived += n;
  s->progress++;
  if (s->reads_ahead && !(c->want & SL_IN) && c->chunk == c->taken && sim_chance(s, 200))
    c->chunk = c->arrived; /* its own pause came late; the window is no larger than what it may hold */
  c->next_us = s->now_us + (r->delay_us ? sim_below(s, (uint32_t)r->delay_us) : 0);
  if (done + n == all && !r->fault) played(s, c);
}

void sim_server_taken(sim *s, sim_channel *c)
{
  if (c->asker) c->asker->post_came = 0; /* what comes of it now is known to have been answered */
  if (!c->blocked) return;
  c->blocked = false;
  c->next_us = s->now_us + (c->playing && c->playing->delay_us ? sim_below(s,
      (uint32_t)c->playing->delay_us) : 0);
}

int64_t sim_server_next_us(const sim_channel *c)
{
  int64_t next = c->next_us < c->room_us ? c->next_us : c->room_us;
  if (c->idle_end_us < next) next = c->idle_end_us;
  if (c->continue_at_us < next) next = c->continue_at_us;
  if (!c->open && !c->broken && c->open_at_us < next) next = c->open_at_us;
  return next;
}

void sim_server_tick(sim *s, sim_channel *c)
{
  if (!c->open && !c->broken && c->open_at_us <= s->now_us) {
    if (c->open_code) fail(s, c, c->open_code);
    else c->open = true;
    if (c->open && c->kind == SL_FILE) sim_server_opened(s, c);
  }
  if (c->room_us <= s->now_us) {
    c->room_us = SL_NEVER;
    c->send_room = c->stalled ? 0 : 1 + sim_below(s, s->send_max);
  }
  if (c->idle_end_us <= s->now_us) {
    c->idle_end_us = SL_NEVER;
    if (!c->ended && !c->broken) end(s, c);
  }
  if (c->continue_at_us <= s->now_us) {
    c->continue_at_us = SL_NEVER;
    if (c->kind == SL_FILE && !c->ended && !c->broken) end(s, c);
    else if (!c->ended && !c->broken) continues(s, c);
  }
  if (c->next_us <= s->now_us) {
    c->next_us = SL_NEVER;
    if (c->playing && !c->ended && !c->broken) arrive(s, c);
  }
}
