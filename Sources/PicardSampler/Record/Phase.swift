/// What a rank spends its time on.
public enum Phase: Int, Hashable, Sendable, CaseIterable {
  /// Until the first round: loading and checking the model, the grid.
  case setup
  /// Evaluating the model.
  case score
  /// Step maps, corrections, norms and secants.
  case update
  /// Sending boundary states and waiting for them.
  case exchange
  /// Agreeing on the changes, the wait for the slowest rank included.
  case reduce
  /// Writing results.
  case output
}

/// Seconds that one rank spent, in all and in every phase.
public struct PhaseSeconds: Codable, Hashable, Sendable {
  /// From the start of the program to its end.
  public var total: Double
  /// Of ``Phase/setup``.
  public var setup: Double
  /// Of ``Phase/score``.
  public var score: Double
  /// Of ``Phase/update``.
  public var update: Double
  /// Of ``Phase/exchange``.
  public var exchange: Double
  /// Of ``Phase/reduce``.
  public var reduce: Double
  /// Of ``Phase/output``.
  public var output: Double
  /// What of `exchange` and `reduce` was waiting for other ranks.
  public var wait: Double

  /// Seconds as measured.
  public init(
    total: Double = 0, setup: Double = 0, score: Double = 0, update: Double = 0,
    exchange: Double = 0, reduce: Double = 0, output: Double = 0, wait: Double = 0
  ) {
    self.total = total
    self.setup = setup
    self.score = score
    self.update = update
    self.exchange = exchange
    self.reduce = reduce
    self.output = output
    self.wait = wait
  }

  /// Seconds of a phase.
  public subscript(phase: Phase) -> Double {
    get { self[keyPath: phase.seconds] }
    set { self[keyPath: phase.seconds] = newValue }
  }

  /// Seconds that belong to no phase.
  public var other: Double {
    total - Phase.allCases.reduce(0) { $0 + self[$1] }
  }

  /// The largest of every phase over the ranks: a report's `seconds`.
  public static func slowest(of ranks: [PhaseSeconds]) -> PhaseSeconds {
    var slowest = PhaseSeconds()
    for rank in ranks {
      slowest.total = max(slowest.total, rank.total)
      slowest.wait = max(slowest.wait, rank.wait)
      for phase in Phase.allCases { slowest[phase] = max(slowest[phase], rank[phase]) }
    }
    return slowest
  }
}

extension Phase {
  fileprivate var seconds: WritableKeyPath<PhaseSeconds, Double> {
    switch self {
    case .setup: \.setup
    case .score: \.score
    case .update: \.update
    case .exchange: \.exchange
    case .reduce: \.reduce
    case .output: \.output
    }
  }
}
