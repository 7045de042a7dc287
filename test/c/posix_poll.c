/* posix_poll.c: poll, wait and wakeup over real sockets, against support/server.h: wakeups are neither lost nor swallowed,
 * nothing spins, and a program that watches descriptors is told the truth of them. */
#include <dlfcn.h>
#include <netdb.h>
#include <netinet/in.h>
#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#if defined(__has_feature)
#if __has_feature(memory_sanitizer)
#include <sanitizer/msan_interface.h>
#endif
#if __has_feature(thread_sanitizer)
/* The real getaddrinfo is called past the sanitizer, which so does not know of libc's own locks in it. */
const char *__tsan_default_suppressions(void);
const char *__tsan_default_suppressions(void) { return "called_from_lib:libc.so.6\n"; }
#endif
#endif
#include "support/check.h"
#include "support/client.h"

#define SECONDS 20 /* a test that hangs should fail */

static int running_now(CURLM *multi)
{
  int running = -1;
  CHECK_EQ(K3, curl_multi_perform(multi, &running), CURLM_OK);
  return running;
}

static CURL *add(CURLM *multi, record *r, const char *path)
{
  CURL *easy = begin(r, path);
  CHECK_EQ(X1, curl_multi_add_handle(multi, easy), CURLM_OK);
  return easy;
}

static double polled(CURLM *multi, int ms, int *numfds)
{
  double at = now();
  CHECK_EQ(K1, curl_multi_poll(multi, NULL, 0, ms, numfds), CURLM_OK);
  return now() - at;
}

/* Each wakeup is made when the one before was answered; a lost one makes a poll last. */
#define WAKEUPS 400

typedef struct { CURLM *multi; atomic_int asked, answered; } waker;

static void *wake_each(void *to)
{
  waker *w = to;
  while (atomic_load(&w->asked) < WAKEUPS) {
    atomic_fetch_add(&w->asked, 1);
    if (curl_multi_wakeup(w->multi)) return w;
    while (atomic_load(&w->answered) < atomic_load(&w->asked)) sched_yield();
  }
  return NULL;
}

static void test_none_is_lost(void)
{
  record r;
  pthread_t thread;
  waker w = { .multi = curl_multi_init() };
  void *failed = &w;
  int n = -1;
  add(w.multi, &r, "/hang"); /* so that perform looks at the host too */
  for (double until = now() + SECONDS; info(r.easy, CURLINFO_NUM_CONNECTS) < 1 && now() < until;) {
    running_now(w.multi);
    curl_multi_poll(w.multi, NULL, 0, 20, NULL);
  }
  for (int i = 0; i < 50; i++) running_now(w.multi), curl_multi_poll(w.multi, NULL, 0, 1, NULL);
  if (pthread_create(&thread, NULL, wake_each, &w)) return;
  for (int i = 1; i <= WAKEUPS; i++) {
    while (i % 3 == 0 && atomic_load(&w.asked) < i) sched_yield(); /* before poll; else mostly during it */
    for (int k = 0; k < i % 4; k++) running_now(w.multi);
    bool in_time = CHECK(K2, polled(w.multi, 15000, &n) < 10);
    if (!CHECK(F33, atomic_load(&w.asked) == i) || !in_time) { /* not without one either */
      atomic_store(&w.answered, WAKEUPS);
      break;
    }
    CHECK_EQ(K4, n, 0);
    atomic_store(&w.answered, i);
  }
  CHECK(K3, !pthread_join(thread, &failed) && !failed);
  CHECK(K2, polled(w.multi, 120, NULL) >= 0.119);
  end(&r);
  curl_multi_cleanup(w.multi);
}

static void *wake_often(void *multi)
{
  for (int i = 0; i < 5000; i++)
    if (curl_multi_wakeup(multi)) return multi;
  return NULL;
}

