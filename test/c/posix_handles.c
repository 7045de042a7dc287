/* posix_handles.c: copies of handles, connections for the caller's own bytes, routes, and the callbacks around a
 * request, over real sockets, against support/server.h. */
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <netinet/in.h>
#include <unistd.h>
#include "support/check.h"
#include "support/client.h"

typedef struct {
  int calls, answer, peer_port;
  CURL *pause;
  char text[8192];
  size_t len, data_in, data_out;
} hook;

static int on_prereq(void *to, char *peer, char *local, int peer_port, int local_port)
{
  hook *h = to;
  h->calls++;
  h->peer_port = peer_port;
  CHECK(X8, !strcmp(peer, "127.0.0.1") && !strcmp(local, "127.0.0.1") && local_port > 0);
  if (h->pause) CHECK_EQ(P12, curl_easy_pause(h->pause, CURLPAUSE_RECV), CURLE_OK);
  return h->answer;
}

static void prereq(void)
{
  record r;
  hook h = { 0 };
  CURL *easy = begin(&r, "/to/302//length/100");
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_prereq);
  curl_easy_setopt(easy, CURLOPT_PREREQDATA, &h);
  CHECK_EQ(X8, curl_easy_perform(easy), CURLE_OK);
  CHECK(X8, h.calls == 2 && h.peer_port == server_port(http) && body_is(&r, 100)); /* once a request */
  unsigned requests = server_requests(http);
  h.answer = CURL_PREREQFUNC_ABORT;
  CHECK_EQ(X8, curl_easy_perform(easy), CURLE_ABORTED_BY_CALLBACK);
  CHECK(X8, !strcmp(words, "operation aborted by pre-request callback"));
  CHECK_EQ(X8, server_requests(http), requests);
  /* P12: the request goes, the answer waits. */
  CURLM *multi = curl_multi_init();
  int running = 1;
  h = (hook){ .pause = easy };
  r.len = r.lines = 0;
  set_path(easy, "/length/500");
  curl_multi_add_handle(multi, easy);
  for (double until = now() + 0.3; now() < until;) {
    curl_multi_perform(multi, &running);
    curl_multi_poll(multi, NULL, 0, 50, NULL);
  }
  CHECK(P12, server_requests(http) == requests + 1 && running == 1 && !r.lines);
  CHECK_EQ(P12, info(easy, SLUICEINFO_PAUSED), CURLPAUSE_RECV);
  curl_easy_pause(easy, CURLPAUSE_CONT);
  for (double until = now() + 5; running && now() < until;) {
    curl_multi_perform(multi, &running);
    curl_multi_poll(multi, NULL, 0, 100, NULL);
  }
  CHECK(P12, body_is(&r, 500));
  end(&r);
  curl_multi_cleanup(multi);
}

static int on_debug(CURL *easy, curl_infotype type, char *data, size_t n, void *to)
{
  hook *h = to;
  (void)easy;
  h->calls++;
  if (type == CURLINFO_DATA_IN) h->data_in += n;
  else if (type == CURLINFO_DATA_OUT) h->data_out += n;
  else if (h->len + n + 1 < sizeof h->text) {
    h->text[h->len++] = "*<>"[type];
    memcpy(h->text + h->len, data, n);
    h->len += n;
  }
  return 0;
}

