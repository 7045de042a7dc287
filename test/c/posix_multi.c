/* posix_multi.c: curl_multi_* over real sockets, against support/server.h. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "support/check.h"
#include "support/client.h"

#define SECONDS 20 /* a test that hangs should fail */

static int running_now(CURLM *multi)
{
  int running = -1;
  CHECK_EQ(X1, curl_multi_perform(multi, &running), CURLM_OK);
  return running;
}

/* Drive until `wanted` or fewer are running. */
static bool drive(CURLM *multi, int wanted)
{
  double until = now() + SECONDS;
  while (running_now(multi) > wanted) {
    if (now() > until) return false;
    curl_multi_poll(multi, NULL, 0, 1000, NULL);
  }
  return true;
}

/* Drive for that long whatever happens. Answers how often poll returned. */
static int drive_for(CURLM *multi, double seconds)
{
  int turns = 0;
  for (double until = now() + seconds; now() < until; turns++) {
    running_now(multi);
    double left = until - now();
    curl_multi_poll(multi, NULL, 0, left > 0 ? (int)(left * 1000) + 1 : 0, NULL);
  }
  return turns;
}

/* Drive until the write callback was called that often. */
static bool drive_to_calls(CURLM *multi, const record *r, size_t calls)
{
  for (double until = now() + SECONDS; r->calls < calls && now() < until;) {
    running_now(multi);
    if (r->calls < calls) curl_multi_poll(multi, NULL, 0, 100, NULL);
  }
  return r->calls >= calls;
}

static CURL *add(CURLM *multi, record *r, const char *path)
{
  CURL *easy = begin(r, path);
  CHECK_EQ(X1, curl_multi_add_handle(multi, easy), CURLM_OK);
  return easy;
}

/* The next message is of this handle with that code. */
static bool told(CURLM *multi, CURL *easy, CURLcode code)
{
  int left = -1;
  const CURLMsg *m = curl_multi_info_read(multi, &left);
  return m && m->msg == CURLMSG_DONE && m->easy_handle == easy && m->data.result == code && left >= 0;
}

static bool nothing_told(CURLM *multi)
{
  int left = -1;
  return !curl_multi_info_read(multi, &left) && left == 0;
}

static long timeout_of(CURLM *multi)
{
  long ms = -4711;
  CHECK_EQ(P8, curl_multi_timeout(multi, &ms), CURLM_OK);
  return ms;
}

static void several(void)
{
  CURLM *multi = curl_multi_init();
  record r[20];
  static const char *paths[] = { "/length/100000", "/chunked/100000", "/close/100000", "/dribble/10/5" };
  for (int i = 0; i < 20; i++) add(multi, &r[i], paths[i % 4]);
  CHECK_EQ(P8, timeout_of(multi), 0);
  CHECK_EQ(X1, running_now(multi), 20);
  CHECK(X1, drive(multi, 0));
  int messages = 0, left = -1;
  for (const CURLMsg *m; (m = curl_multi_info_read(multi, &left)); messages++)
    CHECK(X10, m->msg == CURLMSG_DONE && m->data.result == CURLE_OK && left == 19 - messages);
  CHECK_EQ(X10, messages, 20);
  for (int i = 0; i < 20; i++) {
    CHECK(W1, body_is(&r[i], i % 4 == 3 ? 1000 : 100000));
    CHECK_EQ(X1, curl_multi_remove_handle(multi, r[i].easy), CURLM_OK);
    end(&r[i]);
  }
  CHECK_EQ(K6, timeout_of(multi), -1);
  CHECK_EQ(X4, curl_multi_cleanup(multi), CURLM_OK);
}

