/* scene.c: see scene.h: the clock, the trace, and transfers whose callbacks are printed. */
#include "scene.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SCENE_MAX_S 45

static double began;

double now(void)
{
  struct timespec at;
  clock_gettime(CLOCK_MONOTONIC, &at);
  return (double)at.tv_sec + (double)at.tv_nsec / 1e9 - began;
}

/* The trace. A run is one kind of callback of one client, all accepted. */

static struct { const client *of; kind kind; size_t n; } run;
static const char *const kinds[KINDS] = { "write", "header", "read", "progress", "prereq", "seek" };

static void end_run(void)
{
  const client *c = run.of;
  if (!c) return;
  run.of = NULL;
  printf("%s%s", c->name, kinds[run.kind]);
  if (run.kind <= READ) printf(" %zu", run.n);
  puts("");
}

void say(const char *format, ...)
{
  va_list args;
  end_run();
  va_start(args, format);
  vprintf(format, args);
  va_end(args);
  puts("");
  fflush(stdout); /* of a scene that is killed the begin is worth seeing */
}

void say_time(const char *what, double since) { say("%s ~%.2f", what, now() - since); }

void say_within(double since, double least, double most)
{
  double took = now() - since;
  say("%.1f to %.1f s: %s", least, most, took >= least && took <= most ? "yes" : "no");
}

bool rates_hold(void)
{
  if (!CURL_AT_LEAST_VERSION(8, 16, 0)) say("not tried: rates are not exact");
  return CURL_AT_LEAST_VERSION(8, 16, 0);
}

static void note(const client *c, kind k, size_t n)
{
  if (c->quiet && (k == WRITE || k == READ)) return;
  if (run.of != c || run.kind != k) {
    end_run();
    run.of = c;
    run.kind = k;
    run.n = 0;
  }
  run.n += n;
}

static long ask(client *c, kind k, const char *data, size_t n)
{
  c->calls[k]++;
  return c->hook ? c->hook(c, k, data, n) : USUAL;
}

/* Callbacks. */

static void refuse(const client *c, kind k, long answer)
{
  if (answer == CURL_WRITEFUNC_PAUSE) say("%s%s refused", c->name, kinds[k]);
  else say("%s%s fails", c->name, kinds[k]);
}

static size_t on_write(char *data, size_t size, size_t n, void *arg)
{
  client *c = arg;
  c->odd_size |= size != 1 || n > CURL_MAX_WRITE_SIZE;
  for (size_t i = 0; i < n && !c->text; i++) c->damaged |= data[i] != peer_byte(c->written + i);
  long answer = ask(c, WRITE, data, n);
  if (answer != USUAL && (size_t)answer != n) {
    refuse(c, WRITE, answer);
    return (size_t)answer;
  }
  c->written += n;
  note(c, WRITE, n);
  return n;
}

static size_t on_header(char *data, size_t size, size_t n, void *arg)
{
  client *c = arg;
  c->odd_size |= size != 1 || !n || data[n - 1] != '\n' || memchr(data, '\n', n - 1);
  long answer = ask(c, HEADER, data, n);
  if (answer != USUAL && (size_t)answer != n) {
    refuse(c, HEADER, answer);
    return (size_t)answer;
  }
  c->lines++;
  note(c, HEADER, 1);
  return n;
}

static size_t on_read(char *data, size_t size, size_t n, void *arg)
{
  client *c = arg;
  long answer = ask(c, READ, data, n *= size);
  if (answer != USUAL && (answer < 0 || (size_t)answer > n)) {
    if (answer == CURL_READFUNC_PAUSE) say("%sread refused", c->name);
    else say("%sread fails", c->name);
    return (size_t)answer;
  }
  size_t left = c->upload - c->read, give = answer == USUAL ? n : (size_t)answer;
  if (give > left) give = left;
  for (size_t i = 0; i < give; i++) data[i] = peer_byte(c->read + i);
  c->read += give;
  if (give) note(c, READ, give);
  else say("%sread ends", c->name);
  return give;
}

static int on_progress(void *arg, curl_off_t total, curl_off_t at, curl_off_t up_total, curl_off_t up)
{
  client *c = arg;
  (void)total, (void)up_total;
  c->down = at;
  c->up = up;
  if (c->shows_progress) note(c, PROGRESS, 1);
  long answer = ask(c, PROGRESS, NULL, 0);
  return answer == USUAL ? 0 : (int)answer;
}

static int on_prereq(void *arg, char *peer, char *local, int peer_at, int local_at)
{
  (void)peer, (void)local, (void)peer_at, (void)local_at;
  note(arg, PREREQ, 1);
  long answer = ask(arg, PREREQ, NULL, 0);
  return answer == USUAL ? CURL_PREREQFUNC_OK : (int)answer;
}

static int on_seek(void *arg, curl_off_t offset, int origin)
{
  client *c = arg;
  (void)origin;
  note(c, SEEK, 1);
  long answer = ask(c, SEEK, NULL, 0);
  if (answer != USUAL) return (int)answer;
  c->read = (size_t)offset;
  return CURL_SEEKFUNC_OK;
}

