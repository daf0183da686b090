import Diffusion

/// Schedulers that visit as many training timesteps as they have steps.
extension JSONObject {
  mutating func ddpm() throws -> SchedulerSettings {
    var schedule = DiscreteSchedule(
      alphaBar: try alphaBar(betas: BetaSchedule.ofDDPM), spacing: try spacing(default: .leading),
      stepsOffset: try stepsOffset())
    // The logarithm of a variance is another way to write it.
    schedule.stepVariance = try choice(
      "variance_type",
      [
        "fixed_small": .posterior, "fixed_small_log": .posterior, "fixed_large": .forward, "fixed_large_log": .forward,
      ], default: "fixed_small")
    return SchedulerSettings(
      schedule: schedule, parametrization: try prediction(), bound: try bound(clipsByDefault: true), method: .here(.ddpm))
  }

  mutating func unclip() throws -> SchedulerSettings {
    let schedule = DiscreteSchedule(
      alphaBar: try alphaBar(
        betas: [.squaredCosine], default: .squaredCosine, isStated: false, mayRescale: false), spacing: .linspace)
    _ = try choice("variance_type", ["fixed_small_log": true], default: "fixed_small_log")
    return SchedulerSettings(
      schedule: schedule, parametrization: try prediction(), bound: try clip(byDefault: true), method: .here(.ddpm))
  }

  mutating func ddim() throws -> SchedulerSettings {
    let alphaBar = try alphaBar()
    var schedule = DiscreteSchedule(
      alphaBar: alphaBar, spacing: try spacing(default: .leading), stepsOffset: try stepsOffset(),
      finalAlphaBar: try flag("set_alpha_to_one", default: true) ? 1 : alphaBar[0])
    schedule.landsByCount = true
    var bound = try bound(clipsByDefault: true)
    bound?.keepsDirection = true
    return SchedulerSettings(
      schedule: schedule, parametrization: try prediction(), bound: bound, method: .here(.ddim))
  }

  /// Its own direction is from the data to the noise; sampling runs through
  /// its timesteps the other way.
  mutating func ddimInverse() throws -> SchedulerSettings {
    let alphaBar = try alphaBar()
    // The older name, where it is stated, counts.
    let endsClean = try bool("set_alpha_to_zero") ?? flag("set_alpha_to_one", default: true)
    _ = value("set_alpha_to_one")
    var schedule = DiscreteSchedule(
      alphaBar: alphaBar, spacing: try spacing(default: .leading, among: [.leading, .trailing]),
      stepsOffset: try stepsOffset(), finalAlphaBar: endsClean ? 1 : alphaBar[0])
    schedule.landsByCount = true
    var bound = try clip(byDefault: true)
    bound?.keepsDirection = true
    return SchedulerSettings(
      schedule: schedule, parametrization: try prediction(), bound: bound,
      method: .elsewhere("inversion, from the data to the noise"))
  }

  mutating func pndm(own method: OwnMethod) throws -> SchedulerSettings {
    let alphaBar = try alphaBar(mayRescale: false)
    var schedule = DiscreteSchedule(
      alphaBar: alphaBar, spacing: try spacing(default: .leading), stepsOffset: try stepsOffset(),
      finalAlphaBar: try flag("set_alpha_to_one", default: false) ? 1 : alphaBar[0])
    schedule.landsByCount = true
    _ = value("skip_prk_steps")
    return SchedulerSettings(schedule: schedule, parametrization: try prediction(), bound: nil, method: method)
  }

  mutating func distilled(own method: OwnMethod) throws -> SchedulerSettings {
    let alphaBar = try alphaBar(default: .scaledLinear, from: 0.00085, to: 0.012)
    let count = try integer("original_inference_steps", in: 1...1_000_000) ?? 50
    guard count <= alphaBar.count else {
      throw ScoreModelError(
        .badData,
        "\(file): \"original_inference_steps\" is \(count); at most the \(alphaBar.count) \"num_train_timesteps\" are needed")
    }
    // Read, but the timesteps of distillation are taken whatever they say.
    for idle in ["timestep_spacing", "steps_offset"] { _ = value(idle) }
    var schedule = DiscreteSchedule(
      alphaBar: alphaBar, finalAlphaBar: try flag("set_alpha_to_one", default: true) ? 1 : alphaBar[0])
    schedule.choice = .distilled(count: count)
    return SchedulerSettings(
      schedule: schedule, parametrization: try prediction(), bound: try bound(clipsByDefault: false), method: method)
  }
}
