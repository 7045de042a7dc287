/* server.c: see server.h. One thread accepts, one serves each connection; `lock` guards what they share. */
#include "server.h"
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS_MAX 256
#define REQUEST_MAX 8192

typedef struct {
  server *s;
  int fd;
  pthread_t thread;
} peer;

struct server {
  int listener, port;
  pthread_t thread;
  pthread_mutex_t lock;
  bool stopping;
  unsigned count;
  peer *peers[CONNECTIONS_MAX];
  char request[REQUEST_MAX];
};

char server_byte(size_t i) { return (char)('a' + (i + i / 100) % 26); }

static bool stopping(server *s)
{
  pthread_mutex_lock(&s->lock);
  bool yes = s->stopping;
  pthread_mutex_unlock(&s->lock);
  return yes;
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

/* Bytes from..to of the body. */
static bool send_body(int fd, size_t from, size_t to)
{
  char block[4096];
  while (from < to) {
    size_t n = to - from < sizeof block ? to - from : sizeof block;
    for (size_t i = 0; i < n; i++) block[i] = server_byte(from + i);
    if (!send_all(fd, block, n)) return false;
    from += n;
  }
  return true;
}

static bool send_head(int fd, const char *status, const char *framing, size_t n)
{
  char head[512];
  snprintf(head, sizeof head, "HTTP/1.1 %s\r\nContent-Type: text/x-test\r\n", status);
  if (!send_text(fd, head)) return false;
  if (!framing) return send_text(fd, "Connection: close\r\n\r\n");
  snprintf(head, sizeof head, framing, n);
  return send_text(fd, head) && send_text(fd, "\r\n\r\n");
}

static bool send_chunked(int fd, size_t n)
{
  char line[32];
  for (size_t at = 0; at < n; at += 1000) {
    size_t len = n - at < 1000 ? n - at : 1000;
    snprintf(line, sizeof line, "%zx\r\n", len);
    if (!send_text(fd, line) || !send_body(fd, at, at + len) || !send_text(fd, "\r\n")) return false;
  }
  return send_text(fd, "0\r\nX-Trailer: yes\r\n\r\n");
}

/* Until the client closes or the server stops: server_stop shuts the socket down. */
static bool hang(int fd)
{
  char byte;
  while (recv(fd, &byte, 1, 0) > 0) {}
  return false;
}

static bool send_slowly(server *s, int fd, size_t times, long ms)
{
  for (size_t i = 0; i < times; i++) {
    nanosleep(&(struct timespec){ .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 }, NULL);
    if (stopping(s) || !send_body(fd, i * 100, (i + 1) * 100)) return false;
  }
  return true;
}

static bool send_status(int fd, unsigned code, bool head)
{
  char status[32];
  snprintf(status, sizeof status, "%u Status", code);
  if (code == 204) return send_text(fd, "HTTP/1.1 204 No Content\r\n\r\n");
  if (code == 304) return send_text(fd, "HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n");
  return send_head(fd, status, "Content-Length: %zu", 6) && (head || send_text(fd, "status"));
}

/* False: close the connection. */
static bool answer(server *s, int fd, const char *path, bool head)
{
  size_t n = 0;
  long ms = 0;
  unsigned code;
  if (sscanf(path, "/length/%zu", &n) == 1)
    return send_head(fd, "200 OK", "Content-Length: %zu", n) && (head || send_body(fd, 0, n));
  if (sscanf(path, "/chunked/%zu", &n) == 1)
    return send_head(fd, "200 OK", "Transfer-Encoding: chunked", 0) && (head || send_chunked(fd, n));
  if (sscanf(path, "/close/%zu", &n) == 1)
    return send_head(fd, "200 OK", NULL, 0) && (head || send_body(fd, 0, n)) && false;
  if (sscanf(path, "/short/%zu", &n) == 1)
    return send_head(fd, "200 OK", "Content-Length: %zu", 2 * n) && send_body(fd, 0, n) && false;
  if (sscanf(path, "/stall/%zu", &n) == 1)
    return send_head(fd, "200 OK", "Content-Length: %zu", 2 * n) && send_body(fd, 0, n) && hang(fd);
  if (sscanf(path, "/dribble/%zu/%ld", &n, &ms) == 2)
    return send_head(fd, "200 OK", "Content-Length: %zu", n * 100) && send_slowly(s, fd, n, ms);
  if (sscanf(path, "/status/%u", &code) == 1) return send_status(fd, code, head);
  if (!strcmp(path, "/early"))
    return send_text(fd, "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n") &&
           send_head(fd, "200 OK", "Content-Length: %zu", 5) && (head || send_text(fd, "early"));
  if (!strcmp(path, "/hang")) return hang(fd);
  if (!strcmp(path, "/gone")) return false;
  return send_status(fd, 404, head);
}

static bool serve_one(server *s, int fd)
{
  char request[REQUEST_MAX], path[1024] = "";
  size_t n = 0;
  do {
    ssize_t got = recv(fd, request + n, sizeof request - 1 - n, 0);
    if (got <= 0) return false;
    n += (size_t)got;
    request[n] = 0;
  } while (!strstr(request, "\r\n\r\n") && n < sizeof request - 1);
  pthread_mutex_lock(&s->lock);
  memcpy(s->request, request, n + 1);
  pthread_mutex_unlock(&s->lock);
  sscanf(request, "%*s %1023s", path);
  return answer(s, fd, path, !strncmp(request, "HEAD ", 5));
}

static void *serve(void *arg)
{
  peer *p = arg;
  while (serve_one(p->s, p->fd)) {}
  shutdown(p->fd, SHUT_WR); /* closed by server_stop, so that the number is not given out again meanwhile */
  hang(p->fd);
  return NULL;
}

static void *accept_all(void *arg)
{
  server *s = arg;
  int fd, one = 1;
  while ((fd = accept(s->listener, NULL, NULL)) >= 0) {
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    pthread_mutex_lock(&s->lock);
    peer *p = s->stopping || s->count == CONNECTIONS_MAX ? NULL : calloc(1, sizeof *p);
    if (p) {
      *p = (peer){ .s = s, .fd = fd };
      s->peers[s->count++] = p;
      if (pthread_create(&p->thread, NULL, serve, p)) abort();
    } else close(fd);
    pthread_mutex_unlock(&s->lock);
  }
  return NULL;
}

server *server_start(void)
{
  struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
  socklen_t len = sizeof at;
  server *s = calloc(1, sizeof *s);
  if (!s) return NULL;
  pthread_mutex_init(&s->lock, NULL);
  s->listener = socket(AF_INET, SOCK_STREAM, 0);
  if (s->listener < 0 || bind(s->listener, (struct sockaddr *)&at, sizeof at) || listen(s->listener, 64) ||
      getsockname(s->listener, (struct sockaddr *)&at, &len)) {
    free(s);
    return NULL;
  }
  s->port = ntohs(at.sin_port);
  if (pthread_create(&s->thread, NULL, accept_all, s)) abort();
  return s;
}

void server_stop(server *s)
{
  pthread_mutex_lock(&s->lock);
  s->stopping = true;
  pthread_mutex_unlock(&s->lock);
  shutdown(s->listener, SHUT_RDWR);
  pthread_join(s->thread, NULL);
  for (unsigned i = 0; i < s->count; i++) {
    shutdown(s->peers[i]->fd, SHUT_RDWR);
    pthread_join(s->peers[i]->thread, NULL);
    close(s->peers[i]->fd);
    free(s->peers[i]);
  }
  close(s->listener);
  pthread_mutex_destroy(&s->lock);
  free(s);
}

int server_port(const server *s) { return s->port; }

unsigned server_connections(server *s)
{
  pthread_mutex_lock(&s->lock);
  unsigned n = s->count;
  pthread_mutex_unlock(&s->lock);
  return n;
}

void server_request(server *s, char *buf, size_t size)
{
  pthread_mutex_lock(&s->lock);
  snprintf(buf, size, "%s", s->request);
  pthread_mutex_unlock(&s->lock);
}
