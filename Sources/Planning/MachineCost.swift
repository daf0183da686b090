import Foundation

/// What a machine takes for the parts of a round, in seconds.
public struct MachineCost: Sendable {
  /// A score call in a round, where the other ranks of the host rest.
  public var score: ScoreCost
  /// A score call of sequential sampling, right after another one.
  public let sequentialScore: ScoreCost
  /// Wait in every score call, during which the processor is free.
  public var latency = 0.0
  /// States and norms, for every slice and round.
  public var update = 0.0
  /// By what factor work takes longer on so many ranks of this machine, which
  /// share its processors, caches and memory. The last one holds for more.
  public var slowdown: [(ranks: Int, factor: Double)] = [(1, 1)]
  /// What a round takes on so many ranks beyond its parts: waiting for whoever is
  /// late by chance, or for a processor; below zero where messages are faster in
  /// a run than by themselves. The last one holds for more.
  public var overhead: [(ranks: Int, seconds: Double)] = [(1, 0)]
  /// A message of no length to the next rank; the last one holds for more ranks.
  public var hop: [(ranks: Int, seconds: Double)] = [(2, 0)]
  /// Every further message that leaves together with it.
  public var furtherMessage = 0.0
  /// Every byte of a message.
  public var secondsPerByte = 0.0
  /// Agreeing on the changes, by number of ranks.
  public var agreement: [(ranks: Int, seconds: Double)] = [(2, 0)]

  /// A machine on which all but score calls costs nothing.
  public init(score: ScoreCost) {
    self.score = score
    sequentialScore = score
  }

  func waits(for rows: Int) -> Double {
    let largest = score.rows.last ?? 1
    return Double((rows + largest - 1) / largest) * latency
  }

  /// Messages that leave together for the next one of `ranks` ranks.
  func messages(_ count: Int, bytes: Int, ranks: Int) -> Double {
    interpolated(hop.map { ($0.ranks, $0.seconds) }, ranks) + Double(count - 1) * furtherMessage
      + Double(bytes) * secondsPerByte
  }

  /// A reduction: as measured, and beyond that by the depth of the tree.
  func agreement(ranks: Int) -> Double {
    guard ranks > 1 else { return 0 }
    let measured = interpolated(agreement.map { ($0.ranks, $0.seconds) }, ranks)
    guard let last = agreement.last, ranks > last.ranks else { return measured }
    let depth = log2(Double(ranks)).rounded(.up) / max(1, log2(Double(last.ranks)).rounded(.up))
    return measured * depth
  }

  /// By what factor work takes longer on so many ranks.
  public func slowdown(ranks: Int) -> Double { interpolated(slowdown.map { ($0.ranks, $0.factor) }, ranks) }

  func overhead(ranks: Int) -> Double { interpolated(overhead.map { ($0.ranks, $0.seconds) }, ranks) }

  /// Between two measurements a straight line; the ends hold beyond.
  private func interpolated(_ points: [(Int, Double)], _ ranks: Int) -> Double {
    guard let above = points.firstIndex(where: { $0.0 >= ranks }) else { return points.last?.1 ?? 0 }
    guard above > 0, points[above].0 != ranks else { return points[above].1 }
    let (low, high) = (points[above - 1], points[above])
    return low.1 + (high.1 - low.1) * Double(ranks - low.0) / Double(high.0 - low.0)
  }
}
