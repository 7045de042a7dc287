/* posix.c: the host on POSIX sockets, poll(2) and threads for name lookup. See sluice/host.h, posix_fds.h.
 *
 * Owns: descriptors, addresses, name lookups, connection races, the wake descriptor of each loop.
 *
 * A channel: RESOLVE (a lookup holds it) -> CONNECT (a race holds it) -> OPEN (it has its descriptor).
 * In any of the first two it can become gone, with a code and words; `phase` then stays where it failed.
 * OPENED and GONE are told once (`told`); a gone channel that wants something is told GONE again at every
 * wait. Before `told` recv and send answer AGAIN. An open channel that wants nothing is not in the poll set
 * at all: not even a hangup wakes the loop (F2, F3). Errors of an open channel stick, per direction: the
 * system tells them only once, and what came before a reset is still to be read after a send failed.
 *
 * Threads: a loop and its channels belong to one thread; sl_wake comes from any. What is process-wide is
 *  - the table of channels, because recv, send, info, want and close name no loop: ids are unique in the
 *    process, given out under a lock, looked up without one. Its memory is kept until the process ends.
 *  - the resolver: at most LOOKUPS_MAX threads, each living as long as there are lookups; one lock guards
 *    every lookup's state and every loop's list of finished ones, and a thread touches a loop only under it,
 *    through a lookup whose channel still wants it. Dropping the lookup is all that closing a channel needs.
 *    A process that forks while names are looked up must not use this in the child.
 * Both the public wake and the resolver make the loop's wake descriptor readable, but only sl_wake sets
 * `woken`, and only that is told as SL_WOKEN (F31). `woken` is set before the descriptor is written and taken
 * after it was drained, so none is lost. */
#include "posix_fds.h"
#include "../engine/base.h"
#include "../engine/list.h"
#include <arpa/inet.h>
#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/eventfd.h>
#endif
#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0 /* where it is missing there is SO_NOSIGPIPE */
#endif

#define LOOKUPS_MAX 32         /* names looked up at once by the process; further ones queue */
#define ADDRESSES_MAX 16       /* addresses of one name that are tried                       */
#define RACE_US (SL_SECOND / 4)     /* head start of each attempt before the next (RFC 8305) */
#define UNIX_RETRY_US (SL_SECOND / 50) /* a unix listener's queue was full: it tells nobody when it is not */
#define TABLE_CHUNK 256        /* channels per piece of the table                            */
#define TABLE_CHUNKS 4096      /* pieces                                                     */
#define TABLE_REST 256         /* ids that lie fallow before the oldest is given out again   */
#define TEXT_MAX 160           /* an address or words about it, the zero included            */

struct address {
  struct sockaddr_storage at;
  socklen_t len;
};

/* Addresses to try and what became of them. live counts the fds that are not -1. */
struct race {
  uint32_t count, next, live;
  int64_t due_us;              /* when to[next] has waited long enough */
  struct address to[ADDRESSES_MAX];
  int fd[ADDRESSES_MAX];
};

/* QUEUED and RUNNING: the resolver's. DONE: on its loop's list. The channel drops it in any of these. */
struct lookup {
  struct lookup *prev, *next;
  struct channel *channel;     /* NULL: dropped */
  enum { LOOKUP_QUEUED, LOOKUP_RUNNING, LOOKUP_DONE } state;
  int family, flags;           /* for getaddrinfo */
  int error, system_error;     /* EAI_*, errno    */
  struct race *race;           /* the answer      */
  char port[8];
  char name[];
};

struct channel {
  sl_loop *loop;
  struct channel *prev, *next;
  sl_ch id;
  enum { PHASE_RESOLVE, PHASE_CONNECT, PHASE_OPEN } phase;
  bool told;                   /* OPENED or GONE                                      */
  bool gone;                   /* never opened and never will                         */
  bool send_ate_reset;         /* recv would see an end where there was a reset       */
  uint32_t wanted, ready;      /* SL_IN | SL_OUT; ready: what the last poll found     */
  int32_t code;                /* latest failure while opening                        */
  int32_t recv_code, send_code;
  int fd;
  struct lookup *lookup;
  struct race *race;
  struct address local_wish;   /* len 0: none */
  int64_t resolved_us, connected_us;
  char peer[TEXT_MAX], local[TEXT_MAX], words[2 * TEXT_MAX];
};

struct watch {
  struct channel *channel;     /* NULL: the wake descriptor or the caller's */
  int attempt;                 /* index in the race, -1: the open channel   */
};

struct sl_loop {
  struct channel *first, *last;
  struct lookup *done_first, *done_last; /* under resolver.lock                 */
  atomic_bool looked_up;                 /* the above has something             */
  atomic_bool woken;
  int wake_read, wake_write;             /* the same where there is an eventfd  */
  struct pollfd *polls;                  /* made anew by each wait; 0 = wake    */
  struct watch *watches;
  size_t count, cap;
};

static const char *errno_words(int error, char *buf, size_t n)
{
#if defined __GLIBC__ && defined _GNU_SOURCE
  return strerror_r(error, buf, n);
#else
  return strerror_r(error, buf, n) ? "unknown error" : buf;
#endif
}

