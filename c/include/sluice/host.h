/* sluice/host.h: the door. What a host lends to the engine, and nothing else crosses.
 *
 * A host is whoever owns sockets, clocks and files: Node.js, a browser's fetch, a plugin host,
 * POSIX, the simulator. The engine above never calls an operating system; given the same answers
 * through this door it does the same things, byte for byte.
 *
 * One kind of thing: the channel. It is opened by text, read, written, waited for and closed.
 *
 *   open ──► (name lookup, connection racing, TLS: the host's own business) ──► SL_OPENED
 *        ──► recv / move / send / move_out while wanted ──► close
 *
 * Rules for hosts
 *  - No call blocks but sl_wait. No call enters the engine, sl_move and sl_move_out excepted: they
 *    call the sink or source of a transfer, which may ask the engine to pause, resume or stop.
 *  - Events are level-triggered hints; a spurious one is allowed, recv and send decide.
 *  - sl_want is the whole truth and takes effect at once. What is not wanted is not polled and not
 *    read ahead. Wanting nothing is a pause: bytes that come all the same are kept, counted
 *    (SL_INFO_HELD, at most SL_HOST_HELD_MAX) and not delivered. Two events are told even so:
 *    SL_OPENED and SL_GONE, the latter only for a channel that never opened or that wants something. What is told of a
 *    channel that wants nothing, and SL_OPENED, SL_HELD and SL_FREE ever, is told once; the rest as long as it holds.
 *  - A channel's id is not given out again before sl_close.
 *  - Buffers are the caller's and are used only during the call. Results below 0 are enum sl_code. A call without a
 *    result cannot fail, and sl_close is served whatever happened.
 *  - What had come before a channel broke is still given: recv answers the code after the last of it.
 *  - Hosts without a short way for bytes answer SL_NOSYS to move and move_out, every time or once.
 *
 * As a Wasm import module the door is "sluice_host_1": pointers and sl_ch are i32, int64_t is i64,
 * sl_loop* is an opaque i32 that the guest chooses (one value per engine), an sl_event is 8 bytes, numbers are
 * little-endian. It is frozen once the HTTP/1 client is complete. Natively the same names are C functions, chosen at
 * link time. */
#ifndef SLUICE_HOST_H
#define SLUICE_HOST_H
#include <stdint.h>

#if defined(__wasm__) && !defined(SL_HOST_LINKED) /* a host linked in: the simulator */
#define SL_HOST(name) __attribute__((import_module("sluice_host_1"), import_name(#name))) name
#else
#define SL_HOST(name) name
#endif

typedef struct sl_loop sl_loop; /* one engine, one owner thread, one clock */
typedef int32_t sl_ch;          /* > 0, chosen by the host                 */

/* What a host may keep of one channel that the engine has not taken, in bytes. */
#define SL_HOST_HELD_MAX 65536
/* What a host may buffer of what the engine sent on one channel, in bytes. */
#define SL_HOST_SEND_MAX 65536
/* What may be unsent of bytes moved out, in bytes: they are the source's, not copies. */
#define SL_HOST_MOVE_MAX 524288

enum sl_kind {
  SL_TCP = 1,   /* a byte stream, TCP or a unix socket                                    */
  SL_TLS,       /* the same inside TLS; the host owns keys and trust                      */
  SL_EXCHANGE,  /* the host does HTTP: one request, which is in the spec and goes out with it, and
                   its response; see below                                                */
  SL_FILE,      /* a file, read or written in order: OPENED or GONE (SL_IO; a directory too).
                   Writing makes it or empties it; after SL_END_SEND recv answers 0 when all
                   that was sent is in the file, or the code of what failed                 */
  SL_DATAGRAM   /* reserved: SL_NOSYS                                                     */
};

enum sl_event_bits {
  SL_OPENED = 1, /* usable: ALPN and addresses are known (exchange: see below)            */
  SL_IN = 2,     /* recv would not answer SL_AGAIN                                        */
  SL_OUT = 4,    /* send would not answer SL_AGAIN                                        */
  SL_GONE = 8,   /* broken, or never came to be: recv or send (before OPENED both) tells why */
  SL_HELD = 16,  /* the host itself stops this channel: the engine treats it as paused. One that is opened
                    meanwhile is told so too. sl_want remains the engine's business             */
  SL_FREE = 32,  /* ... and releases it                                                   */
  SL_WOKEN = 64  /* from sl_wait, with ch 0: somebody called sl_wake (remembered once)    */
};

