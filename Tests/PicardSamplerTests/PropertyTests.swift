import Diffusion
import PicardSampler
import Testing

/// Random cases against the sequential solver. A failure is shrunk to a case
/// of which every smaller one holds, and that is what is reported.
@Suite(.tags(.slow)) struct PropertyTests {
  @Test("at tolerance 0 any case has the sequential sampler's bits", arguments: 0..<60)
  func sequentialBits(seed: Int) throws {
    var randomness = SplitMix(seed: UInt64(seed))
    var drawn = Case(&randomness)
    drawn.stop = .tolerance(0)
    let failure = try drawn.shrunk { try !$0.hasSequentialBits() }
    #expect(failure == nil)
  }

  @Test("any case has the same bits and rounds on its ranks as on one, whether noise is kept or not", arguments: 0..<40)
  func ranks(seed: Int) throws {
    var randomness = SplitMix(seed: 1000 + UInt64(seed))
    let failure = try Case(&randomness).shrunk { try !$0.isIndependentOfRanks() }
    #expect(failure == nil)
  }

  @Test("shrinking finds the smallest case that fails")
  func shrinking() throws {
    var found = 0
    for seed in 0..<400 {
      var randomness = SplitMix(seed: UInt64(seed))
      let smallest = Case(&randomness).shrunk { ($0.window ?? 0) >= 3 && $0.ranks >= 2 }
      guard let smallest else { continue }
      found += 1
      #expect(smallest == Case.simplest(window: 3, ranks: 2))
    }
    #expect(found > 10)
  }
}

/// A sampler, its grid, and how it is run.
private struct Case: Hashable, CustomStringConvertible {
  var method: SamplingMethod
  var noiseLevel: Double
  /// Steps of the grid, as multiples of its smallest one.
  var sizes: [Int]
  var blocks: Int
  var correctorSteps: Int
  var linearization: Linearization
  var stop: StopRule
  var window: Int?
  var largestWindow: Int?
  var chunk: Int?
  var anderson: Int?
  var probes: Int
  var dimension: Int
  var samples: Int
  var rows: Int
  var ranks: Int
  var keepsNoise: Bool

  init(_ random: inout SplitMix) {
    method = random.pick([.piadmSDE, .piadmODE, .ddpm, .ddim, .multistep])
    noiseLevel = method == .multistep ? 0 : Double(random.number(in: 0...4)) / 4
    sizes = (0..<random.number(in: 1...30)).map { _ in random.pick([1, 1, 2, 5, 20]) }
    blocks = min(sizes.count, random.pick([1, 1, 2, 3, 7]))
    correctorSteps = random.pick([0, 0, 1, 4, 9])
    linearization = random.pick(Linearization.allCases)
    stop = random.pick([.tolerance(1e-2), .tolerance(1e-5), .iterations(1), .iterations(5)])
    window = random.pick([nil, random.number(in: 1...40)])
    largestWindow = window.flatMap { random.pick([nil, random.number(in: $0...40)]) }
    chunk = random.pick([nil, random.number(in: 1...20)])
    anderson = random.pick([nil, nil, random.number(in: 1...4)])
    probes = linearization == .elementwise ? random.pick([0, 1, 2, 5]) : 0
    dimension = random.number(in: 1...9)
    samples = random.number(in: 1...3)
    rows = random.number(in: 1...20)
    ranks = random.number(in: 1...5)
    keepsNoise = random.pick([true, false])
  }

  private init(window: Int?, ranks: Int) {
    (method, noiseLevel, sizes, blocks, correctorSteps) = (.piadmSDE, 0, [1], 1, 0)
    (linearization, stop, chunk, anderson) = (.jacobi, .tolerance(0), nil, nil)
    (probes, dimension, samples, rows, keepsNoise) = (0, 1, 1, 1, true)
    (self.window, self.ranks) = (window, ranks)
  }

  /// Nothing simpler has this window and as many ranks.
  static func simplest(window: Int?, ranks: Int) -> Case { Case(window: window, ranks: ranks) }

