/* receive.h: what a protocol says to a transfer about its response: head, body, end. */
#ifndef SLUICE_RECEIVE_H
#define SLUICE_RECEIVE_H
#include "model.h"
/* A head (interim or final) or trailers, as text with every line's end. Result: go on or stop reading. */
enum sl_gate_result sl_in_head(sl_transfer *t, enum sl_part part, const char *text, uint32_t n);
/* The final head was told: the body begins. recv_total is set before a head is told (U5). kept: when the body was read, its
 * connection can be used again. False: it was stopped, or goes elsewhere at once. */
bool sl_in_head_end(sl_transfer *t, bool has_body, bool kept);
enum sl_gate_result sl_in_body(sl_transfer *t, const char *data, uint32_t n);
/* n body bytes went by sl_move: count them. */
void sl_in_moved(sl_transfer *t, uint32_t n);
/* The response is complete. While t does not take, it is not (W9): to be said again when it does. */
void sl_in_end(sl_transfer *t);
/* The head has this Content-Range. */
void sl_in_content_range(sl_transfer *t, const char *value, size_t n);
/* CURLOPT_RESUME_FROM: whether this final head leads to the rest that was asked for. False: stopped with 33. */
bool sl_in_resumed(sl_transfer *t);

#endif