/* Transfers. */

void client_port(client *c, int port, const char *path)
{
  char url[1024];
  snprintf(url, sizeof url, "http://127.0.0.1:%d%s", port, path);
  curl_easy_setopt(c->easy, CURLOPT_URL, url);
}

void client_path(client *c, const char *path) { client_port(c, peer_port(), path); }

client *client_new(const char *path)
{
  client *c = calloc(1, sizeof *c);
  if (!c || !(c->easy = curl_easy_init())) abort();
  c->name = "";
  client_path(c, path);
  curl_easy_setopt(c->easy, CURLOPT_PROXY, "");
  curl_easy_setopt(c->easy, CURLOPT_TIMEOUT, 20L);
  curl_easy_setopt(c->easy, CURLOPT_ERRORBUFFER, c->error);
  curl_easy_setopt(c->easy, CURLOPT_WRITEFUNCTION, on_write);
  curl_easy_setopt(c->easy, CURLOPT_WRITEDATA, c);
  curl_easy_setopt(c->easy, CURLOPT_HEADERFUNCTION, on_header);
  curl_easy_setopt(c->easy, CURLOPT_HEADERDATA, c);
  curl_easy_setopt(c->easy, CURLOPT_XFERINFOFUNCTION, on_progress);
  curl_easy_setopt(c->easy, CURLOPT_XFERINFODATA, c);
  curl_easy_setopt(c->easy, CURLOPT_PREREQFUNCTION, on_prereq);
  curl_easy_setopt(c->easy, CURLOPT_PREREQDATA, c);
  curl_easy_setopt(c->easy, CURLOPT_PRIVATE, c);
  return c;
}

void client_free(client *c)
{
  end_run();
  curl_easy_cleanup(c->easy);
  curl_slist_free_all(c->fields);
  free(c);
}

void client_field(client *c, const char *field)
{
  struct curl_slist *before = c->fields;
  c->fields = curl_slist_append(NULL, field);
  curl_easy_setopt(c->easy, CURLOPT_HTTPHEADER, c->fields);
  curl_slist_free_all(before);
}

void client_upload(client *c, size_t n, bool announced)
{
  client_field(c, "Expect:");
  c->upload = n;
  curl_easy_setopt(c->easy, CURLOPT_UPLOAD, 1L);
  curl_easy_setopt(c->easy, CURLOPT_READFUNCTION, on_read);
  curl_easy_setopt(c->easy, CURLOPT_READDATA, c);
  curl_easy_setopt(c->easy, CURLOPT_SEEKFUNCTION, on_seek);
  curl_easy_setopt(c->easy, CURLOPT_SEEKDATA, c);
  if (announced) curl_easy_setopt(c->easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)n);
}

void client_progress(client *c, bool shown)
{
  c->shows_progress = shown;
  curl_easy_setopt(c->easy, CURLOPT_NOPROGRESS, 0L);
}

CURLcode client_pause(client *c, int mask)
{
  say("%spause %d:", c->name, mask);
  CURLcode code = curl_easy_pause(c->easy, mask);
  say("%spause %d -> %d", c->name, mask, code);
  return code;
}

void say_code(const client *c, const char *what, CURLcode code)
{
  if (code) say("%s%s -> %d %s", c->name, what, code, c->error);
  else say("%s%s -> 0", c->name, what);
}

CURLcode client_perform(client *c)
{
  double from = now();
  CURLcode code = curl_easy_perform(c->easy);
  say_code(c, "perform", code);
  say_time("time", from);
  client_total(c);
  return code;
}

void client_total(const client *c)
{
  say("%stotal %zu%s%s", c->name, c->written, c->damaged && !c->text ? ", damaged" : "", c->odd_size ? ", odd sizes" : "");
}

long client_long(const client *c, CURLINFO info)
{
  long value = -4711;
  curl_easy_getinfo(c->easy, info, &value);
  return value;
}

/* The program. */

static const scene *const tables[] = { pause_scenes,    held_scenes, write_scenes,    upload_scenes, clock_scenes, rate_scenes,
                                       progress_scenes, stop_scenes, callback_scenes, poll_scenes,   event_scenes };

int main(int argc, char **argv)
{
  struct timespec at;
  clock_gettime(CLOCK_MONOTONIC, &at);
  began = (double)at.tv_sec + (double)at.tv_nsec / 1e9;
  alarm(SCENE_MAX_S);
  curl_global_init(CURL_GLOBAL_DEFAULT);
  if (argc < 2) puts(curl_version());
  else peer_start();
  for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
    for (const scene *s = tables[i]; s->name; s++) {
      if (argc < 2) puts(s->name);
      else if (!strcmp(argv[1], s->name)) {
        s->play();
        end_run();
        fflush(stdout);
        _exit(0); /* the peer's threads end with it */
      }
    }
  return argc < 2 ? 0 : 2;
}
