internal import CMPI

// Reductions over the ranks up to this one.

extension Communicator {
  /// Combines, element by element, the numbers of rank 0 up to and including
  /// this one, in place.
  @inlinable
  public func inclusiveScan<Element: Scalar>(
    _ buffer: inout MutableSpan<Element>, _ operation: Operation<Element>
  ) throws(MPIError) {
    try buffer.withUnsafeMutableBufferPointer { (buffer) throws(MPIError) in
      try inclusiveScan(buffer.baseAddress, buffer.count, Element.datatype, operation.kind)
    }
  }

  /// Combines, element by element, the numbers of rank 0 up to but not
  /// including this one, in place. Rank 0, which has none before it, keeps its
  /// own numbers.
  @inlinable
  public func exclusiveScan<Element: Scalar>(
    _ buffer: inout MutableSpan<Element>, _ operation: Operation<Element>
  ) throws(MPIError) {
    try buffer.withUnsafeMutableBufferPointer { (buffer) throws(MPIError) in
      try exclusiveScan(buffer.baseAddress, buffer.count, Element.datatype, operation.kind)
    }
  }

  @usableFromInline
  func inclusiveScan(
    _ buffer: UnsafeMutableRawPointer?, _ count: Int, _ datatype: Datatype,
    _ operation: OperationKind
  ) throws(MPIError) {
    try checkSame(CollectiveCall(.inclusiveScan, count: count, datatype, operation))
    StallWatch.shared.begin("MPI_Scan")
    defer { StallWatch.shared.end() }
    try forEachRun(of: count) { (start, length) throws(MPIError) in
      try check(
        MPI_Scan(
          inPlace, buffer.map { $0 + start * datatype.size }, length, datatype.handle.raw,
          operation.handle.raw, handle.raw),
        "MPI_Scan")
    }
  }

  @usableFromInline
  func exclusiveScan(
    _ buffer: UnsafeMutableRawPointer?, _ count: Int, _ datatype: Datatype,
    _ operation: OperationKind
  ) throws(MPIError) {
    try checkSame(CollectiveCall(.exclusiveScan, count: count, datatype, operation))
    StallWatch.shared.begin("MPI_Exscan")
    defer { StallWatch.shared.end() }
    try forEachRun(of: count) { (start, length) throws(MPIError) in
      try check(
        MPI_Exscan(
          inPlace, buffer.map { $0 + start * datatype.size }, length, datatype.handle.raw,
          operation.handle.raw, handle.raw),
        "MPI_Exscan")
    }
  }
}
