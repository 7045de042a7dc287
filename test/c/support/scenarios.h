/* scenarios.h: the named list of what transfers do, for failure injection: each a whole program on a world of its own. */
#ifndef SLUICE_TEST_SCENARIOS_H
#define SLUICE_TEST_SCENARIOS_H
#include "world.h"

typedef struct {
  const char *name;
  void (*play)(world *w);
  CURLcode code; /* what its transfers end with in peace  */
  bool c_only;   /* JavaScript's face cannot do the same  */
} scenario;

extern const scenario scenarios[];
extern const unsigned scenario_count;

/* A guest that gets n bytes; make it ready, hand it over, drive the world to its end. */
guest *scenario_get(world *w, uint32_t n);
void scenario_go(guest *g);

#endif
