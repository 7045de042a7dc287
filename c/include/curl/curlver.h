/* curl/curlver.h: versions. LIBCURL_VERSION names the newest libcurl all of whose functions can be called here (what they
 * answer is said where they are declared); the rules that the engine follows are those of the specification, 8.22.
 * SLUICE_VERSION is that of this library. Part of curl/curl.h. */
#ifndef SLUICE_CURL_CURLVER_H
#define SLUICE_CURL_CURLVER_H

#define SLUICE_VERSION         "0.1.0"
#define LIBCURL_VERSION        "8.17.0"
#define LIBCURL_VERSION_MAJOR  8
#define LIBCURL_VERSION_MINOR  17
#define LIBCURL_VERSION_PATCH  0
#define LIBCURL_VERSION_NUM    0x081100
#define LIBCURL_COPYRIGHT      "Sluice's own, see LICENSE"
#define LIBCURL_TIMESTAMP      "2025-11-05"

#define CURL_VERSION_BITS(x, y, z)     ((x) << 16 | (y) << 8 | (z))
#define CURL_AT_LEAST_VERSION(x, y, z) (LIBCURL_VERSION_NUM >= CURL_VERSION_BITS(x, y, z))

#endif
