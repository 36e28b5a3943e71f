/* sin and cos of one float, over all floats, in loops that vectorise (v3 and v4 with gathers); part
   of vmath.h, which states the bounds.

   x is m 2^e with an integer m < 2^24. Only (2/pi 2^e) mod 4 matters to m's multiple, and that is
   a table of e (Payne & Hanek, Radian Reduction for Trigonometric Functions, 1983): 27 bits after
   the point as hi, whose product with m is exact in double, and the rest as lo. */
#ifndef LUNETTE_TRIG_H
#define LUNETTE_TRIG_H

#include "vmath.h"

/* Pairs (hi, lo). The first is 2/pi, for |x| < 2^26; pair j is (2/pi 2^(j+2)) mod 4, for
   x = m 2^(j+2). */
static const double two_over_pi[206] __attribute__((unused)) = {
    0x1.45f306ep-1, -0x1.b1bbead603d8bp-32, 0x1.17cc1b6p+0, 0x1.27220a94fe13bp-28,
    0x1.17cc1b7p+1, 0x1.391054a7f09d6p-30,  0x1.7cc1b70p-2, 0x1.391054a7f09d6p-29,
    0x1.7cc1b70p-1, 0x1.391054a7f09d6p-28,  0x1.7cc1b72p+0, 0x1.c882a53f84eb0p-30,
    0x1.7cc1b72p+1, 0x1.c882a53f84eb0p-29,  0x1.f306dc8p+0, 0x1.c882a53f84eb0p-28,
    0x1.f306dc9p+1, 0x1.91054a7f09d5fp-28,  0x1.e60db93p+1, 0x1.220a94fe13abfp-28,
    0x1.cc1b727p+1, 0x1.1054a7f09d5f4p-30,  0x1.9836e4ep+1, 0x1.1054a7f09d5f4p-29,
    0x1.306dc9cp+1, 0x1.1054a7f09d5f4p-28,  0x1.836e4e4p-1, 0x1.054a7f09d5f48p-31,
    0x1.836e4e4p+0, 0x1.054a7f09d5f48p-30,  0x1.836e4e4p+1, 0x1.054a7f09d5f48p-29,
    0x1.06dc9c8p+1, 0x1.054a7f09d5f48p-28,  0x1.b727220p-4, 0x1.529fc2757d1f5p-33,
    0x1.b727220p-3, 0x1.529fc2757d1f5p-32,  0x1.b727220p-2, 0x1.529fc2757d1f5p-31,
    0x1.b727220p-1, 0x1.529fc2757d1f5p-30,  0x1.b727220p+0, 0x1.529fc2757d1f5p-29,
    0x1.b727220p+1, 0x1.529fc2757d1f5p-28,  0x1.6e4e441p+1, 0x1.4a7f09d5f47d5p-29,
    0x1.b939104p+0, 0x1.4a7f09d5f47d5p-28,  0x1.b939105p+1, 0x1.29fc2757d1f53p-29,
    0x1.727220ap+1, 0x1.29fc2757d1f53p-28,  0x1.c9c882ap+0, 0x1.4fe13abe8fa9ap-30,
    0x1.c9c882ap+1, 0x1.4fe13abe8fa9ap-29,  0x1.9391054p+1, 0x1.4fe13abe8fa9ap-28,
    0x1.27220a9p+1, 0x1.3f84eafa3ea6ap-29,  0x1.3910548p-1, 0x1.3f84eafa3ea6ap-28,
    0x1.391054ap+0, 0x1.fc2757d1f534ep-30,  0x1.391054ap+1, 0x1.fc2757d1f534ep-29,
    0x1.c882a50p-1, 0x1.fc2757d1f534ep-28,  0x1.c882a52p+0, 0x1.f84eafa3ea69cp-28,
    0x1.c882a53p+1, 0x1.f09d5f47d4d37p-28,  0x1.91054a7p+1, 0x1.e13abe8fa9a6fp-28,
    0x1.220a94fp+1, 0x1.c2757d1f534dep-28,  0x1.1054a7cp-1, 0x1.84eafa3ea69bcp-28,
    0x1.1054a7ep+0, 0x1.09d5f47d4d377p-28,  0x1.1054a7fp+1, 0x1.3abe8fa9a6ee0p-32,
    0x1.054a7f0p-2, 0x1.3abe8fa9a6ee0p-31,  0x1.054a7f0p-1, 0x1.3abe8fa9a6ee0p-30,
    0x1.054a7f0p+0, 0x1.3abe8fa9a6ee0p-29,  0x1.054a7f0p+1, 0x1.3abe8fa9a6ee0p-28,
    0x1.529fc20p-4, 0x1.d5f47d4d37703p-30,  0x1.529fc20p-3, 0x1.d5f47d4d37703p-29,
    0x1.529fc20p-2, 0x1.d5f47d4d37703p-28,  0x1.529fc24p-1, 0x1.abe8fa9a6ee07p-28,
    0x1.529fc26p+0, 0x1.57d1f534ddc0ep-28,  0x1.529fc27p+1, 0x1.5f47d4d377037p-29,
    0x1.4a7f09cp+0, 0x1.5f47d4d377037p-28,  0x1.4a7f09dp+1, 0x1.7d1f534ddc0dbp-29,
    0x1.29fc274p+0, 0x1.7d1f534ddc0dbp-28,  0x1.29fc275p+1, 0x1.f47d4d377036ep-29,
    0x1.4fe13a8p-1, 0x1.f47d4d377036ep-28,  0x1.4fe13aap+0, 0x1.e8fa9a6ee06dbp-28,
    0x1.4fe13abp+1, 0x1.d1f534ddc0db6p-28,  0x1.3f84eaep+0, 0x1.a3ea69bb81b6cp-28,
    0x1.3f84eafp+1, 0x1.47d4d377036d9p-28,  0x1.fc2757cp-1, 0x1.1f534ddc0db63p-29,
    0x1.fc2757cp+0, 0x1.1f534ddc0db63p-28,  0x1.fc2757dp+1, 0x1.f534ddc0db629p-31,
    0x1.f84eafap+1, 0x1.f534ddc0db629p-30,  0x1.f09d5f4p+1, 0x1.f534ddc0db629p-29,
    0x1.e13abe8p+1, 0x1.f534ddc0db629p-28,  0x1.c2757d1p+1, 0x1.ea69bb81b6c53p-28,
    0x1.84eafa3p+1, 0x1.d4d377036d8a5p-28,  0x1.09d5f47p+1, 0x1.a9a6ee06db14bp-28,
    0x1.3abe8f0p-3, 0x1.534ddc0db6296p-28,  0x1.3abe8f8p-2, 0x1.4d377036d8a56p-29,
    0x1.3abe8f8p-1, 0x1.4d377036d8a56p-28,  0x1.3abe8fap+0, 0x1.34ddc0db6295ap-29,
    0x1.3abe8fap+1, 0x1.34ddc0db6295ap-28,  0x1.d5f47d4p-1, 0x1.a6ee06db14acdp-30,
    0x1.d5f47d4p+0, 0x1.a6ee06db14acdp-29,  0x1.d5f47d4p+1, 0x1.a6ee06db14acdp-28,
    0x1.abe8fa9p+1, 0x1.4ddc0db629599p-28,  0x1.57d1f53p+1, 0x1.377036d8a5665p-29,
    0x1.5f47d4cp+0, 0x1.377036d8a5665p-28,  0x1.5f47d4dp+1, 0x1.bb81b6c52b328p-30,
    0x1.7d1f534p+0, 0x1.bb81b6c52b328p-29,  0x1.7d1f534p+1, 0x1.bb81b6c52b328p-28,
    0x1.f47d4d2p+0, 0x1.77036d8a5664fp-28,  0x1.f47d4d3p+1, 0x1.dc0db6295993cp-29,
    0x1.e8fa9a6p+1, 0x1.dc0db6295993cp-28,  0x1.d1f534dp+1, 0x1.b81b6c52b3279p-28,
    0x1.a3ea69bp+1, 0x1.7036d8a5664f1p-28,  0x1.47d4d37p+1, 0x1.c0db6295993c4p-29,
    0x1.1f534dcp+0, 0x1.c0db6295993c4p-28,  0x1.1f534ddp+1, 0x1.81b6c52b32788p-28,
    0x1.f534dd8p-2, 0x1.036d8a5664f11p-28,  0x1.f534ddcp-1, 0x1.b6c52b3278872p-34,
    0x1.f534ddcp+0, 0x1.b6c52b3278872p-33,  0x1.f534ddcp+1, 0x1.b6c52b3278872p-32,
    0x1.ea69bb8p+1, 0x1.b6c52b3278872p-31,  0x1.d4d3770p+1, 0x1.b6c52b3278872p-30,
    0x1.a9a6ee0p+1, 0x1.b6c52b3278872p-29,  0x1.534ddc0p+1, 0x1.b6c52b3278872p-28,
    0x1.4d37702p+0, 0x1.6d8a5664f10e4p-28,  0x1.4d37703p+1, 0x1.b6295993c4390p-29,
    0x1.34ddc0cp+0, 0x1.b6295993c4390p-28,
};

