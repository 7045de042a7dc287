/* posix_sockets.c: the multi interface for programs that watch descriptors themselves, its limits and notifications,
 * over real sockets, against support/server.h. */
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "support/alloc_fail.h"
#include "support/check.h"
#include "support/client.h"

#define FDS_MAX 1024

/* A program's event loop: what it was told to watch. */
typedef struct {
  CURLM *multi;
  int what[FDS_MAX];     /* 0: not watched */
  CURL *easy[FDS_MAX];
  double due;            /* < 0: no timer  */
  int socket_calls, timer_calls, turns, removed, answer, timer_answer, others, other_removed;
  void *seen_pointer;
  CURL *pause_in;        /* tried from the callbacks */
} loop;

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *to, void *socketp)
{
  loop *l = to;
  int running;
  l->socket_calls++;
  if (socketp) l->seen_pointer = socketp;
  CHECK(P9, easy && fd >= 0 && fd < FDS_MAX && what >= CURL_POLL_IN && what <= CURL_POLL_REMOVE);
  l->removed += what == CURL_POLL_REMOVE;
  CHECK(P9, what != CURL_POLL_REMOVE || l->what[fd]);
  l->what[fd] = what == CURL_POLL_REMOVE ? 0 : what;
  l->easy[fd] = easy;
  if (what != CURL_POLL_REMOVE) CHECK_EQ(X6, curl_multi_assign(l->multi, fd, l), CURLM_OK);
  CHECK_EQ(X6, curl_multi_socket_action(l->multi, CURL_SOCKET_TIMEOUT, 0, &running), CURLM_RECURSIVE_API_CALL);
  if (l->pause_in) CHECK_EQ(P3, curl_easy_pause(l->pause_in, CURLPAUSE_RECV), CURLE_RECURSIVE_API_CALL);
  return l->answer;
}

static int on_timer(CURLM *multi, long ms, void *to)
{
  loop *l = to;
  CHECK(P8, multi == l->multi && ms >= -1);
  l->timer_calls++;
  l->due = ms < 0 ? -1 : now() + (double)ms / 1000;
  if (l->pause_in) CHECK_EQ(P3, curl_easy_pause(l->pause_in, CURLPAUSE_RECV), CURLE_RECURSIVE_API_CALL);
  return l->timer_answer;
}

static CURLM *loop_begin(loop *l)
{
  *l = (loop){ .due = -1, .multi = curl_multi_init() };
  CHECK_EQ(P9, curl_multi_setopt(l->multi, CURLMOPT_SOCKETFUNCTION, on_socket), CURLM_OK);
  CHECK_EQ(P9, curl_multi_setopt(l->multi, CURLMOPT_SOCKETDATA, l), CURLM_OK);
  CHECK_EQ(P8, curl_multi_setopt(l->multi, CURLMOPT_TIMERFUNCTION, on_timer), CURLM_OK);
  CHECK_EQ(P8, curl_multi_setopt(l->multi, CURLMOPT_TIMERDATA, l), CURLM_OK);
  return l->multi;
}

static int watched(const loop *l)
{
  int n = 0;
  for (int i = 0; i < FDS_MAX; i++) n += l->what[i] != 0;
  return n;
}

/* One wait of at most ms; how many are running then. */
static int turn(loop *l, int ms)
{
  struct pollfd polls[FDS_MAX];
  int n = 0, running = -1;
  for (int i = 0; i < FDS_MAX; i++)
    if (l->what[i])
      polls[n++] = (struct pollfd){ .fd = i, .events = (short)((l->what[i] & CURL_POLL_IN ? POLLIN : 0) |
                                                               (l->what[i] & CURL_POLL_OUT ? POLLOUT : 0)) };
  double left = l->due < 0 ? ms : (l->due - now()) * 1000;
  if (left > ms) left = ms;
  poll(polls, (nfds_t)n, left > 0 ? (int)left + 1 : 0);
  l->turns++;
  for (int i = 0; i < n; i++) {
    int mask = (polls[i].revents & POLLIN ? CURL_CSELECT_IN : 0) | (polls[i].revents & POLLOUT ? CURL_CSELECT_OUT : 0) |
               (polls[i].revents & (POLLERR | POLLHUP) ? CURL_CSELECT_ERR : 0);
    if (mask) CHECK_EQ(G3, curl_multi_socket_action(l->multi, polls[i].fd, mask, &running), CURLM_OK);
  }
  if (l->due >= 0 && l->due <= now()) {
    l->due = -1;
    CHECK_EQ(G3, curl_multi_socket_action(l->multi, CURL_SOCKET_TIMEOUT, 0, &running), CURLM_OK);
  }
  return running;
}

