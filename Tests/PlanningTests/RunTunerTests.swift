import Foundation
import PicardSampler
import Planning
import Testing

@Suite("the choice of solver, window, chunk and replicas") struct RunTunerTests {
  private func tuner(
    call: Double = 0, row: Double = 0, steps: Int = 1000, samples: Int = 1, ranks: Int = 1, isRandom: Bool = true
  ) -> RunTuner {
    let rows = [1, 4, 16, 64]
    return RunTuner(
      steps: steps, blockSteps: steps, isRandom: isRandom, samples: samples, ranks: ranks,
      score: ScoreCost(rows: rows, seconds: rows.map { call + Double($0) * row }), roundSeconds: 1e-5, hopSeconds: 2e-6,
      updateSeconds: 1e-6)
  }

  @Test("is sequential where every row costs as much as a call")
  func rowsCost() {
    #expect(tuner(row: 0.01).best.choice == RunChoice(solver: .sequential, replicas: 1))
  }

  @Test("is sequential in replicas where there are samples for all ranks", arguments: [2, 7, 16])
  func replicas(ranks: Int) {
    #expect(tuner(row: 0.01, samples: 64, ranks: ranks).best.choice == RunChoice(solver: .sequential, replicas: ranks))
  }

  @Test("opens a large window where a call costs as much as a row, and closes it as rows get dearer")
  func windows() {
    let windows = [0, 1e-3, 1e-2].map { row -> Int in
      guard case .picard(let extent, _) = tuner(call: 0.01, row: row).best.choice.solver else { return 1 }
      return extent.size(of: 1000)
    }
    // The rows of one call.
    #expect(windows[0] == 64)
    #expect(windows == windows.sorted(by: >))
    #expect(Set(windows).count == 3)
  }

  @Test("keeps every rank at work", arguments: [16, 64, 256])
  func chunks(ranks: Int) throws {
    let best = tuner(call: 0.05, row: 1e-3, ranks: ranks).best.choice
    guard case .picard(let extent, let chunk) = best.solver else { throw Unexpected() }
    #expect(extent.size(of: 1000) / chunk >= ranks)
  }

  @Test("takes the default chunk with a stated window, so that bits do not depend on the ranks")
  func evenChunks() {
    let chunks = [1, 2, 3, 4, 7, 16, 40].map { ranks -> Int? in
      var tuner = tuner(call: 0.01, ranks: ranks)
      (tuner.stated.extent, tuner.stated.solver) = (.window(16), .picard)
      guard case .picard(_, let chunk) = tuner.best.choice.solver else { return nil }
      return chunk
    }
    #expect(chunks == [8, 8, 8, 8, 8, 8, 8])
  }

  @Test("is never predicted to be slower on more ranks")
  func ranks() {
    let seconds = [1, 2, 4, 8, 16, 64, 256].map { tuner(call: 0.01, row: 0.005, samples: 4, ranks: $0).best.seconds }
    #expect(seconds == seconds.sorted(by: >))
  }

  @Test("keeps what is stated")
  func stated() {
    var tuner = tuner(call: 0.01, samples: 8, ranks: 4)
    tuner.stated.extent = .window(48)
    tuner.stated.chunk = 3
    tuner.stated.replicas = 2
    tuner.stated.solver = .picard
    #expect(tuner.best.choice == RunChoice(solver: .picard(.window(48), chunk: 3), replicas: 2))
    tuner.stated.solver = .sequential
    #expect(tuner.best.choice == RunChoice(solver: .sequential, replicas: 2))
  }

  /// Rounds and evaluations a step of `digits`, measured with the default tolerance by the
  /// command that `RunTuner.rounds` names.
  private static let measured: [(steps: Int, isRandom: Bool, window: Int, rounds: Double, evaluations: Double)] = [
    (1000, true, 2, 504.5, 1.008), (1000, true, 8, 140.5, 1.115), (1000, true, 32, 44.5, 1.376),
    (1000, true, 128, 17.0, 1.852), (1000, true, 512, 11.0, 2.986), (1000, true, 1000, 10.5, 10.401),
    (100, true, 4, 35.5, 1.387), (100, true, 16, 14.2, 1.958), (100, true, 64, 9.8, 2.915), (100, true, 100, 9.8, 9.265),
    (20, true, 4, 10.2, 1.825), (20, true, 20, 7.0, 5.950),
    (1000, false, 16, 65.5, 1.022), (1000, false, 128, 15.0, 1.692), (1000, false, 1000, 7.8, 7.391),
    (100, false, 16, 13.0, 1.805), (100, false, 100, 7.5, 7.043), (20, false, 4, 10.2, 1.812), (20, false, 20, 6.2, 5.425),
  ]

  @Test("foresees rounds to a sixth and evaluations to a fourth")
  func rounds() {
    for case let (steps, isRandom, window, rounds, evaluations) in Self.measured {
      let foreseen = tuner(steps: steps, isRandom: isRandom).rounds(open: window, isWhole: window == steps)
      let rows = (foreseen.full + (foreseen.all - foreseen.full) / 3) * Double(window) / Double(steps)
      #expect(abs(foreseen.all / rounds - 1) < 1.0 / 6, "\(steps) steps, window \(window): \(foreseen.all), not \(rounds)")
      #expect(abs(rows / evaluations - 1) < 0.25, "\(steps) steps, window \(window): \(rows), not \(evaluations)")
    }
  }

  private struct Unexpected: Error {}
}
