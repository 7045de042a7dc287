/* posix_easy.c: curl_easy_* over real sockets, against support/server.h. */
#include <stdlib.h>
#include <string.h>
#include "support/check.h"
#include "support/client.h"

static int on_old_progress(void *to, double total, double at, double up_total, double up)
{
  (void)total, (void)at, (void)up_total, (void)up;
  ((record *)to)->progress_calls += 1000;
  return 0;
}

static void bodies(void)
{
  static const struct { const char *path; size_t n; } cases[] = {
    { "/length/1", 1 }, { "/length/100000", 100000 }, { "/length/1000000", 1000000 }, { "/chunked/0", 0 },
    { "/chunked/12345", 12345 }, { "/chunked/300000", 300000 }, { "/close/70000", 70000 }, { "/close/0", 0 },
    { "/dribble/5/20", 500 },
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    record r;
    CURL *easy = begin(&r, cases[i].path);
    if (!CHECK_EQ(W1, curl_easy_perform(easy), CURLE_OK)) fprintf(stderr, "    %s: %s\n", cases[i].path, words);
    CHECK(W1, body_is(&r, cases[i].n));
    CHECK(W1, r.largest <= CURL_MAX_WRITE_SIZE);
    CHECK(W1, r.whole_lines && r.lines >= 4);
    CHECK(X6, !*words);
    CHECK_EQ(X6, info(easy, CURLINFO_RESPONSE_CODE), 200);
    CHECK_EQ(X6, big_info(easy, CURLINFO_SIZE_DOWNLOAD_T), cases[i].n);
    CHECK_EQ(W11, r.empty_calls, !cases[i].n);
    end(&r);
  }
}

static void infos(void)
{
  record r;
  char request[4096];
  double seconds = -1;
  CURL *easy = begin(&r, "/length/1000");
  struct curl_slist *list = curl_slist_append(curl_slist_append(NULL, "X-Mine: 1"), "Accept:");
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, list);
  curl_easy_setopt(easy, CURLOPT_USERAGENT, "test/1");
  curl_easy_setopt(easy, CURLOPT_REFERER, "http://r/");
  curl_easy_setopt(easy, CURLOPT_COOKIE, "a=b");
  curl_easy_setopt(easy, CURLOPT_RANGE, "0-999");
  curl_easy_setopt(easy, CURLOPT_USERPWD, "Aladdin:open sesame");
  curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, "PURGE");
  CHECK_EQ(HTTP, curl_easy_perform(easy), CURLE_OK);
  server_request(http, request, sizeof request);
  CHECK(HTTP, !strncmp(request, "PURGE /length/1000 HTTP/1.1\r\n", 29));
  CHECK(HTTP, strstr(request, "\r\nX-Mine: 1\r\n") && !strstr(request, "Accept"));
  CHECK(HTTP, strstr(request, "\r\nUser-Agent: test/1\r\n") && strstr(request, "\r\nReferer: http://r/\r\n"));
  CHECK(HTTP, strstr(request, "\r\nCookie: a=b\r\n") && strstr(request, "\r\nRange: bytes=0-999\r\n"));
  CHECK(HTTP, strstr(request, "\r\nAuthorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n"));
  CHECK_EQ(HTTP, info(easy, CURLINFO_REQUEST_SIZE), (long)strlen(request));
  CHECK_EQ(HTTP, info(easy, CURLINFO_HEADER_SIZE), (long)r.heads_len);
  CHECK_EQ(HTTP, info(easy, CURLINFO_HTTP_VERSION), CURL_HTTP_VERSION_1_1);
  CHECK_EQ(HTTP, info(easy, CURLINFO_NUM_CONNECTS), 1);
  CHECK_EQ(HTTP, info(easy, CURLINFO_PRIMARY_PORT), server_port(http));
  CHECK(HTTP, info(easy, CURLINFO_LOCAL_PORT) > 0);
  CHECK(HTTP, !strcmp(text_info(easy, CURLINFO_PRIMARY_IP), "127.0.0.1"));
  CHECK(HTTP, !strcmp(text_info(easy, CURLINFO_LOCAL_IP), "127.0.0.1"));
  CHECK(HTTP, !strcmp(text_info(easy, CURLINFO_CONTENT_TYPE), "text/x-test"));
  CHECK(HTTP, !strcmp(text_info(easy, CURLINFO_SCHEME), "http"));
  CHECK(HTTP, !strcmp(text_info(easy, CURLINFO_EFFECTIVE_METHOD), "PURGE"));
  CHECK_EQ(HTTP, big_info(easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T), 1000);
  curl_off_t total = big_info(easy, CURLINFO_TOTAL_TIME_T), first = big_info(easy, CURLINFO_STARTTRANSFER_TIME_T),
             connected = big_info(easy, CURLINFO_CONNECT_TIME_T), begun = big_info(easy, CURLINFO_PRETRANSFER_TIME_T);
  CHECK(HTTP, 0 < connected && connected <= begun && begun <= first && first <= total && total < 10000000);
  CHECK_EQ(HTTP, curl_easy_getinfo(easy, CURLINFO_TOTAL_TIME, &seconds), CURLE_OK);
  CHECK(HTTP, seconds > 0 && seconds < 10);
  CHECK_EQ(B8, info(easy, SLUICEINFO_PAUSED), 0);
  CHECK_EQ(B4, big_info(easy, SLUICEINFO_HELD), 0);
  /* The connection is kept by the handle, also over a reset. */
  unsigned connections = server_connections(http);
  curl_easy_reset(easy);
  curl_slist_free_all(list);
  set_path(easy, "/chunked/10");
  r.len = 0;
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_write);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &r);
  CHECK_EQ(X2, curl_easy_perform(easy), CURLE_OK);
  CHECK(X2, body_is(&r, 10));
  CHECK_EQ(X2, info(easy, CURLINFO_NUM_CONNECTS), 0);
  CHECK_EQ(X2, server_connections(http), connections);
  server_request(http, request, sizeof request);
  CHECK(HTTP, !strncmp(request, "GET /chunked/10 ", 16) && !strstr(request, "X-Mine") && !strstr(request, "Cookie"));
  end(&r);
}

