/* posix.c: the host on POSIX sockets and poll(2). See sluice/host.h, posix_fds.h.
 *
 * Owns: channels, open descriptors, the table of ids, each loop's poll set and wake descriptor. Names are
 * looked up by resolve.c, connecting is race.c's.
 *
 * A channel: RESOLVE (a lookup holds it) -> CONNECT (a race holds it) -> OPEN (it has its descriptor). In
 * any of the first two it can become gone, with a code and words; `phase` then stays where it failed. OPENED
 * and GONE are told once (`told`); a gone channel that wants something is told GONE again at every wait.
 * Before `told` recv and send answer AGAIN. An open channel that wants nothing is not in the poll set at
 * all: not even a hangup wakes the loop (F2, F3). Errors of an open channel stick, per direction: the system
 * tells them only once, and what came before a reset is still to be read after a send failed.
 *
 * Threads: a loop and its channels belong to one thread; sl_wake comes from any. The table is process-wide,
 * because recv, send, info, want and close name no loop: ids are unique in the process, given out under a
 * lock, looked up without one. Its memory (2 KiB per 256 channels open at once) is kept until the process
 * ends.
 *
 * Both the public wake and the resolver make the loop's wake descriptor readable, but only sl_wake sets
 * `woken`, and only that is told as SL_WOKEN (F31). `woken` is set before the descriptor is written and
 * taken after it was drained, so none is lost. */
#include "posix_fds.h"
#include "../engine/list.h"
#include "posix_file.h"
#include "race.h"
#include "resolve.h"
#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/eventfd.h>
#endif
#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0 /* where it is missing there is SO_NOSIGPIPE */
#endif

#define TABLE_CHUNK 256   /* channels per piece of the table                            */
#define TABLE_CHUNKS 4096 /* pieces                                                     */
#define TABLE_REST 256    /* ids that lie fallow before the oldest is given out again   */

struct channel {
  sl_loop *loop;
  struct channel *prev, *next;
  sl_ch id;
  enum { PHASE_RESOLVE, PHASE_CONNECT, PHASE_OPEN } phase;
  bool told;               /* OPENED or GONE                                       */
  bool gone;               /* never opened and never will: why.code                */
  bool send_ate_reset;     /* recv would see an end where there was a reset        */
  uint32_t wanted, ready;  /* SL_IN | SL_OUT; ready: what the last poll found      */
  int32_t recv_code, send_code;
  int fd;
  sl_file_way file;        /* kind SL_FILE                                         */
  int64_t size;            /* of a file, -1 = not known                            */
  sl_lookup *lookup;
  sl_race *race;
  sl_fd_hooks hooks;
  sl_failure why;          /* the latest                                           */
  sl_address local_wish;   /* len 0: none                                          */
  int64_t resolved_us, connected_us;
  char peer[SL_WHOM_MAX], local[SL_WHOM_MAX];
};

struct watch {
  struct channel *channel; /* NULL: the wake descriptor or the caller's */
  int attempt;             /* index in the race, -1: the open channel   */
};

struct sl_loop {
  struct channel *first, *last;
  sl_inbox inbox;          /* finished lookups                                       */
  sl_fd_hooks hooks;       /* of channels to be opened                               */
  atomic_bool woken;
  int wake_read, wake_write; /* the same where there is an eventfd                   */
  struct pollfd *polls;    /* made anew by each wait: wake, the caller's, channels   */
  struct watch *watches;   /* what each of them is                                   */
  size_t count, cap;
};

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

/* ---- Opening and closing ---- */

static void channel_lost(struct channel *c)
{
  SL_ASSERT(c->phase != PHASE_OPEN && c->why.code < 0);
  c->gone = true;
  sl_race_free(c->race);
  c->race = NULL;
}

/* Answers whether there was memory. */
static bool race_start(struct channel *c, const sl_addresses *to, const sl_address *local)
{
  SL_ASSERT(!c->race && !c->gone);
  c->race = sl_race_new(to, local, &c->hooks, &c->why);
  if (!c->race) return false;
  c->phase = PHASE_CONNECT;
  if (sl_race_go(c->race, sl_now_us(c->loop)) == SL_RACE_LOST) channel_lost(c);
  return true;
}

