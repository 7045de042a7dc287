/* sim_inject.c: failure injection. Each scenario of the list below is played once in peace, then once for each allocation
 * that fails, and once for each call of the door and each code that call may answer (host.h). Whatever failed: the
 * transfers end once, with 0 or the code that stands for the failure, bytes delivered are the right ones, nothing is left
 * open or unfreed, nothing turns without end, and the next transfer of the same engine works. */
#include <stdio.h>
#include <string.h>
#include "alloc_fail.h"
#include "check.h"
#include "door_fail.h"
#include "scenarios.h"
#include "world.h"

int __lsan_do_recoverable_leak_check(void) __attribute__((weak));

/* What is injected: nothing when n is 0; an allocation when call is DOOR_CALLS. */
typedef struct {
  unsigned n;
  enum door_call call;
  int32_t code;
} fault;

/* ---- What must hold ------------------------------------------------------------------------------------ */

static const char *playing; /* for messages */
static fault injected;
static CURLcode peace; /* its code without a failure */
static bool embed; /* which face */
static unsigned runs;

static void where(void)
{
  fprintf(stderr, "    in %s, %s: %s %u answers %d\n", playing, embed ? "embed" : "C",
          injected.call == DOOR_CALLS ? "allocation" : door_names[injected.call], injected.n, (int)injected.code);
}

/* The CURLcodes that may come of a call of the door that answered this. */
static bool stands_for(enum door_call call, int32_t code, CURLcode got)
{
  switch (code) {
  case SL_NOMEM: return got == CURLE_OUT_OF_MEMORY;
  case SL_CANCELED: return got == CURLE_ABORTED_BY_CALLBACK;
  case SL_QUOTA: return got == CURLE_FILESIZE_EXCEEDED;
  case SL_DEADLINE: return got == CURLE_OPERATION_TIMEDOUT;
  case SL_SINK_FAILED: return got == CURLE_READ_ERROR;
  default: break;
  }
  if (call == DOOR_LOOP_NEW) return got == CURLE_OUT_OF_MEMORY;
  if (call == DOOR_WAIT) return got == (code == SL_NOSYS ? CURLE_NOT_BUILT_IN : CURLE_UNRECOVERABLE_POLL);
  switch (code) {
  case SL_NOSYS: return call == DOOR_OPEN && got == CURLE_UNSUPPORTED_PROTOCOL;
  case SL_INVAL: return got == CURLE_URL_MALFORMAT;
  case SL_RESOLVE: return got == CURLE_COULDNT_RESOLVE_HOST;
  case SL_REFUSED: return got == CURLE_COULDNT_CONNECT;
  case SL_DENIED: return got == CURLE_REMOTE_ACCESS_DENIED;
  case SL_TLS_FAILED: return got == CURLE_SSL_CONNECT_ERROR;
  case SL_TLS_VERIFY: return got == CURLE_PEER_FAILED_VERIFICATION;
  case SL_TLS_CERT: return got == CURLE_SSL_CERTPROBLEM;
  case SL_TLS_CA: return got == CURLE_SSL_CACERT_BADFILE;
  case SL_TLS_PIN: return got == CURLE_SSL_PINNEDPUBKEYNOTMATCH;
  default: break;
  }
  if (call == DOOR_OPEN) /* SL_IO, SL_RESET */
    return got == CURLE_COULDNT_CONNECT || got == CURLE_FILE_COULDNT_READ_FILE || got == CURLE_WRITE_ERROR;
  if (call == DOOR_RECV || call == DOOR_MOVE)
    return got == CURLE_RECV_ERROR || got == CURLE_GOT_NOTHING || got == CURLE_SEND_ERROR || got == CURLE_PARTIAL_FILE ||
           got == CURLE_FILE_COULDNT_READ_FILE;
  if (call == DOOR_SEND || call == DOOR_MOVE_OUT) return got == CURLE_SEND_ERROR || got == CURLE_RECV_ERROR || got == CURLE_GOT_NOTHING;
  return false;
}

static bool explained(CURLcode code)
{
  if (code == peace) return true;
  if (injected.call == DOOR_CALLS) return injected.n && code == CURLE_OUT_OF_MEMORY;
  return stands_for(injected.call, injected.code, code);
}

static void check_guest(const guest *g)
{
  const sim_response *r = sim_final(g->x);
  bool ok = CHECK(F16, !g->wrong);
  if (g->set) ok &= CHECK_EQ(memory, g->set, CURLE_OUT_OF_MEMORY);
  if (g->refused) ok &= CHECK_EQ(memory, g->refused, CURLM_OUT_OF_MEMORY);
  ok &= CHECK_EQ(X10, g->dones, g->given && !g->removed);
  if (g->dones && !CHECK(stop, explained(g->code) || (g->stopped && g->code == CURLE_ABORTED_BY_CALLBACK))) {
    ok = false;
    fprintf(stderr, "    the code is %d, \"%s\"\n", (int)g->code, g->error);
  }
  if (g->dones && !g->code && r) ok &= CHECK_EQ(W9, g->got, r->body_len);
  if (!ok) where();
}

/* The engine is as good as before. */
static void check_next(world *w)
{
  w->s->origins[0] = (sim_origin){ .name = "a.test", .idle_us = SL_NEVER };
  w->s->channels_max = 0;
  w->turn = NULL;
  for (uint32_t i = 0; i < w->count; i++) /* who never ended is no concern of this one */
    if (w->guests[i].given && !w->guests[i].dones) world_remove(&w->guests[i]);
  guest *g = scenario_get(w, 3000);
  scenario_go(g);
  bool ok = CHECK_EQ(next, g->set, CURLE_OK) & CHECK_EQ(next, g->code, CURLE_OK) & CHECK_EQ(next, g->dones, 1);
  if (!(ok & CHECK_EQ(next, g->got, 3000))) where();
}

