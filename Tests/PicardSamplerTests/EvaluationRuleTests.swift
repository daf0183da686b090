import Diffusion
import Foundation
import PicardSampler
import Testing

/// Which slices a round evaluates, and that what it leaves out costs no accuracy.
@Suite("evaluations of what has moved") struct EvaluationRuleTests {
  private func rule(_ change: (inout PicardOptions) -> Void) throws -> EvaluationRule {
    let trajectory = try SamplerCase(method: .ddpm).trajectory(steps: 1000)
    var options = PicardOptions(trajectory: trajectory)
    change(&options)
    return options.evaluationRule(trajectory)
  }

  @Test("a slice may move by a tenth of the tolerance, and by nothing where there is no tolerance or no slope")
  func distances() throws {
    #expect(try rule { _ in }.distance == 1e-4)
    #expect(try rule { $0.movement = 0.5 }.distance == 5e-4)
    for stop in [StopRule.tolerance(0), .iterations(5)] { #expect(try rule { $0.stop = stop }.distance == 0) }
    for linearization in [Linearization.linearPart, .increment, .jacobi] {
      #expect(try rule { $0.linearization = linearization }.distance == 0)
    }
    #expect(try rule { $0.anderson = AndersonMixing(history: 2) }.distance == 0)
  }

  @Test("first rounds take every n-th slice, a power of 2 within a chunk, in blocks alone")
  func strides() throws {
    #expect(try rule { _ in }.largestStride == 16)
    #expect(try rule { $0.chunk = 7 }.largestStride == 4)
    #expect(try rule { $0.stride = 1 }.largestStride == 1)
    #expect(try rule { $0.extent = .window(64) }.largestStride == 1)
    #expect(try rule { $0.movement = 0 }.largestStride == 1)
    let few = try SamplerCase(method: .ddpm).trajectory(steps: 20)
    #expect(PicardOptions(chunk: 4, trajectory: few).evaluationRule(few).largestStride == 1)
  }

  @Test(
    "two thirds of the evaluations at most, and the tolerance kept", arguments: [SamplingMethod.ddpm, .piadmSDE, .ddim, .multistep],
    [Linearization.elementwise, .secant])
  func savings(method: SamplingMethod, linearization: Linearization) throws {
    let trajectory = try SamplerCase(method: method).trajectory(steps: 400)
    let samples = [0, 1, 2, 3]
    let reference: [[Double]] = try sequential(trajectory, dimension: 16, samples: samples)
    func drawn(_ movement: Double) throws -> Drawn<Double> {
      var options = PicardOptions(linearization: linearization, trajectory: trajectory)
      options.movement = movement
      return try Drawn<Double>(trajectory, options, dimension: 16, samples: samples)
    }
    let (all, moved) = (try drawn(0), try drawn(PicardOptions.defaultMovement))
    #expect(3 * moved.evaluations <= 2 * all.evaluations)
    // Three rounds leave slices out.
    #expect(moved.rounds <= all.rounds + 3)
    for (state, expected) in zip(moved.states, reference) { #expect(distance(state, expected) <= 1e-3) }
  }

  /// Between two modes far apart a small change of an early state decides much of the last one,
  /// by far more than of normal data: without the weights by slopes the error is up to twice
  /// the tolerance.
  @Test("states between two modes end within the tolerance", arguments: [1e-3, 1e-4], [60, 300])
  func betweenModes(tolerance: Double, steps: Int) throws {
    let grid = try TimeGrid.shrinking(steps: steps, horizon: 8, earlyStop: 1e-2)
    let trajectory = try Trajectory(.posterior, on: grid, noiseLevel: 0)
    let target = try GaussianMixture<Double>(means: [[1], [-1]], variance: 0.05, weights: [0.5, 0.5])
    let samples = Array(0..<64)
    let noise = RecordedNoise(
      initialStates: samples.map { 0.001 + 0.3 * Double($0) / 64 }, stepNoise: nil, samples: 64,
      otherwise: CounterNoise(seed: 0))
    let reference = try SequentialSolver(
      trajectory, batch: ScoreBatch(target, rows: 64), noise: noise, samples: samples
    ).run().samples.map(\.state)
    let states = try PicardSolver(
      trajectory, options: PicardOptions(stop: .tolerance(tolerance), trajectory: trajectory),
      batch: ScoreBatch(target, rows: 64), ring: SingleRank(), noise: noise, samples: samples
    ).run().samples.map(\.state)
    for (state, expected) in zip(states, reference) { #expect(distance(state, expected) <= tolerance) }
  }

  /// The slope of the estimate has another sign after a thousandth of the data's scale.
  @Test("a slope that changes its sign between two evaluations costs no accuracy", arguments: [StepMap.Kind.posterior, .exponential])
  func ripples(kind: StepMap.Kind) throws {
    let grid = try TimeGrid.shrinking(steps: 300, horizon: 8, earlyStop: 1e-2)
    let trajectory = try Trajectory(kind, on: grid, noiseLevel: 0)
    let samples = Array(0..<16)
    let noise = CounterNoise(seed: 9)
    let reference = try SequentialSolver(
      trajectory, batch: ScoreBatch(Ripples(), rows: 64), noise: noise, samples: samples
    ).run().samples.map(\.state)
    let states = try PicardSolver(
      trajectory, options: PicardOptions(trajectory: trajectory), batch: ScoreBatch(Ripples(), rows: 64),
      ring: SingleRank(), noise: noise, samples: samples
    ).run().samples.map(\.state)
    for (state, expected) in zip(states, reference) { #expect(distance(state, expected) <= 1e-3) }
  }
}

/// Predicts data that follow the state, with ripples.
private struct Ripples: ScoreModel {
  let shape = [3]
  let parametrization = Parametrization.sample

  func predict(
    _ states: Span<Double>, at times: Span<NoiseTime>, into predictions: inout MutableSpan<Double>
  ) throws {
    for k in 0..<predictions.count { predictions[k] = 0.3 * states[k] + 2.0 / 3000 * sin(3000 * states[k]) }
  }
}
