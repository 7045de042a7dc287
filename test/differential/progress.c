/* progress.c: the progress callback: SPEC section 6. */
#include "scene.h"

static bool begun(const client *c) { return c->written > 0; }

static void not_wanted(void)
{
  client *c = client_new("/l10/b10");
  client_perform(c);
  say("progress calls: %s", c->calls[PROGRESS] ? "some" : "none");
  client_free(c);
}

static void wanted(void)
{
  client *c = client_new("/l10/b10");
  client_progress(c, false);
  client_perform(c);
  say("progress calls: %s", c->calls[PROGRESS] ? "some" : "none");
  say("at the end %ld", (long)c->down);
  client_free(c);
}

static long abort_body(client *c, kind k, const char *data, size_t n)
{
  (void)data, (void)n;
  if (k != PROGRESS || (!c->count && c->down < 1000)) return USUAL;
  c->count++;
  return 1;
}

static void aborted(void)
{
  client *c = client_new("/l2000/b1000/w900/b1000");
  client_progress(c, false);
  c->hook = abort_body;
  client_perform(c);
  say("calls that aborted %d", c->count);
  c->hook = NULL;
  c->written = 0;
  client_perform(c); /* not on the same connection */
  say("connections %u", peer_seen().connections);
  client_free(c);
}

static int old_progress(void *arg, double total, double at, double up_total, double up)
{
  client *c = arg;
  (void)total, (void)up_total, (void)up;
  c->calls[PROGRESS]++;
  return at > 0;
}

static void both(void)
{
  client *c = client_new("/l10/b10");
  client_progress(c, false);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
  curl_easy_setopt(c->easy, CURLOPT_PROGRESSFUNCTION, old_progress);
  client_perform(c); /* the newer one is asked */
  curl_easy_setopt(c->easy, CURLOPT_XFERINFOFUNCTION, NULL);
  c->written = 0;
  client_perform(c);
#pragma GCC diagnostic pop
  client_free(c);
}

static long refuse_first(client *c, kind k)
{
  return k == WRITE && !c->count++ ? (long)CURL_WRITEFUNC_PAUSE : USUAL;
}

/* Unpauses in the first progress call later than 1.5 s. */
static long unpause_late(client *c, kind k, const char *data, size_t n)
{
  static double from;
  (void)data, (void)n;
  if (k == WRITE && !c->count) from = now();
  if (k == PROGRESS && from > 0 && now() - from > 1.5) {
    from = 0;
    client_pause(c, CURLPAUSE_CONT);
  }
  return refuse_first(c, k);
}

static void unpauses(void)
{
  client *c = client_new("/l1000/b1000");
  client_progress(c, false);
  c->hook = unpause_late;
  client_perform(c);
  client_free(c);
}

static long abort_paused(client *c, kind k, const char *data, size_t n)
{
  (void)data, (void)n;
  return k == PROGRESS && c->count ? 1 : refuse_first(c, k);
}

static void aborts_paused(void)
{
  client *c = client_new("/l1000/b1000");
  client_progress(c, false);
  c->hook = abort_paused;
  double from = now();
  say_code(c, "perform", curl_easy_perform(c->easy));
  say_within(from, 0, 1.6);
  client_free(c);
}

static long pause_once(client *c, kind k, const char *data, size_t n)
{
  (void)data, (void)n;
  if (k == PROGRESS && c->written >= 1000 && !c->count++) client_pause(c, CURLPAUSE_RECV);
  return USUAL;
}

static void pauses(void)
{
  CURLM *multi = multi_new();
  client *c = client_new("/l2000/b1000/w300/b1000");
  client_progress(c, false);
  c->hook = pause_once;
  multi_add(multi, c);
  multi_go(multi, 1);
  client_pause(c, CURLPAUSE_CONT);
  multi_finish(multi);
  client_total(c);
  multi_remove(multi, c);
  client_free(c);
  multi_cleanup(multi);
}

static long refuse(client *c, kind k, const char *data, size_t n)
{
  (void)data, (void)n;
  return refuse_first(c, k);
}

static void counts(void)
{
  CURLM *multi = multi_new();
  client *c = client_new("/l1000/b1000");
  client_progress(c, false);
  c->hook = refuse;
  multi_add(multi, c);
  multi_go(multi, 0.5);
  say("read %ld, taken %zu", (long)c->down, c->written);
  unsigned before = c->calls[PROGRESS];
  multi_go(multi, 0.5); /* each run of the paused one calls it */
  say("called while paused: %s", c->calls[PROGRESS] > before ? "yes" : "no");
  client_pause(c, CURLPAUSE_CONT);
  multi_finish(multi);
  multi_remove(multi, c);
  client_free(c);
  multi_cleanup(multi);
}

static void by_events(void)
{
  events *e = events_new();
  client *c = client_new("/l2000/b1000/w300/b1000");
  client_progress(c, false);
  curl_easy_setopt(c->easy, CURLOPT_TIMEOUT, 0L);
  multi_add(e->multi, c);
  for (double until = now() + 10; !begun(c) && now() < until;) events_go(e, 0.05);
  client_pause(c, CURLPAUSE_RECV);
  events_go(e, 0.2);
  unsigned before = c->calls[PROGRESS];
  events_go(e, 2.3);
  say("calls in 2 s: %s", c->calls[PROGRESS] > before ? "some" : "none");
  client_pause(c, CURLPAUSE_CONT);
  events_finish(e);
  client_total(c);
  multi_remove(e->multi, c);
  client_free(c);
  events_free(e);
}

const scene progress_scenes[] = {
  { "G1 not wanted", not_wanted },
  { "G1 wanted", wanted },
  { "G1 G6 it aborts", aborted },
  { "G1 the newer callback goes first", both },
  { "G2 G4 it unpauses", unpauses },
  { "G4 it aborts while paused", aborts_paused },
  { "G4 it pauses", pauses },
  { "G5 G2 it counts what is held", counts },
  { "G3 B7 paused and driven by events", by_events },
  { NULL, NULL },
};
