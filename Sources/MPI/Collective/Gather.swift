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
  public func gather<Element: Transferable>(
    _ part: Span<Element>, into all: inout MutableSpan<Element>, root: Int
  ) throws(MPIError) {
    if rank == root { try requireParts(part.count, all.count, "MPI_Gather") }
    try part.withUnsafeBufferPointer { (part) throws(MPIError) in
      try all.withUnsafeMutableBufferPointer { (all) throws(MPIError) in
        try gather(
          part.baseAddress, part.count, Element.datatype.type, into: all.baseAddress, root: root)
      }
    }
  }

  /// Collects parts of equal length on every rank.
  ///
  /// - Parameters:
  ///   - part: this rank's elements, as many on every rank.
  ///   - all: room for `size` parts.
  @inlinable
  public func allGather<Element: Transferable>(
    _ part: Span<Element>, into all: inout MutableSpan<Element>
  ) throws(MPIError) {
    try requireParts(part.count, all.count, "MPI_Allgather")
    try part.withUnsafeBufferPointer { (part) throws(MPIError) in
      try all.withUnsafeMutableBufferPointer { (all) throws(MPIError) in
        try allGather(part.baseAddress, part.count, Element.datatype.type, into: all.baseAddress)
      }
    }
  }

  /// Collects parts of equal length on every rank, each of which has put its
  /// own part into its place.
  ///
  /// - Parameter all: `size` parts, of which this rank's is in place.
  @inlinable
  public func allGather<Element: Transferable>(inPlace all: inout MutableSpan<Element>)
    throws(MPIError)
  {
    try requireWholeParts(all.count, "MPI_Allgather")
    try all.withUnsafeMutableBufferPointer { (all) throws(MPIError) in
      try allGather(nil, all.count / size, Element.datatype.type, into: all.baseAddress, isInPlace: true)
    }
  }

  @usableFromInline
  func gather(
    _ part: UnsafeRawPointer?, _ count: Int, _ type: ElementType,
    into all: UnsafeMutableRawPointer?, root: Int
  ) throws(MPIError) {
    let number = try number(ofRoot: root, "MPI_Gather")
    let datatype = try type.handle()
    try collective("MPI_Gather", CollectiveArguments(count: count, type, root: root)) {
      cmpi_gather(part, all, MPI_Count(count), datatype.raw, number, $0)
    }
  }

  @usableFromInline
  func allGather(
    _ part: UnsafeRawPointer?, _ count: Int, _ type: ElementType,
    into all: UnsafeMutableRawPointer?, isInPlace: Bool = false
  ) throws(MPIError) {
    let datatype = try type.handle()
    try collective("MPI_Allgather", CollectiveArguments(count: count, type)) {
      cmpi_allgather(isInPlace ? inPlace : part, all, MPI_Count(count), datatype.raw, $0)
    }
  }

  @usableFromInline
  func requireParts(_ count: Int, _ room: Int, _ call: StaticString) throws(MPIError) {
    let (needed, isTooLarge) = count.multipliedReportingOverflow(by: size)
    if isTooLarge || room != needed {
      throw MPIError(
        .count, call: call,
        message: "\(size) parts of \(count) elements need room for \(needed), not \(room)")
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
