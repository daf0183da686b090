internal import CMPI

// Messages that return before they are done. MPI's names for such calls begin
// with I, for "immediate"; here they begin with "start". As with blocking
// messages, each generic function is a thin shell.

extension Communicator {
  /// Starts to send a buffer, which comes back from ``Request/wait()``.
  @inlinable
  public func startSend<Element: Transferable>(
    _ buffer: consuming Buffer<Element>, to peer: Peer, tag: Int = 0
  ) throws(MPIError) -> Request<Element> {
    try request(for: buffer) { (buffer) throws(MPIError) in
      try startSend(buffer.baseAddress, buffer.count, Element.datatype.type, to: peer, tag: tag)
    }
  }

  /// Starts to send a buffer; the request completes once the other rank has
  /// begun to receive it (`MPI_Issend`).
  @inlinable
  public func startSendSynchronously<Element: Transferable>(
    _ buffer: consuming Buffer<Element>, to peer: Peer, tag: Int = 0
  ) throws(MPIError) -> Request<Element> {
    try request(for: buffer) { (buffer) throws(MPIError) in
      try startSendSynchronously(
        buffer.baseAddress, buffer.count, Element.datatype.type, to: peer, tag: tag)
    }
  }

  /// Starts to receive into a buffer, which comes back from
  /// ``Request/wait(_:)``.
  @inlinable
  public func startReceive<Element: Transferable, From: Source, Tag: TagPattern>(
    into buffer: consuming Buffer<Element>, from source: From, tag: Tag = 0
  ) throws(MPIError) -> Request<Element> {
    try request(for: buffer) { (buffer) throws(MPIError) in
      try startReceive(
        into: buffer.baseAddress, buffer.count, Element.datatype.type, from: source.sourceNumber,
        tag: tag.tagNumber)
    }
  }

  /// The request that a call makes for a buffer, whose memory is freed if MPI
  /// refuses the call.
  @inlinable
  func request<Element: Transferable>(
    for buffer: consuming Buffer<Element>,
    _ makeCall: (UnsafeMutableBufferPointer<Element>) throws(MPIError) -> PendingCall
  ) throws(MPIError) -> Request<Element> {
    let storage = buffer.release()
    do {
      return Request(try makeCall(storage), storage)
    } catch {
      storage.deallocate()
      throw error
    }
  }

  @usableFromInline
  func startSend(
    _ address: UnsafeRawPointer?, _ count: Int, _ type: ElementType, to peer: Peer, tag: Int
  ) throws(MPIError) -> PendingCall {
    let rank = try number(of: peer, "MPI_Isend")
    let tag = try number(ofTag: tag, "MPI_Isend")
    let datatype = try type.handle()
    try requireOpen("MPI_Isend")
    var request = cmpi_request()
    try check(
      cmpi_isend(address, MPI_Count(count), datatype.raw, rank, tag, handle.raw, &request.raw),
      "MPI_Isend")
    return PendingCall(request)
  }

  @usableFromInline
  func startSendSynchronously(
    _ address: UnsafeRawPointer?, _ count: Int, _ type: ElementType, to peer: Peer, tag: Int
  ) throws(MPIError) -> PendingCall {
    let rank = try number(of: peer, "MPI_Issend")
    let tag = try number(ofTag: tag, "MPI_Issend")
    let datatype = try type.handle()
    try requireOpen("MPI_Issend")
    var request = cmpi_request()
    try check(
      cmpi_issend(address, MPI_Count(count), datatype.raw, rank, tag, handle.raw, &request.raw),
      "MPI_Issend")
    return PendingCall(request)
  }

  @usableFromInline
  func startReceive(
    into address: UnsafeMutableRawPointer?, _ count: Int, _ type: ElementType,
    from source: SourceNumber, tag: TagNumber
  ) throws(MPIError) -> PendingCall {
    let rank = try number(of: source, "MPI_Irecv")
    let tag = try number(of: tag, "MPI_Irecv")
    let datatype = try type.handle()
    try requireOpen("MPI_Irecv")
    var request = cmpi_request()
    try check(
      cmpi_irecv(address, MPI_Count(count), datatype.raw, rank, tag, handle.raw, &request.raw),
      "MPI_Irecv")
    return PendingCall(request)
  }
}
