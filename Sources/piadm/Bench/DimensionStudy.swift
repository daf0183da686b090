import Diffusion
import Foundation
import MPI
import PicardSampler
import PicardSamplerMPI
import Results

/// One sampler on one target in one dimension: how many steps it takes one
/// after another, and how many rounds in parallel over time.
struct DimensionPoint: Encodable {
  /// What the steps are chosen by, and how they are cut.
  enum Setting: String, Encodable {
    /// By the divergence of the final states; one block, or where that needs
    /// more memory than there is, a sliding window.
    case whole
    /// The same steps in blocks of constant length, as in the theory.
    case blocks
    /// By the divergence of whole paths, which the theory bounds; one block.
    case paths
  }

  let target: String
  let method: String
  let setting: Setting
  let linearization: String
  let dimension: Int
  let horizon: Double
  let blocks: Int
  /// Steps of the sliding window; `nil` for whole blocks.
  let window: Int?
  /// Score evaluations one after another of the sequential sampler: predictor
  /// steps, and corrector steps of all blocks.
  let sequentialSteps: Int
  /// Of the sequential sampler's states from the target, in nats.
  let divergence: Double
  /// Wasserstein distance of the sequential sampler's states, root mean square
  /// over coordinates.
  let discretizationError: Double
  /// The tolerance that ended the iteration.
  let tolerance: Double
  /// Samples that were drawn, each on its own.
  let samples: Int
  /// Score evaluations one after another, mean over samples.
  let rounds: Double
  let largestRounds: Int
  /// The largest distance of a sample from the sequential sampler's with the
  /// same noise, root mean square over coordinates.
  let picardError: Double
  /// What the ranks held at most, in all, beyond what they held at the start;
  /// memory that the allocator keeps from an earlier run counts.
  let memoryBytes: Int
  let seconds: Double
}

/// Measures rounds against the dimension, on all ranks of a job together.
struct DimensionStudy {
  let world: Communicator
  /// Divergence, in nats, that the sequential sampler may have.
  let divergence: Double
  /// Bytes that all ranks together may take for the states of one sample.
  let memory: Double
  private let memoryAtStart = peakMemoryBytes()

  /// Blocks are at most so long, in units of noise time where that is above 1,
  /// of its logarithm below.
  static let blockLength = 4.0
  /// The iteration stops when changes are below this share of the
  /// discretization error, which is to be what is left.
  static let share = 0.1

  // MARK: How many steps

  /// The least steps, to one in a hundred, with which the divergence of the
  /// sequential sampler's states is within the limit.
  func plan(
    _ target: any DimensionTarget, _ method: SamplingMethod, inBlocks: Bool = false
  ) throws -> StepPlan {
    try least(target, method, inBlocks: inBlocks) { try target.error(of: $0).divergence }
  }

  /// The same for the divergence of paths of the reverse SDE.
  func pathPlan(_ target: SpreadTarget) throws -> StepPlan {
    try least(target, .piadmSDE, inBlocks: false) { try target.spectrum.pathDivergence(of: $0) }
  }

  private func least(
    _ target: any DimensionTarget, _ method: SamplingMethod, inBlocks: Bool,
    _ divergence: (StepPlan) throws -> Double
  ) throws -> StepPlan {
    // The start is to take a tenth of the divergence.
    var horizon = 2.0
    while target.divergenceFromNoise(at: NoiseTime(s: horizon)) > 0.1 * self.divergence {
      horizon += 0.05
    }
    let length = horizon - 1 - log(StepPlan.earlyStop)
    let blocks = inBlocks ? Int((length / Self.blockLength).rounded(.up)) : 1
    func plan(_ steps: Int) -> StepPlan {
      StepPlan(
        method: method, horizon: horizon, steps: steps, blocks: blocks,
        correctorSteps: method == .piadmODE ? (steps + 1) / 2 / blocks + 1 : 0)
    }
    func isEnough(_ steps: Int) throws -> Bool {
      try divergence(plan(steps)) <= self.divergence
    }
    var (low, high) = (blocks, 2 * blocks)
    if try isEnough(low) { return plan(low) }
    while try !isEnough(high) { (low, high) = (high, 2 * high) }
    while high - low > max(1, high / 100) {
      let middle = (low + high) / 2
      if try isEnough(middle) { high = middle } else { low = middle }
    }
    return plan(high)
  }