/* ---- The table: ids to channels ---- */

struct slot {
  _Atomic(struct channel *) channel;
  sl_ch next_free;
};

static struct {
  pthread_mutex_t lock;
  _Atomic(struct slot *) chunks[TABLE_CHUNKS];
  sl_ch used;                  /* ids ever given out are 1..used */
  sl_ch free_first, free_last; /* oldest first                   */
  uint32_t free_count;
} table = { .lock = PTHREAD_MUTEX_INITIALIZER };

static struct slot *table_slot(sl_ch id)
{
  if (id <= 0 || id > TABLE_CHUNK * TABLE_CHUNKS) return NULL;
  struct slot *chunk = atomic_load_explicit(&table.chunks[(id - 1) / TABLE_CHUNK], memory_order_acquire);
  return chunk ? &chunk[(id - 1) % TABLE_CHUNK] : NULL;
}

static struct channel *table_find(sl_ch id)
{
  struct slot *slot = table_slot(id);
  return slot ? atomic_load_explicit(&slot->channel, memory_order_acquire) : NULL;
}

/* Under the lock. An id never used before, or 0. */
static sl_ch table_fresh(void)
{
  if (table.used == TABLE_CHUNK * TABLE_CHUNKS) return 0;
  if (!table_slot(table.used + 1)) {
    struct slot *chunk = calloc(TABLE_CHUNK, sizeof *chunk);
    if (!chunk) return 0;
    atomic_store_explicit(&table.chunks[table.used / TABLE_CHUNK], chunk, memory_order_release);
  }
  return ++table.used;
}

/* An old event in somebody's hands must not hit a new channel: freed ids rest for a while. */
static bool table_add(struct channel *c)
{
  pthread_mutex_lock(&table.lock);
  sl_ch id = table.free_count > TABLE_REST ? 0 : table_fresh();
  if (!id && table.free_count) {
    id = table.free_first;
    table.free_first = table_slot(id)->next_free;
    table.free_count--;
  }
  c->id = id;
  if (id) atomic_store_explicit(&table_slot(id)->channel, c, memory_order_release);
  pthread_mutex_unlock(&table.lock);
  return id;
}

static void table_remove(sl_ch id)
{
  struct slot *slot = table_slot(id);
  pthread_mutex_lock(&table.lock);
  SL_ASSERT(atomic_load(&slot->channel));
  atomic_store(&slot->channel, NULL);
  if (table.free_count++) table_slot(table.free_last)->next_free = id;
  else table.free_first = id;
  table.free_last = id;
  pthread_mutex_unlock(&table.lock);
}

/* ---- Sockets and addresses ---- */

#if !defined __linux__ || !defined SOCK_CLOEXEC
static void fd_prepare(int fd)
{
  fcntl(fd, F_SETFD, FD_CLOEXEC);
  fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}
#endif

static int socket_new(int family)
{
  int yes = 1;
#ifdef SOCK_CLOEXEC
  int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return -1;
#else
  int fd = socket(family, SOCK_STREAM, 0);
  if (fd < 0) return -1;
  fd_prepare(fd);
#endif
#ifdef SO_NOSIGPIPE
  setsockopt(fd, SOL_SOCKET, SO_NOSIGPIPE, &yes, sizeof yes);
#endif
  if (family != AF_UNIX) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  return fd;
}

/* "address port" with `between` in between, or a path; empty for an unnamed unix socket. */
static void address_text(const struct address *a, const char *between, char text[TEXT_MAX])
{
  char host[80], port[8];
  const struct sockaddr *at = (const struct sockaddr *)&a->at;
  *text = 0;
  if (at->sa_family == AF_UNIX) {
    if (a->len > offsetof(struct sockaddr_un, sun_path))
      snprintf(text, TEXT_MAX, "%s", ((const struct sockaddr_un *)at)->sun_path);
  } else if (!getnameinfo(at, a->len, host, sizeof host, port, sizeof port, NI_NUMERICHOST | NI_NUMERICSERV)) {
    snprintf(text, TEXT_MAX, "%s%s%s", host, between, port);
  }
}

static void race_add(struct race *r, const struct sockaddr *at, socklen_t len)
{
  if (len > sizeof r->to[0].at || r->count == ADDRESSES_MAX) return;
  memcpy(&r->to[r->count].at, at, len);
  r->to[r->count].len = len;
  r->fd[r->count++] = -1;
}

static const struct addrinfo *list_next(const struct addrinfo *a, int family, bool same)
{
  while (a && (a->ai_family == family) != same) a = a->ai_next;
  return a;
}

/* The two families take turns, the system's first choice begins. */
static struct race *race_new(const struct addrinfo *list)
{
  struct race *r = calloc(1, sizeof *r);
  if (!r) return NULL;
  int family = list->ai_family;
  const struct addrinfo *at[2] = { list, list_next(list, family, false) };
  for (int other = 0; at[0] || at[1]; other = !other) {
    if (!at[other]) continue;
    race_add(r, at[other]->ai_addr, at[other]->ai_addrlen);
    at[other] = list_next(at[other]->ai_next, family, !other);
  }
  return r;
}

