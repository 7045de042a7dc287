/* host.c: the door (sluice/host.h) with virtual time. See sim.h.
 *
 * Owns the channels of `current`, the one simulator that calls without a loop argument mean. What the
 * server sent and nobody took is in the channel's `wire`: up to `arrived` it is in the socket buffer, up to
 * `chunk` the host has read it into a chunk of its own (hosts that read ahead), up to `taken` the engine has
 * it. The engine sees the end, or a reset, when all that arrived is taken. */
#include "sim.h"
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

int32_t sl_wait_fds(sl_loop *loop, sl_event *ev, uint32_t cap, int64_t timeout_us, struct curl_waitfd *extra,
                    unsigned n, int *ready);

static sim *current;

void sim_set_current(sim *s) { current = s; }
sim *sim_current(void) { return current; }

/* ---- Small parts --------------------------------------------------------------------------------------- */

/* Counts a call of the door; true when this is the one that fails. */
static bool call_fails(sim *s)
{
  if (s->looking) return false;
  s->calls++;
  return (s->fail_call && s->calls == s->fail_call) || (s->fail_chance && !s->calm && sim_chance(s, s->fail_chance));
}

static void break_channel(sim *s, sim_channel *c, int32_t code)
{
  c->broken = code;
  sim_trace(s, 0, 'y', c->id, code);
}

/* The fatal code of an injected fault: usually of the channel, sometimes of the guest. */
static int32_t fatal_code(sim *s)
{
  static const int32_t codes[] = { SL_RESET, SL_IO, SL_RESET, SL_CANCELED, SL_QUOTA, SL_DEADLINE };
  int32_t code = codes[sim_below(s, 6)];
  if (code <= SL_CANCELED) s->dead = true;
  return code;
}

sim_channel *sim_channel_find(sim *s, sl_ch id)
{
  for (uint32_t i = 0; i < s->channel_count; i++)
    if (s->channels[i]->id == id) return s->channels[i];
  return NULL;
}

/* The channel of a call, which must be a live one. */
static sim_channel *called(sl_ch id)
{
  sim_channel *c = current ? sim_channel_find(current, id) : NULL;
  if (!c && current) sim_violate(current, NULL, "a call on a channel that is not open", id, 0);
  return c;
}

void sim_channel_drop(sim *s, sim_channel *c)
{
  for (uint32_t i = 0; i < s->channel_count; i++)
    if (s->channels[i] == c) s->channels[i] = s->channels[--s->channel_count];
  sl_text_free(&c->wire);
  sl_text_free(&c->request);
  free(c);
}

uint32_t sim_channel_unread(const sim *s, const sim_channel *c)
{
  return (s->reads_ahead ? c->chunk : c->arrived) - c->taken;
}

uint32_t sim_channel_events(const sim *s, const sim_channel *c)
{
  if (c->held) return 0;
  if (!c->open) return c->broken && !c->told_gone ? SL_GONE : 0;
  uint32_t events = c->told_open ? 0 : SL_OPENED;
  bool end = c->arrived == c->taken && (c->ended || c->broken);
  if (s->plant == PLANT_END) end = false;
  if ((c->want & SL_IN) && (c->arrived > c->taken || sim_channel_unread(s, c) || end)) events |= SL_IN;
  if ((c->want & SL_OUT) && (c->send_room || c->broken || c->send_lost)) events |= SL_OUT;
  if (c->want && c->broken && !c->told_gone) events |= SL_GONE;
  return events;
}

/* ---- Clock, chance, loop ------------------------------------------------------------------------------- */

int64_t sl_now_us(sl_loop *loop) { return loop->sim->now_us; }
int64_t sl_unix_ms(sl_loop *loop) { return 1700000000000 + loop->sim->now_us / 1000; }

void sl_random(sl_loop *loop, void *buf, uint32_t n)
{
  unsigned char *out = buf;
  while (n--) *out++ = (unsigned char)sim_random(loop->sim);
}