/* Play it with this failure; false when the failure did not come. *calls: of the door. */
static bool play(const scenario *sc, fault f, unsigned *calls)
{
  char words[256] = "";
  world *w = world_new();
  w->embed = embed;
  playing = sc->name;
  injected = f;
  runs++;
  door_fail_start(f.call == DOOR_CALLS ? 0 : f.n, f.code);
  alloc_fail_at(f.call == DOOR_CALLS ? f.n : 0);
  sc->play(w);
  bool came = f.call == DOOR_CALLS ? alloc_fail_came() : door_fail_came();
  alloc_fail_at(0);
  *calls = door_fail_stop();
  peace = sc->code;
  for (uint32_t i = 0; i < w->count; i++) check_guest(&w->guests[i]);
  if (!CHECK(bounded, !w->endless)) where();
  check_next(w);
  if (!CHECK(nothing_left, !world_end(w, words, sizeof words))) {
    fprintf(stderr, "    %s\n", words);
    where();
  }
  return came;
}

static void check_leaks(const char *what)
{
  if (__lsan_do_recoverable_leak_check && !CHECK(nothing_leaked, !__lsan_do_recoverable_leak_check()))
    fprintf(stderr, "    in %s: %s\n", playing, what);
}

/* The codes each call may answer, ended by 0. */
static const int32_t *codes_of(enum door_call call)
{
  static const int32_t null[] = { SL_NOMEM, 0 };
  static const int32_t open[] = { SL_NOSYS, SL_INVAL, SL_NOMEM, SL_IO, SL_BUSY, SL_RESOLVE, SL_REFUSED, SL_RESET,
                                  SL_DENIED, SL_TLS_FAILED, SL_TLS_VERIFY, SL_TLS_CERT, SL_TLS_CA, SL_TLS_PIN,
                                  SL_CANCELED, SL_QUOTA, SL_DEADLINE, 0 };
  static const int32_t recv[] = { SL_AGAIN, DOOR_END, SL_INVAL, SL_NOMEM, SL_IO, SL_RESOLVE, SL_REFUSED, SL_RESET,
                                  SL_DENIED, SL_TLS_FAILED, SL_TLS_VERIFY, SL_TLS_CERT, SL_TLS_CA, SL_TLS_PIN,
                                  SL_CANCELED, SL_QUOTA, SL_DEADLINE, 0 };
  static const int32_t send[] = { SL_AGAIN, SL_INVAL, SL_NOMEM, SL_IO, SL_RESET, SL_DENIED, SL_TLS_FAILED,
                                  SL_CANCELED, SL_QUOTA, SL_DEADLINE, 0 };
  static const int32_t out[] = { SL_AGAIN, SL_INVAL, SL_NOMEM, SL_IO, SL_RESET, SL_SINK_FAILED, SL_CANCELED, 0 };
  static const int32_t info[] = { SL_AGAIN, SL_NOSYS, SL_IO, SL_NOMEM, 0 };
  static const int32_t wait[] = { SL_NOSYS, SL_INVAL, SL_NOMEM, SL_IO, SL_BUSY, SL_CANCELED, SL_QUOTA, SL_DEADLINE, 0 };
  static const int32_t nosys[] = { SL_NOSYS, SL_IO, 0 };
  switch (call) {
  case DOOR_LOOP_NEW: return null;
  case DOOR_OPEN: return open;
  case DOOR_RECV: case DOOR_MOVE: return recv;
  case DOOR_SEND: return send;
  case DOOR_MOVE_OUT: return out;
  case DOOR_INFO: return info;
  case DOOR_WAIT: return wait;
  default: return nosys;
  }
}

static void test_no_failure(const scenario *sc, unsigned *calls)
{
  play(sc, (fault){ .call = DOOR_CALLS }, calls);
  check_leaks("no failure");
}

static unsigned test_allocations(const scenario *sc)
{
  unsigned n = 1, calls;
  while (play(sc, (fault){ .n = n, .call = DOOR_CALLS }, &calls)) n++;
  check_leaks("allocations");
  return n - 1;
}

static void test_calls(const scenario *sc, unsigned calls)
{
  static uint8_t kinds[DOOR_CALLS_MAX + 1];
  unsigned others;
  for (unsigned n = 1; n <= calls; n++) kinds[n] = (uint8_t)door_fail_call(n);
  for (unsigned n = 1; n <= calls; n++)
    for (const int32_t *code = codes_of((enum door_call)kinds[n]); *code; code++) {
      bool came = play(sc, (fault){ .n = n, .call = (enum door_call)kinds[n], .code = *code }, &others);
      if (!CHECK(same_run, came)) where();
    }
  check_leaks("calls");
}

int main(int argc, char **argv)
{
  for (unsigned i = 0; i < 2 * scenario_count; i++) {
    const scenario *sc = &scenarios[i / 2];
    embed = i % 2;
    if ((embed && sc->c_only) || (argc > 1 && strcmp(argv[1], sc->name))) continue;
    unsigned calls, before = runs;
    test_no_failure(sc, &calls);
    test_calls(sc, calls);
    unsigned allocations = test_allocations(sc);
    printf("%-22s %-5s %4u allocations, %4u calls, %6u runs\n", sc->name, embed ? "embed" : "C", allocations, calls, runs - before);
  }
  return check_result();
}
