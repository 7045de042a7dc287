/* sim_splits.c: every split point of every canned response, on the simulator's host in each of its manners (bytes by
 * recv or by sl_move, with and without read-ahead). A response in two pieces, cut at every byte, or byte by byte, or with
 * a sink that refuses at every byte, is the response in one piece: the same code, the same body. One that is cut off by a
 * close or a reset at any byte delivers what came and ends with what that place means. The simulator's invariants are
 * looked at after every step besides. */
#include <stdio.h>
#include <string.h>
#include "check.h"
#include "world.h"

typedef struct {
  const char *name;
  const char *wire;  /* as world_wire has it              */
  CURLcode code;     /* in one piece                      */
  bool head_only;    /* the request is a HEAD             */
  bool until_close;  /* the server closes behind it       */
  uint32_t extra;    /* bytes behind the end of a whole response: not part of it */
} canned;

#define OK200 "HTTP/1.1 200 OK\r\n"
#define CHUNKED OK200 "Transfer-Encoding: chunked\r\n\r\n\2"

static const canned responses[] = {
  { .name = "a length", .wire = OK200 "Content-Length: 11\r\n\r\n\1hello world" },
  { .name = "no length but an empty body", .wire = OK200 "Content-Length: 0\r\n\r\n" },
  { .name = "many fields", .wire = OK200 "Server: s\r\nX-Empty:\r\nContent-Type: text/plain; charset=utf-8\r\n"
                                   "Content-Length: 2, 2\r\nX:\tt \r\n\r\n\1ok" },
  { .name = "until the close", .wire = OK200 "\r\n\1all of it\r\n\r\n", .until_close = true },
  { .name = "nothing until the close", .wire = OK200 "Connection: close\r\n\r\n", .until_close = true },
  { .name = "HTTP/1.0", .wire = "HTTP/1.0 200 OK\r\nContent-Length: 4\r\n\r\n\1data" },
  { .name = "HTTP/1.0 until the close", .wire = "HTTP/1.0 200 OK\r\n\r\n\1data", .until_close = true },
  { .name = "no reason", .wire = "HTTP/1.1 200 \r\nContent-Length: 1\r\n\r\n\1x" },
  { .name = "a bare status line", .wire = "HTTP/1.1 200\r\nContent-Length: 1\r\n\r\n\1x" },
  { .name = "a bare status line, no fields", .wire = "HTTP/1.1 204\r\n\r\n" },
  { .name = "bare line feeds", .wire = "HTTP/1.1 200 OK\nContent-Length: 3\n\n\1yes" },
  { .name = "204", .wire = "HTTP/1.1 204 No Content\r\nX: y\r\n\r\n" },
  { .name = "304 with a length", .wire = "HTTP/1.1 304 Not Modified\r\nContent-Length: 400\r\n\r\n" },
  { .name = "HEAD", .wire = OK200 "Content-Length: 400\r\n\r\n", .head_only = true },
  { .name = "HEAD, chunked", .wire = OK200 "Transfer-Encoding: chunked\r\n\r\n", .head_only = true },
  { .name = "an error's body", .wire = "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\n\1gone" },
  { .name = "a redirect not followed", .wire = "HTTP/1.1 302 Found\r\nLocation: /2\r\nContent-Length: 4\r\n\r\n\1over" },
  { .name = "interim responses", .wire = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" OK200
                                         "Content-Length: 5\r\n\r\n\1final" },
  { .name = "chunks", .wire = CHUNKED "5\r\n\1hello\2\r\n1\r\n\1,\2\r\n6\r\n\1 world\2\r\n0\r\n\r\n" },
  { .name = "no chunks", .wire = CHUNKED "0\r\n\r\n" },
  { .name = "chunks with zeros, capitals, extensions",
    .wire = CHUNKED "00A;a=b;c=\"d e\"\r\n\1abc\r\ndef\r\n\2\r\n0000b \t;x\r\n\1hello world\2\r\n000\r\n\r\n" },
  { .name = "chunks of line ends", .wire = CHUNKED "4\r\n\1\r\n\r\n\2\r\n2\r\n\1\r\n\2\r\n0\r\n\r\n" },
  { .name = "trailers", .wire = CHUNKED "3\r\n\1abc\2\r\n0\r\n\3X-Sum: 1\r\nX-Other: 2\r\n\2\r\n" },
  { .name = "trailers only", .wire = CHUNKED "0\r\n\3X-Sum: 1\r\n\2\r\n" },
  { .name = "chunks and a length", .wire = OK200 "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n\2"
                                           "3\r\n\1abc\2\r\n0\r\n\r\n" },
  { .name = "more than its length", .wire = OK200 "Content-Length: 3\r\n\r\n\1abc\2extra", .extra = 5 },
  { .name = "a body behind a 204", .wire = "HTTP/1.1 204 No\r\nContent-Length: 4\r\n\r\n\2body", .extra = 4 },
  { .name = "not HTTP", .wire = "\2SSH-2.0-server\r\n\r\n", .code = CURLE_UNSUPPORTED_PROTOCOL },
  { .name = "no status", .wire = "\2HTTP/1.1 OK\r\n\r\n", .code = CURLE_WEIRD_SERVER_REPLY },
  { .name = "two digits", .wire = "\2HTTP/1.1 20 OK\r\n\r\n", .code = CURLE_WEIRD_SERVER_REPLY },
  { .name = "a letter for a digit", .wire = "\2HTTP/1.1 2x0\r\n\r\n", .code = CURLE_WEIRD_SERVER_REPLY },
  { .name = "101", .wire = "\2HTTP/1.1 101 Switching\r\n\r\n", .code = CURLE_WEIRD_SERVER_REPLY },
  { .name = "a folded line", .wire = "\2" OK200 "A: b\r\n c\r\n\r\n", .code = CURLE_WEIRD_SERVER_REPLY },
  { .name = "a space in a name", .wire = "\2" OK200 "A b: c\r\n\r\n", .code = CURLE_WEIRD_SERVER_REPLY },
  { .name = "a line without colon", .wire = "\2" OK200 "nothing\r\n\r\n", .code = CURLE_WEIRD_SERVER_REPLY },
  { .name = "two lengths", .wire = "\2" OK200 "Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    .code = CURLE_WEIRD_SERVER_REPLY },
  { .name = "no number", .wire = "\2" OK200 "Content-Length: 1a\r\n\r\nab", .code = CURLE_WEIRD_SERVER_REPLY },
  { .name = "another coding", .wire = "\2" OK200 "Transfer-Encoding: gzip, chunked\r\n\r\nab",
    .code = CURLE_BAD_CONTENT_ENCODING },
  { .name = "a chunk without size", .wire = CHUNKED "3\r\n\1abc\2\r\n\r\n\r\n", .code = CURLE_RECV_ERROR },
  { .name = "a chunk size with a letter", .wire = CHUNKED "2\r\n\1ab\2\r\nz\r\n\r\n", .code = CURLE_RECV_ERROR },
  { .name = "a chunk size too large", .wire = CHUNKED "fffffffffffffffff\r\n\r\n", .code = CURLE_RECV_ERROR },
  { .name = "a chunk longer than its size", .wire = CHUNKED "3\r\n\1abc\2de\r\n0\r\n\r\n", .code = CURLE_RECV_ERROR },
  { .name = "bad trailers", .wire = CHUNKED "1\r\n\1a\2\r\n0\r\nno colon\r\n\r\n", .code = CURLE_RECV_ERROR },
};

enum way { CUT, BYTES, REFUSE, CLOSE, RESET };
static const char *const ways[] = { "cut at", "byte by byte", "refused at", "closed at", "reset at" };

static unsigned runs;
static size_t wire_len, body_len; /* of the latest run's response */

/* The body bytes before index k of the wire. */
static uint32_t body_before(const char *wire, uint32_t k)
{
  char mode = 0;
  uint32_t at = 0, n = 0;
  for (; *wire && at < k; wire++) {
    if (*wire <= '\3') {
      mode = *wire;
      continue;
    }
    at++;
    n += mode == '\1';
  }
  return n;
}

/* What a response that is cut off at k ends with. */
static CURLcode cut_off(const canned *r, uint32_t k, bool reset)
{
  uint32_t final = 0, marks = 0, at = 0;
  if (!k) return CURLE_GOT_NOTHING;
  for (const char *p = r->wire; *p; p++) { /* where the last head before the body ends */
    if (*p <= '\3') {
      marks++;
      continue;
    }
    at++;
    if (marks > (r->wire[0] == '\2')) break;
    if (at >= 2 && p[0] == '\n' && (p[-1] == '\n' || (at >= 4 && !memcmp(p - 3, "\r\n\r\n", 4)))) final = at;
  }
  if (k < final) return CURLE_RECV_ERROR;
  if (k >= wire_len - r->extra && !r->until_close) return r->code;
  if (reset) return CURLE_RECV_ERROR;
  return r->until_close ? CURLE_OK : CURLE_PARTIAL_FILE;
}

static void script(sim_transfer *x, const canned *r, enum way way, uint32_t k)
{
  sim_response *to = &x->response;
  world_wire(to, r->wire);
  wire_len = to->wire.len;
  body_len = to->body_len;
  x->head_only = r->head_only;
  to->close = to->until_close = r->until_close;
  to->whole = !r->code;
  to->glue = way == CUT || way == BYTES || way == REFUSE ? 0 : r->extra;
  switch (way) {
  case CUT: to->cut = k; break;
  case BYTES: to->seg_max = 1; break;
  case REFUSE:
    to->seg_max = 1;
    x->refuse_at = k;
    x->resume_us = 1000;
    break;
  case CLOSE: case RESET:
    to->fault = way == CLOSE ? SIM_FAULT_END : SIM_FAULT_RESET;
    to->fault_at = k;
    to->whole = to->whole && k >= wire_len - r->extra;
    break;
  }
  to->delay_us = way == CLOSE || way == RESET ? 0 : 100;
}

static void play(const canned *r, enum way way, uint32_t k, unsigned manner)
{
  sim *s = sim_new(1, 0);
  sim_transfer *x = sim_transfer_new(s);
  bool off = way == CLOSE || way == RESET;
  script(x, r, way, k);
  s->moves = x->user.moves = manner & 1;
  s->reads_ahead = manner & 2;
  CURLcode code = off && !r->code ? cut_off(r, k, way == RESET) : r->code;
  uint32_t body = off ? body_before(r->wire, k) : (uint32_t)body_len;
  if (code) sim_allow(x, code);
  if (off && r->code) { /* cut off before the fault was seen, or behind it */
    sim_allow(x, CURLE_GOT_NOTHING);
    sim_allow(x, CURLE_RECV_ERROR);
    sim_allow(x, CURLE_PARTIAL_FILE);
  }
  if (off && !code) { /* all that came is all there is */
    x->response.whole = true;
    x->response.body_len = body;
  }
  sim_transfer_ready(x);
  sim_at(s, 0, SIM_ADD, 1, 0);
  bool ok = CHECK(W10, sim_play(s));
  if (!ok) fprintf(stderr, "    %s\n", s->message);
  if (!(off && r->code)) ok &= CHECK_EQ(W10, x->code, code);
  ok &= CHECK_EQ(W2, x->delivered, body);
  if (!ok) fprintf(stderr, "    \"%s\", %s %u, manner %u: %s\n", r->name, ways[way], (unsigned)k, manner, x->t.error);
  sim_free(s);
  runs++;
}

static void test_response(const canned *r, unsigned manner)
{
  play(r, CUT, 0, manner);
  play(r, BYTES, 0, manner);
  for (uint32_t k = 1; k < wire_len; k++) play(r, CUT, k, manner);
  for (uint32_t k = 0; k <= body_len && !r->code; k++) play(r, REFUSE, k, manner);
  for (uint32_t k = 0; k <= wire_len; k++) {
    play(r, CLOSE, k, manner);
    play(r, RESET, k, manner);
  }
}

int main(void)
{
  for (size_t i = 0; i < sizeof responses / sizeof *responses; i++)
    for (unsigned manner = 0; manner < 4; manner++) test_response(&responses[i], manner);
  printf("%u responses, %u runs\n", (unsigned)(sizeof responses / sizeof *responses), runs);
  return check_result();
}
