/* posix_pause_upload.c: uploads that are paused, by callback and by call, over real sockets, against support/server.h:
 * before the request, in the 100-continue wait, in the body, behind its end; each direction by itself. */
#include <stdlib.h>
#include <string.h>
#include "support/check.h"
#include "support/client.h"

#define SECONDS 20 /* a test that hangs should fail */

typedef struct {
  CURL *easy;
  size_t size, at, piece, calls;
  size_t pause_at;  /* by call, from inside, and gives its bytes all the same; 0: never */
  double first;     /* when it was asked first                                          */
} source;

static CURLM *multi;

static size_t on_read(char *buf, size_t size, size_t n, void *from)
{
  source *s = from;
  n *= size;
  if (!s->calls++) s->first = now();
  if (s->pause_at && s->at >= s->pause_at) {
    s->pause_at = 0;
    CHECK_EQ(P3, curl_easy_pause(s->easy, CURLPAUSE_SEND), CURLE_OK);
  }
  if (s->piece && n > s->piece) n = s->piece;
  if (n > s->size - s->at) n = s->size - s->at;
  for (size_t i = 0; i < n; i++) buf[i] = server_byte(s->at + i);
  s->at += n;
  return n;
}

/* A PUT of size bytes, added; announced: -1 sends chunks. */
static CURL *put(record *r, source *s, const char *path, size_t size, curl_off_t announced)
{
  multi = curl_multi_init();
  CURL *easy = begin(r, path);
  *s = (source){ .size = size, .easy = easy };
  curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
  curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, announced);
  curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_read);
  curl_easy_setopt(easy, CURLOPT_READDATA, s);
  curl_easy_setopt(easy, CURLOPT_EXPECT_100_TIMEOUT_MS, 20L);
  curl_multi_add_handle(multi, easy);
  return easy;
}

static void done(record *r)
{
  end(r);
  curl_multi_cleanup(multi);
}

static int running_now(void)
{
  int running = -1;
  CHECK_EQ(F8, curl_multi_perform(multi, &running), CURLM_OK);
  return running;
}

static bool drive(void)
{
  for (double until = now() + SECONDS; running_now();) {
    if (now() > until) return false;
    curl_multi_poll(multi, NULL, 0, 500, NULL);
  }
  return true;
}

static int drive_for(double seconds)
{
  int turns = 0;
  for (double until = now() + seconds; now() < until; turns++) {
    running_now();
    double left = until - now();
    curl_multi_poll(multi, NULL, 0, left > 0 ? (int)(left * 1000) + 1 : 0, NULL);
  }
  return turns;
}

static bool told(CURL *easy, CURLcode code)
{
  int left;
  const CURLMsg *m = curl_multi_info_read(multi, &left);
  return m && m->easy_handle == easy && m->data.result == code;
}

/* Until the server has n bytes of body. */
static bool server_gets(size_t n)
{
  char buf[1];
  for (double until = now() + SECONDS; server_body(http, buf, 1) < n && now() < until;) drive_for(0.01);
  return server_body(http, buf, 1) == n;
}

static bool request_has(const char *text)
{
  char request[8192];
  server_request(http, request, sizeof request);
  return strstr(request, text) != NULL;
}

/* P11: nothing of the request goes while SEND is paused, on a new connection and on one that is there already. */
static void before_request(void)
{
  record r;
  source s;
  CURL *easy = put(&r, &s, "/echo", 3000, 3000);
  for (int i = 0; i < 2; i++) {
    unsigned requests = server_requests(http);
    CHECK_EQ(P2, curl_easy_pause(easy, CURLPAUSE_SEND), CURLE_BAD_FUNCTION_ARGUMENT);
    running_now();
    if (i && info(easy, SLUICEINFO_PAUSED) == 0 && s.calls) { /* the pooled connection was there at once: too late */
      CHECK(P11, drive() && body_is(&r, 3000));
      break;
    }
    CHECK_EQ(P11, curl_easy_pause(easy, CURLPAUSE_SEND), CURLE_OK);
    CHECK(P11, drive_for(0.15) < 8);
    CHECK(P11, server_requests(http) == requests && !s.calls && running_now() == 1);
    CHECK_EQ(P11, info(easy, SLUICEINFO_PAUSED), CURLPAUSE_SEND);
    CHECK_EQ(P11, curl_easy_pause(easy, CURLPAUSE_CONT), CURLE_OK);
    CHECK(P11, drive() && body_is(&r, 3000) && told(easy, CURLE_OK));
    curl_multi_remove_handle(multi, easy);
    s = (source){ .size = 3000, .easy = easy };
    r.len = 0;
    curl_multi_add_handle(multi, easy);
  }
  done(&r);
}

