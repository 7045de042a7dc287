/* callback.c: what may be called from a callback: SPEC X4 to X8. */
#include "scene.h"

static CURLM *multi_of;
static client *other_of;

static long call_multi(client *c, kind k, const char *data, size_t n)
{
  int number = -1;
  long ms = -1;
  fd_set in, out, except;
  (void)data, (void)n;
  if (k != WRITE || c->count++) return USUAL;
  FD_ZERO(&in);
  FD_ZERO(&out);
  FD_ZERO(&except);
  say_multi("add", curl_multi_add_handle(multi_of, other_of->easy));
  say_multi("remove", curl_multi_remove_handle(multi_of, c->easy));
  say_multi("perform", curl_multi_perform(multi_of, &number));
  say_multi("poll", curl_multi_poll(multi_of, NULL, 0, 0, &number));
  say_multi("wait", curl_multi_wait(multi_of, NULL, 0, 0, &number));
  say_multi("fdset", curl_multi_fdset(multi_of, &in, &out, &except, &number));
  say_multi("timeout", curl_multi_timeout(multi_of, &ms));
  say_multi("setopt", curl_multi_setopt(multi_of, CURLMOPT_MAXCONNECTS, 5L));
  say_multi("socket_action", curl_multi_socket_action(multi_of, CURL_SOCKET_TIMEOUT, 0, &number));
  say_multi("cleanup", curl_multi_cleanup(multi_of));
  return USUAL;
}

static long call_allowed(client *c, kind k, const char *data, size_t n)
{
  long code = -1;
  int left = -1;
  (void)data, (void)n;
  if (k != WRITE || c->count++) return USUAL;
  say("getinfo -> %d", (int)curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &code));
  say("status %ld", code);
  say("setopt -> %d", (int)curl_easy_setopt(c->easy, CURLOPT_LOW_SPEED_TIME, 10L));
  CURL *copy = curl_easy_duphandle(c->easy);
  say("duphandle: %s", copy ? "yes" : "no");
  curl_easy_cleanup(copy);
  say("info_read: %s", curl_multi_info_read(multi_of, &left) ? "a message" : "none");
  say_multi("assign", curl_multi_assign(multi_of, 9999, NULL));
  say_multi("wakeup", curl_multi_wakeup(multi_of));
  return USUAL;
}

static void in_multi(hook *h)
{
  client *c = client_new("/l10/b10");
  multi_of = multi_new();
  other_of = client_new("/l10/b10");
  c->hook = h;
  multi_add(multi_of, c);
  multi_finish(multi_of);
  client_total(c);
  multi_remove(multi_of, c);
  client_free(c);
  client_free(other_of);
  multi_cleanup(multi_of);
}

static void refused(void) { in_multi(call_multi); }
static void allowed(void) { in_multi(call_allowed); }

static long call_perform(client *c, kind k, const char *data, size_t n)
{
  (void)data, (void)n;
  if (k != WRITE || c->count++) return USUAL;
  say("perform of its own -> %d", (int)curl_easy_perform(c->easy));
  other_of->name = "other ";
  client_perform(other_of);
  return USUAL;
}

static void performs(void)
{
  client *c = client_new("/l10/b10");
  other_of = client_new("/l20/b20");
  c->hook = call_perform;
  client_perform(c);
  client_free(c);
  client_free(other_of);
}

/* A libcurl before 8.14 frees what it still uses. */
static long call_cleanup(client *c, kind k, const char *data, size_t n)
{
  (void)data, (void)n;
  if (k != WRITE || c->count++) return USUAL;
#if CURL_AT_LEAST_VERSION(8, 14, 0)
  curl_easy_cleanup(c->easy);
  curl_easy_reset(c->easy);
  say("cleanup and reset do nothing");
#else
  say("cleanup and reset are not tried");
#endif
  return USUAL;
}

static void cleanups(void)
{
  client *c = client_new("/l10/b10");
  c->hook = call_cleanup;
  client_perform(c);
  c->written = 0;
  client_perform(c);
  client_free(c);
}

static long answer_prereq(client *c, kind k, const char *data, size_t n)
{
  (void)data, (void)n;
  return k == PREREQ ? c->count : USUAL;
}

static void prereq(void)
{
  client *c = client_new("/to302/l10/b10");
  curl_easy_setopt(c->easy, CURLOPT_FOLLOWLOCATION, 1L);
  client_perform(c); /* asked once a request */
  c->hook = answer_prereq;
  c->count = CURL_PREREQFUNC_ABORT;
  client_perform(c);
  say("requests %u", peer_seen().requests);
  client_free(c);
}

static curl_socket_t no_socket(void *arg, curlsocktype type, struct curl_sockaddr *at)
{
  (void)arg, (void)type, (void)at;
  say("open");
  return CURL_SOCKET_BAD;
}

static int no_sockopt(void *arg, curl_socket_t fd, curlsocktype type)
{
  (void)arg, (void)fd, (void)type;
  say("sockopt");
  return CURL_SOCKOPT_ERROR;
}

static void sockets(void)
{
  client *c = client_new("/l10/b10");
  curl_easy_setopt(c->easy, CURLOPT_OPENSOCKETFUNCTION, no_socket);
  say("code %d", (int)curl_easy_perform(c->easy)); /* the words are the system's */
  curl_easy_setopt(c->easy, CURLOPT_OPENSOCKETFUNCTION, NULL);
  curl_easy_setopt(c->easy, CURLOPT_SOCKOPTFUNCTION, no_sockopt);
  say("code %d", (int)curl_easy_perform(c->easy));
  client_free(c);
}

/* Notifications. */

#if CURL_AT_LEAST_VERSION(8, 17, 0)
static void on_notify(CURLM *multi, unsigned int what, CURL *easy, void *arg)
{
  client *c = arg;
  (void)multi;
  say("notified %u of %s", what, easy == c->easy ? "the handle" : "the multi");
}
#endif

static void notified(void)
{
#if CURL_AT_LEAST_VERSION(8, 17, 0)
  CURLM *multi = multi_new();
  client *c = client_new("/l10/b10");
  curl_multi_setopt(multi, CURLMOPT_NOTIFYFUNCTION, on_notify);
  curl_multi_setopt(multi, CURLMOPT_NOTIFYDATA, c);
  say_multi("enable", curl_multi_notify_enable(multi, CURLMNOTIFY_INFO_READ));
  say_multi("enable", curl_multi_notify_enable(multi, CURLMNOTIFY_EASY_DONE));
  say_multi("enable 2", curl_multi_notify_enable(multi, 2));
  multi_add(multi, c);
  multi_finish(multi);
  multi_remove(multi, c);
  client_free(c);
  multi_cleanup(multi);
#else
  say("this libcurl does not notify");
#endif
}

const scene callback_scenes[] = {
  { "X6 X1 X5 X4 calls of the multi that are refused", refused },
  { "X6 calls that are allowed", allowed },
  { "X5 perform from a callback", performs },
  { "X4 cleanup and reset from a callback", cleanups },
  { "X8 the prereq callback aborts", prereq },
  { "X8 no socket", sockets },
  { "X11 notifications", notified },
  { NULL, NULL },
};
