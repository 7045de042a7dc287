/* options.c: one static table of what can be set, and the few ways to set it; see options.h.
 *
 * A row says where an option lives in sl_options and which values it takes. What is not in the table is
 * unknown; a value that is legal in libcurl but asks for what the engine does not do is NOT_BUILT_IN. An
 * option without a place is one whose only effect is what the engine does anyway: it takes just the values
 * of which that is true. */
#include "options.h"
#include "route.h"
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include "text.h"

#define TEXT_MAX 8000000 /* bytes of one text option */
#define BUFFER_MIN 1024
#define BUFFER_DEFAULT 16384

enum kind {
  NUMBER,  /* below min: 43; above max: max. Times scale when stored     */
  RANGE,   /* outside min..max: 43                                       */
  COVERED, /* outside min..max: NOT_BUILT_IN (below 0: 43)               */
  SWITCH,  /* 0 or anything else                                         */
  TEXT,    /* copied                                                     */
  POINTER, /* the caller's, stored as it is                              */
  SPECIAL  /* set_special, text_special                                  */
};

typedef struct {
  int option;
  uint8_t kind;
  uint16_t at;    /* offset in sl_options; NOWHERE: nothing is stored */
  int64_t min, max;
  int32_t scale;  /* NUMBER: stored value for each given one          */
} row;

#define NOWHERE UINT16_MAX
#define AT(field) (uint16_t)offsetof(sl_options, field)
#define S_MAX (INT64_MAX / 1000000) /* in microseconds it is a number still */
#define MS_MAX (S_MAX * 1000)

