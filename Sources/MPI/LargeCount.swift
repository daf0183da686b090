internal import CMPI

// MPI-3 counts elements with a C int. A longer message is one element of a
// derived datatype: `quotient` blocks of 2^30 elements and the rest after
// them. Both ends may cut a message differently, since MPI matches the
// sequence of basic elements only.
private let blockLength: Int32 = 1 << 30

/// Calls `body` with a count and a datatype that describe `count` elements.
@inline(__always)
func withCount(
  _ count: Int, _ datatype: Datatype, _ body: (Int32, cmpi_datatype) throws(MPIError) -> Void
) throws(MPIError) {
  if let small = Int32(exactly: count) {
    try body(small, datatype.handle)
  } else {
    var derived = try largeDatatype(count, datatype.handle)
    try body(1, derived)
    try check(MPI_Type_free(&derived.raw), "MPI_Type_free")
  }
}

private func largeDatatype(_ count: Int, _ element: cmpi_datatype) throws(MPIError) -> cmpi_datatype
{
  let (quotient, rest) = count.quotientAndRemainder(dividingBy: Int(blockLength))
  var lowerBound: MPI_Aint = 0
  var extent: MPI_Aint = 0
  try check(MPI_Type_get_extent(element.raw, &lowerBound, &extent), "MPI_Type_get_extent")
  var block = cmpi_datatype()
  try check(MPI_Type_contiguous(blockLength, element.raw, &block.raw), "MPI_Type_contiguous")
  var whole = cmpi_datatype()
  let lengths = [Int32(clamping: quotient), Int32(rest)]
  let displacements = [0, MPI_Aint(quotient) * MPI_Aint(blockLength) * extent]
  let parts = [block.raw, element.raw]
  try check(
    MPI_Type_create_struct(2, lengths, displacements, parts, &whole.raw), "MPI_Type_create_struct")
  try check(MPI_Type_commit(&whole.raw), "MPI_Type_commit")
  try check(MPI_Type_free(&block.raw), "MPI_Type_free")
  return whole
}

/// Cuts `count` elements into runs that MPI can count, for reductions, which
/// take predefined datatypes only.
@inline(__always)
func forEachRun(of count: Int, _ body: (_ start: Int, _ length: Int32) throws(MPIError) -> Void)
  throws(MPIError)
{
  if let small = Int32(exactly: count) { return try body(0, small) }
  var start = 0
  while start < count {
    let length = Int32(min(Int(blockLength), count - start))
    try body(start, length)
    start += Int(length)
  }
}
