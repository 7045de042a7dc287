/* sim.h: the simulator: a host with virtual time, a server, a user, and eyes that see everything.
 *
 * Owns: virtual time, the channels with the server at their far end, up to four transfers with their users,
 * the commands that happen to them, and the trace. Everything hangs on one `sim`; the one global is which of
 * them the door's functions without a loop argument mean (host.c). Nothing of the world is used: no clock, no
 * libc beyond memory and strings, no floats, own random numbers. So a seed is a run, natively and in Wasm.
 *
 *   host.c        the door: channels, socket buffers, what the host reads ahead, faults of the n-th call
 *   server.c      the far end: what a request is answered with, and when its bytes arrive
 *   play.c        the commands, and the loop that moves time; user.c: the user's callbacks
 *   remote.c      another thread's commands
 *   face.c        the C face: handles, C callbacks, perform and poll, socket_action; host_fds.c: its descriptors
 *   scenario.c    from a seed to origins, responses, options, users, commands
 *   invariants.c  what must hold at every step; the trace
 *   plants.c      what is broken on purpose, to see that it is found
 *   responses.c, requests.c: its parts; words.c: in words
 *   shrink.c      a failing seed made small
 *   main.c        command line; exports.c: the same for Wasm
 *
 * Scenario: transfers (GET, HEAD, PUT, POST, or a file read or written) to origins. Each transfer has one
 * response, a string of bytes `wire` that the server sends for each of its requests, cut in segments at
 * random; `fault` may end, reset or stall it at `fault_at`. Redirects may come before it (`hops`), each to
 * a request of its own. A request's body is the user's (`up`), given in pieces, late, paused, short, or not
 * at all, taken by the server at its own pace, which may answer, stop reading or close meanwhile. From the
 * script follows which CURLcodes the transfer may end with (`allow`) and the body that must be delivered:
 * all of it for code 0, else a prefix. At `calm_us` the user stops being difficult: everything is resumed
 * and accepted. What has not ended CALM_US later must have a reason (`may_hang`) and is stopped.
 *
 * Invariants, after every step (invariants.c): no delivery while RECV is paused, before the start, after
 * done or after the user failed, none nested; delivered bytes are the true ones, in order; one done a
 * start; the gate is as calls and refusals made it (P1); 0 only with the whole body; an end with another code only as the script allows; what engine and
 * host hold is bounded; a body is asked for only while it may go, and the server gets it whole, in order,
 * framed exactly, and again from the start after a rewind; credentials stay with their origin; a paused
 * transfer wants no SL_IN, nor SL_OUT but for bytes already read; an end that the server told is seen
 * though the upload is paused (R6); limits neither early nor late, over redirects and when they change, none
 * of the low speed while paused; none judges a peer while what it did waits to be seen (B17), nor our own queue (B16); what its rate holds back is not wanted (F3); no more connections than the limits
 * say; a wakeup stays until it is taken (K2, K3); no turn without cause; nothing open at the end; no call on a
 * closed channel.
 *
 * Trace: one line an event, "microseconds transfer letter a b\n", transfer 0 when none. Letters: the
 * engine's own S state, G gate, W write, X stop, O open, C close (multi.h says what a and b are); and d
 * done (code, bytes); u body asked for (at most, answer), b rewind (place, answer); commands a add, q more,
 * p pause (mask, by), r resume, z the process is stopped (for so long), x stop, m remove, v speed, l limit, n connection limits, k wakeup, o poll, h host
 * holds, f host frees, e spurious events; y
 * the host reset or ended a channel (channel, code); w want (channel, set). */
#ifndef SIM_H
#define SIM_H
#include "engine/base.h"
#include "engine/connection.h"
#include "engine/multi.h"
#include "engine/text.h"
#include "engine/transfer.h"

