/* curl/header.h: libcurl's way to ask for response headers. Not there: CURLHE_NOT_BUILT_IN and NULL; a header callback
 * has every line. Part of curl/curl.h. */
#ifndef SLUICE_CURL_HEADER_H
#define SLUICE_CURL_HEADER_H
#include <curl/curl.h>

#ifdef __cplusplus
extern "C" {
#endif

struct curl_header {
    char *name;
    char *value;
    size_t amount;
    size_t index;
    unsigned int origin;
    void *anchor;
};

#define CURLH_HEADER   (1 << 0)
#define CURLH_TRAILER  (1 << 1)
#define CURLH_CONNECT  (1 << 2)
#define CURLH_1XX      (1 << 3)
#define CURLH_PSEUDO   (1 << 4)

typedef enum {
    CURLHE_OK = 0,
    CURLHE_BADINDEX = 1,
    CURLHE_MISSING = 2,
    CURLHE_NOHEADERS = 3,
    CURLHE_NOREQUEST = 4,
    CURLHE_OUT_OF_MEMORY = 5,
    CURLHE_BAD_ARGUMENT = 6,
    CURLHE_NOT_BUILT_IN = 7
} CURLHcode;

CURL_EXTERN CURLHcode curl_easy_header(CURL *easy, const char *name, size_t index, unsigned int origin, int request,
                                       struct curl_header **hout);
CURL_EXTERN struct curl_header *curl_easy_nextheader(CURL *easy, unsigned int origin, int request, struct curl_header *prev);

#ifdef __cplusplus
}
#endif

#endif
