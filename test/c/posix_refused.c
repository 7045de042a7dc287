/* posix_refused.c: options that were refused or are borrowed, and what the next transfer makes of them (B18, U7), over real
 * sockets. Memory that is lent is freed as soon as a program may free it: ASan watches. */
#include <stdlib.h>
#include <string.h>
#include "support/check.h"
#include "support/client.h"

static char request[4096];

static const char *sent(void)
{
  server_request(http, request, sizeof request);
  return request;
}

/* The transfer ends with this code, its words name the option, and the server hears nothing. */
static void refused(CURL *easy, CURLcode code, const char *name)
{
  unsigned before = server_requests(http);
  if (!CHECK_EQ(B18, curl_easy_perform(easy), code) || !CHECK(B18, strstr(words, name)))
    fprintf(stderr, "    %s: %s\n", name, words);
  CHECK_EQ(B18, server_requests(http), before);
}

/* ---- U7: lists ---- */

/* A correct program: a list is set, another one is refused, the first is freed. */
static void list_replaced(int option, const char *good, const char *bad, bool null_line)
{
  record r;
  CURL *easy = begin(&r, "/length/5");
  struct curl_slist *first = curl_slist_append(NULL, good), *second = curl_slist_append(NULL, bad);
  if (null_line) {
    free(second->data);
    second->data = NULL;
  }
  CHECK_EQ(U7, curl_easy_setopt(easy, (CURLoption)option, first), CURLE_OK);
  CURLcode code = curl_easy_setopt(easy, (CURLoption)option, second);
  CHECK(U7, code == CURLE_BAD_FUNCTION_ARGUMENT || code == CURLE_SETOPT_OPTION_SYNTAX || code == CURLE_NOT_BUILT_IN);
  curl_slist_free_all(first);
  curl_slist_free_all(second);
  refused(easy, code, option == CURLOPT_HTTPHEADER ? "HTTPHEADER" : option == CURLOPT_RESOLVE ? "RESOLVE" : "CONNECT_TO");
  curl_easy_setopt(easy, SLUICEOPT_IGNORE_UNSUPPORTED, 1L);
  CHECK_EQ(U7, curl_easy_perform(easy), CURLE_OK); /* without any list */
  CHECK(U7, !strstr(sent(), "X-Old"));
  CHECK_EQ(B18, curl_easy_setopt(easy, SLUICEOPT_IGNORE_UNSUPPORTED, 0L), CURLE_OK);
  refused(easy, code, "");
  CHECK_EQ(B18, curl_easy_setopt(easy, (CURLoption)option, NULL), CURLE_OK);
  CHECK_EQ(B18, curl_easy_perform(easy), CURLE_OK);
  end(&r);
}

static void lists(void)
{
  list_replaced(CURLOPT_HTTPHEADER, "X-Old: 1", "X-New: 1\r\nX-Injected: 1", false);
  list_replaced(CURLOPT_HTTPHEADER, "X-Old: 1", "", true);
  list_replaced(CURLOPT_RESOLVE, "example.invalid:80:127.0.0.1", "example.invalid", false);
  list_replaced(CURLOPT_RESOLVE, "example.invalid:80:127.0.0.1", "example.invalid:80:127.0.0.1,127.0.0.2", false);
  list_replaced(CURLOPT_RESOLVE, "example.invalid:80:127.0.0.1", "", true);
  list_replaced(CURLOPT_CONNECT_TO, "example.invalid:80::81", "", false);
  list_replaced(CURLOPT_CONNECT_TO, "example.invalid:80::81", "", true);
}

/* A program appends to the list it lent, behind setopt's back. */
static void appended(int option, const char *good, const char *more, CURLcode code)
{
  record r;
  CURL *easy = begin(&r, "/length/5");
  struct curl_slist *list = curl_slist_append(NULL, good);
  CHECK_EQ(U7, curl_easy_setopt(easy, (CURLoption)option, list), CURLE_OK);
  CHECK_EQ(U7, curl_easy_perform(easy), CURLE_OK);
  curl_slist_append(list, more);
  unsigned before = server_requests(http);
  CHECK_EQ(U7, curl_easy_perform(easy), code);
  CHECK_EQ(U7, server_requests(http), before + !code);
  if (!code) CHECK(U7, strstr(sent(), more));
  else CHECK(U7, *words);
  curl_easy_setopt(easy, (CURLoption)option, NULL);
  curl_slist_free_all(list);
  CHECK_EQ(U7, curl_easy_perform(easy), CURLE_OK);
  end(&r);
}