#define SIM_TRANSFERS_MAX 4
#define SIM_HOPS_MAX 2       /* redirects of one transfer   */
#define SIM_ORIGINS_MAX 2
#define SIM_CHANNELS_MAX 64  /* open at one time            */
#define SIM_COMMANDS_MAX 256 /* waiting at one time         */
#define SIM_ALLOW_MAX 16
#define SIM_CODES 128
#define SIM_STEPS_MAX 400000
#define SIM_EPOCH_US SL_SECOND        /* virtual time begins here: 0 means "not yet" to the engine */
#define SIM_CALM_US (200 * SL_SECOND) /* how long what is calm may take                            */

enum sim_flags {
  SIM_DESCRIBE = 2, /* result.script says in readable lines what the scenario is      */
  SIM_PLANT = 16    /* times a plant: that is broken on purpose, and must be found    */
};

/* What can be broken on purpose (plants.c has what is found then): one for each invariant. */
enum sim_plant {
  PLANT_NONE, PLANT_BYTE, PLANT_DELIVERY, PLANT_GATE, PLANT_TOTAL, PLANT_SLOW_PAUSED, PLANT_SLOW, PLANT_SILENCE,
  PLANT_WANT, PLANT_WANT_RATE, PLANT_SPIN, PLANT_LEAK, PLANT_TWICE, PLANT_HELD, PLANT_WAKE, PLANT_COUNT, PLANT_STUCK,
  PLANT_RATE, PLANT_UPLOAD, PLANT_END, PLANT_EARLY, PLANT_CODE, PLANT_DONE_HELD, PLANT_CONNECTIONS,
  PLANT_CONNECT, PLANT_PAUSED, PLANT_QUEUE, PLANT_SOCKET, PLANT_TIMER, PLANT_POLL, PLANT_SEND_WANT, PLANT_P2, SIM_PLANTS
};

/* Who drives the engine: JavaScript's way, events and one timer; or a C program by the multi interface. */
enum sim_drive { SIM_DRIVE_EVENTS, SIM_DRIVE_POLL, SIM_DRIVE_SOCKETS };

#define SIM_LOOP_FD 1
#define SIM_FD(ch) ((ch) + SIM_LOOP_FD + 1)

typedef struct sim sim;
typedef struct sim_transfer sim_transfer;

enum sim_fault { SIM_FAULT_NONE, SIM_FAULT_END, SIM_FAULT_RESET, SIM_FAULT_STALL };

typedef struct {
  sl_text wire;          /* all bytes of one answer                                      */
  sl_text heads;         /* the head parts in it, in order, as the user must see them    */
  uint8_t *body;         /* the body in it                                               */
  uint32_t body_len, status;
  bool whole;            /* body is complete when the wire was sent whole                */
  enum sim_fault fault;
  uint32_t fault_at;     /* index in wire, <= its length                                 */
  bool close;            /* the server closes after it                                   */
  bool until_close;      /* and its body ends there                                      */
  bool fault_drops;      /* a reset takes with it what was not received                  */
  uint32_t seg_max;      /* bytes that arrive at once, at most                           */
  int64_t think_us, delay_us; /* before the first byte; between segments, at most        */
  int64_t file_size;     /* what the host says of a file, -1 = not known                 */
  uint32_t glue;         /* the last bytes of wire arrive together                       */
  uint32_t cut;          /* what is before this index arrives before the rest; 0: nowhere */
} sim_response;

/* Where one request of a transfer goes, and what the server expects and does. */
enum sim_method { SIM_GET, SIM_HEAD, SIM_PUT, SIM_POST };
typedef struct {
  uint32_t origin;
  bool tls, body, secret; /* with the body; with the caller's own Authorization                 */
  uint8_t method;
} sim_hop;

