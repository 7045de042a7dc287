/* multi.h: one engine: its loop, its transfers, its connections, its one timer.
 *
 * Owns: the loop, every connection (in use, draining, idle), the heap of deadlines, the dirty and ready lists,
 * the finished transfers not yet told (X10), one receive buffer for all. Borrows transfers.
 *
 * Work enters by sl_multi_event (something happened at a channel) and by what marks a transfer dirty; it is
 * done by sl_multi_run: due deadlines, ready connections, dirty transfers, until nothing is left or the
 * turn's budget is used up. A run within a run (from a callback) does nothing: the outer one goes on.
 * Work is proportional to what is ready, never to what is there.
 *
 * Invariants: a transfer is on the dirty list at most once, a connection on the ready list at most once.
 * Between runs every connection's wants have been told to the host. next_us is 0 iff work is waiting (K6), or the host is to
 * have another turn before a deadline is judged (B17). */
#ifndef SLUICE_MULTI_H
#define SLUICE_MULTI_H
#include <stdatomic.h>
#include "base.h"
#include "text.h"
#include "timers.h"

/* What happened, for whoever looks on: the simulator, the debug hook. */
enum sl_trace_kind {
  SL_TRACE_STATE,   /* a: life            b: send half * 16 + recv half */
  SL_TRACE_GATE,    /* a: paused mask     b: by_recv * 16 + by_send     */
  SL_TRACE_WRITE,   /* a: part            b: accepted, or a code        */
  SL_TRACE_STOP,    /* a: cause           b: CURLcode                   */
  SL_TRACE_OPEN,    /* a: kind            b: 1 new, 0 reused            */
  SL_TRACE_CLOSE,   /* a: how             b: transfers begun on it      */
  SL_TRACE_REMOTE,  /* a: paused mask     b: 1 abort, and then a is 0   */
  SL_TRACE_LEFT     /* a: SL_LEFT_*       b: 0                          */
};
typedef void sl_trace(void *arg, const sl_transfer *t, enum sl_trace_kind kind, int64_t a, int64_t b);

struct sl_multi {
  sl_loop *loop;
  bool owns_loop;
  /* From any thread: */
  atomic_bool woken;            /* a wakeup that nobody has taken yet (K2)    */
  _Atomic(struct sluice_remote *) rung; /* remotes with news, by next: remote.h */
  sl_transfer *queued_first, *queued_last; /* waiting for a connection: queue.h */
  uint32_t max_connections, max_host_connections, max_idle; /* 0 = none, the default for max_idle */
  uint32_t counted;             /* connections that count for these           */
  bool making_room;             /* connections are being closed for somebody  */
  bool look;                    /* the host is to have another turn           */
  uint32_t depth;               /* > 0: inside a run                         */
  uint32_t in_callback;         /* > 0: inside a callback of the user        */
  uint32_t replays;             /* unpause calls that deliver, one inside the other */
  int64_t now_us;               /* of the current run                        */
  int64_t run_us, before_us;    /* of the latest run, and of the one before: between them nobody has looked */
  sl_timers timers;
  sl_transfer *transfers, *transfers_last; /* all that were added, by next   */
  sl_transfer *dirty_first, *dirty_last;
  sl_transfer *message_first, *message_last;
  uint32_t added, running, messages, dirty_count, ready_count, remotes;
  sl_conn *conns, *conns_last;  /* all that are open, by next                */
  sl_conn *ready_first, *ready_last;
  sl_conn *idle_first, *idle_last; /* the pool, oldest first, by pool_next   */
  sl_conn *draining_first, *draining_last; /* B11: likewise, so in the order of their deadlines */
  uint32_t idle_count;
  sl_conn *closed;              /* to be freed at the end of the run, by next */
  sl_conn **by_channel;         /* hash of open channels                     */
  uint32_t by_channel_cap, by_channel_count;
  char *scratch;                /* SL_RECV_CHUNK_MAX                         */
  sl_text spec;                 /* of the connection that is looked for      */
  int64_t next_conn_id, next_transfer_id;
  uint32_t turns;               /* runs that had something to do             */
  sl_trace *trace;
  void *trace_arg;
  /* For whoever tells a program of descriptors (curl_socket.c); NULL, as a rule. */
  void (*watch)(sl_conn *c, bool closing); /* what it wants may have changed / it is about to be closed */
  bool (*settle)(sl_multi *m);             /* outside a run: a call changed something. False: it was refused (P9) */
  void *face;
  uint32_t in_watch;            /* > 0: inside a callback that was told of descriptors or the timer (P3) */
};

/* A new engine on a loop of its own (loop NULL) or a borrowed one. NULL: memory or the host is short. */
sl_multi *sl_multi_new(sl_loop *loop);
/* Close everything. Transfers still added are removed first, stopped without a word. */
void sl_multi_free(sl_multi *m);

/* Add a transfer (IDLE or DONE; in no engine) and start it. CURLM_OUT_OF_MEMORY or 0. */
int sl_multi_add(sl_multi *m, sl_transfer *t);
/* Take it out in any state; a running one is stopped without done being told. Never from a callback. */
void sl_multi_remove(sl_multi *m, sl_transfer *t);

/* Something happened at a channel (enum sl_event_bits); unknown channels are ignored. */
void sl_multi_event(sl_multi *m, sl_ch ch, uint32_t events);
/* Do what is to be done. */
void sl_multi_run(sl_multi *m);
/* When the next run is due: 0 = now, SL_NEVER = only an event can bring one. */
int64_t sl_multi_next_us(const sl_multi *m);

/* B17: what waits for t is taken in, and the host gets another turn before the next deadlines. */
void sl_multi_look(sl_multi *m, sl_transfer *t);
/* A transfer has something to do. */
void sl_multi_dirty(sl_multi *m, sl_transfer *t);
/* A connection has something to do / has not any more. */
void sl_multi_ready(sl_multi *m, sl_conn *c);
void sl_multi_unready(sl_multi *m, sl_conn *c);
/* t got DONE: its message waits to be told. */
void sl_multi_finished(sl_multi *m, sl_transfer *t);
/* The next finished transfer not told yet, or NULL; X10: in the order of completion. */
sl_transfer *sl_multi_message(sl_multi *m, uint32_t *left);

/* The channel's place in the table of channels; false when memory is short. */
bool sl_multi_channel_add(sl_multi *m, sl_conn *c);
void sl_multi_channel_remove(sl_multi *m, const sl_conn *c);
void sl_multi_watch(sl_conn *c, bool closing);
void sl_multi_trace(sl_multi *m, const sl_transfer *t, enum sl_trace_kind kind, int64_t a, int64_t b);

#endif
