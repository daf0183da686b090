internal import CMPI

/// What all ranks must say alike when they make a collective call.
struct CollectiveArguments {
  /// What the ranks must have in common, in words that a report can show.
  let text: String
  /// What they must have in common besides, and a report does not show.
  let counts: [Int]
  /// How many elements go from this rank to each other one, and come from it,
  /// where that is no more than agreed on by pairs.
  let pairs: (to: [Int], from: [Int])?

  init(
    count: Int? = nil, _ type: ElementType? = nil, _ operation: OperationKind? = nil,
    root: Int? = nil, counts: [Int] = [], pairs: (to: [Int], from: [Int])? = nil,
    further: String? = nil
  ) {
    var text = ""
    if let type { text += " of " + (count.map { "\($0) " } ?? "") + "\(type)" }
    if let operation { text += ", \(operation)" }
    if let root { text += ", root \(root)" }
    if let further { text += ", \(further)" }
    self.text = text
    self.counts = counts
    self.pairs = pairs
  }
}

/// What one rank tells another of its call.
private struct CallRecord: Equatable {
  static let textLength = 216
  static let byteCount = textLength + 8

  /// The call in words, cut off where it is too long.
  var text: [UInt8]
  /// Of everything that must be the same.
  var hash: UInt64

  init(_ call: StaticString, _ arguments: CollectiveArguments) {
    let whole = Array((call.description + arguments.text).utf8)
    text = Array(whole.prefix(Self.textLength))
    // FNV-1a, the same on all ranks, other than Swift's own hash.
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    func add(_ byte: UInt8) { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    whole.forEach(add)
    for count in arguments.counts {
      for byte in 0..<8 { add(UInt8(truncatingIfNeeded: count >> (8 * byte))) }
    }
    self.hash = hash
  }

  init(_ bytes: ArraySlice<UInt8>) {
    text = Array(bytes.prefix(Self.textLength).prefix { $0 != 0 })
    hash = bytes.dropFirst(Self.textLength).reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }

  var bytes: [UInt8] {
    text + [UInt8](repeating: 0, count: Self.textLength - text.count)
      + (0..<8).map { UInt8(truncatingIfNeeded: hash >> (8 * UInt64($0))) }
  }
}

/// A comparison of the ranks' collective calls that is under way.
///
/// It has a communicator and messages of its own, and does not wait before it is
/// asked, so that a program that is correct without it is so with it.
final class CollectiveComparison {
  private let mine: CallRecord
  private let counts: [Int]?
  private let memory: UnsafeMutableRawBufferPointer
  private let rank: Int
  private let size: Int
  private var request = cmpi_request()
  private var isComplete = false

  /// The record, and the count of a pair.
  private var stride: Int { CallRecord.byteCount + MemoryLayout<Int>.size }

  fileprivate init(
    _ call: StaticString, _ arguments: CollectiveArguments, _ communicator: Communicator
  ) throws(MPIError) {
    mine = CallRecord(call, arguments)
    counts = arguments.pairs?.from
    (rank, size) = (communicator.rank, communicator.size)
    // What goes out, and behind it what comes in.
    memory = .allocate(byteCount: 2 * size * (CallRecord.byteCount + MemoryLayout<Int>.size), alignment: 16)
    let record = mine.bytes
    for other in 0..<size {
      let start = other * stride
      for (index, byte) in record.enumerated() { memory[start + index] = byte }
      let sent: Int = arguments.pairs?.to[other] ?? 0
      memory.storeBytes(of: sent, toByteOffset: start + CallRecord.byteCount, as: Int.self)
    }
    let byte = cmpi_byte().raw
    try check(
      MPI_Ialltoall(
        memory.baseAddress, Int32(stride), byte, memory.baseAddress! + size * stride,
        Int32(stride), byte, communicator.checkHandle.raw, &request.raw),
      "MPI_Ialltoall")
  }

  deinit { if isComplete { memory.deallocate() } }

  func wait() throws(MPIError) {
    try check(MPI_Wait(&request.raw, cmpi_status_ignore()), "MPI_Wait")
    isComplete = true
    try compare()
  }

  /// Whether all ranks have made their call. Does not wait.
  func test() throws(MPIError) -> Bool {
    if isComplete { return true }
    var flag: Int32 = 0
    try check(MPI_Test(&request.raw, &flag, cmpi_status_ignore()), "MPI_Test")
    guard flag != 0 else { return false }
    isComplete = true
    try compare()
    return true
  }

  private func record(of other: Int) -> CallRecord {
    let start = (size + other) * stride
    return CallRecord(Array(memory[start..<start + CallRecord.byteCount])[...])
  }

  private func compare() throws(MPIError) {
    // All ranks see the same lowest rank that differs from rank 0.
    let first = record(of: 0)
    for other in 1..<max(size, 1) where record(of: other) != first {
      let (one, two) = (first.text, record(of: other).text)
      let difference = one == two ? ", with other counts or a longer list of arguments" : ""
      throw mismatch(
        "rank 0 called \(String(decoding: one, as: UTF8.self)), rank \(other) called \(String(decoding: two, as: UTF8.self))\(difference)")
    }
    guard let counts else { return }
    for other in 0..<size {
      let sent = memory.loadUnaligned(
        fromByteOffset: (size + other) * stride + CallRecord.byteCount, as: Int.self)
      if sent != counts[other] {
        throw mismatch(
          "in \(String(decoding: mine.text, as: UTF8.self)) rank \(other) sends \(sent) elements to rank \(rank), which expects \(counts[other])")
      }
    }
  }

  private func mismatch(_ message: String) -> MPIError {
    MPIError(.notSame, call: "collective call", message: message)
  }
}

extension Communicator {
  /// Throws on every rank if the ranks do not all make the same call.
  @inline(never)
  func compareNow(_ call: StaticString, _ arguments: CollectiveArguments) throws(MPIError) {
    try CollectiveComparison(call, arguments, self).wait()
  }

  /// Starts to find out whether the ranks all make the same call.
  @inline(never)
  func startComparison(_ call: StaticString, _ arguments: CollectiveArguments) throws(MPIError)
    -> CollectiveComparison
  {
    try CollectiveComparison(call, arguments, self)
  }
}
