import Diffusion
import Foundation
import PicardSampler
import Testing

@Suite("a sliding window") struct WindowTests {
  private static let (tolerance, steps) = (2e-3, 96)
  private static let (horizon, earlyStop) = (8.0, 0.01)

  private typealias Round = (slices: Range<Int>, changes: [Double])

  /// What a run does, round by round: the slices that are iterated, and their changes.
  private func rounds(
    window: Int, largest: Int?, noiseLevel: Double = 1, tolerance: Double = Self.tolerance
  ) throws -> [Round] {
    let grid = try TimeGrid.uniform(steps: Self.steps, horizon: Self.horizon, earlyStop: Self.earlyStop)
    let trajectory = try Trajectory(.posterior, on: grid, noiseLevel: noiseLevel)
    let options = PicardOptions(
      stop: .tolerance(tolerance), extent: .window(window, maximum: largest ?? window), chunk: 4, trajectory: trajectory)
    let solver = PicardSolver(
      trajectory, options: options, batch: ScoreBatch<Double>(try mixture(6), rows: 64), ring: SingleRank(),
      noise: CounterNoise(seed: 3), samples: [0])
    var rounds: [Round] = []
    _ = try solver.run { summary in
      var changes: [Double] = []
      summary.changes.forEach { changes.append($1) }
      rounds.append((summary.changes.active[0].slices, changes))
    }
    return rounds
  }

  /// What a change of the state behind a slice does to the last state, for normal data.
  private func weight(_ slice: Int, noiseLevel: Double) -> Double {
    let stepsLeft = Double(Self.steps - slice - 1)
    let time = stepsLeft * (Self.horizon - Self.earlyStop) / Double(Self.steps)
    return exp(-noiseLevel * noiseLevel * time / 2)
  }

  /// The slices that are done: those whose state, by how much it changed, moves the last one
  /// by no more than the tolerance. One more, since behind them a plain step is exact; but the
  /// last state of all must be at rest itself.
  private func finished(_ round: Round) -> Int {
    let resting = round.changes.prefix { $0 <= Self.tolerance }.count
    let count = round.slices.count
    if resting == count { return count }
    return max(1, min(resting + 1, round.slices.upperBound == Self.steps ? count - 1 : count))
  }

  @Test("moves by the slices whose changes move the last state by no more than the tolerance", arguments: [0, 0.5, 1])
  func moves(noiseLevel: Double) throws {
    let rounds = try rounds(window: 12, largest: nil, noiseLevel: noiseLevel)
    var byStateAlone = 0
    for (round, next) in zip(rounds, rounds.dropFirst()) {
      let first = round.slices.lowerBound + finished(round)
      #expect(next.slices == first..<min(Self.steps, first + 12))
      let left = zip(round.slices, round.changes).prefix(finished(round) - 1)
      if left.contains(where: { $1 / weight($0, noiseLevel: noiseLevel) > Self.tolerance }) { byStateAlone += 1 }
    }
    // With noise the states of some slices moved by more.
    #expect(noiseLevel == 0 ? byStateAlone == 0 : byStateAlone > 2)
    #expect(rounds.last.map { $0.slices.lowerBound + finished($0) } == Self.steps)
  }

  /// At tolerance 0 changes have no weight, and the first round does the same.
  @Test("reports changes by what they move the last state", arguments: [0, 0.5, 1])
  func weighs(noiseLevel: Double) throws {
    let weighted = try #require(try rounds(window: 12, largest: nil, noiseLevel: noiseLevel).first)
    let plain = try #require(try rounds(window: 12, largest: nil, noiseLevel: noiseLevel, tolerance: 0).first)
    #expect(weighted.slices == plain.slices)
    for (slice, (change, alone)) in zip(plain.slices, zip(weighted.changes, plain.changes)) {
      let expected = alone * weight(slice, noiseLevel: noiseLevel)
      // A weight is a ratio of two `exp`, of times near 8, each right to a few of its last bits.
      #expect(alone > 0 && abs(change - expected) <= 1e-14 * expected)
    }
  }

  @Test("doubles as long as all that was opened comes to rest at once")
  func grows() throws {
    let rounds = try rounds(window: 3, largest: 20)
    var (size, opened) = (3, 0)
    var sizes: Set<Int> = [size]
    for (round, next) in zip(rounds, rounds.dropFirst()) {
      let first = round.slices.lowerBound + finished(round)
      size = opened <= round.slices.lowerBound && first == round.slices.upperBound ? min(20, 2 * size) : 3
      sizes.insert(size)
      opened = round.slices.upperBound
      #expect(next.slices == first..<max(opened, min(Self.steps, first + size)))
    }
    #expect(sizes == [3, 6, 12, 20])
    let fixed = try self.rounds(window: 3, largest: nil).count
    #expect(rounds.count < fixed)
  }
}
