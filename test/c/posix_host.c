/* The POSIX host against real sockets of this machine: every sentence of sluice/host.h that it can break.
 *
 * getaddrinfo is replaced below for names that end in .test, so that slow lookups and races between addresses
 * are the same on every machine; all other names go to the system's. Needs loopback only; parts that need
 * ::1 are skipped with a word where there is none. Times are bounds, wide where a slow machine could exceed
 * them. */
#include <arpa/inet.h>
#include <curl/curl.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#include "face/handle.h"
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
#include "host/posix_fds.h"
#include "host/resolve.h"
#include "host/stdio.h"

#define MEGABYTE 1048576u
#define LONG_MS 10000

static int failures;

#define CHECK(x) check((x) != 0, #x, __LINE__, 0)
#define EQUAL(a, b) check_equal((long long)(a), (long long)(b), #a, __LINE__)

static bool check(bool ok, const char *what, int line, int error)
{
  if (ok) return true;
  failures++;
  printf("posix_host.c:%d: not so: %s%s%s\n", line, what, error ? ": " : "", error ? strerror(error) : "");
  return false;
}

static bool check_equal(long long got, long long want, const char *what, int line)
{
  if (got == want) return true;
  failures++;
  printf("posix_host.c:%d: %s is %lld, should be %lld\n", line, what, got, want);
  return false;
}

/* For the test's own tools: nothing below makes sense when these fail. */
#define MUST(x) ((x) ? (void)0 : must(#x, __LINE__))

static void must(const char *what, int line)
{
  check(false, what, line, errno);
  exit(1);
}

static int64_t now_ms(void) { return sl_now_us(NULL) / 1000; }

static int64_t cpu_ms(void)
{
  struct timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void pause_ms(int ms) { usleep((useconds_t)ms * 1000); }

/* ---- Names ---- */

static atomic_int lookups_now, lookups_most, lookups_ended;

typedef int lookup_fn(const char *, const char *, const struct addrinfo *, struct addrinfo **);

static int real_lookup(const char *name, const char *port, const struct addrinfo *hints,
                       struct addrinfo **out)
{
  lookup_fn *real;
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

/* The addresses in this order, as one answer. */
static int listed(const char *const *names, const char *port, struct addrinfo **out)
{
  struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV };
  *out = NULL;
  for (; *names; names++) {
    while (*out) out = &(*out)->ai_next;
    int error = real_lookup(*names, port, &hints, out);
    if (error) return error;
  }
  return 0;
}

static int slow(const char *port, int ms, struct addrinfo **out)
{
  int most = atomic_load(&lookups_most), now = atomic_fetch_add(&lookups_now, 1) + 1;
  while (now > most && !atomic_compare_exchange_weak(&lookups_most, &most, now)) continue;
  pause_ms(ms);
  int error = listed((const char *const[]){ "127.0.0.1", NULL }, port, out);
  atomic_fetch_sub(&lookups_now, 1);
  atomic_fetch_add(&lookups_ended, 1);
  return error;
}

static struct {
  pthread_mutex_t lock;
  pthread_cond_t turn;
  bool free;
  int begun, over;
} hung = { .lock = PTHREAD_MUTEX_INITIALIZER, .turn = PTHREAD_COND_INITIALIZER };

/* Until the test lets all of them go. */
static void hang(void)
{
  pthread_mutex_lock(&hung.lock);
  hung.begun++;
  pthread_cond_broadcast(&hung.turn);
  while (!hung.free) pthread_cond_wait(&hung.turn, &hung.lock);
  hung.over++;
  pthread_cond_broadcast(&hung.turn);
  pthread_mutex_unlock(&hung.lock);
}

static void hung_await(const int *counter, int n)
{
  pthread_mutex_lock(&hung.lock);
  while (*counter < n) pthread_cond_wait(&hung.turn, &hung.lock);
  pthread_mutex_unlock(&hung.lock);
}

static void hung_release(void)
{
  pthread_mutex_lock(&hung.lock);
  hung.free = true;
  pthread_cond_broadcast(&hung.turn);
  while (hung.over < hung.begun) pthread_cond_wait(&hung.turn, &hung.lock);
  hung.free = false;
  hung.begun = hung.over = 0;
  pthread_mutex_unlock(&hung.lock);
}

int getaddrinfo(const char *name, const char *port, const struct addrinfo *hints, struct addrinfo **out)
{
  static const char *const two[] = { "127.0.0.2", "127.0.0.1", NULL };
  static const char *const now[] = { "127.255.255.255", "127.0.0.1", NULL }; /* a broadcast: refused at once */
  static const char *const six[] = { "::1", "127.0.0.1", NULL };
  static const char *const one[] = { "127.0.0.1", NULL };
  static const char *const turns[] = { "127.0.0.1", "127.0.0.2", "127.0.0.3", "::1", "::2", NULL };
  if (!strcmp(name, "two.test")) return listed(two, port, out);
  if (!strcmp(name, "now.test")) return listed(now, port, out);
  if (!strcmp(name, "six.test")) return listed(six, port, out);
  if (!strcmp(name, "turns.test")) return listed(turns, port, out);
  if (strstr(name, "slow.test")) return slow(port, 200, out);
  if (!strncmp(name, "hung", 4)) {
    hang();
    return listed(one, port, out);
  }
  if (!strcmp(name, "one.test")) return listed(one, port, out);
  return real_lookup(name, port, hints, out);
}

/* ---- Servers ---- */

static struct sockaddr_in v4(const char *text, int port)
{
  struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
  MUST(inet_pton(AF_INET, text, &a.sin_addr) == 1);
  return a;
}

/* Bound, not listening: connecting is refused. port 0: any. */
static int bound(const char *text, int port)
{
  int yes = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct sockaddr_in a = v4(text, port);
  MUST(fd >= 0);
  MUST(!setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes));
  MUST(!bind(fd, (struct sockaddr *)&a, sizeof a));
  return fd;
}

static int listening(const char *text, int port, int backlog)
{
  int fd = bound(text, port);
  MUST(!listen(fd, backlog));
  return fd;
}

static int port_of(int fd)
{
  struct sockaddr_in a;
  socklen_t len = sizeof a;
  MUST(!getsockname(fd, (struct sockaddr *)&a, &len));
  return ntohs(a.sin_port);
}

static int accepted(int server)
{
  int fd = accept(server, NULL, NULL);
  MUST(fd >= 0);
  return fd;
}

static void reset(int fd)
{
  struct linger drop = { .l_onoff = 1 };
  MUST(!setsockopt(fd, SOL_SOCKET, SO_LINGER, &drop, sizeof drop));
  close(fd);
}

