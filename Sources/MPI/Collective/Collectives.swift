internal import CMPI

// Calls that all ranks of a communicator make together, in the same order.

extension Communicator {
  /// Waits until all ranks have called it.
  public func barrier() throws(MPIError) {
    try collective("MPI_Barrier", CollectiveArguments()) { MPI_Barrier($0) }
  }

  /// Copies the root's values to all ranks.
  ///
  /// - Parameters:
  ///   - buffer: as long on every rank; the source at the root, the destination
  ///     elsewhere.
  ///   - root: the rank that has the values, the same on every rank.
  @inlinable
  public func broadcast<Element: Transferable>(_ buffer: inout MutableSpan<Element>, root: Int)
    throws(MPIError)
  {
    try buffer.withUnsafeMutableBufferPointer { (buffer) throws(MPIError) in
      try broadcast(buffer.baseAddress, buffer.count, Element.datatype.type, root: root)
    }
  }

  @usableFromInline
  func broadcast(
    _ address: UnsafeMutableRawPointer?, _ count: Int, _ type: ElementType, root: Int
  ) throws(MPIError) {
    let number = try number(ofRoot: root, "MPI_Bcast")
    let datatype = try type.handle()
    try collective("MPI_Bcast", CollectiveArguments(count: count, type, root: root)) {
      cmpi_bcast(address, MPI_Count(count), datatype.raw, number, $0)
    }
  }
}

// MARK: - Reductions

extension Communicator {
  /// Combines the ranks' values element by element and leaves the result on
  /// all ranks, in place.
  ///
  /// The order of the additions is the library's, so that the last bits of a
  /// sum of floating-point numbers depend on the number of ranks;
  /// ``ExactSum`` has no such dependence.
  @inlinable
  public func allReduce<Element: Transferable>(
    _ buffer: inout MutableSpan<Element>, _ operation: Operation<Element>
  ) throws(MPIError) {
    try buffer.withUnsafeMutableBufferPointer { (buffer) throws(MPIError) in
      try allReduce(
        nil, buffer.baseAddress, buffer.count, Element.datatype.type, operation.kind)
    }
  }

  /// Combines the ranks' values element by element and leaves the result on
  /// all ranks.
  @inlinable
  public func allReduce<Element: Transferable>(
    _ values: Span<Element>, into result: inout MutableSpan<Element>,
    _ operation: Operation<Element>
  ) throws(MPIError) {
    try requireSameCount(values.count, result.count, "MPI_Allreduce")
    try values.withUnsafeBufferPointer { (values) throws(MPIError) in
      try result.withUnsafeMutableBufferPointer { (result) throws(MPIError) in
        try allReduce(
          values.baseAddress, result.baseAddress, result.count, Element.datatype.type,
          operation.kind)
      }
    }
  }

  /// Combines one value of every rank.
  @inlinable
  public func allReduce<Element: Transferable>(_ value: Element, _ operation: Operation<Element>)
    throws(MPIError) -> Element
  {
    var value = value
    try withUnsafeMutablePointer(to: &value) { (value) throws(MPIError) in
      try allReduce(nil, value, 1, Element.datatype.type, operation.kind)
    }
    return value
  }

  /// Nil `values` stand for "in place".
  @usableFromInline
  func allReduce(
    _ values: UnsafeRawPointer?, _ result: UnsafeMutableRawPointer?, _ count: Int,
    _ type: ElementType, _ operation: OperationKind
  ) throws(MPIError) {
    let (op, datatype) = try operation.handles(for: type, "MPI_Allreduce")
    try collective("MPI_Allreduce", CollectiveArguments(count: count, type, operation)) {
      (comm) throws(MPIError) in
      if count == 0 { return MPI_SUCCESS }  // An empty span may have no address, which is no "in place".
      return try forEachRun(of: count, operation) { (start, length) throws(MPIError) in
        let offset = start == 0 ? 0 : start * type.stride
        return cmpi_allreduce(
          values.map { $0 + offset } ?? inPlace, result.map { $0 + offset }, MPI_Count(length),
          datatype.raw, op.raw, comm)
      }
    }
  }

  /// Combines the ranks' values element by element and leaves the result at
  /// the root; elsewhere `result` is not touched and may be empty.
  @inlinable
  public func reduce<Element: Transferable>(
    _ values: Span<Element>, into result: inout MutableSpan<Element>,
    _ operation: Operation<Element>, root: Int
  ) throws(MPIError) {
    if rank == root { try requireSameCount(values.count, result.count, "MPI_Reduce") }
    try values.withUnsafeBufferPointer { (values) throws(MPIError) in
      try result.withUnsafeMutableBufferPointer { (result) throws(MPIError) in
        try reduce(
          values.baseAddress, result.baseAddress, values.count, Element.datatype.type,
          operation.kind, root: root)
      }
    }
  }

  /// Combines the ranks' values element by element, in place at the root;
  /// elsewhere `buffer` is only read.
  @inlinable
  public func reduce<Element: Transferable>(
    _ buffer: inout MutableSpan<Element>, _ operation: Operation<Element>, root: Int
  ) throws(MPIError) {
    try buffer.withUnsafeMutableBufferPointer { (buffer) throws(MPIError) in
      try reduce(
        rank == root ? nil : UnsafeRawPointer(buffer.baseAddress), buffer.baseAddress, buffer.count,
        Element.datatype.type, operation.kind, root: root)
    }
  }

  @usableFromInline
  func reduce(
    _ values: UnsafeRawPointer?, _ result: UnsafeMutableRawPointer?, _ count: Int,
    _ type: ElementType, _ operation: OperationKind, root: Int
  ) throws(MPIError) {
    let number = try number(ofRoot: root, "MPI_Reduce")
    let (op, datatype) = try operation.handles(for: type, "MPI_Reduce")
    try collective("MPI_Reduce", CollectiveArguments(count: count, type, operation, root: root)) {
      (comm) throws(MPIError) in
      if count == 0 { return MPI_SUCCESS }
      return try forEachRun(of: count, operation) { (start, length) throws(MPIError) in
        let offset = start == 0 ? 0 : start * type.stride
        return cmpi_reduce(
          values.map { $0 + offset } ?? inPlace, result.map { $0 + offset }, MPI_Count(length),
          datatype.raw, op.raw, number, comm)
      }
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
