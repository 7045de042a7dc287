/* model.h: what the engine is made of: a transfer, a connection, an engine.
 *
 * Only the data and its words; what may be done with it is in the files above, and each part names the file that
 * owns it: only that file writes it. Everything else of the engine includes this file, so it includes nothing but the
 * passive parts.
 *
 *   engine      one loop of a host, one clock, the lists of what is to be done   agenda.h, pool.h, multi.h
 *   connection  one channel and its two buffers                                  connection.h, pool.h
 *   transfer    one request of one caller, from its start to its one end         transfer.h and the files beside it */
#ifndef SLUICE_MODEL_H
#define SLUICE_MODEL_H
#include <stdatomic.h>
#include <curl/curl.h>
#include "base.h"
#include "gate.h"
#include "limits.h"
#include "options.h"
#include "state.h"
#include "text.h"
#include "timers.h"
#include "url.h"

struct sl_protocol;
struct sl_scheme;

enum sl_cause {
  SL_CAUSE_NONE, SL_CAUSE_COMPLETE, SL_CAUSE_PEER, SL_CAUSE_LIMIT, SL_CAUSE_CALLBACK, SL_CAUSE_REMOVE,
  SL_CAUSE_ABORT, SL_CAUSE_HOST, SL_CAUSE_INPUT /* what the caller asked for cannot be done */
};

/* What comes after a response: it is the answer, it leads elsewhere, or the request is sent once more as it is or nearly. */
enum sl_after { SL_AFTER_NOTHING, SL_AFTER_REDIRECT, SL_AFTER_REPEAT };

/* The owner of a transfer's bytes. Called only by the engine of the transfer, never nested. All may call
 * sl_transfer_pause and sl_transfer_stop on any transfer of the same engine, nothing else. */
typedef struct sl_user {
  sl_deliver *write;                 /* gate.h                                                      */
  int (*progress)(sl_transfer *t);   /* each run of a connected transfer; not 0: stop with 42. NULL: none */
  void (*changed)(sl_transfer *t);   /* life (but DONE) or gate changed. NULL: none                 */
  bool (*may_start)(sl_transfer *t); /* asked once, before anything else is done. NULL: it may; false: stopped */
  void (*opening)(sl_transfer *t);   /* a connection will be opened for it next. NULL: none         */
  bool (*begun)(sl_transfer *t);     /* a connection is ready, the request comes next. NULL: none; false: stopped */
  void (*asked)(sl_transfer *t, const char *head, size_t n); /* this request head goes out now. NULL: none */
  void (*done)(sl_transfer *t);      /* last thing said of this START; may free or start t          */
  /* The request's body; upload.h says what the answers mean. NULL: there is never one. */
  int32_t (*read)(sl_transfer *t, char *buf, uint32_t cap);
  int32_t (*ready)(sl_transfer *t);  /* NULL: it can only be read                                   */
  bool (*rewind)(sl_transfer *t);    /* R7: from the start again. NULL: never                       */
  bool (*trailers)(sl_transfer *t, sl_text *lines); /* behind a chunked body. NULL: none; false: stopped */
  bool moves;                        /* body bytes may take the host's short way (sl_move)          */
  bool hears_head;                   /* is told a head, an empty line, where there is none (a file) */
  bool guesses_scheme;               /* "example.com" is a URL, as libcurl has it (url.h)   */
  bool keeps_pause;                  /* B14: a call's pause survives start, redirects and retries   */
  bool connect_alone;                /* B16: the connect time counts from the opening of a connection */
} sl_user;

