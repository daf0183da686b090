package import Diffusion
import Foundation

/// A `scheduler_config.json` as diffusers writes it, reduced to the model's
/// schedule and prediction. Absent keys have diffusers' own defaults; what is
/// not supported is refused by name.
package struct SchedulerConfiguration {
  package let schedule: DiscreteSchedule
  package let parametrization: Parametrization

  init(contentsOf file: String) throws {
    try self.init(JSONObject(contentsOf: file))
  }

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

    parametrization = try object.choice(
      "prediction_type", ["epsilon": .noise, "sample": .sample, "v_prediction": .velocity], default: "epsilon")
    let spacing = try object.choice(
      "timestep_spacing", ["leading": DiscreteSchedule.Spacing.leading, "trailing": .trailing, "linspace": .linspace],
      default: "leading")
    let alphaBar = try Self.alphaBar(&object)
    let offset = try object.integer("steps_offset", in: 0...alphaBar.count) ?? 0

    var finalAlphaBar = 1.0
    switch scheduler {
    case .ddpm:
      // Both are the posterior variance of the DDPM step.
      _ = try object.choice(
        "variance_type", ["fixed_small": true, "fixed_small_log": true], default: "fixed_small")
    case .ddim:
      if try object.bool("set_alpha_to_one") == false { finalAlphaBar = alphaBar[0] }
    }
    try object.refuse("clip_sample", absentMeans: true, because: "clipped samples are not supported")
    try object.refuse("thresholding", absentMeans: false, because: "dynamic thresholding is not supported")
    try object.refuse("rescale_betas_zero_snr", absentMeans: false, because: "rescaled betas are not supported")
    // These act only together with the settings just refused.
    for idle in ["clip_sample_range", "dynamic_thresholding_ratio", "sample_max_value"] {
      _ = try object.number(idle)
    }
    try object.refuseOtherKeys()

    schedule = DiscreteSchedule(
      alphaBar: alphaBar, spacing: spacing, stepsOffset: offset, finalAlphaBar: finalAlphaBar)
  }

  private static func alphaBar(_ object: inout JSONObject) throws -> [Double] {
    let count = try object.integer("num_train_timesteps", in: 2...1_000_000) ?? 1000
    let start = try object.number("beta_start") ?? 0.0001
    let end = try object.number("beta_end") ?? 0.02
    let trained = try object.numbers("trained_betas")
    let kind = try object.choice(
      "beta_schedule",
      Dictionary(uniqueKeysWithValues: BetaSchedule.allCases.map { ($0.rawValue, $0) }), default: "linear")
    let betas = trained ?? kind.betas(count: count, from: start, to: end)
    guard betas.count == count else {
      throw ScoreModelError(
        .badData, "\(object.file): \"trained_betas\" has \(betas.count) numbers for \(count) \"num_train_timesteps\"")
    }
    guard betas.allSatisfy({ $0 > 0 && $0 < 1 }) else {
      throw ScoreModelError(.badData, "\(object.file): its betas leave the open interval from 0 to 1")
    }
    let alphaBar = DiscreteSchedule(betas: betas).alphaBar
    guard alphaBar[0] < 1, alphaBar[count - 1] >= Double.leastNormalMagnitude else {
      throw ScoreModelError(
        .badData, "\(object.file): the products of 1 - beta reach 1 or 0; smaller or larger betas are needed")
    }
    return alphaBar
  }
}

private enum SchedulerClass: String, CaseIterable {
  case ddpm = "DDPMScheduler"
  case ddim = "DDIMScheduler"
}

private enum BetaSchedule: String, CaseIterable {
  case linear
  /// Square roots of the betas evenly spaced (Rombach et al., CVPR 2022).
  case scaledLinear = "scaled_linear"
  /// Cumulative product by a squared cosine (Nichol and Dhariwal, ICML 2021).
  case squaredCosine = "squaredcos_cap_v2"

  func betas(count: Int, from start: Double, to end: Double) -> [Double] {
    switch self {
    case .linear:
      return DiscreteSchedule.linearBetas(count: count, from: start, to: end)
    case .scaledLinear:
      return DiscreteSchedule.linearBetas(count: count, from: start.squareRoot(), to: end.squareRoot()).map { $0 * $0 }
    case .squaredCosine:
      func product(_ fraction: Double) -> Double {
        let cosine = cos((fraction + 0.008) / 1.008 * .pi / 2)
        return cosine * cosine
      }
      return (0..<count).map { i in
        min(1 - product(Double(i + 1) / Double(count)) / product(Double(i) / Double(count)), 0.999)
      }
    }
  }
}

extension JSONObject {
  fileprivate mutating func choice<Choice>(
    _ key: String, _ choices: [String: Choice], default absent: String
  ) throws -> Choice {
    let name = try string(key) ?? absent
    guard let choice = choices[name] else {
      throw unsupported(key, "\"\(name)\"", supported: choices.keys.sorted())
    }
    return choice
  }

  /// Refuses a switch that is on, be it by the file or by diffusers' default.
  fileprivate mutating func refuse(_ key: String, absentMeans absent: Bool, because reason: String) throws {
    let set = try bool(key)
    guard set ?? absent else { return }
    let found = set == nil ? "is absent, which means true" : "is true"
    throw ScoreModelError(.badData, "\(file): \"\(key)\" \(found); \(reason); false is needed")
  }

  fileprivate func unsupported(_ key: String, _ found: String, supported: [String]) -> ScoreModelError {
    ScoreModelError(
      .badData, "\(file): \"\(key)\" is \(found), which is not supported; supported: \(supported.joined(separator: ", "))")
  }
}