sl_loop *sl_loop_new(void)
{
  if (!current || call_fails(current)) return NULL;
  sl_loop *loop = calloc(1, sizeof *loop);
  if (!loop) return NULL;
  loop->sim = current;
  current->loops++;
  return loop;
}

void sl_loop_free(sl_loop *loop)
{
  if (!loop) return;
  loop->sim->loops--;
  free(loop);
}

int32_t sl_wake(sl_loop *loop)
{
  loop->sim->loop_woken = true;
  return 0;
}

/* What there is to tell now. */
static uint32_t collect(sim *s, sl_event *ev, uint32_t cap)
{
  uint32_t n = 0;
  if (s->loop_woken) ev[n++] = (sl_event){ 0, SL_WOKEN };
  s->loop_woken = false;
  for (uint32_t i = 0; i < s->channel_count && n < cap; i++) {
    uint32_t events = sim_channel_events(s, s->channels[i]);
    if (!events) continue;
    ev[n++] = (sl_event){ s->channels[i]->id, events };
    sim_channel_told(s, s->channels[i], events);
  }
  return n;
}

/* Time passes here for a program that waits: from one thing that a server does to the next. */
int32_t sl_wait(sl_loop *loop, sl_event *ev, uint32_t cap, int64_t timeout_us)
{
  sim *s = loop->sim;
  int64_t end = timeout_us < 0 ? SL_NEVER : s->now_us + timeout_us;
  for (;;) {
    uint32_t n = collect(s, ev, cap);
    if (n || s->now_us >= end) return (int32_t)n;
    int64_t until = end;
    for (uint32_t i = 0; i < s->channel_count; i++) {
      int64_t next = sim_server_next_us(s->channels[i]);
      if (next < until) until = next;
    }
    if (until == SL_NEVER) return SL_INVAL;
    if (s->plant == PLANT_POLL) return 0;
    if (until > s->now_us) s->now_us = until;
    for (uint32_t i = 0; i < s->channel_count; i++) sim_server_tick(s, s->channels[i]);
  }
}

int32_t sl_wait_fds(sl_loop *loop, sl_event *ev, uint32_t cap, int64_t timeout_us, struct curl_waitfd *extra,
                    unsigned n, int *ready)
{
  (void)extra;
  if (ready) *ready = 0;
  return n ? SL_NOSYS : sl_wait(loop, ev, cap, timeout_us);
}

/* ---- Channels ------------------------------------------------------------------------------------------ */

static bool spec_has(const char *spec, uint32_t len, const char *line)
{
  size_t n = strlen(line);
  for (uint32_t i = 0; i + n <= len; i++)
    if ((i == 0 || spec[i - 1] == '\n') && !memcmp(spec + i, line, n)) return true;
  return false;
}

static bool spec_names(const char *spec, uint32_t len, const char *name)
{
  char line[64];
  sl_line l = { line, line + sizeof line };
  sl_line_str(&l, "name ");
  sl_line_str(&l, name);
  sl_line_str(&l, "\n");
  return spec_has(spec, len, line);
}

/* "path /N\nmode read|write\n": of transfer N, if that is what it does. */
static sim_transfer *file_of(sim *s, const char *spec, uint32_t len)
{
  for (uint32_t i = 0; i < s->count; i++) {
    const char *want = s->transfers[i].has_body ? "path /1\nmode write\n" : "path /1\nmode read\n";
    uint32_t n = (uint32_t)strlen(want);
    if (s->transfers[i].file && len == n && !memcmp(spec, want, 6) && spec[6] == (char)('1' + i) &&
        !memcmp(spec + 7, want + 7, n - 7))
      return &s->transfers[i];
  }
  return NULL;
}

