#include "CMPIBench.h"

#include <mpi.h>
#include <stdio.h>

// A C program as one is written with care: every return code is looked at.
static void check(int code) {
  if (code != MPI_SUCCESS) {
    char message[MPI_MAX_ERROR_STRING];
    int length;
    MPI_Error_string(code, message, &length);
    fprintf(stderr, "piadm: %s\n", message);
    MPI_Abort(MPI_COMM_WORLD, 70);  // EX_SOFTWARE of sysexits.h
  }
}

double bench_ping_pong(unsigned char *buffer, int count, int repeats) {
  int rank;
  MPI_Status status;
  check(MPI_Comm_rank(MPI_COMM_WORLD, &rank));
  check(MPI_Barrier(MPI_COMM_WORLD));
  double start = MPI_Wtime();
  for (int i = 0; i < repeats; i++) {
    if (rank == 0) {
      check(MPI_Send(buffer, count, MPI_UINT8_T, 1, 0, MPI_COMM_WORLD));
      check(MPI_Recv(buffer, count, MPI_UINT8_T, 1, 0, MPI_COMM_WORLD, &status));
    } else if (rank == 1) {
      check(MPI_Recv(buffer, count, MPI_UINT8_T, 0, 0, MPI_COMM_WORLD, &status));
      check(MPI_Send(buffer, count, MPI_UINT8_T, 0, 0, MPI_COMM_WORLD));
    }
  }
  return MPI_Wtime() - start;
}

double bench_all_reduce(double *buffer, int count, int repeats) {
  check(MPI_Barrier(MPI_COMM_WORLD));
  double start = MPI_Wtime();
  for (int i = 0; i < repeats; i++) {
    check(MPI_Allreduce(MPI_IN_PLACE, buffer, count, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD));
  }
  return MPI_Wtime() - start;
}
