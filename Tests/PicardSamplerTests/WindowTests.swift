import Diffusion
import PicardSampler
import Testing

@Suite("a sliding window") struct WindowTests {
  private static let (tolerance, steps) = (2e-3, 96)

  /// What a run does, round by round: the slices that are iterated, and their changes.
  private func rounds(window: Int, largest: Int?) throws -> (grid: TimeGrid, rounds: [(slices: Range<Int>, changes: [Double])]) {
    let grid = try TimeGrid.uniform(steps: Self.steps, horizon: 8, earlyStop: 0.01)
    let trajectory = try Trajectory(.posterior, on: grid, noiseLevel: 1)
    let options = PicardOptions(
      stop: .tolerance(Self.tolerance), window: window, largestWindow: largest, chunk: 4, trajectory: trajectory)
    let solver = PicardSolver(
      trajectory, options: options, batch: ScoreBatch<Double>(try mixture(6), rows: 64), ring: SingleRank(),
      noise: CounterNoise(seed: 3), samples: [0])
    var rounds: [(slices: Range<Int>, changes: [Double])] = []
    _ = try solver.run { summary in
      var changes: [Double] = []
      summary.changes.forEach { changes.append($1) }
      rounds.append((summary.changes.active[0].slices, changes))
    }
    return (grid, rounds)
  }

  /// The slices that are done: those whose state changed by no more than the tolerance over
  /// its `alpha`, in units of the last one. One more, since behind them a plain step is exact; but the last state of all
  /// must be at rest itself.
  private func finished(_ round: (slices: Range<Int>, changes: [Double]), _ grid: TimeGrid) -> Int {
    let resting = round.slices.prefix { slice in
      round.changes[slice - round.slices.lowerBound] * grid.nodes[slice + 1].alpha / grid.nodes[Self.steps].alpha <= Self.tolerance
    }.count
    let count = round.slices.count
    if resting == count { return count }
    return max(1, min(resting + 1, round.slices.upperBound == Self.steps ? count - 1 : count))
  }

  @Test("moves by the slices whose changes move the data by no more than the tolerance")
  func moves() throws {
    let (grid, rounds) = try rounds(window: 12, largest: nil)
    var byStateAlone = 0
    for (round, next) in zip(rounds, rounds.dropFirst()) {
      let first = round.slices.lowerBound + finished(round, grid)
      #expect(next.slices == first..<min(Self.steps, first + 12))
      if round.changes.prefix(finished(round, grid) - 1).contains(where: { $0 > Self.tolerance }) { byStateAlone += 1 }
    }
    // The states of some slices moved by more.
    #expect(byStateAlone > 2)
    #expect(rounds.last.map { $0.slices.lowerBound + finished($0, grid) } == Self.steps)
  }

  @Test("doubles as long as all that was opened comes to rest at once")
  func grows() throws {
    let (grid, rounds) = try rounds(window: 3, largest: 20)
    var (size, opened) = (3, 0)
    var sizes: Set<Int> = [size]
    for (round, next) in zip(rounds, rounds.dropFirst()) {
      let first = round.slices.lowerBound + finished(round, grid)
      size = opened <= round.slices.lowerBound && first == round.slices.upperBound ? min(20, 2 * size) : 3
      sizes.insert(size)
      opened = round.slices.upperBound
      #expect(next.slices == first..<max(opened, min(Self.steps, first + size)))
    }
    #expect(sizes == [3, 6, 12, 20])
    let fixed = try self.rounds(window: 3, largest: nil).rounds.count
    #expect(rounds.count < fixed)
  }
}