static void test_many_are_one(void)
{
  CURLM *multi = curl_multi_init();
  pthread_t threads[4];
  int made = 0;
  while (made < 4 && !pthread_create(&threads[made], NULL, wake_often, multi)) made++;
  for (int i = 0; i < 20; i++) CHECK(K2, polled(multi, 100, NULL) < 10);
  for (int i = 0; i < made; i++) {
    void *failed = multi;
    CHECK(K2, !pthread_join(threads[i], &failed) && !failed);
  }
  curl_multi_wakeup(multi);
  running_now(multi);
  curl_multi_wakeup(multi); /* one that perform has seen, one that it has not */
  CHECK(K2, polled(multi, 5000, NULL) < 2);
  CHECK(K2, polled(multi, 120, NULL) >= 0.119);
  curl_multi_cleanup(multi);
}

/* The smaller of the argument and what the engine waits for. */
static void test_time(void)
{
  record r;
  CURLM *multi = curl_multi_init();
  CURL *easy = add(multi, &r, "/hang");
  int n = -1;
  unsigned requests = server_requests(http);
  for (double until = now() + SECONDS; server_requests(http) == requests && now() < until;) {
    running_now(multi);
    curl_multi_poll(multi, NULL, 0, 20, NULL);
  }
  running_now(multi);
  long ms = -1; /* nothing is going on: to pause leaves nothing to do, to unpause does */
  CHECK(K6, !curl_easy_pause(easy, CURLPAUSE_ALL) && !curl_multi_timeout(multi, &ms) && ms != 0);
  CHECK(K6, !curl_easy_pause(easy, CURLPAUSE_CONT) && !curl_multi_timeout(multi, &ms) && ms == 0);
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, 700L);
  double at = now() - big_info(easy, CURLINFO_TOTAL_TIME_T) / 1e6, longest = 0;
  while (running_now(multi) && now() - at < SECONDS) {
    double took = polled(multi, 15000, &n);
    if (took > longest) longest = took;
  }
  CHECK(K1, now() - at >= 0.699 && now() - at < 10 && longest > 0.1);
  CHECK_EQ(K1, n, 0);
  CHECK(K1, polled(multi, 120, &n) >= 0.119 && n == 0); /* nothing to wait for */
  CHECK_EQ(K1, curl_multi_poll(multi, NULL, 0, -1, &n), CURLM_BAD_FUNCTION_ARGUMENT);
  CHECK_EQ(K1, curl_multi_poll(NULL, NULL, 0, 0, &n), CURLM_BAD_HANDLE);
  end(&r);
  curl_multi_cleanup(multi);
}

/* A limit set between perform and poll ends that poll in time. */
static void test_set_meanwhile(void)
{
  static const struct { CURLoption option; const char *says; } cases[] = {
    { CURLOPT_TIMEOUT_MS, "Operation timed out after " }, { SLUICEOPT_SILENCE_TIMEOUT_MS, "Peer silent for 300 " },
    { SLUICEOPT_PAUSED_TIMEOUT_MS, "Paused for 300 " } };
  for (int i = 0; i < 3; i++) {
    record r;
    CURLM *multi = curl_multi_init();
    CURL *easy = add(multi, &r, "/stall/10");
    for (double until = now() + SECONDS; !r.calls && now() < until;) running_now(multi), curl_multi_poll(multi, NULL, 0, 20, NULL);
    CHECK_EQ(P1, curl_easy_pause(easy, i == 2 ? CURLPAUSE_RECV : 0), CURLE_OK);
    for (int k = 0; k < 3; k++) running_now(multi), curl_multi_poll(multi, NULL, 0, 20, NULL);
    CHECK_EQ(B9, curl_easy_setopt(easy, cases[i].option, 300L), CURLE_OK);
    double at = now();
    while (running_now(multi) && now() - at < SECONDS) curl_multi_poll(multi, NULL, 0, 15000, NULL);
    CHECK(B7, now() - at < 10);
    CHECK(B9, !strncmp(words, cases[i].says, strlen(cases[i].says)));
    end(&r);
    curl_multi_cleanup(multi);
  }
}

enum way { BY_CALL, BOTH, BY_REFUSAL, RATE, UPLOAD, WAYS };

static size_t give_nothing(char *buf, size_t size, size_t n, void *from)
{
  (void)buf, (void)size, (void)n, (void)from;
  return CURL_READFUNC_PAUSE;
}