static void appending(void)
{
  appended(CURLOPT_HTTPHEADER, "X-One: 1", "X-Two: 2", CURLE_OK);
  appended(CURLOPT_HTTPHEADER, "X-One: 1", "X-Two: 2\r\nX-Injected: 1", CURLE_BAD_FUNCTION_ARGUMENT);
  appended(CURLOPT_HTTPHEADER, "X-One: 1", "\r\n\r\nGET /injected HTTP/1.1", CURLE_BAD_FUNCTION_ARGUMENT);
  appended(CURLOPT_HTTPHEADER, "Host: me", "Host: you\rX: y", CURLE_BAD_FUNCTION_ARGUMENT);
  appended(CURLOPT_CONNECT_TO, "x:1:y:2", "", CURLE_SETOPT_OPTION_SYNTAX);
  appended(CURLOPT_RESOLVE, "x:1:1.2.3.4", "x:1:1.2.3.4\nverify 0", CURLE_SETOPT_OPTION_SYNTAX);
}

/* Texts are copies, and none with a line end in it is taken; nor is what was set before used in its place. */
static void injected_texts(void)
{
  static const int options[] = { CURLOPT_COOKIE, CURLOPT_USERAGENT, CURLOPT_REFERER, CURLOPT_CUSTOMREQUEST, CURLOPT_URL,
                                 CURLOPT_RANGE, CURLOPT_UNIX_SOCKET_PATH, CURLOPT_INTERFACE };
  static const char *const ends[] = { "\r\nX-Injected: 1", "\nX-Injected: 1", "\rX" };
  for (size_t i = 0; i < sizeof options / sizeof *options; i++)
    for (size_t j = 0; j < 3; j++) {
      record r;
      char text[64] = "1";
      CURL *easy = begin(&r, "/length/5");
      strcat(text, ends[j]);
      CHECK_EQ(U7, curl_easy_setopt(easy, (CURLoption)options[i], text), CURLE_BAD_FUNCTION_ARGUMENT);
      refused(easy, CURLE_BAD_FUNCTION_ARGUMENT, curl_easy_option_by_id((CURLoption)options[i])->name);
      end(&r);
    }
}

static const char *trailer;

static int on_trailers(struct curl_slist **list, void *to)
{
  (void)to;
  *list = curl_slist_append(curl_slist_append(NULL, "X-Good: 1"), trailer);
  return CURL_TRAILERFUNC_OK;
}

static size_t on_read(char *to, size_t size, size_t n, void *left)
{
  (void)n;
  if (!*(int *)left) return 0;
  --*(int *)left;
  to[0] = 'x';
  return size;
}

static void injected_trailers(void)
{
  static const char *const bad[] = { "X-Bad: 1\r\nX-Injected: 1", "X-Bad: 1\n", "\r\nGET / HTTP/1.1\r\nX: ", "X-Bad 1" };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    record r;
    char lines[1024];
    int left = 3;
    CURL *easy = begin(&r, "/echo");
    trailer = bad[i];
    curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_read);
    curl_easy_setopt(easy, CURLOPT_READDATA, &left);
    curl_easy_setopt(easy, CURLOPT_TRAILERFUNCTION, on_trailers);
    curl_easy_perform(easy); /* with the good line alone, or not at all */
    server_trailers(http, lines, sizeof lines);
    if (!CHECK(U7, !*lines || !strcmp(lines, "X-Good: 1\n"))) fprintf(stderr, "    %s\n", lines);
    end(&r);
  }
}

/* ---- B18: what was refused counts ---- */

