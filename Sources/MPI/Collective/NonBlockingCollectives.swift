internal import CMPI

// Collective calls that return before they are done. Each has one buffer, which
// comes back from the request: what a rank contributes lies in it in the place
// that it has in the result, so that nothing is copied.

extension Communicator {
  /// Starts to combine the ranks' values, in place.
  @inlinable
  public func startAllReduce<Element: Transferable>(
    _ buffer: consuming Buffer<Element>, _ operation: Operation<Element>
  ) throws(MPIError) -> Request<Element> {
    try request(for: buffer) { (buffer) throws(MPIError) in
      try startAllReduce(buffer.baseAddress, buffer.count, Element.datatype.type, operation.kind)
    }
  }

  /// Starts to copy the root's values to all ranks.
  @inlinable
  public func startBroadcast<Element: Transferable>(
    _ buffer: consuming Buffer<Element>, root: Int
  ) throws(MPIError) -> Request<Element> {
    try request(for: buffer) { (buffer) throws(MPIError) in
      try startBroadcast(buffer.baseAddress, buffer.count, Element.datatype.type, root: root)
    }
  }

  /// Starts to wait until all ranks have called this.
  public func startBarrier() throws(MPIError) -> BarrierRequest {
    BarrierRequest(
      try startCollective("MPI_Ibarrier", CollectiveArguments()) { MPI_Ibarrier($0, &$1.raw) })
  }

  /// Starts to collect parts of equal length at the root.
  ///
  /// - Parameters:
  ///   - buffer: at the root, `size` parts, of which its own is in place;
  ///     elsewhere this rank's part.
  ///   - root: the rank that collects, the same on every rank.
  @inlinable
  public func startGather<Element: Transferable>(
    _ buffer: consuming Buffer<Element>, root: Int
  ) throws(MPIError) -> Request<Element> {
    if rank == root { try requireWholeParts(buffer.count, "MPI_Igather") }
    return try request(for: buffer) { (buffer) throws(MPIError) in
      try startGather(buffer.baseAddress, buffer.count, Element.datatype.type, root: root)
    }
  }

  /// Starts to collect parts of equal length on every rank.
  ///
  /// - Parameter buffer: `size` parts, of which this rank's is in place.
  @inlinable
  public func startAllGather<Element: Transferable>(_ buffer: consuming Buffer<Element>)
    throws(MPIError) -> Request<Element>
  {
    try requireWholeParts(buffer.count, "MPI_Iallgather")
    return try request(for: buffer) { (buffer) throws(MPIError) in
      try startAllGather(buffer.baseAddress, buffer.count / size, Element.datatype.type)
    }
  }

  /// Starts to deal out parts of equal length from the root.
  ///
  /// - Parameters:
  ///   - buffer: at the root, `size` parts, of which its own stays in place;
  ///     elsewhere room for this rank's part.
  ///   - root: the rank that deals out, the same on every rank.
  @inlinable
  public func startScatter<Element: Transferable>(
    _ buffer: consuming Buffer<Element>, root: Int
  ) throws(MPIError) -> Request<Element> {
    if rank == root { try requireWholeParts(buffer.count, "MPI_Iscatter") }
    return try request(for: buffer) { (buffer) throws(MPIError) in
      try startScatter(buffer.baseAddress, buffer.count, Element.datatype.type, root: root)
    }
  }

  /// Starts to hand every rank its part; the parts that the ranks have for this
  /// one take their places.
  ///
  /// - Parameter buffer: `size` parts of equal length, as long on every rank.
  @inlinable
  public func startAllToAll<Element: Transferable>(_ buffer: consuming Buffer<Element>)
    throws(MPIError) -> Request<Element>
  {
    try requireWholeParts(buffer.count, "MPI_Ialltoall")
    return try request(for: buffer) { (buffer) throws(MPIError) in
      try startAllToAll(buffer.baseAddress, buffer.count / size, Element.datatype.type)
    }
  }
}

