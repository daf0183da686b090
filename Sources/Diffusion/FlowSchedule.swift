/// The flow times of a flow-matching model: `q` from 1 down towards 0, the
/// network's timestep being `count q`.
public struct FlowSchedule: NoiseSchedule {
  /// Training timesteps.
  public var count: Int
  /// Moves flow times towards the noise: `q -> shift q / (1 + (shift - 1) q)`
  /// (Esser et al., ICML 2024).
  public var shift: Double
  /// The flow time that the last evaluation is stretched to.
  public var terminal: Double?

  /// The defaults neither shift nor stretch.
  ///
  /// - Parameters:
  ///   - count: training timesteps, positive.
  ///   - shift: positive; 1 leaves flow times where they are.
  ///   - terminal: between 0 and 1; `nil` leaves the last evaluation where it is.
  public init(count: Int = 1000, shift: Double = 1, terminal: Double? = nil) {
    self.count = count
    self.shift = shift
    self.terminal = terminal
  }

  public func grid(steps: Int) throws -> TimeGrid {
    guard steps >= 1 else { throw DiffusionError("--steps must be at least 1, not \(steps)") }
    // From the shifted ends of training, evenly, and shifted again, as
    // FlowMatchEulerDiscreteScheduler of diffusers does.
    let least = shifted(1 / Double(count))
    var times = (0..<steps).map { shifted(1 + (least - 1) * Double($0) / Double(max(steps - 1, 1))) }
    if let terminal, let last = times.last, last < 1 {
      times = times.map { 1 - (1 - $0) * (1 - terminal) / (1 - last) }
    }
    return try TimeGrid(
      nodes: times.map { NoiseTime(flowTime: $0, timestep: $0 * Double(count)) } + [.clean])
  }

  public func timestep(at time: NoiseTime) -> Double {
    Double(count) * time.sigma / (time.alpha + time.sigma)
  }

  private func shifted(_ q: Double) -> Double { shift * q / (1 + (shift - 1) * q) }
}
