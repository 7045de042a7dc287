/* runner.c: the conformance scenarios in C, for every place where C runs: natively, as a guest in a sandbox (wasi-sdk), with
 * Emscripten in a browser. It uses curl.h's multi interface and sluice.h, and of the system nothing but stdout.
 *
 *   runner TEXT
 *
 * TEXT, the one argument, has all scenarios, a `key value` a line; scenarios.json, where they are written down, is made into it by
 * text.js, with URLs complete. A scenario runs in a multi of its own; they run one after the other:
 *
 *   scenario NAME              begins one
 *   url URL
 *   method NAME                CURLOPT_CUSTOMREQUEST
 *   head                       CURLOPT_NOBODY
 *   post N                     CURLOPT_POSTFIELDS of N bytes
 *   put N / put -1 N           CURLOPT_UPLOAD of N bytes from a read callback; -1: their number is not told before
 *   option NAME N              the CURLOPT or SLUICEOPT of that name (`options` below)
 *   write N DO                 the write callback whose bytes reach the N-th of the body (counted from 1) does not take them; DO:
 *                              pause (the first time), error, short
 *   progress N                 the progress callback answers 1 when N bytes of the body have come
 *   on WHEN [N] DO [WHAT]      steps, each waited for when the one before was done. WHEN:
 *       before                 the transfer was not started yet
 *       started                it was, and has run once
 *       requested              the request has gone out, as far as this side can tell
 *       head                   the response's head was delivered
 *       body N                 N bytes of its body were taken
 *       paused                 some direction is paused
 *       ms N                   so many milliseconds have passed, since the step before or the start
 *       done                   the transfer has ended
 *     DO: none; pause and resume (WHAT: recv, send, both); abort; wakeup, and poll, which waits for 20 s at most; ask, another
 *     transfer, of url?ask, after which the server goes on. Before the start, and for abort, it is a remote handle that is
 *     used: calls on the easy handle are refused then, or remove it.
 *
 * On stdout, likewise lines:
 *
 *   scenario NAME
 *   trace KIND A B             SLUICEOPT_TRACEFUNCTION's, as they come
 *   poll                       a poll has returned; "poll late": after all of its time
 *   missed WHEN                the transfer has ended before that step
 *   result CODE                CURLcode, once
 *
 * The exit code is 0 when all were run, 2 for TEXT that cannot be read, or no memory. Its reader (reduce.js) makes the reduced
 * trace of the lines. */
#include <curl/curl.h>
#include <sluice/sluice.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STEPS_MAX 8
#define POST_MAX 65536
#define POLL_MS 1000
#define POLL_STEP_MS 20000

typedef struct {
  char when[16], what[16], dir[8];
  curl_off_t n;
} step;

typedef struct {
  CURL *easy;
  CURLM *multi;
  sluice_remote *remote;
  step steps[STEPS_MAX];
  int count, next;       /* steps: in all, and the next one               */
  int paused, mask;      /* the gate's directions; those asked for by call */
  int life, send, recv, exchange, head, ended;
  CURLcode code;
  char url[256], write_do[8];
  curl_off_t write_at;   /* 0 = take all */
  curl_off_t progress_at, delivered, upload, since_us;
} scenario;

static char post[POST_MAX];

static const struct {
  const char *name;
  CURLoption option;
  int large; /* curl_off_t, not long */
} options[] = {
  { "timeoutMs", CURLOPT_TIMEOUT_MS, 0 },
  { "connectTimeoutMs", CURLOPT_CONNECTTIMEOUT_MS, 0 },
  { "pausedTimeoutMs", SLUICEOPT_PAUSED_TIMEOUT_MS, 0 },
  { "silenceTimeoutMs", SLUICEOPT_SILENCE_TIMEOUT_MS, 0 },
  { "lowSpeedLimit", CURLOPT_LOW_SPEED_LIMIT, 0 },
  { "lowSpeedTime", CURLOPT_LOW_SPEED_TIME, 0 },
  { "maxRecvSpeed", CURLOPT_MAX_RECV_SPEED_LARGE, 1 },
  { "maxSendSpeed", CURLOPT_MAX_SEND_SPEED_LARGE, 1 },
  { "maxFileSize", CURLOPT_MAXFILESIZE_LARGE, 1 },
  { "follow", CURLOPT_FOLLOWLOCATION, 0 },
  { "failOnError", CURLOPT_FAILONERROR, 0 },
};

