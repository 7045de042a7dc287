/* pause.c: curl_easy_pause by call: SPEC section 2. */
#include <stdio.h>
#include "scene.h"

static bool at_1000(const client *c) { return c->written >= 1000; }

/* In the middle of a download, its first half delivered; the second is on its way. */
static client *halfway(CURLM *multi)
{
  client *c = client_new("/l2000/b1000/w300/b1000");
  multi_add(multi, c);
  multi_until(multi, c, at_1000);
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

static void whole_state(void)
{
  CURLM *multi = multi_new();
  client *c = halfway(multi);
  curl_easy_setopt(c->easy, CURLOPT_TIMEOUT, 3L);
  client_pause(c, CURLPAUSE_RECV);
  multi_go(multi, 0.8);
  client_total(c);
  client_pause(c, CURLPAUSE_SEND);
  end(multi, c);
}

static void other_bits(void)
{
  CURLM *multi = multi_new();
  client *c = halfway(multi);
  client_pause(c, CURLPAUSE_RECV);
  client_pause(c, 0x40);
  multi_go(multi, 0.8);
  end(multi, c);
}

static void no_connection(void)
{
  CURLM *multi = multi_new();
  client *c = client_new("/l10/b10");
  say("NULL -> %d", (int)curl_easy_pause(NULL, CURLPAUSE_ALL));
  client_pause(c, CURLPAUSE_ALL); /* never started */
  multi_add(multi, c);
  client_pause(c, CURLPAUSE_ALL); /* only added */
  multi_turn(multi, 0);
  client_pause(c, CURLPAUSE_CONT); /* connecting */
  multi_finish(multi);
  client_pause(c, CURLPAUSE_ALL); /* finished */
  multi_remove(multi, c);
  client_pause(c, CURLPAUSE_ALL);
  client_perform(c);
  client_pause(c, CURLPAUSE_ALL);
  client_free(c);
  multi_cleanup(multi);
}

static long pause_everywhere(client *c, kind k, const char *data, size_t n)
{
  static unsigned tried;
  (void)data, (void)n;
  if (tried & 1u << k) return USUAL;
  tried |= 1u << k;
  if (k != PROGRESS) say("in callback %d", (int)k);
  CURLcode code = curl_easy_pause(c->easy, CURLPAUSE_ALL);
  CURLcode open = curl_easy_pause(c->easy, CURLPAUSE_CONT);
  if (k != PROGRESS || code || open) say("pause -> %d, unpause -> %d", (int)code, (int)open);
  return USUAL;
}

static void from_callbacks(void)
{
  client *c = client_new("/u/l1000/b1000");
  client_upload(c, 500, true);
  client_progress(c, false);
  c->hook = pause_everywhere;
  client_perform(c);
  client_free(c);
}

static void from_descriptor_callbacks(void)
{
  events *e = events_new();
  client *c = client_new("/l1000/w200/b1000");
  e->pause_in_socket = e->pause_in_timer = c->easy;
  multi_add(e->multi, c);
  events_finish(e);
  client_total(c);
  multi_remove(e->multi, c);
  client_free(c);
  events_free(e);
}

static void say_timeout(CURLM *multi, const char *when)
{
  long ms = -4711;
  curl_multi_timeout(multi, &ms);
  say("%s: %s", when, ms ? "waits" : "at once");
}

/* Everything there was to do is done: what remains is waiting for the peer. */
static void settle(CURLM *multi)
{
  double until = now() + 0.25;
  while (now() < until) multi_turn(multi, 50);
}

static void dirty(void)
{
  CURLM *multi = multi_new();
  client *c = client_new("/l2000/b1000/w1500/b1000");
  multi_add(multi, c);
  multi_until(multi, c, at_1000);
  settle(multi);
  say_timeout(multi, "running");
  client_pause(c, CURLPAUSE_RECV);
  settle(multi);
  say_timeout(multi, "paused");
  client_pause(c, CURLPAUSE_CONT);
  say_timeout(multi, "unpaused");
  settle(multi);
  say_timeout(multi, "settled");
  client_pause(c, CURLPAUSE_CONT);
  say_timeout(multi, "unpaused again");
  end(multi, c);
}

static void twice(void)
{
  CURLM *multi = multi_new();
  client *c = halfway(multi);
  client_pause(c, CURLPAUSE_CONT);
  client_pause(c, CURLPAUSE_RECV);
  client_pause(c, CURLPAUSE_RECV);
  multi_go(multi, 0.8);
  client_total(c);
  client_pause(c, CURLPAUSE_CONT);
  client_pause(c, CURLPAUSE_CONT);
  end(multi, c);
}

static void while_connecting(int mask)
{
  CURLM *multi = multi_new();
  client *c = client_new("/w200/l1000/b1000");
  multi_add(multi, c);
  multi_turn(multi, 0);
  client_pause(c, mask);
  multi_go(multi, 1);
  say("requests %u, lines %zu", peer_seen().requests, c->lines);
  client_pause(c, CURLPAUSE_CONT);
  end(multi, c);
}

static void recv_while_connecting(void) { while_connecting(CURLPAUSE_RECV); }
static void send_while_connecting(void) { while_connecting(CURLPAUSE_SEND); }

static void connecting_timeout(void)
{
  CURLM *multi = multi_new();
  client *c = client_new("");
  double from = now();
  client_port(c, peer_full(), "/");
  curl_easy_setopt(c->easy, CURLOPT_CONNECTTIMEOUT_MS, 1200L);
  multi_add(multi, c);
  multi_turn(multi, 0);
  client_pause(c, CURLPAUSE_RECV);
  multi_finish(multi);
  say_time("time", from);
  end(multi, c);
}

static long pause_in_prereq(client *c, kind k, const char *data, size_t n)
{
  (void)data, (void)n;
  if (k == PREREQ) client_pause(c, c->count);
  return USUAL;
}

static void in_prereq(int mask)
{
  CURLM *multi = multi_new();
  client *c = client_new("/w200/l1000/b1000");
  c->count = mask;
  c->hook = pause_in_prereq;
  multi_add(multi, c);
  multi_go(multi, 1);
  say("requests %u, lines %zu", peer_seen().requests, c->lines);
  client_pause(c, CURLPAUSE_CONT);
  end(multi, c);
}

static void recv_in_prereq(void) { in_prereq(CURLPAUSE_RECV); }
static void send_in_prereq(void) { in_prereq(CURLPAUSE_SEND); }

/* At the end of the first head, the redirect's. */
static long pause_at_head(client *c, kind k, const char *data, size_t n)
{
  if (k == HEADER && n == 2 && *data == '\r' && !c->count++) client_pause(c, CURLPAUSE_RECV);
  return USUAL;
}

static void redirect_opens(void)
{
  client *c = client_new("/to302/l1000/b1000");
  c->hook = pause_at_head;
  curl_easy_setopt(c->easy, CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt(c->easy, CURLOPT_TIMEOUT_MS, 1500L);
  client_perform(c);
  client_free(c);
}

static void added_again(void)
{
  CURLM *multi = multi_new();
  client *c = halfway(multi);
  client_pause(c, CURLPAUSE_ALL);
  multi_remove(multi, c);
  c->written = 0;
  multi_add(multi, c);
  end(multi, c);
}

static void performed_again(void)
{
  CURLM *multi = multi_new();
  client *c = halfway(multi);
  client_pause(c, CURLPAUSE_ALL);
  multi_remove(multi, c);
  multi_cleanup(multi);
  c->written = 0;
  client_perform(c);
  client_free(c);
}

static void others_run(void)
{
  CURLM *multi = multi_new();
  client *c = halfway(multi), *other = client_new("/l3000/b1000/w300/b1000/w300/b1000");
  c->name = "a ";
  other->name = "b ";
  client_pause(c, CURLPAUSE_RECV);
  multi_add(multi, other);
  multi_go(multi, 1.5);
  multi_messages(multi);
  client_total(other);
  client_total(c);
  client_pause(c, CURLPAUSE_CONT);
  multi_finish(multi);
  multi_remove(multi, other);
  client_free(other);
  end(multi, c);
}

const scene pause_scenes[] = {
  { "P1 F25 a call sets both directions", whole_state },
  { "P1 other bits are CONT", other_bits },
  { "P2 handles without a connection", no_connection },
  { "P3 pause from callbacks", from_callbacks },
  { "P3 pause from socket and timer callbacks", from_descriptor_callbacks },
  { "P8 P14 K6 the timeout of a paused and an unpaused transfer", dirty },
  { "P10 RECV while connecting", recv_while_connecting },
  { "P10 T5 the connect timeout while paused", connecting_timeout },
  { "P11 SEND while connecting", send_while_connecting },
  { "P11 SEND in the prereq callback", send_in_prereq },
  { "P12 RECV in the prereq callback", recv_in_prereq },
  { "P13 a redirect opens", redirect_opens },
  { "P13 added again", added_again },
  { "P13 performed again", performed_again },
  { "P14 twice", twice },
  { "P15 others run", others_run },
  { NULL, NULL },
};
