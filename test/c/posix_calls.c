/* posix_calls.c: what may be called from which callback (X6, X4, X5, P3), all of it: every kind of callback tries every
 * call once, in a transfer that goes through all of them: a PUT in chunks with trailers that is redirected and rewound,
 * over sockets of the program's own. The transfer must not notice. */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "support/check.h"
#include "support/client.h"

#define SECONDS 20 /* a test that hangs should fail */

enum kind {
  WRITE, HEADER, READ, SEEK, IOCTL, TRAILER, PROGRESS, XFERINFO, DEBUG, TRACE, PREREQ, OPENSOCKET, SOCKOPT, CLOSESOCKET, SOCKET,
  TIMER, NOTIFY, KINDS
};
static const char *const names[] = { "write", "header", "read", "seek", "ioctl", "trailer", "progress", "xferinfo", "debug",
  "trace", "prereq", "opensocket", "sockopt", "closesocket", "socket", "timer", "notify" };

static struct {
  CURL *easy;       /* the transfer, in `multi` or on its own */
  CURLM *multi;
  CURL *idle;       /* in no multi                            */
  bool seen[KINDS];
  bool busy;        /* the calls are being tried              */
} on;

/* X4: nothing happens; the transfer goes on as it was. */
static void take_apart(void)
{
  curl_easy_cleanup(on.easy);
  curl_easy_reset(on.easy);
  if (on.multi) CHECK_EQ(X4, curl_multi_cleanup(on.multi), CURLM_RECURSIVE_API_CALL);
}

static void easy_calls(enum kind k)
{
  char *url = NULL, buf[4];
  size_t n;
  bool refused = k == SOCKET || k == TIMER || k == TRACE, runs = k != NOTIFY;
  CURLcode pause = refused ? CURLE_RECURSIVE_API_CALL : runs ? CURLE_OK : CURLE_BAD_FUNCTION_ARGUMENT;
  CHECK_EQ(P3, curl_easy_pause(on.easy, CURLPAUSE_CONT), pause);
  if (k == SOCKET) CHECK_EQ(F22, curl_easy_pause(on.easy, CURLPAUSE_ALL), CURLE_RECURSIVE_API_CALL);
  CHECK_EQ(X6, curl_easy_getinfo(on.easy, CURLINFO_EFFECTIVE_URL, &url), CURLE_OK);
  CHECK_EQ(X6, curl_easy_setopt(on.easy, CURLOPT_PRIVATE, url), CURLE_OK);
  CURL *copy = curl_easy_duphandle(on.easy);
  CHECK(X6, copy != NULL);
  curl_easy_cleanup(copy);
  bool own = k != SOCKET && k != TIMER && k != NOTIFY && !(on.multi && k >= OPENSOCKET); /* a callback of the handle */
  CHECK_EQ(X5, curl_easy_perform(on.easy), own ? CURLE_RECURSIVE_API_CALL : CURLE_FAILED_INIT);
  if (own) {
    CHECK_EQ(X6, curl_easy_recv(on.easy, buf, sizeof buf, &n), CURLE_RECURSIVE_API_CALL);
    CHECK_EQ(X6, curl_easy_send(on.easy, buf, sizeof buf, &n), CURLE_RECURSIVE_API_CALL);
    CHECK_EQ(X6, curl_easy_upkeep(on.easy), CURLE_RECURSIVE_API_CALL);
  }
  record r;
  begin(&r, "/length/10"); /* X5: an unrelated one works */
  CHECK_EQ(X5, curl_easy_perform(r.easy), CURLE_OK);
  CHECK(X5, body_is(&r, 10));
  end(&r);
}

/* Allowed everywhere. */
static void multi_calls(void)
{
  curl_off_t count = -1;
  CURL **list = curl_multi_get_handles(on.multi);
  CHECK(X6, list && list[0] == on.easy && !list[1]);
  curl_free(list);
  CHECK_EQ(X6, curl_multi_assign(on.multi, 100000, NULL), CURLM_BAD_SOCKET);
  CHECK_EQ(X6, curl_multi_notify_disable(on.multi, CURLMNOTIFY_EASY_DONE), CURLM_OK);
  CHECK_EQ(X6, curl_multi_notify_enable(on.multi, CURLMNOTIFY_EASY_DONE), CURLM_OK);
  CHECK_EQ(X6, curl_multi_get_offt(on.multi, CURLMINFO_XFERS_CURRENT, &count), CURLM_OK);
  CHECK_EQ(X6, count, 1);
  CHECK_EQ(X6, curl_multi_wakeup(on.multi), CURLM_OK);
}

