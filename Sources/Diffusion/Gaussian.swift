/// The exact score of a Gaussian `N(mean, diag(variances))`:
/// `-(y - alpha mean) / (alpha^2 variance + sigma^2)`.
public struct Gaussian<Scalar: StateScalar>: ScoreModel, Sendable {
  /// Mean of each coordinate, at noise time 0.
  public let mean: [Double]
  /// Variance of each coordinate, at noise time 0.
  public let variances: [Double]

  /// One dimension: that of the mean.
  public var shape: [Int] { [mean.count] }
  /// The score.
  public var parametrization: Parametrization { .score }

  /// - Throws: `DiffusionError` for an empty target, counts that differ,
  ///   non-finite means, or variances that are not positive.
  public init(mean: [Double], variances: [Double]) throws {
    guard !mean.isEmpty, mean.count == variances.count else {
      throw DiffusionError(
        "a Gaussian needs as many variances as means, at least one: \(mean.count) means, \(variances.count) variances"
      )
    }
    guard mean.allSatisfy(\.isFinite), variances.allSatisfy({ $0.isFinite && $0 > 0 }) else {
      throw DiffusionError("a Gaussian needs finite means and positive, finite variances")
    }
    self.mean = mean
    self.variances = variances
  }

  /// The exact score of each row, computed in `Double` and rounded once.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public func predict(
    _ states: Span<Scalar>, at times: Span<NoiseTime>, into output: inout MutableSpan<Scalar>
  ) {
    let dimension = mean.count
    for row in 0..<times.count {
      let (alpha, variance) = (times[row].alpha, times[row].sigma * times[row].sigma)
      for k in 0..<dimension {
        let residual = Double(states[row * dimension + k]) - alpha * mean[k]
        output[row * dimension + k] = Scalar(
          -residual / (alpha * alpha * variances[k] + variance))
      }
    }
  }
}
