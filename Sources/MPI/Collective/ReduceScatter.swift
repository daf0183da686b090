internal import CMPI

// Reductions whose result is dealt out to the ranks, in the order of ranks.

extension Communicator {
  /// Combines the ranks' values element by element and leaves one part of the
  /// result on every rank.
  ///
  /// - Parameters:
  ///   - values: `size` parts of the length of `part`.
  ///   - part: this rank's part of the result, as long on every rank.
  ///   - operation: how two values are combined.
  @inlinable
  public func reduceScatter<Element: Transferable>(
    _ values: Span<Element>, into part: inout MutableSpan<Element>,
    _ operation: Operation<Element>
  ) throws(MPIError) {
    try requireParts(part.count, values.count, "MPI_Reduce_scatter_block")
    try values.withUnsafeBufferPointer { (values) throws(MPIError) in
      try part.withUnsafeMutableBufferPointer { (part) throws(MPIError) in
        try reduceScatter(
          values.baseAddress, into: part.baseAddress, part.count, Element.datatype.type,
          operation.kind)
      }
    }
  }

  /// Combines the ranks' values element by element and leaves a part of the
  /// result on every rank, of a length of its own.
  ///
  /// - Parameters:
  ///   - values: all parts together.
  ///   - part: this rank's part of the result, `counts[rank]` elements.
  ///   - counts: the length of every rank's part, the same on every rank.
  ///   - operation: how two values are combined.
  @inlinable
  public func reduceScatter<Element: Transferable>(
    _ values: Span<Element>, counts: [Int], into part: inout MutableSpan<Element>,
    _ operation: Operation<Element>
  ) throws(MPIError) {
    let layout = try PartLayout(counts, of: self, "MPI_Reduce_scatter")
    try layout.require(part: part.count, all: values.count)
    try values.withUnsafeBufferPointer { (values) throws(MPIError) in
      try part.withUnsafeMutableBufferPointer { (part) throws(MPIError) in
        try reduceScatter(
          values.baseAddress, layout, into: part.baseAddress, Element.datatype.type,
          operation.kind)
      }
    }
  }

  @usableFromInline
  func reduceScatter(
    _ values: UnsafeRawPointer?, into part: UnsafeMutableRawPointer?, _ count: Int,
    _ type: ElementType, _ operation: OperationKind
  ) throws(MPIError) {
    // A part that takes several runs does not lie in one piece of the values.
    if count > Int(Int32.max), cmpi_has_large_counts() == 0 || operation.owner != nil {
      return try reduceParts(
        values, [Int](repeating: count, count: size), into: part, type, operation)
    }
    let (op, datatype) = try operation.handles(for: type, "MPI_Reduce_scatter_block")
    try collective(
      "MPI_Reduce_scatter_block", CollectiveArguments(count: count, type, operation)
    ) {
      count == 0
        ? MPI_SUCCESS
        : cmpi_reduce_scatter_block(values, part, MPI_Count(count), datatype.raw, op.raw, $0)
    }
  }

  @usableFromInline
  func reduceScatter(
    _ values: UnsafeRawPointer?, _ layout: PartLayout, into part: UnsafeMutableRawPointer?,
    _ type: ElementType, _ operation: OperationKind
  ) throws(MPIError) {
    if layout.total > Int(Int32.max) {
      return try reduceParts(values, layout.counts, into: part, type, operation)
    }
    let (op, datatype) = try operation.handles(for: type, "MPI_Reduce_scatter")
    try collective(
      "MPI_Reduce_scatter",
      CollectiveArguments(count: layout.total, type, operation, counts: layout.counts)
    ) {
      MPI_Reduce_scatter(
        values, part, layout.counts.map { Int32($0) }, datatype.raw, op.raw, $0)
    }
  }

  /// One reduction for each part.
  private func reduceParts(
    _ values: UnsafeRawPointer?, _ counts: [Int], into part: UnsafeMutableRawPointer?,
    _ type: ElementType, _ operation: OperationKind
  ) throws(MPIError) {
    var start = 0
    for (root, count) in counts.enumerated() {
      try reduce(
        values.map { $0 + start * type.stride }, root == rank ? part : nil, count, type, operation,
        root: root)
      start += count
    }
  }
}
