package import Diffusion
import Foundation

/// A `scheduler_config.json` as diffusers writes it, reduced to the model's
/// schedule, its prediction and what is done to its estimates. Absent keys have
/// diffusers' own defaults; what is not supported is refused by name.
package struct SchedulerConfiguration {
  package let schedule: any NoiseSchedule
  package let parametrization: Parametrization
  package let bound: EstimateBound?

  package init(_ object: JSONObject) throws {
    var object = object
    guard let name = try object.string("_class_name") else {
      throw object.missing("_class_name", needed: "the scheduler's class")
    }
    guard let scheduler = SchedulerClass(rawValue: name) else {
      throw object.unsupported("_class_name", "\"\(name)\"", supported: SchedulerClass.allCases.map(\.rawValue))
    }
    // Says who wrote the file; nothing depends on it.
    _ = object.value("_diffusers_version")

    switch scheduler {
    case .ddpm, .ddim, .multistep, .euler:
      parametrization = try object.choice(
        "prediction_type", ["epsilon": .noise, "sample": .sample, "v_prediction": .velocity], default: "epsilon")
    case .denoiser:
      let deviation = try object.positive("sigma_data") ?? 0.5
      let isNegated = try object.choice(
        "prediction_type", ["epsilon": false, "v_prediction": true], default: "epsilon")
      parametrization = .preconditioned(dataDeviation: deviation, isNegated: isNegated)
    case .flow:
      parametrization = .flow
    }
    switch scheduler {
    case .ddpm:
      schedule = try object.ddpmSchedule()
      bound = try object.bound(clipsByDefault: true)
    case .ddim:
      schedule = try object.ddimSchedule()
      var bound = try object.bound(clipsByDefault: true)
      bound?.keepsDirection = true
      self.bound = bound
    case .multistep:
      schedule = try object.multistepSchedule()
      bound = try object.bound(clipsByDefault: nil)
    case .euler:
      (schedule, bound) = (try object.eulerSchedule(), nil)
    case .denoiser:
      (schedule, bound) = (try object.denoiserSchedule(), nil)
    case .flow:
      (schedule, bound) = (try object.flowSchedule(), nil)
    }
    try object.refuseOtherKeys()
  }
}

private enum SchedulerClass: String, CaseIterable {
  case ddpm = "DDPMScheduler"
  case ddim = "DDIMScheduler"
  case multistep = "DPMSolverMultistepScheduler"
  case euler = "EulerDiscreteScheduler"
  case denoiser = "EDMEulerScheduler"
  case flow = "FlowMatchEulerDiscreteScheduler"
}

extension JSONObject {
  fileprivate mutating func ddpmSchedule() throws -> DiscreteSchedule {
    // Both are the posterior variance of the DDPM step.
    _ = try choice("variance_type", ["fixed_small": true, "fixed_small_log": true], default: "fixed_small")
    return DiscreteSchedule(
      alphaBar: try alphaBar(), spacing: try spacing(default: .leading), stepsOffset: try stepsOffset())
  }

  fileprivate mutating func ddimSchedule() throws -> DiscreteSchedule {
    let alphaBar = try alphaBar()
    var schedule = DiscreteSchedule(
      alphaBar: alphaBar, spacing: try spacing(default: .leading), stepsOffset: try stepsOffset(),
      finalAlphaBar: try bool("set_alpha_to_one") == false ? alphaBar[0] : 1)
    schedule.rule = .ddim
    return schedule
  }

  fileprivate mutating func multistepSchedule() throws -> DiscreteSchedule {
    _ = try choice("algorithm_type", ["dpmsolver++": true], default: "dpmsolver++")
    _ = try choice("solver_type", ["midpoint": true], default: "midpoint")
    if let order = try integer("solver_order", in: 1...3), order != 2 {
      throw unsupported("solver_order", "\(order)", supported: ["2"])
    }
    if let type = try string("variance_type") {
      throw ScoreModelError(
        .badData,
        "\(file): \"variance_type\" is \"\(type)\"; networks that predict variances are not supported; null is needed")
    }
    try refuse("use_lu_lambdas", "use_beta_sigmas", "use_flow_sigmas", "use_dynamic_shifting")
    // These act only together with the settings just refused.
    for idle in ["flow_shift", "time_shift_type"] { _ = value(idle) }

    let isSquaredCosine = try string("beta_schedule") == BetaSchedule.squaredCosine.rawValue
    let alphaBar = try alphaBar(terminal: terminalAlphaBar)
    var rule = DiscreteSchedule.MultistepRule()
    rule.leastLogRatio = try number("lambda_min_clipped", allowsInfinity: true) ?? -.infinity
    if try bool("lower_order_final") == false { rule.firstOrderEndBelow = 0 }
    if try bool("euler_at_final") == true { rule.firstOrderEndBelow = .max }
    var schedule = DiscreteSchedule(
      alphaBar: alphaBar, spacing: try spacing(default: .linspace), stepsOffset: try stepsOffset(),
      finalAlphaBar: try endsClean() ? 1 : alphaBar[0])
    schedule.levels = try levels()
    rule.roundsTimesteps = schedule.levels == .karras() && !isSquaredCosine
    schedule.rule = .multistep(rule)
    return schedule
  }

