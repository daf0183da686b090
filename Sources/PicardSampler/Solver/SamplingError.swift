import Diffusion

/// Why a run could not be finished.
public struct SamplingError: Error, Hashable, Sendable, CustomStringConvertible {
  /// Where and when the score failed.
  public let description: String

  /// A value of `f` that is not finite.
  init(nonFinite stage: Stage, slice: Int, sample: Int, rank: Int, round: Int) {
    let step =
      switch stage.kind {
      case .predictor(let first): "step \(first + slice)"
      case .corrector: "corrector step \(slice) after block \(stage.block)"
      }
    description = """
      a score is not finite: sample \(sample), \(step), noise time \(stage.slices[slice].time.s), \
      round \(round), rank \(rank); `piadm inspect` checks the model, and a shorter --horizon keeps \
      it to the noise times it was trained for
      """
  }
}
