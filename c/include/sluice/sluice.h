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

/* B16: the longest wait for a free connection in one go, within the multi's limits or the host's; time paused does not
 * count. CURLOPT_CONNECTTIMEOUT runs in that time too (T6). long, milliseconds, 0 = no limit. Past it the transfer ends
 * with CURLE_OPERATION_TIMEDOUT, "Waited N milliseconds for a free connection". */
#define SLUICEOPT_QUEUE_TIMEOUT_MS ((CURLoption)(CURLOPTTYPE_LONG + 902))

/* B20: how CURLOPT_MAX_RECV_SPEED_LARGE and CURLOPT_MAX_SEND_SPEED_LARGE let bytes pass. curl_off_t, bytes. 0: as libcurl
 * does (S1), a second's worth at once each second. Above zero: smoothly, every 50 ms, with so many bytes at once at most:
 * at the start, after a pause, and when the peer was slow before. SLUICE_BURST_DEFAULT: smoothly, with a tenth of a
 * second's worth, at least 32 KiB. Heads count as well. */
#define SLUICEOPT_BURST ((CURLoption)(CURLOPTTYPE_OFF_T + 904))
#define SLUICE_BURST_DEFAULT ((curl_off_t)-1)

/* B11: a stop by the caller (remove, abort, a callback's error, a limit) that leaves at most so many bytes of an HTTP/1
 * response with a Content-Length unread keeps the connection: it reads them out on its own, at once and whatever the
 * rate limits, for at most a second, while the transfer has ended already. curl_off_t, bytes, 0 = close it as ever. */
#define SLUICEOPT_DRAIN_MAX_BYTES ((CURLoption)(CURLOPTTYPE_OFF_T + 905))

/* B18: an option that was refused is not forgotten. libcurl's programs seldom look at what curl_easy_setopt answers, and would go
 * on without what they asked for: without their proxy, with a password in clear, with a whole body behind half a one. So the
 * next curl_easy_perform answers the code that setopt did, and so does the message of a transfer in a multi; nothing is sent, and
 * CURLOPT_ERRORBUFFER has words that name the option, the first of several. It is as if nothing had been refused after
 *  - the option was set to a value that is taken: NULL, 0, or whatever asks for nothing (each option's neutral value);
 *  - curl_easy_reset;
 *  - SLUICEOPT_IGNORE_UNSUPPORTED was set to 1 (long): do without, as one asked for it. 0 brings all of it back.
 * Not for a number that is out of its range (CURLE_BAD_FUNCTION_ARGUMENT): that is libcurl's answer too; the one before stays.
 * A refused text, list or body leaves its option unset (U7). A handle that runs goes on; curl_easy_duphandle copies it all.
 *
 * What libcurl knows and this engine has no use for is taken where leaving it undone does no harm: options of protocols that are
 * not spoken (FTP, SSH, mail, RTSP, TFTP ...), of proxies as long as there is none, tuning (keep-alive probes, cache times,
 * buffer sizes), and every value that asks for nothing. curl_easy_option_next goes through all names. */
#define SLUICEOPT_IGNORE_UNSUPPORTED ((CURLoption)(CURLOPTTYPE_LONG + 908))

/* What the engine does for a transfer, as it does it: for tests, and for whoever wonders. In force from the next start on;
 * with curl_easy_reset it ends.
 *
 * SLUICE_TRACE_STATE   a: life, 0 idle, 1 waiting for a connection, 2 connecting, 3 active, 4 done; b: sending (0 none, 1 head,
 *                      2 waits for a 100, 3 body, 4 ended) * 16 + receiving (0 none, 1 head, 2 body, 3 ended)
 * SLUICE_TRACE_GATE    a: CURLPAUSE_RECV | CURLPAUSE_SEND as they are now; b: SLUICE_BY_* of receiving * 16 + of sending
 * SLUICE_TRACE_WRITE   a: 0 a line of the head, 1 body, 2 trailer; b: bytes that were accepted, below zero: refused
 * SLUICE_TRACE_STOP    why it ends, once. a: 1 complete, 2 the peer, 3 a limit, 4 a callback, 5 removed, 6 aborted, 7 the host,
 *                      8 what it was asked for; b: CURLcode
 * SLUICE_TRACE_OPEN    a: 1 TCP, 2 TLS, 3 an exchange, 4 a file; b: 1 a new connection, 0 one that was kept
 * SLUICE_TRACE_REMOTE  a remote handle's command was seen. a: the whole pause state; b: 1 abort
 * SLUICE_TRACE_LEFT    what a browser does not let through, and was done without. a: 1 CURLOPT_USERAGENT, 2 CURLOPT_MAXREDIRS
 *
 * It must not call anything of libcurl's or Sluice's; what can be refused there is. */
enum sluice_trace_kind {
  SLUICE_TRACE_STATE, SLUICE_TRACE_GATE, SLUICE_TRACE_WRITE, SLUICE_TRACE_STOP, SLUICE_TRACE_OPEN,
  SLUICE_TRACE_REMOTE = 6, SLUICE_TRACE_LEFT = 7
};
typedef void (*sluice_trace_callback)(CURL *easy, int kind, curl_off_t a, curl_off_t b, void *clientp);
#define SLUICEOPT_TRACEFUNCTION ((CURLoption)(CURLOPTTYPE_FUNCTIONPOINT + 906))
#define SLUICEOPT_TRACEDATA ((CURLoption)(CURLOPTTYPE_OBJECTPOINT + 907)) /* its clientp */

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

/* All of these: from any thread, also after curl_easy_cleanup of the transfer. They are short and never block, so there
 * is no reason to cancel a thread inside one, and it must not be: no pthread_cancel may act there, whether asynchronously
 * or at a cancellation point (waking the owner writes to a descriptor, which is one). A command that is cut off half-way
 * stays counted as under way, and the owner waits for it for ever when the transfer leaves its multi; or is never taken
 * off the list it was to be put on, so that no later command of this handle is heard. Threads that may be cancelled
 * disable that around the call (pthread_setcancelstate). */

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
