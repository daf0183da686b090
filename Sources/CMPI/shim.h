// MPI as Swift can import it, for Open MPI and MPICH alike.
//
// MPI leaves the type of a handle to the library: a pointer to an incomplete
// struct in Open MPI (imported as one and the same OpaquePointer whatever it
// points to), an int in MPICH. One struct per kind of handle makes a
// communicator, a datatype and an operation three different types in Swift.
// Constants that are macros with casts are not imported at all, hence the
// accessors. Everything is static inline: nothing here exists at run time.

#ifndef CMPI_SHIM_H
#define CMPI_SHIM_H

#include <mpi.h>
#include <stdint.h>

typedef struct { MPI_Comm raw; } cmpi_comm;
typedef struct { MPI_Datatype raw; } cmpi_datatype;
typedef struct { MPI_Op raw; } cmpi_op;
typedef struct { MPI_Request raw; } cmpi_request;
typedef struct { MPI_Message raw; } cmpi_message;
typedef struct { MPI_Status raw; } cmpi_status;
typedef struct { MPI_File raw; } cmpi_file;
typedef struct { MPI_Info raw; } cmpi_info;

#define CMPI_CONSTANT(type, name, value) \
  static inline type cmpi_##name(void) { type handle = {value}; return handle; }

_Static_assert(sizeof(cmpi_request) == sizeof(MPI_Request), "arrays of requests");

CMPI_CONSTANT(cmpi_comm, comm_world, MPI_COMM_WORLD)
CMPI_CONSTANT(cmpi_comm, comm_self, MPI_COMM_SELF)
CMPI_CONSTANT(cmpi_comm, comm_null, MPI_COMM_NULL)
CMPI_CONSTANT(cmpi_request, request_null, MPI_REQUEST_NULL)
CMPI_CONSTANT(cmpi_file, file_null, MPI_FILE_NULL)
CMPI_CONSTANT(cmpi_info, info_null, MPI_INFO_NULL)

CMPI_CONSTANT(cmpi_datatype, int8, MPI_INT8_T)
CMPI_CONSTANT(cmpi_datatype, int16, MPI_INT16_T)
CMPI_CONSTANT(cmpi_datatype, int32, MPI_INT32_T)
CMPI_CONSTANT(cmpi_datatype, int64, MPI_INT64_T)
CMPI_CONSTANT(cmpi_datatype, uint8, MPI_UINT8_T)
CMPI_CONSTANT(cmpi_datatype, uint16, MPI_UINT16_T)
CMPI_CONSTANT(cmpi_datatype, uint32, MPI_UINT32_T)
CMPI_CONSTANT(cmpi_datatype, uint64, MPI_UINT64_T)
CMPI_CONSTANT(cmpi_datatype, float, MPI_FLOAT)
CMPI_CONSTANT(cmpi_datatype, double, MPI_DOUBLE)

CMPI_CONSTANT(cmpi_op, sum, MPI_SUM)
CMPI_CONSTANT(cmpi_op, product, MPI_PROD)
CMPI_CONSTANT(cmpi_op, minimum, MPI_MIN)
CMPI_CONSTANT(cmpi_op, maximum, MPI_MAX)
CMPI_CONSTANT(cmpi_op, bitwise_and, MPI_BAND)
CMPI_CONSTANT(cmpi_op, bitwise_or, MPI_BOR)
CMPI_CONSTANT(cmpi_op, bitwise_xor, MPI_BXOR)

static inline void *cmpi_in_place(void) { return MPI_IN_PLACE; }
static inline MPI_Status *cmpi_status_ignore(void) { return MPI_STATUS_IGNORE; }

static inline int cmpi_comm_return_errors(MPI_Comm comm) {
  return MPI_Comm_set_errhandler(comm, MPI_ERRORS_RETURN);
}
static inline int cmpi_file_return_errors(MPI_File file) {
  return MPI_File_set_errhandler(file, MPI_ERRORS_RETURN);
}

// The number in the world of a rank of `comm`; negative where it has none.
static inline int cmpi_world_rank(MPI_Comm comm, int rank) {
  MPI_Group own, world;
  int number = -1;
  if (MPI_Comm_group(comm, &own) != MPI_SUCCESS) return number;
  if (MPI_Comm_group(MPI_COMM_WORLD, &world) == MPI_SUCCESS) {
    MPI_Group_translate_ranks(own, 1, &rank, world, &number);
    MPI_Group_free(&world);
  }
  MPI_Group_free(&own);
  return number;
}

static inline int cmpi_request_is_null(cmpi_request request) {
  return request.raw == MPI_REQUEST_NULL;
}

static inline int cmpi_waitany(int count, cmpi_request *requests, int *index, cmpi_status *status) {
  return MPI_Waitany(count, &requests->raw, index, &status->raw);
}

// The library whose header this is, as MPI_Get_library_version would begin to
// name it at run time.
#if defined(OMPI_MAJOR_VERSION)
#define CMPI_HEADER_LIBRARY "Open MPI"
#define CMPI_HEADER_MAJOR OMPI_MAJOR_VERSION
#define CMPI_HEADER_MINOR OMPI_MINOR_VERSION
#elif defined(MPICH_NUMVERSION)
#define CMPI_HEADER_LIBRARY "MPICH"
#define CMPI_HEADER_MAJOR (MPICH_NUMVERSION / 10000000)
#define CMPI_HEADER_MINOR (MPICH_NUMVERSION / 100000 % 100)
#else
#error "mpi.h is neither Open MPI's nor MPICH's"
#endif

static inline const char *cmpi_header_library(void) { return CMPI_HEADER_LIBRARY; }
static inline int cmpi_header_major(void) { return CMPI_HEADER_MAJOR; }
static inline int cmpi_header_minor(void) { return CMPI_HEADER_MINOR; }

#endif
