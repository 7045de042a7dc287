/* Sluice: programs that include <curl/easy.h> get the whole C face from curl.h. */
#ifndef SLUICE_CURL_EASY_H
#define SLUICE_CURL_EASY_H
#include "curl.h"
#endif