static void codes(void)
{
  CURLM *multi = curl_multi_init(), *other = curl_multi_init();
  record r;
  CURL *easy = begin(&r, "/length/10");
  int n;
  long ms;
  CHECK_EQ(X1, curl_multi_remove_handle(multi, easy), CURLM_OK);
  CHECK_EQ(X1, curl_multi_add_handle(multi, easy), CURLM_OK);
  CHECK_EQ(X5, curl_multi_add_handle(multi, easy), CURLM_ADDED_ALREADY);
  CHECK_EQ(X5, curl_multi_add_handle(other, easy), CURLM_ADDED_ALREADY);
  CHECK_EQ(X1, curl_multi_remove_handle(other, easy), CURLM_BAD_EASY_HANDLE);
  CHECK_EQ(P2, curl_easy_pause(easy, CURLPAUSE_RECV), CURLE_BAD_FUNCTION_ARGUMENT);
  CHECK_EQ(X1, curl_multi_remove_handle(multi, easy), CURLM_OK);
  CHECK_EQ(X1, curl_multi_remove_handle(multi, easy), CURLM_OK);
  CHECK_EQ(X1, curl_multi_add_handle(multi, NULL), CURLM_BAD_EASY_HANDLE);
  CHECK_EQ(X1, curl_multi_add_handle(multi, multi), CURLM_BAD_EASY_HANDLE);
  CHECK_EQ(X1, curl_multi_remove_handle(multi, NULL), CURLM_BAD_EASY_HANDLE);
  CHECK_EQ(K1, curl_multi_add_handle(NULL, easy), CURLM_BAD_HANDLE);
  CHECK_EQ(K1, curl_multi_add_handle(easy, easy), CURLM_BAD_HANDLE);
  CHECK_EQ(K1, curl_multi_perform(NULL, &n), CURLM_BAD_HANDLE);
  CHECK_EQ(K1, curl_multi_poll(NULL, NULL, 0, 0, &n), CURLM_BAD_HANDLE);
  CHECK_EQ(K1, curl_multi_poll(multi, NULL, 0, -1, &n), CURLM_BAD_FUNCTION_ARGUMENT);
  CHECK_EQ(K1, curl_multi_wakeup(NULL), CURLM_BAD_HANDLE);
  CHECK_EQ(K1, curl_multi_timeout(NULL, &ms), CURLM_BAD_HANDLE);
  CHECK_EQ(K1, curl_multi_timeout(multi, NULL), CURLM_BAD_FUNCTION_ARGUMENT);
  CHECK_EQ(K1, curl_multi_cleanup(NULL), CURLM_BAD_HANDLE);
  CHECK(X10, !curl_multi_info_read(NULL, &n) && !curl_multi_info_read(multi, NULL));
  CHECK_EQ(X1, curl_multi_perform(multi, NULL), CURLM_OK);
  CHECK_EQ(X4, curl_multi_cleanup(other), CURLM_OK);
  /* A multi may go before its transfers; they can go elsewhere. */
  curl_multi_add_handle(multi, easy);
  running_now(multi);
  CHECK_EQ(X4, curl_multi_cleanup(multi), CURLM_OK);
  CHECK_EQ(X5, curl_easy_perform(easy), CURLE_OK);
  CHECK(X5, body_is(&r, 10));
  end(&r);
}

static CURLM *called_multi;
static record called_second;

static size_t write_and_call(char *data, size_t size, size_t n, void *to)
{
  record *r = to;
  CURLM *m = called_multi;
  int k;
  long ms;
  CHECK_EQ(X6, curl_multi_add_handle(m, called_second.easy), CURLM_RECURSIVE_API_CALL);
  CHECK_EQ(X6, curl_multi_remove_handle(m, r->easy), CURLM_RECURSIVE_API_CALL);
  CHECK_EQ(X6, curl_multi_perform(m, &k), CURLM_RECURSIVE_API_CALL);
  CHECK_EQ(X6, curl_multi_poll(m, NULL, 0, 0, &k), CURLM_RECURSIVE_API_CALL);
  CHECK_EQ(X6, curl_multi_timeout(m, &ms), CURLM_RECURSIVE_API_CALL);
  CHECK_EQ(X4, curl_multi_cleanup(m), CURLM_RECURSIVE_API_CALL);
  curl_easy_cleanup(r->easy);
  CHECK_EQ(X6, curl_multi_wakeup(m), CURLM_OK);
  CHECK(X6, nothing_told(m));
  CHECK_EQ(X5, curl_easy_perform(r->easy), CURLE_RECURSIVE_API_CALL);
  return on_write(data, size, n, to);
}

static void recursion(void)
{
  record r;
  CURLM *multi = called_multi = curl_multi_init();
  begin(&called_second, "/length/1");
  CURL *easy = add(multi, &r, "/length/5000");
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, write_and_call);
  CHECK(X6, drive(multi, 0));
  CHECK(X6, told(multi, easy, CURLE_OK) && nothing_told(multi));
  CHECK(X6, body_is(&r, 5000));
  curl_easy_cleanup(easy); /* X4: removes it first */
  r.easy = NULL;
  end(&r);
  end(&called_second);
  CHECK_EQ(X4, curl_multi_cleanup(multi), CURLM_OK);
}

