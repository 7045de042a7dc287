/* global.c: what the C face has outside of handles: lists, the version, and a set-up that has nothing to do. */
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include "text.h"

/* There are no globals to prepare; the calls need not even be paired. */
CURLcode curl_global_init(long flags)
{
  (void)flags;
  return CURLE_OK;
}

void curl_global_cleanup(void) {}

const char *curl_version(void) { return "sluice/" SLUICE_VERSION; }

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
