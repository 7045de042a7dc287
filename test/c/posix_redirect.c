/* posix_redirect.c: redirects, what they may carry along and what is told of them; sizes that are too large. Over real
 * sockets, against two of support/server.h: another port is another host. */
#include <stdlib.h>
#include <string.h>
#include "support/check.h"
#include "support/client.h"

static server *other;

static CURL *begin_following(record *r, const char *path)
{
  CURL *easy = begin(r, path);
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 1L);
  return easy;
}

/* A path that redirects to `path` of the other server. */
static const char *away(unsigned code, const char *path)
{
  static char text[256];
  snprintf(text, sizeof text, "/to/%u/http://127.0.0.1:%d%s", code, server_port(other), path);
  return text;
}

static bool request_has(server *s, const char *text)
{
  char request[8192];
  server_request(s, request, sizeof request);
  return strstr(request, text) != NULL;
}

static void methods(void)
{
  static const struct { unsigned code; const char *method, *wanted; long keep; } cases[] = {
    { 301, "GET", "GET", 0 }, { 302, "GET", "GET", 0 }, { 303, "GET", "GET", 0 }, { 307, "GET", "GET", 0 },
    { 308, "GET", "GET", 0 }, { 301, "POST", "GET", 0 }, { 302, "POST", "GET", 0 }, { 303, "POST", "GET", 0 },
    { 307, "POST", "POST", 0 }, { 308, "POST", "POST", 0 }, { 301, "POST", "POST", CURL_REDIR_POST_301 },
    { 302, "POST", "POST", CURL_REDIR_POST_302 }, { 303, "POST", "POST", CURL_REDIR_POST_303 },
    { 301, "POST", "GET", CURL_REDIR_POST_302 }, { 302, "HEAD", "HEAD", 0 }, { 303, "HEAD", "HEAD", 0 },
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    record r;
    char path[64], line[64];
    bool posts = !strcmp(cases[i].method, "POST");
    snprintf(path, sizeof path, "/to/%u//echo", cases[i].code);
    snprintf(line, sizeof line, "%s /echo HTTP/1.1\r\n", cases[i].wanted);
    CURL *easy = begin_following(&r, path);
    if (posts) curl_easy_setopt(easy, CURLOPT_POSTFIELDS, "body");
    if (!strcmp(cases[i].method, "HEAD")) curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    curl_easy_setopt(easy, CURLOPT_POSTREDIR, cases[i].keep);
    if (!CHECK_EQ(HTTP, curl_easy_perform(easy), CURLE_OK)) fprintf(stderr, "    case %zu: %s\n", i, words);
    if (!CHECK(HTTP, request_has(http, line))) fprintf(stderr, "    case %zu\n", i);
    bool body = !strcmp(cases[i].wanted, "POST");
    CHECK(HTTP, r.len == (body ? 4u : 0) && request_has(http, "\r\nContent-Length: 4\r\n") == body);
    CHECK(HTTP, request_has(http, "\r\nContent-Type: ") == body);
    CHECK(HTTP, !strcmp(text_info(easy, CURLINFO_EFFECTIVE_METHOD), cases[i].wanted));
    CHECK_EQ(HTTP, info(easy, CURLINFO_REDIRECT_COUNT), 1);
    CHECK_EQ(HTTP, info(easy, CURLINFO_RESPONSE_CODE), 200);
    end(&r);
  }
  /* A custom method's word stays, its body goes, unless the codes are to be obeyed. */
  record r;
  CURL *easy = begin_following(&r, "/to/303//echo");
  curl_easy_setopt(easy, CURLOPT_POSTFIELDS, "body");
  curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, "PATCH");
  CHECK_EQ(HTTP, curl_easy_perform(easy), CURLE_OK);
  CHECK(HTTP, request_has(http, "PATCH /echo ") && r.len == 0);
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, CURLFOLLOW_OBEYCODE);
  r.len = 0;
  CHECK_EQ(HTTP, curl_easy_perform(easy), CURLE_OK);
  CHECK(HTTP, request_has(http, "GET /echo ") && !r.len);
  end(&r);
}