/* Connections begun and never accepted, until one more gets no answer. */
static int fill(const char *text, int port, int fds[16])
{
  for (int i = 0; i < 16; i++) {
    struct sockaddr_in a = v4(text, port);
    fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    MUST(fds[i] >= 0);
    connect(fds[i], (struct sockaddr *)&a, sizeof a);
  }
  return 16;
}

static bool have_six(void)
{
  int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct sockaddr_in6 a = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
  bool ok = fd >= 0 && !bind(fd, (struct sockaddr *)&a, sizeof a);
  if (fd >= 0) close(fd);
  return ok;
}

/* ---- The client's side ---- */

static int wakes; /* SL_WOKEN told to wait_for */

static sl_ch open_spec(sl_loop *loop, const char *spec)
{
  return sl_open(loop, SL_TCP, spec, (uint32_t)strlen(spec));
}

static sl_ch open_name(sl_loop *loop, const char *name, int port, const char *more)
{
  char spec[512];
  snprintf(spec, sizeof spec, "name %s\nport %d\n%s", name, port, more);
  return open_spec(loop, spec);
}

/* Wait until one of `bits` is told of ch: all that was told with it, 0 when the time is up. */
static uint32_t wait_for(sl_loop *loop, sl_ch ch, uint32_t bits, int ms)
{
  int64_t end = now_ms() + ms;
  do {
    sl_event ev[8];
    int64_t left = end - now_ms();
    int32_t n = sl_wait(loop, ev, 8, left > 0 ? left * 1000 : 0);
    CHECK(n >= 0);
    uint32_t got = 0;
    for (int32_t i = 0; i < n; i++) {
      if (ev[i].ch == 0) wakes++;
      else if (ev[i].ch == ch) got = ev[i].events;
    }
    if (got & bits) return got;
  } while (now_ms() < end);
  return 0;
}

static sl_ch open_ready(sl_loop *loop, int port)
{
  sl_ch ch = open_name(loop, "127.0.0.1", port, "");
  CHECK(ch > 0);
  EQUAL(wait_for(loop, ch, SL_OPENED | SL_GONE, LONG_MS), SL_OPENED);
  return ch;
}

static const char *info(sl_ch ch, uint32_t what)
{
  static char text[512];
  int32_t n = sl_info(ch, what, text, sizeof text - 1);
  if (n < 0 || n >= (int32_t)sizeof text) return "?";
  text[n] = 0;
  return text;
}

static bool same(const char *got, const char *want, int line)
{
  if (!strcmp(got, want)) return true;
  failures++;
  printf("posix_host.c:%d: \"%s\" should be \"%s\"\n", line, got, want);
  return false;
}

#define SAME(a, b) same(a, b, __LINE__)

static int32_t recv_code(sl_ch ch)
{
  char c;
  return sl_recv(ch, &c, 1);
}

static int32_t send_code(sl_ch ch) { return sl_send(ch, "x", 1); }

/* ---- Opening ---- */

static void opens_a_literal(void)
{
  sl_loop *loop = sl_loop_new();
  int server = listening("127.0.0.1", 0, 8), port = port_of(server);
  char want[64], local[64];
  int64_t before = sl_now_us(loop), times[3];
  sl_event ev[4];
  sl_ch ch = open_name(loop, "127.0.0.1", port, "");
  CHECK(ch > 0);
  EQUAL(recv_code(ch), SL_AGAIN);
  EQUAL(send_code(ch), SL_AGAIN);
  EQUAL(sl_info(ch, SL_INFO_PEER, NULL, 0), SL_AGAIN);
  SAME(info(ch, SL_INFO_PHASE), "connect");
  CHECK(sl_socket_of(ch) >= 0);
  EQUAL(wait_for(loop, ch, SL_OPENED | SL_GONE, LONG_MS), SL_OPENED);
  EQUAL(sl_wait(loop, ev, 4, 0), 0); /* told once, and nothing is wanted */
  SAME(info(ch, SL_INFO_PHASE), "open");
  SAME(info(ch, SL_INFO_ALPN), "");
  SAME(info(ch, SL_INFO_ERROR), "");
  snprintf(want, sizeof want, "127.0.0.1 %d", port);
  SAME(info(ch, SL_INFO_PEER), want);
  struct sockaddr_in a;
  socklen_t len = sizeof a;
  MUST(!getsockname(sl_socket_of(ch), (struct sockaddr *)&a, &len));
  snprintf(local, sizeof local, "127.0.0.1 %d", ntohs(a.sin_port));
  SAME(info(ch, SL_INFO_LOCAL), local);
  EQUAL(sl_info(ch, SL_INFO_TIMES, times, sizeof times), sizeof times);
  CHECK(before <= times[0] && times[0] <= times[1] && times[1] <= sl_now_us(loop));
  EQUAL(times[2], 0);
  EQUAL(sl_info(ch, SL_INFO_HELD, times, sizeof times), 8);
  EQUAL(times[0], 0);
  EQUAL(sl_info(ch, SL_INFO_PEER, want, 0), strlen(want)); /* a length without room */
  EQUAL(sl_info(ch, SL_INFO_HEAD, want, 8), SL_NOSYS);
  CHECK(fcntl(sl_socket_of(ch), F_GETFD) & FD_CLOEXEC);
  CHECK(fcntl(sl_socket_of(ch), F_GETFL) & O_NONBLOCK);
  sl_want(ch, SL_OUT | SL_IN);
  EQUAL(wait_for(loop, ch, SL_OUT, LONG_MS), SL_OUT);
  sl_close(ch, SL_FINISH);
  EQUAL(recv_code(ch), SL_INVAL);
  EQUAL(sl_socket_of(ch), -1);
  close(server);
  sl_loop_free(loop);
}

static void opens_by_name(void)
{
  sl_loop *loop = sl_loop_new();
  int server = listening("127.0.0.1", 0, 8);
  wakes = 0;
  sl_ch ch = open_name(loop, "localhost", port_of(server), "family 4\n");
  CHECK(ch > 0);
  EQUAL(wait_for(loop, ch, SL_OPENED | SL_GONE, LONG_MS), SL_OPENED);
  sl_ch any = open_name(loop, "localhost", port_of(server), ""); /* ::1 first where the machine has it so */
  EQUAL(wait_for(loop, any, SL_OPENED | SL_GONE, LONG_MS), SL_OPENED);
  sl_ch from = open_name(loop, "127.0.0.1", port_of(server), "local 127.0.0.3\n");
  EQUAL(wait_for(loop, from, SL_OPENED | SL_GONE, LONG_MS), SL_OPENED);
  CHECK(!strncmp(info(from, SL_INFO_LOCAL), "127.0.0.3 ", 10));
  EQUAL(wakes, 0);
  sl_close(ch, SL_FINISH);
  sl_close(any, SL_ABORT);
  sl_close(from, SL_ABORT);
  close(server);
  sl_loop_free(loop);
}

