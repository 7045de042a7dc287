/* posix_pause.c: curl_easy_pause and refused deliveries over real sockets, against support/server.h: from every callback,
 * from outside, in every phase, for every way a body is delimited. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "support/check.h"
#include "support/client.h"

#define SECONDS 20 /* a test that hangs should fail */
#define HELD_MAX (16384 + 65536) /* B4 */

enum place { NOWHERE, IN_WRITE, IN_HEADER, IN_PROGRESS, IN_DEBUG, IN_PREREQ, IN_OPEN, PLACES };

/* A transfer that pauses once, in one of its callbacks, and sees that nothing wrong comes meanwhile. */
typedef struct {
  CURL *easy;
  enum place at;
  int when;             /* ... at the so many-th call of that callback            */
  bool refuse;          /* by its answer, not by a call                           */
  bool last_line;       /* IN_HEADER: at the empty line                           */
  int calls[PLACES];
  bool paused;          /* it has                                                 */
  bool called_paused;   /* delivered to although it was paused                    */
  bool odd;             /* a size that may not be, half a line                    */
  bool changed;         /* what was refused did not come again                    */
  char *refused, *body, heads[4096];
  size_t refused_n, len, heads_len;
  int empty;
} puppet;

static bool is_paused(const puppet *p) { return info(p->easy, SLUICEINFO_PAUSED) & CURLPAUSE_RECV; }

/* Whether it refuses. */
static bool act(puppet *p, enum place at)
{
  if (p->at != at || p->paused || ++p->calls[at] < p->when) return false;
  p->paused = true;
  if (!p->refuse) CHECK_EQ(P3, curl_easy_pause(p->easy, CURLPAUSE_RECV), CURLE_OK);
  return p->refuse;
}

/* Something is delivered: whether it is refused. */
static bool delivered(puppet *p, enum place at, const char *data, size_t size, size_t n)
{
  p->called_paused |= is_paused(p);
  p->odd |= size != 1 || n > CURL_MAX_WRITE_SIZE;
  if (p->refused) {
    /* W2: the same first bytes; there may be more behind them. */
    p->changed |= n < p->refused_n || memcmp(data, p->refused, p->refused_n);
    free(p->refused);
    p->refused = NULL;
  }
  if (!act(p, at)) return false;
  p->refused = malloc(n + 1);
  memcpy(p->refused, data, n);
  p->refused_n = n;
  return true;
}

static size_t write_body(char *data, size_t size, size_t n, void *to)
{
  puppet *p = to;
  if (delivered(p, IN_WRITE, data, size, n)) return CURL_WRITEFUNC_PAUSE;
  p->empty += !n;
  if (p->len + n <= BODY_MAX) memcpy(p->body + p->len, data, n);
  p->len += n;
  return n;
}

static size_t write_line(char *data, size_t size, size_t n, void *to)
{
  puppet *p = to;
  p->odd |= n < 2 || data[n - 1] != '\n' || memchr(data, '\n', n - 1);
  if (p->last_line && n > 2) p->calls[IN_HEADER] = 0;
  if (delivered(p, IN_HEADER, data, size, n)) return CURL_WRITEFUNC_PAUSE;
  if (p->heads_len + n < sizeof p->heads) memcpy(p->heads + p->heads_len, data, n);
  p->heads_len += n;
  return n;
}

static int look_on(void *to, curl_off_t total, curl_off_t at, curl_off_t up_total, curl_off_t up)
{
  (void)total, (void)at, (void)up_total, (void)up;
  act(to, IN_PROGRESS);
  return 0;
}

static int listen_in(CURL *easy, curl_infotype type, char *data, size_t n, void *to)
{
  (void)easy, (void)data, (void)n;
  if (type != CURLINFO_TEXT) act(to, IN_DEBUG);
  return 0;
}

static int before_request(void *to, char *peer, char *local, int peer_port, int local_port)
{
  (void)peer, (void)local, (void)peer_port, (void)local_port;
  ((puppet *)to)->calls[IN_PREREQ] += ((puppet *)to)->at != IN_PREREQ;
  act(to, IN_PREREQ);
  return CURL_PREREQFUNC_OK;
}

