import Diffusion

/// Schedulers that came from DPM-Solver: they choose among one timestep more
/// than they have steps, and leave the lowest out.
extension JSONObject {
  mutating func multistep() throws -> SchedulerSettings {
    let method = try multistepMethod(algorithms: ["dpmsolver", "dpmsolver++", "sde-dpmsolver", "sde-dpmsolver++"])
    var settings = try multistepSchedule(
      terminal: terminalAlphaBar, lambda: true, spacings: DiscreteSchedule.Spacing.allCases, own: method,
      usesLu: true, nearest: .unlessSquaredCosine)
    try settings.lowerEnd(endOrders())
    return settings
  }

  /// Its own direction is from the data to the noise; sampling runs through
  /// its timesteps the other way, down to the least noise level of training.
  mutating func multistepInverse() throws -> SchedulerSettings {
    for key in ["algorithm_type", "solver_type", "solver_order", "lower_order_final", "euler_at_final"] { _ = value(key) }
    return try multistepSchedule(
      lambda: true, spacings: DiscreteSchedule.Spacing.allCases,
      own: .elsewhere("inversion, from the data to the noise"), end: .lastLevelOrLeast, shiftsDynamically: false,
      nearest: .always)
  }

  mutating func singlestep() throws -> SchedulerSettings {
    let method: OwnMethod =
      switch try multistepMethod(algorithms: ["dpmsolver", "dpmsolver++", "sde-dpmsolver++"]) {
      case .here(.multistep): .here(.singlestep)
      case .here(.ddim): .here(.ddim)
      case .here(.ddpm): .here(.ddpm)
      default: .elsewhere("single-step DPM-Solver of another kind than dpmsolver++ of order 2 (midpoint)")
      }
    var settings = try multistepSchedule(lambda: true, spacings: nil, own: method, nearest: .always)
    if try flag("lower_order_final", default: false) { settings.lowerEnd(EndOrders(firstBelow: .max)) }
    return settings
  }

  /// - Parameters:
  ///   - clips: the class has "lambda_min_clipped".
  ///   - shiftsDynamically: the class has "use_dynamic_shifting".
  mutating func lastLevelMultistep(
    own method: OwnMethod, clips: Bool, shiftsDynamically: Bool
  ) throws -> SchedulerSettings {
    try multistepSchedule(
      lambda: clips, spacings: DiscreteSchedule.Spacing.allCases, own: method, end: .lastLevelOrLeast,
      shiftsDynamically: shiftsDynamically, nearest: .always, hasVarianceType: clips)
  }

  mutating func unipc() throws -> SchedulerSettings {
    guard try number("shift_terminal") == nil || flag("use_flow_sigmas", default: false) else {
      throw ScoreModelError(.badData, "\(file): \"shift_terminal\" needs \"use_flow_sigmas\": true")
    }
    var settings = try multistepSchedule(
      terminal: terminalAlphaBar, lambda: false, spacings: DiscreteSchedule.Spacing.allCases, own: try unipcMethod(),
      end: .statedOfLevels, nearest: .always, flow: .withoutLast, hasVarianceType: false)
    if let terminal = try fraction("shift_terminal") {
      settings.change { _ in
      } flow: {
        $0.terminal = terminal
      }
    }
    if try flag("lower_order_final", default: true) { settings.lowerEnd(EndOrders(firstBelow: .max, secondBelow: .max)) }
    return settings
  }

  private mutating func unipcMethod() throws -> OwnMethod {
    let isFirst = try choice(
      "solver_type", ["bh1": true, "bh2": false, "midpoint": false, "heun": false, "logrho": false], default: "bh2")
    let order = try integer("solver_order", in: 1...3) ?? 2
    guard try flag("predict_x0", default: true) else { return .elsewhere("UniPC of the noise, predict_x0 false") }
    if let steps = try numbers("disable_corrector"), !steps.isEmpty { return .elsewhere("UniPC with disable_corrector") }
    if let other = value("solver_p"), other != .null { return .elsewhere("UniPC with a predictor of its own, solver_p") }
    switch order {
    case 2: return .here(isFirst ? .unipcBH1 : .unipc)
    case 3: return .here(isFirst ? .unipc3BH1 : .unipc3)
    default: return .elsewhere("UniPC of order \(order)")
    }
  }

  mutating func deis() throws -> SchedulerSettings {
    _ = try choice(
      "algorithm_type", ["deis": true, "dpmsolver": true, "dpmsolver++": true], default: "deis")
    _ = try choice(
      "solver_type", ["logrho": true, "midpoint": true, "heun": true, "bh1": true, "bh2": true], default: "logrho")
    let methods: [SamplingMethod] = [.ddim, .deis, .deis3]
    let order = try integer("solver_order", in: 1...3) ?? 2
    var settings = try lastLevelMultistep(own: .here(methods[order - 1]), clips: false, shiftsDynamically: true)
    try settings.lowerEnd(endOrders(eulerAtFinal: false))
    return settings
  }

  /// What ends a grid of levels that are not those of timesteps.
  private enum LevelsEnd {
    /// As "final_sigmas_type" says: clean data, or the least level of training.
    case stated
    /// As it says: clean data, or the last of these levels.
    case statedOfLevels
    /// The last of these levels, and the least of training for others.
    case lastLevelOrLeast
  }

  /// Karras levels whose timesteps are the nearest ones.
  private enum Nearest { case always, unlessSquaredCosine }

