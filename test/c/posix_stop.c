/* posix_stop.c: stopping over real sockets, against support/server.h: every callback's error answers, removal and
 * cleanup in every state, and what progress is told. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "support/check.h"
#include "support/client.h"

#define SECONDS 20 /* a test that hangs should fail */

/* ---- Answers of callbacks -------------------------------------------------------------------------------- */

enum who { WRITE, HEADER, READ, SEEK, XFERINFO, PROGRESS, PREREQ, TRAILER, DEBUG };

/* One callback answers so at its at-th call; whatever comes behind that is counted. */
typedef struct {
  enum who who;
  size_t answer, at, calls, after;
  bool plus;           /* answer: n + 1            */
  bool minus;          /* answer: n - 1            */
  size_t read;
} script;

static bool its_turn(script *s, enum who who)
{
  if (s->calls >= s->at) s->after += who != DEBUG; /* any callback, after the failure */
  return s->who == who && ++s->calls == s->at;
}

static size_t s_write(char *data, size_t size, size_t n, void *to)
{
  script *s = to;
  (void)data;
  if (!its_turn(s, WRITE)) return size * n;
  return s->plus ? n + 1 : s->minus ? n - 1 : s->answer;
}

static size_t s_header(char *data, size_t size, size_t n, void *to)
{
  script *s = to;
  (void)data;
  if (!its_turn(s, HEADER)) return size * n;
  return s->plus ? n + 1 : s->minus ? n - 1 : s->answer;
}

static size_t s_read(char *buf, size_t size, size_t n, void *to)
{
  script *s = to;
  n *= size;
  if (its_turn(s, READ)) return s->plus ? n + 1 : s->answer;
  if (n > 5000 - s->read) n = 5000 - s->read;
  memset(buf, 'x', n);
  s->read += n;
  return n;
}

static int s_seek(void *to, curl_off_t offset, int origin)
{
  (void)offset, (void)origin;
  ((script *)to)->read = 0;
  return its_turn(to, SEEK) ? (int)((script *)to)->answer : CURL_SEEKFUNC_OK;
}

static int s_xferinfo(void *to, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
  (void)a, (void)b, (void)c, (void)d;
  return its_turn(to, XFERINFO) ? (int)((script *)to)->answer : 0;
}

static int s_progress(void *to, double a, double b, double c, double d)
{
  (void)a, (void)b, (void)c, (void)d;
  return its_turn(to, PROGRESS) ? (int)((script *)to)->answer : 0;
}

static int s_prereq(void *to, char *peer, char *local, int peer_port, int local_port)
{
  (void)peer, (void)local, (void)peer_port, (void)local_port;
  return its_turn(to, PREREQ) ? (int)((script *)to)->answer : CURL_PREREQFUNC_OK;
}

static int s_trailer(struct curl_slist **list, void *to)
{
  (void)list;
  return its_turn(to, TRAILER) ? (int)((script *)to)->answer : CURL_TRAILERFUNC_OK;
}

static int s_debug(CURL *easy, curl_infotype type, char *data, size_t n, void *to)
{
  (void)easy, (void)type, (void)data, (void)n;
  return its_turn(to, DEBUG) ? (int)((script *)to)->answer : 0;
}

static CURL *begin_script(script *s, const char *path, bool up)
{
  CURL *easy = curl_easy_init();
  set_path(easy, path);
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, words);
  curl_easy_setopt(easy, CURLOPT_TIMEOUT, (long)SECONDS);
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt(easy, CURLOPT_EXPECT_100_TIMEOUT_MS, 10L);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, s_write);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, s);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, s_header);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, s);
  curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, s_seek);
  curl_easy_setopt(easy, CURLOPT_SEEKDATA, s);
  curl_easy_setopt(easy, CURLOPT_NOPROGRESS, s->who == XFERINFO || s->who == PROGRESS ? 0L : 1L);
  if (s->who == XFERINFO) curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, s_xferinfo);
  curl_easy_setopt(easy, CURLOPT_PROGRESSFUNCTION, s_progress);
  curl_easy_setopt(easy, CURLOPT_XFERINFODATA, s);
  curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, s_prereq);
  curl_easy_setopt(easy, CURLOPT_PREREQDATA, s);
  curl_easy_setopt(easy, CURLOPT_DEBUGFUNCTION, s_debug);
  curl_easy_setopt(easy, CURLOPT_DEBUGDATA, s);
  curl_easy_setopt(easy, CURLOPT_VERBOSE, s->who == DEBUG ? 1L : 0L);
  if (!up) return easy;
  curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
  curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)(s->who == TRAILER ? -1 : 5000));
  curl_easy_setopt(easy, CURLOPT_READFUNCTION, s_read);
  curl_easy_setopt(easy, CURLOPT_READDATA, s);
  curl_easy_setopt(easy, CURLOPT_TRAILERFUNCTION, s_trailer);
  curl_easy_setopt(easy, CURLOPT_TRAILERDATA, s);
  return easy;
}