enum sl_code {
  SL_AGAIN = -1,   /* not now                                                             */
  SL_NOSYS = -2,   /* this host does not do that                                          */
  SL_INVAL = -3,   /* the spec or an argument is malformed: a fault of the caller         */
  SL_NOMEM = -4,
  SL_IO = -5,      /* anything that has no better word                                    */
  SL_BUSY = -6,    /* out of some resource for now: ask again when another channel closed */
  /* these end the channel: no address has that name; none of its addresses could be connected to, for whatever
     reason (or bound, or is of that family); the connection broke; the host's policy does not allow it */
  SL_RESOLVE = -10, SL_REFUSED = -11, SL_RESET = -12, SL_DENIED = -13,
  SL_TLS_FAILED = -20, SL_TLS_VERIFY = -21, SL_TLS_CERT = -22, SL_TLS_CA = -23, SL_TLS_PIN = -24,
  /* these end the guest, for ever: an sl_wait that sleeps answers so at once, and from then on every call does that
     opens, moves bytes or waits */
  SL_CANCELED = -30, SL_QUOTA = -31, SL_DEADLINE = -32,
  /* answers of sl_move only */
  SL_SINK_PAUSED = -40, /* the sink took nothing and is paused now                        */
  SL_SINK_FAILED = -41  /* the sink failed; the engine knows why                          */
};

enum sl_info_what {
  SL_INFO_PHASE = 1, /* text: resolve | connect | tls | open                              */
  SL_INFO_ALPN,      /* text: the protocol agreed on, empty when none                     */
  SL_INFO_PEER,      /* text: "address port", or the path of a unix socket                */
  SL_INFO_LOCAL,     /* text: the same of this end                                        */
  SL_INFO_TLS,       /* text: "version cipher"                                            */
  SL_INFO_TIMES,     /* int64 x 3: microseconds on sl_now_us's clock at which the name was
                        resolved, the stream connected, TLS done; 0 = did not happen      */
  SL_INFO_HEAD,      /* exchange: the response head, as HTTP/1 text; AGAIN until it is here. The
                        version in its status line is the host's to make up: "HTTP/host" is fit */
  SL_INFO_HELD,      /* int64: bytes the host keeps that the engine has not taken         */
  SL_INFO_ERROR,     /* text: the host's own words for why the channel is gone; empty or AGAIN while it is not */
  SL_INFO_SIZE,      /* int64: size of a file, -1 when not known                          */
  SL_INFO_UNSENT,    /* int64 x 2: bytes that sl_send or sl_move_out took and that the host keeps still; those that the
                        peer's system has not got yet, -1 when the host cannot tell. NOSYS: 0 and -1 */
  SL_INFO_LEFT       /* int64: exchange: SL_LEFT_* of the request that the host does not get through, and did without;
                        complete with the head. NOSYS: 0 */
};
enum { SL_LEFT_AGENT = 1, SL_LEFT_REDIRECTS = 2 }; /* User-Agent; the limit on redirects */

enum sl_how {
  SL_FINISH = 0,   /* flush what was sent, then close; the channel is dead for the engine */
  SL_END_SEND = 1, /* nothing more will be sent; the channel stays                        */
  SL_ABORT = 2     /* drop at once (RST, AbortController)                                 */
};

typedef struct {
  sl_ch ch;
  uint32_t events;
} sl_event;

/* Monotonic microseconds; never goes back. */
int64_t SL_HOST(sl_now_us)(sl_loop *loop);
/* Wall clock in milliseconds since 1970; may jump; for dates only. */
int64_t SL_HOST(sl_unix_ms)(sl_loop *loop);
/* n bytes fit for keys; the simulator's are seeded. */
void SL_HOST(sl_random)(sl_loop *loop, void *buf, uint32_t n);

/* Begin to open; returns at once with a channel (until OPENED recv and send answer AGAIN) or a code.
 * spec: lines "key value\n", ASCII, each key once, in the order below, absent when it does not apply:
 *   name HOST     host name or literal address (IPv6 without brackets)
 *   port N        1..65535
 *   unix PATH     connect here instead; name and port are there all the same, and name still rules SNI
 *   local ADDR    bind to this address
 *   family 4|6    only addresses of this family
 *   alpn A,B      TLS: protocols offered, best first
 *   verify 0      TLS: take any certificate
 *   ca WORD       TLS: trust, in the host's own words (a path, a registered name)
 *   cert WORD     TLS: client certificate, likewise
 *   key WORD      TLS: its key, likewise (absent: with the certificate)
 *   path PATH     file: its absolute path as in a file URL: a % and two hex digits stand for a byte, for
 *                 every one but letters, digits and -._~/!$&'()*+,;=:@
 *   mode read|write
 *   method M      exchange: of the request; name, port and what follows them are those of its URL
 *   url URL       exchange: absolute, without credentials
 *   redirect follow  exchange: every redirect is to be followed, up to 20; a host that cannot show them does so itself. Or
 *   redirect counted  fewer than 20 are: one that cannot count does as with `follow`, and says so in SL_INFO_LEFT. One
 *                 that cannot show a redirect it was not to follow ends the channel with SL_NOSYS
 *   body N        exchange: a body of N bytes (-1: not known) comes by send or move_out and ends with END_SEND;
 *                 absent: there is none
 *   header LINE   exchange: "Name: value"; the one key that may come again. Host, what frames the body and what is
 *                 the connection's own are left to the host. One that it cannot send as it is ends the channel
 *                 with SL_NOSYS and words, as anything else in the spec that it would have to leave undone
 * Two transfers may share a channel iff kind and spec are byte-equal: that is the pool's key. Exchanges never do.
 *
 * An exchange
 *  - follows no redirect that it can show, and keeps no cookies: those are the engine's.
 *  - is OPENED as soon as the host knows that the peer is there: it takes the request's body, or the head is here,
 *    or the peer was seen to fail. The connect limit lasts until then, because most hosts cannot tell earlier.
 *  - answers AGAIN to recv and move until the head is here; SL_IN says so. The head is asked for first.
 *  - may decode the body: beside a Content-Encoding the engine believes no Content-Length. So recv answers 0 only
 *    when the host knows that the body is whole; one that stopped before is an error, SL_RESET.
 *  - takes no more of the request's body once the peer has answered and no longer wants it: send answers AGAIN. */
