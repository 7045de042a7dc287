/* unit_functions.c: the version claimed is one whose functions are all there: each is linked by its address. And the small ones
 * that need no network: dates, percent-encoding, printing, option names. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <curl/curl.h>
/* Each header stands by itself too, so that no system's is taken for it. */
#include <curl/curlver.h>
#include <curl/easy.h>
#include <curl/header.h>
#include <curl/mprintf.h>
#include <curl/multi.h>
#include <curl/options.h>
#include <curl/system.h>
#include <curl/urlapi.h>
#include <curl/websockets.h>
#include "support/check.h"

typedef void function(void);
#define F(name) (function *)name

/* libcurl 8.17.0's, in the order of its manual. */
static function *const functions[] = {
  F(curl_easy_cleanup), F(curl_easy_duphandle), F(curl_easy_escape), F(curl_easy_getinfo), F(curl_easy_header), F(curl_easy_init),
  F(curl_easy_nextheader), F(curl_easy_option_by_id), F(curl_easy_option_by_name), F(curl_easy_option_next), F(curl_easy_pause),
  F(curl_easy_perform), F(curl_easy_recv), F(curl_easy_reset), F(curl_easy_send), F(curl_easy_setopt), F(curl_easy_ssls_export),
  F(curl_easy_ssls_import), F(curl_easy_strerror), F(curl_easy_unescape), F(curl_easy_upkeep), F(curl_escape), F(curl_formadd),
  F(curl_formfree), F(curl_formget), F(curl_free), F(curl_getdate), F(curl_getenv), F(curl_global_cleanup), F(curl_global_init),
  F(curl_global_init_mem), F(curl_global_sslset), F(curl_global_trace), F(curl_mime_addpart), F(curl_mime_data),
  F(curl_mime_data_cb), F(curl_mime_encoder), F(curl_mime_filedata), F(curl_mime_filename), F(curl_mime_free), F(curl_mime_headers),
  F(curl_mime_init), F(curl_mime_name), F(curl_mime_subparts), F(curl_mime_type), F(curl_mprintf), F(curl_mfprintf), F(curl_msprintf),
  F(curl_msnprintf), F(curl_mvprintf), F(curl_mvfprintf), F(curl_mvsprintf), F(curl_mvsnprintf), F(curl_maprintf), F(curl_mvaprintf),
  F(curl_multi_add_handle), F(curl_multi_assign), F(curl_multi_cleanup), F(curl_multi_fdset), F(curl_multi_get_handles),
  F(curl_multi_get_offt), F(curl_multi_info_read), F(curl_multi_init), F(curl_multi_notify_disable), F(curl_multi_notify_enable),
  F(curl_multi_perform), F(curl_multi_poll), F(curl_multi_remove_handle), F(curl_multi_setopt), F(curl_multi_socket),
  F(curl_multi_socket_action), F(curl_multi_socket_all), F(curl_multi_strerror), F(curl_multi_timeout), F(curl_multi_wait),
  F(curl_multi_waitfds), F(curl_multi_wakeup), F(curl_pushheader_byname), F(curl_pushheader_bynum), F(curl_share_cleanup),
  F(curl_share_init), F(curl_share_setopt), F(curl_share_strerror), F(curl_slist_append), F(curl_slist_free_all), F(curl_strequal),
  F(curl_strnequal), F(curl_unescape), F(curl_url), F(curl_url_cleanup), F(curl_url_dup), F(curl_url_get), F(curl_url_set),
  F(curl_url_strerror), F(curl_version), F(curl_version_info), F(curl_ws_meta), F(curl_ws_recv), F(curl_ws_send),
  F(curl_ws_start_frame),
};