static void race_free(struct race *r)
{
  if (!r) return;
  for (uint32_t i = 0; i < r->count; i++)
    if (r->fd[i] >= 0) close(r->fd[i]);
  free(r);
}

/* ---- Connecting ---- */

static int32_t connect_code(int error)
{
  if (error == EMFILE || error == ENFILE || error == ENOBUFS) return SL_BUSY;
  return error == ENOMEM ? SL_NOMEM : SL_REFUSED;
}

static void attempt_failed(struct channel *c, const char *verb, const struct address *a, int error)
{
  char text[TEXT_MAX], buf[TEXT_MAX];
  address_text(a, " port ", text);
  snprintf(c->words, sizeof c->words, "%s %s: %s", verb, text, errno_words(error, buf, sizeof buf));
  c->code = connect_code(error);
}

enum { ATTEMPT_FAILED = -1, ATTEMPT_LATER = -2 };

/* Begin to connect: the descriptor, which turns writable when it is decided, or one of the above. */
static int attempt_begin(struct channel *c, const struct address *to)
{
  const char *verb = "connect to";
  const struct address *about = to;
  int fd = socket_new(to->at.ss_family);
  if (fd >= 0 && c->local_wish.len && to->at.ss_family != AF_UNIX &&
      bind(fd, (const struct sockaddr *)&c->local_wish.at, c->local_wish.len)) {
    verb = "bind to";
    about = &c->local_wish;
  } else if (fd >= 0 && (!connect(fd, (const struct sockaddr *)&to->at, to->len) || errno == EINPROGRESS ||
                         errno == EINTR)) {
    return fd;
  }
  int error = errno;
  if (fd >= 0) close(fd);
  if (error == EAGAIN && to->at.ss_family == AF_UNIX) return ATTEMPT_LATER;
  attempt_failed(c, verb, about, error);
  return ATTEMPT_FAILED;
}

static void channel_lost(struct channel *c)
{
  SL_ASSERT(c->phase != PHASE_OPEN && c->code < 0);
  c->gone = true;
  race_free(c->race);
  c->race = NULL;
}

/* Begin the next attempt; one that fails at once gives way to the one after it. */
static void race_go(struct channel *c)
{
  struct race *r = c->race;
  while (r->next < r->count) {
    int fd = attempt_begin(c, &r->to[r->next]);
    if (fd == ATTEMPT_LATER) {
      r->due_us = sl_now_us(c->loop) + UNIX_RETRY_US;
      return;
    }
    r->fd[r->next++] = fd;
    if (fd >= 0) {
      r->live++;
      r->due_us = sl_now_us(c->loop) + RACE_US;
      return;
    }
  }
  if (!r->live) channel_lost(c);
}

static void channel_opened(struct channel *c, uint32_t winner)
{
  struct address local = { .len = sizeof local.at };
  c->fd = c->race->fd[winner];
  c->race->fd[winner] = -1;
  address_text(&c->race->to[winner], " ", c->peer);
  if (!getsockname(c->fd, (struct sockaddr *)&local.at, &local.len)) address_text(&local, " ", c->local);
  race_free(c->race);
  c->race = NULL;
  c->phase = PHASE_OPEN;
  c->connected_us = sl_now_us(c->loop);
}

static void attempt_decided(struct channel *c, uint32_t i)
{
  struct race *r = c->race;
  int error = 0;
  socklen_t len = sizeof error;
  if (getsockopt(r->fd[i], SOL_SOCKET, SO_ERROR, &error, &len)) error = errno;
  if (!error) {
    channel_opened(c, i);
    return;
  }
  attempt_failed(c, "connect to", &r->to[i], error);
  close(r->fd[i]);
  r->fd[i] = -1;
  r->live--;
  race_go(c);
}

static void race_start(struct channel *c, struct race *r)
{
  SL_ASSERT(!c->race && !c->gone);
  c->race = r;
  c->phase = PHASE_CONNECT;
  race_go(c);
}

/* ---- Name lookup ---- */

static struct {
  pthread_mutex_t lock;
  struct lookup *first, *last; /* queued */
  uint32_t threads;
} resolver = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void loop_poke(sl_loop *loop)
{
  uint64_t one = 1; /* an eventfd takes 8 bytes, not fewer (F33) */
  int saved = errno;
  while (write(loop->wake_write, &one, sizeof one) < 0 && errno == EINTR) continue;
  errno = saved;
}

static void lookup_free(struct lookup *job)
{
  race_free(job->race);
  free(job);
}

static void lookup_run(struct lookup *job)
{
  struct addrinfo hints = { .ai_family = job->family, .ai_socktype = SOCK_STREAM, .ai_protocol = IPPROTO_TCP,
                            .ai_flags = AI_NUMERICSERV | job->flags };
  struct addrinfo *list = NULL;
  job->error = getaddrinfo(job->name, job->port, &hints, &list);
  job->system_error = errno;
  if (job->error) return;
  job->race = race_new(list);
  if (!job->race) job->error = EAI_MEMORY;
  freeaddrinfo(list);
}

