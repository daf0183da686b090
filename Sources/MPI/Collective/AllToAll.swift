internal import CMPI

// Every rank has a part for every other one: the transpose of an array that is
// spread over the ranks.

extension Communicator {
  /// Hands every rank its part, and collects the parts that the ranks have for
  /// this one, in the order of ranks.
  ///
  /// - Parameters:
  ///   - parts: `size` parts of equal length, as long on every rank.
  ///   - received: room for as many.
  @inlinable
  public func allToAll<Element: Transferable>(
    _ parts: Span<Element>, into received: inout MutableSpan<Element>
  ) throws(MPIError) {
    try requireWholeParts(parts.count, "MPI_Alltoall")
    try requireSameCount(parts.count, received.count, "MPI_Alltoall")
    try parts.withUnsafeBufferPointer { (parts) throws(MPIError) in
      try received.withUnsafeMutableBufferPointer { (received) throws(MPIError) in
        try allToAll(
          parts.baseAddress, parts.count / size, Element.datatype.type, into: received.baseAddress)
      }
    }
  }

  /// Hands every rank its part, and collects the parts that the ranks have for
  /// this one, each of a length of its own (`MPI_Alltoallv`).
  ///
  /// More than 2^31 - 1 elements on a rank need a library of MPI 4.
  ///
  /// - Parameters:
  ///   - parts: the parts for the ranks, in their order.
  ///   - counts: how many elements go to each rank.
  ///   - received: room for the parts from the ranks, in their order.
  ///   - receivedCounts: how many elements come from each rank: what that rank
  ///     has in its `counts` for this one.
  @inlinable
  public func allToAll<Element: Transferable>(
    _ parts: Span<Element>, counts: [Int], into received: inout MutableSpan<Element>,
    counts receivedCounts: [Int]
  ) throws(MPIError) {
    let outgoing = try PartLayout(counts, of: self, "MPI_Alltoallv")
    let incoming = try PartLayout(receivedCounts, of: self, "MPI_Alltoallv")
    try outgoing.require(all: parts.count)
    try incoming.require(all: received.count)
    try parts.withUnsafeBufferPointer { (parts) throws(MPIError) in
      try received.withUnsafeMutableBufferPointer { (received) throws(MPIError) in
        try allToAll(
          parts.baseAddress, outgoing, Element.datatype.type, into: received.baseAddress, incoming)
      }
    }
  }

  @usableFromInline
  func allToAll(
    _ parts: UnsafeRawPointer?, _ count: Int, _ type: ElementType,
    into received: UnsafeMutableRawPointer?
  ) throws(MPIError) {
    let datatype = try type.handle()
    try collective("MPI_Alltoall", CollectiveArguments(count: count, type)) {
      cmpi_alltoall(parts, received, MPI_Count(count), datatype.raw, $0)
    }
  }

  @usableFromInline
  func allToAll(
    _ parts: UnsafeRawPointer?, _ outgoing: PartLayout, _ type: ElementType,
    into received: UnsafeMutableRawPointer?, _ incoming: PartLayout
  ) throws(MPIError) {
    let datatype = try type.handle()
    let isLarge = max(outgoing.total, incoming.total) > Int(Int32.max)
    if isLarge, cmpi_has_large_counts() == 0 {
      throw MPIError(
        .count, call: "MPI_Alltoallv",
        message: "more than 2^31 - 1 elements on a rank need a library of MPI 4")
    }
    try collective(
      "MPI_Alltoallv",
      CollectiveArguments(type, pairs: (to: outgoing.counts, from: incoming.counts))
    ) {
      // Ranks with few elements make the same call: MPI matches what is sent,
      // not the functions.
      if isLarge {
        cmpi_large_alltoallv(
          parts, outgoing.counts.map { Int64($0) }, outgoing.starts.map { Int64($0) }, received,
          incoming.counts.map { Int64($0) }, incoming.starts.map { Int64($0) }, datatype.raw, $0)
      } else {
        MPI_Alltoallv(
          parts, outgoing.counts.map { Int32($0) }, outgoing.starts.map { Int32($0) },
          datatype.raw, received, incoming.counts.map { Int32($0) },
          incoming.starts.map { Int32($0) }, datatype.raw, $0)
      }
    }
  }
}
