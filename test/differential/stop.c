/* stop.c: remove and cleanup, connections that are kept, messages, errors of the peer: SPEC section 7. */
#include "scene.h"

static bool at_1000(const client *c) { return c->written >= 1000; }
static bool saw_close(const peer_view *seen) { return seen->closed == 1; }

/* The next transfer on this multi: on the same connection? */
static void another(CURLM *multi)
{
  client *c = client_new("/l10/b10");
  curl_easy_setopt(c->easy, CURLOPT_TIMEOUT, 3L);
  multi_add(multi, c);
  multi_finish(multi);
  say("new connections %ld", client_long(c, CURLINFO_NUM_CONNECTS));
  multi_remove(multi, c);
  client_free(c);
}

static void remove_codes(void)
{
  CURLM *multi = multi_new(), *other = multi_new();
  client *c = client_new("/l10/b10");
  multi_remove(multi, c);
  multi_add(other, c);
  multi_add(other, c);
  multi_add(multi, c);
  multi_remove(multi, c);
  multi_remove(other, c);
  multi_remove(other, c);
  say_multi("remove NULL", curl_multi_remove_handle(multi, NULL));
  say_multi("remove from NULL", curl_multi_remove_handle(NULL, c->easy));
  say_multi("add NULL", curl_multi_add_handle(multi, NULL));
  say_multi("add to NULL", curl_multi_add_handle(NULL, c->easy));
  client_free(c);
  multi_cleanup(multi);
  multi_cleanup(other);
}

static void perform_added(void)
{
  CURLM *multi = multi_new();
  client *c = client_new("/l10/b10");
  multi_add(multi, c);
  client_perform(c);
  multi_finish(multi);
  multi_remove(multi, c);
  client_free(c);
  multi_cleanup(multi);
}

/* Removed after so many turns, then what the others see. */
static void removed(const char *path, int turns, bool until_body, int mask)
{
  CURLM *multi = multi_new();
  client *c = client_new(path);
  multi_add(multi, c);
  for (int i = 0; i < turns; i++) multi_turn(multi, 0);
  if (until_body) multi_until(multi, c, at_1000);
  if (mask) client_pause(c, mask);
  multi_remove(multi, c);
  int running = -1;
  say_multi("perform", curl_multi_perform(multi, &running));
  say("running %d", running);
  multi_messages(multi);
  another(multi);
  client_free(c);
  multi_cleanup(multi);
}

static void unstarted(void) { removed("/l10/b10", 0, false, 0); }
static void connecting(void) { removed("/l10/b10", 1, false, 0); }
static void downloading(void) { removed("/l2000/b1000/h", 0, true, 0); }
static void paused(void) { removed("/l2000/b1000/h", 0, true, CURLPAUSE_RECV); }

static void closed_at_once(void)
{
  CURLM *multi = multi_new();
  client *c = client_new("/l2000/b1000/h");
  multi_add(multi, c);
  multi_until(multi, c, at_1000);
  multi_remove(multi, c);
  say("the peer saw it: %s", peer_saw(saw_close) ? "yes" : "no");
  client_free(c);
  multi_cleanup(multi);
}

static void completed(void)
{
  CURLM *multi = multi_new();
  client *c = client_new("/l10/b10");
  multi_add(multi, c);
  for (int i = 0; i < 100 && multi_turn(multi, 100); i++) {}
  multi_remove(multi, c); /* with its message not read */
  multi_messages(multi);
  another(multi);
  client_free(c);
  multi_cleanup(multi);
}

static long refuse_first(client *c, kind k, const char *data, size_t n)
{
  (void)data, (void)n;
  return k == WRITE && !c->count++ ? (long)CURL_WRITEFUNC_PAUSE : USUAL;
}

static void whole_but_paused(void)
{
  CURLM *multi = multi_new();
  client *c = client_new("/l1000/b1000");
  c->hook = refuse_first;
  multi_add(multi, c);
  multi_go(multi, 0.4);
  multi_remove(multi, c);
  another(multi);
  client_free(c);
  multi_cleanup(multi);
}

static void pending_starts(void)
{
  CURLM *multi = multi_new();
  client *a = client_new("/h"), *b = client_new("/l10/b10");
  a->name = "a ";
  b->name = "b ";
  curl_multi_setopt(multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, 1L);
  multi_add(multi, a);
  multi_add(multi, b);
  multi_go(multi, 0.5);
  multi_remove(multi, a);
  multi_finish(multi);
  multi_remove(multi, b);
  client_free(a);
  client_free(b);
  multi_cleanup(multi);
}