static void test_answers(void)
{
#define SHORT_WRITE "Failure writing output to destination, passed "
  static const struct { script s; const char *path; CURLcode code; const char *says; } cases[] = {
    { { WRITE, .at = 1 }, "/length/900", CURLE_WRITE_ERROR, SHORT_WRITE "900 returned 0" },
    { { WRITE, .at = 1, .minus = true }, "/length/900", CURLE_WRITE_ERROR, SHORT_WRITE "900 returned 899" },
    { { WRITE, .at = 1, .plus = true }, "/length/900", CURLE_WRITE_ERROR, SHORT_WRITE "900 returned 901" },
    { { WRITE, .at = 3, .plus = true }, "/length/900000", CURLE_WRITE_ERROR, SHORT_WRITE },
    { { WRITE, .at = 1, .answer = CURL_WRITEFUNC_ERROR }, "/length/900", CURLE_WRITE_ERROR,
      "client returned ERROR on write of 900 bytes" },
    { { WRITE, .at = 1, .answer = (size_t)-1 }, "/chunked/900", CURLE_WRITE_ERROR, SHORT_WRITE },
    { { WRITE, .at = 1, .answer = 1 }, "/length/0", CURLE_WRITE_ERROR, SHORT_WRITE "0 returned 1" },
    { { HEADER, .at = 1 }, "/length/900", CURLE_WRITE_ERROR, SHORT_WRITE },
    { { HEADER, .at = 2, .minus = true }, "/length/900", CURLE_WRITE_ERROR, SHORT_WRITE },
    { { HEADER, .at = 1, .plus = true }, "/length/900", CURLE_WRITE_ERROR, SHORT_WRITE },
    { { HEADER, .at = 2, .answer = CURL_WRITEFUNC_ERROR }, "/length/900", CURLE_WRITE_ERROR, "client returned ERROR on write of " },
    { { READ, .at = 1 }, "/echo", CURLE_READ_ERROR, "client read function EOF fail, only 0/5000 of needed bytes read" },
    { { READ, .at = 1, .plus = true }, "/echo", CURLE_READ_ERROR, "read function returned funny value" },
    { { READ, .at = 1, .answer = (size_t)-1 }, "/echo", CURLE_READ_ERROR, "read function returned funny value" },
    { { READ, .at = 1, .answer = CURL_READFUNC_ABORT }, "/echo", CURLE_ABORTED_BY_CALLBACK, "operation aborted by callback" },
    { { SEEK, .at = 1, .answer = CURL_SEEKFUNC_FAIL }, "/to/307//echo", CURLE_SEND_FAIL_REWIND, "seek callback returned error " },
    { { SEEK, .at = 1, .answer = CURL_SEEKFUNC_CANTSEEK }, "/to/307//echo", CURLE_SEND_FAIL_REWIND, "seek callback returned error " },
    { { XFERINFO, .at = 1, .answer = 1 }, "/length/900", CURLE_ABORTED_BY_CALLBACK, "Callback aborted" },
    { { XFERINFO, .at = 2, .answer = (size_t)-1 }, "/length/900000", CURLE_ABORTED_BY_CALLBACK, "Callback aborted" },
    { { PROGRESS, .at = 1, .answer = 77 }, "/length/900", CURLE_ABORTED_BY_CALLBACK, "Callback aborted" },
    { { XFERINFO, .at = 1, .answer = CURL_PROGRESSFUNC_CONTINUE }, "/length/900", CURLE_OK, "" },
    { { PREREQ, .at = 1, .answer = CURL_PREREQFUNC_ABORT }, "/length/900", CURLE_ABORTED_BY_CALLBACK,
      "operation aborted by pre-request callback" },
    { { PREREQ, .at = 1, .answer = 77 }, "/length/900", CURLE_ABORTED_BY_CALLBACK, "operation aborted by pre-request callback" },
    { { TRAILER, .at = 1, .answer = CURL_TRAILERFUNC_ABORT }, "/echo", CURLE_ABORTED_BY_CALLBACK, "" },
    { { DEBUG, .at = 1, .answer = 1 }, "/length/900", CURLE_OK, "" } };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    script s = cases[i].s;
    bool up = s.who == READ || s.who == SEEK || s.who == TRAILER;
    CURL *easy = begin_script(&s, cases[i].path, up);
    CURLcode code = curl_easy_perform(easy);
    if (!CHECK(W13, code == cases[i].code && !strncmp(words, cases[i].says, strlen(cases[i].says))))
      fprintf(stderr, "    case %zu: %d \"%s\"\n", i, (int)code, words);
    CHECK(F16, !code || !s.after); /* nobody is called again, not even for progress (G6) */
    /* X9: its connection is not used again, unless its answer was over (a redirect that cannot be followed). */
    s = (script){ .who = DEBUG };
    s.at = (size_t)-1;
    if (!CHECK_EQ(X9, curl_easy_perform(easy), CURLE_OK)) fprintf(stderr, "    case %zu: \"%s\"\n", i, words);
    CHECK_EQ(X9, info(easy, CURLINFO_NUM_CONNECTS), code && cases[i].s.who != SEEK ? 1 : 0);
    curl_easy_cleanup(easy);
  }
}

