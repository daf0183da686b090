import Diffusion
import Foundation

/// The scale of the state that a network is handed.
private enum StatedProcess: String, CaseIterable {
  case variancePreserving = "variance-preserving"
  case varianceExploding = "variance-exploding"
  case flow

  var scaling: Parametrization.Scaling {
    switch self {
    case .variancePreserving: .variancePreserving
    case .varianceExploding: .varianceExploding
    case .flow: .flow
    }
  }
}

private enum StatedTime: String, CaseIterable {
  case timestep, t, sigma
  case logSigma = "log-sigma"
  case quarterLogSigma = "log-sigma/4"
  case flowTime = "flow-time"
}

extension NetworkConvention {
  /// A convention as a `piadm.json`, or a plug-in, states it.
  ///
  /// - Parameter isEvaluatedByTime: the network has a time input; plug-ins are handed
  ///   `alpha` and `sigma` instead.
  init(stated object: inout JSONObject, isEvaluatedByTime: Bool = true) throws {
    let process: StatedProcess = try object.named("process", needed: "the process that the network was trained on")
    let (parametrization, channels) = try object.parametrization(process)
    var bound: EstimateBound?
    if let limit = try object.positiveNumber("clip") { bound = EstimateBound(.clip(limit)) }
    let time: StatedTime
    if isEvaluatedByTime {
      time = try object.named("time", needed: "what the network's time input is told")
    } else {
      guard object.value("time") == nil else {
        throw ScoreModelError(.badData, "\(object.file): \"time\" is stated, but a plug-in is handed alpha and sigma; omit it")
      }
      time =
        switch process {
        case .variancePreserving: .t
        case .varianceExploding: .sigma
        case .flow: .flowTime
        }
    }
    let schedule: any NoiseSchedule =
      time == .timestep ? try object.discreteSchedule(process) : try object.continuousSchedule(process, time)
    self.init(parametrization, schedule: schedule, bound: bound, channels: channels)
    // From pure noise, or near to it, the exponential integrator of PIADM cannot start.
    if schedule.trainedTimes.greatest.s > 20 { ownMethod = .here(.ddim) }
  }
}

