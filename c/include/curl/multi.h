/* Sluice: programs that include <curl/multi.h> get the whole C face from curl.h. */
#ifndef SLUICE_CURL_MULTI_H
#define SLUICE_CURL_MULTI_H
#include "curl.h"
#endif