/* However much waits in the socket: a loop of perform and poll, or wait, turns only when something can be done. */
static void test_quiet(void)
{
  for (enum way way = BY_CALL; way < WAYS; way++)
    for (int by_wait = 0; by_wait < 2; by_wait++) {
      record r;
      CURLM *multi = curl_multi_init();
      CURL *easy = begin(&r, way == UPLOAD ? "/echo" : "/length/1900000");
      int turns = 0;
      unsigned requests = server_requests(http);
      r.refuse = way == BY_REFUSAL;
      if (way == RATE) curl_easy_setopt(easy, CURLOPT_MAX_RECV_SPEED_LARGE, (curl_off_t)2000);
      if (way == UPLOAD) {
        curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
        curl_easy_setopt(easy, CURLOPT_INFILESIZE, 10L);
        curl_easy_setopt(easy, CURLOPT_READFUNCTION, give_nothing);
      }
      curl_multi_add_handle(multi, easy);
      for (double until = now() + SECONDS; (way == UPLOAD ? server_requests(http) == requests : !r.calls) && now() < until;) {
        running_now(multi);
        curl_multi_poll(multi, NULL, 0, 20, NULL);
      }
      if (way == BY_CALL || way == BOTH)
        CHECK_EQ(P1, curl_easy_pause(easy, way == BOTH ? CURLPAUSE_ALL : CURLPAUSE_RECV), CURLE_OK);
      running_now(multi);
      for (double until = now() + 0.4, left; (left = until - now()) > 0; turns++) {
        running_now(multi);
        if (!by_wait || way != RATE) curl_multi_poll(multi, NULL, 0, (int)(left * 1000) + 1, NULL);
        else curl_multi_wait(multi, NULL, 0, (int)(left * 1000) + 1, NULL), usleep(50000);
      }
      if (!CHECK(F3, turns <= (by_wait && way == RATE ? 12 : 8))) fprintf(stderr, "    way %d: %d turns\n", (int)way, turns);
      CHECK_EQ(P15, running_now(multi), 1);
      long ms = -1;
      CHECK(K6, !curl_multi_timeout(multi, &ms) && ms != 0);
      if (way == BY_CALL) CHECK(K6, !curl_easy_pause(easy, CURLPAUSE_CONT) && !curl_multi_timeout(multi, &ms) && ms == 0);
      end(&r);
      curl_multi_cleanup(multi);
    }
}

/* F20: a program that never polls. */
static void test_only_perform(void)
{
  record r;
  CURLM *multi = curl_multi_init();
  CURL *easy = add(multi, &r, "/length/300000");
  r.refuse = 1;
  bool resumed = false;
  for (double until = now() + SECONDS; running_now(multi) && now() < until;) {
    usleep(1000);
    if (!r.calls || resumed) continue;
    CHECK_EQ(F20, curl_easy_pause(easy, CURLPAUSE_CONT), CURLE_OK);
    resumed = true;
  }
  CHECK(F20, resumed && body_is(&r, 300000));
  end(&r);
  curl_multi_cleanup(multi);
}

/* ---- Descriptors ----------------------------------------------------------------------------------------- */

static struct { int fd, what, told; double due; } seen;

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *to, void *socketp)
{
  (void)easy, (void)to, (void)socketp;
  seen.fd = fd;
  seen.what = what;
  seen.told++;
  return 0;
}

static int on_timer(CURLM *multi, long ms, void *to)
{
  (void)multi, (void)to;
  seen.due = ms < 0 ? -1 : now() + (double)ms / 1000;
  return 0;
}

static int turn(CURLM *multi)
{
  int running = -1;
  struct pollfd fd = { .fd = seen.what && seen.what != CURL_POLL_REMOVE ? seen.fd : -1,
                       .events = (short)((seen.what & CURL_POLL_IN ? POLLIN : 0) | (seen.what & CURL_POLL_OUT ? POLLOUT : 0)) };
  double left = seen.due < 0 ? 1 : seen.due - now();
  poll(&fd, 1, left <= 0 ? 0 : left > 1 ? 1000 : (int)(left * 1000) + 1);
  if (fd.fd >= 0 && fd.revents) CHECK_EQ(F21, curl_multi_socket_action(multi, fd.fd, 0, &running), CURLM_OK);
  if (seen.due >= 0 && seen.due <= now()) {
    seen.due = -1;
    CHECK_EQ(F21, curl_multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0, &running), CURLM_OK);
  }
  return running;
}

