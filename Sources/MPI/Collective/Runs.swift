internal import CMPI

/// Cuts the elements of a reduction into runs that the library can count: MPI 3
/// counts with a C int, and so does a function of the program with any MPI.
@inline(__always)
func forEachRun(
  of count: Int, _ operation: OperationKind,
  _ body: (_ start: Int, _ length: Int) throws(MPIError) -> Int32
) throws(MPIError) -> Int32 {
  if count <= Int(Int32.max) { return try body(0, count) }
  return try forEachLongRun(of: count, operation, body)
}

@inline(never)
private func forEachLongRun(
  of count: Int, _ operation: OperationKind,
  _ body: (_ start: Int, _ length: Int) throws(MPIError) -> Int32
) throws(MPIError) -> Int32 {
  if cmpi_has_large_counts() != 0, operation.owner == nil { return try body(0, count) }
  let longest = 1 << 30
  var start = 0
  while start < count {
    let length = min(longest, count - start)
    let code = try body(start, length)
    if code != MPI_SUCCESS { return code }
    start += length
  }
  return MPI_SUCCESS
}
