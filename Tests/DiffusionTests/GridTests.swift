import Diffusion
import Foundation
import Testing

@Suite struct GridTests {
  @Test func gridsEndWhereTheyShouldAndDecrease() throws {
    for grid in [
      try TimeGrid.shrinking(steps: 37, horizon: 10, earlyStop: 1e-3),
      try TimeGrid.uniform(steps: 37, horizon: 10, earlyStop: 1e-3),
      try TimeGrid.karras(steps: 37, horizon: 10, earlyStop: 1e-3),
    ] {
      #expect(grid.steps == 37)
      #expect(abs(grid.nodes[0].s - 10) < 1e-13)
      #expect(abs(grid.nodes[37].s - 1e-3) < 1e-15)
    }
  }

  @Test func shrinkingStepsAreUniformThenProportionalToTheRemainingTime() throws {
    let grid = try TimeGrid.shrinking(steps: 200, horizon: 8, earlyStop: 1e-2)
    let s = grid.nodes.map(\.s)
    let unit = s[0] - s[1]
    for (now, next) in zip(s, s.dropFirst()) {
      if next >= 1 { #expect(abs(now - next - unit) < 1e-12) }
      if now <= 1 { #expect(abs(log(now / next) - unit) < 1e-12) }
    }
  }

  @Test func karrasNoiseLevelsAreEquallySpacedInTheSeventhRoot() throws {
    let grid = try TimeGrid.karras(steps: 20, horizon: 9, earlyStop: 1e-3)
    let roots = grid.nodes.map { pow($0.edmSigma, 1.0 / 7) }
    let gaps = zip(roots, roots.dropFirst()).map { $0 - $1 }
    for gap in gaps { #expect(abs(gap - gaps[0]) < 1e-12) }
  }

  @Test func blocksCoverTheStepsInSizesThatDifferByAtMostOne() throws {
    let grid = try TimeGrid.uniform(steps: 23, horizon: 10, earlyStop: 1e-3)
    for count in 1...23 {
      let blocks = try grid.blocks(count)
      #expect(blocks.count == count)
      #expect(blocks.flatMap { Array($0) } == Array(0..<23))
      let sizes = blocks.map(\.count)
      #expect(sizes.max()! - sizes.min()! <= 1)
    }
    #expect(throws: DiffusionError.self) { try grid.blocks(24) }
    #expect(throws: DiffusionError.self) { try grid.blocks(0) }
  }

  @Test(arguments: [[1.0], [], [1, 1], [1, 2], [2, 1, -0.1], [.nan, 1], [2, .nan], [1, .infinity]])
  func listsThatDoNotDecreaseAreRefused(times: [Double]) {
    #expect(throws: DiffusionError.self) { try TimeGrid(noiseTimes: times) }
  }

  @Test func rangesThatMakeNoSenseAreRefused() {
    #expect(throws: DiffusionError.self) {
      try TimeGrid.shrinking(steps: 0, horizon: 10, earlyStop: 1e-3)
    }
    #expect(throws: DiffusionError.self) {
      try TimeGrid.shrinking(steps: 10, horizon: 1e-4, earlyStop: 1e-3)
    }
    #expect(throws: DiffusionError.self) { try TimeGrid.karras(steps: 10, horizon: 10, earlyStop: 0) }
    #expect(throws: DiffusionError.self) {
      try TimeGrid.uniform(steps: 10, horizon: .infinity, earlyStop: 1e-3)
    }
  }

  /// Ten of a thousand timesteps, as the schedulers of diffusers list them.
  @Test func spacingsChooseTheTimestepsOfTheirDefinition() throws {
    var schedule = DiscreteSchedule(
      betas: DiscreteSchedule.linearBetas(count: 1000, from: 1e-4, to: 0.02))
    #expect(try schedule.timesteps(10) == [900, 800, 700, 600, 500, 400, 300, 200, 100, 0])
    schedule.stepsOffset = 1
    #expect(try schedule.timesteps(10) == [901, 801, 701, 601, 501, 401, 301, 201, 101, 1])
    schedule.spacing = .trailing
    #expect(try schedule.timesteps(10) == [999, 899, 799, 699, 599, 499, 399, 299, 199, 99])
    schedule.spacing = .linspace
    #expect(try schedule.timesteps(10) == [999, 888, 777, 666, 555, 444, 333, 222, 111, 0])
    #expect(throws: DiffusionError.self) { try schedule.timesteps(1001) }
    #expect(throws: DiffusionError.self) { try schedule.timesteps(0) }
  }

  @Test func everyTrainingTimestepIsFoundFromItsNode() throws {
    let schedule = DiscreteSchedule(
      betas: DiscreteSchedule.linearBetas(count: 1000, from: 1e-4, to: 0.02))
    for (index, alphaBar) in schedule.alphaBar.enumerated() {
      #expect(schedule.timestep(at: NoiseTime(alphaBar: alphaBar)) == Double(index))
    }
    let between = NoiseTime(s: -0.5 * log(schedule.alphaBar[10] * schedule.alphaBar[11]))
    #expect(abs(schedule.timestep(at: between) - 10.5) < 1e-9)
    #expect(schedule.timestep(at: .clean) == 0)
    #expect(schedule.timestep(at: NoiseTime(alpha: 0, sigma: 1)) == 999)
  }

  @Test func theModelGridLandsOnCleanData() throws {
    let schedule = DiscreteSchedule(
      betas: DiscreteSchedule.linearBetas(count: 1000, from: 1e-4, to: 0.02))
    let grid = try TimeGrid.model(schedule, steps: 1000)
    #expect(grid.steps == 1000)
    #expect(grid.nodes[1000] == .clean)
    #expect(grid.nodes[0] == NoiseTime(alphaBar: schedule.alphaBar[999], timestep: 999))
  }
}
