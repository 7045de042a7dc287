/* curl/websockets.h: libcurl's websocket calls. Not there: CURLE_NOT_BUILT_IN and NULL. Part of curl/curl.h. */
#ifndef SLUICE_CURL_WEBSOCKETS_H
#define SLUICE_CURL_WEBSOCKETS_H
#include <curl/curl.h>

#ifdef __cplusplus
extern "C" {
#endif

struct curl_ws_frame {
    int age;
    int flags;
    curl_off_t offset;
    curl_off_t bytesleft;
    size_t len;
};

#define CURLWS_TEXT    (1 << 0)
#define CURLWS_BINARY  (1 << 1)
#define CURLWS_CONT    (1 << 2)
#define CURLWS_CLOSE   (1 << 3)
#define CURLWS_PING    (1 << 4)
#define CURLWS_OFFSET  (1 << 5)
#define CURLWS_PONG    (1 << 6)

CURL_EXTERN CURLcode curl_ws_recv(CURL *curl, void *buffer, size_t buflen, size_t *recv, const struct curl_ws_frame **meta);
CURL_EXTERN CURLcode curl_ws_send(CURL *curl, const void *buffer, size_t buflen, size_t *sent, curl_off_t fragsize,
                                  unsigned int flags);
CURL_EXTERN CURLcode curl_ws_start_frame(CURL *curl, unsigned int flags, curl_off_t frame_len);
CURL_EXTERN const struct curl_ws_frame *curl_ws_meta(CURL *curl);

#ifdef __cplusplus
}
#endif

#endif