static bool drive(loop *l)
{
  for (double until = now() + 20; now() < until;)
    if (turn(l, 1000) == 0) return true;
  return false;
}

static void drive_for(loop *l, double seconds)
{
  for (double until = now() + seconds; now() < until;) turn(l, (int)((until - now()) * 1000) + 1);
}

static CURL *add(CURLM *multi, record *r, const char *path)
{
  CURL *easy = begin(r, path);
  CHECK_EQ(X1, curl_multi_add_handle(multi, easy), CURLM_OK);
  return easy;
}

static bool told(CURLM *multi, CURL *easy, CURLcode code)
{
  int left;
  const CURLMsg *m = curl_multi_info_read(multi, &left);
  return m && m->easy_handle == easy && m->data.result == code;
}

static void by_events(void)
{
  static const char *paths[] = { "/length/100000", "/chunked/100000", "/close/100000", "/dribble/10/5" };
  loop l;
  record r[20];
  char url[128];
  CURLM *multi = loop_begin(&l);
  for (int i = 0; i < 20; i++) add(multi, &r[i], paths[i % 4]);
  /* A name is looked up by a thread: that too comes by a descriptor. */
  snprintf(url, sizeof url, "http://localhost:%d/length/100000", server_port(http));
  curl_easy_setopt(r[0].easy, CURLOPT_URL, url);
  curl_easy_setopt(r[0].easy, CURLOPT_IPRESOLVE, CURL_IPRESOLVE_V4);
  CHECK(P8, l.timer_calls > 0 && l.due >= 0);
  CHECK(G3, drive(&l));
  for (int i = 0; i < 20; i++) {
    CHECK(W1, body_is(&r[i], i % 4 == 3 ? 1000 : 100000));
    CHECK_EQ(X1, curl_multi_remove_handle(multi, r[i].easy), CURLM_OK);
  }
  CHECK_EQ(P9, watched(&l), 0);
  CHECK(X6, l.seen_pointer == &l);
  CHECK(F34, l.due < 0);
  CHECK_EQ(K6, curl_multi_assign(multi, 5, &l), CURLM_BAD_SOCKET);
  for (int i = 0; i < 20; i++) end(&r[i]);
  CHECK_EQ(X4, curl_multi_cleanup(multi), CURLM_OK);
}

