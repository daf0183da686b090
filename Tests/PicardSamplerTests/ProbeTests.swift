import Diffusion
import PicardSampler
import Testing

/// Probes save rounds, and leave the fixed point where it is.
@Suite struct ProbeTests {
  @Test("with probes, too, tolerance 0 gives the sequential sampler's bits", arguments: SamplerCase.all, [1, 3])
  func toleranceZero(sampler: SamplerCase, probes: Int) throws {
    let trajectory = try sampler.trajectory()
    let single: [[Float]] = try sequential(trajectory)
    let double: [[Double]] = try sequential(trajectory)
    for (extent, chunk) in [(.blocks, nil), (.blocks, 5), (.window(12), 5), (.window(7), 1)] as [(Extent, Int?)] {
      let options = PicardOptions(
        stop: .tolerance(0), extent: extent, chunk: chunk, probes: probes, trajectory: trajectory)
      #expect(try Drawn<Float>(trajectory, options).states == single)
      #expect(try Drawn<Double>(trajectory, options).states == double)
    }
  }

  @Test("with probes, too, ranks, companions and batches enter no bit", arguments: SamplerCase.all)
  func ranks(sampler: SamplerCase) throws {
    let trajectory = try sampler.trajectory()
    for (extent, chunk) in [(.blocks, 3), (.window(10), 4)] as [(Extent, Int?)] {
      let options = PicardOptions(extent: extent, chunk: chunk, probes: 2, trajectory: trajectory)
      let alone = try Drawn<Float>(trajectory, options, samples: [0, 1, 2])
      for ranks in [2, 3, 7] {
        let together = try Drawn<Float>(trajectory, options, ranks: ranks, samples: [0, 1, 2])
        #expect(together.states == alone.states)
        #expect(together.rounds == alone.rounds)
        #expect(together.evaluations == alone.evaluations)
      }
      #expect(try Drawn<Float>(trajectory, options, samples: [1], rows: 3).states[0] == alone.states[1])
    }
  }

  /// Of a Gaussian `f` is linear in the state, and three probes in three dimensions see
  /// all of its Jacobian: the first round's correction is Newton's, which solves a linear
  /// problem, and the second round finds what rounding has left, some 1e-16 over the
  /// relative length of a probe's step, 0.02.
  @Test("where probes see the whole Jacobian of a linear model, the second round is the last", arguments: [SamplingMethod.ddpm, .ddim, .piadmSDE])
  func newton(method: SamplingMethod) throws {
    let trajectory = try SamplerCase(method: method).trajectory(steps: 40)
    let target = try Gaussian<Double>(mean: [1, -2, 0.5], variances: [0.02, 0.3, 3])
    func rounds(_ probes: Int) throws -> Int {
      let options = PicardOptions(stop: .tolerance(1e-10), chunk: 1, probes: probes, trajectory: trajectory)
      return try PicardSolver(
        trajectory, options: options, batch: ScoreBatch(target, rows: 64), ring: SingleRank(),
        noise: CounterNoise(seed: 3), samples: [0]
      ).run().record.rounds
    }
    #expect(try rounds(3) == 2)
    #expect(try rounds(0) > 4)
  }

  /// `alpha` is 1e-13 at first: the denoised estimate there is nothing but rounding.
  @Test("probes stand a start where the data have all but vanished, in single precision")
  func farHorizon() throws {
    let trajectory = try Trajectory(
      .exponential, on: .shrinking(steps: 300, horizon: 60, earlyStop: 1e-2), noiseLevel: 1)
    let reference: [[Float]] = try sequential(trajectory)
    let options = PicardOptions(stop: .tolerance(1e-3), chunk: 25, probes: 2, trajectory: trajectory)
    let drawn = try Drawn<Float>(trajectory, options)
    #expect(distance(drawn.states[0], reference[0]) <= 1e-2)
    // A front of exactness alone would take a round a step.
    #expect(drawn.rounds < 40)
  }

  @Test("a model whose score is not finite beside a state ends the run")
  func notFinite() throws {
    let trajectory = try SamplerCase(method: .ddpm).trajectory(steps: 12)
    let options = PicardOptions(chunk: 3, probes: 1, trajectory: trajectory)
    #expect(throws: SamplingError.self) {
      try PicardSolver(
        trajectory, options: options, batch: ScoreBatch(OddRows(), rows: 64), ring: SingleRank(),
        noise: CounterNoise(seed: 3), samples: [0]
      ).run()
    }
  }
}

/// Knows values at states, and none beside them: within a few hundredths of the last state
/// that it has seen at a noise time, which is where probes are.
private final class OddRows: ScoreModel {
  typealias Scalar = Double
  let shape = [8]
  let parametrization = Parametrization.sample
  private var states: [Double: [Double]] = [:]

  func predict(
    _ states: Span<Double>, at times: Span<NoiseTime>, into predictions: inout MutableSpan<Double>
  ) throws {
    for row in 0..<times.count {
      let state = (0..<8).map { states[8 * row + $0] }
      let distance = self.states[times[row].s].map { known in
        zip(known, state).map { abs($0 - $1) }.max() ?? 0
      }
      let isProbe = distance.map { 0 < $0 && $0 < 0.1 } ?? false
      if !isProbe { self.states[times[row].s] = state }
      for k in 0..<8 { predictions[8 * row + k] = isProbe ? .nan : 0 }
    }
  }
}
