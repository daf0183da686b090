public import PicardSampler

/// Predicts what a run takes on any number of ranks, by following its rounds:
/// every rank works as long as its slices take, and waits for the messages and
/// the agreement that the solver would make it wait for.
public struct RunForecast: Sendable {
  let trajectory: Trajectory
  let options: PicardOptions
  let cost: MachineCost
  let pattern: RunPattern
  /// Samples of the run.
  let samples: Int
  /// Bytes of a number, and of a state of one component.
  let scalarBytes: Int
  let stateBytes: Int

  /// - Parameters:
  ///   - trajectory: the way of a sample from noise to data.
  ///   - options: how it is iterated.
  ///   - cost: what the parts of a round take.
  ///   - pattern: the rounds, of this trajectory with these options.
  ///   - samples: samples of the run, which may be more than those of the pattern.
  ///   - dimension: numbers of a sample.
  ///   - scalarBytes: bytes of a number.
  public init(
    _ trajectory: Trajectory, options: PicardOptions, cost: MachineCost, pattern: RunPattern,
    samples: Int, dimension: Int, scalarBytes: Int
  ) {
    self.trajectory = trajectory
    self.options = options
    self.cost = cost
    self.pattern = pattern
    self.samples = samples
    self.scalarBytes = scalarBytes
    stateBytes = dimension * scalarBytes
  }

  /// Seconds of the sequential sampler on one rank.
  public var sequentialSeconds: Double {
    let step =
      cost.sequentialScore.time(of: samples) + cost.waits(for: samples)
      + Double(samples) * cost.update
    return Double(trajectory.slices) * step
  }

  /// Seconds from the first round to the last, `nil` where the pattern does
  /// not tell how many rounds there are.
  public func seconds(ranks: Int) -> Double? {
    guard let roundsInAll = pattern.roundsInAll(of: trajectory, stop: options.stop) else { return nil }
    return patternSeconds(ranks: ranks) * roundsInAll / Double(pattern.count)
  }

  /// Seconds of the pattern's rounds, which may be the beginning of a run.
  public func patternSeconds(ranks: Int) -> Double {
    let schedule = Schedule(trajectory, options, ranks: ranks)
    var clocks = RankClocks(ranks: ranks)
    open(schedule, [], pattern.rounds.first ?? [], &clocks)
    for (number, round) in pattern.rounds.enumerated() {
      simulate(round, schedule, &clocks)
      if number + 1 < pattern.count { open(schedule, round, pattern.rounds[number + 1], &clocks) }
    }
    return clocks.latest
  }

  /// Seconds of score calls and of updates in the pattern's rounds, of all ranks
  /// together, latency aside.
  public func workSeconds(ranks: Int) -> (score: Double, update: Double) {
    var (score, update) = (0.0, 0.0)
    let schedule = Schedule(trajectory, options, ranks: ranks)
    for round in pattern.rounds {
      for count in loads(parts(round, schedule)).values {
        score += cost.score.time(of: count.rows)
        update += Double(count.slices) * cost.update
      }
    }
    let slowdown = cost.slowdown(ranks: ranks)
    return (score * slowdown, update * slowdown)
  }

  /// The largest number of slices that one rank holds at once, samples together.
  public func largestLoad(ranks: Int) -> Int {
    let schedule = Schedule(trajectory, options, ranks: ranks)
    return pattern.rounds.map { loads(parts($0, schedule)).values.map(\.slices).max() ?? 0 }.max() ?? 0
  }

  /// A part of a round with what it costs.
  private struct Part {
    var planned: RoundPlan.Part
    /// Samples of the run that its sample stands for.
    var weight: Int
    /// Rows of a score call for one of them.
    var rows: Int
    /// Messages in which the state behind it is sent, all of them together, and their bytes.
    var messages: Int
    var bytes: Int
  }

  /// By source and destination.
  typealias Messages = [Int: [Int: (count: Int, bytes: Int)]]

