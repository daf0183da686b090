import Diffusion
import Foundation
import PicardSampler
import Testing

/// Samples against the law that they must have, which is known.
///
/// False alarms: each test below is refused with at most the probability that
/// stands beside it, whatever the law, if the samples are independent draws of
/// it; together below 1/1000 (Bonferroni). The iteration's own error, 1e-6, is
/// far below what any of them resolves, and seeds are fixed.
///
/// Power: the same tests see samplers with a planted fault, and refuse each.
private struct LawTest {
  let name: String
  /// Probability of a refusal where the law is right.
  let level: Double
  /// How far the samples are off, in units of the refusal's threshold.
  let excess: Double

  var isRefused: Bool { excess > 1 }
}

/// The probability of any false alarm in one family of tests.
private let familyLevel = 5e-4

// MARK: Two components

/// Two isotropic components with weights 0.7 and 0.3 at plus and minus 1.5 on
/// the first axis, in three dimensions, and PIADM-SDE in 32 steps.
private struct Pair {
  let variance = 0.2
  let grid: TimeGrid
  let along: PairLaw
  let across: GaussianLaw
  let model: GaussianMixture<Double>

  init() throws {
    grid = try TimeGrid.shrinking(steps: 32, horizon: 5, earlyStop: 0.05)
    along = try PairLaw(offset: 1.5, variance: variance, weight: 0.7, on: grid)
    var law = GaussianLaw(target: try Gaussian<Double>(mean: [0], variances: [variance]))
    law.advance(try StepMap(.exponential, on: grid, noiseLevel: 1), over: 0..<32)
    across = law
    model = try GaussianMixture(means: [[1.5, 0, 0], [-1.5, 0, 0]], variance: variance, weights: [0.7, 0.3])
  }

  /// Independent draws of the sampler's law, by its quantiles.
  func draws(_ count: Int, _ random: inout SplitMix) -> [[Double]] {
    // Quantiles want increasing shares; the order is put back after.
    let levels = (0..<count).map { _ in random.uniform() }
    let order = levels.indices.sorted { levels[$0] < levels[$1] }
    let quantiles = along.quantiles(order.map { levels[$0] })
    var first = [Double](repeating: 0, count: count)
    for (place, quantile) in zip(order, quantiles) { first[place] = quantile }
    let deviation = across.variance[0].squareRoot()
    return first.map { x in
      let (radius, angle) = ((-2 * log(random.uniform())).squareRoot(), 2 * Double.pi * random.uniform())
      return [x, deviation * radius * cos(angle), deviation * radius * sin(angle)]
    }
  }

  /// The six tests, with a sixth of the family's level each.
  func tests(_ samples: [[Double]]) -> [LawTest] {
    var random = SplitMix(seed: 99)
    let few = Array(samples.prefix(250))
    let reference = draws(few.count, &random)
    return [
      weight(samples), moment("mean", samples) { $0 }, moment("second moment", samples) { $0 * $0 },
      chiSquare(samples),
      permutation("energy", few, reference, &random, energy),
      permutation("sliced Wasserstein", few, reference, &random, slicedWasserstein),
    ]
  }

  /// The share of samples on the positive side. Hoeffding (1963): the mean of
  /// n numbers in [0, 1] is off by more than e with probability at most
  /// 2 exp(-2 n e^2).
  private func weight(_ samples: [[Double]]) -> LawTest {
    bounded("weight", samples.map { $0[0] > 0 ? 1 : 0 }, expectation { $0 > 0 ? 1 : 0 })
  }

  /// A moment along the axis of a coordinate held to [-4, 4], by Hoeffding.
  private func moment(_ name: String, _ samples: [[Double]], _ power: (Double) -> Double) -> LawTest {
    let (least, greatest) = (min(power(-4), 0), power(4))
    func value(_ x: Double) -> Double { (power(max(-4, min(4, x))) - least) / (greatest - least) }
    return bounded(name, samples.map { value($0[0]) }, expectation(value))
  }