static void refused(void)
{
  sl_loop *loop = sl_loop_new();
  int nobody = bound("127.0.0.1", 0);
  char want[80];
  sl_event ev[4];
  sl_ch ch = open_name(loop, "127.0.0.1", port_of(nobody), "");
  CHECK(ch > 0);
  EQUAL(wait_for(loop, ch, SL_OPENED | SL_GONE, LONG_MS), SL_GONE);
  EQUAL(recv_code(ch), SL_REFUSED);
  EQUAL(send_code(ch), SL_REFUSED);
  SAME(info(ch, SL_INFO_PHASE), "connect");
  snprintf(want, sizeof want, "connect to 127.0.0.1 port %d: %s", port_of(nobody), strerror(ECONNREFUSED));
  SAME(info(ch, SL_INFO_ERROR), want);
  EQUAL(sl_wait(loop, ev, 4, 0), 0); /* told once to who wants nothing */
  sl_want(ch, SL_IN);
  EQUAL(wait_for(loop, ch, SL_GONE, LONG_MS), SL_GONE);
  EQUAL(sl_socket_of(ch), -1);
  sl_ch from = open_name(loop, "127.0.0.1", port_of(nobody), "local 192.0.2.1\n");
  EQUAL(wait_for(loop, from, SL_GONE, LONG_MS), SL_GONE);
  CHECK(!strncmp(info(from, SL_INFO_ERROR), "bind to 192.0.2.1 port 0: ", 26));
  sl_close(ch, SL_FINISH);
  sl_close(from, SL_FINISH);
  close(nobody);
  sl_loop_free(loop);
}

static void name_unknown(void)
{
  sl_loop *loop = sl_loop_new();
  int64_t before = now_ms();
  sl_ch ch = open_name(loop, "no-such-name.invalid", 80, "");
  CHECK(ch > 0);
  EQUAL(recv_code(ch), SL_AGAIN);
  CHECK(now_ms() - before < 1000);
  wakes = 0;
  EQUAL(wait_for(loop, ch, SL_OPENED | SL_GONE, 30000), SL_GONE);
  EQUAL(wakes, 0);
  EQUAL(recv_code(ch), SL_RESOLVE);
  SAME(info(ch, SL_INFO_PHASE), "resolve");
  CHECK(!strncmp(info(ch, SL_INFO_ERROR), "resolve no-such-name.invalid: ", 30));
  sl_ch family = open_name(loop, "127.0.0.1", 80, "family 6\n");
  EQUAL(wait_for(loop, family, SL_GONE, LONG_MS), SL_GONE);
  EQUAL(recv_code(family), SL_RESOLVE);
  sl_close(ch, SL_FINISH);
  sl_close(family, SL_FINISH);
  sl_loop_free(loop);
}

static void bad_specs(void)
{
  static const char *const bad[] = {
    "", "name x\n", "port 80\n", "name x\nport 80", "name \nport 80\n", "name x\nport 0\n",
    "name x\nport 65536\n", "name x\nport 99999999999\n", "name x\nport +1\n", "name x\nport \n",
    "port 80\nname x\n",
    "name x\nname x\nport 80\n", "name x\nport 80\nfoo bar\n", "name x\nport 80\nfamily 5\n",
    "name x\nport 80\nfamily 44\n", "name x\nport 80\nlocal x.test\n", "name x\nport 80\nalpn h2\n", "\n",
    "name x\nport 80\nlocal 127.0.0.1\nfamily 6\n", "namex\nport 80\n"
  };
  sl_loop *loop = sl_loop_new();
  char long_path[256] = "unix /";
  sl_event ev[1];
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    if (!EQUAL(open_spec(loop, bad[i]), SL_INVAL)) printf("  for \"%s\"\n", bad[i]);
  EQUAL(sl_open(loop, SL_TCP, "name a\0b\nport 80\n", 17), SL_INVAL);
  memset(long_path + 6, 'p', 200);
  strcat(long_path, "\n");
  EQUAL(open_spec(loop, long_path), SL_INVAL);
  for (uint32_t kind = SL_TLS; kind <= SL_DATAGRAM; kind++)
    EQUAL(sl_open(loop, kind, "name x\nport 80\n", 15), kind == SL_FILE ? SL_INVAL : SL_NOSYS);
  EQUAL(sl_open(loop, 0, "name x\nport 80\n", 15), SL_INVAL);
  EQUAL(sl_open(loop, 77, "name x\nport 80\n", 15), SL_INVAL);
  EQUAL(sl_start_tls(1, "", 0), SL_NOSYS);
  EQUAL(sl_move(1, 1, 1), SL_NOSYS);
  EQUAL(sl_move_out(1, 1, 1), SL_NOSYS);
  EQUAL(sl_unrecv(1, 1), SL_NOSYS);
  for (sl_ch id = -1; id < 100000000; id = id * 10 + 11) {
    EQUAL(recv_code(id), SL_INVAL);
    sl_want(id, SL_IN);
    sl_close(id, SL_ABORT);
  }
  EQUAL(sl_wait(loop, ev, 0, 0), SL_INVAL);
  EQUAL(sl_wait(loop, ev, 1, 0), 0);
  sl_loop_free(loop);
}

static void out_of_descriptors(void)
{
  sl_loop *loop = sl_loop_new();
  int server = listening("127.0.0.1", 0, 8), next = dup(server);
  struct rlimit before, low;
  MUST(!getrlimit(RLIMIT_NOFILE, &before));
  close(next);
  low = before;
  low.rlim_cur = (rlim_t)next;
  MUST(!setrlimit(RLIMIT_NOFILE, &low));
  EQUAL(open_name(loop, "127.0.0.1", port_of(server), ""), SL_BUSY);
  sl_ch ch = open_name(loop, "two.test", port_of(server), "");
  CHECK(ch > 0);
  EQUAL(wait_for(loop, ch, SL_OPENED | SL_GONE, LONG_MS), SL_GONE);
  EQUAL(recv_code(ch), SL_REFUSED); /* BUSY is a word of sl_open only */
  MUST(!setrlimit(RLIMIT_NOFILE, &before));
  sl_close(ch, SL_FINISH);
  close(server);
  sl_loop_free(loop);
}

/* ---- Racing ---- */

static void families_take_turns(void)
{
  sl_lookup *job = sl_lookup_new("turns.test", 10, "80", 2, AF_UNSPEC);
  static const int want[] = { AF_INET, AF_INET6, AF_INET, AF_INET6, AF_INET };
  sl_failure why;
  MUST(job);
  sl_lookup_run(job, false);
  CHECK(sl_lookup_found(job, &why));
  EQUAL(job->found.count, 5);
  for (uint32_t i = 0; i < job->found.count && i < 5; i++) EQUAL(job->found.to[i].at.ss_family, want[i]);
  sl_lookup_free(job);
}

