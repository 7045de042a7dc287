/* scenario.c: from a seed to a scenario, and sim_run. See sim.h.
 *
 * A profile of the host's manners first, then origins, then the transfers with their responses, faults,
 * options and users, then commands. What a fault allows a transfer to end with is decided here,
     next to it. */
#include "sim.h"
#include <stdlib.h>
#include <string.h>

void sim_allow(sim_transfer *x, CURLcode code)
{
  for (uint32_t i = 0; i < x->allows; i++)
    if (x->allow[i] == code) return;
  if (x->allows < SIM_ALLOW_MAX) x->allow[x->allows++] = (uint8_t)code;
}

void sim_number(sim_transfer *x, int option, int64_t value)
{
  CURLcode code = sl_options_number(x->o, option, value);
  if (code) sim_violate(x->sim, x, "an option was refused", option, code);
}

const sim_response *sim_final(const sim_transfer *x)
{
  if (x->hop_count && !x->follow) return &x->redirects[0];
  if (x->missing) return &x->redirects[x->hop_count - 1];
  return x->loops || x->unreachable ? NULL : &x->response;
}

/* What the redirect before it makes of a request (RFC 9110, 15.4, as libcurl without POSTREDIR does it). */
static void make_hop(sim_transfer *x, uint32_t i)
{
  const sim_hop *from = &x->hops[i - 1], *first = &x->hops[0];
  sim_hop *to = &x->hops[i];
  uint32_t status = x->redirects[i - 1].status;
  bool stays = from->method == SIM_POST && status <= 303 && (x->post_redirect >> (status - 301) & 1);
  bool get = status == 303 ? from->method != SIM_HEAD : status < 303 && from->method == SIM_POST;
  get = get && !stays;
  to->method = get ? SIM_GET : from->method;
  to->body = from->body && !get;
  to->secret = first->secret && to->origin == first->origin && to->tls == first->tls;
}

void sim_transfer_ready(sim_transfer *x)
{
  char url[64];
  sl_line line = { url, url + sizeof url };
  sim_hop *first = &x->hops[0];
  first->origin = x->origin;
  first->tls = x->tls;
  first->body = x->has_body;
  if (!x->has_body) first->method = x->head_only ? SIM_HEAD : SIM_GET;
  for (uint32_t i = 1; i <= x->hop_count; i++) make_hop(x, i);
  sl_line_str(&line, x->file ? "file://" : x->tls ? "https://" : "http://");
  sl_line_str(&line, x->file ? "" : x->sim->origins[x->origin].name);
  sl_line_str(&line, "/");
  sl_line_int(&line, x->number);
  sl_options_text(x->o, CURLOPT_URL, url, strlen(url));
  if (x->head_only) sim_number(x, CURLOPT_NOBODY, 1);
  if (x->follow) sim_number(x, CURLOPT_FOLLOWLOCATION, 1);
  if (x->has_body) sim_number(x, first->method == SIM_POST ? CURLOPT_POST : CURLOPT_UPLOAD, 1);
  if (x->has_body)
    sim_number(x, first->method == SIM_POST ? CURLOPT_POSTFIELDSIZE_LARGE : CURLOPT_INFILESIZE_LARGE, x->up.announced);
  if (x->up.readies) x->user.ready = sim_user_ready;
  if (first->secret) sl_options_add_header(x->o, "Authorization: secret", 21);
  if (x->up.expects_own) sl_options_add_header(x->o, "Expect: 100-continue", 20);
  else if (x->has_body && x->up.announced < 0 && !x->up.expects) sl_options_add_header(x->o, "Expect:", 7);
  if (x->easy) {
    sim_easy_ready(x);
    return;
  }
  uint32_t token = x->number;
  sl_transfer_init(x->transfer, &x->user, x->o);
  x->transfer->token = token;
}

/* ---- Transfers ----------------------------------------------------------------------------------------- */

/* The least receive rate that ends before the calm does. */
static int64_t least_rate(const sim_transfer *x)
{
  size_t all = x->response.wire.len;
  for (uint32_t i = 0; i < x->hop_count; i++) all += x->redirects[i].wire.len * (x->loops ? 5 : 1);
  return (int64_t)(all + 100) / 20 + 1;
}

