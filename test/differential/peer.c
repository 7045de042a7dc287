/* peer.c: see peer.h. One thread accepts, one serves each connection; `lock` guards what was seen. */
#include "peer.h"
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define INPUT_MAX 16384

typedef struct {
  int fd;
  char in[INPUT_MAX]; /* received, not yet looked at */
  size_t in_len, at;  /* at: bytes of the response's body sent */
  unsigned status;
  bool chunked, head; /* the response is; the request is a HEAD */
  char request[INPUT_MAX + 1];
} peer;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static peer_view seen;
static int port, listener;

int peer_port(void) { return port; }
char peer_byte(size_t i) { return (char)('a' + (i + i / 100) % 26); }

peer_view peer_seen(void)
{
  pthread_mutex_lock(&lock);
  peer_view copy = seen;
  pthread_mutex_unlock(&lock);
  return copy;
}

static void sleep_ms(long ms) { nanosleep(&(struct timespec){ .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 }, NULL); }

bool peer_saw(bool (*view)(const peer_view *))
{
  for (int i = 0; i < 1000; i++) {
    peer_view now = peer_seen();
    if (view(&now)) return true;
    sleep_ms(10);
  }
  return false;
}

static bool send_all(int fd, const char *data, size_t n)
{
  while (n) {
    ssize_t sent = send(fd, data, n, MSG_NOSIGNAL);
    if (sent <= 0) return false;
    data += sent;
    n -= (size_t)sent;
  }
  return true;
}

static bool send_text(int fd, const char *text) { return send_all(fd, text, strlen(text)); }

static bool send_head(peer *p, const char *framing)
{
  char head[512];
  p->chunked = strstr(framing, "chunked");
  snprintf(head, sizeof head, "HTTP/1.1 %u Scene\r\nX-Scene: 1\r\n%s\r\n", p->status, framing);
  return send_text(p->fd, head);
}

static bool send_body(peer *p, size_t n)
{
  char block[16384], size[32];
  snprintf(size, sizeof size, "%zx\r\n", n);
  if (p->chunked && !send_text(p->fd, size)) return false;
  while (n) {
    size_t part = n < sizeof block ? n : sizeof block;
    for (size_t i = 0; i < part; i++) block[i] = peer_byte(p->at + i);
    if (!send_all(p->fd, block, part)) return false;
    p->at += part;
    n -= part;
    pthread_mutex_lock(&lock);
    seen.sent += part;
    pthread_mutex_unlock(&lock);
  }
  return !p->chunked || send_text(p->fd, "\r\n");
}

static bool redirect(peer *p, unsigned code, const char *to, bool body)
{
  char text[2048];
  snprintf(text, sizeof text, "HTTP/1.1 %u Elsewhere\r\nLocation: %s\r\nContent-Length: %d\r\n\r\n%s", code, to,
           body ? 4 : 0, body ? "away" : "");
  return send_text(p->fd, text);
}

/* More input behind what is there. */
static bool receive(peer *p)
{
  if (p->in_len == sizeof p->in) return false;
  ssize_t got = recv(p->fd, p->in + p->in_len, sizeof p->in - p->in_len, 0);
  if (got <= 0) return false;
  p->in_len += (size_t)got;
  return true;
}

static void drop_in(peer *p, size_t n)
{
  p->in_len -= n;
  memmove(p->in, p->in + n, p->in_len);
}

/* n bytes off the wire; body: they are the request's. */
static bool receive_bytes(peer *p, size_t n, bool body)
{
  while (n) {
    if (!p->in_len && !receive(p)) return false;
    size_t part = n < p->in_len ? n : p->in_len;
    pthread_mutex_lock(&lock);
    for (size_t i = 0; body && i < part; i++) seen.damaged |= p->in[i] != peer_byte(seen.uploaded + i);
    seen.uploaded += body ? part : 0;
    pthread_mutex_unlock(&lock);
    drop_in(p, part);
    n -= part;
  }
  return true;
}

static bool receive_line(peer *p, char *line, size_t size)
{
  char *end;
  while (!(end = memmem(p->in, p->in_len, "\r\n", 2)))
    if (!receive(p)) return false;
  size_t n = (size_t)(end - p->in);
  if (n >= size) return false;
  memcpy(line, p->in, n);
  line[n] = 0;
  drop_in(p, n + 2);
  return true;
}

static bool receive_body(peer *p)
{
  char line[256];
  size_t n;
  const char *length = strcasestr(p->request, "\r\nContent-Length: ");
  if (length) return receive_bytes(p, (size_t)strtoull(length + 18, NULL, 10), true);
  if (!strcasestr(p->request, "\r\nTransfer-Encoding: chunked")) return true;
  while (receive_line(p, line, sizeof line) && sscanf(line, "%zx", &n) == 1) {
    if (!n) break;
    if (!receive_bytes(p, n, true) || !receive_line(p, line, sizeof line)) return false;
    pthread_mutex_lock(&lock);
    seen.chunks++;
    pthread_mutex_unlock(&lock);
  }
  while (*line && receive_line(p, line, sizeof line)) {}
  return !*line;
}

