/* door_fail.h: failure injection: a host that wraps a host. The n-th call of the door (sluice/host.h) answers what the
 * test says instead of what the host would. For programs linked with -Wl,--wrap=sl_open and so on (build.sh); without
 * door_fail_start it only passes calls on.
 *
 * As host.h has it: a channel that died stays dead (its code is answered again, the host below is not asked), and a
 * code that ends the guest (SL_CANCELED, SL_QUOTA, SL_DEADLINE) is answered by every call from then on.
 * While the host below works, its allocations do not count (alloc_fail.h). One engine, one thread. */
#ifndef SLUICE_DOOR_FAIL_H
#define SLUICE_DOOR_FAIL_H
#include <stdbool.h>
#include <stdint.h>

enum door_call {
  DOOR_LOOP_NEW, DOOR_OPEN, DOOR_RECV, DOOR_UNRECV, DOOR_MOVE, DOOR_SEND, DOOR_MOVE_OUT, DOOR_INFO, DOOR_WAIT, DOOR_WAKE,
  DOOR_CALLS
};

#define DOOR_END 1000        /* as a code: sl_recv and sl_move answer 0, the end */
#define DOOR_CALLS_MAX 20000 /* in one run: more is a loop without end           */

extern const char *const door_names[DOOR_CALLS];

/* From now on calls are counted, from 1; the n-th answers code (NULL from sl_loop_new); 0: none does. */
void door_fail_start(unsigned n, int32_t code);
/* No more; how many calls there were. */
unsigned door_fail_stop(void);
/* Whether the n-th call has come since the start. */
bool door_fail_came(void);
/* Which function the n-th call since the latest start was. */
enum door_call door_fail_call(unsigned n);

#endif
