/* transfer.h: one wish of one caller, from start to its one completion.
 *
 * Owns: the state machine (state.h), the gate, the limits, the counters, the cause of its end, a copy of
 * its parsed URL. Borrows: its options (options.h, owned by the handle it is part of), its connection
 * (owned by the engine). Belongs to at most one engine at a time, between sl_multi_add and sl_multi_remove.
 *
 * Two faces drive it: easy.c (C callbacks) and embed.c (JavaScript), both through sl_user below. Protocols
 * tell it what arrived through the sl_in_* functions. Nobody else changes it.
 *
 * How it moves: whoever wants something (start, pause, resume, stop) writes it down and marks the transfer
 * dirty (multi.h); sl_transfer_run, called by the engine's run and never nested, makes it true. So a
 * callback may ask for anything, and it happens when the callback has returned.
 *
 * Invariants: `cause` is written once a run of the machine, by sl_transfer_stop only. `user->done` is called
 * once for each START. DONE with CURLE_OK means every byte was accepted. */
#ifndef SLUICE_TRANSFER_H
#define SLUICE_TRANSFER_H
#include <curl/curl.h>
#include "base.h"
#include "gate.h"
#include "limits.h"
#include "options.h"
#include "state.h"
#include "text.h"
#include "timers.h"
#include "url.h"

enum sl_cause {
  SL_CAUSE_NONE, SL_CAUSE_COMPLETE, SL_CAUSE_PEER, SL_CAUSE_LIMIT, SL_CAUSE_CALLBACK, SL_CAUSE_REMOVE,
  SL_CAUSE_ABORT, SL_CAUSE_HOST, SL_CAUSE_INPUT /* what the caller asked for cannot be done */
};

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
  /* The request's body; request.h says what the answers mean. NULL: there is never one. */
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
  /* lists of the engine; see multi.h */
  sl_transfer *prev, *next, *dirty_prev, *dirty_next, *message_prev, *message_next, *conn_next;
  bool dirty, message;       /* it is on that list                               */
  sl_transfer *queued_prev, *queued_next; /* queue.h                              */
  bool queued, called;       /* it waits for a connection; it is its turn        */
  bool busy;                 /* ... because the host had no room for one         */
  uint32_t host;             /* queue.h: what it would be a connection to        */
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
  /* request.h */
  char *location;            /* of the latest redirect response, owned           */
  sl_url initial;            /* where it began; host NULL: no redirect so far    */
  uint32_t redirects;        /* followed so far                                  */
  bool redirecting, hop_now; /* this response leads on; ... and is not read out  */
  uint32_t redirect_left;    /* bytes of its body that may still come for it to be read out */
  bool body_dropped;         /* a redirect made it a GET                         */
  bool no_expect, repeating; /* a 417: not again with Expect; ... and now at it  */
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

/* A transfer in IDLE, in no engine. options are borrowed for its whole life. */
void sl_transfer_init(sl_transfer *t, const sl_user *user, sl_options *options);
/* Release what it owns. It must be in no engine. */
void sl_transfer_clear(sl_transfer *t);
/* Begin, or begin again after DONE. The transfer must be in an engine. A URL or option that cannot be
 * begins and ends it at once with that error. Only sl_multi_add calls it; nothing is left of a run before. */
void sl_transfer_start(sl_transfer *t);

/* P1: mask (enum sl_dir bits) is the whole new pause state, set by `by`. In force on return: nothing is
 * delivered, nothing read. Unpausing marks the transfer dirty (P8); it delivers nothing itself. */
void sl_transfer_pause(sl_transfer *t, uint32_t mask, enum sl_by by);
/* B1, B2: what another thread wants, as the owner's sees it now: an abort, else the whole pause state. It
 * delivers nothing itself; nothing happens to one that is not running. */
void sl_transfer_remote(sl_transfer *t, uint32_t mask, bool abort);
/* The same for what its remote handles have written. Once a run and before each delivery. */
void sl_transfer_sample(sl_transfer *t);
/* The same, as curl_easy_pause: P6: what is held is delivered before it returns, as much as the burst covers. Not from
 * inside a delivery to t, nor more than SL_REPLAY_DEPTH_MAX deep in those to others: then it follows in the next run.
 * The error of a user that failed (P7), else CURLE_OK. */
