/* range_reader.c: an example for libcurl's interface, blocking easy and multi both; nothing in it is Sluice's, and it
 * compiles unchanged with libcurl. It reads a resource by ranges: asks how large it is, reads, goes on where it was
 * when an attempt was cut or stalled, and holds the transfer now and then, as a reader does that cannot take more.
 *
 *   range_reader URL PAUSE_EVERY_BYTES PAUSE_MS STALL_S
 *
 * Says what happens, a line each; the last line has the size and the FNV-1a sum of what was read. */
#include <curl/curl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ATTEMPTS_MAX 5
#define ATTEMPT_MS 60000L
#define POLL_MS 1000

typedef struct {
  CURL *easy;
  curl_off_t size, at;    /* bytes: in all, and read so far                                  */
  curl_off_t every, held; /* hold at each multiple of `every`; `held` is where it did so last */
  curl_off_t from;        /* what the response says that it begins with, -1 = nothing        */
  int paused, quarter;
  uint64_t sum;
} reader;

static void say(const char *words, curl_off_t at)
{
  printf("%s %lld\n", words, (long long)at);
  fflush(stdout);
}

static size_t on_header(char *line, size_t size, size_t n, void *user)
{
  static const char name[] = "content-range: bytes ";
  reader *r = user;
  char text[sizeof name];
  if (n < sizeof text) return size * n;
  for (size_t i = 0; i < sizeof text - 1; i++) text[i] = (char)(line[i] >= 'A' && line[i] <= 'Z' ? line[i] + 32 : line[i]);
  text[sizeof text - 1] = 0;
  if (!strcmp(text, name)) r->from = strtoll(line + sizeof text - 1, NULL, 10);
  return size * n;
}

static size_t on_body(char *data, size_t size, size_t n, void *user)
{
  reader *r = user;
  n *= size;
  if (r->from != r->at && r->held != r->at) { /* a first byte other than the one asked for */
    fprintf(stderr, "asked for %lld, got %lld\n", (long long)r->at, (long long)r->from);
    return CURL_WRITEFUNC_ERROR;
  }
  if (r->at / r->every != r->held / r->every) { /* no room: these bytes come again */
    r->held = r->from = r->at;
    r->paused = 1;
    return CURL_WRITEFUNC_PAUSE;
  }
  for (size_t i = 0; i < n; i++) r->sum = (r->sum ^ (unsigned char)data[i]) * 0x100000001b3u;
  r->at += (curl_off_t)n;
  r->from = r->at;
  return n;
}

static int on_progress(void *user, curl_off_t total, curl_off_t now, curl_off_t up_total, curl_off_t up)
{
  reader *r = user;
  (void)total, (void)now, (void)up_total, (void)up;
  while (r->size && r->at * 4 / r->size > r->quarter) printf("progress %d%%\n", 25 * ++r->quarter);
  return 0;
}

/* The blocking interface: the size, by a request without a body. */
static CURLcode ask_size(reader *r)
{
  curl_easy_setopt(r->easy, CURLOPT_NOBODY, 1L);
  CURLcode code = curl_easy_perform(r->easy);
  if (!code) code = curl_easy_getinfo(r->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &r->size);
  curl_easy_setopt(r->easy, CURLOPT_NOBODY, 0L);
  curl_easy_setopt(r->easy, CURLOPT_HTTPGET, 1L);
  return !code && r->size <= 0 ? CURLE_RANGE_ERROR : code;
}

/* Hold until PAUSE_MS are over; the transfer is waited for meanwhile, and nothing of it comes. */
static void hold(CURLM *multi, reader *r, int ms)
{
  int running;
  say("paused at", r->at);
  curl_multi_poll(multi, NULL, 0, ms, NULL);
  curl_multi_perform(multi, &running);
  say("resumed at", r->at);
  r->paused = 0;
  curl_easy_pause(r->easy, CURLPAUSE_CONT);
}

/* The multi interface: one attempt, from where we are. */
static CURLcode read_on(CURLM *multi, reader *r, int pause_ms)
{
  char range[32];
  int running = 1, left;
  CURLMsg *message;
  CURLcode code = CURLE_FAILED_INIT;
  snprintf(range, sizeof range, "%lld-", (long long)r->at);
  curl_easy_setopt(r->easy, CURLOPT_RANGE, range);
  r->from = -1;
  r->paused = 0;
  if (curl_multi_add_handle(multi, r->easy)) return code;
  while (running) {
    if (curl_multi_perform(multi, &running)) break;
    if (r->paused) hold(multi, r, pause_ms);
    else if (running && curl_multi_poll(multi, NULL, 0, POLL_MS, NULL)) break;
  }
  while ((message = curl_multi_info_read(multi, &left)))
    if (message->msg == CURLMSG_DONE) code = message->data.result;
  curl_multi_remove_handle(multi, r->easy);
  return code;
}

int main(int argc, char **argv)
{
  reader r = { .held = 0, .sum = 0xcbf29ce484222325u };
  char error[CURL_ERROR_SIZE] = "";
  if (argc < 5) return 2;
  r.every = strtoll(argv[2], NULL, 10);
  curl_global_init(CURL_GLOBAL_DEFAULT);
  CURLM *multi = curl_multi_init();
  r.easy = curl_easy_init();
  if (!r.easy || !multi || r.every <= 0) return 2;
  curl_easy_setopt(r.easy, CURLOPT_URL, argv[1]);
  curl_easy_setopt(r.easy, CURLOPT_FAILONERROR, 1L);
  curl_easy_setopt(r.easy, CURLOPT_ERRORBUFFER, error);
  curl_easy_setopt(r.easy, CURLOPT_TIMEOUT_MS, ATTEMPT_MS);
  curl_easy_setopt(r.easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
  curl_easy_setopt(r.easy, CURLOPT_LOW_SPEED_TIME, strtol(argv[4], NULL, 10));
  curl_easy_setopt(r.easy, CURLOPT_HEADERFUNCTION, on_header);
  curl_easy_setopt(r.easy, CURLOPT_HEADERDATA, &r);
  curl_easy_setopt(r.easy, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(r.easy, CURLOPT_WRITEDATA, &r);
  curl_easy_setopt(r.easy, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(r.easy, CURLOPT_XFERINFOFUNCTION, on_progress);
  curl_easy_setopt(r.easy, CURLOPT_XFERINFODATA, &r);

  CURLcode code = ask_size(&r);
  if (!code) say("size", r.size);
  for (int i = 0; !code && r.at < r.size && i < ATTEMPTS_MAX; i++) {
    CURLcode attempt = read_on(multi, &r, (int)strtol(argv[3], NULL, 10));
    if (attempt) printf("attempt ended: (%d) %s\n", attempt, *error ? error : curl_easy_strerror(attempt));
    if (attempt == CURLE_WRITE_ERROR || attempt == CURLE_HTTP_RETURNED_ERROR) code = attempt;
  }
  if (!code && r.at < r.size) code = CURLE_PARTIAL_FILE;
  if (code) printf("failed: (%d) %s\n", code, *error ? error : curl_easy_strerror(code));
  else printf("complete %lld %016llx\n", (long long)r.at, (unsigned long long)r.sum);
  curl_easy_cleanup(r.easy);
  curl_multi_cleanup(multi);
  curl_global_cleanup();
  exit((int)code); /* a plain return is lost by Emscripten where main was suspended with Asyncify */
}
