import Diffusion
import PicardSampler
import Testing

/// Means of a small mixture, from the noise itself.
func mixture<Scalar: StateScalar>(_ dimension: Int, _: Scalar.Type = Scalar.self) throws
  -> GaussianMixture<Scalar>
{
  let noise = CounterNoise(seed: 7)
  let means = (0..<4).map { index -> [Double] in
    var values = [Double](repeating: 0, count: dimension)
    var span = values.mutableSpan
    noise.fill(&span, stream: .step, step: 0, sample: index)
    return values
  }
  return try GaussianMixture(means: means, variance: 0.05)
}

func solve<Scalar: StateScalar>(
  _ type: Scalar.Type, ranks: Int, trajectory: Trajectory, options: PicardOptions,
  dimension: Int = 6, samples: [Int] = [0], rows: Int = 16
) throws -> (states: [[Scalar]], rounds: Int, evaluations: Int) {
  let results = try VirtualRing.run(ranks) { ring in
    let batch = ScoreBatch<Scalar>(try mixture(dimension), rows: rows)
    let solver = PicardSolver(
      trajectory, options: options, batch: batch, ring: ring, noise: CounterNoise(seed: 42),
      samples: samples)
    return try solver.run()
  }
  let states = results.flatMap(\.samples).sorted { $0.number < $1.number }.map(\.state)
  return (states, results[0].record.rounds, results.map(\.record.evaluations).reduce(0, +))
}

func sequential<Scalar: StateScalar>(
  _ type: Scalar.Type, trajectory: Trajectory, dimension: Int = 6, samples: [Int] = [0]
) throws -> [[Scalar]] {
  let solver = SequentialSolver(
    trajectory, batch: ScoreBatch<Scalar>(try mixture(dimension), rows: 16),
    noise: CounterNoise(seed: 42), samples: samples)
  return try solver.run().samples.map(\.state)
}

@Test func explore() throws {
  let grid = try TimeGrid.shrinking(steps: 120, horizon: 8, earlyStop: 1e-2)
  for (kind, level) in [(StepMap.Kind.exponential, 1.0), (.exponential, 0), (.posterior, 1), (.posterior, 0), (.multistep, 0)] {
    let whole = try Trajectory(kind, on: grid, noiseLevel: level)
    let blocks = try Trajectory(kind, on: grid, noiseLevel: level, blocks: 4, corrector: .init(steps: 8))
    for trajectory in [whole, blocks] {
      let reference = try sequential(Double.self, trajectory: trajectory, dimension: 16)
      print(kind, level, reference[0][0..<3])
      for linearization in Linearization.allCases {
        for window in [nil, 32] {
          let t = try solve(Double.self, ranks: 1, trajectory: trajectory, options: .init(linearization: linearization, stop: .tolerance(1e-3), window: window, trajectory: trajectory), dimension: 16)
          let e = (zip(t.states[0], reference[0]).map { ($0 - $1) * ($0 - $1) }.reduce(0, +) / 16).squareRoot()
          let exact = try solve(Double.self, ranks: 1, trajectory: trajectory, options: .init(linearization: linearization, stop: .tolerance(0), window: window, trajectory: trajectory), dimension: 16)
          print("  ", linearization, window ?? 0, t.rounds, t.evaluations, e, "exact", exact.states == reference, exact.rounds)
        }
      }
    }
  }
}
