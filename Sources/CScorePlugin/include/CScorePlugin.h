// Score plug-ins, loaded at run time.
//
// This shim exists so that the functions that are looked up by name get their
// types from `piadm_score.h` itself, the header that plug-ins are built with.
#ifndef CSCOREPLUGIN_H
#define CSCOREPLUGIN_H

#include <stddef.h>

#include "piadm_score.h"

// The functions of a plug-in by their names, less the prefix `piadm_score_`.
typedef struct {
  __typeof__(piadm_score_version) *_Nonnull version;
  __typeof__(piadm_score_create) *_Nonnull create;
  __typeof__(piadm_score_dimension) *_Nonnull dimension;
  __typeof__(piadm_score_evaluate) *_Nonnull evaluate;
  __typeof__(piadm_score_last_error) *_Nonnull last_error;
  __typeof__(piadm_score_destroy) *_Nonnull destroy;
  __typeof__(piadm_score_shape) *_Nullable shape;
  __typeof__(piadm_score_prediction) *_Nullable prediction;
  __typeof__(piadm_score_convention) *_Nullable convention;
} score_plugin;

// Loads the library at `path` for as long as the process lives: an interpreter
// or threads in it do not survive being unloaded. On failure returns NULL and
// leaves the reason in `reason`.
const score_plugin *_Nullable score_plugin_load(
    const char *_Nonnull path, char *_Nonnull reason, size_t capacity);

// An anonymous file that two processes map, closed on exec; -1 and `errno`
// where there can be none. It is memory of its own, which the size of /dev/shm
// does not limit.
//
// The shim has it because Swift's view of the C library leaves it out.
int score_plugin_shared_file(void);

#endif
