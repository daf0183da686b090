/// What a model predicts, and how that becomes a score or a denoised estimate.
///
/// With `y = alpha x_0 + sigma eps`:
public enum Parametrization: Hashable, Sendable {
  /// `grad log p_s(y)`.
  case score
  /// The noise `eps` (Ho, Jain and Abbeel, NeurIPS 2020).
  case noise
  /// `v = alpha eps - sigma x_0` (Salimans and Ho, ICLR 2022).
  case velocity
  /// The clean sample `x_0`.
  case sample
  /// The denoiser `D(y / alpha; sigma / alpha)` of Karras et al. (NeurIPS 2022);
  /// the model is handed `y / alpha`.
  case denoiser
  /// The network `F` inside the denoiser of Karras et al. (NeurIPS 2022, table 1),
  /// `D(x; sigma_E) = c_skip x + c_out F(c_in x)`, for data of this standard
  /// deviation; the model is handed `c_in x`. Some networks return `-F`.
  case preconditioned(dataDeviation: Double, isNegated: Bool)
  /// The velocity `u = eps - x_0` of flow matching at flow time
  /// `q = sigma / (alpha + sigma)`; the model is handed `y / (alpha + sigma)`,
  /// which is `(1 - q) x_0 + q eps`. Some networks return `-u`.
  case flow(isNegated: Bool)
  /// The score of `x = y / alpha`, the state in variance-exploding scaling
  /// (Song et al., ICLR 2021); the model is handed `x`.
  case explodingScore

  /// Factor from the state `y` to what the model is handed.
  public func inputScale(at time: NoiseTime) -> Double {
    switch self {
    case .score, .noise, .velocity, .sample: 1
    case .denoiser, .explodingScore: 1 / time.alpha
    case .preconditioned(let deviation, _): 1 / time.scale(ofDataDeviation: deviation)
    case .flow: 1 / (time.alpha + time.sigma)
    }
  }

  /// The coefficients `(p, q)` with which `quantity = p y + q prediction`.
  public func conversion(to quantity: StepQuantity, at time: NoiseTime) -> (state: Double, prediction: Double) {
    let (alpha, sigma) = (time.alpha, time.sigma)
    switch quantity {
    case .denoised:
      switch self {
      case .score: return (1 / alpha, sigma * sigma / alpha)
      case .noise: return (1 / alpha, -sigma / alpha)
      case .velocity: return (alpha, -sigma)
      case .sample, .denoiser: return (0, 1)
      case .preconditioned(let deviation, let isNegated):
        let scale = time.scale(ofDataDeviation: deviation)
        let factor = sigma * deviation / scale
        return (alpha * deviation * deviation / (scale * scale), isNegated ? -factor : factor)
      case .flow(let isNegated):
        let factor = sigma / (alpha + sigma)
        return (1 / (alpha + sigma), isNegated ? factor : -factor)
      case .explodingScore: return (1 / alpha, sigma * sigma / (alpha * alpha))
      }
    case .score:
      switch self {
      case .score: return (0, 1)
      case .noise: return (0, -1 / sigma)
      case .velocity: return (-1, -alpha / sigma)
      case .sample, .denoiser: return (-1 / (sigma * sigma), alpha / (sigma * sigma))
      case .preconditioned(let deviation, let isNegated):
        let scale = time.scale(ofDataDeviation: deviation)
        let factor = alpha * deviation / (sigma * scale)
        return (-1 / (scale * scale), isNegated ? -factor : factor)
      case .flow(let isNegated):
        let factor = alpha / (sigma * (alpha + sigma))
        return (-1 / (sigma * (alpha + sigma)), isNegated ? factor : -factor)
      case .explodingScore: return (0, 1 / alpha)
      }
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
}

extension StepQuantity {
  /// The coefficients `(p, q)` with which this quantity is `p y + q value`, where
  /// `value` is the quantity `source` at the state `y`.
  public func conversion(
    from source: StepQuantity, at time: NoiseTime
  ) -> (state: Double, value: Double) {
    let known: Parametrization = source == .score ? .score : .sample
    let (state, value) = known.conversion(to: self, at: time)
    return (state, value)
  }
}
