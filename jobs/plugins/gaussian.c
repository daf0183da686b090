// A Gaussian with the same mean and variance in every direction.
//
//   cc -O2 -shared -fPIC -I Sources/CScorePlugin/include -o gaussian.so jobs/plugins/gaussian.c
//   piadm sample plugin:gaussian.so:"16 0.5 0.04"
//
// CONFIG: dimension, mean, variance.
#include "piadm_score.h"

#include <stdio.h>
#include <stdlib.h>

struct piadm_score {
  long dimension;
  double mean, variance;
};

static const char *reason = "";

int32_t piadm_score_version(void) { return PIADM_SCORE_VERSION; }

piadm_score *piadm_score_create(const char *config) {
  piadm_score model;
  if (sscanf(config, "%ld %lf %lf", &model.dimension, &model.mean, &model.variance) != 3 || model.dimension < 1 ||
      model.variance <= 0) {
    reason = "needed: a dimension, a mean and a positive variance, such as '16 0.5 0.04'";
    return NULL;
  }
  piadm_score *made = malloc(sizeof *made);
  if (made) *made = model;
  return made;
}

int64_t piadm_score_dimension(piadm_score *model) { return model->dimension; }

int32_t piadm_score_evaluate(
    piadm_score *model, int64_t rows, const double *alpha, const double *sigma, const double *states,
    double *output) {
  for (int64_t row = 0; row < rows; row++) {
    double mean = alpha[row] * model->mean;
    double variance = alpha[row] * alpha[row] * model->variance + sigma[row] * sigma[row];
    for (long i = row * model->dimension; i < (row + 1) * model->dimension; i++)
      output[i] = -(states[i] - mean) / variance;
  }
  return 0;
}

const char *piadm_score_last_error(piadm_score *model) {
  (void)model;
  return reason;
}

void piadm_score_destroy(piadm_score *model) { free(model); }
