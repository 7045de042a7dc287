/* unit_options.c: the table of options (T8), header lines, and what the C face answers without a network. */
#include <limits.h>
#include <string.h>
#include "engine/options.h"
#include "support/alloc_fail.h"
#include "support/check.h"

static CURLcode set_text(sl_options *o, int option, const char *text)
{
  return sl_options_text(o, option, text, text ? strlen(text) : 0);
}

static void defaults(void)
{
  sl_options o;
  sl_options_init(&o);
  CHECK(T8, !o.timeout_ms && !o.connect_timeout_ms && !o.low_speed_limit && !o.low_speed_time_s);
  CHECK(G1, o.noprogress);
  CHECK(W3, o.buffer_size == 16384);
  CHECK(TLS, o.verify_peer && o.verify_host);
  CHECK(W1, !o.write_fn && !o.header_fn && !o.header);
  sl_options_clear(&o);
}

static void times(void)
{
  sl_options o;
  sl_options_init(&o);
  CHECK_EQ(T8, sl_options_number(&o, CURLOPT_TIMEOUT, 3), CURLE_OK);
  CHECK_EQ(T8, o.timeout_ms, 3000);
  CHECK_EQ(T8, sl_options_number(&o, CURLOPT_TIMEOUT_MS, 70), CURLE_OK);
  CHECK_EQ(T8, o.timeout_ms, 70);
  CHECK_EQ(T8, sl_options_number(&o, CURLOPT_TIMEOUT, 4), CURLE_OK);
  CHECK_EQ(T8, o.timeout_ms, 4000);
  static const int negative[] = { CURLOPT_TIMEOUT, CURLOPT_TIMEOUT_MS, CURLOPT_CONNECTTIMEOUT,
    CURLOPT_CONNECTTIMEOUT_MS, CURLOPT_LOW_SPEED_LIMIT, CURLOPT_LOW_SPEED_TIME, CURLOPT_MAX_RECV_SPEED_LARGE,
    CURLOPT_MAX_SEND_SPEED_LARGE, CURLOPT_BUFFERSIZE, CURLOPT_PORT, CURLOPT_IPRESOLVE,
    SLUICEOPT_PAUSED_TIMEOUT_MS, SLUICEOPT_SILENCE_TIMEOUT_MS, SLUICEOPT_QUEUE_TIMEOUT_MS };
  for (size_t i = 0; i < sizeof negative / sizeof *negative; i++)
    CHECK_EQ(T8, sl_options_number(&o, negative[i], -1), CURLE_BAD_FUNCTION_ARGUMENT);
  CHECK_EQ(T8, o.timeout_ms, 4000);
  CHECK_EQ(T8, sl_options_number(&o, CURLOPT_TIMEOUT, INT64_MAX), CURLE_OK);
  CHECK(T8, o.timeout_ms > (int64_t)INT_MAX * 1000 && o.timeout_ms <= INT64_MAX / 1000); /* no sooner than asked for */
  CHECK_EQ(T8, sl_options_number(&o, CURLOPT_CONNECTTIMEOUT_MS, INT64_MAX), CURLE_OK);
  CHECK(T8, o.connect_timeout_ms > (int64_t)INT_MAX * 1000 && o.connect_timeout_ms <= INT64_MAX / 1000);
  CHECK_EQ(T8, sl_options_number(&o, CURLOPT_LOW_SPEED_TIME, 65536), CURLE_OK);
  CHECK_EQ(T8, o.low_speed_time_s, 65535);
  CHECK_EQ(T8, sl_options_number(&o, CURLOPT_MAX_RECV_SPEED_LARGE, INT64_MAX), CURLE_OK);
  CHECK_EQ(T8, o.max_recv_speed, INT64_MAX);
  CHECK_EQ(B9, sl_options_number(&o, SLUICEOPT_PAUSED_TIMEOUT_MS, 5), CURLE_OK);
  CHECK_EQ(B9, o.paused_timeout_ms, 5);
  sl_options_clear(&o);
  CHECK_EQ(T8, o.timeout_ms, 0);
}

