import Foundation

/// The nodes of a sampling run, from noise (`s_0 = T`) to data (`s_M = eta`);
/// noise time does not increase. A step between equal nodes changes nothing.
public struct TimeGrid: Hashable, Sendable {
  /// One more than steps, noise time decreasing.
  public let nodes: [NoiseTime]
  /// Where a step of the posterior map leads: the next node, except with
  /// schedulers that aim beside it. The model is always evaluated at nodes.
  public let landings: [NoiseTime]
  /// The largest order of the last steps of a multistep map, the last one's first.
  public let endOrders: [Int]
  /// Standard deviation of the noise that the first state is.
  public let initialDeviation: Double
  /// The variance of the noise of posterior steps.
  public let stepVariance: StepVariance
  /// What the last state is multiplied by to be in the scaling of the model's
  /// own scheduler.
  public let finalScale: Double

  /// Number of steps, one less than the nodes.
  public var steps: Int { nodes.count - 1 }

  /// - Parameters:
  ///   - nodes: one more than steps; noise time does not increase. Where it
  ///     does by a rounding of single precision or less, nodes count as equal
  ///     and are made so.
  ///   - landings: where the steps lead, if not to the next node.
  ///   - endOrders: the largest order of the last steps of a multistep map, the last one's
  ///     first.
  ///   - initialDeviation: of the noise that the first state is.
  ///   - stepVariance: the variance of the noise of posterior steps.
  ///   - finalScale: from the last state to that of the model's scheduler.
  /// - Throws: `DiffusionError` unless there are two nodes or more and noise
  ///   time does not increase.
  public init(
    nodes: [NoiseTime], landings: [NoiseTime]? = nil, endOrders: [Int] = [], initialDeviation: Double = 1,
    stepVariance: StepVariance = .posterior, finalScale: Double = 1
  ) throws {
    guard nodes.count >= 2 else {
      throw DiffusionError("a time grid needs at least two nodes, not \(nodes.count)")
    }
    var nodes = nodes
    for index in 1..<nodes.count {
      let (before, node) = (nodes[index - 1], nodes[index])
      guard node.s >= 0, node.s <= before.s * (1 + Double(Float.ulpOfOne)) else {
        throw DiffusionError(
          "noise times must not increase and stay >= 0: node \(index - 1) is at \(before.s), node \(index) at \(node.s)")
      }
      if node.s > before.s { (nodes[index].alpha, nodes[index].sigma) = (before.alpha, before.sigma) }
    }
    self.nodes = nodes
    self.landings = landings ?? Array(nodes.dropFirst())
    self.endOrders = endOrders
    self.initialDeviation = initialDeviation
    self.stepVariance = stepVariance
    self.finalScale = finalScale
    precondition(self.landings.count == nodes.count - 1)
  }

  /// Any strictly decreasing list of forward noise times `s`, one more than steps.
  ///
  /// - Throws: `DiffusionError` for fewer than two, and where they do not
  ///   decrease, are negative or not a number.
  public init(noiseTimes: [Double]) throws {
    if let bad = noiseTimes.first(where: { $0.isNaN || $0 < 0 }) {
      throw DiffusionError("noise times must be numbers >= 0, not \(bad)")
    }
    for (index, (time, next)) in zip(noiseTimes, noiseTimes.dropFirst()).enumerated() where next >= time {
      throw DiffusionError(
        "noise times must decrease strictly: number \(index) is \(time), number \(index + 1) is \(next)")
    }
    try self.init(nodes: noiseTimes.map { NoiseTime(s: $0) })
  }

  /// Uniform steps while `s >= 1`, then steps in proportion to the remaining
  /// noise time: the step-size condition of Chen, Ren, Ying and Rotskoff
  /// (NeurIPS 2024), as equal steps in `g(s) = s - 1` for `s >= 1`, `log s` below.
  ///
  /// - Parameters:
  ///   - steps: 1 or more; the grid has a node more.
  ///   - horizon: noise time of the first node.
  ///   - earlyStop: noise time of the last node, above 0 and below the horizon.
  /// - Throws: `DiffusionError` for other numbers.
  public static func shrinking(steps: Int, horizon: Double, earlyStop: Double) throws -> TimeGrid {
    func measure(_ s: Double) -> Double { s >= 1 ? s - 1 : log(s) }
    return try spaced(steps, horizon, earlyStop, measure: measure) { x in x >= 0 ? x + 1 : exp(x) }
  }

  /// Equal steps in noise time.
  ///
  /// - Parameters:
  ///   - steps: 1 or more; the grid has a node more.
  ///   - horizon: noise time of the first node.
  ///   - earlyStop: noise time of the last node, above 0 and below the horizon.
  /// - Throws: `DiffusionError` for other numbers.
  public static func uniform(steps: Int, horizon: Double, earlyStop: Double) throws -> TimeGrid {
    try spaced(steps, horizon, earlyStop, measure: { $0 }) { $0 }
  }

  /// `sigma_E^(1/rho)` equally spaced, `sigma_E = sqrt(exp(s) - 1)` (Karras et al.,
  /// NeurIPS 2022).
  ///
  /// - Parameters:
  ///   - steps: 1 or more; the grid has a node more.
  ///   - horizon: noise time of the first node.
  ///   - earlyStop: noise time of the last node, above 0 and below the horizon.
  ///   - rho: positive; the larger, the shorter are steps near the data.
  /// - Throws: `DiffusionError` for other numbers.
  public static func karras(
    steps: Int, horizon: Double, earlyStop: Double, rho: Double = 7
  ) throws -> TimeGrid {
    return try spaced(steps, horizon, earlyStop, measure: { pow(expm1($0), 0.5 / rho) }) { x in
      log1p(pow(x, 2 * rho))
    }
  }

  /// A model's own noise times: those of its training timesteps, as its schedule
  /// chooses them.
  ///
  /// - Throws: `DiffusionError` where the schedule cannot make so many steps.
  public static func model(_ schedule: any NoiseSchedule, steps: Int) throws -> TimeGrid {
    try schedule.grid(steps: steps)
  }

  /// `N` consecutive runs of steps whose sizes differ by at most one, the
  /// longer ones first, as ranges of step numbers.
  ///
  /// - Parameter count: `N`, from 1 to the number of steps.
  /// - Throws: `DiffusionError` for another number.
  public func blocks(_ count: Int) throws -> [Range<Int>] {
    guard count >= 1, count <= steps else {
      throw DiffusionError("`blocks` must be from 1 to the number of steps, \(steps), not \(count)")
    }
    let (size, longer) = steps.quotientAndRemainder(dividingBy: count)
    return (0..<count).map { block in
      let first = block * size + min(block, longer)
      return first..<(first + size + (block < longer ? 1 : 0))
    }
  }

  private static func spaced(
    _ steps: Int, _ horizon: Double, _ earlyStop: Double,
    measure: (Double) -> Double, inverse: (Double) -> Double
  ) throws -> TimeGrid {
    guard steps >= 1 else { throw DiffusionError("`steps` must be at least 1, not \(steps)") }
    guard horizon.isFinite, earlyStop > 0, earlyStop < horizon else {
      throw DiffusionError(
        "`earlyStop` \(earlyStop) and `horizon` \(horizon) must satisfy 0 < early stop < horizon")
    }
    let (first, last) = (measure(horizon), measure(earlyStop))
    let inner = stride(from: 1, to: steps, by: 1).map { index in
      inverse(first + (last - first) * Double(index) / Double(steps))
    }
    return try TimeGrid(nodes: ([horizon] + inner + [earlyStop]).map { NoiseTime(s: $0) })
  }
}
