/* transfers.c: uploads and several transfers at once by libcurl's interface; nothing in it is Sluice's, and it compiles
 * unchanged with libcurl.
 *
 *   transfers post URL TEXT            the text as POSTFIELDS, blocking
 *   transfers put URL BYTES PAUSE_AT   so many bytes out of a read callback, blocking; at PAUSE_AT (< 0: never) it pauses,
 *                                      and the progress callback goes on
 *   transfers all URL...               at once, by curl_multi_poll; each but the first pauses at its first bytes, until the
 *                                      one before it has ended
 *   transfers exit URL                 exits at the first bytes, with the transfer as it is
 *
 * Says what happens, a line each; answers with the code of what failed. */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ALL_MAX 8
#define LIMIT_MS 30000L
#define POLL_MS 1000
#define EXIT_CODE 5

static void say(const char *words, long long number)
{
  printf("%s %lld\n", words, number);
  fflush(stdout);
}

/* The response of an upload: its first bytes, as text. */
typedef struct {
  char text[256];
  size_t n;
} answer;

static size_t on_answer(char *data, size_t size, size_t n, void *user)
{
  answer *a = user;
  size_t room = sizeof a->text - 1 - a->n, fits = size * n < room ? size * n : room;
  memcpy(a->text + a->n, data, fits);
  a->n += fits;
  return size * n;
}

static CURLcode perform(CURL *easy, const char *url)
{
  char error[CURL_ERROR_SIZE] = "";
  long status = 0;
  answer a = { .n = 0 };
  curl_easy_setopt(easy, CURLOPT_URL, url);
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, error);
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, LIMIT_MS);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_answer);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &a);
  CURLcode code = curl_easy_perform(easy);
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
  if (code) printf("failed: (%d) %s\n", code, *error ? error : curl_easy_strerror(code));
  else printf("answer %ld %s\n", status, a.text);
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, NULL);
  return code;
}

static CURLcode post(CURL *easy, const char *url, const char *text)
{
  curl_easy_setopt(easy, CURLOPT_POSTFIELDS, text);
  return perform(easy, url);
}

typedef struct {
  CURL *easy;
  curl_off_t size, at, pause_at;
  int paused;
} source;

static size_t on_read(char *to, size_t size, size_t n, void *user)
{
  source *s = user;
  curl_off_t room = (curl_off_t)(size * n), left = s->size - s->at;
  if (s->pause_at >= 0 && s->at >= s->pause_at) {
    s->pause_at = -1;
    s->paused = 1;
    say("paused at", s->at);
    return CURL_READFUNC_PAUSE;
  }
  if (s->pause_at > s->at && left > s->pause_at - s->at) left = s->pause_at - s->at;
  if (left > room) left = room;
  for (curl_off_t i = 0; i < left; i++) to[i] = (char)((s->at + i) * 7 + ((s->at + i) >> 8));
  s->at += left;
  return (size_t)left;
}

static int on_progress(void *user, curl_off_t total, curl_off_t now, curl_off_t up_total, curl_off_t up)
{
  source *s = user;
  (void)total, (void)now, (void)up_total, (void)up;
  if (!s->paused) return 0;
  s->paused = 0;
  say("resumed at", s->at);
  return (int)curl_easy_pause(s->easy, CURLPAUSE_CONT);
}

static CURLcode put(CURL *easy, const char *url, curl_off_t size, curl_off_t pause_at)
{
  source s = { .easy = easy, .size = size, .pause_at = pause_at };
  curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
  curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, size);
  curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_read);
  curl_easy_setopt(easy, CURLOPT_READDATA, &s);
  curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, on_progress);
  curl_easy_setopt(easy, CURLOPT_XFERINFODATA, &s);
  return perform(easy, url);
}

typedef struct {
  CURL *easy;
  int number, waits, paused;
  curl_off_t got;
  unsigned sum;
} sink;

