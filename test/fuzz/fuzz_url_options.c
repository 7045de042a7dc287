/* fuzz_url_options.c: URL texts, redirect references, option values, header lines.
 *
 * Input: lines. The first byte of a line says what the rest is:
 *   u  CURLOPT_URL          l  the Location of the next redirect      h  a request header line
 *   t  a text: the option's place in `options` (a letter), then the text    n  a number: likewise
 *   H  the same, appended behind setopt's back    r, R  an entry of CURLOPT_RESOLVE, likewise    c, C  one of CURLOPT_CONNECT_TO
 *   k  a line of the trailer callback (the body then goes in chunks)
 *   g  a URL whose scheme may be missing
 *   j  sl_url_join's reference, seen from the URL                     x  hex pairs: bytes that cannot stand in a line,
 *                                                                        put in front of the next line's text
 * What must hold: parse, print, parse again gives the same URL; join's result is what url.h says of it; a setting
 * answers one of the documented codes; U7: a list that was refused is not used, nor looked into again; B18: it makes the transfer
 * fail. A request head is made of whole lines, holds no other control character, and has no field that was neither set nor the
 * engine's own; an open spec is made of known lines; behind a body in chunks come whole lines that hold no control character. */
#include <curl/curl.h>
#include <sluice/sluice.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "engine/url.h"
#include "engine/base.h"
#include "host.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LINE_MAX_BYTES 2048
#define LOCATIONS_MAX 8
#define STEPS_MAX 2000

static const CURLoption options[] = {
  CURLOPT_URL, CURLOPT_USERAGENT, CURLOPT_REFERER, CURLOPT_RANGE, CURLOPT_COOKIE, CURLOPT_CUSTOMREQUEST, CURLOPT_INTERFACE,
  CURLOPT_ACCEPT_ENCODING, CURLOPT_PROXY, CURLOPT_USERPWD, CURLOPT_USERNAME, CURLOPT_PASSWORD, CURLOPT_REDIR_PROTOCOLS_STR,
  CURLOPT_COPYPOSTFIELDS, CURLOPT_UNIX_SOCKET_PATH, CURLOPT_CAINFO, CURLOPT_SSLCERT, CURLOPT_SSLKEY,
  CURLOPT_TIMEOUT, CURLOPT_TIMEOUT_MS, CURLOPT_CONNECTTIMEOUT, CURLOPT_CONNECTTIMEOUT_MS, CURLOPT_LOW_SPEED_LIMIT,
  CURLOPT_LOW_SPEED_TIME, CURLOPT_MAX_RECV_SPEED_LARGE, CURLOPT_MAX_SEND_SPEED_LARGE, SLUICEOPT_PAUSED_TIMEOUT_MS,
  SLUICEOPT_SILENCE_TIMEOUT_MS, CURLOPT_MAXFILESIZE, CURLOPT_MAXFILESIZE_LARGE, CURLOPT_EXPECT_100_TIMEOUT_MS,
  CURLOPT_INFILESIZE, CURLOPT_INFILESIZE_LARGE, CURLOPT_POSTFIELDSIZE, CURLOPT_POSTFIELDSIZE_LARGE, CURLOPT_MAXREDIRS,
  CURLOPT_BUFFERSIZE, CURLOPT_PORT, CURLOPT_IPRESOLVE, CURLOPT_HTTP_VERSION, CURLOPT_FOLLOWLOCATION, CURLOPT_POSTREDIR,
  CURLOPT_UNRESTRICTED_AUTH, CURLOPT_KEEP_SENDING_ON_ERROR, CURLOPT_POST, CURLOPT_UPLOAD, CURLOPT_NOBODY, CURLOPT_HTTPGET,
  CURLOPT_HEADER, CURLOPT_NOPROGRESS, CURLOPT_SSL_VERIFYPEER, CURLOPT_SSL_VERIFYHOST, CURLOPT_FAILONERROR,
  CURLOPT_FRESH_CONNECT, CURLOPT_FORBID_REUSE, CURLOPT_NOSIGNAL, CURLOPT_HTTPAUTH, CURLOPT_CONNECT_ONLY,
  CURLOPT_HTTP_TRANSFER_DECODING, CURLOPT_RESUME_FROM, CURLOPT_TCP_NODELAY, CURLOPT_SSLVERSION, CURLOPT_NETRC,
  CURLOPT_PROTOCOLS_STR, CURLOPT_REDIR_PROTOCOLS, CURLOPT_DEFAULT_PROTOCOL, CURLOPT_COOKIELIST, CURLOPT_SSLCERTTYPE,
  SLUICEOPT_IGNORE_UNSUPPORTED,
};
#define OPTIONS (sizeof options / sizeof *options)