sl_ch sl_open(sl_loop *loop, uint32_t kind, const char *spec, uint32_t len)
{
  sim *s = loop->sim;
  uint32_t origin = 0;
  sim_transfer *file = kind == SL_FILE ? file_of(s, spec, len) : NULL;
  if (kind == SL_EXCHANGE) return SL_NOSYS; /* asked for where TCP or TLS answered so */
  while (!file && origin < s->origin_count && !spec_names(spec, len, s->origins[origin].name)) origin++;
  if (!file && (origin == s->origin_count || !len || spec[len - 1] != '\n' ||
      !spec_has(spec, len, kind == SL_TLS ? "port 443\n" : "port 80\n"))) {
    sim_violate(s, NULL, "an open spec that no scenario asks for", kind, len);
    return SL_INVAL;
  }
  if (call_fails(s)) {
    static const int32_t codes[] = { SL_NOMEM, SL_IO, SL_REFUSED, SL_RESOLVE, SL_NOSYS, SL_CANCELED };
    int32_t code = codes[sim_below(s, 6)];
    if (code == SL_CANCELED) s->dead = true;
    return code;
  }
  bool busy = s->busy && !s->calm && sim_chance(s, s->busy);
  if (busy && sim_chance(s, 512)) return SL_BUSY;
  if (s->channel_count == SIM_CHANNELS_MAX || (s->channels_max &&
                                               s->channel_count >= s->channels_max)) return SL_BUSY;
  sim_channel *c = calloc(1, sizeof *c);
  if (!c) return SL_NOMEM;
  const sim_origin *o = &s->origins[origin];
  c->id = ++s->last_id;
  c->origin = origin;
  c->kind = kind;
  c->open_us = s->now_us;
  c->open_at_us = o->open_delay_us == SL_NEVER ? SL_NEVER : s->now_us + o->open_delay_us;
  c->open_code = busy ? SL_BUSY : o->open_code;
  c->next_us = c->room_us = c->idle_end_us = c->continue_at_us = SL_NEVER;
  if (file) {
    c->asker = file;
    c->writes = file->has_body;
    c->open_code = file->unreachable ? SL_IO : busy ? SL_BUSY : 0;
    c->open_at_us = s->now_us + (c->id & 1 ? 500 : 0);
  }
  c->send_room = s->send_max;
  s->channels[s->channel_count++] = c;
  return c->id;
}

int32_t sl_start_tls(sl_ch ch, const char *spec, uint32_t len)
{
  (void)ch, (void)spec, (void)len;
  return SL_NOSYS;
}

/* 0 when bytes can be given, else what recv and move answer; 1 stands for the end. */
static int32_t unreadable(sim *s, sim_channel *c)
{
  if (!c->open || !c->told_open) return c->broken ? c->broken : SL_AGAIN;
  if (c->held) return SL_AGAIN;
  if (sim_channel_unread(s, c)) return 0;
  if (c->arrived > c->taken) return SL_AGAIN; /* the host has yet to read it */
  if (c->broken) return c->broken;
  return c->ended ? 1 : SL_AGAIN;
}

int32_t sl_recv(sl_ch ch, void *buf, uint32_t cap)
{
  sim_channel *c = called(ch);
  if (!c) return SL_INVAL;
  sim *s = current;
  sim_remote_act(s);
  c->last_recv = 0;
  if (!cap) {
    sim_violate(s, NULL, "recv of no bytes", ch, 0);
    return SL_INVAL;
  }
  if (call_fails(s)) {
    c->arrived = c->chunk = c->taken;
    break_channel(s, c, fatal_code(s));
    c->next_us = SL_NEVER;
    return c->broken;
  }
  int32_t no = unreadable(s, c);
  if (no) {
    if (no != SL_AGAIN) s->progress++;
    return no == 1 ? 0 : no;
  }
  uint32_t n = sim_channel_unread(s, c);
  if (n > cap) n = cap;
  memcpy(buf, c->wire.data + c->taken, n);
  c->taken += n;
  c->last_recv = n;
  s->progress++;
  sim_server_taken(s, c);
  return (int32_t)n;
}

