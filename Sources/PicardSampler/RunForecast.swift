import Foundation

/// The rounds of a run: which slices were iterated in each of them.
///
/// They depend on the model and the options, not on the number of ranks; so a
/// run on few ranks tells what one on many would do.
public struct RunPattern: Sendable {
  /// By round and sample, segment and slices.
  private(set) var rounds: [[(segment: Int, slices: Range<Int>)]] = []
  /// Slices that are done, of the sample that is furthest behind.
  public private(set) var finishedSteps = 0
  private var changes: [Double] = []

  /// A run before its first round.
  public init() {}

  /// Rounds so far.
  public var count: Int { rounds.count }

  /// Takes note of a round.
  public mutating func add(_ summary: RoundSummary) {
    rounds.append(summary.changes.active)
    if summary.finishedSteps > finishedSteps { changes = [] }
    finishedSteps = summary.finishedSteps
    changes.append(summary.largestChange)
  }

  /// How many rounds the whole run takes, where `rounds` are only its beginning.
  ///
  /// A twentieth of the slices finished tells the pace; before that, the
  /// changes are taken to fall on as they have fallen lately. `nil` where they
  /// do not fall.
  public func roundsInAll(of trajectory: Trajectory, stop: StopRule) -> Double? {
    if finishedSteps == trajectory.slices { return Double(count) }
    if 20 * finishedSteps >= trajectory.slices {
      return Double(count) * Double(trajectory.slices) / Double(finishedSteps)
    }
    let blocks = Double(trajectory.slices) / Double(trajectory.longestSegment)
    switch stop {
    case .iterations(let rounds):
      return Double(min(rounds, trajectory.longestSegment)) * blocks
    case .tolerance(let tolerance):
      let recent = changes.suffix(6)
      guard tolerance > 0, let first = recent.first, let last = recent.last, last < first, last > 0
      else { return nil }
      let rate = log(first / last) / Double(recent.count - 1)
      let rounds = Double(changes.count) + max(0, log(last / tolerance) / rate)
      return min(rounds, Double(trajectory.longestSegment)) * blocks
    }
  }
}

/// What a machine takes for the parts of a round, in seconds.
public struct MachineCost: Sendable {
  /// A score call in a round, where the other ranks of the host rest.
  public var score: ScoreCost
  /// A score call of sequential sampling, right after another one.
  public let sequentialScore: ScoreCost
  /// Wait in every score call, during which the processor is free.
  public var latency = 0.0
  /// States and norms, for every slice and round.
  public var update = 0.0
  /// By what factor work takes longer on so many ranks of this machine, which
  /// share its processors, caches and memory. The last one holds for more.
  public var slowdown: [(ranks: Int, factor: Double)] = [(1, 1)]
  /// What a round takes on so many ranks beyond its parts: waiting for whoever is
  /// late by chance, or for a processor; below zero where messages are faster in
  /// a run than by themselves. The last one holds for more.
  public var overhead: [(ranks: Int, seconds: Double)] = [(1, 0)]
  /// A message of no length to the next rank; the last one holds for more ranks.
  public var hop: [(ranks: Int, seconds: Double)] = [(2, 0)]
  /// Every further message that leaves together with it.
  public var furtherMessage = 0.0
  /// Every byte of a message.
  public var secondsPerByte = 0.0
  /// Agreeing on the changes, by number of ranks.
  public var agreement: [(ranks: Int, seconds: Double)] = [(2, 0)]

  /// A machine on which all but score calls costs nothing.
  public init(score: ScoreCost) {
    self.score = score
    sequentialScore = score
  }

  func waits(for rows: Int) -> Double {
    let largest = score.rows.last ?? 1
    return Double((rows + largest - 1) / largest) * latency
  }

  /// Messages that leave together for the next one of `ranks` ranks.
  func messages(_ count: Int, bytes: Int, ranks: Int) -> Double {
    interpolated(hop.map { ($0.ranks, $0.seconds) }, ranks) + Double(count - 1) * furtherMessage
      + Double(bytes) * secondsPerByte
  }

  /// A reduction: as measured, and beyond that by the depth of the tree.
  func agreement(ranks: Int) -> Double {
    guard ranks > 1 else { return 0 }
    let measured = interpolated(agreement.map { ($0.ranks, $0.seconds) }, ranks)
    guard let last = agreement.last, ranks > last.ranks else { return measured }
    let depth = log2(Double(ranks)).rounded(.up) / max(1, log2(Double(last.ranks)).rounded(.up))
    return measured * depth
  }

