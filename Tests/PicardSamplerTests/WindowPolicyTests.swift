import PicardSampler
import Testing

/// How windows move, by tables.
@Suite("the policy of windows") struct WindowPolicyTests {
  /// Of one block of 20 slices and the corrector's 5 behind it.
  private func policy(_ extent: Extent, _ stop: StopRule, stepsBehindConverge: Bool = true) -> WindowPolicy {
    WindowPolicy(extent: extent, stop: stop, stages: [20, 5], stepsBehindConverge: stepsBehindConverge)
  }

  /// A change above 0.5 is one that has not converged.
  private func changes(_ converged: Int, of count: Int) -> [Double] { (0..<count).map { $0 < converged ? 0.5 : 0.6 } }

  @Test(
    "a window slides by what has converged, one slice more, and at least one",
    arguments: [(0, 1), (1, 2), (2, 3), (5, 6), (6, 6)])
  func slides(converged: Int, finished: Int) {
    let policy = policy(.window(6), .tolerance(0.5))
    let start = policy.window(entering: 0)
    #expect(start == Window(stage: 0, first: 0, end: 6, size: 6))
    let next = policy.advanced(start, changes(converged, of: 6))
    #expect(next == Window(stage: 0, first: finished, end: 6 + finished, rounds: 0, size: 6, fresh: 6))
  }

  @Test("where iterates are mixed, nothing behind a converged state has", arguments: [(0, 1), (1, 1), (3, 3), (6, 6)])
  func mixed(converged: Int, finished: Int) {
    let policy = policy(.window(6), .tolerance(0.5), stepsBehindConverge: false)
    #expect(policy.advanced(policy.window(entering: 0), changes(converged, of: 6)).first == finished)
  }

  @Test("the last state of a stage is left only when it has converged itself", arguments: [(0, 17), (1, 18), (2, 19), (3, 19)])
  func lastState(converged: Int, first: Int) {
    let policy = policy(.window(6), .tolerance(0.5))
    let window = Window(stage: 0, first: 16, end: 20, rounds: 2, size: 6, fresh: 20)
    let next = policy.advanced(window, changes(converged, of: 4))
    #expect(next == Window(stage: 0, first: first, end: 20, rounds: 3, size: 6, fresh: 20))
    #expect(policy.advanced(window, changes(4, of: 4)) == policy.window(entering: 1))
    #expect(policy.window(entering: 1) == Window(stage: 1, first: 0, end: 5, size: 6))
  }

  @Test("a block is left as a whole: when all of it has converged, or after as many rounds as it has slices")
  func blocks() {
    let policy = policy(.blocks, .tolerance(0.5))
    let start = policy.window(entering: 0)
    #expect(start == Window(stage: 0, first: 0, end: 20, size: 20))
    #expect(policy.advanced(start, changes(19, of: 20)) == Window(stage: 0, first: 0, end: 20, rounds: 1, size: 20, fresh: 20))
    #expect(policy.advanced(start, changes(20, of: 20)).stage == 1)
    var window = start
    for _ in 1..<20 { window = policy.advanced(window, changes(0, of: 20)) }
    #expect(window.stage == 0 && window.rounds == 19)
    #expect(policy.advanced(window, changes(0, of: 20)).stage == 1)
  }

  @Test("a fixed number of rounds counts from where slices were opened last", arguments: [Extent.blocks, .window(6)])
  func iterations(extent: Extent) {
    let policy = policy(extent, .iterations(3))
    var window = policy.window(entering: 0)
    let end = window.end
    for rounds in 1...2 {
      window = policy.advanced(window, changes(0, of: end))
      #expect(window.first == 0 && window.end == end && window.rounds == rounds)
    }
    window = policy.advanced(window, changes(0, of: end))
    #expect(extent == .blocks ? window.stage == 1 : window == Window(stage: 0, first: 6, end: 12, size: 6, fresh: 6))
  }

  @Test("a window doubles as long as what was opened converges at once, and shrinks where it does not")
  func grows() {
    let policy = policy(.window(2, maximum: 7), .tolerance(0.5))
    var window = policy.window(entering: 0)
    var sizes: [Int] = []
    for _ in 0..<3 {
      window = policy.advanced(window, changes(window.slices.count, of: window.slices.count))
      sizes.append(window.size)
    }
    #expect(sizes == [4, 7, 7])
    #expect(window.slices == 13..<20)
    let shrunk = policy.advanced(window, changes(0, of: 7))
    #expect(shrunk == Window(stage: 0, first: 14, end: 20, rounds: 1, size: 2, fresh: 20))
  }

  @Test("behind the last stage a sample is finished")
  func finished() {
    let policy = policy(.blocks, .tolerance(0.5))
    let last = policy.window(entering: 1)
    #expect(!policy.isFinished(last))
    let end = policy.advanced(last, changes(5, of: 5))
    #expect(policy.isFinished(end) && end.isEmpty)
  }

  @Test("at tolerance 0 every bit counts")
  func everyBit() {
    #expect(StopRule.tolerance(0).converged([0, 0, .leastNonzeroMagnitude, 0], after: 1) == 2)
    #expect(StopRule.tolerance(1e-3).converged([1e-3, 2e-3, 0], after: 1) == 1)
    #expect(StopRule.tolerance(1e-3).converged([.infinity], after: 9) == 0)
    #expect(StopRule.iterations(2).converged([1.0, 1], after: 1) == 0)
    #expect(StopRule.iterations(2).converged([1.0, 1], after: 2) == 2)
  }
}
