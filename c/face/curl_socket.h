/* curl_socket.h: what curl_socket.c shares with curl_fds.c: descriptors as programs were told of them. */
#ifndef SLUICE_CURL_SOCKET_H
#define SLUICE_CURL_SOCKET_H
#include "curlm.h"

typedef struct sl_sock {
  int fd;
  int what;                 /* CURL_POLL_* as told              */
  bool seen;
  void *socketp;            /* curl_multi_assign                */
  struct sl_watched *owner; /* NULL: the loop's own             */
  struct sl_sock *next;     /* of the same owner                */
} sl_sock;

typedef struct sl_watched {
  sl_conn *conn;
  CURL *easy;               /* who it is for                    */
  sl_sock *socks;
  sl_timer due;             /* when the host must look at it whatever its descriptors say */
  bool changed, unsettled, looks_up;
  struct sl_watched *changed_prev, *changed_next, *unsettled_prev, *unsettled_next;
} sl_watched;

/* Whether there is a socket callback. */
bool sl_curlm_watching(const sl_curlm *c);
/* What was announced of this descriptor, or NULL. */
sl_sock *sl_curlm_sock(const sl_curlm *c, int fd);
/* The host looks at the channel of w: its events go to the engine. */
void sl_curlm_look(sl_curlm *c, sl_watched *w);
/* Calls for each descriptor that is waited for, once each, until it answers false. */
void sl_curlm_each_fd(const sl_curlm *c, bool (*call)(void *arg, int fd, uint32_t events), void *arg);

#endif