  /// Cases that differ from this one in one thing, which is simpler; the
  /// simplest first.
  var simpler: [Case] {
    let simplest = Case.simplest(window: nil, ranks: 1)
    var cases: [Case] = []
    func with(_ change: (inout Case) -> Void) {
      var other = self
      change(&other)
      if other != self { cases.append(other) }
    }
    func smaller(_ path: WritableKeyPath<Case, Int>, from least: Int) {
      for value in [least, self[keyPath: path] / 2, self[keyPath: path] - 1]
      where value >= least && value < self[keyPath: path] { with { $0[keyPath: path] = value } }
    }
    with { $0.method = simplest.method }
    with { $0.noiseLevel = simplest.noiseLevel }
    for count in [1, sizes.count / 2, sizes.count - 1] where count >= blocks && count < sizes.count {
      with { $0.sizes = Array(sizes.prefix(count)) }
    }
    with { $0.sizes = sizes.map { _ in 1 } }
    smaller(\.blocks, from: 1)
    smaller(\.correctorSteps, from: 0)
    with { $0.linearization = simplest.linearization }
    with { $0.stop = simplest.stop }
    with { $0.largestWindow = nil }
    with { ($0.window, $0.largestWindow) = (nil, nil) }
    with { $0.chunk = nil }
    with { $0.anderson = nil }
    if let window { for value in [1, window / 2, window - 1] where 1..<window ~= value { with { $0.window = value } } }
    if let chunk { for value in [1, chunk / 2, chunk - 1] where 1..<chunk ~= value { with { $0.chunk = value } } }
    if let anderson, anderson > 1 { with { $0.anderson = anderson - 1 } }
    smaller(\.probes, from: 0)
    smaller(\.dimension, from: 1)
    smaller(\.samples, from: 1)
    smaller(\.rows, from: 1)
    smaller(\.ranks, from: 1)
    with { $0.keepsNoise = true }
    return cases
  }

  /// The smallest case on the way down from this one that fails; `nil` where
  /// this one does not.
  func shrunk(_ fails: (Case) throws -> Bool) rethrows -> Case? {
    guard try fails(self) else { return nil }
    var smallest = self
    while let next = try smallest.simpler.first(where: fails) { smallest = next }
    return smallest
  }

  func hasSequentialBits() throws -> Bool {
    let trajectory = try trajectory()
    let (ids, seed) = (Array(0..<samples), UInt64(7))
    let single: [[Float]] = try sequential(trajectory, dimension: dimension, samples: ids, seed: seed)
    let double: [[Double]] = try sequential(trajectory, dimension: dimension, samples: ids, seed: seed)
    return try draw(as: Float.self).states == single && draw(as: Double.self).states == double
  }

  func isIndependentOfRanks() throws -> Bool {
    var alone = self
    (alone.ranks, alone.keepsNoise) = (1, true)
    let (one, together) = (try alone.draw(as: Float.self), try draw(as: Float.self))
    return one.states == together.states && one.rounds == together.rounds
      && one.evaluations == together.evaluations
  }

  private func draw<Scalar: StateScalar>(as: Scalar.Type) throws -> Drawn<Scalar> {
    let trajectory = try trajectory()
    var options = PicardOptions(
      linearization: linearization, stop: stop, extent: window.map { .window($0, maximum: largestWindow ?? $0) } ?? .blocks, chunk: chunk,
      anderson: anderson.map { AndersonMixing(history: $0) }, probes: probes, trajectory: trajectory)
    options.keepsNoise = keepsNoise
    return try Drawn(
      trajectory, options, ranks: ranks, dimension: dimension, samples: Array(0..<samples), rows: rows,
      seed: 7)
  }

  /// From noise time 6 down to 0.01.
  private func trajectory() throws -> Trajectory {
    let total = Double(sizes.reduce(0, +))
    var times = [6.0]
    for size in sizes { times.append(times[times.count - 1] - 5.99 * Double(size) / total) }
    times[times.count - 1] = 0.01
    return try Trajectory(
      method.stepMap, on: TimeGrid(noiseTimes: times), noiseLevel: noiseLevel, blocks: blocks,
      corrector: .init(steps: correctorSteps))
  }

  var description: String {
    """
    \(method.rawValue), noise \(noiseLevel), steps in proportion \(sizes), \(blocks) blocks, \
    \(correctorSteps) corrector steps, \(linearization), stop \(stop), window \(window ?? 0) to \(largestWindow ?? 0), \
    chunk \(chunk ?? 0), anderson \(anderson ?? 0), probes \(probes), dimension \(dimension), \(samples) samples, \
    \(rows) rows, \(ranks) ranks, noise \(keepsNoise ? "kept" : "drawn again")
    """
  }
}

/// The generator of Steele, Lea and Flood (OOPSLA 2014): every seed gives a
/// sequence of its own.
struct SplitMix: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }

  mutating func number(in range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &self) }

  mutating func pick<Element>(_ elements: [Element]) -> Element {
    elements[number(in: 0...(elements.count - 1))]
  }

  /// Between 0 and 1, neither included.
  mutating func uniform() -> Double { (Double(next() >> 11) + 0.5) * 0x1p-53 }
}