/* The body of a transfer's requests: what its user gives and what its server does meanwhile. */
typedef struct {
  uint8_t *bytes;
  uint32_t len;          /* bytes the user has                                           */
  int64_t announced;     /* -1: in chunks                                                */
  bool expects, expects_own; /* Expect goes with it; by the caller's own header          */
  int64_t continue_us;   /* the server's 100 comes so much later; -1: never              */
  uint32_t answer_at;    /* the answer begins at this many bytes; UINT32_MAX: at the end */
  bool deaf;             /* ... and nothing more is read                                 */
  bool resets;           /* ... and sending fails from then on: the answer still comes (U8) */
  uint32_t stall_at;     /* nothing more is read from here on; UINT32_MAX: not           */
  enum sim_fault fault;  /* END or RESET by the server at fault_at                       */
  uint32_t fault_at;
  bool rewinds, readies; /* the user has rewind; ready                                   */
  bool rejects;          /* the server does not do Expect: 417                           */
  bool trailers;         /* behind the last chunk                                        */
  uint32_t pause, again, fail, most; /* chances; bytes a read at most, 0: any            */
  int64_t pause_at;      /* pause once at this many bytes, -1: not                       */
  /* what happened */
  uint32_t at;           /* the user's place                                             */
  uint32_t promised;     /* bytes `ready` spoke of                                       */
  bool ended, failed, short_told;
  bool pause_told;       /* it answered PAUSE, and nobody resumed it since               */
  uint32_t given;        /* bytes given since the start, rewinds not subtracted          */
  uint32_t burst_given, bursts; /* as of receiving                                       */
  int64_t burst_us;
} sim_upload;

typedef struct {
  sl_ch id;
  uint32_t origin, kind, want;
  bool open, told_open, told_gone, held, ended, blocked;
  int32_t broken;        /* 0, or the code it died of                                    */
  int32_t open_code;     /* what opening ends with                                       */
  int64_t open_us, open_at_us; /* begun; when it opens or fails                          */
  /* server to engine: taken <= chunk <= arrived <= wire.len */
  sl_text wire;
  uint32_t taken, chunk, arrived;
  uint32_t last_recv;
  int64_t next_us;       /* next arrival                                                 */
  int64_t idle_end_us;   /* the server loses patience                                    */
  const sim_response *playing;
  uint32_t playing_at;   /* where in wire it begins                                      */
  uint32_t requests;
  /* engine to server */
  sl_text request;
  uint32_t send_room;
  int64_t room_us;
  bool end_send;
  /* the request that is being read: reading -> of its body `body_at` bytes so far */
  sim_transfer *asker;
  uint32_t hop;
  bool reading, continued, answered, expects;
  bool trailer_came;
  uint32_t body_at;
  uint32_t chunk_left;   /* of a chunked body                                            */
  uint8_t chunk_state;   /* 0 size line, 1 data, 2 line end, 3 last line end             */
  int64_t head_us, continue_at_us;
  bool stalled;
  bool send_lost;        /* sending fails; what the server has said is still to be had   */
  bool writes;           /* a file                                                       */
  int watched;           /* CURL_POLL_* as the program was told                          */
} sim_channel;

typedef struct {
  const char *name;
  int32_t open_code;     /* 0: opens                                                     */
  int64_t open_delay_us; /* SL_NEVER: never                                              */
  int64_t idle_us;       /* an idle connection is closed by the server after; SL_NEVER   */
  uint32_t requests_max; /* on one connection; the next one is answered by closing       */
  bool requests_reset;   /* ... by a reset                                               */
} sim_origin;

