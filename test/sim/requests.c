/* requests.c: bodies of requests, redirects, files: what a transfer asks for beyond one GET. See sim.h. */
#include "sim.h"
#include <stdlib.h>
#include <string.h>

/* ---- Bodies of requests, redirects, files ---- */

/* How an upload can end badly, and what that allows. */
static void upload_faults(sim *s, sim_transfer *x)
{
  sim_upload *up = &x->up;
  if (sim_chance(s, 100)) {
    up->fault = sim_chance(s, 512) ? SIM_FAULT_END : SIM_FAULT_RESET;
    up->fault_at = sim_below(s, up->len + 1);
    if (!up->fault_at && up->announced < 0 && x->file) up->fault = SIM_FAULT_NONE;
    sim_allow(x, CURLE_SEND_ERROR);
    if (!x->file) {
      sim_allow(x, CURLE_GOT_NOTHING);
      sim_allow(x, CURLE_RECV_ERROR);
    }
  } else if (sim_chance(s, 60)) {
    up->stall_at = sim_below(s, up->len + 1);
    x->may_hang = true;
  }
  if (sim_chance(s, 60) && up->announced > 0) { /* the user has less or more than announced */
    if (sim_chance(s, 512) && up->len) up->len = sim_below(s, up->len);
    else up->announced = sim_below(s, up->len + 1);
  }
  if (sim_chance(s, 60)) up->fail = 1 + sim_below(s, 200);
}

void sim_make_upload(sim *s, sim_transfer *x)
{
  sim_upload *up = &x->up;
  up->expects_own = !x->file && sim_chance(s, 250);
  int64_t most = s->send_max < 1000 ? 2000 : sim_chance(s, 100) ? 200000 : 20000;
  uint32_t n = sim_chance(s, 80) ? 0 : (uint32_t)sim_some(s, most);
  sim_upload_body(x, n, sim_chance(s, 512));
  x->hops[0].method = sim_chance(s, 400) ? SIM_POST : SIM_PUT;
  if (up->announced < 0 && sim_chance(s, 512)) up->expects = up->expects_own;
  up->rewinds = sim_chance(s, 800);
  up->readies = sim_chance(s, 512);
  if (sim_chance(s, 400)) up->most = 1 + (uint32_t)sim_some(s, 20000) + up->len / 64;
  if (sim_chance(s, 300)) up->pause = 1 + sim_below(s, 200);
  if (sim_chance(s, 300)) up->again = 1 + sim_below(s, 200);
  if (sim_chance(s, 300)) sim_number(x, CURLOPT_MAX_SEND_SPEED_LARGE, (int64_t)up->len / 10 + 1 + sim_some(s, 100000));
  upload_faults(s, x);
  if (x->file) {
    up->expects = up->expects_own = false;
    x->hops[0].method = SIM_PUT;
    return;
  }
  up->continue_us = sim_chance(s, 300) ? -1 : sim_chance(s, 700) ? sim_some(s, 50000) : sim_some(s, 2 * SL_SECOND);
  if (sim_chance(s, 200)) sim_number(x, CURLOPT_EXPECT_100_TIMEOUT_MS, sim_some(s, 3000));
  if (sim_chance(s, 150)) {
    up->answer_at = sim_below(s, up->len + 1);
    up->deaf = sim_chance(s, 512);
    if (up->deaf && x->may_hang) up->deaf = false;
    up->resets = up->deaf && sim_chance(s, 512);
  }
  if (sim_chance(s, 60)) {
    sim_number(x, CURLOPT_KEEP_SENDING_ON_ERROR, 1);
    if (up->deaf) x->may_hang = true;
  }
  up->trailers = up->announced < 0 && sim_chance(s, 300);
  up->rejects = up->expects && !up->expects_own && sim_chance(s, 200);
  if (!up->rewinds) sim_allow(x, CURLE_SEND_FAIL_REWIND);
}

/* An answer that comes before the body is whole may end the connection under it. */
void sim_early_answer(sim_transfer *x)
{
  const sim_upload *up = &x->up;
  if (!x->has_body || up->answer_at == UINT32_MAX) return;
  if (up->resets && !x->response.fault) return; /* U8: the answer counts */
  if (x->response.close || x->response.until_close || x->response.fault) {
    sim_allow(x, CURLE_SEND_ERROR);
    sim_allow(x, CURLE_RECV_ERROR);
  }
}

