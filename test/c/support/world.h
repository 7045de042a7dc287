/* world.h: programs of the C face on the simulator's host (test/sim/sim.h): virtual time, no sockets, every run alike.
 *
 * A world has a simulator, whose server plays a script for each transfer, a multi handle, and guests: easy handles with
 * callbacks that compare what comes with what was sent. What a test does to it is in force from then on; world_end frees
 * all of it and says what was left. The simulator's own memory does not count for alloc_fail.h. */
#ifndef SLUICE_TEST_WORLD_H
#define SLUICE_TEST_WORLD_H
#include <stdbool.h>
#include <curl/curl.h>
#include "sim.h"

#define WORLD_TURNS_MAX 3000 /* of one world_drive: more is a loop without end */

typedef struct world world;

typedef struct {
  world *w;
  sim_transfer *x;       /* what the server does; number and body are its                            */
  CURL *easy;
  CURLcode set;          /* the first option that could not be set                                   */
  CURLMcode refused;     /* what curl_multi_add_handle said                                          */
  bool given, removed;   /* it was added; it was removed before its end                              */
  unsigned dones;        /* messages                                                                 */
  CURLcode code;
  size_t got, read, heads; /* body bytes and head bytes taken, body bytes given                      */
  bool wrong;            /* not the bytes that were sent, or not when they may come                  */
  int64_t refuse_at, hold_at; /* the write / read callback pauses once at this byte, -1: not         */
  int64_t resume_us;     /* so long after it, or after world_pause, it is unpaused                   */
  int64_t resume_at_us;  /* SL_NEVER: it is not paused                                               */
  struct curl_slist *list;
  char error[CURL_ERROR_SIZE];
} guest;

struct world {
  sim *s;
  CURLM *multi;
  guest guests[SIM_TRANSFERS_MAX];
  uint32_t count;
  long poll_ms;          /* what world_drive polls for                                               */
  void (*turn)(world *w); /* once a turn, after perform. NULL: nothing                               */
  unsigned turns;
  bool endless;          /* world_drive gave up                                                      */
};

/* NULL never: without memory the test ends. */
world *world_new(void);
/* Frees all; NULL, or what was left open or went wrong. */
const char *world_end(world *w, char *words, size_t size);

/* A guest with the server's script `x->response` empty, and its easy handle not made yet. */
guest *world_guest(world *w);
/* A script of any bytes: a head as far as '\2', which begins framing, as '\1' begins body and '\3' a head again (interim
 * ones, trailers); the marks themselves are not sent. */
void world_wire(sim_response *r, const char *marked);
/* The script is written: make the easy handle for it with all callbacks. */
void world_ready(guest *g);

#define WORLD_SET(g, option, value) \
  ((g)->set ? (void)0 : (void)((g)->set = curl_easy_setopt((g)->easy, option, value)))

/* The multi handle, made when there is none; NULL: memory or host is short. */
CURLM *world_multi(world *w);
/* Hand it to the multi, unless something failed before. */
void world_add(guest *g);
void world_remove(guest *g);
/* curl_easy_pause by the program; with g->resume_us it is lifted later. */
void world_pause(guest *g, int mask);
/* perform and poll until nothing runs. */
void world_drive(world *w);
/* Microseconds since the beginning. */
int64_t world_us(const world *w);

#endif
