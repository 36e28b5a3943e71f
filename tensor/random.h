/* Random streams: which numbers a draw gets.

   Generator: Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"). The
   words of an element follow from the seed, the stream, which draw of that stream it is and the
   element's place; so nothing depends on threads, nor on draws from other streams. */
#ifndef LUNETTE_RANDOM_H
#define LUNETTE_RANDOM_H

#include <stdint.h>

typedef enum RngStream {
  RNG_USER,    /* rand, randn, multinomial, ... as a program calls them */
  RNG_INIT,    /* initial parameters */
  RNG_DATA,    /* shuffling, splitting, augmentation */
  RNG_DROPOUT, /* dropout, always */
  RNG_STREAMS
} RngStream;

/* One draw. Its block b, four words of 32 bits, is Philox of key and of the counter
   {low word of b, high word of b, draw[0], draw[1]}. */
typedef struct RngDraw {
  uint32_t key[2];  /* the seed: low word, high word */
  uint32_t draw[2]; /* the draw's number: low word, next 24 bits << 8 | stream */
} RngDraw;

void rng_seed(int64_t seed); /* every stream starts again */
int64_t rng_seed_in_force(void);

/* The next draw of a stream. */
RngDraw rng_next(RngStream stream);
/* Where the draws of a program come from: RNG_USER unless set; answers what was set before. */
RngStream rng_use(RngStream stream);
RngStream rng_in_use(void);

/* All there is to save: the seed, then the number of draws of every stream. */
enum { RNG_STATE = 1 + RNG_STREAMS };
void rng_save(int64_t state[RNG_STATE]);
void rng_load(const int64_t state[RNG_STATE]);

#endif
