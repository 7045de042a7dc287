/* client.c: see client.h. */
#include "client.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

server *http;
char words[CURL_ERROR_SIZE];

double now(void)
{
  struct timespec at;
  clock_gettime(CLOCK_MONOTONIC, &at);
  return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

size_t on_write(char *data, size_t size, size_t n, void *to)
{
  record *r = to;
  n *= size;
  r->calls++;
  r->after_failure |= r->failed;
  if (r->refuse && r->refuse--) return CURL_WRITEFUNC_PAUSE;
  if (r->error || r->short_by) {
    r->failed = true;
    return r->error ? CURL_WRITEFUNC_ERROR : n - r->short_by;
  }
  if (!n) r->empty_calls++;
  if (n > r->largest) r->largest = n;
  if (r->len + n <= BODY_MAX) memcpy(r->body + r->len, data, n);
  r->len += n;
  return n;
}

size_t on_header(char *data, size_t size, size_t n, void *to)
{
  record *r = to;
  n *= size;
  if (r->refuse_line && r->refuse_line--) return CURL_WRITEFUNC_PAUSE;
  if (!n || data[n - 1] != '\n' || memchr(data, '\n', n - 1)) r->whole_lines = false;
  r->lines++;
  if (r->heads_len + n < sizeof r->heads) memcpy(r->heads + r->heads_len, data, n);
  r->heads_len += n;
  return n;
}

long info(CURL *easy, CURLINFO what)
{
  long value = -4711;
  return curl_easy_getinfo(easy, what, &value) ? -4711 : value;
}

int on_progress(void *to, curl_off_t total, curl_off_t at, curl_off_t up_total, curl_off_t up)
{
  record *r = to;
  (void)total, (void)at, (void)up_total, (void)up;
  r->progress_calls++;
  if (r->unpause_after && info(r->easy, SLUICEINFO_PAUSED) && ++r->paused_calls == r->unpause_after) {
    r->paused_calls = 0;
    r->inner = curl_easy_pause(r->easy, CURLPAUSE_CONT);
  }
  return r->progress_answer;
}

void set_path(CURL *easy, const char *path)
{
  char url[256];
  snprintf(url, sizeof url, "http://127.0.0.1:%d%s", server_port(http), path);
  curl_easy_setopt(easy, CURLOPT_URL, url);
}

CURL *begin(record *r, const char *path)
{
  *r = (record){ .easy = curl_easy_init(), .body = malloc(BODY_MAX), .whole_lines = true };
  set_path(r->easy, path);
  curl_easy_setopt(r->easy, CURLOPT_ERRORBUFFER, words);
  curl_easy_setopt(r->easy, CURLOPT_WRITEFUNCTION, on_write);
  curl_easy_setopt(r->easy, CURLOPT_WRITEDATA, r);
  curl_easy_setopt(r->easy, CURLOPT_HEADERFUNCTION, on_header);
  curl_easy_setopt(r->easy, CURLOPT_HEADERDATA, r);
  curl_easy_setopt(r->easy, CURLOPT_XFERINFOFUNCTION, on_progress);
  curl_easy_setopt(r->easy, CURLOPT_XFERINFODATA, r);
  curl_easy_setopt(r->easy, CURLOPT_TIMEOUT, 20L); /* a test that hangs should fail */
  memset(words, 'x', sizeof words);
  return r->easy;
}

void end(record *r)
{
  curl_easy_cleanup(r->easy);
  free(r->body);
}

bool body_is(const record *r, size_t n)
{
  if (r->len != n) return false;
  for (size_t i = 0; i < n; i++)
    if (r->body[i] != server_byte(i)) return false;
  return true;
}

curl_off_t big_info(CURL *easy, CURLINFO what)
{
  curl_off_t value = -4711;
  return curl_easy_getinfo(easy, what, &value) ? -4711 : value;
}

const char *text_info(CURL *easy, CURLINFO what)
{
  const char *value = NULL;
  return curl_easy_getinfo(easy, what, &value) || !value ? "(none)" : value;
}
