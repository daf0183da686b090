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
    let address = UnsafeMutableRawPointer(storage.baseAddress)
    let datatype = Element.datatype
    var request = cmpi_request()
    var further: [cmpi_request] = []
    do {
      try checkSame(
        CollectiveCall(.startAllReduce, count: storage.count, datatype, operation.kind))
      try forEachRun(of: storage.count) { (start, length) throws(MPIError) in
        if start > 0 { further.append(request) }
        try check(
          MPI_Iallreduce(
            inPlace, address.map { $0 + start * datatype.size }, length, datatype.handle.raw,
            operation.kind.handle.raw, handle.raw, &request.raw),
          "MPI_Iallreduce")
      }
    } catch {
      // MPI works on the runs before the one that it refused.
      if further.isEmpty { storage.deallocate() }
      throw error
    }
    return Request(request, further: further, storage)
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
