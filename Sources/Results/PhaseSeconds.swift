import Foundation

/// What the time of a run is spent on.
public enum Phase: String, Hashable, Sendable, CaseIterable {
  /// Start-up until the first step: loading and checking the model, the grid.
  case setup
  /// Evaluating the model.
  case score
  /// Step maps, corrections and norms of the change.
  case update
  /// Sending boundary states and waiting for the left neighbour's.
  case exchange
  /// Collective reductions, the wait for the slowest rank included.
  case reduce
  /// Writing results.
  case output
}

/// Seconds that one rank spent, in all and in every phase.
public struct PhaseSeconds: Codable, Hashable, Sendable {
  public var total: Double
  public var setup: Double
  public var score: Double
  public var update: Double
  public var exchange: Double
  public var reduce: Double
  public var output: Double
  /// What of `exchange` and `reduce` was waiting for other ranks.
  public var wait: Double

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

/// A stopwatch that is in one phase at a time, on a clock that never goes back.
public struct PhaseTimers: Sendable {
  private let start = ContinuousClock.now
  private var current: (phase: Phase, since: ContinuousClock.Instant)?
  private var finished = PhaseSeconds()

  public init() {}

  /// Ends the phase that runs, if any, and begins `phase`, if any.
  public mutating func enter(_ phase: Phase?) {
    let now = ContinuousClock.now
    if let current { finished[current.phase] += (now - current.since).seconds }
    current = phase.map { ($0, now) }
  }

  /// The time spent until now, the running phase included.
  public var seconds: PhaseSeconds {
    let now = ContinuousClock.now
    var seconds = finished
    if let current { seconds[current.phase] += (now - current.since).seconds }
    seconds.total = (now - start).seconds
    return seconds
  }
}

extension Duration {
  var seconds: Double { self / .seconds(1) }
}
