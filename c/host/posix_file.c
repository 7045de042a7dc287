/* posix_file.c: see posix_file.h. Owns nothing.
 *
 * poll(2) finds a regular file always ready, so level-triggered events come while they are wanted and never
 * otherwise. Opening does not block. A pipe (FIFO) is read as it fills, until its last writer is gone, and waited
 * for until the first one comes; it is not written to: its reader's death would be a signal. */
#include "posix_file.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#ifndef O_CLOEXEC
#define O_CLOEXEC 0
#endif

#ifndef PATH_MAX
#define PATH_MAX 4096
#endif
#define FILE_MODE 0644 /* of a new one, as libcurl */

static int hex_value(char c)
{
  if (c >= '0' && c <= '9') return c - '0';
  c |= 0x20;
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* host.h: %XX is a byte. Bytes of the decoded path, or 0 when it is malformed or too long. */
static size_t path_decode(const char *path, size_t n, char to[PATH_MAX])
{
  size_t len = 0;
  for (size_t i = 0; i < n; i++) {
    int byte = (unsigned char)path[i];
    if (byte == '%') {
      int high = i + 2 < n ? hex_value(path[i + 1]) : -1, low = high >= 0 ? hex_value(path[i + 2]) : -1;
      if (low < 0) return 0;
      byte = high * 16 + low;
      i += 2;
    }
    if (!byte || len + 1 >= PATH_MAX) return 0;
    to[len++] = (char)byte;
  }
  to[len] = 0;
  return len;
}

/* Open for good, or -1 and errno. */
static int file_open(const char *path, bool writes, struct stat *about)
{
  int flags = writes ? O_WRONLY | O_CREAT | O_TRUNC : O_RDONLY;
  int fd = open(path, flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, FILE_MODE), error;
  if (fd < 0) return -1;
  if (fstat(fd, about)) error = errno;
  else if (S_ISDIR(about->st_mode)) error = EISDIR;
  else if (writes && S_ISFIFO(about->st_mode)) error = ESPIPE;
  else return fd;
  close(fd);
  errno = error;
  return -1;
}

/* The size, when it can be believed: files that are made as they are read announce 0, or a page, and have what they
 * have. They occupy no blocks, as small files may, so the place where the last byte should be is looked at. */
static int64_t size_of(int fd, const struct stat *about)
{
  char last;
  if (!S_ISREG(about->st_mode)) return -1;
  if (about->st_blocks) return about->st_size;
  off_t at = about->st_size ? about->st_size - 1 : 0;
  return pread(fd, &last, 1, at) == (about->st_size ? 1 : 0) ? about->st_size : -1;
}

int sl_posix_file_open(const char *path, size_t path_len, const char *mode, size_t mode_len, sl_file_way *way,
                       int64_t *size, sl_failure *why)
{
  char decoded[PATH_MAX];
  struct stat about;
  bool reads = mode_len == 4 && !memcmp(mode, "read", 4), writes = mode_len == 5 && !memcmp(mode, "write", 5);
  *size = -1;
  *way = writes ? SL_FILE_WRITE : SL_FILE_READ;
  *why = (sl_failure){ .code = SL_INVAL };
  if (reads == writes || !path_decode(path, path_len, decoded) || *decoded != '/') return -1;
  int fd = file_open(decoded, writes, &about), error = errno;
  if (fd < 0) {
    int32_t code = error == ENOMEM ? SL_NOMEM : error == EMFILE || error == ENFILE ? SL_BUSY : SL_IO;
    sl_fail(why, code, "open", decoded, error);
  } else if (reads) {
    *size = size_of(fd, &about);
    if (S_ISFIFO(about.st_mode)) *way = SL_FILE_PIPE;
  }
  return fd;
}

static int32_t moved(ssize_t n)
{
  if (n >= 0) return (int32_t)n;
  return errno == EAGAIN || errno == EWOULDBLOCK ? SL_AGAIN : errno == ENOMEM ? SL_NOMEM : SL_IO;
}

/* A pipe reads as ended also before its first writer; only then there is nothing to hear of it. */
static bool writer_gone(int fd)
{
  struct pollfd at = { .fd = fd, .events = POLLIN };
  return poll(&at, 1, 0) > 0;
}

int32_t sl_posix_file_recv(int fd, sl_file_way way, void *buf, uint32_t cap)
{
  ssize_t n;
  if (way == SL_FILE_WRITE) return 0;
  do n = read(fd, buf, cap < INT32_MAX ? cap : INT32_MAX);
  while (n < 0 && errno == EINTR);
  if (!n && way == SL_FILE_PIPE && !writer_gone(fd)) return SL_AGAIN;
  return moved(n);
}

int32_t sl_posix_file_send(int fd, const void *buf, uint32_t len)
{
  ssize_t n;
  do n = write(fd, buf, len < INT32_MAX ? len : INT32_MAX);
  while (n < 0 && errno == EINTR);
  return moved(n);
}
