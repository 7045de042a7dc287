/* resolve.c: see resolve.h. getaddrinfo blocks and cannot be stopped, so each question has a thread.
 *
 * Owns: the questions, and the threads that ask them. Process-wide, as threads are; the rule against globals is
 * for what is above the door.
 *
 * A question is a name and a family; lookups of the same one share it.
 *
 *   QUEUED (waits for a slot) -> RUNNING (in a thread's hands, in one of SL_LOOKUPS_MAX slots) -> answered
 *                                   |
 *                                   +-> ADRIFT: took longer than SL_LOOKUP_SLOW_US, or nobody waits for it any more.
 *                                       Its thread goes on, its slot is another's. At most SL_ADRIFT_MAX are.
 *
 * So names that hang do not block others, and a name that hangs has one thread, however often it is asked for; only
 * after SL_LOOKUP_LIMIT_US it may have another.
 *
 * A lookup: WAITS (in its question's list) -> DONE (in its inbox) -> taken (its owner's). One lock guards all of
 * this. A thread touches lookups and inboxes only under it, through the question's list: so a dropped lookup, and
 * an inbox without lookups, may go. A process that forks while names are looked up must not look up names in the
 * child. */
#include "resolve.h"
#include "../engine/list.h"
#include <sluice/host.h>
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

typedef struct question {
  struct question *prev, *next;
  sl_lookup *first, *last; /* that wait for it                                     */
  enum { QUEUED, RUNNING, ADRIFT } state;
  int64_t began_us;        /* when its thread began; of a queued one: when it came */
  sl_lookup *asked;        /* what is looked up; only its thread writes the answer */
} question;

typedef struct {
  question *first, *last;
  uint32_t count;
} questions;

/* By state. Those that run are in the order in which they began. */
static struct {
  pthread_mutex_t lock;
  questions in[3];
} resolver = { .lock = PTHREAD_MUTEX_INITIALIZER };

static const char *errno_words(int error, char *buf, size_t n)
{
#if defined __GLIBC__ && defined _GNU_SOURCE
  return strerror_r(error, buf, n);
#else
  return strerror_r(error, buf, n) ? "unknown error" : buf;
#endif
}

void sl_fail(sl_failure *why, int32_t code, const char *verb, const char *whom, int error)
{
  char buf[128];
  why->code = code;
  snprintf(why->words, sizeof why->words, "%s %s: %s", verb, whom, errno_words(error, buf, sizeof buf));
}

void sl_address_text(const sl_address *a, const char *between, char text[SL_WHOM_MAX])
{
  const struct sockaddr *at = (const struct sockaddr *)&a->at;
  char host[80], port[8];
  *text = 0;
  if (at->sa_family == AF_UNIX) {
    if (a->len > offsetof(struct sockaddr_un, sun_path))
      snprintf(text, SL_WHOM_MAX, "%s", ((const struct sockaddr_un *)at)->sun_path);
    return;
  }
  if (!getnameinfo(at, a->len, host, sizeof host, port, sizeof port, NI_NUMERICHOST | NI_NUMERICSERV))
    snprintf(text, SL_WHOM_MAX, "%s%s%s", host, between, port);
}

void sl_addresses_add(sl_addresses *list, const struct sockaddr *at, socklen_t len)
{
  if (len > sizeof list->to[0].at || list->count == SL_ADDRESSES_MAX) return;
  memcpy(&list->to[list->count].at, at, len);
  list->to[list->count++].len = len;
}

void sl_poke(int fd)
{
  uint64_t one = 1; /* an eventfd takes 8 bytes, not fewer (F33) */
  int saved = errno;
  while (write(fd, &one, sizeof one) < 0 && errno == EINTR) continue;
  errno = saved;
}

/* ---- One lookup ---- */

sl_lookup *sl_lookup_new(const char *name, size_t name_len, const char *port, size_t port_len, int family)
{
  sl_lookup *job = calloc(1, sizeof *job + name_len + 1);
  if (!job) return NULL;
  memcpy(job->name, name, name_len);
  snprintf(job->port, sizeof job->port, "%.*s", (int)port_len, port);
  job->family = family;
  return job;
}

void sl_lookup_free(sl_lookup *job) { free(job); }

bool sl_lookup_is_literal(const sl_lookup *job)
{
  struct in_addr v4;
  return strchr(job->name, ':') || inet_pton(AF_INET, job->name, &v4) == 1;
}

static const struct addrinfo *list_find(const struct addrinfo *a, int family, bool same)
{
  while (a && (a->ai_family == family) != same) a = a->ai_next;
  return a;
}

