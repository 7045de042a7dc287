/* options.h: what a caller asked for, and the one table that says which values an option takes.
 *
 * Both faces set options here: curl_easy_setopt by its varargs, JavaScript through embed.h, with the same
 * CURLOPT numbers, ranges and answers (T8). Owns copies of all strings; callback pointers and data pointers
 * are the caller's. A zero-filled sl_options is not valid: sl_options_init. */
#ifndef SLUICE_OPTIONS_H
#define SLUICE_OPTIONS_H
#include <curl/curl.h>
#include <sluice/sluice.h>
#include "base.h"

/* Where a redirect may lead unless the caller says otherwise. */
#define SL_REDIRECT_PROTOCOLS (CURLPROTO_HTTP | CURLPROTO_HTTPS | CURLPROTO_FTP | CURLPROTO_FTPS)

typedef struct {
  int option;
  CURLcode code;
} sl_refusal;

typedef struct {
  /* strings, owned, NULL when not set. userpwd is "user:password", made of the two whenever one is set;
   * interface_ is a literal address, without libcurl's "host!" before it. */
  char *url, *user_agent, *referer, *custom_request, *range, *interface_, *unix_socket,
      *ca, *cert, *key, *userpwd, *user, *password, *cookie, *own_post, *default_scheme;
  struct curl_slist *headers;        /* borrowed from a C caller ...                      */
  struct curl_slist *own_headers;    /* ... or built by embed.h, owned                    */
  /* numbers; times in milliseconds unless named otherwise, 0 = no limit */
  int64_t timeout_ms, connect_timeout_ms, low_speed_limit, low_speed_time_s;
  int64_t max_recv_speed, max_send_speed, buffer_size, paused_timeout_ms, silence_timeout_ms, queue_timeout_ms, drain_max_bytes;
  int64_t burst;                     /* bytes: limits.h                                    */
  int64_t port, http_version, ip_resolve, resume_from;
  int64_t protocols, redirect_protocols;        /* CURLPROTO_* bits                                    */
  int64_t follow, max_redirects, post_redirect; /* CURLFOLLOW_*, a count (-1 = any), CURL_REDIR_POST_* */
  int64_t upload_size, post_size;    /* bytes, -1 = not known / the text's length          */
  int64_t max_file_size, expect_100_ms;
  bool nobody, header, noprogress, verify_peer, verify_host, fail_on_error, fresh_connect, forbid_reuse,
      verbose, connect_only, upload, post, unrestricted_auth, keep_sending_on_error,
      no_user_in_url, ignore_unsupported,
      auth_none, auth_asks;          /* HTTPAUTH: never log in; only when the server asks       */
  /* C callbacks and their data: easy.c */
  curl_write_callback write_fn, header_fn;
  curl_xferinfo_callback xferinfo_fn;
  curl_progress_callback progress_fn;
  curl_read_callback read_fn;
  curl_seek_callback seek_fn;
  curl_ioctl_callback ioctl_fn;
  curl_trailer_callback trailer_fn;
  curl_prereq_callback prereq_fn;
  curl_debug_callback debug_fn;
  curl_opensocket_callback opensocket_fn;
  curl_sockopt_callback sockopt_fn;
  curl_closesocket_callback closesocket_fn;
  sluice_trace_callback trace_fn;
  void *opensocket_data, *sockopt_data, *closesocket_data;
  void *read_data, *seek_data, *ioctl_data, *trailer_data, *prereq_data, *debug_data, *trace_data;
  struct curl_slist *resolve, *connect_to; /* borrowed: route.h                       */
  const char *post_fields;           /* borrowed, or own_post's                           */
  size_t own_post_len;               /* bytes of own_post, whatever post_size became      */
  void *write_data, *header_data, *progress_data, *private_data;
  void *stderr_file;                 /* FILE *: where VERBOSE goes, NULL = stderr               */
  sl_refusal *refused;               /* B18: in the order in which they were refused, owned     */
  uint32_t refused_count;
  bool refused_lost;                 /* ... and there was no memory to note another one         */
  char *error_buffer;                /* CURL_ERROR_SIZE bytes of the caller's, or NULL    */
} sl_options;

/* Any function pointer on its way through curl_easy_setopt; called only as the type it was made of. */
typedef void sl_function(void);

void sl_options_init(sl_options *o);   /* libcurl's defaults */
void sl_options_clear(sl_options *o);  /* free what it owns, then as after init */

/* dst, which is as after init, gets a copy of what src owns and shares what src borrows. False: memory; dst is as
 * after init again. */
bool sl_options_copy(sl_options *dst, const sl_options *src);

/* All setters: CURLE_OK, BAD_FUNCTION_ARGUMENT (43), UNKNOWN_OPTION (48), NOT_BUILT_IN (4) where the option is
 * known but what it asks for is not covered, OUT_OF_MEMORY (27). U7: on error a number is what it was, and a text, a list or a
 * body is unset: what was there before was not asked for any more, and may be borrowed memory that its owner frees now.
 *
 * Borrowed until the transfer ends, and so looked at again when they are used (fields.h, route.h): HTTPHEADER, RESOLVE,
 * CONNECT_TO. Borrowed and never looked into: POSTFIELDS, ERRORBUFFER (written), STDERR, PRIVATE and the callbacks' data. Texts,
 * COPYPOSTFIELDS and what is made of them are copies. */

/* Set a number (LONG and OFF_T options). */
CURLcode sl_options_number(sl_options *o, int option, int64_t value);
/* Set a text (copied; NULL clears). A text with CR or LF or NUL: 43. */
CURLcode sl_options_text(sl_options *o, int option, const char *text, size_t n);
/* Set whatever CURLOPTTYPE_OBJECTPOINT stands for: a zero-ended text, a borrowed list or a data pointer. */
CURLcode sl_options_object(sl_options *o, int option, void *object);
CURLcode sl_options_function(sl_options *o, int option, sl_function *function);
/* The CURLPROTO_* bit of a scheme's name, in any case; 0 = libcurl knows none of that name. */
int64_t sl_protocol_bit(const char *name, size_t n);

/* B18: what was refused and is not neutral again. The C face notes it after each setopt (easy_options.c says what counts)
 * and looks before each start; JavaScript, which cannot overlook a refusal, does neither. */
void sl_options_refuse(sl_options *o, int option, CURLcode code);
void sl_options_accept(sl_options *o, int option);
/* The first that was refused, option 0 when that is not known any more; false: there is none, or they are to be ignored. */
bool sl_options_refused(const sl_options *o, sl_refusal *first);
/* Add one request header line "Name: value" to the owned list. */
CURLcode sl_options_add_header(sl_options *o, const char *line, size_t n);
/* Whether a header line is fit to be sent: a token, a colon (or ';' or nothing after: libcurl's forms for
 * empty and removed headers), no CR, LF or NUL. */
bool sl_header_valid(const char *line, size_t n);
/* The same of a trailer, "Name: value": none of what frames, routes or authorises a message, or says what its body is, may
 * come behind it (RFC 9110, 6.5.1). */
bool sl_trailer_valid(const char *line, size_t n);
/* Whether all lines of a list are. */
bool sl_headers_valid(const struct curl_slist *list);

#endif
