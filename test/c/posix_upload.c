/* posix_upload.c: request bodies over real sockets, against support/server.h: R1 to R7, 100-continue, early answers. */
#include <stdlib.h>
#include <string.h>
#include "support/check.h"
#include "support/client.h"

/* What a read callback gives, and what it was asked. */
typedef struct {
  size_t size, at, largest; /* bytes in all, given, most in one call                 */
  size_t calls, pause_at;   /* bytes after which it pauses once; 0: never            */
  size_t after_failure;
  CURL *easy;
  double paused_at;
  bool abort, funny, failed;
  int seeks, ioctls, seek_answer;
  curlioerr ioctl_answer;
} source;

static size_t on_read(char *buf, size_t size, size_t n, void *from)
{
  source *s = from;
  n *= size;
  s->calls++;
  if (s->failed) s->after_failure++;
  if (s->pause_at && s->at >= s->pause_at) {
    s->pause_at = 0;
    s->paused_at = now();
    return CURL_READFUNC_PAUSE;
  }
  if (s->abort || s->funny) {
    s->failed = true;
    return s->abort ? CURL_READFUNC_ABORT : n + 1;
  }
  if (s->largest && n > s->largest) n = s->largest;
  if (n > s->size - s->at) n = s->size - s->at;
  for (size_t i = 0; i < n; i++) buf[i] = server_byte(s->at + i);
  s->at += n;
  return n;
}

static int on_seek(void *from, curl_off_t offset, int origin)
{
  source *s = from;
  s->seeks++;
  CHECK(R7, !offset && origin == SEEK_SET);
  if (s->seek_answer == CURL_SEEKFUNC_OK) s->at = 0;
  return s->seek_answer;
}

static curlioerr on_ioctl(CURL *easy, int command, void *from)
{
  source *s = from;
  s->ioctls++;
  CHECK(R7, easy == s->easy && command == CURLIOCMD_RESTARTREAD);
  if (s->ioctl_answer == CURLIOE_OK) s->at = 0;
  return s->ioctl_answer;
}

/* A PUT of size bytes; announced: -1 sends chunks. */
static CURL *begin_put(record *r, source *s, const char *path, size_t size, curl_off_t announced)
{
  CURL *easy = begin(r, path);
  *s = (source){ .size = size, .easy = easy };
  curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
  curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, announced);
  curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_read);
  curl_easy_setopt(easy, CURLOPT_READDATA, s);
  curl_easy_setopt(easy, CURLOPT_EXPECT_100_TIMEOUT_MS, 50L);
  return easy;
}

static bool request_has(const char *text)
{
  char request[8192];
  server_request(http, request, sizeof request);
  return strstr(request, text) != NULL;
}

static bool server_got(size_t n)
{
  char *body = malloc(BODY_MAX);
  bool same = server_body(http, body, BODY_MAX) == n;
  for (size_t i = 0; same && i < n; i++) same = body[i] == server_byte(i);
  free(body);
  return same;
}

static void from_memory(void)
{
  record r;
  char body[] = "a=b&c=d";
  CURL *easy = begin(&r, "/echo");
  curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body);
  CHECK_EQ(HTTP, curl_easy_perform(easy), CURLE_OK);
  CHECK(HTTP, r.len == 7 && !memcmp(r.body, "a=b&c=d", 7));
  CHECK(HTTP, request_has("POST /echo HTTP/1.1\r\n") && request_has("\r\nContent-Length: 7\r\n"));
  CHECK(HTTP, request_has("\r\nContent-Type: application/x-www-form-urlencoded\r\n") && !request_has("Expect"));
  CHECK_EQ(HTTP, big_info(easy, CURLINFO_SIZE_UPLOAD_T), 7);
  CHECK_EQ(HTTP, big_info(easy, CURLINFO_CONTENT_LENGTH_UPLOAD_T), 7);
  CHECK(HTTP, !strcmp(text_info(easy, CURLINFO_EFFECTIVE_METHOD), "POST"));
  /* The fields are borrowed; a size cuts them; own headers win; a copy stays as it was. */
  body[0] = 'x';
  r.len = 0;
  struct curl_slist *list = curl_slist_append(NULL, "Content-Type: text/plain");
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, list);
  curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, 3L);
  CHECK_EQ(HTTP, curl_easy_perform(easy), CURLE_OK);
  CHECK(HTTP, r.len == 3 && !memcmp(r.body, "x=b", 3));
  CHECK(HTTP, request_has("\r\nContent-Type: text/plain\r\n") && !request_has("urlencoded"));
  CHECK_EQ(X2, info(easy, CURLINFO_NUM_CONNECTS), 0);
  curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, body);
  body[0] = 'y';
  r.len = 0;
  CHECK_EQ(HTTP, curl_easy_perform(easy), CURLE_OK);
  CHECK(HTTP, r.len == 3 && !memcmp(r.body, "x=b", 3));
  /* The copy has the size it was made with: nothing behind it is sent, the body is short. */
  curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, 100L);
  CHECK_EQ(R1, curl_easy_perform(easy), CURLE_READ_ERROR);
  CHECK(R1, strstr(words, "client read function EOF fail, only 3/100"));
  /* None at all is an empty body. */
  curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, -1L);
  curl_easy_setopt(easy, CURLOPT_POSTFIELDS, "");
  r.len = 0;
  CHECK_EQ(HTTP, curl_easy_perform(easy), CURLE_OK);
  CHECK(HTTP, !r.len && request_has("\r\nContent-Length: 0\r\n"));
  curl_slist_free_all(list);
  end(&r);
}

