import Foundation

/// The noise levels of a denoiser in the preconditioning of Karras et al.
/// (NeurIPS 2022): `sigma_E` from `greatest` to `least`; the network's timestep
/// is `log(sigma_E) / 4`.
public struct DenoiserSchedule: NoiseSchedule {
  /// The last noise level that the network sees.
  public var least: Double
  /// The noise level that sampling starts from.
  public var greatest: Double
  /// How the levels between lie.
  public var levels: NoiseLevels
  /// The last step leads to clean data, not to `least`.
  public var endsClean: Bool

  /// The defaults are those of Karras et al.
  ///
  /// - Parameters:
  ///   - least: the last noise level `sigma_E`, positive.
  ///   - greatest: the first one, above `least`.
  ///   - levels: how the levels between lie.
  ///   - endsClean: a last step leads to clean data.
  public init(
    least: Double = 0.002, greatest: Double = 80, levels: NoiseLevels = .karras(), endsClean: Bool = true
  ) {
    self.least = least
    self.greatest = greatest
    self.levels = levels
    self.endsClean = endsClean
  }

  public func grid(steps: Int) throws -> TimeGrid {
    guard steps >= 1, let levels = levels.levels(steps, from: greatest, to: least) else {
      throw DiffusionError("--steps must be at least 1, not \(steps)")
    }
    let nodes = levels.map { NoiseTime(edmSigma: $0, timestep: log($0) / 4) }
    let end = endsClean ? NoiseTime.clean : NoiseTime(edmSigma: least)
    return try TimeGrid(nodes: nodes + [end], landings: Array(nodes.dropFirst()) + [end])
  }

  public func timestep(at time: NoiseTime) -> Double {
    log(min(max(time.edmSigma, least), greatest)) / 4
  }
}
