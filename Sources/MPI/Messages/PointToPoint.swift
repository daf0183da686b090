internal import CMPI

// Blocking messages. Each generic function is a thin shell around one that
// knows only an address, a count and a datatype, so that it costs a caller in
// another module no more than the call itself.

extension Communicator {
  /// Sends values to a rank and waits until they may be changed again.
  @inlinable
  public func send<Element: Transferable>(_ values: Span<Element>, to peer: Peer, tag: Int = 0)
    throws(MPIError)
  {
    try values.withUnsafeBufferPointer { (values) throws(MPIError) in
      try send(values.baseAddress, values.count, Element.datatype.type, to: peer, tag: tag)
    }
  }

  /// Sends values to a rank and waits until it has begun to receive them
  /// (`MPI_Ssend`): an exchange that works only because small messages are
  /// buffered hangs with this at any size.
  @inlinable
  public func sendSynchronously<Element: Transferable>(
    _ values: Span<Element>, to peer: Peer, tag: Int = 0
  ) throws(MPIError) {
    try values.withUnsafeBufferPointer { (values) throws(MPIError) in
      try sendSynchronously(
        values.baseAddress, values.count, Element.datatype.type, to: peer, tag: tag)
    }
  }

  /// Waits for values from a rank.
  ///
  /// The message may be shorter than the buffer; ``Status/count(of:)`` tells
  /// how much arrived. A longer one is an error of class
  /// ``ErrorClass/truncated``.
  ///
  /// - Parameters:
  ///   - buffer: room for the message.
  ///   - source: a rank, or `.any`.
  ///   - tag: the message's number, or `.any`.
  @inlinable
  @discardableResult
  public func receive<Element: Transferable, From: Source, Tag: TagPattern>(
    into buffer: inout MutableSpan<Element>, from source: From, tag: Tag = 0
  ) throws(MPIError) -> Status {
    try buffer.withUnsafeMutableBufferPointer { (buffer) throws(MPIError) in
      try receive(
        into: buffer.baseAddress, buffer.count, Element.datatype.type, from: source.sourceNumber,
        tag: tag.tagNumber)
    }
  }

  /// Sends to one rank and receives from another in one call, which cannot
  /// deadlock however the ranks pair up.
  @inlinable
  @discardableResult
  public func sendReceive<
    Outgoing: Transferable, Incoming: Transferable, From: Source, Tag: TagPattern
  >(
    _ values: Span<Outgoing>, to destination: Peer, tag sendTag: Int = 0,
    into buffer: inout MutableSpan<Incoming>, from source: From, tag receiveTag: Tag = 0
  ) throws(MPIError) -> Status {
    try values.withUnsafeBufferPointer { (values) throws(MPIError) in
      try buffer.withUnsafeMutableBufferPointer { (buffer) throws(MPIError) in
        try sendReceive(
          values.baseAddress, values.count, Outgoing.datatype.type, to: destination, tag: sendTag,
          into: buffer.baseAddress, buffer.count, Incoming.datatype.type,
          from: source.sourceNumber, tag: receiveTag.tagNumber)
      }
    }
  }

  @usableFromInline
  func send(
    _ address: UnsafeRawPointer?, _ count: Int, _ type: ElementType, to peer: Peer, tag: Int
  ) throws(MPIError) {
    let rank = try number(of: peer, "MPI_Send")
    let tag = try number(ofTag: tag, "MPI_Send")
    let datatype = try type.handle()
    try message("MPI_Send") { cmpi_send(address, MPI_Count(count), datatype.raw, rank, tag, $0) }
  }

  @usableFromInline
  func sendSynchronously(
    _ address: UnsafeRawPointer?, _ count: Int, _ type: ElementType, to peer: Peer, tag: Int
  ) throws(MPIError) {
    let rank = try number(of: peer, "MPI_Ssend")
    let tag = try number(ofTag: tag, "MPI_Ssend")
    let datatype = try type.handle()
    try message("MPI_Ssend") { cmpi_ssend(address, MPI_Count(count), datatype.raw, rank, tag, $0) }
  }

  @usableFromInline
  func receive(
    into address: UnsafeMutableRawPointer?, _ count: Int, _ type: ElementType,
    from source: SourceNumber, tag: TagNumber
  ) throws(MPIError) -> Status {
    let rank = try number(of: source, "MPI_Recv")
    let tag = try number(of: tag, "MPI_Recv")
    let datatype = try type.handle()
    var status = Status()
    try message("MPI_Recv") {
      cmpi_recv(address, MPI_Count(count), datatype.raw, rank, tag, $0, &status.handle.raw)
    }
    return status
  }

  @usableFromInline
  func sendReceive(
    _ values: UnsafeRawPointer?, _ sendCount: Int, _ sendType: ElementType,
    to destination: Peer, tag sendTag: Int, into buffer: UnsafeMutableRawPointer?,
    _ receiveCount: Int, _ receiveType: ElementType, from source: SourceNumber,
    tag receiveTag: TagNumber
  ) throws(MPIError) -> Status {
    try sendReceive(
      values, sendCount, try sendType.handle(), to: destination, tag: sendTag, into: buffer,
      receiveCount, try receiveType.handle(), from: source, tag: receiveTag)
  }

  func sendReceive(
    _ values: UnsafeRawPointer?, _ sendCount: Int, _ sendType: cmpi_datatype,
    to destination: Peer, tag sendTag: Int, into buffer: UnsafeMutableRawPointer?,
    _ receiveCount: Int, _ receiveType: cmpi_datatype, from source: SourceNumber,
    tag receiveTag: TagNumber
  ) throws(MPIError) -> Status {
    let (to, from) = (
      try number(of: destination, "MPI_Sendrecv"), try number(of: source, "MPI_Sendrecv")
    )
    let (sendTag, receiveTag) = (
      try number(ofTag: sendTag, "MPI_Sendrecv"), try number(of: receiveTag, "MPI_Sendrecv")
    )
    var status = Status()
    try message("MPI_Sendrecv") {
      cmpi_sendrecv(
        values, MPI_Count(sendCount), sendType.raw, to, sendTag, buffer, MPI_Count(receiveCount),
        receiveType.raw, from, receiveTag, $0, &status.handle.raw)
    }
    return status
  }
}
