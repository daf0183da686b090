/// How windows move from round to round: which slices have converged, and how many are
/// opened next. It knows no states, no messages and no ranks.
package struct WindowPolicy: Hashable, Sendable {
  let extent: Extent
  let stop: StopRule
  /// Slices of every stage.
  package let stages: [Int]
  /// The state behind a converged one is a plain step from there, and so as good as
  /// converged whatever it changed by itself; not so where iterates are mixed.
  let stepsBehindConverge: Bool

  package init(extent: Extent, stop: StopRule, stages: [Int], stepsBehindConverge: Bool = true) {
    self.extent = extent
    self.stop = stop
    self.stages = stages
    self.stepsBehindConverge = stepsBehindConverge
  }

  package init(_ trajectory: Trajectory, _ options: PicardOptions) {
    self.init(
      extent: options.extent, stop: options.stop, stages: trajectory.stages.map(\.slices.count),
      stepsBehindConverge: options.anderson == nil)
  }

  /// The window with which a sample enters a stage, or ends behind the last one.
  package func window(entering stage: Int) -> Window {
    guard stage < stages.count else { return Window(stage: stage, first: 0, end: 0, size: 0) }
    let size = extent.window ?? stages[stage]
    return Window(stage: stage, first: 0, end: min(stages[stage], size), size: size)
  }

  package func isFinished(_ window: Window) -> Bool { window.stage == stages.count }

  /// The window after a round.
  ///
  /// - Parameter changes: of the window's slices, weighted.
  package func advanced(_ window: Window, _ changes: some RandomAccessCollection<Double>) -> Window {
    var next = window
    next.rounds += 1
    next.first += convergedSlices(next, changes)
    let count = stages[window.stage]
    if next.first == count { return self.window(entering: window.stage + 1) }
    next.size = size(after: window, first: next.first)
    next.fresh = window.end
    let end = min(count, next.first + next.size)
    if end > window.end { (next.end, next.rounds) = (end, 0) }
    return next
  }

  /// How many slices from the left of the window need no further round.
  private func convergedSlices(_ window: Window, _ changes: some RandomAccessCollection<Double>) -> Int {
    let count = changes.count
    let converged = stop.converged(changes, after: window.rounds)
    if converged == count { return count }
    if extent == .blocks || stop.convergesAtOnce {
      // After as many rounds as it has slices a block is exact.
      return window.rounds >= count ? count : 0
    }
    guard stepsBehindConverge else { return max(1, converged) }
    // A stage's last state is left only when it has converged itself.
    let isLast = window.end == stages[window.stage]
    return max(1, min(converged + 1, isLast ? count - 1 : count))
  }

  /// A window grows as long as slices converge as fast as they are opened.
  private func size(after window: Window, first: Int) -> Int {
    guard case .window(let slices, let maximum) = extent else { return window.size }
    let isAtOnce = window.fresh <= window.first && first == window.end
    return isAtOnce ? min(2 * window.size, maximum) : slices
  }

  /// What a change of the state behind a slice is multiplied by before the stop rule sees
  /// it. A sliding window leaves states behind at all noise levels, and what counts is how
  /// far they move the last one.
  func weight(of map: SliceMap) -> Double {
    extent != .blocks && stop.weighsChanges ? map.sensitivity : 1
  }
}