static void numbers(void)
{
  sl_options o;
  sl_options_init(&o);
  static const int64_t sizes[][2] = { { 0, 16384 }, { 1, 1024 }, { 5000, 5000 }, { INT64_MAX, CURL_MAX_READ_SIZE } };
  for (size_t i = 0; i < 4; i++) {
    CHECK_EQ(T8, sl_options_number(&o, CURLOPT_BUFFERSIZE, sizes[i][0]), CURLE_OK);
    CHECK_EQ(T8, o.buffer_size, sizes[i][1]);
  }
  CHECK_EQ(T8, sl_options_number(&o, CURLOPT_PORT, 65536), CURLE_BAD_FUNCTION_ARGUMENT);
  CHECK_EQ(T8, sl_options_number(&o, CURLOPT_IPRESOLVE, 3), CURLE_BAD_FUNCTION_ARGUMENT);
  CHECK_EQ(HTTP, sl_options_number(&o, CURLOPT_NOBODY, 7), CURLE_OK);
  CHECK(HTTP, o.nobody);
  CHECK_EQ(HTTP, sl_options_number(&o, CURLOPT_HTTPGET, 0), CURLE_OK);
  CHECK(HTTP, o.nobody);
  CHECK_EQ(HTTP, sl_options_number(&o, CURLOPT_HTTPGET, 1), CURLE_OK);
  CHECK(HTTP, !o.nobody);
  sl_options_clear(&o);
}