struct sim_transfer {
  sl_transfer t;         /* its own, or part of a C handle: always reached by `transfer`  */
  sl_options options;    /* the same: by `o`                                              */
  sl_transfer *transfer;
  sl_options *o;
  CURL *easy;            /* of the C face, or NULL                                         */
  sim *sim;
  sl_user user;
  uint32_t number;       /* 1 ..                                                         */
  uint32_t origin;
  bool head_only, tls;
  sim_response response;
  uint8_t allow[SIM_ALLOW_MAX];
  uint32_t allows;
  bool any_code;         /* a host fault was injected: any error is fine                 */
  bool may_hang;
  /* the user: chances in 1024 */
  uint32_t refuse, partial, fail, act;
  uint32_t model;        /* what it and the commands made of its pause: enum sl_dir bits        */
  uint32_t remote_model; /* of them those that another thread wants                              */
  int64_t refuse_at;     /* refuse once at this many delivered bytes, -1: not            */
  int64_t resume_us;     /* resume this long after a refusal, -1: never                  */
  bool replays;          /* resume with sl_transfer_pause_replay, as curl_easy_pause           */
  /* what happened */
  bool added, running, failed, told;
  uint32_t starts, dones;
  CURLcode code;
  uint32_t delivered, head_at, writes;
  int64_t start_us, done_us, first_write_us, last_write_us;
  uint32_t slices;       /* number of different times at which bytes were delivered      */
  int64_t rate_max;      /* highest receive rate it had, 0 = unlimited                   */
  int64_t burst_us;      /* when the bucket last began anew                              */
  uint32_t burst_bytes;  /* delivered by then                                            */
  uint32_t bursts;       /* how often that was: the first time there is only one step    */
  int64_t paused_since_us, resumed_us, paused_sum_us; /* -1: is not                      */
  int64_t listens_us;    /* since when it is open for bytes, -1: is not                   */
  int64_t own_since_us;  /* paused by the guest alone, no host's hold beside it; -1: is not  */
  int64_t held_since_us, held_sum_us; /* by its host: the guest's clocks stand still (B15)     */
  bool paused_at_run;
  int64_t active_us, opening_us, opening_held_us; /* B16: it has a connection; that was begun; held by then */
  int64_t queued_us;     /* since when it waits for a connection unpaused; -1: does not    */
  bool stop_asked, speed_changed, send_speed_changed;
  sluice_remote *remote; /* NULL: none                                                   */
  int64_t limits_us, slow_us; /* when limits, and those of low speed, were changed last   */
  uint32_t post_came;    /* `starts` + 1 when a POST of it came that has no answer yet     */
  int64_t asked_us;      /* the latest pause call: being slow may be forgotten by it (P8)        */
  int64_t freed_us;      /* when its host freed it last                                  */
  uint8_t life;          /* as last traced                                               */
  int64_t single_us, single_held_us; /* begin of the present try; held by then           */
  int64_t moved_us;      /* when bytes moved last                                        */
  uint64_t moved_bytes;
  int64_t silent_us;     /* since when an answer is due, wanted, and does not come        */
  uint64_t silent_bytes;
  sl_ch silent_ch;
  /* requests beyond one GET */
  bool file, follow, loops, unreachable; /* unreachable: no answer can become the user's  */
  uint32_t post_redirect;/* CURL_REDIR_*: a POST stays one                               */
  bool missing;          /* the last redirect names no place: it is the answer           */
  sim_hop hops[SIM_HOPS_MAX + 1];
  uint32_t hop_count;    /* redirects before `response`                                  */
  sim_response redirects[SIM_HOPS_MAX];
  bool chunked_hops;     /* bodies of the redirects that are added now come in chunks     */
  bool has_body;
  sim_upload up;
  sl_text heads;         /* of all answers that began since the start                    */
  int64_t end_due_us;    /* since when the engine could know that the server ended; 0: not  */
  bool whole_sent;       /* the server has the whole body of the latest request          */
  uint32_t rejected_at;  /* ... and has answered 417 to its Expect: end of that in heads   */
};

enum sim_what {
  SIM_ADD, SIM_PAUSE, SIM_RESUME, SIM_STOP, SIM_REMOVE, SIM_READD, SIM_SPEED, SIM_HOLD, SIM_FREE,
  SIM_SPURIOUS, SIM_LOOK, /* nothing: a time at which `look` is called */
  SIM_MORE, /* there are body bytes again */
  SIM_LIMIT, /* an option while it runs: sim_limit_arg */
  SIM_CONNS, /* the engine's: total * 16 + for one host */
  SIM_SLEEP, /* the host's process is stopped for so many microseconds; then deadlines come before events */
  SIM_WAKE, SIM_POLL /* somebody wakes the loop; somebody takes the wakeup */
};

