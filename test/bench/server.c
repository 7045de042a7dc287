/* server.c: the other end of the bench: one thread, epoll, HTTP/1.1 on 127.0.0.1, so cheap that the client is what is measured.
 *
 *   GET /big/N      N bytes             GET /small    13 bytes            GET /drip/N   64 bytes a second, N times
 *   GET /endless    as fast as it goes  PUT anything  read, discarded     GET /closed   "COUNT NS": how many /endless were
 *                                                                         closed by their client, and when the last one was
 * Prints its port, runs until stdin ends. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define HEAD_MAX 8192
#define BLOCK (256 * 1024)
#define DRIP 64                /* bytes */
#define SECOND 1000000000LL    /* ns */
#define TICK_MS 50
#define ENDLESS (1LL << 50)    /* bytes */

typedef struct conn {
  int fd;
  uint32_t armed;              /* events epoll waits for */
  char *in;                    /* an unfinished head; NULL: none */
  size_t in_n;
  char out[256];               /* a head to send */
  size_t out_n;
  long long body;              /* bytes of zeros still to send */
  long long sink;              /* bytes of request body still to read */
  int endless, drips, chunked;
  char tail[5];                /* the last bytes of a chunked body */
  long long next;              /* ns: the next drip */
  struct conn *dripping_next, *dripping_prev;
} conn;

static char zeros[BLOCK], scrap[BLOCK];
static conn dripping = { .dripping_next = &dripping, .dripping_prev = &dripping };
static int loop;
static long long closed_count, closed_at;

static long long now(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * SECOND + t.tv_nsec;
}

static void arm(conn *c, uint32_t events)
{
  if (events == c->armed) return;
  c->armed = events;
  epoll_ctl(loop, EPOLL_CTL_MOD, c->fd, &(struct epoll_event){ .events = events, .data.ptr = c });
}

static void drop(conn *c)
{
  if (c->endless) {
    closed_count++;
    closed_at = now();
  }
  if (c->dripping_next) {
    c->dripping_next->dripping_prev = c->dripping_prev;
    c->dripping_prev->dripping_next = c->dripping_next;
  }
  close(c->fd);
  free(c->in);
  free(c);
}

/* Whether the connection is still there. */
static int put(conn *c, const char *data, size_t n, size_t *done)
{
  ssize_t sent = send(c->fd, data, n, MSG_NOSIGNAL | MSG_DONTWAIT);
  *done = sent > 0 ? (size_t)sent : 0;
  if (sent >= 0 || errno == EAGAIN) return 1;
  drop(c);
  return 0;
}

static int flush(conn *c)
{
  size_t n;
  if (c->out_n) {
    if (!put(c, c->out, c->out_n, &n)) return 0;
    memmove(c->out, c->out + n, c->out_n -= n);
  }
  while (!c->out_n && c->body && !c->drips) {
    size_t want = c->body < BLOCK ? (size_t)c->body : BLOCK;
    if (!put(c, zeros, want, &n)) return 0;
    c->body -= (long long)n;
    if (n < want) break;
  }
  arm(c, EPOLLIN | EPOLLRDHUP | (c->out_n || (c->body && !c->drips) ? EPOLLOUT : 0u));
  return 1;
}

static void reply_more(conn *c, long long length, const char *headers, const char *text)
{
  c->out_n += (size_t)snprintf(c->out + c->out_n, sizeof c->out - c->out_n,
    "HTTP/1.1 200 OK\r\nServer: bench\r\nContent-Type: application/octet-stream\r\nContent-Length: %lld\r\n%s\r\n%s", length, headers, text);
}

static void reply(conn *c, long long length, const char *text) { reply_more(c, length, "", text); }

static const char *header(const char *head, const char *name)
{
  const char *at = strcasestr(head, name);
  return at ? at + strlen(name) : NULL;
}

static int answer(conn *c, const char *head)
{
  char text[64];
  const char *path = strchr(head, ' '), *length = header(head, "\r\ncontent-length:"), *coding = header(head, "\r\ntransfer-encoding: chunked");
  path = path ? path + 1 : head;
  if (!strncmp(head, "PUT ", 4)) {
    c->sink = length ? atoll(length) : 0;
    c->chunked = coding != NULL;
    if (header(head, "\r\nexpect: 100-continue")) c->out_n = (size_t)sprintf(c->out, "HTTP/1.1 100 Continue\r\n\r\n");
    if (!c->sink && !c->chunked) reply(c, 0, "");
  } else if (!strncmp(path, "/big/", 5)) {
    reply_more(c, c->body = atoll(path + 5), "Access-Control-Allow-Origin: *\r\n", ""); /* to a page of Chromium */
  } else if (!strncmp(path, "/endless", 8)) {
    c->endless = 1;
    reply(c, c->body = ENDLESS, "");
  } else if (!strncmp(path, "/drip/", 6)) {
    c->drips = atoi(path + 6);
    c->next = now();
    reply(c, (c->body = (long long)c->drips * DRIP), "");
    if (!c->dripping_next) {
      c->dripping_next = &dripping;
      c->dripping_prev = dripping.dripping_prev;
      c->dripping_prev->dripping_next = dripping.dripping_prev = c;
    }
  } else if (!strncmp(path, "/closed", 7)) {
    int n = sprintf(text, "%lld %lld", closed_count, closed_at);
    reply(c, n, text);
  } else {
    reply(c, 13, "Hello, world!");
  }
  return flush(c);
}

