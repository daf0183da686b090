import Foundation

/// The variance-exploding process of Song et al. (ICLR 2021): the noise level
/// `sigma_E` is geometric in time, and is what the network is told.
public struct VarianceExplodingSchedule: NoiseSchedule {
  /// The least noise level of training.
  public var least: Double
  /// The noise level that sampling starts from.
  public var greatest: Double
  /// The time of the last evaluation, in units of the whole; positive.
  public var lastTime: Double

  /// The defaults are those of ScoreSdeVeScheduler of diffusers.
  public init(least: Double = 0.01, greatest: Double = 1348, lastTime: Double = 1e-5) {
    self.least = least
    self.greatest = greatest
    self.lastTime = lastTime
  }

  public func grid(steps: Int) throws -> TimeGrid {
    let nodes = try times(steps, from: 1, to: lastTime).map { time in
      let level = least * pow(greatest / least, time)
      return NoiseTime(edmSigma: level, timestep: level)
    }
    return try TimeGrid(nodes: nodes + [.clean], initialDeviation: nodes[0].sigma)
  }

  public func timestep(at time: NoiseTime) -> Double { min(max(time.edmSigma, least), greatest) }
}

/// The variance-preserving process of Song et al. (ICLR 2021), continuous in
/// time `t` from 1 (noise) to 0: `beta` is linear in `t`, and the network is
/// told `(count - 1) t`.
public struct VariancePreservingSchedule: NoiseSchedule {
  /// `beta` at time 0.
  public var least: Double
  /// `beta` at time 1.
  public var greatest: Double
  /// Training timesteps.
  public var count: Int
  /// The time of the last evaluation, positive.
  public var lastTime: Double

  /// The defaults are those of ScoreSdeVpScheduler of diffusers.
  public init(least: Double = 0.1, greatest: Double = 20, count: Int = 2000, lastTime: Double = 1e-3) {
    self.least = least
    self.greatest = greatest
    self.count = count
    self.lastTime = lastTime
  }

  public func grid(steps: Int) throws -> TimeGrid {
    let nodes = try times(steps, from: 1, to: lastTime).map { time in
      var node = NoiseTime(s: time * (least + (greatest - least) * time / 2))
      node.timestep = Double(count - 1) * time
      return node
    }
    return try TimeGrid(nodes: nodes + [.clean])
  }

  public func timestep(at time: NoiseTime) -> Double {
    // The positive root of (greatest - least) t^2 / 2 + least t = s.
    let s = min(time.s, (least + greatest) / 2)
    let root = 2 * s / (least + (least * least + 2 * (greatest - least) * s).squareRoot())
    return Double(count - 1) * root
  }
}

/// The process of crash schedules (Dance Diffusion, 2022), continuous in time
/// `t` from 1 to 0: `sigma = sin(pi t / 2)^2`, and the network is told the
/// angle of `(alpha, sigma)` in units of a right one.
public struct CrashSchedule: NoiseSchedule {
  /// The schedule has no parameters.
  public init() {}

  public func grid(steps: Int) throws -> TimeGrid {
    guard steps >= 1 else { throw DiffusionError("`steps` must be at least 1, not \(steps)") }
    let nodes = (0..<steps).map { index in
      let sine = sin(.pi / 2 * (1 - Double(index) / Double(steps)))
      let sigma = sine * sine
      let time = NoiseTime(alpha: index == 0 ? 0 : (1 - sigma * sigma).squareRoot(), sigma: sigma)
      return NoiseTime(alpha: time.alpha, sigma: time.sigma, timestep: timestep(at: time))
    }
    return try TimeGrid(nodes: nodes + [.clean])
  }

  public func timestep(at time: NoiseTime) -> Double { 2 * atan2(time.sigma, time.alpha) / .pi }
}

/// Evenly spaced times, both ends included.
private func times(_ count: Int, from first: Double, to last: Double) throws -> [Double] {
  guard count >= 1 else { throw DiffusionError("`steps` must be at least 1, not \(count)") }
  return (0..<count).map { first + (last - first) * Double($0) / Double(max(count - 1, 1)) }
}
