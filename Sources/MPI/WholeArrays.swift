// The same calls for a whole array, which Swift cannot pass as an inout span
// in one expression.

extension Communicator {
  /// Waits for numbers from a rank; see ``receive(into:from:tag:)``.
  @inlinable
  @discardableResult
  public func receive<Element: Scalar>(
    into array: inout [Element], from rank: Int, tag: Int = 0
  ) throws(MPIError) -> Status {
    var span = array.mutableSpan
    return try receive(into: &span, from: rank, tag: tag)
  }

  /// Sends to one rank and receives from another in one call; see
  /// ``sendReceive(_:to:tag:into:from:tag:)``.
  @inlinable
  @discardableResult
  public func sendReceive<Outgoing: Scalar, Incoming: Scalar>(
    _ values: Span<Outgoing>, to destination: Int, tag sendTag: Int = 0,
    into array: inout [Incoming], from source: Int, tag receiveTag: Int = 0
  ) throws(MPIError) -> Status {
    var span = array.mutableSpan
    return try sendReceive(
      values, to: destination, tag: sendTag, into: &span, from: source, tag: receiveTag)
  }

  /// Copies the root's numbers to all ranks; see ``broadcast(_:root:)``.
  @inlinable
  public func broadcast<Element: Scalar>(_ array: inout [Element], root: Int) throws(MPIError) {
    var span = array.mutableSpan
    try broadcast(&span, root: root)
  }

  /// Combines the ranks' numbers in place; see ``allReduce(_:_:)``.
  @inlinable
  public func allReduce<Element: Scalar>(
    _ array: inout [Element], _ operation: Operation<Element>
  ) throws(MPIError) {
    var span = array.mutableSpan
    try allReduce(&span, operation)
  }

  /// Collects parts of equal length at the root, as an array that is empty
  /// elsewhere; see ``gather(_:into:root:)``.
  @inlinable
  public func gather<Element: Scalar & AdditiveArithmetic>(_ part: [Element], root: Int)
    throws(MPIError) -> [Element]
  {
    var all = [Element](repeating: .zero, count: rank == root ? part.count * size : 0)
    var span = all.mutableSpan
    try gather(part.span, into: &span, root: root)
    return all
  }

  /// Collects parts of equal length on every rank; see ``allGather(_:into:)``.
  @inlinable
  public func allGather<Element: Scalar & AdditiveArithmetic>(_ part: [Element])
    throws(MPIError) -> [Element]
  {
    var all = [Element](repeating: .zero, count: part.count * size)
    var span = all.mutableSpan
    try allGather(part.span, into: &span)
    return all
  }
}