struct sl_transfer {
  sl_multi *multi;           /* NULL: in no engine                               */
  sl_conn *conn;             /* NULL: none                                       */
  const sl_user *user;
  sl_options *options;
  struct sluice_remote *remote; /* remote.h; NULL: nobody has a handle             */
  uint32_t token;            /* for sl_move: which sink; chosen by the embedder  */
  sl_state state;
  sl_gate gate;
  uint8_t cause;             /* enum sl_cause                                    */
  CURLcode code;
  char error[CURL_ERROR_SIZE]; /* empty or one English sentence                  */
  sl_url url;
  sl_bucket recv_bucket, send_bucket;
  sl_meter meter;
  sl_speed recv_speed, send_speed; /* bytes of body                                */
  sl_timer timer;
  /* lists of the engine; see agenda.h */
  sl_transfer *prev, *next, *dirty_prev, *dirty_next, *message_prev, *message_next, *conn_next;
  bool dirty, message;       /* it is on that list                               */
  sl_transfer *queued_prev, *queued_next; /* pool.h                               */
  bool queued, called;       /* it waits for a connection; it is its turn        */
  bool busy;                 /* ... because the host had no room for one         */
  uint32_t host;             /* pool.h: what it would be a connection to        */
  uint32_t look_turn;        /* of its host, from which on it may use a kept connection; 0: any */
  bool retried, reused;      /* after a stale connection; on a pooled one        */
  uint16_t judge;            /* enum sl_timer_kind bits: clocks.c                */
  uint8_t paused_noted;      /* what the clocks know of the gate:                */
  bool own_noted, host_noted;/* ... who of caller and host has paused it         */
  /* what the response said */
  uint16_t status;
  uint8_t http_minor;
  bool has_body;             /* ... which is told even when it is empty (W11)    */
  int64_t recv_total;        /* body bytes announced, -1 = unknown               */
  bool effective_url;        /* the URL was parsed: `url` is valid               */
  /* redirect.h, upload.h */
  char *location;            /* of the latest redirect response, owned           */
  sl_url initial;            /* where it began; host NULL: no redirect so far    */
  uint32_t redirects;        /* followed so far                                  */
  uint8_t after;             /* enum sl_after: what comes after this response    */
  bool hop_now;              /* ... which is not read out                        */
  uint32_t redirect_left;    /* bytes of its body that may still come for it to be read out */
  bool body_dropped;         /* a redirect made it a GET                         */
  bool no_expect;            /* a 417: not again with Expect                     */
  bool login_asked;          /* a 401: the credentials that waited go now        */
  bool body_ignored;         /* a 416 that says there is no more: its words are no body */
  uint32_t login_offered;    /* CURLAUTH_* bits of the 401s so far               */
  int64_t range_from, range_total; /* what Content-Range says, -1 = nothing      */
  int64_t send_total;        /* body bytes announced, -1 = unknown               */
  uint64_t body_read;        /* of them taken from the user                      */
  /* counters, bytes of body: taken from the channel, put into it, accepted by the user */
  uint64_t received, sent, delivered;
  uint64_t head_received, head_sent; /* bytes of heads                           */
  uint64_t heads_before;     /* of requests sent before this one                 */
  /* times, microseconds on the engine's clock, 0 = not yet */
  int64_t start_us, single_us, begin_us, first_us, last_recv_us, done_us;
  int64_t resolved_us, connected_us, tls_us; /* of a connection made for it      */
  int64_t posted_us;                         /* the request was sent whole       */
  int64_t queued_since_us, queued_us;        /* waiting for a free connection, while `queued` */
  int64_t waits_since_us;                    /* ... for QUEUE: or unpaused since then */
  int64_t opening_us;                        /* its connection was begun         */
  int64_t look_until_us;                     /* B17: the second look, see clocks.c */
  int64_t unsent_noted;                      /* by the latest look at silence    */
  uint64_t unsent;                           /* of `sent`, still with the host at the end */
  int64_t burst_noted;                       /* as the buckets were started with */
  int64_t paused_since_us, paused_us;        /* time spent with a direction paused */
  int64_t own_since_us;                      /* begin of the caller's own pause    */
  int64_t sink_since_us;                     /* ... of the sink's back-pressure alone, 0 = it is not that */
  int64_t frozen_since_us, frozen_us;        /* held by the host: no clock runs    */
  int64_t low_speed_limit, low_speed_time_s; /* as the meter was started with      */
  char peer[64], local[64];  /* of its connection, "address port"                */
  sl_conn *raw;              /* CONNECT_ONLY: the connection that is the caller's now */
  uint32_t connects;         /* new connections made for this operation          */
  int64_t id, conn_id;       /* of it and its latest connection in the engine, -1 = none */
};

