import Diffusion

/// Boundary states on their way between ranks.
extension PicardSolver {
  /// Sends runs of numbers, one for each component of a state, as one message.
  func send(_ runs: [[Scalar]], to destination: Int) throws {
    var message: [Scalar] = []
    message.reserveCapacity(runs.reduce(0) { $0 + $1.count })
    for run in runs { message.append(contentsOf: run) }
    try ring.send(message.span.bytes, to: destination)
  }

  /// Waits for a message of `count` runs.
  func receive(_ count: Int, from source: Int) throws -> [[Scalar]] {
    let length = batch.model.dimension
    var message = [Scalar](repeating: 0, count: count * length)
    var span = message.mutableSpan
    var bytes = span.mutableBytes
    try ring.receive(into: &bytes, from: source)
    guard count > 1 else { return [message] }
    return (0..<count).map { Array(message[($0 * length)..<(($0 + 1) * length)]) }
  }
}

/// Things for several ranks, in order for each.
struct ByRank<Element> {
  /// By ascending rank.
  private(set) var groups: [(rank: Int, elements: [Element])] = []

  mutating func append(_ element: Element, for rank: Int) {
    if let index = groups.firstIndex(where: { $0.rank >= rank }) {
      if groups[index].rank == rank {
        groups[index].elements.append(element)
      } else {
        groups.insert((rank, [element]), at: index)
      }
    } else {
      groups.append((rank, [element]))
    }
  }
}
