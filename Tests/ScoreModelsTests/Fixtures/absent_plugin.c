// A standard normal distribution in two dimensions. The rank that CONFIG names
// stops in the phase that it names, or works on for a minute: "PHASE RANK".
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "piadm_score.h"

struct piadm_score {
  char phase[16];
  int is_absent;
  int calls;
};

static struct piadm_score only;

int32_t piadm_score_version(void) { return PIADM_SCORE_VERSION; }

piadm_score *piadm_score_create(const char *config) {
  const char *rank = getenv("OMPI_COMM_WORLD_RANK");
  int absent = -1;
  if (rank == NULL) rank = getenv("PMI_RANK");
  if (sscanf(config, "%15s %d", only.phase, &absent) != 2) return NULL;
  only.is_absent = rank != NULL && atoi(rank) == absent;
  if (only.is_absent && strcmp(only.phase, "set-up") == 0) raise(SIGSTOP);
  return &only;
}

int64_t piadm_score_dimension(piadm_score *model) {
  (void)model;
  return 2;
}

int32_t piadm_score_evaluate(
    piadm_score *model, int64_t rows, const double *alpha, const double *sigma, const double *states,
    double *output) {
  (void)alpha;
  (void)sigma;
  for (int64_t i = 0; i < 2 * rows; i++) output[i] = -states[i];
  // Setting up calls less often than this, and a hundred rounds more often.
  int is_round = ++model->calls == 60;
  if (!model->is_absent) return 0;
  if (is_round && strcmp(model->phase, "rounds") == 0) raise(SIGSTOP);
  if (is_round && strcmp(model->phase, "work") == 0) sleep(60);
  // The first rank times the model for the report, the samples being there.
  if (strcmp(model->phase, "output") == 0 && access("samples.npy", F_OK) == 0) raise(SIGSTOP);
  return 0;
}

const char *piadm_score_last_error(piadm_score *model) {
  (void)model;
  return "the configuration must be PHASE RANK";
}

void piadm_score_destroy(piadm_score *model) { (void)model; }