/* Under the lock: hand it over, if anybody still waits for it. */
static void lookup_deliver(struct lookup *job)
{
  if (!job->channel) {
    lookup_free(job);
    return;
  }
  sl_loop *loop = job->channel->loop;
  job->state = LOOKUP_DONE;
  SL_LIST_APPEND(loop->done_first, loop->done_last, job, prev, next);
  atomic_store(&loop->looked_up, true);
  loop_poke(loop);
}

static void *resolver_thread(void *unused)
{
  struct lookup *job;
  pthread_mutex_lock(&resolver.lock);
  while ((job = resolver.first)) {
    SL_LIST_REMOVE(resolver.first, resolver.last, job, prev, next);
    job->state = LOOKUP_RUNNING;
    pthread_mutex_unlock(&resolver.lock);
    lookup_run(job);
    pthread_mutex_lock(&resolver.lock);
    lookup_deliver(job);
  }
  resolver.threads--;
  pthread_mutex_unlock(&resolver.lock);
  return unused;
}

/* Under the lock. The program's signals are for the program's threads. */
static bool resolver_grow(void)
{
  pthread_t thread;
  sigset_t all, before;
  if (resolver.threads == LOOKUPS_MAX) return true;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  bool ok = !pthread_create(&thread, NULL, resolver_thread, NULL);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (ok) {
    pthread_detach(thread);
    resolver.threads++;
  }
  return ok || resolver.threads;
}

/* A lookup belongs to its channel from the queue on. 0 or SL_BUSY: then it is not queued, and still the caller's. */
static int32_t lookup_queue(struct channel *c, struct lookup *job)
{
  pthread_mutex_lock(&resolver.lock);
  bool ok = resolver_grow();
  if (ok) {
    job->channel = c;
    c->lookup = job;
    SL_LIST_APPEND(resolver.first, resolver.last, job, prev, next);
  }
  pthread_mutex_unlock(&resolver.lock);
  return ok ? 0 : SL_BUSY;
}

static void lookup_drop(struct lookup *job)
{
  pthread_mutex_lock(&resolver.lock);
  sl_loop *loop = job->channel->loop;
  job->channel = NULL;
  if (job->state == LOOKUP_QUEUED) SL_LIST_REMOVE(resolver.first, resolver.last, job, prev, next);
  if (job->state == LOOKUP_DONE) SL_LIST_REMOVE(loop->done_first, loop->done_last, job, prev, next);
  if (job->state != LOOKUP_RUNNING) lookup_free(job); /* a running one is freed by its thread */
  pthread_mutex_unlock(&resolver.lock);
}

/* The channel goes on with what was found. Frees the lookup. */
static void lookup_take(struct channel *c, struct lookup *job)
{
  char buf[TEXT_MAX];
  struct race *r = job->race;
  job->race = NULL;
  c->lookup = NULL;
  if (r) {
    c->resolved_us = sl_now_us(c->loop);
    race_start(c, r);
  } else {
    const char *why = job->error == EAI_SYSTEM ? errno_words(job->system_error, buf, sizeof buf)
                                               : gai_strerror(job->error);
    snprintf(c->words, sizeof c->words, "resolve %.160s: %s", job->name, why);
    c->code = job->error == EAI_MEMORY ? SL_NOMEM : SL_RESOLVE;
    channel_lost(c);
  }
  lookup_free(job);
}

static void loop_take_lookups(sl_loop *loop)
{
  if (!atomic_exchange(&loop->looked_up, false)) return;
  pthread_mutex_lock(&resolver.lock);
  struct lookup *job = loop->done_first;
  loop->done_first = loop->done_last = NULL;
  pthread_mutex_unlock(&resolver.lock);
  while (job) {
    struct lookup *next = job->next;
    lookup_take(job->channel, job);
    job = next;
  }
}

/* ---- Opening and closing ---- */

enum { KEY_NAME, KEY_PORT, KEY_UNIX, KEY_LOCAL, KEY_FAMILY, KEYS };
static const char *const keys[KEYS] = { "name", "port", "unix", "local", "family" };

struct field {
  const char *at;              /* NULL: absent; never empty */
  size_t len;
};

/* Each key once and in order, so the search goes on where the last one ended. */
static bool spec_parse(const char *spec, size_t len, struct field fields[KEYS])
{
  const char *end = spec + len;
  for (uint32_t key = 0; spec < end; key++) {
    const char *stop = memchr(spec, '\n', (size_t)(end - spec));
    const char *space = stop ? memchr(spec, ' ', (size_t)(stop - spec)) : NULL;
    if (!space || space + 1 == stop || memchr(spec, 0, (size_t)(stop - spec))) return false;
    size_t n = (size_t)(space - spec);
    while (key < KEYS && (strlen(keys[key]) != n || memcmp(keys[key], spec, n))) key++;
    if (key == KEYS) return false;
    fields[key] = (struct field){ space + 1, (size_t)(stop - space - 1) };
    spec = stop + 1;
  }
  return true;
}

