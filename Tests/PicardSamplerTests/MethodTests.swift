import Diffusion
import PicardSampler
import Testing

/// Methods with stages, histories, churn and Langevin steps.
@Suite("methods") struct MethodTests {
  struct Method: CustomStringConvertible, Sendable {
    var method: SamplingMethod
    var blocks = 1
    var churn: Churn?
    var langevin: LangevinSteps?

    var description: String {
      "\(method.rawValue)\(churn == nil ? "" : " with churn")\(langevin == nil ? "" : " with Langevin steps"), \(blocks) blocks"
    }

    func trajectory(steps: Int = 17) throws -> Trajectory {
      try Trajectory(
        method.stepMap, on: .karras(steps: steps, horizon: 6, earlyStop: 0.01), noiseLevel: method.defaultNoiseLevel,
        blocks: blocks, churn: churn, langevin: langevin)
    }

    func noise(_ trajectory: Trajectory) -> any NoiseSource {
      let drawn = CounterNoise(seed: 42)
      return trajectory.start.map { ChurnedStart(drawn, churn: $0) } ?? drawn
    }

    static let all =
      SamplingMethod.allCases.filter { ![.piadmSDE, .piadmODE, .ddpm, .ddim].contains($0) }.map { Method(method: $0) }
      + [
        Method(method: .heun, blocks: 3), Method(method: .unipc3, blocks: 2), Method(method: .plms, blocks: 4),
        Method(method: .heun, churn: Churn(amount: 5)), Method(method: .ddim, churn: Churn(amount: 5, least: 0.3, greatest: 8, noise: 1.01)),
        Method(method: .middle, churn: Churn(amount: 3)), Method(method: .ddpm, langevin: LangevinSteps(count: 2)),
        Method(method: .heun, churn: Churn(amount: 2), langevin: LangevinSteps(count: 1, ratio: 0.1)),
      ]
  }

  static let cases: [(Extent, Int)] = [(.blocks, 17), (.blocks, 1), (.window(6), 3), (.window(3, maximum: 12), 2)]

  private func states(
    _ method: Method, _ trajectory: Trajectory, _ options: PicardOptions, ranks: Int = 1
  ) throws -> (states: [[Float]], rounds: Int) {
    let results = try VirtualRing.run(ranks) { ring in
      try PicardSolver(
        trajectory, options: options, batch: ScoreBatch<Float>(try mixture(6), rows: 16), ring: ring,
        noise: method.noise(trajectory), samples: [0, 1]
      ).run()
    }
    return (results.flatMap(\.samples).sorted { $0.number < $1.number }.map(\.state), results[0].record.rounds)
  }

  private func sequentialStates(_ method: Method, _ trajectory: Trajectory) throws -> [[Float]] {
    try SequentialSolver(
      trajectory, batch: ScoreBatch<Float>(try mixture(6), rows: 16), noise: method.noise(trajectory), samples: [0, 1]
    ).run().samples.map(\.state)
  }

  @Test("at tolerance 0 the result is the sequential sampler's, to the bit", arguments: Method.all)
  func toleranceZero(method: Method) throws {
    let trajectory = try method.trajectory()
    let reference = try sequentialStates(method, trajectory)
    for linearization in [Linearization.elementwise, .secant, .linearPart] {
      for (extent, chunk) in Self.cases {
        let options = PicardOptions(
          linearization: linearization, stop: .tolerance(0), extent: extent, chunk: chunk, trajectory: trajectory)
        #expect(try states(method, trajectory, options, ranks: 2).states == reference, "\(linearization), \(extent), chunk \(chunk)")
      }
    }
  }

  @Test("the number of ranks enters no bit", arguments: Method.all)
  func ranks(method: Method) throws {
    let trajectory = try method.trajectory()
    for (extent, chunk) in Self.cases.dropFirst() {
      let options = PicardOptions(stop: .tolerance(1e-3), extent: extent, chunk: chunk, trajectory: trajectory)
      let alone = try states(method, trajectory, options)
      for ranks in [2, 3, 7] {
        let together = try states(method, trajectory, options, ranks: ranks)
        #expect(together.states == alone.states && together.rounds == alone.rounds, "\(extent), chunk \(chunk), \(ranks) ranks")
      }
    }
  }

  @Test("methods and their settings draw different samples")
  func different() throws {
    var drawn: [[Float]: String] = [:]
    // DPM-Solver-2 of the heun type is DEIS of order 2.
    for method in Method.all where method.blocks == 1 && method.method != .noiseMultistepHeun {
      let state = try sequentialStates(method, method.trajectory())[0]
      #expect(drawn[state] == nil, "\(method) draws what \(drawn[state] ?? "") does")
      drawn[state] = "\(method)"
    }
  }