static void counts(void)
{
  record r;
  CURL *easy = begin_following(&r, "/to/302//to/302//to/302//length/5");
  CHECK_EQ(HTTP, curl_easy_perform(easy), CURLE_OK);
  CHECK_EQ(HTTP, info(easy, CURLINFO_REDIRECT_COUNT), 3);
  CHECK(HTTP, body_is(&r, 5)); /* the bodies on the way are not told */
  CHECK_EQ(HTTP, info(easy, CURLINFO_NUM_CONNECTS), 1);
  char request[4096];
  server_request(http, request, sizeof request);
  /* Of all four: each but the last has its detour before the same path. */
  CHECK_EQ(HTTP, info(easy, CURLINFO_REQUEST_SIZE), 4 * (long)strlen(request) + (1 + 2 + 3) * (long)strlen("/to/302/"));
  curl_easy_setopt(easy, CURLOPT_MAXREDIRS, 3L);
  CHECK_EQ(HTTP, curl_easy_perform(easy), CURLE_OK);
  curl_easy_setopt(easy, CURLOPT_MAXREDIRS, 2L);
  CHECK_EQ(HTTP, curl_easy_perform(easy), CURLE_TOO_MANY_REDIRECTS);
  CHECK(HTTP, !strcmp(words, "Maximum (2) redirects followed"));
  CHECK_EQ(HTTP, info(easy, CURLINFO_REDIRECT_COUNT), 2);
  curl_easy_setopt(easy, CURLOPT_MAXREDIRS, 0L);
  CHECK_EQ(HTTP, curl_easy_perform(easy), CURLE_TOO_MANY_REDIRECTS);
  /* A loop comes to its end, and so do the clocks: TIMEOUT is of the whole (T2). */
  set_path(easy, "/to/302/1");
  curl_easy_setopt(easy, CURLOPT_MAXREDIRS, 50L);
  CHECK_EQ(HTTP, curl_easy_perform(easy), CURLE_TOO_MANY_REDIRECTS);
  set_path(easy, "/to/302//hang");
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, 200L);
  double at = now();
  CHECK_EQ(B7, curl_easy_perform(easy), CURLE_OPERATION_TIMEDOUT);
  CHECK(B7, now() - at >= 0.199 && now() - at < 3);
  end(&r);
}

static void places(void)
{
  record r;
  char url[300];
  static const struct { const char *path, *wanted; } cases[] = {
    { "/to/302//length/5", "/length/5" }, { "/to/302/x", "/to/302/x" }, { "/to/302/../../length/7", "/length/7" },
    { "/to/302/?q=1", "/to/302/?q=1" } };
  for (size_t i = 0; i < 4; i++) {
    CURL *easy = begin(&r, cases[i].path);
    snprintf(url, sizeof url, "http://127.0.0.1:%d%s", server_port(http), cases[i].wanted);
    /* Not followed: told. */
    CHECK_EQ(HTTP, curl_easy_perform(easy), CURLE_OK);
    CHECK_EQ(HTTP, info(easy, CURLINFO_RESPONSE_CODE), 302);
    CHECK(HTTP, r.len == 4 && !info(easy, CURLINFO_REDIRECT_COUNT));
    if (!CHECK(HTTP, !strcmp(text_info(easy, CURLINFO_REDIRECT_URL), url)))
      fprintf(stderr, "    %s\n", text_info(easy, CURLINFO_REDIRECT_URL));
    CHECK_EQ(HTTP, big_info(easy, CURLINFO_REDIRECT_TIME_T), 0);
    end(&r);
  }
  CURL *easy = begin_following(&r, "/to/301//dribble/1/60");
  snprintf(url, sizeof url, "http://u:p@127.0.0.1:%d/to/301/http://127.0.0.1:%d/dribble/1/60#frag", server_port(http),
           server_port(other));
  curl_easy_setopt(easy, CURLOPT_URL, url);
  CHECK_EQ(HTTP, curl_easy_perform(easy), CURLE_OK);
  CHECK(HTTP, body_is(&r, 100));
  snprintf(url, sizeof url, "http://127.0.0.1:%d/dribble/1/60", server_port(other));
  CHECK(HTTP, !strcmp(text_info(easy, CURLINFO_EFFECTIVE_URL), url));
  CHECK(HTTP, !strcmp(text_info(easy, CURLINFO_REDIRECT_URL), "(none)"));
  CHECK_EQ(HTTP, info(easy, CURLINFO_NUM_CONNECTS), 2);
  CHECK_EQ(HTTP, info(easy, CURLINFO_PRIMARY_PORT), server_port(other));
  /* Times are of the whole operation, in order. */
  static const CURLINFO times[] = { CURLINFO_REDIRECT_TIME_T, CURLINFO_CONNECT_TIME_T, CURLINFO_PRETRANSFER_TIME_T,
    CURLINFO_POSTTRANSFER_TIME_T, CURLINFO_STARTTRANSFER_TIME_T, CURLINFO_TOTAL_TIME_T };
  curl_off_t before = 1;
  for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
    curl_off_t t = big_info(easy, times[i]);
    CHECK(HTTP, t >= before);
    before = t;
  }
  CHECK(HTTP, before >= 60000 && before < 5000000);
  CHECK_EQ(HTTP, big_info(easy, CURLINFO_QUEUE_TIME_T), 0);
  double seconds = 0;
  CHECK_EQ(HTTP, curl_easy_getinfo(easy, CURLINFO_REDIRECT_TIME, &seconds), CURLE_OK);
  CHECK(HTTP, seconds > 0 && seconds < 5);
  CHECK_EQ(HTTP, info(easy, CURLINFO_FILETIME), -1);
  CHECK_EQ(HTTP, big_info(easy, CURLINFO_FILETIME_T), -1);
  CHECK_EQ(HTTP, big_info(easy, CURLINFO_CONN_ID), 1);
  CHECK_EQ(HTTP, big_info(easy, CURLINFO_XFER_ID), 0);
  curl_socket_t s = CURL_SOCKET_BAD;
  CHECK_EQ(HTTP, curl_easy_getinfo(easy, CURLINFO_ACTIVESOCKET, &s), CURLE_OK);
  CHECK(HTTP, s >= 0 && info(easy, CURLINFO_LASTSOCKET) == s);
  end(&r);
}

