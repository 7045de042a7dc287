/* posix_file.c: file:// over real files (B6): both ways, paused, limited, stopped, and what cannot be opened. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "support/check.h"
#include "support/client.h"

static char folder[64];

static void file_path(char *path, size_t size, const char *name) { snprintf(path, size, "%s/%s", folder, name); }

static void file_make(const char *name, size_t n)
{
  char path[256];
  file_path(path, sizeof path, name);
  FILE *f = fopen(path, "wb");
  for (size_t i = 0; f && i < n; i++) fputc(server_byte(i), f);
  if (f) fclose(f);
}

/* Whether the file has exactly the server's n bytes. */
static bool file_is(const char *name, size_t n)
{
  char path[256];
  file_path(path, sizeof path, name);
  FILE *f = fopen(path, "rb");
  if (!f) return false;
  size_t i = 0;
  int c;
  while ((c = fgetc(f)) != EOF && (char)c == server_byte(i)) i++;
  fclose(f);
  return c == EOF && i == n;
}

/* A handle for the file; `name` as it stands in the URL. */
static CURL *open_file(record *r, const char *name)
{
  char url[256];
  CURL *easy = begin(r, "/");
  snprintf(url, sizeof url, "file://%s/%s", folder, name);
  curl_easy_setopt(easy, CURLOPT_URL, url);
  return easy;
}

static void reading(void)
{
  static const size_t sizes[] = { 1, 16384, 16385, 1000000, 0 };
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    record r;
    file_make("a", sizes[i]);
    CURL *easy = open_file(&r, "a");
    CHECK_EQ(B6, curl_easy_perform(easy), CURLE_OK);
    CHECK(B6, body_is(&r, sizes[i]));
    CHECK(W1, r.largest <= CURL_MAX_WRITE_SIZE);
    CHECK_EQ(W11, r.empty_calls, !sizes[i]);
    CHECK_EQ(B6, r.lines, 0);
    CHECK_EQ(B6, info(easy, CURLINFO_RESPONSE_CODE), 0);
    CHECK_EQ(B6, big_info(easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T), sizes[i]);
    CHECK_EQ(B6, curl_easy_perform(easy), CURLE_OK); /* once more, never pooled */
    end(&r);
  }
}

static void names(void)
{
  record r;
  char path[256];
  file_make("a b%\xc3\xa4?#", 10);
  CURL *easy = open_file(&r, "a%20b%25%C3%A4%3F%23");
  CHECK_EQ(B6, curl_easy_perform(easy), CURLE_OK);
  CHECK(B6, body_is(&r, 10));
  CHECK(B6, strstr(text_info(easy, CURLINFO_EFFECTIVE_URL), "/a%20b%25%C3%A4%3F%23"));
  end(&r);
  file_path(path, sizeof path, "a b%\xc3\xa4?#");
  unlink(path);
}

static void heads(void)
{
  record r;
  file_make("a", 1234);
  CURL *easy = open_file(&r, "a");
  curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
  CHECK_EQ(B6, curl_easy_perform(easy), CURLE_OK);
  CHECK_EQ(B6, r.calls, 0);
  r.heads[r.heads_len] = 0;
  CHECK(B6, !strcmp(r.heads, "Content-Length: 1234\r\nAccept-ranges: bytes\r\n\r\n"));
  CHECK_EQ(B6, big_info(easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T), 1234);
  end(&r);
  easy = open_file(&r, "a");
  curl_easy_setopt(easy, CURLOPT_HEADER, 1L);
  CHECK_EQ(B6, curl_easy_perform(easy), CURLE_OK);
  CHECK(B6, r.len == 1234 + 46 && !memcmp(r.body, "Content-Length: 1234\r\n", 22));
  end(&r);
}

