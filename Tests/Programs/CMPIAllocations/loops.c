#include "CMPIAllocations.h"

#include <mpi.h>
#include <stdio.h>

static void check(int code) {
  if (code != MPI_SUCCESS) {
    fprintf(stderr, "MPI error %d\n", code);
    MPI_Abort(MPI_COMM_WORLD, 1);
  }
}

void exchange_non_blocking(double *outgoing, double *incoming, int count, int other, int repeats) {
  for (int i = 0; i < repeats; i++) {
    MPI_Request receive, send;
    check(MPI_Irecv(incoming, count, MPI_DOUBLE, other, 0, MPI_COMM_WORLD, &receive));
    check(MPI_Isend(outgoing, count, MPI_DOUBLE, other, 0, MPI_COMM_WORLD, &send));
    check(MPI_Wait(&receive, MPI_STATUS_IGNORE));
    check(MPI_Wait(&send, MPI_STATUS_IGNORE));
  }
}

void exchange_persistent(double *outgoing, double *incoming, int count, int other, int repeats) {
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
