import Diffusion
import Foundation
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

@Suite struct LawOrderTests {
  /// A spread of variances, none of them 1, where every step map is exact.
  static let variances = [0.05, 0.2, 0.6, 2, 4]

  struct Expected: Sendable {
    var kind: StepMap.Kind
    var noiseLevel: Double
    var correctorSteps = 0
    var churn: Double?
    var order: Double
  }

  /// Errors of the moments are of order p, and the divergence is quadratic in
  /// them: it falls as the power 2p of the step.
  @Test(
    "the order in the step size is 1 for exponential and posterior, 2 for multistep",
    arguments: [
      Expected(kind: .exponential, noiseLevel: 1, order: 1),
      Expected(kind: .exponential, noiseLevel: 0, order: 1),
      Expected(kind: .exponential, noiseLevel: 0.5, order: 1),
      Expected(kind: .exponential, noiseLevel: 0, correctorSteps: 1, order: 1),
      Expected(kind: .posterior, noiseLevel: 1, order: 1),
      Expected(kind: .posterior, noiseLevel: 0, order: 1),
      Expected(kind: .multistep, noiseLevel: 0, order: 2),
      Expected(kind: .dataMultistep(order: 2, .heun), noiseLevel: 0, order: 2),
      Expected(kind: .dataMultistep(order: 2), noiseLevel: 1, order: 2),
      Expected(kind: .noiseMultistep(order: 2), noiseLevel: 0, order: 2),
      Expected(kind: .deis(order: 2), noiseLevel: 0, order: 2),
      Expected(kind: .heun(.noiseLevel), noiseLevel: 0, order: 2),
      Expected(kind: .heun(.flowTime), noiseLevel: 0, order: 2),
      Expected(kind: .heun(.noiseLevel), noiseLevel: 0, churn: 20, order: 2),
      Expected(kind: .posterior, noiseLevel: 0, churn: 20, order: 1),
      Expected(kind: .middle, noiseLevel: 0, order: 2),
      Expected(kind: .pairs, noiseLevel: 0, order: 2),
    ])
  func order(expected: Expected) throws {
    let steps = [512, 1024, 2048, 4096]
    let errors = try steps.map { try divergence(expected, steps: $0).squareRoot() }
    // Least squares of the logarithms over halvings of the step.
    let y = errors.map { log2($0) }
    let order = (3 * (y[0] - y[3]) + (y[1] - y[2])) / 10
    #expect(abs(order - expected.order) < 0.05, "\(errors)")
    // What is left of the power law: the local orders agree with the fitted one.
    for (a, b) in zip(y, y.dropFirst()) { #expect(abs(a - b - order) < 0.1) }
  }

  /// From noise time 30, where the mean is within 2e-7 of that of noise.
  private func divergence(_ expected: Expected, steps: Int) throws -> Double {
    let grid = try TimeGrid.shrinking(steps: steps, horizon: 30, earlyStop: 0.05)
    let map = try StepMap(
      expected.kind, on: grid, noiseLevel: expected.noiseLevel, churn: expected.churn.map { Churn(amount: $0) })
    var law = GaussianLaw(
      target: try Gaussian<Double>(mean: Self.variances.map { _ in 0.5 }, variances: Self.variances))
    law.advance(map, over: 0..<steps)
    if expected.correctorSteps > 0 { law.correct(.init(steps: steps / 4), at: grid.nodes[steps]) }
    return law.divergence(at: grid.nodes[steps])
  }

  /// Few steps, since these errors soon are what is left of the mean at the first node. DPM-Solver++
  /// 3M is of order 2 as published, with a small constant: with few steps it looks like 3.
  @Test(
    "the order in the step size is one above its own for UniPC, its own for DEIS, and 2 for DPM-Solver++ 3M",
    arguments: [
      (Expected(kind: .unipc(order: 2), noiseLevel: 0, order: 3), 128),
      (Expected(kind: .unipc(order: 2, .bh1), noiseLevel: 0, order: 3), 128),
      (Expected(kind: .unipc(order: 3), noiseLevel: 0, order: 4), 128), (Expected(kind: .deis(order: 3), noiseLevel: 0, order: 3), 128),
      (Expected(kind: .dataMultistep(order: 3), noiseLevel: 0, order: 2), 1024),
    ])
  func highOrder(expected: Expected, least: Int) throws {
    let steps = [least, 2 * least]
    let errors = try steps.map { try divergence(expected, steps: $0).squareRoot() }
    #expect(abs(log2(errors[0] / errors[1]) - expected.order) < 0.25, "\(errors)")
  }

  /// The map has no noise, so every state is an affine function of the first
  /// one: its slope and constant, found by carrying 0 and 1 along, give the law.
  @Test("the law of the multistep map is that of the affine function it computes")
  func multistep() throws {
    let target = try Gaussian<Double>(mean: [0.5, -1], variances: [0.2, 3])
    let grid = try TimeGrid.shrinking(steps: 30, horizon: 6, earlyStop: 0.05)
    let map = try StepMap(.multistep, on: grid, noiseLevel: 0)
    var law = GaussianLaw(target: target)
    for block in try grid.blocks(3) { law.advance(map, over: block) }
    for k in 0..<2 {
      func carry(_ start: Double) -> Double {
        var (y, earlier) = (start, 0.0)
        for (step, node) in zip(map.steps, grid.nodes) {
          let variance = node.alpha * node.alpha * target.variances[k] + node.sigma * node.sigma
          let score = -(y - node.alpha * target.mean[k]) / variance
          let denoised = (y + node.sigma * node.sigma * score) / node.alpha
          y = step.state * y + step.value * denoised + (step.history.first ?? 0) * earlier
          earlier = denoised
        }
        return y
      }
      let (constant, slope) = (carry(0), carry(1) - carry(0))
      #expect(abs(law.mean[k] - constant) < 1e-12)
      #expect(abs(law.variance[k] - slope * slope) < 1e-12)
    }
  }

  @Test("errors of coordinates add up to the divergence, up to its direction")
  func errors() throws {
    let grid = try TimeGrid.shrinking(steps: 2000, horizon: 12, earlyStop: 0.05)
    var law = GaussianLaw(target: try Gaussian<Double>(mean: [1, 2], variances: [0.3, 2]))
    law.advance(try StepMap(.exponential, on: grid, noiseLevel: 1), over: 0..<2000)
    let node = grid.nodes[2000]
    let sum = law.errors(at: node).reduce(0) { $0 + $1.divergence }
    // The two directions differ in the third power of relative errors of 1e-3.
    #expect(abs(sum / law.divergence(at: node) - 1) < 0.01)
  }

  /// The data processing inequality: final states are functions of paths. The
  /// divergence of paths is of first order in the step.
  @Test("the divergence of paths bounds that of states, and halves with the step")
  func paths() throws {
    func divergences(_ steps: Int) throws -> (paths: Double, states: Double) {
      let grid = try TimeGrid.shrinking(steps: steps, horizon: 30, earlyStop: 0.05)
      var law = GaussianLaw(
        target: try Gaussian<Double>(mean: Self.variances.map { _ in 0 }, variances: Self.variances))
      law.advance(try StepMap(.exponential, on: grid, noiseLevel: 1), over: 0..<steps)
      return (
        pathDivergence(variances: Self.variances, on: grid).reduce(0, +),
        law.errors(at: grid.nodes[steps]).reduce(0) { $0 + $1.divergence }
      )
    }
    let (coarse, fine) = (try divergences(1000), try divergences(2000))
    #expect(coarse.paths > coarse.states && fine.paths > fine.states)
    #expect(abs(log2(coarse.paths / fine.paths) - 1) < 0.02)
  }

  /// Girsanov's integral by quadrature, for one step and one variance.
  @Test("the divergence of paths is Girsanov's integral")
  func girsanov() throws {
    let (variance, from, to) = (0.3, 0.9, 0.5)
    let grid = try TimeGrid(noiseTimes: [from, to])
    func spread(_ s: Double) -> Double { 1 + (variance - 1) * exp(-s) }
    let pieces = 100_000
    let integral = (0..<pieces).reduce(0.0) { sum, piece in
      let s = to + (from - to) * (Double(piece) + 0.5) / Double(pieces)
      return sum + (1 / spread(s) + 1 / spread(from) - 2 * exp((s - from) / 2) / spread(from))
        * (from - to) / Double(pieces)
    }
    let start = spread(from)
    let expected = 0.5 * (start - 1 - log(start)) + 0.5 * integral
    #expect(abs(pathDivergence(variances: [variance], on: grid)[0] - expected) < 1e-9)
  }

  @Test("a pair of equal components at the origin has the law of a Gaussian")
  func pair() throws {
    let grid = try TimeGrid.shrinking(steps: 40, horizon: 6, earlyStop: 0.05)
    let pair = try PairLaw(offset: 0, variance: 0.3, weight: 0.4, on: grid)
    var law = GaussianLaw(target: try Gaussian<Double>(mean: [0], variances: [0.3]))
    law.advance(try StepMap(.exponential, on: grid, noiseLevel: 1), over: 0..<40)
    let expected = law.errors(at: grid.nodes[40])[0]
    #expect(abs(pair.error.divergence - expected.divergence) < 1e-8)
    #expect(abs(pair.error.squaredDistance / expected.squaredDistance - 1) < 0.01)
  }

  @Test("the score of a field is that of its covariance, built by hand", arguments: [2, 4, 8])
  func field(side: Int) throws {
    let field = try GaussianField<Double>(side: side, scale: 3, corner: 0.2, exponent: 2)
    let d = side * side
    // Orthonormal rows cas(2 pi j k / side) / side of the transform along both axes.
    func cas(_ j: Int, _ k: Int) -> Double {
      let angle = 2 * Double.pi * Double(j * k) / Double(side)
      return (cos(angle) + sin(angle)) / Double(side).squareRoot()
    }
    let state = (0..<d).map { sin(Double(3 * $0 + 1)) }
    let node = NoiseTime(s: 0.4)
    var expected = [Double](repeating: 0, count: d)
    for row in 0..<side {
      for column in 0..<side {
        let basis = (0..<d).map { cas(row, $0 / side) * cas(column, $0 % side) }
        let coefficient = zip(basis, state).reduce(0) { $0 + $1.0 * $1.1 }
        let variance =
          node.alpha * node.alpha * field.variances[row * side + column] + node.sigma * node.sigma
        for k in 0..<d { expected[k] -= coefficient / variance * basis[k] }
      }
    }
    var output = [Double](repeating: 0, count: d)
    var span = output.mutableSpan
    field.predict(state.span, at: [node].span, into: &span)
    for k in 0..<d { #expect(abs(output[k] - expected[k]) < 1e-12) }
  }
}
