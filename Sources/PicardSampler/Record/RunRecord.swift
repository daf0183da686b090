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

  /// Rounds and last change of each sample in each stage.
  private var progress: [[(rounds: Int, change: Double)]]
  /// Block of each stage, and whether the stage is its corrector.
  private let stages: [(block: Int, isCorrector: Bool)]

  init(_ trajectory: Trajectory, samples: Int) {
    var blocks: [Block] = []
    stages = trajectory.stages.map { stage in
      switch stage.kind {
      case .predictor(let first):
        blocks.append(Block(first: first, steps: stage.slices.count))
        return (blocks.count - 1, false)
      case .corrector:
        return (stage.block, true)
      }
    }
    self.blocks = blocks
    progress = Array(repeating: Array(repeating: (0, 0), count: stages.count), count: samples)
  }

  /// The record of a sequential run: as many rounds as slices, nothing left to change.
  init(sequential trajectory: Trajectory) {
    self.init(trajectory, samples: 0)
    rounds = trajectory.slices
    for (stage, (block, isCorrector)) in zip(trajectory.stages, stages) {
      if isCorrector {
        blocks[block].correctorIterations = stage.slices.count
      } else {
        blocks[block].iterations = stage.slices.count
      }
    }
  }

  /// Starts the next round.
  mutating func beginRound() {
    rounds += 1
    largestChange = 0
  }

  /// Takes note of a round of one sample.
  mutating func note(stage: Int, sample: Int, change: Double) {
    progress[sample][stage].rounds += 1
    progress[sample][stage].change = change
    largestChange = max(largestChange, change)
  }

  /// Rounds and last changes of the stages that a sample has entered, the
  /// last of which may not have had a round yet.
  func progress(of sample: Int, in stage: Int) -> (iterations: [Int], changes: [Double]) {
    let entered = progress[sample][...min(stage, stages.count - 1)]
    return (entered.map(\.rounds), entered.map(\.change))
  }

  /// Takes up what `progress` told of a sample.
  mutating func restore(_ sample: Int, iterations: [Int], changes: [Double]) {
    for (stage, value) in zip(iterations, changes).enumerated() { progress[sample][stage] = value }
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
      for ((block, isCorrector), value) in zip(stages, sample) {
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

/// What a rank holds at the end of a run.
public struct Solution<Scalar: StateScalar>: Sendable {
  /// Number and final state of the samples on this rank, in order.
  public let samples: [(number: Int, state: [Scalar])]
  /// What the run was, as this rank saw it.
  public let record: RunRecord
}