sl_ch SL_HOST(sl_open)(sl_loop *loop, uint32_t kind, const char *spec, uint32_t len);
/* Put TLS on an open stream (after a proxy's answer): 0 or a code, at once; OPENED comes again. */
int32_t SL_HOST(sl_start_tls)(sl_ch ch, const char *spec, uint32_t len);
/* 1..cap bytes, 0 = end (only after every byte was taken), or a code. */
int32_t SL_HOST(sl_recv)(sl_ch ch, void *buf, uint32_t cap);
/* Give back the last n bytes of the latest recv, before the engine returns to the host: they are unread
 * again, n <= its result. 0 or a code. Needed from hosts that offer sl_move only. */
int32_t SL_HOST(sl_unrecv)(sl_ch ch, uint32_t n);
/* Like recv, to the sink of transfer `sink`, at most max bytes of the host's own chunk: the number
 * ACCEPTED (> 0); the rest stays unread. 0 = end; or a code, SL_SINK_* among them: then nothing was accepted, and what
 * was offered stays unread and counts as held, as if the call had not been made. After SL_SINK_PAUSED the engine asks for
 * the same bytes again. After SL_SINK_FAILED it ends the transfer (CURLE_WRITE_ERROR, unless the sink stopped it for
 * another reason) and counts nothing; the channel is not broken by it: most often it is closed, but the
 * engine may first read the rest of the response itself, to keep the connection, and begins with those bytes. */
int32_t SL_HOST(sl_move)(sl_ch ch, uint32_t sink, uint32_t max);
/* Bytes taken (0 < n <= len; the host owns a copy) or a code. Never takes more than leaves
 * SL_HOST_SEND_MAX buffered. SL_RESET ends sending only: the peer may have answered before it closed, so recv and move
 * go on until they have given all that came, and then answer the end or a code. While they answer SL_AGAIN, SL_IN or
 * SL_GONE is still to come. */
int32_t SL_HOST(sl_send)(sl_ch ch, const void *buf, uint32_t len);
/* Like send, from the source of transfer `source`, at most max: bytes taken, AGAIN, or a code. A host may send the
 * source's own bytes, uncopied, and as many turns of them as one run brings (SL_HOST_MOVE_MAX); it begins only while
 * less than SL_HOST_SEND_MAX is unsent. SL_SINK_FAILED: the source failed; the engine ends the transfer with 26. */
int32_t SL_HOST(sl_move_out)(sl_ch ch, uint32_t source, uint32_t max);
/* Length of the answer (may exceed cap: then nothing or a part is written, ask again), AGAIN when it
 * is not known yet, NOSYS when it is nothing that such a channel or this host has. Texts are not zero-ended. */
int32_t SL_HOST(sl_info)(sl_ch ch, uint32_t what, void *buf, uint32_t cap);
/* The whole set of directions (SL_IN | SL_OUT) the engine wants. Takes effect at once. */
void SL_HOST(sl_want)(sl_ch ch, uint32_t events);
/* END_SEND keeps the channel; after FINISH and ABORT ch is dead. */
void SL_HOST(sl_close)(sl_ch ch, uint32_t how);
/* Hosts that can block only: sleep until an event on a channel of this loop, a wake or the timeout
 * (< 0: none; 0: look, do not sleep). Number of events written, <= cap (cap >= 1), a wake being one of
 * them (SL_WOKEN, told once however often it was asked for); 0 after the timeout; or a code. A channel is told of at
 * most once a call, and where there are more than cap the others are first the next time. */
int32_t SL_HOST(sl_wait)(sl_loop *loop, sl_event *ev, uint32_t cap, int64_t timeout_us);

/* Not imports: every C host has them (in Wasm c/host/wasm.c). */

/* A new loop, or NULL. Owned by the caller: sl_loop_free, after its channels were closed. */
sl_loop *sl_loop_new(void);
void sl_loop_free(sl_loop *loop);
/* Any thread, async-signal-safe: the next or current sl_wait returns. Remembered once. Answers 0, or
 * SL_NOSYS where nobody outside can run while this guest waits. */
int32_t sl_wake(sl_loop *loop);

#endif
