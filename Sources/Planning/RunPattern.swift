public import PicardSampler

/// The rounds of a run: which slices were iterated in each of them.
///
/// They depend on the model and the options, not on the number of ranks; so a
/// run on few ranks tells what one on many would do.
public struct RunPattern: Sendable {
  /// By round and sample.
  private(set) var rounds: [[Window]] = []
  /// Slices that are done, of the sample that is furthest behind.
  public private(set) var finishedSteps = 0
  private var changes: [Double] = []

  /// A run before its first round.
  public init() {}

  /// Rounds so far.
  public var count: Int { rounds.count }

  /// Takes note of a round.
  public mutating func add(_ summary: RoundSummary) {
    rounds.append(
      summary.changes.active.map { stage, slices in
        Window(stage: stage, first: slices.lowerBound, end: slices.upperBound, size: slices.count)
      })
    if summary.finishedSteps > finishedSteps { changes = [] }
    finishedSteps = summary.finishedSteps
    changes.append(summary.largestChange)
  }

  /// How many rounds the whole run takes, where `rounds` are only its beginning.
  ///
  /// A twentieth of the slices finished tells the pace; before that, the
  /// changes are taken to fall on as they have fallen lately. `nil` where they
  /// do not fall.
  public func roundsInAll(of trajectory: Trajectory, stop: StopRule) -> Double? {
    if finishedSteps == trajectory.slices { return Double(count) }
    if 20 * finishedSteps >= trajectory.slices {
      return Double(count) * Double(trajectory.slices) / Double(finishedSteps)
    }
    let blocks = Double(trajectory.slices) / Double(trajectory.longestStage)
    return stop.expectedRounds(changes, slices: trajectory.longestStage).map { $0 * blocks }
  }
}