extension JSONObject {
  /// One of an enumeration's names, which must be there.
  fileprivate mutating func named<Choice: RawRepresentable & CaseIterable>(
    _ key: String, needed: String
  ) throws -> Choice where Choice.RawValue == String {
    let all = Choice.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: ", ")
    guard let value = value(key) else { throw missing(key, needed: "\(needed): one of \(all)") }
    guard case .string(let name) = value, let choice = Choice(rawValue: name) else {
      throw wrong(key, value, needed: "one of \(all)")
    }
    return choice
  }

  fileprivate mutating func positiveNumber(_ key: String) throws -> Double? {
    guard let value = value(key) else { return nil }
    guard case .number(let number) = value, number > 0, number.isFinite else {
      throw wrong(key, value, needed: "a number above 0")
    }
    return number
  }

  private enum StatedPrediction: String, CaseIterable {
    case noise, score, sample, denoiser, velocity
    case noiseMinusData = "noise-minus-data"
    case dataMinusNoise = "data-minus-noise"
    case preconditioned
  }

  fileprivate mutating func parametrization(
    _ process: StatedProcess
  ) throws -> (Parametrization, ChannelPreconditioning?) {
    let predicts: StatedPrediction = try named("predicts", needed: "what the network predicts")
    let isNegated = try bool("negated") ?? false
    let scaling = process.scaling
    if predicts != .preconditioned, value("sigma_data") != nil {
      throw ScoreModelError(
        .badData,
        "\(file): \"sigma_data\" is stated, and used only where \"predicts\" is \"preconditioned\"; omit it, or state that")
    }
    switch predicts {
    case .noise: return (Parametrization(.noise, from: scaling, isNegated: isNegated), nil)
    case .score: return (Parametrization(.score, from: scaling, isNegated: isNegated), nil)
    case .sample, .denoiser: return (Parametrization(.sample, from: scaling, isNegated: isNegated), nil)
    case .velocity: return (Parametrization(.velocity, from: scaling, isNegated: isNegated), nil)
    case .noiseMinusData: return (Parametrization(.flow, from: scaling, isNegated: isNegated), nil)
    case .dataMinusNoise: return (Parametrization(.flow, from: scaling, isNegated: !isNegated), nil)
    case .preconditioned:
      guard process == .varianceExploding else {
        throw ScoreModelError(
          .badData,
          "\(file): \"predicts\" is \"preconditioned\", which needs \"process\": \"variance-exploding\", not \"\(process.rawValue)\"")
      }
      guard let deviations = try dataDeviations() else {
        throw missing("sigma_data", needed: "the standard deviation of the data, a number or an array of one a channel,")
      }
      if deviations.count == 1 { return (.preconditioned(dataDeviation: deviations[0], isNegated: isNegated), nil) }
      return (.denoiser, ChannelPreconditioning(deviations: deviations, isNegated: isNegated))
    }
  }

  private mutating func dataDeviations() throws -> [Double]? {
    guard let value = value("sigma_data") else { return nil }
    let elements: [JSONValue] = if case .array(let elements) = value { elements } else { [value] }
    guard !elements.isEmpty else { throw wrong("sigma_data", value, needed: "a number, or one a channel,") }
    return try elements.map { element in
      guard case .number(let number) = element, number > 0, number.isFinite else {
        throw wrong("sigma_data", element, needed: "a number above 0, or an array of them")
      }
      return number
    }
  }

  fileprivate mutating func discreteSchedule(_ process: StatedProcess) throws -> any NoiseSchedule {
    guard process == .variancePreserving else {
      throw ScoreModelError(
        .badData,
        "\(file): \"time\" is \"timestep\", which needs \"process\": \"variance-preserving\", not \"\(process.rawValue)\"; "
          + "times that are multiples of a flow time are stated by \"flow-time\" with \"time_scale\"")
    }
    let alphaBar = try alphaBar()
    let spacing = try choice(
      "timestep_spacing", ["leading": DiscreteSchedule.Spacing.leading, "trailing": .trailing, "linspace": .linspace],
      default: "leading")
    return DiscreteSchedule(
      alphaBar: alphaBar, spacing: spacing, stepsOffset: try integer("steps_offset", in: 0...1_000_000) ?? 0)
  }

  fileprivate mutating func continuousSchedule(_ process: StatedProcess, _ time: StatedTime) throws -> any NoiseSchedule {
    let scale = try number("time_scale") ?? 1
    guard scale != 0 else { throw wrong("time_scale", .number(0), needed: "a number other than 0") }
    let vp = try variancePreservingTime(process)
    let isZeroAtData = try isZeroAtData(time)
    let input: TimeInput
    switch time {
    case .timestep, .t:
      guard let vp else {
        throw ScoreModelError(
          .badData, "\(file): \"time\" is \"t\", which needs \"process\": \"variance-preserving\"; flows have \"flow-time\"")
      }
      input = .processTime(vp, scale: scale)
    case .sigma: input = .sigma
    case .logSigma: input = .logSigma(divisor: 1)
    case .quarterLogSigma: input = .logSigma(divisor: 4)
    case .flowTime: input = .flowTime(isZeroAtData: isZeroAtData, scale: scale)
    }
    if scale != 1, time != .t, time != .flowTime {
      throw wrong("time_scale", .number(scale), needed: "\"time\": \"t\" or \"flow-time\" beside it, which alone are scaled, or no such key,")
    }
    let (least, greatest) = try range(process, vp)
    let spacing = try spacing(process, vp)
    switch spacing {
    case .karras, .exponential:
      if !greatest.edmSigma.isFinite {
        throw ScoreModelError(
          .badData,
          "\(file): \"grid\" spaces noise levels sigma, and \"range\" goes up to pure noise, where sigma is infinite; state a "
            + "range that ends below 1, or \"grid\": \"uniform\"")
      }
    case .processTime, .flowTime: break
    }
    return ContinuousSchedule(
      input: input, least: least, greatest: greatest, spacing: spacing,
      endsClean: try bool("ends_clean") ?? true)
  }

  private mutating func isZeroAtData(_ time: StatedTime) throws -> Bool {
    guard let value = value("time_at_data") else { return true }
    guard time == .flowTime, value == .number(0) || value == .number(1) else {
      throw wrong("time_at_data", value, needed: "0 or 1, beside \"time\": \"flow-time\",")
    }
    return value == .number(0)
  }

  private mutating func variancePreservingTime(_ process: StatedProcess) throws -> VariancePreservingTime? {
    let least = try positiveNumber("beta_min")
    let greatest = try positiveNumber("beta_max")
    let isCosine = try choice("alpha_schedule", ["linear-beta": false, "cosine": true], default: "linear-beta")
    guard process == .variancePreserving else {
      for key in ["beta_min", "beta_max", "alpha_schedule"] where value(key) != nil {
        throw ScoreModelError(
          .badData, "\(file): \"\(key)\" belongs to \"process\": \"variance-preserving\", not \"\(process.rawValue)\"; omit it")
      }
      return nil
    }
    if isCosine { return .cosine }
    // Those of Song et al. (ICLR 2021).
    let (low, high) = (least ?? 0.1, greatest ?? 20)
    guard low < high else { throw wrong("beta_min", .number(low), needed: "a number below \"beta_max\" (\(high))") }
    return .linear(least: low, greatest: high)
  }

  /// The range of training in the process's own variable: `t`, `sigma` or flow time.
  private mutating func range(
    _ process: StatedProcess, _ vp: VariancePreservingTime?
  ) throws -> (NoiseTime, NoiseTime) {
    let ends = try numbers("range")
    let what =
      switch process {
      case .variancePreserving: "two times t, 0 < least < greatest <= 1,"
      case .varianceExploding: "two noise levels sigma, 0 < least < greatest,"
      case .flow: "two flow times (0 at the data, 1 at the noise), 0 < least < greatest <= 1,"
      }
    let standard: [Double] =
      switch process {
      case .variancePreserving: [1e-3, 1]
      case .varianceExploding: [0.002, 80]
      case .flow: [1e-3, 1]
      }
    let range = ends ?? standard
    guard range.count == 2, range[0] > 0, range[0] < range[1], process == .varianceExploding || range[1] <= 1 else {
      throw wrong("range", .array(range.map { .number($0) }), needed: what)
    }
    func time(_ value: Double) -> NoiseTime {
      switch process {
      case .variancePreserving: (vp ?? .cosine).noiseTime(at: value)
      case .varianceExploding: NoiseTime(edmSigma: value)
      case .flow: NoiseTime(flowTime: value)
      }
    }
    return (time(range[0]), time(range[1]))
  }

  private mutating func spacing(
    _ process: StatedProcess, _ vp: VariancePreservingTime?
  ) throws -> ContinuousSchedule.Spacing {
    let own: ContinuousSchedule.Spacing =
      switch process {
      case .variancePreserving: .processTime(vp ?? .cosine)
      case .varianceExploding: .karras(rho: 1)
      case .flow: .flowTime
      }
    let rho = try positiveNumber("rho")
    let name = try choice(
      "grid", ["uniform": "uniform", "karras": "karras", "exponential": "exponential"],
      default: process == .varianceExploding ? "karras" : "uniform")
    if let rho, name != "karras" { throw wrong("rho", .number(rho), needed: "\"grid\": \"karras\" beside it, or no such key,") }
    return switch name {
    case "karras": .karras(rho: rho ?? 7)
    case "exponential": .exponential
    default: own
    }
  }
}
