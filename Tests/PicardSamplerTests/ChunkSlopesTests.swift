import Diffusion
import PicardSampler
import Testing

/// What every way to carry a correction must do, whatever it knows of the Jacobian.
@Suite("slopes of a chunk") struct ChunkSlopesTests {
  /// Each linearization, where it differs with probes, and where iterates are mixed.
  static let all: [SlopeCase] =
    Linearization.allCases.map { SlopeCase(linearization: $0) }
    + [SlopeCase(linearization: .elementwise, probes: 2), SlopeCase(linearization: .secant, mixing: 2)]

  @Test("a change of nothing leaves the bits of all proposals", arguments: all, [StepMap.Kind.exponential, .posterior, .multistep])
  func nothing(slopes: SlopeCase, kind: StepMap.Kind) throws {
    var (alone, behind) = (try Bench(slopes, kind), try Bench(slopes, kind))
    for _ in 0..<3 {
      alone.evaluate(isLeftmost: true)
      behind.evaluate(isLeftmost: false)
      alone.propose()
      behind.propose()
      // The first state as it was.
      behind.chunk.left.copy(from: behind.chunk.slices[0].state)
      behind.carry()
      alone.chunk.correctInterior()
      behind.chunk.correctInterior()
      #expect(behind.proposals.dropFirst() == alone.proposals.dropFirst())
      #expect(behind.chunk.slices[0].change == 0)
      for index in 1..<Bench.slices { #expect(behind.chunk.slices[index].change == alone.chunk.slices[index].change) }
      #expect(behind.chunk.endChange == alone.chunk.endChange)
      alone.chunk.accept(withEnd: true)
      behind.chunk.accept(withEnd: true)
    }
  }

  /// `f` is linear, so that the plain steps from the changed states are what the correction
  /// has to find; it does to rounding where slopes are right, which they are for secants once
  /// two evaluations are known, here with one slope for all elements, and with probes of the
  /// Jacobian. Elementwise slopes without probes are damped, and so near to right.
  @Test(
    "of a linear model a secant carries what plain steps would",
    arguments: [SlopeCase(linearization: .secant), SlopeCase(linearization: .elementwise, probes: 2)],
    [StepMap.Kind.exponential, .posterior])
  func linear(slopes: SlopeCase, kind: StepMap.Kind) throws {
    // Elementwise slopes are those of `g`, which slices share only where it is `f` itself.
    guard slopes.linearization == .secant || kind == .posterior else { return }
    var bench = try Bench(slopes, kind)
    for round in 0..<3 {
      bench.evaluate(isLeftmost: false)
      bench.propose()
      for (k, value) in bench.chunk.slices[0].state.position.enumerated() {
        bench.chunk.left.position[k] = value + [0.3, -0.2, 0.1, 0.4][k] / Double(round + 1)
      }
      bench.carry()
      bench.chunk.correctInterior()
      if round > 0 {
        let proposals = bench.proposals
        for index in 0..<Bench.slices {
          let expected = bench.plainStep(index, from: proposals[index])
          // Sums of a few products of numbers up to 10, and a probe's difference over its step
          // of 0.02 sigma.
          for (a, b) in zip(proposals[index + 1], expected) { #expect(abs(a - b) <= 1e-11, "round \(round), slice \(index)") }
        }
      }
      bench.chunk.accept(withEnd: true)
    }
  }

  @Test("what is stored goes on to the same bits", arguments: all, [StepMap.Kind.posterior, .multistep])
  func stored(slopes: SlopeCase, kind: StepMap.Kind) throws {
    var bench = try Bench(slopes, kind)
    for _ in 0..<3 { bench.round() }
    var coder = StateCoder()
    try bench.chunk.code(&coder)
    var other = try Bench(slopes, kind, after: 3)
    var reader = StateCoder(reading: coder.bytes)
    try other.chunk.code(&reader)
    try reader.finish()
    for _ in 0..<2 {
      bench.round()
      other.round()
      #expect(other.proposals == bench.proposals)
    }
  }
}

/// A way to carry corrections.
struct SlopeCase: CustomStringConvertible, Sendable {
  var linearization: Linearization
  var probes = 0
  var mixing: Int?

  var description: String { "\(linearization), \(probes) probes" + (mixing.map { ", mixing \($0)" } ?? "") }
}

/// One chunk of five slices of a model with `f` linear in the state.
private struct Bench {
  static let slices = 5
  let chunk: Chunk<Double>
  let stage: Stage
  private let part: RoundPlan.Part
  private let products: Int
  private var rounds: Int

  /// - Parameter rounds: that another one has had.
  init(_ slopes: SlopeCase, _ kind: StepMap.Kind, after rounds: Int = 0) throws {
    self.rounds = rounds
    let grid = try TimeGrid.shrinking(steps: 2 * Self.slices, horizon: 4, earlyStop: 0.1)
    let trajectory = try Trajectory(kind, on: grid, noiseLevel: kind == .multistep ? 0 : 1)
    let options = PicardOptions(
      linearization: slopes.linearization, chunk: Self.slices, anderson: slopes.mixing.map { AndersonMixing(history: $0) },
      probes: slopes.probes, trajectory: trajectory)
    stage = trajectory.stages[0]
    products = options.anderson?.products ?? 0
    let layout = ChunkLayout(stage, options, capacity: Self.slices)
    chunk = Chunk(layout, dimension: 4, noise: Rows(1, of: 8))
    // The second chunk, so that a multistep map reads a value from the left.
    chunk.begin(Self.slices..<(2 * Self.slices), of: stage, noise: CounterNoise(seed: 5), sample: 0)
    chunk.drawNoise(before: 2 * Self.slices)
    for (k, value) in [0.7, -0.3, 1.1, -0.9].enumerated() {
      chunk.entry.state.position[k] = value
      chunk.entry.guess[k] = -value
      for row in chunk.entry.kept { row[k] = value / 2 }
    }
    for _ in 0..<Self.slices { chunk.open() }
    let window = Window(stage: 0, first: Self.slices, end: 2 * Self.slices, size: Self.slices)
    part = Schedule(trajectory, options, ranks: 1).plan([window]).parts[0]
  }

  /// `f = -y / 2 + 0.1`, whatever the time.
  func value(_ state: some Sequence<Double>) -> [Double] { state.map { -0.5 * $0 + 0.1 } }

  mutating func evaluate(isLeftmost: Bool) {
    var part = part
    part.left = isLeftmost ? nil : 0
    var requests: [(ChunkRequest, Row<Double>)] = []
    chunk.beginRound(part) { request, state, _ in requests.append((request, state)) }
    for (request, state) in requests {
      var prediction = value(state)
      let isFinite = prediction.withUnsafeMutableBufferPointer { chunk.absorb(request, $0, (state: 0, prediction: 1)) }
      #expect(isFinite)
    }
  }

  mutating func propose() { chunk.propose() }

  func carry() { chunk.carryToEnd(0..<4) }

  mutating func round() {
    evaluate(isLeftmost: false)
    propose()
    for (k, value) in chunk.slices[0].state.position.enumerated() {
      chunk.left.position[k] = value + 0.25 / Double(k + 2 + rounds)
    }
    carry()
    chunk.correctInterior()
    // As if the window began one slice before.
    let window = Window(stage: 0, first: Self.slices - 1, end: 2 * Self.slices, rounds: rounds, size: Self.slices + 1)
    var changes = Changes(products: products)
    changes.begin([window.slices])
    chunk.slopes.share(part, of: chunk, in: &changes)
    chunk.slopes.adjust(part, of: chunk, in: window, changes)
    chunk.accept(withEnd: true)
    rounds += 1
  }

  /// The states as proposed, the one behind the chunk last.
  var proposals: [[Double]] {
    chunk.slices.map { Array($0.proposal.position) } + [Array(chunk.endProposal.position)]
  }

  /// `A y + B f(y) + noise`.
  func plainStep(_ index: Int, from state: [Double]) -> [Double] {
    let map = chunk.slices[index].map
    let noise = chunk.noise[index].map { Array($0.position) } ?? [0, 0, 0, 0]
    return zip(zip(state, value(state)), noise).map { map.state.uu * $0.0 + map.value.u * $0.1 + $1 }
  }
}
