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
  public func gather<Element: Transferable>(
    _ part: Span<Element>, counts: [Int], into all: inout MutableSpan<Element>, root: Int
  ) throws(MPIError) {
    let layout = try PartLayout(counts, of: self, "MPI_Gatherv")
    try layout.require(part: part.count, all: rank == root ? all.count : nil)
    try part.withUnsafeBufferPointer { (part) throws(MPIError) in
      try all.withUnsafeMutableBufferPointer { (all) throws(MPIError) in
        try gather(part.baseAddress, layout, Element.datatype.type, into: all.baseAddress, root: root)
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
  public func allGather<Element: Transferable>(
    _ part: Span<Element>, counts: [Int], into all: inout MutableSpan<Element>
  ) throws(MPIError) {
    let layout = try PartLayout(counts, of: self, "MPI_Allgatherv")
    try layout.require(part: part.count, all: all.count)
    try part.withUnsafeBufferPointer { (part) throws(MPIError) in
      try all.withUnsafeMutableBufferPointer { (all) throws(MPIError) in
        try allGather(part.baseAddress, layout, Element.datatype.type, into: all.baseAddress)
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
  public func scatter<Element: Transferable>(
    _ all: Span<Element>, counts: [Int], into part: inout MutableSpan<Element>, root: Int
  ) throws(MPIError) {
    let layout = try PartLayout(counts, of: self, "MPI_Scatterv")
    try layout.require(part: part.count, all: rank == root ? all.count : nil)
    try all.withUnsafeBufferPointer { (all) throws(MPIError) in
      try part.withUnsafeMutableBufferPointer { (part) throws(MPIError) in
        try scatter(all.baseAddress, layout, Element.datatype.type, into: part.baseAddress, root: root)
      }
    }
  }

  @usableFromInline
  func gather(
    _ part: UnsafeRawPointer?, _ layout: PartLayout, _ type: ElementType,
    into all: UnsafeMutableRawPointer?, root: Int
  ) throws(MPIError) {
    let number = try number(ofRoot: root, "MPI_Gatherv")
    let datatype = try type.handle()
    try collective("MPI_Gatherv", layout.arguments(type, root: root)) { comm in
      layout.call(
        { counts, starts in
          MPI_Gatherv(
            part, counts[rank], datatype.raw, all, counts, starts, datatype.raw, number, comm)
        },
        large: { counts, starts in
          cmpi_large_gatherv(part, counts[rank], datatype.raw, all, counts, starts, number, comm)
        },
        each: { owner, start, count, counts, zeros in
          cmpi_gatherv_one(
            Int32(rank), owner, &counts, zeros, part, all.map { $0 + start * type.stride },
            MPI_Count(count), datatype.raw, number, comm)
        })
    }
  }

  @usableFromInline
  func allGather(
    _ part: UnsafeRawPointer?, _ layout: PartLayout, _ type: ElementType,
    into all: UnsafeMutableRawPointer?
  ) throws(MPIError) {
    let datatype = try type.handle()
    try collective("MPI_Allgatherv", layout.arguments(type)) { comm in
      layout.call(
        { counts, starts in
          MPI_Allgatherv(part, counts[rank], datatype.raw, all, counts, starts, datatype.raw, comm)
        },
        large: { counts, starts in
          cmpi_large_allgatherv(part, counts[rank], datatype.raw, all, counts, starts, comm)
        },
        each: { owner, start, count, counts, zeros in
          cmpi_allgatherv_one(
            Int32(rank), owner, &counts, zeros, part, all.map { $0 + start * type.stride },
            MPI_Count(count), datatype.raw, comm)
        })
    }
  }

  @usableFromInline
  func scatter(
    _ all: UnsafeRawPointer?, _ layout: PartLayout, _ type: ElementType,
    into part: UnsafeMutableRawPointer?, root: Int
  ) throws(MPIError) {
    let number = try number(ofRoot: root, "MPI_Scatterv")
    let datatype = try type.handle()
    try collective("MPI_Scatterv", layout.arguments(type, root: root)) { comm in
      layout.call(
        { counts, starts in
          MPI_Scatterv(
            all, counts, starts, datatype.raw, part, counts[rank], datatype.raw, number, comm)
        },
        large: { counts, starts in
          cmpi_large_scatterv(all, counts, starts, datatype.raw, part, counts[rank], number, comm)
        },
        each: { owner, start, count, counts, zeros in
          cmpi_scatterv_one(
            Int32(rank), owner, &counts, zeros, all.map { $0 + start * type.stride }, part,
            MPI_Count(count), datatype.raw, number, comm)
        })
    }
  }
}

/// Where the parts of an array begin.
@usableFromInline
struct PartLayout {
  let counts: [Int]
  let total: Int
  let rank: Int
  let name: StaticString

  @usableFromInline
  init(_ counts: [Int], of communicator: Communicator, _ call: StaticString) throws(MPIError) {
    if counts.count != communicator.size {
      throw MPIError(
        .count, call: call,
        message: "\(counts.count) counts are given for \(communicator.size) ranks")
    }
    var total = 0
    for count in counts {
      if count < 0 {
        throw MPIError(.count, call: call, message: "\(count) is no count")
      }
      let (sum, isTooLarge) = total.addingReportingOverflow(count)
      if isTooLarge { throw MPIError(.count, call: call, message: "the counts are too large") }
      total = sum
    }
    self.counts = counts
    self.total = total
    self.rank = communicator.rank
    self.name = call
  }

  /// - Parameter all: the length of the whole array, nil where it is not used.
  @usableFromInline
  func require(part: Int, all: Int?) throws(MPIError) {
    if part != counts[rank] {
      throw MPIError(
        .count, call: name,
        message: "this rank's part has \(part) elements, but its count is \(counts[rank])")
    }
    if let all { try require(all: all) }
  }

  /// - Parameter all: the length of the whole array.
  @usableFromInline
  func require(all: Int) throws(MPIError) {
    if all != total {
      throw MPIError(
        .count, call: name, message: "the parts have \(total) elements, but the whole has \(all)")
    }
  }

  /// Where each part begins.
  var starts: [Int] {
    var starts: [Int] = []
    starts.reserveCapacity(counts.count)
    var start = 0
    for count in counts {
      starts.append(start)
      start += count
    }
    return starts
  }

  func arguments(_ type: ElementType, root: Int? = nil) -> CollectiveArguments {
    CollectiveArguments(count: total, type, root: root, counts: counts)
  }

  /// Makes the call for all parts at once or, where the array is too long for
  /// MPI 3's displacements, once for each part with the others empty.
  ///
  /// - Parameters:
  ///   - small: takes counts and displacements.
  ///   - large: the same of MPI 4.
  ///   - each: takes the rank of a part, where the part begins, its length, and
  ///     two lists of zeros.
  func call(
    _ small: ([Int32], [Int32]) -> Int32, large: ([Int64], [Int64]) -> Int32,
    each: (Int32, Int, Int, inout [Int32], [Int32]) -> Int32
  ) -> Int32 {
    let starts = starts
    if total <= Int(Int32.max) { return small(counts.map { Int32($0) }, starts.map { Int32($0) }) }
    if cmpi_has_large_counts() != 0 {
      return large(counts.map { Int64($0) }, starts.map { Int64($0) })
    }
    let zeros = [Int32](repeating: 0, count: counts.count)
    for (part, count) in counts.enumerated() {
      var only = zeros
      let code = each(Int32(part), starts[part], count, &only, zeros)
      if code != MPI_SUCCESS { return code }
    }
    return MPI_SUCCESS
  }
}