/* The texts come first: sl_options_clear, which each transfer of JavaScript's calls, looks no further. */
static const row table[] = {
  { CURLOPT_URL, TEXT, AT(url), 0, 0, 0 },
  { CURLOPT_USERAGENT, TEXT, AT(user_agent), 0, 0, 0 },
  { CURLOPT_REFERER, TEXT, AT(referer), 0, 0, 0 },
  { CURLOPT_RANGE, TEXT, AT(range), 0, 0, 0 },
  { CURLOPT_COOKIE, TEXT, AT(cookie), 0, 0, 0 },
  { CURLOPT_UNIX_SOCKET_PATH, TEXT, AT(unix_socket), 0, 0, 0 },
  { CURLOPT_CAINFO, TEXT, AT(ca), 0, 0, 0 },
  { CURLOPT_SSLCERT, TEXT, AT(cert), 0, 0, 0 },
  { CURLOPT_SSLKEY, TEXT, AT(key), 0, 0, 0 },
  { CURLOPT_DEFAULT_PROTOCOL, TEXT, AT(default_scheme), 0, 0, 0 },
  { CURLOPT_PROTOCOLS, SPECIAL, AT(protocols), 0, 0, 0 },
  { CURLOPT_PROTOCOLS_STR, SPECIAL, AT(protocols), 0, 0, 0 },
  { CURLOPT_REDIR_PROTOCOLS, SPECIAL, AT(redirect_protocols), 0, 0, 0 },
  { CURLOPT_REDIR_PROTOCOLS_STR, SPECIAL, AT(redirect_protocols), 0, 0, 0 },
  { CURLOPT_COPYPOSTFIELDS, SPECIAL, AT(post_fields), 0, 0, 0 },
  { CURLOPT_CUSTOMREQUEST, SPECIAL, NOWHERE, 0, 0, 0 },
  { CURLOPT_INTERFACE, SPECIAL, NOWHERE, 0, 0, 0 },
  { CURLOPT_ACCEPT_ENCODING, SPECIAL, NOWHERE, 0, 0, 0 },
  { CURLOPT_PROXY, SPECIAL, NOWHERE, 0, 0, 0 },
  { CURLOPT_USERPWD, SPECIAL, NOWHERE, 0, 0, 0 },
  { CURLOPT_USERNAME, SPECIAL, NOWHERE, 0, 0, 0 },
  { CURLOPT_PASSWORD, SPECIAL, NOWHERE, 0, 0, 0 },

  { CURLOPT_TIMEOUT, NUMBER, AT(timeout_ms), 0, S_MAX, 1000 },
  { CURLOPT_TIMEOUT_MS, NUMBER, AT(timeout_ms), 0, MS_MAX, 1 },
  { CURLOPT_CONNECTTIMEOUT, NUMBER, AT(connect_timeout_ms), 0, S_MAX, 1000 },
  { CURLOPT_CONNECTTIMEOUT_MS, NUMBER, AT(connect_timeout_ms), 0, MS_MAX, 1 },
  { CURLOPT_LOW_SPEED_LIMIT, NUMBER, AT(low_speed_limit), 0, INT64_MAX, 1 },
  { CURLOPT_LOW_SPEED_TIME, NUMBER, AT(low_speed_time_s), 0, 65535, 1 },
  { CURLOPT_MAX_RECV_SPEED_LARGE, NUMBER, AT(max_recv_speed), 0, INT64_MAX, 1 },
  { CURLOPT_MAX_SEND_SPEED_LARGE, NUMBER, AT(max_send_speed), 0, INT64_MAX, 1 },
  { SLUICEOPT_PAUSED_TIMEOUT_MS, NUMBER, AT(paused_timeout_ms), 0, MS_MAX, 1 },
  { SLUICEOPT_SILENCE_TIMEOUT_MS, NUMBER, AT(silence_timeout_ms), 0, MS_MAX, 1 },
  { SLUICEOPT_QUEUE_TIMEOUT_MS, NUMBER, AT(queue_timeout_ms), 0, MS_MAX, 1 },
  { SLUICEOPT_BURST, NUMBER, AT(burst), SLUICE_BURST_DEFAULT, INT64_MAX, 1 },
  { SLUICEOPT_DRAIN_MAX_BYTES, NUMBER, AT(drain_max_bytes), 0, INT64_MAX, 1 },
  { CURLOPT_MAXFILESIZE, NUMBER, AT(max_file_size), 0, INT64_MAX, 1 },
  { CURLOPT_MAXFILESIZE_LARGE, NUMBER, AT(max_file_size), 0, INT64_MAX, 1 },
  { CURLOPT_EXPECT_100_TIMEOUT_MS, NUMBER, AT(expect_100_ms), 0, 65535, 1 },
  { CURLOPT_INFILESIZE, NUMBER, AT(upload_size), -1, INT64_MAX, 1 },
  { CURLOPT_INFILESIZE_LARGE, NUMBER, AT(upload_size), -1, INT64_MAX, 1 },
  { CURLOPT_POSTFIELDSIZE, NUMBER, AT(post_size), -1, INT64_MAX, 1 },
  { CURLOPT_POSTFIELDSIZE_LARGE, NUMBER, AT(post_size), -1, INT64_MAX, 1 },
  { CURLOPT_MAXREDIRS, NUMBER, AT(max_redirects), -1, 32767, 1 },
  { CURLOPT_BUFFERSIZE, SPECIAL, NOWHERE, 0, CURL_MAX_READ_SIZE, 0 },

  { CURLOPT_PORT, RANGE, AT(port), 0, 65535, 0 },
  { CURLOPT_IPRESOLVE, RANGE, AT(ip_resolve), CURL_IPRESOLVE_WHATEVER, CURL_IPRESOLVE_V6, 0 },
  /* 2 and 2TLS ask for HTTP/2 where the server offers it, else for 1.1. */
  { CURLOPT_HTTP_VERSION, COVERED, AT(http_version), CURL_HTTP_VERSION_NONE, CURL_HTTP_VERSION_2TLS, 0 },

  { CURLOPT_FOLLOWLOCATION, COVERED, AT(follow), 0, CURLFOLLOW_OBEYCODE, 0 },
  { CURLOPT_POSTREDIR, RANGE, AT(post_redirect), 0, CURL_REDIR_POST_ALL, 0 },
  { CURLOPT_UNRESTRICTED_AUTH, SWITCH, AT(unrestricted_auth), 0, 0, 0 },
  { CURLOPT_KEEP_SENDING_ON_ERROR, SWITCH, AT(keep_sending_on_error), 0, 0, 0 },
  { CURLOPT_POST, SPECIAL, NOWHERE, 0, 0, 0 },
  { CURLOPT_UPLOAD, SPECIAL, AT(upload), 0, 0, 0 },
  { CURLOPT_PUT, SPECIAL, AT(upload), 0, 0, 0 },
  { CURLOPT_VERBOSE, SWITCH, AT(verbose), 0, 0, 0 },
  { CURLOPT_NOBODY, SWITCH, AT(nobody), 0, 0, 0 },
  { CURLOPT_HTTPGET, SPECIAL, NOWHERE, 0, 0, 0 },
  { CURLOPT_HEADER, SWITCH, AT(header), 0, 0, 0 },
  { CURLOPT_NOPROGRESS, SWITCH, AT(noprogress), 0, 0, 0 },
  { CURLOPT_SSL_VERIFYPEER, SWITCH, AT(verify_peer), 0, 0, 0 },
  { CURLOPT_SSL_VERIFYHOST, SWITCH, AT(verify_host), 0, 0, 0 },
  { CURLOPT_FAILONERROR, SWITCH, AT(fail_on_error), 0, 0, 0 },
  { CURLOPT_FRESH_CONNECT, SWITCH, AT(fresh_connect), 0, 0, 0 },
  { CURLOPT_FORBID_REUSE, SWITCH, AT(forbid_reuse), 0, 0, 0 },
  { CURLOPT_NOSIGNAL, COVERED, NOWHERE, 0, INT32_MAX, 0 }, /* no signal is ever used */
  { CURLOPT_DISALLOW_USERNAME_IN_URL, SWITCH, AT(no_user_in_url), 0, 0, 0 },
  { SLUICEOPT_IGNORE_UNSUPPORTED, SWITCH, AT(ignore_unsupported), 0, 0, 0 },

  /* What the engine does anyway. */
  { CURLOPT_TCP_NODELAY, COVERED, NOWHERE, 1, LONG_MAX, 0 },
  { CURLOPT_HTTP_TRANSFER_DECODING, COVERED, NOWHERE, 1, LONG_MAX, 0 },
  { CURLOPT_HTTPAUTH, SPECIAL, NOWHERE, 0, 0, 0 },
  { CURLOPT_AUTOREFERER, COVERED, NOWHERE, 0, 0, 0 },
  { CURLOPT_NETRC, COVERED, NOWHERE, CURL_NETRC_IGNORED, CURL_NETRC_OPTIONAL, 0 }, /* there never is such a file */
  { CURLOPT_HTTP09_ALLOWED, COVERED, NOWHERE, 0, 0, 0 },
  { CURLOPT_CONNECT_ONLY, SPECIAL, NOWHERE, 0, 1, 0 },
  { CURLOPT_RESUME_FROM, SPECIAL, AT(resume_from), 0, 0, 0 },
  { CURLOPT_RESUME_FROM_LARGE, SPECIAL, AT(resume_from), 0, 0, 0 },
  { CURLOPT_TRANSFER_ENCODING, COVERED, NOWHERE, 0, 0, 0 },
  { CURLOPT_TCP_FASTOPEN, COVERED, NOWHERE, 0, 0, 0 },
  { CURLOPT_SSLVERSION, COVERED, NOWHERE, CURL_SSLVERSION_DEFAULT, CURL_SSLVERSION_TLSv1, 0 },

  { CURLOPT_WRITEDATA, POINTER, AT(write_data), 0, 0, 0 },
  { CURLOPT_HEADERDATA, POINTER, AT(header_data), 0, 0, 0 },
  { CURLOPT_XFERINFODATA, POINTER, AT(progress_data), 0, 0, 0 },
  { CURLOPT_READDATA, POINTER, AT(read_data), 0, 0, 0 },
  { CURLOPT_SEEKDATA, POINTER, AT(seek_data), 0, 0, 0 },
  { CURLOPT_IOCTLDATA, POINTER, AT(ioctl_data), 0, 0, 0 },
  { CURLOPT_TRAILERDATA, POINTER, AT(trailer_data), 0, 0, 0 },
  { CURLOPT_OPENSOCKETDATA, POINTER, AT(opensocket_data), 0, 0, 0 },
  { CURLOPT_SOCKOPTDATA, POINTER, AT(sockopt_data), 0, 0, 0 },
  { CURLOPT_CLOSESOCKETDATA, POINTER, AT(closesocket_data), 0, 0, 0 },
  { CURLOPT_PREREQDATA, POINTER, AT(prereq_data), 0, 0, 0 },
  { CURLOPT_DEBUGDATA, POINTER, AT(debug_data), 0, 0, 0 },
  { SLUICEOPT_TRACEDATA, POINTER, AT(trace_data), 0, 0, 0 },
  { CURLOPT_RESOLVE, POINTER, AT(resolve), 0, 0, 0 },
  { CURLOPT_CONNECT_TO, POINTER, AT(connect_to), 0, 0, 0 },
  { CURLOPT_POSTFIELDS, SPECIAL, AT(post_fields), 0, 0, 0 },
  { CURLOPT_PRIVATE, POINTER, AT(private_data), 0, 0, 0 },
  { CURLOPT_STDERR, POINTER, AT(stderr_file), 0, 0, 0 },
  { CURLOPT_ERRORBUFFER, POINTER, AT(error_buffer), 0, 0, 0 },
  { CURLOPT_HTTPHEADER, POINTER, AT(headers), 0, 0, 0 },
};