/* Credentials and cookies are for the host they were given for. */
static void secrets(void)
{
  record r;
  CURL *easy = begin_following(&r, away(302, "/length/5"));
  struct curl_slist *list = curl_slist_append(curl_slist_append(NULL, "X-Mine: 1"), "Cookie: own=1");
  curl_easy_setopt(easy, CURLOPT_USERPWD, "me:secret");
  CHECK_EQ(HTTP, curl_easy_perform(easy), CURLE_OK);
  CHECK(HTTP, request_has(http, "\r\nAuthorization: ") && !request_has(other, "Authorization"));
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, list);
  curl_easy_setopt(easy, CURLOPT_USERPWD, NULL);
  CHECK_EQ(HTTP, curl_easy_perform(easy), CURLE_OK);
  CHECK(HTTP, request_has(http, "\r\nCookie: own=1\r\n") && !request_has(other, "Cookie"));
  CHECK(HTTP, request_has(other, "\r\nX-Mine: 1\r\n"));
  curl_slist_free_all(list);
  list = curl_slist_append(NULL, "authorization: Bearer x");
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, list);
  curl_easy_setopt(easy, CURLOPT_COOKIE, "c=1");
  CHECK_EQ(HTTP, curl_easy_perform(easy), CURLE_OK);
  CHECK(HTTP, request_has(http, "\r\nauthorization: Bearer x\r\n") && !request_has(other, "Bearer"));
  CHECK(HTTP, request_has(http, "\r\nCookie: c=1\r\n") && !request_has(other, "c=1"));
  curl_easy_setopt(easy, CURLOPT_UNRESTRICTED_AUTH, 1L);
  CHECK_EQ(HTTP, curl_easy_perform(easy), CURLE_OK);
  CHECK(HTTP, request_has(other, "\r\nauthorization: Bearer x\r\n"));
  curl_easy_setopt(easy, CURLOPT_UNRESTRICTED_AUTH, 0L);
  /* The same host keeps them, and Host follows the URL. */
  set_path(easy, "/to/302//length/5");
  CHECK_EQ(HTTP, curl_easy_perform(easy), CURLE_OK);
  CHECK(HTTP, request_has(http, "GET /length/5 ") && request_has(http, "\r\nauthorization: Bearer x\r\n"));
  curl_slist_free_all(list);
  /* A Host of one's own is the first host's, whomever one trusts. */
  list = curl_slist_append(NULL, "Host: virtual.example");
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, list);
  curl_easy_setopt(easy, CURLOPT_UNRESTRICTED_AUTH, 1L);
  CHECK_EQ(HTTP, curl_easy_perform(easy), CURLE_OK);
  CHECK(HTTP, request_has(http, "GET /length/5 ") && request_has(http, "\r\nHost: virtual.example\r\n"));
  set_path(easy, away(302, "/length/5"));
  CHECK_EQ(HTTP, curl_easy_perform(easy), CURLE_OK);
  CHECK(HTTP, request_has(other, "\r\nHost: 127.0.0.1:") && !request_has(other, "virtual.example"));
  curl_slist_free_all(list);
  end(&r);
  /* Those of the first URL go along to where it led, and not elsewhere. */
  static const char *const to[] = { "/length/5", NULL };
  for (int i = 0; i < 2; i++) {
    char url[300];
    easy = begin_following(&r, "/");
    if (to[i]) snprintf(url, sizeof url, "http://me:secret@127.0.0.1:%d/to/302/%s", server_port(http), to[i]);
    else snprintf(url, sizeof url, "http://me:secret@127.0.0.1:%d%s", server_port(http), away(302, "/length/5"));
    curl_easy_setopt(easy, CURLOPT_URL, url);
    CHECK_EQ(HTTP, curl_easy_perform(easy), CURLE_OK);
    CHECK_EQ(HTTP, info(easy, CURLINFO_REDIRECT_COUNT), 1);
    CHECK(HTTP, request_has(to[i] ? http : other, "\r\nAuthorization: Basic bWU6c2VjcmV0\r\n") == (to[i] != NULL));
    end(&r);
  }
}

