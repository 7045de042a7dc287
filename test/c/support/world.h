/* world.h: programs of either face on the simulator's host (test/sim/sim.h): virtual time, no sockets, every run alike.
 *
 * A world has a simulator, whose server plays a script for each transfer, an engine, and guests: transfers whose callbacks
 * compare what comes with what was sent. The C face's guests are easy handles in a multi handle; with `embed` they are
 * those of JavaScript's face (sluice/embed.h), this program standing for js/. What a test does to it is in force from then
 * on; world_end frees all of it and says what was left. The simulator's own memory does not count for alloc_fail.h. */
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
  struct sl_embed *embed; /* one of the two                                                          */
  CURLcode set;          /* the first option that could not be set                                   */
  CURLMcode refused;     /* what curl_multi_add_handle said                                          */
  bool given, removed, stopped; /* it was added; then removed, or stopped, before its end            */
  unsigned dones;        /* messages                                                                 */
  CURLcode code;
  size_t got, read, heads; /* body bytes and head bytes taken, body bytes given                      */
  bool wrong;            /* not the bytes that were sent, or not when they may come                  */
  bool lies;             /* embed: it has body bytes until it is to give them                        */
  int64_t refuse_at, hold_at; /* the write / read callback pauses once at this byte, -1: not         */
  int64_t resume_us;     /* so long after it, or after world_pause, it is unpaused                   */
  int64_t resume_at_us;  /* SL_NEVER: it is not paused                                               */
  struct curl_slist *list;
  char error[CURL_ERROR_SIZE];
} guest;

struct world {
  sim *s;
  bool embed;            /* before its first guest is ready: JavaScript's face                       */
  CURLM *multi;
  bool engine;           /* embed: it is there                                                       */
  guest guests[SIM_TRANSFERS_MAX];
  uint32_t count;
  long poll_ms;          /* what world_drive polls for                                               */
  void (*ended)(guest *g); /* embed: inside on_done. NULL: nothing                                  */
  void (*turn)(world *w); /* once a turn, after perform. NULL: nothing                               */
  unsigned turns;
  bool endless;          /* world_drive gave up                                                      */
};

/* NULL never: without memory the test ends. */
world *world_new(void);
/* Frees all; NULL, or what was left open or went wrong. */
const char *world_end(world *w, char *words, size_t size);

/* A guest with the server's script `x->response` empty, and its transfer not made yet. */
guest *world_guest(world *w);
/* A script of any bytes: a head as far as '\2', which begins framing, as '\1' begins body and '\3' a head again (interim
 * ones, trailers); the marks themselves are not sent. */
void world_wire(sim_response *r, const char *marked);
/* The script is written: make the transfer for it with all callbacks. */
void world_ready(guest *g);

#define WORLD_SET(g, option, value) \
  ((g)->set ? (void)0 : (void)((g)->set = curl_easy_setopt((g)->easy, option, value)))

/* A number option, of either face. */
void world_number(guest *g, int option, int64_t value);
/* The engine, made when there is none; false: memory or host is short. */
bool world_engine(world *w);
/* So many connections at once. */
void world_limit(world *w, uint32_t connections);
/* Hand it to the engine, unless something failed before. */
void world_add(guest *g);
void world_remove(guest *g);
/* Pause (CURLPAUSE_*) by the program; with g->resume_us it is lifted later. */
void world_pause(guest *g, int mask);
/* One perform, behind a poll, or one run; whether something runs. */
bool world_turn(world *w);
/* Perform and poll, or run and wait, until nothing runs. */
void world_drive(world *w);

/* What both faces' callbacks do: world.c. n bytes of body came: how many are taken, SL_SINK_PAUSED. */
int32_t world_took(guest *g, const char *data, size_t n);
/* Up to cap bytes of the request's body are asked for: how many there are (0: the end), SL_SINK_PAUSED. */
int32_t world_has(guest *g, size_t cap);
void world_rewound(guest *g);

/* embed_world.c: JavaScript's face. */
bool embed_engine(world *w);
void embed_make(guest *g, const char *url);
void embed_number(guest *g, int option, int64_t value);
void embed_header(guest *g, const char *line);
void embed_add(guest *g);
void embed_remove(guest *g);
bool embed_turn(world *w); /* whether something runs */
void embed_end(world *w);

#endif