/* The families take turns, the system's first choice begins (RFC 8305, 4). */
static void addresses_fill(sl_addresses *found, const struct addrinfo *list)
{
  int family = list->ai_family;
  const struct addrinfo *at[2] = { list, list_find(list, family, false) };
  for (int other = 0; at[0] || at[1]; other = !other) {
    if (!at[other]) continue;
    sl_addresses_add(found, at[other]->ai_addr, at[other]->ai_addrlen);
    at[other] = list_find(at[other]->ai_next, family, !other);
  }
}

void sl_lookup_run(sl_lookup *job, bool literal)
{
  struct addrinfo hints = { .ai_family = job->family, .ai_socktype = SOCK_STREAM, .ai_protocol = IPPROTO_TCP,
                            .ai_flags = AI_NUMERICSERV | (literal ? AI_NUMERICHOST : 0) };
  struct addrinfo *list = NULL;
  job->error = getaddrinfo(job->name, job->port, &hints, &list);
  job->system_error = errno;
  if (job->error) return;
  addresses_fill(&job->found, list);
  freeaddrinfo(list);
}

bool sl_lookup_found(const sl_lookup *job, sl_failure *why)
{
  char whom[SL_WHOM_MAX];
  if (!job->error && !job->late) return true;
  snprintf(whom, sizeof whom, "%s", job->name);
  if (job->late) {
    why->code = SL_RESOLVE;
    snprintf(why->words, sizeof why->words, "resolve %s: no answer in %d s", whom, (int)(SL_LOOKUP_LIMIT_US / SL_SECOND));
    return false;
  }
  why->code = job->error == EAI_MEMORY ? SL_NOMEM : SL_RESOLVE;
  if (job->error == EAI_SYSTEM) sl_fail(why, why->code, "resolve", whom, job->system_error);
  else snprintf(why->words, sizeof why->words, "resolve %s: %s", whom, gai_strerror(job->error));
  return false;
}

/* ---- Questions; all of this under the lock ---- */

static void question_leave(question *q)
{
  questions *from = &resolver.in[q->state];
  SL_LIST_REMOVE(from->first, from->last, q, prev, next);
  from->count--;
}

static void question_enter(question *q, unsigned state)
{
  questions *to = &resolver.in[state];
  SL_LIST_APPEND(to->first, to->last, q, prev, next);
  to->count++;
  q->state = state;
}

static void question_free(question *q)
{
  if (q) sl_lookup_free(q->asked);
  free(q);
}

static question *question_new(const sl_lookup *job, int64_t now_us)
{
  question *q = calloc(1, sizeof *q);
  if (!q) return NULL;
  q->asked = sl_lookup_new(job->name, strlen(job->name), "0", 1, job->family);
  q->began_us = now_us;
  if (q->asked) return q;
  free(q);
  return NULL;
}

/* One that is asked already, and not for so long that it has to be asked anew. */
static question *question_find(const sl_lookup *job, int64_t now_us)
{
  for (int state = QUEUED; state <= ADRIFT; state++)
    for (question *q = resolver.in[state].first; q; q = q->next)
      if (q->asked->family == job->family && !strcmp(q->asked->name, job->name) &&
          now_us - q->began_us < SL_LOOKUP_LIMIT_US)
        return q;
  return NULL;
}

/* It waits no more: into its owner's hands. */
static void lookup_deliver(sl_lookup *job)
{
  sl_inbox *inbox = job->inbox;
  question *q = job->question;
  SL_LIST_REMOVE(q->first, q->last, job, prev, next);
  job->question = NULL;
  SL_LIST_APPEND(inbox->first, inbox->last, job, prev, next);
  atomic_store(&inbox->any, true);
  sl_poke(inbox->wake_fd);
}

static void lookup_answer(sl_lookup *job, const sl_lookup *answer)
{
  uint16_t port = htons((uint16_t)strtoul(job->port, NULL, 10));
  job->error = answer->error;
  job->system_error = answer->system_error;
  job->found = answer->found;
  for (uint32_t i = 0; i < job->found.count; i++) {
    struct sockaddr_storage *at = &job->found.to[i].at;
    if (at->ss_family == AF_INET) ((struct sockaddr_in *)(void *)at)->sin_port = port;
    if (at->ss_family == AF_INET6) ((struct sockaddr_in6 *)(void *)at)->sin6_port = port;
  }
  lookup_deliver(job);
}

/* The next one for a thread, or NULL. */
static question *question_take(void)
{
  question *q = resolver.in[QUEUED].first;
  if (!q || resolver.in[RUNNING].count >= SL_LOOKUPS_MAX) return NULL;
  question_leave(q);
  question_enter(q, RUNNING);
  q->began_us = sl_now_us(NULL);
  return q;
}

