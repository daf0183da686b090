import Diffusion
import PicardSampler
import Testing

/// Who does what in a round, without numbers, memory or messages.
@Suite("a plan of a round") struct RoundPlanTests {
  private static let extents: [Extent] = [.blocks, .window(7), .window(3, maximum: 12)]

  private func schedule(_ extent: Extent, chunk: Int, ranks: Int) throws -> Schedule {
    let trajectory = try SamplerCase(method: .ddim, blocks: 2, correctorSteps: 5).trajectory(steps: 37)
    return Schedule(trajectory, PicardOptions(extent: extent, chunk: chunk, trajectory: trajectory), ranks: ranks)
  }

  /// Windows as three samples may have them: at the start, underway, and finished.
  private func windows(_ policy: WindowPolicy) -> [Window] {
    let start = policy.window(entering: 0)
    // One change is above every tolerance.
    let moved = policy.advanced(start, start.slices.map { $0 == 2 ? 1 : 0 })
    return [moved, start, policy.window(entering: policy.stages.count)]
  }

  @Test("has every active slice once, in the chunks of its owner", arguments: extents, [1, 3, 4, 50])
  func everySlice(extent: Extent, chunk: Int) throws {
    for ranks in [1, 2, 3, 7] {
      let schedule = try schedule(extent, chunk: chunk, ranks: ranks)
      let windows = windows(schedule.policy)
      let plan = schedule.plan(windows)
      for (sample, window) in windows.enumerated() {
        let parts = plan.parts.filter { $0.sample == sample }
        #expect(parts.flatMap(\.slices) == Array(window.slices))
        #expect(parts.map(\.level) == Array(0..<parts.count))
        #expect(parts.allSatisfy { $0.slices.lowerBound / chunk == $0.chunk && ($0.slices.upperBound - 1) / chunk == $0.chunk })
        #expect(parts.allSatisfy { $0.owner < ranks })
      }
      #expect(plan.parts.map(\.level) == plan.parts.map(\.level).sorted())
    }
  }

  @Test("neighbours name each other's owners, and the ends have none", arguments: extents, [1, 3, 4, 50])
  func neighbours(extent: Extent, chunk: Int) throws {
    for ranks in [1, 2, 5] {
      let schedule = try schedule(extent, chunk: chunk, ranks: ranks)
      let plan = schedule.plan(windows(schedule.policy))
      for sample in 0..<2 {
        let parts = plan.parts.filter { $0.sample == sample }
        #expect(parts.first?.left == nil && parts.last?.right == nil)
        for (left, right) in zip(parts, parts.dropFirst()) {
          #expect(left.right == right.owner && right.left == left.owner)
          #expect(right.chunk == left.chunk + 1)
        }
      }
    }
  }

  @Test("what is done does not depend on the number of ranks, only by whom", arguments: extents, [1, 3, 50])
  func ranks(extent: Extent, chunk: Int) throws {
    func parts(_ ranks: Int) throws -> [[Int]] {
      let schedule = try schedule(extent, chunk: chunk, ranks: ranks)
      return schedule.plan(windows(schedule.policy)).parts.map {
        [$0.sample, $0.stage, $0.chunk, $0.slices.lowerBound, $0.slices.upperBound, $0.level]
      }
    }
    let alone = try parts(1)
    for count in [2, 3, 7, 64] { #expect(try parts(count) == alone) }
  }

  @Test("slices are opened where windows go, from the rank that holds the state before them", arguments: extents)
  func openings(extent: Extent) throws {
    for ranks in [1, 2, 3] {
      let schedule = try schedule(extent, chunk: 3, ranks: ranks)
      let start = schedule.policy.window(entering: 0)
      let first = schedule.opening(of: 4, at: start)
      #expect(first.slices == start.slices && first.sample == 4)
      #expect(first.parts.flatMap(\.slices) == Array(start.slices))
      #expect(first.holder == first.parts[0].owner)
      // All but the last slices converge.
      let moved = schedule.policy.advanced(start, start.slices.map { $0 + 1 == start.end ? 1 : 0 })
      let opening = schedule.opening(of: 0, from: start, to: moved)
      if extent == .blocks {
        #expect(opening == nil)
      } else {
        let opening = try #require(opening)
        #expect(opening.slices == start.end..<moved.end)
        let before = schedule.plan([start]).parts.last
        #expect(opening.holder == before?.owner)
        for hop in opening.hops { #expect(hop.source != hop.destination) }
      }
      // All slices converge, round by round, until the next stage is entered.
      var window = start
      while window.stage == 0 {
        let next = schedule.policy.advanced(window, window.slices.map { _ in 0 })
        if next.stage == 1 {
          #expect(schedule.opening(of: 0, from: window, to: next)?.slices == next.slices)
          #expect(schedule.opening(of: 0, from: window, to: next)?.holder == schedule.plan([window]).parts.last?.owner)
        }
        window = next
      }
    }
  }
}