static void versions(void)
{
  for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) CHECK(API, functions[i]);
  const curl_version_info_data *about = curl_version_info(CURLVERSION_NOW);
  CHECK(API, about && about->version_num == LIBCURL_VERSION_NUM && !strcmp(about->version, LIBCURL_VERSION));
  bool http = false, https = false;
  for (const char *const *p = about->protocols; *p; p++) http |= !strcmp(*p, "http"), https |= !strcmp(*p, "https");
  CHECK(API, http && !https && !(about->features & CURL_VERSION_SSL) && !about->ssl_version); /* natively TLS is not there */
  const curl_ssl_backend **backends = NULL;
  CHECK_EQ(API, curl_global_sslset(CURLSSLBACKEND_OPENSSL, NULL, &backends), CURLSSLSET_NO_BACKENDS);
  CHECK_EQ(API, curl_global_trace("all"), CURLE_NOT_BUILT_IN);
  CHECK(API, !curl_mime_init(NULL) && !curl_url() && !curl_ws_meta(NULL));
  struct curl_header *header;
  CHECK_EQ(API, curl_easy_header(NULL, "a", 0, CURLH_HEADER, -1, &header), CURLHE_NOT_BUILT_IN);
}

static void dates(void)
{
  static const struct { const char *text; long long at; } cases[] = {
    { "Sun, 06 Nov 1994 08:49:37 GMT", 784111777 }, { "Sunday, 06-Nov-94 08:49:37 GMT", 784111777 },
    { "Sun Nov  6 08:49:37 1994", 784111777 }, { "06 Nov 1994 08:49:37", 784111777 }, { "Thu, 01 Jan 1970 00:00:00 GMT", 0 },
    { "29 Feb 2000 00:00:00", 951782400 }, { "29 Feb 2001 00:00:00", -1 }, { "31 Apr 2001 00:00:00", -1 }, { "0 Jan 2001 00:00:00", -1 },
    { "1 Jan 2001 24:00:00", -1 }, { "1 Jan 2001", -1 }, { "Jan 2001 00:00:00", -1 }, { "", -1 }, { "now", -1 },
    { "Tue, 19 Jan 2038 03:14:08 GMT", 2147483648 }, { "1 1 1 Jan 2001 00:00:00", -1 },
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    if (!CHECK_EQ(API, curl_getdate(cases[i].text, NULL), cases[i].at)) fprintf(stderr, "    %s\n", cases[i].text);
  CHECK_EQ(API, curl_getdate(NULL, NULL), -1);
}

static void texts(void)
{
  int n = -1;
  char buffer[4], *text = curl_easy_escape(NULL, "a b/\xff~", 0), *back = curl_easy_unescape(NULL, text, 0, &n);
  CHECK(API, !strcmp(text, "a%20b%2F%FF~") && !strcmp(back, "a b/\xff~") && n == 6);
  curl_free(text);
  curl_free(back);
  back = curl_easy_unescape(NULL, "%00%4%zz%", 0, &n);
  CHECK(API, n == 7 && !memcmp(back, "\0%4%zz%", 8));
  curl_free(back);
  CHECK(API, curl_strequal("aB", "Ab") && !curl_strequal("a", "ab") && curl_strnequal("abc", "ABd", 2) && !curl_strnequal("a", "b", 1));
  CHECK_EQ(API, curl_msnprintf(buffer, sizeof buffer, "%d", 12345), 3);
  CHECK(API, !strcmp(buffer, "123"));
  text = curl_maprintf("%s-%d", "a", 7);
  CHECK(API, !strcmp(text, "a-7"));
  curl_free(text);
}

static void names(void)
{
  size_t count = 0;
  for (const struct curl_easyoption *o = NULL; (o = curl_easy_option_next(o)); count++) {
    CHECK(B18, curl_easy_option_by_name(o->name) == o);
    const struct curl_easyoption *same = curl_easy_option_by_id(o->id);
    CHECK(B18, same && same->id == o->id && (same == o) == !(o->flags & CURLOT_FLAG_ALIAS));
  }
  CHECK(B18, count > 300 && !curl_easy_option_by_name("nope") && !curl_easy_option_by_id((CURLoption)777));
  CHECK(B18, curl_easy_option_by_name("url")->id == CURLOPT_URL && curl_easy_option_by_name("FILE")->id == CURLOPT_WRITEDATA);
}

int main(void)
{
  versions();
  dates();
  texts();
  names();
  return check_result();
}
