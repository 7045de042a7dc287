/* posix_fds.h: what the POSIX host has beyond host.h: descriptors. Natively only.
 *
 * The C face uses it for curl_multi_poll, fdset, waitfds and socket callbacks; the engine never does.
 * Hosts without descriptors that serve the C face (simulator, wasm) provide sl_wait_fds too and answer
 * SL_NOSYS when extra_n > 0; with extra_n 0 it is their sl_wait. Their sl_socket_of answers -1. */
#ifndef SLUICE_POSIX_FDS_H
#define SLUICE_POSIX_FDS_H
#include <curl/curl.h>
#include <sluice/host.h>

/* sl_wait, and also until one of the caller's descriptors is ready. extra[i].events holds CURL_WAIT_POLLIN,
 * POLLPRI, POLLOUT; extra[i].revents is written for every i unless a code is answered; *extra_ready becomes
 * how many of them are not 0. An error or hangup at a descriptor counts as everything it was
 * asked for; a descriptor that is asked for nothing, or below 0, is not looked at.
 * The answer counts events of channels and wakes only: 0 with *extra_ready > 0 is not a timeout. */
int32_t sl_wait_fds(sl_loop *loop, sl_event *ev, uint32_t cap, int64_t timeout_us, struct curl_waitfd *extra,
                    unsigned int extra_n, int *extra_ready);

/* The channel's descriptor, borrowed. While it connects: the newest attempt's, to be waited on for writing;
 * it may change at every sl_wait. -1: none (name lookup, gone, unknown channel). */
int sl_socket_of(sl_ch ch);

/* CURLOPT_OPENSOCKETFUNCTION, SOCKOPTFUNCTION, CLOSESOCKETFUNCTION with their arguments, each NULL when not set. Called
 * between inside(arg, 1) and inside(arg, -1), from sl_open, sl_wait, sl_look and sl_close. */
typedef struct {
  curl_opensocket_callback open;
  curl_sockopt_callback ready;
  curl_closesocket_callback close;
  void *open_arg, *ready_arg, *close_arg;
  void (*inside)(void *arg, int by);
  void *inside_arg;
} sl_fd_hooks;

/* For the channels opened from now on; each keeps a copy until it is closed. A socket that is not opened is
 * SL_REFUSED, one that is not ready SL_CANCELED (for that channel alone). */
void sl_loop_hooks(sl_loop *loop, const sl_fd_hooks *hooks);

/* For a program that watches descriptors itself, in place of sl_wait. */

typedef struct {
  int fd;
  uint32_t events; /* SL_IN | SL_OUT: what to wait for */
} sl_fd;
#define SL_FDS_MAX 16 /* descriptors one channel has at most */

/* What the next sl_wait would watch for this channel: how many, at most cap. While its name is looked up that is
 * the loop's own descriptor. *due_us: when at the latest sl_look must be called whatever they say; 0 = now. */
uint32_t sl_fds_of(sl_ch ch, sl_fd *fds, uint32_t cap, int64_t *due_us);
/* What sl_wait would tell of this channel now (enum sl_event_bits); does not wait, looks at no other channel. */
uint32_t sl_look(sl_ch ch);
/* The descriptor that sl_wake and finished lookups make readable. */
int sl_loop_fd(const sl_loop *loop);
/* It was readable: empty it, let the lookups' channels go on. SL_WOKEN when sl_wake was called, told once. */
uint32_t sl_look_loop(sl_loop *loop);

#endif