/* Bytes of its connection that were sent and are not with the peer: with the host, and with either system between; the
 * latter -1 when the host cannot tell. */
typedef struct { int64_t kept, underway; } sl_unsent;

/* connection.h */
enum sl_conn_life {
  SL_CONN_OPENING,  /* the host connects                                                     */
  SL_CONN_OPEN,     /* it has guests, or is about to                                         */
  SL_CONN_DRAINING, /* B11: its guest has left; the rest of a response is dropped            */
  SL_CONN_IDLE,     /* in the pool                                                           */
  SL_CONN_RAW,      /* handed over: CONNECT_ONLY                                             */
  SL_CONN_CLOSED,   /* the channel is gone; freed at the end of the run                      */
  SL_CONN_LIVES
};

struct sl_conn {
  sl_multi *multi;
  sl_conn *prev, *next, *ready_prev, *ready_next; /* agenda.h                         */
  sl_conn *pool_prev, *pool_next; /* of the idle, or of the draining ones             */
  int64_t id;                /* counted by the engine from 0                          */
  sl_ch ch;
  uint32_t host;             /* pool.h: what a limit counts by, 0 = not counted      */
  uint32_t kind;             /* enum sl_kind                                          */
  char *spec;                /* the pool's key, with kind                             */
  uint32_t spec_len;
  const struct sl_protocol *protocol; /* NULL until it opened                         */
  void *protocol_state;
  sl_transfer *transfers;    /* guests, by conn_next                                  */
  uint32_t wanted;           /* last told to the host                                 */
  uint32_t events;           /* enum sl_event_bits not looked at yet                  */
  uint8_t life;              /* enum sl_conn_life, written by sl_conn_step only      */
  bool ready;                /* it is on that list                                    */
  uint32_t asked;            /* of such a one: what its owner waits for               */
  bool held;                 /* by the host (B15): so are its guests                  */
  bool no_room;              /* the host had none for it (SL_BUSY): its end makes none either */
  bool doubt;                /* something came that should not have: never used again */
  bool host_moves_not;       /* the host answered NOSYS to move or unrecv             */
  bool host_moves_out_not;   /* ... to move_out                                       */
  int64_t pooled_us;         /* when it was left: idle or draining since then         */
  uint64_t drain_left;       /* bytes of the response that nobody wants               */
  uint32_t used;             /* transfers begun on it                                 */
  const char *in;            /* received, not consumed; inside scratch or `stash`     */
  uint32_t in_len;
  uint32_t last_fill;        /* bytes of the latest receive: what may be given back   */
  char peer[64], local[64];  /* "address port", known when it opened                  */
  int64_t resolved_us, connected_us, tls_us; /* SL_INFO_TIMES                         */
  void *face;                /* of whoever set the engine's watch                     */
  sl_text stash;             /* what of `in` outlives a run                           */
  sl_text out;               /* composed, not sent                                    */
};

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
  sl_transfer *queued_first, *queued_last; /* waiting for a connection: pool.h */
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
  uint32_t host_turns;          /* of the host's event loop, where it counts them; else 0 */
  sl_trace *trace;
  void *trace_arg;
  /* For whoever tells a program of descriptors (face/curl_socket.c); NULL, as a rule. */
  void (*watch)(sl_conn *c, bool closing); /* what it wants may have changed / it is about to be closed */
  bool (*settle)(sl_multi *m);             /* outside a run: a call changed something. False: it was refused (P9) */
  void *face;
  uint32_t in_watch;            /* > 0: inside a callback that was told of descriptors or the timer (P3) */
};

#endif
