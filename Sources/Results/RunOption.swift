/// The options of `piadm sample`, and what each is to the bits of samples. The record of a run,
/// the identity that a resumed run is compared by, and the documentation follow this table.
package enum RunOption: String, Hashable, Sendable, CaseIterable {
  case method
  case noiseLevel = "noise-level"
  case samples
  case firstSample = "first-sample"
  case atOnce = "at-once"
  case cases
  case rollOut = "roll-out"
  case seed, steps, grid, times, horizon
  case earlyStop = "early-stop"
  case sigmaMax = "sigma-max"
  case sigmaMin = "sigma-min"
  case rho, mu
  case sequenceLength = "sequence-length"
  case correctorSteps = "corrector-steps"
  case correctorTime = "corrector-time"
  case friction, precision, initial, noise
  case eta, churn
  case churnMin = "churn-min"
  case churnMax = "churn-max"
  case churnNoise = "churn-noise"
  case langevinSteps = "langevin-steps"
  case snr
  case solver, blocks, window, tolerance, iterations, linearization, anderson, probes, movement, stride, chunk, batch, replicas, threads
  case stallTimeout = "stall-timeout"
  case scoreLatency = "score-latency"
  case condition
  case conditionNull = "condition-null"
  case guidance
  case guidanceRescale = "guidance-rescale"
  case guidanceInterval = "guidance-interval"
  case shape
  case networkOutput = "network-output"
  case decode, decoded, out, images, report, progress, checkpoint, every, resume
  case maxTime = "max-time"
  case broadcastModel = "broadcast-model"
  case ioHint = "io-hint"
  case plot, trace, hdf5

  /// What an option is to the bits of samples.
  package enum Effect: Hashable, Sendable {
    /// Other values give other bits.
    case bits
    /// The contents of the file that it names count, and not the name.
    case contents
    /// No bit depends on it.
    case none
  }

  /// What this one is.
  package var effect: Effect {
    switch self {
    case .times, .initial, .noise, .cases, .condition, .conditionNull, .decode: .contents
    // `batch`: a row's bits are those of the row alone, which `RowCheck` sees to.
    case .atOnce, .batch, .replicas, .threads, .stallTimeout, .scoreLatency, .decoded, .out, .images, .report, .progress,
      .checkpoint, .every, .resume, .maxTime, .broadcastModel, .ioHint, .plot, .trace, .hdf5:
      .none
    // Another option says the same: the shift itself, and the noise level.
    case .sequenceLength, .eta: .none
    case .method, .noiseLevel, .samples, .firstSample, .rollOut, .seed, .steps, .grid, .horizon, .earlyStop, .sigmaMax, .sigmaMin, .rho, .mu,
      .correctorSteps, .correctorTime, .friction, .precision, .solver, .blocks, .window, .tolerance, .iterations,
      .churn, .churnMin, .churnMax, .churnNoise, .langevinSteps, .snr, .linearization, .anderson, .probes, .movement, .stride, .chunk, .guidance,
      .guidanceRescale,
      .guidanceInterval, .shape, .networkOutput:
      .bits
    }
  }

  /// The program chooses it by others where it is not stated: told of last where two runs differ.
  package var isDerived: Bool {
    switch self {
    case .batch, .chunk, .stride, .grid, .blocks, .correctorSteps, .noiseLevel: true
    default: false
    }
  }

  /// The option as it is typed.
  package var typed: String { "--" + rawValue }
}

extension String {
  /// The libraries' names of parameters in backquotes, such as `noiseLevel`, as the options of
  /// the program that set them.
  package var namingOptions: String {
    replacing(#/`([a-z][A-Za-z0-9]*)`/#) { match in
      let words = String(match.1).replacing(#/[A-Z]/#) { "-" + $0.output.lowercased() }
      let name = ["sample-shape": "shape", "output": "network-output"][words] ?? words
      return RunOption(rawValue: name)?.typed ?? String(match.0)
    }
  }
}