static void paused(void)
{
  record r, other;
  CURLM *multi = curl_multi_init();
  CURL *easy = add(multi, &r, "/length/20000");
  add(multi, &other, "/length/500000");
  r.refuse = 1;
  CHECK(W2, drive_to_calls(multi, &r, 1));
  CHECK_EQ(B8, info(easy, SLUICEINFO_PAUSED), CURLPAUSE_RECV);
  CHECK_EQ(B8, info(easy, SLUICEINFO_PAUSED_BY_RECV), SLUICE_BY_CALLBACK);
  /* P15: the other one runs on; this one counts as running. */
  CHECK(P15, drive(multi, 1));
  CHECK(P15, body_is(&other, 500000) && told(multi, other.easy, CURLE_OK));
  CHECK_EQ(W8, r.calls, 1);
  /* W9, F2: everything may have come; it is neither done nor does it spin. */
  int turns = drive_for(multi, 0.3);
  CHECK(K6, turns < 10);
  CHECK_EQ(W9, running_now(multi), 1);
  CHECK(W9, nothing_told(multi));
  CHECK(K6, timeout_of(multi) != 0);
  CHECK(B4, big_info(easy, SLUICEINFO_HELD) <= 16384 + 65536);
  /* P6: delivered before it returns; refused again, nothing is lost. */
  r.refuse = 1;
  CHECK_EQ(P6, curl_easy_pause(easy, CURLPAUSE_CONT), CURLE_OK);
  CHECK_EQ(P6, r.calls, 2);
  CHECK_EQ(P6, r.len, 0);
  CHECK_EQ(P6, info(easy, SLUICEINFO_PAUSED), CURLPAUSE_RECV);
  CHECK_EQ(P6, curl_easy_pause(easy, CURLPAUSE_CONT), CURLE_OK);
  CHECK(P6, r.len > 0);
  CHECK_EQ(P8, timeout_of(multi), 0);
  CHECK(P6, drive(multi, 0));
  CHECK(P6, told(multi, easy, CURLE_OK) && body_is(&r, 20000));
  CHECK_EQ(P2, curl_easy_pause(easy, CURLPAUSE_RECV), CURLE_BAD_FUNCTION_ARGUMENT);
  end(&r);
  end(&other);
  curl_multi_cleanup(multi);
}

static CURL *leaves;
static CURLcode leaver_paused;
static curl_socket_t pause_leaver(void *to, curlsocktype what, struct curl_sockaddr *at)
{
  (void)to, (void)what;
  leaver_paused = curl_easy_pause(leaves, CURLPAUSE_SEND); /* with RECV it would not even queue: P10 */
  return socket(at->family, at->socktype, at->protocol);
}

/* P2, P13: one that a redirect has led away from its connection is paused before it queues for another one. Without a
 * connection it could not be unpaused, and would wait for ever. */
static void paused_before_the_queue(void)
{
  record a, b;
  CURLM *multi = curl_multi_init();
  curl_multi_setopt(multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, 1L);
  leaves = add(multi, &b, "/to/302//length/3000");
  curl_easy_setopt(leaves, CURLOPT_FOLLOWLOCATION, 1L);
  running_now(multi);
  CURL *comes = add(multi, &a, "/hang");
  curl_easy_setopt(comes, CURLOPT_FRESH_CONNECT, 1L);
  curl_easy_setopt(comes, CURLOPT_OPENSOCKETFUNCTION, pause_leaver);
  leaver_paused = CURLE_AGAIN;
  for (int i = 0; i < 100 && leaver_paused == CURLE_AGAIN; i++) {
    running_now(multi);
    if (leaver_paused == CURLE_AGAIN) curl_multi_poll(multi, NULL, 0, 100, NULL);
  }
  CHECK_EQ(P2, leaver_paused, CURLE_OK);
  CHECK_EQ(P15, running_now(multi), 2);
  CHECK_EQ(P1, info(leaves, SLUICEINFO_PAUSED), CURLPAUSE_SEND);
  CHECK_EQ(P13, curl_easy_pause(leaves, CURLPAUSE_CONT), CURLE_OK);
  CHECK_EQ(P1, info(leaves, SLUICEINFO_PAUSED), 0);
  CHECK_EQ(P2, curl_easy_pause(leaves, CURLPAUSE_RECV), CURLE_BAD_FUNCTION_ARGUMENT);
  curl_multi_remove_handle(multi, comes);
  CHECK(P13, drive(multi, 0));
  CHECK(P13, told(multi, leaves, CURLE_OK) && body_is(&b, 3000));
  end(&a);
  end(&b);
  curl_multi_cleanup(multi);
}

