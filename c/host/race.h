/* race.h: connecting to the first of several addresses that answers (RFC 8305). Part of the POSIX host.
 *
 * A race owns its descriptors until one is taken. Whoever runs it watches every fd[i] >= 0 for writing, i <
 * next, and says sl_race_decided; and says sl_race_go at due_us, while sl_race_waits. */
#ifndef SLUICE_RACE_H
#define SLUICE_RACE_H
#include "posix_hooks.h"
#include "resolve.h"

enum sl_race_state { SL_RACE_RUNNING, SL_RACE_WON, SL_RACE_LOST };

typedef struct {
  uint32_t next, live;    /* attempts begun; those of them that are not decided, fd[i] >= 0 */
  int64_t due_us;         /* when the next one begins                                       */
  sl_address local;       /* len 0: none                                                    */
  sl_failure *why;        /* borrowed: the latest attempt that failed                       */
  const sl_fd_hooks *hooks; /* borrowed                                                     */
  sl_addresses all;
  int fd[SL_ADDRESSES_MAX];
} sl_race;

/* local may be NULL; hooks and why are used as long as the race lives. NULL: no memory. */
sl_race *sl_race_new(const sl_addresses *all, const sl_address *local, const sl_fd_hooks *hooks,
                     sl_failure *why);
/* Closes what was not taken. NULL is fine. */
void sl_race_free(sl_race *r);
/* Begin the next attempt. RUNNING or LOST. */
enum sl_race_state sl_race_go(sl_race *r, int64_t now_us);
/* Attempt i turned writable or broke. */
enum sl_race_state sl_race_decided(sl_race *r, uint32_t i, int64_t now_us);
/* The winner's descriptor, the caller's from now on. */
int sl_race_take(sl_race *r, uint32_t i);
/* There is an attempt to be begun at due_us. */
bool sl_race_waits(const sl_race *r);

#endif
