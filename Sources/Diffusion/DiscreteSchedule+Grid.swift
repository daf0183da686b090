import Foundation

extension DiscreteSchedule {
  public func grid(steps: Int) throws -> TimeGrid {
    let timesteps = try timesteps(steps)
    let count = timesteps.count
    let nodes = nodes(timesteps)
    let last = interpolatesLogarithms && levels == .trained ? .alphaBar(alphaBar[0]) : end
    let end =
      switch last {
      case .alphaBar(let alphaBar): NoiseTime(alphaBar: alphaBar)
      case .lastNode: NoiseTime(alpha: nodes[count - 1].alpha, sigma: nodes[count - 1].sigma)
      }
    let landings = timesteps.map { timestep in
      let landing = Int(timestep) - alphaBar.count / steps
      return landing >= 0 ? node(Double(landing)) : end
    }
    return try TimeGrid(
      nodes: nodes + [end], landings: landsByCount ? landings : nil, endOrders: endOrders.limits(ofSteps: count),
      initialDeviation: startsWithNoiseAlone ? nodes[0].sigma : 1, stepVariance: stepVariance,
      // Schedulers with fractional timesteps work on `y / alpha`.
      finalScale: choice == .fractional ? 1 / end.alpha : 1)
  }

  public var mostSteps: Int? {
    switch choice {
    case .whole, .fractional: alphaBar.count
    case .withoutLowest: usable - 1
    case .distilled(let count): count
    }
  }

  /// The timesteps of a run of `steps` steps, from noise to data; fewer with
  /// `trailing` spacing, where the noisiest ones may not be chosen.
  ///
  /// - Throws: `DiffusionError` where there are too few training timesteps, or
  ///   where `stepsOffset` leads past the last one.
  public func timesteps(_ steps: Int) throws -> [Double] {
    let most = mostSteps ?? .max
    guard steps >= 1, steps <= most else {
      throw DiffusionError("the model has \(usableInWords): `steps` must be from 1 to \(most), not \(steps)")
    }
    let (count, last) = (alphaBar.count, usable)
    let omitted = if case .withoutLowest = choice { 1 } else { 0 }
    let chosen = omitted..<(steps + omitted)
    if case .distilled(let size) = choice {
      let stride = Double(size) / Double(steps)
      return (0..<steps).map { Double((size - Int(Double($0) * stride)) * (count / size) - 1) }
    }
    let ascending: [Double]
    switch spacing {
    case .leading:
      ascending = chosen.map { Double($0 * (last / (steps + omitted)) + stepsOffset) }
    case .trailing:
      let ratio = Double(count) / Double(steps)
      ascending = (0..<steps).map { (Double(last) - Double($0) * ratio).rounded(.toNearestOrEven) - 1 }
        .filter { last == count || $0 >= 0 }.reversed()
    case .linspace:
      let ratio = Double(last - 1) / Double(max(steps + omitted - 1, 1))
      ascending = chosen.map {
        let timestep = min(Double($0) * ratio, Double(last - 1))
        return choice == .fractional ? timestep : timestep.rounded(.toNearestOrEven)
      }
    }
    guard let least = ascending.first, let greatest = ascending.last, least >= 0, greatest < Double(count) else {
      throw DiffusionError(
        "\(spacing.rawValue) spacing with steps_offset \(stepsOffset) leaves the \(count) training timesteps at \(steps) steps"
      )
    }
    return ascending.reversed()
  }

  /// Training timesteps that may be chosen.
  private var usable: Int {
    guard case .withoutLowest(let least) = choice, least > -.infinity else { return alphaBar.count }
    return alphaBar.count { log($0 / (1 - $0)) / 2 >= least }
  }

  private var usableInWords: String {
    switch choice {
    case .distilled(let count):
      return "been distilled to \(count) of its training timesteps (original_inference_steps)"
    case .withoutLowest(let least) where usable < alphaBar.count:
      return "\(usable) of its \(alphaBar.count) training timesteps above lambda_min_clipped \(least)"
    default:
      return "\(alphaBar.count) training timesteps"
    }
  }

  private func nodes(_ timesteps: [Double]) -> [NoiseTime] {
    let count = timesteps.count
    let (lowest, highest) = (level(0), level(alphaBar.count - 1))
    let spansTraining = levelsSpanTraining || interpolatesLogarithms
    let chosen = levels.levels(
      count, from: greatestLevel ?? (spansTraining ? highest : level(between: timesteps[0])),
      to: leastLevel ?? (spansTraining ? lowest : level(between: timesteps[count - 1])))
    func told(_ level: Double, _ timestep: Double) -> Double { tellsLogarithm ? log(level) / 4 : timestep }
    if let chosen {
      return chosen.map { level in
        let timestep = timestep(ofLevel: level)
        let whole: Double =
          switch levelTimestep {
          case .fraction: timestep
          case .below: timestep.rounded(.down)
          case .nearest: timestep.rounded(.toNearestOrEven)
          }
        return NoiseTime(edmSigma: level, timestep: told(level, whole))
      }
    }
    if interpolatesLogarithms, let levels = NoiseLevels.exponential.levels(count + 1, from: highest, to: lowest) {
      return zip(levels, timesteps).map { NoiseTime(edmSigma: $0, timestep: told($0, $1)) }
    }
    guard choice == .fractional || tellsLogarithm else { return timesteps.map(node) }
    return timesteps.map { timestep in
      let level = level(between: timestep)
      return NoiseTime(edmSigma: level, timestep: told(level, timestep))
    }
  }

  /// The ends of training by their logarithms in single precision, as diffusers
  /// has them where it spaces logarithms.
  package var loggedEnds: (least: Double, greatest: Double) {
    func logged(_ timestep: Int) -> Double { exp(Double(Float(log(level(timestep))))) }
    return (logged(0), logged(alphaBar.count - 1))
  }

  private func node(_ timestep: Double) -> NoiseTime {
    NoiseTime(alphaBar: alphaBar[Int(timestep)], timestep: timestep)
  }

  /// `sigma_E` of a training timestep, in single precision.
  private func level(_ timestep: Int) -> Double {
    let alphaBar = Float(alphaBar[timestep])
    return Double(((1 - alphaBar) / alphaBar).squareRoot())
  }

  /// `sigma_E` between training timesteps, linear in the timestep.
  private func level(between timestep: Double) -> Double {
    let below = Int(timestep)
    let fraction = timestep - Double(below)
    guard fraction > 0 else { return level(below) }
    return level(below) + fraction * (level(below + 1) - level(below))
  }

  /// The timestep of a noise level, linear in `log sigma_E` between training
  /// timesteps. Their logarithms are in single precision, as in diffusers: by
  /// their rounding the end of a grid may lie below a whole timestep, which
  /// schedules that cut fractions off then miss by one.
  private func timestep(ofLevel level: Double) -> Double {
    let target = log(max(level, 1e-10))
    func logarithm(_ timestep: Int) -> Float { Float(log(self.level(timestep))) }
    var (low, high) = (0, alphaBar.count - 1)
    while high - low > 1 {
      let middle = (low + high) / 2
      if Double(logarithm(middle)) <= target { low = middle } else { high = middle }
    }
    let (below, above) = (logarithm(low), logarithm(low + 1))
    let share = min(max((Double(below) - target) / Double(below - above), 0), 1)
    return (1 - share) * Double(low) + share * Double(low + 1)
  }
}