static void from_callback(void)
{
  static const struct { size_t size; curl_off_t announced; size_t largest; } cases[] = {
    { 0, 0, 0 }, { 1, 1, 0 }, { 100000, 100000, 777 }, { 1500000, 1500000, 0 }, { 0, -1, 0 }, { 1, -1, 0 },
    { 300000, -1, 0 }, { 20000, -1, 333 } };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    record r;
    source s;
    CURL *easy = begin_put(&r, &s, "/echo", cases[i].size, cases[i].announced);
    bool chunked = cases[i].announced < 0, large = chunked || cases[i].announced > 1048576;
    s.largest = cases[i].largest;
    if (!CHECK_EQ(R1, curl_easy_perform(easy), CURLE_OK)) fprintf(stderr, "    case %zu: %s\n", i, words);
    CHECK(R1, body_is(&r, cases[i].size) && server_got(cases[i].size));
    CHECK(HTTP, request_has("PUT /echo HTTP/1.1\r\n"));
    CHECK(R5, request_has("\r\nExpect: 100-continue\r\n") == large);
    CHECK(R4, request_has("\r\nTransfer-Encoding: chunked\r\n") == chunked);
    CHECK(R4, request_has("\r\nContent-Length: ") == !chunked);
    CHECK_EQ(HTTP, big_info(easy, CURLINFO_SIZE_UPLOAD_T), cases[i].size);
    CHECK_EQ(HTTP, big_info(easy, CURLINFO_CONTENT_LENGTH_UPLOAD_T), cases[i].announced);
    CHECK(HTTP, !strcmp(text_info(easy, CURLINFO_EFFECTIVE_METHOD), "PUT"));
    end(&r);
  }
  /* POST through the callback, and the default callback: a FILE. */
  record r;
  source s;
  CURL *easy = begin_put(&r, &s, "/echo", 5000, -1);
  curl_easy_setopt(easy, CURLOPT_POST, 1L);
  curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, 5000L);
  CHECK_EQ(R1, curl_easy_perform(easy), CURLE_OK);
  CHECK(R1, body_is(&r, 5000) && request_has("POST /echo ") && request_has("\r\nContent-Length: 5000\r\n"));
  FILE *file = tmpfile();
  for (size_t i = 0; i < 4000; i++) fputc(server_byte(i), file);
  rewind(file);
  r.len = 0;
  curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
  curl_easy_setopt(easy, CURLOPT_READFUNCTION, NULL);
  curl_easy_setopt(easy, CURLOPT_READDATA, file);
  curl_easy_setopt(easy, CURLOPT_INFILESIZE, 4000L);
  CHECK_EQ(R1, curl_easy_perform(easy), CURLE_OK);
  CHECK(R1, body_is(&r, 4000));
  /* R7: a FILE is rewound. */
  rewind(file);
  r.len = 0;
  set_path(easy, "/to/307//echo");
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 1L);
  CHECK_EQ(R7, curl_easy_perform(easy), CURLE_OK);
  CHECK(R7, body_is(&r, 4000));
  fclose(file);
  end(&r);
}

