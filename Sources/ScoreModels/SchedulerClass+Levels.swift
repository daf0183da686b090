import Diffusion

/// Default ends of linear betas.
struct BetaRange {
  var start = 0.0001
  var end = 0.02

  /// Those of the schedulers that came from k-diffusion.
  static let diffusersKarras = BetaRange(start: 0.00085, end: 0.012)
}

/// Schedulers whose state is `y / alpha`, and which choose noise levels, with
/// fractional timesteps.
extension JSONObject {
  mutating func euler() throws -> SchedulerSettings {
    let alphaBar = try alphaBar(terminal: terminalAlphaBar)
    var settings = try levelled(alphaBar, own: .here(.ddim))
    guard var schedule = settings.schedule as? DiscreteSchedule else { return settings }
    schedule.interpolatesLogarithms = try choice(
      "interpolation_type", ["linear": false, "log_linear": true], default: "linear")
    let tellsLogarithm = try choice("timestep_type", ["discrete": false, "continuous": true], default: "discrete")
    schedule.tellsLogarithm = tellsLogarithm && settings.parametrization == .velocity
    if try endsAtLeast() {
      schedule.end = .alphaBar(alphaBar[0])
      if let least = schedule.leastLevel, schedule.levels != .trained, NoiseTime(edmSigma: least).s < schedule.trainedTimes.least.s * (1 - 1e-6) {
        throw ScoreModelError(
          .badData,
          "\(file): \"sigma_min\" is \(least), below the least noise level of training, which \"final_sigmas_type\": \"sigma_min\" ends at; a larger \"sigma_min\" or \"final_sigmas_type\": \"zero\" is needed"
        )
      }
    }
    settings.schedule = schedule
    return settings
  }

  mutating func eulerAncestral() throws -> SchedulerSettings {
    var settings = try levelled(
      alphaBar(terminal: terminalAlphaBar), own: .here(.ddpm), placesLevels: false)
    settings.bound = nil
    return settings
  }

  mutating func heun() throws -> SchedulerSettings {
    var settings = try levelled(
      alphaBar(
        betas: [.linear, .scaledLinear, .squaredCosine, .exponential], from: BetaRange.diffusersKarras.start,
        to: BetaRange.diffusersKarras.end, mayRescale: false), own: .here(.heun))
    settings.bound = try clip(byDefault: false)
    return settings
  }

  /// - Parameters:
  ///   - rounds: Karras levels have whole timesteps.
  ///   - endsReplaceKarras: "sigma_min" and "sigma_max" count for Karras levels.
  mutating func levelled(
    own method: OwnMethod, rounds: Bool = false, endsReplaceKarras: Bool = true, _ range: BetaRange = BetaRange()
  ) throws -> SchedulerSettings {
    try levelled(
      alphaBar(from: range.start, to: range.end, mayRescale: false), own: method, rounds: rounds,
      endsReplaceKarras: endsReplaceKarras)
  }

  private mutating func levelled(
    _ alphaBar: [Double], own method: OwnMethod, rounds: Bool = false, endsReplaceKarras: Bool = true,
    placesLevels: Bool = true
  ) throws -> SchedulerSettings {
    var schedule = DiscreteSchedule(
      alphaBar: alphaBar, spacing: try spacing(default: .linspace), stepsOffset: try stepsOffset())
    schedule.choice = .fractional
    // The deviation of `leading` spacing has the data's share.
    schedule.startsWithNoiseAlone = schedule.spacing != .leading
    if placesLevels {
      schedule.levels = try levels()
      if endsReplaceKarras || schedule.levels != .karras() { try readEnds(of: &schedule) }
      schedule.levelTimestep = rounds && schedule.levels == .karras() ? .nearest : .fraction
    }
    return SchedulerSettings(schedule: schedule, parametrization: try prediction(), bound: nil, method: method)
  }
}
