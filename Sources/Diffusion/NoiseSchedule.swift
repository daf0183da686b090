import Foundation

/// The noise times that a model was trained at, and how its scheduler steps
/// through them.
public protocol NoiseSchedule: Hashable, Sendable {
  /// The nodes of a run of `steps` steps, each with the network's timestep.
  ///
  /// - Throws: `DiffusionError` where the schedule has no such run.
  func grid(steps: Int) throws -> TimeGrid

  /// What the network takes as its timestep at any noise time.
  func timestep(at time: NoiseTime) -> Double

  /// The least and the greatest noise time of training.
  var trainedTimes: (least: NoiseTime, greatest: NoiseTime) { get }

  /// The schedule in one line, for people.
  var description: String { get }
}

/// How a scheduler places the noise levels `sigma_E` of its steps.
public enum NoiseLevels: Hashable, Sendable {
  /// Those of the timesteps.
  case trained
  /// `sigma_E^(1/rho)` equally spaced (Karras et al., NeurIPS 2022).
  case karras(rho: Double = 7)
  /// `log sigma_E` equally spaced.
  case exponential

  /// `count` levels from `greatest` down to `least`; `nil` for `trained`.
  func levels(_ count: Int, from greatest: Double, to least: Double) -> [Double]? {
    let ramp = (0..<count).map { Double($0) / Double(max(count - 1, 1)) }
    switch self {
    case .trained:
      return nil
    case .karras(let rho):
      let (first, last) = (pow(greatest, 1 / rho), pow(least, 1 / rho))
      return ramp.map { pow(first + $0 * (last - first), rho) }
    case .exponential:
      return ramp.map { exp(log(greatest) + $0 * (log(least) - log(greatest))) }
    }
  }
}