/* Once all bytes are there, it is refused at the n-th call: as long as there is one, that is an abort like any other. */
typedef struct { size_t calls, refused_at; curl_off_t last; bool lost, all; } final;

static int on_final(void *to, curl_off_t total, curl_off_t at, curl_off_t up_total, curl_off_t up)
{
  final *f = to;
  (void)up_total, (void)up;
  f->lost |= f->refused_at && f->calls >= f->refused_at;
  f->last = at;
  return (f->all || (total && at == total)) && ++f->calls == f->refused_at;
}

static void test_last_progress(void)
{
  for (int connect_only = 0; connect_only < 2; connect_only++)
    for (size_t n = 1; n < 20; n++) {
      record r;
      final f = { .refused_at = n, .all = connect_only };
      CURL *easy = begin(&r, "/length/10");
      curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
      curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, on_final);
      curl_easy_setopt(easy, CURLOPT_XFERINFODATA, &f);
      curl_easy_setopt(easy, CURLOPT_CONNECT_ONLY, (long)connect_only);
      CURLcode code = curl_easy_perform(easy);
      bool more = f.calls >= n;
      CHECK(G2, connect_only || f.last == 10); /* the last call has the last figures */
      CHECK_EQ(G1, code, more ? CURLE_ABORTED_BY_CALLBACK : CURLE_OK);
      CHECK(G6, !f.lost);
      if (more) CHECK(G1, !strcmp(words, "Callback aborted"));
      f = (final){ .refused_at = 0 };
      if (!connect_only) CHECK_EQ(G1, curl_easy_perform(easy), CURLE_OK);
      if (!connect_only) CHECK_EQ(G1, info(easy, CURLINFO_NUM_CONNECTS), more ? 1 : 0);
      end(&r);
      if (!more) {
        CHECK(G2, n > 1);
        break;
      }
    }
}

/* G5: dlnow counts what was read, taken or not. */
typedef struct { record *r; curl_off_t untaken; } counted;

static int on_count(void *to, curl_off_t total, curl_off_t at, curl_off_t up_total, curl_off_t up)
{
  counted *c = to;
  (void)total, (void)up_total, (void)up;
  if (!c->r->len && at > c->untaken) c->untaken = at;
  if (info(c->r->easy, SLUICEINFO_PAUSED)) CHECK_EQ(G4, curl_easy_pause(c->r->easy, CURLPAUSE_CONT), CURLE_OK);
  return 0;
}

static void test_count(void)
{
  record r;
  CURL *easy = begin(&r, "/length/900");
  counted c = { .r = &r };
  r.refuse = 1;
  curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, on_count);
  curl_easy_setopt(easy, CURLOPT_XFERINFODATA, &c);
  CHECK_EQ(G5, curl_easy_perform(easy), CURLE_OK);
  CHECK_EQ(G5, c.untaken, 900);
  CHECK(G5, body_is(&r, 900));
  end(&r);
}

/* ---- Removal in every state ------------------------------------------------------------------------------ */

static int running_now(CURLM *multi)
{
  int running = -1;
  CHECK_EQ(X1, curl_multi_perform(multi, &running), CURLM_OK);
  return running;
}

static bool drive(CURLM *multi, int wanted)
{
  for (double until = now() + SECONDS; running_now(multi) > wanted;) {
    if (now() > until) return false;
    curl_multi_poll(multi, NULL, 0, 1000, NULL);
  }
  return true;
}

