// Counts the heap allocations of a process, and the exchanges of MPIAllocations
// in C that CMPIBench does not have.

#ifndef CMPIALLOCATIONS_H
#define CMPIALLOCATIONS_H

// How often this process has allocated memory on the heap so far.
long allocation_count(void);

// Sends `count` doubles to a rank and receives as many from it, `repeats`
// times: with requests made anew, and with persistent ones.
void exchange_non_blocking(double *outgoing, double *incoming, int count, int other, int repeats);
void exchange_persistent(double *outgoing, double *incoming, int count, int other, int repeats);

// Exchanges the edges of a square array of `length` rows with another rank and,
// in the other direction, with itself, `repeats` times.
void exchange_halo(double *field, int length, int other, int repeats);

// Sends 100 structs of a double and an int to a rank and receives as many from
// it, and reduces them with an operation of its own, `repeats` times.
void exchange_structs(int other, int repeats);
void reduce_structs(int repeats);

#endif