/* What the transfer does. */

static void on_trace(CURL *easy, int kind, curl_off_t a, curl_off_t b, void *user)
{
  scenario *s = user;
  (void)easy;
  printf("trace %d %lld %lld\n", kind, (long long)a, (long long)b);
  if (kind == SLUICE_TRACE_STATE) s->life = (int)a, s->send = (int)b >> 4, s->recv = (int)b & 15;
  if (kind == SLUICE_TRACE_GATE) s->paused = (int)a;
  if (kind == SLUICE_TRACE_OPEN) s->exchange = a == 3;
  if (kind == SLUICE_TRACE_WRITE && a == 0 && b > 0) s->head = 1;
}

static size_t on_body(char *data, size_t size, size_t n, void *user)
{
  scenario *s = user;
  (void)data;
  n *= size;
  if (s->write_at && s->delivered + (curl_off_t)n >= s->write_at) {
    if (!strcmp(s->write_do, "error")) return CURL_WRITEFUNC_ERROR;
    if (!strcmp(s->write_do, "short")) return n - 1;
    s->write_at = 0;
    return CURL_WRITEFUNC_PAUSE;
  }
  s->delivered += (curl_off_t)n;
  return n;
}

static size_t on_read(char *to, size_t size, size_t n, void *user)
{
  scenario *s = user;
  n *= size;
  if ((curl_off_t)n > s->upload) n = (size_t)s->upload;
  memset(to, 'x', n);
  s->upload -= (curl_off_t)n;
  return n;
}

static int on_progress(void *user, curl_off_t total, curl_off_t now, curl_off_t up_total, curl_off_t up)
{
  const scenario *s = user;
  (void)total, (void)up_total, (void)up;
  return s->progress_at && now >= s->progress_at;
}

/* Steps. */

static curl_off_t now_us(const scenario *s)
{
  curl_off_t us = 0;
  curl_easy_getinfo(s->easy, CURLINFO_TOTAL_TIME_T, &us);
  return us;
}

static int is_due(const scenario *s, const step *one)
{
  if (!strcmp(one->when, "started")) return s->life > 0;
  if (!strcmp(one->when, "requested")) return (s->life == 3 && s->send == 4) || (s->life == 2 && s->exchange);
  if (!strcmp(one->when, "head")) return s->head && s->recv >= 2;
  if (!strcmp(one->when, "body")) return s->delivered >= one->n;
  if (!strcmp(one->when, "paused")) return s->paused != 0;
  if (!strcmp(one->when, "ms")) return now_us(s) - s->since_us >= one->n * 1000;
  return !strcmp(one->when, "done") && s->ended;
}

static size_t drop(char *data, size_t size, size_t n, void *user)
{
  (void)data, (void)user;
  return size * n;
}

/* The server may go on with this scenario. */
static void ask(const scenario *s)
{
  char url[sizeof s->url + 8];
  CURL *easy = curl_easy_init();
  snprintf(url, sizeof url, "%s?ask", s->url);
  curl_easy_setopt(easy, CURLOPT_URL, url);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, drop);
  CURLcode code = curl_easy_perform(easy);
  if (code) printf("ask failed %d\n", code);
  curl_easy_cleanup(easy);
}

