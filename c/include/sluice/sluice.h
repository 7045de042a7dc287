/* sluice/sluice.h: what the C face has beyond libcurl: options and infos of ours, from number 900 on.
 *
 * They are set and read with curl_easy_setopt and curl_easy_getinfo, like libcurl's own. */
#ifndef SLUICE_SLUICE_H
#define SLUICE_SLUICE_H
#include <curl/curl.h>

/* B9: the longest time a transfer may stay paused, and the longest silence of a peer while bytes are wanted.
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

#endif
