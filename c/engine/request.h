/* request.h: what a transfer asks for: method, body, and where a redirect leads.
 *
 * Part of a transfer (transfer.h), which owns the fields; apart because protocols ask here what to send. The
 * options say what the caller wants; a redirect may change method, URL and whether credentials may go along.
 *
 * Body: taken from the user by read (a copy), or by the host itself (ready, then sl_move_out). Its size is
 * known (send_total) or not (-1). R1: a user that gives less or more than announced ends the transfer with 26.
 *
 * Redirect: noted when the head is seen (sl_request_location), made when the response is out of the way
 * (sl_request_hop). Rules by status: 301 and 302 make a POST a GET, 303 makes everything but HEAD a GET, unless
 * POSTREDIR says otherwise; a custom method's word stays under CURLFOLLOW_ALL, its body goes all the same; 307 and
 * 308 keep method and body. A 417 to an Expect of ours repeats the request without it, once. To
 * another scheme, host or port the caller's credentials and cookies do not go (unless UNRESTRICTED_AUTH). */
#ifndef SLUICE_REQUEST_H
#define SLUICE_REQUEST_H
#include "transfer.h"

/* A redirect's body up to this size is read out to keep the connection; a larger one closes it. Bytes. */
#define SL_REDIRECT_BODY_MAX 65536

/* A start: nothing sent, nothing redirected. */
void sl_request_begin(sl_transfer *t);
void sl_request_clear(sl_transfer *t);

/* The URL it goes to now, without credentials, as text. */
void sl_request_url(const sl_transfer *t, sl_text *text);
const char *sl_request_method(const sl_transfer *t);
bool sl_request_has_body(const sl_transfer *t);
/* All of an announced size is out: the user has not to be asked, so neither rate nor pause matters. One of nothing is asked
 * for all the same, once, by `ready`: a source that has something then fails, as any that is larger than announced (R1). */
bool sl_request_body_gone(const sl_transfer *t);
/* Whether a server that gets the request twice does the same as one that gets it once (RFC 9110, 9.2.2). Any other one is
 * not repeated by itself when it may have been received. */
bool sl_request_idempotent(const sl_transfer *t);
/* Of a file URL: whether it is written. */
bool sl_request_writes_file(const sl_transfer *t);
/* Whether the request still goes to the scheme, host and port it began with. */
bool sl_request_at_home(const sl_transfer *t);
/* Whether the caller's credentials and cookies may go to where the request goes now. */
bool sl_request_trusted(const sl_transfer *t);

/* Up to cap bytes of the body into buf: > 0; 0 = the end; SL_AGAIN = not now (the user pauses, or has none
 * yet); SL_SINK_FAILED = the transfer was stopped. Never more than the announced size. */
int32_t sl_request_read(sl_transfer *t, char *buf, uint32_t cap);
/* How many bytes the user has for sl_move_out now: the same answers, and SL_NOSYS for users that only read. */
int32_t sl_request_ready(sl_transfer *t);
/* n bytes were moved out by the host. */
void sl_request_moved(sl_transfer *t, uint32_t n);
/* The body from its start again (R7): false when the user cannot; then the transfer was stopped with 65.
 * message: what is said then, unless the user said more. */
bool sl_request_rewind(sl_transfer *t, const char *message);

/* A 3xx head has this Location. Whether it will be followed. */
bool sl_request_location(sl_transfer *t, const char *value, size_t n);
/* That head was told: stops the transfer when there were too many. */
void sl_request_location_told(sl_transfer *t);
/* A 417: the same again without Expect, when this is the first. */
void sl_request_without_expect(sl_transfer *t);
/* A 401 head has this WWW-Authenticate: what it offers is noted (login_offered, CURLAUTH_* bits). */
void sl_request_challenge(sl_transfer *t, const char *value, size_t n);
/* The same again with the credentials that waited to be asked for (CURLOPT_HTTPAUTH), when this is the first. */
void sl_request_with_login(sl_transfer *t);
/* The head has this Content-Range. */
void sl_request_content_range(sl_transfer *t, const char *value, size_t n);
/* CURLOPT_RESUME_FROM: whether this final head leads to the rest that was asked for. False: stopped with 33. */
bool sl_request_resumed(sl_transfer *t);
/* Go there: t has no connection any more and is PENDING. False: it was stopped. */
bool sl_request_hop(sl_transfer *t);

#endif
