internal import CMPI

// Calls that return before they are done. MPI's names for them begin with I,
// for "immediate"; here they begin with "start". As with blocking messages,
// each generic function is a thin shell.

extension Communicator {
  /// Starts to send a buffer, which comes back from ``Request/wait()``.
  @inlinable
  public func startSend<Element: Scalar>(
    _ buffer: consuming Buffer<Element>, to rank: Int, tag: Int = 0
  ) throws(MPIError) -> Request<Element> {
    try request(for: buffer) { (buffer) throws(MPIError) in
      try startSend(buffer.baseAddress, buffer.count, Element.datatype, to: rank, tag: tag)
    }
  }

  /// Starts to receive into a buffer, which comes back from
  /// ``Request/wait(_:)``.
  @inlinable
  public func startReceive<Element: Scalar>(
    into buffer: consuming Buffer<Element>, from rank: Int, tag: Int = 0
  ) throws(MPIError) -> Request<Element> {
    try request(for: buffer) { (buffer) throws(MPIError) in
      try startReceive(
        into: buffer.baseAddress, buffer.count, Element.datatype, from: rank, tag: tag)
    }
  }

  /// Starts to combine the ranks' numbers, in place.
  @inlinable
  public func startAllReduce<Element: Scalar>(
    _ buffer: consuming Buffer<Element>, _ operation: Operation<Element>
  ) throws(MPIError) -> Request<Element> {
    try request(for: buffer) { (buffer) throws(MPIError) in
      try startAllReduce(buffer.baseAddress, buffer.count, Element.datatype, operation.kind)
    }
  }

  /// Starts to copy the root's numbers to all ranks.
  @inlinable
  public func startBroadcast<Element: Scalar>(
    _ buffer: consuming Buffer<Element>, root: Int
  ) throws(MPIError) -> Request<Element> {
    try request(for: buffer) { (buffer) throws(MPIError) in
      try startBroadcast(buffer.baseAddress, buffer.count, Element.datatype, root: root)
    }
  }

  /// Starts to wait until all ranks have called this.
  public func startBarrier() throws(MPIError) -> BarrierRequest {
    try checkSame(CollectiveCall(.startBarrier))
    var request = cmpi_request()
    try check(MPI_Ibarrier(handle.raw, &request.raw), "MPI_Ibarrier")
    return BarrierRequest(request)
  }

  /// The request that a call makes for a buffer, whose memory is freed if MPI
  /// refuses the call.
  @inlinable
  func request<Element: Scalar>(
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
    _ address: UnsafeRawPointer?, _ count: Int, _ datatype: Datatype, to rank: Int, tag: Int
  ) throws(MPIError) -> PendingCall {
    var request = cmpi_request()
    try withCount(count, datatype) { (count, datatype) throws(MPIError) in
      try check(
        MPI_Isend(
          address, count, datatype.raw, Int32(clamping: rank), Int32(clamping: tag), handle.raw,
          &request.raw),
        "MPI_Isend")
    }
    return PendingCall(request)
  }

  @usableFromInline
  func startReceive(
    into address: UnsafeMutableRawPointer?, _ count: Int, _ datatype: Datatype, from rank: Int,
    tag: Int
  ) throws(MPIError) -> PendingCall {
    var request = cmpi_request()
    try withCount(count, datatype) { (count, datatype) throws(MPIError) in
      try check(
        MPI_Irecv(
          address, count, datatype.raw, Int32(clamping: rank), Int32(clamping: tag), handle.raw,
          &request.raw),
        "MPI_Irecv")
    }
    return PendingCall(request)
  }

  @usableFromInline
  func startAllReduce(
    _ address: UnsafeMutableRawPointer?, _ count: Int, _ datatype: Datatype,
    _ operation: OperationKind
  ) throws(MPIError) -> PendingCall {
    try checkSame(CollectiveCall(.startAllReduce, count: count, datatype, operation))
    var request = cmpi_request()
    var further: [cmpi_request] = []
    do {
      try forEachRun(of: count) { (start, length) throws(MPIError) in
        if start > 0 { further.append(request) }
        try check(
          MPI_Iallreduce(
            inPlace, address.map { $0 + start * datatype.size }, length, datatype.handle.raw,
            operation.handle.raw, handle.raw, &request.raw),
          "MPI_Iallreduce")
      }
    } catch {
      // The memory is MPI's until the runs before the refused one are over.
      for index in further.indices { MPI_Wait(&further[index].raw, cmpi_status_ignore()) }
      throw error
    }
    return PendingCall(request, further: further)
  }

  @usableFromInline
  func startBroadcast(
    _ address: UnsafeMutableRawPointer?, _ count: Int, _ datatype: Datatype, root: Int
  ) throws(MPIError) -> PendingCall {
    try checkSame(CollectiveCall(.startBroadcast, count: count, datatype, root: root))
    var request = cmpi_request()
    try withCount(count, datatype) { (count, datatype) throws(MPIError) in
      try check(
        MPI_Ibcast(
          address, count, datatype.raw, Int32(clamping: root), handle.raw, &request.raw),
        "MPI_Ibcast")
    }
    return PendingCall(request)
  }
}
