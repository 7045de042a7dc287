/* held.c: what was received while paused: delivered on unpause, in order, before the end. */
#include <stdlib.h>
#include <unistd.h>
#include <stdio.h>
#include "scene.h"

/* Refuses the body's calls `count` times. */
static long refuse_body(client *c, kind k, const char *data, size_t n)
{
  (void)data, (void)n;
  return k == WRITE && c->count && c->count-- ? (long)CURL_WRITEFUNC_PAUSE : USUAL;
}

static bool refused(const client *c) { return c->calls[WRITE] > 0 && c->count == 0; }
static bool asked(void) { return peer_seen().requests > 0; }
static bool called(const client *c) { return c->calls[WRITE] > 0; }

static client *begin(CURLM *multi, const char *path, int refusals)
{
  client *c = client_new(path);
  c->hook = refuse_body;
  c->count = refusals;
  multi_add(multi, c);
  multi_until(multi, c, called);
  return c;
}

static void end(CURLM *multi, client *c)
{
  multi_finish(multi);
  client_total(c);
  multi_remove(multi, c);
  client_free(c);
  multi_cleanup(multi);
}

static void replay(void)
{
  CURLM *multi = multi_new();
  client *c = begin(multi, "/l2000/b1000/w500/b1000", 1);
  multi_go(multi, 1);
  client_pause(c, CURLPAUSE_CONT);
  end(multi, c);
}

static void replay_refused(void)
{
  CURLM *multi = multi_new();
  client *c = begin(multi, "/l1000/b1000", 3);
  multi_go(multi, 0.3);
  client_pause(c, CURLPAUSE_CONT);
  multi_go(multi, 0.3);
  client_pause(c, CURLPAUSE_CONT);
  multi_go(multi, 0.3);
  client_pause(c, CURLPAUSE_CONT);
  end(multi, c);
}

static long fail_second(client *c, kind k, const char *data, size_t n)
{
  (void)data;
  if (k != WRITE || c->count > 2) return USUAL;
  return c->count++ ? (long)n - 1 : (long)CURL_WRITEFUNC_PAUSE;
}

static void replay_fails(void)
{
  CURLM *multi = multi_new();
  client *c = client_new("/l1000/b1000/w1000");
  c->hook = fail_second;
  multi_add(multi, c);
  multi_until(multi, c, called);
  CURLcode code = client_pause(c, CURLPAUSE_CONT);
  say_code(c, "unpause", code);
  end(multi, c);
}

static void same_bytes(void)
{
  CURLM *multi = multi_new();
  client *c = begin(multi, "/l6000/b3000/w300/b3000", 2);
  multi_until(multi, c, called);
  client_pause(c, CURLPAUSE_CONT);
  multi_go(multi, 0.6);
  client_pause(c, CURLPAUSE_CONT);
  end(multi, c);
}

static void bounded(void)
{
  CURLM *multi = multi_new();
  client *c = client_new("/l8000000/b8000000");
  curl_easy_setopt(c->easy, CURLOPT_BUFFERSIZE, 65536L);
  c->quiet = true;
  c->hook = refuse_body;
  c->count = 1;
  client_progress(c, false);
  multi_add(multi, c);
  multi_until(multi, c, refused);
  multi_go(multi, 1);
  say("held at most a buffer: %s", c->down <= 65536 ? "yes" : "no");
  say("sent whole: %s", peer_seen().sent == 8000000 ? "yes" : "no");
  client_pause(c, CURLPAUSE_CONT);
  end(multi, c);
}

static void paused_by_call(void)
{
  CURLM *multi = multi_new();
  client *c = client_new("/l8000000/b8000000");
  c->quiet = true;
  client_progress(c, false);
  multi_add(multi, c);
  multi_until(multi, c, called);
  client_pause(c, CURLPAUSE_RECV);
  unsigned before = c->calls[WRITE];
  multi_go(multi, 1);
  say("no call while paused: %s", c->calls[WRITE] == before ? "yes" : "no");
  say("sent whole: %s", peer_seen().sent == 8000000 ? "yes" : "no");
  client_pause(c, CURLPAUSE_CONT);
  end(multi, c);
}

/* Pauses by call in its first write: the rest of what was received follows later. */
static long pause_in_write(client *c, kind k, const char *data, size_t n)
{
  (void)data, (void)n;
  if (k == WRITE && !c->count++) client_pause(c, CURLPAUSE_RECV);
  return USUAL;
}

static void paused_in_write(void)
{
  CURLM *multi = multi_new();
  client *c = client_new("/l2000/b1000/w300/b1000");
  c->hook = pause_in_write;
  multi_add(multi, c);
  multi_until(multi, c, called);
  multi_go(multi, 0.8);
  client_pause(c, CURLPAUSE_CONT);
  end(multi, c);
}

static void end_held(const char *path)
{
  CURLM *multi = multi_new();
  client *c = begin(multi, path, 1);
  multi_go(multi, 0.8);
  multi_messages(multi);
  client_pause(c, CURLPAUSE_CONT);
  end(multi, c);
}

static void end_length(void) { end_held("/l1000/b1000"); }
static void end_chunked(void) { end_held("/k/b1000/e"); }
static void end_closed(void) { end_held("/c/b1000/x"); }
static void end_short(void) { end_held("/l2000/b1000/x"); }