/* Refused everywhere, but that a notify callback may do some. */
static void refused_calls(enum kind k)
{
  CURLMcode refused = CURLM_RECURSIVE_API_CALL, some = k == NOTIFY ? CURLM_OK : refused;
  CURLM *m = on.multi;
  int n;
  long ms;
  unsigned count;
  fd_set in, out, bad;
  FD_ZERO(&in);
  FD_ZERO(&out);
  FD_ZERO(&bad);
  CHECK_EQ(X6, curl_multi_perform(m, &n), refused);
  CHECK_EQ(X6, curl_multi_socket_action(m, CURL_SOCKET_TIMEOUT, 0, &n), refused);
  CHECK_EQ(X6, curl_multi_add_handle(m, on.idle), some);
  CHECK_EQ(X6, curl_multi_remove_handle(m, k == NOTIFY ? on.idle : on.easy), some);
  CHECK_EQ(X6, curl_multi_poll(m, NULL, 0, 0, &n), some);
  CHECK_EQ(X6, curl_multi_wait(m, NULL, 0, 0, &n), some);
  CHECK_EQ(X6, curl_multi_fdset(m, &in, &out, &bad, &n), some);
  CHECK_EQ(X6, curl_multi_waitfds(m, NULL, 0, &count), some);
  CHECK_EQ(X6, curl_multi_timeout(m, &ms), some);
  CHECK_EQ(X6, curl_multi_setopt(m, CURLMOPT_MAXCONNECTS, 0L), some);
}

static void called(enum kind k)
{
  if (on.busy || on.seen[k]) return;
  on.busy = on.seen[k] = true;
  int before = check_failures;
  easy_calls(k);
  if (on.multi) multi_calls();
  if (on.multi) refused_calls(k);
  if (k != NOTIFY) take_apart();
  else CHECK_EQ(X4, curl_multi_cleanup(on.multi), CURLM_RECURSIVE_API_CALL);
  if (check_failures > before) fprintf(stderr, "    in the %s callback\n", names[k]);
  on.busy = false;
}

static size_t calls_write(char *data, size_t size, size_t n, void *to)
{
  called(WRITE);
  return on_write(data, size, n, to);
}

static size_t calls_header(char *data, size_t size, size_t n, void *to)
{
  called(HEADER);
  return on_header(data, size, n, to);
}

static size_t calls_read(char *buf, size_t size, size_t n, void *to)
{
  bool *given = to;
  called(READ);
  if (*given) return 0;
  *given = true;
  memcpy(buf, "body", 4);
  return size * n < 4 ? 0 : 4;
}

static int calls_seek(void *to, curl_off_t offset, int origin)
{
  called(SEEK);
  *(bool *)to = false;
  return offset || origin ? CURL_SEEKFUNC_FAIL : CURL_SEEKFUNC_OK;
}

static curlioerr calls_ioctl(CURL *easy, int cmd, void *to)
{
  called(IOCTL);
  *(bool *)to = false;
  return easy == on.easy && cmd == CURLIOCMD_RESTARTREAD ? CURLIOE_OK : CURLIOE_FAILRESTART;
}

static int calls_trailer(struct curl_slist **list, void *to)
{
  (void)to;
  called(TRAILER);
  *list = curl_slist_append(*list, "X-Trailer: yes");
  return CURL_TRAILERFUNC_OK;
}

static int calls_progress(void *to, double total, double at, double up_total, double up)
{
  (void)to, (void)total, (void)at, (void)up_total, (void)up;
  called(PROGRESS);
  return 0;
}

static int calls_xferinfo(void *to, curl_off_t total, curl_off_t at, curl_off_t up_total, curl_off_t up)
{
  (void)to, (void)total, (void)at, (void)up_total, (void)up;
  called(XFERINFO);
  return 0;
}

static int calls_debug(CURL *easy, curl_infotype type, char *data, size_t n, void *to)
{
  (void)easy, (void)data, (void)n, (void)to;
  if (type == CURLINFO_HEADER_OUT) called(DEBUG);
  return 0;
}