static void debug(void)
{
  record r;
  hook h = { 0 };
  CURL *easy = begin(&r, "/echo");
  curl_easy_setopt(easy, CURLOPT_DEBUGFUNCTION, on_debug);
  curl_easy_setopt(easy, CURLOPT_DEBUGDATA, &h);
  curl_easy_setopt(easy, CURLOPT_POSTFIELDS, "12345");
  CHECK_EQ(X6, curl_easy_perform(easy), CURLE_OK);
  CHECK_EQ(X6, h.calls, 0);
  curl_easy_setopt(easy, CURLOPT_VERBOSE, 1L);
  curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
  r.refuse = r.refuse_line = 1; /* nothing is shown twice */
  r.unpause_after = 1;
  CHECK_EQ(X6, curl_easy_perform(easy), CURLE_OK);
  CHECK(X6, h.data_in == 5 && h.data_out == 5);
  CHECK(X6, !strncmp(h.text, "*Reusing the connection to 127.0.0.1 (127.0.0.1 ", 48));
  CHECK(X6, strstr(h.text, ">POST /echo HTTP/1.1\r\nHost: "));
  const char *head = strstr(h.text, "<HTTP/1.1 200 OK\r\n<Content-Type: text/x-test\r\n<Content-Length: 5\r\n<\r\n");
  CHECK(X6, head && head[69] == 0);
  h = (hook){ 0 };
  set_path(easy, "/gone");
  curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L); /* a POST would not be sent again over the next connection */
  CHECK_EQ(X6, curl_easy_perform(easy), CURLE_GOT_NOTHING);
  CHECK(X6, strstr(h.text, "*Connected to 127.0.0.1 (127.0.0.1 ") && strstr(h.text, "*Empty reply from server"));
  end(&r);
}

static void copies(void)
{
  record r;
  char request[4096], url[64];
  CURL *easy = begin(&r, "/echo");
  struct curl_slist *list = curl_slist_append(NULL, "X-Mine: 1");
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, list);
  curl_easy_setopt(easy, CURLOPT_USERPWD, "me:pw");
  curl_easy_setopt(easy, CURLOPT_USERAGENT, "copy/1");
  curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, 3L);
  curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, "a\0b");
  curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, "PATCH");
  curl_easy_setopt(easy, CURLOPT_PRIVATE, &r);
  snprintf(url, sizeof url, "%s", text_info(easy, CURLINFO_EFFECTIVE_URL));
  CURL *copy = curl_easy_duphandle(easy);
  curl_easy_reset(easy); /* they share nothing that is owned */
  CHECK(X6, copy != NULL);
  CHECK_EQ(X6, curl_easy_perform(copy), CURLE_OK);
  server_request(http, request, sizeof request);
  CHECK(X6, !strncmp(request, "PATCH /echo ", 12) && strstr(request, "\r\nX-Mine: 1\r\n"));
  CHECK(X6, strstr(request, "\r\nUser-Agent: copy/1\r\n") && strstr(request, "\r\nAuthorization: Basic bWU6cHc=\r\n"));
  CHECK(X6, r.len == 3 && !memcmp(r.body, "a\0b", 3));
  CHECK(X6, !strcmp(text_info(copy, CURLINFO_EFFECTIVE_URL), url) && text_info(copy, CURLINFO_PRIVATE) == (char *)&r);
  CHECK_EQ(X6, info(copy, CURLINFO_NUM_CONNECTS), 1);
  CHECK(X6, !curl_easy_duphandle(NULL));
  curl_easy_cleanup(copy);
  curl_slist_free_all(list);
  end(&r);
}

/* Everything that was asked for comes, in its time. */
static size_t receive_all(CURL *easy, char *buf, size_t size)
{
  size_t len = 0, n;
  curl_socket_t fd = CURL_SOCKET_BAD;
  CHECK_EQ(T4, curl_easy_getinfo(easy, CURLINFO_ACTIVESOCKET, &fd), CURLE_OK);
  for (double until = now() + 5; now() < until;) {
    CURLcode code = curl_easy_recv(easy, buf + len, size - len, &n);
    if (code == CURLE_AGAIN) {
      struct pollfd p = { .fd = fd, .events = POLLIN };
      poll(&p, 1, 100);
      continue;
    }
    if (code || !n) break;
    len += n;
    if (strstr(buf, "early")) break;
  }
  return len;
}

