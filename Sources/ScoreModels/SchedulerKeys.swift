import Diffusion

/// Settings that many schedulers share.
extension JSONObject {
  /// - Parameter alsoFlow: the class knows "flow_prediction".
  mutating func prediction(alsoFlow: Bool = false) throws -> Parametrization {
    var choices: [String: Parametrization] = [
      "epsilon": .noise, "sample": .sample, "original_sample": .sample, "v_prediction": .velocity,
    ]
    if alsoFlow { choices["flow_prediction"] = .flow(isNegated: false) }
    return try choice("prediction_type", choices, default: "epsilon")
  }

  mutating func spacing(
    default absent: DiscreteSchedule.Spacing, among spacings: [DiscreteSchedule.Spacing] = DiscreteSchedule.Spacing.allCases
  ) throws -> DiscreteSchedule.Spacing {
    try choice(
      "timestep_spacing", Dictionary(uniqueKeysWithValues: spacings.map { ($0.rawValue, $0) }),
      default: absent.rawValue)
  }

  mutating func stepsOffset() throws -> Int { try integer("steps_offset", in: 0...1_000_000) ?? 0 }

  /// The last step leads to the least noise level, not to clean data.
  mutating func endsAtLeast() throws -> Bool {
    try choice("final_sigmas_type", ["zero": false, "sigma_min": true], default: "zero")
  }

  mutating func levels() throws -> NoiseLevels {
    let choices: [(key: String, levels: NoiseLevels)] = [
      ("use_karras_sigmas", .karras()), ("use_exponential_sigmas", .exponential), ("use_beta_sigmas", .beta),
    ]
    var chosen: [(key: String, levels: NoiseLevels)] = []
    for choice in choices where try flag(choice.key, default: false) { chosen.append(choice) }
    guard chosen.count <= 1 else {
      throw ScoreModelError(
        .badData, "\(file): \(chosen.map { "\"\($0.key)\"" }.joined(separator: " and ")) exclude each other")
    }
    return chosen.first?.levels ?? .trained
  }

  /// The ends of levels that are not those of timesteps.
  mutating func readEnds(of schedule: inout DiscreteSchedule, unless areFixed: Bool = false) throws {
    guard schedule.levels != .trained, !areFixed else {
      // Read by the class, and without effect.
      for key in ["sigma_min", "sigma_max"] { _ = value(key) }
      return
    }
    schedule.leastLevel = try positive("sigma_min")
    schedule.greatestLevel = try positive("sigma_max")
    if let least = schedule.leastLevel, let greatest = schedule.greatestLevel, least >= greatest {
      throw ScoreModelError(.badData, "\(file): \"sigma_min\" must be below \"sigma_max\"")
    }
  }

  /// The method of classes that came from DPM-Solver++.
  mutating func multistepMethod(algorithms: Set<String>) throws -> OwnMethod {
    func name(_ key: String, _ names: Set<String>, default absent: String, equals synonyms: Set<String>) throws -> String {
      var object = self
      let name = try object.string(key) ?? absent
      self = object
      // What other classes call theirs, and diffusers takes for the default.
      if synonyms.contains(name) { return absent }
      guard names.contains(name) else { throw unsupported(key, "\"\(name)\"", supported: names.sorted()) }
      return name
    }
    let algorithm = try name("algorithm_type", algorithms, default: "dpmsolver++", equals: ["deis"])
    let solver = try name("solver_type", ["midpoint", "heun"], default: "midpoint", equals: ["logrho", "bh1", "bh2"])
    let order = try integer("solver_order", in: 1...3) ?? 2
    switch (algorithm, solver, order) {
    // The first order of either form is DDIM, and with noise DDPM.
    case ("dpmsolver", _, 1), ("dpmsolver++", _, 1): return .here(.ddim)
    case ("sde-dpmsolver++", _, 1): return .here(.ddpm)
    case ("dpmsolver++", _, 3): return .here(.multistep3)
    case ("dpmsolver++", "heun", _): return .here(.multistepHeun)
    case ("dpmsolver++", _, _): return .here(.multistep)
    case ("dpmsolver", _, 3): return .here(.noiseMultistep3)
    case ("dpmsolver", "heun", _): return .here(.noiseMultistepHeun)
    case ("dpmsolver", _, _): return .here(.noiseMultistep)
    case ("sde-dpmsolver++", "heun", 2): return .here(.multistepSDEHeun)
    case ("sde-dpmsolver++", _, 2): return .here(.multistepSDE)
    default: return .elsewhere("\(algorithm) of order \(order) (\(solver))")
    }
  }

  /// Where the last steps of a run are of a lower order.
  ///
  /// - Parameter eulerAtFinal: the class has "euler_at_final".
  mutating func endOrders(eulerAtFinal: Bool = true) throws -> EndOrders {
    let isLower = try flag("lower_order_final", default: true)
    let isEuler = eulerAtFinal ? try flag("euler_at_final", default: false) : false
    return EndOrders(firstBelow: isEuler ? .max : isLower ? 15 : 0, secondBelow: isLower ? 15 : 0)
  }

  /// - Parameter clips: what an absent "clip_sample" means; `nil` where the
  ///   scheduler has no such key.
  mutating func bound(clipsByDefault clips: Bool?) throws -> EstimateBound? {
    let thresholds = try flag("thresholding", default: false)
    let quantile = try positive("dynamic_thresholding_ratio") ?? 0.995
    let greatest = try positive("sample_max_value") ?? 1
    guard quantile <= 1 else {
      throw ScoreModelError(
        .badData, "\(file): \"dynamic_thresholding_ratio\" is \(quantile); a number from 0 to 1 is needed")
    }
    var clip: EstimateBound?
    if let clips { clip = try self.clip(byDefault: clips) }
    return thresholds ? EstimateBound(.dynamicThreshold(quantile: quantile, greatest: greatest)) : clip
  }

  mutating func clip(byDefault clips: Bool) throws -> EstimateBound? {
    let range = try positive("clip_sample_range") ?? 1
    return try flag("clip_sample", default: clips) ? EstimateBound(.clip(range)) : nil
  }

  mutating func positive(_ key: String) throws -> Double? {
    guard let value = value(key) else { return nil }
    guard case .number(let number) = value, number > 0, number.isFinite else {
      throw wrong(key, value, needed: "a number above 0")
    }
    return number
  }

  /// A number between 0 and 1; `nil` where it is absent, null or 0.
  mutating func fraction(_ key: String) throws -> Double? {
    guard let number = try number(key), number != 0 else { return nil }
    guard number > 0, number < 1 else {
      throw ScoreModelError(.badData, "\(file): \"\(key)\" is \(number); a number between 0 and 1 is needed")
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

  func unsupported(_ key: String, _ found: String, supported: [String]) -> ScoreModelError {
    ScoreModelError(
      .badData, "\(file): \"\(key)\" is \(found), which is not supported; supported: \(supported.joined(separator: ", "))")
  }
}
