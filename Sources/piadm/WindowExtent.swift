import PicardSampler

/// How many steps a sliding window has: always as many, or more where they come to rest
/// as fast as they are opened.
struct WindowExtent: Hashable {
  var steps: Int
  /// What it may grow to.
  var most: Int?
}

extension WindowExtent {
  /// The window with the least predicted time, of one size: what is printed of it repeats
  /// the bits of the run.
  ///
  /// - Parameters:
  ///   - cost: of a score call, its latency included.
  ///   - steps: steps of the trajectory.
  ///   - samples: those in flight on these ranks.
  ///   - ranks: ranks that share the window.
  init(_ cost: ScoreCost, _ solver: SolverOptions, steps: Int, samples: Int, ranks: Int) {
    self.init(
      steps: cost.bestWindow(
        steps: steps, rows: samples * (1 + (solver.probes ?? 0)), ranks: ranks, chunk: solver.chunk))
  }

  init?(_ options: PicardOptions) {
    guard let steps = options.window else { return nil }
    self.init(steps: steps, most: options.largestWindow)
  }
}

/// `32`, or `32:128`.
extension WindowExtent: LosslessStringConvertible {
  init?(_ text: String) {
    let numbers = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map { Int($0) }
    guard let first = numbers.first, let steps = first, let last = numbers.last, let most = last else { return nil }
    (self.steps, self.most) = (steps, numbers.count > 1 ? most : nil)
  }

  var description: String { most.map { "\(steps):\($0)" } ?? "\(steps)" }
}

/// A number, or `"32:128"`.
extension WindowExtent: Encodable {
  func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    if most == nil { try container.encode(steps) } else { try container.encode(description) }
  }
}