/* Request body in data[0..n): how many bytes of it belong to the body. Answers when it is whole. */
static size_t swallow(conn *c, const char *data, size_t n)
{
  if (c->chunked) {
    size_t keep = n < 5 ? n : 5;
    memmove(c->tail, c->tail + keep, 5 - keep);
    memcpy(c->tail + 5 - keep, data + n - keep, keep);
    if (!memcmp(c->tail, "0\r\n\r\n", 5)) {
      c->chunked = 0;
      reply(c, 0, "");
    }
    return n;
  }
  size_t taken = (long long)n < c->sink ? n : (size_t)c->sink;
  c->sink -= (long long)taken;
  if (!c->sink) reply(c, 0, "");
  return taken;
}

static void readable(conn *c)
{
  for (;;) {
    ssize_t n = recv(c->fd, scrap, sizeof scrap - 1, MSG_DONTWAIT);
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) return drop(c);
    char *at = scrap;
    size_t left = (size_t)n;
    while (left) {
      if (c->sink || c->chunked) {
        size_t taken = swallow(c, at, left);
        at += taken;
        left -= taken;
        if (!c->sink && !c->chunked && !flush(c)) return;
        continue;
      }
      if (!c->in && !(c->in = malloc(HEAD_MAX + 1))) return drop(c);
      size_t before = c->in_n, room = left < HEAD_MAX - before ? left : HEAD_MAX - before;
      memcpy(c->in + before, at, room);
      c->in[before + room] = 0;
      char *end = strstr(c->in, "\r\n\r\n");
      if (!end) {
        if ((c->in_n += room) == HEAD_MAX) return drop(c);
        break;
      }
      size_t used = (size_t)(end + 4 - c->in) - before;
      end[2] = 0;
      at += used;
      left -= used;
      char *head = c->in; /* not kept while idle: 10,000 of them */
      c->in = NULL;
      c->in_n = 0;
      int there = answer(c, head);
      free(head);
      if (!there) return;
    }
    if ((size_t)n < sizeof scrap - 1) return;
  }
}

static void drip(long long at)
{
  for (conn *c = dripping.dripping_next, *next; c != &dripping; c = next) {
    size_t n;
    next = c->dripping_next;
    if (!c->drips || c->next > at || c->out_n) continue;
    c->next += SECOND;
    c->drips--;
    if (!put(c, zeros, DRIP, &n)) continue;
    c->body -= (long long)n;
    if (!c->drips && !flush(c)) continue;
  }
}

int main(void)
{
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
  socklen_t size = sizeof address;
  int on = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(listener, (struct sockaddr *)&address, size) || listen(listener, 4096)) return perror("bench server"), 1;
  getsockname(listener, (struct sockaddr *)&address, &size);
  printf("%d\n", ntohs(address.sin_port));
  fflush(stdout);
  loop = epoll_create1(0);
  epoll_ctl(loop, EPOLL_CTL_ADD, listener, &(struct epoll_event){ .events = EPOLLIN, .data.ptr = &listener });
  epoll_ctl(loop, EPOLL_CTL_ADD, 0, &(struct epoll_event){ .events = EPOLLIN, .data.ptr = NULL });
  for (long long next = 0;;) {
    struct epoll_event events[256];
    int n = epoll_wait(loop, events, 256, dripping.dripping_next == &dripping ? -1 : TICK_MS);
    for (int i = 0; i < n; i++) {
      if (!events[i].data.ptr) {
        if (read(0, scrap, 1) <= 0) return 0;
      } else if (events[i].data.ptr == &listener) {
        int fd;
        while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
          conn *c = calloc(1, sizeof *c);
          if (!c) return 1;
          c->fd = fd;
          c->armed = EPOLLIN | EPOLLRDHUP;
          setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
          epoll_ctl(loop, EPOLL_CTL_ADD, fd, &(struct epoll_event){ .events = c->armed, .data.ptr = c });
        }
      } else {
        conn *c = events[i].data.ptr;
        uint32_t e = events[i].events;
        if (e & (EPOLLERR | EPOLLHUP | EPOLLRDHUP)) drop(c);
        else if (e & EPOLLIN) readable(c);
        else flush(c);
      }
    }
    long long at = now();
    if (at >= next) {
      drip(at);
      next = at + TICK_MS * 1000000LL / 2;
    }
  }
}