static void unsupported(void)
{
  static const struct { int option; long number; const char *text; CURLcode code; } cases[] = {
    { CURLOPT_HTTPAUTH, (long)CURLAUTH_DIGEST, NULL, CURLE_NOT_BUILT_IN },
    { CURLOPT_HTTPAUTH, (long)CURLAUTH_ANYSAFE, NULL, CURLE_NOT_BUILT_IN },
    { CURLOPT_SSL_VERIFYSTATUS, 1, NULL, CURLE_NOT_BUILT_IN },
    { CURLOPT_FILETIME, 1, NULL, CURLE_NOT_BUILT_IN },
    { CURLOPT_TIMECONDITION, CURL_TIMECOND_IFMODSINCE, NULL, CURLE_NOT_BUILT_IN },
    { CURLOPT_NETRC, CURL_NETRC_REQUIRED, NULL, CURLE_NOT_BUILT_IN },
    { CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE, NULL, CURLE_NOT_BUILT_IN },
    { CURLOPT_LOCALPORT, 1234, NULL, CURLE_NOT_BUILT_IN },
    { CURLOPT_HSTS_CTRL, CURLHSTS_ENABLE, NULL, CURLE_NOT_BUILT_IN },
    { CURLOPT_APPEND, 1, NULL, CURLE_NOT_BUILT_IN },
    { CURLOPT_PROXY, 0, "http://127.0.0.1:1/", CURLE_NOT_BUILT_IN },
    { CURLOPT_PRE_PROXY, 0, "socks5://127.0.0.1:1", CURLE_NOT_BUILT_IN },
    { CURLOPT_ACCEPT_ENCODING, 0, "gzip", CURLE_NOT_BUILT_IN },
    { CURLOPT_COOKIEFILE, 0, "/cookies", CURLE_NOT_BUILT_IN },
    { CURLOPT_NETRC_FILE, 0, "/netrc", CURLE_NOT_BUILT_IN },
    { CURLOPT_COOKIEJAR, 0, "/cookies", CURLE_NOT_BUILT_IN },
    { CURLOPT_COOKIELIST, 0, "Set-Cookie: a=b", CURLE_NOT_BUILT_IN },
    { CURLOPT_INTERFACE, 0, "eth0", CURLE_NOT_BUILT_IN },
    { CURLOPT_PINNEDPUBLICKEY, 0, "sha256//x", CURLE_NOT_BUILT_IN },
    { CURLOPT_XOAUTH2_BEARER, 0, "token", CURLE_NOT_BUILT_IN },
    { CURLOPT_DOH_URL, 0, "https://127.0.0.1/", CURLE_NOT_BUILT_IN },
    { CURLOPT_REQUEST_TARGET, 0, "*", CURLE_NOT_BUILT_IN },
    { CURLOPT_AWS_SIGV4, 0, "aws:amz", CURLE_NOT_BUILT_IN },
    { CURLOPT_SSLCERTTYPE, 0, "DER", CURLE_NOT_BUILT_IN },
    { CURLOPT_PROTOCOLS_STR, 0, "http,nope", CURLE_UNSUPPORTED_PROTOCOL },
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    record r;
    const char *name = curl_easy_option_by_id((CURLoption)cases[i].option)->name;
    CURL *easy = begin(&r, "/length/5");
    bool number = cases[i].option < 10000;
    CURLcode code = number ? curl_easy_setopt(easy, (CURLoption)cases[i].option, cases[i].number)
                           : curl_easy_setopt(easy, (CURLoption)cases[i].option, cases[i].text);
    if (!CHECK_EQ(B18, code, cases[i].code)) fprintf(stderr, "    %s\n", name);
    refused(easy, code, name);
    refused(easy, code, name); /* it stays */
    code = number ? curl_easy_setopt(easy, (CURLoption)cases[i].option, cases[i].option == CURLOPT_HTTPAUTH ? (long)CURLAUTH_BASIC : 0L)
                  : curl_easy_setopt(easy, (CURLoption)cases[i].option, NULL);
    if (!CHECK_EQ(B18, code, CURLE_OK) || !CHECK_EQ(B18, curl_easy_perform(easy), CURLE_OK)) fprintf(stderr, "    %s: %s\n", name, words);
    end(&r);
  }
}

static size_t never(char *data, size_t size, size_t n, void *to)
{
  (void)data, (void)size, (void)n, (void)to;
  return 0;
}