int32_t sl_unrecv(sl_ch ch, uint32_t n)
{
  sim_channel *c = called(ch);
  if (!c) return SL_INVAL;
  if (!current->moves || call_fails(current)) return SL_NOSYS;
  if (n > c->last_recv) {
    sim_violate(current, NULL, "more given back than the latest recv gave", n, c->last_recv);
    return SL_INVAL;
  }
  c->taken -= n;
  c->last_recv = 0;
  return 0;
}

int32_t sl_move(sl_ch ch, uint32_t sink, uint32_t max)
{
  sim_channel *c = called(ch);
  if (!c) return SL_INVAL;
  sim *s = current;
  c->last_recv = 0;
  if (!s->moves) return SL_NOSYS;
  if (!max || sink < 1 || sink > s->count) {
    sim_violate(s, NULL, "move to no sink or of no bytes", sink, max);
    return SL_INVAL;
  }
  if (call_fails(s)) return SL_NOSYS;
  int32_t no = unreadable(s, c);
  if (no) {
    if (no != SL_AGAIN) s->progress++;
    return no == 1 ? 0 : no;
  }
  uint32_t n = sim_channel_unread(s, c);
  if (n > max) n = max;
  sim_transfer *x = &s->transfers[sink - 1];
  int32_t k = sim_write(x->transfer, SL_PART_BODY, c->wire.data + c->taken, n);
  if (k == SL_SINK_FAILED) sl_transfer_stop(x->transfer, SL_CAUSE_CALLBACK, CURLE_WRITE_ERROR, NULL);
  else if (k > 0 && k < (int32_t)n) sl_transfer_pause(x->transfer, sl_gate_paused(&x->transfer->gate) | SL_DIR_RECV, SL_BY_CALLBACK);
  c = sim_channel_find(s, ch);
  s->progress++;
  if (k <= 0) return k ? k : SL_SINK_PAUSED;
  if (c) {
    c->taken += (uint32_t)k;
    sim_server_taken(s, c);
  }
  return k;
}

/* n bytes were added to what the server has. */
static void took(sim *s, sim_channel *c, uint32_t n)
{
  c->send_room -= n;
  s->progress++;
  sim_server_sent(s, c);
  if (c->stalled) c->send_room = 0;
  if (!c->send_room) c->room_us = c->stalled ? SL_NEVER : s->now_us + sim_some(s, s->send_max > 1000 ? 10000 : 100);
}

int32_t sl_send(sl_ch ch, const void *buf, uint32_t len)
{
  sim_channel *c = called(ch);
  if (!c) return SL_INVAL;
  sim *s = current;
  sim_remote_act(s);
  if (!len || c->end_send) {
    sim_violate(s, NULL, "send of no bytes, or after the end", len, ch);
    return SL_INVAL;
  }
  if (call_fails(s)) {
    break_channel(s, c, fatal_code(s));
    c->next_us = SL_NEVER;
    return c->broken;
  }
  if (!c->open) return c->broken ? c->broken : SL_AGAIN;
  if (c->broken || c->send_lost) return c->broken ? c->broken : SL_RESET;
  if (c->held || !c->send_room) return SL_AGAIN;
  uint32_t n = len < c->send_room ? len : c->send_room;
  sl_text_add(&c->request, buf, n);
  if (s->plant == PLANT_UPLOAD && c->reading) c->request.data[c->request.len - 1] ^= 1;
  took(s, c, n);
  return (int32_t)n;
}