static void without_bodies(void)
{
  record r;
  CURL *easy = begin(&r, "/length/1000");
  curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
  CHECK_EQ(HTTP, curl_easy_perform(easy), CURLE_OK);
  CHECK_EQ(HTTP, r.len, 0);
  CHECK_EQ(HTTP, big_info(easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T), 1000);
  curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
  static const struct { const char *path; long status; size_t n; } cases[] = {
    { "/status/204", 204, 0 }, { "/status/304", 304, 0 }, { "/status/404", 404, 6 }, { "/early", 200, 5 } };
  for (size_t i = 0; i < 4; i++) {
    r.len = r.heads_len = 0;
    set_path(easy, cases[i].path);
    CHECK_EQ(HTTP, curl_easy_perform(easy), CURLE_OK);
    CHECK_EQ(HTTP, r.len, cases[i].n);
    CHECK_EQ(HTTP, info(easy, CURLINFO_RESPONSE_CODE), cases[i].status);
    CHECK_EQ(X2, info(easy, CURLINFO_NUM_CONNECTS), 0);
  }
  r.heads[r.heads_len] = 0;
  CHECK(HTTP, !strncmp(r.heads, "HTTP/1.1 103 ", 13) && strstr(r.heads, "\r\n\r\nHTTP/1.1 200 "));
  curl_easy_setopt(easy, CURLOPT_FAILONERROR, 1L);
  set_path(easy, "/status/404");
  CHECK_EQ(HTTP, curl_easy_perform(easy), CURLE_HTTP_RETURNED_ERROR);
  end(&r);
}

static void places(void)
{
  record r;
  CURL *easy = begin(&r, "/length/5000");
  /* CURLOPT_HEADER: the head goes both ways. */
  curl_easy_setopt(easy, CURLOPT_HEADER, 1L);
  CHECK_EQ(W1, curl_easy_perform(easy), CURLE_OK);
  CHECK(W1, r.len == r.heads_len + 5000 && !memcmp(r.body, r.heads, r.heads_len));
  /* ... also when only the header callback refuses: the write callback sees no line twice. */
  curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
  r.len = r.heads_len = 0;
  r.refuse_line = 2;
  r.unpause_after = 1;
  CHECK_EQ(W6, curl_easy_perform(easy), CURLE_OK);
  CHECK(W6, r.len == r.heads_len + 5000 && !memcmp(r.body, r.heads, r.heads_len) && !r.refuse_line);
  curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 1L);
  curl_easy_setopt(easy, CURLOPT_HEADER, 0L);
  /* HEADERDATA alone: the write callback gets the lines, with that pointer. */
  record other = { .body = malloc(BODY_MAX) };
  r.len = 0;
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, NULL);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, &other);
  CHECK_EQ(W1, curl_easy_perform(easy), CURLE_OK);
  CHECK(W1, body_is(&r, 5000));
  CHECK(W1, other.len > 20 && !strncmp(other.body, "HTTP/1.1 200 OK\r\n", 17));
  /* Neither: dropped. */
  other.len = r.len = 0;
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, NULL);
  CHECK_EQ(W15, curl_easy_perform(easy), CURLE_OK);
  CHECK(W15, body_is(&r, 5000) && !other.len);
  free(other.body);
  /* The default write callback writes to a FILE. */
  FILE *file = tmpfile();
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, NULL);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, file);
  CHECK_EQ(W1, curl_easy_perform(easy), CURLE_OK);
  rewind(file);
  r.len = fread(r.body, 1, BODY_MAX, file);
  CHECK(W1, body_is(&r, 5000));
  fclose(file);
  end(&r);
}

