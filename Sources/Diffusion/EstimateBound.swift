import Foundation

/// What a scheduler does to the denoised estimate `x_0` before a step uses it.
///
/// It makes the function that the steps integrate a nonlinear one of the
/// prediction, for the sequential and the parallel solvers alike.
public struct EstimateBound: Hashable, Sendable {
  /// To what the estimate is held.
  public enum Kind: Hashable, Sendable {
    /// To the interval from minus to plus this.
    case clip(Double)
    /// To the interval from `-q` to `q`, then over `q`: the quantile of the
    /// magnitudes of a sample's elements, at least 1 and at most `greatest`
    /// (Saharia et al., NeurIPS 2022).
    case dynamicThreshold(quantile: Double, greatest: Double)
  }

  /// To what it is held.
  public var kind: Kind
  /// A posterior step takes the direction to the noise from the estimate as
  /// predicted, not from the bounded one.
  public var keepsDirection: Bool

  /// A bound of this kind, on the estimate alone unless chosen otherwise.
  public init(_ kind: Kind, keepsDirection: Bool = false) {
    self.kind = kind
    self.keepsDirection = keepsDirection
  }

  /// Replaces a row's prediction by `bound(x_0) + unbounded x_0`, with
  /// `x_0 = p state + q prediction`. Elements that are not finite stay so.
  ///
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public func apply<Scalar: StateScalar>(
    to prediction: inout MutableSpan<Scalar>, state: Span<Scalar>,
    _ estimate: (state: Double, prediction: Double), unbounded: Double
  ) {
    let (p, q, unbounded) = (Scalar(estimate.state), Scalar(estimate.prediction), Scalar(unbounded))
    for k in 0..<prediction.count { prediction[k] = p * state[k] + q * prediction[k] }
    let (limit, divisor) = interval(of: prediction.span)
    for k in 0..<prediction.count {
      let x = prediction[k]
      guard x.isFinite else { continue }
      prediction[k] = max(-limit, min(limit, x)) / divisor + unbounded * x
    }
  }

  private func interval<Scalar: StateScalar>(of estimate: Span<Scalar>) -> (limit: Scalar, divisor: Scalar) {
    switch kind {
    case .clip(let limit):
      return (Scalar(limit), 1)
    case .dynamicThreshold(let quantile, let greatest):
      let magnitudes = estimate.indices.map { abs(estimate[$0]) }.filter { $0.isFinite }.sorted()
      guard let last = magnitudes.indices.last else { return (1, 1) }
      let position = quantile * Double(last)
      let below = Int(position)
      let (low, high) = (magnitudes[below], magnitudes[min(below + 1, last)])
      let threshold = low + Scalar(position - Double(below)) * (high - low)
      let limit = min(max(threshold, 1), Scalar(greatest))
      return (limit, limit)
    }
  }
}
