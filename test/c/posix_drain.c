/* posix_drain.c: the bounded drain (B11) over real sockets, by both ways to drive a multi. The transfer's handle is freed
 * while its connection still reads. */
#include <poll.h>
#include <string.h>
#include "support/check.h"
#include "support/client.h"

#define SECONDS 20 /* a test that hangs should fail */

/* A program's event loop with at most one descriptor. */
static struct { CURLM *multi; int fd, what, removed; CURL *easy; double due; } watch;

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *to, void *socketp)
{
  (void)to, (void)socketp;
  watch.easy = easy;
  watch.fd = fd;
  watch.what = what == CURL_POLL_REMOVE ? 0 : what;
  watch.removed += what == CURL_POLL_REMOVE;
  return 0;
}

static int on_timer(CURLM *multi, long ms, void *to)
{
  (void)multi, (void)to;
  watch.due = ms < 0 ? -1 : now() + (double)ms / 1000;
  return 0;
}

static void turn(bool by_socket, CURLM *multi)
{
  int running;
  if (!by_socket) {
    curl_multi_poll(multi, NULL, 0, 100, NULL);
    CHECK_EQ(B11, curl_multi_perform(multi, &running), CURLM_OK);
    return;
  }
  struct pollfd p = { .fd = watch.what ? watch.fd : -1,
                      .events = (short)((watch.what & 1 ? POLLIN : 0) | (watch.what & 2 ? POLLOUT : 0)) };
  poll(&p, 1, watch.due >= 0 && watch.due <= now() ? 0 : 5);
  if (p.revents) CHECK_EQ(B11, curl_multi_socket_action(multi, p.fd, 0, &running), CURLM_OK);
  if (watch.due < 0 || watch.due > now()) return;
  watch.due = -1;
  CHECK_EQ(B11, curl_multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0, &running), CURLM_OK);
}

/* Until nothing is waited for any more. */
static bool settle(bool by_socket, CURLM *multi)
{
  long ms = 0;
  for (double until = now() + SECONDS; now() < until; turn(by_socket, multi))
    if (!curl_multi_timeout(multi, &ms) && ms == -1) return true;
  return false;
}

/* Stop a transfer at its first write, free its handle, let the connection do what it will; then whether another transfer
 * came by that connection. */
static bool kept(bool by_socket, bool removed, const char *path, curl_off_t bound)
{
  unsigned before = server_connections(http);
  CURLM *multi = curl_multi_init();
  record r, second;
  int left;
  memset(&watch, 0, sizeof watch);
  watch.due = -1;
  if (by_socket) {
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer);
  }
  CURL *easy = begin(&r, path);
  CHECK_EQ(B11, curl_easy_setopt(easy, SLUICEOPT_DRAIN_MAX_BYTES, bound), CURLE_OK);
  r.error = !removed;
  r.refuse = removed;
  CHECK_EQ(B11, curl_multi_add_handle(multi, easy), CURLM_OK);
  for (double until = now() + SECONDS; !r.calls && now() < until;) turn(by_socket, multi);
  const CURLMsg *m = curl_multi_info_read(multi, &left);
  CHECK(B11, removed ? !m : m && m->data.result == CURLE_WRITE_ERROR); /* at once */
  CHECK_EQ(B11, curl_multi_remove_handle(multi, easy), CURLM_OK);
  end(&r);
  CHECK(B11, settle(by_socket, multi));
  CHECK(B11, !by_socket || (!watch.what && watch.removed));
  CHECK_EQ(B11, r.calls, 1);

  easy = begin(&second, "/length/100");
  CHECK_EQ(B11, curl_multi_add_handle(multi, easy), CURLM_OK);
  do turn(by_socket, multi);
  while (!(m = curl_multi_info_read(multi, &left)) && second.calls < 1000);
  CHECK(B11, m && m->data.result == CURLE_OK && body_is(&second, 100));
  curl_multi_remove_handle(multi, easy);
  end(&second);
  CHECK_EQ(B11, curl_multi_cleanup(multi), CURLM_OK);
  return server_connections(http) - before == 1;
}

static void test_kept(void)
{
  for (int way = 0; way < 4; way++) {
    CHECK(B11, kept(way & 1, way & 2, "/length/1000000", 1000000));
    CHECK(B11, kept(way & 1, way & 2, "/dribble/10/10", 1000)); /* it goes on while nobody is there */
    CHECK(B11, !kept(way & 1, way & 2, "/length/1000000", 500000));
    CHECK(X2, !kept(way & 1, way & 2, "/length/1000000", 0));
    CHECK(B11, !kept(way & 1, way & 2, "/chunked/20000", 1000000)); /* nobody knows how much is to come */
    CHECK(B11, !kept(way & 1, way & 2, "/stall/1000", 1000000));
  }
}

/* curl_easy_perform does not wait for it; what is here when the next one begins is used. */
static void test_easy(void)
{
  unsigned before = server_connections(http);
  record r;
  CURL *easy = begin(&r, "/stall/1000");
  curl_easy_setopt(easy, SLUICEOPT_DRAIN_MAX_BYTES, (curl_off_t)100000);
  r.error = true;
  double began = now();
  CHECK_EQ(B11, curl_easy_perform(easy), CURLE_WRITE_ERROR);
  CHECK(B11, now() - began < 15);
  r.error = r.failed = false;
  set_path(easy, "/length/100");
  CHECK_EQ(B11, curl_easy_perform(easy), CURLE_OK); /* not behind what stalls */
  CHECK_EQ(B11, server_connections(http) - before, 2);
  end(&r);
}

static void test_values(void)
{
  CURL *easy = curl_easy_init();
  CHECK_EQ(T8, curl_easy_setopt(easy, SLUICEOPT_DRAIN_MAX_BYTES, (curl_off_t)-1), CURLE_BAD_FUNCTION_ARGUMENT);
  CHECK_EQ(B11, curl_easy_setopt(easy, SLUICEOPT_DRAIN_MAX_BYTES, INT64_MAX), CURLE_OK);
  curl_easy_cleanup(easy);
}

int main(void)
{
  http = server_start();
  if (!http) return 1;
  test_kept();
  test_easy();
  test_values();
  server_stop(http);
  return check_result();
}