static void pauses(void)
{
  loop l;
  record r;
  CURLM *multi = loop_begin(&l);
  CURL *easy = add(multi, &r, "/dribble/40/10");
  for (double until = now() + 5; !r.calls && now() < until;) turn(&l, 100);
  CHECK_EQ(P9, watched(&l), 1);
  int before = l.socket_calls;
  CHECK_EQ(P9, curl_easy_pause(easy, CURLPAUSE_RECV), CURLE_OK);
  CHECK(P9, watched(&l) == 0 && l.socket_calls == before + 1); /* from inside the call */
  size_t calls = r.calls;
  int turns = l.turns;
  drive_for(&l, 0.3);
  CHECK(K6, l.turns - turns < 5 && r.calls == calls);
  before = l.timer_calls;
  CHECK_EQ(P9, curl_easy_pause(easy, CURLPAUSE_CONT), CURLE_OK);
  CHECK(P9, watched(&l) == 1);
  CHECK(P8, l.timer_calls > before && l.due >= 0 && l.due <= now());
  l.pause_in = easy;
  CHECK(P3, drive(&l));
  CHECK(W1, body_is(&r, 4000) && told(multi, easy, CURLE_OK));
  l.pause_in = NULL;
  /* The same after a refusal: the interest is that behind the replay, refused again or not. */
  r.len = r.calls = 0;
  r.refuse = 1;
  curl_multi_remove_handle(multi, easy);
  curl_multi_add_handle(multi, easy);
  for (double until = now() + 5; !r.calls && now() < until;) turn(&l, 100);
  CHECK_EQ(P9, watched(&l), 0);
  r.refuse = 1;
  CHECK_EQ(P9, curl_easy_pause(easy, CURLPAUSE_CONT), CURLE_OK);
  CHECK(P9, r.calls == 2 && watched(&l) == 0);
  CHECK_EQ(P9, curl_easy_pause(easy, CURLPAUSE_CONT), CURLE_OK);
  CHECK(P9, r.calls == 3 && watched(&l) == 1);
  CHECK(P9, drive(&l) && body_is(&r, 4000) && told(multi, easy, CURLE_OK));
  /* B7: a silent paused transfer still has its progress calls, and its limit. */
  r.len = r.calls = 0;
  curl_multi_remove_handle(multi, easy);
  curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, 2300L);
  r.refuse = 1;
  curl_multi_add_handle(multi, easy);
  for (double until = now() + 5; !r.calls && now() < until;) turn(&l, 100);
  size_t progress = r.progress_calls;
  turns = l.turns;
  double at = now();
  CHECK(B7, drive(&l));
  CHECK(B7, now() - at < 4 && r.progress_calls >= progress + 2);
  CHECK(K6, l.turns - turns < 12);
  CHECK(T1, told(multi, easy, CURLE_OPERATION_TIMEDOUT));
  /* The same when the calls are wanted only after it fell silent. */
  curl_multi_remove_handle(multi, easy);
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, 20000L);
  curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 1L);
  r.len = r.calls = 0;
  r.refuse = 1;
  curl_multi_add_handle(multi, easy);
  for (double until = now() + 5; !r.calls && now() < until;) turn(&l, 100);
  turn(&l, 0);
  progress = r.progress_calls;
  curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
  CHECK(B7, l.due >= 0 && l.due - now() < 2);
  for (double until = now() + 10; r.progress_calls < progress + 2 && now() < until;) turn(&l, 1000);
  CHECK(B7, r.progress_calls >= progress + 2);
  /* A reset ends the pause and the limits, and the program hears of it. */
  curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 1L);
  for (double until = now() + 10; l.due >= 0 && l.due - now() < 5 && now() < until;) turn(&l, 1000);
  CHECK(B7, l.due - now() > 5);
  curl_easy_reset(easy);
  CHECK(P13, l.due >= 0 && l.due - now() < 1 && watched(&l) == 0);
  end(&r);
  /* G2: how it ends is told, though nothing else is to be done. */
  easy = begin(&r, "/hang");
  curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, 900L);
  curl_multi_add_handle(multi, easy);
  drive_for(&l, 0.3);
  progress = r.progress_calls;
  CHECK(G2, drive(&l) && r.progress_calls > progress);
  CHECK(T1, told(multi, easy, CURLE_OPERATION_TIMEDOUT));
  /* Removed while it runs: the timer and the socket go. */
  curl_multi_remove_handle(multi, easy);
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, 20000L);
  curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 1L);
  set_path(easy, "/hang");
  curl_multi_add_handle(multi, easy);
  drive_for(&l, 0.1);
  CHECK(P9, watched(&l) == 1 && l.due >= 0);
  curl_multi_remove_handle(multi, easy);
  CHECK(F34, watched(&l) == 0 && l.due < 0);
  end(&r);
  curl_multi_cleanup(multi);
}

/* What another function than on_socket has heard; of descriptors that were told to on_socket, too. */
static int other_socket(CURL *easy, curl_socket_t fd, int what, void *to, void *socketp)
{
  loop *l = to;
  l->others++;
  CHECK(P9, easy && fd >= 0 && fd < FDS_MAX);
  if (what == CURL_POLL_REMOVE) {
    l->other_removed++;
    CHECK(X6, socketp == l); /* assigned while on_socket was told */
  }
  l->what[fd] = what == CURL_POLL_REMOVE ? 0 : what;
  return 0;
}

static int other_then_none(CURL *easy, curl_socket_t fd, int what, void *to, void *socketp)
{
  loop *l = to;
  int answer = other_socket(easy, fd, what, to, socketp);
  CHECK_EQ(X6, curl_multi_setopt(l->multi, CURLMOPT_SOCKETFUNCTION, NULL), CURLM_RECURSIVE_API_CALL);
  return answer;
}

static void begin_watched(loop *l, record *r)
{
  CURLM *multi = loop_begin(l);
  add(multi, r, "/dribble/40/10");
  for (double until = now() + 20; !r->calls && now() < until;) turn(l, 100);
  CHECK_EQ(P9, watched(l), 1);
}

