public import Diffusion

/// What a run was, for its report.
public struct RunRecord: Sendable {
  /// One block of predictor steps.
  public struct Block: Hashable, Sendable {
    /// Number of its first step.
    public var first: Int
    /// Its predictor steps.
    public var steps: Int
    /// Rounds until the last sample was done with it.
    public var iterations = 0
    /// Rounds of the corrector after it.
    public var correctorIterations = 0
    /// The largest change in the last round of any sample.
    public var change = 0.0
  }

  /// The blocks in order.
  public internal(set) var blocks: [Block]
  /// Rounds of score evaluation one after another, those of the corrector included.
  public internal(set) var rounds = 0
  /// Rows that this rank evaluated.
  public internal(set) var evaluations = 0
  /// Where this rank's time went.
  public internal(set) var seconds = PhaseSeconds()
  /// The largest change of the last round.
  public internal(set) var largestChange = 0.0

  /// Rounds and last change of each sample in each segment.
  private var progress: [[(rounds: Int, change: Double)]]
  /// Block of each segment, and whether the segment is its corrector.
  private let segments: [(block: Int, isCorrector: Bool)]

  init(_ trajectory: Trajectory, samples: Int) {
    var blocks: [Block] = []
    segments = trajectory.segments.map { segment in
      switch segment.kind {
      case .predictor(let first):
        blocks.append(Block(first: first, steps: segment.slices.count))
        return (blocks.count - 1, false)
      case .corrector:
        return (segment.block, true)
      }
    }
    self.blocks = blocks
    progress = Array(repeating: Array(repeating: (0, 0), count: segments.count), count: samples)
  }

  /// The record of a sequential run: as many rounds as slices, nothing left to change.
  init(sequential trajectory: Trajectory) {
    self.init(trajectory, samples: 0)
    rounds = trajectory.slices
    for (segment, (block, isCorrector)) in zip(trajectory.segments, segments) {
      if isCorrector {
        blocks[block].correctorIterations = segment.slices.count
      } else {
        blocks[block].iterations = segment.slices.count
      }
    }
  }

  /// Starts the next round.
  mutating func beginRound() {
    rounds += 1
    largestChange = 0
  }

  /// Takes note of a round of one sample.
  mutating func note(segment: Int, sample: Int, change: Double) {
    progress[sample][segment].rounds += 1
    progress[sample][segment].change = change
    largestChange = max(largestChange, change)
  }

  /// Rounds and last changes of the segments that a sample has entered, the
  /// last of which may not have had a round yet.
  func progress(of sample: Int, in segment: Int) -> (iterations: [Int], changes: [Double]) {
    let entered = progress[sample][...min(segment, segments.count - 1)]
    return (entered.map(\.rounds), entered.map(\.change))
  }

  /// Takes up what `progress` told of a sample.
  mutating func restore(_ sample: Int, iterations: [Int], changes: [Double]) {
    for (segment, value) in zip(iterations, changes).enumerated() { progress[sample][segment] = value }
    let total = iterations.reduce(0, +)
    let last = changes[iterations.lastIndex { $0 > 0 } ?? 0]
    // The last round is that of the samples that have had the most.
    if total > rounds { (rounds, largestChange) = (total, last) }
    if total == rounds { largestChange = max(largestChange, last) }
  }

  /// Sums up per block once the run has ended; the changes that other ranks
  /// alone know are taken from them.
  mutating func close(_ ring: any Ring) throws {
    for sample in progress {
      for ((block, isCorrector), value) in zip(segments, sample) {
        if isCorrector {
          blocks[block].correctorIterations = max(blocks[block].correctorIterations, value.rounds)
        } else {
          blocks[block].iterations = max(blocks[block].iterations, value.rounds)
          blocks[block].change = max(blocks[block].change, value.change)
        }
      }
    }
    var changes = blocks.map(\.change) + [largestChange]
    if ring.size > 1 {
      var span = changes.mutableSpan
      try ring.maximum(&span)
    }
    largestChange = changes.removeLast()
    for (block, change) in changes.enumerated() { blocks[block].change = change }
  }
}

/// Where a rank's time went, in seconds.
public struct PhaseSeconds: Hashable, Sendable {
  /// The model, waiting for `--score-latency` included.
  public var score = 0.0
  /// States, norms and secants.
  public var update = 0.0
  /// Sending boundary states and waiting for them.
  public var exchange = 0.0
  /// Agreeing on the changes.
  public var reduce = 0.0
  /// What of `exchange` and `reduce` was waiting for other ranks.
  public var wait = 0.0
}

/// A stopwatch that is in one phase at a time: a phase within another one
/// stops the outer one's time.
final class PhaseClock {
  @exclusivity(unchecked) var observer: (any RunObserver)?
  /// By the number of a phase. Sums stay in the clock's own type: there are
  /// some twenty of them in a round that may take no more than 0.2 ms.
  @exclusivity(unchecked) private var measured = [Duration](repeating: .zero, count: SolverPhase.allCases.count)
  @exclusivity(unchecked) private var waited = Duration.zero
  @exclusivity(unchecked) private var current: SolverPhase?
  @exclusivity(unchecked) private var since = ContinuousClock.now

  var seconds: PhaseSeconds {
    func seconds(_ phase: SolverPhase) -> Double { measured[Int(phase.rawValue)] / .seconds(1) }
    return PhaseSeconds(
      score: seconds(.score), update: seconds(.update), exchange: seconds(.exchange),
      reduce: seconds(.reduce), wait: waited / .seconds(1) + seconds(.reduce))
  }

  func time<Result>(_ phase: SolverPhase, _ body: () throws -> Result) rethrows -> Result {
    let outer = current
    enter(phase)
    let start = since
    defer {
      enter(outer)
      observer?.ended(phase, since: start, at: since)
    }
    return try body()
  }

  /// Waits for a message; what is done meanwhile, a phase of its own, is no waiting.
  func awaitMessage(of bytes: Int, from source: Int, _ body: () throws -> Void) rethrows {
    let start = ContinuousClock.now
    let before = measured[Int(SolverPhase.update.rawValue)]
    try body()
    let end = ContinuousClock.now
    waited += end - start - (measured[Int(SolverPhase.update.rawValue)] - before)
    observer?.received(bytes: bytes, from: source, waitingSince: start, until: end)
  }

  private func enter(_ phase: SolverPhase?) {
    let now = ContinuousClock.now
    if let current { measured[Int(current.rawValue)] += now - since }
    (current, since) = (phase, now)
  }
}

/// What a rank holds at the end of a run.
public struct Solution<Scalar: StateScalar>: Sendable {
  /// Number and final state of the samples on this rank, in order.
  public let samples: [(number: Int, state: [Scalar])]
  /// What the run was, as this rank saw it.
  public let record: RunRecord
}
