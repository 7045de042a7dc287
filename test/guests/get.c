/* get.c: libcurl's blocking easy interface, and nothing of Sluice's: one transfer by curl_easy_perform.
 *
 *   get URL TIMEOUT_MS LOW_SPEED_S PAUSE_AT UPLOAD_BYTES        0 = none
 *
 * It says "at N" once a MiB. At PAUSE_AT bytes the write callback pauses; the progress callback resumes, the second time that
 * it is called. Says the CURLcode, the bytes and their FNV-1a sum last. */
#include <curl/curl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define SAY_EVERY 1048576

typedef struct {
  CURL *easy;
  curl_off_t at, pause_at, upload;
  int calls; /* of the progress callback while paused; -1 = has paused */
  uint64_t sum;
} state;

static void say(const char *word, curl_off_t at)
{
  printf("%s %lld\n", word, (long long)at);
  fflush(stdout);
}

static size_t on_body(char *data, size_t size, size_t n, void *user)
{
  state *s = user;
  n *= size;
  if (s->pause_at && s->calls == 0 && s->at >= s->pause_at) {
    s->calls = 1;
    say("paused", s->at);
    return CURL_WRITEFUNC_PAUSE;
  }
  for (size_t i = 0; i < n; i++) s->sum = (s->sum ^ (unsigned char)data[i]) * 0x100000001b3u;
  if ((s->at + (curl_off_t)n) / SAY_EVERY > s->at / SAY_EVERY) say("at", s->at + (curl_off_t)n);
  s->at += (curl_off_t)n;
  return n;
}

static int on_progress(void *user, curl_off_t total, curl_off_t now, curl_off_t up_total, curl_off_t up)
{
  state *s = user;
  (void)total, (void)now, (void)up_total, (void)up;
  if (s->calls <= 0 || ++s->calls <= 2) return 0;
  s->calls = -1;
  say("resumed", s->at);
  curl_easy_pause(s->easy, CURLPAUSE_CONT);
  return 0;
}

static size_t on_read(char *to, size_t size, size_t n, void *user)
{
  state *s = user;
  n *= size;
  if ((curl_off_t)n > s->upload) n = (size_t)s->upload;
  for (size_t i = 0; i < n; i++) to[i] = (char)(s->upload - (curl_off_t)i);
  s->upload -= (curl_off_t)n;
  return n;
}

int main(int argc, char **argv)
{
  char error[CURL_ERROR_SIZE] = "";
  if (argc < 6 || curl_global_init(CURL_GLOBAL_DEFAULT)) return 2;
  state s = { .easy = curl_easy_init(), .pause_at = strtoll(argv[4], NULL, 10), .upload = strtoll(argv[5], NULL, 10), .sum = 0xcbf29ce484222325u };
  if (!s.easy) return 2;
  curl_easy_setopt(s.easy, CURLOPT_URL, argv[1]);
  curl_easy_setopt(s.easy, CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt(s.easy, CURLOPT_TIMEOUT_MS, strtol(argv[2], NULL, 10));
  curl_easy_setopt(s.easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
  curl_easy_setopt(s.easy, CURLOPT_LOW_SPEED_TIME, strtol(argv[3], NULL, 10));
  curl_easy_setopt(s.easy, CURLOPT_ERRORBUFFER, error);
  curl_easy_setopt(s.easy, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(s.easy, CURLOPT_WRITEDATA, &s);
  curl_easy_setopt(s.easy, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(s.easy, CURLOPT_XFERINFOFUNCTION, on_progress);
  curl_easy_setopt(s.easy, CURLOPT_XFERINFODATA, &s);
  if (s.upload) {
    curl_easy_setopt(s.easy, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(s.easy, CURLOPT_INFILESIZE_LARGE, s.upload);
    curl_easy_setopt(s.easy, CURLOPT_READFUNCTION, on_read);
    curl_easy_setopt(s.easy, CURLOPT_READDATA, &s);
  }
  CURLcode code = curl_easy_perform(s.easy);
  if (code) fprintf(stderr, "%s\n", *error ? error : curl_easy_strerror(code));
  printf("code %d %lld %016llx\n", code, (long long)s.at, (unsigned long long)s.sum);
  curl_easy_cleanup(s.easy);
  curl_global_cleanup();
  return code;
}