static void function_changes(void)
{
  loop l;
  record r;
  /* Another one: nothing is told anew; it hears the next change, and the removal. */
  begin_watched(&l, &r);
  int before = l.socket_calls;
  CHECK_EQ(P9, curl_multi_setopt(l.multi, CURLMOPT_SOCKETFUNCTION, other_socket), CURLM_OK);
  turn(&l, 0);
  CHECK(P9, l.others == 0 && l.socket_calls == before);
  CHECK_EQ(P9, curl_easy_pause(r.easy, CURLPAUSE_RECV), CURLE_OK);
  CHECK(P9, l.others == 1 && l.other_removed == 1 && watched(&l) == 0 && l.socket_calls == before);
  end(&r);
  curl_multi_cleanup(l.multi);
  begin_watched(&l, &r);
  before = l.socket_calls;
  curl_multi_setopt(l.multi, CURLMOPT_SOCKETFUNCTION, other_then_none);
  CHECK_EQ(P9, curl_multi_remove_handle(l.multi, r.easy), CURLM_OK);
  CHECK(P9, l.other_removed == 1 && watched(&l) == 0 && l.socket_calls == before);
  end(&r);
  curl_multi_cleanup(l.multi);
  /* NULL between: what is as it was is not told again, what became different is. */
  begin_watched(&l, &r);
  CHECK_EQ(P9, curl_multi_setopt(l.multi, CURLMOPT_SOCKETFUNCTION, NULL), CURLM_OK);
  CHECK_EQ(P9, curl_easy_pause(r.easy, CURLPAUSE_RECV), CURLE_OK);
  CHECK_EQ(P9, curl_easy_pause(r.easy, CURLPAUSE_CONT), CURLE_OK);
  CHECK_EQ(P9, l.removed, 0);
  memset(l.what, 0, sizeof l.what); /* it has to forget them */
  CHECK_EQ(P9, curl_multi_setopt(l.multi, CURLMOPT_SOCKETFUNCTION, on_socket), CURLM_OK);
  CHECK(P9, drive(&l) && body_is(&r, 4000) && told(l.multi, r.easy, CURLE_OK));
  end(&r);
  CHECK_EQ(P9, watched(&l), 0);
  curl_multi_cleanup(l.multi);
  /* NULL to the end, and one that goes in the gap: nobody hears of it. */
  for (int again = 0; again < 2; again++) {
    begin_watched(&l, &r);
    before = l.socket_calls;
    curl_multi_setopt(l.multi, CURLMOPT_SOCKETFUNCTION, NULL);
    CHECK_EQ(P9, curl_multi_remove_handle(l.multi, r.easy), CURLM_OK);
    if (again) curl_multi_setopt(l.multi, CURLMOPT_SOCKETFUNCTION, other_socket);
    end(&r);
    CHECK_EQ(X4, curl_multi_cleanup(l.multi), CURLM_OK);
    CHECK(P9, l.socket_calls == before && l.others == 0);
  }
}

/* F32: a wakeup is read, kept for poll, and does not spin. */
static void woken(void)
{
  loop l;
  record r;
  CURLM *multi = loop_begin(&l);
  add(multi, &r, "/dribble/3/100");
  drive_for(&l, 0.05);
  curl_multi_wakeup(multi);
  int turns = l.turns;
  CHECK(F32, drive(&l) && l.turns - turns < 50);
  double at = now();
  CHECK_EQ(K2, curl_multi_poll(multi, NULL, 0, 3000, NULL), CURLM_OK);
  CHECK(K2, now() - at < 2);
  end(&r);
  curl_multi_cleanup(multi);
}

static void dead(void)
{
  for (int timer = 0; timer < 2; timer++) {
    loop l;
    record r[2];
    int running = -1;
    long ms = -1;
    CURLM *multi = loop_begin(&l);
    add(multi, &r[0], "/dribble/1000/10");
    add(multi, &r[1], "/hang");
    drive_for(&l, 0.05);
    if (timer) l.timer_answer = -1;
    else l.answer = -1;
    CURLMcode code = CURLM_OK;
    if (timer) CHECK_EQ(P9, curl_easy_pause(r[0].easy, CURLPAUSE_CONT), CURLE_ABORTED_BY_CALLBACK);
    else CHECK_EQ(P9, curl_easy_pause(r[0].easy, CURLPAUSE_RECV), CURLE_ABORTED_BY_CALLBACK);
    CHECK_EQ(X7, curl_multi_timeout(multi, &ms), CURLM_OK);
    CHECK_EQ(X7, ms, 0);
    code = curl_multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0, &running);
    CHECK(X7, code == CURLM_OK && running == 0);
    CHECK(X7, told(multi, r[0].easy, CURLE_ABORTED_BY_CALLBACK) && told(multi, r[1].easy, CURLE_ABORTED_BY_CALLBACK));
    CHECK_EQ(X7, curl_multi_remove_handle(multi, r[0].easy), CURLM_OK);
    CHECK_EQ(X7, curl_multi_add_handle(multi, r[0].easy), CURLM_ABORTED_BY_CALLBACK);
    CHECK_EQ(X7, curl_multi_remove_handle(multi, r[1].easy), CURLM_OK);
    l.answer = l.timer_answer = 0;
    CHECK_EQ(F40, watched(&l), 0);
    set_path(r[0].easy, "/length/10");
    r[0].len = 0;
    CHECK_EQ(X7, curl_multi_add_handle(multi, r[0].easy), CURLM_OK);
    CHECK(X7, drive(&l) && body_is(&r[0], 10));
    end(&r[0]);
    end(&r[1]);
    curl_multi_cleanup(multi);
  }
  /* In a call of the multi's own: that call says so. */
  loop l;
  record r;
  int running = -1;
  CURLM *multi = loop_begin(&l);
  add(multi, &r, "/hang");
  l.answer = -1;
  CHECK_EQ(X7, curl_multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0, &running), CURLM_ABORTED_BY_CALLBACK);
  CHECK(X7, running == 0 && told(multi, r.easy, CURLE_ABORTED_BY_CALLBACK));
  end(&r);
  curl_multi_cleanup(multi);
}

