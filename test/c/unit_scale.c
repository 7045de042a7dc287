/* unit_scale.c: the work that one event, one deadline or one call costs, counted at the door, must not depend on how many
 * transfers there are: on a host of its own that counts, where nothing is real, by socket_action. */
#include <stdlib.h>
#include <string.h>
#include <curl/curl.h>
#include <sluice/host.h>
#include <sluice/sluice.h>
#include "engine/base.h"
#include "host/posix_fds.h"
#include "support/check.h"

#define MANY 2000
#define FEW 10
#define FD(ch) ((ch) + 10)
#define LOOP_FD 5

/* ---- The host ---------------------------------------------------------------------------------------------- */

struct sl_loop { int nothing; };

static struct {
  bool used, open, told, opens; /* opens: it does when it is looked at */
  uint32_t wanted;
  const char *bytes;     /* to be received */
  size_t left;
} channels[MANY + 100];

static sl_ch last;
static int64_t clock_us;
static unsigned long calls;      /* of the door, and of the program's callbacks */
static bool all_open;            /* channels open when they are looked at       */

sl_loop *sl_loop_new(void) { return calloc(1, sizeof(sl_loop)); }
void sl_loop_free(sl_loop *loop) { free(loop); }
int32_t sl_wake(sl_loop *loop) { return loop ? SL_NOSYS : SL_INVAL; }
int64_t sl_now_us(sl_loop *loop) { return (void)loop, calls++, clock_us; }
int64_t sl_unix_ms(sl_loop *loop) { return (void)loop, 0; }
void sl_random(sl_loop *loop, void *buf, uint32_t n) { (void)loop, memset(buf, 0, n); }

sl_ch sl_open(sl_loop *loop, uint32_t kind, const char *spec, uint32_t len)
{
  (void)loop, (void)spec, (void)len;
  calls++;
  if (kind != SL_TCP || last + 1 == MANY + 100) return SL_NOSYS;
  channels[++last].used = true;
  channels[last].opens = all_open;
  return last;
}

int32_t sl_start_tls(sl_ch ch, const char *spec, uint32_t len) { return (void)ch, (void)spec, (void)len, SL_NOSYS; }

int32_t sl_recv(sl_ch ch, void *buf, uint32_t cap)
{
  calls++;
  size_t n = channels[ch].left < cap ? channels[ch].left : cap;
  if (!n) return SL_AGAIN;
  memcpy(buf, channels[ch].bytes, n);
  channels[ch].bytes += n;
  channels[ch].left -= n;
  return (int32_t)n;
}

int32_t sl_unrecv(sl_ch ch, uint32_t n) { return (void)ch, (void)n, SL_NOSYS; }
int32_t sl_move(sl_ch ch, uint32_t sink, uint32_t max) { return (void)ch, (void)sink, (void)max, SL_NOSYS; }
int32_t sl_send(sl_ch ch, const void *buf, uint32_t len) { return (void)ch, (void)buf, calls++, (int32_t)len; }
int32_t sl_move_out(sl_ch ch, uint32_t source, uint32_t max) { return (void)ch, (void)source, (void)max, SL_NOSYS; }
int32_t sl_info(sl_ch ch, uint32_t what, void *buf, uint32_t cap) { return (void)ch, (void)what, (void)buf, (void)cap, calls++, 0; }

void sl_want(sl_ch ch, uint32_t events)
{
  calls++;
  channels[ch].wanted = events;
}

void sl_close(sl_ch ch, uint32_t how)
{
  (void)how;
  calls++;
  channels[ch].used = false;
}

int32_t sl_wait(sl_loop *loop, sl_event *ev, uint32_t cap, int64_t timeout_us)
{
  return (void)loop, (void)ev, (void)cap, (void)timeout_us, SL_NOSYS;
}

int32_t sl_wait_fds(sl_loop *loop, sl_event *ev, uint32_t cap, int64_t timeout_us, struct curl_waitfd *extra,
                    unsigned int n, int *ready)
{
  return (void)extra, (void)n, (void)ready, sl_wait(loop, ev, cap, timeout_us);
}

int sl_loop_fd(const sl_loop *loop) { return (void)loop, LOOP_FD; }
uint32_t sl_look_loop(sl_loop *loop) { return (void)loop, 0; }
int sl_socket_of(sl_ch ch) { return FD(ch); }
void sl_loop_hooks(sl_loop *loop, const sl_fd_hooks *hooks) { (void)loop, (void)hooks; }

uint32_t sl_fds_of(sl_ch ch, sl_fd *fds, uint32_t cap, int64_t *due_us)
{
  calls++;
  *due_us = SL_NEVER;
  uint32_t events = channels[ch].open ? channels[ch].wanted : (uint32_t)SL_OUT;
  if (!cap || !events) return 0;
  fds[0] = (sl_fd){ FD(ch), events };
  return 1;
}

uint32_t sl_look(sl_ch ch)
{
  calls++;
  if (!channels[ch].opens || channels[ch].told) return 0;
  channels[ch].open = channels[ch].told = true;
  return SL_OPENED;
}

/* ---- The program ------------------------------------------------------------------------------------------- */

