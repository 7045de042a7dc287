/* libcurl.c: the C program of the bench, compiled twice: with libcurl, and with Sluice's native build.
 * libcurl ROW ORIGIN BYTES COUNT CONNECTIONS [CAFILE]: prints what it measured as JSON, as client.js does. */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

void remote_row(const char *origin, int count) __attribute__((weak)); /* remote.c: what libcurl has not */

typedef struct {
  CURL *easy;
  long long got;
  int pause, first;
} transfer;

static const char *origin, *cafile;
static CURLM *multi;
static int firsts, done;

static double now_s(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double cpu_s(void)
{
  struct rusage u;
  getrusage(RUSAGE_SELF, &u);
  return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static double rss_kib(void)
{
  long pages = 0;
  FILE *f = fopen("/proc/self/statm", "r");
  if (!f || fscanf(f, "%*d %ld", &pages) != 1) pages = 0;
  if (f) fclose(f);
  return (double)pages * (double)sysconf(_SC_PAGESIZE) / 1024;
}

static void check(int code, const char *what)
{
  if (!code) return;
  printf("{\"skip\":\"%s: %d\"}", what, code);
  exit(0);
}

static size_t take(char *data, size_t size, size_t n, void *user)
{
  transfer *t = user;
  (void)data;
  if (!t->first) {
    t->first = 1;
    firsts++;
    if (t->pause) return CURL_WRITEFUNC_PAUSE;
  }
  t->got += (long long)(size * n);
  return size * n;
}

static size_t give(char *data, size_t size, size_t n, void *user)
{
  long long *left = user;
  size_t room = size * n;
  if ((long long)room > *left) room = (size_t)*left;
  *left -= (long long)room;
  memset(data, 0, room);
  return room;
}

static transfer *make(const char *path)
{
  char url[256];
  transfer *t = calloc(1, sizeof *t);
  snprintf(url, sizeof url, "%s%s", origin, path);
  t->easy = curl_easy_init();
  check((int)curl_easy_setopt(t->easy, CURLOPT_URL, url), "URL");
  check((int)curl_easy_setopt(t->easy, CURLOPT_WRITEFUNCTION, take), "WRITEFUNCTION");
  check((int)curl_easy_setopt(t->easy, CURLOPT_WRITEDATA, t), "WRITEDATA");
  curl_easy_setopt(t->easy, CURLOPT_PRIVATE, t);
  if (cafile) check((int)curl_easy_setopt(t->easy, CURLOPT_CAINFO, cafile), "CAINFO");
  return t;
}

/* One turn of the multi; transfers that ended are started again while `again` allows. */
static void turn(int *again)
{
  int running, left;
  CURLMsg *m;
  check((int)curl_multi_perform(multi, &running), "perform");
  while ((m = curl_multi_info_read(multi, &left))) {
    CURL *easy = m->easy_handle;
    check((int)m->data.result, "transfer");
    done++;
    curl_multi_remove_handle(multi, easy);
    if (again && *again > 0) {
      --*again;
      curl_multi_add_handle(multi, easy);
    }
  }
}

static void gets(transfer **t, int count, int lanes)
{
  if (lanes == 1) {
    for (int i = 0; i < count; i++) check((int)curl_easy_perform(t[0]->easy), "transfer");
    return;
  }
  int again = count - lanes;
  done = 0;
  for (int i = 0; i < lanes; i++) curl_multi_add_handle(multi, t[i]->easy);
  while (done < count) {
    turn(&again);
    if (done < count) curl_multi_poll(multi, NULL, 0, 1000, NULL);
  }
}

static void hold(int count, int batch, const char *path, int pause)
{
  for (int opened = 0, want; opened < count;) {
    want = firsts;
    for (int i = 0; i < batch && opened < count; i++, opened++, want++) {
      transfer *t = make(path);
      t->pause = pause;
      curl_multi_add_handle(multi, t->easy);
    }
    while (firsts < want) {
      turn(NULL);
      if (firsts < want) curl_multi_poll(multi, NULL, 0, 1000, NULL);
    }
  }
}

static void run_for(double s)
{
  for (double end = now_s() + s; now_s() < end;) {
    turn(NULL);
    curl_multi_poll(multi, NULL, 0, 100, NULL);
  }
}

int main(int argc, char **argv)
{
  if (argc < 6) return 2;
  const char *row = argv[1];
  long long bytes = atoll(argv[3]);
  int count = atoi(argv[4]), lanes = atoi(argv[5]);
  double gib = (double)bytes / (1 << 30), cpu, at, rss;
  char path[64];
  origin = argv[2];
  cafile = argc > 6 ? argv[6] : NULL;
  curl_global_init(CURL_GLOBAL_DEFAULT);
  multi = curl_multi_init();
  if (!strcmp(row, "download")) {
    struct rusage u;
    snprintf(path, sizeof path, "/big/%lld", bytes);
    cpu = cpu_s(), at = now_s();
    transfer *t = make(path);
    check((int)curl_easy_perform(t->easy), "transfer");
    if (t->got != bytes) return 3;
    cpu = cpu_s() - cpu, at = now_s() - at;
    getrusage(RUSAGE_SELF, &u);
    printf("{\"cpu\":%f,\"wall\":%f,\"rss\":%f}", cpu / gib, at / gib, (double)u.ru_maxrss / 1024);
  } else if (!strcmp(row, "get")) {
    transfer **t = calloc((size_t)lanes, sizeof *t);
    for (int i = 0; i < lanes; i++) t[i] = make("/small");
    gets(t, count < 2000 ? count : 2000, lanes);
    cpu = cpu_s(), at = now_s();
    gets(t, count, lanes);
    printf("{\"cpu\":%f,\"wall\":%f}", (cpu_s() - cpu) / count * 1e6, (now_s() - at) / count * 1e6);
  } else if (!strcmp(row, "put")) {
    long long left = bytes;
    cpu = cpu_s(), at = now_s();
    transfer *t = make("/sink");
    check((int)curl_easy_setopt(t->easy, CURLOPT_UPLOAD, 1L), "UPLOAD");
    check((int)curl_easy_setopt(t->easy, CURLOPT_READFUNCTION, give), "READFUNCTION");
    check((int)curl_easy_setopt(t->easy, CURLOPT_READDATA, &left), "READDATA");
    check((int)curl_easy_setopt(t->easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)bytes), "INFILESIZE");
    check((int)curl_easy_perform(t->easy), "transfer");
    if (left) return 3;
    printf("{\"cpu\":%f,\"wall\":%f}", (cpu_s() - cpu) / gib, (now_s() - at) / gib);
  } else if (!strcmp(row, "paused")) {
    hold(20, 20, "/endless", 1);
    rss = rss_kib();
    hold(count, 50, "/endless", 1);
    run_for(.3);
    printf("{\"rss\":%f}", (rss_kib() - rss) / count);
  } else if (!strcmp(row, "slow")) {
    hold(20, 20, "/drip/600", 0);
    rss = rss_kib(), cpu = cpu_s();
    hold(count, 200, "/drip/600", 0);
    double each = (cpu_s() - cpu) / count * 1e6;
    rss = (rss_kib() - rss) / count;
    cpu = cpu_s();
    run_for(5);
    printf("{\"rss\":%f,\"open\":%f,\"steady\":%f}", rss, each, (cpu_s() - cpu) / 5 * 100);
  } else if (!strcmp(row, "start")) {
    hold(1, 1, "/big/1000000", 0);
    printf("{\"at\":%f}", now_s() * 1000);
  } else if (!strcmp(row, "remote") && remote_row) {
    remote_row(origin, count);
  } else {
    printf("{\"skip\":\"not in C\"}");
  }
  fflush(stdout);
  _exit(0);
}