static void sets(void)
{
  record r, p;
  CURLM *multi = curl_multi_init();
  fd_set in, out, bad;
  int max = -4711, running;
  unsigned count = 77;
  struct curl_waitfd fds[4];
  FD_ZERO(&in);
  FD_ZERO(&out);
  FD_ZERO(&bad);
  CHECK_EQ(K7, curl_multi_fdset(multi, &in, &out, &bad, &max), CURLM_OK);
  CHECK_EQ(K7, max, -1);
  CHECK_EQ(K7, curl_multi_waitfds(multi, NULL, 0, &count), CURLM_OK);
  CHECK_EQ(K7, count, 0);
  add(multi, &r, "/dribble/10/20");
  add(multi, &p, "/dribble/1000/20");
  for (double until = now() + 5; (!r.calls || !p.calls) && now() < until;) {
    curl_multi_perform(multi, &running);
    curl_multi_wait(multi, NULL, 0, 100, NULL);
  }
  CHECK_EQ(K7, curl_multi_waitfds(multi, NULL, 0, &count), CURLM_OK);
  CHECK_EQ(K7, count, 2);
  curl_easy_pause(p.easy, CURLPAUSE_RECV);
  CHECK_EQ(K7, curl_multi_waitfds(multi, NULL, 0, &count), CURLM_OK);
  CHECK_EQ(K7, count, 1);
  CHECK_EQ(K7, curl_multi_waitfds(multi, fds, 4, &count), CURLM_OK);
  CHECK(K7, count == 1 && fds[0].events == CURL_WAIT_POLLIN);
  CHECK_EQ(K7, curl_multi_waitfds(multi, NULL, 4, &count), CURLM_BAD_FUNCTION_ARGUMENT);
  CHECK_EQ(K7, curl_multi_waitfds(multi, NULL, 0, NULL), CURLM_BAD_FUNCTION_ARGUMENT);
  CHECK_EQ(K7, curl_multi_fdset(multi, &in, &out, NULL, &max), CURLM_OK);
  CHECK(K7, max == fds[0].fd && FD_ISSET(max, &in) && !FD_ISSET(max, &out));
  curl_easy_pause(p.easy, CURLPAUSE_CONT);
  CHECK_EQ(K7, curl_multi_waitfds(multi, fds, 1, &count), CURLM_OUT_OF_MEMORY);
  CHECK_EQ(K7, count, 2);
  /* A program on select. */
  curl_multi_remove_handle(multi, p.easy);
  for (double until = now() + 10; now() < until;) {
    struct timeval t = { .tv_usec = 50000 };
    curl_multi_perform(multi, &running);
    if (!running) break;
    FD_ZERO(&in);
    FD_ZERO(&out);
    curl_multi_fdset(multi, &in, &out, NULL, &max);
    select(max + 1, &in, &out, NULL, &t);
  }
  CHECK(K7, body_is(&r, 1000));
  end(&r);
  end(&p);
  curl_multi_cleanup(multi);
}

static void waits(void)
{
  CURLM *multi = curl_multi_init();
  record r;
  int n = -1, running;
  curl_multi_wakeup(multi);
  double at = now();
  CHECK_EQ(K5, curl_multi_wait(multi, NULL, 0, 3000, &n), CURLM_OK);
  CHECK(K5, now() - at < 1 && n == 0);
  CHECK_EQ(K5, curl_multi_poll(multi, NULL, 0, 3000, &n), CURLM_OK); /* the wakeup was left */
  CHECK(K5, now() - at < 1);
  CHECK_EQ(K1, curl_multi_wait(multi, NULL, 0, -1, &n), CURLM_BAD_FUNCTION_ARGUMENT);
  CHECK_EQ(K1, curl_multi_wait(NULL, NULL, 0, 1, &n), CURLM_BAD_HANDLE);
  add(multi, &r, "/dribble/2/100");
  for (double until = now() + 5; info(r.easy, CURLINFO_RESPONSE_CODE) != 200 && now() < until;) {
    curl_multi_perform(multi, &running);
    curl_multi_wait(multi, NULL, 0, 50, NULL);
  }
  curl_multi_wakeup(multi);
  at = now();
  CHECK_EQ(K5, curl_multi_wait(multi, NULL, 0, 3000, &n), CURLM_OK);
  CHECK(K5, now() - at < 1);
  CURL **list = curl_multi_get_handles(multi);
  CHECK(X6, list && list[0] == r.easy && !list[1]);
  curl_free(list);
  CHECK(X6, !curl_multi_get_handles(NULL));
  end(&r);
  curl_multi_cleanup(multi);
}