/* F25: the directions are each other's business in nothing: the body goes out while the answer is held, and a download
 * ends although the sending side, done long since, is paused. R2: by call from inside, the bytes of that call go. */
static void each_by_itself(void)
{
  static const curl_off_t announced[] = { 60000, -1 };
  for (int i = 0; i < 2; i++) {
    record r;
    source s;
    CURL *easy = put(&r, &s, "/echo", 60000, announced[i]);
    s.piece = 4000;
    s.pause_at = 20000;
    for (double until = now() + SECONDS; !info(easy, SLUICEINFO_PAUSED) && now() < until;) drive_for(0.01);
    CHECK(R2, server_gets(24000) && s.at == 24000);
    size_t calls = s.calls;
    CHECK(R2, drive_for(0.1) < 8 && s.calls == calls);
    CHECK_EQ(B8, info(easy, SLUICEINFO_PAUSED_BY_SEND), SLUICE_BY_CALL);
    CHECK_EQ(P1, curl_easy_pause(easy, CURLPAUSE_RECV), CURLE_OK); /* the one for the other */
    CHECK(F25, server_gets(60000));
    CHECK(F25, drive_for(0.1) < 8 && running_now() == 1 && !r.lines && !r.len);
    CHECK_EQ(F25, curl_easy_pause(easy, CURLPAUSE_SEND), CURLE_OK);
    CHECK(F25, drive() && body_is(&r, 60000) && told(easy, CURLE_OK));
    done(&r);
  }
  record r;
  multi = curl_multi_init();
  CURL *easy = begin(&r, "/dribble/10/10");
  curl_multi_add_handle(multi, easy);
  for (double until = now() + SECONDS; !r.len && now() < until;) drive_for(0.01);
  CHECK_EQ(F25, curl_easy_pause(easy, CURLPAUSE_SEND), CURLE_OK);
  CHECK(F25, drive() && body_is(&r, 1000) && told(easy, CURLE_OK));
  done(&r);
}

/* R5, F27: the wait and a pause are two things: none ends the other. The wait's clock starts behind the head. */
static void in_the_wait(void)
{
  record r;
  source s;
  CURL *easy = put(&r, &s, "/expect/100", 3000, -1); /* a pause longer than the wait */
  curl_easy_setopt(easy, CURLOPT_EXPECT_100_TIMEOUT_MS, 10000L);
  unsigned requests = server_requests(http);
  for (double until = now() + SECONDS; server_requests(http) == requests && now() < until;) drive_for(0.01);
  CHECK_EQ(R5, curl_easy_pause(easy, CURLPAUSE_SEND), CURLE_OK);
  CHECK(F27, drive_for(0.4) < 15 && !s.calls && running_now() == 1);
  CHECK(R5, !strncmp(r.heads, "HTTP/1.1 100 ", 13)); /* it came; R2: the receiving side is open */
  CHECK_EQ(R5, curl_easy_pause(easy, CURLPAUSE_CONT), CURLE_OK);
  CHECK(F27, drive() && body_is(&r, 3000) && told(easy, CURLE_OK));
  done(&r);

  easy = put(&r, &s, "/echo", 3000, -1); /* an unpause inside the wait; no 100 comes */
  curl_easy_setopt(easy, CURLOPT_EXPECT_100_TIMEOUT_MS, 500L);
  running_now();
  CHECK_EQ(P11, curl_easy_pause(easy, CURLPAUSE_SEND), CURLE_OK);
  drive_for(0.3);
  double at = now();
  CHECK_EQ(R5, curl_easy_pause(easy, CURLPAUSE_CONT), CURLE_OK);
  drive_for(0.05);
  CHECK_EQ(F27, curl_easy_pause(easy, CURLPAUSE_SEND), CURLE_OK);
  CHECK_EQ(F27, curl_easy_pause(easy, CURLPAUSE_CONT), CURLE_OK);
  CHECK(R5, drive() && body_is(&r, 3000));
  CHECK(R5, s.first - at >= 0.499); /* from the head on, not from the start */
  done(&r);
}