  /// By what factor work takes longer on so many ranks.
  public func slowdown(ranks: Int) -> Double { interpolated(slowdown.map { ($0.ranks, $0.factor) }, ranks) }

  func overhead(ranks: Int) -> Double { interpolated(overhead.map { ($0.ranks, $0.seconds) }, ranks) }

  /// Between two measurements a straight line; the ends hold beyond.
  private func interpolated(_ points: [(Int, Double)], _ ranks: Int) -> Double {
    guard let above = points.firstIndex(where: { $0.0 >= ranks }) else { return points.last?.1 ?? 0 }
    guard above > 0, points[above].0 != ranks else { return points[above].1 }
    let (low, high) = (points[above - 1], points[above])
    return low.1 + (high.1 - low.1) * Double(ranks - low.0) / Double(high.0 - low.0)
  }
}

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
    var clocks = RankClocks(ranks: ranks)
    open([], pattern.rounds.first ?? [], &clocks)
    for (number, round) in pattern.rounds.enumerated() {
      simulate(round, next: number + 1 < pattern.count ? pattern.rounds[number + 1] : [], &clocks)
    }
    return clocks.latest
  }

  /// Seconds of score calls and of updates in the pattern's rounds, of all ranks
  /// together, latency aside.
  public func workSeconds(ranks: Int) -> (score: Double, update: Double) {
    var (score, update) = (0.0, 0.0)
    for round in pattern.rounds {
      for count in loads(parts(round, ranks)).values {
        score += cost.score.time(of: count.rows)
        update += Double(count.slices) * cost.update
      }
    }
    let slowdown = cost.slowdown(ranks: ranks)
    return (score * slowdown, update * slowdown)
  }

  /// The largest number of slices that one rank holds at once, samples together.
  public func largestLoad(ranks: Int) -> Int {
    pattern.rounds.map { loads(parts($0, ranks)).values.map(\.slices).max() ?? 0 }.max() ?? 0
  }

  /// A chunk's active slices in one sample of the pattern.
  private struct Part {
    var sample: Int
    var owner: Int
    /// Chunks between it and the window's first one.
    var level: Int
    var slices: Int
    /// Rows of a score call for them.
    var rows: Int
    /// Samples of the run that this one stands for.
    var weight: Int
    /// Bytes of the state behind it, those samples together.
    var bytes: Int
    /// Messages in which it is sent.
    var messages: Int
  }

  /// By source and destination.
  fileprivate typealias Messages = [Int: [Int: (count: Int, bytes: Int)]]

  private func map(_ segment: Int, _ ranks: Int) -> ChunkMap {
    ChunkMap(
      slices: trajectory.segments[segment].slices.count, chunkSize: options.chunk, ranks: ranks,
      layout: options.window == nil ? .contiguous : .cyclic)
  }

  private func parts(_ round: [(segment: Int, slices: Range<Int>)], _ ranks: Int) -> [Part] {
    // The run's samples are dealt out to those of the pattern.
    let counts = round.indices.map { (samples * ($0 + 1)) / round.count - (samples * $0) / round.count }
    return zip(round, counts).enumerated().flatMap { sample, open -> [Part] in
      let (window, weight) = open
      guard weight > 0, !window.slices.isEmpty else { return [] }
      let map = map(window.segment, ranks)
      return map.chunks(touching: window.slices).enumerated().map { level, chunk in
        let slices = map.slices(ofChunk: chunk).clamped(to: window.slices).count
        return Part(
          sample: sample, owner: map.owner(ofChunk: chunk), level: level, slices: slices,
          rows: trajectory.segments[window.segment].isCorrector
            ? slices : options.rows(ofSlices: slices, dimension: stateBytes / scalarBytes),
          weight: weight,
          bytes: weight * trajectory.segments[window.segment].components * stateBytes,
          messages: weight * trajectory.segments[window.segment].components * segmentsPerState)
      }
    }
  }

  private func simulate(
    _ round: [(segment: Int, slices: Range<Int>)], next: [(segment: Int, slices: Range<Int>)],
    _ clocks: inout RankClocks
  ) {
    let ranks = clocks.ranks
    let slowdown = cost.slowdown(ranks: ranks)
    let parts = parts(round, ranks)
    for (rank, load) in loads(parts) {
      let work = cost.score.time(of: load.rows) + Double(load.slices) * cost.update
      let seconds = work * slowdown + cost.waits(for: load.rows) + cost.overhead(ranks: ranks)
      clocks.work(rank, max(0, seconds))
    }
    // Boundary states pass from level to level. Each is sent on as soon as it
    // has come, in segments, so that only the first hop waits for all of them. With
    // probes a chunk needs all of one, and carries it through its slices, which is about
    // a third of an update.
    let levels = (parts.map(\.level).max() ?? -1) + 1
    var byLevel = [[Part]](repeating: [], count: levels)
    for part in parts { byLevel[part.level].append(part) }
    for level in byLevel.indices.dropFirst() {
      clocks.pass(hops(from: byLevel[level - 1], to: byLevel[level])) { messages, bytes in
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
    open(round, next, &clocks)
  }

  /// Further slices are opened one chunk after another, from the window's end
  /// on, by a state and a score that pass from rank to rank as one message.
  private func open(
    _ round: [(segment: Int, slices: Range<Int>)], _ next: [(segment: Int, slices: Range<Int>)],
    _ clocks: inout RankClocks
  ) {
    let ranks = clocks.ranks
    for (from, to) in openings(round, next, ranks) {
      let edges = max(1, samples / next.count)
      clocks.pass([from: [to: (edges, 2 * edges * stateBytes)]]) {
        cost.messages($0, bytes: $1, ranks: ranks)
      }
    }
  }

  /// Slices of every rank, and rows of its score calls.
  private func loads(_ parts: [Part]) -> [Int: (slices: Int, rows: Int)] {
    var loads: [Int: (slices: Int, rows: Int)] = [:]
    for part in parts {
      let load = loads[part.owner] ?? (0, 0)
      loads[part.owner] = (load.slices + part.weight * part.slices, load.rows + part.weight * part.rows)
    }
    return loads
  }

  /// Messages and their bytes, from rank to rank, between two levels.
  private func hops(from left: [Part], to right: [Part]) -> Messages {
    let sources = Dictionary(left.map { ($0.sample, $0.owner) }) { first, _ in first }
    var messages: Messages = [:]
    for part in right {
      guard let source = sources[part.sample], source != part.owner else { continue }
      var both = messages[source]?[part.owner] ?? (0, 0)
      both.count += part.messages
      both.bytes += part.bytes
      messages[source, default: [:]][part.owner] = both
    }
    return messages
  }

  private var segmentsPerState: Int {
    PicardSolver<Float>.messageSegments(max(1, stateBytes / scalarBytes)).count
  }

  /// Pairs of ranks that the opening of the first sample's slices passes, in order.
  private func openings(
    _ round: [(segment: Int, slices: Range<Int>)], _ next: [(segment: Int, slices: Range<Int>)],
    _ ranks: Int
  ) -> [(Int, Int)] {
    guard let new = next.first, ranks > 1, !new.slices.isEmpty else { return [] }
    let opened = map(new.segment, ranks)
    guard let old = round.first, !old.slices.isEmpty else {
      let owners = opened.chunks(touching: new.slices).map { opened.owner(ofChunk: $0) }
      return zip(owners, owners.dropFirst()).filter { $0 != $1 }
    }
    let isSame = old.segment == new.segment
    guard !isSame || new.slices.upperBound > old.slices.upperBound else { return [] }
    let before = map(old.segment, ranks)
    let start = isSame ? before.chunk(ofSlice: old.slices.upperBound - 1) : before.chunks - 1
    let slices = isSame ? old.slices.upperBound..<new.slices.upperBound : new.slices
    let owners =
      [before.owner(ofChunk: start)]
      + opened.chunks(touching: slices).map { opened.owner(ofChunk: $0) }
    return zip(owners, owners.dropFirst()).filter { $0 != $1 }
  }
}

/// Where the ranks of a forecast are in time. Ranks that have done nothing
/// since all agreed are where all were then.
private struct RankClocks {
  let ranks: Int
  private var all = 0.0
  private var times: [Int: Double] = [:]

  init(ranks: Int) { self.ranks = ranks }

  var latest: Double { max(all, times.values.max() ?? 0) }

  mutating func work(_ rank: Int, _ seconds: Double) { times[rank] = (times[rank] ?? all) + seconds }

  /// Messages that leave when their senders are ready, and are waited for.
  mutating func pass(
    _ messages: RunForecast.Messages, seconds: (_ messages: Int, _ bytes: Int) -> Double
  ) {
    let before = self
    for (source, destinations) in messages {
      for (destination, load) in destinations where source != destination {
        let arrival = before.time(source) + seconds(load.count, load.bytes)
        times[destination] = max(time(destination), arrival)
      }
    }
  }

  /// All ranks wait for the last one.
  mutating func agree(_ seconds: Double) {
    all = latest + seconds
    times = [:]
  }

  private func time(_ rank: Int) -> Double { times[rank] ?? all }
}