static void limits(void)
{
  static const struct { CURLMoption option; long most; } cases[] = {
    { CURLMOPT_MAX_TOTAL_CONNECTIONS, 1 }, { CURLMOPT_MAX_HOST_CONNECTIONS, 2 }, { CURLMOPT_MAX_TOTAL_CONNECTIONS, 3 } };
  for (int i = 0; i < 3; i++) {
    loop l;
    record r[12];
    CURLM *multi = loop_begin(&l);
    unsigned before = server_connections(http);
    CHECK_EQ(X3, curl_multi_setopt(multi, cases[i].option, cases[i].most), CURLM_OK);
    for (int k = 0; k < 12; k++) add(multi, &r[k], k % 3 ? "/length/1000" : "/close/1000");
    int most = 0;
    for (double until = now() + 20; now() < until;) {
      int running = turn(&l, 500);
      if (watched(&l) > most) most = watched(&l);
      if (!running) break;
    }
    CHECK(X3, most <= cases[i].most);
    CHECK(X3, server_connections(http) - before >= 4);
    for (int k = 0; k < 12; k++) {
      CHECK(X3, body_is(&r[k], 1000));
      if (cases[i].most == 1) CHECK(X3, told(multi, r[k].easy, CURLE_OK)); /* first come, first served */
      if (k == 11) CHECK(X3, big_info(r[k].easy, CURLINFO_QUEUE_TIME_T) > 0);
      curl_multi_remove_handle(multi, r[k].easy);
      end(&r[k]);
    }
    curl_multi_cleanup(multi);
  }
  /* T6, F28, F29: time runs while waiting; a removal lets the next one in; a limit raised, all. */
  record r[4];
  CURLM *multi = curl_multi_init();
  int running = 0;
  curl_multi_setopt(multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, 1L);
  for (int k = 0; k < 4; k++) add(multi, &r[k], k ? "/length/10" : "/hang");
  curl_easy_setopt(r[1].easy, CURLOPT_TIMEOUT_MS, 150L);
  curl_easy_setopt(r[2].easy, CURLOPT_CONNECTTIMEOUT_MS, 150L);
  for (double until = now() + 0.4; now() < until;) {
    curl_multi_perform(multi, &running);
    curl_multi_poll(multi, NULL, 0, 50, NULL);
  }
  CHECK(T6, running == 2);
  CHECK(F29, told(multi, r[1].easy, CURLE_OPERATION_TIMEDOUT) || told(multi, r[2].easy, CURLE_OPERATION_TIMEDOUT));
  CHECK(F28, !strncmp(words, "Connection timed out after ", 27) || !strncmp(words, "Operation timed out after ", 26));
  CHECK_EQ(P2, curl_easy_pause(r[3].easy, CURLPAUSE_RECV), CURLE_BAD_FUNCTION_ARGUMENT);
  curl_multi_remove_handle(multi, r[0].easy);
  for (double until = now() + 5; running && now() < until;) {
    curl_multi_perform(multi, &running);
    curl_multi_poll(multi, NULL, 0, 100, NULL);
  }
  CHECK(X3, body_is(&r[3], 10));
  CHECK(X3, big_info(r[3].easy, CURLINFO_QUEUE_TIME_T) > 300000);
  for (int k = 0; k < 4; k++) {
    curl_multi_remove_handle(multi, r[k].easy);
    set_path(r[k].easy, k ? "/length/10" : "/hang");
    curl_easy_setopt(r[k].easy, CURLOPT_TIMEOUT_MS, 10000L);
    curl_easy_setopt(r[k].easy, CURLOPT_CONNECTTIMEOUT_MS, 0L);
    r[k].len = 0;
    curl_multi_add_handle(multi, r[k].easy);
  }
  curl_multi_perform(multi, &running);
  curl_multi_setopt(multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, 0L);
  for (double until = now() + 5; running > 1 && now() < until;) {
    curl_multi_perform(multi, &running);
    curl_multi_poll(multi, NULL, 0, 100, NULL);
  }
  for (int k = 1; k < 4; k++) CHECK(X3, body_is(&r[k], 10));
  for (int k = 0; k < 4; k++) end(&r[k]);
  curl_multi_cleanup(multi);
  /* The pool's size. */
  multi = curl_multi_init();
  CHECK_EQ(X3, curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, 1L), CURLM_OK);
  unsigned before = server_connections(http);
  for (int round = 0; round < 2; round++) {
    add(multi, &r[0], "/length/10");
    add(multi, &r[1], "/length/10");
    do curl_multi_poll(multi, NULL, 0, 100, NULL);
    while (!curl_multi_perform(multi, &running) && running);
    end(&r[0]);
    end(&r[1]);
  }
  CHECK(X3, server_connections(http) - before <= 3 && server_connections(http) - before >= 2);
  CHECK_EQ(X3, curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, -1L), CURLM_BAD_FUNCTION_ARGUMENT);
  CHECK_EQ(X3, curl_multi_setopt(multi, CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX), CURLM_OK);
  CHECK_EQ(X3, curl_multi_setopt(multi, CURLMOPT_PIPELINING, 8L), CURLM_BAD_FUNCTION_ARGUMENT);
  CHECK_EQ(X3, curl_multi_setopt(multi, CURLMOPT_PUSHFUNCTION, NULL), CURLM_UNKNOWN_OPTION);
  CHECK_EQ(X3, curl_multi_setopt(multi, CURLMOPT_MAX_CONCURRENT_STREAMS, 5L), CURLM_UNKNOWN_OPTION);
  CHECK_EQ(X3, curl_multi_setopt(NULL, CURLMOPT_MAXCONNECTS, 5L), CURLM_BAD_HANDLE);
  curl_multi_cleanup(multi);
}

