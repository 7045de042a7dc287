/* expiry.h: what it means that a deadline has come: a stop, or that something which waited may go on.
 *
 * clocks.h sets the deadlines. Invariant: after sl_expiry_run no deadline of the transfer is in the past. */
#ifndef SLUICE_EXPIRY_H
#define SLUICE_EXPIRY_H
#include "model.h"
/* A deadline of its timer has come. */
void sl_expiry_run(sl_transfer *t);
/* Limits were changed in the options while it runs. */
void sl_expiry_limits(sl_transfer *t);
/* Act on the deadlines that have passed, now that what waited was taken in (B17). */
void sl_expiry_judge(sl_transfer *t);

#endif
