/* posix_hooks.c: the program's say in how descriptors are made and closed; see posix_fds.h. */
#include "posix_hooks.h"
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static void inside(const sl_fd_hooks *h, int by)
{
  if (h->inside) h->inside(h->inside_arg, by);
}

int sl_hooks_open(const sl_fd_hooks *h, const sl_address *to)
{
  /* Longer than the type, as its last member may be. */
  union { struct curl_sockaddr a; char room[sizeof(struct curl_sockaddr) + sizeof to->at]; } arg = {
    .a = { .family = to->at.ss_family, .socktype = SOCK_STREAM, .addrlen = to->len } };
  memcpy(arg.room + offsetof(struct curl_sockaddr, addr), &to->at, to->len);
  inside(h, 1);
  int fd = h->open(h->open_arg, CURLSOCKTYPE_IPCXN, &arg.a);
  inside(h, -1);
  if (fd < 0) return -1;
  fcntl(fd, F_SETFD, FD_CLOEXEC);
  fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
  return fd;
}

int sl_hooks_ready(const sl_fd_hooks *h, int fd)
{
  if (!h->ready) return CURL_SOCKOPT_OK;
  inside(h, 1);
  int answer = h->ready(h->ready_arg, fd, CURLSOCKTYPE_IPCXN);
  inside(h, -1);
  return answer;
}

void sl_hooks_close(const sl_fd_hooks *h, int fd)
{
  if (!h->close) {
    close(fd);
    return;
  }
  inside(h, 1);
  h->close(h->close_arg, fd);
  inside(h, -1);
}