static curl_socket_t open_socket(void *to, curlsocktype what, struct curl_sockaddr *at)
{
  (void)what;
  act(to, IN_OPEN);
  return socket(at->family, at->socktype, at->protocol);
}

static CURL *prepare(puppet *p, const char *path)
{
  puppet given = *p;
  record r;
  CURL *easy = begin(&r, path);
  *p = (puppet){ .easy = easy, .body = r.body, .at = given.at, .when = given.when, .refuse = given.refuse,
                 .last_line = given.last_line };
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, write_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, p);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, write_line);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, p);
  curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, look_on);
  curl_easy_setopt(easy, CURLOPT_XFERINFODATA, p);
  curl_easy_setopt(easy, CURLOPT_NOPROGRESS, p->at == IN_PROGRESS ? 0L : 1L);
  curl_easy_setopt(easy, CURLOPT_DEBUGFUNCTION, listen_in);
  curl_easy_setopt(easy, CURLOPT_DEBUGDATA, p);
  curl_easy_setopt(easy, CURLOPT_VERBOSE, p->at == IN_DEBUG ? 1L : 0L);
  curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, before_request);
  curl_easy_setopt(easy, CURLOPT_PREREQDATA, p);
  if (p->at == IN_OPEN) {
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, p);
  }
  return easy;
}

static void finish(puppet *p)
{
  curl_easy_cleanup(p->easy);
  free(p->body);
  free(p->refused);
}

static bool whole(const puppet *p, size_t n)
{
  record r = { .body = p->body, .len = p->len };
  return body_is(&r, n) && !p->called_paused && !p->odd && !p->changed;
}

static int running_now(CURLM *multi)
{
  int running = -1;
  CHECK_EQ(F8, curl_multi_perform(multi, &running), CURLM_OK);
  return running;
}

static bool drive_until(CURLM *multi, const bool *what)
{
  for (double until = now() + SECONDS; now() < until && !*what;) {
    if (!running_now(multi)) break;
    if (!*what) curl_multi_poll(multi, NULL, 0, 100, NULL);
  }
  return *what;
}

static bool drive(CURLM *multi, int wanted)
{
  for (double until = now() + SECONDS; running_now(multi) > wanted;) {
    if (now() > until) return false;
    curl_multi_poll(multi, NULL, 0, 500, NULL);
  }
  return true;
}

/* Answers how often poll returned. */
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

static bool told(CURLM *multi, CURL *easy, CURLcode code)
{
  int left;
  const CURLMsg *m = curl_multi_info_read(multi, &left);
  return m && m->easy_handle == easy && m->data.result == code;
}

static bool nothing_told(CURLM *multi)
{
  int left;
  return !curl_multi_info_read(multi, &left);
}

static long timeout_of(CURLM *multi)
{
  long ms = -4711;
  curl_multi_timeout(multi, &ms);
  return ms;
}

/* While it is paused nothing is delivered, nothing ends, nothing spins; it may be paused and resumed again and again. */
static void hold(CURLM *multi, puppet *p)
{
  drive_for(multi, 0.02); /* what was under way comes to rest */
  size_t len = p->len, heads = p->heads_len;
  CHECK(F5, drive_for(multi, 0.06) < 8);
  CHECK(W8, p->len == len && p->heads_len == heads);
  CHECK_EQ(W9, running_now(multi), 1);
  CHECK(W9, nothing_told(multi));
  CHECK(K6, timeout_of(multi) != 0);
  CHECK(B4, big_info(p->easy, SLUICEINFO_HELD) <= HELD_MAX);
  CHECK(P16, info(p->easy, SLUICEINFO_PAUSED) == CURLPAUSE_RECV); /* B8: here it can be asked */
  CHECK_EQ(B8, info(p->easy, SLUICEINFO_PAUSED_BY_RECV), p->refuse ? SLUICE_BY_CALLBACK : SLUICE_BY_CALL);
  CHECK_EQ(P14, curl_easy_pause(p->easy, CURLPAUSE_RECV), CURLE_OK);
  CHECK(W8, p->len == len && p->heads_len == heads);
}

