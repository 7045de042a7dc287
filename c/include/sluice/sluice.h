/* sluice/sluice.h: what the C face has beyond libcurl: options and infos of ours, from number 900 on, which are set
 * and read with curl_easy_setopt and curl_easy_getinfo, like libcurl's own; and remote handles. */
#ifndef SLUICE_SLUICE_H
#define SLUICE_SLUICE_H
#include <curl/curl.h>

#ifdef __cplusplus
extern "C" {
#endif

/* B9: the longest time a transfer may stay paused in one go, by whomever but its host (a sink that takes nothing pauses it
 * too), and the longest silence of a peer while bytes are wanted.
 * long, milliseconds, 0 = no limit. Past it the transfer ends with CURLE_OPERATION_TIMEDOUT. */
#define SLUICEOPT_PAUSED_TIMEOUT_MS ((CURLoption)(CURLOPTTYPE_LONG + 900))
#define SLUICEOPT_SILENCE_TIMEOUT_MS ((CURLoption)(CURLOPTTYPE_LONG + 901))

/* B11: a stop by the caller (remove, abort, a callback's error, a limit) that leaves at most so many bytes of an HTTP/1
 * response with a Content-Length unread keeps the connection: it reads them out on its own, at once and whatever the
 * rate limits, for at most a second, while the transfer has ended already. curl_off_t, bytes, 0 = close it as ever. */
#define SLUICEOPT_DRAIN_MAX_BYTES ((CURLoption)(CURLOPTTYPE_OFF_T + 905))

/* B8. long: the directions that are paused now, CURLPAUSE_RECV | CURLPAUSE_SEND. */
#define SLUICEINFO_PAUSED ((CURLINFO)(CURLINFO_LONG + 900))
/* B8. long: who paused the direction, SLUICE_BY_* bits, 0 when it is open. */
#define SLUICEINFO_PAUSED_BY_RECV ((CURLINFO)(CURLINFO_LONG + 901))
#define SLUICEINFO_PAUSED_BY_SEND ((CURLINFO)(CURLINFO_LONG + 902))
/* B4. curl_off_t: body bytes held for this transfer by the engine and its host together. */
#define SLUICEINFO_HELD ((CURLINFO)(CURLINFO_OFF_T + 903))
/* curl_off_t: microseconds spent paused in the current or latest transfer. */
#define SLUICEINFO_PAUSED_TIME_T ((CURLINFO)(CURLINFO_OFF_T + 904))

#define SLUICE_BY_CALL 1L     /* curl_easy_pause                                   */
#define SLUICE_BY_CALLBACK 2L /* a callback refused what it was given              */
#define SLUICE_BY_REMOTE 4L   /* another thread                                    */
#define SLUICE_BY_HOST 8L     /* the host of this guest holds its channel          */

/* B1, B2: a remote handle pauses, resumes and aborts a transfer from another thread.
 *
 * It outlives its transfer and serves wherever that goes: curl_easy_perform, one multi after the other, driven by
 * perform and poll or by curl_multi_socket_action. A command never blocks and may come from a signal handler. It takes
 * effect in the owner's thread, which is woken for it: before the next delivery and in any case with the next turn of
 * its loop, at once when it sleeps in curl_easy_perform or curl_multi_poll. A multi driven by socket_action, fdset or
 * waitfds asks for one descriptor more while one of its handles has a remote.
 *
 * A command given before the first start takes effect when the transfer starts. One given after its end does
 * nothing: the next start forgets it, and so does curl_easy_reset. Otherwise a remote pause is as any other: the owner's
 * curl_easy_pause is the whole state and opens it too (P1), time limits go on. But redirects and retries do not open
 * it, for who gave the command cannot see them (P13 holds for the owner's own pause). */
typedef struct sluice_remote sluice_remote;

/* A handle for this transfer, to be freed by sluice_remote_free; NULL: no handle, or no memory. To be called where any
 * function of the easy handle may be: by its owner's thread, in callbacks too. */
CURL_EXTERN sluice_remote *sluice_remote_new(CURL *easy);

/* All of these: from any thread, also after curl_easy_cleanup of the transfer. */

/* One more reference for somebody else to free. NULL gives NULL. Cannot fail. */
CURL_EXTERN sluice_remote *sluice_remote_dup(sluice_remote *remote);
/* P1: mask is the whole new state: CURLPAUSE_RECV, _SEND, _ALL, or _CONT to resume. The last one written counts. What is
 * held is delivered in the owner's thread. 0, or CURLE_BAD_FUNCTION_ARGUMENT: NULL, or other bits (B10). */
CURL_EXTERN CURLcode sluice_remote_pause(sluice_remote *remote, int mask);
/* Stop: the transfer ends with CURLE_ABORTED_BY_CALLBACK, its connection is closed; nothing more is delivered. 0, also
 * when it had ended; CURLE_BAD_FUNCTION_ARGUMENT: NULL. */
CURL_EXTERN CURLcode sluice_remote_abort(sluice_remote *remote);
/* As curl_multi_wakeup of the multi the transfer is in; in curl_easy_perform the progress callback is called. Nothing
 * when it is in none. 0, or CURLE_BAD_FUNCTION_ARGUMENT: NULL. */
CURL_EXTERN CURLcode sluice_remote_wake(sluice_remote *remote);
/* Give the handle back. NULL is fine. */
CURL_EXTERN void sluice_remote_free(sluice_remote *remote);

#ifdef __cplusplus
}
#endif

#endif