  private func parts(_ round: [Window], _ schedule: Schedule) -> [Part] {
    // The run's samples are dealt out to those of the pattern.
    let weights = round.indices.map { (samples * ($0 + 1)) / round.count - (samples * $0) / round.count }
    return schedule.plan(round).parts.filter { weights[$0.sample] > 0 }.map { part in
      let (stage, weight) = (trajectory.stages[part.stage], weights[part.sample])
      return Part(
        planned: part, weight: weight,
        rows: stage.isCorrector
          ? part.slices.count : options.rows(ofSlices: part.slices.count, dimension: stateBytes / scalarBytes),
        messages: weight * stage.components * piecesPerState, bytes: weight * stage.components * stateBytes)
    }
  }

  private func simulate(_ round: [Window], _ schedule: Schedule, _ clocks: inout RankClocks) {
    let ranks = clocks.ranks
    let slowdown = cost.slowdown(ranks: ranks)
    let parts = parts(round, schedule)
    for (rank, load) in loads(parts) {
      let work = cost.score.time(of: load.rows) + Double(load.slices) * cost.update
      let seconds = work * slowdown + cost.waits(for: load.rows) + cost.overhead(ranks: ranks)
      clocks.work(rank, max(0, seconds))
    }
    // Boundary states pass from level to level. Each is sent on as soon as it
    // has come, in segments, so that only the first hop waits for all of them. With
    // probes a chunk needs all of one, and carries it through its slices, which is about
    // a third of an update.
    let levels = (parts.map(\.planned.level).max() ?? -1) + 1
    var byLevel = [[Part]](repeating: [], count: levels)
    for part in parts { byLevel[part.planned.level].append(part) }
    for level in byLevel.indices.dropFirst() {
      clocks.pass(hops(to: byLevel[level])) { messages, bytes in
        if options.probes > 0 {
          return cost.messages(messages, bytes: bytes, ranks: ranks)
            + (level == 1 ? 0 : Double(options.chunk) * cost.update / 3)
        }
        return level == 1
          ? cost.messages(messages, bytes: bytes, ranks: ranks)
          : cost.messages(1, bytes: bytes / messages, ranks: ranks)
      }
    }
    if options.stop.needsAgreement || options.anderson != nil {
      clocks.agree(cost.agreement(ranks: ranks))
    }
  }

  /// Further slices are opened one chunk after another, from the window's end
  /// on, by a state and a score that pass from rank to rank as one message.
  private func open(_ schedule: Schedule, _ round: [Window], _ next: [Window], _ clocks: inout RankClocks) {
    guard let new = next.first, !new.isEmpty else { return }
    let opening =
      if let old = round.first, !old.isEmpty {
        schedule.opening(of: 0, from: old, to: new)
      } else {
        Optional(schedule.opening(of: 0, at: new))
      }
    let ranks = clocks.ranks
    let states = max(1, samples / next.count)
    let rows = 2 + trajectory.stages[new.stage].historyDepth
    for hop in opening?.hops ?? [] {
      clocks.pass([hop.source: [hop.destination: (states, states * rows * stateBytes)]]) {
        cost.messages($0, bytes: $1, ranks: ranks)
      }
    }
  }

  /// Slices of every rank, and rows of its score calls.
  private func loads(_ parts: [Part]) -> [Int: (slices: Int, rows: Int)] {
    var loads: [Int: (slices: Int, rows: Int)] = [:]
    for part in parts {
      let load = loads[part.planned.owner] ?? (0, 0)
      loads[part.planned.owner] = (
        load.slices + part.weight * part.planned.slices.count, load.rows + part.weight * part.rows
      )
    }
    return loads
  }

  /// Messages to the parts of a level, and their bytes, from rank to rank.
  private func hops(to parts: [Part]) -> Messages {
    var messages: Messages = [:]
    for part in parts {
      guard let source = part.planned.left, source != part.planned.owner else { continue }
      var both = messages[source]?[part.planned.owner] ?? (0, 0)
      both.count += part.messages
      both.bytes += part.bytes
      messages[source, default: [:]][part.planned.owner] = both
    }
    return messages
  }

  private var piecesPerState: Int { messagePieces(max(1, stateBytes / scalarBytes)).count }
}