static void raw(void)
{
  record r;
  char buf[4096] = "";
  size_t n = 77;
  static const char request[] = "GET /early HTTP/1.1\r\nHost: x\r\n\r\n";
  CURL *easy = begin(&r, "/");
  unsigned requests = server_requests(http);
  CHECK_EQ(T4, curl_easy_recv(easy, buf, sizeof buf, &n), CURLE_UNSUPPORTED_PROTOCOL);
  curl_easy_setopt(easy, CURLOPT_CONNECT_ONLY, 1L);
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, 300L);
  CHECK_EQ(T4, curl_easy_perform(easy), CURLE_OK);
  CHECK(T4, info(easy, CURLINFO_RESPONSE_CODE) == 0 && !r.lines && !r.calls);
  CHECK_EQ(T4, curl_easy_recv(easy, buf, sizeof buf, &n), CURLE_AGAIN);
  CHECK_EQ(T4, n, 0);
  struct timespec wait = { .tv_nsec = 400000000 };
  nanosleep(&wait, NULL); /* F39: no limit is left */
  CHECK_EQ(F39, curl_easy_send(easy, request, sizeof request - 1, &n), CURLE_OK);
  CHECK_EQ(F39, n, sizeof request - 1);
  CHECK(T4, receive_all(easy, buf, sizeof buf - 1) > 50 && !strncmp(buf, "HTTP/1.1 103", 12));
  CHECK_EQ(T4, server_requests(http), requests + 1);
  /* Another transfer of the handle has a connection of its own. */
  curl_easy_setopt(easy, CURLOPT_CONNECT_ONLY, 0L);
  set_path(easy, "/length/10");
  CHECK_EQ(T4, curl_easy_perform(easy), CURLE_OK);
  CHECK(T4, body_is(&r, 10) && info(easy, CURLINFO_NUM_CONNECTS) == 1);
  CHECK_EQ(T4, curl_easy_recv(easy, buf, sizeof buf, &n), CURLE_UNSUPPORTED_PROTOCOL);
  end(&r);
  /* In a multi: as long as it is in there. What comes does not spin the loop (F2). */
  CURLM *multi = curl_multi_init();
  int running = 1;
  easy = begin(&r, "/");
  curl_easy_setopt(easy, CURLOPT_CONNECT_ONLY, 1L);
  curl_multi_add_handle(multi, easy);
  for (double until = now() + 5; running && now() < until;) {
    curl_multi_perform(multi, &running);
    curl_multi_poll(multi, NULL, 0, 50, NULL);
  }
  CHECK_EQ(T4, curl_easy_send(easy, request, sizeof request - 1, &n), CURLE_OK);
  int turns = 0;
  for (double until = now() + 0.2; now() < until; turns++) {
    curl_multi_perform(multi, &running);
    curl_multi_poll(multi, NULL, 0, 100, NULL);
  }
  CHECK(F2, turns < 10);
  memset(buf, 0, sizeof buf);
  CHECK(T4, receive_all(easy, buf, sizeof buf - 1) > 50);
  /* The peer ends. */
  static const char gone[] = "GET /gone HTTP/1.1\r\n\r\n";
  curl_easy_send(easy, gone, sizeof gone - 1, &n);
  memset(buf, 0, sizeof buf);
  CHECK_EQ(T4, receive_all(easy, buf, sizeof buf - 1), 0);
  CHECK_EQ(T4, curl_easy_recv(easy, buf, sizeof buf, &n), CURLE_OK);
  CHECK_EQ(T4, n, 0);
  curl_multi_remove_handle(multi, easy);
  CHECK_EQ(T4, curl_easy_recv(easy, buf, sizeof buf, &n), CURLE_UNSUPPORTED_PROTOCOL);
  end(&r);
  curl_multi_cleanup(multi);
}