static const struct { const char *path; size_t n; bool head; } bodies[] = {
  { "/length/40000", 40000, false }, { "/length/900", 900, false }, { "/chunked/40000", 40000, false },
  { "/chunked/900", 900, false },    { "/close/40000", 40000, false }, { "/close/900", 900, false },
  { "/length/0", 0, false },         { "/length/900", 0, true },    { "/status/204", 0, false },
  { "/to/302//length/900", 900, false } };

/* P3: paused from each callback, at its first call and at a later one; then from outside again, and on to the end. */
static void everywhere(void)
{
  static const puppet ways[] = {
    { .at = IN_WRITE, .refuse = true, .when = 1 },  { .at = IN_WRITE, .when = 1 },
    { .at = IN_WRITE, .refuse = true, .when = 3 },  { .at = IN_WRITE, .when = 2 },
    { .at = IN_HEADER, .refuse = true, .when = 1 }, { .at = IN_HEADER, .when = 1 },
    { .at = IN_HEADER, .refuse = true, .when = 3 }, { .at = IN_HEADER, .when = 1, .last_line = true },
    { .at = IN_HEADER, .refuse = true, .when = 1, .last_line = true },
    { .at = IN_PROGRESS, .when = 1 }, { .at = IN_PROGRESS, .when = 3 }, { .at = IN_DEBUG, .when = 1 },
    { .at = IN_DEBUG, .when = 3 }, { .at = IN_PREREQ, .when = 1 }, { .at = IN_OPEN, .when = 1 } };
  for (size_t w = 0; w < sizeof ways / sizeof *ways; w++)
    for (size_t b = 0; b < sizeof bodies / sizeof *bodies; b++) {
      puppet p = ways[w];
      CURLM *multi = curl_multi_init();
      CURL *easy = prepare(&p, bodies[b].path);
      curl_easy_setopt(easy, CURLOPT_NOBODY, bodies[b].head ? 1L : 0L);
      curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 1L);
      curl_multi_add_handle(multi, easy);
      int bad = check_failures;
      if (drive_until(multi, &p.paused)) {
        hold(multi, &p);
        CHECK_EQ(P6, curl_easy_pause(easy, CURLPAUSE_CONT), CURLE_OK);
      } else CHECK(P3, p.at == IN_WRITE || p.at == IN_PROGRESS || p.when > 1); /* without a body, or ended before */
      CHECK(P6, drive(multi, 0));
      CHECK(F8, told(multi, easy, CURLE_OK) && nothing_told(multi));
      CHECK(W2, whole(&p, bodies[b].n));
      CHECK(F19, !strncmp(p.heads, "HTTP/1.1 ", 9));
      /* W5: trailers behind the body, each line once. */
      bool chunked = strstr(bodies[b].path, "chunked") != NULL;
      p.heads[p.heads_len < sizeof p.heads ? p.heads_len : 0] = 0;
      CHECK(W5, chunked == (strstr(p.heads, "\r\n\r\nX-Trailer: yes\r\n") != NULL));
      if (check_failures > bad) fprintf(stderr, "    way %zu, %s\n", w, bodies[b].path);
      finish(&p);
      curl_multi_cleanup(multi);
    }
}

/* P14, W2: paused again by every delivery of the replay, until nothing is left. */
static size_t refuse_often(char *data, size_t size, size_t n, void *to)
{
  puppet *p = to;
  p->paused = p->calls[IN_WRITE] % 3 == 2; /* takes each third */
  size_t taken;
  if (!p->paused) p->when = p->calls[IN_WRITE] + 1;
  taken = write_body(data, size, n, to);
  if (p->paused && taken == CURL_WRITEFUNC_PAUSE) return taken;
  p->calls[IN_WRITE]++;
  return taken;
}