  private func bounded(_ name: String, _ values: [Double], _ expected: Double) -> LawTest {
    let level = familyLevel / 6
    let threshold = (log(2 / level) / (2 * Double(values.count))).squareRoot()
    let mean = values.reduce(0, +) / Double(values.count)
    return LawTest(name: name, level: level, excess: abs(mean - expected) / threshold)
  }

  private func expectation(_ value: (Double) -> Double) -> Double {
    let total = along.density.reduce(0, +)
    return zip(along.points, along.density).reduce(0) { $0 + value($1.0) * $1.1 } / total
  }

  /// Across the axis coordinates are normal with a known variance.
  private func chiSquare(_ samples: [[Double]]) -> LawTest {
    PicardSamplerTests.chiSquare(
      "variance across", samples.flatMap { $0.dropFirst() }, variance: across.variance[0],
      level: familyLevel / 6)
  }
}

/// The sum of squares of n normal numbers over their variance has the
/// chi-square law with n degrees of freedom, whose tails Laurent and Massart
/// (Annals of Statistics, 2000) bound: beyond n + 2 sqrt(n t) + 2 t, and below
/// n - 2 sqrt(n t), each with probability at most exp(-t).
private func chiSquare(_ name: String, _ values: [Double], variance: Double, level: Double) -> LawTest {
  let (n, t) = (Double(values.count), log(2 / level))
  let excess = values.reduce(0) { $0 + $1 * $1 } / variance - n
  let threshold = excess > 0 ? 2 * (n * t).squareRoot() + 2 * t : 2 * (n * t).squareRoot()
  return LawTest(name: name, level: level, excess: abs(excess) / threshold)
}

/// A permutation test: if both samples have one law, then the statistic of the
/// true division is as likely as any other to be the largest of all `count + 1`.
/// It is refused where it is, with probability at most 1/(count + 1).
private func permutation(
  _ name: String, _ a: [[Double]], _ b: [[Double]], _ random: inout SplitMix,
  _ statistic: ([[Double]], [[Double]]) -> (_ isFirst: [Bool]) -> Double
) -> LawTest {
  let level = familyLevel / 6
  let count = Int((1 / level).rounded(.up)) - 1
  let value = statistic(a, b)
  var division = a.map { _ in true } + b.map { _ in false }
  let observed = value(division)
  var largest = 0.0
  for _ in 0..<count {
    division.shuffle(using: &random)
    largest = max(largest, value(division))
  }
  return LawTest(name: name, level: level, excess: observed / largest)
}

/// The energy distance of Szekely and Rizzo, up to what all divisions share:
/// the sum of distances between points of different samples.
private func energy(_ a: [[Double]], _ b: [[Double]]) -> (_ isFirst: [Bool]) -> Double {
  let points = a + b
  let n = points.count
  // Rows of whole vectors, zero behind the last point.
  func vectors(_ numbers: [Float]) -> [SIMD8<Float>] {
    stride(from: 0, to: n, by: 8).map { start in
      SIMD8((start..<start + 8).map { $0 < n ? numbers[$0] : 0 })
    }
  }
  let distances = points.map { p in
    vectors(points.map { q in Float(zip(p, q).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }.squareRoot()) })
  }
  return { isFirst in
    let signs = isFirst.map { $0 ? Float(1) : -1 }
    let columns = vectors(signs)
    var sum = Float(0)
    for (sign, row) in zip(signs, distances) {
      var products = SIMD8<Float>.zero
      for (distance, column) in zip(row, columns) { products += distance * column }
      sum += sign * products.sum()
    }
    return Double(max(0, -sum)) / Double(n)
  }
}

