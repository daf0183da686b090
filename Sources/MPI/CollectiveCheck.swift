internal import CMPI

/// What all ranks must say alike when they make a collective call.
struct CollectiveCall: Equatable {
  let name: Name
  let count: Int
  let datatype: Datatype?
  let operation: OperationKind?
  let root: Int?

  enum Name: Int {
    case barrier, broadcast, gather, gatherV, allGather, allGatherV, scatter, scatterV
    case reduce, allReduce, inclusiveScan, exclusiveScan
    case startBarrier, startBroadcast, startAllReduce
  }

  init(
    _ name: Name, count: Int = 0, _ datatype: Datatype? = nil, _ operation: OperationKind? = nil,
    root: Int? = nil
  ) {
    self.name = name
    self.count = count
    self.datatype = datatype
    self.operation = operation
    self.root = root
  }

  static let wordCount = 5

  var words: [Int] {
    [name.rawValue, count, datatype?.rawValue ?? -1, operation?.rawValue ?? -1, root ?? -1]
  }

  init?(words: ArraySlice<Int>) {
    let words = Array(words)
    guard words.count == Self.wordCount, let name = Name(rawValue: words[0]) else { return nil }
    self.init(
      name, count: words[1], Datatype(rawValue: words[2]), OperationKind(rawValue: words[3]),
      root: words[4] < 0 ? nil : words[4])
  }
}

extension CollectiveCall: CustomStringConvertible {
  var description: String {
    var text = "\(name)"
    if let datatype { text += " of \(count) \(datatype)" }
    if let operation { text += ", \(operation)" }
    if let root { text += ", root \(root)" }
    return text
  }
}

extension Communicator {
  /// Throws on every rank if the ranks do not all make the same call; does
  /// nothing unless ``EnvironmentOptions/checksCollectives`` is set.
  @inline(__always)
  func checkSame(_ call: @autoclosure () -> CollectiveCall) throws(MPIError) {
    if job.options.checksCollectives { try compare(call()) }
  }

  private func compare(_ mine: CollectiveCall) throws(MPIError) {
    let words = mine.words
    let count = Int32(CollectiveCall.wordCount)
    var all = [Int](repeating: 0, count: CollectiveCall.wordCount * size)
    let type = Int.datatype.handle
    try check(
      MPI_Allgather(words, count, type.raw, &all, count, type.raw, handle.raw), "MPI_Allgather")
    func call(of rank: Int) -> CollectiveCall? {
      CollectiveCall(
        words: all[rank * CollectiveCall.wordCount..<(rank + 1) * CollectiveCall.wordCount])
    }
    guard let first = call(of: 0) else { return }
    for rank in 1..<size {
      if let other = call(of: rank), other != first {
        throw MPIError(
          .notSame, call: "collective call",
          message: "rank 0 called \(first), rank \(rank) called \(other)")
      }
    }
  }
}
