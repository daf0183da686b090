import Foundation

/// The flow times of a flow-matching model: `q` from 1 down towards 0, the
/// network's timestep being `count q`.
public struct FlowSchedule: NoiseSchedule {
  /// How flow times are spaced before they are shifted.
  public enum Spacing: Hashable, Sendable {
    /// Evenly from 1 to `1/count`, its shifted value where the shift is fixed.
    case even
    /// Evenly from `1 - 1/count` to 0, which is left out.
    case belowOne
    /// Evenly from 1 to `1/count`, which is left out.
    case withoutLast
    /// At `sigma_E / (1 + sigma_E)` of noise levels between these two, unshifted.
    case ofLevels(NoiseLevels, least: Double, greatest: Double)
  }

  /// What the last step leads to.
  public enum End: Hashable, Sendable {
    /// This flow time; 0 is clean data.
    case flowTime(Double)
    /// The last node itself: the last step changes nothing.
    case lastNode
  }

  /// Training timesteps.
  public var count: Int
  /// How flow times are spaced.
  public var spacing = Spacing.even
  /// Moves flow times towards the noise.
  public var shift: FlowShift
  /// The flow time that the last evaluation is stretched to.
  public var terminal: Double?
  /// Spaces the shifted flow times between their ends anew.
  public var levels = NoiseLevels.trained
  /// The least of them, in place of the last flow time.
  public var leastLevel: Double?
  /// The greatest of them, in place of the first flow time.
  public var greatestLevel: Double?
  /// Networks are told `count (1 - q)`: their time runs from the noise to the data.
  public var isReversed = false
  /// Networks are told whole timesteps, the ones below.
  public var tellsWholeTimesteps = false
  /// What the last step leads to.
  public var end = End.flowTime(0)
  /// Where the last steps are of a lower order.
  public var endOrders = EndOrders()
  /// The variance of the noise of steps.
  public var stepVariance = StepVariance.posterior

  /// The defaults neither shift nor stretch.
  ///
  /// - Parameters:
  ///   - count: training timesteps, positive.
  ///   - shift: positive; 1 leaves flow times where they are.
  ///   - terminal: between 0 and 1; `nil` leaves the last evaluation where it is.
  public init(count: Int = 1000, shift: Double = 1, terminal: Double? = nil) {
    self.count = count
    self.shift = .fixed(shift)
    self.terminal = terminal
  }

  public func grid(steps: Int) throws -> TimeGrid {
    guard steps >= 1 else { throw DiffusionError("`steps` must be at least 1, not \(steps)") }
    let times = try flowTimes(steps)
    let nodes = times.map { q in
      let timestep = Double(count) * (isReversed ? 1 - q : q)
      return NoiseTime(flowTime: q, timestep: tellsWholeTimesteps ? timestep.rounded(.down) : timestep)
    }
    let last =
      switch end {
      case .flowTime(let q): NoiseTime(flowTime: q)
      case .lastNode: NoiseTime(flowTime: times[steps - 1])
      }
    // The first state is the noise itself, where it should be `q` of it.
    return try TimeGrid(
      nodes: nodes + [last], endOrders: endOrders.limits(ofSteps: steps),
      initialDeviation: 1 / (times[0] * times[0] + (1 - times[0]) * (1 - times[0])).squareRoot(),
      stepVariance: stepVariance, finalScale: 1 / (last.alpha + last.sigma))
  }

  public func timestep(at time: NoiseTime) -> Double {
    Double(count) * (isReversed ? time.alpha : time.sigma) / (time.alpha + time.sigma)
  }

  private func flowTimes(_ steps: Int) throws -> [Double] {
    if case .ofLevels(let levels, let least, let greatest) = spacing,
      let chosen = levels.levels(steps, from: greatest, to: least)
    {
      return chosen.map { $0 / (1 + $0) }
    }
    let factor = try shift.factor()
    func shifted(_ q: Double) -> Double { factor * q / (1 + (factor - 1) * q) }
    let (least, intervals): (Double, Int) =
      switch (spacing, shift) {
      case (.even, .fixed): (shifted(1 / Double(count)), steps - 1)
      case (.even, .dynamic): (1 / Double(count), steps - 1)
      default: (1 / Double(count), steps)
      }
    var times = (0..<steps).map { index in
      let share = Double(index) / Double(max(intervals, 1))
      return shifted(spacing == .belowOne ? (1 - least) * (1 - share) : 1 + (least - 1) * share)
    }
    if let terminal, let last = times.last, last < 1 {
      times = times.map { 1 - (1 - $0) * (1 - terminal) / (1 - last) }
    }
    // A signal that vanishes has no logarithm, which the class needs.
    if spacing == .withoutLast { times[0] = min(times[0], 1 - 1e-6) }
    return levels.levels(steps, from: greatestLevel ?? times[0], to: leastLevel ?? times[steps - 1]) ?? times
  }
}