CURLcode sl_transfer_pause_replay(sl_transfer *t, uint32_t mask, enum sl_by by);
/* The one way to end. The first cause wins; later calls and calls on what is not running do nothing.
 * message NULL: the code's own text. Nothing is delivered from now on; it ends in the next run. */
void sl_transfer_stop(sl_transfer *t, enum sl_cause cause, CURLcode code, const char *message);

/* For the engine: make it true (see above). Nothing is known of t afterwards when it got DONE. */
void sl_transfer_run(sl_transfer *t);
/* A deadline of its timer has come. */
void sl_transfer_expire(sl_transfer *t);
/* Its connection opened / broke: retried once when a pooled one was stale, else stopped. Then it has no
 * connection any more. */
void sl_transfer_opened(sl_transfer *t);
void sl_transfer_broken(sl_transfer *t, int32_t code);
/* The host holds or frees its channel (B15). */
void sl_transfer_hold(sl_transfer *t, bool held);
/* Set the deadlines that follow from what it may not do now (rates). */
void sl_transfer_arm(sl_transfer *t);
/* End without a word: sl_multi_remove. */
void sl_transfer_drop(sl_transfer *t);
/* Limits were changed in the options while it runs. */
void sl_transfer_limits(sl_transfer *t);

/* The rest of a redirect's body is not worth the wait: its connection is closed. */
void sl_transfer_hop_now(sl_transfer *t);

/* For protocols. */

/* Whether what was received may be given to the user: not paused, nothing held, not over. Readiness is
 * derived here and in the two allowances; nothing stores it. */
bool sl_transfer_takes(const sl_transfer *t);
/* Whether held bytes may go to the user. */
bool sl_transfer_replays(const sl_transfer *t);
/* How many wire bytes may leave the channel for t now: 0 unless it takes and its rate has tokens. */
int64_t sl_transfer_recv_allowance(sl_transfer *t);
/* How many may be sent: 0 while SEND is paused, the rate is used up, or it is over. */
int64_t sl_transfer_send_allowance(sl_transfer *t);
/* n wire bytes left the channel for t / were put into it: rates, silence, first byte. n < 0 gives back. */
void sl_transfer_charge_recv(sl_transfer *t, int64_t n);
void sl_transfer_charge_sent(sl_transfer *t, int64_t n);
/* A head (interim or final) or trailers, as text with every line's end. Result: go on or stop reading. */
enum sl_gate_result sl_in_head(sl_transfer *t, enum sl_part part, const char *text, uint32_t n);
/* The final head was told: the body begins. recv_total is set before a head is told (U5). kept: when the body was read, its
 * connection can be used again. False: it was stopped, or goes elsewhere at once. */
bool sl_in_head_end(sl_transfer *t, bool has_body, bool kept);
enum sl_gate_result sl_in_body(sl_transfer *t, const char *data, uint32_t n);
/* n body bytes went by sl_move: count them. */
void sl_in_moved(sl_transfer *t, uint32_t n);
/* The response is complete. While t does not take, it is not (W9): to be said again when it does. */
void sl_in_end(sl_transfer *t);
/* The request's head went out whole, and a body follows: now, or when a 100 comes (R5). */
void sl_out_body(sl_transfer *t, bool wait);
/* The wait is over: 100 came, or long enough was waited. */
void sl_out_go(sl_transfer *t);
/* The user has body bytes again after it answered SL_AGAIN. */
void sl_transfer_more(sl_transfer *t);
/* Nothing more will be sent. */
void sl_out_end(sl_transfer *t);

/* Started and not over. */
bool sl_transfer_running(const sl_transfer *t);
/* Bytes of its connection that were sent and are not with the peer: with the host, and with either system between; the
 * latter -1 when the host cannot tell. */
typedef struct { int64_t kept, underway; } sl_unsent;
sl_unsent sl_transfer_unsent(const sl_transfer *t);
/* Body bytes sent, but those that its host still keeps. */
uint64_t sl_transfer_sent(const sl_transfer *t);
/* Bytes held for t in the engine: by the gate, and on its connection when that is its own. */
uint64_t sl_transfer_held_engine(const sl_transfer *t);
/* The same and what its host keeps (B4). */
uint64_t sl_transfer_held(const sl_transfer *t);

#endif
