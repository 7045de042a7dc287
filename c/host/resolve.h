/* resolve.h: addresses, why something failed, and names looked up without blocking. Part of the POSIX host.
 *
 * A lookup belongs to whoever began it, until dropped or freed. Finished ones come into the inbox it was
 * begun with, whose descriptor becomes readable. An inbox is its owner thread's; it must outlive its
 * lookups. */
#ifndef SLUICE_RESOLVE_H
#define SLUICE_RESOLVE_H
#include "../engine/base.h"
#include <stdatomic.h>
#include <sys/socket.h>

#define SL_LOOKUPS_MAX 32   /* names looked up at once by the process; further ones queue        */
#define SL_LOOKUP_SLOW_US (1 * SL_SECOND)   /* after so long others need not wait for it         */
#define SL_LOOKUP_LIMIT_US (60 * SL_SECOND) /* after so long a lookup has failed                 */
#define SL_ADRIFT_MAX 256   /* lookups that go on although their slot was given away             */
#define SL_ADDRESSES_MAX 16 /* addresses of one name that are tried                              */
#define SL_WHOM_MAX 160     /* text of an address, a name or a path, cut to fit, zero included   */

typedef struct {
  struct sockaddr_storage at;
  socklen_t len;
} sl_address;

typedef struct {
  uint32_t count;
  sl_address to[SL_ADDRESSES_MAX];
} sl_addresses;

typedef struct {
  int32_t code;             /* 0 or enum sl_code */
  char words[2 * SL_WHOM_MAX];
} sl_failure;

typedef struct sl_lookup {
  struct sl_lookup *prev, *next;
  struct sl_inbox *inbox;   /* NULL: not begun                     */
  void *owner;
  struct question *question; /* that it waits for; NULL: it is done */
  int64_t due_us;           /* when it has waited for too long     */
  bool late;                /* it has                              */
  int family, flags;        /* for getaddrinfo                     */
  int error, system_error;  /* EAI_* and errno; error 0: found     */
  sl_addresses found;       /* the two families take turns         */
  char port[8];
  char name[];
} sl_lookup;

typedef struct sl_inbox {
  sl_lookup *first, *last;  /* under the resolver's lock           */
  atomic_bool any;
  int wake_fd;
} sl_inbox;

/* "VERB WHOM: ERRNO'S WORDS" */
void sl_fail(sl_failure *why, int32_t code, const char *verb, const char *whom, int error);
/* "address port" with `between` in between, or a path; empty for an unnamed unix socket. */
void sl_address_text(const sl_address *a, const char *between, char text[SL_WHOM_MAX]);
void sl_addresses_add(sl_addresses *list, const struct sockaddr *at, socklen_t len);
/* Make an eventfd or pipe readable. Async-signal-safe. */
void sl_poke(int fd);

/* A lookup not begun, for AF_INET, AF_INET6 or AF_UNSPEC. NULL: no memory. */
sl_lookup *sl_lookup_new(const char *name, size_t name_len, const char *port, size_t port_len, int family);
/* Needs nobody's help: a literal address. */
bool sl_lookup_is_literal(const sl_lookup *job);
/* Look up here and now. Blocks unless it is literal; an address that is not one fails when `literal`. */
void sl_lookup_run(sl_lookup *job, bool literal);
/* Have it looked up by a thread, together with others of the same name and family: 0, or SL_BUSY or SL_NOMEM and
 * nothing happened. */
int32_t sl_lookup_begin(sl_lookup *job, sl_inbox *inbox, void *owner);
/* What time does to one that was begun and did not come out of its inbox: slow ones make room, late ones fail. Answers
 * when to ask again, SL_NEVER when it is in its inbox. To be called before each wait. */
int64_t sl_lookup_tend(sl_lookup *job, int64_t now_us);
/* The next finished one, or NULL. */
sl_lookup *sl_lookup_next(sl_inbox *inbox);
/* False and why, if it failed. */
bool sl_lookup_found(const sl_lookup *job, sl_failure *why);
/* Only one that was not begun or has come out of its inbox. */
void sl_lookup_free(sl_lookup *job);
/* One that was begun, before it came out of its inbox. When nobody else waits for the name, its slot is given away. */
void sl_lookup_drop(sl_lookup *job);

#endif
