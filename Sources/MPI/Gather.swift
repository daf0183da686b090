internal import CMPI

// Collecting parts of an array that lie on the ranks, in the order of ranks.

extension Communicator {
  /// Collects parts of equal length at the root.
  ///
  /// - Parameters:
  ///   - part: this rank's elements, as many on every rank.
  ///   - all: at the root, room for `size` parts; elsewhere not touched and
  ///     possibly empty.
  ///   - root: the rank that collects, the same on every rank.
  @inlinable
  public func gather<Element: Scalar>(
    _ part: Span<Element>, into all: inout MutableSpan<Element>, root: Int
  ) throws(MPIError) {
    if rank == root { try requireParts(part.count, all.count, "MPI_Gather") }
    try part.withUnsafeBufferPointer { (part) throws(MPIError) in
      try all.withUnsafeMutableBufferPointer { (all) throws(MPIError) in
        try gather(
          part.baseAddress, part.count, Element.datatype, into: all.baseAddress, root: root)
      }
    }
  }

  /// Collects parts of equal length on every rank.
  ///
  /// - Parameters:
  ///   - part: this rank's elements, as many on every rank.
  ///   - all: room for `size` parts.
  @inlinable
  public func allGather<Element: Scalar>(
    _ part: Span<Element>, into all: inout MutableSpan<Element>
  ) throws(MPIError) {
    try requireParts(part.count, all.count, "MPI_Allgather")
    try part.withUnsafeBufferPointer { (part) throws(MPIError) in
      try all.withUnsafeMutableBufferPointer { (all) throws(MPIError) in
        try allGather(part.baseAddress, part.count, Element.datatype, into: all.baseAddress)
      }
    }
  }

  /// Collects parts of equal length on every rank, each of which has put its
  /// own part into its place.
  ///
  /// - Parameter all: `size` parts, of which this rank's is in place.
  @inlinable
  public func allGather<Element: Scalar>(inPlace all: inout MutableSpan<Element>) throws(MPIError) {
    try requireWholeParts(all.count, "MPI_Allgather")
    try all.withUnsafeMutableBufferPointer { (all) throws(MPIError) in
      try allGather(inPlace: all.baseAddress, all.count / size, Element.datatype)
    }
  }

  @usableFromInline
  func gather(
    _ part: UnsafeRawPointer?, _ count: Int, _ datatype: Datatype,
    into all: UnsafeMutableRawPointer?, root: Int
  ) throws(MPIError) {
    try checkSame(CollectiveCall(.gather, count: count, datatype, root: root))
    StallWatch.shared.begin("MPI_Gather")
    defer { StallWatch.shared.end() }
    try withCount(count, datatype) { (count, datatype) throws(MPIError) in
      try check(
        MPI_Gather(
          part, count, datatype.raw, all, count, datatype.raw, Int32(clamping: root), handle.raw),
        "MPI_Gather")
    }
  }

  @usableFromInline
  func allGather(
    _ part: UnsafeRawPointer?, _ count: Int, _ datatype: Datatype,
    into all: UnsafeMutableRawPointer?
  ) throws(MPIError) {
    try checkSame(CollectiveCall(.allGather, count: count, datatype))
    StallWatch.shared.begin("MPI_Allgather")
    defer { StallWatch.shared.end() }
    try withCount(count, datatype) { (count, datatype) throws(MPIError) in
      try check(
        MPI_Allgather(part, count, datatype.raw, all, count, datatype.raw, handle.raw),
        "MPI_Allgather")
    }
  }

  @usableFromInline
  func requireParts(_ count: Int, _ room: Int, _ call: StaticString) throws(MPIError) {
    if room != count * size {
      throw MPIError(
        .count, call: call,
        message: "\(size) parts of \(count) elements need room for \(count * size), not \(room)")
    }
  }

  @usableFromInline
  func allGather(inPlace all: UnsafeMutableRawPointer?, _ count: Int, _ datatype: Datatype)
    throws(MPIError)
  {
    try checkSame(CollectiveCall(.allGather, count: count, datatype))
    StallWatch.shared.begin("MPI_Allgather")
    defer { StallWatch.shared.end() }
    try withCount(count, datatype) { (count, datatype) throws(MPIError) in
      try check(
        MPI_Allgather(inPlace, 0, datatype.raw, all, count, datatype.raw, handle.raw),
        "MPI_Allgather")
    }
  }

  @usableFromInline
  func requireWholeParts(_ count: Int, _ call: StaticString) throws(MPIError) {
    if count % size != 0 {
      throw MPIError(
        .count, call: call, message: "\(count) elements are not \(size) parts of equal length")
    }
  }
}
