/* peer.h: the server of the scenes: HTTP/1.1 on 127.0.0.1, in threads of the program, played by the path of each request.
 *
 * A path is a list of steps, done in order. Behind the last one the connection is kept for the next request:
 *   sCODE       the status of the heads that follow (200)        lN    a head with this content-length
 *   k           a head for a chunked body                        c     a head without framing
 *   toCODE      a redirect to the path that follows, with an empty body; tobCODE: with the body "away"
 *   bN          N bytes of the body, as a chunk when chunked     e     the last chunk; t: with a trailer line
 *   i           100 Continue                                     wMS   wait
 *   u           receive the request's body                       uN    N more bytes of it, as they are on the wire
 *   x           close the connection                             r     close it with a reset
 *   h           nothing more, until the client closes
 * Byte i of a response's body is peer_byte(i). */
#ifndef SLUICE_DIFFERENTIAL_PEER_H
#define SLUICE_DIFFERENTIAL_PEER_H
#include <stdbool.h>
#include <stddef.h>

/* Listening when it returns. It ends with the program. */
void peer_start(void);
int peer_port(void);
char peer_byte(size_t i);

/* What it has seen so far. */
typedef struct {
  unsigned connections, requests, closed; /* accepted; heads received; of the connections, closed by the client */
  size_t uploaded, chunks, sent;          /* of the latest request: body bytes, chunks; body bytes sent         */
  bool expects, damaged;                  /* ... has "Expect: 100-continue"; its body was not the scene's       */
} peer_view;
peer_view peer_seen(void);
/* Whether `view` of what it has seen came true within ten seconds. */
bool peer_saw(bool (*view)(const peer_view *seen));

/* A port on which no connection is accepted any more: connecting takes for ever. */
int peer_full(void);
/* A port on which nobody listens. */
int peer_refusing(void);

#endif
