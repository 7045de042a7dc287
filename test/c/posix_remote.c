/* posix_remote.c: remote handles (sluice.h), one at a time: what each command does where (B1, B2). */
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "support/job.h"

/* ---- B1: abort wherever it is -------------------------------------------------------------------------- */

/* A port where nobody gets in: the queue of those who wait to be accepted is full. */
static int full_port(int fds[8])
{
  struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
  socklen_t len = sizeof at;
  fds[0] = socket(AF_INET, SOCK_STREAM, 0);
  bind(fds[0], (struct sockaddr *)&at, sizeof at);
  listen(fds[0], 0);
  getsockname(fds[0], (struct sockaddr *)&at, &len);
  for (int i = 1; i < 8; i++) {
    fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (connect(fds[i], (struct sockaddr *)&at, sizeof at)) poll(&(struct pollfd){ fds[i], POLLOUT, 0 }, 1, 50);
  }
  return ntohs(at.sin_port);
}

static void abort_connecting(void *(*how)(void *))
{
  int fds[8];
  char url[64];
  job j;
  snprintf(url, sizeof url, "http://127.0.0.1:%d/", full_port(fds));
  job_begin(&j, "/");
  curl_easy_setopt(j.r.easy, CURLOPT_URL, url);
  job_go(&j, how);
  UNTIL(atomic_load(&j.turns) || atomic_load(&j.polls));
  job_abort(&j);
  CHECK(B1, j.turns < 5);
  job_end(&j);
  for (int i = 0; i < 8; i++) close(fds[i]);
}

static void abort_waiting(void *(*how)(void *))
{
  job j;
  job_begin(&j, "/hang");
  unsigned before = server_requests(http);
  job_go(&j, how);
  UNTIL(server_requests(http) > before);
  int turns = atomic_load(&j.turns);
  job_abort(&j);
  CHECK(B1, j.turns - turns < 5);
  job_end(&j);
}

static void abort_paused(void *(*how)(void *))
{
  job j;
  job_begin(&j, "/length/100000");
  j.hold_write = 1;
  job_go(&j, how);
  UNTIL(atomic_load(&j.writes));
  job_abort(&j);
  CHECK_EQ(B1, j.writes, 1);
  job_end(&j);
}

static void abort_receiving(void *(*how)(void *))
{
  job j;
  job_begin(&j, "/dribble/10000/2");
  job_go(&j, how);
  UNTIL(atomic_load(&j.writes) > 3);
  job_abort(&j);
  CHECK(B1, j.r.len && j.r.len < 1000000);
  job_end(&j);
}

/* Twice, and while it ends: one end, 42. */
static void abort_twice(void)
{
  job j;
  job_begin(&j, "/hang");
  sluice_remote *other = sluice_remote_new(j.r.easy);
  job_go(&j, job_performs);
  sluice_remote_abort(other);
  job_abort(&j);
  sluice_remote_free(other);
  job_end(&j);
}

static sluice_remote *signalled;
static void on_signal(int number)
{
  (void)number;
  sluice_remote_abort(signalled);
}

/* From a signal handler, in the owner's own thread. */
static void abort_by_signal(void)
{
  job j;
  struct sigaction action = { .sa_handler = on_signal };
  sigaction(SIGUSR1, &action, NULL);
  job_begin(&j, "/hang");
  signalled = j.remote;
  unsigned before = server_requests(http);
  job_go(&j, job_performs);
  UNTIL(server_requests(http) > before);
  pthread_kill(j.thread, SIGUSR1);
  job_join(&j);
  CHECK_EQ(B1, j.code, CURLE_ABORTED_BY_CALLBACK);
  job_end(&j);
}

/* ---- What a command means before, in and after a run ------------------------------------------------------- */