static void second_address_wins(void)
{
  sl_loop *loop = sl_loop_new();
  int server = listening("127.0.0.1", 0, 8), port = port_of(server);
  int full = listening("127.0.0.2", port, 0), fds[16], n = fill("127.0.0.2", port, fds);
  int64_t before = now_ms();
  sl_ch ch = open_name(loop, "two.test", port, "");
  EQUAL(wait_for(loop, ch, SL_OPENED | SL_GONE, LONG_MS), SL_OPENED);
  CHECK(now_ms() - before >= 240);
  CHECK(now_ms() - before < 2000);
  CHECK(!strncmp(info(ch, SL_INFO_PEER), "127.0.0.1 ", 10));
  sl_ch begun = open_name(loop, "two.test", port, ""); /* closed amid the race */
  EQUAL(wait_for(loop, begun, SL_OPENED | SL_GONE, 100), 0);
  SAME(info(begun, SL_INFO_PHASE), "connect");
  sl_close(begun, SL_FINISH);
  sl_close(ch, SL_FINISH);
  while (n) close(fds[--n]);
  close(full);
  close(server);
  sl_loop_free(loop);
}

static void failure_gives_way_at_once(const char *name)
{
  sl_loop *loop = sl_loop_new();
  int server = listening("127.0.0.1", 0, 8);
  int64_t before = now_ms();
  sl_ch ch = open_name(loop, name, port_of(server), "");
  EQUAL(wait_for(loop, ch, SL_OPENED | SL_GONE, LONG_MS), SL_OPENED);
  CHECK(now_ms() - before < 200);
  CHECK(!strncmp(info(ch, SL_INFO_PEER), "127.0.0.1 ", 10));
  SAME(info(ch, SL_INFO_ERROR), "");
  sl_close(ch, SL_FINISH);
  close(server);
  sl_loop_free(loop);
}

static void six_opens(void)
{
  sl_loop *loop = sl_loop_new();
  int server = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct sockaddr_in6 a = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
  socklen_t len = sizeof a;
  char want[64];
  MUST(server >= 0 && !bind(server, (struct sockaddr *)&a, sizeof a) && !listen(server, 8));
  MUST(!getsockname(server, (struct sockaddr *)&a, &len));
  snprintf(want, sizeof want, "::1 %d", ntohs(a.sin6_port));
  sl_ch literal = open_name(loop, "::1", ntohs(a.sin6_port), "");
  EQUAL(wait_for(loop, literal, SL_OPENED | SL_GONE, LONG_MS), SL_OPENED);
  SAME(info(literal, SL_INFO_PEER), want);
  sl_ch named = open_name(loop, "six.test", ntohs(a.sin6_port), "");
  EQUAL(wait_for(loop, named, SL_OPENED | SL_GONE, LONG_MS), SL_OPENED);
  SAME(info(named, SL_INFO_PEER), want);
  sl_loop_free(loop); /* closes what its owner forgot */
  close(server);
}

/* ---- Lookups in the background ---- */

static void lookup_blocks_nobody(void)
{
  sl_loop *loop = sl_loop_new();
  int server = listening("127.0.0.1", 0, 8);
  sl_event ev[4];
  sl_ch other = open_ready(loop, port_of(server));
  int64_t before = now_ms();
  wakes = 0;
  sl_ch ch = open_name(loop, "slow.test", port_of(server), "");
  SAME(info(ch, SL_INFO_PHASE), "resolve");
  EQUAL(sl_socket_of(ch), -1);
  sl_want(other, SL_OUT);
  EQUAL(wait_for(loop, other, SL_OUT, LONG_MS), SL_OUT);
  CHECK(now_ms() - before < 150);
  sl_want(other, 0);
  EQUAL(sl_wait(loop, ev, 4, 20000), 0);
  CHECK(now_ms() - before >= 20);
  EQUAL(wait_for(loop, ch, SL_OPENED | SL_GONE, LONG_MS), SL_OPENED);
  EQUAL(wakes, 0); /* the lookup's own wakeup is not told (F31) */
  EQUAL(sl_wait(loop, ev, 4, 20000), 0);
  sl_close(ch, SL_FINISH);
  sl_close(other, SL_FINISH);
  close(server);
  sl_loop_free(loop);
}

static void lookups_await(int ended)
{
  for (int64_t end = now_ms() + LONG_MS; atomic_load(&lookups_ended) < ended && now_ms() < end;) pause_ms(5);
  EQUAL(atomic_load(&lookups_ended), ended);
}

static void close_during_lookup(void)
{
  sl_loop *loop = sl_loop_new();
  int ended = atomic_load(&lookups_ended);
  sl_event ev[4];
  sl_ch ch = open_name(loop, "slow.test", 80, ""), done = open_name(loop, "slow.test", 80, "");
  pause_ms(20);
  sl_close(ch, SL_FINISH);
  lookups_await(ended + 1); /* the same name is looked up once */
  pause_ms(20);
  sl_close(done, SL_ABORT); /* its answer lies there, not taken */
  EQUAL(sl_wait(loop, ev, 4, 20000), 0);
  open_name(loop, "slow.test", 80, "");
  pause_ms(50);
  sl_loop_free(loop); /* before the thread is done */
  lookups_await(ended + 2);
}

static void many_lookups(void)
{
  enum { MANY = 50 };
  sl_loop *loop = sl_loop_new();
  int server = listening("127.0.0.1", 0, 64), open = 0;
  sl_ch ch[MANY];
  atomic_store(&lookups_most, 0);
  for (int i = 0; i < MANY; i++) {
    char name[32];
    snprintf(name, sizeof name, "%d.slow.test", i);
    CHECK((ch[i] = open_name(loop, name, port_of(server), "")) > 0);
  }
  sl_close(ch[MANY - 1], SL_FINISH); /* still in the queue */
  for (int64_t end = now_ms() + LONG_MS; open < MANY - 1 && now_ms() < end;) {
    sl_event ev[4];
    int32_t n = sl_wait(loop, ev, 4, 1000000);
    for (int32_t i = 0; i < n; i++) open += ev[i].ch > 0 && ev[i].events & SL_OPENED;
  }
  EQUAL(open, MANY - 1);
  CHECK(atomic_load(&lookups_most) > 1 && atomic_load(&lookups_most) <= SL_LOOKUPS_MAX);
  for (int i = 0; i < MANY - 1; i++) sl_close(ch[i], SL_FINISH);
  close(server);
  sl_loop_free(loop);
}

/* ---- Names that hang: on the host's clock, so nothing here waits for time to pass ---- */

enum { SLOTS = SL_LOOKUPS_MAX };