static void make_limits(sim *s, sim_transfer *x)
{
  if (sim_chance(s, 120)) sim_number(x, CURLOPT_TIMEOUT_MS, 1 + sim_some(s, 20000));
  if (sim_chance(s, 100)) sim_number(x, CURLOPT_CONNECTTIMEOUT_MS, 1 + sim_some(s, 20000));
  if (sim_chance(s, 150)) {
    sim_number(x, CURLOPT_LOW_SPEED_LIMIT, 1 + sim_some(s, 50000));
    sim_number(x, CURLOPT_LOW_SPEED_TIME, 1 + sim_below(s, 4));
  }
  if (sim_chance(s, 250)) {
    int64_t least = least_rate(x);
    sim_number(x, CURLOPT_MAX_RECV_SPEED_LARGE, sim_chance(s, 300) ? least : least + sim_some(s, 100000));
  }
  if (!x->has_body && sim_chance(s, 60)) sim_number(x, CURLOPT_MAX_SEND_SPEED_LARGE, 10 + sim_some(s, 10000));
  if (sim_chance(s, 100)) sim_number(x, CURLOPT_BUFFERSIZE, 1024 + sim_some(s, 15000));
  if (sim_chance(s, 60)) sim_number(x, CURLOPT_FRESH_CONNECT, 1);
  if (sim_chance(s, 60)) sim_number(x, CURLOPT_FORBID_REUSE, 1);
  if (sim_chance(s, 60)) {
    sim_number(x, CURLOPT_FAILONERROR, 1);
    if (x->response.status >= 400) sim_allow(x, CURLE_HTTP_RETURNED_ERROR);
  }
  if (sim_chance(s, 60)) sim_number(x, SLUICEOPT_PAUSED_TIMEOUT_MS, 1 + sim_some(s, 10000));
  if (sim_chance(s, 60)) sim_number(x, SLUICEOPT_SILENCE_TIMEOUT_MS, 1 + sim_some(s, 10000));
  if (sim_chance(s, 60)) sim_number(x, SLUICEOPT_QUEUE_TIMEOUT_MS, 1 + sim_some(s, 10000));
  if (sim_chance(s, 400)) sim_number(x, SLUICEOPT_BURST, sim_chance(s, 512) ? SLUICE_BURST_DEFAULT : 1 + sim_some(s, 100000));
  if (sim_chance(s, 300)) sim_number(x, SLUICEOPT_DRAIN_MAX_BYTES, 1 + sim_some(s, 1000000));
}

static void make_pace(sim *s, sim_transfer *x)
{
  sim_response *r = &x->response;
  uint32_t len = (uint32_t)r->wire.len, least = len / 64;
  r->seg_max = sim_chance(s, 100) && len < 800 ? 1 : 1 + least + (uint32_t)sim_some(s, 65536);
  r->think_us = sim_chance(s, 300) ? 0 : sim_some(s, sim_chance(s, 200) ? 3 * SL_SECOND : 50000);
  r->delay_us = sim_chance(s, 300) ? 0 : sim_some(s, sim_chance(s, 200) ? SL_SECOND / 4 : 5000);
}

static void make_user(sim *s, sim_transfer *x)
{
  if (sim_chance(s, 500)) x->refuse = 1 + sim_below(s, 300);
  if (sim_chance(s, 300)) x->partial = 1 + sim_below(s, 300);
  if (sim_chance(s, 80)) x->fail = 1 + sim_below(s, 100);
  if (sim_chance(s, 400)) x->act = 1 + sim_below(s, 100);
  x->resume_us = sim_chance(s, 900) ? sim_some(s, sim_chance(s, 300) ? 5 * SL_SECOND : 20000) : -1;
  x->replays = sim_chance(s, 512);
  x->user.moves = s->moves && sim_chance(s, 900);
  if (sim_chance(s, 300)) x->user.progress = NULL;
  if (sim_chance(s, 512)) x->user.changed = NULL;
  if (sim_chance(s, 512)) x->user.opening = NULL;
  if (sim_chance(s, 512)) x->user.begun = NULL;
  if (sim_chance(s, 512)) x->user.asked = NULL;
  if (!x->up.trailers && sim_chance(s, 512)) x->user.trailers = NULL;
  x->user.keeps_pause = sim_chance(s, 200);
  x->user.connect_alone = sim_chance(s, 300) && !s->multi;
}

/* What the way to its origin allows. */
static void origin_allows(sim *s, sim_transfer *x, uint32_t hop)
{
  const sim_origin *o = &s->origins[hop ? x->hops[hop].origin : x->origin];
  if (o->open_delay_us == SL_NEVER) x->may_hang = true;
  if (s->other_alpn && (hop ? x->hops[hop].tls : x->tls)) sim_allow(x, CURLE_SSL_CONNECT_ERROR);
  switch (o->open_code) {
  case 0: break;
  case SL_RESOLVE: sim_allow(x, CURLE_COULDNT_RESOLVE_HOST); break;
  case SL_DENIED: sim_allow(x, CURLE_REMOTE_ACCESS_DENIED); break;
  case SL_TLS_VERIFY: sim_allow(x, CURLE_PEER_FAILED_VERIFICATION); break;
  default: sim_allow(x, CURLE_COULDNT_CONNECT); break;
  }
}

