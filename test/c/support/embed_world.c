/* embed_world.c: see world.h. The imports of sluice/embed.h, and a host that runs the engine from events, as js/ does. */
#include <sluice/embed.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "alloc_fail.h"
#include "world.h"

static world *current; /* of the one instance there is */

int32_t __real_sl_wait(sl_loop *loop, sl_event *ev, uint32_t cap, int64_t timeout_us); /* door_fail.h: not the engine's */

static guest *of(uint32_t token) { return &current->guests[token - 1]; }

/* ---- Imports ------------------------------------------------------------------------------------------- */

void on_head(uint32_t token, const char *ptr, uint32_t n, const char *peer, uint32_t peer_n, uint32_t redirects)
{
  guest *g = of(token);
  (void)peer, (void)peer_n, (void)redirects;
  if (!n || ptr[n - 1] != '\n' || g->got) g->wrong = true;
  g->heads += n;
}

void on_trailers(uint32_t token, const char *ptr, uint32_t n)
{
  if (!n || ptr[n - 1] != '\n') of(token)->wrong = true;
}

int32_t on_body(uint32_t token, const char *ptr, uint32_t n) { return world_took(of(token), ptr, n); }

int32_t on_want_body(uint32_t token) { return world_has(of(token), SL_HOST_MOVE_MAX); }

int32_t on_read_body(uint32_t token, char *ptr, uint32_t cap)
{
  guest *g = of(token);
  int32_t n = g->lies ? 0 : world_has(g, cap);
  if (n <= 0) return n;
  memcpy(ptr, g->x->up.bytes + g->read, (size_t)n);
  g->read += (size_t)n;
  return n;
}

int32_t on_rewind(uint32_t token)
{
  if (!of(token)->x->up.rewinds) return 0;
  world_rewound(of(token));
  return 1;
}

void on_state(uint32_t token, uint32_t life)
{
  if (life == SL_DONE) of(token)->wrong = true;
}

void on_trace(uint32_t token, uint32_t kind, double a, double b) { (void)token, (void)kind, (void)a, (void)b; }

void on_done(uint32_t token, int32_t code)
{
  guest *g = of(token);
  g->dones++;
  g->code = (CURLcode)code;
  if (g->w->ended) g->w->ended(g);
}

/* ---- The face ------------------------------------------------------------------------------------------ */

bool embed_engine(world *w)
{
  current = w;
  if (!w->engine) w->engine = !sl_embed_init();
  return w->engine;
}

/* One setting; without memory for it the guest is not set. */
static void configure(guest *g, char kind, int option, int64_t value, const char *text)
{
  char head[64];
  int n = snprintf(head, sizeof head, "%c%d=%lld:", kind, option, (long long)value);
  size_t len = text ? strlen(text) : 0;
  char *area = g->set ? NULL : sl_embed_scratch((uint32_t)n + (uint32_t)len);
  if (g->set) return;
  if (!area) {
    g->set = CURLE_OUT_OF_MEMORY;
    return;
  }
  memcpy(area, head, (size_t)n);
  if (text) memcpy(area + n, text, len);
  g->set = (CURLcode)sl_embed_configure(g->embed, (uint32_t)n + (uint32_t)len);
}

void embed_number(guest *g, int option, int64_t value) { configure(g, 'n', option, value, NULL); }
void embed_header(guest *g, const char *line) { configure(g, 'h', 0, (int64_t)strlen(line), line); }

void embed_make(guest *g, const char *url)
{
  if (!embed_engine(g->w)) {
    g->set = CURLE_OUT_OF_MEMORY;
    return;
  }
  g->embed = sl_embed_new(g->x->number);
  if (!g->embed) g->set = CURLE_OUT_OF_MEMORY;
  configure(g, 't', CURLOPT_URL, (int64_t)strlen(url), url);
  if (!g->embed) return;
  sl_embed_watch(g->embed);
  sl_embed_trace(g->embed);
}

void embed_add(guest *g)
{
  if (sl_embed_start(g->embed)) g->refused = CURLM_OUT_OF_MEMORY;
}

/* Removed is stopped here, and told as such. */
void embed_remove(guest *g)
{
  g->removed = false;
  g->stopped = true;
  sl_embed_stop(g->embed, CURLE_ABORTED_BY_CALLBACK);
}

bool embed_turn(world *w)
{
  sl_loop host = { w->s };
  sl_event events[16];
  double next = sl_embed_run();
  double most_us = (double)w->poll_ms * 1000, wait_us = next < 0 ? most_us : next > 0 ? next - (double)w->s->now_us : 0;
  if (wait_us > most_us) wait_us = most_us;
  alloc_fail_hold(1);
  int32_t n = __real_sl_wait(&host, events, 16, wait_us > 0 ? (int64_t)wait_us : 0);
  alloc_fail_hold(-1);
  for (int32_t i = 0; i < n; i++) sl_embed_ready(events[i].ch, events[i].events);
  return sl_embed_number(NULL, SL_EMBED_RUNNING) > 0;
}

void embed_end(world *w)
{
  if (!w->engine) return;
  for (uint32_t i = 0; i < w->count; i++) {
    guest *g = &w->guests[i];
    if (!g->embed) continue;
    sl_embed_stop(g->embed, CURLE_ABORTED_BY_CALLBACK);
    sl_embed_run();
    if (sl_embed_figures(g->embed) && sl_embed_number(g->embed, SL_EMBED_LIFE) == SL_DONE &&
        sl_embed_number(g->embed, SL_EMBED_CODE) != g->code)
      w->endless = true;
    sl_embed_free(g->embed);
  }
  sl_embed_close();
}
