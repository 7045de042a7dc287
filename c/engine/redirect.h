/* redirect.h: where a response leads.
 *
 * It is noted when the head is seen (sl_redirect_location) and followed when the response is out of the way
 * (sl_redirect_hop). Rules by status: 301 and 302 make a POST a GET, 303 makes everything but HEAD a GET, unless
 * POSTREDIR says otherwise; a custom method's word stays under CURLFOLLOW_ALL, but its body goes; 307 and 308 keep method
 * and body. A 417 to an Expect of ours repeats the request without it, once. */
#ifndef SLUICE_REDIRECT_H
#define SLUICE_REDIRECT_H
#include "model.h"
/* A 3xx head has this Location. Whether it will be followed. */
bool sl_redirect_location(sl_transfer *t, const char *value, size_t n);
/* That head was told: stops the transfer when there were too many. */
void sl_redirect_told(sl_transfer *t);
/* A 417: the same again without Expect, when this is the first. */
void sl_redirect_without_expect(sl_transfer *t);
/* A 401 head has this WWW-Authenticate: what it offers is noted (login_offered, CURLAUTH_* bits). */
void sl_redirect_challenge(sl_transfer *t, const char *value, size_t n);
/* The same again with the credentials that waited to be asked for (CURLOPT_HTTPAUTH), when this is the first. */
void sl_redirect_with_login(sl_transfer *t);
/* Go there: t has no connection any more and is PENDING. False: it was stopped. */
bool sl_redirect_hop(sl_transfer *t);

#endif
