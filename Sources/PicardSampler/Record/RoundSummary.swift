/// What a run looks like from outside after a round.
public struct RoundSummary: Sendable {
  /// Rounds so far.
  public var round: Int
  /// Rows evaluated by this rank so far.
  public var evaluations: Int
  /// Calls of the model by this rank so far.
  public var calls: Int
  /// Slices that are done, of the sample that is furthest behind.
  public var finishedSteps: Int
  /// Slices in all.
  public var steps: Int
  /// The largest change of any sample in this round, root mean square over its elements,
  /// in a sliding window times what it moves the last state by.
  public var largestChange: Double
  /// The block in which the sample is that is furthest behind.
  public var block: Int
  /// That sample is in the corrector after the block.
  public var isCorrector: Bool
  /// What the round did to every slice that was iterated.
  public var changes: SliceChanges
}

/// The changes of the slices that were iterated in a round, all samples'.
public struct SliceChanges: Sendable {
  /// Number of the first slice of every stage.
  let starts: [Int]
  let windows: [Window]
  let changes: Changes

  /// The slices that were iterated, by sample: their stage, which is a block or the corrector
  /// after one, and their range within it, which is empty where the sample was finished.
  public var active: [(stage: Int, slices: Range<Int>)] { windows.map { ($0.stage, $0.slices) } }

  /// How many slices of the sample that is furthest behind have converged by their changes,
  /// from its first active one on. They may still change in a later round.
  public func convergedSlices(by stop: StopRule) -> Int {
    let last = windows.lazy.filter { !$0.isEmpty }.map(\.stage).min()
    let counts = windows.enumerated().filter { !$1.isEmpty && $1.stage == last }.map { sample, _ in
      stop.converged(changes.changes(of: sample), after: 0)
    }
    return counts.min() ?? 0
  }

  /// Tells the change of every slice that this rank knows: its own where ranks
  /// do not have to agree, all otherwise. Slices are numbered from the noise on,
  /// those of the corrector included.
  public func forEach(_ body: (_ slice: Int, _ change: Double) -> Void) {
    for (sample, window) in windows.enumerated() where window.stage < starts.count {
      for slice in window.first..<window.end {
        let change = changes[sample, slice]
        if change >= 0 { body(starts[window.stage] + slice, change) }
      }
    }
  }
}
