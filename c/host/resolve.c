/* resolve.c: see resolve.h. getaddrinfo blocks, so each lookup has a thread.
 *
 * Owns: the queue of lookups and at most SL_LOOKUPS_MAX threads, each living as long as there is something
 * to look up. Process-wide, as threads are; the rule against globals is for what is above the door.
 *
 * A lookup: QUEUED (in the queue) -> RUNNING (in a thread's hands) -> DONE (in its inbox) -> taken (its
 * owner's). One lock guards every lookup's state and every inbox. A thread touches an inbox only under it,
 * through a lookup that was not dropped: so after dropping its lookups an inbox may go. A running one that
 * was dropped is freed by its thread. A process that forks while names are looked up must not look up names
 * in the child. */
#include "resolve.h"
#include "../engine/list.h"
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

static struct {
  pthread_mutex_t lock;
  sl_lookup *first, *last; /* queued */
  uint32_t threads;
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
  if (!job->error) return true;
  snprintf(whom, sizeof whom, "%s", job->name);
  why->code = job->error == EAI_MEMORY ? SL_NOMEM : SL_RESOLVE;
  if (job->error == EAI_SYSTEM) sl_fail(why, why->code, "resolve", whom, job->system_error);
  else snprintf(why->words, sizeof why->words, "resolve %s: %s", whom, gai_strerror(job->error));
  return false;
}

/* ---- Threads ---- */

/* Under the lock: hand it over, if anybody still waits for it. */
static void lookup_deliver(sl_lookup *job)
{
  sl_inbox *inbox = job->inbox;
  if (!inbox) {
    sl_lookup_free(job);
    return;
  }
  job->state = SL_LOOKUP_DONE;
  SL_LIST_APPEND(inbox->first, inbox->last, job, prev, next);
  atomic_store(&inbox->any, true);
  sl_poke(inbox->wake_fd);
}

static void *resolver_thread(void *unused)
{
  sl_lookup *job;
  pthread_mutex_lock(&resolver.lock);
  while ((job = resolver.first)) {
    SL_LIST_REMOVE(resolver.first, resolver.last, job, prev, next);
    job->state = SL_LOOKUP_RUNNING;
    pthread_mutex_unlock(&resolver.lock);
    sl_lookup_run(job, false);
    pthread_mutex_lock(&resolver.lock);
    lookup_deliver(job);
  }
  resolver.threads--;
  pthread_mutex_unlock(&resolver.lock);
  return unused;
}

/* Under the lock: one thread more, if there may be. True: somebody will look into the queue. */
static bool resolver_grow(void)
{
  pthread_t thread;
  sigset_t all, before;
  if (resolver.threads == SL_LOOKUPS_MAX) return true;
  sigfillset(&all); /* the program's signals are for the program's threads */
  pthread_sigmask(SIG_SETMASK, &all, &before);
  bool ok = !pthread_create(&thread, NULL, resolver_thread, NULL);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (ok) {
    pthread_detach(thread);
    resolver.threads++;
  }
  return ok || resolver.threads;
}

int32_t sl_lookup_begin(sl_lookup *job, sl_inbox *inbox, void *owner)
{
  SL_ASSERT(!job->inbox);
  pthread_mutex_lock(&resolver.lock);
  bool ok = resolver_grow();
  if (ok) {
    job->inbox = inbox;
    job->owner = owner;
    SL_LIST_APPEND(resolver.first, resolver.last, job, prev, next);
  }
  pthread_mutex_unlock(&resolver.lock);
  return ok ? 0 : SL_BUSY;
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
  SL_ASSERT(inbox);
  job->inbox = NULL;
  if (job->state == SL_LOOKUP_QUEUED) SL_LIST_REMOVE(resolver.first, resolver.last, job, prev, next);
  if (job->state == SL_LOOKUP_DONE) SL_LIST_REMOVE(inbox->first, inbox->last, job, prev, next);
  if (job->state != SL_LOOKUP_RUNNING) sl_lookup_free(job);
  pthread_mutex_unlock(&resolver.lock);
}
