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
  /// Number of the first slice of every segment.
  let starts: [Int]
  let windows: [Window]
  let changes: Changes

  /// The slices that were iterated, by sample: their segment, and their range
  /// within it, which is empty where the sample was finished.
  public var active: [(segment: Int, slices: Range<Int>)] {
    windows.map { ($0.segment, $0.first..<$0.end) }
  }

  /// How many slices of the sample that is furthest behind changed by no more than
  /// the tolerance, from the first one on that is not done. They may still change
  /// in a later round.
  public func slicesAtRest(within tolerance: Double) -> Int {
    let last = windows.lazy.filter { !$0.isEmpty }.map(\.segment).min()
    let counts = windows.enumerated().filter { !$1.isEmpty && $1.segment == last }.map { sample, _ in
      changes.countAtRest(sample, within: tolerance)
    }
    return counts.min() ?? 0
  }

  /// Tells the change of every slice that this rank knows: its own where ranks
  /// do not have to agree, all otherwise. Slices are numbered from the noise on,
  /// those of the corrector included.
  public func forEach(_ body: (_ slice: Int, _ change: Double) -> Void) {
    for (sample, window) in windows.enumerated() where window.segment < starts.count {
      for slice in window.first..<window.end {
        let change = changes[sample, slice]
        if change >= 0 { body(starts[window.segment] + slice, change) }
      }
    }
  }
}
