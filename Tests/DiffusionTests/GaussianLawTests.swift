import Diffusion
import Testing

@Suite struct GaussianLawTests {
  let target = try! Gaussian<Double>(mean: [0.5, -1, 0], variances: [0.02, 1, 3])
  let grid = try! TimeGrid.shrinking(steps: 24, horizon: 8, earlyStop: 1e-2)

  /// Numbers of an independent numpy implementation.
  @Test func theLawOfDDPMAgreesWithAnIndependentImplementation() throws {
    var law = GaussianLaw(target: target)
    law.advance(try StepMap(.posterior, on: grid, noiseLevel: 1), over: 0..<24)
    for (value, expected) in zip(
      law.mean + law.variance, [0.49750122, -0.99467534, 0, 0.02536736, 0.75691945, 2.2307137])
    {
      #expect(abs(value - expected) < 1e-8)
    }
  }

  @Test func theLawOfPiadmODEAgreesWithAnIndependentImplementation() throws {
    var law = GaussianLaw(target: target)
    let map = try StepMap(.exponential, on: grid, noiseLevel: 0)
    for block in try grid.blocks(4) {
      law.advance(map, over: block)
      law.correct(.init(), at: grid.nodes[block.upperBound])
    }
    for (value, expected) in zip(
      law.mean + law.variance,
      [0.49740465, -0.99216337, 0, 0.03449802, 1.02038249, 2.90482207])
    {
      #expect(abs(value - expected) < 1e-8)
    }
  }

  /// The exact dynamics leave its target unchanged; of the integrator's error
  /// (order 1 in the step) less than 1% is left at 4000 steps.
  @Test func theCorrectorLeavesItsTargetNearlyUnchanged() throws {
    let node = NoiseTime(s: 0.3)
    var law = GaussianLaw(target: target)
    let fine = try TimeGrid.uniform(steps: 4000, horizon: 12, earlyStop: 0.3)
    law.advance(try StepMap(.posterior, on: fine, noiseLevel: 1), over: 0..<4000)
    let before = law
    law.correct(.init(steps: 4000, time: 3, friction: 2), at: node)
    for k in 0..<3 {
      let exact = node.alpha * node.alpha * target.variances[k] + node.sigma * node.sigma
      #expect(abs(law.variance[k] / exact - 1) < 0.01)
      #expect(abs(law.variance[k] / before.variance[k] - 1) < 0.01)
    }
  }
}