static int on_trailers(struct curl_slist **list, void *to)
{
  if (to) return CURL_TRAILERFUNC_ABORT;
  static const char *const refused[] = { "Bad\r\nX-Injected: 1", "X-Semi;", ": v", "no colon", "A B: c", "X: a\rb", "X: \1",
                                         "Content-Length: 5", "transfer-encoding: chunked", "Host: b.test" };
  *list = curl_slist_append(*list, "X-Sum: 1");
  for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) *list = curl_slist_append(*list, refused[i]);
  *list = curl_slist_append(*list, "X-Last: 2");
  return CURL_TRAILERFUNC_OK;
}

static void trailers(void)
{
  record r;
  source s;
  char lines[256];
  CURL *easy = begin_put(&r, &s, "/echo", 1000, -1);
  curl_easy_setopt(easy, CURLOPT_TRAILERFUNCTION, on_trailers);
  CHECK_EQ(R4, curl_easy_perform(easy), CURLE_OK);
  CHECK(R4, body_is(&r, 1000));
  server_trailers(http, lines, sizeof lines);
  if (!CHECK(R4, !strcmp(lines, "X-Sum: 1\nX-Last: 2\n"))) fprintf(stderr, "    %s\n", lines);
  s.at = 0;
  curl_easy_setopt(easy, CURLOPT_TRAILERDATA, &r);
  CHECK_EQ(R4, curl_easy_perform(easy), CURLE_ABORTED_BY_CALLBACK);
  end(&r);
}

static void read_failures(void)
{
  static const struct { size_t size; curl_off_t announced; bool abort, funny; CURLcode code; const char *message; } cases[] = {
    { 600, 1000, false, false, CURLE_READ_ERROR, "client read function EOF fail, only 600/1000 of needed bytes read" },
    { 1000, 1000, false, true, CURLE_READ_ERROR, "read function returned funny value" },
    { 1000, 1000, true, false, CURLE_ABORTED_BY_CALLBACK, "operation aborted by callback" },
    { 1000, -1, true, false, CURLE_ABORTED_BY_CALLBACK, "operation aborted by callback" },
    { 1000, -1, false, true, CURLE_READ_ERROR, "read function returned funny value" },
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    record r;
    source s;
    CURL *easy = begin_put(&r, &s, "/echo", cases[i].size, cases[i].announced);
    s.abort = cases[i].abort;
    s.funny = cases[i].funny;
    if (!CHECK_EQ(R1, curl_easy_perform(easy), cases[i].code)) fprintf(stderr, "    case %zu: %s\n", i, words);
    if (!CHECK(R1, !strcmp(words, cases[i].message))) fprintf(stderr, "    %s\n", words);
    CHECK_EQ(R1, s.after_failure, 0);
    end(&r);
  }
  /* More than announced is never asked for. */
  record r;
  source s;
  CURL *easy = begin_put(&r, &s, "/echo", 2000, 1000);
  CHECK_EQ(R1, curl_easy_perform(easy), CURLE_OK);
  CHECK(R1, body_is(&r, 1000) && s.at == 1000);
  end(&r);
}

static int unpause_later(void *to, curl_off_t total, curl_off_t at, curl_off_t up_total, curl_off_t up)
{
  source *s = to;
  (void)total, (void)at, (void)up_total, (void)up;
  if (s->paused_at && now() - s->paused_at > 0.15) {
    CHECK_EQ(R2, info(s->easy, SLUICEINFO_PAUSED), CURLPAUSE_SEND);
    CHECK_EQ(R2, info(s->easy, SLUICEINFO_PAUSED_BY_SEND), SLUICE_BY_CALLBACK);
    s->paused_at = 0;
    CHECK_EQ(R3, curl_easy_pause(s->easy, CURLPAUSE_CONT), CURLE_OK);
  }
  return 0;
}

