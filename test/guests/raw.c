/* raw.c: CONNECT_ONLY where there are no descriptors: a request and its answer by curl_easy_send and curl_easy_recv.
 *
 *   raw URL easy    asks again and again
 *   raw URL multi   waits in curl_multi_poll
 *
 * Says how many bytes came, their sum, and in how many waits. The peer ends the answer by closing. */
#include <curl/curl.h>
#include <stdio.h>
#include <string.h>

#define UPLOAD 300000 /* more than a host takes at once */

static CURLM *multi; /* NULL: none */
static long waits;

static int wait_a_while(void)
{
  if (!multi) return 1;
  waits++;
  return curl_multi_poll(multi, NULL, 0, 20000, NULL) == CURLM_OK;
}

static int connected(CURL *easy)
{
  int running = 1, left;
  if (!multi) return curl_easy_perform(easy);
  curl_multi_add_handle(multi, easy);
  while (running) {
    if (curl_multi_perform(multi, &running)) return -1;
    if (running) curl_multi_poll(multi, NULL, 0, 1000, NULL);
  }
  CURLMsg *message = curl_multi_info_read(multi, &left);
  return message ? (int)message->data.result : -1;
}

static CURLcode send_all(CURL *easy, const char *text, size_t n)
{
  CURLcode code = CURLE_OK;
  for (size_t at = 0, sent; at < n && !code;) {
    code = curl_easy_send(easy, text + at, n - at, &sent);
    if (!code) at += sent;
    if (code == CURLE_AGAIN && wait_a_while()) code = CURLE_OK;
  }
  return code;
}

int main(int argc, char **argv)
{
  static char buf[16384], head[64], body[UPLOAD];
  unsigned sum = 0;
  size_t all = 0, n = 1;
  if (argc < 3) return 2;
  CURL *easy = curl_easy_init();
  multi = strcmp(argv[2], "multi") ? NULL : curl_multi_init();
  curl_easy_setopt(easy, CURLOPT_URL, argv[1]);
  curl_easy_setopt(easy, CURLOPT_CONNECT_ONLY, 1L);
  int code = connected(easy);
  for (size_t i = 0; i < UPLOAD; i++) body[i] = (char)(i * 7 + (i >> 8));
  snprintf(head, sizeof head, "PUT / HTTP/1.0\r\nContent-Length: %d\r\n\r\n", UPLOAD);
  if (!code) code = send_all(easy, head, strlen(head));
  if (!code) code = send_all(easy, body, UPLOAD);
  waits = 0;
  while (!code && n) {
    code = curl_easy_recv(easy, buf, sizeof buf, &n);
    for (size_t i = 0; i < n; i++) sum = sum * 31 + (unsigned char)buf[i];
    all += n;
    if (code == CURLE_AGAIN && wait_a_while()) code = CURLE_OK, n = 1;
  }
  printf("code %d %lu %08x in %ld waits\n", code, (unsigned long)all, sum, waits);
  if (multi) curl_multi_remove_handle(multi, easy);
  curl_easy_cleanup(easy);
  if (multi) curl_multi_cleanup(multi);
  return code;
}
