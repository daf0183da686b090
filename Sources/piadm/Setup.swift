import Diffusion
import MPI
import NumPyFormat
import PicardSampler
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
  /// What is told of the model's scheduler, line by line.
  let scheduler: [String]
  /// Threads of a score call.
  let threads: Int
  /// Whether a score call is large enough to gain from several threads.
  let usesManyThreads: Bool

  /// Rows of a score call unless chosen otherwise: past 64 a row gets little
  /// cheaper, and matrix kernels begin to round differently; large states are
  /// batched in 16 MiB of single precision at most.
  static func defaultRows(dimension: Int) -> Int { max(1, min(64, (1 << 22) / dimension)) }

  /// - Parameters:
  ///   - source: where the model is read.
  ///   - ranks: ranks that share the run.
  ///   - processors: processors that this rank has to itself.
  ///   - memory: what this rank's host has.
  init(
    _ command: Sample, model source: String, ranks: Int, processors: Int, memory: HostMemory
  ) throws {
    let (sampler, solver) = (command.sampler, command.solver)
    model = try ModelSource(source).open(
      as: Scalar.self, processors: processors, conditions: command.network.conditions(
        samples: sampler.samples, firstSample: command.ensemble.firstSample),
      sampleShape: command.network.shape?.lengths)
    if command.output.images != nil, ImageLayout(shape: model.shape) == nil {
      throw WrongUsage(
        "--images needs samples that are pictures (H x W with 1 or 3 channels) or volumes, not \(model.shape)")
    }
    method = try ChosenMethod(sampler, of: model)
    choice = try GridChoice(sampler, schedule: model.schedule, shape: model.shape)
    let grid = choice.grid
    if grid.nodes[0].alpha == 0, model.parametrization == .noise {
      throw WrongUsage(
        "this run starts at pure noise, where a model that predicts the noise says nothing of the data: "
          + "it must predict the sample, v_prediction or flow, or start at another timestep")
    }
    let blocks = solver.blocks ?? min(method.name.defaultBlocks, grid.steps)
    guard blocks * method.corrector.steps <= most else {
      throw WrongUsage(
        "--corrector-steps \(method.corrector.steps) after each of \(blocks) blocks are more than \(most) in all")
    }
    trajectory = try Trajectory(
      method.name.stepMap, on: grid, noiseLevel: method.noiseLevel, blocks: blocks,
      corrector: method.corrector, bound: model.bound)
    let rows = solver.batch ?? Self.defaultRows(dimension: model.dimension)
    try MemoryNeed(
      scalar: MemoryLayout<Scalar>.size, dimension: model.dimension, rows: rows,
      samples: command.samplesAtOnce, ranks: ranks, trajectory: trajectory, solver: solver
    ).requireRoom(memory)
    noise = Self.scaled(
      try Self.noise(sampler, firstSample: command.ensemble.firstSample, shape: model.shape, steps: grid.steps), grid)
    batch = ScoreBatch(model, rows: rows, latency: solver.scoreLatency)
    let network = model as? OpenVINOModel<Scalar>
    versions = Report.Versions(
      piadm: Piadm.version, mpi: Library.runtimeVersion,
      openvino: network?.library.version ?? "none", swift: swiftVersion)
    scheduler = [network?.scheduler?.text, network?.scheduler?.ignored].compactMap { $0 }
    threads = network?.threads ?? 1
    usesManyThreads = network?.isLarge ?? false
  }

  /// Noise with initial states of the grid's standard deviation.
  static func scaled(_ noise: any NoiseSource, _ grid: TimeGrid) -> any NoiseSource {
    grid.initialDeviation == 1 ? noise : ScaledStart(noise, deviation: grid.initialDeviation)
  }

  private static func noise(
    _ options: SamplerOptions, firstSample: Int, shape: [Int], steps: Int
  ) throws -> any NoiseSource {
    func read(_ option: String, _ file: String?, _ expected: [Int]) throws -> [Double]? {
      guard let file else { return nil }
      let array = try NumPyArray(contentsOf: file)
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
