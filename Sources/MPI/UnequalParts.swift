internal import CMPI

// Collecting and dealing out parts of different lengths. MPI's names for these
// calls end in V, for "vector" of counts. The counts are given on every rank,
// which knows them from how the work was divided.

extension Communicator {
  /// Collects parts of different lengths at the root, in the order of ranks.
  ///
  /// - Parameters:
  ///   - part: this rank's elements, `counts[rank]` of them.
  ///   - counts: the length of every rank's part, the same on every rank.
  ///   - all: at the root, room for exactly all parts; elsewhere not touched
  ///     and possibly empty.
  ///   - root: the rank that collects, the same on every rank.
  @inlinable
  public func gather<Element: Scalar>(
    _ part: Span<Element>, counts: [Int], into all: inout MutableSpan<Element>, root: Int
  ) throws(MPIError) {
    let layout = try PartLayout(counts, of: self, "MPI_Gatherv")
    try layout.require(part: part.count, all: rank == root ? all.count : nil)
    try part.withUnsafeBufferPointer { (part) throws(MPIError) in
      try all.withUnsafeMutableBufferPointer { (all) throws(MPIError) in
        try gather(part.baseAddress, layout, Element.datatype, into: all.baseAddress, root: root)
      }
    }
  }

  /// Collects parts of different lengths on every rank, in the order of ranks.
  ///
  /// - Parameters:
  ///   - part: this rank's elements, `counts[rank]` of them.
  ///   - counts: the length of every rank's part, the same on every rank.
  ///   - all: room for exactly all parts.
  @inlinable
  public func allGather<Element: Scalar>(
    _ part: Span<Element>, counts: [Int], into all: inout MutableSpan<Element>
  ) throws(MPIError) {
    let layout = try PartLayout(counts, of: self, "MPI_Allgatherv")
    try layout.require(part: part.count, all: all.count)
    try part.withUnsafeBufferPointer { (part) throws(MPIError) in
      try all.withUnsafeMutableBufferPointer { (all) throws(MPIError) in
        try allGather(part.baseAddress, layout, Element.datatype, into: all.baseAddress)
      }
    }
  }

  /// Deals out parts of different lengths from the root, in the order of ranks.
  ///
  /// - Parameters:
  ///   - all: at the root, exactly all parts; elsewhere not read and possibly
  ///     empty.
  ///   - counts: the length of every rank's part, the same on every rank.
  ///   - part: room for this rank's elements, `counts[rank]` of them.
  ///   - root: the rank that deals out, the same on every rank.
  @inlinable
  public func scatter<Element: Scalar>(
    _ all: Span<Element>, counts: [Int], into part: inout MutableSpan<Element>, root: Int
  ) throws(MPIError) {
    let layout = try PartLayout(counts, of: self, "MPI_Scatterv")
    try layout.require(part: part.count, all: rank == root ? all.count : nil)
    try all.withUnsafeBufferPointer { (all) throws(MPIError) in
      try part.withUnsafeMutableBufferPointer { (part) throws(MPIError) in
        try scatter(all.baseAddress, layout, Element.datatype, into: part.baseAddress, root: root)
      }
    }
  }

  @usableFromInline
  func gather(
    _ part: UnsafeRawPointer?, _ layout: PartLayout, _ datatype: Datatype,
    into all: UnsafeMutableRawPointer?, root: Int
  ) throws(MPIError) {
    try checkSame(CollectiveCall(.gatherV, count: layout.total, datatype, root: root))
    StallWatch.shared.begin("MPI_Gatherv")
    defer { StallWatch.shared.end() }
    try layout.forEachCall(datatype) { (counts, starts, offset, datatype) throws(MPIError) in
      try check(
        MPI_Gatherv(
          part, counts[rank], datatype.raw, all.map { $0 + offset }, counts, starts, datatype.raw,
          Int32(clamping: root), handle.raw),
        "MPI_Gatherv")
    }
  }

  @usableFromInline
  func allGather(
    _ part: UnsafeRawPointer?, _ layout: PartLayout, _ datatype: Datatype,
    into all: UnsafeMutableRawPointer?
  ) throws(MPIError) {
    try checkSame(CollectiveCall(.allGatherV, count: layout.total, datatype))
    StallWatch.shared.begin("MPI_Allgatherv")
    defer { StallWatch.shared.end() }
    try layout.forEachCall(datatype) { (counts, starts, offset, datatype) throws(MPIError) in
      try check(
        MPI_Allgatherv(
          part, counts[rank], datatype.raw, all.map { $0 + offset }, counts, starts, datatype.raw,
          handle.raw),
        "MPI_Allgatherv")
    }
  }

  @usableFromInline
  func scatter(
    _ all: UnsafeRawPointer?, _ layout: PartLayout, _ datatype: Datatype,
    into part: UnsafeMutableRawPointer?, root: Int
  ) throws(MPIError) {
    try checkSame(CollectiveCall(.scatterV, count: layout.total, datatype, root: root))
    StallWatch.shared.begin("MPI_Scatterv")
    defer { StallWatch.shared.end() }
    try layout.forEachCall(datatype) { (counts, starts, offset, datatype) throws(MPIError) in
      try check(
        MPI_Scatterv(
          all.map { $0 + offset }, counts, starts, datatype.raw, part, counts[rank], datatype.raw,
          Int32(clamping: root), handle.raw),
        "MPI_Scatterv")
    }
  }
}

/// Where the parts of an array begin.
@usableFromInline
struct PartLayout {
  let counts: [Int]
  let total: Int
  let rank: Int
  let call: StaticString

  @usableFromInline
  init(_ counts: [Int], of communicator: Communicator, _ call: StaticString) throws(MPIError) {
    if counts.count != communicator.size {
      throw MPIError(
        .count, call: call,
        message: "\(counts.count) counts are given for \(communicator.size) ranks")
    }
    if let negative = counts.first(where: { $0 < 0 }) {
      throw MPIError(.count, call: call, message: "\(negative) is no count")
    }
    self.counts = counts
    self.total = counts.reduce(0, +)
    self.rank = communicator.rank
    self.call = call
  }

  /// - Parameter all: the length of the whole array, nil where it is not used.
  @usableFromInline
  func require(part: Int, all: Int?) throws(MPIError) {
    if part != counts[rank] {
      throw MPIError(
        .count, call: call,
        message: "this rank's part has \(part) elements, but its count is \(counts[rank])")
    }
    if let all, all != total {
      throw MPIError(
        .count, call: call, message: "the parts have \(total) elements, but the whole has \(all)")
    }
  }

  /// Makes the call for all parts at once, or, where the array is too long for
  /// MPI's displacements, once for each part with the others empty.
  ///
  /// `body` takes the counts and displacements, the offset in bytes at which
  /// displacements begin, and the datatype they count.
  func forEachCall(
    _ datatype: Datatype,
    _ body: ([Int32], [Int32], _ offset: Int, cmpi_datatype) throws(MPIError) -> Void
  ) throws(MPIError) {
    if total <= Int(Int32.max) {
      var starts: [Int32] = []
      starts.reserveCapacity(counts.count)
      var start = 0
      for count in counts {
        starts.append(Int32(start))
        start += count
      }
      return try body(counts.map { Int32($0) }, starts, 0, datatype.handle)
    }
    let noStarts = [Int32](repeating: 0, count: counts.count)
    var start = 0
    for (part, count) in counts.enumerated() {
      try withCount(count, datatype) { (count, derived) throws(MPIError) in
        var only = noStarts
        only[part] = count
        try body(only, noStarts, start * datatype.size, derived)
      }
      start += count
    }
  }
}