static void before_and_after(void)
{
  job j;
  unsigned connections = server_connections(http);
  job_begin(&j, "/length/5000");
  CURL *easy = j.r.easy;
  sluice_remote_abort(j.remote); /* before the first start: nothing is opened */
  sluice_remote_pause(j.remote, CURLPAUSE_ALL);
  CHECK_EQ(B1, curl_easy_perform(easy), CURLE_ABORTED_BY_CALLBACK);
  CHECK(B1, server_connections(http) == connections && !j.writes);
  sluice_remote_abort(j.remote); /* after the end: nothing */
  sluice_remote_pause(j.remote, CURLPAUSE_ALL);
  CHECK_EQ(B1, curl_easy_perform(easy), CURLE_OK);
  CHECK(B1, body_is(&j.r, 5000));
  sluice_remote_abort(j.remote);
  curl_easy_reset(easy); /* forgets it too */
  set_path(easy, "/length/10");
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_write);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &j.r);
  CHECK_EQ(B1, curl_easy_perform(easy), CURLE_OK);
  job_end(&j);
  CHECK_EQ(B10, sluice_remote_pause(NULL, 0), CURLE_BAD_FUNCTION_ARGUMENT);
  CHECK_EQ(B1, sluice_remote_abort(NULL), CURLE_BAD_FUNCTION_ARGUMENT);
  CHECK_EQ(B1, sluice_remote_wake(NULL), CURLE_BAD_FUNCTION_ARGUMENT);
  CHECK(B1, !sluice_remote_new(NULL) && !sluice_remote_dup(NULL));
  sluice_remote_free(NULL);
}

/* Outlives its transfer; other bits are refused. */
static void outlives(void)
{
  job j;
  job_begin(&j, "/length/10");
  sluice_remote *other = sluice_remote_dup(j.remote);
  job_end(&j);
  CHECK_EQ(B2, sluice_remote_pause(other, CURLPAUSE_ALL), CURLE_OK);
  CHECK_EQ(B10, sluice_remote_pause(other, 0x40), CURLE_BAD_FUNCTION_ARGUMENT);
  CHECK_EQ(B10, sluice_remote_pause(other, 2), CURLE_BAD_FUNCTION_ARGUMENT);
  CHECK_EQ(B1, sluice_remote_abort(other), CURLE_OK);
  CHECK_EQ(B1, sluice_remote_wake(other), CURLE_OK);
  sluice_remote_free(other);
}

/* P1, P14: the owner's pause call is the whole state; the same remote command again is a command again. */
static void who_paused(void)
{
  job j;
  CURLM *multi = curl_multi_init();
  job_begin(&j, "/dribble/100/5");
  CURL *easy = j.r.easy;
  sluice_remote_pause(j.remote, CURLPAUSE_RECV); /* before the start: it starts paused */
  curl_multi_add_handle(multi, easy);
  turn(multi, 5);
  CHECK_EQ(B2, info(easy, SLUICEINFO_PAUSED), CURLPAUSE_RECV);
  CHECK_EQ(B8, info(easy, SLUICEINFO_PAUSED_BY_RECV), SLUICE_BY_REMOTE);
  sluice_remote_pause(j.remote, CURLPAUSE_CONT);
  for (double until = now() + SECONDS; !j.writes && now() < until;) turn(multi, 1);
  for (int again = 0; again < 2; again++) {
    sluice_remote_pause(j.remote, CURLPAUSE_ALL);
    turn(multi, 1);
    CHECK_EQ(B2, info(easy, SLUICEINFO_PAUSED), CURLPAUSE_ALL);
    CHECK_EQ(P1, curl_easy_pause(easy, CURLPAUSE_CONT), CURLE_OK);
    turn(multi, 1);
    CHECK_EQ(P1, info(easy, SLUICEINFO_PAUSED), 0);
  }
  CHECK(B2, drive(multi) && body_is(&j.r, 10000) && !j.wrong);
  job_end(&j);
  curl_multi_cleanup(multi);
}

