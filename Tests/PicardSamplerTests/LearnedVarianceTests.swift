import Diffusion
import Foundation
import PicardSampler
import Testing

/// A model of normal data that also says how much noise a step has: as the
/// variance, or between the posterior's and the forward process's.
private struct TalkativeModel: ScoreModel {
  let shape = [3]
  let parametrization = Parametrization.noise
  let variance: LearnedVariance?

  func predict(
    _ states: Span<Double>, at times: Span<NoiseTime>, into output: inout MutableSpan<Double>
  ) throws {
    // Not linear, so that slopes are not exact.
    for k in 0..<states.count { output[k] = times[k / 3].sigma * states[k] + 0.1 * sin(3 * states[k]) }
  }

  func predict(
    _ states: Span<Double>, at times: Span<NoiseTime>, of samples: Span<Int>,
    into output: inout MutableSpan<Double>, variances: inout MutableSpan<Double>
  ) throws {
    try predict(states, at: times, into: &output)
    for k in 0..<states.count { variances[k] = Self.statement(states[k], variance) }
  }

  static func statement(_ state: Double, _ variance: LearnedVariance?) -> Double {
    variance == .direct ? 0.01 * (1 + tanh(state)) : tanh(2 * state)
  }
}

@Suite struct LearnedVarianceTests {
  private static let schedule = DiscreteSchedule(
    betas: DiscreteSchedule.linearBetas(count: 40, from: 1e-3, to: 0.2))

  private func trajectory(_ variance: LearnedVariance?, noiseLevel: Double = 1) throws -> Trajectory {
    try Trajectory(.posterior, on: .model(Self.schedule, steps: 40), noiseLevel: noiseLevel, variance: variance)
  }

  private func sequential(_ variance: LearnedVariance?, noiseLevel: Double = 1) throws -> [Double] {
    let batch = ScoreBatch(TalkativeModel(variance: variance), rows: 8)
    return try SequentialSolver(
      try trajectory(variance, noiseLevel: noiseLevel), batch: batch, noise: CounterNoise(seed: 4), samples: [0, 1]
    ).run().samples.flatMap(\.state)
  }

  /// DDPM (Ho, Jain and Abbeel, NeurIPS 2020, algorithm 2) with the variances of
  /// Nichol and Dhariwal (ICML 2021, equation 15), written out.
  @Test("steps have the variance that the model states", arguments: [LearnedVariance.direct, .range])
  func formula(variance: LearnedVariance) throws {
    let (noise, alphaBar) = (CounterNoise(seed: 4), Self.schedule.alphaBar)
    var expected: [Double] = []
    for sample in 0..<2 {
      var y: [Double] = noise.normals(3, stream: .initialState, step: 0, sample: sample)
      for (step, t) in (0..<40).reversed().enumerated() {
        let (now, next) = (alphaBar[t], t > 0 ? alphaBar[t - 1] : 1)
        let beta = 1 - now / next
        let xi: [Double] = noise.normals(3, stream: .step, step: step, sample: sample)
        for k in 0..<3 {
          let eps = (1 - now).squareRoot() * y[k] + 0.1 * sin(3 * y[k])
          let x0 = (y[k] - (1 - now).squareRoot() * eps) / now.squareRoot()
          let mean = (next.squareRoot() * beta * x0 + (1 - beta).squareRoot() * (1 - next) * y[k]) / (1 - now)
          let statement = TalkativeModel.statement(y[k], variance)
          let share = (statement + 1) / 2
          let logarithm = share * log(beta) + (1 - share) * log((1 - next) / (1 - now) * beta)
          let squared = variance == .direct ? statement : exp(logarithm)
          y[k] = mean + (t > 0 ? squared.squareRoot() * xi[k] : 0)
        }
      }
      expected += y
    }
    let drawn = try sequential(variance)
    // 40 steps of a few roundings each, the noise predictions divided by alpha of at least 0.1.
    for (here, there) in zip(drawn, expected) { #expect(abs(here - there) <= 1e-11) }
    // Without what the model states, the samples are others.
    #expect(zip(try sequential(nil), expected).contains { abs($0 - $1) > 1e-2 })
  }

  @Test(
    "the parallel sampler has the same bits at tolerance 0, with every slope, in windows and blocks",
    arguments: [LearnedVariance.direct, .range], Linearization.allCases)
  func bits(variance: LearnedVariance, linearization: Linearization) throws {
    let expected = try sequential(variance)
    let trajectory = try trajectory(variance)
    for extent in [Extent.blocks, .window(7, maximum: 7)] {
      let solver = PicardSolver(
        trajectory,
        options: PicardOptions(
          linearization: linearization, stop: .tolerance(0), extent: extent, chunk: 4, trajectory: trajectory),
        batch: ScoreBatch(TalkativeModel(variance: variance), rows: 8), ring: SingleRank(),
        noise: CounterNoise(seed: 4), samples: [0, 1])
      #expect(try solver.run().samples.flatMap(\.state) == expected)
    }
  }

  @Test("a method without noise takes the prediction alone")
  func withoutNoise() throws {
    #expect(try sequential(.range, noiseLevel: 0) == sequential(nil, noiseLevel: 0))
  }
}