/* B6, W2: refused, and paused from the progress callback; every byte once. */
static void paused_in_callbacks(void)
{
  static const size_t sizes[] = { 0, 5000, 100000 };
  for (size_t i = 0; i < 3; i++) {
    record r;
    file_make("a", sizes[i]);
    CURL *easy = open_file(&r, "a");
    r.refuse = 2;
    r.unpause_after = 1;
    curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
    CHECK_EQ(B6, curl_easy_perform(easy), CURLE_OK);
    CHECK(B6, body_is(&r, sizes[i]));
    CHECK(W12, !r.refuse && strcmp(words, "Write callback asked for PAUSE when not supported"));
    CHECK_EQ(B6, r.inner, CURLE_OK);
    CHECK_EQ(B6, r.refuse, 0);
    end(&r);
  }
}

/* B6, K6: paused from outside, nothing comes and nothing spins. F42: the total time goes on from the start. */
static void paused_from_outside(void)
{
  record r;
  int running = 1, turns = 0;
  file_make("a", 1500000);
  CURL *easy = open_file(&r, "a");
  CURLM *multi = curl_multi_init();
  curl_easy_setopt(easy, CURLOPT_MAX_RECV_SPEED_LARGE, (curl_off_t)300000);
  curl_multi_add_handle(multi, easy);
  while (running && !r.len) {
    curl_multi_perform(multi, &running);
    curl_multi_poll(multi, NULL, 0, 100, NULL);
  }
  CHECK_EQ(B6, curl_easy_pause(easy, CURLPAUSE_ALL), CURLE_OK);
  size_t had = r.len;
  CHECK(B6, running && had < 1500000);
  for (double until = now() + 0.5; now() < until; turns++) {
    curl_multi_perform(multi, &running);
    curl_multi_poll(multi, NULL, 0, 100, NULL);
  }
  CHECK(B6, r.len == had && running);
  CHECK(K6, turns <= 10);
  curl_easy_setopt(easy, CURLOPT_MAX_RECV_SPEED_LARGE, (curl_off_t)0);
  CHECK_EQ(B6, curl_easy_pause(easy, CURLPAUSE_CONT), CURLE_OK);
  for (double until = now() + 10; running && now() < until;) {
    curl_multi_perform(multi, &running);
    if (running) curl_multi_poll(multi, NULL, 0, 100, NULL);
  }
  CHECK(B6, !running && body_is(&r, 1500000));
  curl_multi_remove_handle(multi, easy);
  end(&r);

  easy = open_file(&r, "a");
  r.refuse = 1;
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, 400L);
  double began = now();
  CHECK_EQ(F42, curl_easy_perform(easy), CURLE_OPERATION_TIMEDOUT);
  CHECK(F42, now() - began >= 0.4 && now() - began < 3);
  end(&r);
  curl_multi_cleanup(multi);
}

static void limited(void)
{
  record r;
  file_make("a", 40000);
  CURL *easy = open_file(&r, "a");
  curl_easy_setopt(easy, CURLOPT_MAX_RECV_SPEED_LARGE, (curl_off_t)30000);
  double began = now();
  CHECK_EQ(S1, curl_easy_perform(easy), CURLE_OK);
  CHECK(S1, now() - began > 0.2 && now() - began < 5);
  CHECK(B6, body_is(&r, 40000));
  curl_easy_setopt(easy, CURLOPT_MAX_RECV_SPEED_LARGE, (curl_off_t)0);
  curl_easy_setopt(easy, CURLOPT_MAXFILESIZE, 39999L);
  r.len = 0;
  CHECK_EQ(W14, curl_easy_perform(easy), CURLE_FILESIZE_EXCEEDED);
  CHECK_EQ(W14, r.len, 0);
  end(&r);
}

static void stopped(void)
{
  record r;
  file_make("a", 1000000);
  CURL *easy = open_file(&r, "a");
  r.error = true;
  CHECK_EQ(W13, curl_easy_perform(easy), CURLE_WRITE_ERROR);
  CHECK_EQ(F16, r.calls, 1);
  end(&r);
  easy = open_file(&r, "a");
  curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
  r.progress_answer = 1;
  CHECK_EQ(G1, curl_easy_perform(easy), CURLE_ABORTED_BY_CALLBACK);
  end(&r);
  CURLM *multi = curl_multi_init();
  int running = 0;
  easy = open_file(&r, "a");
  r.refuse = 1;
  curl_multi_add_handle(multi, easy);
  for (double until = now() + 10; !r.calls && now() < until;) {
    curl_multi_perform(multi, &running);
    curl_multi_poll(multi, NULL, 0, 10, NULL);
  }
  CHECK_EQ(X2, curl_multi_remove_handle(multi, easy), CURLM_OK);
  CHECK_EQ(X1, curl_multi_perform(multi, &running), CURLM_OK);
  CHECK_EQ(X1, running, 0);
  end(&r);
  curl_multi_cleanup(multi);
}

