import Diffusion
import PicardSampler
import Results

/// Every option by its name, defaults and choices of the program filled in.
struct ResolvedOptions {
  let values: [String: OptionValue]

  private static let optional = [
    "checkpoint", "every", "resume", "max-time", "horizon", "early-stop", "corrector-time", "friction", "condition",
    "condition-null", "guidance", "window", "chunk", "anderson", "probes", "movement", "stride", "linearization",
    "tolerance", "iterations", "churn", "churn-min", "churn-max", "churn-noise", "langevin-steps", "snr",
  ]

  init<Scalar>(_ configuration: RunConfiguration, setup: Setup<Scalar>, picard: PicardOptions) {
    let (sampler, solver, output) = (configuration.sampler, configuration.solver, configuration.output)
    let isIterated = solver.solver == .picard
    var values: [String: OptionValue] = [
      "method": .text(setup.method.name.rawValue),
      "noise-level": .number(setup.method.noiseLevel),
      "samples": .integer(sampler.samples),
      "seed": .unsigned(sampler.seed),
      "steps": .integer(setup.grid.steps),
      "grid": .text(setup.choice.name),
      "corrector-steps": .integer(setup.method.corrector.steps),
      "precision": .text(sampler.precision.rawValue),
      "initial": .file(sampler.initial),
      "noise": .file(sampler.noise),
      "solver": .text(solver.solver.rawValue),
      "blocks": .integer(solver.blocks ?? min(setup.method.name.defaultBlocks, setup.grid.steps)),
      "batch": .integer(setup.batch.limit),
      "replicas": .integer(solver.groups),
      "out": .text(output.out),
      "images": .file(output.images),
      "report": .file(output.report),
      "plot": .file(configuration.pictures.plot),
      "trace": .file(configuration.pictures.trace),
      "hdf5": .file(configuration.pictures.hdf5),
      "stall-timeout": .number(solver.stallTimeout),
      "score-latency": .number(solver.scoreLatency),
      "first-sample": .integer(configuration.ensemble.firstSample),
      "at-once": .integer(configuration.samplesAtOnce),
      "cases": .file(configuration.ensemble.cases),
      "roll-out": .file(configuration.ensemble.rollOut?.description),
    ]
    // Those that a kind of run does not use are there all the same.
    for name in Self.optional { values[name] = OptionValue.none }
    if let folder = configuration.checkpoints.checkpoint {
      values["checkpoint"] = .text(folder)
      values["every"] = configuration.checkpoints.every.map { OptionValue.number($0) } ?? OptionValue.none
      values["resume"] = .flag(configuration.checkpoints.resume)
      values["max-time"] = configuration.checkpoints.maxTime.map { OptionValue.number($0) } ?? OptionValue.none
    }
    values.merge(setup.choice.options) { $1 }
    if let churn = sampler.stochastic.chosenChurn {
      values["churn"] = .number(churn.amount)
      values["churn-min"] = .number(churn.least)
      if churn.greatest.isFinite { values["churn-max"] = .number(churn.greatest) }
      values["churn-noise"] = .number(churn.noise)
    }
    if let langevin = sampler.stochastic.chosenLangevin {
      values["langevin-steps"] = .integer(langevin.count)
      values["snr"] = .number(langevin.ratio)
    }
    if setup.method.corrector.steps > 0 {
      values["corrector-time"] = .number(sampler.correctorTime)
      values["friction"] = .number(sampler.friction)
    }
    for (option, files) in [("condition", configuration.network.condition), ("condition-null", configuration.network.conditionNull)]
    where !files.isEmpty {
      values[option] = .list(files.sorted().map { .text($0) })
    }
    values["shape"] = .list(setup.model.shape.map { .integer($0) })
    if let name = configuration.network.networkOutput { values["network-output"] = .text(name) }
    if let folder = configuration.decoding.decode {
      values["decode"] = .text(folder)
      values["decoded"] = .file(configuration.decoding.file(beside: output.out))
    }
    if let guidance = configuration.network.guidance {
      values["guidance"] = .number(guidance)
      values["guidance-rescale"] = .number(configuration.network.guidanceRescale)
      if let interval = configuration.network.guidanceInterval {
        values["guidance-interval"] = .text("\(interval.levels.lowerBound):\(interval.levels.upperBound)")
      }
    }
    if isIterated {
      values["window"] = picard.extent.value
      values["chunk"] = .integer(picard.chunk)
      values["anderson"] = picard.anderson.map { OptionValue.integer($0.history) } ?? OptionValue.none
      values["probes"] = picard.probes > 0 ? .integer(picard.probes) : OptionValue.none
      let evaluations = picard.evaluationRule(setup.trajectory)
      values["movement"] = .number(evaluations.distance > 0 ? picard.movement : 0)
      values["stride"] = .integer(evaluations.largestStride)
      values["linearization"] = .text(picard.linearization.rawValue)
      values.merge(SolverOptions.values(of: picard.stop)) { $1 }
    }
    for name in values.keys { precondition(RunOption(rawValue: name) != nil, "the table of options has no \(name)") }
    self.values = values
  }
}

extension Extent {
  fileprivate var value: OptionValue {
    switch self {
    case .blocks: .none
    case .window(let slices, _): grows ? .text(text) : .integer(slices)
    }
  }
}

extension OptionValue {
  fileprivate static func file(_ path: String?) -> OptionValue { path.map { OptionValue.text($0) } ?? OptionValue.none }
}
