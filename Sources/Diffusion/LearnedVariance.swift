import Foundation

/// What a model says, element by element, of the variance of the noise of a
/// posterior step.
public enum LearnedVariance: Hashable, Sendable {
  /// The variance at noise level 1.
  case direct
  /// A number from -1 to 1, between which the logarithm of the variance goes
  /// from the posterior's to the forward process's (Nichol and Dhariwal, ICML
  /// 2021).
  case range
}

/// The noise of one step whose variance a model predicts.
public struct LearnedNoise: Hashable, Sendable {
  /// What the model predicts.
  public let variance: LearnedVariance
  /// 0 (probability flow) to 1 (reverse SDE).
  public let level: Double
  /// Logarithm of the posterior's variance at noise level 1.
  public let leastLogarithm: Double
  /// Logarithm of the forward process's variance.
  public let greatestLogarithm: Double

  /// The noise of a step between two nodes.
  init(_ variance: LearnedVariance, from: NoiseTime, to: NoiseTime, level: Double) {
    let forward = -expm1(to.s - from.s)
    let ratio = to.sigma / from.sigma
    self.variance = variance
    self.level = level
    // A step to clean data has none; diffusers takes this for its logarithm.
    leastLogarithm = log(max(ratio * ratio * forward, 1e-20))
    greatestLogarithm = log(max(forward, 1e-20))
  }

  /// The standard deviation of the noise before the model has been asked.
  public var firstDeviation: Double { level * exp(leastLogarithm / 2) }

  /// Multiplies standard normal numbers by the standard deviations that a model
  /// predicts.
  ///
  /// - Parameters:
  ///   - noise: one number an element.
  ///   - predictions: what the model says for each.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public func scale<Scalar: StateScalar>(_ noise: inout MutableSpan<Scalar>, by predictions: Span<Scalar>) {
    switch variance {
    case .direct:
      let level = Scalar(level)
      for k in 0..<noise.count { noise[k] *= level * predictions[k].squareRoot() }
    case .range:
      let (middle, half) = (
        (greatestLogarithm + leastLogarithm) / 4, (greatestLogarithm - leastLogarithm) / 4
      )
      for k in 0..<noise.count { noise[k] *= Scalar(level * exp(middle + half * Double(predictions[k]))) }
    }
  }
}
