internal import CMPI

// Calls that return before they are done. MPI's names for them begin with I,
// for "immediate"; here they begin with "start".

extension Communicator {
  /// Starts to send a buffer, which comes back from ``Request/wait()``.
  public func startSend<Element: Scalar>(
    _ buffer: consuming Buffer<Element>, to rank: Int, tag: Int = 0
  ) throws(MPIError) -> Request<Element> {
    let storage = buffer.release()
    let request = try request(for: storage) { (request) throws(MPIError) in
      try withCount(storage.count, Element.datatype) { (count, datatype) throws(MPIError) in
        try check(
          MPI_Isend(
            storage.baseAddress, count, datatype.raw, Int32(clamping: rank), Int32(clamping: tag),
            handle.raw, &request.raw),
          "MPI_Isend")
      }
    }
    return Request(request, storage)
  }

  /// Starts to receive into a buffer, which comes back from
  /// ``Request/wait(_:)``.
  public func startReceive<Element: Scalar>(
    into buffer: consuming Buffer<Element>, from rank: Int, tag: Int = 0
  ) throws(MPIError) -> Request<Element> {
    let storage = buffer.release()
    let request = try request(for: storage) { (request) throws(MPIError) in
      try withCount(storage.count, Element.datatype) { (count, datatype) throws(MPIError) in
        try check(
          MPI_Irecv(
            storage.baseAddress, count, datatype.raw, Int32(clamping: rank), Int32(clamping: tag),
            handle.raw, &request.raw),
          "MPI_Irecv")
      }
    }
    return Request(request, storage)
  }

  /// Starts to combine the ranks' numbers, in place.
  public func startAllReduce<Element: Scalar>(
    _ buffer: consuming Buffer<Element>, _ operation: Operation<Element>
  ) throws(MPIError) -> Request<Element> {
    let storage = buffer.release()
    let request = try request(for: storage) { (request) throws(MPIError) in
      try checkSame(
        CollectiveCall(.startAllReduce, count: storage.count, Element.datatype, operation.kind))
      guard let count = Int32(exactly: storage.count) else {
        throw MPIError(
          .count, call: "MPI_Iallreduce",
          message: "\(storage.count) elements are more than one non-blocking reduction can take")
      }
      try check(
        MPI_Iallreduce(
          inPlace, storage.baseAddress, count, Element.datatype.handle.raw,
          operation.kind.handle.raw, handle.raw, &request.raw),
        "MPI_Iallreduce")
    }
    return Request(request, storage)
  }

  /// Starts to copy the root's numbers to all ranks.
  public func startBroadcast<Element: Scalar>(
    _ buffer: consuming Buffer<Element>, root: Int
  ) throws(MPIError) -> Request<Element> {
    let storage = buffer.release()
    let request = try request(for: storage) { (request) throws(MPIError) in
      try checkSame(
        CollectiveCall(.startBroadcast, count: storage.count, Element.datatype, root: root))
      try withCount(storage.count, Element.datatype) { (count, datatype) throws(MPIError) in
        try check(
          MPI_Ibcast(
            storage.baseAddress, count, datatype.raw, Int32(clamping: root), handle.raw,
            &request.raw),
          "MPI_Ibcast")
      }
    }
    return Request(request, storage)
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
  func request<Element: Scalar>(
    for storage: UnsafeMutableBufferPointer<Element>,
    _ makeCall: (inout cmpi_request) throws(MPIError) -> Void
  ) throws(MPIError) -> cmpi_request {
    var request = cmpi_request()
    do {
      try makeCall(&request)
    } catch {
      storage.deallocate()
      throw error
    }
    return request
  }
}
