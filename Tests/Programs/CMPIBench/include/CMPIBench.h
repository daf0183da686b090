// The loops of MPIBench in C, to measure what Swift adds to them.

#ifndef CMPIBENCH_H
#define CMPIBENCH_H

// Seconds that `repeats` round trips of `count` bytes between ranks 0 and 1 of
// the world take.
double bench_ping_pong(unsigned char *buffer, int count, int repeats);

// Seconds that `repeats` sums of `count` doubles over all ranks take, in place.
double bench_all_reduce(double *buffer, int count, int repeats);

// Sends `count` doubles to a rank and receives as many from it, `repeats`
// times: with requests made anew, and with persistent ones.
void bench_non_blocking(double *outgoing, double *incoming, int count, int other, int repeats);
void bench_persistent(double *outgoing, double *incoming, int count, int other, int repeats);

// How often this process has allocated memory on the heap so far.
long bench_allocations(void);

#endif
