/* The interface of a score plug-in: a model written in any language, in a
 * shared library that piadm opens by the name plugin:LIB.so[:CONFIG].
 *
 * The library defines the functions below. One thread calls them, one call at
 * a time; every rank of a run is a process of its own, with a model of its own.
 *
 * The process that a model serves: y = alpha x0 + sigma eps, where x0 is clean
 * data, eps standard normal noise, and alpha^2 + sigma^2 = 1.
 *
 * Build in C:  cc -O2 -shared -fPIC -o score.so score.c
 */
#ifndef PIADM_SCORE_H
#define PIADM_SCORE_H

#include <stdint.h>

#define PIADM_SCORE_VERSION 1

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#pragma GCC visibility push(default)
#endif

/* A model; what is in it is the plug-in's affair. */
typedef struct piadm_score piadm_score;

/* PIADM_SCORE_VERSION of the header that the plug-in was written for. */
int32_t piadm_score_version(void);

/* Makes a model from CONFIG, the text after the library's name, or "".
 * Returns NULL where that fails; piadm_score_last_error(NULL) then says why. */
piadm_score *piadm_score_create(const char *config);

/* Elements of one sample. */
int64_t piadm_score_dimension(piadm_score *model);

/* Predicts for `rows` rows.
 *
 *   alpha, sigma   of each row: [rows]
 *   states         y of each row: [rows][dimension]
 *   output         what the model predicts: [rows][dimension], all to be set
 *
 * A row's output must be finite and must depend on that row alone. Returns 0,
 * or anything else where it fails; piadm_score_last_error(model) then says why. */
int32_t piadm_score_evaluate(
    piadm_score *model, int64_t rows, const double *alpha, const double *sigma, const double *states,
    double *output);

/* Why the last call failed: one line, good until the next call. `model` is
 * NULL after piadm_score_create. */
const char *piadm_score_last_error(piadm_score *model);

void piadm_score_destroy(piadm_score *model);

/* The rest may be left out. */

#define PIADM_SCORE_MAX_RANK 8

/* The shape of one sample, row-major: writes the length of each axis, of at
 * most PIADM_SCORE_MAX_RANK, and returns their number. Left out: one axis of
 * piadm_score_dimension. */
int32_t piadm_score_shape(piadm_score *model, int64_t *lengths);

/* What piadm_score_evaluate computes, and the states that it is handed. */
enum {
  PIADM_PREDICTS_SCORE = 0,    /* the gradient of log p(y) */
  PIADM_PREDICTS_NOISE = 1,    /* eps */
  PIADM_PREDICTS_VELOCITY = 2, /* alpha eps - sigma x0 */
  PIADM_PREDICTS_SAMPLE = 3,   /* x0 */
  PIADM_PREDICTS_DENOISER = 4, /* x0, from y / alpha */
  PIADM_PREDICTS_FLOW = 5      /* eps - x0, from y / (alpha + sigma) */
};

/* One of PIADM_PREDICTS_...; left out: PIADM_PREDICTS_SCORE. */
int32_t piadm_score_prediction(piadm_score *model);

/* What the model is, as the JSON text of a piadm.json (OwnNetworks.md of the
 * documentation): process, prediction, range of training and default grid. It
 * counts in place of piadm_score_prediction. The keys "time", "inputs",
 * "output" and "conditions" are not for plug-ins, which are handed alpha and
 * sigma. Good until the next call. Left out, or NULL: piadm_score_prediction. */
const char *piadm_score_convention(piadm_score *model);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#ifdef __cplusplus
}
#endif
#endif