static void easy_cleanup(void)
{
  CURLM *multi = multi_new();
  client *c = client_new("/l2000/b1000/h");
  int running = -1;
  multi_add(multi, c);
  multi_until(multi, c, at_1000);
  client_free(c);
  say_multi("perform", curl_multi_perform(multi, &running));
  say("running %d", running);
  another(multi);
  multi_cleanup(multi);
}

static void multi_cleanup_first(void)
{
  CURLM *multi = multi_new();
  client *c = client_new("/l2000/b1000/h");
  multi_add(multi, c);
  multi_until(multi, c, at_1000);
  multi_cleanup(multi);
  client_path(c, "/l10/b10");
  c->written = 0;
  client_perform(c);
  client_free(c);
}

static void order(void)
{
  CURLM *multi = multi_new();
  client *a = client_new("/w700/l10/b10"), *b = client_new("/l10/b10"), *c = client_new("/w300/l20/b10/x");
  a->name = "a ";
  b->name = "b ";
  c->name = "c ";
  client *all[] = { a, b, c };
  for (int i = 0; i < 3; i++) curl_easy_setopt(all[i]->easy, CURLOPT_PREREQFUNCTION, NULL); /* who connects first is chance */
  multi_add(multi, a);
  multi_add(multi, b);
  multi_add(multi, c);
  multi_finish(multi);
  multi_messages(multi); /* each came once */
  multi_remove(multi, a);
  multi_remove(multi, b);
  multi_remove(multi, c);
  client_free(a);
  client_free(b);
  client_free(c);
  multi_cleanup(multi);
}

/* Errors of the peer. */

static void fails(const char *path)
{
  client *c = client_new(path);
  client_perform(c);
  client_path(c, "/l10/b10");
  c->written = c->lines = 0;
  client_perform(c);
  say("connections %u", peer_seen().connections);
  client_free(c);
}

static void gone(void) { fails("/x"); }
static void short_body(void) { fails("/l2000/b1000/x"); }
static void short_chunked(void) { fails("/k/b1000/x"); }
static void reset_body(void) { fails("/l2000/b1000/w300/r"); }

static void fail_on_error(void)
{
  client *c = client_new("/s404/l10/b10");
  curl_easy_setopt(c->easy, CURLOPT_FAILONERROR, 1L);
  client_perform(c);
  client_free(c);
}

static void connection_limit(void)
{
  client *c = client_new("/l10/b10");
  client_perform(c);
  c->written = 0;
  client_perform(c);
  say("new connections %ld, in all %u", client_long(c, CURLINFO_NUM_CONNECTS), peer_seen().connections);
  c->written = 0;
  curl_easy_setopt(c->easy, CURLOPT_FORBID_REUSE, 1L);
  client_perform(c);
  c->written = 0;
  client_perform(c);
  say("new connections %ld, in all %u", client_long(c, CURLINFO_NUM_CONNECTS), peer_seen().connections);
  client_free(c);
}

static void too_many_redirects(void)
{
  client *c = client_new("/tob302/tob302/to302/l10/b10");
  curl_easy_setopt(c->easy, CURLOPT_FOLLOWLOCATION, 1L);
  client_perform(c);
  say("redirects %ld, connections %u", client_long(c, CURLINFO_REDIRECT_COUNT), peer_seen().connections);
  curl_easy_setopt(c->easy, CURLOPT_MAXREDIRS, 1L);
  c->written = 0;
  client_perform(c);
  client_free(c);
}

const scene stop_scenes[] = {
  { "X1 X5 codes of add and remove", remove_codes },
  { "X5 perform of an added handle", perform_added },
  { "X1 X2 removed before it began", unstarted },
  { "X1 X2 removed while connecting", connecting },
  { "X1 X2 removed while downloading", downloading },
  { "X1 X2 removed while paused", paused },
  { "X2 the connection is closed at once", closed_at_once },
  { "X2 X3 removed when complete", completed },
  { "X2 removed when all came but paused", whole_but_paused },
  { "X3 removing one starts another", pending_starts },
  { "X4 cleanup of an added handle", easy_cleanup },
  { "X4 cleanup of the multi first", multi_cleanup_first },
  { "X10 messages", order },
  { "X9 no answer", gone },
  { "X9 a short body", short_body },
  { "X9 a short chunked body", short_chunked },
  { "X9 a reset", reset_body },
  { "X9 FAILONERROR", fail_on_error },
  { "X2 connections are kept", connection_limit },
  { "X2 redirects", too_many_redirects },
  { NULL, NULL },
};
