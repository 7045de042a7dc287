/* posix_remote_threads.c: remote handles (sluice.h) with programs that watch descriptors themselves, and with many
 * threads (B1, B2). To be run under TSan as well. */
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include "support/job.h"

/* ---- Programs that watch descriptors themselves ---------------------------------------------------------------- */

static struct { int fds[64], events[64], count; long timeout; } watched;

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *to, void *socketp)
{
  (void)easy, (void)to, (void)socketp;
  int i = 0;
  while (i < watched.count && watched.fds[i] != fd) i++;
  if (what == CURL_POLL_REMOVE) {
    watched.count--;
    watched.fds[i] = watched.fds[watched.count];
    watched.events[i] = watched.events[watched.count];
    return 0;
  }
  watched.fds[i] = fd;
  watched.events[i] = (what & CURL_POLL_IN ? POLLIN : 0) | (what & CURL_POLL_OUT ? POLLOUT : 0);
  if (i == watched.count) watched.count++;
  return 0;
}

static int on_timer(CURLM *multi, long ms, void *to)
{
  (void)multi, (void)to;
  watched.timeout = ms;
  return 0;
}

static void *acts(void *arg)
{
  job *j = arg;
  int running = 1;
  while (running) {
    struct pollfd fds[64];
    for (int i = 0; i < watched.count; i++) fds[i] = (struct pollfd){ watched.fds[i], (short)watched.events[i], 0 };
    int count = watched.count, ms = watched.timeout >= 0 && watched.timeout < 15000 ? (int)watched.timeout : 15000;
    atomic_fetch_add(&j->polls, 1);
    if (poll(fds, (nfds_t)count, ms) <= 0) curl_multi_socket_action(j->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    else for (int i = 0; i < count; i++)
      if (fds[i].revents) curl_multi_socket_action(j->multi, fds[i].fd, CURL_CSELECT_IN | CURL_CSELECT_OUT, &running);
  }
  job_ended(j);
  return NULL;
}

static void socket_action(void)
{
  for (int paused = 0; paused < 2; paused++) {
    job j;
    job_begin(&j, "/hang");
    curl_easy_setopt(j.r.easy, CURLOPT_NOPROGRESS, 1L); /* else it comes by each second */
    watched.count = 0;
    watched.timeout = -1;
    j.multi = curl_multi_init();
    curl_multi_setopt(j.multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(j.multi, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_add_handle(j.multi, j.r.easy);
    unsigned before = server_requests(http);
    job_go(&j, acts);
    UNTIL(server_requests(http) > before);
    if (paused) sluice_remote_pause(j.remote, CURLPAUSE_ALL);
    job_abort(&j);
    CHECK(F32, j.polls < 30);
    CHECK(P9, watched.count == 0);
    job_end(&j);
  }
}

/* K7, K5: fdset has a descriptor for the command, and wait waits for it. */
static void *aborts_later(void *arg)
{
  job_nap();
  sluice_remote_abort(arg);
  return NULL;
}

static void wait_and_fdset(void)
{
  job j;
  pthread_t thread;
  CURLM *multi = curl_multi_init();
  job_begin(&j, "/hang");
  curl_multi_add_handle(multi, j.r.easy);
  sluice_remote_pause(j.remote, CURLPAUSE_ALL);
  turn(multi, 3);
  fd_set in, out, except;
  int max = -1;
  FD_ZERO(&in);
  FD_ZERO(&out);
  FD_ZERO(&except);
  CHECK(K7, !curl_multi_fdset(multi, &in, &out, &except, &max) && max >= 0 && FD_ISSET(max, &in));
  double at = now();
  curl_multi_wait(multi, NULL, 0, 60, NULL);
  CHECK(K5, now() - at > 0.055);
  CHECK(B1, !pthread_create(&thread, NULL, aborts_later, j.remote));
  at = now();
  CHECK(B1, !curl_multi_wait(multi, NULL, 0, 15000, NULL) && now() - at < 5);
  pthread_join(thread, NULL);
  CHECK(B1, drive(multi));
  job_end(&j);
  curl_multi_cleanup(multi);
}

/* ---- Many threads --------------------------------------------------------------------------------------------- */

static void *pauses_at_random(void *arg)
{
  job *jobs = arg;
  unsigned random = (unsigned)(uintptr_t)&random;
  for (int i = 0; i < 3000; i++) {
    static const int masks[] = { CURLPAUSE_RECV, CURLPAUSE_CONT, CURLPAUSE_ALL, CURLPAUSE_SEND };
    random = random * 1664525u + 1013904223u;
    sluice_remote_pause(jobs[(random >> 20) % 3].remote, masks[(random >> 28) % 4]);
    if (random >> 24 == 7) sluice_remote_wake(jobs[0].remote);
    if (!(i % 64)) job_nap();
  }
  return NULL;
}

/* Whatever four threads say, every byte comes once and in order; the last word is resume. */
static void many_threads(void)
{
  static job jobs[3];
  static const char *paths[] = { "/length/1500000", "/chunked/700000", "/close/900000" };
  static const size_t sizes[] = { 1500000, 700000, 900000 };
  pthread_t threads[4];
  for (int i = 0; i < 3; i++) {
    job_begin(&jobs[i], paths[i]);
    job_go(&jobs[i], i ? job_polls : job_performs);
  }
  for (int i = 0; i < 4; i++) CHECK(B2, !pthread_create(&threads[i], NULL, pauses_at_random, jobs));
  for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
  for (int i = 0; i < 3; i++) sluice_remote_pause(jobs[i].remote, CURLPAUSE_CONT);
  for (int i = 0; i < 3; i++) {
    job_join(&jobs[i]);
    CHECK_EQ(B2, jobs[i].code, CURLE_OK);
    CHECK(B2, body_is(&jobs[i].r, sizes[i]) && !jobs[i].wrong);
    job_end(&jobs[i]);
  }
}

/* What the threads take their handles from. */
static struct { pthread_mutex_t lock; sluice_remote *remote; atomic_bool aborts, over; } shared = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void *hammers(void *arg)
{
  unsigned random = (unsigned)(uintptr_t)arg;
  while (!atomic_load(&shared.over)) {
    pthread_mutex_lock(&shared.lock);
    sluice_remote *r = sluice_remote_dup(shared.remote);
    pthread_mutex_unlock(&shared.lock);
    for (int i = 0; r && i < 20; i++) {
      random = random * 1664525u + 1013904223u;
      unsigned what = random >> 24;
      if (what < 3 && atomic_load(&shared.aborts)) sluice_remote_abort(r);
      else if (what < 30) sluice_remote_wake(r);
      else sluice_remote_pause(r, what & 1 ? CURLPAUSE_CONT : CURLPAUSE_ALL);
    }
    if (r) sluice_remote_pause(r, CURLPAUSE_CONT);
    sluice_remote_free(r);
  }
  return NULL;
}

static void share(sluice_remote *r)
{
  pthread_mutex_lock(&shared.lock);
  sluice_remote *old = shared.remote;
  shared.remote = r;
  pthread_mutex_unlock(&shared.lock);
  sluice_remote_free(old);
}

/* Transfers, multis and handles come and go while others hold on to them. */
static void races(void)
{
  pthread_t threads[4];
  int ended[2] = { 0, 0 };
  for (int i = 0; i < 4; i++) CHECK(B1, !pthread_create(&threads[i], NULL, hammers, (void *)(uintptr_t)(i * 77 + 1)));
  for (int i = 0; i < 150; i++) {
    record r;
    atomic_store(&shared.aborts, i % 5 == 0);
    if (i && i % 30 == 0) { /* it takes only so many connections */
      server_stop(http);
      if (!(http = server_start())) abort();
    }
    CURL *easy = begin(&r, "/length/3000");
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, 300L); /* the last word may have been a pause */
    CURLM *multi = i % 3 ? curl_multi_init() : NULL;
    if (i & 1) share(sluice_remote_new(easy));
    for (int again = 0; multi && again < 3; again++) {
      curl_multi_add_handle(multi, easy);
      if (!(i & 1)) share(sluice_remote_new(easy));
      turn(multi, again ? 0 : 1);
      curl_multi_remove_handle(multi, easy);
    }
    if (!(i & 1)) share(sluice_remote_new(easy));
    if (i % 4 == 1 && multi) {
      curl_multi_add_handle(multi, easy);
      curl_multi_cleanup(multi);
      multi = NULL;
    }
    r.len = 0;
    if (i % 10 == 5) atomic_store(&shared.aborts, false);
    CURLcode code = curl_easy_perform(easy);
    if (code != CURLE_OK && code != CURLE_OPERATION_TIMEDOUT) CHECK_EQ(B1, code, CURLE_ABORTED_BY_CALLBACK);
    if (code == CURLE_OK) CHECK(B2, body_is(&r, 3000));
    ended[code == CURLE_OK]++;
    end(&r);
    if (multi) curl_multi_cleanup(multi);
  }
  atomic_store(&shared.over, true);
  for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
  share(NULL);
  printf("races: %d complete, %d stopped\n", ended[1], ended[0]);
}

int main(void)
{
  signal(SIGPIPE, SIG_IGN);
  if (!(http = server_start())) return 1;
  socket_action();
  wait_and_fdset();
  many_threads();
  races();
  server_stop(http);
  return check_result();
}