static void make_transfer(sim *s)
{
  sim_transfer *x = sim_transfer_new(s);
  enum sim_evil evil = sim_chance(s, 200) ? 1 + sim_below(s, EVIL_COUNT - 1) : EVIL_NONE;
  if (evil == EVIL_HUGE_HEAD && sim_chance(s, 800)) evil = EVIL_EXTRA;
  x->origin = sim_below(s, s->origin_count);
  x->head_only = sim_chance(s, 80) && evil != EVIL_CHUNK_SIZE && evil != EVIL_CHUNK_END;
  x->tls = sim_chance(s, 150);
  x->file = sim_chance(s, 60);
  if (sim_chance(s, 300)) x->head_only = false, sim_make_upload(s, x);
  x->hops[0].secret = !x->file && sim_chance(s, 100);
  x->hops[0].origin = x->origin;
  x->hops[0].tls = x->tls;
  if (x->file) sim_make_file(s, x);
  else if (sim_chance(s, 150)) sim_make_redirects(s, x);
  if (!x->file) sim_make_response(s, x, evil);
  if (x->head_only != (x->hops[0].method == SIM_HEAD)) x->hops[0].method = x->has_body ? x->hops[0].method : SIM_GET;
  if (!x->file && sim_chance(s, 200) && (evil == EVIL_NONE || evil == EVIL_EXTRA) && !x->response.glue) sim_make_fault(s, x);
  sim_early_answer(x);
  make_pace(s, x);
  make_limits(s, x);
  make_user(s, x);
  for (uint32_t i = 0; !x->file && i <= x->hop_count; i++) origin_allows(s, x, i);
  x->any_code = s->fail_call || s->fail_chance;
  sim_transfer_ready(x);
}

static void make_origins(sim *s)
{
  static const char *const names[SIM_ORIGINS_MAX] = { "a.test", "b.test" };
  static const int32_t codes[] = { SL_RESOLVE, SL_REFUSED, SL_DENIED, SL_TLS_VERIFY, SL_RESET, SL_IO };
  s->origin_count = 1 + sim_below(s, SIM_ORIGINS_MAX);
  for (uint32_t i = 0; i < s->origin_count; i++) {
    sim_origin *o = &s->origins[i];
    *o = (sim_origin){ .name = names[i], .idle_us = SL_NEVER };
    o->open_delay_us = sim_chance(s, 300) ? 0 : sim_some(s, sim_chance(s, 100) ? 3 * SL_SECOND : 50000);
    if (sim_chance(s, 30)) o->open_delay_us = SL_NEVER;
    else if (sim_chance(s, 60)) o->open_code = codes[sim_below(s, 6)];
    if (sim_chance(s, 300)) o->idle_us = sim_some(s, 2 * SL_SECOND);
    if (sim_chance(s, 200)) o->requests_max = 1 + sim_below(s, 3);
    o->requests_reset = sim_chance(s, 512);
  }
}

static void make_host(sim *s)
{
  s->moves = sim_chance(s, 512) && !s->multi;
  s->moves_out = sim_chance(s, 512) && !s->multi;
  s->reads_ahead = sim_chance(s, 400) && !s->multi;
  s->window = sim_chance(s, 700) ? 65536 : 1024 + (uint32_t)sim_some(s, 64000);
  s->send_max = sim_chance(s, 800) ? 65536 : 1 + (uint32_t)sim_some(s, 200);
  s->channels_max = sim_chance(s, 80) ? 1 + sim_below(s, 3) : 0;
  s->late_us = sim_chance(s, 300) ? sim_some(s, 5000) : 0;
  s->other_alpn = sim_chance(s, 30);
  s->fail_call = sim_chance(s, 80) ? 2 + (uint32_t)sim_some(s, 100) : 0;
  s->fail_chance = sim_chance(s, 40) ? 1 + sim_below(s, 20) : 0;
  s->busy = sim_chance(s, 80) ? 1 + sim_below(s, 600) : 0;
  if (sim_chance(s, 150)) s->m->max_connections = 1 + sim_below(s, 3);
  if (sim_chance(s, 150)) s->m->max_host_connections = 1 + sim_below(s, 2);
  if (sim_chance(s, 80)) s->m->max_idle = 1 + sim_below(s, 2);
}

