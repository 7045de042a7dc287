/* request.h: what a transfer asks for: method, body, and where a redirect leads.
 *
 * Part of a transfer (transfer.h), which owns the fields; apart because protocols ask here what to send. The
 * options say what the caller wants; a redirect may change method, URL and whether credentials may go along.
 *
 * Body: taken from the user by read (a copy), or by the host itself (ready, then sl_move_out). Its size is
 * known (send_total) or not (-1). R1: a user that gives less or more than announced ends the transfer with 26.
 *
 * Redirect: noted when the head is seen (sl_redirect_location), made when the response is out of the way
 * (sl_redirect_hop). Rules by status: 301 and 302 make a POST a GET, 303 makes everything but HEAD a GET, unless
 * POSTREDIR says otherwise; a custom method's word stays under CURLFOLLOW_ALL, its body goes all the same; 307 and
 * 308 keep method and body. A 417 to an Expect of ours repeats the request without it, once. To
 * another scheme, host or port the caller's credentials and cookies do not go (unless UNRESTRICTED_AUTH). */
#ifndef SLUICE_REQUEST_H
#define SLUICE_REQUEST_H
#include "model.h"

/* A redirect's body up to this size is read out to keep the connection; a larger one closes it. Bytes. */
#define SL_REDIRECT_BODY_MAX 65536

/* A start: nothing sent, nothing redirected. */
void sl_request_begin(sl_transfer *t);
void sl_request_clear(sl_transfer *t);

/* The URL it goes to now, without credentials, as text. */
void sl_request_url(const sl_transfer *t, sl_text *text);
const char *sl_request_method(const sl_transfer *t);
/* Without a custom one. */
const char *sl_request_plain_method(const sl_options *o);
bool sl_request_has_body(const sl_transfer *t);
/* Whether a server that gets the request twice does the same as one that gets it once (RFC 9110, 9.2.2). Any other one is
 * not repeated by itself when it may have been received. */
bool sl_request_idempotent(const sl_transfer *t);
/* Of a file URL: whether it is written. */
bool sl_request_writes_file(const sl_transfer *t);
/* Whether the request still goes to the scheme, host and port it began with. */
bool sl_request_at_home(const sl_transfer *t);
/* Whether the caller's credentials and cookies may go to where the request goes now. */
bool sl_request_trusted(const sl_transfer *t);

#endif