static size_t give_nothing(char *buf, size_t size, size_t n, void *from)
{
  (void)buf, (void)size, (void)n, (void)from;
  return CURL_READFUNC_PAUSE;
}

enum place {
  ADDED, PENDING, RESOLVING, CONNECTING, CONNECTING_PAUSED, UNASKED, ANSWER_DUE, BODY, RATE, HELD, ALL_HELD, PAUSED,
  UPLOAD_PAUSED, EXPECTING, TOLD, READ_OUT, FAILED, PLACES
};

static bool reached(enum place place, CURLM *multi, record *r, unsigned requests)
{
  switch (place) {
  case ADDED: return true;
  case ANSWER_DUE: case EXPECTING: case UPLOAD_PAUSED: return server_requests(http) > requests;
  case BODY: case RATE: case HELD: case ALL_HELD: case PAUSED: return r->calls > 0;
  case TOLD: case READ_OUT: case FAILED: return running_now(multi) == 1;
  default: running_now(multi); return true;
  }
}

/* A transfer in this place of its life. */
static CURL *bring(enum place place, CURLM *multi, record *r)
{
  static const char *const paths[PLACES] = {
    [ANSWER_DUE] = "/hang", [BODY] = "/dribble/1000/5", [RATE] = "/length/1000000", [HELD] = "/length/1000000",
    [PAUSED] = "/dribble/1000/5", [EXPECTING] = "/expect/700", [UPLOAD_PAUSED] = "/echo", [FAILED] = "/gone" };
  CURL *easy = begin(r, paths[place] ? paths[place] : "/length/900");
  char url[64];
  unsigned requests = server_requests(http);
  snprintf(url, sizeof url, "http://localhost:%d/length/9", server_port(http));
  if (place == RESOLVING) curl_easy_setopt(easy, CURLOPT_URL, url);
  if (place == RATE) curl_easy_setopt(easy, CURLOPT_MAX_RECV_SPEED_LARGE, (curl_off_t)1000);
  if (place == PENDING) curl_multi_setopt(multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, 1L);
  curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
  r->refuse = place == HELD || place == ALL_HELD;
  if (place == UPLOAD_PAUSED || place == EXPECTING) {
    curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(easy, CURLOPT_READFUNCTION, give_nothing);
    curl_easy_setopt(easy, CURLOPT_INFILESIZE, 100L);
    struct curl_slist *list = curl_slist_append(NULL, "Expect: 100-continue");
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, place == EXPECTING ? list : NULL);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, list);
  }
  CHECK_EQ(X1, curl_multi_add_handle(multi, easy), CURLM_OK);
  for (double until = now() + SECONDS; !reached(place, multi, r, requests) && now() < until;) {
    running_now(multi);
    curl_multi_poll(multi, NULL, 0, 10, NULL);
  }
  if (place == CONNECTING_PAUSED || place == PAUSED) CHECK_EQ(P10, curl_easy_pause(easy, CURLPAUSE_ALL), CURLE_OK);
  if (place == UNASKED) {
    CHECK_EQ(P11, curl_easy_pause(easy, CURLPAUSE_SEND), CURLE_OK);
    for (int i = 0; i < 5; i++) running_now(multi), usleep(2000);
    CHECK_EQ(P11, server_requests(http), requests);
  }
  int left;
  if (place == READ_OUT) CHECK(X10, curl_multi_info_read(multi, &left) != NULL);
  return easy;
}