static void do_step(scenario *s, const step *one)
{
  int dir = !strcmp(one->dir, "recv") ? CURLPAUSE_RECV : !strcmp(one->dir, "send") ? CURLPAUSE_SEND : CURLPAUSE_ALL;
  int early = !strcmp(one->when, "before"), pauses = !strcmp(one->what, "pause");
  if (pauses || !strcmp(one->what, "resume")) {
    s->mask = pauses ? s->mask | dir : s->mask & ~dir;
    if (early) sluice_remote_pause(s->remote, s->mask);
    else curl_easy_pause(s->easy, s->mask);
  } else if (!strcmp(one->what, "abort")) sluice_remote_abort(s->remote);
  else if (!strcmp(one->what, "wakeup")) curl_multi_wakeup(s->multi);
  else if (!strcmp(one->what, "ask")) ask(s);
  else if (!strcmp(one->what, "poll")) {
    curl_off_t begun_us = now_us(s);
    curl_multi_poll(s->multi, NULL, 0, POLL_STEP_MS, NULL);
    printf(now_us(s) - begun_us < POLL_STEP_MS * 1000 ? "poll\n" : "poll late\n");
  }
  if (!early) s->since_us = now_us(s);
}

static void do_steps(scenario *s, int early)
{
  for (; s->next < s->count; s->next++) {
    const step *one = &s->steps[s->next];
    if (early ? strcmp(one->when, "before") != 0 : !is_due(s, one)) return;
    do_step(s, one);
  }
}

/* Until the next step may be due. */
static int wait_ms(const scenario *s)
{
  if (s->next == s->count || strcmp(s->steps[s->next].when, "ms") != 0) return POLL_MS;
  curl_off_t left = s->steps[s->next].n - (now_us(s) - s->since_us) / 1000;
  return left < 0 ? 0 : left < POLL_MS ? (int)left + 1 : POLL_MS;
}

static void look_for_end(scenario *s)
{
  CURLMsg *message;
  int left;
  while ((message = curl_multi_info_read(s->multi, &left))) {
    s->ended = 1;
    s->code = message->data.result;
  }
}

static void run(scenario *s)
{
  int running, steps;
  do_steps(s, 1);
  if (curl_multi_add_handle(s->multi, s->easy)) return;
  do {
    curl_multi_perform(s->multi, &running);
    look_for_end(s);
    steps = s->next;
    do_steps(s, 0);
    look_for_end(s);
    if (!s->ended && s->next == steps) curl_multi_poll(s->multi, NULL, 0, wait_ms(s), NULL);
  } while (!s->ended);
  do_steps(s, 0);
  if (s->next < s->count) printf("missed %s\n", s->steps[s->next].when);
  printf("result %d\n", s->code);
}

/* The text. */

/* The next word of the line at *at, at most cap - 1 bytes of it. */
static char *word(const char **at, char *to, size_t cap)
{
  size_t n = strcspn(*at, " "), fits = n < cap ? n : cap - 1;
  memcpy(to, *at, fits);
  to[fits] = 0;
  *at += n + ((*at)[n] == ' ');
  return to;
}

static curl_off_t number(const char **at)
{
  char text[24];
  return strtoll(word(at, text, sizeof text), NULL, 10);
}

static int set_option(scenario *s, const char *name, curl_off_t value)
{
  for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
    if (strcmp(options[i].name, name) != 0) continue;
    return options[i].large ? curl_easy_setopt(s->easy, options[i].option, value)
                            : curl_easy_setopt(s->easy, options[i].option, (long)value);
  }
  return -1;
}

static int set_put(scenario *s, const char **at)
{
  curl_off_t size = number(at);
  s->upload = size < 0 ? number(at) : size;
  curl_easy_setopt(s->easy, CURLOPT_UPLOAD, 1L);
  return curl_easy_setopt(s->easy, CURLOPT_INFILESIZE_LARGE, size);
}

static int set_post(scenario *s, curl_off_t size)
{
  if (size > POST_MAX) return -1;
  memset(post, 'x', sizeof post);
  curl_easy_setopt(s->easy, CURLOPT_POSTFIELDSIZE_LARGE, size);
  return curl_easy_setopt(s->easy, CURLOPT_POSTFIELDS, post);
}

