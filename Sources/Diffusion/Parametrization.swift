/// What a model is handed, what it predicts, and how that becomes a score or a denoised
/// estimate.
///
/// With `y = alpha x_0 + sigma eps`, `alpha^2 + sigma^2 = 1`:
public struct Parametrization: Hashable, Sendable {
  /// The state that the model is handed, a multiple of `y`.
  public enum Scaling: Hashable, Sendable {
    /// `y` itself (Ho, Jain and Abbeel, NeurIPS 2020).
    case variancePreserving
    /// `y / alpha = x_0 + sigma_E eps` (Song et al., ICLR 2021; Karras et al., NeurIPS 2022).
    case varianceExploding
    /// `y / (alpha + sigma) = (1 - q) x_0 + q eps` at flow time `q`.
    case flow
    /// `c_in y / alpha`, of unit variance where the data have this standard deviation
    /// (Karras et al., NeurIPS 2022, table 1).
    case unitVariance(dataDeviation: Double)
  }

  /// What the model predicts.
  public enum Prediction: Hashable, Sendable {
    /// The gradient of the log-density of the state that it is handed.
    case score
    /// The noise `eps`.
    case noise
    /// `v = alpha eps - sigma x_0` (Salimans and Ho, ICLR 2022).
    case velocity
    /// The clean sample `x_0`, also called the denoiser `D`.
    case sample
    /// The velocity of flow matching, `eps - x_0`.
    case flow
    /// The network `F` inside the denoiser of Karras et al. (NeurIPS 2022, table 1),
    /// `D(x; sigma_E) = c_skip x + c_out F`, for data of this standard deviation.
    case preconditioned(dataDeviation: Double)
  }

  /// The state that the model is handed.
  public var scaling: Scaling
  /// What it predicts.
  public var prediction: Prediction
  /// It returns the negative of the prediction.
  public var isNegated: Bool

  /// A model that is handed this state and predicts this.
  public init(_ prediction: Prediction, from scaling: Scaling = .variancePreserving, isNegated: Bool = false) {
    self.scaling = scaling
    self.prediction = prediction
    self.isNegated = isNegated
  }

  /// `grad log p_s(y)`.
  public static let score = Parametrization(.score)
  /// The noise `eps` (Ho, Jain and Abbeel, NeurIPS 2020).
  public static let noise = Parametrization(.noise)
  /// `v = alpha eps - sigma x_0` (Salimans and Ho, ICLR 2022).
  public static let velocity = Parametrization(.velocity)
  /// The clean sample `x_0`.
  public static let sample = Parametrization(.sample)
  /// The denoiser `D(y / alpha; sigma / alpha)` of Karras et al. (NeurIPS 2022);
  /// the model is handed `y / alpha`.
  public static let denoiser = Parametrization(.sample, from: .varianceExploding)
  /// The velocity `eps - x_0` of flow matching at flow time `q = sigma / (alpha + sigma)`;
  /// the model is handed `y / (alpha + sigma)`, which is `(1 - q) x_0 + q eps`.
  public static let flow = Parametrization(.flow, from: .flow)

  /// The velocity of flow matching, or its negative, which some networks return.
  public static func flow(isNegated: Bool) -> Parametrization {
    Parametrization(.flow, from: .flow, isNegated: isNegated)
  }

  /// The score of `x = y / alpha` (Song et al., ICLR 2021); the model is handed `x`.
  public static let explodingScore = Parametrization(.score, from: .varianceExploding)

  /// The network `F` inside the denoiser of Karras et al. (NeurIPS 2022, table 1), for data
  /// of this standard deviation; the model is handed `c_in x`. Some networks return `-F`.
  public static func preconditioned(dataDeviation: Double, isNegated: Bool = false) -> Parametrization {
    Parametrization(
      .preconditioned(dataDeviation: dataDeviation), from: .unitVariance(dataDeviation: dataDeviation),
      isNegated: isNegated)
  }

  /// Factor from the state `y` to what the model is handed.
  public func inputScale(at time: NoiseTime) -> Double {
    switch scaling {
    case .variancePreserving: 1
    case .varianceExploding: 1 / time.alpha
    case .flow: 1 / (time.alpha + time.sigma)
    case .unitVariance(let deviation): 1 / time.scale(ofDataDeviation: deviation)
    }
  }

  /// The coefficients `(p, q)` with which `quantity = p y + q prediction`.
  public func conversion(to quantity: StepQuantity, at time: NoiseTime) -> (state: Double, prediction: Double) {
    let (p, q) =
      switch quantity {
      case .denoised: denoised(at: time)
      case .score: score(at: time)
      case .noise: noise(at: time)
      }
    return (p, isNegated ? -q : q)
  }

  private func denoised(at time: NoiseTime) -> (Double, Double) {
    let (alpha, sigma) = (time.alpha, time.sigma)
    switch prediction {
    case .score: return (1 / alpha, sigma * sigma * inputScale(at: time) / alpha)
    case .noise: return (1 / alpha, -sigma / alpha)
    case .velocity: return (alpha, -sigma)
    case .sample: return (0, 1)
    case .flow: return (1 / (alpha + sigma), -sigma / (alpha + sigma))
    case .preconditioned(let deviation):
      let scale = time.scale(ofDataDeviation: deviation)
      return (alpha * deviation * deviation / (scale * scale), sigma * deviation / scale)
    }
  }

  /// `-sigma` times the score.
  private func noise(at time: NoiseTime) -> (Double, Double) {
    let (state, prediction) = score(at: time)
    return (-time.sigma * state, -time.sigma * prediction)
  }

  private func score(at time: NoiseTime) -> (Double, Double) {
    let (alpha, sigma) = (time.alpha, time.sigma)
    switch prediction {
    case .score: return (0, inputScale(at: time))
    case .noise: return (0, -1 / sigma)
    case .velocity: return (-1, -alpha / sigma)
    case .sample: return (-1 / (sigma * sigma), alpha / (sigma * sigma))
    case .flow: return (-1 / (sigma * (alpha + sigma)), -alpha / (sigma * (alpha + sigma)))
    case .preconditioned(let deviation):
      let scale = time.scale(ofDataDeviation: deviation)
      return (-1 / (scale * scale), alpha * deviation / (sigma * scale))
    }
  }
}

extension NoiseTime {
  /// The state's standard deviation where the data have this one.
  fileprivate func scale(ofDataDeviation deviation: Double) -> Double {
    (alpha * alpha * deviation * deviation + sigma * sigma).squareRoot()
  }
}

/// The function of the state that a step map integrates.
public enum StepQuantity: String, Hashable, Sendable {
  /// `grad log p_s(y)`.
  case score
  /// The estimate of the clean sample, `x_0`.
  case denoised
  /// The estimate of the noise in the state, `eps`.
  case noise
}

extension StepQuantity {
  /// The coefficients `(p, q)` with which this quantity is `p y + q value`, where
  /// `value` is the quantity `source` at the state `y`.
  public func conversion(
    from source: StepQuantity, at time: NoiseTime
  ) -> (state: Double, value: Double) {
    let known: Parametrization =
      switch source {
      case .score: .score
      case .denoised: .sample
      case .noise: .noise
      }
    let (state, value) = known.conversion(to: self, at: time)
    return (state, value)
  }
}
