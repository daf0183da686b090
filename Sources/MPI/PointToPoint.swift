internal import CMPI

// Blocking messages. Each generic function is a thin shell around one that
// knows only an address, a count and a datatype, so that it costs a caller in
// another module no more than the call itself.

extension Communicator {
  /// Sends numbers to a rank and waits until they may be changed again.
  @inlinable
  public func send<Element: Scalar>(_ values: Span<Element>, to rank: Int, tag: Int = 0)
    throws(MPIError)
  {
    try values.withUnsafeBufferPointer { (values) throws(MPIError) in
      try send(values.baseAddress, values.count, Element.datatype, to: rank, tag: tag)
    }
  }

  /// Waits for numbers from a rank.
  ///
  /// The message may be shorter than the buffer; ``Status/count(of:)`` tells
  /// how much arrived. A longer one is an error of class
  /// ``ErrorClass/truncated``.
  @inlinable
  @discardableResult
  public func receive<Element: Scalar>(
    into buffer: inout MutableSpan<Element>, from rank: Int, tag: Int = 0
  ) throws(MPIError) -> Status {
    try buffer.withUnsafeMutableBufferPointer { (buffer) throws(MPIError) in
      try receive(into: buffer.baseAddress, buffer.count, Element.datatype, from: rank, tag: tag)
    }
  }

  /// Sends to one rank and receives from another in one call, which cannot
  /// deadlock however the ranks pair up.
  @inlinable
  @discardableResult
  public func sendReceive<Outgoing: Scalar, Incoming: Scalar>(
    _ values: Span<Outgoing>, to destination: Int, tag sendTag: Int = 0,
    into buffer: inout MutableSpan<Incoming>, from source: Int, tag receiveTag: Int = 0
  ) throws(MPIError) -> Status {
    try values.withUnsafeBufferPointer { (values) throws(MPIError) in
      try buffer.withUnsafeMutableBufferPointer { (buffer) throws(MPIError) in
        try sendReceive(
          values.baseAddress, values.count, Outgoing.datatype, to: destination, tag: sendTag,
          into: buffer.baseAddress, buffer.count, Incoming.datatype, from: source, tag: receiveTag)
      }
    }
  }

  @usableFromInline
  func send(
    _ address: UnsafeRawPointer?, _ count: Int, _ datatype: Datatype, to rank: Int, tag: Int
  ) throws(MPIError) {
    try withCount(count, datatype) { (count, datatype) throws(MPIError) in
      try check(
        MPI_Send(
          address, count, datatype.raw, Int32(clamping: rank), Int32(clamping: tag), handle.raw),
        "MPI_Send")
    }
  }

  @usableFromInline
  func receive(
    into address: UnsafeMutableRawPointer?, _ count: Int, _ datatype: Datatype, from rank: Int,
    tag: Int
  ) throws(MPIError) -> Status {
    var status = Status()
    try withCount(count, datatype) { (count, datatype) throws(MPIError) in
      try check(
        MPI_Recv(
          address, count, datatype.raw, Int32(clamping: rank), Int32(clamping: tag), handle.raw,
          &status.handle.raw),
        "MPI_Recv")
    }
    return status
  }

  @usableFromInline
  func sendReceive(
    _ values: UnsafeRawPointer?, _ sendCount: Int, _ sendType: Datatype, to destination: Int,
    tag sendTag: Int, into buffer: UnsafeMutableRawPointer?, _ receiveCount: Int,
    _ receiveType: Datatype, from source: Int, tag receiveTag: Int
  ) throws(MPIError) -> Status {
    var status = Status()
    try withCount(sendCount, sendType) { (sendCount, sendType) throws(MPIError) in
      try withCount(receiveCount, receiveType) { (receiveCount, receiveType) throws(MPIError) in
        try check(
          MPI_Sendrecv(
            values, sendCount, sendType.raw, Int32(clamping: destination), Int32(clamping: sendTag),
            buffer, receiveCount, receiveType.raw, Int32(clamping: source),
            Int32(clamping: receiveTag), handle.raw, &status.handle.raw),
          "MPI_Sendrecv")
      }
    }
    return status
  }
}
