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

#include <limits.h>
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
typedef struct { MPI_Win raw; } cmpi_win;

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
CMPI_CONSTANT(cmpi_datatype, float_complex, MPI_C_FLOAT_COMPLEX)
CMPI_CONSTANT(cmpi_datatype, double_complex, MPI_C_DOUBLE_COMPLEX)
CMPI_CONSTANT(cmpi_datatype, byte, MPI_BYTE)

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

static inline int cmpi_win_return_errors(MPI_Win win) {
  return MPI_Win_set_errhandler(win, MPI_ERRORS_RETURN);
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

static inline int cmpi_comm_is_null(cmpi_comm comm) { return comm.raw == MPI_COMM_NULL; }
static inline int cmpi_file_is_null(cmpi_file file) { return file.raw == MPI_FILE_NULL; }

static inline int cmpi_same_type(cmpi_datatype one, cmpi_datatype other) {
  return one.raw == other.raw;
}

// The largest tag of the library, an attribute of the world.
static inline int cmpi_largest_tag(void) {
  int *value, isSet;
  int code = MPI_Comm_get_attr(MPI_COMM_WORLD, MPI_TAG_UB, &value, &isSet);
  // Every library allows this much (MPI 3.1, section 8.1.2).
  return code == MPI_SUCCESS && isSet ? *value : 32767;
}

static inline int cmpi_split_by_node(MPI_Comm comm, MPI_Comm *part) {
  return MPI_Comm_split_type(comm, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, part);
}

// A function of user-defined reductions finds what it works for as an attribute
// of the datatype that MPI hands it: MPI has no other place for a context.
static inline int cmpi_create_context_key(int *key) {
  return MPI_Type_create_keyval(MPI_TYPE_NULL_COPY_FN, MPI_TYPE_NULL_DELETE_FN, key, 0);
}
static inline void *cmpi_context(MPI_Datatype *type, int key) {
  void *context = 0;
  int isSet = 0;
  if (MPI_Type_get_attr(*type, key, &context, &isSet) != MPI_SUCCESS || !isSet) return 0;
  return context;
}

static inline int cmpi_request_is_null(cmpi_request request) {
  return request.raw == MPI_REQUEST_NULL;
}

static inline int cmpi_waitany(int count, cmpi_request *requests, int *index, cmpi_status *status) {
  return MPI_Waitany(count, &requests->raw, index, &status->raw);
}

// MARK: Counts

// MPI 3 counts elements with an int, MPI 4 has a second function for each call
// that takes an MPI_Count. Without it, a longer message is one element of a
// derived datatype: blocks of 2^30 elements and the rest after them. Both ends
// may cut a message differently, since MPI matches the sequence of basic
// elements only.
#define CMPI_BLOCK (1 << 30)

static inline int cmpi_has_large_counts(void) { return MPI_VERSION >= 4; }

#if MPI_VERSION < 4
static inline int cmpi_large_type(MPI_Count count, MPI_Datatype element, MPI_Datatype *whole) {
  MPI_Aint lower, extent;
  MPI_Datatype block;
  int code = MPI_Type_get_extent(element, &lower, &extent);
  if (code == MPI_SUCCESS) code = MPI_Type_contiguous(CMPI_BLOCK, element, &block);
  if (code != MPI_SUCCESS) return code;
  int lengths[2] = {(int)(count / CMPI_BLOCK), (int)(count % CMPI_BLOCK)};
  MPI_Aint places[2] = {0, (MPI_Aint)lengths[0] * CMPI_BLOCK * extent};
  MPI_Datatype parts[2] = {block, element};
  code = MPI_Type_create_struct(2, lengths, places, parts, whole);
  if (code == MPI_SUCCESS) code = MPI_Type_commit(whole);
  MPI_Type_free(&block);
  return code;
}
#endif

// The body of a function with parameters `count` and `type`, which it hands on
// as `n` and `t`.
#if MPI_VERSION >= 4
#define CMPI_COUNTED(call, arguments)     \
  {                                       \
    MPI_Datatype t = type;                \
    if (count <= INT_MAX) {               \
      int n = (int)count;                 \
      return call arguments;              \
    }                                     \
    MPI_Count n = count;                  \
    return call##_c arguments;            \
  }
#else
#define CMPI_COUNTED(call, arguments)                   \
  {                                                     \
    if (count <= INT_MAX) {                             \
      int n = (int)count;                               \
      MPI_Datatype t = type;                            \
      return call arguments;                            \
    }                                                   \
    MPI_Datatype t;                                     \
    int n = 1, code = cmpi_large_type(count, type, &t); \
    if (code != MPI_SUCCESS) return code;               \
    code = call arguments;                              \
    MPI_Type_free(&t);                                  \
    return code;                                        \
  }
#endif

#define CMPI_OUT const void *from, MPI_Count count, MPI_Datatype type
#define CMPI_IN void *into, MPI_Count count, MPI_Datatype type
#define CMPI_THROUGH const void *from, void *into, MPI_Count count, MPI_Datatype type

static inline int cmpi_send(CMPI_OUT, int rank, int tag, MPI_Comm comm)
CMPI_COUNTED(MPI_Send, (from, n, t, rank, tag, comm))

static inline int cmpi_ssend(CMPI_OUT, int rank, int tag, MPI_Comm comm)
CMPI_COUNTED(MPI_Ssend, (from, n, t, rank, tag, comm))

static inline int cmpi_recv(CMPI_IN, int rank, int tag, MPI_Comm comm, MPI_Status *status)
CMPI_COUNTED(MPI_Recv, (into, n, t, rank, tag, comm, status))

static inline int cmpi_mrecv(CMPI_IN, MPI_Message *message, MPI_Status *status)
CMPI_COUNTED(MPI_Mrecv, (into, n, t, message, status))

static inline int cmpi_isend(CMPI_OUT, int rank, int tag, MPI_Comm comm, MPI_Request *request)
CMPI_COUNTED(MPI_Isend, (from, n, t, rank, tag, comm, request))

static inline int cmpi_issend(CMPI_OUT, int rank, int tag, MPI_Comm comm, MPI_Request *request)
CMPI_COUNTED(MPI_Issend, (from, n, t, rank, tag, comm, request))

static inline int cmpi_irecv(CMPI_IN, int rank, int tag, MPI_Comm comm, MPI_Request *request)
CMPI_COUNTED(MPI_Irecv, (into, n, t, rank, tag, comm, request))

static inline int cmpi_send_init(CMPI_OUT, int rank, int tag, MPI_Comm comm, MPI_Request *request)
CMPI_COUNTED(MPI_Send_init, (from, n, t, rank, tag, comm, request))

static inline int cmpi_recv_init(CMPI_IN, int rank, int tag, MPI_Comm comm, MPI_Request *request)
CMPI_COUNTED(MPI_Recv_init, (into, n, t, rank, tag, comm, request))

static inline int cmpi_bcast(CMPI_IN, int root, MPI_Comm comm)
CMPI_COUNTED(MPI_Bcast, (into, n, t, root, comm))

static inline int cmpi_ibcast(CMPI_IN, int root, MPI_Comm comm, MPI_Request *request)
CMPI_COUNTED(MPI_Ibcast, (into, n, t, root, comm, request))

static inline int cmpi_gather(CMPI_THROUGH, int root, MPI_Comm comm)
CMPI_COUNTED(MPI_Gather, (from, n, t, into, n, t, root, comm))

static inline int cmpi_igather(CMPI_THROUGH, int root, MPI_Comm comm, MPI_Request *request)
CMPI_COUNTED(MPI_Igather, (from, n, t, into, n, t, root, comm, request))

static inline int cmpi_allgather(CMPI_THROUGH, MPI_Comm comm)
CMPI_COUNTED(MPI_Allgather, (from, n, t, into, n, t, comm))

static inline int cmpi_iallgather(CMPI_THROUGH, MPI_Comm comm, MPI_Request *request)
CMPI_COUNTED(MPI_Iallgather, (from, n, t, into, n, t, comm, request))

static inline int cmpi_scatter(CMPI_THROUGH, int root, MPI_Comm comm)
CMPI_COUNTED(MPI_Scatter, (from, n, t, into, n, t, root, comm))

static inline int cmpi_iscatter(CMPI_THROUGH, int root, MPI_Comm comm, MPI_Request *request)
CMPI_COUNTED(MPI_Iscatter, (from, n, t, into, n, t, root, comm, request))

static inline int cmpi_alltoall(CMPI_THROUGH, MPI_Comm comm)
CMPI_COUNTED(MPI_Alltoall, (from, n, t, into, n, t, comm))

static inline int cmpi_ialltoall(CMPI_THROUGH, MPI_Comm comm, MPI_Request *request)
CMPI_COUNTED(MPI_Ialltoall, (from, n, t, into, n, t, comm, request))

static inline int cmpi_neighbor_allgather(CMPI_THROUGH, MPI_Comm comm)
CMPI_COUNTED(MPI_Neighbor_allgather, (from, n, t, into, n, t, comm))

static inline int cmpi_file_write_at(MPI_File file, MPI_Offset offset, CMPI_OUT, MPI_Status *status)
CMPI_COUNTED(MPI_File_write_at, (file, offset, from, n, t, status))

static inline int cmpi_file_write_at_all(
    MPI_File file, MPI_Offset offset, CMPI_OUT, MPI_Status *status)
CMPI_COUNTED(MPI_File_write_at_all, (file, offset, from, n, t, status))

static inline int cmpi_file_read_at(MPI_File file, MPI_Offset offset, CMPI_IN, MPI_Status *status)
CMPI_COUNTED(MPI_File_read_at, (file, offset, into, n, t, status))

static inline int cmpi_file_read_at_all(
    MPI_File file, MPI_Offset offset, CMPI_IN, MPI_Status *status)
CMPI_COUNTED(MPI_File_read_at_all, (file, offset, into, n, t, status))

// Reductions: without MPI 4 the caller makes several calls of a long one, since
// a predefined operation takes no derived datatype.
#define CMPI_REDUCED CMPI_THROUGH, MPI_Op operation

static inline int cmpi_reduce(CMPI_REDUCED, int root, MPI_Comm comm)
CMPI_COUNTED(MPI_Reduce, (from, into, n, t, operation, root, comm))

static inline int cmpi_allreduce(CMPI_REDUCED, MPI_Comm comm)
CMPI_COUNTED(MPI_Allreduce, (from, into, n, t, operation, comm))

static inline int cmpi_iallreduce(CMPI_REDUCED, MPI_Comm comm, MPI_Request *request)
CMPI_COUNTED(MPI_Iallreduce, (from, into, n, t, operation, comm, request))

static inline int cmpi_scan(CMPI_REDUCED, MPI_Comm comm)
CMPI_COUNTED(MPI_Scan, (from, into, n, t, operation, comm))

static inline int cmpi_exscan(CMPI_REDUCED, MPI_Comm comm)
CMPI_COUNTED(MPI_Exscan, (from, into, n, t, operation, comm))

static inline int cmpi_reduce_scatter_block(CMPI_REDUCED, MPI_Comm comm)
CMPI_COUNTED(MPI_Reduce_scatter_block, (from, into, n, t, operation, comm))

#define CMPI_SEND_RECEIVE(name, receive_count, receive_type)                                     \
  static inline int name(                                                                        \
      CMPI_OUT, int destination, int tag, void *into, MPI_Count receive_count,                   \
      MPI_Datatype receive_type, int source, int receive_tag, MPI_Comm comm, MPI_Status *status)

#if MPI_VERSION >= 4
CMPI_SEND_RECEIVE(cmpi_sendrecv, m, r) {
  if (count <= INT_MAX && m <= INT_MAX) {
    return MPI_Sendrecv(
        from, (int)count, type, destination, tag, into, (int)m, r, source, receive_tag, comm,
        status);
  }
  return MPI_Sendrecv_c(
      from, count, type, destination, tag, into, m, r, source, receive_tag, comm, status);
}
#else
CMPI_SEND_RECEIVE(cmpi_sendrecv_short, m, r)
CMPI_COUNTED(
    MPI_Sendrecv,
    (from, n, t, destination, tag, into, (int)m, r, source, receive_tag, comm, status))

CMPI_SEND_RECEIVE(cmpi_sendrecv, m, r) {
  if (m <= INT_MAX) {
    return cmpi_sendrecv_short(
        from, count, type, destination, tag, into, m, r, source, receive_tag, comm, status);
  }
  MPI_Datatype whole;
  int code = cmpi_large_type(m, r, &whole);
  if (code != MPI_SUCCESS) return code;
  code = cmpi_sendrecv_short(
      from, count, type, destination, tag, into, 1, whole, source, receive_tag, comm, status);
  MPI_Type_free(&whole);
  return code;
}
#endif

// Calls with a count for each rank, when a place is beyond an int.
_Static_assert(sizeof(MPI_Count) == sizeof(int64_t) && sizeof(MPI_Aint) == sizeof(int64_t), "counts");

#if MPI_VERSION >= 4
#define CMPI_LARGE_PARTS(call, arguments) { return call arguments; }
#else
#define CMPI_LARGE_PARTS(call, arguments) { return MPI_ERR_COUNT; }
#endif

static inline int cmpi_large_gatherv(
    const void *part, int64_t count, MPI_Datatype type, void *all, const int64_t *counts,
    const int64_t *places, int root, MPI_Comm comm)
CMPI_LARGE_PARTS(MPI_Gatherv_c, (
    part, count, type, all, (const MPI_Count *)counts, (const MPI_Aint *)places, type, root, comm))

static inline int cmpi_large_allgatherv(
    const void *part, int64_t count, MPI_Datatype type, void *all, const int64_t *counts,
    const int64_t *places, MPI_Comm comm)
CMPI_LARGE_PARTS(MPI_Allgatherv_c, (
    part, count, type, all, (const MPI_Count *)counts, (const MPI_Aint *)places, type, comm))

static inline int cmpi_large_scatterv(
    const void *all, const int64_t *counts, const int64_t *places, MPI_Datatype type, void *part,
    int64_t count, int root, MPI_Comm comm)
CMPI_LARGE_PARTS(MPI_Scatterv_c, (
    all, (const MPI_Count *)counts, (const MPI_Aint *)places, type, part, count, type, root, comm))

static inline int cmpi_large_alltoallv(
    const void *from, const int64_t *counts, const int64_t *places, void *into,
    const int64_t *into_counts, const int64_t *into_places, MPI_Datatype type, MPI_Comm comm)
CMPI_LARGE_PARTS(MPI_Alltoallv_c, (
    from, (const MPI_Count *)counts, (const MPI_Aint *)places, type, into,
    (const MPI_Count *)into_counts, (const MPI_Aint *)into_places, type, comm))

// One part of such a call, the others being empty: how MPI 3 makes it part after
// part. `counts` and `zeros` have a zero for each rank.
#define CMPI_ONE_PART                                                                     \
  int rank, int owner, int *counts, const int *zeros, const void *from, void *into,       \
      MPI_Count count, MPI_Datatype type

#if MPI_VERSION >= 4
#define CMPI_SINGLE_PART(call, arguments) { return MPI_ERR_COUNT; }
#else
#define CMPI_SINGLE_PART(call, arguments) CMPI_COUNTED(call, arguments)
#endif

static inline int cmpi_gatherv_one(CMPI_ONE_PART, int root, MPI_Comm comm)
CMPI_SINGLE_PART(MPI_Gatherv, (
    from, rank == owner ? n : 0, t, into, (counts[owner] = n, counts), zeros, t, root, comm))

static inline int cmpi_allgatherv_one(CMPI_ONE_PART, MPI_Comm comm)
CMPI_SINGLE_PART(MPI_Allgatherv, (
    from, rank == owner ? n : 0, t, into, (counts[owner] = n, counts), zeros, t, comm))

static inline int cmpi_scatterv_one(CMPI_ONE_PART, int root, MPI_Comm comm)
CMPI_SINGLE_PART(MPI_Scatterv, (
    from, (counts[owner] = n, counts), zeros, t, into, rank == owner ? n : 0, t, root, comm))

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
