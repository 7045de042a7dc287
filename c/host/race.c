/* race.c: see race.h.
 *
 * Attempts begin in the order of the addresses, each RACE_US after the one before, or at once when none is
 * left undecided or one just failed. A connect that succeeds at once is found out like any other, by poll.
 * The race is lost when all have begun and none lives; `why` then has the last failure. */
#include "race.h"
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <unistd.h>

#define RACE_US (SL_SECOND / 4)        /* head start before the next attempt (RFC 8305, 8)                 */
#define UNIX_RETRY_US (SL_SECOND / 50) /* a unix listener's queue was full: nobody tells when it is not    */

static int socket_plain(int family)
{
#ifdef SOCK_CLOEXEC
  return socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
#else
  int fd = socket(family, SOCK_STREAM, 0);
  if (fd < 0) return -1;
  fcntl(fd, F_SETFD, FD_CLOEXEC);
  fcntl(fd, F_SETFL, O_NONBLOCK);
  return fd;
#endif
}

static int socket_new(const sl_fd_hooks *h, const sl_address *to)
{
  int yes = 1, family = to->at.ss_family, fd = h->open ? sl_hooks_open(h, to) : socket_plain(family);
  if (fd < 0) return -1;
#ifdef SO_NOSIGPIPE
  setsockopt(fd, SOL_SOCKET, SO_NOSIGPIPE, &yes, sizeof yes);
#endif
  if (family != AF_UNIX) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  return fd;
}

static void attempt_failed(sl_race *r, const char *verb, const sl_address *a, int error)
{
  char text[SL_WHOM_MAX];
  int32_t code = error == ENOMEM ? SL_NOMEM : SL_REFUSED;
  if (error == EMFILE || error == ENFILE || error == ENOBUFS) code = SL_BUSY;
  sl_address_text(a, " port ", text);
  sl_fail(r->why, code, verb, text, error);
}

enum { ATTEMPT_FAILED = -1, ATTEMPT_LATER = -2, ATTEMPT_STOPPED = -3 };

/* Begin to connect: the descriptor, which turns writable when it is decided, or one of the above. */
static int attempt_begin(sl_race *r, const sl_address *to)
{
  const char *verb = "connect to";
  const sl_address *whom = to;
  bool is_unix = to->at.ss_family == AF_UNIX;
  int fd = socket_new(r->hooks, to), ready = fd < 0 ? CURL_SOCKOPT_OK : sl_hooks_ready(r->hooks, fd);
  if (ready == CURL_SOCKOPT_ALREADY_CONNECTED) return fd;
  if (ready != CURL_SOCKOPT_OK) {
    sl_hooks_close(r->hooks, fd);
    attempt_failed(r, "set options for", to, ECANCELED);
    r->why->code = SL_CANCELED;
    return ATTEMPT_STOPPED;
  }
  if (fd < 0 && r->hooks->open) errno = ECONNREFUSED; /* X8 */
  if (fd >= 0 && r->local.len && bind(fd, (const struct sockaddr *)&r->local.at, r->local.len)) {
    verb = "bind to";
    whom = &r->local;
  } else if (fd >= 0) {
    if (!connect(fd, (const struct sockaddr *)&to->at, to->len)) return fd;
    if (errno == EINPROGRESS || errno == EINTR) return fd;
  }
  int error = errno;
  if (fd >= 0) sl_hooks_close(r->hooks, fd);
  if (is_unix && error == EAGAIN) return ATTEMPT_LATER;
  attempt_failed(r, verb, whom, error);
  return ATTEMPT_FAILED;
}

sl_race *sl_race_new(const sl_addresses *all, const sl_address *local, const sl_fd_hooks *hooks, sl_failure *why)
{
  sl_race *r = calloc(1, sizeof *r);
  if (!r) return NULL;
  r->all = *all;
  if (local) r->local = *local;
  r->hooks = hooks;
  r->why = why;
  for (uint32_t i = 0; i < SL_ADDRESSES_MAX; i++) r->fd[i] = -1;
  return r;
}

void sl_race_free(sl_race *r)
{
  if (!r) return;
  for (uint32_t i = 0; i < r->next; i++)
    if (r->fd[i] >= 0) sl_hooks_close(r->hooks, r->fd[i]);
  free(r);
}

bool sl_race_waits(const sl_race *r) { return r->next < r->all.count; }

enum sl_race_state sl_race_go(sl_race *r, int64_t now_us)
{
  while (sl_race_waits(r)) {
    int fd = attempt_begin(r, &r->all.to[r->next]);
    r->due_us = now_us + (fd == ATTEMPT_LATER ? UNIX_RETRY_US : RACE_US);
    if (fd == ATTEMPT_LATER) return SL_RACE_RUNNING;
    if (fd == ATTEMPT_STOPPED) return SL_RACE_LOST;
    r->fd[r->next++] = fd;
    if (fd < 0) continue;
    r->live++;
    return SL_RACE_RUNNING;
  }
  return r->live ? SL_RACE_RUNNING : SL_RACE_LOST;
}

enum sl_race_state sl_race_decided(sl_race *r, uint32_t i, int64_t now_us)
{
  int error = 0;
  socklen_t len = sizeof error;
  SL_ASSERT(i < r->next && r->fd[i] >= 0);
  if (getsockopt(r->fd[i], SOL_SOCKET, SO_ERROR, &error, &len)) error = errno;
  if (!error) return SL_RACE_WON;
  attempt_failed(r, "connect to", &r->all.to[i], error);
  sl_hooks_close(r->hooks, sl_race_take(r, i));
  return sl_race_go(r, now_us);
}

int sl_race_take(sl_race *r, uint32_t i)
{
  int fd = r->fd[i];
  SL_ASSERT(r->live && fd >= 0);
  r->fd[i] = -1;
  r->live--;
  return fd;
}