/* Pauses and unpauses itself, in the callback: what is told behind it must be the truth. */
static size_t pause_inside(char *data, size_t size, size_t n, void *to)
{
  record *r = to;
  size_t took = on_write(data, size, n, to);
  CHECK_EQ(F21, curl_easy_pause(r->easy, CURLPAUSE_RECV), CURLE_OK);
  CHECK_EQ(F21, curl_easy_pause(r->easy, CURLPAUSE_CONT), CURLE_OK);
  return took;
}

static void test_inside(void)
{
  record r;
  CURLM *multi = curl_multi_init();
  seen.what = seen.told = 0;
  seen.due = -1;
  curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket);
  curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer);
  CURL *easy = begin(&r, "/dribble/30/5");
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, pause_inside);
  CHECK_EQ(X1, curl_multi_add_handle(multi, easy), CURLM_OK);
  for (double until = now() + SECONDS; r.len < 3000 && now() < until;) {
    turn(multi);
    if (r.len && r.len < 3000) CHECK(F21, seen.what == CURL_POLL_IN);
  }
  CHECK(F21, body_is(&r, 3000));
  CHECK_EQ(F34, curl_multi_remove_handle(multi, easy), CURLM_OK);
  CHECK(F34, seen.due < 0 && (!seen.told || seen.what == CURL_POLL_REMOVE));
  end(&r);
  curl_multi_cleanup(multi);
}

/* F30: a deadline that is set while descriptors are collected counts in that very wait: here that of the second address,
 * the first one being a listener whose queue is full. */
static int real_lookup(const char *name, const char *port, const struct addrinfo *hints, struct addrinfo **out)
{
  int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
  *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
  int error = real(name, port, hints, out);
#if defined(__has_feature)
#if __has_feature(memory_sanitizer) /* it knows getaddrinfo by its name only, which this program has taken */
  for (const struct addrinfo *a = error ? NULL : *out; a; a = a->ai_next) {
    __msan_unpoison(a, sizeof *a);
    __msan_unpoison(a->ai_addr, a->ai_addrlen);
  }
#endif
#endif
  return error;
}

int getaddrinfo(const char *name, const char *port, const struct addrinfo *hints, struct addrinfo **out)
{
  if (strcmp(name, "two.test")) return real_lookup(name, port, hints, out);
  struct addrinfo literal = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV };
  int error = real_lookup("127.0.0.2", port, &literal, out);
  return error ? error : real_lookup("127.0.0.1", port, &literal, &(*out)->ai_next);
}

static void test_race(void)
{
  struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((uint16_t)server_port(http)) };
  int full = socket(AF_INET, SOCK_STREAM, 0), fds[16], n = 0;
  inet_pton(AF_INET, "127.0.0.2", &at.sin_addr);
  if (bind(full, (struct sockaddr *)&at, sizeof at) || listen(full, 0)) return; /* not this system */
  for (; n < 16; n++) {
    fds[n] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    connect(fds[n], (struct sockaddr *)&at, sizeof at);
  }
  usleep(50000);
  record r;
  char url[64];
  CURLM *multi = curl_multi_init();
  CURL *easy = begin(&r, "/");
  snprintf(url, sizeof url, "http://two.test:%d/length/10", server_port(http));
  curl_easy_setopt(easy, CURLOPT_URL, url);
  curl_multi_add_handle(multi, easy);
  double longest = 0;
  for (double until = now() + SECONDS; running_now(multi) && now() < until;) {
    double took = polled(multi, 15000, NULL);
    if (took > longest) longest = took;
  }
  CHECK(F30, body_is(&r, 10) && longest < 5);
  end(&r);
  curl_multi_cleanup(multi);
  while (n-- > 0) close(fds[n]);
  close(full);
}

int main(void)
{
  if (!(http = server_start())) return 1;
  test_none_is_lost();
  test_many_are_one();
  test_time();
  test_set_meanwhile();
  test_quiet();
  test_only_perform();
  test_inside();
  test_race();
  server_stop(http);
  return check_result();
}
