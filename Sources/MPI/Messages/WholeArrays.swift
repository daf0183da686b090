// The same calls for a whole array, which Swift cannot pass as an inout span
// in one expression.

extension Communicator {
  /// Waits for values from a rank; see `receive(into:from:tag:)`.
  @inlinable
  @discardableResult
  public func receive<Element: Transferable, From: Source, Tag: TagPattern>(
    into array: inout [Element], from source: From, tag: Tag = 0
  ) throws(MPIError) -> Status {
    var span = array.mutableSpan
    return try receive(into: &span, from: source, tag: tag)
  }

  /// Sends to one rank and receives from another in one call; see
  /// ``sendReceive(_:to:tag:into:from:tag:)``.
  @inlinable
  @discardableResult
  public func sendReceive<
    Outgoing: Transferable, Incoming: Transferable, From: Source, Tag: TagPattern
  >(
    _ values: Span<Outgoing>, to destination: Peer, tag sendTag: Int = 0,
    into array: inout [Incoming], from source: From, tag receiveTag: Tag = 0
  ) throws(MPIError) -> Status {
    var span = array.mutableSpan
    return try sendReceive(
      values, to: destination, tag: sendTag, into: &span, from: source, tag: receiveTag)
  }

  /// Copies the root's values to all ranks; see ``broadcast(_:root:)``.
  @inlinable
  public func broadcast<Element: Transferable>(_ array: inout [Element], root: Int)
    throws(MPIError)
  {
    var span = array.mutableSpan
    try broadcast(&span, root: root)
  }

  /// Combines the ranks' values in place; see ``allReduce(_:_:)``.
  @inlinable
  public func allReduce<Element: Transferable>(
    _ array: inout [Element], _ operation: Operation<Element>
  ) throws(MPIError) {
    var span = array.mutableSpan
    try allReduce(&span, operation)
  }

  /// Collects parts of equal length at the root, as an array that is empty
  /// elsewhere; see ``gather(_:into:root:)``.
  @inlinable
  public func gather<Element: Transferable>(_ part: [Element], root: Int)
    throws(MPIError) -> [Element]
  {
    try elements(rank == root ? part.count * size : 0) { (all) throws(MPIError) in
      try part.span.withUnsafeBufferPointer { (part) throws(MPIError) in
        try gather(part.baseAddress, part.count, Element.datatype.type, into: all, root: root)
      }
    }
  }

  /// Collects parts of equal length on every rank; see ``allGather(_:into:)``.
  @inlinable
  public func allGather<Element: Transferable>(_ part: [Element]) throws(MPIError) -> [Element] {
    try elements(part.count * size) { (all) throws(MPIError) in
      try part.span.withUnsafeBufferPointer { (part) throws(MPIError) in
        try allGather(part.baseAddress, part.count, Element.datatype.type, into: all)
      }
    }
  }

  /// Hands every rank its part and collects the parts for this one; see
  /// ``allToAll(_:into:)``.
  @inlinable
  public func allToAll<Element: Transferable>(_ parts: [Element]) throws(MPIError) -> [Element] {
    try requireWholeParts(parts.count, "MPI_Alltoall")
    return try elements(parts.count) { (all) throws(MPIError) in
      try parts.span.withUnsafeBufferPointer { (parts) throws(MPIError) in
        try allToAll(parts.baseAddress, parts.count / size, Element.datatype.type, into: all)
      }
    }
  }
}
