public import ArgumentParser
public import Diffusion
import Foundation
import PicardSampler
import Results

extension SamplingMethod: ExpressibleByArgument {
  public init?(argument: String) { self.init(named: argument) }
}

/// What is drawn, and by which sampler.
struct SamplerOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The sampler. euler is ddim, euler-ancestral is ddpm, pndm is plms, kdpm2 is dpm2, edm is heun. heun, heun-flow and dpm2 evaluate twice a step. (default: of a folder, its scheduler's own; else piadm-sde)",
      valueName: "name"))
  var method: SamplingMethod?

  @Option(help: ArgumentHelp("Noise of a step, from 0 (ODE) to 1 (SDE). (default: the method's)", valueName: "v"))
  var noiseLevel: Double?

  @Option(help: ArgumentHelp("Number of samples.", valueName: "b"))
  var samples = 1

  @Option(
    help: ArgumentHelp("Seed. Sample i of a seed is the same whatever the number of samples and ranks.", valueName: "s"),
    transform: SamplerOptions.seed)
  var seed: UInt64 = 0

  @Option(help: ArgumentHelp("Number of steps. (default: 100, or all training steps where there are fewer)", valueName: "m"))
  var steps: Int?

  @Option(
    help: ArgumentHelp(
      "Spacing of the steps: shrinking, uniform, karras or model. (default: model where the model has training timesteps, else shrinking)",
      valueName: "name"))
  var grid: GridName?

  @Option(help: ArgumentHelp("An explicit grid: forward noise times, decreasing, one more than steps.", valueName: "file.npy"))
  var times: String?

  @Option(help: ArgumentHelp("Noise time to start from, where the grid is not the model's. (default: 10)", valueName: "t"))
  var horizon: Double?

  @Option(help: ArgumentHelp("Noise time to stop at, where the grid is not the model's. (default: 0.001)", valueName: "eta"))
  var earlyStop: Double?

  @OptionGroup
  var schedule: ScheduleOptions

  @OptionGroup
  var stochastic: StochasticOptions

  @Option(help: ArgumentHelp("Corrector steps after every block; 0 switches it off. (default: 16 for piadm-ode, else 0)", valueName: "m"))
  var correctorSteps: Int?

  @Option(help: ArgumentHelp("Duration of the corrector in units of sigma.", valueName: "tau"))
  var correctorTime = 2.0

  @Option(help: ArgumentHelp("Friction of the corrector in units of 1/sigma.", valueName: "gamma"))
  var friction = 2.0

  @Option(help: ArgumentHelp("Type of the states: single or double.", valueName: "type"))
  var precision = Precision.single

  @Option(
    help: ArgumentHelp("Initial states (latents, before a scheduler scales them) instead of drawn ones, samples x shape.", valueName: "file.npy"))
  var initial: String?

  @Option(help: ArgumentHelp("Step noise instead of drawn one, steps x samples x shape.", valueName: "file.npy"))
  var noise: String?

  enum GridName: String, ExpressibleByArgument, CaseIterable {
    case shrinking, uniform, karras, model
  }

  enum Precision: String, ExpressibleByArgument, CaseIterable {
    case single, double
  }

  @Sendable private static func seed(_ text: String) throws -> UInt64 {
    guard let seed = UInt64(text) else {
      throw ValidationError("a seed is a whole number from 0 to \(UInt64.max)")
    }
    return seed
  }

  func validate() throws {
    try require(samples >= 1, "--samples must be at least 1, not \(samples)")
    try require(samples <= Int(UInt32.max), "--samples must be below 2^32, not \(samples)")
    if let steps { try require(1...most ~= steps, "--steps must be from 1 to \(most), not \(steps)") }
    if let correctorSteps {
      try require(
        correctorSteps <= most, "--corrector-steps must be at most \(most), not \(correctorSteps)")
    }
    if let noiseLevel {
      try require(
        noiseLevel >= 0 && noiseLevel <= 1, "--noise-level must be from 0 to 1, not \(noiseLevel)")
    }
    try schedule.validate(beside: self)
    try stochastic.validate(noiseLevel: noiseLevel)
    let corrector = LangevinCorrector.Settings(
      steps: correctorSteps ?? 0, time: correctorTime, friction: friction)
    do { try corrector.validate() } catch { throw ValidationError("\(error)".namingOptions) }
  }
}

/// What a run leaves and shows.
struct OutputOptions: ParsableArguments {
  @Option(help: ArgumentHelp("The samples.", valueName: "file.npy"))
  var out = "samples.npy"

  @Option(help: ArgumentHelp("A contact sheet of the samples, volumes as slices.", valueName: "file.png"))
  var images: String?

  @Option(help: ArgumentHelp("The run's record.", valueName: "file.json"))
  var report: String?

  @Option(help: ArgumentHelp("Progress: bar, lines, none or auto (lines under a launcher).", valueName: "kind"))
  var progress = ProgressKind.auto

  func validate() throws {
    for file in [out, images, report].compactMap({ $0 }) {
      try require(!file.isEmpty, "an output file needs a name")
    }
  }
}

/// The largest number of steps, slices and rounds: far beyond any use, and far
/// below what overflows.
let most = 10_000_000
/// A year, in seconds.
let longest = 365.0 * 86400

func require(_ condition: Bool, _ message: @autoclosure () -> String) throws {
  if !condition { throw ValidationError(message()) }
}

extension String {
  /// Two paths lead to the same place.
  func isSameFile(as other: String) -> Bool {
    func place(_ path: String) -> String {
      URL(fileURLWithPath: path).standardizedFileURL.resolvingSymlinksInPath().path
    }
    return place(self) == place(other)
  }
}
