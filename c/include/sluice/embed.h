/* sluice/embed.h: the engine for whoever owns transfers: the JavaScript face. Wasm exports, one engine per
 * module instance; import module "sluice_app_1".
 *
 * Conventions: a transfer is the pointer sl_embed_new answered. Numbers cross as double, so that no BigInt is
 * made; microseconds and bytes stay below 2^53. Texts cross in the scratch area: sl_embed_scratch(n) answers
 * where n bytes may be written or were written, valid until the next export call. Codes are CURLcode.
 *
 * Exports may be called from inside imports (a callback that pauses, aborts, starts another): they write the
 * wish down, and the run that is on makes it true when the import has returned. From outside, sl_embed_run
 * makes it true; the embedder calls it after any change, and arms one timer from its answer. */
#ifndef SLUICE_EMBED_H
#define SLUICE_EMBED_H
#include <stdint.h>

#ifdef __wasm__
#define SL_EXPORT(name) __attribute__((export_name(#name))) name
#define SL_APP(name) __attribute__((import_module("sluice_app_1"), import_name(#name))) name
#else
#define SL_EXPORT(name) name
#define SL_APP(name) name
#endif

struct sl_embed;

/* Make the engine: 0, or a CURLcode. Once per instance, before anything else. */
int32_t SL_EXPORT(sl_embed_init)(void);
/* Connections at once, at once to one host, idle ones kept, counts; 0 = no limit (idle: the default of 64).
 * Transfers over a limit wait in their order (B16: their total time and SLUICEOPT_QUEUE_TIMEOUT_MS run, CONNECTTIMEOUT not).
 * In force at once. */
void SL_EXPORT(sl_embed_limits)(uint32_t connections, uint32_t per_host, uint32_t idle);
/* Close everything; no import but the door's is called. Nothing happens from inside a run; after it, only
 * sl_embed_ready and sl_embed_run may still be called, and answer -1. */
void SL_EXPORT(sl_embed_close)(void);
/* An area of at least n bytes for texts, NULL when memory is short. */
void *SL_EXPORT(sl_embed_scratch)(uint32_t n);

/* A transfer in IDLE; token is what the imports and sl_move call it. NULL: memory is short. */
struct sl_embed *SL_EXPORT(sl_embed_new)(uint32_t token);
/* Free a transfer that is IDLE or DONE; nothing happens to one that runs. */
void SL_EXPORT(sl_embed_free)(struct sl_embed *e);
/* Settings, in their order: the first n bytes of the scratch area, each "nOPTION=VALUE:" for a number,
 * "tOPTION=LENGTH:text" for a text, "h0=LENGTH:line" for a request header to be added. CURLOPT_* and
 * SLUICEOPT_*, ranges and codes as curl_easy_setopt; the first code that is not 0 ends it. Numbers set while
 * the transfer runs take effect at once (speeds, timeouts, low speed). */
int32_t SL_EXPORT(sl_embed_configure)(struct sl_embed *e, uint32_t n);
/* From now on on_state is called. */
void SL_EXPORT(sl_embed_watch)(struct sl_embed *e);
/* From now on on_trace tells what happens to this transfer. */
void SL_EXPORT(sl_embed_trace)(struct sl_embed *e);

/* Start (IDLE or DONE). A pause set in IDLE holds (B14). */
int32_t SL_EXPORT(sl_embed_start)(struct sl_embed *e);
/* mask: 1 receive, 4 send: the whole new pause state; by: 1 call, 2 callback, 16 the sink is busy (gate.h). In force on
 * return. */
void SL_EXPORT(sl_embed_pause)(struct sl_embed *e, uint32_t mask, uint32_t by);
/* B1, B2: what another thread wants, as its word was seen now: an abort (1), else the whole pause state. In force on
 * return; in IDLE a pause holds for the start. */
void SL_EXPORT(sl_embed_remote)(struct sl_embed *e, uint32_t mask, int32_t abort);
/* Stop with this CURLcode: 42 (or 0): aborted; 63: the caller's limit of bytes; others: what the caller's code made of it, as a
 * callback's failure. Nothing happens to one that is not running. */
void SL_EXPORT(sl_embed_stop)(struct sl_embed *e, int32_t code);

/* There are body bytes again after on_want_body answered SL_AGAIN. */
void SL_EXPORT(sl_embed_more)(struct sl_embed *e);

/* Something happened at a channel (host.h's events), and a run. Answer as sl_embed_run. */
double SL_EXPORT(sl_embed_ready)(int32_t ch, uint32_t events);
/* Do what is to be done. Microseconds on the host's clock at which to call again; 0 = as soon as others had
 * their turn; -1 = no need before an event. */