static void calls_trace(CURL *easy, int kind, curl_off_t a, curl_off_t b, void *to)
{
  (void)kind, (void)a, (void)b;
  CHECK(B13, easy == on.easy && to == &on);
  called(TRACE);
}

static int calls_prereq(void *to, char *peer, char *local, int peer_port, int local_port)
{
  (void)to, (void)peer, (void)local, (void)peer_port, (void)local_port;
  called(PREREQ);
  return CURL_PREREQFUNC_OK;
}

static curl_socket_t calls_opensocket(void *to, curlsocktype what, struct curl_sockaddr *at)
{
  (void)to, (void)what;
  called(OPENSOCKET);
  return socket(at->family, at->socktype, at->protocol);
}

static int calls_sockopt(void *to, curl_socket_t fd, curlsocktype what)
{
  (void)to, (void)fd, (void)what;
  called(SOCKOPT);
  return CURL_SOCKOPT_OK;
}

static int calls_closesocket(void *to, curl_socket_t fd)
{
  (void)to;
  called(CLOSESOCKET);
  return close(fd);
}

static int calls_socket(CURL *easy, curl_socket_t fd, int what, void *to, void *socketp)
{
  (void)easy, (void)fd, (void)what, (void)to, (void)socketp;
  called(SOCKET);
  return 0;
}

static int calls_timer(CURLM *multi, long ms, void *to)
{
  (void)multi, (void)ms, (void)to;
  called(TIMER);
  return 0;
}

static void calls_notify(CURLM *multi, unsigned int what, CURL *easy, void *to)
{
  (void)multi, (void)what, (void)easy, (void)to;
  called(NOTIFY);
}

/* The second round has the two callbacks that the first ones stand before. */
static CURL *begin_calls(record *r, bool *given, bool second, struct curl_slist *headers)
{
  CURL *easy = begin(r, "/to/307/../../echo");
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, calls_write);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, calls_header);
  curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
  curl_easy_setopt(easy, CURLOPT_READFUNCTION, calls_read);
  curl_easy_setopt(easy, CURLOPT_READDATA, given);
  if (second) curl_easy_setopt(easy, CURLOPT_IOCTLFUNCTION, calls_ioctl);
  else curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, calls_seek);
  curl_easy_setopt(easy, second ? CURLOPT_IOCTLDATA : CURLOPT_SEEKDATA, given);
  curl_easy_setopt(easy, CURLOPT_TRAILERFUNCTION, calls_trailer);
  curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, second ? NULL : calls_xferinfo);
  curl_easy_setopt(easy, CURLOPT_PROGRESSFUNCTION, calls_progress);
  curl_easy_setopt(easy, CURLOPT_VERBOSE, 1L);
  curl_easy_setopt(easy, CURLOPT_DEBUGFUNCTION, calls_debug);
  CHECK_EQ(B13, curl_easy_setopt(easy, SLUICEOPT_TRACEFUNCTION, calls_trace), CURLE_OK);
  CHECK_EQ(B13, curl_easy_setopt(easy, SLUICEOPT_TRACEDATA, &on), CURLE_OK);
  curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, calls_prereq);
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, calls_opensocket);
  curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, calls_sockopt);
  curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, calls_closesocket);
  return easy;
}

static CURLM *begin_multi(void)
{
  CURLM *multi = curl_multi_init();
  curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, calls_socket);
  curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, calls_timer);
  curl_multi_setopt(multi, CURLMOPT_NOTIFYFUNCTION, calls_notify);
  curl_multi_notify_enable(multi, CURLMNOTIFY_EASY_DONE);
  return multi;
}

static CURLcode drive(CURLM *multi, CURL *easy)
{
  int running = 1, left;
  CHECK_EQ(X6, curl_multi_add_handle(multi, easy), CURLM_OK);
  for (double until = now() + SECONDS; running && now() < until;) {
    CHECK_EQ(X6, curl_multi_perform(multi, &running), CURLM_OK);
    if (running) curl_multi_poll(multi, NULL, 0, 1000, NULL);
  }
  const CURLMsg *m = curl_multi_info_read(multi, &left);
  CURLcode code = m ? m->data.result : CURLE_UNRECOVERABLE_POLL;
  curl_multi_remove_handle(multi, easy);
  return code;
}

