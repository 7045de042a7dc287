/* fuzz_http1_oracle.c: response heads and framing against llhttp, which Node.js itself uses.
 *
 * Input: what a server answers to one GET before it closes. Whatever llhttp, built in its strict mode, takes for a whole
 * response, the engine takes too, with the same status and the same body, but for the differences that `agreed` names.
 * Not the other way round: where the engine takes more (bare LF, which libcurl takes as well) llhttp has no say. */
#include <curl/curl.h>
#include <llhttp.h>
#include <stdio.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include "engine/base.h"
#include "host.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *input;
static size_t input_len;
static sl_text ours, theirs;
static bool complete;
static unsigned status;

/* ---- llhttp ---- */

/* 1, "there is no body": for 1xx, 204 and 304 llhttp itself believes the fields that announce one. */
static int their_head(llhttp_t *p) { return p->status_code < 200 || p->status_code == 204 || p->status_code == 304; }

static int their_body(llhttp_t *p, const char *at, size_t n)
{
  (void)p;
  sl_text_add(&theirs, at, n);
  return 0;
}

static int their_end(llhttp_t *p)
{
  if (p->status_code < 200) return 0; /* an interim answer */
  status = p->status_code;
  complete = true;
  return HPE_PAUSED;
}

/* Whether it is a whole response of HTTP/1, and not in a transfer coding: what llhttp does not take for "chunked", be it
 * for a tab behind the word, it reads until the close. */
static bool ask_them(void)
{
  llhttp_t p;
  llhttp_settings_t settings;
  complete = false;
  llhttp_settings_init(&settings);
  settings.on_headers_complete = their_head;
  settings.on_body = their_body;
  settings.on_message_complete = their_end;
  llhttp_init(&p, HTTP_RESPONSE, &settings);
  enum llhttp_errno code = llhttp_execute(&p, input, input_len);
  if (code == HPE_OK) llhttp_finish(&p);
  bool coded = (p.flags & F_TRANSFER_ENCODING) && !(p.flags & F_CHUNKED);
  return complete && p.http_major == 1 && !coded;
}

/* ---- The engine ---- */

static void server_request(fuzz_channel *c) { c->next_us = host.now_us + 100; }

static void server_tick(fuzz_channel *c)
{
  fuzz_arrive(c, input, input_len);
  c->ended = true;
}

static const fuzz_server server = { .request = server_request, .tick = server_tick };

static size_t on_write(char *data, size_t one, size_t n, void *arg)
{
  (void)arg;
  sl_text_add(&ours, data, one * n);
  return one * n;
}

static size_t on_header(char *data, size_t one, size_t n, void *arg)
{
  (void)data, (void)arg;
  return one * n;
}

/* What llhttp 8 reads over, not so strict as its name: a control character, a bare LF behind the status code, what
 * stands for the LF behind a CR, and in a field's name blanks, or no name at all. */
static bool lax(void)
{
  static const char separators[] = " \t\"(),/;<=>?@[\\]{}";
  bool name = false;
  for (size_t i = 0; i < input_len; i++) {
    unsigned char c = (unsigned char)input[i];
    if ((c < 0x20 && c != '\t' && c != '\r' && c != '\n') || c >= 0x7f) return true;
    if (c == '\n' && i && input[i - 1] != '\r') return true;
    if (c == '\r' && i + 1 < input_len && input[i + 1] != '\n') return true;
    if (name && c != '\r' && c != ':' && strchr(separators, c)) return true;
    if (c == '\n' && i + 1 < input_len && input[i + 1] == ':') return true;
    name = c == '\n' || (name && c != ':' && c != '\r');
  }
  return false;
}

/* llhttp takes as many digits as fit a number below 1000: 0910. */
static bool status_not_of_three(void)
{
  const char *blank = memchr(input, ' ', input_len), *end = input + input_len;
  size_t digits = 0;
  while (blank && blank + 1 + digits < end && blank[1 + digits] >= '0' && blank[1 + digits] <= '9') digits++;
  return digits != 3;
}

/* Any number of zeros may stand in front of a chunk's size, says llhttp; 16 digits are enough. */
static bool size_of_many_digits(void)
{
  size_t digits = 0;
  for (size_t i = 0; i < input_len && digits <= 16; i++) digits = isxdigit((unsigned char)input[i]) ? digits + 1 : 0;
  return digits > 16;
}

/* What the engine refuses on purpose although llhttp takes it: by its words. */
static bool agreed(const char *words)
{
  static const char *const list[] = {
    "Unsupported Transfer-Encoding", /* another coding before chunked, which nobody here undoes        */
    "Switching protocols",           /* a 101 that was not asked for                                   */
    "Folded header line",            /* obsolete, and a way to smuggle                                 */
    "More than 256 header lines", "Response head larger", "Chunk-size line larger",
    "Invalid Content-Length",        /* llhttp lets blanks and 2^64 through in places                  */
    "does not begin with an HTTP/1 status line", /* empty lines in front, which are for requests       */
  };
  if (strstr(words, "Malformed chunk-size") && size_of_many_digits()) return true;
  if (strstr(words, "Malformed") && (lax() || status_not_of_three())) return true;
  for (size_t i = 0; i < sizeof list / sizeof *list; i++)
    if (strstr(words, list[i])) return true;
  return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  char words[CURL_ERROR_SIZE] = "";
  long code_here = 0;
  input = (const char *)data;
  input_len = size;
  fuzz_begin(&server);
  CURL *easy = curl_easy_init();
  curl_easy_setopt(easy, CURLOPT_URL, "http://127.0.0.1/");
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, 5000L);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_write);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, words);
  CURLcode code = curl_easy_perform(easy);
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &code_here);
  curl_easy_cleanup(easy);
  fuzz_end();
  if (ask_them() && !(code && agreed(words))) {
    FUZZ_CHECK(!code, "llhttp takes it with %u, we answer %d: %s", status, code, words);
    FUZZ_CHECK(code_here == (long)status, "status %ld, llhttp says %u", code_here, status);
    FUZZ_CHECK(ours.len == theirs.len && (!ours.len || !memcmp(ours.data, theirs.data, ours.len)),
               "a body of %zu bytes, llhttp's has %zu", ours.len, theirs.len);
  }
  sl_text_free(&ours);
  sl_text_free(&theirs);
  return 0;
}
