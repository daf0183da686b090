import Diffusion
import InputFiles
import MPI
import NumPyFormat
import PicardSampler
import PicardSamplerMPI
import Results
import ScoreModels

/// Everything a run needs before its first round: model, grid, steps and noise.
struct Setup<Scalar: StateScalar> {
  let model: any ScoreModel<Scalar>
  let method: ChosenMethod
  let choice: GridChoice
  var grid: TimeGrid { choice.grid }
  let trajectory: Trajectory
  let noise: any NoiseSource
  let batch: ScoreBatch<Scalar>
  let versions: Report.Versions
  /// Every file that was read.
  let files: InputFiles
  /// What decodes finished latents; `nil` where samples are data.
  let decoder: LatentDecoder?
  /// Lines of the header about the model's scheduler.
  let scheduler: [String]
  /// Threads of a score call.
  let threads: Int
  /// Whether a score call is large enough to gain from several threads.
  let usesManyThreads: Bool

  /// - Parameters:
  ///   - source: where the model is read.
  ///   - ranks: ranks that share the run.
  ///   - processors: processors that this rank has to itself.
  ///   - memory: what this rank's host has.
  init(
    _ configuration: RunConfiguration, model source: String, ranks: Int, processors: Int, memory: HostMemory
  ) throws {
    let (sampler, solver) = (configuration.sampler, configuration.solver)
    let files = InputFiles()
    self.files = files
    model = try ModelSource(source).open(
      as: Scalar.self, processors: processors,
      conditions: configuration.network.conditions(
        samples: sampler.samples, firstSample: configuration.ensemble.firstSample),
      sampleShape: configuration.network.shape?.lengths, rowsAlone: solver.batch == 1,
      output: configuration.network.networkOutput, files: files)
    let network = model as? OpenVINOModel<Scalar>
    threads = network?.threads ?? 1
    decoder =
      if let folder = configuration.decoding.decode {
        try LatentDecoder(folder: folder, latentShape: model.shape, threads: processors, files: files)
      } else {
        nil
      }
    let shown = decoder?.shape ?? model.shape
    if configuration.output.images != nil, ImageLayout(shape: shown) == nil {
      throw WrongUsage(
        "--images needs samples that are pictures (H x W with 1 or 3 channels) or volumes, not \(shown)"
          + (decoder == nil && shown.count == 3 ? "; --decode FOLDER makes pictures of latents" : ""))
    }
    method = try ChosenMethod(sampler, of: model)
    choice = try GridChoice(sampler, schedule: model.schedule, shape: model.shape, files: files)
    let grid = choice.grid
    if !model.parametrization.conversion(to: .denoised, at: grid.nodes[0]).prediction.isFinite {
      throw WrongUsage(
        "this run starts at pure noise, where a model that predicts \(model.parametrization.text) says nothing of the data: "
          + "it must predict the sample, v_prediction or flow, or start at another timestep")
    }
    let blocks = solver.blocks ?? min(method.name.defaultBlocks, grid.steps)
    guard blocks * method.corrector.steps <= most else {
      throw WrongUsage(
        "--corrector-steps \(method.corrector.steps) after each of \(blocks) blocks are more than \(most) in all")
    }
    trajectory = try Trajectory(
      method.name.stepMap, on: grid, noiseLevel: method.noiseLevel, blocks: blocks,
      corrector: method.corrector, bound: model.bound, variance: model.variance,
      churn: sampler.stochastic.chosenChurn, langevin: sampler.stochastic.chosenLangevin)
    batch = ScoreBatch(model, rows: solver.batch, latency: solver.scoreLatency)
    try MemoryNeed(
      scalar: MemoryLayout<Scalar>.size, dimension: model.dimension, rows: batch.limit,
      samples: configuration.samplesAtOnce, ranks: ranks, trajectory: trajectory, solver: solver
    ).requireRoom(memory)
    noise = Self.scaled(
      try Self.noise(
        sampler, firstSample: configuration.ensemble.firstSample, shape: model.shape, steps: grid.steps, files), grid,
      trajectory)
    versions = Report.Versions(
      piadm: Piadm.version, mpi: Library.runtimeVersion,
      openvino: network?.library.version ?? "none", swift: swiftVersion)
    scheduler = [network?.scheduler?.text, network?.scheduler?.ignored].compactMap { $0 }
    usesManyThreads = network?.isLarge ?? false
  }

  /// Noise with initial states of the grid's standard deviation.
  static func scaled(_ noise: any NoiseSource, _ grid: TimeGrid, _ trajectory: Trajectory) -> any NoiseSource {
    let scaled: any NoiseSource = grid.initialDeviation == 1 ? noise : ScaledStart(noise, deviation: grid.initialDeviation)
    return trajectory.start.map { ChurnedStart(scaled, churn: $0) } ?? scaled
  }

  /// Checks that a row's prediction does not depend on its call (`ScoreBatch.checkRows`).
  /// Collective.
  ///
  /// - Parameters:
  ///   - load: rows of a round on a rank, 0 where this rank evaluates none.
  ///   - samples: samples of the run.
  func checkRows(load: Int, samples: Int, over world: Communicator, _ solver: SolverOptions) throws {
    try world.agree { try batch.checkRows(load: load, of: trajectory, samples: Array(0..<min(samples, 64))) }
    let load = try world.allReduce(load, .maximum)
    let ring = MPIRing(world, stallTimeout: solver.stallTimeout)
    do {
      try batch.agree(load: load, over: ring)
    } catch let error as RowDependence {
      try ring.finish()
      try world.agree { throw error }
    }
    try ring.finish()
  }

  /// A row's prediction has the same bits in every call.
  var isBatchInvariant: Bool { batch.check?.isInvariant ?? true }

  /// What the log says of rows that depend on the size of their call.
  var rowNote: String? {
    guard let check = batch.check, !check.isInvariant else { return nil }
    let most = batch.rows == 1 ? "every row is evaluated alone" : "a call has at most \(batch.rows) rows"
    return "predictions depend on the number of rows of a call: \(most), with the same bits on any number of ranks\n"
  }

  private static func noise(
    _ options: SamplerOptions, firstSample: Int, shape: [Int], steps: Int, _ files: InputFiles
  ) throws -> any NoiseSource {
    func read(_ option: String, _ file: String?, _ expected: [Int]) throws -> [Double]? {
      guard let file else { return nil }
      let array = try NumPyArray(contentsOf: file, in: files, as: .option(option))
      guard array.shape == expected else {
        throw BadData("--\(option) \(file): expected shape \(expected), not \(array.shape)")
      }
      let values = array.doubles
      guard values.allSatisfy(\.isFinite) else {
        throw BadData("--\(option) \(file): has numbers that are not finite")
      }
      return values
    }
    let drawn = CounterNoise(seed: options.seed)
    let initial = try read("initial", options.initial, [options.samples] + shape)
    let step = try read("noise", options.noise, [steps, options.samples] + shape)
    guard initial != nil || step != nil else { return drawn }
    return RecordedNoise(
      initialStates: initial, stepNoise: step, samples: options.samples, firstSample: firstSample,
      otherwise: drawn)
  }
}

/// The compiler's version: the language has no other name for it.
let swiftVersion: String = {
  #if compiler(>=6.4)
    "6.4 or later"
  #elseif compiler(>=6.3)
    "6.3"
  #else
    "6.2"
  #endif
}()
