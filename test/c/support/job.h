/* job.h: one transfer in a thread of its own, and a remote handle for it. For tests of B1 and B2. */
#ifndef SLUICE_TEST_JOB_H
#define SLUICE_TEST_JOB_H
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include "check.h"
#include "client.h"

#define SECONDS 20 /* a test that hangs should fail                                       */
#define SOON 0.5   /* seconds; whoever is not woken comes by after a second at the earliest */

typedef struct {
  record r;
  sluice_remote *remote;
  pthread_t thread;
  char error[CURL_ERROR_SIZE];
  CURLcode code;
  double ended;                           /* when                                            */
  atomic_int turns, writes, reads, polls; /* what has happened so far                        */
  int hold_write;                         /* this write is refused                           */
  bool owner_too;                         /* for a test's own callbacks                      */
  bool wrong;                             /* a write while RECV was paused                   */
  CURLM *multi;                           /* NULL: curl_easy_perform                         */
} job;

/* For this path of `http`. job_end frees everything. */
void job_begin(job *j, const char *path);
void job_end(job *j);
/* Begin the thread: how is job_performs, job_polls, or another that ends with job_ended. */
void job_go(job *j, void *(*how)(void *));
void *job_performs(void *j);
/* Polls with a long timeout until its transfer has ended. */
void *job_polls(void *j);
void job_ended(job *j);
/* Wait for the thread; its multi is cleaned up. */
void job_join(job *j);
void job_nap(void);

/* perform and a short poll, so many times; until none is running (false: not within SECONDS). */
void turn(CURLM *multi, int times);
bool drive(CURLM *multi);

#define UNTIL(condition)                              \
  do {                                                \
    double give_up = now() + SECONDS;                 \
    while (!(condition) && now() < give_up) job_nap(); \
    CHECK(B1, condition);                             \
  } while (0)

/* Abort it and wait: it ends with 42, soon. */
static inline void job_abort(job *j)
{
  double at = now();
  CHECK_EQ(B1, sluice_remote_abort(j->remote), CURLE_OK);
  job_join(j);
  CHECK_EQ(B1, j->code, CURLE_ABORTED_BY_CALLBACK);
  CHECK(B1, j->ended - at < SOON);
  CHECK(B1, !strcmp(j->error, "Aborted by a remote handle"));
}

#endif