static void again_and_again(void)
{
  static const char *paths[] = { "/length/300000", "/chunked/300000", "/close/300000" };
  for (int i = 0; i < 3; i++) {
    puppet p = { .at = IN_WRITE, .refuse = true };
    CURLM *multi = curl_multi_init();
    CURL *easy = prepare(&p, paths[i]);
    curl_off_t most = 0;
    int refusals = 0;
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, refuse_often);
    curl_multi_add_handle(multi, easy);
    for (double until = now() + SECONDS; running_now(multi) && now() < until;) {
      if (!is_paused(&p)) {
        curl_multi_poll(multi, NULL, 0, 100, NULL);
        continue;
      }
      refusals++;
      curl_off_t held = big_info(easy, SLUICEINFO_HELD);
      if (held > most) most = held;
      CHECK_EQ(P6, curl_easy_pause(easy, CURLPAUSE_CONT), CURLE_OK);
      if (is_paused(&p) && !(refusals % 5)) CHECK(K6, drive_for(multi, 0.01) < 5);
    }
    CHECK(W2, whole(&p, 300000) && refusals > 10);
    CHECK(W4, told(multi, easy, CURLE_OK) && most > 0 && most <= HELD_MAX); /* B4: never an error */
    CHECK(W3, most <= HELD_MAX);
    finish(&p);
    curl_multi_cleanup(multi);
  }
}

/* P10: while connecting: the connection is not used, and the limits run. P11 in posix_pause_upload.c. */
static void connecting(void)
{
  puppet p = { 0 };
  CURLM *multi = curl_multi_init();
  CURL *easy = prepare(&p, "/length/900");
  unsigned requests = server_requests(http);
  CHECK_EQ(P2, curl_easy_pause(NULL, CURLPAUSE_RECV), CURLE_BAD_FUNCTION_ARGUMENT);
  CHECK_EQ(P2, curl_easy_pause(easy, CURLPAUSE_RECV), CURLE_BAD_FUNCTION_ARGUMENT);
  curl_multi_add_handle(multi, easy);
  CHECK_EQ(P2, curl_easy_pause(easy, CURLPAUSE_RECV), CURLE_BAD_FUNCTION_ARGUMENT);
  running_now(multi);
  CHECK_EQ(P2, curl_easy_pause(easy, CURLPAUSE_RECV), CURLE_OK);
  CHECK(P10, drive_for(multi, 0.2) < 10);
  CHECK(P10, server_requests(http) == requests && !p.calls[IN_PREREQ] && !p.heads_len && running_now(multi) == 1);
  CHECK_EQ(P10, curl_easy_pause(easy, CURLPAUSE_CONT), CURLE_OK);
  CHECK(P10, drive(multi, 0) && whole(&p, 900) && told(multi, easy, CURLE_OK));
  curl_multi_remove_handle(multi, easy);
  CHECK_EQ(P2, curl_easy_pause(easy, CURLPAUSE_RECV), CURLE_BAD_FUNCTION_ARGUMENT);
  /* The limits run; on a connection of its own, for a pooled one is there at once. */
  curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
  for (int i = 0; i < 2; i++) {
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, i ? 0L : 200L);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, i ? 200L : 20000L);
    curl_multi_add_handle(multi, easy);
    running_now(multi);
    double at = now();
    CHECK_EQ(P10, curl_easy_pause(easy, i ? CURLPAUSE_ALL : CURLPAUSE_RECV), CURLE_OK);
    CHECK(P10, drive(multi, 0) && now() - at < 10);
    CHECK(P10, told(multi, easy, CURLE_OPERATION_TIMEDOUT) && !strncmp(words, "Connection timed out after ", 27));
    curl_multi_remove_handle(multi, easy);
  }
  /* F1, P13: a handle that ended paused starts as if it had never been, also after a reset. */
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, 20000L);
  p.len = 0;
  CHECK_EQ(F1, curl_easy_perform(easy), CURLE_OK);
  CHECK(F1, whole(&p, 900));
  finish(&p);
  curl_multi_cleanup(multi);
}

/* P13: a call's pause ends with the hop; what was refused of the redirect's own head comes first. */
static size_t pause_send_at_redirect(char *data, size_t size, size_t n, void *to)
{
  puppet *p = to;
  if (n > 2 && !strncmp(data, "Location", 8)) {
    CHECK_EQ(P13, curl_easy_pause(p->easy, CURLPAUSE_SEND), CURLE_OK);
    CHECK_EQ(P13, info(p->easy, SLUICEINFO_PAUSED), CURLPAUSE_SEND);
  }
  return write_line(data, size, n, to);
}