void sim_make_redirects(sim *s, sim_transfer *x)
{
  static const uint32_t statuses[] = { 301, 302, 303, 307, 308 };
  static const char *const bad[] = { "ftp://a.test/", "file:///1", "http://", "http://[::", "http://a b/", "https:///x",
                                     "http://a.test:99999/" };
  x->follow = sim_chance(s, 900);
  if (sim_chance(s, 300)) sim_number(x, CURLOPT_POSTREDIR, x->post_redirect = sim_below(s, 8));
  uint32_t count = x->loops ? 1 : 1 + sim_below(s, SIM_HOPS_MAX);
  if (sim_chance(s, 100)) x->loops = true, count = 1;
  for (uint32_t i = 1; i <= count; i++) {
    char location[64];
    sl_line l = { location, location + sizeof location };
    sim_hop *to = &x->hops[i];
    const sim_hop *from = &x->hops[i - 1];
    to->origin = x->loops ? from->origin : sim_below(s, s->origin_count);
    to->tls = x->loops || !sim_chance(s, 200) ? from->tls : !from->tls;
    bool same = to->origin == from->origin && to->tls == from->tls;
    if (!same || sim_chance(s, 300)) {
      sl_line_str(&l, to->tls ? "https://" : "http://");
      sl_line_str(&l, s->origins[to->origin].name);
    }
    bool relative = same && l.at == location && sim_chance(s, 300);
    if (!relative) sl_line_str(&l, "/");
    sl_line_int(&l, x->number);
    if (!x->loops) sl_line_str(&l, ".");
    if (!x->loops) sl_line_int(&l, i);
    if (sim_chance(s, 100)) sl_line_str(&l, "#part");
    const char *where = location;
    if (sim_chance(s, 60)) where = bad[sim_below(s, 7)];
    else if (sim_chance(s, 40)) where = NULL;
    uint32_t body = sim_chance(s, 60) ? 60000 + sim_below(s, 20000) : sim_below(s, 1000);
    x->chunked_hops = sim_chance(s, 300);
    sim_redirect(x, statuses[x->loops ? 3 + sim_below(s, 2) : sim_below(s, 5)], where, body);
    sim_response *r = &x->redirects[i - 1];
    r->seg_max = 1 + (uint32_t)sim_some(s, 65536) + body / 64;
    r->delay_us = sim_chance(s, 512) ? 0 : sim_some(s, 5000);
    r->think_us = sim_chance(s, 512) ? 0 : sim_some(s, 20000);
    if (where == location) continue;
    if (!where) { /* no redirect, an answer */
      x->missing = true;
      break;
    }
    x->unreachable = true;
    sim_allow(x, CURLE_URL_MALFORMAT);
    sim_allow(x, CURLE_UNSUPPORTED_PROTOCOL);
    break;
  }
  if (!x->follow) return;
  if (x->loops) {
    sim_number(x, CURLOPT_MAXREDIRS, sim_below(s, 4));
    sim_allow(x, CURLE_TOO_MANY_REDIRECTS);
  } else if (sim_chance(s, 60)) {
    sim_number(x, CURLOPT_MAXREDIRS, 0);
    sim_allow(x, CURLE_TOO_MANY_REDIRECTS);
  }
}

/* The file of a transfer that reads one: its bytes are the wire. */
void sim_make_file(sim *s, sim_transfer *x)
{
  sim_response *r = &x->response;
  x->tls = false;
  x->origin = 0;
  sim_make_body(x, sim_chance(s, 100) ? 0 : (uint32_t)sim_some(s, 20000));
  r->whole = r->close = true;
  if (sim_chance(s, 60)) x->unreachable = true, sim_allow(x, CURLE_FILE_COULDNT_READ_FILE);
  if (x->has_body) {
    r->body_len = 0;
    sim_allow(x, CURLE_WRITE_ERROR);
    if (x->up.fault == SIM_FAULT_END) x->up.fault = SIM_FAULT_RESET;
    return;
  }
  r->file_size = sim_chance(s, 100) ? -1 : (int64_t)r->body_len;
  if (x->head_only) {
    if (r->file_size >= 0) {
      sl_text_str(&r->heads, "Content-Length: ");
      sl_text_int(&r->heads, r->file_size);
      sl_text_str(&r->heads, "\r\n");
    }
    sl_text_str(&r->heads, "Accept-ranges: bytes\r\n\r\n");
    r->body_len = 0;
    return;
  }
  sl_text_add(&r->wire, r->body, r->body_len);
  if (!r->body_len || !sim_chance(s, 150)) return;
  r->fault = (enum sim_fault)(1 + sim_below(s, 3));
  r->fault_at = sim_below(s, r->body_len);
  if (r->fault == SIM_FAULT_STALL) x->may_hang = true;
  else if (r->fault == SIM_FAULT_RESET) sim_allow(x, CURLE_FILE_COULDNT_READ_FILE), r->whole = false;
  else if (r->file_size < 0) r->body_len = r->fault_at; /* that is its end */
  else sim_allow(x, CURLE_PARTIAL_FILE), r->whole = false;
}