/* P13 and a second multi: a new start is not paused, and commands find it where it is. */
static void second_multi(void)
{
  job j;
  CURLM *one = curl_multi_init(), *two = curl_multi_init();
  job_begin(&j, "/hang");
  curl_multi_add_handle(one, j.r.easy);
  sluice_remote_pause(j.remote, CURLPAUSE_ALL);
  turn(one, 3);
  CHECK_EQ(B2, info(j.r.easy, SLUICEINFO_PAUSED), CURLPAUSE_ALL);
  sluice_remote_pause(j.remote, CURLPAUSE_RECV); /* not seen any more: on the list of those rung, and gone */
  curl_multi_remove_handle(one, j.r.easy);
  sluice_remote_wake(j.remote);
  curl_multi_add_handle(two, j.r.easy);
  turn(two, 3);
  CHECK_EQ(P13, info(j.r.easy, SLUICEINFO_PAUSED), 0);
  sluice_remote_pause(j.remote, CURLPAUSE_ALL);
  turn(two, 1);
  CHECK_EQ(B2, info(j.r.easy, SLUICEINFO_PAUSED), CURLPAUSE_ALL);
  sluice_remote_pause(j.remote, CURLPAUSE_SEND);
  curl_multi_remove_handle(two, j.r.easy);
  curl_multi_add_handle(two, j.r.easy);
  sluice_remote_wake(j.remote);
  double at = now();
  curl_multi_poll(one, NULL, 0, 50, NULL);
  CHECK(B1, now() - at > 0.045); /* not woken */
  curl_multi_cleanup(one);
  turn(two, 1);
  CHECK_EQ(P13, info(j.r.easy, SLUICEINFO_PAUSED), 0);
  sluice_remote_abort(j.remote);
  CHECK(B1, drive(two));
  int left;
  const CURLMsg *m = curl_multi_info_read(two, &left);
  CHECK(B1, m && m->data.result == CURLE_ABORTED_BY_CALLBACK);
  curl_multi_cleanup(two);
  set_path(j.r.easy, "/length/10");
  CHECK_EQ(B1, curl_easy_perform(j.r.easy), CURLE_OK);
  job_end(&j);
}

/* F31: a command is no wakeup, and takes none away. */
static void wakeups(void)
{
  job j;
  CURLM *multi = curl_multi_init();
  job_begin(&j, "/hang");
  curl_multi_add_handle(multi, j.r.easy);
  for (unsigned before = server_requests(http); server_requests(http) == before;) turn(multi, 1);
  turn(multi, 3);
  int running;
  sluice_remote_pause(j.remote, CURLPAUSE_ALL);
  curl_multi_perform(multi, &running);
  double at = now();
  curl_multi_poll(multi, NULL, 0, 60, NULL);
  CHECK(F31, now() - at > 0.055);
  for (int i = 0; i < 5; i++) sluice_remote_wake(j.remote);
  sluice_remote_pause(j.remote, CURLPAUSE_RECV);
  curl_multi_perform(multi, &running);
  at = now();
  curl_multi_poll(multi, NULL, 0, 15000, NULL);
  CHECK(K3, now() - at < 5);
  at = now();
  curl_multi_poll(multi, NULL, 0, 60, NULL);
  CHECK(K2, now() - at > 0.055);
  sluice_remote_pause(j.remote, CURLPAUSE_CONT); /* K6: news are work */
  long ms = -1;
  CHECK(K6, !curl_multi_timeout(multi, &ms) && ms == 0);
  job_end(&j);
  curl_multi_cleanup(multi);
}

static int no_socket(CURL *easy, curl_socket_t fd, int what, void *to, void *socketp)
{
  (void)easy, (void)fd, (void)what, (void)to, (void)socketp;
  return 0;
}

