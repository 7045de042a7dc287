/* server.h: a small HTTP/1.1 server on 127.0.0.1, in threads of the test program. Keeps connections alive.
 *
 * Paths (HEAD gets the same head and no body):
 *   /length/N        N bytes with content-length
 *   /chunked/N       N bytes in chunks of at most 1000, with a trailer line "X-Trailer: yes"
 *   /close/N         N bytes until the connection closes
 *   /short/N         announces 2 N, sends N, closes
 *   /stall/N         announces 2 N, sends N, then nothing
 *   /dribble/N/MS    N times 100 bytes with content-length, MS milliseconds before each
 *   /status/CODE     an answer with this status; 204 and 304 without a body, others "status"
 *   /early           103 with a link, then 200 "early"
 *   /hang            no answer
 *   /gone            closes without an answer
 *   /echo            the request's body
 *   /expect/MS       100 after MS milliseconds, then as /echo
 *   /first/CODE      as /status, sent before the request's body is read
 *   /refuse/CODE     the same, and the body is never read: the sending side is shut down
 *   /to/CODE/REF     this status with "Location: REF" and the body "away"
 *   /login           "in" to a request with Basic credentials; to others a 401 that offers Digest and Basic
 *   /login/digest    the same, but it offers Digest only
 *   /range/N         N bytes, or what of them a Range "bytes=FROM-" asks for; 416 "none" when that is none
 *   /range/N/LIE     the same, its Content-Range being LIE bytes off
 * Byte i of every generated body is server_byte(i). Every wait in here ends with server_stop. */
#ifndef SLUICE_TEST_SERVER_H
#define SLUICE_TEST_SERVER_H
#include <stddef.h>

typedef struct server server;

/* Listening when it returns, or NULL. */
server *server_start(void);
/* Close everything and wait for the threads. */
void server_stop(server *s);
int server_port(const server *s);
/* Connections accepted so far. */
unsigned server_connections(server *s);
/* The latest request head, cut to fit, zero-ended. */
void server_request(server *s, char *buf, size_t size);
char server_byte(size_t i);
/* Requests begun so far. */
unsigned server_requests(server *s);
/* The latest request's body as far as it came: its size, the first bytes of it in buf. */
size_t server_body(server *s, char *buf, size_t size);
/* The trailer lines behind it, each ended by LF. */
void server_trailers(server *s, char *buf, size_t size);

#endif
