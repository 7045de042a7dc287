/* face.c: the C face: the same transfers as handles of the multi interface, driven by perform and poll or by
 * socket_action, with C callbacks that do what user.c's do. See sim.h.
 *
 * What only shows here: P2's 43, replay inside curl_easy_pause (P6), X6's refusals, the sockets and the timer that a
 * program is told of (P9, B7: a deadline nobody was told of is late), poll and wakeup (K1..K4). */
#include "sim.h"
#include "face/curlm.h"
#include <string.h>
#include "engine/ready.h"
#include "face/handle.h"

/* ---- Callbacks ---- */

static size_t answer_of(sim *s, int32_t k, size_t n)
{
  if (k == SL_SINK_FAILED) return sim_chance(s, 512) ? CURL_WRITEFUNC_ERROR : n + 1;
  return k == (int32_t)n ? n : CURL_WRITEFUNC_PAUSE;
}

static size_t on_write(char *data, size_t size, size_t n, void *arg)
{
  sim_transfer *x = arg;
  if (size != 1) sim_violate(x->sim, x, "W1: the size is 1", (int64_t)size, 0);
  return answer_of(x->sim, sim_write(x->transfer, SL_PART_BODY, data, (uint32_t)n), n);
}

static size_t on_header(char *data, size_t size, size_t n, void *arg)
{
  sim_transfer *x = arg;
  enum sl_part part = x->transfer->state.recv <= SL_RECV_HEAD ? SL_PART_HEAD : SL_PART_TRAILER;
  const char *lf = memchr(data, '\n', n);
  if (size != 1 || !lf || lf + 1 != data + n) sim_violate(x->sim, x, "W1: not one whole line", (int64_t)n, 0);
  return answer_of(x->sim, sim_write(x->transfer, part, data, (uint32_t)n), n);
}

static size_t on_read(char *buf, size_t size, size_t n, void *arg)
{
  sim_transfer *x = arg;
  int32_t k = x->user.read(x->transfer, buf, (uint32_t)(size * n));
  if (k == SL_SINK_PAUSED || k == SL_AGAIN) return CURL_READFUNC_PAUSE;
  if (k == SL_SINK_FAILED) return CURL_READFUNC_ABORT;
  return k == INT32_MAX ? n + 1 : (size_t)k;
}

static int on_seek(void *arg, curl_off_t offset, int origin)
{
  sim_transfer *x = arg;
  if (offset || origin) sim_violate(x->sim, x, "R7: not to the start", offset, origin);
  return sim_user_rewind(x->transfer) ? CURL_SEEKFUNC_OK : CURL_SEEKFUNC_FAIL;
}

static int on_progress(void *arg, curl_off_t dl_total, curl_off_t dl, curl_off_t ul_total, curl_off_t ul)
{
  sim_transfer *x = arg;
  (void)dl_total, (void)dl, (void)ul_total, (void)ul;
  return x->user.progress(x->transfer);
}

static int on_prereq(void *arg, char *peer, char *local, int peer_port, int local_port)
{
  sim_transfer *x = arg;
  (void)local, (void)peer_port, (void)local_port;
  if (!peer) sim_violate(x->sim, x, "X8: no peer", 0, 0);
  return x->user.begun(x->transfer) ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT;
}

static int on_debug(CURL *easy, curl_infotype type, char *data, size_t n, void *arg)
{
  sim_transfer *x = arg;
  (void)easy, (void)data, (void)n;
  if (type == CURLINFO_HEADER_OUT) x->user.asked(x->transfer, data, n);
  else if (x->running && x->transfer->state.life != SL_DONE) x->user.opening(x->transfer);
  return 0;
}

static int on_trailers(struct curl_slist **list, void *arg)
{
  sim_transfer *x = arg;
  sl_text lines = { 0 };
  bool ok = x->user.trailers(x->transfer, &lines);
  if (lines.len) *list = curl_slist_append(NULL, "X-Up: t");
  sl_text_free(&lines);
  return ok ? CURL_TRAILERFUNC_OK : CURL_TRAILERFUNC_ABORT;
}

/* ---- Handles ---- */

void sim_easy_new(sim_transfer *x)
{
  sl_easy *e = sl_easy_of(x->easy = curl_easy_init());
  x->transfer = &e->t;
  x->o = &e->options;
}