typedef struct {
  int64_t at_us;
  uint32_t order;
  uint8_t what, number; /* enum sim_what; number of the transfer */
  int64_t arg;
} sim_command;

struct sl_loop { sim *sim; };

struct sim {
  uint64_t random;       /* of the run                                                   */
  uint64_t seed;
  uint32_t flags;
  int64_t now_us;
  sl_multi *m;
  CURLM *multi;          /* the C face, or NULL                                          */
  enum sim_drive drive;
  int64_t timer_us;      /* as the program was told                                      */
  bool performed, loop_woken;
  uint32_t in_pause;     /* depth of curl_easy_pause: a replay is no nested delivery (P6) */
  uint32_t loops;        /* sl_loop_new minus sl_loop_free                               */
  sim_origin origins[SIM_ORIGINS_MAX];
  uint32_t origin_count;
  sim_transfer transfers[SIM_TRANSFERS_MAX];
  uint32_t count;
  sim_channel *channels[SIM_CHANNELS_MAX];
  uint32_t channel_count;
  sl_ch last_id;
  sim_command commands[SIM_COMMANDS_MAX];
  uint32_t command_count, command_order;
  /* the host's manners */
  bool moves, moves_out, reads_ahead;
  uint32_t window;       /* socket buffer                                                */
  uint32_t send_max;     /* bytes taken by one send                                      */
  uint32_t channels_max; /* more answer SL_BUSY; 0 = no bound                            */
  int64_t late_us;       /* the loop comes this late, at most                            */
  int64_t sleep_us;      /* it is stopped for so long in one go, at most                 */
  int64_t asleep_us, woke_us; /* the latest such time, and its end                       */
  bool other_alpn;       /* TLS agrees on a protocol nobody asked for                    */
  uint32_t fail_call;    /* this call of the door fails; 0 = none                        */
  uint32_t fail_chance;  /* ... and each with this chance in 1024 until it is calm       */
  uint32_t busy;         /* opening finds no room, with this chance, until it is calm    */
  uint32_t calls;
  bool looking;          /* a check is on: it does not count as a call                   */
  uint32_t remotes;      /* chance of a remote command in a call of the door             */
  bool dead;             /* the host ended the guest                                     */
  bool woken;            /* a wakeup that nobody has taken                               */
  uint32_t limit_all, limit_host; /* connections                                         */
  uint32_t allowed, allowed_host[SIM_ORIGINS_MAX][2]; /* connections: the limit, or what was open when it shrank */
  enum sim_plant plant;
  /* the run */
  int64_t calm_us;
  bool calm, stopped;
  uint32_t in_user;      /* depth of callbacks                                           */
  uint32_t steps, idle_steps;
  uint64_t progress, progress_seen;
  int64_t second_us;     /* begin of the second in which turns are counted               */
  uint32_t second_turns;
  uint64_t second_progress;
  void (*look)(sim *s, sim_transfer *x, int64_t arg);
  void *look_arg;
  /* what came out */
  sl_text trace, script;
  bool violated;
  char message[256];
};

typedef struct {
  bool ok;
  char message[256];     /* the violated invariant                                       */
  char *trace, *script;  /* owned; sim_result_free                                       */
  uint32_t trace_len, script_len;
  uint64_t hash;         /* FNV-1a 64 of the trace                                       */
  uint32_t transfers, steps, commands;
  uint32_t by_code[SIM_CODES];
  uint64_t bytes;
  int64_t virtual_us;
} sim_result;