static char *locations[LOCATIONS_MAX];
static size_t location_len[LOCATIONS_MAX];
static uint32_t location_count, location_next;
/* Three lists, each with what is appended only after setopt has looked at it. */
enum { HEADERS, RESOLVES, CONNECTS, LISTS };
static const CURLoption list_options[LISTS] = { CURLOPT_HTTPHEADER, CURLOPT_RESOLVE, CURLOPT_CONNECT_TO };
static struct curl_slist *lists[LISTS], *later[LISTS], *trailers;
static bool had_refusal, ignores;
static uint32_t read_left;

/* ---- The head ---- */

static bool is_field(const char *line, size_t n, const char *name)
{
  size_t len = strlen(name);
  return n > len && line[len] == ':' && sl_equal_nocase(line, len, name);
}

static bool in_list(const char *line, size_t n)
{
  for (const struct curl_slist *h = lists[HEADERS]; h; h = h->next) {
    size_t name = strcspn(h->data, ":;");
    if (n > name && line[name] == ':' && !memcmp(line, h->data, name)) return true;
  }
  return false;
}

/* A field of the engine's own, or of the list. */
static bool expected(const char *line, size_t n)
{
  static const char *const own[] = { "Host", "Authorization", "User-Agent", "Accept", "Referer", "Cookie", "Range",
                                     "Transfer-Encoding", "Content-Length", "Content-Type", "Expect", "Accept-Encoding" };
  for (size_t i = 0; i < sizeof own / sizeof *own; i++)
    if (is_field(line, n, own[i])) return true;
  return in_list(line, n);
}

static void server_head(fuzz_channel *c, const char *head, uint32_t n)
{
  uint32_t line = 0;
  (void)c;
  FUZZ_CHECK(n > 16, "a head of %u bytes", n);
  for (const char *p = head, *end = head + n, *lf; p < end; p = lf + 1, line++) {
    lf = memchr(p, '\n', (size_t)(end - p));
    FUZZ_CHECK(lf && lf > head && lf[-1] == '\r', "a line of a request head does not end in CR LF");
    size_t len = (size_t)(lf - p) - 1;
    for (size_t i = 0; i < len; i++)
      FUZZ_CHECK(line && (!is_field(p, len, "Host") || in_list(p, len)) ? p[i] && p[i] != '\r' : (unsigned char)p[i] >= 0x20,
                 "control character %d in a request head", p[i]);
    if (!line) {
      const char *blank = memchr(p, ' ', len), *last = memrchr(p, ' ', len);
      FUZZ_CHECK(blank && last && last > blank && blank > p && !memchr(blank + 1, ' ', (size_t)(last - blank) - 1), "a request line with %s blanks",
                 blank == last ? "too few" : "too many");
      FUZZ_CHECK(blank[1] == '/' && !memcmp(last + 1, "HTTP/1.", 7) && p + len == last + 9, "a strange request line");
    } else if (len) FUZZ_CHECK(expected(p, len), "a field that nobody set: %.*s", (int)len, p);
    else FUZZ_CHECK(lf + 1 == end, "a head that ends before its end");
  }
}

static void answer(fuzz_channel *c)
{
  c->next_us = host.now_us + 100;
}

