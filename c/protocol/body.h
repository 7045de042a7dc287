/* body.h: a body that needs no framing on its channel (an exchange, a file): bytes between the channel and the
 * user of its one guest, by the host's short way where there is one. Owns nothing. */
#ifndef SLUICE_BODY_H
#define SLUICE_BODY_H
#include "protocol.h"

/* Up to max bytes to the user, counted and charged: > 0, 0 at the channel's end, SL_AGAIN (the user refused or
 * failed, too), or a code. `in` is empty before and after. */
int32_t sl_body_receive(sl_conn *c, sl_transfer *t, uint32_t max);
/* More of the user's body into the channel, as far as pause and rate allow: > 0, 0 when the body has ended and
 * all of it went, SL_AGAIN, or a code. *full: the channel takes no more now. */
int32_t sl_body_send(sl_conn *c, sl_transfer *t, bool *full);

/* Whether body bytes for t may take the host's short way. */
bool sl_body_moves(const sl_conn *c, const sl_transfer *t);
/* Let the host hand up to max bytes to t's sink: as sl_move, SL_NOSYS when this way is closed. A sink that refused or failed
 * has paused or stopped t when this returns: SL_AGAIN. */
int32_t sl_body_move(sl_conn *c, sl_transfer *t, uint32_t max);
/* Let the host take up to max bytes from t's source: as sl_move_out, SL_NOSYS when this way is closed. */
int32_t sl_body_move_out(sl_conn *c, sl_transfer *t, uint32_t max);

#endif
