/* exchange.h: the protocol of a host that does HTTP by itself; see exchange.c. */
#ifndef SLUICE_EXCHANGE_H
#define SLUICE_EXCHANGE_H
#include "../engine/model.h"

/* What an exchange adds to it: the request. */
void sl_exchange_compose(const sl_transfer *t, sl_text *spec);

#endif
