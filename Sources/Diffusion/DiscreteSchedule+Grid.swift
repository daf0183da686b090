import Foundation

extension DiscreteSchedule {
  public func grid(steps: Int) throws -> TimeGrid {
    let timesteps = try timesteps(steps)
    let end = NoiseTime(alphaBar: finalAlphaBar)
    switch rule {
    case .ddpm:
      return try TimeGrid(nodes: timesteps.map(node) + [end])
    case .ddim:
      let landings = timesteps.map { timestep in
        let landing = Int(timestep) - alphaBar.count / steps
        return landing >= 0 ? node(Double(landing)) : end
      }
      return try TimeGrid(nodes: timesteps.map(node) + [end], landings: landings)
    case .multistep(let rule):
      let nodes: [NoiseTime]
      if let levels = levels.levels(steps, from: level(alphaBar.count - 1), to: level(0)) {
        nodes = levels.map { level in
          let timestep = timestep(ofLevel: level)
          let whole = rule.roundsTimesteps ? timestep.rounded(.toNearestOrEven) : timestep.rounded(.down)
          return NoiseTime(edmSigma: level, timestep: whole)
        }
      } else {
        nodes = timesteps.map(node)
      }
      return try TimeGrid(
        nodes: nodes + [end], landings: Array(nodes.dropFirst()) + [end],
        endsFirstOrder: steps < rule.firstOrderEndBelow)
    case .euler:
      let own = timesteps.map(level(between:))
      let greatest = greatestLevel ?? own[0]
      let least = leastLevel ?? own[steps - 1]
      let chosen = levels.levels(steps, from: greatest, to: least)
      let nodes = (chosen ?? own).enumerated().map { index, level in
        NoiseTime(edmSigma: level, timestep: chosen == nil ? timesteps[index] : timestep(ofLevel: level))
      }
      // Start states have the deviation of the first noise level, without the
      // data's share; `leading` adds it.
      return try TimeGrid(
        nodes: nodes + [end], landings: Array(nodes.dropFirst()) + [end],
        initialDeviation: spacing == .leading ? 1 : nodes[0].sigma)
    }
  }

  /// The timesteps of a run of `steps` steps, from noise to data.
  ///
  /// - Throws: `DiffusionError` where there are too few training timesteps, or
  ///   where `stepsOffset` leads past the last one.
  public func timesteps(_ steps: Int) throws -> [Double] {
    let count = alphaBar.count
    /// Training timesteps that may be chosen, and lowest ones left out.
    var (last, omitted) = (count, 0)
    if case .multistep(let rule) = rule {
      last = alphaBar.count { log($0 / (1 - $0)) / 2 >= rule.leastLogRatio }
      omitted = 1
    }
    guard steps >= 1, steps <= last - omitted else {
      throw DiffusionError(
        "the model has \(last) training timesteps: --steps must be from 1 to \(last - omitted), not \(steps)")
    }
    let chosen = omitted..<(steps + omitted)
    let ascending: [Double]
    switch spacing {
    case .leading:
      ascending = chosen.map { Double($0 * (last / (steps + omitted)) + stepsOffset) }
    case .trailing:
      let ratio = Double(count) / Double(steps)
      ascending = (0..<steps).map {
        (Double(last) - Double($0) * ratio).rounded(.toNearestOrEven) - 1
      }.reversed()
    case .linspace:
      let ratio = Double(last - 1) / Double(max(steps + omitted - 1, 1))
      ascending = chosen.map {
        let timestep = min(Double($0) * ratio, Double(last - 1))
        return rule == .euler ? timestep : timestep.rounded(.toNearestOrEven)
      }
    }
    guard ascending[0] >= 0, ascending[steps - 1] < Double(count) else {
      throw DiffusionError(
        "\(spacing.rawValue) spacing with steps_offset \(stepsOffset) leaves the \(count) training timesteps at \(steps) steps"
      )
    }
    return ascending.reversed()
  }

  private func node(_ timestep: Double) -> NoiseTime {
    NoiseTime(alphaBar: alphaBar[Int(timestep)], timestep: timestep)
  }

  /// `sigma_E` of a training timestep.
  private func level(_ timestep: Int) -> Double { ((1 - alphaBar[timestep]) / alphaBar[timestep]).squareRoot() }

  /// `sigma_E` between training timesteps, linear in the timestep.
  private func level(between timestep: Double) -> Double {
    let below = Int(timestep)
    let fraction = timestep - Double(below)
    guard fraction > 0 else { return level(below) }
    return level(below) + fraction * (level(below + 1) - level(below))
  }

  /// The timestep of a noise level, linear in `log sigma_E` between training
  /// timesteps.
  private func timestep(ofLevel target: Double) -> Double {
    position { level($0) < target } of: { below in
      log(target / level(below)) / log(level(below + 1) / level(below))
    }
  }
}
