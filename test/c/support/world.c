/* world.c: see world.h. What is the same for both faces, and the C face. */
#include "world.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sluice/embed.h>
#include "alloc_fail.h"
#include "engine/multi.h"
#include "engine/text.h"

world *world_new(void)
{
  alloc_fail_hold(1);
  world *w = calloc(1, sizeof *w);
  if (w) w->s = sim_new(1, 0);
  if (!w || !w->s || !w->s->m) abort();
  sl_multi_free(w->s->m); /* the engine here is the program's */
  w->s->m = NULL;
  w->poll_ms = 1000;
  alloc_fail_hold(-1);
  return w;
}

guest *world_guest(world *w)
{
  guest *g = &w->guests[w->count++];
  *g = (guest){ .w = w, .x = sim_transfer_new(w->s), .refuse_at = -1, .hold_at = -1, .resume_us = -1,
                .resume_at_us = SL_NEVER };
  return g;
}

void world_wire(sim_response *r, const char *marked)
{
  char mode = '\3';
  alloc_fail_hold(1);
  free(r->body);
  r->wire.len = r->heads.len = 0;
  r->body_len = 0;
  r->body = malloc(strlen(marked) + 1);
  if (!r->body) abort();
  r->whole = true;
  for (const char *p = marked; *p; p++) {
    if (*p <= '\3') {
      mode = *p;
      continue;
    }
    sl_text_add(&r->wire, p, 1);
    if (mode == '\3') sl_text_add(&r->heads, p, 1);
    if (mode == '\1') r->body[r->body_len++] = (uint8_t)*p;
  }
  alloc_fail_hold(-1);
}

/* ---- Callbacks ----------------------------------------------------------------------------------------- */

static void pause_until(guest *g)
{
  if (g->resume_us >= 0) g->resume_at_us = g->w->s->now_us + g->resume_us;
}

int32_t world_took(guest *g, const char *data, size_t n)
{
  const sim_response *r = sim_final(g->x);
  if (g->dones || g->removed || g->resume_at_us != SL_NEVER) g->wrong = true;
  if (g->refuse_at >= 0 && g->got + n > (uint64_t)g->refuse_at) {
    g->refuse_at = -1;
    pause_until(g);
    return SL_SINK_PAUSED;
  }
  if (!r || n > r->body_len - g->got || (n && memcmp(r->body + g->got, data, n))) g->wrong = true;
  g->got += n;
  return (int32_t)n;
}

int32_t world_has(guest *g, size_t cap)
{
  const sim_upload *up = &g->x->up;
  size_t n = up->len - g->read;
  if (g->hold_at >= 0 && g->read >= (uint64_t)g->hold_at) {
    g->hold_at = -1;
    pause_until(g);
    return SL_SINK_PAUSED;
  }
  if (n > cap) n = cap;
  if (up->most && n > up->most) n = up->most;
  if (g->hold_at >= 0 && n > (uint64_t)g->hold_at - g->read) n = (size_t)g->hold_at - g->read;
  return (int32_t)n;
}

void world_rewound(guest *g) { g->read = 0; }

static size_t on_write(char *data, size_t size, size_t n, void *to)
{
  int32_t took = world_took(to, data, size * n);
  return took == SL_SINK_PAUSED ? CURL_WRITEFUNC_PAUSE : (size_t)took;
}

static size_t on_header(char *data, size_t size, size_t n, void *to)
{
  guest *g = to;
  n *= size;
  if (!n || memchr(data, '\n', n) != data + n - 1) g->wrong = true; /* W1: one whole line */
  g->heads += n;
  return n;
}

static size_t on_read(char *buf, size_t size, size_t n, void *from)
{
  guest *g = from;
  int32_t has = world_has(g, size * n);
  if (has == SL_SINK_PAUSED) return CURL_READFUNC_PAUSE;
  memcpy(buf, g->x->up.bytes + g->read, (size_t)has);
  g->read += (size_t)has;
  return (size_t)has;
}

static int on_seek(void *of, curl_off_t offset, int origin)
{
  guest *g = of;
  if (!g->x->up.rewinds) return CURL_SEEKFUNC_FAIL;
  if (origin || offset) g->wrong = true;
  world_rewound(g);
  return CURL_SEEKFUNC_OK;
}

/* ---- Guests -------------------------------------------------------------------------------------------- */

void world_number(guest *g, int option, int64_t value)
{
  if (g->w->embed) embed_number(g, option, value);
  else if (option < CURLOPTTYPE_OFF_T) WORLD_SET(g, (CURLoption)option, (long)value);
  else WORLD_SET(g, (CURLoption)option, (curl_off_t)value);
}

static void set_header(guest *g, const char *line)
{
  if (g->w->embed) {
    embed_header(g, line);
    return;
  }
  g->list = curl_slist_append(NULL, line);
  if (!g->list && !g->set) g->set = CURLE_OUT_OF_MEMORY;
  WORLD_SET(g, CURLOPT_HTTPHEADER, g->list);
}

static void set_method(guest *g)
{
  const sim_transfer *x = g->x;
  bool post = x->hops[0].method == SIM_POST;
  if (x->head_only) world_number(g, CURLOPT_NOBODY, 1);
  if (x->follow) world_number(g, CURLOPT_FOLLOWLOCATION, 1);
  if (!x->has_body) return;
  world_number(g, post ? CURLOPT_POST : CURLOPT_UPLOAD, 1);
  world_number(g, post ? CURLOPT_POSTFIELDSIZE_LARGE : CURLOPT_INFILESIZE_LARGE, x->up.announced);
  if (x->up.expects_own) set_header(g, "Expect: 100-continue");
  else if (x->up.announced < 0 && !x->up.expects) set_header(g, "Expect:");
}