static sl_lookup *begin_lookup(sl_inbox *inbox, const char *name, const char *port)
{
  sl_lookup *job = sl_lookup_new(name, strlen(name), port, strlen(port), AF_UNSPEC);
  MUST(job && !sl_lookup_begin(job, inbox, NULL));
  return job;
}

/* Every slot has a name that hangs. */
static void fill_slots(sl_inbox *inbox, sl_lookup *jobs[SLOTS])
{
  for (int i = 0; i < SLOTS; i++) {
    char name[32];
    snprintf(name, sizeof name, "hung%d.test", i);
    jobs[i] = begin_lookup(inbox, name, "80");
  }
  hung_await(&hung.begun, SLOTS);
}

/* The one that comes next, or NULL after `ms`. */
static sl_lookup *next_lookup(sl_inbox *inbox, int ms)
{
  sl_lookup *job;
  for (int64_t end = now_ms() + ms; !(job = sl_lookup_next(inbox)) && now_ms() < end;) pause_ms(2);
  return job;
}

static void inbox_open(sl_inbox *inbox)
{
  *inbox = (sl_inbox){ .wake_fd = open("/dev/null", O_WRONLY) };
  MUST(inbox->wake_fd >= 0);
}

/* 32 names that hang do not block another: it has a slot as soon as nobody waits for one of them, or one is slow. */
static void hung_names_make_room(void)
{
  sl_inbox inbox;
  sl_lookup *jobs[SLOTS];
  inbox_open(&inbox);
  fill_slots(&inbox, jobs);
  int64_t now_us = sl_now_us(NULL);
  sl_lookup *job = begin_lookup(&inbox, "one.test", "80");
  CHECK(sl_lookup_tend(job, now_us) <= now_us + SL_LOOKUP_SLOW_US);
  sl_lookup_drop(jobs[0]);
  EQUAL(next_lookup(&inbox, LONG_MS) == job, true);
  sl_lookup_free(job);

  jobs[0] = begin_lookup(&inbox, "hung-more.test", "80"); /* every slot is taken again */
  hung_await(&hung.begun, SLOTS + 1);
  job = begin_lookup(&inbox, "one.test", "80");
  sl_lookup_tend(job, sl_now_us(NULL) + SL_LOOKUP_SLOW_US);
  EQUAL(next_lookup(&inbox, LONG_MS) == job, true);
  EQUAL(job->error, 0);
  sl_lookup_free(job);
  for (int i = 0; i < SLOTS; i++) sl_lookup_drop(jobs[i]);
  hung_release();
  close(inbox.wake_fd);
}

/* One thread for a name, however many ask; each has its own port. One that waited for too long fails with words. */
static void same_name_shares(void)
{
  static const char *const ports[] = { "80", "8080", "443" };
  sl_inbox inbox;
  sl_lookup *jobs[3], *job;
  sl_failure why = { .code = 0 };
  inbox_open(&inbox);
  for (int i = 0; i < 3; i++) jobs[i] = begin_lookup(&inbox, "hung.test", ports[i]);
  sl_lookup *late = begin_lookup(&inbox, "hung.test", "81"), *dropped = begin_lookup(&inbox, "hung.test", "82");
  hung_await(&hung.begun, 1);
  sl_lookup_drop(dropped);
  EQUAL(sl_lookup_tend(late, late->due_us), SL_NEVER);
  EQUAL(next_lookup(&inbox, LONG_MS) == late, true);
  CHECK(!sl_lookup_found(late, &why) && why.code == SL_RESOLVE);
  SAME(why.words, "resolve hung.test: no answer in 60 s");
  sl_lookup_free(late);
  EQUAL(hung.begun, 1);
  hung_release();
  for (int i = 0; i < 3; i++) {
    CHECK((job = next_lookup(&inbox, LONG_MS)) == jobs[i]);
    CHECK(sl_lookup_found(job, &why) && job->found.count == 1);
    EQUAL(ntohs(((struct sockaddr_in *)(void *)&job->found.to[0].at)->sin_port), atoi(ports[i]));
    sl_lookup_free(job);
  }
  close(inbox.wake_fd);
}

/* The same through the door, where the loop does the tending. */
static void hung_names_through_the_door(void)
{
  sl_loop *loop = sl_loop_new();
  int server = listening("127.0.0.1", 0, 8);
  for (int i = 0; i < SLOTS + 3; i++) {
    char name[32];
    snprintf(name, sizeof name, "hung%d.test", i);
    open_name(loop, name, port_of(server), "");
  }
  sl_ch ch = open_name(loop, "one.test", port_of(server), "");
  EQUAL(wait_for(loop, ch, SL_OPENED | SL_GONE, LONG_MS), SL_OPENED);
  sl_loop_free(loop);
  hung_release();
  close(server);
}

/* poll takes an int of milliseconds: a longer wait is no short one, and no busy one. */
static atomic_int polled_ms, polls;

int poll(struct pollfd *fds, nfds_t n, int ms)
{
  static int (*real)(struct pollfd *, nfds_t, int);
  if (!real) *(void **)&real = dlsym(RTLD_NEXT, "poll");
  atomic_fetch_add(&polls, 1);
  atomic_store(&polled_ms, ms);
  return real(fds, n, ms);
}

static void *wake_soon(void *loop)
{
  pause_ms(100);
  sl_wake(loop);
  return NULL;
}

static void long_waits(void)
{
  static const int64_t ms[] = { (int64_t)INT32_MAX - 1, (int64_t)INT32_MAX + 1, (int64_t)1 << 32, (int64_t)3 << 40 };
  for (size_t i = 0; i < sizeof ms / sizeof *ms; i++) {
    sl_loop *loop = sl_loop_new();
    pthread_t thread;
    sl_event ev[4];
    MUST(!pthread_create(&thread, NULL, wake_soon, loop));
    atomic_store(&polls, 0);
    EQUAL(sl_wait(loop, ev, 4, ms[i] * 1000), 1);
    EQUAL(ev[0].events, SL_WOKEN);
    CHECK(atomic_load(&polled_ms) >= INT32_MAX - 1);
    CHECK(atomic_load(&polls) <= 2);
    pthread_join(thread, NULL);
    sl_loop_free(loop);
  }
}

/* ---- Bytes ---- */

static uint8_t pattern(uint32_t i) { return (uint8_t)(i * 2654435761u >> 24); }

static void *echo(void *arg)
{
  static char buf[20000];
  int fd = accepted(*(int *)arg);
  ssize_t n;
  while ((n = read(fd, buf, sizeof buf)) > 0)
    for (ssize_t at = 0, w; at < n; at += w) MUST((w = write(fd, buf + at, (size_t)(n - at))) > 0);
  close(fd);
  return NULL;
}

