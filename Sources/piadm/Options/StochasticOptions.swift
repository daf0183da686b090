import ArgumentParser
import Diffusion

/// Noise beside that of the method: EDM's churn, and Langevin steps.
struct StochasticOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Another word for --noise-level, as ddim and euler-ancestral have it.", valueName: "v"))
  var eta: Double?

  @Option(
    help: ArgumentHelp(
      "S_churn of Karras et al. (2022): noise before every step of euler, heun and dpm2. (default: 0)", valueName: "s"))
  var churn: Double?

  @Option(help: ArgumentHelp("S_min: no churn at lower noise levels. (default: 0)", valueName: "sigma"))
  var churnMin: Double?

  @Option(help: ArgumentHelp("S_max: no churn at higher noise levels. (default: none)", valueName: "sigma"))
  var churnMax: Double?

  @Option(help: ArgumentHelp("S_noise: deviation of the churn's noise. (default: 1)", valueName: "s"))
  var churnNoise: Double?

  @Option(
    help: ArgumentHelp(
      "Langevin steps before every step, of 2 (snr sigma)^2 (predictor-corrector sampling; not for multistep methods). (default: 0)",
      valueName: "n"))
  var langevinSteps: Int?

  @Option(help: ArgumentHelp("Signal-to-noise ratio of a Langevin step. (default: 0.16)", valueName: "r"))
  var snr: Double?

  /// The churn; `nil` for none.
  var chosenChurn: Churn? {
    guard let churn, churn > 0 else { return nil }
    return Churn(amount: churn, least: churnMin ?? 0, greatest: churnMax ?? .infinity, noise: churnNoise ?? 1)
  }

  /// The Langevin steps; `nil` for none.
  var chosenLangevin: LangevinSteps? {
    guard let langevinSteps, langevinSteps > 0 else { return nil }
    return LangevinSteps(count: langevinSteps, ratio: snr ?? 0.16)
  }

  func validate(noiseLevel: Double?) throws {
    if let eta {
      try require(noiseLevel == nil, "--eta is another word for --noise-level: omit one of them")
      try require(eta >= 0 && eta <= 1, "--eta must be from 0 to 1, not \(eta)")
    }
    for (name, value) in [("churn", churn), ("churn-min", churnMin), ("churn-max", churnMax), ("churn-noise", churnNoise)] {
      guard let value else { continue }
      try require(value >= 0 && value.isFinite, "--\(name) must be 0 or more, not \(value)")
      try require(churn != nil, "--\(name) belongs to --churn, which is not stated")
    }
    if let churnMin, let churnMax {
      try require(churnMin <= churnMax, "--churn-min \(churnMin) must not be above --churn-max \(churnMax)")
    }
    if let langevinSteps {
      try require(0...1000 ~= langevinSteps, "--langevin-steps must be from 0 to 1000, not \(langevinSteps)")
    }
    if let snr {
      try require(langevinSteps != nil, "--snr belongs to --langevin-steps, which is not stated")
      // Beyond it a Langevin step would turn noise around.
      try require(snr > 0 && snr <= 0.7, "--snr must be above 0 and at most 0.7, not \(snr)")
    }
  }
}