static size_t on_body(char *data, size_t size, size_t n, void *user)
{
  sink *s = user;
  if (s->waits) {
    s->waits = 0;
    s->paused = 1;
    say("paused", s->number);
    return CURL_WRITEFUNC_PAUSE;
  }
  for (size_t i = 0; i < size * n; i++) s->sum = s->sum * 31 + (unsigned char)data[i];
  s->got += (curl_off_t)(size * n);
  return size * n;
}

/* The transfers that have ended; whoever paused for one of them goes on. */
static CURLcode ended(CURLM *multi, sink *sinks, int n)
{
  CURLMsg *message;
  CURLcode code = CURLE_OK;
  int left;
  while ((message = curl_multi_info_read(multi, &left))) {
    sink *s;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&s);
    if (message->data.result) code = message->data.result;
    printf("done %d (%d) %lld %08x\n", s->number, message->data.result, (long long)s->got, s->sum);
    fflush(stdout);
    if (s->number == n) continue;
    sink *next = &sinks[s->number]; /* numbers are from 1 */
    next->waits = 0;
    if (!next->paused) continue;
    say("resumed", next->number);
    next->paused = 0;
    curl_easy_pause(next->easy, CURLPAUSE_CONT);
  }
  return code;
}

static CURLcode all(char **urls, int n)
{
  sink sinks[ALL_MAX] = { { .easy = NULL } };
  CURLM *multi = curl_multi_init();
  CURLcode code = multi ? CURLE_OK : CURLE_FAILED_INIT;
  int running = 1;
  for (int i = 0; i < n && !code; i++) {
    sinks[i] = (sink){ .easy = curl_easy_init(), .number = i + 1, .waits = i > 0 };
    curl_easy_setopt(sinks[i].easy, CURLOPT_URL, urls[i]);
    curl_easy_setopt(sinks[i].easy, CURLOPT_TIMEOUT_MS, LIMIT_MS);
    curl_easy_setopt(sinks[i].easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(sinks[i].easy, CURLOPT_WRITEDATA, &sinks[i]);
    curl_easy_setopt(sinks[i].easy, CURLOPT_PRIVATE, &sinks[i]);
    if (curl_multi_add_handle(multi, sinks[i].easy)) code = CURLE_FAILED_INIT;
  }
  while (!code && running) {
    if (curl_multi_perform(multi, &running)) code = CURLE_FAILED_INIT;
    else if (!(code = ended(multi, sinks, n)) && running && curl_multi_poll(multi, NULL, 0, POLL_MS, NULL)) code = CURLE_FAILED_INIT;
  }
  for (int i = 0; i < n; i++) {
    if (sinks[i].easy) curl_multi_remove_handle(multi, sinks[i].easy);
    curl_easy_cleanup(sinks[i].easy);
  }
  curl_multi_cleanup(multi);
  return code;
}

static size_t on_first(char *data, size_t size, size_t n, void *user)
{
  (void)data, (void)size, (void)n, (void)user;
  say("exits with", EXIT_CODE);
  exit(EXIT_CODE);
}

int main(int argc, char **argv)
{
  CURLcode code = CURLE_FAILED_INIT;
  curl_global_init(CURL_GLOBAL_DEFAULT);
  CURL *easy = curl_easy_init();
  if (easy && argc == 4 && !strcmp(argv[1], "post")) code = post(easy, argv[2], argv[3]);
  if (easy && argc == 5 && !strcmp(argv[1], "put")) code = put(easy, argv[2], strtoll(argv[3], NULL, 10), strtoll(argv[4], NULL, 10));
  if (argc >= 3 && argc <= ALL_MAX + 2 && !strcmp(argv[1], "all")) code = all(argv + 2, argc - 2);
  if (easy && argc == 3 && !strcmp(argv[1], "exit")) {
    curl_easy_setopt(easy, CURLOPT_URL, argv[2]);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_first);
    code = curl_easy_perform(easy);
  }
  curl_easy_cleanup(easy);
  curl_global_cleanup();
  exit((int)code); /* a plain return is lost by Emscripten where main was suspended with Asyncify */
}
