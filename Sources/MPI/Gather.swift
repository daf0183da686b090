internal import CMPI

// Collecting parts of an array that lie on the ranks, in the order of ranks.

extension Communicator {
  /// Collects parts of equal length at the root.
  ///
  /// - Parameters:
  ///   - part: this rank's elements, as many on every rank.
  ///   - all: at the root, room for `size` parts; elsewhere not touched and
  ///     possibly empty.
  @inlinable
  public func gather<Element: Scalar>(
    _ part: Span<Element>, into all: inout MutableSpan<Element>, root: Int
  ) throws(MPIError) {
    if rank == root { try requireParts(part.count, all.count, "MPI_Gather") }
    try part.withUnsafeBufferPointer { (part) throws(MPIError) in
      try all.withUnsafeMutableBufferPointer { (all) throws(MPIError) in
        try gather(part.baseAddress, part.count, Element.datatype, into: all.baseAddress, root: root)
      }
    }
  }

  /// Collects parts of equal length on every rank.
  ///
  /// - Parameter all: room for `size` parts.
  @inlinable
  public func allGather<Element: Scalar>(
    _ part: Span<Element>, into all: inout MutableSpan<Element>
  ) throws(MPIError) {
    try requireParts(part.count, all.count, "MPI_Allgather")
    try part.withUnsafeBufferPointer { (part) throws(MPIError) in
      try all.withUnsafeMutableBufferPointer { (all) throws(MPIError) in
        try allGather(part.baseAddress, part.count, Element.datatype, into: all.baseAddress)
      }
    }
  }

  @usableFromInline
  func gather(
    _ part: UnsafeRawPointer?, _ count: Int, _ datatype: Datatype,
    into all: UnsafeMutableRawPointer?, root: Int
  ) throws(MPIError) {
    try checkSame(CollectiveCall(.gather, count: count, datatype, root: root))
    try withCount(count, datatype) { (count, datatype) throws(MPIError) in
      try check(
        MPI_Gather(
          part, count, datatype.raw, all, count, datatype.raw, Int32(clamping: root), handle.raw),
        "MPI_Gather")
    }
  }

  @usableFromInline
  func allGather(
    _ part: UnsafeRawPointer?, _ count: Int, _ datatype: Datatype,
    into all: UnsafeMutableRawPointer?
  ) throws(MPIError) {
    try checkSame(CollectiveCall(.allGather, count: count, datatype))
    try withCount(count, datatype) { (count, datatype) throws(MPIError) in
      try check(
        MPI_Allgather(part, count, datatype.raw, all, count, datatype.raw, handle.raw),
        "MPI_Allgather")
    }
  }

  @usableFromInline
  func requireParts(_ count: Int, _ room: Int, _ call: StaticString) throws(MPIError) {
    if room != count * size {
      throw MPIError(
        .count, call: call,
        message: "\(size) parts of \(count) elements need room for \(count * size), not \(room)")
    }
  }
}

// MARK: - Parts of different lengths

extension Communicator {
  /// Collects parts of different lengths at the root.
  ///
  /// - Parameters:
  ///   - part: this rank's elements, `counts[rank]` of them.
  ///   - counts: the length of every rank's part; read at the root only.
  ///   - all: at the root, room for exactly all parts; elsewhere not touched
  ///     and possibly empty.
  @inlinable
  public func gather<Element: Scalar>(
    _ part: Span<Element>, counts: [Int], into all: inout MutableSpan<Element>, root: Int
  ) throws(MPIError) {
    if rank == root { try requireParts(counts, part.count, all.count, "MPI_Gatherv") }
    try part.withUnsafeBufferPointer { (part) throws(MPIError) in
      try all.withUnsafeMutableBufferPointer { (all) throws(MPIError) in
        try gather(
          part.baseAddress, part.count, Element.datatype, counts: counts, into: all.baseAddress,
          root: root)
      }
    }
  }

  /// Collects parts of different lengths on every rank.
  ///
  /// - Parameters:
  ///   - part: this rank's elements, `counts[rank]` of them.
  ///   - counts: the length of every rank's part.
  ///   - all: room for exactly all parts.
  @inlinable
  public func allGather<Element: Scalar>(
    _ part: Span<Element>, counts: [Int], into all: inout MutableSpan<Element>
  ) throws(MPIError) {
    try requireParts(counts, part.count, all.count, "MPI_Allgatherv")
    try part.withUnsafeBufferPointer { (part) throws(MPIError) in
      try all.withUnsafeMutableBufferPointer { (all) throws(MPIError) in
        try allGather(
          part.baseAddress, part.count, Element.datatype, counts: counts, into: all.baseAddress)
      }
    }
  }

  @usableFromInline
  func gather(
    _ part: UnsafeRawPointer?, _ count: Int, _ datatype: Datatype, counts: [Int],
    into all: UnsafeMutableRawPointer?, root: Int
  ) throws(MPIError) {
    try checkSame(CollectiveCall(.gatherV, datatype, root: root))
    let layout = try PartLayout(rank == root ? counts : [], "MPI_Gatherv")
    try check(
      MPI_Gatherv(
        part, try layout.count(count), datatype.handle.raw, all, layout.counts,
        layout.displacements, datatype.handle.raw, Int32(clamping: root), handle.raw),
      "MPI_Gatherv")
  }

  @usableFromInline
  func allGather(
    _ part: UnsafeRawPointer?, _ count: Int, _ datatype: Datatype, counts: [Int],
    into all: UnsafeMutableRawPointer?
  ) throws(MPIError) {
    try checkSame(CollectiveCall(.allGatherV, count: counts.reduce(0, +), datatype))
    let layout = try PartLayout(counts, "MPI_Allgatherv")
    try check(
      MPI_Allgatherv(
        part, try layout.count(count), datatype.handle.raw, all, layout.counts,
        layout.displacements, datatype.handle.raw, handle.raw),
      "MPI_Allgatherv")
  }

  @usableFromInline
  func requireParts(_ counts: [Int], _ count: Int, _ room: Int, _ call: StaticString)
    throws(MPIError)
  {
    if counts.count != size {
      throw MPIError(
        .count, call: call, message: "\(counts.count) counts are given for \(size) ranks")
    }
    if counts[rank] != count {
      throw MPIError(
        .count, call: call,
        message: "this rank's part has \(count) elements, but its count is \(counts[rank])")
    }
    if let negative = counts.first(where: { $0 < 0 }) {
      throw MPIError(.count, call: call, message: "\(negative) is no count")
    }
    let total = counts.reduce(0, +)
    if total != room {
      throw MPIError(
        .count, call: call, message: "the parts have \(total) elements, but there is room for \(room)")
    }
  }
}

/// Where the parts of an array begin, as MPI takes it.
struct PartLayout {
  let counts: [Int32]
  let displacements: [Int32]
  let call: StaticString

  init(_ counts: [Int], _ call: StaticString) throws(MPIError) {
    self.call = call
    var start = 0
    var narrowCounts: [Int32] = []
    var displacements: [Int32] = []
    for count in counts {
      displacements.append(try Self.narrow(start, call))
      narrowCounts.append(try Self.narrow(count, call))
      start += count
    }
    self.counts = narrowCounts
    self.displacements = displacements
  }

  func count(_ count: Int) throws(MPIError) -> Int32 { try Self.narrow(count, call) }

  private static func narrow(_ count: Int, _ call: StaticString) throws(MPIError) -> Int32 {
    guard let narrow = Int32(exactly: count) else {
      throw MPIError(.count, call: call, message: "\(count) elements are more than MPI counts here")
    }
    return narrow
  }
}
