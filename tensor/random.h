/* Random streams: which numbers a draw gets.

   A draw's numbers follow from the seed, the stream, which draw of that stream it is and the
   element's place (kernels/random.h); so nothing depends on threads, nor on draws from other
   streams. */
#ifndef LUNETTE_STREAMS_H
#define LUNETTE_STREAMS_H

#include "kernels/random.h"

typedef enum RngStream {
  RNG_USER,    /* rand, randn, multinomial, ... as a program calls them */
  RNG_INIT,    /* initial parameters */
  RNG_DATA,    /* shuffling, splitting, augmentation */
  RNG_DROPOUT, /* dropout, always */
  RNG_STREAMS
} RngStream;

void rng_seed(int64_t seed); /* every stream starts again */
int64_t rng_seed_in_force(void);

/* The next draw of a stream. */
RandomKey rng_next(RngStream stream);
/* Where the draws of a program come from: RNG_USER unless set; answers what was set before. */
RngStream rng_use(RngStream stream);
RngStream rng_in_use(void);

/* All there is to save: the seed, then the number of draws of every stream. */
enum { RNG_STATE = 1 + RNG_STREAMS };
void rng_save(int64_t state[RNG_STATE]);
void rng_load(const int64_t state[RNG_STATE]);

#endif
