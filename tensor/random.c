/* The state of the random streams. */
#include "random.h"

static int64_t seed = 1;
static int64_t draws[RNG_STREAMS];
static RngStream in_use = RNG_USER;

void rng_seed(int64_t value) {
  seed = value;
  for (int i = 0; i < RNG_STREAMS; i++) draws[i] = 0;
}

int64_t rng_seed_in_force(void) { return seed; }

RandomKey rng_next(RngStream stream) {
  return random_key((uint64_t)seed, (uint32_t)stream, (uint64_t)draws[stream]++);
}

RngStream rng_use(RngStream stream) {
  RngStream before = in_use;
  in_use = stream;
  return before;
}

RngStream rng_in_use(void) { return in_use; }

void rng_save(int64_t state[RNG_STATE]) {
  state[0] = seed;
  for (int i = 0; i < RNG_STREAMS; i++) state[1 + i] = draws[i];
}

void rng_load(const int64_t state[RNG_STATE]) {
  seed = state[0];
  for (int i = 0; i < RNG_STREAMS; i++) draws[i] = state[1 + i];
}
