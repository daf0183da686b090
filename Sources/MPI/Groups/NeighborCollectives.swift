internal import CMPI

// Calls in which every rank of a grid exchanges with its neighbors. A rank has
// two along each dimension, first the one with the smaller coordinate; beyond the
// end of a dimension that is not periodic there is none, and its part is neither
// sent nor changed.

extension CartesianGrid {
  /// Sends the same values to all neighbors and collects theirs.
  ///
  /// - Parameters:
  ///   - part: what this rank tells, as long on every rank.
  ///   - all: room for a part of each neighbor, two for each dimension.
  @inlinable
  public func neighborAllGather<Element: Transferable>(
    _ part: Span<Element>, into all: inout MutableSpan<Element>
  ) throws(MPIError) {
    try requireNeighborParts(part.count, all.count, "MPI_Neighbor_allgather")
    try part.withUnsafeBufferPointer { (part) throws(MPIError) in
      try all.withUnsafeMutableBufferPointer { (all) throws(MPIError) in
        try neighborAllGather(
          part.baseAddress, part.count, Element.datatype.type, into: all.baseAddress)
      }
    }
  }

  /// Sends a part to each neighbor and collects the parts that they have for
  /// this rank.
  ///
  /// - Parameters:
  ///   - parts: a part for each neighbor, two for each dimension, as long on
  ///     every rank.
  ///   - received: room for as many.
  @inlinable
  public func neighborAllToAll<Element: Transferable>(
    _ parts: Span<Element>, into received: inout MutableSpan<Element>
  ) throws(MPIError) {
    try communicator.requireSameCount(parts.count, received.count, "MPI_Neighbor_alltoall")
    let count = parts.count / (2 * dimensions.count)
    try requireNeighborParts(count, parts.count, "MPI_Neighbor_alltoall")
    try parts.withUnsafeBufferPointer { (parts) throws(MPIError) in
      try received.withUnsafeMutableBufferPointer { (received) throws(MPIError) in
        try neighborAllToAll(
          parts.baseAddress, count, Element.datatype.type, into: received.baseAddress)
      }
    }
  }

  @usableFromInline
  func neighborAllGather(
    _ part: UnsafeRawPointer?, _ count: Int, _ type: ElementType,
    into all: UnsafeMutableRawPointer?
  ) throws(MPIError) {
    let datatype = try type.handle()
    try communicator.collective("MPI_Neighbor_allgather", CollectiveArguments(count: count, type)) {
      cmpi_neighbor_allgather(part, all, MPI_Count(count), datatype.raw, $0)
    }
  }

  @usableFromInline
  func neighborAllToAll(
    _ parts: UnsafeRawPointer?, _ count: Int, _ type: ElementType,
    into received: UnsafeMutableRawPointer?
  ) throws(MPIError) {
    let datatype = try type.handle()
    // The ranks compare their calls, and no more: MPI_Neighbor_alltoall of MPICH
    // 4.0.2 mixes up the parts of a rank that is its own neighbor in two
    // dimensions. With a tag for each direction every library tells them apart.
    try communicator.collective("MPI_Neighbor_alltoall", CollectiveArguments(count: count, type)) {
      _ in MPI_SUCCESS
    }
    let bytes = count * type.stride
    for (dimension, peers) in nextPeers.enumerated() {
      let (lower, upper) = (2 * dimension, 2 * dimension + 1)
      _ = try privateCommunicator.sendReceive(
        parts.map { $0 + lower * bytes }, count, datatype, to: peers.lower, tag: lower,
        into: received.map { $0 + upper * bytes }, count, datatype,
        from: peers.upper.sourceNumber, tag: lower.tagNumber)
      _ = try privateCommunicator.sendReceive(
        parts.map { $0 + upper * bytes }, count, datatype, to: peers.upper, tag: upper,
        into: received.map { $0 + lower * bytes }, count, datatype,
        from: peers.lower.sourceNumber, tag: upper.tagNumber)
    }
  }

  @usableFromInline
  func requireNeighborParts(_ count: Int, _ room: Int, _ call: StaticString) throws(MPIError) {
    let neighbors = 2 * dimensions.count
    if room != count * neighbors {
      throw MPIError(
        .count, call: call,
        message: "\(neighbors) parts of \(count) elements need room for \(count * neighbors), not \(room)")
    }
  }
}
