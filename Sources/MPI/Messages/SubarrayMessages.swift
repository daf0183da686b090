internal import CMPI

// Messages that are a part of an array of several dimensions, straight from and
// to its place.

extension Communicator {
  /// Sends a part of an array; see `send(_:to:tag:)`.
  public func send<Element: Transferable>(
    _ array: Span<Element>, _ part: Subarray<Element>, to peer: Peer, tag: Int = 0
  ) throws(MPIError) {
    try part.region.require(array.count, "MPI_Send")
    let rank = try number(of: peer, "MPI_Send")
    let tag = try number(ofTag: tag, "MPI_Send")
    let datatype = try part.region.handle()
    try array.withUnsafeBufferPointer { (array) throws(MPIError) in
      try message("MPI_Send") {
        cmpi_send(array.baseAddress, MPI_Count(part.region.typeCount), datatype.raw, rank, tag, $0)
      }
    }
  }

  /// Receives into a part of an array; see `receive(into:from:tag:)`.
  @discardableResult
  public func receive<Element: Transferable, From: Source, Tag: TagPattern>(
    into array: inout MutableSpan<Element>, _ part: Subarray<Element>, from source: From,
    tag: Tag = 0
  ) throws(MPIError) -> Status {
    try part.region.require(array.count, "MPI_Recv")
    let rank = try number(of: source.sourceNumber, "MPI_Recv")
    let tag = try number(of: tag.tagNumber, "MPI_Recv")
    let datatype = try part.region.handle()
    var status = Status()
    try array.withUnsafeMutableBufferPointer { (array) throws(MPIError) in
      try message("MPI_Recv") {
        cmpi_recv(
          array.baseAddress, MPI_Count(part.region.typeCount), datatype.raw, rank, tag, $0,
          &status.handle.raw)
      }
    }
    return status
  }

  /// Sends one part of an array and receives into another one of the same
  /// array, as an exchange of halos does; see `sendReceive(_:to:tag:into:from:tag:)`.
  ///
  /// - Throws: an ``MPIError`` of class ``ErrorClass/buffer`` if the parts have
  ///   elements in common.
  @discardableResult
  public func sendReceive<Element: Transferable, From: Source, Tag: TagPattern>(
    in array: inout MutableSpan<Element>, _ outgoing: Subarray<Element>, to destination: Peer,
    tag sendTag: Int = 0, into incoming: Subarray<Element>, from source: From,
    tag receiveTag: Tag = 0
  ) throws(MPIError) -> Status {
    guard outgoing.shape == incoming.shape, !outgoing.region.overlaps(incoming.region) else {
      throw MPIError(
        .buffer, call: "MPI_Sendrecv",
        message: "the part to send, \(outgoing.ranges), and the part to receive, \(incoming.ranges), have elements in common")
    }
    return try array.withUnsafeMutableBufferPointer { (array) throws(MPIError) in
      try sendReceive(
        in: array.baseAddress, array.count, outgoing.region, to: destination, tag: sendTag,
        into: incoming.region, from: source.sourceNumber, tag: receiveTag.tagNumber)
    }
  }

  func sendReceive(
    in array: UnsafeMutableRawPointer?, _ count: Int, _ outgoing: Region, to destination: Peer,
    tag sendTag: Int, into incoming: Region, from source: SourceNumber, tag receiveTag: TagNumber
  ) throws(MPIError) -> Status {
    try outgoing.require(count, "MPI_Sendrecv")
    try incoming.require(count, "MPI_Sendrecv")
    return try sendReceive(
      array, outgoing.typeCount, try outgoing.handle(), to: destination, tag: sendTag,
      into: array, incoming.typeCount, try incoming.handle(), from: source, tag: receiveTag)
  }
}
