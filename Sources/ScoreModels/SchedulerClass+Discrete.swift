import Diffusion

/// Schedulers that visit as many training timesteps as they have steps.
extension JSONObject {
  mutating func ddpm() throws -> SchedulerSettings {
    var schedule = DiscreteSchedule(
      alphaBar: try alphaBar(betas: BetaSchedule.ofDDPM), spacing: try spacing(default: .leading),
      stepsOffset: try stepsOffset())
    // The logarithm of a variance is another way to write it.
    let kind: (fixed: StepVariance, learned: LearnedVariance?) = try choice(
      "variance_type",
      [
        "fixed_small": (.posterior, nil), "fixed_small_log": (.posterior, nil), "fixed_large": (.forward, nil),
        "fixed_large_log": (.forward, nil), "learned": (.posterior, .direct), "learned_range": (.posterior, .range),
      ], default: "fixed_small")
    schedule.stepVariance = kind.fixed
    return SchedulerSettings(
      schedule: schedule, parametrization: try prediction(), bound: try bound(clipsByDefault: true), method: .here(.ddpm),
      variance: kind.learned)
  }

  mutating func unclip() throws -> SchedulerSettings {
    let schedule = DiscreteSchedule(
      alphaBar: try alphaBar(
        betas: [.squaredCosine], default: .squaredCosine, isStated: false, mayRescale: false), spacing: .linspace)
    let learned: LearnedVariance? = try choice(
      "variance_type", ["fixed_small_log": nil, "learned_range": .range], default: "fixed_small_log")
    return SchedulerSettings(
      schedule: schedule, parametrization: try prediction(), bound: try clip(byDefault: true), method: .here(.ddpm),
      variance: learned)
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

  mutating func cogVideo(own method: OwnMethod) throws -> SchedulerSettings {
    let factor = try positive("snr_shift_scale") ?? 3
    let alphaBar = try alphaBar(default: .scaledLinear, from: 0.00085, to: 0.012, noiseFactor: factor)
    var schedule = DiscreteSchedule(
      alphaBar: alphaBar, spacing: try spacing(default: .leading), stepsOffset: try stepsOffset(),
      finalAlphaBar: try flag("set_alpha_to_one", default: true) ? 1 : alphaBar[0])
    schedule.landsByCount = true
    // Read by the class, and without effect.
    for idle in ["clip_sample", "clip_sample_range", "sample_max_value"] { _ = value(idle) }
    return SchedulerSettings(schedule: schedule, parametrization: try prediction(), bound: nil, method: method)
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

  mutating func pndm() throws -> SchedulerSettings {
    let alphaBar = try alphaBar(mayRescale: false)
    var schedule = DiscreteSchedule(
      alphaBar: alphaBar, spacing: try spacing(default: .leading), stepsOffset: try stepsOffset(),
      finalAlphaBar: try flag("set_alpha_to_one", default: false) ? 1 : alphaBar[0])
    schedule.landsByCount = true
    let skipsRungeKutta = try flag("skip_prk_steps", default: false)
    // Its second evaluation steps as many timesteps as others do, which those of the first
    // step are only where they are multiples.
    let parametrization = try prediction()
    let other: String? =
      if !skipsRungeKutta {
        "PNDM with its Runge-Kutta start, skip_prk_steps false"
      } else if schedule.spacing != .leading {
        "PNDM with \(schedule.spacing.rawValue) spacing"
      } else if parametrization != .noise {
        // The class extrapolates what the network predicts.
        "PNDM of another prediction than epsilon"
      } else {
        nil
      }
    return SchedulerSettings(
      schedule: schedule, parametrization: parametrization, bound: nil, method: other.map { .elsewhere($0) } ?? .here(.plms))
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