/* |x| = (n + f) pi/2, |f| <= 1/2. Answers r = f pi/2; *quadrant is n mod 4 in its low bits. m, hi and
   lo as above. */
VMATH float trig_rest(float m, double hi, double lo, uint32_t *quadrant) {
  const double magic = 0x1.8p+52; /* the sum's last bit is worth 1 */
  double q = (double)m * hi, p = (double)m * lo, t = q + p + magic;
  uint64_t bits;
  memcpy(&bits, &t, sizeof bits);
  *quadrant = (uint32_t)bits;
  return (float)((q - (t - magic) + p) * 0x1.921fb54442d18p+0);
}

VMATH float trig_reduce(float x, uint32_t *quadrant) {
  uint32_t u = f32_bits(x) & 0x7fffffffu;
  int32_t e = (int32_t)(u >> 23) - 152;
  e = e < 0 ? 0 : e;
  e = e > 102 ? 102 : e; /* infinity, NaN */
  float m = f32_of(e > 0 ? (u & 0x007fffffu) | 0x4b000000u : u);
  int64_t row = e; /* a wide index is what gcc makes a gather of */
  return trig_rest(m, two_over_pi[2 * row], two_over_pi[2 * row + 1], quadrant);
}

/* sin(r), |r| <= pi/4 */
VMATH float sin_poly(float r, float z) {
  float p = FMAF(-0x1.9954a8p-13f, z, 0x1.11077ap-7f);
  return FMAF(FMAF(p, z, -0x1.555546p-3f) * z, r, r);
}