/* Until the client closes. */
static bool hang(peer *p)
{
  do p->in_len = 0;
  while (receive(p));
  return false;
}

static bool reset(peer *p)
{
  struct linger now = { .l_onoff = 1 };
  setsockopt(p->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  return false;
}

/* Do the step at `path`. False: no more of this connection. */
static bool play(peer *p, const char *path)
{
  char framing[64];
  unsigned long n = 0;
  unsigned code = 0;
  const char *rest = strchr(path, '/');
  if (sscanf(path, "tob%u", &code) == 1) return redirect(p, code, rest, true);
  if (sscanf(path, "to%u", &code) == 1) return redirect(p, code, rest, false);
  bool number = sscanf(path + 1, "%lu", &n) == 1;
  switch (*path) {
  case 's': p->status = (unsigned)n; return true;
  case 'l':
    snprintf(framing, sizeof framing, "Content-Length: %lu\r\n", n);
    return send_head(p, framing);
  case 'k': return send_head(p, "Transfer-Encoding: chunked\r\n");
  case 'c': return send_head(p, "");
  case 'b': return p->head || send_body(p, n);
  case 'e': return send_text(p->fd, "0\r\n\r\n");
  case 't': return send_text(p->fd, "0\r\nX-Trailer: 1\r\n\r\n");
  case 'i': return send_text(p->fd, "HTTP/1.1 100 Continue\r\n\r\n");
  case 'w': sleep_ms((long)n); return true;
  case 'u': return number ? receive_bytes(p, n, true) : receive_body(p);
  case 'r': return reset(p);
  case 'h': return hang(p);
  default: return false;
  }
}

static bool serve_one(peer *p)
{
  char path[1024], *end;
  while (!(end = memmem(p->in, p->in_len, "\r\n\r\n", 4)))
    if (!receive(p)) return false;
  size_t n = (size_t)(end - p->in) + 4;
  memcpy(p->request, p->in, n);
  p->request[n] = 0;
  drop_in(p, n);
  if (sscanf(p->request, "%*s %1023s", path) != 1) return false;
  p->at = 0;
  p->status = 200;
  p->head = !strncmp(p->request, "HEAD ", 5);
  pthread_mutex_lock(&lock);
  seen.requests++;
  seen.uploaded = seen.chunks = seen.sent = 0;
  seen.expects = strcasestr(p->request, "\r\nExpect: 100-continue");
  pthread_mutex_unlock(&lock);
  for (const char *step = strchr(path, '/'); step; step = strchr(step + 1, '/')) {
    if (!play(p, step + 1)) return false;
    if (!strncmp(step, "/to", 3)) break; /* what follows is the next request's */
  }
  return true;
}

static void *serve(void *arg)
{
  peer *p = arg;
  while (serve_one(p)) {}
  bool ours = recv(p->fd, p->in, 1, MSG_DONTWAIT) != 0;
  close(p->fd);
  pthread_mutex_lock(&lock);
  seen.closed += !ours;
  pthread_mutex_unlock(&lock);
  free(p);
  return NULL;
}

static void *accept_all(void *arg)
{
  int fd, one = 1;
  pthread_t thread;
  (void)arg;
  while ((fd = accept(listener, NULL, NULL)) >= 0) {
    peer *p = calloc(1, sizeof *p);
    if (!p) abort();
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    p->fd = fd;
    pthread_mutex_lock(&lock);
    seen.connections++;
    pthread_mutex_unlock(&lock);
    if (pthread_create(&thread, NULL, serve, p)) abort();
    pthread_detach(thread);
  }
  return NULL;
}

static int bound(int *at_port)
{
  struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
  socklen_t len = sizeof at;
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  if (fd < 0 || bind(fd, (struct sockaddr *)&at, len) || getsockname(fd, (struct sockaddr *)&at, &len)) abort();
  *at_port = ntohs(at.sin_port);
  return fd;
}

void peer_start(void)
{
  pthread_t thread;
  listener = bound(&port);
  if (listen(listener, 64) || pthread_create(&thread, NULL, accept_all, NULL)) abort();
  pthread_detach(thread);
}

int peer_refusing(void)
{
  int at;
  bound(&at); /* bound, so that the number is not given to another; not listening */
  return at;
}

int peer_full(void)
{
  int at, fd = bound(&at);
  struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons((uint16_t)at) };
  if (listen(fd, 0)) abort();
  for (int i = 0; i < 3; i++) {
    int filler = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    connect(filler, (struct sockaddr *)&to, sizeof to); /* one is queued, the others stay in the way */
    sleep_ms(50);
  }
  return at;
}
