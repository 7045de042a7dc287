/* posix_unpause.c: what one curl_easy_pause call that unpauses does before it returns, over real sockets, against
 * support/server.h: order, replay, errors, what may be called meanwhile, and how deep. */
#include <stdlib.h>
#include <string.h>
#include "support/check.h"
#include "support/client.h"

#define SECONDS 20 /* a test that hangs should fail */

static CURLM *multi;

static int running_now(void)
{
  int running = -1;
  CHECK_EQ(X1, curl_multi_perform(multi, &running), CURLM_OK);
  return running;
}

static bool drive(int wanted)
{
  for (double until = now() + SECONDS; running_now() > wanted;) {
    if (now() > until) return false;
    curl_multi_poll(multi, NULL, 0, 500, NULL);
  }
  return true;
}

static void drive_for(double seconds)
{
  for (double until = now() + seconds; now() < until;) {
    running_now();
    curl_multi_poll(multi, NULL, 0, 20, NULL);
  }
}

static long timeout_of(void)
{
  long ms = -4711;
  curl_multi_timeout(multi, &ms);
  return ms;
}

static bool told(CURL *easy, CURLcode code)
{
  int left;
  const CURLMsg *m = curl_multi_info_read(multi, &left);
  return m && m->easy_handle == easy && m->data.result == code;
}

/* A transfer that has refused what came first: a body of n bytes, or with `lines` the head. At rest. */
static CURL *refused(record *r, const char *path, bool lines)
{
  multi = curl_multi_init();
  CURL *easy = begin(r, path);
  r->refuse = !lines;
  r->refuse_line = lines;
  curl_multi_add_handle(multi, easy);
  for (double until = now() + SECONDS; now() < until && !info(easy, SLUICEINFO_PAUSED);) {
    running_now();
    curl_multi_poll(multi, NULL, 0, 20, NULL);
  }
  drive_for(0.03);
  CHECK_EQ(W2, info(easy, SLUICEINFO_PAUSED), CURLPAUSE_RECV);
  CHECK(K6, timeout_of() != 0);
  return easy;
}

static void done(record *r)
{
  end(r);
  curl_multi_cleanup(multi);
}

static long seen_paused;

static size_t write_and_look(char *data, size_t size, size_t n, void *to)
{
  seen_paused = info(((record *)to)->easy, SLUICEINFO_PAUSED);
  return on_write(data, size, n, to);
}

/* P5: the send side is changed first: it is seen changed by the replay. P1: the argument is all of the new state. */
static void order(void)
{
  static const struct { int from, to; long seen; } cases[] = {
    { CURLPAUSE_ALL, CURLPAUSE_CONT, 0 }, { CURLPAUSE_RECV, CURLPAUSE_SEND, CURLPAUSE_SEND },
    { CURLPAUSE_ALL, CURLPAUSE_SEND, CURLPAUSE_SEND }, { CURLPAUSE_RECV, 0x40, 0 }, { CURLPAUSE_ALL, 0x48, 0 } };
  for (int i = 0; i < 5; i++) {
    record r;
    CURL *easy = refused(&r, "/length/900", false);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, write_and_look); /* W15: as it is at the delivery */
    seen_paused = -1;
    CHECK_EQ(P1, curl_easy_pause(easy, cases[i].from), CURLE_OK);
    CHECK_EQ(P1, info(easy, SLUICEINFO_PAUSED), cases[i].from);
    CHECK(P6, seen_paused == -1 && !r.len);
    CHECK_EQ(P5, curl_easy_pause(easy, cases[i].to), CURLE_OK);
    CHECK_EQ(P5, seen_paused, cases[i].seen);
    CHECK(P6, body_is(&r, 900));
    CHECK_EQ(P8, timeout_of(), 0);
    /* P4: what is paused is a direction, not the transfer: with nothing more to send, that one holds nothing up. */
    CHECK(P4, drive(0) && told(easy, CURLE_OK));
    done(&r);
  }
}

