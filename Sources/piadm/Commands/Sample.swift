import ArgumentParser
import Diffusion
import MPI
import ScoreModels

struct Sample: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Draw samples.",
    discussion: """
      MODEL is `digits` (built in), a folder as diffusers and Optimum export them, a \
      plug-in plugin:LIB.so[:CONFIG], or a closed-form target FILE.json.

      Examples:
        piadm sample digits --samples 32 --images digits.png
        mpirun -n 2 piadm sample digits --method ddpm --steps 1000 --window 16
        mpirun -n 8 piadm sample target.json --method piadm-ode --steps 200
        piadm sample digits --tolerance 0        the sequential sampler's bits
      """)

  @Argument(help: ArgumentHelp("The model to sample.", valueName: "MODEL"))
  var model: String

  @OptionGroup(title: "Sampler")
  var sampler: SamplerOptions

  @OptionGroup(title: "Solver")
  var solver: SolverOptions

  @OptionGroup(title: "Network")
  var network: ModelOptions

  @OptionGroup(title: "Ensembles")
  var ensemble: EnsembleOptions

  @OptionGroup(title: "Output")
  var output: OutputOptions

  @OptionGroup(title: "Latents")
  var decoding: DecodeOptions

  @OptionGroup(title: "Stopping and going on")
  var checkpoints: CheckpointOptions

  @OptionGroup(title: "Shared file systems")
  var shared: SharedFileOptions

  @OptionGroup(title: "Pictures and other formats")
  var pictures: PictureOptions

  /// What the run is configured by.
  var settings: RunConfiguration {
    RunConfiguration(
      model: model, sampler: sampler, solver: solver, network: network, ensemble: ensemble, output: output,
      decoding: decoding, checkpoints: checkpoints, shared: shared, pictures: pictures)
  }

  func validate() throws {
    let settings = settings
    try settings.validateEnsemble()
    if checkpoints.checkpoint == nil, checkpoints.resume, !settings.isGrouped {
      throw ValidationError(
        "--resume needs --checkpoint DIR, the folder of the checkpoint, or samples in groups: --at-once, or --out NAME.zarr")
    }
    let outputs = [output.out, decoding.file(beside: output.out), output.images, output.report].compactMap { $0 } + pictures.files
    for (index, file) in outputs.enumerated() where outputs[..<index].contains(where: { $0.isSameFile(as: file) }) {
      throw ValidationError("two outputs are named \(file)")
    }
    let inputs = [model, sampler.times, sampler.initial, sampler.noise, ensemble.cases].compactMap { $0 } + network.files
    for output in outputs
    where inputs.contains(where: { $0.isSameFile(as: output) }) {
      throw ValidationError("\(output) is read by this run: name another file for its results")
    }
  }

  mutating func run() throws {
    let command = self
    // A signal while MPI starts or the model is opened stops the run after its first round.
    if checkpoints.checkpoint != nil { StopSignals.listen() }
    try Failure.underMPI(stallTimeout: solver.stallTimeout) { world in
      guard command.shared.broadcastModel else { return try command.run(reading: command.model, world) }
      try ModelCopy.with(command.model, over: world) { try command.run(reading: $0, world) }
    }
  }

  private func run(reading model: String, _ world: Communicator) throws {
    switch sampler.precision {
    case .single:
      var run = SampleRun<Float>(settings, model: model, world)
      try run.run()
    case .double:
      var run = SampleRun<Double>(settings, model: model, world)
      try run.run()
    }
  }
}
