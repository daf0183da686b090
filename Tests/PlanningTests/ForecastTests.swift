import Diffusion
import PicardSampler
import Planning
import Testing

/// Predicted times against those that follow from the algorithm by hand.
@Suite struct Forecasts {
  private let trajectory: Trajectory
  /// Of one slice, for every row of a call.
  private let call = 0.5
  private let message = 0.25
  private let agreement = 0.125

  init() throws {
    trajectory = try Trajectory(
      .posterior, on: .shrinking(steps: 12, horizon: 8, earlyStop: 1e-2), noiseLevel: 1)
  }

  private func mixture(_ dimension: Int) throws -> GaussianMixture<Double> {
    let means = [[Double](repeating: 0.8, count: dimension), [Double](repeating: -0.5, count: dimension)]
    return try GaussianMixture(means: means, variance: 0.05, weights: [0.4, 0.6])
  }

  private func pattern(_ options: PicardOptions, samples: [Int] = [0]) throws -> RunPattern {
    var pattern = RunPattern()
    let solver = PicardSolver(
      trajectory, options: options, batch: ScoreBatch(try mixture(3), rows: 16),
      ring: SingleRank(), noise: CounterNoise(seed: 1), samples: samples)
    _ = try solver.run { pattern.add($0) }
    return pattern
  }

  private func forecast(
    _ options: PicardOptions, samples: Int = 1, change: (inout MachineCost) -> Void = { _ in }
  ) throws -> RunForecast {
    var cost = MachineCost(score: ScoreCost(rows: [1, 64], seconds: [call, 64 * call]))
    cost.hop = [(2, message)]
    cost.agreement = [(2, agreement)]
    change(&cost)
    return RunForecast(
      trajectory, options: options, cost: cost,
      pattern: try pattern(options, samples: Array(0..<samples)), samples: samples, dimension: 3,
      scalarBytes: 8)
  }

  @Test("on one rank the time is that of the rows, for blocks and windows")
  func oneRank() throws {
    for (extent, probes) in [(.blocks, 0), (.window(4), 0), (.window(4), 3)] as [(Extent, Int)] {
      let options = PicardOptions(
        stop: .tolerance(1e-3), extent: extent, chunk: 2, probes: probes, trajectory: trajectory)
      var rows = 0
      let solver = PicardSolver(
        trajectory, options: options, batch: ScoreBatch(try mixture(3), rows: 16),
        ring: SingleRank(), noise: CounterNoise(seed: 1), samples: [0, 1])
      _ = try solver.run { summary in
        for (_, slices) in summary.changes.active {
          rows += slices.count
          // A chunk of two probes no more than the three directions there are.
          for (_, count) in Dictionary(slices.map { ($0 / 2, 1) }, uniquingKeysWith: +) {
            rows += min(3, probes * count)
          }
        }
      }
      // All of them are powers of two or their sums: exact.
      #expect(try forecast(options, samples: 2).seconds(ranks: 1) == Double(rows) * call)
    }
  }

  @Test("with a fixed number of iterations the ranks form a pipeline that is filled once")
  func pipeline() throws {
    let options = PicardOptions(stop: .iterations(5), chunk: 1, trajectory: trajectory)
    let forecast = try forecast(options)
    #expect(forecast.seconds(ranks: 12) == 5 * call + 11 * message)
    // Half as many ranks do two slices each, and pass their ends on half as often.
    #expect(forecast.seconds(ranks: 6) == 5 * 2 * call + 5 * message)
    // More ranks have nothing to do.
    #expect(forecast.seconds(ranks: 1000) == forecast.seconds(ranks: 12))
  }

  @Test("with a tolerance every round waits for all hops and for the agreement")
  func agreements() throws {
    let options = PicardOptions(stop: .tolerance(1e-3), chunk: 1, trajectory: trajectory)
    let forecast = try forecast(options)
    let rounds = Double(try pattern(options).count)
    #expect(rounds < 12)
    #expect(forecast.seconds(ranks: 2) == rounds * (6 * call + message + agreement))
    // A tree over 16 ranks is twice as deep as one over 4, four times one over 2.
    let depth = 4.0
    #expect(forecast.seconds(ranks: 12) == rounds * (call + 11 * message + depth * agreement))
  }

  @Test("latency is waited for beside the work, crowded ranks work longer, bytes and messages cost")
  func costs() throws {
    let options = PicardOptions(stop: .iterations(4), chunk: 3, trajectory: trajectory)
    let crowded = try forecast(options, samples: 2) {
      $0.latency = 1
      $0.slowdown = [(1, 1), (4, 2)]
      $0.update = 0.5
      $0.furtherMessage = 0.125
      $0.secondsPerByte = 0.03125
    }
    // Three slices of two samples, in one call. A hop of the opening has one
    // message of 48 bytes, a state and a score, and takes longer than those of
    // the rounds, so that the last rank has them all to wait for at the start.
    let work = 2 * (6 * call + 6 * 0.5) + 1
    #expect(crowded.seconds(ranks: 4) == 4 * work + 3 * (message + 48 * 0.03125))
    #expect(crowded.sequentialSeconds == 12 * (2 * call + 2 * 0.5 + 1))
    #expect(crowded.largestLoad(ranks: 4) == 6)
    #expect(crowded.largestLoad(ranks: 1) == 24)
  }

  @Test("what a round takes beyond its parts is taken by every round, on as many ranks as it was seen on")
  func overhead() throws {
    let options = PicardOptions(stop: .iterations(5), chunk: 1, trajectory: trajectory)
    let forecast = try forecast(options) { $0.overhead = [(1, 0), (6, 2), (12, 4)] }
    #expect(forecast.seconds(ranks: 1) == 5 * 12 * call)
    #expect(forecast.seconds(ranks: 6) == 5 * (2 * call + 2) + 5 * message)
    #expect(forecast.seconds(ranks: 12) == 5 * (call + 4) + 11 * message)
    #expect(forecast.patternSeconds(ranks: 12) == forecast.seconds(ranks: 12))
    #expect(forecast.workSeconds(ranks: 12).score == 5 * 12 * call)
    #expect(forecast.workSeconds(ranks: 12).update == 0)
  }

  @Test("a pilot that ended early tells the rounds by its pace")
  func early() throws {
    let options = PicardOptions(stop: .tolerance(1e-3), extent: .window(4), chunk: 2, trajectory: trajectory)
    let whole = try pattern(options)
    #expect(whole.roundsInAll(of: trajectory, stop: options.stop) == Double(whole.count))
    struct Enough: Error {}
    var begun = RunPattern()
    let solver = PicardSolver(
      trajectory, options: options, batch: ScoreBatch(try mixture(3), rows: 16),
      ring: SingleRank(), noise: CounterNoise(seed: 1), samples: [0])
    #expect(throws: Enough.self) {
      try solver.run { summary in
        begun.add(summary)
        if summary.finishedSteps >= 6 { throw Enough() }
      }
    }
    let rounds = try #require(begun.roundsInAll(of: trajectory, stop: options.stop))
    #expect(rounds == Double(begun.count) * 12 / Double(begun.finishedSteps))
    #expect(abs(rounds / Double(whole.count) - 1) < 0.5)
    #expect(RunPattern().roundsInAll(of: trajectory, stop: .tolerance(0)) == nil)
  }
}
