/* world.c: see world.h. */
#include "world.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "alloc_fail.h"

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

int64_t world_us(const world *w) { return w->s->now_us - SIM_EPOCH_US; }

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

static size_t on_write(char *data, size_t size, size_t n, void *to)
{
  guest *g = to;
  const sim_response *r = sim_final(g->x);
  (void)size;
  if (g->dones || g->removed || g->resume_at_us != SL_NEVER) g->wrong = true;
  if (g->refuse_at >= 0 && g->got + n > (uint64_t)g->refuse_at) {
    g->refuse_at = -1;
    pause_until(g);
    return CURL_WRITEFUNC_PAUSE;
  }
  if (!r || n > r->body_len - g->got || (n && memcmp(r->body + g->got, data, n))) g->wrong = true;
  g->got += n;
  return n;
}

static size_t on_header(char *data, size_t size, size_t n, void *to)
{
  guest *g = to;
  if (size * n < 2 || data[n - 1] != '\n' || g->got) g->wrong = g->wrong || !n || data[n - 1] != '\n';
  g->heads += n;
  return n;
}

static size_t on_read(char *buf, size_t size, size_t n, void *from)
{
  guest *g = from;
  const sim_upload *up = &g->x->up;
  size_t left = up->len - g->read;
  if (g->hold_at >= 0 && g->read >= (uint64_t)g->hold_at) {
    g->hold_at = -1;
    pause_until(g);
    return CURL_READFUNC_PAUSE;
  }
  n *= size;
  if (up->most && n > up->most) n = up->most;
  if (n > left) n = left;
  if (g->hold_at >= 0 && n > (uint64_t)g->hold_at - g->read) n = (size_t)g->hold_at - g->read;
  memcpy(buf, up->bytes + g->read, n);
  g->read += n;
  return n;
}

static int on_seek(void *of, curl_off_t offset, int origin)
{
  guest *g = of;
  if (!g->x->up.rewinds) return CURL_SEEKFUNC_FAIL;
  if (origin || offset) g->wrong = true;
  g->read = 0;
  return CURL_SEEKFUNC_OK;
}

/* ---- Guests -------------------------------------------------------------------------------------------- */

static void set_method(guest *g)
{
  const sim_transfer *x = g->x;
  bool post = x->hops[0].method == SIM_POST;
  if (x->head_only) WORLD_SET(g, CURLOPT_NOBODY, 1L);
  if (x->follow) WORLD_SET(g, CURLOPT_FOLLOWLOCATION, 1L);
  if (!x->has_body) return;
  WORLD_SET(g, post ? CURLOPT_POST : CURLOPT_UPLOAD, 1L);
  WORLD_SET(g, post ? CURLOPT_POSTFIELDSIZE_LARGE : CURLOPT_INFILESIZE_LARGE, (curl_off_t)x->up.announced);
  WORLD_SET(g, CURLOPT_READFUNCTION, on_read);
  WORLD_SET(g, CURLOPT_READDATA, g);
  WORLD_SET(g, CURLOPT_SEEKFUNCTION, on_seek);
  WORLD_SET(g, CURLOPT_SEEKDATA, g);
  const char *expect = x->up.expects_own ? "Expect: 100-continue" : x->up.announced < 0 && !x->up.expects ? "Expect:" : NULL;
  if (!expect) return;
  g->list = curl_slist_append(NULL, expect);
  if (!g->list && !g->set) g->set = CURLE_OUT_OF_MEMORY;
  WORLD_SET(g, CURLOPT_HTTPHEADER, g->list);
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
  g->easy = curl_easy_init();
  if (!g->easy) g->set = CURLE_OUT_OF_MEMORY;
  WORLD_SET(g, CURLOPT_URL, url);
  WORLD_SET(g, CURLOPT_ERRORBUFFER, g->error);
  WORLD_SET(g, CURLOPT_WRITEFUNCTION, on_write);
  WORLD_SET(g, CURLOPT_WRITEDATA, g);
  WORLD_SET(g, CURLOPT_HEADERFUNCTION, on_header);
  WORLD_SET(g, CURLOPT_HEADERDATA, g);
  WORLD_SET(g, CURLOPT_PRIVATE, g);
  set_method(g);
}

CURLM *world_multi(world *w)
{
  if (!w->multi) w->multi = curl_multi_init();
  return w->multi;
}

void world_add(guest *g)
{
  if (g->set || !world_multi(g->w)) return;
  g->refused = curl_multi_add_handle(g->w->multi, g->easy);
  g->given = !g->refused;
}

void world_remove(guest *g)
{
  if (!g->given) return;
  if (!g->dones) g->removed = true;
  curl_multi_remove_handle(g->w->multi, g->easy);
}

void world_pause(guest *g, int mask)
{
  if (!g->given || g->dones || g->removed || curl_easy_pause(g->easy, mask)) return;
  if (mask) pause_until(g);
  else g->resume_at_us = SL_NEVER;
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
    if (g->given && !g->dones && !g->removed) curl_easy_pause(g->easy, CURLPAUSE_CONT);
  }
}

void world_drive(world *w)
{
  int running = 1;
  if (!world_multi(w)) return;
  for (unsigned turns = 0; running; turns++) {
    curl_multi_perform(w->multi, &running);
    take_messages(w);
    if (w->turn) w->turn(w);
    resume_due(w);
    if (running) curl_multi_poll(w->multi, NULL, 0, (int)w->poll_ms, NULL);
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
    if (i % 2) curl_easy_cleanup(g->easy); /* X4: takes it out itself */
    else if (w->multi && g->given) curl_multi_remove_handle(w->multi, g->easy);
  }
  if (w->multi && curl_multi_cleanup(w->multi)) what = "curl_multi_cleanup failed";
  for (uint32_t i = 0; i < w->count; i++) {
    if (!(i % 2)) curl_easy_cleanup(w->guests[i].easy);
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