static void server_tick(fuzz_channel *c)
{
  static const char last[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
  if (location_next >= location_count) {
    fuzz_arrive(c, last, sizeof last - 1);
    return;
  }
  static const int codes[] = { 302, 307, 303, 308, 301 };
  char line[32];
  uint32_t i = location_next++;
  int n = snprintf(line, sizeof line, "HTTP/1.1 %d R\r\nLocation: ", codes[i % 5]);
  fuzz_arrive(c, line, (size_t)n);
  fuzz_arrive(c, locations[i], location_len[i]);
  fuzz_arrive(c, "\r\nContent-Length: 0\r\n\r\n", 23);
}

/* The host goes by each line: one that nobody of ours wrote would be another one's word. */
static void check_spec(const char *spec, uint32_t len)
{
  static const char *const keys[] = { "name ", "port ", "unix ", "local ", "family ", "alpn ", "verify 0\n", "ca ", "cert ", "key ",
                                      "path ", "mode " };
  int last = -1;
  for (const char *p = spec, *end = spec + len, *lf; p < end; p = lf + 1) {
    lf = memchr(p, '\n', (size_t)(end - p));
    FUZZ_CHECK(lf, "an open spec without its last line end");
    int key = 0, count = (int)(sizeof keys / sizeof *keys);
    while (key < count && strncmp(p, keys[key], strlen(keys[key]))) key++;
    FUZZ_CHECK(key < count && key > last, "a strange line in an open spec: %.*s", (int)(lf - p), p);
    last = key;
  }
}

static int on_trailers(struct curl_slist **list, void *to)
{
  (void)to;
  for (const struct curl_slist *l = trailers; l; l = l->next) *list = curl_slist_append(*list, l->data);
  return CURL_TRAILERFUNC_OK;
}

static void server_opened(fuzz_channel *c, const char *spec, uint32_t len)
{
  check_spec(spec, len);
  FUZZ_CHECK(len && spec[len - 1] == '\n', "an open spec without an end");
  if (c->kind != SL_FILE) return;
  c->open_code = SL_IO;
}

static const fuzz_server server = { .opened = server_opened, .head = server_head, .request = answer, .tick = server_tick };

/* ---- The user ---- */

static size_t on_write(char *data, size_t one, size_t n, void *arg)
{
  (void)data, (void)arg;
  host.progress++;
  return one * n;
}

static size_t on_read(char *data, size_t one, size_t n, void *arg)
{
  (void)arg;
  n *= one;
  if (n > read_left) n = read_left;
  memset(data, 'x', n);
  read_left -= (uint32_t)n;
  host.progress++;
  return n;
}

static int on_seek(void *arg, curl_off_t at, int origin)
{
  (void)arg, (void)at, (void)origin;
  read_left = 100;
  return CURL_SEEKFUNC_OK;
}

/* ---- URLs ---- */

static bool printable(const char *s)
{
  for (; *s; s++)
    if ((unsigned char)*s < 0x21 || (unsigned char)*s > 0x7e) return false;
  return true;
}

static void print_url(const sl_url *u, sl_text *to)
{
  sl_text_str(to, u->scheme);
  sl_text_str(to, "://");
  if (u->port) {
    sl_text_str(to, u->host_is_ipv6 ? "[" : "");
    sl_text_str(to, u->host);
    sl_text_str(to, u->host_is_ipv6 ? "]:" : ":");
    sl_text_int(to, u->port);
    sl_text_str(to, u->target);
  } else sl_url_add_path(to, u->target);
}

static bool same(const char *a, const char *b) { return !a == !b && (!a || !strcmp(a, b)); }

static void check_parse(const char *text, size_t n)
{
  sl_url a, b;
  const char *why;
  if (sl_url_parse(text, n, &a, &why)) {
    FUZZ_CHECK(!a.host && !a.target && !a.user && why && *why, "a refused URL that is not empty, or without words");
    return;
  }
  FUZZ_CHECK(a.host && a.target && a.target[0] == '/', "a URL without its parts");
  FUZZ_CHECK(!a.port || (printable(a.host) && printable(a.target) && *a.host), "a URL with strange characters");
  sl_text out = { .max = 1 << 20 };
  print_url(&a, &out);
  FUZZ_CHECK(!sl_url_parse(out.data, out.len, &b, &why), "printed %s, refused: %s", out.data, why);
  FUZZ_CHECK(same(a.host, b.host) && same(a.target, b.target) && a.scheme == b.scheme && a.port == b.port &&
             a.host_is_ipv6 == b.host_is_ipv6 && sl_url_same_origin(&a, &b), "parse, print, parse: another URL: %s", out.data);
  sl_text_free(&out);
  sl_url_free(&a);
  sl_url_free(&b);
}

static void check_join(const char *base, size_t base_len, const char *ref, size_t n)
{
  sl_url u;
  const char *why;
  char *out, *again;
  enum sl_url_error code = sl_url_join(base, base_len, ref, n, &out);
  FUZZ_CHECK(!code == (out != NULL), "join answers %d and a result or none", code);
  if (code) return;
  FUZZ_CHECK(printable(out) && strlen(out) <= SL_URL_MAX, "join's result has strange characters");
  if (!sl_url_parse(out, strlen(out), &u, &why)) {
    bool absolute = false;
    for (size_t i = 0; i < n && !absolute && ref[i] != '/' && ref[i] != '?' && ref[i] != '#'; i++) absolute = ref[i] == ':';
    if (!absolute && !memchr(ref, '@', n)) FUZZ_CHECK(!u.user && !u.password, "join: credentials came through: %s", out);
    sl_url_free(&u);
    FUZZ_CHECK(sl_url_join(out, strlen(out), "", 0, &again) == SL_URL_OK, "join: its own result is refused");
    free(again);
  }
  free(out);
}

/* ---- The input ---- */

static char prefix[64];
static size_t prefix_len;

static void set_prefix(const char *hex, size_t n)
{
  for (prefix_len = 0; n >= 2 && prefix_len < sizeof prefix; hex += 2, n -= 2) {
    char pair[3] = { hex[0], hex[1], 0 };
    prefix[prefix_len++] = (char)strtoul(pair, NULL, 16);
  }
}

static void set_option(CURL *easy, char kind, const char *text, size_t n)
{
  if (!n) return;
  CURLoption option = options[(unsigned char)text[0] % OPTIONS];
  CURLcode code;
  char *copy = sl_copy(text + 1, n - 1);
  if (option == CURLOPT_COPYPOSTFIELDS) curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, -1L); /* it copies so much */
  if (kind == 't' && option / 10000 == 1) code = curl_easy_setopt(easy, option, copy);
  else if (option / 10000 == 3) code = curl_easy_setopt(easy, option, (curl_off_t)strtoll(copy, NULL, 0));
  else if (option < 10000) code = curl_easy_setopt(easy, option, strtol(copy, NULL, 0));
  else code = curl_easy_setopt(easy, option, NULL);
  if (option == SLUICEOPT_IGNORE_UNSUPPORTED && !code) ignores = strtol(copy, NULL, 0) != 0;
  FUZZ_CHECK(code == CURLE_OK || code == CURLE_BAD_FUNCTION_ARGUMENT || code == CURLE_NOT_BUILT_IN ||
             code == CURLE_UNKNOWN_OPTION || code == CURLE_OUT_OF_MEMORY || code == CURLE_UNSUPPORTED_PROTOCOL,
             "option %d answers %d", (int)option, code);
  free(copy);
}

