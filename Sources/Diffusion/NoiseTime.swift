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
  /// What a network is told as its timestep here, where a schedule chose this
  /// node; `nil` where it follows from the noise time.
  public var timestep: Double?

  /// The node with these factors, where `alpha^2 + sigma^2 = 1`.
  public init(alpha: Double, sigma: Double, timestep: Double? = nil) {
    self.alpha = alpha
    self.sigma = sigma
    self.timestep = timestep
  }

  /// The node at forward noise time `s >= 0`.
  public init(s: Double) {
    self.init(alpha: exp(-s / 2), sigma: (-expm1(-s)).squareRoot())
  }

  /// The node of a variance-preserving schedule with cumulative product
  /// `abar` (`alpha^2`; Ho, Jain and Abbeel, NeurIPS 2020).
  public init(alphaBar: Double, timestep: Double? = nil) {
    self.init(alpha: alphaBar.squareRoot(), sigma: (1 - alphaBar).squareRoot(), timestep: timestep)
  }

  /// The node of noise level `sigma` in the variance-exploding scaling of
  /// Karras et al. (NeurIPS 2022): the state there is `y / alpha`.
  public init(edmSigma: Double, timestep: Double? = nil) {
    let alpha = 1 / (1 + edmSigma * edmSigma).squareRoot()
    self.init(alpha: alpha, sigma: edmSigma * alpha, timestep: timestep)
  }

  /// The node of flow time `q`, where the state is `(1 - q) x_0 + q eps`.
  public init(flowTime q: Double, timestep: Double? = nil) {
    let scale = ((1 - q) * (1 - q) + q * q).squareRoot()
    self.init(alpha: (1 - q) / scale, sigma: q / scale, timestep: timestep)
  }

  /// Noise time 0.
  public static let clean = NoiseTime(alpha: 1, sigma: 0)

  /// Forward noise time; infinite at pure noise.
  public var s: Double { sigma < alpha ? -log1p(-sigma * sigma) : -2 * log(alpha) }
  /// Noise level in the scaling of Karras et al.; infinite at pure noise.
  public var edmSigma: Double { sigma / alpha }
}
