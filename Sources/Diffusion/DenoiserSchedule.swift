import Foundation

/// The noise levels of a denoiser in the preconditioning of Karras et al.
/// (NeurIPS 2022): `sigma_E` from `greatest` to `least`.
public struct DenoiserSchedule: NoiseSchedule {
  /// What the network takes as its timestep.
  public enum TimeInput: Hashable, Sendable {
    /// `log(sigma_E) / 4`.
    case quarterLogarithm
    /// `2 atan(sigma_E) / pi`.
    case angle

    func timestep(ofLevel level: Double) -> Double {
      switch self {
      case .quarterLogarithm: log(level) / 4
      case .angle: 2 * atan(level) / .pi
      }
    }
  }

  /// The last noise level that the network sees.
  public var least: Double
  /// The noise level that sampling starts from.
  public var greatest: Double
  /// How the levels between lie.
  public var levels: NoiseLevels
  /// The last step leads to clean data, not to `least`.
  public var endsClean: Bool
  /// What the network takes as its timestep.
  public var timeInput: TimeInput
  /// Where the last steps are of a lower order.
  public var endOrders = EndOrders()

  /// The defaults are those of Karras et al.
  ///
  /// - Parameters:
  ///   - least: the last noise level `sigma_E`, positive.
  ///   - greatest: the first one, above `least`.
  ///   - levels: how the levels between lie.
  ///   - endsClean: a last step leads to clean data.
  ///   - timeInput: what the network takes as its timestep.
  public init(
    least: Double = 0.002, greatest: Double = 80, levels: NoiseLevels = .karras(), endsClean: Bool = true,
    timeInput: TimeInput = .quarterLogarithm
  ) {
    self.least = least
    self.greatest = greatest
    self.levels = levels
    self.endsClean = endsClean
    self.timeInput = timeInput
  }

  public func grid(steps: Int) throws -> TimeGrid {
    guard steps >= 1, let levels = levels.levels(steps, from: greatest, to: least) else {
      throw DiffusionError("`steps` must be at least 1, not \(steps)")
    }
    let nodes = levels.map { NoiseTime(edmSigma: $0, timestep: timeInput.timestep(ofLevel: $0)) }
    let end = endsClean ? NoiseTime.clean : NoiseTime(edmSigma: levels[steps - 1])
    return try TimeGrid(nodes: nodes + [end], endOrders: endOrders.limits(ofSteps: steps), finalScale: 1 / end.alpha)
  }

  public func timestep(at time: NoiseTime) -> Double {
    timeInput.timestep(ofLevel: min(max(time.edmSigma, least), greatest))
  }
}