/* Several at once; what takes them back; a number that libcurl has never heard of; functions and blobs. */
static void several(void)
{
  record r;
  CURL *easy = begin(&r, "/length/5"), *copy;
  struct curl_blob blob = { .data = &r, .len = 1 };
  curl_easy_setopt(easy, CURLOPT_PROXY, "http://127.0.0.1:1/");
  curl_easy_setopt(easy, CURLOPT_COOKIEJAR, "x");
  CHECK_EQ(B18, curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, never), CURLE_NOT_BUILT_IN);
  CHECK_EQ(B18, curl_easy_setopt(easy, CURLOPT_CAINFO_BLOB, &blob), CURLE_NOT_BUILT_IN);
  CHECK_EQ(B18, curl_easy_setopt(easy, (CURLoption)777, 1L), CURLE_UNKNOWN_OPTION);
  refused(easy, CURLE_NOT_BUILT_IN, "CURLOPT_PROXY ");
  copy = curl_easy_duphandle(easy);
  refused(copy, CURLE_NOT_BUILT_IN, "CURLOPT_PROXY ");
  curl_easy_cleanup(copy);
  curl_easy_setopt(easy, CURLOPT_PROXY, "");
  refused(easy, CURLE_NOT_BUILT_IN, "CURLOPT_COOKIEJAR ");
  curl_easy_setopt(easy, CURLOPT_COOKIEJAR, NULL);
  refused(easy, CURLE_NOT_BUILT_IN, "CURLOPT_SSL_CTX_FUNCTION ");
  curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, NULL);
  refused(easy, CURLE_NOT_BUILT_IN, "CURLOPT_CAINFO_BLOB ");
  curl_easy_setopt(easy, CURLOPT_CAINFO_BLOB, NULL);
  refused(easy, CURLE_UNKNOWN_OPTION, "777");
  CHECK_EQ(B18, curl_easy_setopt(easy, SLUICEOPT_IGNORE_UNSUPPORTED, 1L), CURLE_OK);
  CHECK_EQ(B18, curl_easy_perform(easy), CURLE_OK);
  curl_easy_setopt(easy, SLUICEOPT_IGNORE_UNSUPPORTED, 0L);
  refused(easy, CURLE_UNKNOWN_OPTION, "777");
  curl_easy_reset(easy);
  set_path(easy, "/length/5");
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_write);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &r);
  CHECK_EQ(B18, curl_easy_perform(easy), CURLE_OK);
  /* libcurl refuses such a number too, and goes on with the one before. */
  CHECK_EQ(B18, curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, -1L), CURLE_BAD_FUNCTION_ARGUMENT);
  CHECK_EQ(B18, curl_easy_perform(easy), CURLE_OK);
  end(&r);
}

/* In a multi it is the message's. */
static void in_a_multi(void)
{
  record r;
  CURL *easy = begin(&r, "/length/5");
  CURLM *multi = curl_multi_init();
  int running = 1, left;
  curl_easy_setopt(easy, CURLOPT_PROXY, "http://127.0.0.1:1/");
  unsigned before = server_requests(http);
  CHECK_EQ(B18, curl_multi_add_handle(multi, easy), CURLM_OK);
  CHECK_EQ(B18, curl_multi_perform(multi, &running), CURLM_OK);
  CHECK_EQ(B18, running, 0);
  CURLMsg *message = curl_multi_info_read(multi, &left);
  CHECK(B18, message && message->easy_handle == easy && message->data.result == CURLE_NOT_BUILT_IN);
  CHECK(B18, strstr(words, "CURLOPT_PROXY"));
  CHECK_EQ(B18, server_requests(http), before);
  curl_multi_remove_handle(multi, easy);
  curl_easy_setopt(easy, CURLOPT_PROXY, NULL);
  CHECK_EQ(B18, curl_multi_add_handle(multi, easy), CURLM_OK);
  while (!curl_multi_perform(multi, &running) && running) curl_multi_poll(multi, NULL, 0, 1000, NULL);
  message = curl_multi_info_read(multi, &left);
  CHECK(B18, message && message->data.result == CURLE_OK);
  curl_multi_remove_handle(multi, easy);
  curl_multi_cleanup(multi);
  end(&r);
}