  /// Algorithms 1 and 2 of Karras et al. (NeurIPS 2022) in their own words: `x` of variance
  /// `1 + sigma^2`, slopes `(x - D) / sigma`.
  @Test(
    "EDM's algorithms are what is drawn, with churn in and out of its range",
    arguments: [
      nil, Churn(amount: 8), Churn(amount: 8, least: 0.2, greatest: 4, noise: 1.007), Churn(amount: 40), Churn(amount: 8, greatest: 0.5),
    ], [true, false])
  func edm(churn: Churn?, isHeun: Bool) throws {
    let (steps, dimension) = (18, 6)
    let grid = try TimeGrid(nodes: TimeGrid.karras(steps: steps - 1, horizon: 8, earlyStop: 1e-3).nodes + [.clean])
    let levels = grid.nodes.map(\.edmSigma)
    let model: GaussianMixture<Double> = try mixture(dimension)
    func denoised(_ x: [Double], _ sigma: Double) -> [Double] {
      let node = NoiseTime(edmSigma: sigma)
      let y = x.map { $0 * node.alpha }
      var score = [Double](repeating: 0, count: dimension)
      var span = score.mutableSpan
      model.predict(y.span, at: [node].span, into: &span)
      return zip(y, score).map { ($0 + node.sigma * node.sigma * $1) / node.alpha }
    }
    let noise = CounterNoise(seed: 42)
    let start: [Double] = noise.normals(dimension, stream: .initialState, step: 0, sample: 0)
    var x = start.map { $0 / grid.nodes[0].alpha }
    for (i, t) in levels.dropLast().enumerated() {
      var sigma = t
      if let churn, t >= churn.least, t <= churn.greatest {
        sigma = t + min(churn.amount / Double(steps), 2.0.squareRoot() - 1) * t
        let e: [Double] = noise.normals(dimension, stream: .step, step: i, sample: 0)
        for k in x.indices { x[k] += (sigma * sigma - t * t).squareRoot() * churn.noise * e[k] }
      }
      let next = levels[i + 1]
      let slope = zip(x, denoised(x, sigma)).map { ($0 - $1) / sigma }
      var moved = zip(x, slope).map { $0 + (next - sigma) * $1 }
      if isHeun, next > 0 {
        let second = zip(moved, denoised(moved, next)).map { ($0 - $1) / next }
        moved = x.indices.map { x[$0] + (next - sigma) * (slope[$0] + second[$0]) / 2 }
      }
      x = moved
    }
    let method = Method(method: isHeun ? .heun : .ddim, churn: churn)
    let trajectory = try Trajectory(method.method.stepMap, on: grid, noiseLevel: 0, churn: churn)
    #expect(trajectory.slices == (isHeun ? 2 * steps - 1 : steps))
    let drawn = try SequentialSolver(
      trajectory, batch: ScoreBatch<Double>(model, rows: 16), noise: method.noise(trajectory), samples: [0]
    ).run().samples[0].state
    for (value, expected) in zip(drawn, x) { #expect(abs(value - expected) < 1e-9) }
  }

  /// `y' = y + e score + sqrt(2 e) z` before every step, which does not know of it.
  @Test("Langevin steps come before every step, at its noise time", arguments: [SamplingMethod.ddpm, .piadmSDE])
  func langevin(method: SamplingMethod) throws {
    let (dimension, steps) = (6, LangevinSteps(count: 2, ratio: 0.2))
    let grid = try TimeGrid.karras(steps: 9, horizon: 6, earlyStop: 0.01)
    let map = try StepMap(method.stepMap, on: grid, noiseLevel: 1)
    let model: GaussianMixture<Double> = try mixture(dimension)
    let noise = CounterNoise(seed: 42)
    var y: [Double] = noise.normals(dimension, stream: .initialState, step: 0, sample: 0)
    func score(_ node: NoiseTime) -> [Double] {
      var score = [Double](repeating: 0, count: dimension)
      var span = score.mutableSpan
      model.predict(y.span, at: [node].span, into: &span)
      return score
    }
    for (i, step) in map.steps.enumerated() {
      let node = grid.nodes[i]
      for k in 0..<steps.count {
        let size = 2 * (steps.ratio * node.sigma) * (steps.ratio * node.sigma)
        let z: [Double] = noise.normals(dimension, stream: .langevin, step: i * steps.count + k, sample: 0)
        let s = score(node)
        for e in y.indices { y[e] += size * s[e] + (2 * size).squareRoot() * z[e] }
      }
      let (p, q) = Parametrization.score.conversion(to: map.quantity, at: node)
      let xi: [Double] = noise.normals(dimension, stream: .step, step: i, sample: 0)
      let s = score(node)
      for e in y.indices { y[e] = step.state * y[e] + step.value * (p * y[e] + q * s[e]) + step.noise * xi[e] }
    }
    let trajectory = try Trajectory(method.stepMap, on: grid, noiseLevel: 1, langevin: steps)
    let drawn = try SequentialSolver(
      trajectory, batch: ScoreBatch<Double>(model, rows: 16), noise: noise, samples: [0]
    ).run().samples[0].state
    for (value, expected) in zip(drawn, y) { #expect(abs(value - expected) < 1e-9) }
  }
}
