/* global.c: what the C face has outside of handles: lists, the version, and a set-up that has nothing to do. */
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include "../engine/text.h"

/* There are no globals to prepare; the calls need not even be paired. */
CURLcode curl_global_init(long flags)
{
  (void)flags;
  return CURLE_OK;
}

void curl_global_cleanup(void) {}

CURLcode curl_global_init_mem(long flags, curl_malloc_callback m, curl_free_callback f, curl_realloc_callback r, curl_strdup_callback s,
                              curl_calloc_callback c)
{
  return m || f || r || s || c ? CURLE_NOT_BUILT_IN : curl_global_init(flags);
}

CURLcode curl_global_trace(const char *config) { return config && *config ? CURLE_NOT_BUILT_IN : CURLE_OK; }

CURLsslset curl_global_sslset(curl_sslbackend id, const char *name, const curl_ssl_backend ***avail)
{
  (void)id, (void)name;
  if (avail) *avail = NULL;
  return CURLSSLSET_NO_BACKENDS;
}

const char *curl_version(void) { return "sluice/" SLUICE_VERSION; }

curl_version_info_data *curl_version_info(CURLversion age)
{
  static const char *const protocols[] = { "file", "http", NULL }, *const features[] = { "IPv6", "Largefile", "threadsafe", "UnixSockets", NULL };
  static const curl_version_info_data about = {
    .age = CURLVERSION_NOW, .version = LIBCURL_VERSION, .version_num = LIBCURL_VERSION_NUM, .host = "sluice", .protocols = protocols,
    .features = CURL_VERSION_IPV6 | CURL_VERSION_LARGEFILE | CURL_VERSION_THREADSAFE | CURL_VERSION_UNIX_SOCKETS, .feature_names = features };
  (void)age;
  return (curl_version_info_data *)(uintptr_t)&about; /* its type has no const, for historical reasons */
}

void curl_free(void *p) { free(p); }

struct curl_slist *curl_slist_append(struct curl_slist *list, const char *data)
{
  struct curl_slist *item = data ? malloc(sizeof *item) : NULL;
  char *copy = item ? sl_copy(data, strlen(data)) : NULL;
  if (!copy) {
    free(item);
    return NULL;
  }
  *item = (struct curl_slist){ .data = copy };
  if (!list) return item;
  struct curl_slist *last = list;
  while (last->next) last = last->next;
  last->next = item;
  return list;
}

void curl_slist_free_all(struct curl_slist *list)
{
  while (list) {
    struct curl_slist *next = list->next;
    free(list->data);
    free(list);
    list = next;
  }
}
