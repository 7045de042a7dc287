/* job.c: see job.h. */
#include "job.h"
#include <stdlib.h>
#include <string.h>
#include <time.h>

void job_nap(void) { nanosleep(&(struct timespec){ .tv_nsec = 500000 }, NULL); }

static size_t job_write(char *data, size_t size, size_t n, void *to)
{
  job *j = to;
  if (info(j->r.easy, SLUICEINFO_PAUSED) & CURLPAUSE_RECV) j->wrong = true;
  if (atomic_fetch_add(&j->writes, 1) + 1 == j->hold_write) return CURL_WRITEFUNC_PAUSE;
  return on_write(data, size, n, &j->r);
}

static int job_turn(void *to, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
  (void)a, (void)b, (void)c, (void)d;
  atomic_fetch_add(&((job *)to)->turns, 1);
  return 0;
}

void job_begin(job *j, const char *path)
{
  memset(j, 0, sizeof *j);
  CURL *easy = begin(&j->r, path);
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, j->error);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, job_write);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, j);
  curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, job_turn);
  curl_easy_setopt(easy, CURLOPT_XFERINFODATA, j);
  curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
  if (!(j->remote = sluice_remote_new(easy))) abort();
}

void job_end(job *j)
{
  end(&j->r);
  sluice_remote_free(j->remote);
}

void *job_performs(void *arg)
{
  job *j = arg;
  j->code = curl_easy_perform(j->r.easy);
  j->ended = now();
  return NULL;
}

void job_ended(job *j)
{
  int left;
  j->ended = now();
  const CURLMsg *m = curl_multi_info_read(j->multi, &left);
  j->code = m ? m->data.result : CURLE_FAILED_INIT;
}

void *job_polls(void *arg)
{
  job *j = arg;
  int running = 1;
  while (!curl_multi_perform(j->multi, &running) && running) {
    atomic_fetch_add(&j->polls, 1);
    curl_multi_poll(j->multi, NULL, 0, 15000, NULL);
  }
  job_ended(j);
  return NULL;
}

void job_go(job *j, void *(*how)(void *))
{
  if (how == job_polls) {
    j->multi = curl_multi_init();
    curl_multi_add_handle(j->multi, j->r.easy);
  }
  if (pthread_create(&j->thread, NULL, how, j)) abort();
}

void job_join(job *j)
{
  pthread_join(j->thread, NULL);
  if (!j->multi) return;
  curl_multi_remove_handle(j->multi, j->r.easy);
  curl_multi_cleanup(j->multi);
}

void turn(CURLM *multi, int times)
{
  for (int running; times--;) {
    curl_multi_perform(multi, &running);
    curl_multi_poll(multi, NULL, 0, 20, NULL);
  }
}

bool drive(CURLM *multi)
{
  int running = 1;
  for (double until = now() + SECONDS; running && now() < until;) {
    curl_multi_perform(multi, &running);
    if (running) curl_multi_poll(multi, NULL, 0, 1000, NULL);
  }
  return !running;
}