static void test_all(void)
{
  struct curl_slist *headers = curl_slist_append(NULL, "Expect:");
  for (int way = 0; way < 4; way++) {
    bool second = way & 1, in_multi = way & 2, given = false;
    record r;
    memset(&on, 0, sizeof on);
    on.idle = curl_easy_init();
    on.easy = begin_calls(&r, &given, second, headers);
    on.multi = in_multi ? begin_multi() : NULL;
    CURLcode code = in_multi ? drive(on.multi, on.easy) : curl_easy_perform(on.easy);
    if (!CHECK_EQ(X6, code, CURLE_OK)) fprintf(stderr, "    %s\n", words);
    CHECK(X6, r.len == 4 && !memcmp(r.body, "body", 4));
    for (int k = 0; k < KINDS; k++) {
      bool other = k == (second ? SEEK : IOCTL) || k == (second ? XFERINFO : PROGRESS);
      if (!CHECK_EQ(X6, on.seen[k], !other && (in_multi || k < SOCKET))) fprintf(stderr, "    the %s callback\n", names[k]);
    }
    end(&r);
    curl_easy_cleanup(on.idle);
    if (in_multi) CHECK_EQ(X4, curl_multi_cleanup(on.multi), CURLM_OK);
  }
  curl_slist_free_all(headers);
}

/* X4: closing a handle calls back; what is tried there is refused as ever. */
static int close_and_call(void *to, curl_socket_t fd)
{
  ++*(int *)to;
  CHECK_EQ(X5, curl_easy_perform(on.easy), CURLE_RECURSIVE_API_CALL);
  curl_easy_reset(on.easy);
  curl_easy_cleanup(on.easy);
  return close(fd);
}

static void test_cleanup(void)
{
  record r;
  int closed = 0;
  memset(&on, 0, sizeof on);
  on.easy = begin(&r, "/length/10");
  curl_easy_setopt(on.easy, CURLOPT_CLOSESOCKETFUNCTION, close_and_call);
  curl_easy_setopt(on.easy, CURLOPT_CLOSESOCKETDATA, &closed);
  CHECK_EQ(X4, curl_easy_perform(on.easy), CURLE_OK);
  CHECK_EQ(X4, closed, 0);
  end(&r);
  CHECK_EQ(X4, closed, 1);
}

/* P3: however often a callback pauses and unpauses its own transfer, callbacks do not nest beyond the one delivery that an
 * unpause makes; every call is answered with 0, and every byte comes once, in order. */
static struct { int depth, deepest, pauses, refusals; record *r; } nest;

static void pause_often(void)
{
  for (int i = 0; i < 20; i++) {
    CHECK_EQ(P3, curl_easy_pause(nest.r->easy, i % 2 ? CURLPAUSE_CONT : CURLPAUSE_RECV), CURLE_OK);
    nest.pauses++;
  }
}

static size_t nest_write(char *data, size_t size, size_t n, void *to)
{
  if (++nest.depth > nest.deepest) nest.deepest = nest.depth;
  bool refuse = nest.r->calls % 3 == 1 && nest.refusals < 500; /* however often progress was called meanwhile */
  if (nest.pauses < 10000) pause_often();
  nest.depth--;
  if (refuse) {
    nest.refusals++;
    nest.r->calls++;
    return CURL_WRITEFUNC_PAUSE;
  }
  return on_write(data, size, n, to);
}

static int nest_progress(void *to, curl_off_t total, curl_off_t at, curl_off_t up_total, curl_off_t up)
{
  (void)to, (void)total, (void)at, (void)up_total, (void)up;
  nest.depth++;
  if (info(nest.r->easy, CURLINFO_RESPONSE_CODE)) pause_often();
  CHECK_EQ(F26, curl_easy_perform(nest.r->easy), CURLE_RECURSIVE_API_CALL); /* still inside, whatever was called back */
  nest.depth--;
  return 0;
}

static void test_nesting(void)
{
  record r;
  CURL *easy = begin(&r, "/length/300000");
  memset(&nest, 0, sizeof nest);
  nest.r = &r;
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, nest_write);
  curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, nest_progress);
  CHECK_EQ(P3, curl_easy_perform(easy), CURLE_OK);
  CHECK(P3, body_is(&r, 300000));
  CHECK(P3, nest.pauses > 100 && nest.deepest == 2);
  end(&r);
}

