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
  /// `f` of earlier steps, the last one's first, by coordinate: what a multistep map adds to
  /// the law.
  private var earlier: [[Earlier]]

  private struct Earlier: Hashable {
    var mean: Double
    /// With the state.
    var covariance: Double
    /// With `f` of each of the earlier steps, in their order.
    var covariances: [Double]
  }

  /// The law at the start of sampling, `N(0, I)`.
  public init<Scalar>(target: Gaussian<Scalar>) {
    targetMean = target.mean
    targetVariances = target.variances
    mean = target.mean.map { _ in 0 }
    variance = target.mean.map { _ in 1 }
    earlier = target.mean.map { _ in [] }
  }

  /// Carries the law over some steps of the grid. Steps follow each other
  /// in order: a multistep map goes on from the `f` that the last one left.
  public mutating func advance(_ map: StepMap, over range: Range<Int>) {
    if range.lowerBound == 0, let start = map.start {
      for k in mean.indices {
        mean[k] *= start.factor
        variance[k] = start.factor * start.factor * variance[k] + start.deviation * start.deviation
      }
    }
    let depth = map.steps.map(\.history.count).max() ?? 0
    for step in map.maps(ofSteps: range) {
      let node = step.time
      let conversion = Parametrization.score.conversion(to: map.quantity, at: node)
      for k in mean.indices {
        let score = scoreCoefficients(k, at: node)
        let f = (
          slope: conversion.state + conversion.prediction * score.slope,
          constant: conversion.prediction * score.constant
        )
        let slope = step.state + step.value * f.slope
        let (m, v, kept) = (mean[k], variance[k], earlier[k])
        mean[k] = slope * m + step.value * f.constant
        variance[k] = slope * slope * v + step.noise * step.noise
        /// The covariance of the next state with a variable that has this one with the state,
        /// and these with what earlier steps have left.
        func carried(_ withState: Double, _ withEarlier: [Double]) -> Double {
          slope * withState + zip(step.history, withEarlier).reduce(0) { $0 + $1.0 * $1.1 }
        }
        for (weight, e) in zip(step.history, kept) {
          mean[k] += weight * e.mean
          variance[k] += weight * (slope * e.covariance + carried(e.covariance, e.covariances))
        }
        let new =
          !step.keepsValue
          ? nil
          : Earlier(
            mean: f.slope * m + f.constant, covariance: f.slope * carried(v, kept.map(\.covariance)),
            covariances: [f.slope * f.slope * v] + kept.map { f.slope * $0.covariance })
        let old = kept.map {
          Earlier(
            mean: $0.mean, covariance: carried($0.covariance, $0.covariances),
            covariances: (new == nil ? [] : [f.slope * $0.covariance]) + $0.covariances)
        }
        earlier[k] = ((new.map { [$0] } ?? []) + old).prefix(depth).map {
          Earlier(mean: $0.mean, covariance: $0.covariance, covariances: Array($0.covariances.prefix(depth)))
        }
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

/// The error of a sampler whose output law is known.
public struct DiscretizationError: Hashable, Sendable {
  /// Kullback-Leibler divergence, in nats.
  public var divergence: Double
  /// Square of the Wasserstein distance of order 2.
  public var squaredDistance: Double

  /// - Parameters:
  ///   - divergence: in nats.
  ///   - squaredDistance: in units of the state's squares, summed over coordinates.
  public init(divergence: Double, squaredDistance: Double) {
    self.divergence = divergence
    self.squaredDistance = squaredDistance
  }
}

extension GaussianLaw {
  /// The Kullback-Leibler divergence, in nats, of this law from the target's
  /// own law at a noise time.
  public func divergence(at node: NoiseTime) -> Double {
    mean.indices.reduce(0) { sum, k in
      let (shift, variance) = targetLaw(k, at: node)
      return sum + divergence(self.variance[k] / variance, shift * shift / variance)
    }
  }

  /// The error of each coordinate against the target's own law at a noise
  /// time; coordinates being independent, errors of several of them add up.
  ///
  /// The divergence is that of the target's law from this one, the direction in
  /// which the theory of diffusion samplers bounds it. Both directions agree to
  /// leading order.
  public func errors(at node: NoiseTime) -> [DiscretizationError] {
    mean.indices.map { k in
      let (shift, target) = targetLaw(k, at: node)
      let deviation = variance[k].squareRoot() - target.squareRoot()
      return DiscretizationError(
        divergence: divergence(target / variance[k], shift * shift / variance[k]),
        squaredDistance: shift * shift + deviation * deviation)
    }
  }

  /// Divergence of two normal laws from the ratio of their variances and the
  /// square of their distance in units of the second one's variance.
  private func divergence(_ ratio: Double, _ shift: Double) -> Double {
    0.5 * (ratio - 1 - log(ratio) + shift)
  }

  /// How far the mean of coordinate `k` is from the target's, and the target's variance.
  private func targetLaw(_ k: Int, at node: NoiseTime) -> (shift: Double, variance: Double) {
    (
      mean[k] - node.alpha * targetMean[k],
      node.alpha * node.alpha * targetVariances[k] + node.sigma * node.sigma
    )
  }
}
