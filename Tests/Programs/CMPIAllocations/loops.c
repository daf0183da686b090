#include "CMPIAllocations.h"

#include <mpi.h>
#include <stddef.h>
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

// Rows and columns next to the edges of a square array, to the rank itself along
// one direction and to the other one along the other.
void exchange_halo(double *field, int length, int other, int repeats) {
  int self = 1 - other;
  // What goes to the lower and the upper side, and what comes from them.
  MPI_Datatype parts[2][4];
  for (int direction = 0; direction < 2; direction++) {
    int places[4] = {1, length - 2, length - 1, 0};
    for (int part = 0; part < 4; part++) {
      int shape[2] = {length, length}, lengths[2] = {length, length}, starts[2] = {0, 0};
      lengths[direction] = 1;
      starts[direction] = places[part];
      if (direction == 0) {
        lengths[1] = length - 2;
        starts[1] = 1;
      }
      check(MPI_Type_create_subarray(
          2, shape, lengths, starts, MPI_ORDER_C, MPI_DOUBLE, &parts[direction][part]));
      check(MPI_Type_commit(&parts[direction][part]));
    }
  }
  for (int i = 0; i < repeats; i++) {
    for (int direction = 0; direction < 2; direction++) {
      int peer = direction == 0 ? self : other;
      MPI_Datatype *part = parts[direction];
      check(MPI_Sendrecv(field, 1, part[0], peer, 0, field, 1, part[2], peer, 0, MPI_COMM_WORLD,
                         MPI_STATUS_IGNORE));
      check(MPI_Sendrecv(field, 1, part[1], peer, 1, field, 1, part[3], peer, 1, MPI_COMM_WORLD,
                         MPI_STATUS_IGNORE));
    }
  }
  for (int direction = 0; direction < 2; direction++) {
    for (int part = 0; part < 4; part++) check(MPI_Type_free(&parts[direction][part]));
  }
}

struct cell {
  double temperature;
  int material;
};

static struct cell outgoing_cells[100], incoming_cells[100];

static MPI_Datatype cell_type(void) {
  MPI_Datatype packed, type;
  int lengths[2] = {1, 1};
  MPI_Aint places[2] = {offsetof(struct cell, temperature), offsetof(struct cell, material)};
  MPI_Datatype parts[2] = {MPI_DOUBLE, MPI_INT};
  check(MPI_Type_create_struct(2, lengths, places, parts, &packed));
  check(MPI_Type_create_resized(packed, 0, sizeof(struct cell), &type));
  check(MPI_Type_commit(&type));
  check(MPI_Type_free(&packed));
  return type;
}

void exchange_structs(int other, int repeats) {
  MPI_Datatype type = cell_type();
  for (int i = 0; i < repeats; i++) {
    check(MPI_Sendrecv(outgoing_cells, 100, type, other, 0, incoming_cells, 100, type, other, 0,
                       MPI_COMM_WORLD, MPI_STATUS_IGNORE));
  }
  check(MPI_Type_free(&type));
}

static void hotter(void *from, void *into, int *count, MPI_Datatype *type) {
  struct cell *one = from, *other = into;
  for (int i = 0; i < *count; i++) {
    if (one[i].temperature > other[i].temperature) other[i] = one[i];
  }
}

void reduce_structs(int repeats) {
  MPI_Datatype type = cell_type();
  MPI_Op operation;
  check(MPI_Op_create(hotter, 1, &operation));
  for (int i = 0; i < repeats; i++) {
    check(MPI_Allreduce(MPI_IN_PLACE, incoming_cells, 100, type, operation, MPI_COMM_WORLD));
  }
  check(MPI_Op_free(&operation));
  check(MPI_Type_free(&type));
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