static void over_hops(void)
{
  puppet p = { 0 };
  CURL *easy = prepare(&p, "/to/302//length/900");
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, pause_send_at_redirect);
  CHECK_EQ(P13, curl_easy_perform(easy), CURLE_OK);
  CHECK(P13, whole(&p, 900) && info(easy, CURLINFO_REDIRECT_COUNT) == 1);
  finish(&p);
}

/* W10: the peer goes while nothing is read: found out when reading goes on, behind all that had come. */
static void peer_gone(void)
{
  static const struct { const char *path; size_t n; CURLcode code; const char *message; } cases[] = {
    { "/short/30000", 30000, CURLE_PARTIAL_FILE, "end of response with 30000 bytes missing" },
    { "/short/900", 900, CURLE_PARTIAL_FILE, "end of response with 900 bytes missing" },
    { "/close/30000", 30000, CURLE_OK, "" } };
  for (int i = 0; i < 3; i++)
    for (int refuse = 0; refuse < 2; refuse++) {
      puppet p = { .at = IN_WRITE, .when = 1, .refuse = refuse };
      CURLM *multi = curl_multi_init();
      CURL *easy = prepare(&p, cases[i].path);
      curl_multi_add_handle(multi, easy);
      CHECK(W10, drive_until(multi, &p.paused));
      hold(multi, &p); /* the server has closed long since */
      CHECK_EQ(W10, curl_easy_pause(easy, CURLPAUSE_CONT), CURLE_OK);
      CHECK(W10, drive(multi, 0) && told(multi, easy, cases[i].code));
      CHECK(W10, whole(&p, cases[i].n) && !strcmp(cases[i].code ? words : "", cases[i].message));
      finish(&p);
      curl_multi_cleanup(multi);
    }
}

/* P15, X2: many, some of them paused, some of those removed; the connection of one that was paused is used again. */
static void many(void)
{
  enum { COUNT = 24 };
  puppet p[COUNT];
  CURLM *multi = curl_multi_init();
  int messages = 0, left;
  for (int i = 0; i < COUNT; i++) {
    p[i] = (puppet){ .at = i % 3 ? NOWHERE : IN_WRITE, .when = 1, .refuse = i % 2 };
    prepare(&p[i], bodies[i % 6].path);
    curl_multi_add_handle(multi, p[i].easy);
  }
  CHECK(P15, drive(multi, COUNT / 3));
  CHECK_EQ(P15, running_now(multi), COUNT / 3);
  CHECK(P15, drive_for(multi, 0.1) < 8);
  while (curl_multi_info_read(multi, &left)) messages++;
  CHECK_EQ(P15, messages, COUNT - COUNT / 3);
  for (int i = 0; i < COUNT; i++) {
    if (i % 3) CHECK(P15, whole(&p[i], bodies[i % 6].n));
    else CHECK(P15, p[i].paused && is_paused(&p[i]));
    if (i % 6 == 3) curl_multi_remove_handle(multi, p[i].easy);
  }
  CHECK_EQ(X1, running_now(multi), COUNT / 6);
  for (int i = 0; i < COUNT; i += 6) CHECK_EQ(P6, curl_easy_pause(p[i].easy, CURLPAUSE_CONT), CURLE_OK);
  for (int i = 3; i < COUNT; i += 6) { /* P13: added again, they simply run */
    p[i].len = p[i].heads_len = 0;
    free(p[i].refused);
    p[i].refused = NULL;
    curl_multi_add_handle(multi, p[i].easy);
  }
  CHECK(P15, drive(multi, 0));
  for (int i = 0; i < COUNT; i += 3) CHECK(P13, whole(&p[i], bodies[i % 6].n));
  puppet one = { 0 };
  unsigned connections = server_connections(http);
  prepare(&one, "/length/900");
  curl_multi_add_handle(multi, one.easy);
  CHECK(X2, drive(multi, 0) && whole(&one, 900) && server_connections(http) == connections);
  finish(&one);
  for (int i = 0; i < COUNT; i++) finish(&p[i]);
  curl_multi_cleanup(multi);
}

int main(void)
{
  if (!(http = server_start())) return 1;
  everywhere();
  again_and_again();
  connecting();
  over_hops();
  peer_gone();
  many();
  server_stop(http);
  return check_result();
}