typedef struct {
  int done, unread, last;
  CURL *self, *add, *remove;
} notes;

static void on_notify(CURLM *multi, unsigned int what, CURL *easy, void *to)
{
  notes *n = to;
  int running;
  long ms;
  CHECK_EQ(X11, curl_multi_perform(multi, &running), CURLM_RECURSIVE_API_CALL);
  CHECK_EQ(X11, curl_multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0, &running), CURLM_RECURSIVE_API_CALL);
  CHECK_EQ(X11, curl_multi_cleanup(multi), CURLM_RECURSIVE_API_CALL);
  CHECK_EQ(X11, curl_multi_timeout(multi, &ms), CURLM_OK);
  if (what == CURLMNOTIFY_EASY_DONE) {
    n->done++;
    CHECK(X11, !n->unread);
    if (n->add) CHECK_EQ(X11, curl_multi_add_handle(multi, n->add), CURLM_OK);
    n->add = NULL;
    CHECK_EQ(X11, curl_multi_remove_handle(multi, n->remove ? n->remove : easy), CURLM_OK);
  } else {
    n->unread++;
    n->self = easy;
  }
}

static void notifications(void)
{
  record r[3];
  notes n = { 0 };
  int running = 1;
  CURLM *multi = curl_multi_init();
  CHECK_EQ(X11, curl_multi_setopt(multi, CURLMOPT_NOTIFYFUNCTION, on_notify), CURLM_OK);
  CHECK_EQ(X11, curl_multi_setopt(multi, CURLMOPT_NOTIFYDATA, &n), CURLM_OK);
  CHECK_EQ(X11, curl_multi_notify_enable(multi, CURLMNOTIFY_EASY_DONE), CURLM_OK);
  CHECK_EQ(X11, curl_multi_notify_enable(multi, CURLMNOTIFY_INFO_READ), CURLM_OK);
  CHECK_EQ(X11, curl_multi_notify_enable(multi, 2), CURLM_UNKNOWN_OPTION);
  CHECK_EQ(X11, curl_multi_notify_disable(NULL, 0), CURLM_BAD_HANDLE);
  begin(&r[1], "/length/20");
  CURL *first = add(multi, &r[0], "/length/10");
  n.add = r[1].easy;
  for (double until = now() + 5; running && now() < until;) {
    curl_multi_perform(multi, &running);
    n.unread = 0;
    curl_multi_poll(multi, NULL, 0, 100, NULL);
    running = n.done < 2;
  }
  CHECK(X11, n.done == 2 && body_is(&r[0], 10) && body_is(&r[1], 20));
  CHECK(X11, n.self && n.self != first && n.self != r[1].easy);
  /* Disabled: silence. Two at once, one INFO_READ; one of them gone before it is its turn. */
  CHECK_EQ(X11, curl_multi_notify_disable(multi, CURLMNOTIFY_EASY_DONE), CURLM_OK);
  n = (notes){ 0 };
  add(multi, &r[2], "/length/30");
  do curl_multi_poll(multi, NULL, 0, 100, NULL);
  while (!curl_multi_perform(multi, &running) && running);
  CHECK(X11, n.done == 0 && n.unread == 1);
  for (int i = 0; i < 3; i++) end(&r[i]);
  curl_multi_notify_enable(multi, CURLMNOTIFY_EASY_DONE);
  n = (notes){ 0 };
  add(multi, &r[0], "nonsense");
  add(multi, &r[1], "nonsense");
  n.remove = r[1].easy;
  curl_easy_setopt(r[0].easy, CURLOPT_URL, "nope://x");
  curl_easy_setopt(r[1].easy, CURLOPT_URL, "nope://x");
  curl_multi_perform(multi, &running);
  CHECK(X11, n.done == 1 && n.unread == 1);
  end(&r[0]);
  end(&r[1]);
  curl_multi_cleanup(multi);
}