static const row *find(int option)
{
  for (size_t i = 0; i < sizeof table / sizeof *table; i++)
    if (table[i].option == option) return &table[i];
  return NULL;
}

void sl_options_init(sl_options *o)
{
  *o = (sl_options){ .buffer_size = BUFFER_DEFAULT, .noprogress = true, .verify_peer = true, .verify_host = true,
                      .upload_size = -1, .post_size = -1, .max_redirects = 30, .expect_100_ms = 1000,
                      .protocols = -1, .redirect_protocols = SL_REDIRECT_PROTOCOLS };
}

void sl_options_clear(sl_options *o)
{
  for (const row *r = table; r->kind == TEXT; r++) free(*(char **)(void *)((char *)o + r->at));
  free(o->custom_request);
  free(o->own_post);
  free(o->interface_);
  free(o->userpwd);
  free(o->user);
  free(o->password);
  free(o->refused);
  curl_slist_free_all(o->own_headers);
  sl_options_init(o);
}

bool sl_options_copy(sl_options *dst, const sl_options *src)
{
  /* What the table does not have: strings that more than one option makes. */
  static const uint16_t others[] = { AT(custom_request), AT(interface_),
                                     AT(userpwd), AT(user), AT(password) };
  size_t count = sizeof table / sizeof *table + sizeof others / sizeof *others;
  bool ok = true;
  *dst = *src;
  dst->own_headers = NULL;
  dst->own_post = NULL;
  dst->refused = NULL;
  dst->refused_count = 0;
  for (uint32_t i = 0; i < src->refused_count; i++) sl_options_refuse(dst, src->refused[i].option, src->refused[i].code);
  for (size_t i = 0; i < count; i++) {
    size_t other = i - sizeof table / sizeof *table;
    if (i < sizeof table / sizeof *table && table[i].kind != TEXT) continue;
    char **place = (char **)(void *)((char *)dst + (i < sizeof table / sizeof *table ? table[i].at : others[other]));
    char *text = *place;
    *place = text && ok ? sl_copy(text, strlen(text)) : NULL;
    ok = ok && !text == !*place;
  }
  if (src->own_post && ok) {
    dst->post_fields = dst->own_post = sl_copy(src->own_post, src->own_post_len);
    ok = dst->own_post != NULL;
  }
  if (!ok) sl_options_clear(dst);
  return ok;
}

