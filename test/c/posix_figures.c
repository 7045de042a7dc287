/* posix_figures.c: what a handle says of itself before it ran, when it is used again, and in the callback of a header; and
 * limits that judge a peer whose answer nobody has read yet (B17). Real sockets, against support/server.h. */
#include <string.h>
#include <unistd.h>
#include "support/check.h"
#include "support/client.h"

static void drive(CURLM *multi)
{
  int running = 1;
  for (double until = now() + 10; running && now() < until;) {
    curl_multi_perform(multi, &running);
    if (running) curl_multi_poll(multi, NULL, 0, 100, NULL);
  }
  CHECK(simulator, !running);
}

/* U10: nothing has passed before the first run, in a multi or in none. */
static void test_before(void)
{
  static const CURLINFO times[] = { CURLINFO_TOTAL_TIME_T, CURLINFO_NAMELOOKUP_TIME_T, CURLINFO_CONNECT_TIME_T, CURLINFO_PRETRANSFER_TIME_T,
    CURLINFO_STARTTRANSFER_TIME_T, CURLINFO_REDIRECT_TIME_T, CURLINFO_QUEUE_TIME_T, CURLINFO_POSTTRANSFER_TIME_T, SLUICEINFO_PAUSED_TIME_T,
    CURLINFO_SPEED_DOWNLOAD_T, CURLINFO_SIZE_DOWNLOAD_T };
  record r;
  CURL *easy = begin(&r, "/length/1000");
  CURLM *multi = curl_multi_init();
  for (int use = 0; use < 2; use++) {
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) if (!use) CHECK_EQ(U10, big_info(easy, times[i]), 0);
    curl_multi_add_handle(multi, easy);
    usleep(2000);
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) CHECK_EQ(U10, big_info(easy, times[i]), 0);
    r.len = r.lines = 0;
    drive(multi);
    CHECK(U10, body_is(&r, 1000));
    curl_off_t total = big_info(easy, CURLINFO_TOTAL_TIME_T);
    CHECK(U10, total > 0 && total < 10000000);
    curl_multi_remove_handle(multi, easy);
  }
  curl_easy_reset(easy);
  for (size_t i = 0; i < sizeof times / sizeof *times; i++) CHECK_EQ(U10, big_info(easy, times[i]), 0);
  curl_multi_cleanup(multi);
  end(&r);
}

/* U10: the time in the queue is that of this use, and does not grow behind it. */
static void test_queue_time(void)
{
  record first, second;
  CURLM *multi = curl_multi_init();
  curl_multi_setopt(multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, 1L);
  curl_multi_add_handle(multi, begin(&first, "/length/100"));
  curl_multi_add_handle(multi, begin(&second, "/length/100"));
  drive(multi);
  curl_off_t waited = big_info(second.easy, CURLINFO_QUEUE_TIME_T), total = big_info(second.easy, CURLINFO_TOTAL_TIME_T);
  CHECK(U10, waited > 0 && waited <= total);
  curl_multi_remove_handle(multi, first.easy);
  curl_multi_remove_handle(multi, second.easy);
  curl_multi_add_handle(multi, second.easy);
  drive(multi);
  CHECK_EQ(U10, big_info(second.easy, CURLINFO_QUEUE_TIME_T), 0);
  curl_multi_remove_handle(multi, second.easy);
  curl_multi_cleanup(multi);
  end(&first);
  end(&second);
}

static curl_off_t at_header;

static size_t stop_at_blank(char *data, size_t size, size_t n, void *to)
{
  record *r = to;
  if (size * n == 2 && data[0] == '\r') {
    at_header = big_info(r->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T);
    return 0;
  }
  return size * n;
}

/* U5: who stops at the head knows the announced size, then and after. */
static void test_size_at_head(void)
{
  record r;
  CURL *easy = begin(&r, "/length/1234");
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, stop_at_blank);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, &r);
  CHECK_EQ(U5, curl_easy_perform(easy), CURLE_WRITE_ERROR);
  CHECK_EQ(U5, at_header, 1234);
  CHECK_EQ(U5, big_info(easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T), 1234);
  end(&r);
}

/* B17: nobody looked for 0.8 s, and the answer came meanwhile. */
static void test_busy(void)
{
  static const CURLoption options[] = { SLUICEOPT_SILENCE_TIMEOUT_MS, CURLOPT_CONNECTTIMEOUT_MS };
  for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
    record r;
    CURLM *multi = curl_multi_init();
    int running;
    CURL *easy = begin(&r, "/length/1000");
    curl_easy_setopt(easy, options[i], 300L);
    curl_multi_add_handle(multi, easy);
    for (int k = 0; k < (i ? 1 : 3); k++) curl_multi_perform(multi, &running);
    usleep(800000);
    drive(multi);
    CHECK(B17, body_is(&r, 1000));
    curl_multi_remove_handle(multi, easy);
    curl_multi_cleanup(multi);
    end(&r);
  }
}

int main(void)
{
  http = server_start();
  test_before();
  test_queue_time();
  test_size_at_head();
  test_busy();
  server_stop(http);
  return check_result();
}