static bool port_valid(const struct field *f)
{
  uint32_t port = 0;
  for (size_t i = 0; i < f->len; i++) {
    if (f->at[i] < '0' || f->at[i] > '9' || port > 65535) return false;
    port = port * 10 + (uint32_t)(f->at[i] - '0');
  }
  return port >= 1 && port <= 65535;
}

/* A lookup for name and port, not yet queued. NULL: no memory. */
static struct lookup *lookup_new(const struct field *name, const struct field *port, int family)
{
  struct lookup *job = calloc(1, sizeof *job + name->len + 1);
  struct in_addr v4;
  if (!job) return NULL;
  memcpy(job->name, name->at, name->len);
  if (port->at) snprintf(job->port, sizeof job->port, "%.*s", (int)port->len, port->at);
  job->family = family;
  if (memchr(name->at, ':', name->len) || inet_pton(AF_INET, job->name, &v4) == 1) job->flags = AI_NUMERICHOST;
  return job;
}

/* The address to bind to. Only literal ones: a lookup could block. */
static int32_t local_begin(struct channel *c, const struct field *local, int *family)
{
  struct lookup *job = lookup_new(local, &(struct field){ "0", 1 }, *family);
  if (!job) return SL_NOMEM;
  job->flags = AI_NUMERICHOST;
  lookup_run(job);
  int32_t code = job->race ? 0 : job->error == EAI_MEMORY ? SL_NOMEM : SL_INVAL;
  if (!code) {
    c->local_wish = job->race->to[0];
    *family = c->local_wish.at.ss_family;
  }
  lookup_free(job);
  return code;
}

static int32_t unix_begin(struct channel *c, const struct field *path)
{
  struct sockaddr_un to = { .sun_family = AF_UNIX };
  if (path->len >= sizeof to.sun_path) return SL_INVAL;
  struct race *r = calloc(1, sizeof *r);
  if (!r) return SL_NOMEM;
  memcpy(to.sun_path, path->at, path->len);
  race_add(r, (const struct sockaddr *)&to, sizeof to);
  race_start(c, r);
  return 0;
}

static int32_t name_begin(struct channel *c, const struct field fields[KEYS], int family)
{
  if (!fields[KEY_NAME].at || !fields[KEY_PORT].at) return SL_INVAL;
  if (fields[KEY_LOCAL].at) {
    int32_t code = local_begin(c, &fields[KEY_LOCAL], &family);
    if (code) return code;
  }
  struct lookup *job = lookup_new(&fields[KEY_NAME], &fields[KEY_PORT], family);
  if (!job) return SL_NOMEM;
  if (job->flags & AI_NUMERICHOST) { /* nothing to wait for */
    lookup_run(job);
    lookup_take(c, job);
    return 0;
  }
  int32_t code = lookup_queue(c, job);
  if (code) lookup_free(job);
  return code;
}

static int32_t channel_begin(struct channel *c, const struct field fields[KEYS])
{
  const struct field *wish = &fields[KEY_FAMILY];
  int family = AF_UNSPEC;
  if (wish->at && (wish->len != 1 || (*wish->at != '4' && *wish->at != '6'))) return SL_INVAL;
  if (wish->at) family = *wish->at == '4' ? AF_INET : AF_INET6;
  if (fields[KEY_PORT].at && !port_valid(&fields[KEY_PORT])) return SL_INVAL;
  int32_t code = fields[KEY_UNIX].at ? unix_begin(c, &fields[KEY_UNIX]) : name_begin(c, fields, family);
  /* What another channel's end would cure is said here; the rest comes as GONE. */
  if (!code && c->gone && (c->code == SL_BUSY || c->code == SL_NOMEM)) code = c->code;
  return code;
}

static void channel_free(struct channel *c)
{
  table_remove(c->id);
  SL_LIST_REMOVE(c->loop->first, c->loop->last, c, prev, next);
  if (c->lookup) lookup_drop(c->lookup);
  race_free(c->race);
  if (c->fd >= 0) close(c->fd);
  free(c);
}

sl_ch sl_open(sl_loop *loop, uint32_t kind, const char *spec, uint32_t len)
{
  struct field fields[KEYS] = { { NULL, 0 } };
  if (kind > SL_TCP && kind <= SL_DATAGRAM) return SL_NOSYS;
  if (!loop || kind != SL_TCP || !spec || !spec_parse(spec, len, fields)) return SL_INVAL;
  struct channel *c = calloc(1, sizeof *c);
  if (!c) return SL_NOMEM;
  c->loop = loop;
  c->fd = -1;
  if (!table_add(c)) {
    free(c);
    return SL_NOMEM;
  }
  SL_LIST_APPEND(loop->first, loop->last, c, prev, next);
  int32_t code = channel_begin(c, fields);
  if (!code) return c->id;
  channel_free(c);
  return code;
}

void sl_close(sl_ch ch, uint32_t how)
{
  struct channel *c = table_find(ch);
  if (!c) return;
  if (how == SL_END_SEND) {
    if (c->fd >= 0) shutdown(c->fd, SHUT_WR);
    return;
  }
  struct linger drop = { .l_onoff = 1 };
  if (how == SL_ABORT && c->fd >= 0) setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &drop, sizeof drop);
  channel_free(c);
}

