internal import CMPI

// Dealing out an array to the ranks, in the order of ranks.

extension Communicator {
  /// Deals out parts of equal length from the root.
  ///
  /// - Parameters:
  ///   - all: at the root, `size` parts; elsewhere not read and possibly empty.
  ///   - part: this rank's part, as long on every rank.
  ///   - root: the rank that deals out, the same on every rank.
  @inlinable
  public func scatter<Element: Scalar>(
    _ all: Span<Element>, into part: inout MutableSpan<Element>, root: Int
  ) throws(MPIError) {
    if rank == root { try requireParts(part.count, all.count, "MPI_Scatter") }
    try all.withUnsafeBufferPointer { (all) throws(MPIError) in
      try part.withUnsafeMutableBufferPointer { (part) throws(MPIError) in
        try scatter(
          all.baseAddress, into: part.baseAddress, part.count, Element.datatype, root: root)
      }
    }
  }

  @usableFromInline
  func scatter(
    _ all: UnsafeRawPointer?, into part: UnsafeMutableRawPointer?, _ count: Int,
    _ datatype: Datatype, root: Int
  ) throws(MPIError) {
    try checkSame(CollectiveCall(.scatter, count: count, datatype, root: root))
    StallWatch.shared.begin("MPI_Scatter")
    defer { StallWatch.shared.end() }
    try withCount(count, datatype) { (count, datatype) throws(MPIError) in
      try check(
        MPI_Scatter(
          all, count, datatype.raw, part, count, datatype.raw, Int32(clamping: root), handle.raw),
        "MPI_Scatter")
    }
  }
}