/* Only Basic is there. Asked for by itself it is sent at once; among others it is sent when the server asks for it, so that
 * nobody who would have taken a better one sends it in clear unasked. Without it there is no way to log in. */
static CURLcode set_auth(sl_options *o, uint32_t methods)
{
  uint32_t only = (uint32_t)CURLAUTH_ONLY;
  o->auth_none = !(methods & ~only);
  o->auth_asks = (methods & CURLAUTH_BASIC) && methods != CURLAUTH_BASIC;
  if (!o->auth_none && !(methods & CURLAUTH_BASIC)) {
    o->auth_none = true;
    return CURLE_NOT_BUILT_IN;
  }
  return CURLE_OK;
}

static CURLcode set_special(sl_options *o, const row *r, int64_t value)
{
  switch (r->option) {
  case CURLOPT_HTTPGET:
    if (value) o->nobody = o->post = o->upload = false;
    return CURLE_OK;
  case CURLOPT_POST: /* of the ways to say which method, the last one wins */
    o->post = value != 0;
    o->upload = false;
    o->nobody = o->nobody && !value;
    return CURLE_OK;
  case CURLOPT_CONNECT_ONLY: /* 2 is for websockets */
    if (value < 0) return CURLE_BAD_FUNCTION_ARGUMENT;
    if (value > r->max) return CURLE_NOT_BUILT_IN;
    o->connect_only = value != 0;
    return CURLE_OK;
  case CURLOPT_UPLOAD:
  case CURLOPT_PUT:
    o->upload = value != 0;
    o->post = false;
    o->nobody = o->nobody && !value;
    return CURLE_OK;
  case CURLOPT_BUFFERSIZE:
    if (value < 0) return CURLE_BAD_FUNCTION_ARGUMENT;
    if (!value) value = BUFFER_DEFAULT;
    if (value < BUFFER_MIN) value = BUFFER_MIN;
    o->buffer_size = value < r->max ? value : r->max;
    return CURLE_OK;
  case CURLOPT_HTTPAUTH: /* sets of methods are negative numbers: not out of range */
    return set_auth(o, (uint32_t)value);
  case CURLOPT_PROTOCOLS:
  case CURLOPT_REDIR_PROTOCOLS:
    *(int64_t *)(void *)((char *)o + r->at) = value;
    return CURLE_OK;
  case CURLOPT_RESUME_FROM:
  case CURLOPT_RESUME_FROM_LARGE: /* -1 lets a server of FTP say where */
    if (value < -1) return CURLE_BAD_FUNCTION_ARGUMENT;
    o->resume_from = value < 0 ? 0 : value;
    return value < 0 ? CURLE_NOT_BUILT_IN : CURLE_OK;
  default:
    return CURLE_BAD_FUNCTION_ARGUMENT; /* a text */
  }
}

