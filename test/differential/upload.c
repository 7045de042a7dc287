/* upload.c: the read callback: its answers, its pause, what stands in its way. */
#include <stdio.h>
#include "scene.h"

static void say_received(void)
{
  peer_view seen = peer_seen();
  say("peer got %zu%s", seen.uploaded, seen.damaged ? ", damaged" : "");
}

/* Upload n bytes with this hook. */
static client *uploader(const char *path, size_t n, bool announced, hook *h)
{
  client *c = client_new(path);
  client_upload(c, n, announced);
  c->hook = h;
  return c;
}

static void end(CURLM *multi, client *c)
{
  multi_finish(multi);
  say_received();
  client_total(c);
  multi_remove(multi, c);
  client_free(c);
  multi_cleanup(multi);
}

static void perform(client *c)
{
  client_perform(c);
  say_received();
  client_free(c);
}

static void plain(void) { perform(uploader("/u/l10/b10", 5000, true, NULL)); }
static void chunked(void) { perform(uploader("/u/l10/b10", 5000, false, NULL)); }
static void empty(void) { perform(uploader("/u/l10/b10", 0, true, NULL)); }
static void empty_chunked(void) { perform(uploader("/u/l10/b10", 0, false, NULL)); }

static long end_early(client *c, kind k, const char *data, size_t n)
{
  (void)data, (void)n;
  return k != READ ? USUAL : c->count++ ? 0 : 100;
}

static void early_end(void)
{
  client *c = uploader("/u/l10/b10", 5000, true, end_early);
  curl_easy_setopt(c->easy, CURLOPT_TIMEOUT, 3L);
  client_perform(c);
  client_free(c);
}

static void early_end_chunked(void) { perform(uploader("/u/l10/b10", 5000, false, end_early)); }

static long too_much(client *c, kind k, const char *data, size_t n)
{
  (void)c, (void)data;
  return k == READ ? (long)n + 1 : USUAL;
}

static long give_up(client *c, kind k, const char *data, size_t n)
{
  (void)data, (void)n;
  return k != READ ? USUAL : c->count++ ? CURL_READFUNC_ABORT : 100;
}

static void funny(void)
{
  client *c = uploader("/u/l10/b10", 5000, true, too_much);
  client_perform(c);
  client_free(c);
}

static void aborted(void)
{
  client *c = uploader("/u/l10/b10", 5000, true, give_up);
  client_perform(c);
  say("read calls %u", c->calls[READ]);
  client_free(c);
}

/* Gives 100 bytes, then pauses once. */
static long pause_second(client *c, kind k, const char *data, size_t n)
{
  (void)data, (void)n;
  if (k != READ) return USUAL;
  c->count++;
  return c->count == 1 ? 100 : c->count == 2 ? CURL_READFUNC_PAUSE : USUAL;
}

static long pause_first(client *c, kind k, const char *data, size_t n)
{
  (void)data, (void)n;
  return k == READ && !c->count++ ? CURL_READFUNC_PAUSE : USUAL;
}

static bool paused_second(const client *c) { return c->count >= 2; }
static bool paused_first(const client *c) { return c->count >= 1; }

static void paused(bool announced, hook *h, bool (*what)(const client *c), double seconds)
{
  CURLM *multi = multi_new();
  client *c = uploader("/u/l10/b10", 3000, announced, h);
  multi_add(multi, c);
  multi_until(multi, c, what);
  multi_go(multi, seconds);
  say_received();
  say("chunks %zu", peer_seen().chunks);
  client_pause(c, CURLPAUSE_CONT);
  end(multi, c);
}

static void paused_between(void) { paused(true, pause_second, paused_second, 0.6); }
static void paused_at_begin(void) { paused(true, pause_first, paused_first, 0.6); }
static void paused_chunked(void) { paused(false, pause_second, paused_second, 0.6); }
static void paused_chunked_at_begin(void) { paused(false, pause_first, paused_first, 0.6); }

static void unpaused_in_vain(void)
{
  CURLM *multi = multi_new();
  client *c = uploader("/u/l10/b10", 3000, true, pause_first);
  multi_add(multi, c);
  multi_until(multi, c, paused_first);
  c->count = 0; /* it pauses again */
  client_pause(c, CURLPAUSE_CONT);
  multi_go(multi, 0.3);
  client_pause(c, CURLPAUSE_CONT);
  end(multi, c);
}

