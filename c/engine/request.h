/* request.h: what a transfer asks for: method, URL, whether there is a body, who may see credentials. Questions only: they
 * change nothing, but for sl_request_begin and _clear.
 *
 * The options say what the caller wants; a redirect (redirect.h) may have changed method and URL. To another scheme, host or
 * port the caller's credentials and cookies do not go (unless UNRESTRICTED_AUTH). The body itself: upload.h. */
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