/* The peer goes while there is more than was read. */
static void closed_paused(const char *path)
{
  CURLM *multi = multi_new();
  client *c = client_new(path);
  multi_add(multi, c);
  multi_turn(multi, 0);
  while (!c->lines) multi_turn(multi, 50);
  client_pause(c, CURLPAUSE_RECV);
  multi_go(multi, 1);
  multi_messages(multi);
  client_total(c);
  client_pause(c, CURLPAUSE_CONT);
  end(multi, c);
}

static void closed(void) { closed_paused("/c/w300/b5000/x"); }
static void closed_short(void) { closed_paused("/l9000/w300/b5000/x"); }

/* Refuses header line 2 twice. */
static long refuse_line(client *c, kind k, const char *data, size_t n)
{
  (void)data, (void)n;
  return k == HEADER && c->lines == 1 && c->count++ < 2 ? (long)CURL_WRITEFUNC_PAUSE : USUAL;
}

static bool line_refused(const client *c) { return c->count > 0; }

static void header_refused(void)
{
  CURLM *multi = multi_new();
  client *c = client_new("/l1000/w200/b1000");
  c->hook = refuse_line;
  multi_add(multi, c);
  multi_until(multi, c, line_refused);
  multi_go(multi, 0.3);
  client_pause(c, CURLPAUSE_CONT);
  multi_go(multi, 0.3);
  client_pause(c, CURLPAUSE_CONT);
  end(multi, c);
}

/* Each line and the body are refused once: what comes again is printed. */
static long refuse_each(client *c, kind k, const char *data, size_t n)
{
  int len = 0;
  while ((size_t)len < n && data[len] != '\r') len++;
  if (k == HEADER || k == WRITE) say("given %.*s", len, data);
  return (k == HEADER || k == WRITE) && c->count++ % 2 == 0 ? (long)CURL_WRITEFUNC_PAUSE : USUAL;
}

static void order_kept(void)
{
  CURLM *multi = multi_new();
  client *c = client_new("/k/w200/b20/w200/t");
  c->hook = refuse_each;
  multi_add(multi, c);
  for (int i = 0; i < 60 && multi_turn(multi, 30); i++)
    if (c->count % 2) client_pause(c, CURLPAUSE_CONT);
  end(multi, c);
}

/* Three chunks and the trailers come with the head in one receive; the first is refused. */
static void chunks(void)
{
  CURLM *multi = multi_new();
  client *c = client_new("/k/b1000/b1000/b1000/t");
  c->hook = refuse_body;
  c->count = 1;
  multi_add(multi, c);
  for (int i = 0; i < 100 && !asked(); i++) {
    multi_turn(multi, 0);
    usleep(10000);
  }
  usleep(100000);
  multi_until(multi, c, called);
  client_pause(c, CURLPAUSE_CONT);
  end(multi, c);
}

static void empty_body(void)
{
  client *c = client_new("/l0");
  client_perform(c);
  say("write calls %u", c->calls[WRITE]);
  client_free(c);
}

static size_t other_write(char *data, size_t size, size_t n, void *arg)
{
  (void)data, (void)arg;
  say("other write %zu", size * n);
  return size * n;
}

static void callback_changed(void)
{
  CURLM *multi = multi_new();
  client *c = begin(multi, "/l1000/b1000", 1);
  curl_easy_setopt(c->easy, CURLOPT_WRITEFUNCTION, other_write);
  client_pause(c, CURLPAUSE_CONT);
  end(multi, c);
}

/* A file of 1000 bytes of the peer's pattern. */
static void file_url(client *c, char *path, size_t size)
{
  const char *folder = getenv("TMPDIR");
  char url[300];
  snprintf(path, size, "%s/sluice-scene-XXXXXX", folder ? folder : "/tmp");
  int fd = mkstemp(path);
  for (size_t i = 0; i < 1000; i++) {
    char byte = peer_byte(i);
    if (write(fd, &byte, 1) != 1) abort();
  }
  close(fd);
  snprintf(url, sizeof url, "file://%s", path);
  curl_easy_setopt(c->easy, CURLOPT_URL, url);
}

static void file_paused(void)
{
  char path[200];
  CURLM *multi = multi_new();
  client *c = client_new("");
  file_url(c, path, sizeof path);
  c->hook = refuse_body;
  c->count = 1;
  multi_add(multi, c);
  multi_until(multi, c, called);
  multi_go(multi, 0.3);
  multi_messages(multi);
  client_pause(c, CURLPAUSE_CONT);
  end(multi, c);
  unlink(path);
}

const scene held_scenes[] = {
  { "P6 W2 held bytes are delivered inside the call", replay },
  { "P6 refused again inside the call", replay_refused },
  { "P7 F16 the delivery inside the call fails", replay_fails },
  { "W2 the same bytes come again", same_bytes },
  { "W3 W8 what is held is bounded", bounded },
  { "W8 paused by call: nothing is read", paused_by_call },
  { "W8 paused in the write callback", paused_in_write },
  { "W9 the end while paused: content-length", end_length },
  { "W9 the end while paused: chunked", end_chunked },
  { "W9 W10 the end while paused: closed", end_closed },
  { "W10 the end while paused: short", end_short },
  { "W10 the peer closes while paused", closed },
  { "W10 the peer closes early while paused", closed_short },
  { "W6 F19 the header callback refuses", header_refused },
  { "W5 order and kinds are kept", order_kept },
  { "P6 W5 chunks received at once", chunks },
  { "W11 an empty body", empty_body },
  { "W15 the write callback is changed while paused", callback_changed },
  { "W12 B6 a file is paused", file_paused },
  { NULL, NULL },
};
