internal import CMPI

// Calls that all ranks of a communicator make together, in the same order.

extension Communicator {
  /// Waits until all ranks have called it.
  public func barrier() throws(MPIError) {
    try checkSame(CollectiveCall(.barrier))
    StallWatch.shared.begin("MPI_Barrier")
    defer { StallWatch.shared.end() }
    try check(MPI_Barrier(handle.raw), "MPI_Barrier")
  }

  /// Copies the root's numbers to all ranks.
  ///
  /// - Parameters:
  ///   - buffer: as long on every rank; the source at the root, the destination
  ///     elsewhere.
  ///   - root: the rank that has the numbers, the same on every rank.
  @inlinable
  public func broadcast<Element: Scalar>(_ buffer: inout MutableSpan<Element>, root: Int)
    throws(MPIError)
  {
    try buffer.withUnsafeMutableBufferPointer { (buffer) throws(MPIError) in
      try broadcast(buffer.baseAddress, buffer.count, Element.datatype, root: root)
    }
  }

  @usableFromInline
  func broadcast(
    _ address: UnsafeMutableRawPointer?, _ count: Int, _ datatype: Datatype, root: Int
  ) throws(MPIError) {
    try checkSame(CollectiveCall(.broadcast, count: count, datatype, root: root))
    StallWatch.shared.begin("MPI_Bcast")
    defer { StallWatch.shared.end() }
    try withCount(count, datatype) { (count, datatype) throws(MPIError) in
      try check(
        MPI_Bcast(address, count, datatype.raw, Int32(clamping: root), handle.raw), "MPI_Bcast")
    }
  }
}

// MARK: - Reductions

extension Communicator {
  /// Combines the ranks' numbers element by element and leaves the result on
  /// all ranks, in place.
  ///
  /// The order of the additions is the library's, so that the last bits of a
  /// sum of floating-point numbers depend on the number of ranks;
  /// ``ExactSum`` has no such dependence.
  @inlinable
  public func allReduce<Element: Scalar>(
    _ buffer: inout MutableSpan<Element>, _ operation: Operation<Element>
  ) throws(MPIError) {
    try buffer.withUnsafeMutableBufferPointer { (buffer) throws(MPIError) in
      try allReduce(nil, buffer.baseAddress, buffer.count, Element.datatype, operation.kind)
    }
  }

  /// Combines the ranks' numbers element by element and leaves the result on
  /// all ranks.
  @inlinable
  public func allReduce<Element: Scalar>(
    _ values: Span<Element>, into result: inout MutableSpan<Element>,
    _ operation: Operation<Element>
  ) throws(MPIError) {
    try requireSameCount(values.count, result.count, "MPI_Allreduce")
    try values.withUnsafeBufferPointer { (values) throws(MPIError) in
      try result.withUnsafeMutableBufferPointer { (result) throws(MPIError) in
        try allReduce(
          values.baseAddress, result.baseAddress, result.count, Element.datatype, operation.kind)
      }
    }
  }

  /// Combines one number of every rank.
  @inlinable
  public func allReduce<Element: Scalar>(_ value: Element, _ operation: Operation<Element>)
    throws(MPIError) -> Element
  {
    var value = value
    try withUnsafeMutablePointer(to: &value) { (value) throws(MPIError) in
      try allReduce(nil, value, 1, Element.datatype, operation.kind)
    }
    return value
  }

  /// Nil `values` stand for "in place".
  @usableFromInline
  func allReduce(
    _ values: UnsafeRawPointer?, _ result: UnsafeMutableRawPointer?, _ count: Int,
    _ datatype: Datatype, _ operation: OperationKind
  ) throws(MPIError) {
    try checkSame(CollectiveCall(.allReduce, count: count, datatype, operation))
    StallWatch.shared.begin("MPI_Allreduce")
    defer { StallWatch.shared.end() }
    if count == 0 { return }  // An empty span may have no address, which is no "in place".
    let stride = datatype.size
    try forEachRun(of: count) { (start, length) throws(MPIError) in
      try check(
        MPI_Allreduce(
          values.map { $0 + start * stride } ?? inPlace, result.map { $0 + start * stride }, length,
          datatype.handle.raw, operation.handle.raw, handle.raw),
        "MPI_Allreduce")
    }
  }

  /// Combines the ranks' numbers element by element and leaves the result at
  /// the root; elsewhere `result` is not touched and may be empty.
  @inlinable
  public func reduce<Element: Scalar>(
    _ values: Span<Element>, into result: inout MutableSpan<Element>,
    _ operation: Operation<Element>, root: Int
  ) throws(MPIError) {
    if rank == root { try requireSameCount(values.count, result.count, "MPI_Reduce") }
    try values.withUnsafeBufferPointer { (values) throws(MPIError) in
      try result.withUnsafeMutableBufferPointer { (result) throws(MPIError) in
        try reduce(
          values.baseAddress, result.baseAddress, values.count, Element.datatype, operation.kind,
          root: root)
      }
    }
  }

  /// Combines the ranks' numbers element by element, in place at the root;
  /// elsewhere `buffer` is only read.
  @inlinable
  public func reduce<Element: Scalar>(
    _ buffer: inout MutableSpan<Element>, _ operation: Operation<Element>, root: Int
  ) throws(MPIError) {
    try buffer.withUnsafeMutableBufferPointer { (buffer) throws(MPIError) in
      try reduce(
        rank == root ? nil : UnsafeRawPointer(buffer.baseAddress), buffer.baseAddress, buffer.count,
        Element.datatype, operation.kind, root: root)
    }
  }

  @usableFromInline
  func reduce(
    _ values: UnsafeRawPointer?, _ result: UnsafeMutableRawPointer?, _ count: Int,
    _ datatype: Datatype, _ operation: OperationKind, root: Int
  ) throws(MPIError) {
    try checkSame(CollectiveCall(.reduce, count: count, datatype, operation, root: root))
    StallWatch.shared.begin("MPI_Reduce")
    defer { StallWatch.shared.end() }
    if count == 0 { return }
    let stride = datatype.size
    try forEachRun(of: count) { (start, length) throws(MPIError) in
      try check(
        MPI_Reduce(
          values.map { $0 + start * stride } ?? inPlace, result.map { $0 + start * stride }, length,
          datatype.handle.raw, operation.handle.raw, Int32(clamping: root), handle.raw),
        "MPI_Reduce")
    }
  }

  /// `MPI_IN_PLACE` as an address to read from.
  var inPlace: UnsafeRawPointer? { UnsafeRawPointer(cmpi_in_place()) }
}

extension Communicator {
  @usableFromInline
  func requireSameCount(_ count: Int, _ resultCount: Int, _ call: StaticString) throws(MPIError) {
    if count != resultCount {
      throw MPIError(
        .count, call: call,
        message: "\(count) elements go in, but the result has room for \(resultCount)")
    }
  }
}