static int add_step(scenario *s, const char *at)
{
  if (s->count == STEPS_MAX) return -1;
  step *one = &s->steps[s->count++];
  word(&at, one->when, sizeof one->when);
  if (!strcmp(one->when, "ms") || !strcmp(one->when, "body")) one->n = number(&at);
  word(&at, one->what, sizeof one->what);
  word(&at, one->dir, sizeof one->dir);
  return 0;
}

/* One line of a scenario; not 0: it cannot be read. */
static int set_line(scenario *s, const char *at)
{
  char key[16], name[24];
  word(&at, key, sizeof key);
  if (!strcmp(key, "url")) {
    snprintf(s->url, sizeof s->url, "%s", at);
    return curl_easy_setopt(s->easy, CURLOPT_URL, at);
  }
  if (!strcmp(key, "method")) return curl_easy_setopt(s->easy, CURLOPT_CUSTOMREQUEST, at);
  if (!strcmp(key, "head")) return curl_easy_setopt(s->easy, CURLOPT_NOBODY, 1L);
  if (!strcmp(key, "post")) return set_post(s, number(&at));
  if (!strcmp(key, "put")) return set_put(s, &at);
  if (!strcmp(key, "option")) {
    word(&at, name, sizeof name);
    return set_option(s, name, number(&at));
  }
  if (!strcmp(key, "write")) {
    s->write_at = number(&at);
    word(&at, s->write_do, sizeof s->write_do);
    return 0;
  }
  if (!strcmp(key, "progress")) {
    s->progress_at = number(&at);
    return curl_easy_setopt(s->easy, CURLOPT_NOPROGRESS, 0L);
  }
  return strcmp(key, "on") != 0 ? -1 : add_step(s, at);
}

static int begin(scenario *s)
{
  memset(s, 0, sizeof *s);
  s->easy = curl_easy_init();
  s->multi = curl_multi_init();
  s->remote = sluice_remote_new(s->easy);
  if (!s->easy || !s->multi || !s->remote) return -1;
  curl_easy_setopt(s->easy, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(s->easy, CURLOPT_WRITEDATA, s);
  curl_easy_setopt(s->easy, CURLOPT_READFUNCTION, on_read);
  curl_easy_setopt(s->easy, CURLOPT_READDATA, s);
  curl_easy_setopt(s->easy, CURLOPT_XFERINFOFUNCTION, on_progress);
  curl_easy_setopt(s->easy, CURLOPT_XFERINFODATA, s);
  curl_easy_setopt(s->easy, SLUICEOPT_TRACEDATA, s);
  return curl_easy_setopt(s->easy, SLUICEOPT_TRACEFUNCTION, on_trace);
}

static void end(scenario *s)
{
  curl_multi_remove_handle(s->multi, s->easy);
  sluice_remote_free(s->remote);
  curl_easy_cleanup(s->easy);
  curl_multi_cleanup(s->multi);
}

/* All lines up to the next `scenario`, and run. Where it ends, or NULL. */
static char *run_one(scenario *s, char *at)
{
  printf("%.*s\n", (int)strcspn(at, "\n"), at);
  int bad = begin(s);
  at += strcspn(at, "\n");
  while (*at && at[1] && strncmp(at + 1, "scenario ", 9) != 0) {
    char *line = at + 1, mark;
    at = line + strcspn(line, "\n");
    mark = *at;
    *at = 0;
    if (!bad && set_line(s, line)) {
      bad = 1;
      fprintf(stderr, "cannot read: %s\n", line);
    }
    *at = mark;
  }
  at += *at == '\n';
  if (!bad) run(s);
  end(s);
  fflush(stdout);
  return bad ? NULL : at;
}

int main(int argc, char **argv)
{
  static scenario s;
  char *at = argc == 2 ? argv[1] : NULL;
  curl_global_init(CURL_GLOBAL_DEFAULT);
  while (at && *at) at = run_one(&s, at);
  curl_global_cleanup();
  return at ? 0 : 2;
}
