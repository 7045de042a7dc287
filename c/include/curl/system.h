/* curl/system.h: the types that depend on the system. Part of curl/curl.h. */
#ifndef SLUICE_CURL_SYSTEM_H
#define SLUICE_CURL_SYSTEM_H

#include <inttypes.h>
#include <stdint.h>

typedef int64_t curl_off_t;  /* bytes, or bytes per second */
#define SIZEOF_CURL_OFF_T        8
#define CURL_TYPEOF_CURL_OFF_T   int64_t
#define CURL_FORMAT_CURL_OFF_T   PRId64
#define CURL_FORMAT_CURL_OFF_TU  PRIu64
#define CURL_OFF_T_C(number)     INT64_C(number)

#endif
