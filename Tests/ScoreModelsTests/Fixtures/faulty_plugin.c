// A standard normal distribution in two dimensions, with the fault that a
// macro chooses.
#include <math.h>
#include <stddef.h>

#include "piadm_score.h"

struct piadm_score {
  int unused;
};

static struct piadm_score only;
static const char *reason = "";

int32_t piadm_score_version(void) {
#ifdef OTHER_VERSION
  return 7;
#else
  return PIADM_SCORE_VERSION;
#endif
}

piadm_score *piadm_score_create(const char *config) {
#ifdef NO_MODEL
  reason = "the configuration\nis not understood";
  return NULL;
#endif
  (void)config;
  return &only;
}

int64_t piadm_score_dimension(piadm_score *model) {
  (void)model;
#ifdef DIMENSION
  return DIMENSION;
#else
  return 2;
#endif
}

#ifdef SHAPE
int32_t piadm_score_shape(piadm_score *model, int64_t *lengths) {
  const int64_t shape[] = {SHAPE};
  (void)model;
  for (size_t i = 0; i < sizeof shape / sizeof *shape; i++) lengths[i] = shape[i];
  return sizeof shape / sizeof *shape;
}
#elif defined(RANK)
int32_t piadm_score_shape(piadm_score *model, int64_t *lengths) {
  (void)model;
  (void)lengths;
  return RANK;
}
#endif

#ifdef CONVENTION
const char *piadm_score_convention(piadm_score *model) {
  (void)model;
  return CONVENTION;
}
#endif

#ifdef PREDICTION
int32_t piadm_score_prediction(piadm_score *model) {
  (void)model;
  return PREDICTION;
}
#endif

int32_t piadm_score_evaluate(
    piadm_score *model, int64_t rows, const double *alpha, const double *sigma, const double *states,
    double *output) {
  (void)model;
  (void)alpha;
  for (int64_t i = 0; i < 2 * rows; i++) {
#ifdef UNSET
    if (i == 1) continue;
#endif
    output[i] = -states[i];
#ifdef MEMORY
    static double calls;
    output[i] += 1e-3 * calls++;
#endif
#ifdef NAN_NEAR_THE_DATA
    if (sigma[i / 2] < 0.1) output[i] = NAN;
#endif
  }
  (void)sigma;
#ifdef FAILS
  reason = "the solver inside does not converge";
  return 3;
#endif
  return 0;
}

const char *piadm_score_last_error(piadm_score *model) {
  (void)model;
  return reason;
}

#ifndef NO_DESTROY
void piadm_score_destroy(piadm_score *model) { (void)model; }
#endif

#ifdef UNDEFINED
int absent_function(void);
int piadm_score_uses_it(void) { return absent_function(); }
#endif
