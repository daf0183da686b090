import Foundation

/// The exact score of a mixture of isotropic Gaussians with one variance:
/// `-sum_i p_i(y) (y - alpha mean_i) / (alpha^2 variance + sigma^2)`, with the
/// posterior weights `p_i` by log-sum-exp.
public struct GaussianMixture<Scalar: StateScalar>: ScoreModel, Sendable {
  /// Means of the components, each of the dimension of the state.
  public let means: [[Double]]
  /// Variance of every component in every direction.
  public let variance: Double
  /// Mixing weights, summing to 1.
  public let weights: [Double]

  /// One dimension: that of the means.
  public var shape: [Int] { [means[0].count] }
  /// The score.
  public var parametrization: Parametrization { .score }

  /// - Parameters:
  ///   - means: one for each component, all of the dimension of the state.
  ///   - variance: that of every component in every direction.
  ///   - weights: positive, scaled to sum 1; equal where `nil`.
  /// - Throws: `DiffusionError` for an empty target, counts that differ, or
  ///   numbers out of range.
  public init(means: [[Double]], variance: Double, weights: [Double]? = nil) throws {
    guard let dimension = means.first?.count, dimension > 0,
      means.allSatisfy({ $0.count == dimension && $0.allSatisfy(\.isFinite) })
    else {
      throw DiffusionError("a mixture needs at least one mean, all finite and of one length")
    }
    guard variance.isFinite, variance > 0 else {
      throw DiffusionError("the mixture's variance must be positive, not \(variance)")
    }
    let weights = weights ?? means.map { _ in 1 }
    guard weights.count == means.count, weights.allSatisfy({ $0.isFinite && $0 > 0 }) else {
      throw DiffusionError("a mixture needs one positive weight for each of its \(means.count) means")
    }
    let total = weights.reduce(0, +)
    self.means = means
    self.variance = variance
    self.weights = weights.map { $0 / total }
  }

  /// The exact score of each row, computed in `Double` and rounded once.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public func predict(
    _ states: Span<Scalar>, at times: Span<NoiseTime>, into output: inout MutableSpan<Scalar>
  ) {
    let dimension = means[0].count
    var logWeights = [Double](repeating: 0, count: means.count)
    var pull = [Double](repeating: 0, count: dimension)
    for row in 0..<times.count {
      let state = states.extracting((row * dimension)..<((row + 1) * dimension))
      let (alpha, sigma) = (times[row].alpha, times[row].sigma)
      let variance = alpha * alpha * self.variance + sigma * sigma
      for (i, mean) in means.enumerated() {
        logWeights[i] = log(weights[i]) - 0.5 * squaredDistance(state, mean, alpha) / variance
      }
      let largest = logWeights.max() ?? 0
      for i in logWeights.indices { logWeights[i] = exp(logWeights[i] - largest) }
      let total = logWeights.reduce(0, +)
      for k in 0..<dimension { pull[k] = 0 }
      // Of components that are far away `exp` has left nothing.
      for (i, mean) in means.enumerated() where logWeights[i] > 0 {
        let weight = logWeights[i] / total
        for k in 0..<dimension { pull[k] += weight * (Double(state[k]) - alpha * mean[k]) }
      }
      for k in 0..<dimension { output[row * dimension + k] = Scalar(-pull[k] / variance) }
    }
  }

  private func squaredDistance(_ state: Span<Scalar>, _ mean: [Double], _ alpha: Double) -> Double {
    // Four sums, since each addition waits for the one before it.
    var sums = SIMD4<Double>.zero
    var k = 0
    while k + 4 <= mean.count {
      let values = SIMD4(
        Double(state[k]), Double(state[k + 1]), Double(state[k + 2]), Double(state[k + 3]))
      let difference = values - alpha * SIMD4(mean[k], mean[k + 1], mean[k + 2], mean[k + 3])
      sums += difference * difference
      k += 4
    }
    var sum = sums.sum()
    while k < mean.count {
      let difference = Double(state[k]) - alpha * mean[k]
      sum += difference * difference
      k += 1
    }
    return sum
  }
}
