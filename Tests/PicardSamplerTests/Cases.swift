import Diffusion
import PicardSampler

/// A mixture of four Gaussians in any dimension.
func mixture<Scalar: StateScalar>(
  _ dimension: Int, as: Scalar.Type = Scalar.self
) throws -> GaussianMixture<Scalar> {
  let means = (0..<4).map { i in
    (0..<dimension).map { k in cosine(1.3 * Double(i) + 0.7 * Double(k)) }
  }
  return try GaussianMixture(means: means, variance: 0.05, weights: [0.1, 0.2, 0.3, 0.4])
}

/// A way to sample, small enough to be run often.
struct SamplerCase: CustomStringConvertible, Sendable {
  var method: SamplingMethod
  var noiseLevel: Double?
  var blocks = 1
  var correctorSteps = 0

  func trajectory(steps: Int = 40, bound: EstimateBound? = nil) throws -> Trajectory {
    try Trajectory(
      method.stepMap, on: .shrinking(steps: steps, horizon: 8, earlyStop: 1e-2),
      noiseLevel: noiseLevel ?? method.defaultNoiseLevel, blocks: blocks,
      corrector: .init(steps: correctorSteps), bound: bound)
  }

  var description: String {
    "\(method.rawValue), noise \(noiseLevel ?? method.defaultNoiseLevel), \(blocks) blocks, \(correctorSteps) corrector steps"
  }

  static let all = [
    SamplerCase(method: .piadmSDE), SamplerCase(method: .piadmSDE, blocks: 3),
    SamplerCase(method: .piadmODE, blocks: 4, correctorSteps: 16),
    SamplerCase(method: .ddpm), SamplerCase(method: .ddim, blocks: 2, correctorSteps: 5),
    SamplerCase(method: .multistep), SamplerCase(method: .multistep, blocks: 3),
    SamplerCase(method: .multistep, blocks: 2, correctorSteps: 4),
  ]
}

/// Samples drawn by the time-parallel solver on virtual ranks.
struct Drawn<Scalar: StateScalar> {
  var states: [[Scalar]]
  var rounds: Int
  var evaluations: Int

  init(
    _ trajectory: Trajectory, _ options: PicardOptions, ranks: Int = 1, dimension: Int = 6,
    samples: [Int] = [0], rows: Int = 16, seed: UInt64 = 42
  ) throws {
    let results = try VirtualRing.run(ranks) { ring in
      try PicardSolver(
        trajectory, options: options,
        batch: ScoreBatch<Scalar>(try mixture(dimension), rows: rows), ring: ring,
        noise: CounterNoise(seed: seed), samples: samples
      ).run()
    }
    states = results.flatMap(\.samples).sorted { $0.number < $1.number }.map(\.state)
    rounds = results[0].record.rounds
    evaluations = results.map(\.record.evaluations).reduce(0, +)
  }
}

func sequential<Scalar: StateScalar>(
  _ trajectory: Trajectory, dimension: Int = 6, samples: [Int] = [0], seed: UInt64 = 42,
  as: Scalar.Type = Scalar.self
) throws -> [[Scalar]] {
  try SequentialSolver(
    trajectory, batch: ScoreBatch<Scalar>(try mixture(dimension), rows: 16),
    noise: CounterNoise(seed: seed), samples: samples
  ).run().samples.map(\.state)
}

/// Root mean square of the difference.
func distance<Scalar: StateScalar>(_ a: [Scalar], _ b: [Scalar]) -> Double {
  let sum = zip(a, b).reduce(0.0) { $0 + Double($1.0 - $1.1) * Double($1.0 - $1.1) }
  return (sum / Double(a.count)).squareRoot()
}
