import Foundation

/// How a scheduler places the noise levels of its steps between two ends.
public enum NoiseLevels: Hashable, Sendable {
  /// Those of the timesteps.
  case trained
  /// `sigma^(1/rho)` equally spaced (Karras et al., NeurIPS 2022).
  case karras(rho: Double = 7)
  /// `log sigma` equally spaced.
  case exponential
  /// Quantiles of the beta distribution with both parameters 0.6 (Lee et al.,
  /// Beta Sampling is All You Need, 2024).
  case beta

  /// `count` levels from `greatest` down to `least`, both exactly; `nil` for
  /// `trained`.
  func levels(_ count: Int, from greatest: Double, to least: Double) -> [Double]? {
    let place: (Double) -> Double
    switch self {
    case .trained:
      return nil
    case .karras(let rho):
      let (first, last) = (pow(greatest, 1 / rho), pow(least, 1 / rho))
      place = { pow(first + $0 * (last - first), rho) }
    case .exponential:
      let (first, last) = (log(greatest), log(least))
      place = { exp(first + $0 * (last - first)) }
    case .beta:
      place = { least + betaQuantile(1 - $0, 0.6, 0.6) * (greatest - least) }
    }
    return (0..<count).map { index in
      // A power of a root is the number itself but for rounding.
      if index == 0 { return greatest }
      return index == count - 1 ? least : place(Double(index) / Double(count - 1))
    }
  }
}