double SL_EXPORT(sl_embed_run)(void);
/* A turn of the host's event loop has ended since the last call: what came for its channels has been told. A host that calls
 * this calls it once at its start, and then before each sl_embed_run that an answer of 0 asked for. Requests that must not be
 * sent twice then wait two turns before they use a kept connection. */
void SL_EXPORT(sl_embed_turn)(void);
/* K2, K3: remember a wakeup; answer and forget it. */
void SL_EXPORT(sl_embed_wakeup)(void);
int32_t SL_EXPORT(sl_embed_woken)(void);

enum sl_embed_what {
  SL_EMBED_LIFE = 1, SL_EMBED_PAUSED, SL_EMBED_BY_RECV, SL_EMBED_BY_SEND, SL_EMBED_HELD, SL_EMBED_STATUS,
  SL_EMBED_RECEIVED, SL_EMBED_RECEIVE_TOTAL, SL_EMBED_SENT, SL_EMBED_RECEIVE_SPEED, SL_EMBED_SEND_SPEED,
  SL_EMBED_ELAPSED_US, SL_EMBED_PAUSED_US, SL_EMBED_CODE, SL_EMBED_CAUSE, SL_EMBED_REUSED,
  SL_EMBED_HTTP_MINOR, SL_EMBED_RESOLVE_US, SL_EMBED_CONNECT_US, SL_EMBED_TLS_US, SL_EMBED_FIRST_US,
  SL_EMBED_DELIVERED, SL_EMBED_REDIRECTS, SL_EMBED_SEND_TOTAL, SL_EMBED_RUNNING /* of the engine; e is ignored */, SL_EMBED_IDLE_CONNECTIONS /* same */
};
/* One number of a transfer; times of phases are microseconds since its start, -1 where there is none. */
double SL_EXPORT(sl_embed_number)(struct sl_embed *e, uint32_t what);
/* Where in the scratch area these numbers of a transfer are now, NULL when memory is short: ELAPSED_US, RECEIVED,
 * RECEIVE_TOTAL, SENT, SEND_TOTAL, PAUSED_US, HELD, RESOLVE_US, CONNECT_US, TLS_US, FIRST_US, REUSED, REDIRECTS, RECEIVE_SPEED, SEND_SPEED (over the last 3 s). */
#define SL_EMBED_FIGURES 15
double *SL_EXPORT(sl_embed_figures)(struct sl_embed *e);
/* Texts, put into the scratch area; their length. 1: the error message, 2: the peer's address,
 * 3: the URL it went to in the end. */
uint32_t SL_EXPORT(sl_embed_text)(struct sl_embed *e, uint32_t what);

/* Imports: each is caught by the embedder, no exception may cross. */

/* The final response head (interim ones and redirects followed are not told): n bytes of HTTP/1 text at ptr (of a file an empty line), the
 * peer's address, and how many redirects were followed. */
void SL_APP(on_head)(uint32_t token, const char *ptr, uint32_t n, const char *peer, uint32_t peer_n, uint32_t redirects);
/* Trailers, likewise. */
void SL_APP(on_trailers)(uint32_t token, const char *ptr, uint32_t n);
/* Body bytes out of Wasm memory, or an empty body (n is 0, W11): how many were accepted (all or 0), or host.h's
 * SL_SINK_PAUSED, SL_SINK_FAILED. Body bytes that take the host's short way come to the sink from the host, not here. */
int32_t SL_APP(on_body)(uint32_t token, const char *ptr, uint32_t n);
/* How many bytes of the request's body may go out now: > 0; 0 = the end; SL_AGAIN = none yet (sl_embed_more
 * says when); SL_SINK_FAILED. The host takes them by sl_move_out; without that they are asked for by on_read_body. */
int32_t SL_APP(on_want_body)(uint32_t token);
/* Up to cap bytes of the body to ptr: how many, or the same answers. */
int32_t SL_APP(on_read_body)(uint32_t token, char *ptr, uint32_t cap);
/* Give the body from its start again (a redirect, a retry): 1, or 0 when that cannot be. */
int32_t SL_APP(on_rewind)(uint32_t token);
/* The life (state.h) or the pause state of a watched transfer changed; the end is told by on_done alone. */
void SL_APP(on_state)(uint32_t token, uint32_t life);
/* The engine's trace of a transfer: multi.h's enum sl_trace_kind and its two numbers. */
void SL_APP(on_trace)(uint32_t token, uint32_t kind, double a, double b);
/* The end, once for each start. The transfer may be freed or started again from here on. */
void SL_APP(on_done)(uint32_t token, int32_t code);

#endif
