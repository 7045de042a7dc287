/* spec.h: the open spec of a transfer: the text that the host is given to open a channel (host.h has its grammar). */
#ifndef SLUICE_SPEC_H
#define SLUICE_SPEC_H
#include "../engine/model.h"
#include "table.h"

/* Compose the open spec of a transfer (host.h has its grammar). */
CURLcode sl_spec_compose(const sl_transfer *t, const sl_scheme *scheme, sl_text *spec);

#endif