static void routes(void)
{
  static const struct { CURLoption option; const char *text; CURLcode code; } checks[] = {
    { CURLOPT_RESOLVE, "h:80:127.0.0.1", CURLE_OK }, { CURLOPT_RESOLVE, "+h:80:[::1]", CURLE_OK },
    { CURLOPT_RESOLVE, "h:80:::1", CURLE_OK }, { CURLOPT_RESOLVE, "-h:80", CURLE_OK },
    { CURLOPT_RESOLVE, "*:80:127.0.0.1", CURLE_OK }, { CURLOPT_RESOLVE, "h:80:127.0.0.1,::1", CURLE_NOT_BUILT_IN },
    { CURLOPT_RESOLVE, "h:80:name", CURLE_SETOPT_OPTION_SYNTAX }, { CURLOPT_RESOLVE, "h:80:", CURLE_SETOPT_OPTION_SYNTAX },
    { CURLOPT_RESOLVE, "h:0:127.0.0.1", CURLE_SETOPT_OPTION_SYNTAX }, { CURLOPT_RESOLVE, "h", CURLE_SETOPT_OPTION_SYNTAX },
    { CURLOPT_RESOLVE, "", CURLE_SETOPT_OPTION_SYNTAX }, { CURLOPT_RESOLVE, "[::1:80:1", CURLE_SETOPT_OPTION_SYNTAX },
    { CURLOPT_RESOLVE, "h:80:1\nport 5", CURLE_SETOPT_OPTION_SYNTAX },
    { CURLOPT_CONNECT_TO, "h:80:other:81", CURLE_OK }, { CURLOPT_CONNECT_TO, ":::", CURLE_OK },
    { CURLOPT_CONNECT_TO, "[::1]:80:[::1]:", CURLE_OK }, { CURLOPT_CONNECT_TO, "h:80:other", CURLE_SETOPT_OPTION_SYNTAX },
    { CURLOPT_CONNECT_TO, "h:80:o\nx 1:1", CURLE_SETOPT_OPTION_SYNTAX }, { CURLOPT_CONNECT_TO, "h:1:o:99999", CURLE_SETOPT_OPTION_SYNTAX },
    { CURLOPT_CONNECT_TO, "h:1:o:1:1", CURLE_SETOPT_OPTION_SYNTAX },
  };
  record r;
  char request[4096], text[128], url[128];
  CURL *easy = begin(&r, "/");
  for (size_t i = 0; i < sizeof checks / sizeof *checks; i++) {
    struct curl_slist *list = curl_slist_append(NULL, checks[i].text);
    if (!CHECK_EQ(X, curl_easy_setopt(easy, checks[i].option, list), checks[i].code))
      fprintf(stderr, "    %s\n", checks[i].text);
    curl_easy_setopt(easy, checks[i].option, NULL);
    curl_slist_free_all(list);
  }
  static const char *resolves[] = { "nowhere.invalid:8123:127.0.0.1", "-nowhere.invalid:8123" };
  for (int i = 0; i < 4; i++) {
    /* A name that is looked up nowhere; Host goes by the URL. */
    struct curl_slist *to = NULL, *at = NULL;
    snprintf(text, sizeof text, i == 1 ? ":8123:127.0.0.1:%d" : "nowhere.INVALID:8123::%d", server_port(http));
    if (i < 2) to = curl_slist_append(NULL, text);
    snprintf(text, sizeof text, "*:%d:127.0.0.1", server_port(http));
    if (i == 0) at = curl_slist_append(NULL, text);
    if (i >= 2) at = curl_slist_append(NULL, resolves[0]);
    if (i == 3) at = curl_slist_append(at, resolves[1]);
    snprintf(url, sizeof url, "http://nowhere.invalid:8123/length/%d", i + 1);
    curl_easy_setopt(easy, CURLOPT_URL, url);
    CHECK_EQ(X, curl_easy_setopt(easy, CURLOPT_CONNECT_TO, to), CURLE_OK);
    CHECK_EQ(X, curl_easy_setopt(easy, CURLOPT_RESOLVE, at), CURLE_OK);
    r.len = 0;
    CURLcode code = curl_easy_perform(easy);
    if (i < 2) {
      if (!CHECK_EQ(X, code, CURLE_OK)) fprintf(stderr, "    %s\n", words);
      server_request(http, request, sizeof request);
      CHECK(X, body_is(&r, (size_t)i + 1) && strstr(request, "\r\nHost: nowhere.invalid:8123\r\n"));
    } else CHECK_EQ(X, code, i == 2 ? CURLE_COULDNT_CONNECT : CURLE_COULDNT_RESOLVE_HOST);
    curl_slist_free_all(to);
    curl_slist_free_all(at);
  }
  end(&r);
}

/* X8: the program opens, prepares and closes the sockets. */