/* Never a silent yes. */
static void not_covered(void)
{
  sl_options o;
  sl_options_init(&o);
  static const struct { int option; int64_t value; CURLcode code; } cases[] = {
    { CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_NONE, CURLE_OK },
    { CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1, CURLE_OK },
    { CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_2TLS, CURLE_OK },
    { CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE, CURLE_NOT_BUILT_IN },
    { CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_3, CURLE_NOT_BUILT_IN },
    { CURLOPT_FOLLOWLOCATION, CURLFOLLOW_OBEYCODE, CURLE_OK },
    { CURLOPT_FOLLOWLOCATION, CURLFOLLOW_FIRSTONLY, CURLE_NOT_BUILT_IN },
    { CURLOPT_VERBOSE, 1, CURLE_OK },
    { CURLOPT_CONNECT_ONLY, 1, CURLE_OK },
    { CURLOPT_CONNECT_ONLY, 2, CURLE_NOT_BUILT_IN },
    { CURLOPT_TCP_NODELAY, 1, CURLE_OK },
    { CURLOPT_TCP_NODELAY, 0, CURLE_NOT_BUILT_IN },
    { CURLOPT_RESUME_FROM, 0, CURLE_OK },
    { CURLOPT_RESUME_FROM, -1, CURLE_NOT_BUILT_IN },
    { CURLOPT_RESUME_FROM, -2, CURLE_BAD_FUNCTION_ARGUMENT },
    { CURLOPT_HTTPAUTH, 1, CURLE_OK },
    { CURLOPT_HTTPAUTH, -17, CURLE_OK },  /* CURLAUTH_ANY */
    { CURLOPT_HTTPAUTH, -18, CURLE_NOT_BUILT_IN }, /* CURLAUTH_ANYSAFE */
    { CURLOPT_HTTPAUTH, CURLAUTH_DIGEST, CURLE_NOT_BUILT_IN },
    { CURLOPT_HTTPAUTH, CURLAUTH_NONE, CURLE_OK },
    { CURLOPT_NETRC, CURL_NETRC_OPTIONAL, CURLE_OK },
    { CURLOPT_NETRC, CURL_NETRC_REQUIRED, CURLE_NOT_BUILT_IN },
    { CURLOPT_TIMECONDITION, 1, CURLE_UNKNOWN_OPTION },
    { 12345, 0, CURLE_UNKNOWN_OPTION },
    { -1, 0, CURLE_UNKNOWN_OPTION },
    { CURLOPT_URL, 1, CURLE_BAD_FUNCTION_ARGUMENT },
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    if (!CHECK_EQ(X, sl_options_number(&o, cases[i].option, cases[i].value), cases[i].code))
      fprintf(stderr, "    option %d\n", cases[i].option);
  CHECK_EQ(X, set_text(&o, CURLOPT_ACCEPT_ENCODING, NULL), CURLE_OK);
  CHECK_EQ(B18, set_text(&o, CURLOPT_ACCEPT_ENCODING, ""), CURLE_OK);
  CHECK_EQ(B18, set_text(&o, CURLOPT_ACCEPT_ENCODING, "identity"), CURLE_OK);
  CHECK_EQ(X, set_text(&o, CURLOPT_ACCEPT_ENCODING, "gzip"), CURLE_NOT_BUILT_IN);
  CHECK_EQ(X, set_text(&o, CURLOPT_PROXY, ""), CURLE_OK);
  CHECK_EQ(X, set_text(&o, CURLOPT_PROXY, "http://p"), CURLE_NOT_BUILT_IN);
  CHECK_EQ(X, set_text(&o, CURLOPT_COOKIEFILE, ""), CURLE_UNKNOWN_OPTION);
  CHECK_EQ(X, set_text(&o, CURLOPT_TIMEOUT, "1"), CURLE_BAD_FUNCTION_ARGUMENT);
  CHECK_EQ(X, sl_options_function(&o, CURLOPT_SSL_CTX_FUNCTION, NULL), CURLE_UNKNOWN_OPTION);
  CHECK_EQ(X, sl_options_function(&o, CURLOPT_URL, NULL), CURLE_UNKNOWN_OPTION);
  sl_options_clear(&o);
}

/* What a request is made of: the smallest and the largest value that is taken, and what is made of one more. */
static void requests(void)
{
  sl_options o;
  sl_options_init(&o);
  CHECK(R1, o.upload_size == -1 && o.post_size == -1);
  CHECK(R5, o.expect_100_ms == 1000);
  CHECK(HTTP, !o.follow && o.max_redirects == 30 && !o.post_redirect && !o.max_file_size);
  static const struct { const char *row; int option; int64_t min, max; bool clamps; size_t at; } cases[] = {
    { "R1", CURLOPT_INFILESIZE, -1, INT64_MAX, true, offsetof(sl_options, upload_size) },
    { "R1", CURLOPT_INFILESIZE_LARGE, -1, INT64_MAX, true, offsetof(sl_options, upload_size) },
    { "R1", CURLOPT_POSTFIELDSIZE, -1, INT64_MAX, true, offsetof(sl_options, post_size) },
    { "R1", CURLOPT_POSTFIELDSIZE_LARGE, -1, INT64_MAX, true, offsetof(sl_options, post_size) },
    { "R5", CURLOPT_EXPECT_100_TIMEOUT_MS, 0, 65535, true, offsetof(sl_options, expect_100_ms) },
    { "HTTP", CURLOPT_MAXREDIRS, -1, 32767, true, offsetof(sl_options, max_redirects) },
    { "HTTP", CURLOPT_POSTREDIR, 0, 7, false, offsetof(sl_options, post_redirect) },
    { "W14", CURLOPT_MAXFILESIZE, 0, INT64_MAX, true, offsetof(sl_options, max_file_size) },
    { "W14", CURLOPT_MAXFILESIZE_LARGE, 0, INT64_MAX, true, offsetof(sl_options, max_file_size) },
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const int64_t *place = (const int64_t *)(const void *)((const char *)&o + cases[i].at);
    int64_t more = cases[i].max < INT64_MAX ? cases[i].max + 1 : cases[i].max;
    bool ok = !sl_options_number(&o, cases[i].option, cases[i].max) && *place == cases[i].max;
    ok = ok && !sl_options_number(&o, cases[i].option, cases[i].min) && *place == cases[i].min;
    ok = ok && sl_options_number(&o, cases[i].option, cases[i].min - 1) == CURLE_BAD_FUNCTION_ARGUMENT;
    ok = ok && *place == cases[i].min;
    ok = ok && sl_options_number(&o, cases[i].option, more) == (cases[i].clamps ? CURLE_OK : CURLE_BAD_FUNCTION_ARGUMENT);
    check_that(cases[i].row, ok && *place == (cases[i].clamps ? cases[i].max : cases[i].min), "range of an option",
               __FILE__, cases[i].option);
  }
  sl_options_clear(&o);
  CHECK(R1, o.upload_size == -1 && o.max_redirects == 30);
}

/* The four ways to say which method: the last one wins. */
static void methods(void)
{
  sl_options o;
  sl_options_init(&o);
  char body[] = "a=b";
  CHECK_EQ(HTTP, sl_options_number(&o, CURLOPT_UPLOAD, 1), CURLE_OK);
  CHECK(HTTP, o.upload && !o.post);
  CHECK_EQ(HTTP, sl_options_number(&o, CURLOPT_POST, 1), CURLE_OK);
  CHECK(HTTP, !o.upload && o.post);
  CHECK_EQ(HTTP, sl_options_number(&o, CURLOPT_NOBODY, 1), CURLE_OK);
  CHECK_EQ(HTTP, sl_options_number(&o, CURLOPT_UPLOAD, 0), CURLE_OK);
  CHECK(HTTP, o.nobody && !o.post && !o.upload);
  CHECK_EQ(HTTP, sl_options_number(&o, CURLOPT_UPLOAD, 1), CURLE_OK);
  CHECK(HTTP, !o.nobody && o.upload);
  CHECK_EQ(HTTP, sl_options_object(&o, CURLOPT_POSTFIELDS, body), CURLE_OK);
  CHECK(HTTP, o.post && !o.upload && o.post_fields == body && !o.own_post);
  CHECK_EQ(HTTP, sl_options_number(&o, CURLOPT_HTTPGET, 1), CURLE_OK);
  CHECK(HTTP, !o.post && !o.upload && !o.nobody);
  CHECK_EQ(HTTP, sl_options_object(&o, CURLOPT_COPYPOSTFIELDS, body), CURLE_OK);
  body[0] = 'x';
  CHECK(HTTP, o.post && !strcmp(o.post_fields, "a=b"));
  /* Any byte, when the size was said before. */
  CHECK_EQ(HTTP, sl_options_number(&o, CURLOPT_POSTFIELDSIZE, 5), CURLE_OK);
  CHECK_EQ(HTTP, sl_options_object(&o, CURLOPT_COPYPOSTFIELDS, (void *)(uintptr_t)"a\0\r\nb"), CURLE_OK);
  CHECK(HTTP, !memcmp(o.post_fields, "a\0\r\nb", 5));
  CHECK_EQ(HTTP, sl_options_object(&o, CURLOPT_POSTFIELDS, NULL), CURLE_OK);
  CHECK(HTTP, o.post && !o.post_fields && !o.own_post);
  sl_options_clear(&o);
  CHECK(HTTP, !o.post && !o.post_fields);
}

static void texts(void)
{
  sl_options o;
  sl_options_init(&o);
  char url[] = "http://a/";
  CHECK_EQ(TEXT, set_text(&o, CURLOPT_URL, url), CURLE_OK);
  url[0] = 'X';
  CHECK(TEXT, !strcmp(o.url, "http://a/"));
  CHECK_EQ(TEXT, set_text(&o, CURLOPT_URL, "http://b/\r\nX: y"), CURLE_BAD_FUNCTION_ARGUMENT);
  CHECK(U7, !o.url); /* nobody asked for the one before any more */
  CHECK_EQ(TEXT, sl_options_text(&o, CURLOPT_URL, "a\0b", 3), CURLE_BAD_FUNCTION_ARGUMENT);
  CHECK_EQ(TEXT, set_text(&o, CURLOPT_URL, "http://a/"), CURLE_OK);
  CHECK_EQ(TEXT, set_text(&o, CURLOPT_URL, NULL), CURLE_OK);
  CHECK(TEXT, !o.url);
  CHECK_EQ(TEXT, set_text(&o, CURLOPT_CUSTOMREQUEST, "PURGE"), CURLE_OK);
  CHECK_EQ(TEXT, set_text(&o, CURLOPT_CUSTOMREQUEST, "GET /x"), CURLE_BAD_FUNCTION_ARGUMENT);
  CHECK_EQ(TEXT, set_text(&o, CURLOPT_CUSTOMREQUEST, ""), CURLE_BAD_FUNCTION_ARGUMENT);
  CHECK(U7, !o.custom_request);
  CHECK_EQ(TEXT, set_text(&o, CURLOPT_INTERFACE, "eth0"), CURLE_NOT_BUILT_IN);
  CHECK_EQ(TEXT, set_text(&o, CURLOPT_INTERFACE, "if!127.0.0.1"), CURLE_NOT_BUILT_IN);
  CHECK_EQ(TEXT, set_text(&o, CURLOPT_INTERFACE, "host!127.0.0.1"), CURLE_OK);
  CHECK(TEXT, !strcmp(o.interface_, "127.0.0.1"));
  CHECK_EQ(TEXT, set_text(&o, CURLOPT_INTERFACE, "::1"), CURLE_OK);
  CHECK(TEXT, !strcmp(o.interface_, "::1"));
  sl_options_clear(&o);
  CHECK(TEXT, !o.url && !o.custom_request && !o.interface_);
}

/* Names of schemes, as libcurl has them; a refused list allows nothing. */
static void protocols(void)
{
  sl_options o;
  sl_options_init(&o);
  CHECK(B18, o.protocols == CURLPROTO_ALL && o.redirect_protocols == SL_REDIRECT_PROTOCOLS);
  static const struct { const char *text; CURLcode code; int64_t bits; } cases[] = {
    { "http,https", CURLE_OK, 3 }, { "HTTP", CURLE_OK, 1 }, { "file", CURLE_OK, CURLPROTO_FILE }, { "all", CURLE_OK, -1 },
    { "gophers,ftp", CURLE_OK, CURLPROTO_GOPHERS | CURLPROTO_FTP }, { ",http,", CURLE_OK, 1 },
    { "http,nope", CURLE_UNSUPPORTED_PROTOCOL, 0 }, { "httpx", CURLE_UNSUPPORTED_PROTOCOL, 0 },
    { "", CURLE_BAD_FUNCTION_ARGUMENT, 0 }, { ",", CURLE_BAD_FUNCTION_ARGUMENT, 0 }, { "http\n", CURLE_BAD_FUNCTION_ARGUMENT, 0 },
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    sl_options_text(&o, CURLOPT_PROTOCOLS_STR, "https", 5);
    if (!CHECK_EQ(B18, set_text(&o, CURLOPT_PROTOCOLS_STR, cases[i].text), cases[i].code) ||
        !CHECK_EQ(U7, o.protocols, cases[i].bits))
      fprintf(stderr, "    %s\n", cases[i].text);
  }
  CHECK_EQ(B18, set_text(&o, CURLOPT_PROTOCOLS_STR, NULL), CURLE_OK);
  CHECK_EQ(B18, set_text(&o, CURLOPT_REDIR_PROTOCOLS_STR, NULL), CURLE_OK);
  CHECK(B18, o.protocols == CURLPROTO_ALL && o.redirect_protocols == SL_REDIRECT_PROTOCOLS);
  CHECK_EQ(B18, sl_options_number(&o, CURLOPT_REDIR_PROTOCOLS, CURLPROTO_HTTPS), CURLE_OK);
  CHECK_EQ(B18, o.redirect_protocols, CURLPROTO_HTTPS);
  sl_options_clear(&o);
}

/* How many are remembered does not matter, nor in which order they are taken back. */
static void refusals(void)
{
  sl_options o, copy;
  sl_refusal first = { 0, CURLE_OK };
  sl_options_init(&o);
  CHECK(B18, !sl_options_refused(&o, &first));
  for (int i = 1; i <= 300; i++) sl_options_refuse(&o, i, CURLE_NOT_BUILT_IN);
  sl_options_refuse(&o, 2, CURLE_UNKNOWN_OPTION);
  CHECK(B18, sl_options_refused(&o, &first) && first.option == 1 && first.code == CURLE_NOT_BUILT_IN);
  sl_options_accept(&o, 1);
  CHECK(B18, sl_options_refused(&o, &first) && first.option == 2 && first.code == CURLE_UNKNOWN_OPTION);
  sl_options_init(&copy);
  CHECK(B18, sl_options_copy(&copy, &o) && sl_options_refused(&copy, &first) && first.option == 2);
  for (int i = 299; i > 1; i--) sl_options_accept(&o, i);
  CHECK(B18, sl_options_refused(&o, &first) && first.option == 300);
  o.ignore_unsupported = true;
  CHECK(B18, !sl_options_refused(&o, &first));
  o.ignore_unsupported = false;
  sl_options_accept(&o, 300);
  CHECK(B18, !sl_options_refused(&o, &first));
  CHECK(B18, sl_options_refused(&copy, &first)); /* a copy of its own */
  sl_options_refuse(&o, CURLOPT_PROTOCOLS_STR, CURLE_UNSUPPORTED_PROTOCOL);
  sl_options_accept(&o, CURLOPT_PROTOCOLS);
  CHECK(B18, !sl_options_refused(&o, &first)); /* they set one thing */
  alloc_fail_at(1);
  sl_options_refuse(&o, 7, CURLE_NOT_BUILT_IN);
  alloc_fail_at(0);
  CHECK(OOM, sl_options_refused(&o, &first) && first.code == CURLE_OUT_OF_MEMORY);
  sl_options_clear(&o);
  CHECK(B18, !sl_options_refused(&o, &first));
  sl_options_clear(&copy);
}

static void login(void)
{
  sl_options o;
  sl_options_init(&o);
  CHECK_EQ(AUTH, set_text(&o, CURLOPT_USERPWD, "me:a:b"), CURLE_OK);
  CHECK(AUTH, !strcmp(o.user, "me") && !strcmp(o.password, "a:b") && !strcmp(o.userpwd, "me:a:b"));
  CHECK_EQ(AUTH, set_text(&o, CURLOPT_USERNAME, "you"), CURLE_OK);
  CHECK(AUTH, !strcmp(o.userpwd, "you:a:b"));
  CHECK_EQ(AUTH, set_text(&o, CURLOPT_PASSWORD, NULL), CURLE_OK);
  CHECK(AUTH, !strcmp(o.userpwd, "you:"));
  CHECK_EQ(AUTH, set_text(&o, CURLOPT_USERPWD, NULL), CURLE_OK);
  CHECK(AUTH, !o.userpwd && !o.user && !o.password);
  CHECK_EQ(AUTH, set_text(&o, CURLOPT_PASSWORD, "x"), CURLE_OK);
  CHECK(AUTH, !strcmp(o.userpwd, ":x"));
  sl_options_clear(&o);
}

static void headers(void)
{
  static const struct { const char *line; bool valid; } cases[] = {
    { "Accept: */*", true }, { "Accept:", true }, { "Accept;", true }, { "Accept; ", true }, { "X-1: \xc3\xa4\t", true },
    { "", false }, { ":x", false }, { "Accept", false }, { "A b: c", false }, { "A: b\r\nC: d", false },
    { "A: b\n", false }, { "A: \x01", false }, { "A; b", false }, { " A: b", false }, { "A\t: b", false },
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    if (!CHECK(HEADER, sl_header_valid(cases[i].line, strlen(cases[i].line)) == cases[i].valid))
      fprintf(stderr, "    %s\n", cases[i].line);
  CHECK(HEADER, !sl_header_valid("A: b\0c", 6));
  sl_options o;
  sl_options_init(&o);
  CHECK_EQ(HEADER, sl_options_add_header(&o, "A: 1 and more", 4), CURLE_OK);
  CHECK_EQ(HEADER, sl_options_add_header(&o, "B: 2", 4), CURLE_OK);
  CHECK_EQ(HEADER, sl_options_add_header(&o, "B 2", 3), CURLE_BAD_FUNCTION_ARGUMENT);
  CHECK(HEADER, o.own_headers && !strcmp(o.own_headers->data, "A: 1") && !strcmp(o.own_headers->next->data, "B: 2"));
  struct curl_slist *list = curl_slist_append(curl_slist_append(NULL, "Good: 1"), "Bad\n: 2");
  CHECK_EQ(HEADER, sl_options_object(&o, CURLOPT_HTTPHEADER, list), CURLE_BAD_FUNCTION_ARGUMENT);
  CHECK(HEADER, !o.headers);
  CHECK_EQ(HEADER, sl_options_object(&o, CURLOPT_HTTPHEADER, NULL), CURLE_OK);
  curl_slist_free_all(list);
  sl_options_clear(&o);
}

static size_t take_all(char *data, size_t size, size_t n, void *to)
{
  (void)data, (void)to;
  return size * n;
}

static void through_setopt(void)
{
  CURL *easy = curl_easy_init();
  int mark;
  char *seen = NULL, *url = NULL;
  double speed = -1;
  curl_off_t length = 0;
  long status = -1;
  CHECK_EQ(T8, curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, -1L), CURLE_BAD_FUNCTION_ARGUMENT);
  CHECK_EQ(T8, curl_easy_setopt(easy, CURLOPT_MAX_RECV_SPEED_LARGE, (curl_off_t)-1), CURLE_BAD_FUNCTION_ARGUMENT);
  CHECK_EQ(T8, curl_easy_setopt(easy, CURLOPT_MAX_RECV_SPEED_LARGE, (curl_off_t)1 << 40), CURLE_OK);
  CHECK_EQ(X6, curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_all), CURLE_OK);
  CHECK_EQ(X6, curl_easy_setopt(easy, CURLOPT_PRIVATE, &mark), CURLE_OK);
  CHECK_EQ(X6, curl_easy_setopt(easy, CURLOPT_CAINFO_BLOB, NULL), CURLE_OK);
  CHECK_EQ(X6, curl_easy_setopt(NULL, CURLOPT_URL, "x"), CURLE_BAD_FUNCTION_ARGUMENT);
  CHECK_EQ(X8, curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, take_all), CURLE_UNKNOWN_OPTION); /* no descriptors */
  CHECK_EQ(B18, curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, NULL), CURLE_OK);
  CHECK_EQ(X6, curl_easy_setopt(easy, CURLOPT_URL, "http://x/"), CURLE_OK);
  CHECK_EQ(X6, curl_easy_getinfo(easy, CURLINFO_PRIVATE, &seen), CURLE_OK);
  CHECK(X6, seen == (char *)&mark);
  CHECK_EQ(X6, curl_easy_getinfo(easy, CURLINFO_EFFECTIVE_URL, &url), CURLE_OK);
  CHECK(X6, !strcmp(url, "http://x/"));
  CHECK_EQ(X6, curl_easy_getinfo(easy, CURLINFO_SPEED_DOWNLOAD, &speed), CURLE_OK);
  CHECK(X6, speed == 0);
  CHECK_EQ(X6, curl_easy_getinfo(easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length), CURLE_OK);
  CHECK_EQ(X6, length, -1);
  CHECK_EQ(X6, curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status), CURLE_OK);
  CHECK_EQ(X6, status, 0);
  CHECK_EQ(X6, curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &status), CURLE_UNKNOWN_OPTION);
  CHECK_EQ(X6, curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, NULL), CURLE_BAD_FUNCTION_ARGUMENT);
  CHECK_EQ(P2, curl_easy_pause(easy, CURLPAUSE_RECV), CURLE_BAD_FUNCTION_ARGUMENT);
  CHECK_EQ(P2, curl_easy_pause(NULL, CURLPAUSE_RECV), CURLE_BAD_FUNCTION_ARGUMENT);
  curl_easy_reset(easy);
  CHECK_EQ(P13, curl_easy_getinfo(easy, CURLINFO_EFFECTIVE_URL, &url), CURLE_OK);
  CHECK(P13, !*url);
  curl_easy_cleanup(easy);
  curl_easy_cleanup(NULL);
}

