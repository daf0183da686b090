// Ping-pong and all-reduce in C: what `piadm bench mpi` holds its Swift loops
// against. They are part of the program, not of its tests, so that a user can
// measure on a cluster what the Swift layer adds to the MPI library there; in C
// and not in Swift on the C functions, so that the comparison is with what a C
// programmer would write and a C compiler would make of it.

#ifndef CMPIBENCH_H
#define CMPIBENCH_H

// Seconds that `repeats` round trips of `count` bytes between ranks 0 and 1 of
// the world take.
double bench_ping_pong(unsigned char *buffer, int count, int repeats);

// Seconds that `repeats` sums of `count` doubles over all ranks take, in place.
double bench_all_reduce(double *buffer, int count, int repeats);

#endif