/* What is left out of a scenario: shrink.c says what the ids mean. */
#define SIM_EDITS_MAX 512
typedef struct {
  uint32_t count, commands; /* commands: of the scenario, told by a run */
  uint32_t ids[SIM_EDITS_MAX];
} sim_edits;

/* Run one seed. 1: all invariants held; 0: out->message says which did not. */
int sim_run(uint64_t seed, uint32_t flags, sim_result *out);
int sim_run_without(uint64_t seed, uint32_t flags, const sim_edits *e, sim_result *out);
/* Into e as much as can be left out of a seed that fails so: how many runs it took. */
uint32_t sim_shrink(uint64_t seed, uint32_t flags, const char *message, sim_edits *e);
void sim_result_free(sim_result *r);

/* For hand-written scenarios: a calm host (no delays, no read-ahead, large buffers, moving nothing), one
 * origin, no transfers. Fill in, sim_play, look at the transfers, sim_free. */
sim *sim_new(uint64_t seed, uint32_t flags);
sim_transfer *sim_transfer_new(sim *s);
/* A 200 with this many bytes and a Content-Length, arriving at once. */
void sim_respond(sim_transfer *x, uint32_t body_len);
/* Its request is a PUT with a body of n bytes, of known length or in chunks. Before sim_transfer_ready. */
void sim_upload_body(sim_transfer *x, uint32_t n, bool known);
/* Redirect number x->hop_count with this status to itself (loop) or to the next; the last hop's origin may be
 * set by the caller behind it. Before sim_transfer_ready. */
void sim_redirect(sim_transfer *x, uint32_t status, const char *location, uint32_t body_len);
/* What the user is to get, NULL: nothing. */
const sim_response *sim_final(const sim_transfer *x);
void sim_number(sim_transfer *x, int option, int64_t value);
void sim_at(sim *s, int64_t after_us, enum sim_what what, uint32_t number, int64_t arg);
/* An option that can change while a transfer runs, with a value of any size. */
int64_t sim_limit_arg(sim *s);
/* Until everything has ended. False: violated. */
bool sim_play(sim *s);
void sim_free(sim *s);

/* Random numbers: below n (n > 0); true with a chance of k in 1024. */
uint64_t sim_random(sim *s);
uint32_t sim_below(sim *s, uint32_t n);
bool sim_chance(sim *s, uint32_t k);
/* Mostly small, up to max: the logarithm is even. */
int64_t sim_some(sim *s, int64_t max);

/* responses.c, requests.c: parts of a scenario. */
enum sim_evil {
  EVIL_NONE, EVIL_GARBAGE, EVIL_STATUS, EVIL_HEADER, EVIL_FOLDED, EVIL_TWO_LENGTHS, EVIL_LENGTH, EVIL_CODING,
  EVIL_CHUNK_SIZE, EVIL_CHUNK_END, EVIL_HUGE_HEAD, EVIL_EXTRA, EVIL_COUNT
};
uint8_t *sim_bytes(sim_transfer *x, uint32_t n, uint64_t salt);
void sim_make_body(sim_transfer *x, uint32_t n);
void sim_make_response(sim *s, sim_transfer *x, enum sim_evil evil);
void sim_make_fault(sim *s, sim_transfer *x);
void sim_make_upload(sim *s, sim_transfer *x);
void sim_make_redirects(sim *s, sim_transfer *x);
void sim_make_file(sim *s, sim_transfer *x);
/* An answer that comes before the body is whole may end the connection under it. */
void sim_early_answer(sim_transfer *x);
/* shrink.c */
void sim_edit(sim *s, const sim_edits *e);
/* words.c: into s->script. */
void sim_describe(sim *s);

/* scenario.c */
void sim_scenario(sim *s);
void sim_allow(sim_transfer *x, CURLcode code);
/* Fill in what a transfer needs before it can be added (options and URL). */
void sim_transfer_ready(sim_transfer *x);