static void pause_calls(void)
{
  record r;
  CURLM *multi = curl_multi_init();
  CURL *easy = add(multi, &r, "/dribble/30/10");
  running_now(multi);
  /* P2, P10: while connecting. */
  CHECK_EQ(P2, curl_easy_pause(easy, CURLPAUSE_ALL), CURLE_OK);
  CHECK_EQ(P1, info(easy, SLUICEINFO_PAUSED), CURLPAUSE_ALL);
  CHECK_EQ(B8, info(easy, SLUICEINFO_PAUSED_BY_SEND), SLUICE_BY_CALL);
  CHECK_EQ(P1, curl_easy_pause(easy, CURLPAUSE_SEND), CURLE_OK);
  CHECK_EQ(P1, info(easy, SLUICEINFO_PAUSED), CURLPAUSE_SEND);
  CHECK(P11, drive_for(multi, 0.2) < 10);
  CHECK_EQ(P11, r.lines, 0);
  CHECK_EQ(B10, curl_easy_pause(easy, 0x40), CURLE_OK);
  CHECK_EQ(B10, info(easy, SLUICEINFO_PAUSED), 0);
  CHECK(P11, drive_to_calls(multi, &r, 1));
  CHECK_EQ(P14, curl_easy_pause(easy, CURLPAUSE_CONT), CURLE_OK);
  CHECK_EQ(P14, timeout_of(multi), 0);
  CHECK_EQ(P14, curl_easy_pause(easy, CURLPAUSE_RECV), CURLE_OK);
  CHECK_EQ(P14, curl_easy_pause(easy, CURLPAUSE_RECV), CURLE_OK);
  size_t calls = r.calls;
  CHECK(W8, drive_for(multi, 0.3) < 10);
  CHECK_EQ(W8, r.calls, calls);
  CHECK(B8, big_info(easy, SLUICEINFO_PAUSED_TIME_T) > 250000);
  /* P13: removed and added again it simply runs. */
  CHECK_EQ(P13, curl_multi_remove_handle(multi, easy), CURLM_OK);
  CHECK_EQ(P2, curl_easy_pause(easy, CURLPAUSE_CONT), CURLE_BAD_FUNCTION_ARGUMENT);
  r.len = 0;
  set_path(easy, "/length/3000");
  CHECK_EQ(P13, curl_multi_add_handle(multi, easy), CURLM_OK);
  CHECK(P13, drive(multi, 0));
  CHECK(P13, told(multi, easy, CURLE_OK) && body_is(&r, 3000));
  end(&r);
  curl_multi_cleanup(multi);
}

static void unpause_fails(void)
{
  record r;
  CURLM *multi = curl_multi_init();
  CURL *easy = add(multi, &r, "/length/900");
  r.refuse = 1;
  CHECK(P7, drive_to_calls(multi, &r, 1));
  r.short_by = 1;
  CHECK_EQ(P7, curl_easy_pause(easy, CURLPAUSE_CONT), CURLE_WRITE_ERROR);
  CHECK_EQ(P7, running_now(multi), 0);
  CHECK(P7, told(multi, easy, CURLE_WRITE_ERROR));
  CHECK(P7, !strncmp(words, "Failure writing output to destination, passed ", 46));
  CHECK(F16, !r.after_failure && r.calls == 2);
  end(&r);
  curl_multi_cleanup(multi);
}