static void channel_opened(struct channel *c, uint32_t winner)
{
  sl_address local = { .len = sizeof local.at };
  sl_address_text(&c->race->all.to[winner], " ", c->peer);
  c->fd = sl_race_take(c->race, winner);
  if (!getsockname(c->fd, (struct sockaddr *)&local.at, &local.len)) sl_address_text(&local, " ", c->local);
  sl_race_free(c->race);
  c->race = NULL;
  c->why = (sl_failure){ .code = 0 }; /* of those that lost to this one */
  c->phase = PHASE_OPEN;
  c->connected_us = sl_now_us(c->loop);
}

/* The channel goes on with what was found. Frees the lookup. */
static void lookup_done(struct channel *c, sl_lookup *job)
{
  c->lookup = NULL;
  if (!sl_lookup_found(job, &c->why)) {
    channel_lost(c);
  } else {
    c->resolved_us = sl_now_us(c->loop);
    if (!race_start(c, &job->found, c->local_wish.len ? &c->local_wish : NULL)) {
      c->why.code = SL_NOMEM;
      channel_lost(c);
    }
  }
  sl_lookup_free(job);
}

enum { KEY_NAME, KEY_PORT, KEY_UNIX, KEY_LOCAL, KEY_FAMILY, KEY_PATH, KEY_MODE, KEYS };
static const char *const keys[KEYS] = { "name", "port", "unix", "local", "family", "path", "mode" };

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

/* The address to bind to. Only literal ones: a lookup could block. */
static int32_t local_begin(struct channel *c, const struct field *local, int *family)
{
  sl_lookup *job = sl_lookup_new(local->at, local->len, "0", 1, *family);
  if (!job) return SL_NOMEM;
  sl_lookup_run(job, true);
  bool ok = sl_lookup_found(job, &c->why);
  if (ok) {
    c->local_wish = job->found.to[0];
    *family = c->local_wish.at.ss_family;
  }
  sl_lookup_free(job);
  return ok ? 0 : c->why.code == SL_NOMEM ? SL_NOMEM : SL_INVAL;
}

static int32_t unix_begin(struct channel *c, const struct field *path)
{
  struct sockaddr_un to = { .sun_family = AF_UNIX };
  sl_addresses all = { .count = 0 };
  if (path->len >= sizeof to.sun_path) return SL_INVAL;
  memcpy(to.sun_path, path->at, path->len);
  sl_addresses_add(&all, (const struct sockaddr *)&to, sizeof to);
  return race_start(c, &all, NULL) ? 0 : SL_NOMEM;
}

static int32_t name_begin(struct channel *c, const struct field fields[KEYS], int family)
{
  const struct field *name = &fields[KEY_NAME], *port = &fields[KEY_PORT], *local = &fields[KEY_LOCAL];
  if (!name->at || !port->at) return SL_INVAL;
  int32_t code = local->at ? local_begin(c, local, &family) : 0;
  if (code) return code;
  sl_lookup *job = sl_lookup_new(name->at, name->len, port->at, port->len, family);
  if (!job) return SL_NOMEM;
  if (sl_lookup_is_literal(job)) {
    sl_lookup_run(job, true);
    lookup_done(c, job);
    return 0;
  }
  code = sl_lookup_begin(job, &c->loop->inbox, c);
  if (code) sl_lookup_free(job);
  else c->lookup = job;
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
  if (!code && c->gone && (c->why.code == SL_BUSY || c->why.code == SL_NOMEM)) code = c->why.code;
  return code;
}

/* A file is open, or is not, when this returns; like everything else it is told later. */
static int32_t file_begin(struct channel *c, const struct field fields[KEYS])
{
  const struct field *path = &fields[KEY_PATH], *mode = &fields[KEY_MODE];
  if (!path->at || !mode->at) return SL_INVAL;
  c->fd = sl_posix_file_open(path->at, path->len, mode->at, mode->len, &c->file, &c->size, &c->why);
  if (c->fd >= 0) c->phase = PHASE_OPEN;
  else c->gone = true;
  return c->fd < 0 && c->why.code != SL_IO ? c->why.code : 0;
}