/* user.c */
sim_transfer *sim_of(const sl_transfer *t);
extern const sl_user sim_user;
int32_t sim_write(sl_transfer *t, enum sl_part part, const char *data, uint32_t n);
int32_t sim_user_ready(sl_transfer *t);
bool sim_user_rewind(sl_transfer *t);

/* play.c: commands, as they are and from inside callbacks */
void sim_add(sim *s, sim_transfer *x);
void sim_take_out(sim *s, sim_transfer *x);
void sim_pause(sim_transfer *x, uint32_t mask, enum sl_by by);
void sim_stop(sim_transfer *x, enum sl_cause cause);
void sim_set_limit(sim_transfer *x, int64_t arg);
void sim_wake(sim *s);

/* face.c: the C face */
void sim_use_easy(sim *s, enum sim_drive drive);
void sim_easy_new(sim_transfer *x);
void sim_easy_ready(sim_transfer *x);
void sim_easy_pause(sim_transfer *x, uint32_t mask);
void sim_easy_forbidden(sim *s, sim_transfer *x);
CURLMcode sim_easy_add(sim *s, sim_transfer *x);
void sim_easy_remove(sim *s, sim_transfer *x);
void sim_easy_limit(sim_transfer *x, int option, int64_t value);
void sim_easy_connections(sim *s, long all, long host);
void sim_easy_wake(sim *s);
void sim_easy_take_wakeup(sim *s);
void sim_easy_lie(sim *s);
/* A turn of the program's loop, which may sleep until then. False: it has nothing to do now. */
bool sim_easy_turn(sim *s, int64_t until_us);
/* After each step: ends are read, what was told is looked at. */
void sim_easy_settled(sim *s);
void sim_easy_end(sim *s);

/* plants.c */
const char *sim_plant_message(uint32_t plant);
void sim_plant_step(sim *s);

/* remote.c */
void sim_remote_begin(sim *s, sim_transfer *x); /* x is to be added       */
void sim_remote_act(sim *s);                    /* in a call of the door  */
void sim_remote_calm(sim_transfer *x);
void sim_check_remote(sim *s, sim_transfer *x); /* x's user is called     */

/* host.c */
sim_channel *sim_channel_find(sim *s, sl_ch id);
void sim_channel_drop(sim *s, sim_channel *c);
/* Events that a host would tell of a channel now. */
uint32_t sim_channel_events(const sim *s, const sim_channel *c);
/* Bytes the host can give at once. */
uint32_t sim_channel_unread(const sim *s, const sim_channel *c);
void sim_set_current(sim *s);
sim *sim_current(void);
/* These events are told: what follows from that in the host. */
void sim_channel_told(sim *s, sim_channel *c, uint32_t events);

/* server.c */
void sim_server_sent(sim *s, sim_channel *c); /* bytes were added to c->request */
void sim_server_opened(sim *s, sim_channel *c); /* of a file */
void sim_server_end_send(sim *s, sim_channel *c);
void sim_server_taken(sim *s, sim_channel *c); /* bytes were received            */
void sim_server_tick(sim *s, sim_channel *c);  /* c's time has come              */
int64_t sim_server_next_us(const sim_channel *c);

/* invariants.c */
void sim_violate(sim *s, const sim_transfer *x, const char *what, int64_t a, int64_t b);
void sim_trace(sim *s, uint32_t number, char letter, int64_t a, int64_t b);
void sim_trace_hook(void *arg, const sl_transfer *t, enum sl_trace_kind kind, int64_t a, int64_t b);
void sim_check_write(sim *s, sim_transfer *x, enum sl_part part, const char *data, uint32_t n);
void sim_check_done(sim *s, sim_transfer *x);
/* A body callback is called. */
void sim_check_read(sim *s, sim_transfer *x);
void sim_check_step(sim *s);
void sim_check_end(sim *s);
/* The pause state of x may have changed. */
void sim_note_pause(sim *s, sim_transfer *x);

#endif