CURLcode sl_options_number(sl_options *o, int option, int64_t value)
{
  const row *r = find(option);
  if (!r) return CURLE_UNKNOWN_OPTION;
  char *place = (char *)o + (r->at == NOWHERE ? 0 : r->at);
  switch (r->kind) {
  case NUMBER:
    if (value < r->min) return CURLE_BAD_FUNCTION_ARGUMENT;
    *(int64_t *)place = (value < r->max ? value : r->max) * r->scale;
    return CURLE_OK;
  case RANGE:
    if (value < r->min || value > r->max) return CURLE_BAD_FUNCTION_ARGUMENT;
    *(int64_t *)place = value;
    return CURLE_OK;
  case COVERED:
    if (value < 0) return CURLE_BAD_FUNCTION_ARGUMENT;
    if (value < r->min || value > r->max) return CURLE_NOT_BUILT_IN;
    if (r->at != NOWHERE) *(int64_t *)place = value;
    return CURLE_OK;
  case SWITCH:
    *(bool *)place = value != 0;
    return CURLE_OK;
  case SPECIAL:
    return set_special(o, r, value);
  default:
    return CURLE_BAD_FUNCTION_ARGUMENT;
  }
}

/* Texts. */

static CURLcode replace(char **place, const char *text, size_t n)
{
  char *copy = NULL;
  if (text && !(copy = sl_copy(text, n))) return CURLE_OUT_OF_MEMORY;
  free(*place);
  *place = copy;
  return CURLE_OK;
}

static bool one_line(const char *text, size_t n)
{
  if (n > TEXT_MAX) return false;
  for (size_t i = 0; i < n; i++)
    if (!text[i] || text[i] == '\r' || text[i] == '\n') return false;
  return true;
}

static bool is_token(const char *text, size_t n)
{
  for (size_t i = 0; i < n; i++) {
    char c = sl_lower(text[i]);
    bool letter = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (!letter && (!c || !strchr("!#$%&'*+-.^_`|~", c))) return false;
  }
  return n > 0;
}

/* Loosely: it only tells an address from the name of an interface; the host decides. */
static bool is_address(const char *text, size_t n)
{
  size_t dots = 0, colons = 0, hex = 0;
  for (size_t i = 0; i < n; i++) {
    char c = sl_lower(text[i]);
    if (c == '.') dots++;
    else if (c == ':') colons++;
    else if (c >= 'a' && c <= 'f') hex++;
    else if (c < '0' || c > '9') return false;
  }
  return colons >= 2 || (dots == 3 && !hex && !colons);
}

static CURLcode set_interface(sl_options *o, const char *text, size_t n)
{
  if (text && n >= 5 && !memcmp(text, "host!", 5)) {
    text += 5;
    n -= 5;
  }
  if (text && !is_address(text, n)) return CURLE_NOT_BUILT_IN;
  return replace(&o->interface_, text, n);
}

