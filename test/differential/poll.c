/* poll.c: poll, wait, wakeup, fdset: SPEC section 8. */
#include <pthread.h>
#include <time.h>
#include <unistd.h>
#include "scene.h"

static bool begun(const client *c) { return c->written > 0; }

static void poll_once(CURLM *multi, int ms)
{
  int n = -1;
  double from = now();
  CURLMcode code = curl_multi_poll(multi, NULL, 0, ms, &n);
  say("poll -> %d, numfds %d, ~%.2f", (int)code, n, now() - from);
}

static void wait_once(CURLM *multi, int ms)
{
  int n = -1;
  double from = now();
  CURLMcode code = curl_multi_wait(multi, NULL, 0, ms, &n);
  say("wait -> %d, numfds %d, ~%.2f", (int)code, n, now() - from);
}

static void arguments(void)
{
  CURLM *multi = multi_new();
  poll_once(multi, -1);
  poll_once(NULL, 0);
  poll_once(multi, 0);
  poll_once(multi, 1200); /* nothing to wait for: it waits all the same */
  wait_once(multi, -1);
  wait_once(multi, 1200); /* ... and this does not */
  say_multi("wakeup of NULL", curl_multi_wakeup(NULL));
  multi_cleanup(multi);
}

static void remembered(void)
{
  CURLM *multi = multi_new();
  int running;
  for (int i = 0; i < 3; i++) say_multi("wakeup", curl_multi_wakeup(multi));
  say_multi("perform", curl_multi_perform(multi, &running));
  poll_once(multi, 3000);
  poll_once(multi, 1000);
  multi_cleanup(multi);
}

static void not_by_wait(void)
{
  CURLM *multi = multi_new();
  curl_multi_wakeup(multi);
  wait_once(multi, 1000);
  poll_once(multi, 2000);
  poll_once(multi, 1000);
  multi_cleanup(multi);
}

static void *wake_later(void *multi)
{
  nanosleep(&(struct timespec){ .tv_sec = 1 }, NULL);
  curl_multi_wakeup(multi);
  return NULL;
}

static void from_thread(void)
{
  CURLM *multi = multi_new();
  pthread_t thread;
  pthread_create(&thread, NULL, wake_later, multi);
  poll_once(multi, 5000);
  pthread_join(thread, NULL);
  multi_cleanup(multi);
}

/* A transfer that waits for the peer, its first part delivered. */
static client *waiting(CURLM *multi, const char *path)
{
  client *c = client_new(path);
  multi_add(multi, c);
  multi_until(multi, c, begun);
  for (int i = 0; i < 5; i++) multi_turn(multi, 50);
  return c;
}

static void end(CURLM *multi, client *c)
{
  multi_remove(multi, c);
  client_free(c);
  multi_cleanup(multi);
}

static void with_transfer(void)
{
  CURLM *multi = multi_new();
  client *c = waiting(multi, "/l2000/b1000/w1500/b1000");
  poll_once(multi, 600);
  curl_multi_wakeup(multi);
  poll_once(multi, 2000); /* the wakeup is not counted */
  poll_once(multi, 5000); /* the peer's bytes are */
  multi_finish(multi);
  end(multi, c);
}

static void wait_consumes(void)
{
  CURLM *multi = multi_new();
  client *c = waiting(multi, "/l2000/b1000/h");
  curl_multi_wakeup(multi);
  wait_once(multi, 3000);
  wait_once(multi, 700);
  curl_multi_wakeup(multi);
  poll_once(multi, 3000);
  end(multi, c);
}

static void inner_timer(void)
{
  CURLM *multi = multi_new();
  client *c = client_new("/h");
  curl_easy_setopt(c->easy, CURLOPT_TIMEOUT_MS, 1000L);
  multi_add(multi, c);
  double from = now();
  while (multi_turn(multi, 10000)) {}
  say_time("time", from);
  multi_messages(multi);
  end(multi, c);
}

static void extra(void)
{
  CURLM *multi = multi_new();
  int fds[2], n = -1;
  if (pipe(fds)) return;
  struct curl_waitfd one = { .fd = fds[0], .events = CURL_WAIT_POLLIN };
  double from = now();
  CURLMcode code = curl_multi_poll(multi, &one, 1, 700, &n);
  say("poll -> %d, numfds %d, revents %d, ~%.2f", (int)code, n, one.revents, now() - from);
  if (write(fds[1], "x", 1) != 1) return;
  from = now();
  code = curl_multi_wait(multi, &one, 1, 3000, &n);
  say("wait -> %d, numfds %d, readable %d, ~%.2f", (int)code, n, !!(one.revents & CURL_WAIT_POLLIN), now() - from);
  code = curl_multi_poll(multi, &one, 1, 3000, &n);
  say("poll -> %d, numfds %d, readable %d", (int)code, n, !!(one.revents & CURL_WAIT_POLLIN));
  multi_cleanup(multi);
}

