/* write.c: what the write and header callbacks are given, and their errors. */
#include "scene.h"

static void sizes(void)
{
  client *c = client_new("/l300000/b300000");
  curl_easy_setopt(c->easy, CURLOPT_BUFFERSIZE, 200000L);
  client_perform(c);
  client_free(c);
}

static void with_header(void)
{
  client *c = client_new("/l100/b100");
  c->text = true;
  curl_easy_setopt(c->easy, CURLOPT_HEADER, 1L);
  client_perform(c);
  say("lines %zu, write calls %u", c->lines, c->calls[WRITE]);
  client_free(c);
}

/* Answers its count, to body calls; or to the second header line. */
static long answer_write(client *c, kind k, const char *data, size_t n)
{
  (void)data, (void)n;
  return k == WRITE ? c->count : USUAL;
}

static long answer_header(client *c, kind k, const char *data, size_t n)
{
  (void)data, (void)n;
  return k == HEADER && c->lines == 1 ? c->count : USUAL;
}

static void answer(hook *h, int with)
{
  client *c = client_new("/l10/b10");
  c->hook = h;
  c->count = with;
  client_perform(c);
  c->hook = NULL; /* X9: its connection is not used again */
  c->lines = c->written = 0;
  client_perform(c);
  say("connections %u, new %ld", peer_seen().connections, client_long(c, CURLINFO_NUM_CONNECTS));
  client_free(c);
}

static void less(void) { answer(answer_write, 9); }
static void none(void) { answer(answer_write, 0); }
static void more(void) { answer(answer_write, 11); }
static void header_less(void) { answer(answer_header, 3); }

static long fail_write(client *c, kind k, const char *data, size_t n)
{
  (void)data, (void)n;
  return k == WRITE && !c->count++ ? (long)CURL_WRITEFUNC_ERROR : USUAL;
}

static void error(void)
{
  client *c = client_new("/l10/b10");
  c->hook = fail_write;
  client_perform(c);
  client_free(c);
}

static void too_large(const char *path)
{
  client *c = client_new(path);
  curl_easy_setopt(c->easy, CURLOPT_MAXFILESIZE, 1500L);
  client_perform(c);
  client_free(c);
}

static void too_large_known(void) { too_large("/l2000/b2000"); }
static void too_large_unknown(void) { too_large("/k/b1000/w300/b1000/e"); }
static void just_fits(void) { too_large("/k/b1000/b500/e"); }

static void sizes_of_limit(void)
{
  client *c = client_new("/l10/b10");
  say("-1 -> %d", (int)curl_easy_setopt(c->easy, CURLOPT_MAXFILESIZE, -1L));
  say("-1 -> %d", (int)curl_easy_setopt(c->easy, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)-1));
  client_perform(c);
  client_free(c);
}

const scene write_scenes[] = {
  { "W1 sizes of calls", sizes },
  { "W1 headers go to the write callback too", with_header },
  { "W13 X9 less is written", less },
  { "W13 nothing is written", none },
  { "W13 more is written", more },
  { "W13 less of a header is written", header_less },
  { "W13 CURL_WRITEFUNC_ERROR", error },
  { "W14 the known size is too large", too_large_known },
  { "W14 an unknown size is too large", too_large_unknown },
  { "W14 an unknown size fits", just_fits },
  { "W14 values", sizes_of_limit },
  { NULL, NULL },
};