static void add(struct curl_slist **to, int which, const char *line)
{
  struct curl_slist *more = curl_slist_append(to[which], line);
  if (more) to[which] = more;
}

/* A correct program's way: a list is set, then another; the first is freed once it is out of use. */
static void set_lists(CURL *easy)
{
  for (int i = 0; i < LISTS; i++) {
    static const char *const good[LISTS] = { "X-Before: 1", "before:1:127.0.0.1", "before:1::2" };
    struct curl_slist *before = curl_slist_append(NULL, good[i]);
    FUZZ_CHECK(curl_easy_setopt(easy, list_options[i], before) == CURLE_OK, "a good list is refused");
    CURLcode code = curl_easy_setopt(easy, list_options[i], lists[i]);
    FUZZ_CHECK(!code || lists[i], "no list is refused");
    curl_slist_free_all(before);
    had_refusal |= code != CURLE_OK;
    if (code) { /* ... and a refused one is not lent */
      curl_slist_free_all(lists[i]);
      lists[i] = NULL;
    }
    for (const struct curl_slist *l = later[i]; l && lists[i]; l = l->next) curl_slist_append(lists[i], l->data);
  }
}

/* One line; base is the URL so far. */
static void obey(CURL *easy, char kind, char *text, size_t n, sl_text *base)
{
  char *copy = sl_copy(text, n);
  switch (kind) {
  case 'u':
    check_parse(text, n);
    curl_easy_setopt(easy, CURLOPT_URL, copy);
    sl_text_free(base);
    sl_text_add(base, text, n);
    break;
  case 'l':
    if (location_count == LOCATIONS_MAX) break;
    location_len[location_count] = n;
    locations[location_count++] = copy;
    copy = NULL;
    break;
  case 'h':
  case 'H':
    /* A wrong length or framing is the caller's fault, and what comes then is no head any more. */
    if (!strncasecmp(copy, "content-length:", 15) || !strncasecmp(copy, "transfer-encoding:", 18)) break;
    add(kind == 'h' ? lists : later, HEADERS, copy);
    break;
  case 'r':
  case 'R': add(kind == 'r' ? lists : later, RESOLVES, copy); break;
  case 'c':
  case 'C': add(kind == 'c' ? lists : later, CONNECTS, copy); break;
  case 'k': add(&trailers, 0, copy); break;
  case 'g': {
    char *whole = sl_url_complete(text, n, NULL);
    FUZZ_CHECK(whole && strlen(whole) >= strlen(copy) && !strcmp(whole + strlen(whole) - strlen(copy), copy), "completing changes a URL");
    check_parse(whole, strlen(whole));
    curl_easy_setopt(easy, CURLOPT_URL, copy);
    free(whole);
    break;
  }
  case 'j': check_join(base->data ? base->data : "", base->len, text, n); break;
  case 't':
  case 'n': set_option(easy, kind, text, n); break;
  default: break;
  }
  free(copy);
}