static void *resolver_thread(void *first)
{
  question *q = first;
  while (q) {
    sl_lookup_run(q->asked, false);
    pthread_mutex_lock(&resolver.lock);
    while (q->first) lookup_answer(q->first, q->asked);
    question_leave(q);
    question_free(q);
    q = question_take();
    pthread_mutex_unlock(&resolver.lock);
  }
  return NULL;
}

/* A thread for each question that there is a slot for. False: there is none to be had. */
static bool resolver_grow(void)
{
  sigset_t all, before;
  bool ok = true;
  sigfillset(&all); /* the program's signals are for the program's threads */
  pthread_sigmask(SIG_SETMASK, &all, &before);
  for (question *q; ok && (q = question_take());) {
    pthread_t thread;
    ok = !pthread_create(&thread, NULL, resolver_thread, q);
    if (ok) {
      pthread_detach(thread);
      continue;
    }
    question_leave(q);
    question_enter(q, QUEUED); /* for the next thread that is free */
  }
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return ok || resolver.in[RUNNING].count;
}

/* It gives its slot away, if there may be one more like it. */
static bool question_drift(question *q)
{
  if (resolver.in[ADRIFT].count == SL_ADRIFT_MAX) return false;
  question_leave(q);
  question_enter(q, ADRIFT);
  return true;
}

/* Those that run for long do not hold up those that wait. */
static void resolver_age(int64_t now_us)
{
  question *q;
  while (resolver.in[QUEUED].first && (q = resolver.in[RUNNING].first) && now_us - q->began_us >= SL_LOOKUP_SLOW_US)
    if (!question_drift(q)) break;
  resolver_grow();
}

/* ---- Lookups that were begun ---- */

int32_t sl_lookup_begin(sl_lookup *job, sl_inbox *inbox, void *owner)
{
  int64_t now_us = sl_now_us(NULL);
  int32_t code = 0;
  SL_ASSERT(!job->inbox);
  pthread_mutex_lock(&resolver.lock);
  question *q = question_find(job, now_us), *fresh = q ? NULL : question_new(job, now_us);
  if (fresh) question_enter(q = fresh, QUEUED);
  resolver_age(now_us);
  if (!q) code = SL_NOMEM;
  else if (q == fresh && q->state == QUEUED && !resolver.in[RUNNING].count) code = SL_BUSY;
  if (!code) {
    job->inbox = inbox;
    job->owner = owner;
    job->question = q;
    job->due_us = now_us + SL_LOOKUP_LIMIT_US;
    SL_LIST_APPEND(q->first, q->last, job, prev, next);
  } else if (q) {
    question_leave(q);
    question_free(q);
  }
  pthread_mutex_unlock(&resolver.lock);
  return code;
}

int64_t sl_lookup_tend(sl_lookup *job, int64_t now_us)
{
  pthread_mutex_lock(&resolver.lock);
  const question *oldest;
  int64_t due_us = job->due_us;
  resolver_age(now_us);
  if (job->question && now_us >= due_us) {
    job->late = true;
    lookup_deliver(job);
  }
  if (!job->question) due_us = SL_NEVER; /* its inbox says it */
  else if (resolver.in[QUEUED].first && (oldest = resolver.in[RUNNING].first) &&
           resolver.in[ADRIFT].count < SL_ADRIFT_MAX && oldest->began_us + SL_LOOKUP_SLOW_US < due_us)
    due_us = oldest->began_us + SL_LOOKUP_SLOW_US;
  pthread_mutex_unlock(&resolver.lock);
  return due_us;
}

sl_lookup *sl_lookup_next(sl_inbox *inbox)
{
  if (!atomic_exchange(&inbox->any, false)) return NULL;
  pthread_mutex_lock(&resolver.lock);
  sl_lookup *job = inbox->first;
  if (job) SL_LIST_REMOVE(inbox->first, inbox->last, job, prev, next);
  if (inbox->first) atomic_store(&inbox->any, true);
  pthread_mutex_unlock(&resolver.lock);
  return job;
}

void sl_lookup_drop(sl_lookup *job)
{
  pthread_mutex_lock(&resolver.lock);
  sl_inbox *inbox = job->inbox;
  question *q = job->question;
  SL_ASSERT(inbox);
  if (q) SL_LIST_REMOVE(q->first, q->last, job, prev, next);
  else SL_LIST_REMOVE(inbox->first, inbox->last, job, prev, next);
  if (q && !q->first && q->state == QUEUED) {
    question_leave(q);
    question_free(q);
  } else if (q && !q->first && q->state == RUNNING && question_drift(q)) {
    resolver_grow();
  }
  sl_lookup_free(job);
  pthread_mutex_unlock(&resolver.lock);
}
