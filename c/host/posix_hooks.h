/* posix_hooks.h: calls of the program's hooks around descriptors (sl_fd_hooks). Part of the POSIX host.
 *
 * A zero-filled sl_fd_hooks is valid: no hooks. */
#ifndef SLUICE_POSIX_HOOKS_H
#define SLUICE_POSIX_HOOKS_H
#include "posix_fds.h"
#include "resolve.h"

/* The descriptor that h->open (not NULL) answers, made non-blocking, or -1. */
int sl_hooks_open(const sl_fd_hooks *h, const sl_address *to);
/* CURL_SOCKOPT_*: what is to be done with a new descriptor. */
int sl_hooks_ready(const sl_fd_hooks *h, int fd);
/* Close it, or have it closed. */
void sl_hooks_close(const sl_fd_hooks *h, int fd);

#endif
