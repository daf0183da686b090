import Foundation

/// The exact law of a sequential sampler's state where the target is Gaussian.
///
/// Every step is then affine in the state, so each coordinate stays Gaussian
/// with mean and variance from a scalar recursion: the discretization error of
/// a sampler is known without sampling.
public struct GaussianLaw: Hashable, Sendable {
  /// Mean of each coordinate of the state.
  public private(set) var mean: [Double]
  /// Variance of each coordinate of the state; coordinates are independent.
  public private(set) var variance: [Double]
  let targetMean: [Double]
  let targetVariances: [Double]

  /// The law at the start of sampling, `N(0, I)`.
  public init<Scalar>(target: Gaussian<Scalar>) {
    targetMean = target.mean
    targetVariances = target.variances
    mean = target.mean.map { _ in 0 }
    variance = target.mean.map { _ in 1 }
  }

  /// Carries the law over the steps `range` of a one-step map.
  public mutating func advance(_ map: StepMap, over range: Range<Int>) {
    precondition(map.kind != .multistep, "a multistep map's law is that of a pair of states")
    for index in range {
      let (step, node) = (map.steps[index], map.grid.nodes[index])
      let conversion = Parametrization.score.conversion(to: map.quantity, at: node)
      for k in mean.indices {
        let score = scoreCoefficients(k, at: node)
        let slope = step.state + step.value * (conversion.state + conversion.prediction * score.slope)
        mean[k] = slope * mean[k] + step.value * conversion.prediction * score.constant
        variance[k] = slope * slope * variance[k] + step.noise * step.noise
      }
    }
  }

  /// Carries the law over the corrector at `node`, velocity drawn afresh and discarded after.
  public mutating func correct(_ settings: LangevinCorrector.Settings, at node: NoiseTime) {
    let c = LangevinCorrector(settings, sigma: node.sigma)
    for k in mean.indices {
      let score = scoreCoefficients(k, at: node)
      let (uu, uv) = (1 + c.positionFromScore * score.slope, c.transfer)
      let (vu, vv) = (c.transfer * score.slope, c.velocityDecay)
      var (u, v) = (mean[k], 0.0)
      var (varU, cov, varV) = (variance[k], 0.0, 1.0)
      for _ in 0..<settings.steps {
        (u, v) = (
          uu * u + uv * v + c.positionFromScore * score.constant,
          vu * u + vv * v + c.transfer * score.constant
        )
        (varU, cov, varV) = (
          uu * uu * varU + 2 * uu * uv * cov + uv * uv * varV + c.positionVariance,
          uu * vu * varU + (uu * vv + uv * vu) * cov + uv * vv * varV + c.covariance,
          vu * vu * varU + 2 * vu * vv * cov + vv * vv * varV + c.velocityVariance
        )
      }
      (mean[k], variance[k]) = (u, varU)
    }
  }

  /// The score is `slope y + constant` in each coordinate.
  private func scoreCoefficients(_ k: Int, at node: NoiseTime) -> (slope: Double, constant: Double) {
    let variance = node.alpha * node.alpha * targetVariances[k] + node.sigma * node.sigma
    return (-1 / variance, node.alpha * targetMean[k] / variance)
  }
}

extension GaussianLaw {
  /// The Kullback-Leibler divergence, in nats, of this law from the target's
  /// own law at a noise time.
  public func divergence(at node: NoiseTime) -> Double {
    mean.indices.reduce(0) { sum, k in
      let variance = node.alpha * node.alpha * targetVariances[k] + node.sigma * node.sigma
      let shift = mean[k] - node.alpha * targetMean[k]
      let ratio = self.variance[k] / variance
      return sum + 0.5 * (ratio - 1 - log(ratio) + shift * shift / variance)
    }
  }
}