  fileprivate mutating func eulerSchedule() throws -> DiscreteSchedule {
    _ = try choice("interpolation_type", ["linear": true], default: "linear")
    _ = try choice("timestep_type", ["discrete": true], default: "discrete")
    try refuse("use_beta_sigmas")
    let alphaBar = try alphaBar(terminal: terminalAlphaBar)
    var schedule = DiscreteSchedule(
      alphaBar: alphaBar, spacing: try spacing(default: .linspace), stepsOffset: try stepsOffset(),
      finalAlphaBar: try endsClean() ? 1 : alphaBar[0])
    schedule.rule = .euler
    schedule.levels = try levels()
    schedule.leastLevel = try positive("sigma_min")
    schedule.greatestLevel = try positive("sigma_max")
    return schedule
  }

  fileprivate mutating func denoiserSchedule() throws -> DenoiserSchedule {
    // Sampling computes its own noise levels.
    _ = try integer("num_train_timesteps", in: 1...1_000_000)
    let rho = try positive("rho") ?? 7
    let schedule = DenoiserSchedule(
      least: try positive("sigma_min") ?? 0.002, greatest: try positive("sigma_max") ?? 80,
      levels: try choice("sigma_schedule", ["karras": .karras(rho: rho), "exponential": .exponential], default: "karras"),
      endsClean: try endsClean())
    guard schedule.least < schedule.greatest else {
      throw ScoreModelError(.badData, "\(file): \"sigma_min\" must be below \"sigma_max\"")
    }
    return schedule
  }

  fileprivate mutating func flowSchedule() throws -> FlowSchedule {
    try refuse(
      "use_dynamic_shifting", "invert_sigmas", "use_karras_sigmas", "use_exponential_sigmas", "use_beta_sigmas",
      "stochastic_sampling")
    // These act only together with the settings just refused.
    for idle in ["base_shift", "max_shift", "base_image_seq_len", "max_image_seq_len", "time_shift_type"] {
      _ = value(idle)
    }
    let terminal = try number("shift_terminal")
    if let terminal, !(terminal > 0 && terminal < 1) {
      throw ScoreModelError(.badData, "\(file): \"shift_terminal\" is \(terminal); a number between 0 and 1 is needed")
    }
    return FlowSchedule(
      count: try integer("num_train_timesteps", in: 2...1_000_000) ?? 1000, shift: try positive("shift") ?? 1,
      terminal: terminal)
  }

  /// - Parameter clips: what an absent "clip_sample" means; `nil` where the
  ///   scheduler has no such key.
  fileprivate mutating func bound(clipsByDefault clips: Bool?) throws -> EstimateBound? {
    let thresholds = try bool("thresholding") ?? false
    let quantile = try positive("dynamic_thresholding_ratio") ?? 0.995
    let greatest = try positive("sample_max_value") ?? 1
    guard quantile <= 1 else {
      throw ScoreModelError(
        .badData, "\(file): \"dynamic_thresholding_ratio\" is \(quantile); a number from 0 to 1 is needed")
    }
    var limit: Double?
    if let clips {
      let range = try positive("clip_sample_range") ?? 1
      if try bool("clip_sample") ?? clips { limit = range }
    }
    if thresholds { return EstimateBound(.dynamicThreshold(quantile: quantile, greatest: greatest)) }
    return limit.map { EstimateBound(.clip($0)) }
  }

  private mutating func spacing(default absent: DiscreteSchedule.Spacing) throws -> DiscreteSchedule.Spacing {
    try choice(
      "timestep_spacing", ["leading": .leading, "trailing": .trailing, "linspace": .linspace],
      default: absent.rawValue)
  }

  private mutating func stepsOffset() throws -> Int { try integer("steps_offset", in: 0...1_000_000) ?? 0 }

  private mutating func endsClean() throws -> Bool {
    try choice("final_sigmas_type", ["zero": true, "sigma_min": false], default: "zero")
  }

  private mutating func levels() throws -> NoiseLevels {
    let (karras, exponential) = (try bool("use_karras_sigmas") ?? false, try bool("use_exponential_sigmas") ?? false)
    guard !(karras && exponential) else {
      throw ScoreModelError(
        .badData, "\(file): \"use_karras_sigmas\" and \"use_exponential_sigmas\" exclude each other")
    }
    return karras ? .karras() : exponential ? .exponential : .trained
  }

  fileprivate mutating func positive(_ key: String) throws -> Double? {
    guard let value = value(key) else { return nil }
    guard case .number(let number) = value, number > 0, number.isFinite else {
      throw wrong(key, value, needed: "a number above 0")
    }
    return number
  }

  mutating func choice<Choice>(_ key: String, _ choices: [String: Choice], default absent: String) throws -> Choice {
    let name = try string(key) ?? absent
    guard let choice = choices[name] else {
      throw unsupported(key, "\"\(name)\"", supported: choices.keys.sorted())
    }
    return choice
  }

  /// Refuses switches that are on.
  private mutating func refuse(_ keys: String...) throws {
    for key in keys where try bool(key) == true {
      throw ScoreModelError(.badData, "\(file): \"\(key)\" is true, which is not supported; false is needed")
    }
  }

  fileprivate func unsupported(_ key: String, _ found: String, supported: [String]) -> ScoreModelError {
    ScoreModelError(
      .badData, "\(file): \"\(key)\" is \(found), which is not supported; supported: \(supported.joined(separator: ", "))")
  }
}