static void megabyte_there_and_back(void)
{
  static uint8_t out[MEGABYTE], in[MEGABYTE + 1];
  sl_loop *loop = sl_loop_new();
  int server = listening("127.0.0.1", 0, 8);
  uint32_t sent = 0, got = 0, wrong = 0;
  pthread_t thread;
  MUST(!pthread_create(&thread, NULL, echo, &server));
  sl_ch ch = open_ready(loop, port_of(server));
  for (uint32_t i = 0; i < MEGABYTE; i++) out[i] = pattern(i);
  for (int32_t n = 1; n;) {
    sl_want(ch, SL_IN | (sent < MEGABYTE ? SL_OUT : 0));
    if (!CHECK(wait_for(loop, ch, SL_IN | SL_OUT | SL_GONE, LONG_MS))) break;
    while (sent < MEGABYTE && (n = sl_send(ch, out + sent, MEGABYTE - sent)) > 0) sent += (uint32_t)n;
    CHECK(sent == MEGABYTE || n == SL_AGAIN);
    if (n > 0 && sent == MEGABYTE) sl_close(ch, SL_END_SEND);
    while ((n = sl_recv(ch, in + got, MEGABYTE + 1 - got)) > 0) got += (uint32_t)n;
    CHECK(n == 0 || n == SL_AGAIN);
  }
  EQUAL(got, MEGABYTE);
  for (uint32_t i = 0; i < got; i++) wrong += in[i] != out[i];
  EQUAL(wrong, 0);
  EQUAL(recv_code(ch), 0); /* the end stays the end */
  EQUAL(sl_recv(ch, in, 0), SL_INVAL); /* not the end */
  EQUAL(sl_send(ch, in, 0), SL_INVAL);
  pthread_join(thread, NULL);
  sl_close(ch, SL_FINISH);
  close(server);
  sl_loop_free(loop);
}

static void unwanted_is_not_told(void)
{
  sl_loop *loop = sl_loop_new();
  int server = listening("127.0.0.1", 0, 8);
  char buf[8];
  sl_event ev[4];
  sl_ch ch = open_ready(loop, port_of(server));
  int peer = accepted(server);
  MUST(write(peer, "hello", 5) == 5);
  int64_t before = now_ms();
  EQUAL(sl_wait(loop, ev, 4, 50000), 0);
  CHECK(now_ms() - before >= 50);
  sl_want(ch, SL_IN);
  EQUAL(wait_for(loop, ch, SL_IN, LONG_MS), SL_IN);
  EQUAL(wait_for(loop, ch, SL_IN, LONG_MS), SL_IN); /* a level, not an edge */
  sl_want(ch, SL_OUT);
  EQUAL(wait_for(loop, ch, SL_IN | SL_OUT, LONG_MS), SL_OUT);
  sl_want(ch, 0);
  MUST(write(peer, "!", 1) == 1);
  close(peer); /* F2: not even the end is told */
  EQUAL(sl_wait(loop, ev, 4, 50000), 0);
  sl_want(ch, SL_IN);
  EQUAL(wait_for(loop, ch, SL_IN, LONG_MS), SL_IN);
  EQUAL(sl_recv(ch, buf, sizeof buf), 6);
  EQUAL(wait_for(loop, ch, SL_IN, LONG_MS), SL_IN);
  EQUAL(sl_recv(ch, buf, sizeof buf), 0);
  sl_close(ch, SL_FINISH);
  close(server);
  sl_loop_free(loop);
}

static void peer_resets(void)
{
  sl_loop *loop = sl_loop_new();
  int server = listening("127.0.0.1", 0, 8);
  char buf[8];
  sl_event ev[4];
  sl_ch ch = open_ready(loop, port_of(server));
  int peer = accepted(server);
  MUST(write(peer, "abc", 3) == 3);
  reset(peer);
  EQUAL(sl_wait(loop, ev, 4, 20000), 0); /* nothing is wanted */
  sl_want(ch, SL_IN);
  CHECK(wait_for(loop, ch, SL_GONE, LONG_MS) & SL_IN);
  EQUAL(sl_recv(ch, buf, sizeof buf), 3);
  EQUAL(recv_code(ch), SL_RESET);
  EQUAL(recv_code(ch), SL_RESET); /* not an end */
  EQUAL(send_code(ch), SL_RESET);
  CHECK(wait_for(loop, ch, SL_GONE, LONG_MS) & SL_IN);
  CHECK(!strcmp(info(ch, SL_INFO_ERROR), "Send failure: Connection reset by peer") ||
        !strcmp(info(ch, SL_INFO_ERROR), "Send failure: Broken pipe"));
  sl_close(ch, SL_FINISH);

  ch = open_ready(loop, port_of(server));
  peer = accepted(server);
  MUST(write(peer, "abc", 3) == 3);
  reset(peer);
  pause_ms(20);
  EQUAL(send_code(ch), SL_RESET); /* takes the system's only word about it */
  EQUAL(sl_recv(ch, buf, sizeof buf), 3);
  EQUAL(recv_code(ch), SL_RESET);
  sl_close(ch, SL_FINISH);

  ch = open_ready(loop, port_of(server));
  peer = accepted(server);
  MUST(write(peer, "abc", 3) == 3);
  MUST(!shutdown(peer, SHUT_WR)); /* the answer was whole */
  reset(peer);
  pause_ms(20);
  EQUAL(send_code(ch), SL_RESET);
  EQUAL(sl_recv(ch, buf, sizeof buf), 3);
  EQUAL(recv_code(ch), 0);
  sl_close(ch, SL_FINISH);
  close(server);
  sl_loop_free(loop);
}

static void closes(void)
{
  static char bulk[100000];
  sl_loop *loop = sl_loop_new();
  int server = listening("127.0.0.1", 0, 8);
  ssize_t n, all = 0;
  char c;
  sl_ch ch = open_ready(loop, port_of(server));
  int peer = accepted(server);
  int32_t taken = sl_send(ch, bulk, sizeof bulk);
  CHECK(taken > 0);
  sl_close(ch, SL_FINISH);
  while ((n = read(peer, bulk, sizeof bulk)) > 0) all += n;
  EQUAL(n, 0);
  EQUAL(all, taken);
  close(peer);

  ch = open_ready(loop, port_of(server));
  peer = accepted(server);
  sl_close(ch, SL_ABORT);
  EQUAL(read(peer, &c, 1), -1);
  EQUAL(errno, ECONNRESET);
  close(peer);

  ch = open_ready(loop, port_of(server));
  peer = accepted(server);
  sl_close(ch, SL_END_SEND);
  EQUAL(read(peer, &c, 1), 0);
  MUST(write(peer, "y", 1) == 1);
  sl_want(ch, SL_IN);
  EQUAL(wait_for(loop, ch, SL_IN, LONG_MS), SL_IN);
  EQUAL(recv_code(ch), 1);
  sl_close(ch, SL_FINISH);
  close(peer);
  close(server);
  sl_loop_free(loop);
}