/* All that asks for nothing, on one handle: the way careful programs begin. */
static void neutral(void)
{
  static const int numbers[] = { CURLOPT_SSL_VERIFYSTATUS, CURLOPT_FILETIME, CURLOPT_NETRC, CURLOPT_TIMECONDITION, CURLOPT_SSL_OPTIONS,
    CURLOPT_HSTS_CTRL, CURLOPT_ALTSVC_CTRL, CURLOPT_LOCALPORT, CURLOPT_CERTINFO, CURLOPT_AUTOREFERER, CURLOPT_RESUME_FROM,
    CURLOPT_TRANSFER_ENCODING, CURLOPT_IGNORE_CONTENT_LENGTH, CURLOPT_CRLF, CURLOPT_HAPROXYPROTOCOL, CURLOPT_HTTP_VERSION };
  static const int ones[] = { CURLOPT_FTP_USE_EPSV, CURLOPT_FTP_USE_EPRT, CURLOPT_FTP_SKIP_PASV_IP, CURLOPT_DIRLISTONLY, CURLOPT_USE_SSL,
    CURLOPT_TCP_KEEPALIVE, CURLOPT_TCP_KEEPIDLE, CURLOPT_TCP_KEEPINTVL, CURLOPT_DNS_CACHE_TIMEOUT, CURLOPT_MAXCONNECTS, CURLOPT_NOSIGNAL,
    CURLOPT_PROXYTYPE, CURLOPT_PROXYPORT, CURLOPT_PROXYAUTH, CURLOPT_HTTPPROXYTUNNEL, CURLOPT_PROXY_SSL_VERIFYPEER, CURLOPT_UPLOAD_BUFFERSIZE,
    CURLOPT_COOKIESESSION, CURLOPT_SSL_ENABLE_ALPN, CURLOPT_SSL_SESSIONID_CACHE, CURLOPT_HTTP_CONTENT_DECODING, CURLOPT_PIPEWAIT,
    CURLOPT_HAPPY_EYEBALLS_TIMEOUT_MS, CURLOPT_SERVER_RESPONSE_TIMEOUT, CURLOPT_WILDCARDMATCH, CURLOPT_TIMEVALUE, CURLOPT_PATH_AS_IS };
  static const int texts[] = { CURLOPT_COOKIEFILE, CURLOPT_PROXY, CURLOPT_ACCEPT_ENCODING, CURLOPT_NOPROXY, CURLOPT_FTPPORT, CURLOPT_MAIL_FROM };
  static const int nulls[] = { CURLOPT_DOH_URL, CURLOPT_HSTS, CURLOPT_ALTSVC, CURLOPT_CAPATH, CURLOPT_COOKIEJAR, CURLOPT_SHARE, CURLOPT_MIMEPOST,
    CURLOPT_CURLU, CURLOPT_SSL_CIPHER_LIST, CURLOPT_KEYPASSWD, CURLOPT_ACCEPT_ENCODING, CURLOPT_CAINFO_BLOB, CURLOPT_SSL_CTX_FUNCTION };
  record r;
  CURL *easy = begin(&r, "/length/5");
  CURLSH *share = curl_share_init();
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
    if (!CHECK_EQ(B18, curl_easy_setopt(easy, (CURLoption)numbers[i], 0L), CURLE_OK)) fprintf(stderr, "    %d\n", numbers[i]);
  for (size_t i = 0; i < sizeof ones / sizeof *ones; i++)
    if (!CHECK_EQ(B18, curl_easy_setopt(easy, (CURLoption)ones[i], 1L), CURLE_OK)) fprintf(stderr, "    %d\n", ones[i]);
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
    if (!CHECK_EQ(B18, curl_easy_setopt(easy, (CURLoption)texts[i], ""), CURLE_OK)) fprintf(stderr, "    %d\n", texts[i]);
  for (size_t i = 0; i < sizeof nulls / sizeof *nulls; i++)
    if (!CHECK_EQ(B18, curl_easy_setopt(easy, (CURLoption)nulls[i], NULL), CURLE_OK)) fprintf(stderr, "    %d\n", nulls[i]);
  CHECK_EQ(B18, curl_easy_setopt(easy, CURLOPT_COOKIELIST, "ALL"), CURLE_OK);
  CHECK_EQ(B18, curl_easy_setopt(easy, CURLOPT_SSLCERTTYPE, "PEM"), CURLE_OK);
  CHECK_EQ(B18, curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_2TLS), CURLE_OK);
  CHECK_EQ(B18, curl_share_setopt(share, CURLSHOPT_SHARE, CURL_LOCK_DATA_DNS), CURLSHE_OK);
  CHECK_EQ(B18, curl_share_setopt(share, CURLSHOPT_SHARE, CURL_LOCK_DATA_COOKIE), CURLSHE_NOT_BUILT_IN);
  CHECK_EQ(B18, curl_easy_setopt(easy, CURLOPT_SHARE, share), CURLE_OK);
  if (!CHECK_EQ(B18, curl_easy_perform(easy), CURLE_OK)) fprintf(stderr, "    %s\n", words);
  CHECK(B18, body_is(&r, 5) && !strstr(sent(), "Accept-Encoding") && !strstr(sent(), "Cookie"));
  end(&r);
  CHECK_EQ(B18, curl_share_cleanup(share), CURLSHE_OK);
}