/* A file under /sys announces a page and has less; a sparse file has what it announces. */
static void sizes(void)
{
  static const char name[] = "/sys/kernel/mm/transparent_hugepage/enabled";
  char content[256], path[256];
  record r;
  FILE *f = fopen(name, "rb");
  size_t n = f ? fread(content, 1, sizeof content, f) : 0;
  if (f) fclose(f);
  if (n) {
    CURL *easy = begin(&r, "/");
    curl_easy_setopt(easy, CURLOPT_URL, "file:///sys/kernel/mm/transparent_hugepage/enabled");
    CHECK_EQ(B6, curl_easy_perform(easy), CURLE_OK);
    CHECK(B6, r.len == n && !memcmp(r.body, content, n));
    CHECK_EQ(B6, big_info(easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T), -1);
    end(&r);
  } else puts("skipped: no /sys here");
  file_make("a", 0);
  file_path(path, sizeof path, "a");
  CHECK(B6, !truncate(path, 100000));
  CURL *easy = open_file(&r, "a");
  CHECK_EQ(B6, curl_easy_perform(easy), CURLE_OK);
  CHECK_EQ(B6, r.len, 100000);
  CHECK_EQ(B6, big_info(easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T), 100000);
  end(&r);
}

/* A pipe is waited for without blocking, read as it fills, and ends with its last writer. */
static void pipes(void)
{
  char path[256], piece[3000];
  record r;
  int running = 1, fd = -1, turns = 0;
  file_path(path, sizeof path, "pipe");
  CHECK(B6, !mkfifo(path, 0600));
  CURL *easy = open_file(&r, "pipe");
  CURLM *multi = curl_multi_init();
  curl_multi_add_handle(multi, easy);
  for (double until = now() + 0.2; running && now() < until; turns++) {
    curl_multi_perform(multi, &running);
    curl_multi_poll(multi, NULL, 0, 50, NULL);
  }
  CHECK(B6, running && !r.calls); /* nobody writes yet: that is not its end */
  CHECK(K6, turns <= 10);
  fd = open(path, O_WRONLY | O_NONBLOCK);
  CHECK(B6, fd >= 0);
  for (size_t at = 0; at < 30000; at += sizeof piece) {
    for (size_t i = 0; i < sizeof piece; i++) piece[i] = server_byte(at + i);
    CHECK_EQ(B6, write(fd, piece, sizeof piece), sizeof piece);
    for (double until = now() + 10; r.len < at + sizeof piece && now() < until;) {
      curl_multi_perform(multi, &running);
      if (r.len < at + sizeof piece) curl_multi_poll(multi, NULL, 0, 1000, NULL);
    }
  }
  CHECK(B6, running);
  close(fd);
  for (double until = now() + 10; running && now() < until;) {
    curl_multi_perform(multi, &running);
    if (running) curl_multi_poll(multi, NULL, 0, 1000, NULL);
  }
  CHECK(B6, !running && body_is(&r, 30000));
  curl_multi_remove_handle(multi, easy);
  end(&r);
  curl_multi_cleanup(multi);
}

static void not_readable(void)
{
  static const char *const bad[] = { "missing", "", "a/b" };
  for (size_t i = 0; i < 3; i++) {
    record r;
    CURL *easy = open_file(&r, bad[i]);
    CHECK_EQ(B6, curl_easy_perform(easy), CURLE_FILE_COULDNT_READ_FILE);
    CHECK(B6, strstr(words, "open "));
    CHECK_EQ(B6, r.calls, 0);
    end(&r);
  }
}

