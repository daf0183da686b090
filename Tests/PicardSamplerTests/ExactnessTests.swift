import Diffusion
import Foundation
import PicardSampler
import Testing

func cosine(_ x: Double) -> Double { cos(x) }

@Suite struct ExactnessTests {
  @Test(
    "at tolerance 0 the result is the sequential sampler's, to the bit",
    arguments: SamplerCase.all, Linearization.allCases)
  func toleranceZero(sampler: SamplerCase, linearization: Linearization) throws {
    let trajectory = try sampler.trajectory()
    let single: [[Float]] = try sequential(trajectory)
    let double: [[Double]] = try sequential(trajectory)
    let cases: [(Extent, Int?)] = [
      (.blocks, nil), (.blocks, 5), (.window(12), nil), (.window(12, maximum: 30), 5), (.window(7), 1),
    ]
    for (extent, chunk) in cases {
      let options = PicardOptions(
        linearization: linearization, stop: .tolerance(0), extent: extent, chunk: chunk, trajectory: trajectory)
      #expect(try Drawn<Float>(trajectory, options).states == single)
      #expect(try Drawn<Double>(trajectory, options).states == double)
    }
  }

  @Test("changes whose squares vanish still count at tolerance 0")
  func tinyStates() throws {
    let trajectory = try SamplerCase(method: .piadmODE).trajectory()
    let target = try Gaussian<Double>(mean: [0, 0, 0], variances: [0.02, 0.3, 3])
    let noise = RecordedNoise(
      initialStates: [1e-200, -2e-200, 3e-200], stepNoise: nil, samples: 1,
      otherwise: CounterNoise(seed: 0))
    let reference = try SequentialSolver(
      trajectory, batch: ScoreBatch(target, rows: 16), noise: noise, samples: [0]
    ).run().samples[0].state
    for extent in [Extent.blocks, .window(8)] {
      let solver = PicardSolver(
        trajectory, options: PicardOptions(stop: .tolerance(0), extent: extent, trajectory: trajectory),
        batch: ScoreBatch(target, rows: 16), ring: SingleRank(), noise: noise, samples: [0])
      #expect(try solver.run().samples[0].state == reference)
    }
  }

  @Test(
    "the number of ranks enters no bit", arguments: SamplerCase.all,
    [StopRule.tolerance(1e-3), .iterations(4)])
  func ranks(sampler: SamplerCase, stop: StopRule) throws {
    let trajectory = try sampler.trajectory()
    let cases: [(Extent, Int?)] = [(.blocks, nil), (.blocks, 3), (.window(12), 2), (.window(3, maximum: 20), 4)]
    for (extent, chunk) in cases {
      let options = PicardOptions(stop: stop, extent: extent, chunk: chunk, trajectory: trajectory)
      let alone = try Drawn<Float>(trajectory, options, samples: [0, 1, 2])
      for ranks in [2, 3, 4, 7] {
        let together = try Drawn<Float>(trajectory, options, ranks: ranks, samples: [0, 1, 2])
        #expect(together.states == alone.states)
        #expect(together.rounds == alone.rounds)
        #expect(together.evaluations == alone.evaluations)
      }
    }
  }

  @Test("Anderson mixing keeps the fixed point, the front and the independence of ranks", arguments: SamplerCase.all, Linearization.allCases)
  func anderson(sampler: SamplerCase, linearization: Linearization) throws {
    let trajectory = try sampler.trajectory(steps: 24)
    let reference: [[Float]] = try sequential(trajectory, samples: [0, 1])
    for extent in [Extent.blocks, .window(8)] {
      var options = PicardOptions(
        linearization: linearization, stop: .tolerance(0), extent: extent, chunk: 3,
        anderson: AndersonMixing(history: 2), trajectory: trajectory)
      #expect(try Drawn<Float>(trajectory, options, samples: [0, 1]).states == reference)
      options.stop = .tolerance(1e-3)
      let alone = try Drawn<Float>(trajectory, options, samples: [0, 1])
      let together = try Drawn<Float>(trajectory, options, ranks: 3, samples: [0, 1])
      #expect(together.states == alone.states)
      #expect(try Drawn<Float>(trajectory, options, samples: [1]).states[0] == alone.states[1])
    }
  }

  @Test("Anderson mixing needs fewer rounds than the increment alone")
  func andersonAccelerates() throws {
    let trajectory = try SamplerCase(method: .ddpm).trajectory(steps: 120)
    let rounds = try [nil, AndersonMixing(history: 3)].map { anderson in
      let options = PicardOptions(
        linearization: .increment, anderson: anderson, trajectory: trajectory)
      return try Drawn<Double>(trajectory, options, dimension: 16).rounds
    }
    #expect(rounds[1] < rounds[0])
  }

  @Test("a sample is the same whatever is drawn beside it, in whatever batches", arguments: SamplerCase.all)
  func companions(sampler: SamplerCase) throws {
    let trajectory = try sampler.trajectory()
    for extent in [Extent.blocks, .window(12)] {
      let options = PicardOptions(extent: extent, trajectory: trajectory)
      let together = try Drawn<Float>(trajectory, options, samples: [0, 1, 2, 3, 4], rows: 64)
      for sample in [0, 2, 4] {
        let alone = try Drawn<Float>(trajectory, options, samples: [sample], rows: 3)
        #expect(alone.states[0] == together.states[sample])
      }
    }
  }

