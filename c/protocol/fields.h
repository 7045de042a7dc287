/* fields.h: the header fields of a request, whatever protocol carries it: what the options, the URL and a
 * redirect (redirect.h) make of it. Lines are "Name: value" with CR LF behind. */
#ifndef SLUICE_FIELDS_H
#define SLUICE_FIELDS_H
#include "../engine/model.h"

/* All of them but Host and what frames the body or waits for it: credentials, what the options name, and the
 * caller's own, which win. Failures are remembered in `out`. */
void sl_fields_compose(const sl_transfer *t, sl_text *out);
/* Whether the caller's own header lines can be sent. A C program lends its list and may append to it after setopt has looked
 * at it (U7): to be asked before a request is composed. */
bool sl_fields_sound(const sl_transfer *t);
/* Whether credentials go with the request as it is now. */
bool sl_fields_logs_in(const sl_transfer *t);
/* Whether this head is a 401 that asks for credentials which waited to be asked for (CURLOPT_HTTPAUTH with more than Basic). */
bool sl_fields_login_waits(const sl_transfer *t);
/* Whether the caller's own headers speak of this one (to set, empty or remove it). */
bool sl_field_own(const sl_options *o, const char *name);
/* ... and have this one word as its value. */
bool sl_field_own_is(const sl_options *o, const char *name, const char *value);
/* Whether own Transfer-Encoding headers ask for nothing but chunked, or nothing. What frames a body never goes out as the
 * caller wrote it. */
bool sl_fields_frame(const sl_options *o);
/* One line, unless the caller's own headers speak of it or value is NULL. */
void sl_field_add(const sl_options *o, sl_text *out, const char *name, const char *value);
void sl_field_add_host(const sl_transfer *t, sl_text *out);
/* Bytes of the body that a request with one announces, -1 = unknown. */
int64_t sl_fields_body_size(const sl_transfer *t);

#endif