/* What a read callback gives: server bytes up to `total`, at most `piece` at a time. */
typedef struct { size_t at, total, piece; int pauses; bool abort; unsigned calls; } source;

static size_t on_read(char *to, size_t size, size_t n, void *from)
{
  source *s = from;
  n *= size;
  s->calls++;
  if (s->abort) return CURL_READFUNC_ABORT;
  if (s->pauses && s->at >= s->total / 2 && s->pauses--) return CURL_READFUNC_PAUSE;
  if (n > s->piece) n = s->piece;
  if (n > s->total - s->at) n = s->total - s->at;
  for (size_t i = 0; i < n; i++) to[i] = server_byte(s->at++);
  return n;
}

static CURL *write_file(record *r, source *s, const char *name, long long size)
{
  CURL *easy = open_file(r, name);
  curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
  curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_read);
  curl_easy_setopt(easy, CURLOPT_READDATA, s);
  curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)size);
  return easy;
}

static void writing(void)
{
  static const struct { size_t n, piece; bool known; int pauses; } cases[] = {
    { 100000, 3000, true, 0 }, { 100000, 70000, false, 0 }, { 0, 1, true, 0 }, { 0, 1, false, 0 },
    { 100000, 3000, true, 1 }, { 100000, 3000, false, 2 } };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    record r;
    source s = { .total = cases[i].n, .piece = cases[i].piece, .pauses = cases[i].pauses };
    file_make("out", 200000); /* it is emptied first */
    CURL *easy = write_file(&r, &s, "out", cases[i].known ? (long long)cases[i].n : -1);
    curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
    r.unpause_after = 1;
    CHECK_EQ(B6, curl_easy_perform(easy), CURLE_OK);
    CHECK(B6, file_is("out", cases[i].n));
    CHECK_EQ(B6, big_info(easy, CURLINFO_SIZE_UPLOAD_T), cases[i].n);
    CHECK_EQ(B6, r.calls, 0);
    CHECK_EQ(R3, s.pauses, 0);
    end(&r);
  }
}

static void writing_fails(void)
{
  record r;
  source s = { .total = 1000, .piece = 1000 };
  CURL *easy = write_file(&r, &s, "no/such/folder", 1000);
  CHECK_EQ(B6, curl_easy_perform(easy), CURLE_WRITE_ERROR);
  CHECK_EQ(B6, s.calls, 0);
  end(&r);
  easy = write_file(&r, &s, "", 1000);
  CHECK_EQ(B6, curl_easy_perform(easy), CURLE_WRITE_ERROR);
  end(&r);
  s = (source){ .total = 500, .piece = 100 };
  easy = write_file(&r, &s, "out", 1000);
  CHECK_EQ(R1, curl_easy_perform(easy), CURLE_READ_ERROR);
  CHECK(R1, strstr(words, "only 500/1000"));
  end(&r);
  s = (source){ .abort = true };
  easy = write_file(&r, &s, "out", 1000);
  CHECK_EQ(R1, curl_easy_perform(easy), CURLE_ABORTED_BY_CALLBACK);
  end(&r);
  if (access("/dev/full", W_OK)) return;
  s = (source){ .total = 1000, .piece = 1000 };
  easy = write_file(&r, &s, "out", 1000);
  curl_easy_setopt(easy, CURLOPT_URL, "file:///dev/full");
  CHECK_EQ(B6, curl_easy_perform(easy), CURLE_SEND_ERROR);
  end(&r);
}

int main(void)
{
  snprintf(folder, sizeof folder, "/tmp/sluice-file-XXXXXX");
  if (!mkdtemp(folder)) return 1;
  http = server_start();
  if (!http) return 1;
  reading();
  names();
  heads();
  paused_in_callbacks();
  paused_from_outside();
  limited();
  stopped();
  sizes();
  pipes();
  not_readable();
  writing();
  writing_fails();
  server_stop(http);
  static const char *const left[] = { "a", "out", "pipe" };
  for (size_t i = 0; i < 3; i++) {
    char path[256];
    file_path(path, sizeof path, left[i]);
    unlink(path);
  }
  CHECK(B6, !rmdir(folder));
  return check_result();
}