  // MARK: How many rounds

  /// Draws samples with every linearization. Collective.
  ///
  /// - Parameter note: is told what was measured, one linearization after another.
  func measure(
    _ target: any DimensionTarget, _ plan: StepPlan, _ setting: DimensionPoint.Setting,
    _ linearizations: [Linearization], note: (DimensionPoint) throws -> Void
  ) throws {
    let dimension = target.model.dimension
    let trajectory = try Trajectory(
      plan.method.stepMap, on: plan.grid(), noiseLevel: plan.method.defaultNoiseLevel,
      blocks: plan.blocks, corrector: plan.corrector)
    let error = try target.error(of: plan)
    let discretization = (error.squaredDistance / Double(dimension)).squareRoot()
    let samples = Array(0..<max(1, min(8, 1 << 16 / dimension)))
    let batch = ScoreBatch(target.model)
    let noise = CounterNoise(seed: 1)
    var references: [Int: [Float]] = [:]
    for linearization in linearizations {
      let options = options(
        linearization, tolerance: Self.share * discretization, trajectory, dimension: dimension)
      let start = world.wallTime
      var (rounds, distance) = ([Int](), 0.0)
      PeakMemory.reset()
      var peak = 0
      for sample in samples {
        let ring = MPIRing(world, stallTimeout: 3600)
        let solution = try PicardSolver(
          trajectory, options: options, batch: batch, ring: ring, noise: noise, samples: [sample]
        ).run()
        try ring.finish()
        rounds.append(solution.record.rounds)
        peak = max(peak, peakMemoryBytes())
        if let state = solution.samples.first?.state {
          let reference =
            try references[sample]
            ?? SequentialSolver(trajectory, batch: batch, noise: noise, samples: [sample])
            .run().samples[0].state
          references[sample] = reference
          distance = max(distance, Self.distance(state, reference))
        }
      }
      try note(
        DimensionPoint(
          target: target.name, method: plan.method.rawValue, setting: setting,
          linearization: linearization.rawValue, dimension: dimension, horizon: plan.horizon,
          blocks: plan.blocks, window: options.extent.window, sequentialSteps: trajectory.slices, divergence: error.divergence,
          discretizationError: discretization, tolerance: Self.share * discretization,
          samples: samples.count, rounds: Double(rounds.reduce(0, +)) / Double(samples.count),
          largestRounds: rounds.max() ?? 0,
          picardError: try world.allReduce(distance, .maximum),
          memoryBytes: try world.allReduce(max(0, peak - memoryAtStart), .sum), seconds: world.wallTime - start))
    }
  }

  /// One block after another where they fit into memory, at last with noise that
  /// is drawn again in every round; else the largest window that does.
  private func options(
    _ linearization: Linearization, tolerance: Double, _ trajectory: Trajectory, dimension: Int
  ) -> PicardOptions {
    let most = memory / Double(dimension * MemoryLayout<Float>.size)
    func options(_ extent: Extent, keepsNoise: Bool) -> PicardOptions {
      var options = PicardOptions(
        linearization: linearization, stop: .tolerance(tolerance), extent: extent, trajectory: trajectory)
      options.keepsNoise = keepsNoise
      return options
    }
    func fits(_ options: PicardOptions) -> Bool { Double(options.rows(for: trajectory)) <= most }
    let (whole, redrawn) = (options(.blocks, keepsNoise: true), options(.blocks, keepsNoise: false))
    if fits(whole) { return whole }
    if fits(redrawn) { return redrawn }
    var window = trajectory.longestStage - 1
    while window > 4, !fits(options(.window(window), keepsNoise: false)) { window -= 1 }
    return options(.window(window), keepsNoise: false)
  }

  /// Root mean square of the difference.
  private static func distance(_ a: [Float], _ b: [Float]) -> Double {
    let sum = zip(a, b).reduce(0.0) { $0 + Double($1.0 - $1.1) * Double($1.0 - $1.1) }
    return (sum / Double(a.count)).squareRoot()
  }
}

/// The largest resident memory as the kernel keeps it (proc(5)).
private enum PeakMemory {
  /// Lets `peakMemoryBytes` count from now on.
  static func reset() {
    try? "5".write(toFile: "/proc/self/clear_refs", atomically: false, encoding: .utf8)
  }
}