static void unix_socket(void)
{
  sl_loop *loop = sl_loop_new();
  struct sockaddr_un a = { .sun_family = AF_UNIX };
  char spec[256], folder[] = "/tmp/sluice-XXXXXX";
  int server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  MUST(mkdtemp(folder));
  snprintf(a.sun_path, sizeof a.sun_path, "%s/sock", folder);
  snprintf(spec, sizeof spec, "name example.com\nport 80\nunix %s\n", a.sun_path);
  sl_ch early = open_spec(loop, spec);
  CHECK(early > 0);
  EQUAL(wait_for(loop, early, SL_OPENED | SL_GONE, LONG_MS), SL_GONE);
  EQUAL(recv_code(early), SL_REFUSED);
  MUST(server >= 0 && !bind(server, (struct sockaddr *)&a, sizeof a) && !listen(server, 0));
  sl_ch ch = open_spec(loop, spec);
  EQUAL(wait_for(loop, ch, SL_OPENED | SL_GONE, LONG_MS), SL_OPENED);
  SAME(info(ch, SL_INFO_PEER), a.sun_path);
  SAME(info(ch, SL_INFO_LOCAL), "");
  sl_ch late = open_spec(loop, spec); /* the queue is full now */
  EQUAL(wait_for(loop, late, SL_OPENED | SL_GONE, 60), 0);
  int peer = accepted(server);
  EQUAL(wait_for(loop, late, SL_OPENED | SL_GONE, LONG_MS), SL_OPENED);
  EQUAL(send_code(ch), 1);
  EQUAL(read(peer, spec, sizeof spec), 1);
  close(peer);
  sl_want(ch, SL_IN);
  CHECK(wait_for(loop, ch, SL_IN, LONG_MS) & SL_IN);
  EQUAL(recv_code(ch), 0);
  EQUAL(send_code(ch), SL_RESET); /* and no SIGPIPE */
  sl_close(ch, SL_ABORT);
  sl_close(late, SL_FINISH);
  sl_close(early, SL_FINISH);
  unlink(a.sun_path);
  rmdir(folder);
  close(server);
  sl_loop_free(loop);
}

/* ---- Waiting and waking ---- */

static void *wake_later(void *loop)
{
  pause_ms(50);
  for (int i = 0; i < 100; i++) sl_wake(loop);
  return NULL;
}

static sl_loop *signalled;
static void wake_by_signal(int number)
{
  (void)number;
  if (signalled) sl_wake(signalled);
}

static void wakes_are_remembered_once(void)
{
  sl_loop *loop = sl_loop_new();
  sl_event ev[4];
  pthread_t thread;
  for (int many = 1; many <= 1000; many *= 1000) {
    for (int i = 0; i < many; i++) EQUAL(sl_wake(loop), 0);
    EQUAL(sl_wait(loop, ev, 4, 10000000), 1);
    EQUAL(ev[0].ch, 0);
    EQUAL(ev[0].events, SL_WOKEN);
    EQUAL(sl_wait(loop, ev, 4, 0), 0);
    EQUAL(sl_wait(loop, ev, 4, 20000), 0);
  }
  int64_t before = cpu_ms();
  EQUAL(sl_wait(loop, ev, 4, 300000), 0); /* what was told is used up: no busy loop (F32) */
  CHECK(cpu_ms() - before < 150);
  before = now_ms();
  MUST(!pthread_create(&thread, NULL, wake_later, loop));
  EQUAL(sl_wait(loop, ev, 4, -1), 1);
  CHECK(now_ms() - before >= 45);
  EQUAL(ev[0].events, SL_WOKEN);
  pthread_join(thread, NULL);
  sl_wait(loop, ev, 4, 0); /* those that came after the first was told */
  EQUAL(sl_wait(loop, ev, 4, 0), 0);
  EQUAL(sl_wake(NULL), SL_INVAL);
  sl_loop_free(loop);
}

static void signals(void)
{
  sl_loop *loop = sl_loop_new();
  sl_event ev[4];
  struct sigaction act = { .sa_handler = wake_by_signal };
  struct itimerval often = { { 0, 10000 }, { 0, 10000 } }, once = { { 0, 0 }, { 0, 30000 } };
  struct itimerval never = { { 0, 0 }, { 0, 0 } };
  MUST(!sigaction(SIGALRM, &act, NULL));
  MUST(!setitimer(ITIMER_REAL, &often, NULL));
  int64_t before = now_ms();
  EQUAL(sl_wait(loop, ev, 4, 100000), 0); /* EINTR neither ends nor lengthens it */
  CHECK(now_ms() - before >= 100);
  CHECK(now_ms() - before < 1000);
  MUST(!setitimer(ITIMER_REAL, &never, NULL));
  signalled = loop;
  MUST(!setitimer(ITIMER_REAL, &once, NULL));
  EQUAL(sl_wait(loop, ev, 4, -1), 1);
  EQUAL(ev[0].events, SL_WOKEN);
  signalled = NULL;
  sl_loop_free(loop);
}

static void everybody_gets_a_turn(void)
{
  enum { MANY = 5 };
  sl_loop *loop = sl_loop_new();
  int server = listening("127.0.0.1", 0, 8);
  sl_ch ch[MANY];
  int told[MANY] = { 0 };
  for (int i = 0; i < MANY; i++) ch[i] = open_ready(loop, port_of(server));
  for (int i = 0; i < MANY; i++) sl_want(ch[i], SL_OUT);
  for (int round = 0; round < 2 * MANY; round++) {
    sl_event ev[2];
    EQUAL(sl_wait(loop, ev, round % 2 ? 1 : 2, 1000000), round % 2 ? 1 : 2);
    for (int k = 0; k < (round % 2 ? 1 : 2); k++)
      for (int i = 0; i < MANY; i++) told[i] += ch[i] == ev[k].ch;
  }
  for (int i = 0; i < MANY; i++) EQUAL(told[i], 3);
  sl_wake(loop);
  sl_event ev[MANY + 2];
  EQUAL(sl_wait(loop, ev, MANY + 2, 0), MANY + 1);
  for (int i = 0; i < MANY; i++) sl_close(ch[i], SL_FINISH);
  close(server);
  sl_loop_free(loop);
}