/* R5: when Expect is added by itself: over 1 MiB or of unknown size, HTTP/1.1, no Upgrade; an own one decides. */
static void expects(void)
{
  static const struct { size_t size; bool known; long version; const char *own; bool expects; } cases[] = {
    { 1048576, true, CURL_HTTP_VERSION_1_1, NULL, false }, { 1048577, true, CURL_HTTP_VERSION_1_1, NULL, true },
    { 10, false, CURL_HTTP_VERSION_1_1, NULL, true }, { 1048577, true, CURL_HTTP_VERSION_1_0, NULL, false },
    { 1048577, true, CURL_HTTP_VERSION_1_1, "Upgrade: x", false }, { 1048577, true, CURL_HTTP_VERSION_1_1, "Expect:", false },
    { 10, true, CURL_HTTP_VERSION_1_1, "Expect: 100-continue", true } };
  for (int i = 0; i < 7; i++) {
    record r;
    source s;
    CURL *easy = put(&r, &s, "/echo", cases[i].size, cases[i].known ? (curl_off_t)cases[i].size : -1);
    struct curl_slist *list = cases[i].own ? curl_slist_append(NULL, cases[i].own) : NULL;
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, list);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, cases[i].version);
    CHECK(R5, drive() && body_is(&r, cases[i].size));
    if (!CHECK_EQ(R5, request_has("\r\nExpect: 100-continue\r\n"), cases[i].expects)) fprintf(stderr, "    case %d\n", i);
    done(&r);
    curl_slist_free_all(list);
  }
}

/* R6, F23, F24: an upload paused for ever whose answer is whole, or whose peer is gone, ends; its connection is not
 * waited for, nor used again. */
static void given_up(void)
{
  static const struct { const char *path; CURLcode code; } cases[] = {
    { "/first/200", CURLE_OK }, { "/refuse/200", CURLE_OK }, { "/refuse/404", CURLE_OK } };
  for (int i = 0; i < 3; i++) {
    record r;
    source s;
    CURL *easy = put(&r, &s, cases[i].path, 100000, 100000);
    s.piece = 1000;
    s.pause_at = 1;
    double at = now();
    CHECK(F24, drive() && now() - at < 10);
    CHECK(R6, told(easy, cases[i].code) && r.len == 6 && s.at <= 2000);
    curl_multi_remove_handle(multi, easy);
    curl_easy_setopt(easy, CURLOPT_UPLOAD, 0L);
    set_path(easy, "/length/10");
    r.len = 0;
    curl_multi_add_handle(multi, easy);
    CHECK(F24, drive() && body_is(&r, 10) && info(easy, CURLINFO_NUM_CONNECTS) == 1);
    done(&r);
  }
  /* Paused behind an answer that does not end it: then the pause does. */
  record r;
  source s;
  CURL *easy = put(&r, &s, "/first/404", 100000, 100000);
  curl_easy_setopt(easy, CURLOPT_KEEP_SENDING_ON_ERROR, 1L);
  curl_easy_setopt(easy, CURLOPT_MAX_SEND_SPEED_LARGE, (curl_off_t)20000);
  for (double until = now() + SECONDS; r.len < 6 && now() < until;) drive_for(0.01);
  drive_for(0.05);
  CHECK_EQ(R6, running_now(), 1);
  CHECK_EQ(R6, curl_easy_pause(easy, CURLPAUSE_SEND), CURLE_OK);
  double at = now();
  CHECK(R6, drive() && now() - at < 2 && told(easy, CURLE_OK) && s.at < 100000);
  done(&r);
}

int main(void)
{
  if (!(http = server_start())) return 1;
  before_request();
  each_by_itself();
  in_the_wait();
  expects();
  given_up();
  server_stop(http);
  return check_result();
}