/* Without a socket callback socket_action asks the host itself; the timeout knows of attempts to connect (B7). */
static void without_callback(void)
{
  CURLM *multi = curl_multi_init();
  record r;
  int running = 1;
  long ms = -1;
  begin(&r, "/chunked/5000");
  CHECK_EQ(B7, curl_multi_add_handle(multi, r.easy), CURLM_OK);
  CHECK_EQ(B7, curl_multi_timeout(multi, &ms), CURLM_OK);
  CHECK_EQ(B7, ms, 0);
  for (double until = now() + 60; running && now() < until;) {
    CHECK_EQ(B7, curl_multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0, &running), CURLM_OK);
    curl_multi_timeout(multi, &ms);
    CHECK(B7, !running || (ms >= 0 && ms <= 300000));
    if (running) curl_multi_poll(multi, NULL, 0, 1000, NULL);
  }
  CHECK_EQ(X10, running, 0);
  CHECK(X10, body_is(&r, 5000));
  end(&r);

  curl_socket_t fd = 0; /* a connection that is gone has no descriptor */
  begin(&r, "/close/10");
  CHECK_EQ(X9, curl_easy_perform(r.easy), CURLE_OK);
  CHECK_EQ(X9, curl_easy_getinfo(r.easy, CURLINFO_ACTIVESOCKET, &fd), CURLE_OK);
  CHECK_EQ(X9, fd, CURL_SOCKET_BAD);
  end(&r);
  CHECK_EQ(X10, curl_multi_cleanup(multi), CURLM_OK);
}

/* Rule 9: the n-th allocation fails; then some transfer ends with 27, and nothing hangs or is left behind. */
static void little_memory(void)
{
  bool done = false;
  for (unsigned n = 1; !done && n < 200; n++) {
    loop l = { .due = -1, .multi = curl_multi_init() };
    record r[2];
    int left;
    curl_multi_setopt(l.multi, CURLMOPT_SOCKETDATA, &l);
    curl_multi_setopt(l.multi, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(l.multi, CURLMOPT_TIMERDATA, &l);
    curl_multi_setopt(l.multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(l.multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, 1L);
    begin(&r[0], "/length/10");
    begin(&r[1], "/close/10");
    alloc_fail_at(n);
    bool added = !curl_multi_add_handle(l.multi, r[0].easy);
    added = !curl_multi_add_handle(l.multi, r[1].easy) && added;
    CHECK(OOM, drive(&l));
    done = !alloc_fail_came();
    alloc_fail_at(0);
    for (const CURLMsg *m; (m = curl_multi_info_read(l.multi, &left));) {
      const record *of = m->easy_handle == r[0].easy ? &r[0] : &r[1];
      CHECK(OOM, m->data.result == CURLE_OUT_OF_MEMORY || (m->data.result == CURLE_OK && body_is(of, 10)) ||
                 (!done && m->data.result != CURLE_OK)); /* the server's own may fail too */
    }
    CHECK(OOM, !done || (added && body_is(&r[0], 10) && body_is(&r[1], 10)));
    end(&r[0]);
    end(&r[1]);
    CHECK_EQ(OOM, watched(&l), 0);
    CHECK_EQ(OOM, curl_multi_cleanup(l.multi), CURLM_OK);
  }
  CHECK(OOM, done);
}

int main(void)
{
  if (!(http = server_start())) return 1;
  by_events();
  pauses();
  function_changes();
  woken();
  dead();
  sets();
  waits();
  limits();
  notifications();
  without_callback();
  little_memory();
  server_stop(http);
  return check_result();
}
