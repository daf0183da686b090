#include "CMPIBench.h"

#include <mpi.h>
#include <stdio.h>

// A C program as one is written with care: every return code is looked at.
static void check(int code) {
  if (code != MPI_SUCCESS) {
    fprintf(stderr, "MPI error %d\n", code);
    MPI_Abort(MPI_COMM_WORLD, 1);
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

void bench_non_blocking(double *outgoing, double *incoming, int count, int other, int repeats) {
  for (int i = 0; i < repeats; i++) {
    MPI_Request receive, send;
    check(MPI_Irecv(incoming, count, MPI_DOUBLE, other, 0, MPI_COMM_WORLD, &receive));
    check(MPI_Isend(outgoing, count, MPI_DOUBLE, other, 0, MPI_COMM_WORLD, &send));
    check(MPI_Wait(&receive, MPI_STATUS_IGNORE));
    check(MPI_Wait(&send, MPI_STATUS_IGNORE));
  }
}

void bench_persistent(double *outgoing, double *incoming, int count, int other, int repeats) {
  MPI_Request receive, send;
  check(MPI_Recv_init(incoming, count, MPI_DOUBLE, other, 0, MPI_COMM_WORLD, &receive));
  check(MPI_Send_init(outgoing, count, MPI_DOUBLE, other, 0, MPI_COMM_WORLD, &send));
  for (int i = 0; i < repeats; i++) {
    check(MPI_Start(&receive));
    check(MPI_Start(&send));
    check(MPI_Wait(&receive, MPI_STATUS_IGNORE));
    check(MPI_Wait(&send, MPI_STATUS_IGNORE));
  }
  check(MPI_Request_free(&receive));
  check(MPI_Request_free(&send));
}