static void removal(void)
{
  record a, b;
  CURLM *multi = curl_multi_init();
  CURL *first = add(multi, &a, "/length/100");
  CHECK(X3, drive(multi, 0));
  CHECK_EQ(X3, curl_multi_remove_handle(multi, first), CURLM_OK);
  CHECK(X3, nothing_told(multi));
  unsigned connections = server_connections(http);
  /* After completion the connection is kept ... */
  CURL *second = add(multi, &b, "/dribble/1000/20");
  CHECK(X2, drive_to_calls(multi, &b, 1));
  CHECK_EQ(X2, server_connections(http), connections);
  /* ... before it, it is closed. */
  CHECK_EQ(X2, curl_multi_remove_handle(multi, second), CURLM_OK);
  CHECK_EQ(X3, running_now(multi), 0);
  a.len = 0;
  curl_multi_add_handle(multi, first);
  CHECK(X2, drive(multi, 0));
  CHECK(X2, body_is(&a, 100));
  CHECK_EQ(X2, server_connections(http), connections + 1);
  end(&a);
  end(&b);
  curl_multi_cleanup(multi);
}

/* Answers NULL when it went well. */
static void *wake_soon(void *multi)
{
  usleep(150000);
  return curl_multi_wakeup(multi) ? multi : NULL;
}

static double polled(CURLM *multi, int ms, int *numfds)
{
  double at = now();
  CHECK_EQ(K1, curl_multi_poll(multi, NULL, 0, ms, numfds), CURLM_OK);
  return now() - at;
}

static void wakeups(void)
{
  CURLM *multi = curl_multi_init();
  pthread_t thread;
  int n = -1;
  double seconds = polled(multi, 120, &n);
  CHECK(K1, seconds >= 0.119 && seconds < 5 && n == 0);
  CHECK_EQ(K2, curl_multi_wakeup(multi), CURLM_OK);
  CHECK_EQ(K2, curl_multi_wakeup(multi), CURLM_OK);
  CHECK_EQ(K3, running_now(multi), 0);
  CHECK(K3, polled(multi, 5000, &n) < 2);
  CHECK_EQ(K4, n, 0);
  CHECK(K2, polled(multi, 120, NULL) >= 0.119);
  if (pthread_create(&thread, NULL, wake_soon, multi)) return;
  seconds = polled(multi, 10000, &n);
  CHECK(K2, seconds >= 0.1 && seconds < 5);
  CHECK_EQ(K4, n, 0);
  void *failed = multi;
  CHECK(K2, !pthread_join(thread, &failed) && !failed);
  curl_multi_cleanup(multi);
}

static void descriptors(void)
{
  CURLM *multi = curl_multi_init();
  int pipes[2], n = -1;
  if (pipe(pipes)) return;
  struct curl_waitfd fd = { .fd = pipes[0], .events = CURL_WAIT_POLLIN };
  double at = now();
  CHECK_EQ(K1, curl_multi_poll(multi, &fd, 1, 120, &n), CURLM_OK);
  CHECK(K1, now() - at >= 0.119 && n == 0 && !fd.revents);
  CHECK_EQ(K1, write(pipes[1], "x", 1), 1);
  at = now();
  CHECK_EQ(K1, curl_multi_poll(multi, &fd, 1, 5000, &n), CURLM_OK);
  CHECK(K1, now() - at < 2 && n == 1 && fd.revents == CURL_WAIT_POLLIN);
  CHECK_EQ(K2, curl_multi_wakeup(multi), CURLM_OK);
  CHECK_EQ(K2, curl_multi_poll(multi, &fd, 1, 5000, &n), CURLM_OK);
  CHECK_EQ(K4, n, 1);
  CHECK_EQ(K1, curl_multi_poll(multi, NULL, 1, 0, &n), CURLM_BAD_FUNCTION_ARGUMENT);
  close(pipes[0]);
  close(pipes[1]);
  /* A transfer's own socket counts too. */
  record r;
  add(multi, &r, "/dribble/1/100");
  running_now(multi);
  int most = 0;
  for (double until = now() + 5; now() < until && running_now(multi);) {
    curl_multi_poll(multi, NULL, 0, 1000, &n);
    if (n > most) most = n;
  }
  CHECK_EQ(K4, most, 1);
  CHECK(K1, body_is(&r, 100));
  end(&r);
  curl_multi_cleanup(multi);
}

static void deadlines(void)
{
  record r;
  CURLM *multi = curl_multi_init();
  CURL *easy = add(multi, &r, "/hang");
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, 20000L);
  double at = now();
  running_now(multi);
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, 300L); /* while it runs */
  drive_for(multi, 0.1);
  long ms = timeout_of(multi);
  CHECK(K1, ms > 0 && ms <= 200);
  CHECK(T1, drive(multi, 0));
  CHECK(T1, now() - at >= 0.299 && now() - at < 5);
  CHECK(T1, told(multi, easy, CURLE_OPERATION_TIMEDOUT));
  end(&r);
  curl_multi_cleanup(multi);
}