static void make_easy(guest *g, const char *url)
{
  g->easy = curl_easy_init();
  if (!g->easy) g->set = CURLE_OUT_OF_MEMORY;
  WORLD_SET(g, CURLOPT_URL, url);
  WORLD_SET(g, CURLOPT_ERRORBUFFER, g->error);
  WORLD_SET(g, CURLOPT_WRITEFUNCTION, on_write);
  WORLD_SET(g, CURLOPT_WRITEDATA, g);
  WORLD_SET(g, CURLOPT_HEADERFUNCTION, on_header);
  WORLD_SET(g, CURLOPT_HEADERDATA, g);
  WORLD_SET(g, CURLOPT_READFUNCTION, on_read);
  WORLD_SET(g, CURLOPT_READDATA, g);
  WORLD_SET(g, CURLOPT_SEEKFUNCTION, on_seek);
  WORLD_SET(g, CURLOPT_SEEKDATA, g);
  WORLD_SET(g, CURLOPT_PRIVATE, g);
}

void world_ready(guest *g)
{
  sim_transfer *x = g->x;
  char url[64];
  alloc_fail_hold(1);
  sim_transfer_ready(x);
  alloc_fail_hold(-1);
  if (x->file) snprintf(url, sizeof url, "file:///%u", (unsigned)x->number);
  else snprintf(url, sizeof url, "%s://%s/%u", x->tls ? "https" : "http", x->sim->origins[x->origin].name, (unsigned)x->number);
  if (g->w->embed) embed_make(g, url);
  else make_easy(g, url);
  set_method(g);
}

bool world_engine(world *w)
{
  if (w->embed) return embed_engine(w);
  if (!w->multi) w->multi = curl_multi_init();
  return w->multi != NULL;
}

void world_limit(world *w, uint32_t connections)
{
  if (!world_engine(w)) return;
  if (w->embed) sl_embed_limits(connections, 0, 0);
  else curl_multi_setopt(w->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)connections);
}

void world_add(guest *g)
{
  if (g->set || !world_engine(g->w)) return;
  if (g->w->embed) embed_add(g);
  else g->refused = curl_multi_add_handle(g->w->multi, g->easy);
  g->given = !g->refused;
}

void world_remove(guest *g)
{
  if (!g->given) return;
  if (!g->dones) g->removed = true;
  if (g->w->embed) embed_remove(g);
  else curl_multi_remove_handle(g->w->multi, g->easy);
}

void world_pause(guest *g, int mask)
{
  if (!g->given || g->dones || g->removed) return;
  if (g->w->embed) sl_embed_pause(g->embed, (uint32_t)mask, SL_BY_CALL);
  else if (curl_easy_pause(g->easy, mask)) return;
  if (mask) pause_until(g);
}

static void take_messages(world *w)
{
  int left;
  for (CURLMsg *m; (m = curl_multi_info_read(w->multi, &left));) {
    guest *g = NULL;
    curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&g);
    if (!g || g->removed) w->endless = true;
    else g->code = m->data.result, g->dones++;
  }
}

static void resume_due(world *w)
{
  for (uint32_t i = 0; i < w->count; i++) {
    guest *g = &w->guests[i];
    if (g->resume_at_us > w->s->now_us) continue;
    g->resume_at_us = SL_NEVER;
    world_pause(g, CURLPAUSE_CONT);
  }
}

bool world_turn(world *w)
{
  int running = 1;
  if (w->embed) return embed_turn(w);
  if (w->turns && w->multi) curl_multi_poll(w->multi, NULL, 0, (int)w->poll_ms, NULL);
  curl_multi_perform(w->multi, &running);
  take_messages(w);
  return running;
}

void world_drive(world *w)
{
  bool running = world_engine(w);
  for (unsigned turns = 0; running; turns++) {
    running = world_turn(w);
    if (w->turn) w->turn(w);
    resume_due(w);
    w->turns++;
    if (turns < WORLD_TURNS_MAX) continue;
    w->endless = true;
    return;
  }
}

const char *world_end(world *w, char *words, size_t size)
{
  const char *what = NULL;
  sim *s = w->s;
  for (uint32_t i = 0; i < w->count; i++) {
    guest *g = &w->guests[i];
    if (w->embed) continue;
    if (i % 2) curl_easy_cleanup(g->easy); /* X4: takes it out itself */
    else if (w->multi && g->given) curl_multi_remove_handle(w->multi, g->easy);
  }
  if (w->embed) embed_end(w);
  if (w->multi && curl_multi_cleanup(w->multi)) what = "curl_multi_cleanup failed";
  for (uint32_t i = 0; i < w->count; i++) {
    if (!(i % 2)) curl_easy_cleanup(w->guests[i].easy); /* NULL in the other face */
    curl_slist_free_all(w->guests[i].list);
  }
  if (s->violated) what = s->message;
  else if (w->endless) what = "no end of turns, or a message of what was removed";
  else if (s->channel_count) what = "channels are left open";
  else if (s->loops) what = "loops are left";
  if (what) snprintf(words, size, "%s", what);
  alloc_fail_hold(1);
  sim_free(s);
  free(w);
  alloc_fail_hold(-1);
  return what ? words : NULL;
}