/* cos(r), |r| <= pi/4; z = r r */
VMATH float cos_poly(float z) {
  float p = FMAF(0x1.99e0ecp-16f, z, -0x1.6c0c1ap-10f);
  return FMAF(z * z, FMAF(p, z, 0x1.55554ap-5f), FMAF(z, -0.5f, 1.0f));
}

/* The sine of r + n quarters of a circle, with its sign turned where x is negative. */
VMATH float trig_turn(float r, uint32_t n, float x) {
  float z = r * r, y = n & 1 ? cos_poly(z) : sin_poly(r, z);
  return f32_of(f32_bits(y) ^ (((n << 30) ^ f32_bits(x)) & 0x80000000u));
}

VMATH float trig_finish(float x, float y) { return fabsf(x) < INFINITY ? y : NAN; }

VMATH float sin_f32(float x) {
  uint32_t n;
  float r = trig_reduce(x, &n);
  return trig_finish(x, trig_turn(r, n, x));
}

VMATH float cos_f32(float x) {
  uint32_t n;
  float r = trig_reduce(x, &n);
  return trig_finish(x, trig_turn(r, n + 1, 0.0f));
}

/* The same values for |x| < 2^26 without the table's gathers. */
VMATH float sin_near(float x) {
  uint32_t n;
  float r = trig_rest(fabsf(x), two_over_pi[0], two_over_pi[1], &n);
  return trig_turn(r, n, x);
}

VMATH float cos_near(float x) {
  uint32_t n;
  float r = trig_rest(fabsf(x), two_over_pi[0], two_over_pi[1], &n);
  return trig_turn(r, n + 1, 0.0f);
}

/* The tangent of r + n quarters: of an odd number it is -1 over that of the rest. */
VMATH float tan_rest(float r, uint32_t n, float x) {
  float z = r * r;
  float p = 0x1.1e87b8p-8f;
  p = FMAF(p, z, 0x1.a021acp-14f);
  p = FMAF(p, z, 0x1.62c676p-7f);
  p = FMAF(p, z, 0x1.5cc166p-6f);
  p = FMAF(p, z, 0x1.bad9bcp-5f);
  p = FMAF(p, z, 0x1.110d9ep-3f);
  p = FMAF(p, z, 0x1.555560p-2f);
  float t = FMAF(p * z, r, r), y = n & 1 ? -1.0f / t : t;
  return f32_of(f32_bits(y) ^ (f32_bits(x) & 0x80000000u));
}

VMATH float tan_f32(float x) {
  uint32_t n;
  float r = trig_reduce(x, &n);
  return trig_finish(x, tan_rest(r, n, x));
}

VMATH float tan_near(float x) {
  uint32_t n;
  float r = trig_rest(fabsf(x), two_over_pi[0], two_over_pi[1], &n);
  return tan_rest(r, n, x);
}

/* sin(pi x) / (pi x), 1 at 0: the sine of what x is beyond a whole number, which is exact. */
VMATH float sinc_f32(float x) {
  float whole = rintf(x), r = (x - whole) * 0x1.921fb6p+1f, z = r * r;
  float wide = fabsf(r) > 0x1.921fb6p-1f
                   ? cos_poly((0x1.921fb6p+0f - fabsf(r)) * (0x1.921fb6p+0f - fabsf(r)))
                   : sin_poly(fabsf(r), z);
  float sine = copysignf(wide, r), half = whole * 0.5f;
  float y = (half != rintf(half) ? -sine : sine) / (x * 0x1.921fb6p+1f);
  y = fabsf(x) < INFINITY ? y : x - x == 0 ? y : x != x ? x : 0.0f;
  return x == 0.0f ? 1.0f : y;
}
VMATH double sinc_f64(double x) {
  double angle = 3.14159265358979323846 * x;
  return x == 0.0 ? 1.0 : sin(angle) / angle;
}

#define m_tan(x)  VMATH_PICK(tan_f32, tan, x)
#define m_sinc(x) VMATH_PICK(sinc_f32, sinc_f64, x)
#define m_sin(x)  VMATH_PICK(sin_f32, sin, x)
#define m_cos(x)  VMATH_PICK(cos_f32, cos, x)

#endif