static void progress(void)
{
  record r;
  CURLM *multi = curl_multi_init();
  CURL *easy = add(multi, &r, "/length/900");
  curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
  r.refuse = 1;
  CHECK(G2, drive_to_calls(multi, &r, 1));
  running_now(multi);
  size_t before = r.progress_calls;
  for (int i = 0; i < 5; i++) running_now(multi);
  CHECK(G2, r.progress_calls >= before + 5);
  CHECK(K6, timeout_of(multi) != 0);
  r.progress_answer = 1; /* G4: may return 1 while paused */
  CHECK_EQ(G4, running_now(multi), 0);
  CHECK(G4, told(multi, easy, CURLE_ABORTED_BY_CALLBACK));
  end(&r);
  curl_multi_cleanup(multi);
}

static void order(void)
{
  record r[3];
  static const char *paths[] = { "/dribble/3/100", "/length/10", "/dribble/1/100" };
  static const int wanted[] = { 1, 2, 0 };
  CURLM *multi = curl_multi_init();
  for (int i = 0; i < 3; i++) add(multi, &r[i], paths[i]);
  CHECK(X10, drive(multi, 0));
  for (int i = 0; i < 3; i++) CHECK(X10, told(multi, r[wanted[i]].easy, CURLE_OK));
  for (int i = 0; i < 3; i++) end(&r[i]);
  curl_multi_cleanup(multi);
}

/* T8: a limit that is set while the transfer runs moves the multi's deadline at once, and zero takes it away. */
static void changed_limits(void)
{
  static const struct { CURLoption option; long value, most; } limits[] = {
    { CURLOPT_TIMEOUT_MS, 50000, 50000 }, { CURLOPT_TIMEOUT, 49, 49000 }, { SLUICEOPT_SILENCE_TIMEOUT_MS, 48000, 48000 } };
  CURLM *multi = curl_multi_init();
  record r, waits;
  CURL *easy = add(multi, &r, "/stall/100");
  curl_easy_setopt(easy, CURLOPT_TIMEOUT, 0L);
  CHECK(T8, drive_to_calls(multi, &r, 1));
  CHECK_EQ(T8, timeout_of(multi), -1);
  for (int i = 0; i < 3; i++) {
    curl_easy_setopt(easy, limits[i].option, limits[i].value);
    running_now(multi);
    long ms = timeout_of(multi);
    CHECK(T8, ms > 0 && ms <= limits[i].most);
    curl_easy_setopt(easy, limits[i].option, 0L);
    running_now(multi);
    CHECK_EQ(T8, timeout_of(multi), -1);
  }
  CHECK_EQ(B9, curl_easy_pause(easy, CURLPAUSE_RECV), CURLE_OK);
  curl_easy_setopt(easy, SLUICEOPT_PAUSED_TIMEOUT_MS, 47000L);
  running_now(multi);
  CHECK(B9, timeout_of(multi) > 0 && timeout_of(multi) <= 47000);
  curl_easy_setopt(easy, SLUICEOPT_PAUSED_TIMEOUT_MS, 0L);
  running_now(multi);
  CHECK_EQ(B9, timeout_of(multi), -1);
  /* T2: the connect time runs for one that waits for a connection. */
  curl_multi_setopt(multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, 1L);
  easy = add(multi, &waits, "/length/1");
  curl_easy_setopt(easy, CURLOPT_TIMEOUT, 0L);
  running_now(multi);
  CHECK(T2, timeout_of(multi) > 200000 && timeout_of(multi) <= 300000);
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, 46000L);
  running_now(multi);
  CHECK(T2, timeout_of(multi) > 0 && timeout_of(multi) <= 46000);
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, 0L);
  running_now(multi);
  CHECK(T2, timeout_of(multi) > 200000);
  end(&waits);
  end(&r);
  curl_multi_cleanup(multi);
}

int main(void)
{
  if (!(http = server_start())) return 1;
  several();
  codes();
  recursion();
  paused();
  pause_calls();
  paused_before_the_queue();
  unpause_fails();
  removal();
  wakeups();
  descriptors();
  deadlines();
  progress();
  order();
  changed_limits();
  server_stop(http);
  return check_result();
}