/* P6, P8: refused again, the call answers 0; nothing is lost, and nothing is to be done (K6). */
static void refused_again(void)
{
  record r;
  CURL *easy = refused(&r, "/length/900", false);
  for (int i = 0; i < 5; i++) {
    r.refuse = 1;
    CHECK_EQ(F8, curl_easy_pause(easy, CURLPAUSE_CONT), CURLE_OK);
    CHECK_EQ(P6, info(easy, SLUICEINFO_PAUSED), CURLPAUSE_RECV);
    CHECK(P8, timeout_of() != 0 && !r.len);
    CHECK_EQ(F8, running_now(), 1);
  }
  CHECK_EQ(P6, curl_easy_pause(easy, CURLPAUSE_CONT), CURLE_OK);
  CHECK(P6, body_is(&r, 900) && drive(0) && told(easy, CURLE_OK));
  done(&r);
}

static size_t refuse_line_badly(char *data, size_t size, size_t n, void *to)
{
  (void)data, (void)size, (void)n;
  ((record *)to)->lines += 1000;
  return 0;
}

/* P7: the call itself tells the error, with its text; then the transfer ends with it. F16: never called again. */
static void fails(void)
{
  static const char *texts[] = { "Failure writing output to destination, passed 900 returned 899",
                                 "client returned ERROR on write of 900 bytes",
                                 "Failure writing output to destination, passed 17 returned 0" };
  for (int i = 0; i < 3; i++) {
    record r;
    CURL *easy = refused(&r, "/length/900", i == 2);
    r.short_by = i == 0;
    r.error = i == 1;
    if (i == 2) curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, refuse_line_badly);
    size_t calls = r.calls, lines = r.lines;
    *words = 0;
    CHECK_EQ(P7, curl_easy_pause(easy, CURLPAUSE_CONT), CURLE_WRITE_ERROR);
    if (!CHECK(P7, !strcmp(words, texts[i]))) fprintf(stderr, "    %s\n", words);
    curl_easy_pause(easy, CURLPAUSE_CONT);
    CHECK_EQ(P7, running_now(), 0);
    CHECK(P7, told(easy, CURLE_WRITE_ERROR) && !strcmp(words, texts[i]));
    CHECK(F16, i == 2 ? r.lines == lines + 1000 && r.calls == calls : r.calls == calls + 1);
    CHECK_EQ(P2, curl_easy_pause(easy, CURLPAUSE_CONT), CURLE_BAD_FUNCTION_ARGUMENT);
    done(&r);
  }
}

/* F26: a delivery inside an unpause call inside a callback: behind it that callback is still one. */
static int unpause_and_try(void *to, curl_off_t total, curl_off_t at, curl_off_t up_total, curl_off_t up)
{
  record *r = to;
  int k;
  (void)total, (void)at, (void)up_total, (void)up;
  if (!info(r->easy, SLUICEINFO_PAUSED)) return 0;
  size_t calls = r->calls;
  CHECK_EQ(G4, curl_easy_pause(r->easy, CURLPAUSE_CONT), CURLE_OK);
  CHECK_EQ(F26, r->calls, calls + 1);
  CHECK_EQ(F26, curl_multi_remove_handle(multi, r->easy), CURLM_RECURSIVE_API_CALL);
  CHECK_EQ(F26, curl_multi_perform(multi, &k), CURLM_RECURSIVE_API_CALL);
  CHECK_EQ(F26, curl_easy_perform(r->easy), CURLE_RECURSIVE_API_CALL);
  curl_easy_cleanup(r->easy);
  curl_easy_reset(r->easy);
  r->progress_calls++;
  return 0;
}

static void nested(void)
{
  record r;
  CURL *easy = refused(&r, "/length/900", false);
  curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, unpause_and_try);
  curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
  CHECK(F26, drive(0) && told(easy, CURLE_OK) && body_is(&r, 900) && r.progress_calls == 1);
  done(&r);
}

/* P3: unpaused by the write callback of another one, that by another, and so on: not deeper than what is promised; what
 * could not be replayed inside follows in the next run. */
enum { CHAIN = 40 };
static record chain[CHAIN];
static int depth, deepest;