typedef struct {
  int opened, prepared, closed, answer;
  bool refuses, connects;
  CURLM *multi;
} hooks;

static curl_socket_t on_open(void *to, curlsocktype what, struct curl_sockaddr *at)
{
  hooks *h = to;
  int running;
  h->opened++;
  CHECK(X8, what == CURLSOCKTYPE_IPCXN && at->family == AF_INET && at->addrlen == sizeof(struct sockaddr_in));
  CHECK(X8, at->addr.sa_family == AF_INET && at->socktype == SOCK_STREAM);
  if (h->multi) CHECK_EQ(X6, curl_multi_perform(h->multi, &running), CURLM_RECURSIVE_API_CALL);
  if (h->refuses) return CURL_SOCKET_BAD;
  int fd = socket(at->family, at->socktype, at->protocol);
  if (h->connects) CHECK_EQ(X8, connect(fd, &at->addr, at->addrlen), 0);
  return fd;
}

static int on_sockopt(void *to, curl_socket_t fd, curlsocktype what)
{
  hooks *h = to;
  CHECK(X8, fd >= 0 && what == CURLSOCKTYPE_IPCXN);
  h->prepared++;
  return h->answer;
}

static int on_close(void *to, curl_socket_t fd)
{
  ((hooks *)to)->closed++;
  return close(fd);
}

static CURL *begin_hooked(record *r, hooks *h, const char *path)
{
  CURL *easy = begin(r, path);
  CHECK_EQ(X8, curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open), CURLE_OK);
  CHECK_EQ(X8, curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, h), CURLE_OK);
  CHECK_EQ(X8, curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, on_sockopt), CURLE_OK);
  CHECK_EQ(X8, curl_easy_setopt(easy, CURLOPT_SOCKOPTDATA, h), CURLE_OK);
  CHECK_EQ(X8, curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, on_close), CURLE_OK);
  CHECK_EQ(X8, curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, h), CURLE_OK);
  return easy;
}

static void sockets(void)
{
  static const struct { hooks with; CURLcode code; } cases[] = {
    { { .answer = CURL_SOCKOPT_OK }, CURLE_OK },
    { { .connects = true, .answer = CURL_SOCKOPT_ALREADY_CONNECTED }, CURLE_OK },
    { { .answer = CURL_SOCKOPT_ERROR }, CURLE_ABORTED_BY_CALLBACK },
    { { .refuses = true }, CURLE_COULDNT_CONNECT } };
  for (int i = 0; i < 4; i++) {
    record r;
    hooks h = cases[i].with;
    CURL *easy = begin_hooked(&r, &h, "/length/100");
    if (!CHECK_EQ(X8, curl_easy_perform(easy), cases[i].code)) fprintf(stderr, "    case %d: %s\n", i, words);
    CHECK(X8, h.opened == 1 && h.prepared == (i < 3) && h.closed == (i == 2));
    CHECK(X8, i > 1 || body_is(&r, 100));
    if (i < 2) CHECK_EQ(X2, curl_easy_perform(easy), CURLE_OK); /* reused: nothing is opened */
    CHECK(X8, h.opened == 1);
    end(&r);
    CHECK_EQ(X8, h.closed, i < 3);
  }
  record r;
  hooks h = { .multi = curl_multi_init() };
  int running = 1;
  CURL *easy = begin_hooked(&r, &h, "/length/100");
  curl_multi_add_handle(h.multi, easy);
  for (double until = now() + 5; running && now() < until;) {
    curl_multi_perform(h.multi, &running);
    curl_multi_poll(h.multi, NULL, 0, 50, NULL);
  }
  CHECK(X8, body_is(&r, 100));
  end(&r); /* the connection and its hooks outlive the handle */
  CHECK_EQ(X8, h.closed, 0);
  curl_multi_cleanup(h.multi);
  CHECK_EQ(X8, h.closed, 1);
}

int main(void)
{
  if (!(http = server_start())) return 1;
  prereq();
  debug();
  copies();
  raw();
  routes();
  sockets();
  server_stop(http);
  return check_result();
}