  private mutating func multistepSchedule(
    terminal: Double? = nil, lambda: Bool, spacings: [DiscreteSchedule.Spacing]?, own method: OwnMethod,
    end: LevelsEnd = .stated, shiftsDynamically: Bool = true, usesLu: Bool = false, nearest: Nearest,
    flow: FlowSchedule.Spacing = .belowOne, hasVarianceType: Bool = true
  ) throws -> SchedulerSettings {
    let bound = try bound(clipsByDefault: nil)
    // These methods take the first half of the channels, whatever the other says.
    if hasVarianceType { _ = try string("variance_type") }
    let isSquaredCosine = try string("beta_schedule") == BetaSchedule.squaredCosine.rawValue
    let alphaBar = try terminal.map { try self.alphaBar(terminal: $0) } ?? self.alphaBar(mayRescale: false)
    var schedule = DiscreteSchedule(
      alphaBar: alphaBar, spacing: try spacings.map { try spacing(default: .linspace, among: $0) } ?? .linspace,
      stepsOffset: spacings == nil ? 0 : try stepsOffset())
    let least = lambda ? try number("lambda_min_clipped", allowsInfinity: true) ?? -.infinity : -.infinity
    schedule.choice = .withoutLowest(leastLogRatio: least)
    let isLu = usesLu ? try flag("use_lu_lambdas", default: false) : false
    schedule.levels = try levels()
    // Levels linear in their logarithm (Lu et al., 2022); Karras ones go before them.
    let takesLu = isLu && schedule.levels != .karras()
    if takesLu {
      schedule.levels = .exponential
      (schedule.leastLevel, schedule.greatestLevel) = schedule.loggedEnds
    }
    schedule.levelsSpanTraining = true
    try readEnds(of: &schedule, unless: takesLu)
    let rounds = schedule.levels == .karras() || takesLu
    schedule.levelTimestep = rounds && !(nearest == .unlessSquaredCosine && isSquaredCosine) ? .nearest : .below
    let endsAtLeast = end == .lastLevelOrLeast ? true : try self.endsAtLeast()
    if endsAtLeast {
      let isOfLevels = end != .stated && schedule.levels != .trained
      schedule.end = isOfLevels ? .lastNode : .alphaBar(alphaBar[0])
    }
    let parametrization = try prediction(alsoFlow: true)
    if let flow = try flowSchedule(
      flow, beside: schedule, predicts: parametrization, end: end, endsAtLeast: endsAtLeast,
      shiftsDynamically: shiftsDynamically)
    {
      return SchedulerSettings(schedule: flow, parametrization: parametrization, bound: bound, method: method)
    }
    return SchedulerSettings(schedule: schedule, parametrization: parametrization, bound: bound, method: method)
  }

  /// Flow times in place of training timesteps, where "use_flow_sigmas" asks
  /// for them.
  private mutating func flowSchedule(
    _ spacing: FlowSchedule.Spacing, beside discrete: DiscreteSchedule, predicts parametrization: Parametrization,
    end: LevelsEnd, endsAtLeast: Bool, shiftsDynamically: Bool
  ) throws -> FlowSchedule? {
    let factor = try positive("flow_shift") ?? 1
    var shift = FlowShift.fixed(factor)
    if shiftsDynamically {
      let isDynamic = try flag("use_dynamic_shifting", default: false)
      _ = try choice("time_shift_type", ["exponential": true], default: "exponential")
      if isDynamic { shift = .dynamic(DynamicFlowShift(otherwise: spacing == .withoutLast ? nil : factor)) }
    }
    let usesFlow = try flag("use_flow_sigmas", default: false)
    let predictsFlow = parametrization == .flow(isNegated: false)
    guard usesFlow == predictsFlow else {
      throw ScoreModelError(
        .badData,
        "\(file): \"use_flow_sigmas\": true and \"prediction_type\": \"flow_prediction\" are supported together only")
    }
    guard usesFlow else { return nil }
    var flow = FlowSchedule(count: discrete.alphaBar.count)
    (flow.shift, flow.spacing, flow.tellsWholeTimesteps) = (shift, spacing, true)
    switch discrete.levels {
    case .trained: break
    case .karras where spacing == .withoutLast:
      let (least, greatest) = discrete.trainedTimes
      flow.spacing = .ofLevels(
        discrete.levels, least: discrete.leastLevel ?? least.edmSigma,
        greatest: discrete.greatestLevel ?? greatest.edmSigma)
    default:
      throw ScoreModelError(
        .badData, "\(file): \"use_flow_sigmas\" excludes other noise levels; leave \"use_..._sigmas\" away or false")
    }
    if endsAtLeast {
      flow.end = end == .stated ? .flowTime(discrete.trainedTimes.least.edmSigma) : .lastNode
    }
    return flow
  }
}

extension SchedulerSettings {
  /// Lets the last steps be of a lower order.
  mutating func lowerEnd(_ orders: EndOrders) {
    if var schedule = schedule as? DenoiserSchedule {
      schedule.endOrders = orders
      self.schedule = schedule
    }
    change {
      $0.endOrders = orders
    } flow: {
      $0.endOrders = orders
    }
  }

  /// Changes the schedule, whichever of the two kinds it is.
  mutating func change(
    _ discrete: (inout DiscreteSchedule) -> Void, flow: (inout FlowSchedule) -> Void
  ) {
    if var schedule = schedule as? DiscreteSchedule {
      discrete(&schedule)
      self.schedule = schedule
    } else if var schedule = schedule as? FlowSchedule {
      flow(&schedule)
      self.schedule = schedule
    }
  }
}
