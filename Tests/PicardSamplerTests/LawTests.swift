import Diffusion
import PicardSampler
import Testing

/// Samples of a Gaussian against the law that the recursion of `GaussianLaw`
/// gives: with n samples the standard error of a mean is sqrt(v/n), that of a
/// variance v sqrt(2/n). Sixty-four comparisons at five of them raise a false alarm
/// once in 27000 seeds, and the seed is fixed.
@Suite struct LawTests {
  let target = try! Gaussian<Double>(mean: [0.5, -1, 0, 2], variances: [0.02, 0.3, 1, 3])
  let grid = try! TimeGrid.shrinking(steps: 24, horizon: 8, earlyStop: 1e-2)

  @Test(
    "the moments of many samples are those of the law",
    arguments: [SamplingMethod.piadmSDE, .piadmODE, .ddpm, .ddim], [false, true])
  func moments(method: SamplingMethod, inParallel: Bool) throws {
    let map = try StepMap(method.stepMap, on: grid, noiseLevel: method.defaultNoiseLevel)
    let settings = LangevinCorrector.Settings(steps: method.defaultCorrectorSteps)
    var law = GaussianLaw(target: target)
    for block in try grid.blocks(method.defaultBlocks) {
      law.advance(map, over: block)
      if settings.steps > 0 { law.correct(settings, at: grid.nodes[block.upperBound]) }
    }
    let trajectory = try Trajectory(
      method.stepMap, on: grid, noiseLevel: method.defaultNoiseLevel, blocks: method.defaultBlocks,
      corrector: settings)
    let count = inParallel ? 4000 : 20_000
    let batch = ScoreBatch(target, rows: 64)
    let (noise, samples) = (CounterNoise(seed: 11), Array(0..<count))
    let states: [[Double]]
    if inParallel {
      // Far below the standard errors, at a few rounds.
      let options = PicardOptions(stop: .tolerance(1e-4), extent: .window(8), trajectory: trajectory)
      states = try PicardSolver(
        trajectory, options: options, batch: batch, ring: SingleRank(), noise: noise,
        samples: samples
      ).run().samples.map(\.state)
    } else {
      states = try SequentialSolver(trajectory, batch: batch, noise: noise, samples: samples)
        .run().samples.map(\.state)
    }
    for k in 0..<4 {
      let mean = states.reduce(0) { $0 + $1[k] } / Double(count)
      let variance = states.reduce(0) { $0 + ($1[k] - mean) * ($1[k] - mean) } / Double(count)
      #expect(abs(mean - law.mean[k]) < 5 * (law.variance[k] / Double(count)).squareRoot())
      #expect(abs(variance / law.variance[k] - 1) < 5 * (2 / Double(count)).squareRoot())
    }
  }

  @Test("the corrector brings a coarse ODE closer to the true law")
  func corrector() throws {
    let map = try StepMap(.exponential, on: grid, noiseLevel: 0)
    let end = grid.nodes[24]
    func divergence(_ correctorSteps: Int) throws -> Double {
      var law = GaussianLaw(target: target)
      for block in try grid.blocks(4) {
        law.advance(map, over: block)
        law.correct(.init(steps: correctorSteps), at: grid.nodes[block.upperBound])
      }
      return law.divergence(at: end)
    }
    let (plain, corrected) = (try divergence(0), try divergence(16))
    #expect(corrected < plain / 2)
  }
}