int32_t sl_move_out(sl_ch ch, uint32_t source, uint32_t max)
{
  sim_channel *c = called(ch);
  if (!c) return SL_INVAL;
  sim *s = current;
  if (!s->moves_out) return SL_NOSYS;
  if (!max || source < 1 || source > s->count || c->end_send) {
    sim_violate(s, NULL, "move_out from no source, of no bytes or after the end", source, max);
    return SL_INVAL;
  }
  if (call_fails(s)) return SL_NOSYS;
  if (!c->open) return c->broken ? c->broken : SL_AGAIN;
  if (c->broken || c->send_lost) return c->broken ? c->broken : SL_RESET;
  sim_transfer *x = &s->transfers[source - 1];
  sim_upload *up = &x->up;
  sim_check_read(s, x);
  if (max > up->promised) sim_violate(s, x, "moves out more than the user said", max, up->promised);
  if (c->held || !c->send_room || s->violated) return SL_AGAIN;
  uint32_t n = max < c->send_room ? max : c->send_room;
  sl_text_add(&c->request, up->bytes + up->at, n);
  up->at += n;
  up->given += n;
  up->promised -= n;
  took(s, c, n);
  return (int32_t)n;
}

static int32_t answer(const void *from, uint32_t n, void *buf, uint32_t cap)
{
  memcpy(buf, from, n < cap ? n : cap);
  return (int32_t)n;
}

int32_t sl_info(sl_ch ch, uint32_t what, void *buf, uint32_t cap)
{
  sim_channel *c = called(ch);
  if (!c) return SL_INVAL;
  sim *s = current;
  if (what != SL_INFO_SIZE && what != SL_INFO_UNSENT && what != SL_INFO_LEFT && call_fails(s)) return SL_NOSYS;
  int64_t held = s->reads_ahead ? (int64_t)c->chunk - c->taken : 0;
  if (s->plant == PLANT_HELD && c->arrived > c->taken) held = 1 << 20;
  int64_t times[3] = { c->open_us, c->open ? c->open_at_us : 0, c->open &&
                       c->kind == SL_TLS ? c->open_at_us : 0 };
  const int64_t unsent[2] = { 0, 0 }; /* the server has it at once */
  switch (what) {
  case SL_INFO_PHASE: return c->open ? answer("open", 4, buf, cap) : answer("connect", 7, buf, cap);
  case SL_INFO_ALPN:
    if (!c->open) return SL_AGAIN;
    if (c->kind == SL_TLS && s->other_alpn) return answer("h9", 2, buf, cap);
    return c->kind == SL_TLS && (c->id & 1) ? answer("http/1.1", 8, buf, cap) : 0;
  case SL_INFO_PEER: return c->open ? answer("192.0.2.1 80", 12, buf, cap) : SL_AGAIN;
  case SL_INFO_LOCAL: return c->open ? answer("192.0.2.9 40000", 15, buf, cap) : SL_AGAIN;
  case SL_INFO_TIMES: return answer(times, sizeof times, buf, cap);
  case SL_INFO_UNSENT: return answer(unsent, sizeof unsent, buf, cap);
  case SL_INFO_HELD: return answer(&held, sizeof held, buf, cap);
  case SL_INFO_SIZE: {
    int64_t size = c->asker ? c->asker->response.file_size : -1;
    return c->kind == SL_FILE ? answer(&size, sizeof size, buf, cap) : SL_NOSYS;
  }
  case SL_INFO_ERROR: return c->broken ? answer("the simulator broke it", 22, buf, cap) : 0;
  default: return SL_NOSYS;
  }
}

void sl_want(sl_ch ch, uint32_t events)
{
  sim_channel *c = called(ch);
  if (!c) return;
  if (events & ~(uint32_t)(SL_IN | SL_OUT))
    sim_violate(current, NULL, "wants what is no direction", ch, events);
  if (current->plant == PLANT_WANT || (current->plant == PLANT_WANT_RATE && events)) events |= SL_IN;
  if (current->plant == PLANT_SEND_WANT) events |= SL_OUT;
  if (c->want != events) sim_trace(current, 0, 'w', ch, events);
  c->want = events;
}

void sl_close(sl_ch ch, uint32_t how)
{
  sim_channel *c = called(ch);
  if (!c) return;
  if (how == SL_END_SEND) {
    c->end_send = true;
    sim_server_end_send(current, c);
  }
  else if (current->plant != PLANT_LEAK) sim_channel_drop(current, c);
}
