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
  public func scatter<Element: Transferable>(
    _ all: Span<Element>, into part: inout MutableSpan<Element>, root: Int
  ) throws(MPIError) {
    if rank == root { try requireParts(part.count, all.count, "MPI_Scatter") }
    try all.withUnsafeBufferPointer { (all) throws(MPIError) in
      try part.withUnsafeMutableBufferPointer { (part) throws(MPIError) in
        try scatter(
          all.baseAddress, into: part.baseAddress, part.count, Element.datatype.type, root: root)
      }
    }
  }

  @usableFromInline
  func scatter(
    _ all: UnsafeRawPointer?, into part: UnsafeMutableRawPointer?, _ count: Int,
    _ type: ElementType, root: Int
  ) throws(MPIError) {
    let number = try number(ofRoot: root, "MPI_Scatter")
    let datatype = try type.handle()
    try collective("MPI_Scatter", CollectiveArguments(count: count, type, root: root)) {
      cmpi_scatter(all, part, MPI_Count(count), datatype.raw, number, $0)
    }
  }
}