static void pause_by_answer(void)
{
  static const char *paths[] = { "/length/100000", "/chunked/100000", "/close/100000", "/length/0" };
  for (size_t i = 0; i < 4; i++) {
    record r;
    CURL *easy = begin(&r, paths[i]);
    curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
    r.refuse = 1;
    r.unpause_after = 3;
    r.inner = CURLE_FAILED_INIT;
    CHECK_EQ(W2, curl_easy_perform(easy), CURLE_OK);
    CHECK_EQ(G4, r.inner, CURLE_OK);
    CHECK(W2, body_is(&r, i == 3 ? 0 : 100000));
    CHECK(W2, r.largest <= CURL_MAX_WRITE_SIZE);
    CHECK_EQ(W11, r.empty_calls, i == 3);
    end(&r);
  }
  record r;
  CURL *easy = begin(&r, "/length/3000");
  curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
  r.refuse_line = 1;
  r.unpause_after = 3;
  CHECK_EQ(W6, curl_easy_perform(easy), CURLE_OK);
  CHECK(W6, body_is(&r, 3000) && r.whole_lines && !strncmp(r.heads, "HTTP/1.1 200", 12));
  CHECK_EQ(F19, info(easy, CURLINFO_HEADER_SIZE), (long)r.heads_len);
  end(&r);
}

/* Pauses itself by call and takes the chunk; no second chunk may follow. */
static size_t write_and_pause(char *data, size_t size, size_t n, void *to)
{
  record *r = to;
  if (info(r->easy, SLUICEINFO_PAUSED)) r->after_failure = true;
  r->inner = curl_easy_pause(r->easy, CURLPAUSE_RECV);
  r->unpause_after = 1;
  return on_write(data, size, n, to);
}

static void pause_by_call(void)
{
  record r;
  CURL *easy = begin(&r, "/chunked/17000");
  curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, write_and_pause);
  CHECK_EQ(P3, curl_easy_perform(easy), CURLE_OK);
  CHECK_EQ(P3, r.inner, CURLE_OK);
  CHECK(P3, !r.after_failure);
  CHECK(P6, body_is(&r, 17000));
  end(&r);
}

static void failures(void)
{
  static const struct { const char *path; size_t short_by; const char *message; } cases[] = {
    { "/length/100", 1, "Failure writing output to destination, passed 100 returned 99" },
    { "/length/100", 0, "client returned ERROR on write of 100 bytes" },
    { "/length/100", (size_t)-5, "Failure writing output to destination, passed 100 returned 105" } };
  for (size_t i = 0; i < 3; i++) {
    record r;
    CURL *easy = begin(&r, cases[i].path);
    r.short_by = cases[i].short_by;
    r.error = !r.short_by;
    CHECK_EQ(W13, curl_easy_perform(easy), CURLE_WRITE_ERROR);
    if (!CHECK(W13, !strcmp(words, cases[i].message))) fprintf(stderr, "    %s\n", words);
    CHECK(F16, !r.after_failure && r.calls == 1);
    end(&r);
  }
  record r;
  CURL *easy = begin(&r, "/short/1000");
  CHECK_EQ(W10, curl_easy_perform(easy), CURLE_PARTIAL_FILE);
  if (!CHECK(W10, strstr(words, "1000 bytes missing"))) fprintf(stderr, "    %s\n", words);
  CHECK(W10, body_is(&r, 1000));
  set_path(easy, "/gone");
  CHECK_EQ(W10, curl_easy_perform(easy), CURLE_GOT_NOTHING);
  curl_easy_setopt(easy, CURLOPT_URL, "http://127.0.0.1:1/");
  CHECK_EQ(X8, curl_easy_perform(easy), CURLE_COULDNT_CONNECT);
  CHECK(X8, *words);
  end(&r);
}