static void drive(CURL *easy)
{
  CURLM *multi = curl_multi_init();
  int count = 0;
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_write);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_write);
  curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_read);
  curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, on_seek);
  set_lists(easy);
  if (trailers) {
    curl_easy_setopt(easy, CURLOPT_TRAILERFUNCTION, on_trailers);
    curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(easy, CURLOPT_INFILESIZE, -1L);
  }
  FUZZ_CHECK(curl_multi_add_handle(multi, easy) == CURLM_OK, "add");
  for (uint32_t step = 0; step < STEPS_MAX; step++) {
    FUZZ_CHECK(curl_multi_perform(multi, &count) == CURLM_OK, "perform");
    if (!count) break;
    curl_multi_poll(multi, NULL, 0, 1000, NULL);
  }
  int left;
  const CURLMsg *message = curl_multi_info_read(multi, &left);
  FUZZ_CHECK(!message || message->data.result || !had_refusal || ignores, "a transfer goes on without a list that was refused");
  curl_multi_remove_handle(multi, easy);
  curl_easy_cleanup(easy);
  curl_multi_cleanup(multi);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  char text[LINE_MAX_BYTES + sizeof prefix];
  sl_text base = { .max = LINE_MAX_BYTES * 2 };
  fuzz_begin(&server);
  location_count = location_next = 0;
  trailers = NULL;
  memset(lists, 0, sizeof lists);
  memset(later, 0, sizeof later);
  had_refusal = ignores = false;
  prefix_len = 0;
  read_left = 100;
  CURL *easy = curl_easy_init();
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, 30000L);
  for (const char *p = (const char *)data, *end = p + size; p < end;) {
    const char *lf = memchr(p, '\n', (size_t)(end - p)), *stop = lf ? lf : end;
    char kind = *p;
    size_t n = stop > p ? (size_t)(stop - p) - 1 : 0;
    if (n > LINE_MAX_BYTES) n = LINE_MAX_BYTES;
    if (kind == 'x') set_prefix(p + 1, n);
    else if (stop > p) {
      size_t at = (kind == 't' || kind == 'n') && n ? 1 : 0; /* behind the option's letter */
      memcpy(text, p + 1, at);
      memcpy(text + at, prefix, prefix_len);
      memcpy(text + at + prefix_len, p + 1 + at, n - at);
      obey(easy, kind, text, n + prefix_len, &base);
      prefix_len = 0;
    }
    p = stop + 1;
  }
  drive(easy);
  fuzz_end();
  for (int i = 0; i < LISTS; i++) {
    curl_slist_free_all(lists[i]);
    curl_slist_free_all(later[i]);
  }
  curl_slist_free_all(trailers);
  for (uint32_t i = 0; i < location_count; i++) free(locations[i]);
  sl_text_free(&base);
  return 0;
}
