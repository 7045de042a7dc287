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
#define BODY_MAX 4000000 /* of one request */

typedef struct {
  server *s;
  int fd;
  pthread_t thread;
  unsigned number;      /* of its connection, in the order they came */
  char in[REQUEST_MAX]; /* received, not yet looked at */
  size_t in_len;
  char request[REQUEST_MAX], trailers[REQUEST_MAX]; /* its latest */
  char *body;
  size_t body_len;
} peer;

struct server {
  int listener, port;
  pthread_t thread;
  pthread_mutex_t lock;
  bool stopping;
  unsigned count;
  peer *peers[CONNECTIONS_MAX];
  const peer *latest; /* the newest connection with a request: an older one's thread may be late */
  unsigned requests;
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

static bool answer_body(int fd, const char *path, bool head)
{
  size_t n = 0;
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
  return send_status(fd, 404, head);
}

static bool answer_redirect(int fd, unsigned code, const char *to)
{
  char text[1200];
  snprintf(text, sizeof text, "HTTP/1.1 %u Elsewhere\r\nLocation: %s\r\nContent-Length: 4\r\n\r\naway", code, to);
  return send_text(fd, text);
}

static bool answer_echo(const peer *p)
{
  return send_head(p->fd, "200 OK", "Content-Length: %zu", p->body_len) && send_all(p->fd, p->body, p->body_len);
}

static bool answer_login(const peer *p, const char *path)
{
  if (strcasestr(p->request, "\r\nAuthorization: Basic ")) return send_head(p->fd, "200 OK", "Content-Length: %zu", 2) && send_text(p->fd, "in");
  return send_text(p->fd, "HTTP/1.1 401 Who\r\nWWW-Authenticate: Digest realm=\"a, Basic \\\" b\", nonce=\"x\"") &&
         send_text(p->fd, strcmp(path, "/login/digest") ? ", Basic realm=\"c\"\r\n" : "\r\n") &&
         send_text(p->fd, "Content-Length: 4\r\n\r\nwho?");
}

static bool answer_range(const peer *p, size_t n, size_t lie)
{
  const char *range = strcasestr(p->request, "\r\nRange: bytes=");
  char framing[128];
  size_t from = range ? strtoull(range + 15, NULL, 10) : 0;
  if (!range) return send_head(p->fd, "200 OK", "Content-Length: %zu", n) && send_body(p->fd, 0, n);
  if (from >= n) {
    snprintf(framing, sizeof framing, "Content-Range: bytes */%zu\r\nContent-Length: %%zu", n);
    return send_head(p->fd, "416 No", framing, 4) && send_text(p->fd, "none");
  }
  snprintf(framing, sizeof framing, "Content-Range: bytes %zu-%zu/%zu\r\nContent-Length: %%zu", from + lie, n - 1, n);
  return send_head(p->fd, "206 Part", framing, n - from) && send_body(p->fd, from, n);
}

/* False: close the connection. */
static bool answer(const peer *p, const char *path, bool head)
{
  server *s = p->s;
  int fd = p->fd;
  size_t n = 0;
  long ms = 0;
  unsigned code;
  int at = 0;
  if (sscanf(path, "/dribble/%zu/%ld", &n, &ms) == 2)
    return send_head(fd, "200 OK", "Content-Length: %zu", n * 100) && send_slowly(s, fd, n, ms);
  if (sscanf(path, "/status/%u", &code) == 1) return send_status(fd, code, head);
  if (sscanf(path, "/to/%u/%n", &code, &at) == 1 && at) return answer_redirect(fd, code, path + at);
  if (!strncmp(path, "/login", 6)) return answer_login(p, path);
  if (sscanf(path, "/range/%zu/%ld", &n, &ms) >= 1) return answer_range(p, n, (size_t)ms);
  if (!strcmp(path, "/early"))
    return send_text(fd, "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n") &&
           send_head(fd, "200 OK", "Content-Length: %zu", 5) && (head || send_text(fd, "early"));
  if (!strncmp(path, "/echo", 5) || !strncmp(path, "/expect/", 8)) return answer_echo(p);
  if (!strcmp(path, "/hang")) return hang(fd);
  if (!strcmp(path, "/gone")) return false;
  return answer_body(fd, path, head);
}

/* Make `in` hold up to and with the next `end`; where that begins, or NULL. */
static char *receive_to(peer *p, const char *end)
{
  for (;;) {
    char *found = memmem(p->in, p->in_len, end, strlen(end));
    if (found || p->in_len == sizeof p->in) return found;
    ssize_t got = recv(p->fd, p->in + p->in_len, sizeof p->in - p->in_len, 0);
    if (got <= 0) return NULL;
    p->in_len += (size_t)got;
  }
}

static void drop_in(peer *p, size_t n)
{
  p->in_len -= n;
  memmove(p->in, p->in + n, p->in_len);
}

/* n bytes of a body, kept behind what the server has of it. */
static bool receive_bytes(peer *p, size_t n)
{
  while (n) {
    if (!p->in_len) {
      ssize_t got = recv(p->fd, p->in, sizeof p->in, 0);
      if (got <= 0) return false;
      p->in_len = (size_t)got;
    }
    size_t part = n < p->in_len ? n : p->in_len;
    pthread_mutex_lock(&p->s->lock);
    if (!p->body) p->body = malloc(BODY_MAX);
    bool fits = p->body && p->body_len + part <= BODY_MAX;
    if (fits) memcpy(p->body + p->body_len, p->in, part);
    p->body_len += fits ? part : 0;
    pthread_mutex_unlock(&p->s->lock);
    if (!fits) return false;
    drop_in(p, part);
    n -= part;
  }
  return true;
}

static bool receive_line(peer *p, char *line, size_t size)
{
  char *end = receive_to(p, "\r\n");
  if (!end || (size_t)(end - p->in) >= size) return false;
  size_t n = (size_t)(end - p->in);
  memcpy(line, p->in, n);
  line[n] = 0;
  drop_in(p, n + 2);
  return true;
}

static bool receive_chunks(peer *p)
{
  char line[1024];
  size_t n;
  for (;;) {
    if (!receive_line(p, line, sizeof line) || sscanf(line, "%zx", &n) != 1) return false;
    if (!n) break;
    if (!receive_bytes(p, n) || !receive_line(p, line, sizeof line) || *line) return false;
  }
  while (receive_line(p, line, sizeof line)) {
    if (!*line) return true;
    pthread_mutex_lock(&p->s->lock);
    size_t len = strlen(p->trailers);
    snprintf(p->trailers + len, REQUEST_MAX - len, "%s\n", line);
    pthread_mutex_unlock(&p->s->lock);
  }
  return false;
}

static bool receive_body(peer *p, const char *request)
{
  const char *length = strcasestr(request, "\r\nContent-Length: ");
  if (strcasestr(request, "\r\nTransfer-Encoding: chunked\r\n")) return receive_chunks(p);
  return !length || receive_bytes(p, (size_t)strtoull(length + 18, NULL, 10));
}

/* What is said before the body comes. False: no more of this request. */
static bool answer_early(peer *p, const char *path)
{
  long ms;
  unsigned code;
  if (sscanf(path, "/expect/%ld", &ms) == 1) {
    nanosleep(&(struct timespec){ .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 }, NULL);
    return send_text(p->fd, "HTTP/1.1 100 Continue\r\n\r\n");
  }
  if (sscanf(path, "/refuse/%u", &code) == 1) return send_status(p->fd, code, false) && false;
  if (sscanf(path, "/first/%u", &code) == 1) return send_status(p->fd, code, false);
  return true;
}

static bool serve_one(peer *p)
{
  server *s = p->s;
  char request[REQUEST_MAX + 1], path[1024] = "";
  char *end = receive_to(p, "\r\n\r\n");
  if (!end) return false;
  size_t n = (size_t)(end - p->in) + 4;
  memcpy(request, p->in, n);
  request[n] = 0;
  drop_in(p, n);
  pthread_mutex_lock(&s->lock);
  snprintf(p->request, sizeof p->request, "%s", request);
  p->trailers[0] = 0;
  p->body_len = 0;
  if (!s->latest || p->number > s->latest->number) s->latest = p;
  s->requests++;
  pthread_mutex_unlock(&s->lock);
  sscanf(request, "%*s %1023s", path);
  if (!answer_early(p, path) || !receive_body(p, request)) return false;
  return !strncmp(path, "/first/", 7) || answer(p, path, !strncmp(request, "HEAD ", 5));
}

static void *serve(void *arg)
{
  peer *p = arg;
  while (serve_one(p)) {}
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
      *p = (peer){ .s = s, .fd = fd, .number = s->count };
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
    free(s->peers[i]->body);
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
  snprintf(buf, size, "%s", s->latest ? s->latest->request : "");
  pthread_mutex_unlock(&s->lock);
}

size_t server_body(server *s, char *buf, size_t size)
{
  pthread_mutex_lock(&s->lock);
  size_t n = s->latest ? s->latest->body_len : 0;
  if (n) memcpy(buf, s->latest->body, n < size ? n : size);
  pthread_mutex_unlock(&s->lock);
  return n;
}

void server_trailers(server *s, char *buf, size_t size)
{
  pthread_mutex_lock(&s->lock);
  snprintf(buf, size, "%s", s->latest ? s->latest->trailers : "");
  pthread_mutex_unlock(&s->lock);
}

unsigned server_requests(server *s)
{
  pthread_mutex_lock(&s->lock);
  unsigned n = s->requests;
  pthread_mutex_unlock(&s->lock);
  return n;
}