/* ---- Bytes ---- */

/* An open channel failed with errno. What the network says of a connection that stood is RESET. */
static int32_t broken_code(struct channel *c, const char *verb)
{
  char buf[TEXT_MAX];
  int error = errno;
  snprintf(c->words, sizeof c->words, "%s %s: %s", verb, c->peer, errno_words(error, buf, sizeof buf));
  switch (error) {
  case ECONNRESET: case EPIPE: case ECONNABORTED: case ECONNREFUSED: case ETIMEDOUT: case EHOSTUNREACH:
  case ENETUNREACH: case ENETDOWN: case ENETRESET: case ENOTCONN: return SL_RESET;
  case ENOMEM: return SL_NOMEM;
  default: return SL_IO;
  }
}

/* The channel, when bytes may move; else NULL and *code. */
static struct channel *channel_usable(sl_ch ch, const void *buf, uint32_t n, int32_t *code)
{
  struct channel *c = table_find(ch);
  *code = !c || !buf || !n ? SL_INVAL : !c->told ? SL_AGAIN : c->gone ? c->code : 0;
  return *code ? NULL : c;
}

int32_t sl_recv(sl_ch ch, void *buf, uint32_t cap)
{
  int32_t code;
  struct channel *c = channel_usable(ch, buf, cap, &code);
  if (!c) return code;
  if (c->recv_code) return c->recv_code;
  ssize_t n;
  do n = recv(c->fd, buf, cap < INT32_MAX ? cap : INT32_MAX, 0);
  while (n < 0 && errno == EINTR);
  if (n > 0) return (int32_t)n;
  if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return SL_AGAIN;
  if (n < 0) return c->recv_code = broken_code(c, "receive from");
  if (c->send_ate_reset) c->recv_code = SL_RESET;
  return c->recv_code;
}

int32_t sl_send(sl_ch ch, const void *buf, uint32_t len)
{
  int32_t code;
  struct channel *c = channel_usable(ch, buf, len, &code);
  if (!c) return code;
  if (c->send_code) return c->send_code;
  ssize_t n;
  do n = send(c->fd, buf, len < INT32_MAX ? len : INT32_MAX, MSG_NOSIGNAL);
  while (n < 0 && errno == EINTR);
  if (n >= 0) return (int32_t)n;
  if (errno == EAGAIN || errno == EWOULDBLOCK) return SL_AGAIN;
  /* The system tells a reset once, then an end: a body cut short must not look whole. After the peer's own
   * end it says EPIPE instead. */
  c->send_ate_reset = errno != EPIPE;
  return c->send_code = broken_code(c, "send to");
}

/* No shorter way than recv and send, and no TLS. */
int32_t sl_start_tls(sl_ch ch, const char *spec, uint32_t len)
{
  (void)ch, (void)spec, (void)len;
  return SL_NOSYS;
}

int32_t sl_unrecv(sl_ch ch, uint32_t n)
{
  (void)ch, (void)n;
  return SL_NOSYS;
}

int32_t sl_move(sl_ch ch, uint32_t sink, uint32_t max)
{
  (void)ch, (void)sink, (void)max;
  return SL_NOSYS;
}

int32_t sl_move_out(sl_ch ch, uint32_t source, uint32_t max)
{
  (void)ch, (void)source, (void)max;
  return SL_NOSYS;
}

static int32_t info_bytes(const void *from, size_t n, void *buf, uint32_t cap)
{
  if (buf) memcpy(buf, from, n < cap ? n : cap);
  return (int32_t)n;
}

static int32_t info_text(const char *text, void *buf, uint32_t cap)
{
  return info_bytes(text, strlen(text), buf, cap);
}

int32_t sl_info(sl_ch ch, uint32_t what, void *buf, uint32_t cap)
{
  static const char *const phases[] = { "resolve", "connect", "open" };
  const struct channel *c = table_find(ch);
  if (!c) return SL_INVAL;
  int64_t times[3] = { c->resolved_us, c->connected_us, 0 }, held = 0;
  switch (what) {
  case SL_INFO_PHASE: return info_text(phases[c->phase], buf, cap);
  case SL_INFO_ALPN: return 0;
  case SL_INFO_PEER: return c->phase == PHASE_OPEN ? info_text(c->peer, buf, cap) : SL_AGAIN;
  case SL_INFO_LOCAL: return c->phase == PHASE_OPEN ? info_text(c->local, buf, cap) : SL_AGAIN;
  case SL_INFO_TIMES: return info_bytes(times, sizeof times, buf, cap);
  case SL_INFO_HELD: return info_bytes(&held, sizeof held, buf, cap); /* unread bytes are the kernel's */
  case SL_INFO_ERROR: return info_text(c->words, buf, cap);
  default: return SL_NOSYS;
  }
}

