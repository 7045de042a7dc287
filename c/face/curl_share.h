/* curl_share.h: the handle behind CURLSH *. */
#ifndef SLUICE_CURL_SHARE_H
#define SLUICE_CURL_SHARE_H
#include <curl/curl.h>
#include "../engine/base.h"

/* Whether it is one. */
bool sl_share_of(const void *handle);

#endif