static void times_out(void)
{
  record r;
  CURL *easy = begin(&r, "/stall/1000");
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, 300L);
  double at = now();
  CHECK_EQ(T1, curl_easy_perform(easy), CURLE_OPERATION_TIMEDOUT);
  CHECK(T1, now() - at >= 0.29 && now() - at < 5);
  CHECK(T5, !strncmp(words, "Operation timed out after ", 26));
  CHECK(T5, strstr(words, " milliseconds with 1000 out of 2000 bytes received"));
  /* ... and goes on while paused. */
  r.refuse = 1;
  at = now();
  CHECK_EQ(T1, curl_easy_perform(easy), CURLE_OPERATION_TIMEDOUT);
  CHECK(T1, now() - at >= 0.29 && now() - at < 5);
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, 0L);
  curl_easy_setopt(easy, SLUICEOPT_PAUSED_TIMEOUT_MS, 200L);
  r.refuse = 1;
  CHECK_EQ(B9, curl_easy_perform(easy), CURLE_OPERATION_TIMEDOUT);
  CHECK(B9, strstr(words, "aused"));
  curl_easy_setopt(easy, SLUICEOPT_PAUSED_TIMEOUT_MS, 0L);
  curl_easy_setopt(easy, SLUICEOPT_SILENCE_TIMEOUT_MS, 200L);
  CHECK_EQ(B9, curl_easy_perform(easy), CURLE_OPERATION_TIMEDOUT);
  CHECK(B9, strstr(words, "ilent"));
  end(&r);
}

static void progress(void)
{
  record r;
  CURL *easy = begin(&r, "/dribble/3/10");
  curl_easy_setopt(easy, CURLOPT_PROGRESSFUNCTION, on_old_progress);
  CHECK_EQ(G1, curl_easy_perform(easy), CURLE_OK);
  CHECK_EQ(G1, r.progress_calls, 0);
  curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
  r.progress_answer = CURL_PROGRESSFUNC_CONTINUE;
  CHECK_EQ(G1, curl_easy_perform(easy), CURLE_OK);
  CHECK(G1, r.progress_calls && r.progress_calls < 1000);
  curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, NULL);
  CHECK_EQ(G1, curl_easy_perform(easy), CURLE_OK);
  CHECK(G1, r.progress_calls >= 1000);
  curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, on_progress);
  r.progress_answer = 1;
  r.progress_calls = 0;
  CHECK_EQ(G1, curl_easy_perform(easy), CURLE_ABORTED_BY_CALLBACK);
  CHECK(G1, !strcmp(words, "Callback aborted"));
  CHECK_EQ(G6, r.progress_calls, 1);
  /* Neither callback: nothing. */
  curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, NULL);
  curl_easy_setopt(easy, CURLOPT_PROGRESSFUNCTION, NULL);
  CHECK_EQ(G1, curl_easy_perform(easy), CURLE_OK);
  /* At least once a second while paused. */
  curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, on_progress);
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, 2500L);
  r.progress_answer = 0;
  r.progress_calls = 0;
  r.refuse = 1;
  CHECK_EQ(G2, curl_easy_perform(easy), CURLE_OPERATION_TIMEDOUT);
  CHECK(G2, r.progress_calls >= 3 && r.progress_calls < 50); /* K6: nor does it spin */
  end(&r);
}

static size_t write_and_recurse(char *data, size_t size, size_t n, void *to)
{
  record *r = to, inner;
  if (!r->calls) {
    r->inner = curl_easy_perform(r->easy);
    curl_easy_cleanup(r->easy);
    curl_easy_reset(r->easy);
    CHECK_EQ(X5, curl_easy_perform(begin(&inner, "/length/77")), CURLE_OK);
    CHECK(X5, body_is(&inner, 77));
    end(&inner);
    curl_easy_setopt(r->easy, CURLOPT_WRITEFUNCTION, on_write); /* W15 */
  }
  return on_write(data, size, n, to);
}

static void recursion(void)
{
  record r;
  CURL *easy = begin(&r, "/length/60000");
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, write_and_recurse);
  CHECK_EQ(X4, curl_easy_perform(easy), CURLE_OK);
  CHECK_EQ(X5, r.inner, CURLE_RECURSIVE_API_CALL);
  CHECK(W15, body_is(&r, 60000));
  CURLM *multi = curl_multi_init();
  CHECK_EQ(X5, curl_multi_add_handle(multi, easy), CURLM_OK);
  CHECK_EQ(X5, curl_easy_perform(easy), CURLE_FAILED_INIT);
  CHECK(X5, !strcmp(words, "easy handle already used in multi handle"));
  curl_multi_remove_handle(multi, easy);
  curl_multi_cleanup(multi);
  CHECK_EQ(P2, curl_easy_pause(easy, CURLPAUSE_ALL), CURLE_BAD_FUNCTION_ARGUMENT);
  end(&r);
}

int main(void)
{
  CHECK_EQ(SETUP, curl_global_init(CURL_GLOBAL_ALL), CURLE_OK);
  if (!(http = server_start())) return 1;
  bodies();
  infos();
  without_bodies();
  places();
  pause_by_answer();
  pause_by_call();
  failures();
  times_out();
  progress();
  recursion();
  server_stop(http);
  curl_global_cleanup();
  return check_result();
}
