import Diffusion

/// Schedulers of models that are continuous in time.
extension JSONObject {
  mutating func edmEuler() throws -> SchedulerSettings {
    try denoiser(own: .here(.ddim))
  }

  mutating func edmMultistep() throws -> SchedulerSettings {
    let method = try multistepMethod(algorithms: ["dpmsolver++", "sde-dpmsolver++"])
    var settings = try denoiser(own: method)
    settings.bound = try bound(clipsByDefault: nil)
    try settings.lowerEnd(endOrders())
    return settings
  }

  mutating func cosineMultistep() throws -> SchedulerSettings {
    // Its Brownian tree is another way to draw the same noise.
    let form = try choice("solver_type", ["midpoint": false, "heun": true, "logrho": false, "bh1": false, "bh2": false], default: "midpoint")
    let order = try integer("solver_order", in: 1...2) ?? 2
    var settings = try denoiser(
      own: .here(order == 1 ? .ddpm : form ? .multistepSDEHeun : .multistepSDE), least: 0.3, greatest: 500, deviation: 1,
      levels: "exponential", prediction: "v_prediction", timeInput: .angle)
    try settings.lowerEnd(endOrders())
    return settings
  }

  private mutating func denoiser(
    own method: OwnMethod, least: Double = 0.002, greatest: Double = 80, deviation: Double = 0.5,
    levels: String = "karras", prediction: String = "epsilon", timeInput: DenoiserSchedule.TimeInput = .quarterLogarithm
  ) throws -> SchedulerSettings {
    // Sampling computes its own noise levels.
    _ = try integer("num_train_timesteps", in: 1...1_000_000)
    let rho = try positive("rho") ?? 7
    let schedule = DenoiserSchedule(
      least: try positive("sigma_min") ?? least, greatest: try positive("sigma_max") ?? greatest,
      levels: try choice("sigma_schedule", ["karras": .karras(rho: rho), "exponential": .exponential], default: levels),
      endsClean: try !endsAtLeast(), timeInput: timeInput)
    guard schedule.least < schedule.greatest else {
      throw ScoreModelError(.badData, "\(file): \"sigma_min\" must be below \"sigma_max\"")
    }
    let isNegated = try choice("prediction_type", ["epsilon": false, "v_prediction": true], default: prediction)
    return SchedulerSettings(
      schedule: schedule,
      parametrization: .preconditioned(dataDeviation: try positive("sigma_data") ?? deviation, isNegated: isNegated),
      bound: nil, method: method)
  }

  mutating func exploding() throws -> SchedulerSettings {
    _ = try integer("num_train_timesteps", in: 1...1_000_000)
    let schedule = VarianceExplodingSchedule(
      least: try positive("sigma_min") ?? 0.01, greatest: try positive("sigma_max") ?? 1348,
      lastTime: try fraction("sampling_eps") ?? 1e-5)
    guard schedule.least < schedule.greatest else {
      throw ScoreModelError(.badData, "\(file): \"sigma_min\" must be below \"sigma_max\"")
    }
    return SchedulerSettings(
      schedule: schedule, parametrization: .explodingScore, bound: nil,
      method: .elsewhere("the predictor-corrector sampler (variance exploding)"))
  }

  mutating func preserving() throws -> SchedulerSettings {
    let schedule = VariancePreservingSchedule(
      least: try positive("beta_min") ?? 0.1, greatest: try positive("beta_max") ?? 20,
      count: try integer("num_train_timesteps", in: 2...1_000_000) ?? 2000, lastTime: try fraction("sampling_eps") ?? 1e-3)
    guard schedule.least <= schedule.greatest else {
      throw ScoreModelError(.badData, "\(file): \"beta_min\" must not be above \"beta_max\"")
    }
    return SchedulerSettings(
      schedule: schedule, parametrization: .noise, bound: nil,
      method: .elsewhere("the reverse-diffusion predictor (variance preserving)"))
  }

  mutating func crash() throws -> SchedulerSettings {
    // Sampling computes its own times.
    _ = try integer("num_train_timesteps", in: 1...1_000_000)
    if let betas = try numbers("trained_betas"), !betas.isEmpty {
      throw unsupported("trained_betas", "a list", supported: ["null"])
    }
    return SchedulerSettings(
      schedule: CrashSchedule(), parametrization: .velocity, bound: nil, method: .here(.ipndm))
  }

  mutating func flowEuler() throws -> SchedulerSettings {
    var schedule = try flow()
    let isExponential = try choice("time_shift_type", ["exponential": true, "linear": false], default: "exponential")
    let anchors = (
      DynamicFlowShift.Anchor(
        length: try integer("base_image_seq_len", in: 0...1 << 40) ?? 256, mu: try number("base_shift") ?? 0.5),
      DynamicFlowShift.Anchor(
        length: try integer("max_image_seq_len", in: 0...1 << 40) ?? 4096, mu: try number("max_shift") ?? 1.15)
    )
    if try flag("use_dynamic_shifting", default: false) {
      guard anchors.0.length != anchors.1.length else {
        throw ScoreModelError(.badData, "\(file): \"base_image_seq_len\" and \"max_image_seq_len\" must differ")
      }
      schedule.shift = .dynamic(DynamicFlowShift(isExponential: isExponential, anchors: anchors))
    }
    schedule.terminal = try fraction("shift_terminal")
    schedule.levels = try levels()
    if schedule.levels != .trained {
      schedule.leastLevel = try positive("sigma_min")
      schedule.greatestLevel = try positive("sigma_max")
    }
    schedule.isReversed = try flag("invert_sigmas", default: false)
    let isStochastic = try flag("stochastic_sampling", default: false)
    guard !(schedule.isReversed && isStochastic) else {
      throw ScoreModelError(.badData, "\(file): \"invert_sigmas\" and \"stochastic_sampling\" exclude each other")
    }
    if isStochastic { schedule.stepVariance = .whole }
    return SchedulerSettings(
      schedule: schedule, parametrization: .flow(isNegated: schedule.isReversed), bound: nil,
      method: .here(isStochastic ? .ddpm : .ddim))
  }

  mutating func flowHeun() throws -> SchedulerSettings {
    SchedulerSettings(
      schedule: try flow(), parametrization: .flow(isNegated: false), bound: nil, method: .here(.heunFlow))
  }

  private mutating func flow() throws -> FlowSchedule {
    FlowSchedule(
      count: try integer("num_train_timesteps", in: 2...1_000_000) ?? 1000, shift: try positive("shift") ?? 1)
  }
}