static void extra_descriptors(void)
{
  sl_loop *loop = sl_loop_new();
  int server = listening("127.0.0.1", 0, 8), ends[2], ready = -1;
  sl_event ev[4];
  MUST(!pipe(ends));
  struct curl_waitfd extra[] = { { ends[0], CURL_WAIT_POLLIN, 77 }, { ends[1], CURL_WAIT_POLLOUT, 77 },
                                 { -1, CURL_WAIT_POLLIN, 77 }, { ends[1], 0, 77 } };
  EQUAL(sl_wait_fds(loop, ev, 4, 10000000, extra, 4, &ready), 0);
  EQUAL(ready, 1);
  EQUAL(extra[0].revents, 0);
  EQUAL(extra[1].revents, CURL_WAIT_POLLOUT);
  EQUAL(extra[2].revents, 0);
  EQUAL(extra[3].revents, 0);
  EQUAL(sl_wait_fds(loop, ev, 4, 20000, extra, 1, &ready), 0);
  EQUAL(ready, 0);
  MUST(write(ends[1], "x", 1) == 1);
  sl_ch ch = open_ready(loop, port_of(server));
  sl_want(ch, SL_OUT);
  EQUAL(sl_wait_fds(loop, ev, 4, 10000000, extra, 2, &ready), 1);
  EQUAL(ready, 2);
  EQUAL(extra[0].revents, CURL_WAIT_POLLIN);
  EQUAL(ev[0].ch, ch);
  sl_want(ch, 0);
  MUST(read(ends[0], ev, 1) == 1);
  close(ends[1]); /* a hangup is told as what was asked for */
  EQUAL(sl_wait_fds(loop, ev, 4, 10000000, extra, 1, &ready), 0);
  EQUAL(extra[0].revents, CURL_WAIT_POLLIN);
  sl_wake(loop);
  extra[0].fd = -1;
  EQUAL(sl_wait_fds(loop, ev, 4, 10000000, extra, 1, &ready), 1);
  EQUAL(ready, 0);
  EQUAL(sl_wait_fds(loop, ev, 4, 0, NULL, 1, &ready), SL_INVAL);
  close(ends[0]);
  sl_close(ch, SL_FINISH);
  close(server);
  sl_loop_free(loop);
}

/* ---- Threads and ids ---- */

static void *open_and_close(void *server)
{
  sl_loop *loop = sl_loop_new();
  int port = port_of(*(int *)server);
  sl_ch last = 0;
  for (int i = 0; i < 400; i++) {
    sl_ch ch = open_name(loop, i % 8 ? "127.0.0.1" : "localhost", port, "family 4\n");
    if (ch <= 0 || ch == last) return "an id";
    if (i % 16 == 0 && !(wait_for(loop, ch, SL_OPENED | SL_GONE, LONG_MS) & SL_OPENED)) return "an opening";
    sl_close(ch, i % 2 ? SL_ABORT : SL_FINISH);
    if (recv_code(ch) != SL_INVAL) return "a closed id";
    last = ch;
  }
  sl_loop_free(loop);
  return NULL;
}

static atomic_bool draining;
static void *accept_all(void *server)
{
  int fd;
  while (atomic_load(&draining) && (fd = accept(*(int *)server, NULL, NULL)) >= 0) close(fd);
  return NULL;
}

static void loops_in_threads(void)
{
  enum { THREADS = 4 };
  pthread_t threads[THREADS], drain;
  int server = listening("127.0.0.1", 0, 128);
  atomic_store(&draining, true);
  MUST(!pthread_create(&drain, NULL, accept_all, &server));
  for (int i = 0; i < THREADS; i++) MUST(!pthread_create(&threads[i], NULL, open_and_close, &server));
  for (int i = 0; i < THREADS; i++) {
    void *wrong;
    pthread_join(threads[i], &wrong);
    if (wrong) check(false, wrong, __LINE__, 0);
  }
  atomic_store(&draining, false);
  shutdown(server, SHUT_RDWR);
  pthread_join(drain, NULL);
  close(server);
}

/* A caller may hold events of a channel it has just closed. */
static void ids_rest(void)
{
  sl_loop *loop = sl_loop_new();
  int server = listening("127.0.0.1", 0, 128);
  sl_ch first = open_name(loop, "127.0.0.1", port_of(server), "");
  sl_close(first, SL_ABORT);
  for (int i = 0; i < 64; i++) {
    sl_ch ch = open_name(loop, "127.0.0.1", port_of(server), "");
    CHECK(ch > 0 && ch != first);
    sl_close(ch, SL_ABORT);
  }
  close(server);
  sl_loop_free(loop);
}

/* ---- Odds and ends ---- */

static void clocks_and_chance(void)
{
  uint8_t a[1000] = { 0 }, b[1000] = { 0 };
  int64_t one = sl_now_us(NULL), two = sl_now_us(NULL);
  CHECK(one > 0 && two >= one);
  CHECK(llabs((long long)(sl_unix_ms(NULL) / 1000 - (int64_t)time(NULL))) <= 1);
  sl_random(NULL, a, sizeof a);
  sl_random(NULL, b, sizeof b);
  CHECK(memcmp(a, b, sizeof a));
  CHECK(memcmp(a + 700, b + 700, 16));
}

static void stdio_callbacks(void)
{
  FILE *f = tmpfile();
  char buf[8];
  MUST(f);
  EQUAL(sl_stdio_write((char[]){ 'a', 'b', 'c' }, 1, 3, f), 3);
  rewind(f);
  EQUAL(sl_stdio_read(buf, 1, 8, f), 3);
  CHECK(!memcmp(buf, "abc", 3));
  EQUAL(sl_stdio_read(buf, 1, 8, f), 0);
  EQUAL(sl_stdio_write(buf, 1, 0, NULL), 0);
  fclose(f);
}

static int descriptors(void)
{
  int open = 0;
  for (int fd = 0; fd < 1024; fd++) open += fcntl(fd, F_GETFD) != -1;
  return open;
}

int main(void)
{
  int before = descriptors();
  alarm(120);
  clocks_and_chance();
  stdio_callbacks();
  opens_a_literal();
  opens_by_name();
  refused();
  name_unknown();
  bad_specs();
  families_take_turns();
  second_address_wins();
  failure_gives_way_at_once("two.test");
  failure_gives_way_at_once("now.test");
  if (have_six()) {
    failure_gives_way_at_once("six.test");
    six_opens();
  } else {
    printf("posix_host: no ::1 here, its parts are skipped\n");
  }
  lookup_blocks_nobody();
  close_during_lookup();
  many_lookups();
  hung_names_make_room();
  same_name_shares();
  hung_names_through_the_door();
  long_waits();
  megabyte_there_and_back();
  unwanted_is_not_told();
  peer_resets();
  closes();
  unix_socket();
  wakes_are_remembered_once();
  everybody_gets_a_turn();
  extra_descriptors();
  loops_in_threads();
  ids_rest();
  out_of_descriptors();
  EQUAL(descriptors(), before);
  signals(); /* last: it takes SIGALRM from the watchdog */
  if (failures) printf("posix_host: %d failures\n", failures);
  return failures != 0;
}
