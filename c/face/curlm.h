/* curlm.h: what the multi interface's own files share: the handle behind CURLM *.
 *
 * curlm.c has what every file asks of the handle, curl_multi.c its life and the two ways to be driven by waiting (perform,
 * poll), curl_socket.c and curl_fds.c the way of programs that watch descriptors themselves (socket_action, fdset, waitfds),
 * curl_notify.c notifications, curl_multi_set.c options. The engine knows none of them: it
 * calls `watch` and `settle` of multi.h where these have set them. */
#ifndef SLUICE_CURLM_H
#define SLUICE_CURLM_H
#include "handle.h"
#include "../engine/multi.h"

#define SL_CURLM_MAGIC 0x736c756du
#define SL_TOLD_NOTHING (-1) /* the timer callback is owed a call whatever the deadline */

struct sl_sock;
struct sl_watched;

typedef struct sl_curlm {
  /* These three do not change between init and cleanup: curl_multi_wakeup reads them from any thread. */
  uint32_t magic;
  sl_multi *engine;
  sl_loop *loop; /* engine's */
  curl_socket_callback socket_fn;
  curl_multi_timer_callback timer_fn;
  curl_notify_callback notify_fn;
  void *socket_data, *timer_data, *notify_data;
  bool dead;                 /* X7: a socket or timer callback answered -1                */
  bool died;                 /* ... in the call that is on                                */
  bool notifying;            /* inside a notify callback (X11)                            */
  bool unread;               /* INFO_READ is to be told                                   */
  uint32_t notify_mask;      /* 1 << CURLMNOTIFY_*                                        */
  sl_easy *notify_first, *notify_last; /* EASY_DONE is to be told                         */
  CURL *self;                /* sl_curlm_self                                             */
  /* curl_socket.c */
  struct sl_sock **by_fd;    /* what was announced, by descriptor                         */
  size_t by_fd_cap;
  struct sl_sock *loop_sock; /* the loop's descriptor, while names are looked up or there are remotes */
  uint32_t lookups;          /* connections that wait for it                              */
  sl_timers due;             /* of those that connect                                     */
  struct sl_watched *changed_first, *changed_last, *unsettled_first, *unsettled_last;
  int64_t told_us;           /* deadline the timer callback knows, or SL_TOLD_NOTHING     */
  int64_t progress_us;       /* G2: when the next progress calls are due, SL_NEVER: none  */
} sl_curlm;

/* NULL when it is not a handle. */
sl_curlm *sl_curlm_of(CURLM *handle);
/* X6: what most functions look at first. */
CURLMcode sl_curlm_check(const sl_curlm *c);
/* G2: progress callbacks are owed a call in the next run; whether there are any. */
bool sl_curlm_owe_progress(sl_multi *m);
/* Look at the host without waiting, and run. */
void sl_curlm_pump(sl_curlm *c);
/* The end of a call that may have changed something: sockets, notifications and timer are told. */
CURLMcode sl_curlm_finish(sl_curlm *c);
/* X11: e has ended / leaves: curl_notify.c. */
void sl_curlm_done(sl_easy *e);
void sl_curlm_leaves(sl_easy *e);
/* X11: what was not told yet, is. */
void sl_curlm_notify(sl_curlm *c);
/* X7. */
void sl_curlm_die(sl_curlm *c);

/* The handle that stands for the multi itself, for what belongs to no transfer: INFO_READ, the loop's own
 * descriptor, the sockets of connections that are draining. NULL when memory is short. */
CURL *sl_curlm_self(sl_curlm *c);

/* curl_socket.c: begin to tell of descriptors (again), for CURLMOPT_SOCKETFUNCTION. */
void sl_curlm_watch(sl_curlm *c);
/* The host has looked at all channels (sl_wait): those that connect may have other descriptors now. */
void sl_curlm_waited(sl_curlm *c);
/* Tell of what has changed. */
void sl_curlm_settle(sl_curlm *c);
void sl_curlm_tell_timer(sl_curlm *c);
/* When curl_multi_perform or socket_action is due by the clock: as sl_multi_next_us. */
int64_t sl_curlm_next_us(const sl_curlm *c);
/* Whether any descriptor is waited for. */
bool sl_curlm_has_sockets(const sl_curlm *c);
void sl_curlm_unwatch(sl_curlm *c);

#endif