static CURLM *multi;
static CURL *easy[MANY + 1];
static long timer_ms;
static size_t got;

static int on_socket(CURL *of, curl_socket_t fd, int what, void *to, void *socketp)
{
  (void)of, (void)fd, (void)what, (void)to, (void)socketp;
  calls++;
  return 0;
}

static int on_timer(CURLM *of, long ms, void *to)
{
  (void)of, (void)to;
  calls++;
  timer_ms = ms;
  return 0;
}

static size_t on_write(char *data, size_t size, size_t n, void *to)
{
  (void)data, (void)to;
  calls++;
  got += n * size;
  return n * size;
}

static int action(int fd, int mask)
{
  int running = -1;
  CHECK_EQ(X6, curl_multi_socket_action(multi, fd, mask, &running), CURLM_OK);
  return running;
}

static CURL *add(void)
{
  CURL *e = curl_easy_init();
  curl_easy_setopt(e, CURLOPT_URL, "http://192.0.2.1/");
  curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_write);
  curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, 3600000L);
  curl_easy_setopt(e, CURLOPT_LOW_SPEED_LIMIT, 0L);
  CHECK_EQ(X1, curl_multi_add_handle(multi, e), CURLM_OK);
  return e;
}

enum crowd { CONNECTING, WAITING, PAUSED, LIMITED, CROWDS };

/* So many transfers of that kind. */
static void gather(enum crowd crowd, int n)
{
  memset(channels, 0, sizeof channels);
  last = 0;
  clock_us = SL_NEVER / 4;
  all_open = crowd != CONNECTING;
  multi = curl_multi_init();
  curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket);
  curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer);
  for (int i = 0; i < n; i++) {
    easy[i] = add();
    if (crowd == LIMITED) curl_easy_setopt(easy[i], CURLOPT_MAX_RECV_SPEED_LARGE, (curl_off_t)1000);
  }
  CHECK_EQ(X6, action(CURL_SOCKET_TIMEOUT, 0), n);
  for (sl_ch ch = 1; ch <= last && crowd != CONNECTING; ch++) action(FD(ch), CURL_CSELECT_OUT);
  for (int i = 0; i < n && crowd == PAUSED; i++) CHECK_EQ(P9, curl_easy_pause(easy[i], CURLPAUSE_ALL), CURLE_OK);
  CHECK_EQ(X6, last, n);
}

static void part(int n)
{
  for (int i = 0; i <= n; i++) curl_easy_cleanup(easy[i]);
  CHECK_EQ(X4, curl_multi_cleanup(multi), CURLM_OK);
}

static const char body[] = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";

/* What one among n costs: to be added and removed, to receive, to be paused, to have its limit come. */
static void costs(enum crowd crowd, int n, unsigned long cost[4])
{
  gather(crowd, n);
  all_open = true;
  calls = 0;
  easy[n] = add();
  sl_ch ch = n + 1;
  action(CURL_SOCKET_TIMEOUT, 0);
  action(FD(ch), CURL_CSELECT_OUT);
  channels[ch].bytes = "HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n";
  channels[ch].left = strlen(channels[ch].bytes);
  action(FD(ch), CURL_CSELECT_IN);
  cost[0] = calls;
  calls = got = 0;
  for (int i = 0; i < 20; i++) {
    channels[ch].bytes = body;
    channels[ch].left = 1;
    CHECK_EQ(X6, action(FD(ch), CURL_CSELECT_IN), n + 1);
  }
  CHECK_EQ(W1, got, 20);
  cost[1] = calls;
  calls = 0;
  for (int i = 0; i < 20; i++) {
    CHECK_EQ(P9, curl_easy_pause(easy[n], CURLPAUSE_RECV), CURLE_OK);
    action(CURL_SOCKET_TIMEOUT, 0);
    CHECK_EQ(P9, curl_easy_pause(easy[n], CURLPAUSE_CONT), CURLE_OK);
    action(CURL_SOCKET_TIMEOUT, 0);
  }
  cost[2] = calls;
  curl_easy_setopt(easy[n], CURLOPT_TIMEOUT_MS, 5000L);
  calls = 0;
  clock_us += 5 * SL_SECOND;
  CHECK_EQ(T1, action(CURL_SOCKET_TIMEOUT, 0), n);
  CHECK_EQ(X2, curl_multi_remove_handle(multi, easy[n]), CURLM_OK);
  CHECK(T1, timer_ms > 0);
  cost[3] = calls;
  part(n);
}

static void test_costs(void)
{
  for (enum crowd crowd = CONNECTING; crowd < CROWDS; crowd++) {
    unsigned long few[4], many[4];
    costs(crowd, FEW, few);
    costs(crowd, MANY, many);
    for (int i = 0; i < 4; i++)
      if (!CHECK_EQ(F4, many[i], few[i])) fprintf(stderr, "    crowd %d, cost %d\n", (int)crowd, i);
    CHECK(K6, few[1] > 20 && few[1] < 20 * 20 && few[3] < 40);
  }
}

int main(void)
{
  test_costs();
  return check_result();
}