/* Make userpwd of a user and a password, either of them NULL; all three change or none. */
static CURLcode set_login(sl_options *o, const char *user, size_t user_n, const char *password, size_t password_n)
{
  sl_text both = { 0 };
  char *u = user ? sl_copy(user, user_n) : NULL;
  char *p = password ? sl_copy(password, password_n) : NULL;
  if (u || p) {
    sl_text_add(&both, u ? u : "", u ? user_n : 0);
    sl_text_str(&both, ":");
    sl_text_add(&both, p ? p : "", p ? password_n : 0);
  }
  if ((user && !u) || (password && !p) || both.failed) {
    free(u);
    free(p);
    sl_text_free(&both);
    return CURLE_OUT_OF_MEMORY;
  }
  free(o->user);
  free(o->password);
  free(o->userpwd);
  o->user = u;
  o->password = p;
  o->userpwd = both.data;
  return CURLE_OK;
}

static CURLcode set_userpwd(sl_options *o, const char *text, size_t n)
{
  const char *colon = text ? memchr(text, ':', n) : NULL;
  if (!colon) return set_login(o, text, n, NULL, 0);
  return set_login(o, text, (size_t)(colon - text), colon + 1, n - (size_t)(colon + 1 - text));
}

int64_t sl_protocol_bit(const char *name, size_t n)
{
  static const char names[] = "http,https,ftp,ftps,scp,sftp,telnet,ldap,ldaps,dict,file,tftp,imap,imaps,pop3,pop3s,smtp,smtps,"
                              "rtsp,rtmp,rtmpt,rtmpe,rtmpte,rtmps,rtmpts,gopher,smb,smbs,mqtt,gophers,ws,wss,mqtts";
  int64_t bit = 1;
  char word[8];
  for (const char *p = names, *end; *p; p = end + (*end == ','), bit *= 2) {
    end = p + strcspn(p, ",");
    memcpy(word, p, (size_t)(end - p));
    word[end - p] = 0;
    if (sl_equal_nocase(name, n, word)) return bit;
  }
  return 0;
}

static CURLcode set_protocols(int64_t *place, const char *text, size_t n)
{
  int64_t all = 0;
  if (sl_equal_nocase(text, n, "all")) all = -1;
  for (size_t i = 0, len; !(all < 0) && i < n; i += len + 1) {
    const char *comma = memchr(text + i, ',', n - i);
    len = comma ? (size_t)(comma - text) - i : n - i;
    int64_t bit = len ? sl_protocol_bit(text + i, len) : 0;
    if (len && !bit) return CURLE_UNSUPPORTED_PROTOCOL;
    all |= bit;
  }
  *place = all;
  return all ? CURLE_OK : CURLE_BAD_FUNCTION_ARGUMENT;
}

static CURLcode text_special(sl_options *o, const row *r, const char *text, size_t n)
{
  switch (r->option) {
  case CURLOPT_CUSTOMREQUEST:
    if (text && !is_token(text, n)) return CURLE_BAD_FUNCTION_ARGUMENT;
    return replace(&o->custom_request, text, n);
  case CURLOPT_INTERFACE:
    return set_interface(o, text, n);
  case CURLOPT_PROTOCOLS_STR: /* NULL is the default again; U7: a list that is refused allows nothing */
    if (text) return set_protocols(&o->protocols, text, n);
    o->protocols = -1;
    return CURLE_OK;
  case CURLOPT_REDIR_PROTOCOLS_STR:
    if (text) return set_protocols(&o->redirect_protocols, text, n);
    o->redirect_protocols = SL_REDIRECT_PROTOCOLS;
    return CURLE_OK;
  case CURLOPT_ACCEPT_ENCODING: /* "" is all that are known, which is none but identity */
    return !n || sl_equal_nocase(text, n, "identity") ? CURLE_OK : CURLE_NOT_BUILT_IN;
  case CURLOPT_PROXY: /* "" is libcurl's way to say that none is wanted, whatever the environment */
    return text && n ? CURLE_NOT_BUILT_IN : CURLE_OK;
  case CURLOPT_USERPWD:
    return set_userpwd(o, text, n);
  case CURLOPT_USERNAME:
    return set_login(o, text, n, o->password, o->password ? strlen(o->password) : 0);
  case CURLOPT_PASSWORD:
    return set_login(o, o->user, o->user ? strlen(o->user) : 0, text, n);
  default:
    return CURLE_BAD_FUNCTION_ARGUMENT; /* a number */
  }
}

