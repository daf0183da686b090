import ArgumentParser
import Diffusion

/// Where a grid begins and ends, in the words of EDM, and how a flow model's
/// times are shifted.
struct ScheduleOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Noise level to start from: EDM's word for the horizon log(1 + sigma^2). (default: the model's)", valueName: "sigma"))
  var sigmaMax: Double?

  @Option(help: ArgumentHelp("Last noise level: EDM's word for the early stop log(1 + sigma^2). (default: the model's)", valueName: "sigma"))
  var sigmaMin: Double?

  @Option(help: ArgumentHelp("Exponent of the Karras grid. (default: the model's, else 7)", valueName: "rho"))
  var rho: Double?

  @Option(
    help: ArgumentHelp(
      "Shift of the flow times of a model that shifts them by the size of a sample. (default: from --sequence-length)", valueName: "mu"))
  var mu: Double?

  @Option(help: ArgumentHelp("Tokens of a sample, which give that shift. (default: the first axis of samples that have two)", valueName: "n"))
  var sequenceLength: Int?

  /// One of EDM's words is stated.
  var statesLevels: Bool { sigmaMax != nil || sigmaMin != nil || rho != nil }

  func validate(beside options: SamplerOptions) throws {
    for (name, value) in [("sigma-max", sigmaMax), ("sigma-min", sigmaMin), ("rho", rho)] {
      if let value { try require(value > 0 && value.isFinite, "--\(name) must be a positive number, not \(value)") }
    }
    if let sigmaMax, let sigmaMin {
      try require(sigmaMin < sigmaMax, "--sigma-min \(sigmaMin) must be below --sigma-max \(sigmaMax)")
    }
    if let mu { try require(mu.isFinite, "--mu must be a number, not \(mu)") }
    if let sequenceLength {
      try require(1...1 << 40 ~= sequenceLength, "--sequence-length must be 1 or more, not \(sequenceLength)")
      try require(mu == nil, "--mu is the shift itself: omit --sequence-length")
    }
    let (horizon, earlyStop, grid) = (options.horizon, options.earlyStop, options.grid)
    if options.times != nil {
      try require(
        options.steps == nil && grid == nil && horizon == nil && earlyStop == nil && !statesLevels && mu == nil
          && sequenceLength == nil,
        "--times states the whole grid: omit --steps, --grid, --horizon, --early-stop, --sigma-max, --sigma-min, --rho, --mu and --sequence-length"
      )
    }
    try require(
      grid != .model || (horizon == nil && earlyStop == nil),
      "--grid model has its own ends: omit --horizon and --early-stop")
    try require(horizon == nil || sigmaMax == nil, "--sigma-max is another word for --horizon: omit one of them")
    try require(earlyStop == nil || sigmaMin == nil, "--sigma-min is another word for --early-stop: omit one of them")
    try require(
      rho == nil || grid == nil || grid == .karras || grid == .model, "--rho belongs to --grid karras, not to \(grid?.rawValue ?? "")")
    if sigmaMax == nil, sigmaMin == nil {
      let (T, eta) = (horizon ?? 10, earlyStop ?? 1e-3)
      try require(
        T.isFinite && eta > 0 && eta < T,
        "--early-stop \(eta) and --horizon \(T) must satisfy 0 < early stop < horizon")
    }
  }
}
