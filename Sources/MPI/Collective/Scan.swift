internal import CMPI

// Reductions over the ranks up to this one.

extension Communicator {
  /// Combines, element by element, the values of rank 0 up to and including
  /// this one, in place.
  @inlinable
  public func inclusiveScan<Element: Transferable>(
    _ buffer: inout MutableSpan<Element>, _ operation: Operation<Element>
  ) throws(MPIError) {
    try buffer.withUnsafeMutableBufferPointer { (buffer) throws(MPIError) in
      try inclusiveScan(buffer.baseAddress, buffer.count, Element.datatype.type, operation.kind)
    }
  }

  /// Combines, element by element, the values of rank 0 up to but not
  /// including this one, in place. Rank 0, which has none before it, keeps its
  /// own values.
  @inlinable
  public func exclusiveScan<Element: Transferable>(
    _ buffer: inout MutableSpan<Element>, _ operation: Operation<Element>
  ) throws(MPIError) {
    try buffer.withUnsafeMutableBufferPointer { (buffer) throws(MPIError) in
      try exclusiveScan(buffer.baseAddress, buffer.count, Element.datatype.type, operation.kind)
    }
  }

  @usableFromInline
  func inclusiveScan(
    _ buffer: UnsafeMutableRawPointer?, _ count: Int, _ type: ElementType,
    _ operation: OperationKind
  ) throws(MPIError) {
    let (op, datatype) = try operation.handles(for: type, "MPI_Scan")
    try collective("MPI_Scan", CollectiveArguments(count: count, type, operation)) {
      (comm) throws(MPIError) in
      try forEachRun(of: count, operation) { (start, length) throws(MPIError) in
        cmpi_scan(
          inPlace, buffer.map { $0 + start * type.stride }, MPI_Count(length), datatype.raw,
          op.raw, comm)
      }
    }
  }

  @usableFromInline
  func exclusiveScan(
    _ buffer: UnsafeMutableRawPointer?, _ count: Int, _ type: ElementType,
    _ operation: OperationKind
  ) throws(MPIError) {
    let (op, datatype) = try operation.handles(for: type, "MPI_Exscan")
    try collective("MPI_Exscan", CollectiveArguments(count: count, type, operation)) {
      (comm) throws(MPIError) in
      try forEachRun(of: count, operation) { (start, length) throws(MPIError) in
        cmpi_exscan(
          inPlace, buffer.map { $0 + start * type.stride }, MPI_Count(length), datatype.raw,
          op.raw, comm)
      }
    }
  }
}