/* ---- What was refused and now is done ---- */

static void protocols(void)
{
  record r;
  CURL *easy = begin(&r, "/length/5");
  CHECK_EQ(B18, curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https"), CURLE_OK);
  CHECK_EQ(B18, curl_easy_perform(easy), CURLE_OK);
  curl_easy_setopt(easy, CURLOPT_URL, "file:///etc/passwd");
  CHECK_EQ(B18, curl_easy_perform(easy), CURLE_UNSUPPORTED_PROTOCOL);
  CHECK(B18, strstr(words, "CURLOPT_PROTOCOLS") && body_is(&r, 5));
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS, CURLPROTO_ALL);
  CHECK_EQ(B18, curl_easy_perform(easy), CURLE_OK);
  end(&r);
  easy = begin(&r, "/to/302//length/5");
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 1L);
  CHECK_EQ(B18, curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS, CURLPROTO_HTTPS), CURLE_OK);
  CHECK_EQ(B18, curl_easy_perform(easy), CURLE_UNSUPPORTED_PROTOCOL);
  CHECK_EQ(B18, curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, "http"), CURLE_OK);
  CHECK_EQ(B18, curl_easy_perform(easy), CURLE_OK);
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "https"); /* it holds for the first URL and for redirects */
  CHECK_EQ(B18, curl_easy_perform(easy), CURLE_UNSUPPORTED_PROTOCOL);
  end(&r);
  easy = begin(&r, "/length/5");
  char url[64];
  snprintf(url, sizeof url, "http://me:pw@127.0.0.1:%d/length/5", server_port(http));
  curl_easy_setopt(easy, CURLOPT_URL, url);
  CHECK_EQ(B18, curl_easy_setopt(easy, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L), CURLE_OK);
  CHECK_EQ(B18, curl_easy_perform(easy), CURLE_LOGIN_DENIED);
  end(&r);
}

/* Which credentials go when: requests made, whether the last one had some, and the status. */
static void login(unsigned long methods, const char *path, unsigned requests, bool had, long status)
{
  record r;
  CURL *easy = begin(&r, path);
  unsigned before = server_requests(http);
  curl_easy_setopt(easy, CURLOPT_USERPWD, "me:pw");
  CHECK_EQ(B18, curl_easy_setopt(easy, CURLOPT_HTTPAUTH, methods), CURLE_OK);
  CHECK_EQ(B18, curl_easy_perform(easy), CURLE_OK);
  bool ok = CHECK_EQ(B18, server_requests(http) - before, requests) & CHECK_EQ(B18, !!strstr(sent(), "\r\nAuthorization: Basic bWU6cHc="), had);
  ok &= CHECK_EQ(B18, info(easy, CURLINFO_RESPONSE_CODE), status) & CHECK_EQ(B18, info(easy, CURLINFO_HTTPAUTH_USED), had ? (long)CURLAUTH_BASIC : 0);
  if (requests > 1) CHECK_EQ(B18, info(easy, CURLINFO_HTTPAUTH_AVAIL), (long)(CURLAUTH_BASIC | CURLAUTH_DIGEST));
  CHECK_EQ(B18, r.len, status == 200 ? 2 : 4); /* the 401 that led on is not the body */
  if (!ok) fprintf(stderr, "    %lx %s\n", methods, path);
  end(&r);
}

