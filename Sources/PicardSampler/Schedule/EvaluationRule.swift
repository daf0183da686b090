/// Which of the active slices a round evaluates.
///
/// A slice is evaluated again once its state has moved far enough since its last evaluation;
/// until then its `f` is carried on by its slope. And the first rounds of a block evaluate
/// every `n`-th slice, then every `n/2`-th, ... of those that are still new, counted from the
/// first slice of a chunk; the others take the denoised estimate of the slice to their left.
///
/// It decides by numbers of the slice's own sample and chunk, so that no bit depends on the
/// ranks or on what else is drawn.
package struct EvaluationRule: Hashable, Sendable {
  /// How far a state may move before its slice is evaluated again, root mean square over its
  /// elements, weighted by what it moves the last state by. 0: by no bit.
  package var distance: Double
  /// By stage: how far apart the slices are that the first round evaluates, a power of 2.
  let strides: [Int]

  /// Evaluates every slice whose state has changed by a bit.
  static func everything(stages: Int) -> EvaluationRule {
    EvaluationRule(distance: 0, strides: Array(repeating: 1, count: stages))
  }

  /// How far apart the slices are that may be evaluated for the first time.
  ///
  /// - Parameter rounds: since the stage began.
  func stride(_ stage: Int, after rounds: Int) -> Int { max(1, strides[stage] >> min(rounds, 62)) }

  /// That of the first round, of the stage where it is largest.
  package var largestStride: Int { strides.max() ?? 1 }

  /// Rounds in which some slices stay new.
  func sparseRounds(_ stage: Int) -> Int { strides[stage].trailingZeroBitCount }
}

extension PicardOptions {
  /// Share of the tolerance by which a state may move before its slice is evaluated again.
  public static let defaultMovement = 0.1

  /// Which slices of a round are evaluated. Where there is no tolerance above 0 and where no
  /// slopes are known, all that have changed.
  package func evaluationRule(_ trajectory: Trajectory) -> EvaluationRule {
    let stages = trajectory.stages
    guard case .tolerance(let tolerance) = stop, tolerance > 0, movement > 0, linearization.findsSlopes, anderson == nil
    else {
      return .everything(stages: stages.count)
    }
    return EvaluationRule(
      distance: movement * tolerance,
      strides: stages.map { stage in
        guard extent == .blocks, !stage.isCorrector else { return 1 }
        let most = min(stride ?? Self.defaultStride(slices: stage.slices.count), chunk)
        return 1 << (Int.bitWidth - 1 - most.leadingZeroBitCount)
      })
  }

  /// How far apart the slices of a block are that its first round evaluates: a fiftieth of
  /// them, or 2. Blocks of fewer than 32 take too few rounds to gain by it.
  private static func defaultStride(slices: Int) -> Int { slices < 32 ? 1 : max(2, slices / 50) }
}