/// Wasserstein distances of order 1 between projections, mean over directions.
private func slicedWasserstein(_ a: [[Double]], _ b: [[Double]]) -> (_ isFirst: [Bool]) -> Double {
  let points = a + b
  var random = SplitMix(seed: 5)
  // The points of each projection in order: where they lie and which they are.
  let slices = (0..<6).map { _ in
    let direction = points[0].map { _ in 2 * random.uniform() - 1 }
    let values = points.map { zip($0, direction).reduce(0) { $0 + $1.0 * $1.1 } }
    let order = values.indices.sorted { values[$0] < values[$1] }
    return (order: order, gaps: zip(order, order.dropFirst()).map { values[$1] - values[$0] })
  }
  return { isFirst in
    slices.reduce(0) { sum, slice in
      // The integral of the difference of the two distribution functions.
      var (difference, distance) = (0, 0.0)
      for (point, gap) in zip(slice.order, slice.gaps) {
        difference += isFirst[point] ? 1 : -1
        distance += Double(abs(difference)) * gap
      }
      return sum + distance / Double(a.count)
    } / Double(slices.count)
  }
}

// MARK: Samplers

/// What is done wrongly.
private enum Fault: CaseIterable {
  case none
  /// Noise is drawn anew in each round.
  case freshNoise
  /// A step takes the score of the step before it.
  case shiftedIndex
  /// The noise of a step has nine tenths of its variance.
  case wrongVariance
  /// The corrector's position does not feel the score within a step.
  case missingCorrectorTerm
}

/// The iteration once more, in plain arrays: `rounds` rounds of the paper's.
private struct PlainSampler {
  let fault: Fault
  let rounds: Int

  func draw(_ model: some ScoreModel<Double>, _ map: StepMap, sample: Int) -> [Double] {
    let (M, d) = (map.steps.count, model.dimension)
    func noise(_ round: Int) -> [[Double]] {
      // A seed of its own for every round, or one for all.
      let source = CounterNoise(seed: fault == .freshNoise ? UInt64(100 + round) : 100)
      let scale = fault == .wrongVariance ? 0.9.squareRoot() : 1
      return (0..<M).map { step in
        source.normals(d, stream: .step, step: step, sample: sample).map { (x: Double) in scale * x }
      }
    }
    let start: [Double] = CounterNoise(seed: 100).normals(d, stream: .initialState, step: 0, sample: sample)
    var states = [[Double]](repeating: start, count: M + 1)
    for round in 0..<rounds {
      let xi = noise(round)
      var scores = (0..<M).map { score(model, states[$0], map.grid.nodes[$0]) }
      if fault == .shiftedIndex { scores = [scores[0]] + scores.dropLast() }
      var next = [start]
      for m in 0..<M {
        let step = map.steps[m]
        next.append(
          (0..<d).map { k in step.state * next[m][k] + step.value * scores[m][k] + step.noise * xi[m][k] })
      }
      states = next
    }
    return states[M]
  }

  /// The corrector at one node, one step after another.
  func correct(
    _ state: [Double], _ model: some ScoreModel<Double>, _ settings: LangevinCorrector.Settings,
    at node: NoiseTime, sample: Int
  ) -> [Double] {
    let (c, source, d) = (LangevinCorrector(settings, sigma: node.sigma), CounterNoise(seed: 100), state.count)
    let pull = fault == .missingCorrectorTerm ? 0 : c.positionFromScore
    var u = state
    var v: [Double] = source.normals(d, stream: .correctorStart, step: 0, sample: sample)
    for step in 0..<settings.steps {
      let s = score(model, u, node)
      let zu: [Double] = source.normals(d, stream: .correctorPosition, step: step, sample: sample)
      let zv: [Double] = source.normals(d, stream: .correctorVelocity, step: step, sample: sample)
      for k in 0..<d {
        let position = c.positionNoise.fromVelocity * zv[k] + c.positionNoise.own * zu[k]
        u[k] += c.transfer * v[k] + pull * s[k] + position
        v[k] = c.velocityDecay * v[k] + c.transfer * s[k] + c.velocityNoise * zv[k]
      }
    }
    return u
  }