static void logins(void)
{
  login(CURLAUTH_BASIC, "/login", 1, true, 200);
  login(CURLAUTH_ANY, "/login", 2, true, 200);
  login(CURLAUTH_BASIC | CURLAUTH_DIGEST, "/login", 2, true, 200);
  login(CURLAUTH_BASIC | CURLAUTH_ONLY, "/login", 2, true, 200);
  login(CURLAUTH_ANY, "/login/digest", 1, false, 401);
  login(CURLAUTH_NONE, "/login", 1, false, 401);
  record r; /* a body is given again */
  CURL *easy = begin(&r, "/login");
  curl_easy_setopt(easy, CURLOPT_USERPWD, "me:pw");
  curl_easy_setopt(easy, CURLOPT_HTTPAUTH, CURLAUTH_ANY);
  curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, "a=b");
  CHECK_EQ(B18, curl_easy_perform(easy), CURLE_OK);
  CHECK(B18, !strncmp(sent(), "POST ", 5) && server_body(http, request, sizeof request) == 3);
  /* DIGEST alone: nothing is sent in clear even when the refusal is to be ignored. */
  CHECK_EQ(B18, curl_easy_setopt(easy, CURLOPT_HTTPAUTH, CURLAUTH_DIGEST), CURLE_NOT_BUILT_IN);
  curl_easy_setopt(easy, SLUICEOPT_IGNORE_UNSUPPORTED, 1L);
  CHECK_EQ(B18, curl_easy_perform(easy), CURLE_OK);
  CHECK(B18, !strstr(sent(), "Authorization"));
  end(&r);
}

/* RESUME_FROM: the rest, or nothing. */
static void resumed(const char *path, long from, bool fails_on_error, CURLcode code, size_t n)
{
  record r;
  CURL *easy = begin(&r, path);
  CHECK_EQ(B18, curl_easy_setopt(easy, CURLOPT_RESUME_FROM, from), CURLE_OK);
  curl_easy_setopt(easy, CURLOPT_FAILONERROR, (long)fails_on_error);
  bool ok = CHECK_EQ(B18, curl_easy_perform(easy), code) & CHECK_EQ(B18, r.len, n);
  for (size_t i = 0; i < n; i++) ok &= r.body[i] == server_byte((size_t)from + i);
  if (!CHECK(B18, ok)) fprintf(stderr, "    %s from %ld: %s\n", path, from, words);
  end(&r);
}

static void resuming(void)
{
  resumed("/range/100000", 0, false, CURLE_OK, 100000);
  resumed("/range/100000", 1, false, CURLE_OK, 99999);
  resumed("/range/100000", 99999, false, CURLE_OK, 1);
  resumed("/range/100000", 100000, false, CURLE_OK, 0); /* 416, and there is no more */
  resumed("/range/100000", 100000, true, CURLE_OK, 0);
  resumed("/range/100000", 100001, false, CURLE_RANGE_ERROR, 0);
  resumed("/range/100000", 100001, true, CURLE_HTTP_RETURNED_ERROR, 0);
  resumed("/range/100000/7", 500, false, CURLE_RANGE_ERROR, 0);
  resumed("/length/100000", 500, false, CURLE_RANGE_ERROR, 0);
  resumed("/chunked/1000", 500, false, CURLE_RANGE_ERROR, 0);
  resumed("/status/404", 500, false, CURLE_RANGE_ERROR, 0);
  resumed("/status/206", 500, false, CURLE_RANGE_ERROR, 0);
  record r;
  CURL *easy = begin(&r, "/to/302//range/1000");
  curl_easy_setopt(easy, CURLOPT_RESUME_FROM_LARGE, (curl_off_t)400);
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 1L);
  CHECK_EQ(B18, curl_easy_perform(easy), CURLE_OK);
  CHECK_EQ(B18, r.len, 600);
  end(&r);
  easy = begin(&r, "/echo");
  curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
  curl_easy_setopt(easy, CURLOPT_RESUME_FROM_LARGE, (curl_off_t)1);
  refused(easy, CURLE_NOT_BUILT_IN, "CURLOPT_RESUME_FROM");
  end(&r);
}