/* The same when what woke the host was seen to without asking it; and poll still knows its deadlines. */
static void seen_to_before(void)
{
  job j;
  int running;
  CURLM *multi = curl_multi_init();
  curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, no_socket);
  job_begin(&j, "/hang");
  curl_multi_add_handle(multi, j.r.easy);
  for (unsigned before = server_requests(http); server_requests(http) == before;) turn(multi, 1);
  turn(multi, 3);
  sluice_remote_pause(j.remote, CURLPAUSE_ALL);
  curl_multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0, &running);
  CHECK_EQ(B2, info(j.r.easy, SLUICEINFO_PAUSED), CURLPAUSE_ALL);
  double at = now();
  curl_multi_poll(multi, NULL, 0, 60, NULL);
  CHECK(F31, now() - at > 0.055);
  curl_easy_setopt(j.r.easy, CURLOPT_TIMEOUT_MS, 300L);
  turn(multi, 1);
  at = now();
  for (curl_multi_perform(multi, &running); running; curl_multi_perform(multi, &running)) curl_multi_poll(multi, NULL, 0, 15000, NULL);
  CHECK(K1, now() - at < 8);
  job_end(&j);
  curl_multi_cleanup(multi);
}

/* In easy_perform a wake is a turn of the loop. */
static void wake_performing(void)
{
  job j;
  job_begin(&j, "/hang");
  unsigned before = server_requests(http);
  job_go(&j, job_performs);
  UNTIL(server_requests(http) > before);
  for (int i = 0; i < 5; i++) {
    int turns = atomic_load(&j.turns);
    double at = now();
    sluice_remote_wake(j.remote);
    UNTIL(atomic_load(&j.turns) > turns);
    CHECK(B1, now() - at < 5);
  }
  job_abort(&j);
  job_end(&j);
}

/* ---- From a callback ------------------------------------------------------------------------------------------ */

static size_t write_commands(char *data, size_t size, size_t n, void *to)
{
  job *j = to;
  (void)data;
  if (atomic_fetch_add(&j->writes, 1) == 1) sluice_remote_pause(j->remote, CURLPAUSE_RECV);
  if (j->writes == 4) sluice_remote_abort(j->remote);
  return n * size;
}

static void in_callbacks(void)
{
  job j;
  job_begin(&j, "/length/1000000");
  curl_easy_setopt(j.r.easy, CURLOPT_WRITEFUNCTION, write_commands);
  job_go(&j, job_performs);
  UNTIL(atomic_load(&j.writes) == 2);
  int turns = atomic_load(&j.turns);
  sluice_remote_wake(j.remote);
  UNTIL(atomic_load(&j.turns) > turns + 1);
  CHECK_EQ(B2, atomic_load(&j.writes), 2); /* nothing more came */
  sluice_remote_pause(j.remote, CURLPAUSE_CONT);
  job_join(&j);
  CHECK(B1, j.code == CURLE_ABORTED_BY_CALLBACK && j.writes == 4);
  job_end(&j);
}

static size_t line_commands(char *data, size_t size, size_t n, void *to)
{
  job *j = to;
  if (atomic_fetch_add(&j->reads, 1) == 1) sluice_remote_pause(j->remote, CURLPAUSE_RECV);
  return on_header(data, size, n, &j->r);
}

/* Between header lines too. */
static void in_a_head(void)
{
  job j;
  job_begin(&j, "/length/100");
  curl_easy_setopt(j.r.easy, CURLOPT_HEADERFUNCTION, line_commands);
  curl_easy_setopt(j.r.easy, CURLOPT_HEADERDATA, &j);
  job_go(&j, job_performs);
  UNTIL(atomic_load(&j.reads) == 2);
  int turns = atomic_load(&j.turns);
  sluice_remote_wake(j.remote);
  UNTIL(atomic_load(&j.turns) > turns + 1);
  CHECK_EQ(B2, atomic_load(&j.reads), 2);
  sluice_remote_pause(j.remote, CURLPAUSE_CONT);
  job_join(&j);
  CHECK(F19, j.code == CURLE_OK && body_is(&j.r, 100) && j.r.whole_lines && j.r.lines == (size_t)j.reads);
  job_end(&j);
}

