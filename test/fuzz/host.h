/* host.h: the door (sluice/host.h, posix_fds.h) for fuzzers: virtual time, descriptors that are numbers, and a server
 * that the fuzzer brings. Nothing is random: what happens follows from the calls and from the server.
 *
 * Not the simulator's host: that one's servers answer scenarios that are right by construction and checks requests
 * against them, here bytes are hostile and both faces of the engine (C and embed.h) go over it.
 *
 * One run: fuzz_begin, transfers, fuzz_end, which fails when anything is still open. Every failed expectation ends the
 * process by fuzz_fail, for libFuzzer to keep the input. */
#ifndef FUZZ_HOST_H
#define FUZZ_HOST_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sluice/host.h>
#include "engine/text.h"

#define FUZZ_CHANNELS_MAX 32
#define FUZZ_FD_FIRST 10      /* of channels, in order of their slots */
#define FUZZ_FD_LOOP 3
#define FUZZ_WAITS_MAX 2000   /* waits in a row in which neither time nor anything else moves: a busy loop */
#define FUZZ_NEVER INT64_MAX

typedef struct {
  sl_ch id;             /* 0: the slot is free                                       */
  sl_loop *loop;
  uint32_t kind, want;
  bool open, told_open, told_gone, ended, end_send, held;
  int32_t open_code;    /* what opening ends with, 0: it opens                       */
  int32_t broken;       /* it died of this; told when all that arrived is taken      */
  int64_t open_at_us;
  int64_t next_us;      /* the server's next move                                    */
  sl_text in;           /* has arrived; the engine took `taken` of it                */
  size_t taken;
  uint32_t last_recv;
  /* the request that is being read, by fuzz_request_* */
  sl_text out;          /* sent, not understood yet                                  */
  uint8_t reading;      /* 0 head, 1 body of known length, 2 chunked, 3 until END_SEND */
  uint64_t left;
  uint8_t chunk;        /* 0 size line, 1 data, 2 its end, 3 trailers                */
  uint32_t requests;
  /* the server's own */
  uint32_t play, at;    /* which answer, and how far                                 */
  bool playing;
  uint32_t tag;
} fuzz_channel;

/* The server. All may change the channel: add to `in`, set ended, broken, next_us. */
typedef struct {
  void (*opened)(fuzz_channel *c, const char *spec, uint32_t len);     /* sl_open: what becomes of it. NULL: it opens */
  void (*head)(fuzz_channel *c, const char *head, uint32_t n);         /* a request head came whole   */
  void (*body)(fuzz_channel *c, const char *data, uint32_t n);         /* decoded; may be NULL        */
  void (*request)(fuzz_channel *c);                                    /* the request is whole        */
  void (*tick)(fuzz_channel *c);                                       /* next_us has come            */
  /* sl_move and sl_move_out; NULL: SL_NOSYS */
  int32_t (*sink)(uint32_t token, const char *data, uint32_t n);
  int32_t (*source)(uint32_t token, char *data, uint32_t cap);
} fuzz_server;

typedef struct {
  const fuzz_server *server;
  fuzz_channel channels[FUZZ_CHANNELS_MAX];
  sl_ch last_id;
  int64_t now_us;
  uint32_t send_max;    /* bytes one send takes                                      */
  uint32_t recv_max;    /* bytes one receive gives, at most                          */
  uint32_t loops;
  bool woken;           /* the next wait of any loop is woken                        */
  uint32_t channels_max;/* open at once; past it SL_BUSY                             */
  uint64_t progress, seen;
  int64_t seen_us;
  uint32_t waits;
} fuzz_host;

extern fuzz_host host;

void fuzz_begin(const fuzz_server *server);
void fuzz_end(void);
/* The message, where it was; then abort. printf's format. */
_Noreturn void fuzz_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
#define FUZZ_CHECK(condition, ...) ((condition) ? (void)0 : fuzz_fail(__VA_ARGS__))

fuzz_channel *fuzz_channel_find(sl_ch id);
/* Events that are to be told of a channel now. */
uint32_t fuzz_events(const fuzz_channel *c);
/* Time goes on, at most to `until`: to the first thing that happens. */
void fuzz_advance(int64_t until);
/* Bytes that arrived and were not taken. */
size_t fuzz_unread(const fuzz_channel *c);
void fuzz_arrive(fuzz_channel *c, const char *data, size_t n);
/* Every generated body is this; from byte `from` on, at most FUZZ_PIECE_MAX of them. */
#define FUZZ_PIECE_MAX 131072
const char *fuzz_bytes(uint64_t from);

#endif