static void pauses(void)
{
  static const curl_off_t announced[] = { 50000, -1 };
  for (int i = 0; i < 2; i++) {
    record r;
    source s;
    CURL *easy = begin_put(&r, &s, "/echo", 50000, announced[i]);
    CURLM *multi = curl_multi_init();
    int running = 1;
    s.pause_at = 20000;
    s.largest = 10000;
    curl_multi_add_handle(multi, easy);
    for (double until = now() + 10; !s.paused_at && now() < until;) {
      curl_multi_perform(multi, &running);
      curl_multi_poll(multi, NULL, 0, 20, NULL);
    }
    size_t calls = s.calls;
    for (double until = now() + 0.2; now() < until;) {
      curl_multi_perform(multi, &running);
      curl_multi_poll(multi, NULL, 0, 50, NULL);
    }
    CHECK(R2, s.paused_at && s.calls == calls && running == 1 && s.at == 20000);
    CHECK(R2, server_got(20000)); /* what was read was sent; R4: no empty chunk ended it */
    unpause_later(&s, 0, 0, 0, 0);
    for (double until = now() + 10; running && now() < until;) {
      curl_multi_perform(multi, &running);
      curl_multi_poll(multi, NULL, 0, 100, NULL);
    }
    CHECK(R3, body_is(&r, 50000));
    curl_multi_remove_handle(multi, easy);
    curl_multi_cleanup(multi);
    end(&r);
  }
  /* F6: the low-speed stop does not fire on an upload that its callback paused. */
  record r;
  source s;
  CURL *easy = begin_put(&r, &s, "/echo", 50000, 50000);
  s.pause_at = 1;
  s.largest = 100;
  curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, unpause_later);
  curl_easy_setopt(easy, CURLOPT_XFERINFODATA, &s);
  curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 100000L);
  curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, 1L);
  CHECK_EQ(L5, curl_easy_perform(easy), CURLE_OK);
  CHECK(F6, body_is(&r, 50000));
  end(&r);
}

static void continues(void)
{
  record r;
  source s;
  /* The wait is for the 100, not the whole time; then the body. */
  CURL *easy = begin_put(&r, &s, "/expect/150", 30000, -1);
  curl_easy_setopt(easy, CURLOPT_EXPECT_100_TIMEOUT_MS, 10000L);
  double at = now();
  CHECK_EQ(R5, curl_easy_perform(easy), CURLE_OK);
  CHECK(R5, now() - at >= 0.149 && now() - at < 5);
  CHECK(R5, body_is(&r, 30000) && !strncmp(r.heads, "HTTP/1.1 100 ", 13));
  /* No 100 comes: the body goes after that time. */
  s.at = r.len = 0;
  set_path(easy, "/echo");
  curl_easy_setopt(easy, CURLOPT_EXPECT_100_TIMEOUT_MS, 200L);
  at = now();
  CHECK_EQ(R5, curl_easy_perform(easy), CURLE_OK);
  CHECK(R5, now() - at >= 0.199 && now() - at < 5);
  CHECK(R5, body_is(&r, 30000));
  /* An own header decides: none, or one for a small body. */
  struct curl_slist *list = curl_slist_append(NULL, "Expect:");
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, list);
  s.at = r.len = 0;
  curl_easy_setopt(easy, CURLOPT_EXPECT_100_TIMEOUT_MS, 10000L);
  CHECK_EQ(R5, curl_easy_perform(easy), CURLE_OK);
  CHECK(R5, body_is(&r, 30000) && !request_has("Expect"));
  curl_slist_free_all(list);
  list = curl_slist_append(NULL, "Expect: 100-continue");
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, list);
  curl_easy_setopt(easy, CURLOPT_INFILESIZE, 100L);
  set_path(easy, "/expect/0");
  s = (source){ .size = 100, .easy = easy };
  r.len = r.heads_len = 0;
  CHECK_EQ(R5, curl_easy_perform(easy), CURLE_OK);
  CHECK(R5, body_is(&r, 100) && request_has("\r\nExpect: 100-continue\r\n") && !strncmp(r.heads, "HTTP/1.1 100 ", 13));
  curl_slist_free_all(list);
  end(&r);
  /* A final answer instead of the 100: the callback is never asked. But a 417 means the Expect that was added: the
   * request goes again without it, once. */
  static const unsigned codes[] = { 417, 403, 500 };
  for (int i = 0; i < 3; i++) {
    char path[32];
    snprintf(path, sizeof path, "/refuse/%u", codes[i]);
    easy = begin_put(&r, &s, path, 30000, -1);
    curl_easy_setopt(easy, CURLOPT_EXPECT_100_TIMEOUT_MS, 10000L);
    at = now();
    CHECK_EQ(R5, curl_easy_perform(easy), CURLE_OK);
    CHECK(R5, now() - at < 5);
    CHECK_EQ(R5, info(easy, CURLINFO_RESPONSE_CODE), codes[i]);
    CHECK(R5, codes[i] == 417 ? s.calls > 0 && !request_has("\r\nExpect: ") : s.calls == 0);
    CHECK_EQ(R5, r.len, 6);
    CHECK_EQ(R5, info(easy, CURLINFO_REDIRECT_COUNT), 0);
    /* The connection still owes a body: it is not used again. */
    set_path(easy, "/length/10");
    curl_easy_setopt(easy, CURLOPT_UPLOAD, 0L);
    CHECK_EQ(X9, curl_easy_perform(easy), CURLE_OK);
    CHECK_EQ(X9, info(easy, CURLINFO_NUM_CONNECTS), 1);
    end(&r);
  }
}