static void test_removal(void)
{
  for (enum place place = ADDED; place < PLACES; place++)
    for (int how = 0; how < 4; how++) { /* remove; remove twice and run again; easy cleanup; multi cleanup */
      CURLM *multi = curl_multi_init();
      record r, neighbour;
      struct curl_slist *list = NULL;
      int left = -1;
      CURL *other = begin(&neighbour, "/dribble/1000/20"); /* it must notice nothing */
      CHECK_EQ(X1, curl_multi_add_handle(multi, other), CURLM_OK);
      while (!neighbour.calls) running_now(multi), curl_multi_poll(multi, NULL, 0, 10, NULL);
      CURL *easy = bring(place, multi, &r);
      bool ended = place == TOLD || place == READ_OUT || place == FAILED;
      bool runs_on = place == ADDED || place == RESOLVING || place == CONNECTING; /* it would end meanwhile */
      if (how < 3 && !runs_on) CHECK_EQ(X3, running_now(multi), ended ? 1 : 2);
      curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&list);
      size_t calls = r.calls;
      if (how < 2) CHECK_EQ(X1, curl_multi_remove_handle(multi, easy), CURLM_OK);
      if (how == 1) CHECK_EQ(X1, curl_multi_remove_handle(multi, easy), CURLM_OK);
      if (how == 2) curl_easy_cleanup(easy);
      if (how == 3) CHECK_EQ(X4, curl_multi_cleanup(multi), CURLM_OK);
      if (how < 3) {
        CHECK(X3, !curl_multi_info_read(multi, &left) && left == 0);
        CHECK_EQ(X3, running_now(multi), 1);
        CHECK(X1, r.calls == calls && server_requests(http));
      }
      if (how & 1) { /* P13: it simply runs, here or alone */
        curl_easy_setopt(easy, CURLOPT_UPLOAD, 0L);
        curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
        curl_easy_setopt(easy, CURLOPT_HTTPHEADER, NULL);
        curl_easy_setopt(easy, CURLOPT_MAX_RECV_SPEED_LARGE, (curl_off_t)0);
        set_path(easy, "/length/700");
        r.len = 0;
        r.refuse = 0;
        if (how == 1) curl_multi_setopt(multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, 0L);
        if (how == 1) CHECK(P13, !curl_multi_add_handle(multi, easy) && drive(multi, 1));
        else CHECK_EQ(P13, curl_easy_perform(easy), CURLE_OK);
        CHECK(F1, body_is(&r, 700));
      }
      if (how < 3) {
        size_t before = neighbour.calls;
        for (double until = now() + SECONDS; neighbour.calls == before && now() < until;)
          running_now(multi), curl_multi_poll(multi, NULL, 0, 100, NULL);
        CHECK(P15, neighbour.calls > before);
        CHECK_EQ(X4, curl_multi_cleanup(multi), CURLM_OK);
      }
      curl_slist_free_all(list);
      if (how == 2) free(r.body);
      else end(&r);
      end(&neighbour);
    }
}

/* X2: what ended keeps its connection; what did not, loses it, all its bytes being there or not. */
static void test_connections(void)
{
  static const struct { enum place place; long fresh; } cases[] = {
    { TOLD, 0 }, { READ_OUT, 0 }, { BODY, 1 }, { HELD, 1 }, { ALL_HELD, 1 }, { PAUSED, 1 }, { ANSWER_DUE, 1 } };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    CURLM *multi = curl_multi_init();
    record r, hung, next;
    curl_multi_add_handle(multi, begin(&hung, "/hang")); /* running_now counts it */
    CURL *easy = bring(cases[i].place, multi, &r);
    if (cases[i].place == ALL_HELD) /* let the end of it come */
      for (int k = 0; k < 20; k++) running_now(multi), usleep(1000);
    CHECK_EQ(X2, curl_multi_remove_handle(multi, easy), CURLM_OK);
    curl_multi_add_handle(multi, begin(&next, "/length/10"));
    CHECK(X2, drive(multi, 1) && body_is(&next, 10));
    CHECK_EQ(X2, info(next.easy, CURLINFO_NUM_CONNECTS), cases[i].fresh);
    end(&r);
    end(&hung);
    end(&next);
    curl_multi_cleanup(multi);
  }
}

/* S2: while the rate lets nothing in, progress goes on, and nothing spins. */
static void test_rate_wait(void)
{
  record r;
  CURLM *multi = curl_multi_init();
  CURL *easy = begin(&r, "/length/100000");
  int turns = 0;
  curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(easy, CURLOPT_MAX_RECV_SPEED_LARGE, (curl_off_t)1000);
  curl_multi_add_handle(multi, easy);
  for (double until = now() + SECONDS; !r.calls && now() < until;) running_now(multi), curl_multi_poll(multi, NULL, 0, 100, NULL);
  long ms = -1;
  CHECK(F3, !curl_multi_timeout(multi, &ms) && ms > 0 && ms <= 1100); /* the next step, not now */
  size_t calls = r.calls;
  for (double until = now() + 0.5; now() < until; turns++) {
    size_t progress = r.progress_calls;
    running_now(multi);
    CHECK(S2, r.progress_calls > progress);
    curl_multi_poll(multi, NULL, 0, 100, NULL);
  }
  CHECK(F3, turns <= 12 && r.calls <= calls + 2);
  r.progress_answer = 1;
  CHECK(S2, running_now(multi) == 0);
  end(&r);
  curl_multi_cleanup(multi);
}

int main(void)
{
  if (!(http = server_start())) return 1;
  test_answers();
  test_last_progress();
  test_count();
  test_removal();
  test_connections();
  test_rate_wait();
  server_stop(http);
  return check_result();
}
