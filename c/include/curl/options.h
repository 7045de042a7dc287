/* curl/options.h: looking options up by name, by number, or one after the other. Part of curl/curl.h. */
#ifndef SLUICE_CURL_OPTIONS_H
#define SLUICE_CURL_OPTIONS_H
#include <curl/curl.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
    CURLOT_LONG = 0,
    CURLOT_VALUES = 1,    /* a long of named values or bits */
    CURLOT_OFF_T = 2,
    CURLOT_OBJECT = 3,    /* a pointer to what the option's description says */
    CURLOT_STRING = 4,
    CURLOT_SLIST = 5,
    CURLOT_CBPTR = 6,     /* a callback's own pointer */
    CURLOT_BLOB = 7,
    CURLOT_FUNCTION = 8
} curl_easytype;

#define CURLOT_FLAG_ALIAS (1 << 0)  /* an older name: id is that of the option of today's name */

struct curl_easyoption {
    const char *name;   /* without "CURLOPT_" */
    CURLoption id;
    curl_easytype type;
    unsigned int flags;
};

/* Constants that nobody frees, NULL when there is none. That an option has a name does not say that it can be set:
 * curl_easy_setopt says that. Names in any case. next(NULL) is the first; the order means nothing. */
CURL_EXTERN const struct curl_easyoption *curl_easy_option_by_name(const char *name);
CURL_EXTERN const struct curl_easyoption *curl_easy_option_by_id(CURLoption id);
CURL_EXTERN const struct curl_easyoption *curl_easy_option_next(const struct curl_easyoption *prev);

#ifdef __cplusplus
}
#endif

#endif
