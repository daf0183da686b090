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
    withUnsafeTemporaryAllocation(of: Double.self, capacity: 2 * dimension) { memory in
      memory.initialize(repeating: 0)
      let state = UnsafeMutableBufferPointer(rebasing: memory[..<dimension])
      let pull = UnsafeMutableBufferPointer(rebasing: memory[dimension...])
      for row in 0..<times.count {
        let elements = (row * dimension)..<((row + 1) * dimension)
        states.extracting(elements).withUnsafeBufferPointer { widen($0, to: state) }
        let (alpha, sigma) = (times[row].alpha, times[row].sigma)
        let variance = alpha * alpha * self.variance + sigma * sigma
        for (i, mean) in means.enumerated() {
          let square = mean.withUnsafeBufferPointer { squaredDistance(state, alpha, $0) }
          logWeights[i] = log(weights[i]) - 0.5 * square / variance
        }
        let largest = logWeights.max() ?? 0
        for i in logWeights.indices { logWeights[i] = exp(logWeights[i] - largest) }
        let total = logWeights.reduce(0, +)
        pull.update(repeating: 0)
        // Of components that are far away `exp` has left nothing.
        for (i, mean) in means.enumerated() where logWeights[i] > 0 {
          mean.withUnsafeBufferPointer { addDifference(pull, logWeights[i] / total, state, alpha, $0) }
        }
        output.withUnsafeMutableBufferPointer {
          divide(pull, by: -variance, to: UnsafeMutableBufferPointer(rebasing: $0[elements]))
        }
      }
    }
  }
}

// Loops over memory that holds as much as it should, which the compiler turns into
// vectors.

/// `output = x`.
@specialized(where Scalar == Float)
@specialized(where Scalar == Double)
private func widen<Scalar: StateScalar>(
  _ x: UnsafeBufferPointer<Scalar>, to output: UnsafeMutableBufferPointer<Double>
) {
  precondition(x.count == output.count)
  for k in 0..<x.count { output[k] = Double(x[k]) }
}

/// `output = x / a`.
@specialized(where Scalar == Float)
@specialized(where Scalar == Double)
private func divide<Scalar: StateScalar>(
  _ x: UnsafeMutableBufferPointer<Double>, by a: Double, to output: UnsafeMutableBufferPointer<Scalar>
) {
  precondition(x.count == output.count)
  for k in 0..<x.count { output[k] = Scalar(x[k] / a) }
}

/// `sum (y - alpha mean)^2`, in four sums, since each addition waits for the one
/// before it.
private func squaredDistance(
  _ y: UnsafeMutableBufferPointer<Double>, _ alpha: Double, _ mean: UnsafeBufferPointer<Double>
) -> Double {
  var sums = SIMD4<Double>.zero
  let whole = mean.count & ~3
  precondition(y.count == mean.count)
  for k in stride(from: 0, to: whole, by: 4) {
    let state = SIMD4(y[k], y[k + 1], y[k + 2], y[k + 3])
    let centre = SIMD4(mean[k], mean[k + 1], mean[k + 2], mean[k + 3])
    let difference = state - alpha * centre
    sums += difference * difference
  }
  var sum = sums.sum()
  for k in whole..<mean.count {
    let difference = y[k] - alpha * mean[k]
    sum += difference * difference
  }
  return sum
}

/// `output += w (y - alpha mean)`.
private func addDifference(
  _ output: UnsafeMutableBufferPointer<Double>, _ w: Double,
  _ y: UnsafeMutableBufferPointer<Double>, _ alpha: Double, _ mean: UnsafeBufferPointer<Double>
) {
  precondition(output.count == mean.count && y.count == mean.count)
  for k in 0..<mean.count { output[k] += w * (y[k] - alpha * mean[k]) }
}
