import Foundation

/// A model whose density at every noise time is known up to a factor.
public protocol LogDensity {
  /// `log p_s(y)` plus a constant that may depend on the noise time only.
  ///
  /// - Parameters:
  ///   - state: `y`, of the model's `dimension`.
  ///   - time: the noise time.
  func logDensity(of state: [Double], at time: NoiseTime) -> Double
}

extension Gaussian: LogDensity {
  public func logDensity(of state: [Double], at time: NoiseTime) -> Double {
    var sum = 0.0
    for k in mean.indices {
      let residual = state[k] - time.alpha * mean[k]
      sum -= 0.5 * residual * residual / (time.alpha * time.alpha * variances[k] + time.sigma * time.sigma)
    }
    return sum
  }
}

extension GaussianMixture: LogDensity {
  public func logDensity(of state: [Double], at time: NoiseTime) -> Double {
    let variance = time.alpha * time.alpha * self.variance + time.sigma * time.sigma
    let terms = zip(means, weights).map { mean, weight in
      let distance = zip(state, mean).reduce(0) { sum, pair in
        let residual = pair.0 - time.alpha * pair.1
        return sum + residual * residual
      }
      return log(weight) - 0.5 * distance / variance
    }
    let largest = terms.max() ?? 0
    return largest + log(terms.reduce(0) { $0 + exp($1 - largest) })
  }
}
