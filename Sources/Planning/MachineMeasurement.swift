package import Diffusion
import Foundation
package import MPI
package import PicardSampler
import PicardSamplerMPI

/// Measures what the ranks of a job take for the parts of a round. All of it is
/// collective; ranks that have no part in a measurement sleep.
package struct MachineMeasurement<Scalar: StateScalar> {
  let batch: ScoreBatch<Scalar>
  let node: NoiseTime
  let world: Communicator

  package init(batch: ScoreBatch<Scalar>, node: NoiseTime, world: Communicator) {
    self.batch = batch
    self.node = node
    self.world = world
  }

  /// 1, 2, 4, ... and all ranks.
  package var counts: [Int] {
    Array(sequence(first: 1) { $0 * 2 }.prefix { $0 < world.size }) + [world.size]
  }

  /// Score calls of 1, 2, 4, ... rows on rank 0.
  package func scoreCost() throws -> ScoreCost {
    let sizes = Array(sequence(first: 1) { $0 * 2 }.prefix { $0 < batch.rows }) + [batch.rows]
    var seconds =
      try world.onFirst(1) {
        try sizes.map { size in try times(of: size, atLeast: 0.02).sorted() }.map { $0[$0.count / 2] }
      } ?? sizes.map { _ in 0 }
    try world.broadcast(&seconds, root: 0)
    return ScoreCost(rows: sizes, seconds: seconds)
  }

  /// How much longer a call takes where more ranks make one at the same time,
  /// on the slowest of them, which a round waits for.
  ///
  /// - Parameter rows: rows in all of a round, which the ranks share.
  package func slowdown(rows: Int, _ alone: ScoreCost) throws -> [(ranks: Int, factor: Double)] {
    try counts.map { count in
      guard count > 1 else { return (1, 1) }
      let share = max(1, min(batch.rows, rows / count))
      let own = try world.onFirst(count) {
        // Long enough for the operating system to let every rank have its turn.
        let times = try times(of: share, atLeast: 0.15)
        return times.reduce(0, +) / Double(times.count)
      }
      let slowest = try world.allReduce(own ?? 0, .maximum)
      return (count, max(1, slowest / alone.time(of: share)))
    }
  }

  private func times(of rows: Int, atLeast seconds: Double) throws -> [Double] {
    _ = try batch.time(rows, at: node)
    var times: [Double] = []
    while times.count < 2 || times.reduce(0, +) < seconds { times.append(try batch.time(rows, at: node)) }
    return times
  }

  /// Measures a message to the next rank: of no length, by number of ranks that
  /// stand in a circle; every further one; and every byte, on all ranks.
  package func network(into cost: inout MachineCost, messageBytes: Int, stallTimeout: Double) throws {
    func hop(_ count: Int, messages: Int = 1, bytes: Int = 8) throws -> Double {
      try seconds(on: count, stallTimeout) { ring in
        try circle(bytes, messages, ring)
      } / Double(count)
    }
    let sizes = counts.filter { $0 > 1 }
    guard let all = sizes.last else { return }
    cost.hop = try sizes.map { ($0, try hop($0)) }
    let short = cost.hop.last?.seconds ?? 0
    cost.furtherMessage = max(0, try hop(all, messages: 17) - short) / 16
    let bytes = max(messageBytes, 1 << 16)
    cost.secondsPerByte = max(0, try hop(all, bytes: bytes) - short) / Double(bytes)
  }

  /// Agreeing on so many numbers, by number of ranks.
  package func agreement(numbers: Int, stallTimeout: Double) throws -> [(ranks: Int, seconds: Double)] {
    let times = try counts.filter { $0 > 1 }.map { count in
      let seconds = try seconds(on: count, stallTimeout) { ring in
        var values = [Double](repeating: 0, count: numbers)
        var span = values.mutableSpan
        try ring.maximum(&span)
      }
      return (ranks: count, seconds: seconds)
    }
    return times.isEmpty ? [(2, 0)] : times
  }

  /// The median time of an exchange among the first ranks.
  private func seconds(
    on count: Int, _ stallTimeout: Double, _ exchange: (MPIRing) throws -> Void
  ) throws -> Double {
    let own = try world.withSplit(color: world.rank < count ? 0 : 1, key: world.rank) { ranks in
      try world.onFirst(count) {
        let ring = MPIRing(ranks, stallTimeout: stallTimeout)
        // The first exchange opens connections.
        try exchange(ring)
        let times = try (0..<9).map { _ in
          let start = ContinuousClock.now
          try exchange(ring)
          return (ContinuousClock.now - start) / .seconds(1)
        }
        try ring.finish()
        return times.sorted()[times.count / 2]
      }
    }
    return try world.allReduce(own ?? 0, .maximum)
  }

  /// Passes messages once round all ranks.
  private func circle(_ bytes: Int, _ messages: Int, _ ring: MPIRing) throws {
    var message = [UInt8](repeating: 0, count: bytes)
    func receive() throws {
      for _ in 0..<messages {
        var span = message.mutableSpan
        var raw = span.mutableBytes
        try ring.receive(into: &raw, from: (ring.rank + ring.size - 1) % ring.size)
      }
    }
    if ring.rank > 0 { try receive() }
    for _ in 0..<messages { try ring.send(message.span.bytes, to: (ring.rank + 1) % ring.size) }
    if ring.rank == 0 { try receive() }
  }
}

extension Communicator {
  /// Runs `body` on the first ranks while the others sleep. Collective.
  package func onFirst<Result>(_ count: Int, _ body: () throws -> Result) throws -> Result? {
    let result = Swift.Result { rank < count ? try body() : nil }
    var barrier = try startBarrier()
    while try !barrier.test() { usleep(300) }
    try barrier.wait()
    return try agree { try result.get() }
  }
}