static CURLcode set_text(sl_options *o, const row *r, const char *text, size_t n)
{
  if (text && !one_line(text, n)) return CURLE_BAD_FUNCTION_ARGUMENT;
  if (r->kind == TEXT) return replace((char **)((char *)o + r->at), text, n);
  if (r->kind == SPECIAL) return text_special(o, r, text, n);
  return CURLE_BAD_FUNCTION_ARGUMENT;
}

/* U7: nobody may find an earlier value in the place of a refused one, least of all a borrowed list. */
CURLcode sl_options_text(sl_options *o, int option, const char *text, size_t n)
{
  const row *r = find(option);
  if (!r) return CURLE_UNKNOWN_OPTION;
  CURLcode code = set_text(o, r, text, n);
  bool allows = r->at == AT(protocols) || r->at == AT(redirect_protocols);
  if (code && allows) *(int64_t *)(void *)((char *)o + r->at) = 0; /* NULL would allow more */
  else if (code && text) set_text(o, r, NULL, 0);
  return code;
}

/* Bodies, unlike texts, may hold any byte. POSTFIELDS is borrowed; a copy has the size set before, or ends at a zero. */
static CURLcode set_post(sl_options *o, int option, const char *body)
{
  char *copy = NULL;
  size_t n = 0;
  bool copies = option == CURLOPT_COPYPOSTFIELDS && body;
  if (copies) {
    n = o->post_size >= 0 ? (size_t)o->post_size : strlen(body);
    copy = sl_copy(body, n);
  }
  free(o->own_post);
  o->own_post = copy;
  o->own_post_len = copy ? n : 0;
  o->post_fields = copies ? copy : body;
  o->post = true;
  o->upload = false;
  return copies && !copy ? CURLE_OUT_OF_MEMORY : CURLE_OK;
}

bool sl_headers_valid(const struct curl_slist *list)
{
  for (; list; list = list->next)
    if (!list->data || !sl_header_valid(list->data, strlen(list->data))) return false;
  return true;
}

CURLcode sl_options_object(sl_options *o, int option, void *object)
{
  const row *r = find(option);
  if (!r) return CURLE_UNKNOWN_OPTION;
  if (option == CURLOPT_POSTFIELDS || option == CURLOPT_COPYPOSTFIELDS) return set_post(o, option, object);
  if (r->kind != POINTER) return sl_options_text(o, option, object, object ? strlen(object) : 0);
  CURLcode code = CURLE_OK;
  if (option == CURLOPT_HTTPHEADER && !sl_headers_valid(object)) code = CURLE_BAD_FUNCTION_ARGUMENT;
  if (option == CURLOPT_RESOLVE || option == CURLOPT_CONNECT_TO) code = sl_route_check(option, object);
  if (code) object = NULL; /* U7: the one before may be freed by now */
  /* All are pointers to objects of one representation, but not of one type. */
  memcpy((char *)o + r->at, &object, sizeof object);
  return code;
}

CURLcode sl_options_function(sl_options *o, int option, sl_function *function)
{
  switch (option) {
  case SLUICEOPT_TRACEFUNCTION:
    o->trace_fn = (sluice_trace_callback)function;
    return CURLE_OK;
  case CURLOPT_WRITEFUNCTION:
    o->write_fn = (curl_write_callback)function;
    return CURLE_OK;
  case CURLOPT_HEADERFUNCTION:
    o->header_fn = (curl_write_callback)function;
    return CURLE_OK;
  case CURLOPT_READFUNCTION:
    o->read_fn = (curl_read_callback)function;
    return CURLE_OK;
  case CURLOPT_SEEKFUNCTION:
    o->seek_fn = (curl_seek_callback)function;
    return CURLE_OK;
  case CURLOPT_IOCTLFUNCTION:
    o->ioctl_fn = (curl_ioctl_callback)function;
    return CURLE_OK;
  case CURLOPT_TRAILERFUNCTION:
    o->trailer_fn = (curl_trailer_callback)function;
    return CURLE_OK;
  case CURLOPT_OPENSOCKETFUNCTION:
    o->opensocket_fn = (curl_opensocket_callback)function;
    return CURLE_OK;
  case CURLOPT_SOCKOPTFUNCTION:
    o->sockopt_fn = (curl_sockopt_callback)function;
    return CURLE_OK;
  case CURLOPT_CLOSESOCKETFUNCTION:
    o->closesocket_fn = (curl_closesocket_callback)function;
    return CURLE_OK;
  case CURLOPT_PREREQFUNCTION:
    o->prereq_fn = (curl_prereq_callback)function;
    return CURLE_OK;
  case CURLOPT_DEBUGFUNCTION:
    o->debug_fn = (curl_debug_callback)function;
    return CURLE_OK;
  case CURLOPT_XFERINFOFUNCTION:
    o->xferinfo_fn = (curl_xferinfo_callback)function;
    return CURLE_OK;
  case CURLOPT_PROGRESSFUNCTION:
    o->progress_fn = (curl_progress_callback)function;
    return CURLE_OK;
  default:
    return CURLE_UNKNOWN_OPTION;
  }
}