/* The answer comes while the upload is paused: both directions go their own way. */
static void answer_flows(void)
{
  CURLM *multi = multi_new();
  client *c = uploader("/w300/l1000/b500/w300/u/b500", 3000, true, pause_first);
  multi_add(multi, c);
  multi_until(multi, c, paused_first);
  multi_go(multi, 0.9);
  client_pause(c, CURLPAUSE_CONT);
  end(multi, c);
}

static void paused_by_call(void)
{
  CURLM *multi = multi_new();
  client *c = uploader("/u/l10/b10", 4000000, true, NULL);
  curl_easy_setopt(c->easy, CURLOPT_MAX_SEND_SPEED_LARGE, (curl_off_t)100000);
  c->quiet = true;
  multi_add(multi, c);
  multi_go(multi, 0.5);
  client_pause(c, CURLPAUSE_SEND);
  multi_go(multi, 0.5);
  size_t before = c->read;
  multi_go(multi, 1);
  say("read while paused: %s", c->read == before ? "no" : "yes");
  multi_remove(multi, c);
  client_free(c);
  multi_cleanup(multi);
}

/* Expect: 100-continue. */

static void expects(size_t n, bool announced)
{
  client *c = uploader("/i/u/l10/b10", n, announced, NULL);
  client_field(c, "X-Mine: 1");
  c->quiet = true;
  client_perform(c);
  say("expects %s", peer_seen().expects ? "yes" : "no");
  say_received();
  client_free(c);
}

static void expects_small(void) { expects(1024 * 1024, true); }
static void expects_large(void) { expects(1024 * 1024 + 1, true); }
static void expects_unknown(void) { expects(100, false); }

static client *expecting(const char *path)
{
  client *c = uploader(path, 1000, true, NULL);
  client_field(c, "Expect: 100-continue");
  return c;
}

static void expect(const char *path, long ms)
{
  client *c = expecting(path);
  if (ms >= 0) curl_easy_setopt(c->easy, CURLOPT_EXPECT_100_TIMEOUT_MS, ms);
  perform(c);
}

static void expect_waits(void) { expect("/u/l10/b10", -1); }
static void expect_waits_less(void) { expect("/u/l10/b10", 300); }
static void expect_told(void) { expect("/w400/i/u/l10/b10", 5000); }
static void expect_refused(void) { expect("/s403/l10/b10", 5000); }

static void expect_paused(void)
{
  CURLM *multi = multi_new();
  client *c = expecting("/w500/i/u/l10/b10");
  double from = now();
  c->hook = pause_first;
  curl_easy_setopt(c->easy, CURLOPT_EXPECT_100_TIMEOUT_MS, 3000L);
  multi_add(multi, c);
  multi_until(multi, c, paused_first);
  say_time("asked", from);
  multi_go(multi, 1);
  client_pause(c, CURLPAUSE_CONT);
  end(multi, c);
  say_time("time", from);
}

static double read_at;

static long note_read(client *c, kind k, const char *data, size_t n)
{
  (void)data, (void)n;
  if (k == READ && !c->count++) read_at = now();
  return USUAL;
}

/* Unpausing does not end the wait. */
static void expect_unpaused(void)
{
  CURLM *multi = multi_new();
  client *c = expecting("/u/l10/b10");
  double from = now();
  curl_easy_setopt(c->easy, CURLOPT_EXPECT_100_TIMEOUT_MS, 1500L);
  multi_add(multi, c);
  multi_go(multi, 0.3);
  client_pause(c, CURLPAUSE_SEND);
  client_pause(c, CURLPAUSE_CONT);
  c->hook = note_read;
  end(multi, c);
  say("read ~%.2f", read_at - from);
}

/* The peer answers, or goes, while the upload is paused. */

static void ended_by_peer(const char *path)
{
  CURLM *multi = multi_new();
  client *c = uploader(path, 3000, true, pause_first);
  double from = now();
  curl_easy_setopt(c->easy, CURLOPT_TIMEOUT, 3L);
  multi_add(multi, c);
  multi_finish(multi);
  say_time("time", from);
  client_total(c);
  multi_remove(multi, c);
  client_free(c);
  multi_cleanup(multi);
}

