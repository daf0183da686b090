import Foundation

/// Underdamped Langevin dynamics at a fixed noise time, the corrector of
/// PIADM-ODE (Chen, Ren, Ying and Rotskoff, NeurIPS 2024):
///
///     du = v dt,   dv = -gamma v dt + score(u) dt + sqrt(2 gamma) dw
///
/// integrated exactly but for the score, which is held constant over a step of
/// length `h`; weakly of order 1 in `h`.
public struct LangevinCorrector: Hashable, Sendable {
  /// What a user chooses, in units of the noise, so that one choice serves every block.
  public struct Settings: Hashable, Sendable {
    /// Steps after every block; 0 switches the corrector off.
    public var steps: Int
    /// Duration in units of `sigma`.
    public var time: Double
    /// Friction in units of `1 / sigma`.
    public var friction: Double

    /// The defaults keep a step at a quarter of the relaxation time.
    public init(steps: Int = 16, time: Double = 2, friction: Double = 2) {
      self.steps = steps
      self.time = time
      self.friction = friction
    }

    /// - Throws: `DiffusionError` where a number is out of range.
    public func validate() throws {
      guard steps >= 0 else {
        throw DiffusionError("`correctorSteps` must be 0 or more, not \(steps)")
      }
      guard time > 0, time.isFinite else {
        throw DiffusionError("`correctorTime` must be positive, not \(time)")
      }
      guard friction > 0, friction.isFinite else {
        throw DiffusionError("`friction` must be positive, not \(friction)")
      }
    }
  }

  /// `exp(-gamma h)`, the factor of `v` in `v'`.
  public let velocityDecay: Double
  /// The factor of `v` in `u'`, and of the score in `v'`.
  public let transfer: Double
  /// The factor of the score in `u'`.
  public let positionFromScore: Double
  /// Variance of the noise of `u'`.
  public let positionVariance: Double
  /// Variance of the noise of `v'`.
  public let velocityVariance: Double
  /// Covariance of the two.
  public let covariance: Double

  /// One step of the corrector at noise level `sigma > 0`.
  public init(_ settings: Settings, sigma: Double) {
    let gamma = settings.friction / sigma
    let h = settings.time * sigma / Double(settings.steps)
    let x = gamma * h
    let E = exp(-x)
    velocityDecay = E
    transfer = -expm1(-x) / gamma
    positionFromScore = (h - transfer) / gamma
    velocityVariance = -expm1(-2 * x)
    positionVariance = Self.positionVariance(x) / (gamma * gamma)
    covariance = expm1(-x) * expm1(-x) / gamma
  }

  /// `2x - 3 + 4 exp(-x) - exp(-2x)`; by its series where the terms cancel.
  private static func positionVariance(_ x: Double) -> Double {
    guard x < 1e-2 else { return 2 * x - 3 + 4 * exp(-x) - exp(-2 * x) }
    // The coefficient of x^n is (-1)^n (4 - 2^n) / n!; five terms leave a
    // relative error below x^5 / 100.
    return x * x * x * (2.0 / 3 - x * (1.0 / 2 - x * (7.0 / 30 - x * (1.0 / 12 - x * 31.0 / 1260))))
  }

  /// Standard deviation of the velocity noise, which is this times `z_v`.
  public var velocityNoise: Double { velocityVariance.squareRoot() }
  /// Position noise is `positionNoise.fromVelocity z_v + positionNoise.own z_u`.
  public var positionNoise: (fromVelocity: Double, own: Double) {
    let shared = covariance / velocityNoise
    return (shared, max(positionVariance - shared * shared, 0).squareRoot())
  }
}
