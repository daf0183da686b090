import Diffusion
import Foundation
import PicardSampler
import Testing

@Suite("the choice of a window") struct WindowChoiceTests {
  /// Calls of 1 to 256 rows of so many seconds each, and a row of so many more.
  private func cost(call: Double, row: Double) -> ScoreCost {
    let rows = (0...8).map { 1 << $0 }
    return ScoreCost(rows: rows, seconds: rows.map { call + row * Double($0) })
  }

  @Test("one rank gains nothing where a row costs the same in every batch")
  func noBatchGain() {
    #expect(cost(call: 0, row: 1).bestWindow(steps: 1000, rows: 1, ranks: 1) == 1)
  }

  @Test("all steps at once where a call costs the same whatever its rows")
  func rowsForNothing() {
    #expect(cost(call: 1, row: 0).bestWindow(steps: 100, rows: 1, ranks: 1) == 100)
    // Ranks and samples make no difference then, as long as all rows go into one call.
    #expect(cost(call: 1, row: 0).bestWindow(steps: 100, rows: 2, ranks: 7) == 100)
  }

  @Test("larger with more ranks, smaller with more samples")
  func ranksAndSamples() {
    let cost = cost(call: 150e-6, row: 8e-6)
    let byRanks = [1, 2, 4, 8, 16].map { cost.bestWindow(steps: 1000, rows: 1, ranks: $0) }
    #expect(byRanks == byRanks.sorted() && Set(byRanks).count > 2)
    let bySamples = [1, 4, 16, 64].map { cost.bestWindow(steps: 1000, rows: $0, ranks: 2) }
    #expect(bySamples == bySamples.sorted(by: >) && Set(bySamples).count > 2)
  }

  /// By the rates that the documentation of the choice states.
  @Test("the smallest window within a tenth of the least time", arguments: [1, 2, 4, 8])
  func nearTies(ranks: Int) {
    let (cost, steps) = (cost(call: 150e-6, row: 8e-6), 1000)
    let windows = (0...9).map { 1 << $0 } + [steps]
    let seconds = windows.map { window in
      let visits = window == 1 ? 1 : 1 + 5.15 * pow(Double(window) / Double(steps), 0.68)
      return visits * Double(steps) / Double(window) * cost.time(of: (window + ranks - 1) / ranks)
    }
    let least = seconds.min() ?? 0
    let near = zip(windows, seconds).filter { $1 <= 1.1 * least }.map(\.0)
    #expect(cost.bestWindow(steps: steps, rows: 1, ranks: ranks, chunk: 1) == near.first)
  }

  @Test("ranks share whole chunks, so that a window has one for each of them", arguments: [2, 4, 8])
  func chunks(ranks: Int) {
    let cost = cost(call: 0, row: 1)
    #expect(cost.bestWindow(steps: 1000, rows: 32, ranks: ranks, chunk: 8) == 8 * ranks)
    // Of chunks of its own choice as many.
    let window = cost.bestWindow(steps: 1000, rows: 32, ranks: ranks)
    let chunk = PicardOptions.defaultChunk(window: window, steps: 1000)
    #expect(window == ranks * chunk)
  }

  @Test("smaller where it is more of the trajectory")
  func fewerSteps() {
    let cost = cost(call: 150e-6, row: 8e-6)
    let windows = [100, 300, 1000].map { cost.bestWindow(steps: $0, rows: 1, ranks: 1) }
    #expect(windows == windows.sorted() && Set(windows).count > 1)
  }

  @Test("few steps are all taken, or one")
  func fewSteps() {
    for steps in 1...5 {
      #expect((1...steps).contains(cost(call: 1, row: 1).bestWindow(steps: steps, rows: 1, ranks: 3)))
    }
  }
}