/* The null host opens nothing: a perform ends at once, with words. */
static void without_network(void)
{
  char words[CURL_ERROR_SIZE];
  CURL *easy = curl_easy_init();
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, words);
  memset(words, 'x', sizeof words);
  CHECK_EQ(X6, curl_easy_perform(easy), CURLE_URL_MALFORMAT);
  CHECK(X6, !strcmp(words, "No URL set"));
  curl_easy_setopt(easy, CURLOPT_URL, "nope://x/");
  CHECK_EQ(X6, curl_easy_perform(easy), CURLE_UNSUPPORTED_PROTOCOL);
  curl_easy_setopt(easy, CURLOPT_URL, "http://x/");
  CHECK_EQ(X6, curl_easy_perform(easy), CURLE_UNSUPPORTED_PROTOCOL);
  CHECK(X6, *words);
  curl_easy_cleanup(easy);
}

/* Rule 9: every allocation may fail; then the answer is 27, and a text is whole or unset (U7). */
static bool set_with_little_memory(sl_options *o)
{
  static const struct { int option; const char *text; } sets[] = {
    { CURLOPT_URL, "http://b/" }, { CURLOPT_USERPWD, "b:c" }, { CURLOPT_USERNAME, "bb" }, { CURLOPT_CUSTOMREQUEST, "B" } };
  for (size_t i = 0; i < 4; i++) {
    CURLcode code = set_text(o, sets[i].option, sets[i].text);
    if (code) return CHECK_EQ(OOM, code, CURLE_OUT_OF_MEMORY) && false;
  }
  CURLcode code = sl_options_add_header(o, "B: b", 4);
  if (code) CHECK_EQ(OOM, code, CURLE_OUT_OF_MEMORY);
  return !code;
}

