/* upload.h: the body of a request, from the user to the protocol.
 *
 * It is read by the engine (a copy), or taken by the host itself (ready, then sl_move_out). Its size is known (send_total)
 * or not (-1). R1: a user that gives fewer or more bytes than announced ends the transfer with CURLE_READ_ERROR. */
#ifndef SLUICE_UPLOAD_H
#define SLUICE_UPLOAD_H
#include "model.h"
/* All of an announced size is out: the user has not to be asked, so neither rate nor pause matters. One of nothing is asked
 * for all the same, once, by `ready`: a source that has something then fails, as any that is larger than announced (R1). */
bool sl_upload_gone(const sl_transfer *t);
/* Up to cap bytes of the body into buf: > 0; 0 = the end; SL_AGAIN = not now (the user pauses, or has none
 * yet); SL_SINK_FAILED = the transfer was stopped. Never more than the announced size. */
int32_t sl_upload_read(sl_transfer *t, char *buf, uint32_t cap);
/* How many bytes the user has for sl_move_out now: the same answers, and SL_NOSYS for users that only read. */
int32_t sl_upload_ready(sl_transfer *t);
/* n bytes were moved out by the host. */
void sl_upload_moved(sl_transfer *t, uint32_t n);
/* The body from its start again (R7): false when the user cannot; then the transfer was stopped with 65.
 * message: what is said then, unless the user said more. */
bool sl_upload_rewind(sl_transfer *t, const char *message);

#endif
