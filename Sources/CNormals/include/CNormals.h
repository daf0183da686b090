// Normal numbers from counters, in C because only there can a function be
// compiled for several kinds of processor, of which the best is taken at run
// time: Swift's vectors are those of the oldest one.
#ifndef CNORMALS_H
#define CNORMALS_H

#include <stddef.h>
#include <stdint.h>

/// Fills `output` with `count` standard normals: four from each of the counters
/// (counter, step, sample, stream), (counter + 1, step, sample, stream), ...
/// under a key.
///
/// Philox4x32-10 gives four words a counter; Box and Muller's transformation
/// makes normals of them: `sqrt(-2 log u) (cos, sin)(2 pi v)` with
/// `u = (word + 1/2) 2^-32`.
void philox_normals(
    double *output, size_t count, const uint32_t key[2], uint32_t counter, uint32_t step,
    uint32_t sample, uint32_t stream);

#endif