  private func score(_ model: some ScoreModel<Double>, _ state: [Double], _ node: NoiseTime) -> [Double] {
    var output = [Double](repeating: 0, count: state.count)
    var span = output.mutableSpan
    try? model.predict(state.span, at: [node].span, into: &span)
    return output
  }
}

// MARK: The tests

@Suite(.tags(.slow)) struct StatisticalTests {
  static let count = 6000

  @Test("a mixture's weights, moments, energy and sliced Wasserstein distance are those of the law")
  func mixture() throws {
    let pair = try Pair()
    let trajectory = try Trajectory(.exponential, on: pair.grid, noiseLevel: 1)
    let solver = PicardSolver(
      trajectory, options: PicardOptions(stop: .tolerance(1e-6), trajectory: trajectory),
      batch: ScoreBatch(pair.model, rows: 64), ring: SingleRank(), noise: CounterNoise(seed: 3),
      samples: Array(0..<Self.count))
    for test in pair.tests(try solver.run().samples.map(\.state)) {
      #expect(!test.isRefused, "\(test.name): \(test.excess) of the threshold, at level \(test.level)")
    }
  }

  /// `none` shows that it is the faults that are refused, not the plain sampler.
  @Test(
    "a planted fault of the sampler is refused",
    arguments: [Fault.none, .freshNoise, .shiftedIndex, .wrongVariance])
  private func faults(fault: Fault) throws {
    let pair = try Pair()
    let map = try StepMap(.exponential, on: pair.grid, noiseLevel: 1)
    let sampler = PlainSampler(fault: fault, rounds: 24)
    let tests = pair.tests((0..<Self.count).map { sampler.draw(pair.model, map, sample: $0) })
    let refused = tests.filter(\.isRefused).map(\.name)
    #expect(refused.isEmpty == (fault == .none), "\(fault): \(tests)")
  }

  /// Coordinates of a Gaussian target after one block of the probability flow
  /// and the corrector, against the law of both.
  @Test(
    "the corrector has the law it must have, and one that lacks a term is refused",
    arguments: [Fault.none, .missingCorrectorTerm])
  private func corrector(fault: Fault) throws {
    let target = try Gaussian<Double>(mean: [0, 0], variances: [0.2, 2])
    let settings = LangevinCorrector.Settings(steps: 8)
    let grid = try TimeGrid.shrinking(steps: 16, horizon: 5, earlyStop: 0.2)
    let map = try StepMap(.exponential, on: grid, noiseLevel: 0)
    var law = GaussianLaw(target: target)
    law.advance(map, over: 0..<16)
    law.correct(settings, at: grid.nodes[16])
    let sampler = PlainSampler(fault: fault, rounds: 16)
    let samples = (0..<Self.count).map { sample in
      sampler.correct(
        sampler.draw(target, map, sample: sample), target, settings, at: grid.nodes[16], sample: sample)
    }
    func tests(_ samples: [[Double]]) -> [LawTest] {
      (0..<2).map { k in
        chiSquare(
          "coordinate \(k)", samples.map { $0[k] }, variance: law.variance[k], level: familyLevel / 4)
      }
    }
    let planted = tests(samples)
    let isCaught = planted.contains { $0.isRefused }
    #expect(isCaught == (fault != .none), "\(fault): \(planted)")

    let trajectory = try Trajectory(.exponential, on: grid, noiseLevel: 0, corrector: settings)
    let solver = PicardSolver(
      trajectory, options: PicardOptions(stop: .tolerance(1e-6), trajectory: trajectory),
      batch: ScoreBatch(target, rows: 64), ring: SingleRank(), noise: CounterNoise(seed: 4),
      samples: Array(0..<Self.count))
    let real = tests(try solver.run().samples.map(\.state))
    let isRefused = real.contains { $0.isRefused }
    #expect(!isRefused, "\(real)")
  }
}