int sl_socket_of(sl_ch ch)
{
  const struct channel *c = table_find(ch);
  if (!c) return -1;
  for (uint32_t i = c->race ? c->race->next : 0; i-- > 0;)
    if (c->race->fd[i] >= 0) return c->race->fd[i];
  return c->fd;
}

void sl_want(sl_ch ch, uint32_t events)
{
  struct channel *c = table_find(ch);
  if (c) c->wanted = events & (SL_IN | SL_OUT);
}

/* ---- Waiting ---- */

static bool watch_add(sl_loop *loop, int fd, int events, struct channel *c, int attempt)
{
  if (loop->count == loop->cap) {
    size_t cap = loop->cap * 2 + 16;
    struct pollfd *polls = realloc(loop->polls, cap * sizeof *polls);
    if (!polls) return false;
    loop->polls = polls;
    struct watch *watches = realloc(loop->watches, cap * sizeof *watches);
    if (!watches) return false;
    loop->watches = watches;
    loop->cap = cap;
  }
  loop->polls[loop->count] = (struct pollfd){ .fd = fd, .events = (short)events };
  loop->watches[loop->count++] = (struct watch){ c, attempt };
  return true;
}

/* What is to be told without asking the system. */
static uint32_t channel_news(const struct channel *c)
{
  if (c->gone) return !c->told || c->wanted ? SL_GONE : 0;
  return c->phase == PHASE_OPEN && !c->told ? SL_OPENED : 0;
}

/* Put what c waits for into the poll set, and into *due_us when at the latest it wants to be looked at. */
static bool channel_watch(struct channel *c, int64_t now_us, int64_t *due_us)
{
  bool ok = true;
  c->ready = 0;
  if (c->race && c->race->next < c->race->count && c->race->due_us <= now_us) race_go(c);
  if (c->race) {
    if (c->race->next < c->race->count && c->race->due_us < *due_us) *due_us = c->race->due_us;
    for (uint32_t i = 0; i < c->race->next; i++)
      if (c->race->fd[i] >= 0) ok = ok && watch_add(c->loop, c->race->fd[i], POLLOUT, c, (int)i);
  } else if (channel_news(c)) {
    *due_us = now_us;
  } else if (c->phase == PHASE_OPEN && c->wanted) {
    int events = (c->wanted & SL_IN ? POLLIN : 0) | (c->wanted & SL_OUT ? POLLOUT : 0);
    ok = watch_add(c->loop, c->fd, events, c, -1);
  }
  return ok;
}

static bool extra_watch(sl_loop *loop, const struct curl_waitfd *e)
{
  int events = (e->events & CURL_WAIT_POLLIN ? POLLIN : 0) | (e->events & CURL_WAIT_POLLPRI ? POLLPRI : 0) |
               (e->events & CURL_WAIT_POLLOUT ? POLLOUT : 0);
  return watch_add(loop, events ? e->fd : -1, events, NULL, -1);
}

static short extra_happened(const struct curl_waitfd *e, int got)
{
  int known = CURL_WAIT_POLLIN | CURL_WAIT_POLLPRI | CURL_WAIT_POLLOUT;
  if (got & (POLLERR | POLLHUP | POLLNVAL)) return (short)(e->events & known);
  return (short)((got & POLLIN ? CURL_WAIT_POLLIN : 0) | (got & POLLPRI ? CURL_WAIT_POLLPRI : 0) |
                 (got & POLLOUT ? CURL_WAIT_POLLOUT : 0));
}

static void channel_happened(struct channel *c, int got)
{
  const int bad = POLLERR | POLLHUP | POLLNVAL;
  c->ready = ((got & (POLLIN | bad) ? SL_IN : 0) | (got & (POLLOUT | bad) ? SL_OUT : 0)) & c->wanted;
  /* A hangup alone may be the end of both directions in good order. */
  if (got & (POLLERR | POLLNVAL) || c->recv_code || c->send_code) c->ready |= SL_GONE;
}

static void wake_drain(sl_loop *loop)
{
  char sink[64];
  while (read(loop->wake_read, sink, sizeof sink) > 0) continue;
}

/* Look at what poll found. A channel's attempts may have been closed by the first of them that won. */
static void loop_happened(sl_loop *loop)
{
  if (loop->polls[0].revents) wake_drain(loop);
  for (size_t i = 1; i < loop->count; i++) {
    struct channel *c = loop->watches[i].channel;
    int attempt = loop->watches[i].attempt;
    if (!c || !loop->polls[i].revents) continue;
    if (attempt < 0) channel_happened(c, loop->polls[i].revents);
    else if (c->race && c->race->fd[attempt] >= 0) attempt_decided(c, (uint32_t)attempt);
  }
}

/* Let c be looked at first the next time. */
static void loop_turn(sl_loop *loop, struct channel *c)
{
  if (c == loop->first) return;
  loop->last->next = loop->first;
  loop->first->prev = loop->last;
  loop->first = c;
  loop->last = c->prev;
  loop->last->next = c->prev = NULL;
}