static size_t read_commands(char *data, size_t size, size_t n, void *to)
{
  job *j = to;
  if (atomic_fetch_add(&j->reads, 1) == 1) sluice_remote_pause(j->remote, CURLPAUSE_SEND);
  if (j->reads > 4) return 0;
  memset(data, 'u', n < 100 ? n : 100);
  return n * size < 100 ? n * size : 100;
}

/* The read callback is not called while SEND is paused, and called again after. */
static void sending(void)
{
  job j;
  job_begin(&j, "/echo");
  curl_easy_setopt(j.r.easy, CURLOPT_UPLOAD, 1L);
  curl_easy_setopt(j.r.easy, CURLOPT_EXPECT_100_TIMEOUT_MS, 1L);
  curl_easy_setopt(j.r.easy, CURLOPT_READFUNCTION, read_commands);
  curl_easy_setopt(j.r.easy, CURLOPT_READDATA, &j);
  job_go(&j, job_performs);
  UNTIL(atomic_load(&j.reads) == 2);
  int turns = atomic_load(&j.turns);
  sluice_remote_wake(j.remote);
  UNTIL(atomic_load(&j.turns) > turns + 1);
  CHECK_EQ(B2, atomic_load(&j.reads), 2);
  sluice_remote_pause(j.remote, CURLPAUSE_CONT);
  job_join(&j);
  CHECK(B2, j.code == CURLE_OK && j.reads == 5 && j.r.len == 400);
  job_end(&j);
}

static size_t header_commands(char *data, size_t size, size_t n, void *to)
{
  job *j = to;
  if (n * size > 9 && !memcmp(data, "Location:", 9)) {
    if (j->owner_too) curl_easy_pause(j->r.easy, CURLPAUSE_SEND);
    sluice_remote_pause(j->remote, CURLPAUSE_SEND);
  }
  return n * size;
}

/* B2: a redirect does not open what another thread has closed, were it closed by its owner already. */
static void over_redirects(bool owner_too)
{
  job j;
  CURLM *multi = curl_multi_init();
  job_begin(&j, "/to/302//length/1000");
  j.owner_too = owner_too;
  curl_easy_setopt(j.r.easy, CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt(j.r.easy, CURLOPT_HEADERFUNCTION, header_commands);
  curl_easy_setopt(j.r.easy, CURLOPT_HEADERDATA, &j);
  curl_multi_add_handle(multi, j.r.easy);
  long hops = 0;
  for (double until = now() + SECONDS; !hops && now() < until; hops = info(j.r.easy, CURLINFO_REDIRECT_COUNT)) turn(multi, 1);
  turn(multi, 3);
  CHECK_EQ(B2, info(j.r.easy, SLUICEINFO_PAUSED_BY_SEND), SLUICE_BY_REMOTE);
  CHECK_EQ(P11, j.writes, 0);
  sluice_remote_pause(j.remote, CURLPAUSE_CONT);
  CHECK(B2, drive(multi) && body_is(&j.r, 1000));
  job_end(&j);
  curl_multi_cleanup(multi);
}

int main(void)
{
  signal(SIGPIPE, SIG_IGN);
  if (!(http = server_start())) return 1;
  void *(*ways[])(void *) = { job_performs, job_polls };
  for (int i = 0; i < 2; i++) {
    abort_connecting(ways[i]);
    abort_waiting(ways[i]);
    abort_paused(ways[i]);
    abort_receiving(ways[i]);
  }
  abort_twice();
  abort_by_signal();
  before_and_after();
  outlives();
  who_paused();
  second_multi();
  wakeups();
  seen_to_before();
  wake_performing();
  in_callbacks();
  in_a_head();
  sending();
  over_redirects(false);
  over_redirects(true);
  server_stop(http);
  return check_result();
}