static void early_answers(void)
{
  record r;
  source s;
  /* >= 400 ends the upload ... */
  CURL *easy = begin_put(&r, &s, "/first/404", 400000, 400000);
  s.largest = 1000;
  curl_easy_setopt(easy, CURLOPT_MAX_SEND_SPEED_LARGE, (curl_off_t)100000);
  double at = now();
  CHECK_EQ(R5, curl_easy_perform(easy), CURLE_OK);
  CHECK(R5, now() - at < 2.5 && s.at < 400000);
  CHECK_EQ(R5, info(easy, CURLINFO_RESPONSE_CODE), 404);
  end(&r);
  /* ... unless it is to go on; then the connection is as good as before. */
  easy = begin_put(&r, &s, "/first/404", 100000, 100000);
  s.largest = 1000;
  curl_easy_setopt(easy, CURLOPT_KEEP_SENDING_ON_ERROR, 1L);
  CHECK_EQ(R5, curl_easy_perform(easy), CURLE_OK);
  CHECK_EQ(R5, info(easy, CURLINFO_RESPONSE_CODE), 404);
  CHECK(R5, s.at == 100000 && r.len == 6);
  end(&r);
  /* R6, F23: paused for ever, and the answer is there. */
  easy = begin_put(&r, &s, "/first/200", 100000, 100000);
  s.pause_at = 1;
  s.largest = 1000;
  at = now();
  CHECK_EQ(R6, curl_easy_perform(easy), CURLE_OK);
  CHECK(R6, now() - at < 5 && r.len == 6 && s.at == 1000);
  CHECK_EQ(F23, info(easy, CURLINFO_RESPONSE_CODE), 200);
  end(&r);
  /* ... and the peer is gone. */
  easy = begin_put(&r, &s, "/gone", 100, 100);
  CHECK_EQ(R6, curl_easy_perform(easy), CURLE_GOT_NOTHING);
  end(&r);
}

static void rewinds(void)
{
  record r;
  source s;
  CURL *easy = begin_put(&r, &s, "/to/307//echo", 5000, 5000);
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, on_seek);
  curl_easy_setopt(easy, CURLOPT_SEEKDATA, &s);
  curl_easy_setopt(easy, CURLOPT_IOCTLFUNCTION, on_ioctl);
  curl_easy_setopt(easy, CURLOPT_IOCTLDATA, &s);
  CHECK_EQ(R7, curl_easy_perform(easy), CURLE_OK);
  CHECK(R7, body_is(&r, 5000) && s.seeks == 1 && !s.ioctls);
  CHECK(HTTP, request_has("PUT /echo "));
  CHECK_EQ(HTTP, big_info(easy, CURLINFO_SIZE_UPLOAD_T), 5000);
  /* The older way. */
  curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, NULL);
  s = (source){ .size = 5000, .easy = easy };
  r.len = 0;
  CHECK_EQ(R7, curl_easy_perform(easy), CURLE_OK);
  CHECK(R7, body_is(&r, 5000) && !s.seeks && s.ioctls == 1);
  /* Each failed, neither there: 65. */
  curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, on_seek);
  for (int i = 0; i < 4; i++) {
    s = (source){ .size = 5000, .easy = easy, .seek_answer = i ? CURL_SEEKFUNC_CANTSEEK : CURL_SEEKFUNC_FAIL,
                  .ioctl_answer = CURLIOE_FAILRESTART };
    if (i == 2) curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, NULL);
    if (i == 3) curl_easy_setopt(easy, CURLOPT_IOCTLFUNCTION, NULL);
    CHECK_EQ(R7, curl_easy_perform(easy), CURLE_SEND_FAIL_REWIND);
    static const char *const why[] = { "seek callback returned error 1", "seek callback returned error 2",
                                       "ioctl callback returned error 2",
                                       "necessary data rewind was not possible" };
    CHECK(R7, !strcmp(words, why[i]));
    CHECK(R7, s.seeks == (i < 2) && s.ioctls == (i == 2));
  }
  end(&r);
  /* Memory needs no rewinding. */
  easy = begin(&r, "/to/308//echo");
  curl_easy_setopt(easy, CURLOPT_POSTFIELDS, "again");
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 1L);
  CHECK_EQ(R7, curl_easy_perform(easy), CURLE_OK);
  CHECK(R7, r.len == 5 && !memcmp(r.body, "again", 5) && request_has("POST /echo "));
  end(&r);
}