/* Paused: its socket is not watched, and nothing turns. */
static void paused(void)
{
  CURLM *multi = multi_new();
  client *c = waiting(multi, "/l2000/b1000/w900/b1000");
  client_pause(c, CURLPAUSE_RECV);
  int turns = 0, running;
  for (double until = now() + 2; now() < until; turns++) {
    curl_multi_perform(multi, &running);
    curl_multi_poll(multi, NULL, 0, 500, NULL);
  }
  say("turns in 2 s: %s", turns < 40 ? "few" : "many");
  poll_once(multi, 700);
  client_pause(c, CURLPAUSE_CONT);
  multi_finish(multi);
  end(multi, c);
}

static void rate_limited(void)
{
  CURLM *multi = multi_new();
  client *c = client_new("/l40000/b40000");
  c->quiet = true;
  curl_easy_setopt(c->easy, CURLOPT_MAX_RECV_SPEED_LARGE, (curl_off_t)10000);
  multi_add(multi, c);
  int turns = 0, running;
  for (double until = now() + 2; now() < until; turns++) {
    curl_multi_perform(multi, &running);
    curl_multi_poll(multi, NULL, 0, 500, NULL);
  }
  say("turns in 2 s: %s", turns < 100 ? "few" : "many");
  end(multi, c);
}

/* Unpaused, a program that never polls goes on too. */
static void perform_alone(void)
{
  CURLM *multi = multi_new();
  client *c = waiting(multi, "/l2000/b1000/b1000");
  int running = 1;
  client_pause(c, CURLPAUSE_RECV);
  client_pause(c, CURLPAUSE_CONT);
  for (double until = now() + 10; running && now() < until;) {
    nanosleep(&(struct timespec){ .tv_nsec = 20000000 }, NULL);
    curl_multi_perform(multi, &running);
  }
  multi_messages(multi);
  client_total(c);
  end(multi, c);
}

static void say_sets(CURLM *multi, const char *when)
{
  fd_set in, out, except;
  int max = -2, readable = 0;
  FD_ZERO(&in);
  FD_ZERO(&out);
  FD_ZERO(&except);
  CURLMcode code = curl_multi_fdset(multi, &in, &out, &except, &max);
  for (int fd = 0; fd < FD_SETSIZE; fd++) readable += !!FD_ISSET(fd, &in);
  say("%s: fdset -> %d, %d to read, %s", when, (int)code, readable, max == -1 ? "none in all" : "some in all");
#if CURL_AT_LEAST_VERSION(8, 8, 0)
  struct curl_waitfd list[8];
  unsigned n = 99;
  say("%s: waitfds -> %d", when, (int)curl_multi_waitfds(multi, NULL, 0, &n));
  say("%u of them; into 8 -> %d", n, (int)curl_multi_waitfds(multi, list, 8, &n));
  say("into 0 -> %d", (int)curl_multi_waitfds(multi, list, 0, &n));
#endif
}

static void sets(void)
{
  CURLM *multi = multi_new();
  say_sets(multi, "empty");
  client *c = waiting(multi, "/l2000/b1000/h");
  say_sets(multi, "running");
  client_pause(c, CURLPAUSE_RECV);
  multi_turn(multi, 0);
  say_sets(multi, "paused");
  client_pause(c, CURLPAUSE_CONT);
  multi_turn(multi, 0);
  say_sets(multi, "unpaused");
  end(multi, c);
}

const scene poll_scenes[] = {
  { "K1 K5 arguments, and nothing to wait for", arguments },
  { "K2 K3 wakeups are remembered until poll", remembered },
  { "K5 wait leaves a wakeup pending", not_by_wait },
  { "K2 a wakeup from a thread", from_thread },
  { "K1 K4 with a transfer", with_transfer },
  { "K5 wait consumes a wakeup when there is a socket", wait_consumes },
  { "K1 the inner timer ends a poll", inner_timer },
  { "K1 extra descriptors", extra },
  { "K6 F2 F4 paused does not turn", paused },
  { "K6 F3 rate limited does not turn", rate_limited },
  { "K6 F20 unpaused goes on without poll", perform_alone },
  { "K7 fdset and waitfds", sets },
  { NULL, NULL },
};