static int32_t loop_tell(sl_loop *loop, sl_event *ev, uint32_t cap)
{
  uint32_t n = 0;
  if (atomic_exchange(&loop->woken, false)) ev[n++] = (sl_event){ 0, SL_WOKEN };
  for (struct channel *c = loop->first; c; c = c->next) {
    uint32_t news = channel_news(c), events = news | c->ready;
    if (!events) continue;
    if (n == cap) {
      loop_turn(loop, c);
      break;
    }
    if (news) c->told = true;
    if (c->gone && c->code == SL_BUSY) c->code = SL_REFUSED; /* BUSY is a word of sl_open only */
    ev[n++] = (sl_event){ c->id, events };
  }
  return (int32_t)n;
}

/* Milliseconds for poll, rounded up: waking too early would be a busy loop. */
static int poll_ms(int64_t now_us, int64_t due_us)
{
  if (due_us == SL_NEVER) return -1;
  if (due_us <= now_us) return 0;
  int64_t ms = (due_us - now_us - 1) / 1000 + 1;
  return ms < INT32_MAX ? (int)ms : INT32_MAX;
}

static bool loop_watch(sl_loop *loop, const struct curl_waitfd *extra, uint32_t extra_n, int64_t now_us,
                       int64_t *due_us)
{
  loop->count = 0;
  bool ok = watch_add(loop, loop->wake_read, POLLIN, NULL, -1);
  for (uint32_t i = 0; ok && i < extra_n; i++) ok = extra_watch(loop, &extra[i]);
  for (struct channel *c = loop->first; ok && c; c = c->next) ok = channel_watch(c, now_us, due_us);
  return ok;
}

static int extras_happened(const sl_loop *loop, struct curl_waitfd *extra, uint32_t extra_n)
{
  int ready = 0;
  for (uint32_t i = 0; i < extra_n; i++) {
    extra[i].revents = extra_happened(&extra[i], loop->polls[i + 1].revents);
    ready += extra[i].revents != 0;
  }
  return ready;
}

int32_t sl_wait_fds(sl_loop *loop, sl_event *ev, uint32_t cap, int64_t timeout_us, struct curl_waitfd *extra,
                    unsigned int extra_n, int *extra_ready)
{
  if (!loop || !ev || !cap || (extra_n && !extra)) return SL_INVAL;
  int64_t now = sl_now_us(loop);
  int64_t end = timeout_us < 0 || timeout_us > SL_NEVER - now ? SL_NEVER : now + timeout_us;
  for (;; now = sl_now_us(loop)) {
    int64_t due = end;
    loop_take_lookups(loop);
    if (!loop_watch(loop, extra, extra_n, now, &due)) return SL_NOMEM;
    int found = poll(loop->polls, (nfds_t)loop->count, poll_ms(now, due));
    if (found < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (found < 0) return errno == ENOMEM ? SL_NOMEM : SL_IO;
    if (found) loop_happened(loop);
    int ready = extras_happened(loop, extra, extra_n);
    int32_t told = loop_tell(loop, ev, cap);
    if (!told && !ready && sl_now_us(loop) < end) continue;
    if (extra_ready) *extra_ready = ready;
    return told;
  }
}

int32_t sl_wait(sl_loop *loop, sl_event *ev, uint32_t cap, int64_t timeout_us)
{
  return sl_wait_fds(loop, ev, cap, timeout_us, NULL, 0, NULL);
}

/* ---- Loops, clocks, randomness ---- */

static bool wake_open(sl_loop *loop)
{
#ifdef __linux__
  loop->wake_read = loop->wake_write = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  return loop->wake_read >= 0;
#else
  int ends[2];
  if (pipe(ends)) return false;
  fd_prepare(loop->wake_read = ends[0]);
  fd_prepare(loop->wake_write = ends[1]);
  return true;
#endif
}

sl_loop *sl_loop_new(void)
{
  sl_loop *loop = calloc(1, sizeof *loop);
  if (loop && wake_open(loop)) return loop;
  free(loop);
  return NULL;
}

void sl_loop_free(sl_loop *loop)
{
  if (!loop) return;
  while (loop->first) sl_close(loop->first->id, SL_ABORT);
  SL_ASSERT(!loop->done_first);
  close(loop->wake_read);
  if (loop->wake_write != loop->wake_read) close(loop->wake_write);
  free(loop->polls);
  free(loop->watches);
  free(loop);
}

int32_t sl_wake(sl_loop *loop)
{
  if (!loop) return SL_INVAL;
  atomic_store(&loop->woken, true);
  loop_poke(loop);
  return 0;
}

int64_t sl_now_us(sl_loop *loop)
{
  struct timespec t;
  (void)loop;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * SL_SECOND + t.tv_nsec / 1000;
}

int64_t sl_unix_ms(sl_loop *loop)
{
  struct timespec t;
  (void)loop;
  clock_gettime(CLOCK_REALTIME, &t);
  return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void sl_random(sl_loop *loop, void *buf, uint32_t n)
{
  (void)loop;
  for (uint32_t done = 0; done < n;) {
    uint32_t part = n - done < 256 ? n - done : 256; /* getentropy's limit */
    if (getentropy((char *)buf + done, part)) abort(); /* there is no second best for keys */
    done += part;
  }
}
