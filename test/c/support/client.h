/* client.h: a transfer as the C tests of the C face see it: what its callbacks saw, and what they are to answer. */
#ifndef SLUICE_TEST_CLIENT_H
#define SLUICE_TEST_CLIENT_H
#include <stdbool.h>
#include <curl/curl.h>
#include <sluice/sluice.h>
#include "server.h"

#define BODY_MAX 2000000

typedef struct {
  CURL *easy;
  char *body;
  size_t len, calls, largest, empty_calls;
  char heads[8192];
  size_t heads_len, lines, progress_calls;
  int refuse;            /* so many writes to be refused                     */
  int refuse_line;       /* so many header lines to be refused               */
  int unpause_after;     /* progress calls while paused before it unpauses   */
  int paused_calls;      /* ... of which there have been so many             */
  int progress_answer;
  size_t short_by;       /* answer that much less than given                 */
  bool after_failure;    /* called although it had failed                    */
  bool failed, whole_lines, error;
  CURLcode inner;        /* what a call from a callback answered             */
} record;

/* The server that paths are of, and the text of the latest error. */
extern server *http;
extern char words[CURL_ERROR_SIZE];

/* A handle for this path with all callbacks of the record set, and a time limit; end frees both. */
CURL *begin(record *r, const char *path);
void end(record *r);
void set_path(CURL *easy, const char *path);
/* Seconds on a clock of its own. */
double now(void);

/* Callbacks, `to` a record. */
size_t on_write(char *data, size_t size, size_t n, void *to);
size_t on_header(char *data, size_t size, size_t n, void *to);
int on_progress(void *to, curl_off_t total, curl_off_t at, curl_off_t up_total, curl_off_t up);

/* Whether exactly the server's n bytes came. */
bool body_is(const record *r, size_t n);
/* One info; -4711 or "(none)" when there is none. */
long info(CURL *easy, CURLINFO what);
curl_off_t big_info(CURL *easy, CURLINFO what);
const char *text_info(CURL *easy, CURLINFO what);

#endif