  @Test("after as many rounds as slices a block is exact", arguments: Linearization.allCases)
  func frontOfExactness(linearization: Linearization) throws {
    let trajectory = try SamplerCase(method: .ddpm).trajectory(steps: 15)
    let reference: [[Double]] = try sequential(trajectory)
    let options = PicardOptions(
      linearization: linearization, stop: .iterations(15), chunk: 4, trajectory: trajectory)
    #expect(try Drawn<Double>(trajectory, options).states == reference)
  }

  /// The stop rule bounds the last change, not the error; the iteration
  /// contracts, so the error is of the tolerance's order.
  @Test("the distance to the sequential sampler is of the order of the tolerance", arguments: SamplerCase.all)
  func tolerance(sampler: SamplerCase) throws {
    let trajectory = try sampler.trajectory()
    let reference: [[Double]] = try sequential(trajectory)
    for extent in [Extent.blocks, .window(12)] {
      for tolerance in [1e-2, 1e-4, 1e-6] {
        let options = PicardOptions(
          stop: .tolerance(tolerance), extent: extent, trajectory: trajectory)
        let drawn = try Drawn<Double>(trajectory, options)
        #expect(distance(drawn.states[0], reference[0]) <= 10 * tolerance)
        #expect(drawn.rounds < trajectory.slices)
      }
    }
  }

  @Test("the secant needs fewer rounds than the paper's iteration, and that fewer than none")
  func linearizations() throws {
    let trajectory = try SamplerCase(method: .piadmSDE).trajectory(steps: 120)
    let rounds = try Dictionary(
      uniqueKeysWithValues: Linearization.allCases.map { linearization in
        let options = PicardOptions(linearization: linearization, trajectory: trajectory)
        return (linearization, try Drawn<Double>(trajectory, options, dimension: 16).rounds)
      })
    #expect(rounds[.secant]! < rounds[.increment]!)
    #expect(rounds[.increment]! < rounds[.linearPart]!)
    #expect(rounds[.linearPart]! < rounds[.jacobi]!)
  }

  /// The Jacobian is diagonal, with elements that differ by five orders of
  /// magnitude: one slope for all elements cannot be right.
  @Test(
    "elementwise slopes need fewer rounds than the secant where elements differ",
    arguments: [StepMap.Kind.posterior, .exponential], [0.0, 1])
  func elementwise(kind: StepMap.Kind, noiseLevel: Double) throws {
    let grid = try TimeGrid.shrinking(steps: 240, horizon: 8, earlyStop: 1e-3)
    let trajectory = try Trajectory(kind, on: grid, noiseLevel: noiseLevel)
    let target = try Gaussian<Double>(
      mean: [Double](repeating: 0, count: 16), variances: (0..<16).map { pow(10, -Double($0) / 3) })
    let rounds = try [Linearization.elementwise, .secant].map { linearization in
      try PicardSolver(
        trajectory,
        options: PicardOptions(linearization: linearization, stop: .tolerance(1e-8), trajectory: trajectory),
        batch: ScoreBatch(target, rows: 64), ring: SingleRank(), noise: CounterNoise(seed: 4),
        samples: [0]
      ).run().record.rounds
    }
    #expect(rounds[0] < rounds[1])
  }

  /// The denoised estimate of data at a point is that point in every state. The first guess
  /// takes it for the origin; the first round finds it, its slope being known, and the second
  /// one that nothing changes. Where guesses keep the estimate, all later blocks, correctors
  /// and windows are right from the start, and take a round each.
  @Test(
    "first guesses keep the denoised estimate", arguments: SamplerCase.all,
    [nil, EstimateBound(.clip(10), keepsDirection: true)])
  func firstGuess(sampler: SamplerCase, bound: EstimateBound?) throws {
    let trajectory = try sampler.trajectory(bound: bound)
    func blocks(_ extent: Extent, ranks: Int) throws -> [RunRecord.Block] {
      let options = PicardOptions(stop: .tolerance(1e-6), extent: extent, chunk: 3, trajectory: trajectory)
      return try VirtualRing.run(ranks) { ring in
        try PicardSolver(
          trajectory, options: options, batch: ScoreBatch(DataAtPoint(bound: bound), rows: 64), ring: ring,
          noise: CounterNoise(seed: 3), samples: [0]
        ).run()
      }[0].record.blocks
    }
    for (extent, ranks) in [(Extent.blocks, 1), (.blocks, 3), (.window(5), 1), (.window(5), 3)] {
      func windows(_ slices: Int) -> Int { extent.window.map { (slices + $0 - 1) / $0 } ?? 1 }
      for block in try blocks(extent, ranks: ranks) {
        #expect(block.iterations == windows(block.steps) + (block.first == 0 ? 1 : 0))
        // The last block has none.
        #expect(block.correctorIterations <= windows(sampler.correctorSteps))
      }
    }
  }
}

/// Predicts the same clean data everywhere.
private struct DataAtPoint: ScoreModel {
  let shape = [3]
  let parametrization = Parametrization.sample
  let bound: EstimateBound?

  func predict(
    _ states: Span<Double>, at times: Span<NoiseTime>, into predictions: inout MutableSpan<Double>
  ) throws {
    let point = [1, -2, 0.5]
    for k in 0..<predictions.count { predictions[k] = point[k % 3] }
  }
}