void sim_easy_ready(sim_transfer *x)
{
  CURL *e = x->easy;
  x->user.moves = x->user.keeps_pause = x->up.readies = false;
  x->partial = x->up.again = 0; /* all or nothing, here */
  curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_write);
  curl_easy_setopt(e, CURLOPT_WRITEDATA, x);
  curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header);
  curl_easy_setopt(e, CURLOPT_HEADERDATA, x);
  curl_easy_setopt(e, CURLOPT_READFUNCTION, on_read);
  curl_easy_setopt(e, CURLOPT_READDATA, x);
  curl_easy_setopt(e, CURLOPT_SEEKFUNCTION, on_seek);
  curl_easy_setopt(e, CURLOPT_SEEKDATA, x);
  curl_easy_setopt(e, CURLOPT_XFERINFOFUNCTION, on_progress);
  curl_easy_setopt(e, CURLOPT_XFERINFODATA, x);
  curl_easy_setopt(e, CURLOPT_NOPROGRESS, x->user.progress ? 0L : 1L);
  curl_easy_setopt(e, CURLOPT_DEBUGFUNCTION, on_debug);
  curl_easy_setopt(e, CURLOPT_DEBUGDATA, x);
  curl_easy_setopt(e, CURLOPT_VERBOSE, x->user.asked && x->user.opening ? 1L : 0L);
  if (x->user.begun) curl_easy_setopt(e, CURLOPT_PREREQFUNCTION, on_prereq);
  curl_easy_setopt(e, CURLOPT_PREREQDATA, x);
  if (x->user.trailers) curl_easy_setopt(e, CURLOPT_TRAILERFUNCTION, on_trailers);
  curl_easy_setopt(e, CURLOPT_TRAILERDATA, x);
  x->transfer->token = x->number;
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *socketp)
{
  sim *s = arg;
  sim_channel *c = sim_channel_find(s, fd - SIM_FD(0));
  (void)socketp;
  if (!c) sim_violate(s, NULL, "P9: a socket that is not there", fd, what);
  else if (s->plant != PLANT_SOCKET || what != CURL_POLL_REMOVE) c->watched = what == CURL_POLL_REMOVE ? 0 : what;
  sim_transfer *x = NULL;
  for (uint32_t i = 0; i < s->count; i++)
    if (s->transfers[i].easy == easy && s->transfers[i].added) x = &s->transfers[i];
  if (!x && easy != sl_curlm_of(s->multi)->self) sim_violate(s, NULL, "P9: told of a handle that is not added", fd, what);
  if (sim_chance(s, 30) && x && curl_easy_pause(easy, CURLPAUSE_CONT) != CURLE_RECURSIVE_API_CALL)
    sim_violate(s, NULL, "P3, F22: curl_easy_pause inside the socket callback", what, 0);
  return 0;
}

static int on_timer(CURLM *multi, long ms, void *arg)
{
  sim *s = arg;
  (void)multi;
  if (s->plant == PLANT_TIMER) ms += 5;
  s->timer_us = ms < 0 ? SL_NEVER : s->now_us + (int64_t)ms * 1000;
  return 0;
}