/* The same of a file, and its ranges. */
static void file_part(const char *path, long from, const char *range, CURLcode code, size_t at, size_t n)
{
  record r;
  char url[600];
  CURL *easy = begin(&r, "/");
  snprintf(url, sizeof url, "file://%s", path);
  curl_easy_setopt(easy, CURLOPT_URL, url);
  curl_easy_setopt(easy, CURLOPT_RESUME_FROM, from);
  curl_easy_setopt(easy, CURLOPT_RANGE, range);
  bool ok = CHECK_EQ(B18, curl_easy_perform(easy), code) & CHECK_EQ(B18, r.len, n);
  for (size_t i = 0; i < n && ok; i++) ok = r.body[i] == server_byte(at + i);
  if (!code && n) ok &= big_info(easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T) == (curl_off_t)n;
  if (!CHECK(B18, ok)) fprintf(stderr, "    from %ld, %s: %s\n", from, range ? range : "", words);
  end(&r);
}

static void file_parts(void)
{
  char path[] = "/tmp/sluice-refused-XXXXXX";
  FILE *file = fdopen(mkstemp(path), "w");
  for (size_t i = 0; i < 100000; i++) fputc(server_byte(i), file);
  fclose(file);
  static const struct { long from; const char *range; CURLcode code; size_t at, n; } cases[] = {
    { 1, NULL, CURLE_OK, 1, 99999 }, { 70000, NULL, CURLE_OK, 70000, 30000 }, { 100000, NULL, CURLE_OK, 0, 0 },
    { 100001, NULL, CURLE_BAD_DOWNLOAD_RESUME, 0, 0 }, { 0, "0-0", CURLE_OK, 0, 1 }, { 0, "10-19", CURLE_OK, 10, 10 },
    { 0, "99990-", CURLE_OK, 99990, 10 }, { 0, "-7", CURLE_OK, 99993, 7 }, { 0, "-200000", CURLE_OK, 0, 100000 },
    { 0, "99999-200000", CURLE_OK, 99999, 1 }, { 0, "20000-89999", CURLE_OK, 20000, 70000 },
    { 0, "100000-", CURLE_RANGE_ERROR, 0, 0 }, { 0, "5-4", CURLE_RANGE_ERROR, 0, 0 }, { 0, "x", CURLE_RANGE_ERROR, 0, 0 },
    { 0, "-", CURLE_RANGE_ERROR, 0, 0 }, { 0, "-0", CURLE_RANGE_ERROR, 0, 0 }, { 0, "0-1,5-6", CURLE_RANGE_ERROR, 0, 0 },
    { 0, "99999999999999999999-", CURLE_RANGE_ERROR, 0, 0 },
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    file_part(path, cases[i].from, cases[i].range, cases[i].code, cases[i].at, cases[i].n);
  remove(path);
}

/* URLs without a scheme. */
static void guessed(void)
{
  record r;
  char url[128];
  CURL *easy = begin(&r, "/");
  snprintf(url, sizeof url, "127.0.0.1:%d/length/5", server_port(http));
  curl_easy_setopt(easy, CURLOPT_URL, url);
  CHECK_EQ(URL, curl_easy_perform(easy), CURLE_OK);
  CHECK(URL, body_is(&r, 5) && !strncmp(text_info(easy, CURLINFO_EFFECTIVE_URL), "http://127.0.0.1:", 17));
  snprintf(url, sizeof url, "localhost:%d/length/5", server_port(http));
  curl_easy_setopt(easy, CURLOPT_URL, url);
  CHECK_EQ(URL, curl_easy_perform(easy), CURLE_OK);
  curl_easy_setopt(easy, CURLOPT_DEFAULT_PROTOCOL, "https");
  CHECK(URL, curl_easy_perform(easy) == CURLE_UNSUPPORTED_PROTOCOL && strstr(words, "https")); /* none natively */
  curl_easy_setopt(easy, CURLOPT_DEFAULT_PROTOCOL, NULL);
  curl_easy_setopt(easy, CURLOPT_URL, "ftp.example.invalid/x");
  CHECK_EQ(URL, curl_easy_perform(easy), CURLE_UNSUPPORTED_PROTOCOL);
  end(&r);
}

int main(void)
{
  http = server_start();
  lists();
  appending();
  injected_texts();
  injected_trailers();
  unsupported();
  several();
  in_a_multi();
  neutral();
  protocols();
  logins();
  resuming();
  file_parts();
  guessed();
  server_stop(http);
  return check_result();
}