static size_t write_and_unpause_next(char *data, size_t size, size_t n, void *to)
{
  record *r = to;
  size_t at = (size_t)(r - chain);
  if (r->refuse) return on_write(data, size, n, to);
  if (++depth > deepest) deepest = depth;
  for (int i = 0; i < 3; i++) CHECK_EQ(P3, curl_easy_pause(r->easy, CURLPAUSE_CONT), CURLE_OK);
  if (at + 1 < CHAIN) CHECK_EQ(P3, curl_easy_pause(chain[at + 1].easy, CURLPAUSE_CONT), CURLE_OK);
  depth--;
  return on_write(data, size, n, to);
}

static void chained(void)
{
  multi = curl_multi_init();
  for (int i = 0; i < CHAIN; i++) {
    CURL *easy = begin(&chain[i], "/length/900");
    chain[i].refuse = 1;
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, write_and_unpause_next);
    curl_multi_add_handle(multi, easy);
  }
  int paused = 0;
  for (double until = now() + SECONDS; now() < until && paused < CHAIN;) {
    running_now();
    curl_multi_poll(multi, NULL, 0, 20, NULL);
    paused = 0;
    for (int i = 0; i < CHAIN; i++) paused += info(chain[i].easy, SLUICEINFO_PAUSED) != 0;
  }
  CHECK_EQ(P3, paused, CHAIN);
  CHECK_EQ(P3, curl_easy_pause(chain[0].easy, CURLPAUSE_CONT), CURLE_OK);
  CHECK(P6, body_is(&chain[0], 900) && body_is(&chain[5], 900));
  CHECK(P3, deepest == 7);
  CHECK(P3, drive(0) && deepest <= 8); /* a run's own delivery and what is inside it */
  for (int i = 0; i < CHAIN; i++) {
    CHECK(P3, body_is(&chain[i], 900));
    end(&chain[i]);
  }
  curl_multi_cleanup(multi);
}

/* W15: the callbacks are looked up at each delivery, also for what is held. */
static void changed(void)
{
  record r, other = { .body = malloc(BODY_MAX) };
  CURL *easy = refused(&r, "/length/900", false);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &other);
  CHECK_EQ(W15, curl_easy_pause(easy, CURLPAUSE_CONT), CURLE_OK);
  CHECK(W15, body_is(&other, 900) && !r.len && drive(0));
  done(&r);
  easy = refused(&r, "/length/900", true);
  CHECK(W6, !r.heads_len && !r.calls); /* the body waits behind the head */
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, NULL);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, NULL);
  CHECK_EQ(W15, curl_easy_pause(easy, CURLPAUSE_CONT), CURLE_OK);
  CHECK(W15, drive(0) && told(easy, CURLE_OK) && body_is(&r, 900) && !r.heads_len);
  done(&r);
  free(other.body);
}

/* W6, W1: with CURLOPT_HEADER a line that the write callback refuses comes again, to each callback once. */
static void headers(void)
{
  record r;
  multi = curl_multi_init();
  CURL *easy = begin(&r, "/chunked/900");
  r.refuse = 1;
  curl_easy_setopt(easy, CURLOPT_HEADER, 1L);
  curl_multi_add_handle(multi, easy);
  int times = 0;
  for (double until = now() + SECONDS; now() < until && running_now();) {
    if (!info(easy, SLUICEINFO_PAUSED)) {
      curl_multi_poll(multi, NULL, 0, 20, NULL);
      continue;
    }
    if (times < 6) *(times % 2 ? &r.refuse_line : &r.refuse) = 1;
    times++;
    CHECK_EQ(W6, curl_easy_pause(easy, CURLPAUSE_CONT), CURLE_OK);
  }
  CHECK(W6, told(easy, CURLE_OK) && times >= 4);
  r.heads[r.heads_len] = 0;
  size_t trailers = strlen("X-Trailer: yes\r\n"), head = r.heads_len - trailers;
  CHECK(W5, !strcmp(r.heads + head, "X-Trailer: yes\r\n"));
  CHECK(W6, r.len == r.heads_len + 900 && !memcmp(r.body, r.heads, head) &&
            !memcmp(r.body + head + 900, r.heads + head, trailers));
  done(&r);
}

int main(void)
{
  if (!(http = server_start())) return 1;
  order();
  refused_again();
  fails();
  nested();
  chained();
  changed();
  headers();
  server_stop(http);
  return check_result();
}