/* A pooled connection that the server has closed: the body goes again over a new one. */
static void stale(void)
{
  record r;
  source s;
  CURL *easy = begin_put(&r, &s, "/echo", 5000, 5000);
  curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, on_seek);
  curl_easy_setopt(easy, CURLOPT_SEEKDATA, &s);
  CHECK_EQ(X9, curl_easy_perform(easy), CURLE_OK);
  server *old = http;
  server_stop(old);
  http = server_start();
  set_path(easy, "/echo");
  s.at = r.len = 0;
  CHECK_EQ(X9, curl_easy_perform(easy), CURLE_OK);
  CHECK(X9, body_is(&r, 5000));
  end(&r);
}

/* The handle is reset, or gets another body, when the first bytes of the old one have left; drives it to its end. */
static CURLcode take_back(CURL *easy, bool reset, const char *other)
{
  CURLM *multi = curl_multi_init();
  CURLMsg *message = NULL;
  curl_off_t sent = 0;
  int running, left;
  curl_multi_add_handle(multi, easy);
  for (int i = 0; i < 100 && !sent; i++) {
    curl_multi_perform(multi, &running);
    curl_multi_poll(multi, NULL, 0, 100, NULL);
    sent = big_info(easy, CURLINFO_SIZE_UPLOAD_T);
  }
  CHECK(P13, sent > 0);
  if (reset) curl_easy_reset(easy);
  if (other) curl_easy_setopt(easy, CURLOPT_POSTFIELDS, other);
  curl_easy_setopt(easy, CURLOPT_MAX_SEND_SPEED_LARGE, (curl_off_t)0);
  for (int i = 0; i < 100 && !message; i++) {
    curl_multi_perform(multi, &running);
    message = curl_multi_info_read(multi, &left);
    if (!message) curl_multi_poll(multi, NULL, 0, 100, NULL);
  }
  CURLcode code = message ? message->data.result : CURLE_AGAIN;
  curl_multi_remove_handle(multi, easy);
  curl_multi_cleanup(multi);
  return code;
}

/* Never standard input, never memory that is gone, never more than the other body has. */
static void taken_back(void)
{
  char *body = malloc(3000000);
  for (size_t i = 0; i < 2999999; i++) body[i] = (char)('a' + i % 26);
  body[2999999] = 0;
  for (int i = 0; i < 5; i++) {
    record r;
    source s;
    CURL *easy = i < 4 ? begin(&r, "/echo") : begin_put(&r, &s, "/echo", 2999999, 2999999);
    struct curl_slist *at_once = curl_slist_append(NULL, "Expect:");
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, at_once);
    curl_easy_setopt(easy, CURLOPT_MAX_SEND_SPEED_LARGE, (curl_off_t)100000);
    if (i < 4) curl_easy_setopt(easy, i % 2 ? CURLOPT_COPYPOSTFIELDS : CURLOPT_POSTFIELDS, body);
    CHECK_EQ(P13, take_back(easy, i < 2 || i == 4, i < 2 ? NULL : "short"), CURLE_READ_ERROR);
    if (i == 2 || i == 3) CHECK(R1, !strcmp(words, "The request body was taken back while it was sent"));
    curl_slist_free_all(at_once);
    end(&r);
  }
  free(body);
}

int main(void)
{
  if (!(http = server_start())) return 1;
  from_memory();
  from_callback();
  trailers();
  read_failures();
  pauses();
  continues();
  early_answers();
  rewinds();
  stale();
  taken_back();
  server_stop(http);
  return check_result();
}