/* Headers. */

bool sl_header_valid(const char *line, size_t n)
{
  size_t name = 0;
  if (!one_line(line, n)) return false;
  while (name < n && line[name] != ':' && line[name] != ';') name++;
  if (name == n || !is_token(line, name)) return false;
  for (size_t i = name + 1; i < n; i++) {
    unsigned char c = (unsigned char)line[i];
    if ((c < ' ' && c != '\t') || c == 0x7f) return false;
    if (line[name] == ';' && c != ' ' && c != '\t') return false; /* "Name;" sends it empty */
  }
  return true;
}

bool sl_trailer_valid(const char *line, size_t n)
{
  static const char *const never[] = { "Transfer-Encoding", "Content-Length", "Content-Encoding", "Content-Range", "Content-Type",
                                       "Host", "Connection", "Trailer", "TE", "Upgrade", "Expect", "Authorization", "Cookie" };
  size_t name = 0;
  if (!sl_header_valid(line, n)) return false;
  while (line[name] != ':' && line[name] != ';') name++;
  for (size_t i = 0; i < sizeof never / sizeof *never; i++)
    if (sl_equal_nocase(line, name, never[i])) return false;
  return line[name] == ':';
}

CURLcode sl_options_add_header(sl_options *o, const char *line, size_t n)
{
  if (!sl_header_valid(line, n)) return CURLE_BAD_FUNCTION_ARGUMENT;
  char *copy = sl_copy(line, n);
  struct curl_slist *list = copy ? curl_slist_append(o->own_headers, copy) : NULL;
  free(copy);
  if (!list) return CURLE_OUT_OF_MEMORY;
  o->own_headers = list;
  return CURLE_OK;
}

/* Refused options. */

/* More than there are options: then somebody makes numbers up. */
#define REFUSED_MAX 512

void sl_options_refuse(sl_options *o, int option, CURLcode code)
{
  for (uint32_t i = 0; i < o->refused_count; i++)
    if (o->refused[i].option == option) {
      o->refused[i].code = code;
      return;
    }
  sl_refusal *more = o->refused_count < REFUSED_MAX ? realloc(o->refused, (o->refused_count + 1) * sizeof *more) : NULL;
  if (!more) {
    o->refused_lost = true;
    return;
  }
  o->refused = more;
  o->refused[o->refused_count++] = (sl_refusal){ option, code };
}

void sl_options_accept(sl_options *o, int option)
{
  const row *r = o->refused_count ? find(option) : NULL, *other;
  uint32_t left = 0;
  for (uint32_t i = 0; i < o->refused_count; i++) {
    bool same = o->refused[i].option == option;
    /* Two options that set one thing: PROTOCOLS and PROTOCOLS_STR. */
    if (!same && r && r->at != NOWHERE && (other = find(o->refused[i].option))) same = other->at == r->at;
    if (!same) o->refused[left++] = o->refused[i];
  }
  o->refused_count = left;
}

bool sl_options_refused(const sl_options *o, sl_refusal *first)
{
  if (o->ignore_unsupported || !(o->refused_count || o->refused_lost)) return false;
  *first = o->refused_count ? o->refused[0] : (sl_refusal){ 0, CURLE_OUT_OF_MEMORY };
  return true;
}
