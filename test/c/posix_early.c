/* posix_early.c: answers that come before the request is out whole, from a server that closes without reading the rest:
 * its kernel resets the connection, and what it had answered is read all the same (U8). */
#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <curl/curl.h>
#include "check.h"

#define TIMES 100
#define BODY (8 << 20)

static int listener, port;
static atomic_bool closed; /* the server has answered and closed */
static const char *answer;

static void serve_one(int fd)
{
  char buf[4096];
  size_t n = 0;
  ssize_t got;
  while (n < sizeof buf - 1 && (got = recv(fd, buf + n, sizeof buf - 1 - n, 0)) > 0) {
    n += (size_t)got;
    buf[n] = 0;
    if (strstr(buf, "\r\n\r\n")) break;
  }
  send(fd, answer, strlen(answer), MSG_NOSIGNAL);
}

static void *serve(void *arg)
{
  (void)arg;
  for (int fd; (fd = accept(listener, NULL, NULL)) >= 0;) {
    serve_one(fd);
    close(fd); /* bytes are unread: a reset */
    atomic_store(&closed, true);
  }
  return NULL;
}

static void start(void)
{
  struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
  socklen_t size = sizeof at;
  listener = socket(AF_INET, SOCK_STREAM, 0);
  CHECK(ready, listener >= 0 && !bind(listener, (struct sockaddr *)&at, size) && !listen(listener, 16));
  CHECK(ready, !getsockname(listener, (struct sockaddr *)&at, &size));
  port = ntohs(at.sin_port);
}

struct upload { size_t sent, got; bool waits; };

/* The second call comes when the server has closed: what it gives cannot be sent. */
static size_t on_read(char *buf, size_t size, size_t n, void *to)
{
  struct upload *u = to;
  for (int ms = 0; u->waits && u->sent && !atomic_load(&closed) && ms < 10000; ms++) usleep(1000);
  if (u->waits && u->sent) usleep(200); /* the reset is on its way */
  n *= size;
  if (n > BODY - u->sent) n = BODY - u->sent;
  memset(buf, 'x', n);
  u->sent += n;
  return n;
}

static size_t on_write(char *data, size_t size, size_t n, void *to)
{
  (void)data;
  ((struct upload *)to)->got += size * n;
  return size * n;
}

static CURLcode put(struct upload *u, long *status, bool chunked, char *words)
{
  char url[64];
  CURL *easy = curl_easy_init();
  struct curl_slist *own = curl_slist_append(NULL, "Expect:");
  snprintf(url, sizeof url, "http://127.0.0.1:%d/", port);
  atomic_store(&closed, false);
  words[0] = 0;
  curl_easy_setopt(easy, CURLOPT_URL, url);
  curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, own);
  if (!chunked) curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)BODY);
  curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_read);
  curl_easy_setopt(easy, CURLOPT_READDATA, u);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_write);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, u);
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, words);
  curl_easy_setopt(easy, CURLOPT_TIMEOUT, 20L);
  CURLcode code = curl_easy_perform(easy);
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, status);
  curl_easy_cleanup(easy);
  curl_slist_free_all(own);
  return code;
}

static void every_time(const char *text, long wanted, size_t body, bool chunked)
{
  char words[CURL_ERROR_SIZE];
  int read = 0;
  answer = text;
  for (int i = 0; i < TIMES; i++) {
    struct upload u = { .waits = i % 2 == 0 };
    long status = 0;
    CURLcode code = put(&u, &status, chunked, words);
    if (code == CURLE_OK && status == wanted && u.got == body && u.sent < BODY) read++;
    else fprintf(stderr, "    %d: %d, status %ld, %zu bytes: %s\n", i, code, status, u.got, words);
  }
  CHECK_EQ(U8, read, TIMES);
}

/* Nothing was answered: then it is what it is, sending failed. */
static void no_answer(void)
{
  char words[CURL_ERROR_SIZE];
  struct upload u = { .waits = true };
  long status = 0;
  answer = "";
  CHECK_EQ(U8, put(&u, &status, false, words), CURLE_SEND_ERROR);
  CHECK(U8, strstr(words, "Send failure"));
  CHECK_EQ(U8, status, 0);
}

/* An answer that is cut is not whole because of that. */
static void half_an_answer(void)
{
  char words[CURL_ERROR_SIZE];
  struct upload u = { .waits = true };
  long status = 0;
  answer = "HTTP/1.1 413 Too Large\r\nContent-Length: 100\r\n\r\ntoo";
  CURLcode code = put(&u, &status, false, words);
  CHECK(U8, code == CURLE_PARTIAL_FILE || code == CURLE_RECV_ERROR);
  CHECK_EQ(U8, status, 413);
  CHECK_EQ(U8, u.got, 3);
}

int main(void)
{
  pthread_t thread;
  start();
  pthread_create(&thread, NULL, serve, NULL);
  every_time("HTTP/1.1 413 Too Large\r\nContent-Length: 9\r\n\r\ntoo large", 413, 9, false);
  every_time("HTTP/1.1 413 Too Large\r\nContent-Length: 9\r\n\r\ntoo large", 413, 9, true);
  every_time("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", 200, 2, true);
  no_answer();
  half_an_answer();
  shutdown(listener, SHUT_RDWR);
  close(listener);
  pthread_join(thread, NULL);
  return check_result();
}