static void make_commands(sim *s)
{
  static const uint8_t masks[] = { SL_DIR_RECV, SL_DIR_RECV, SL_DIR_SEND, SL_DIR_BOTH, 0, 0x40 };
  for (uint32_t i = 1; i <= s->count; i++)
    sim_at(s, sim_chance(s, 700) ? 0 : sim_some(s, SL_SECOND), SIM_ADD, i, 0);
  uint32_t n = sim_chance(s, 300) ? 0 : sim_below(s, 16);
  for (; n; n--) {
    uint32_t number = 1 + sim_below(s, s->count);
    int64_t at = sim_some(s, sim_chance(s, 300) ? 10 * SL_SECOND : 200000);
    switch (sim_below(s, 24)) {
    case 0: case 1: case 2: case 3: sim_at(s, at, SIM_PAUSE, number, masks[sim_below(s, 6)]); break;
    case 4: case 5: case 6: sim_at(s, at, SIM_RESUME, number, 0); break;
    case 7: sim_at(s, at, SIM_STOP, number, 0); break;
    case 8: sim_at(s, at, SIM_REMOVE, number, 0); break;
    case 9: sim_at(s, at, SIM_READD, number, 0); break;
    case 10: sim_at(s, at, SIM_ADD, number, 0); break;
    case 11: sim_at(s, at, SIM_SPEED, number,
                    least_rate(&s->transfers[number - 1]) + sim_some(s, 100000)); break;
    case 12:
      sim_at(s, at, SIM_HOLD, number, 0);
      if (sim_chance(s, 800)) sim_at(s, at + sim_some(s, SL_SECOND), SIM_FREE, number, 0);
      break;
    case 16: case 17: sim_at(s, at, SIM_LIMIT, number, sim_limit_arg(s)); break;
    case 18: sim_at(s, at, SIM_CONNS, 0, sim_below(s, 4) * 16 + sim_below(s, 3)); break;
    case 19: sim_at(s, at, SIM_WAKE, 0, 0); break;
    case 20: sim_at(s, at, SIM_POLL, 0, 0); break;
    case 21: sim_at(s, at, SIM_SLEEP, 0, sim_some(s, 4 * SL_SECOND)); break;
    default: sim_at(s, at, SIM_SPURIOUS, 0, 0); break;
    }
  }
}

void sim_scenario(sim *s)
{
  uint32_t face = sim_below(s, 8);
  if (face < 3) sim_use_easy(s, face == 2 ? SIM_DRIVE_POLL : SIM_DRIVE_SOCKETS);
  if (!s->m) {
    sim_violate(s, NULL, "no engine", 0, 0);
    return;
  }
  make_host(s);
  make_origins(s);
  for (uint32_t n = 1 + sim_below(s, SIM_TRANSFERS_MAX); n; n--) make_transfer(s);
  make_commands(s);
  if (!s->multi && sim_chance(s, 256)) s->remotes = 1 + sim_below(s, 60);
  bool scarce = s->channels_max || s->m->max_connections || s->m->max_host_connections;
  for (uint32_t i = 0; i < s->command_count; i++) scarce = scarce || s->commands[i].what == SIM_CONNS;
  for (uint32_t i = 0; i < s->count && scarce; i++) /* who waits for a free channel hangs with its neighbours */
    if (s->transfers[i].may_hang)
      for (uint32_t k = 0; k < s->count; k++) s->transfers[k].may_hang = true;
  s->calm_us = SIM_EPOCH_US + 20 * SL_SECOND;
}

/* ---- A seed -------------------------------------------------------------------------------------------- */

static uint64_t fnv(const char *p, size_t n)
{
  uint64_t hash = 0xcbf29ce484222325u;
  while (n--) hash = (hash ^ (uint8_t)*p++) * 0x100000001b3u;
  return hash;
}

static void take_result(sim *s, sim_result *out)
{
  out->ok = !s->violated;
  memcpy(out->message, s->message, sizeof out->message);
  out->steps = s->steps;
  out->virtual_us = s->now_us - SIM_EPOCH_US;
  for (uint32_t i = 0; i < s->count; i++) {
    out->transfers += s->transfers[i].starts;
    out->by_code[s->transfers[i].code < SIM_CODES
        ? s->transfers[i].code : 0] += s->transfers[i].starts ? 1 : 0;
    out->bytes += s->transfers[i].delivered;
  }
  out->hash = fnv(s->trace.data, s->trace.len);
  out->trace = s->trace.data;
  out->trace_len = (uint32_t)s->trace.len;
  out->script = s->script.data;
  out->script_len = (uint32_t)s->script.len;
  s->trace = s->script = (sl_text){ 0 };
}

int sim_run(uint64_t seed, uint32_t flags, sim_result *out)
{
  static const sim_edits none;
  return sim_run_without(seed, flags, &none, out);
}

int sim_run_without(uint64_t seed, uint32_t flags, const sim_edits *e, sim_result *out)
{
  memset(out, 0, sizeof *out);
  sim *s = sim_new(seed, flags);
  if (!s) return 0;
  if (s->m) {
    sim_scenario(s);
    out->commands = s->command_order;
    sim_edit(s, e);
    if (flags & SIM_DESCRIBE) sim_describe(s);
    sim_play(s);
  } else sim_violate(s, NULL, "no engine", 0, 0);
  take_result(s, out);
  sim_free(s);
  return out->ok;
}

void sim_result_free(sim_result *r)
{
  free(r->trace);
  free(r->script);
  r->trace = r->script = NULL;
}