/* P10: receive paused while its socket is made: it does not connect any further before it is unpaused. */
static curl_socket_t open_and_pause(void *to, curlsocktype what, struct curl_sockaddr *at)
{
  (void)to, (void)what;
  CHECK_EQ(P3, curl_easy_pause(on.easy, CURLPAUSE_RECV), CURLE_OK);
  return socket(at->family, at->socktype, at->protocol);
}

static void test_pause_opening(void)
{
  CURLM *multi = curl_multi_init();
  record r;
  int running = 1;
  unsigned requests = server_requests(http);
  on.easy = begin(&r, "/length/10");
  curl_easy_setopt(on.easy, CURLOPT_OPENSOCKETFUNCTION, open_and_pause);
  curl_multi_add_handle(multi, on.easy);
  for (double until = now() + SECONDS; running && now() < until;) {
    curl_multi_perform(multi, &running);
    curl_multi_poll(multi, NULL, 0, 50, NULL);
    if (now() < until - SECONDS + 0.3) continue;
    CHECK(P10, server_requests(http) == requests || !info(on.easy, SLUICEINFO_PAUSED));
    if (info(on.easy, SLUICEINFO_PAUSED)) CHECK_EQ(P10, curl_easy_pause(on.easy, CURLPAUSE_CONT), CURLE_OK);
  }
  CHECK(P10, body_is(&r, 10) && server_requests(http) == requests + 1);
  end(&r);
  curl_multi_cleanup(multi);
}

static void test_counts(void)
{
  static const struct { CURLMinfo_offt what; curl_off_t before, first, after; } infos[] = {
    { CURLMINFO_XFERS_CURRENT, 2, 2, 0 }, { CURLMINFO_XFERS_RUNNING, 2, 1, 0 }, { CURLMINFO_XFERS_PENDING, 0, 1, 0 },
    { CURLMINFO_XFERS_DONE, 0, 0, 1 }, { CURLMINFO_XFERS_ADDED, 2, 2, 2 } };
  CURLM *multi = curl_multi_init();
  record r[2];
  int running = 2;
  curl_off_t value = 7;
  curl_multi_setopt(multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, 1L);
  for (int i = 0; i < 2; i++) curl_multi_add_handle(multi, begin(&r[i], i ? "/length/10" : "/hang"));
  for (int i = 0; i < 5; i++) {
    CHECK_EQ(X6, curl_multi_get_offt(multi, infos[i].what, &value), CURLM_OK);
    CHECK_EQ(X6, value, infos[i].before);
  }
  curl_multi_perform(multi, &running); /* the second one waits for the connection of the first */
  for (int i = 0; i < 5; i++) {
    CHECK_EQ(X6, curl_multi_get_offt(multi, infos[i].what, &value), CURLM_OK);
    CHECK_EQ(X6, value, infos[i].first);
  }
  curl_multi_remove_handle(multi, r[0].easy);
  for (double until = now() + SECONDS; running && now() < until;) {
    curl_multi_perform(multi, &running);
    curl_multi_poll(multi, NULL, 0, 100, NULL);
  }
  for (int i = 0; i < 5; i++) {
    CHECK_EQ(X6, curl_multi_get_offt(multi, infos[i].what, &value), CURLM_OK);
    CHECK_EQ(X6, value, infos[i].after + !i); /* it is in until it is removed */
  }
  CHECK_EQ(X6, curl_multi_get_offt(multi, CURLMINFO_NONE, &value), CURLM_UNKNOWN_OPTION);
  CHECK_EQ(X6, curl_multi_get_offt(multi, CURLMINFO_LASTENTRY, &value), CURLM_UNKNOWN_OPTION);
  CHECK_EQ(X6, curl_multi_get_offt(multi, CURLMINFO_XFERS_DONE, NULL), CURLM_BAD_FUNCTION_ARGUMENT);
  CHECK_EQ(X6, curl_multi_get_offt(NULL, CURLMINFO_XFERS_DONE, &value), CURLM_BAD_HANDLE);
  CHECK_EQ(X6, curl_easy_upkeep(r[0].easy), CURLE_OK);
  CHECK_EQ(X6, curl_easy_upkeep(NULL), CURLE_BAD_FUNCTION_ARGUMENT);
  curl_multi_cleanup(multi);
  for (int i = 0; i < 2; i++) end(&r[i]);
}

int main(void)
{
  if (!(http = server_start())) return 1;
  test_all();
  test_cleanup();
  test_nesting();
  test_pause_opening();
  test_counts();
  server_stop(http);
  return check_result();
}