// MARK: - Behind them

extension Communicator {
  @usableFromInline
  func startAllReduce(
    _ address: UnsafeMutableRawPointer?, _ count: Int, _ type: ElementType,
    _ operation: OperationKind
  ) throws(MPIError) -> PendingCall {
    let (op, datatype) = try operation.handles(for: type, "MPI_Iallreduce")
    try requireOpen("MPI_Iallreduce")
    let comparison =
      job.options.checksCollectives
      ? try startComparison("MPI_Iallreduce", CollectiveArguments(count: count, type, operation)) : nil
    var requests: [cmpi_request] = []
    var request = cmpi_request()
    let code = try forEachRun(of: count, operation) { (start, length) throws(MPIError) in
      if start > 0 { requests.append(request) }
      return cmpi_iallreduce(
        inPlace, address.map { $0 + start * type.stride }, MPI_Count(length), datatype.raw, op.raw,
        handle.raw, &request.raw)
    }
    if code != MPI_SUCCESS {
      // The memory is MPI's until the runs before the refused one are over.
      for index in requests.indices { MPI_Wait(&requests[index].raw, cmpi_status_ignore()) }
      try check(code, "MPI_Iallreduce")
    }
    return PendingCall(
      request, further: requests, keeping: operation.owner, comparison: comparison)
  }

  @usableFromInline
  func startBroadcast(
    _ address: UnsafeMutableRawPointer?, _ count: Int, _ type: ElementType, root: Int
  ) throws(MPIError) -> PendingCall {
    let number = try number(ofRoot: root, "MPI_Ibcast")
    let datatype = try type.handle()
    return try startCollective("MPI_Ibcast", CollectiveArguments(count: count, type, root: root)) {
      cmpi_ibcast(address, MPI_Count(count), datatype.raw, number, $0, &$1.raw)
    }
  }

  @usableFromInline
  func startGather(
    _ address: UnsafeMutableRawPointer?, _ length: Int, _ type: ElementType, root: Int
  ) throws(MPIError) -> PendingCall {
    let number = try number(ofRoot: root, "MPI_Igather")
    let datatype = try type.handle()
    let count = rank == root ? length / size : length
    return try startCollective("MPI_Igather", CollectiveArguments(count: count, type, root: root)) {
      cmpi_igather(
        rank == root ? inPlace : UnsafeRawPointer(address), address, MPI_Count(count),
        datatype.raw, number, $0, &$1.raw)
    }
  }

  @usableFromInline
  func startAllGather(_ address: UnsafeMutableRawPointer?, _ count: Int, _ type: ElementType)
    throws(MPIError) -> PendingCall
  {
    let datatype = try type.handle()
    return try startCollective("MPI_Iallgather", CollectiveArguments(count: count, type)) {
      cmpi_iallgather(inPlace, address, MPI_Count(count), datatype.raw, $0, &$1.raw)
    }
  }

  @usableFromInline
  func startScatter(
    _ address: UnsafeMutableRawPointer?, _ length: Int, _ type: ElementType, root: Int
  ) throws(MPIError) -> PendingCall {
    let number = try number(ofRoot: root, "MPI_Iscatter")
    let datatype = try type.handle()
    let count = rank == root ? length / size : length
    return try startCollective("MPI_Iscatter", CollectiveArguments(count: count, type, root: root)) {
      cmpi_iscatter(
        address, rank == root ? cmpi_in_place() : address, MPI_Count(count), datatype.raw, number,
        $0, &$1.raw)
    }
  }

  @usableFromInline
  func startAllToAll(_ address: UnsafeMutableRawPointer?, _ count: Int, _ type: ElementType)
    throws(MPIError) -> PendingCall
  {
    let datatype = try type.handle()
    return try startCollective("MPI_Ialltoall", CollectiveArguments(count: count, type)) {
      cmpi_ialltoall(inPlace, address, MPI_Count(count), datatype.raw, $0, &$1.raw)
    }
  }
}
