#include "CNormals.h"

#include <Random123/philox.h>
#include <string.h>

// Logarithm, sine and cosine are series in `double` with an error of a few
// units in the last place. They use nothing but additions, multiplications,
// one division and one square root, all correctly rounded by IEEE 754, and
// none of them fused, so that the numbers have the same bits on every
// processor and with every mathematical library.
#pragma STDC FP_CONTRACT OFF

#ifdef __has_feature
#if __has_feature(thread_sanitizer)
#define WITH_THREAD_SANITIZER
#endif
#endif

// The choice is made by the loader, before ThreadSanitizer is there to be called.
#if defined(__x86_64__) && defined(__GLIBC__) && !defined(WITH_THREAD_SANITIZER)
#define FOR_EVERY_PROCESSOR \
  __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define FOR_EVERY_PROCESSOR
#endif

enum { COUNTERS = 16, PAIRS = 2 * COUNTERS };

static inline uint64_t bits(double x) {
  uint64_t result;
  memcpy(&result, &x, sizeof result);
  return result;
}

static inline double number(uint64_t bits) {
  double result;
  memcpy(&result, &bits, sizeof result);
  return result;
}

// With `u = 2^e m`, `m` from sqrt(1/2) to sqrt(2), and `z = (m-1)/(m+1)`:
// `log u = e log 2 + 2 (z + z^3/3 + z^5/5 + ...)`, `z^2 < 0.0295`.
static inline double logarithm(double u) {
  double mantissa = number((bits(u) & 0x000fffffffffffff) | 0x3ff0000000000000);
  // Adding 2^52 puts a small whole number into a double's last bits.
  double exponent = number((bits(u) >> 52) | 0x4330000000000000) - (0x1p52 + 1023);
  int is_large = mantissa > 1.4142135623730951;
  mantissa = is_large ? 0.5 * mantissa : mantissa;
  exponent = is_large ? exponent + 1 : exponent;
  double z = (mantissa - 1) / (mantissa + 1);
  double square = z * z;
  double series = square * (1 / 21.0) + 1 / 19.0;
  series = series * square + 1 / 17.0;
  series = series * square + 1 / 15.0;
  series = series * square + 1 / 13.0;
  series = series * square + 1 / 11.0;
  series = series * square + 1 / 9.0;
  series = series * square + 1 / 7.0;
  series = series * square + 1 / 5.0;
  series = series * square + 1 / 3.0;
  // log 2 in two parts: the product of the first with an exponent is exact.
  double high = 0x1.62e42fefa38p-1, low = 0x1.ef35793c7673p-45;
  return exponent * high + (2 * (z + z * square * series) + exponent * low);
}

// Cosine and sine of `2 pi v`: by quarter turns, and Taylor's series of the
// angle that remains, at most pi/4.
static inline void circle(double v, double *x, double *y) {
  double turns = 4 * v;
  // Adding 3 2^51 rounds to a whole number, and leaves it in the last bits.
  double shifted = turns + 0x1.8p52;
  uint64_t quarter = bits(shifted);
  double angle = (turns - (shifted - 0x1.8p52)) * 1.5707963267948966;
  double square = angle * angle;
  // Coefficients are 1/n! with alternating signs.
  double sine = square * (1 / 355687428096000.0) - 1 / 1307674368000.0;
  sine = sine * square + 1 / 6227020800.0;
  sine = sine * square - 1 / 39916800.0;
  sine = sine * square + 1 / 362880.0;
  sine = sine * square - 1 / 5040.0;
  sine = sine * square + 1 / 120.0;
  sine = sine * square - 1 / 6.0;
  sine = angle + angle * square * sine;
  double cosine = square * (1 / 20922789888000.0) - 1 / 87178291200.0;
  cosine = cosine * square + 1 / 479001600.0;
  cosine = cosine * square - 1 / 3628800.0;
  cosine = cosine * square + 1 / 40320.0;
  cosine = cosine * square - 1 / 720.0;
  cosine = cosine * square + 1 / 24.0;
  cosine = 1 - (0.5 * square - square * square * cosine);
  int is_odd = (quarter & 1) != 0;
  double along = is_odd ? sine : cosine, across = is_odd ? cosine : sine;
  // Quarters 1 and 2 have a negative cosine, 2 and 3 a negative sine: their
  // second bit, moved to the sign.
  *x = number(bits(along) ^ (((quarter + 1) & 2) << 62));
  *y = number(bits(across) ^ ((quarter & 2) << 62));
}

FOR_EVERY_PROCESSOR
void philox_normals(
    double *output, size_t count, const uint32_t key[2], uint32_t counter, uint32_t step,
    uint32_t sample, uint32_t stream) {
  for (size_t first = 0; first < count; first += 4 * COUNTERS) {
    double u[PAIRS], v[PAIRS], x[PAIRS], y[PAIRS];
    for (int i = 0; i < COUNTERS; i++) {
      philox4x32_ctr_t words = {{counter + (uint32_t)(first / 4) + (uint32_t)i, step, sample, stream}};
      philox4x32_key_t philox_key = {{key[0], key[1]}};
      words = philox4x32_R(10, words, philox_key);
      u[2 * i] = words.v[0], v[2 * i] = words.v[1];
      u[2 * i + 1] = words.v[2], v[2 * i + 1] = words.v[3];
    }
    for (int i = 0; i < PAIRS; i++) {
      // Not the C library's sqrt: it may set errno, which keeps the loop scalar.
      double radius = __builtin_elementwise_sqrt(-2 * logarithm((u[i] + 0.5) * 0x1p-32));
      circle((v[i] + 0.5) * 0x1p-32, &x[i], &y[i]);
      x[i] *= radius;
      y[i] *= radius;
    }
    size_t rest = count - first;
    for (size_t i = 0; i < PAIRS; i++) {
      if (2 * i < rest) output[first + 2 * i] = x[i];
      if (2 * i + 1 < rest) output[first + 2 * i + 1] = y[i];
    }
  }
}