static void answered_paused(void) { ended_by_peer("/w300/l10/b10/h"); }
static void answered_error(void) { ended_by_peer("/w300/s500/l10/b10/h"); }
static void answered_closed(void) { ended_by_peer("/w300/c/b10/x"); }
static void answered_short(void) { ended_by_peer("/w300/l20/b10/x"); }

/* Rewinding. */

static void redirected(bool seeks, const char *path)
{
  client *c = uploader(path, 1000, true, NULL);
  curl_easy_setopt(c->easy, CURLOPT_FOLLOWLOCATION, 1L);
  if (!seeks) curl_easy_setopt(c->easy, CURLOPT_SEEKFUNCTION, NULL);
  client_perform(c);
  if (seeks) say_received();
  client_free(c);
}

static void rewound(void) { redirected(true, "/u/to307/u/l10/b10"); }
static void not_rewound(void) { redirected(false, "/u/to307/u/l10/b10"); }

static long cannot_seek(client *c, kind k, const char *data, size_t n)
{
  (void)data, (void)n;
  return k == SEEK ? c->count : USUAL;
}

static void seek_fails(void)
{
  client *c = uploader("/u/to307/u/l10/b10", 1000, true, cannot_seek);
  c->count = CURL_SEEKFUNC_FAIL;
  curl_easy_setopt(c->easy, CURLOPT_FOLLOWLOCATION, 1L);
  client_perform(c);
  client_free(c);
}

static curlioerr on_ioctl(CURL *easy, int what, void *arg)
{
  (void)easy, (void)what, (void)arg;
  say("ioctl");
  return CURLIOE_FAILRESTART;
}

static void ioctl_asked(bool seeks)
{
  client *c = uploader("/u/to307/u/l10/b10", 1000, true, cannot_seek);
  c->count = CURL_SEEKFUNC_CANTSEEK;
  curl_easy_setopt(c->easy, CURLOPT_FOLLOWLOCATION, 1L);
  if (!seeks) curl_easy_setopt(c->easy, CURLOPT_SEEKFUNCTION, NULL);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
  curl_easy_setopt(c->easy, CURLOPT_IOCTLFUNCTION, on_ioctl);
#pragma GCC diagnostic pop
  client_perform(c);
  client_free(c);
}

static void ioctl_fails(void) { ioctl_asked(false); }
static void cannot(void) { ioctl_asked(true); }

const scene upload_scenes[] = {
  { "R1 an upload", plain },
  { "R1 an upload in chunks", chunked },
  { "R1 an empty upload", empty },
  { "R1 an empty upload in chunks", empty_chunked },
  { "R1 it ends too early", early_end },
  { "R1 it ends in chunks", early_end_chunked },
  { "R1 more than asked for", funny },
  { "R1 CURL_READFUNC_ABORT", aborted },
  { "R2 R3 paused between", paused_between },
  { "R2 R3 paused at the begin", paused_at_begin },
  { "R3 unpaused and paused again", unpaused_in_vain },
  { "R2 the answer flows while it is paused", answer_flows },
  { "R2 paused by call", paused_by_call },
  { "R4 paused between chunks", paused_chunked },
  { "R4 paused before the first chunk", paused_chunked_at_begin },
  { "R5 1 MB is sent without asking", expects_small },
  { "R5 more than 1 MB asks", expects_large },
  { "R5 an unknown size asks", expects_unknown },
  { "R5 the wait is 1000 ms", expect_waits },
  { "R5 the wait is as long as set", expect_waits_less },
  { "R5 100 ends the wait", expect_told },
  { "R5 403 ends the upload", expect_refused },
  { "R5 paused behind 100", expect_paused },
  { "R5 unpausing does not end the wait", expect_unpaused },
  { "R6 F23 answered while paused", answered_paused },
  { "R6 answered with an error while paused", answered_error },
  { "R6 answered and closed while paused", answered_closed },
  { "R6 answered too short while paused", answered_short },
  { "R7 rewound", rewound },
  { "R7 not rewound", not_rewound },
  { "R7 the seek callback fails", seek_fails },
  { "R7 the seek callback cannot", cannot },
  { "R7 the ioctl callback fails", ioctl_fails },
  { NULL, NULL },
};
