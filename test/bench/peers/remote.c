/* remote.c: the row `remote` natively: commands from another thread (sluice/sluice.h), and how long until they are obeyed. */
#include <curl/curl.h>
#include <sluice/sluice.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define WARM 10 /* rounds that do not count */

void remote_row(const char *origin, int count);

typedef struct {
  CURL *easy;
  int chunks;
  atomic_int begun;
  _Atomic double last;
  double ended;
} owner;

static double now_us(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void nap_ms(int ms)
{
  nanosleep(&(struct timespec){ .tv_nsec = ms * 1000000L }, NULL);
}

static size_t take(char *data, size_t size, size_t n, void *user)
{
  owner *o = user;
  (void)data;
  o->last = now_us();
  if (++o->chunks == atomic_load(&o->begun)) atomic_store(&o->begun, 0);
  return size * n;
}

static void *perform(void *user)
{
  owner *o = user;
  curl_easy_perform(o->easy);
  o->ended = now_us();
  return NULL;
}

/* Microseconds until an abort was obeyed, or a pause. */
static double once(const char *origin, const char *path, int chunks, int pause)
{
  char url[256];
  owner o = { .easy = curl_easy_init(), .begun = chunks };
  pthread_t thread;
  snprintf(url, sizeof url, "%s%s", origin, path);
  curl_easy_setopt(o.easy, CURLOPT_URL, url);
  curl_easy_setopt(o.easy, CURLOPT_WRITEFUNCTION, take);
  curl_easy_setopt(o.easy, CURLOPT_WRITEDATA, &o);
  sluice_remote *remote = sluice_remote_new(o.easy);
  if (!remote || pthread_create(&thread, NULL, perform, &o)) exit(3);
  while (atomic_load(&o.begun)) nap_ms(1);
  double at = now_us();
  if (pause) {
    sluice_remote_pause(remote, CURLPAUSE_RECV);
    nap_ms(5);
  }
  sluice_remote_abort(remote);
  pthread_join(thread, NULL);
  double took = (pause ? o.last : o.ended) - at;
  curl_easy_cleanup(o.easy);
  sluice_remote_free(remote);
  return took > 0 ? took : 0;
}

static int ascending(const void *a, const void *b)
{
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static void measure(const char *name, const char *origin, const char *path, int chunks, int pause, int count, int last)
{
  double *took = calloc((size_t)count, sizeof *took);
  if (!took) exit(3);
  for (int i = -WARM; i < count; i++) {
    double us = once(origin, path, chunks, pause);
    if (i >= 0) took[i] = us;
  }
  qsort(took, (size_t)count, sizeof *took, ascending);
  printf("\"%s\":%f,\"%s99\":%f%s", name, took[count / 2], name, took[count * 99 / 100], last ? "" : ",");
  free(took);
}

void remote_row(const char *origin, int count)
{
  printf("{");
  measure("idle", origin, "/drip/600", 1, 0, count, 0);
  measure("running", origin, "/endless", 20, 0, count, 0);
  measure("pause", origin, "/endless", 20, 1, count, 1);
  printf("}");
}