static void channel_free(struct channel *c)
{
  table_remove(c->id);
  SL_LIST_REMOVE(c->loop->first, c->loop->last, c, prev, next);
  if (c->lookup) sl_lookup_drop(c->lookup);
  sl_race_free(c->race);
  if (c->fd >= 0 && c->file) close(c->fd);
  else if (c->fd >= 0) sl_hooks_close(&c->hooks, c->fd);
  free(c);
}

sl_ch sl_open(sl_loop *loop, uint32_t kind, const char *spec, uint32_t len)
{
  struct field fields[KEYS] = { { NULL, 0 } };
  if (kind > SL_TCP && kind <= SL_DATAGRAM && kind != SL_FILE) return SL_NOSYS;
  if (!loop || (kind != SL_TCP && kind != SL_FILE) || !spec || !spec_parse(spec, len, fields)) return SL_INVAL;
  struct channel *c = calloc(1, sizeof *c);
  if (!c) return SL_NOMEM;
  c->loop = loop;
  c->hooks = loop->hooks;
  c->fd = -1;
  if (!table_add(c)) {
    free(c);
    return SL_NOMEM;
  }
  SL_LIST_APPEND(loop->first, loop->last, c, prev, next);
  int32_t code = kind == SL_FILE ? file_begin(c, fields) : channel_begin(c, fields);
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

/* An open channel failed with errno; of sockets libcurl says "Recv failure", "Send failure", and no address. What
 * the network says of a connection that stood is RESET. */
static int32_t broken_code(struct channel *c, const char *verb, const char *whom)
{
  int error = errno;
  sl_fail(&c->why, SL_IO, verb, whom, error);
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
  *code = !c || !buf || !n ? SL_INVAL : !c->told ? SL_AGAIN : c->gone ? c->why.code : 0;
  return *code ? NULL : c;
}

int32_t sl_recv(sl_ch ch, void *buf, uint32_t cap)
{
  int32_t code;
  struct channel *c = channel_usable(ch, buf, cap, &code);
  if (!c) return code;
  if (c->recv_code) return c->recv_code;
  if (c->file) {
    if ((code = sl_posix_file_recv(c->fd, c->file, buf, cap)) < 0 && code != SL_AGAIN)
      c->recv_code = broken_code(c, "read", c->peer);
    return code;
  }
  ssize_t n;
  do n = recv(c->fd, buf, cap < INT32_MAX ? cap : INT32_MAX, 0);
  while (n < 0 && errno == EINTR);
  if (n > 0) return (int32_t)n;
  if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return SL_AGAIN;
  if (n < 0) return c->recv_code = broken_code(c, "Recv", "failure");
  if (c->send_ate_reset) c->recv_code = SL_RESET;
  return c->recv_code;
}

int32_t sl_send(sl_ch ch, const void *buf, uint32_t len)
{
  int32_t code;
  struct channel *c = channel_usable(ch, buf, len, &code);
  if (!c) return code;
  if (c->send_code) return c->send_code;
  if (c->file) {
    if ((code = sl_posix_file_send(c->fd, buf, len)) < 0 && code != SL_AGAIN)
      c->send_code = broken_code(c, "write", c->peer);
    return code;
  }
  ssize_t n;
  do n = send(c->fd, buf, len < INT32_MAX ? len : INT32_MAX, MSG_NOSIGNAL);
  while (n < 0 && errno == EINTR);
  if (n >= 0) return (int32_t)n;
  if (errno == EAGAIN || errno == EWOULDBLOCK) return SL_AGAIN;
  /* The system tells a reset once, then an end: a body cut short must not look whole. After the peer's own
   * end it says EPIPE instead. */
  c->send_ate_reset = errno != EPIPE;
  return c->send_code = broken_code(c, "Send", "failure");
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

/* Bytes that the peer's system has not acknowledged; -1: not known. */
static int64_t underway(const struct channel *c)
{
  int n = -1;
#ifdef TIOCOUTQ
  if (c->file || c->fd < 0 || ioctl(c->fd, TIOCOUTQ, &n)) return -1;
#else
  (void)c;
#endif
  return n;
}

int32_t sl_info(sl_ch ch, uint32_t what, void *buf, uint32_t cap)
{
  static const char *const phases[] = { "resolve", "connect", "open" };
  const struct channel *c = table_find(ch);
  if (!c) return SL_INVAL;
  int64_t times[3] = { c->resolved_us, c->connected_us, 0 }, held = 0, unsent[2] = { 0, what == SL_INFO_UNSENT ? underway(c) : 0 };
  switch (what) {
  case SL_INFO_PHASE: return info_text(phases[c->phase], buf, cap);
  case SL_INFO_ALPN: return 0;
  case SL_INFO_PEER: return c->phase == PHASE_OPEN ? info_text(c->peer, buf, cap) : SL_AGAIN;
  case SL_INFO_LOCAL: return c->phase == PHASE_OPEN ? info_text(c->local, buf, cap) : SL_AGAIN;
  case SL_INFO_TIMES: return info_bytes(times, sizeof times, buf, cap);
  case SL_INFO_HELD: return info_bytes(&held, sizeof held, buf, cap); /* unread bytes are the kernel's */
  case SL_INFO_ERROR: return info_text(c->why.words, buf, cap);
  case SL_INFO_SIZE: return c->file ? info_bytes(&c->size, sizeof c->size, buf, cap) : SL_NOSYS;
  case SL_INFO_UNSENT: return info_bytes(unsent, sizeof unsent, buf, cap);
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

/* Every undecided attempt, and in *due_us when at the latest the next one begins. */
static bool race_watch(struct channel *c, int64_t *due_us)
{
  const sl_race *r = c->race;
  if (sl_race_waits(r) && r->due_us < *due_us) *due_us = r->due_us;
  for (uint32_t i = 0; i < r->next; i++)
    if (r->fd[i] >= 0 && !watch_add(c->loop, r->fd[i], POLLOUT, c, (int)i)) return false;
  return true;
}

/* Put what c waits for into the poll set. */
static bool channel_watch(struct channel *c, int64_t now_us, int64_t *due_us)
{
  c->ready = 0;
  if (c->lookup) {
    int64_t lookup_due_us = sl_lookup_tend(c->lookup, now_us);
    if (lookup_due_us < *due_us) *due_us = lookup_due_us;
  }
  if (c->race && sl_race_waits(c->race) && c->race->due_us <= now_us)
    if (sl_race_go(c->race, now_us) == SL_RACE_LOST) channel_lost(c);
  if (c->race) return race_watch(c, due_us);
  if (channel_news(c)) *due_us = now_us;
  if (c->phase != PHASE_OPEN || !c->wanted) return true;
  int events = (c->wanted & SL_IN ? POLLIN : 0) | (c->wanted & SL_OUT ? POLLOUT : 0);
  return watch_add(c->loop, c->fd, events, c, -1);
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

static void attempt_happened(struct channel *c, uint32_t attempt)
{
  enum sl_race_state state = sl_race_decided(c->race, attempt, sl_now_us(c->loop));
  if (state == SL_RACE_WON) channel_opened(c, attempt);
  if (state == SL_RACE_LOST) channel_lost(c);
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
    else if (c->race && c->race->fd[attempt] >= 0) attempt_happened(c, (uint32_t)attempt);
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

/* Its news are being told. */
static void channel_tell(struct channel *c)
{
  if (channel_news(c)) c->told = true;
  if (c->gone && c->why.code == SL_BUSY) c->why.code = SL_REFUSED; /* BUSY is a word of sl_open only */
}

static int32_t loop_tell(sl_loop *loop, sl_event *ev, uint32_t cap)
{
  uint32_t n = 0;
  if (atomic_exchange(&loop->woken, false)) ev[n++] = (sl_event){ 0, SL_WOKEN };
  for (struct channel *c = loop->first; c; c = c->next) {
    uint32_t events = channel_news(c) | c->ready;
    if (!events) continue;
    if (n == cap) {
      loop_turn(loop, c);
      break;
    }
    channel_tell(c);
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
  if (!loop || !ev || !cap || (extra_n && !extra) || !extra_ready) return SL_INVAL;
  int64_t now = sl_now_us(loop);
  int64_t end = timeout_us < 0 || timeout_us > SL_NEVER - now ? SL_NEVER : now + timeout_us;
  for (;; now = sl_now_us(loop)) {
    int64_t due = end;
    for (sl_lookup *job; (job = sl_lookup_next(&loop->inbox));) lookup_done(job->owner, job);
    if (!loop_watch(loop, extra, extra_n, now, &due)) return SL_NOMEM;
    int found = poll(loop->polls, (nfds_t)loop->count, poll_ms(now, due));
    if (found < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (found < 0) return errno == ENOMEM ? SL_NOMEM : SL_IO;
    if (found) loop_happened(loop);
    int ready = extras_happened(loop, extra, extra_n);
    int32_t told = loop_tell(loop, ev, cap);
    if (!told && !ready && sl_now_us(loop) < end) continue;
    *extra_ready = ready;
    return told;
  }
}

int32_t sl_wait(sl_loop *loop, sl_event *ev, uint32_t cap, int64_t timeout_us)
{
  int none;
  return sl_wait_fds(loop, ev, cap, timeout_us, NULL, 0, &none);
}

/* ---- One channel at a time, for who watches descriptors himself ---- */

uint32_t sl_fds_of(sl_ch ch, sl_fd *fds, uint32_t cap, int64_t *due_us)
{
  struct channel *c = table_find(ch);
  uint32_t n = 0;
  *due_us = SL_NEVER;
  if (!c) return 0;
  if (c->race) {
    if (sl_race_waits(c->race)) *due_us = c->race->due_us;
    for (uint32_t i = 0; i < c->race->next && n < cap; i++)
      if (c->race->fd[i] >= 0) fds[n++] = (sl_fd){ c->race->fd[i], SL_OUT };
  } else if (channel_news(c) || (c->file && c->file != SL_FILE_PIPE && c->wanted)) {
    *due_us = 0;
  } else if (c->lookup && cap) {
    *due_us = sl_lookup_tend(c->lookup, sl_now_us(c->loop));
    fds[n++] = (sl_fd){ c->loop->wake_read, SL_IN };
  } else if (c->phase == PHASE_OPEN && c->wanted && cap) {
    fds[n++] = (sl_fd){ c->fd, c->wanted };
  }
  return n;
}

uint32_t sl_look(sl_ch ch)
{
  struct channel *c = table_find(ch);
  if (!c) return 0;
  sl_loop *loop = c->loop;
  int64_t now = sl_now_us(loop), due = SL_NEVER;
  loop->count = 0;
  /* Place 0 is the wake descriptor's; here nobody looks at it. */
  if (watch_add(loop, -1, 0, NULL, -1) && channel_watch(c, now, &due) && loop->count > 1 &&
      poll(loop->polls, (nfds_t)loop->count, 0) > 0)
    loop_happened(loop);
  uint32_t events = channel_news(c) | c->ready;
  channel_tell(c);
  return events;
}

void sl_loop_hooks(sl_loop *loop, const sl_fd_hooks *hooks) { loop->hooks = *hooks; }

int sl_loop_fd(const sl_loop *loop) { return loop->wake_read; }

uint32_t sl_look_loop(sl_loop *loop)
{
  wake_drain(loop);
  for (sl_lookup *job; (job = sl_lookup_next(&loop->inbox));) lookup_done(job->owner, job);
  return atomic_exchange(&loop->woken, false) ? SL_WOKEN : 0;
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
  for (int i = 0; i < 2; i++) {
    fcntl(ends[i], F_SETFD, FD_CLOEXEC);
    fcntl(ends[i], F_SETFL, O_NONBLOCK);
  }
  loop->wake_read = ends[0];
  loop->wake_write = ends[1];
  return true;
#endif
}

sl_loop *sl_loop_new(void)
{
  sl_loop *loop = calloc(1, sizeof *loop);
  if (loop && wake_open(loop)) {
    loop->inbox.wake_fd = loop->wake_write;
    return loop;
  }
  free(loop);
  return NULL;
}

void sl_loop_free(sl_loop *loop)
{
  if (!loop) return;
  while (loop->first) sl_close(loop->first->id, SL_ABORT);
  SL_ASSERT(!loop->inbox.first);
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
  sl_poke(loop->wake_write);
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