void sim_use_easy(sim *s, enum sim_drive drive)
{
  sl_multi_free(s->m);
  s->m = NULL;
  s->multi = curl_multi_init();
  if (!s->multi) return;
  s->m = sl_curlm_of(s->multi)->engine;
  s->m->trace = sim_trace_hook;
  s->m->trace_arg = s;
  s->drive = drive;
  s->moves = s->moves_out = s->reads_ahead = false;
  s->timer_us = SL_NEVER;
  if (drive != SIM_DRIVE_SOCKETS) return;
  curl_multi_setopt(s->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
  curl_multi_setopt(s->multi, CURLMOPT_SOCKETDATA, s);
  curl_multi_setopt(s->multi, CURLMOPT_TIMERFUNCTION, on_timer);
  curl_multi_setopt(s->multi, CURLMOPT_TIMERDATA, s);
}

/* ---- Commands ---- */

void sim_easy_pause(sim_transfer *x, uint32_t mask)
{
  sim *s = x->sim;
  sl_transfer *t = x->transfer;
  bool there = sl_ready_running(t) && t->start_us && (!t->queued || x->model), over = t->cause != SL_CAUSE_NONE;
  bool inside = t->gate.delivering;
  if (there) x->model = mask & SL_DIR_BOTH;
  x->remote_model &= x->model;
  x->asked_us = x->sim->now_us; /* P8 */
  if (there) x->up.pause_told = false;
  s->in_pause++;
  CURLcode code = curl_easy_pause(x->easy, (int)mask);
  s->in_pause--;
  if (s->plant == PLANT_P2) code = CURLE_BAD_FUNCTION_ARGUMENT;
  if (!there && code != CURLE_BAD_FUNCTION_ARGUMENT) sim_violate(s, x, "P2: a pause without a connection", code, mask);
  if (!there || over || t->cause) return;
  if (code) sim_violate(s, x, "P6, P14: curl_easy_pause failed", code, mask);
  if (!(mask & SL_DIR_RECV) && !inside && !x->o->max_recv_speed && !(sl_gate_paused(&t->gate) & SL_DIR_RECV) &&
      sl_gate_holds(&t->gate))
    sim_violate(s, x, "P6: held behind an unpause", (int64_t)t->gate.held, mask);
}

/* X5, X6: what is refused inside a callback, and changes nothing. */
void sim_easy_forbidden(sim *s, sim_transfer *x)
{
  int n;
  CURLMcode code;
  switch (sim_below(s, 5)) {
  case 0: code = curl_multi_perform(s->multi, &n); break;
  case 1: code = curl_multi_add_handle(s->multi, x->easy); break;
  case 2: code = curl_multi_remove_handle(s->multi, x->easy); break;
  case 3: code = curl_multi_poll(s->multi, NULL, 0, 0, &n); break;
  default: code = curl_multi_cleanup(s->multi); break;
  }
  if (code != CURLM_RECURSIVE_API_CALL) sim_violate(s, x, "X6: allowed inside a callback", code, 0);
}

CURLMcode sim_easy_add(sim *s, sim_transfer *x) { return curl_multi_add_handle(s->multi, x->easy); }

void sim_easy_remove(sim *s, sim_transfer *x)
{
  if (curl_multi_remove_handle(s->multi, x->easy)) sim_violate(s, x, "X1: not removed", 0, 0);
}

void sim_easy_limit(sim_transfer *x, int option, int64_t value)
{
  if (option >= CURLOPTTYPE_OFF_T) curl_easy_setopt(x->easy, (CURLoption)option, (curl_off_t)value);
  else curl_easy_setopt(x->easy, (CURLoption)option, (long)(value > INT32_MAX ? INT32_MAX : value));
}

void sim_easy_connections(sim *s, long all, long host)
{
  curl_multi_setopt(s->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, all);
  curl_multi_setopt(s->multi, CURLMOPT_MAX_HOST_CONNECTIONS, host);
}

void sim_easy_wake(sim *s)
{
  if (curl_multi_wakeup(s->multi)) sim_violate(s, NULL, "K2: no wakeup", 0, 0);
}

static void read_messages(sim *s)
{
  int left;
  for (CURLMsg *msg; (msg = curl_multi_info_read(s->multi, &left));) {
    sim_transfer *x = NULL;
    for (uint32_t i = 0; i < s->count; i++)
      if (s->transfers[i].easy == msg->easy_handle) x = &s->transfers[i];
    if (!x || !x->running || msg->msg != CURLMSG_DONE || msg->data.result != x->transfer->code)
      sim_violate(s, x, "X10: a message without an end", msg->msg, msg->data.result);
    else x->user.done(x->transfer);
  }
}

/* ---- Driven by perform and poll ---- */

static void perform(sim *s)
{
  int running = -1;
  CURLMcode code = curl_multi_perform(s->multi, &running);
  if (code || running != (int)s->m->running) sim_violate(s, NULL, "K3: perform", code, running);
}

/* K1, K2, K4: until an event, the wakeup, the deadline or the time is there; neither earlier nor later. */
static void poll_until(sim *s, int64_t until_us)
{
  int numfds = -1;
  int64_t from = s->now_us, ms = (until_us - from + 999) / 1000, next = sl_multi_next_us(s->m);
  if (ms > 1000) ms = 1000;
  if (ms < 0) ms = 0;
  int64_t due = next == SL_NEVER ? SL_NEVER : next <= from ? from : from + (next - from + 999) / 1000 * 1000;
  int64_t end = from + ms * 1000 < due ? from + ms * 1000 : due;
  bool woken = s->woken;
  CURLMcode code = curl_multi_poll(s->multi, NULL, 0, (int)ms, &numfds);
  if (code || numfds < 0) sim_violate(s, NULL, "K1: poll", code, numfds);
  if (woken && s->now_us != from) sim_violate(s, NULL, "K2: a wakeup that does not end the poll", s->now_us - from, ms);
  if (!woken && !numfds && s->now_us < end) sim_violate(s, NULL, "K1: poll returned early", s->now_us - from, end - from);
  if (s->now_us > end) sim_violate(s, NULL, "K1, F30: poll returned late", s->now_us - end, ms);
  s->woken = false;
  if (s->now_us > from) s->idle_steps = 0;
}

/* ---- Driven by socket_action ---- */

static int ready_mask(const sim *s, const sim_channel *c)
{
  uint32_t events = sim_channel_events(s, c);
  if (!c->told_open) return events && (c->watched & CURL_POLL_OUT) ? CURL_CSELECT_OUT : 0;
  int mask = 0;
  if ((events & (SL_IN | SL_GONE)) && (c->watched & CURL_POLL_IN)) mask |= CURL_CSELECT_IN;
  if ((events & (SL_OUT | SL_GONE)) && (c->watched & CURL_POLL_OUT)) mask |= CURL_CSELECT_OUT;
  return mask;
}

static void action(sim *s, curl_socket_t fd, int mask)
{
  int running = -1;
  if (fd == CURL_SOCKET_TIMEOUT) s->timer_us = SL_NEVER; /* spent */
  CURLMcode code = curl_multi_socket_action(s->multi, fd, mask, &running);
  if (code || running != (int)s->m->running) sim_violate(s, NULL, "K: socket_action", code, running);
}

static bool act_on_sockets(sim *s)
{
  uint32_t n = s->channel_count, from = n > 1 ? sim_below(s, n) : 0;
  for (uint32_t i = 0; i < n; i++) {
    const sim_channel *c = s->channels[(from + i) % n];
    int mask = ready_mask(s, c);
    if (!mask) continue;
    action(s, SIM_FD(c->id), mask);
    return true;
  }
  return false;
}

static bool act_on_timer(sim *s)
{
  if (s->timer_us > s->now_us) return false;
  action(s, CURL_SOCKET_TIMEOUT, 0);
  return true;
}

/* P9, F21, F34, F43: the program knows what is waited for, and until when. */
static void check_told(sim *s)
{
  for (const sl_conn *conn = s->m->conns; conn; conn = conn->next) {
    const sim_channel *c = sim_channel_find(s, conn->ch);
    int what = !c || conn->life == SL_CONN_IDLE ? 0 : !c->told_open ? CURL_POLL_OUT
               : (c->want & SL_IN ? CURL_POLL_IN : 0) | (c->want & SL_OUT ? CURL_POLL_OUT : 0);
    if (c && c->watched != what) sim_violate(s, NULL, "P9: a socket is told of otherwise than wanted", c->watched, what);
  }
  int64_t next = sl_curlm_next_us(sl_curlm_of(s->multi));
  if (next == SL_NEVER && s->timer_us != SL_NEVER) sim_violate(s, NULL, "F34: a timer for nothing", s->timer_us - s->now_us, 0);
  if (next != SL_NEVER && s->timer_us > (next > s->now_us ? next + 999 : s->now_us + 999))
    sim_violate(s, NULL, "B7, F43: a deadline that the timer was not told of", next - s->now_us,
                s->timer_us == SL_NEVER ? -1 : s->timer_us - s->now_us);
}

void sim_easy_lie(sim *s)
{
  if (s->drive == SIM_DRIVE_SOCKETS)
    action(s, SIM_FD(s->last_id - (sl_ch)sim_below(s, 4)), (int)(1 + sim_below(s, 7)));
  else perform(s);
}

void sim_easy_take_wakeup(sim *s)
{
  if (s->drive != SIM_DRIVE_SOCKETS) return;
  poll_until(s, s->now_us);
  perform(s);
}

/* One turn of the program's loop; false: time has to pass. */
bool sim_easy_turn(sim *s, int64_t until_us)
{
  bool did = true;
  if (s->drive == SIM_DRIVE_SOCKETS) {
    bool timer_first = sim_chance(s, 512);
    did = (timer_first && act_on_timer(s)) || act_on_sockets(s) || act_on_timer(s);
  } else if ((s->performed = !s->performed)) perform(s);
  else poll_until(s, until_us);
  return did;
}

void sim_easy_settled(sim *s)
{
  read_messages(s);
  if (s->drive == SIM_DRIVE_SOCKETS) check_told(s);
}

void sim_easy_end(sim *s)
{
  if (curl_multi_cleanup(s->multi)) sim_violate(s, NULL, "X4: no cleanup", 0, 0);
  s->multi = NULL;
  s->m = NULL;
}