static void little_memory(void)
{
  bool done = false;
  for (unsigned n = 1; !done && n < 100; n++) {
    sl_options o;
    sl_options_init(&o);
    set_text(&o, CURLOPT_URL, "http://a/");
    set_text(&o, CURLOPT_USERPWD, "a:b");
    alloc_fail_at(n);
    done = set_with_little_memory(&o);
    alloc_fail_at(0);
    CHECK(OOM, !o.url || !strcmp(o.url, "http://a/") || !strcmp(o.url, "http://b/"));
    CHECK(OOM, !o.userpwd || !strncmp(o.user ? o.user : ":", o.userpwd, o.user ? strlen(o.user) : 1));
    CHECK(U7, done || !o.url || !strcmp(o.url, "http://b/")); /* the first text to be set was, or is gone */
    sl_options_clear(&o);
  }
  CHECK(OOM, done);
  done = false;
  for (unsigned n = 1; !done && n < 100; n++) {
    alloc_fail_at(n);
    CURL *easy = curl_easy_init();
    CURLM *multi = curl_multi_init();
    CURLcode code = easy ? curl_easy_setopt(easy, CURLOPT_URL, "nope://x/") : CURLE_OUT_OF_MEMORY;
    if (!code) code = curl_easy_perform(easy);
    CURLMcode added = multi && easy ? curl_multi_add_handle(multi, easy) : CURLM_OUT_OF_MEMORY;
    CHECK(OOM, added == CURLM_OK || added == CURLM_OUT_OF_MEMORY);
    done = !alloc_fail_came();
    alloc_fail_at(0);
    CHECK(OOM, code == CURLE_OUT_OF_MEMORY || code == CURLE_UNSUPPORTED_PROTOCOL);
    curl_easy_cleanup(easy);
    if (multi) CHECK_EQ(OOM, curl_multi_cleanup(multi), CURLM_OK);
  }
  CHECK(OOM, done);
}

static void phrases(void)
{
  for (int i = 0; i < CURL_LAST; i++) CHECK(WORDS, *curl_easy_strerror((CURLcode)i));
  CHECK(WORDS, !strcmp(curl_easy_strerror((CURLcode)-1), curl_easy_strerror((CURLcode)4711)));
  for (int i = -1; i < CURLM_LAST; i++) CHECK(WORDS, *curl_multi_strerror((CURLMcode)i));
  CHECK(WORDS, !strcmp(curl_multi_strerror((CURLMcode)-2), curl_multi_strerror((CURLMcode)4711)));
  CHECK(WORDS, !strncmp(curl_version(), "sluice/", 7));
}

int main(void)
{
  defaults();
  times();
  numbers();
  not_covered();
  requests();
  methods();
  texts();
  protocols();
  refusals();
  login();
  headers();
  through_setopt();
  without_network();
  little_memory();
  phrases();
  return check_result();
}
