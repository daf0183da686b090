import Foundation

/// A point of the forward process `dx = -x/2 ds + dw`: at noise time `s`,
/// `x_s = alpha x_0 + sigma eps` with `alpha = exp(-s/2)`, `sigma^2 = 1 - exp(-s)`.
///
/// Kept as the pair `(alpha, sigma)`, so that pure noise (`alpha = 0`, `s`
/// infinite) and clean data (`sigma = 0`, `s = 0`) are ordinary values.
public struct NoiseTime: Hashable, Sendable {
  /// Scale of the data, in [0, 1].
  public var alpha: Double
  /// Standard deviation of the noise, in [0, 1]; `alpha^2 + sigma^2 = 1`.
  public var sigma: Double

  public init(alpha: Double, sigma: Double) {
    self.alpha = alpha
    self.sigma = sigma
  }

  /// The node at forward noise time `s >= 0`.
  public init(s: Double) {
    self.init(alpha: exp(-s / 2), sigma: (-expm1(-s)).squareRoot())
  }

  /// The node of a variance-preserving schedule with cumulative product
  /// `abar` (`alpha^2`; Ho, Jain and Abbeel, NeurIPS 2020).
  public init(alphaBar: Double) {
    self.init(alpha: alphaBar.squareRoot(), sigma: (1 - alphaBar).squareRoot())
  }

  /// The node of noise level `sigma` in the variance-exploding scaling of
  /// Karras et al. (NeurIPS 2022): the state there is `y / alpha`.
  public init(edmSigma: Double) {
    let alpha = 1 / (1 + edmSigma * edmSigma).squareRoot()
    self.init(alpha: alpha, sigma: edmSigma * alpha)
  }

  public static let clean = NoiseTime(alpha: 1, sigma: 0)

  /// Forward noise time; infinite at pure noise.
  public var s: Double { sigma < alpha ? -log1p(-sigma * sigma) : -2 * log(alpha) }
  /// Noise level in the scaling of Karras et al.; infinite at pure noise.
  public var edmSigma: Double { sigma / alpha }
}