static void refusals(void)
{
  static const struct { const char *path; const char *schemes; CURLcode code; } cases[] = {
    { "/to/302/file:///etc/passwd", NULL, CURLE_UNSUPPORTED_PROTOCOL },
    { "/to/302/ftp://127.0.0.1/", NULL, CURLE_UNSUPPORTED_PROTOCOL },
    { "/to/302//length/5", "https", CURLE_UNSUPPORTED_PROTOCOL },
    { "/to/302//length/5", "https,http", CURLE_OK },
    { "/to/302/http://", NULL, CURLE_URL_MALFORMAT },
    { "/to/302/http://h:99999/", NULL, CURLE_URL_MALFORMAT },
    { "/to/302/http://127.0.0.1:1/", NULL, CURLE_COULDNT_CONNECT },
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    record r;
    CURL *easy = begin_following(&r, cases[i].path);
    curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, cases[i].schemes);
    if (!CHECK_EQ(HTTP, curl_easy_perform(easy), cases[i].code)) fprintf(stderr, "    %s: %s\n", cases[i].path, words);
    CHECK(HTTP, cases[i].code == CURLE_OK || (*words && !r.len));
    end(&r);
  }
}

static void too_large(void)
{
  record r;
  CURL *easy = begin(&r, "/length/1000");
  curl_easy_setopt(easy, CURLOPT_MAXFILESIZE, 1000L);
  CHECK_EQ(W14, curl_easy_perform(easy), CURLE_OK);
  CHECK(W14, body_is(&r, 1000));
  r.len = 0;
  curl_easy_setopt(easy, CURLOPT_MAXFILESIZE, 999L);
  CHECK_EQ(W14, curl_easy_perform(easy), CURLE_FILESIZE_EXCEEDED);
  CHECK(W14, !strcmp(words, "Maximum file size exceeded") && !r.len);
  set_path(easy, "/chunked/300000");
  curl_easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)150000);
  CHECK_EQ(W14, curl_easy_perform(easy), CURLE_FILESIZE_EXCEEDED);
  CHECK(W14, !strcmp(words, "Would have exceeded max file size") && r.len <= 150000);
  /* Only what is delivered counts: not the way there, not a body that is not sent. */
  set_path(easy, "/to/302//length/3");
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt(easy, CURLOPT_MAXFILESIZE, 3L);
  r.len = 0;
  CHECK_EQ(F37, curl_easy_perform(easy), CURLE_OK);
  CHECK(F37, body_is(&r, 3));
  end(&r);
}

static void error_statuses(void)
{
  record r;
  CURL *easy = begin_following(&r, "/to/302//status/404");
  curl_easy_setopt(easy, CURLOPT_FAILONERROR, 1L);
  CHECK_EQ(HTTP, curl_easy_perform(easy), CURLE_HTTP_RETURNED_ERROR);
  CHECK(HTTP, !strcmp(words, "The requested URL returned error: 404") && !r.len);
  set_path(easy, "/status/399");
  CHECK_EQ(HTTP, curl_easy_perform(easy), CURLE_OK);
  end(&r);
}

int main(void)
{
  if (!(http = server_start()) || !(other = server_start())) return 1;
  methods();
  counts();
  places();
  secrets();
  refusals();
  too_large();
  error_statuses();
  server_stop(http);
  server_stop(other);
  return check_result();
}
