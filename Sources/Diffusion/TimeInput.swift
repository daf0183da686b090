import Foundation

/// What a network is told of the noise, a function of noise time that is one to one.
public enum TimeInput: Hashable, Sendable {
  /// `sigma_E = sigma / alpha`.
  case sigma
  /// `log(sigma_E) / divisor`; Karras et al. (NeurIPS 2022) divide by 4.
  case logSigma(divisor: Double)
  /// The time `t` of a variance-preserving process, from 0 at the data to 1, times a scale.
  case processTime(VariancePreservingTime, scale: Double)
  /// The flow time `q = sigma / (alpha + sigma)`, or `1 - q` where time runs from the noise
  /// to the data, times a scale.
  case flowTime(isZeroAtData: Bool, scale: Double)

  /// The input at a noise time.
  public func value(at time: NoiseTime) -> Double {
    switch self {
    case .sigma: time.edmSigma
    case .logSigma(let divisor): log(time.edmSigma) / divisor
    case .processTime(let process, let scale): scale * process.time(at: time)
    case .flowTime(let isZeroAtData, let scale):
      scale * (isZeroAtData ? time.sigma : time.alpha) / (time.alpha + time.sigma)
    }
  }

  /// The input in words.
  public var description: String {
    func scaled(_ scale: Double) -> String { scale == 1 ? "" : " times \(scale)" }
    return switch self {
    case .sigma: "sigma"
    case .logSigma(let divisor): divisor == 1 ? "log(sigma)" : "log(sigma) / \(divisor)"
    case .processTime(let process, let scale): "t from 0 to 1\(scaled(scale)), \(process.description)"
    case .flowTime(let isZeroAtData, let scale):
      "flow time from \(isZeroAtData ? "0 at the data to 1 at the noise" : "0 at the noise to 1 at the data")\(scaled(scale))"
    }
  }
}

/// How noise grows with the time `t` in [0, 1] of a variance-preserving process.
public enum VariancePreservingTime: Hashable, Sendable {
  /// `beta(t) = least + t (greatest - least)` (Song et al., ICLR 2021): noise time is the
  /// integral of `beta`.
  case linear(least: Double, greatest: Double)
  /// `alpha = cos(pi t / 2)` (Nichol and Dhariwal, ICML 2021; Salimans and Ho, ICLR 2022).
  case cosine

  /// The process's own time at a noise time.
  public func time(at time: NoiseTime) -> Double {
    switch self {
    case .linear(let least, let greatest):
      // The positive root of (greatest - least) t^2 / 2 + least t = s, without cancellation.
      2 * time.s / (least + (least * least + 2 * (greatest - least) * time.s).squareRoot())
    case .cosine: atan2(time.sigma, time.alpha) * 2 / .pi
    }
  }

  /// The noise time at the process's own time.
  public func noiseTime(at t: Double) -> NoiseTime {
    switch self {
    case .linear(let least, let greatest): NoiseTime(s: t * (least + t * (greatest - least) / 2))
    case .cosine: NoiseTime(alpha: cos(t * .pi / 2), sigma: sin(t * .pi / 2))
    }
  }

  var description: String {
    switch self {
    case .linear(let least, let greatest): "beta from \(least) to \(greatest)"
    case .cosine: "alpha = cos(pi t / 2)"
    }
  }
}
