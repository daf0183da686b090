import Foundation
import MPI
import PicardSampler
import Results

/// What is told and kept of a run while it goes on: progress for people, the
/// changes of all slices for a picture, a trace for a timeline.
final class RunRecording: RunObserver {
  @exclusivity(unchecked) private var progress: Progress
  @exclusivity(unchecked) private(set) var residuals: ResidualMap?
  @exclusivity(unchecked) private var trace: Trace?
  private var clock: RankClock?
  @exclusivity(unchecked) private var evaluations = 0
  /// The same moment on both clocks.
  private let moment = RunRecording.simultaneousReadings()
  /// The rank of the job that is the solver's rank 0.
  private var firstRank = 0

  /// Collective where there is to be a trace.
  init(_ configuration: RunConfiguration, slices: Int, blocks: Int, over world: Communicator) throws {
    let pace = Progress.Pace(stop: configuration.solver.stop, blocks: blocks, window: configuration.solver.window.extent?.window != nil)
    progress = Progress(world.rank == 0 ? configuration.output.progress : .none, pace)
    if configuration.pictures.plot != nil || configuration.pictures.hdf5 != nil {
      residuals = ResidualMap(slices: slices)
    }
    if configuration.pictures.trace != nil {
      trace = Trace(ranks: world.size)
      clock = try RankClock(world)
    }
  }

  /// Whether phases and messages are asked for.
  var observesPhases: Bool { trace != nil }

  /// - Parameter firstRank: the rank of the job that is the solver's rank 0.
  func beginRounds(firstRank: Int) {
    self.firstRank = firstRank
    trace?.beginRounds(at: nanoseconds(.now))
  }

  /// Tells that all rounds are done.
  /// - Throws: `OutputError` where standard output cannot be written.
  func endRounds() throws { try progress.finish() }

  /// Takes note of a round.
  /// - Throws: `OutputError` where standard output cannot be written.
  func show(_ summary: RoundSummary) throws {
    try progress.show(summary)
    guard residuals != nil || trace != nil else { return }
    if residuals?.rounds == 0 {
      // A run that goes on has rounds behind it that nothing is known of here.
      for _ in 1..<max(1, summary.round) { residuals?.addRound(finishedSlices: 0) { _ in } }
    }
    residuals?.addRound(finishedSlices: summary.finishedSteps) { summary.changes.forEach($0) }
    trace?.endRound(
      rows: summary.evaluations - evaluations, finishedSlices: summary.finishedSteps,
      block: summary.block, isCorrector: summary.isCorrector, at: nanoseconds(.now))
    evaluations = summary.evaluations
  }

  func ended(
    _ phase: Phase, since start: ContinuousClock.Instant, at end: ContinuousClock.Instant
  ) {
    let activity: Trace.Activity
    switch phase {
    case .score: activity = .score
    case .update: activity = .update
    case .exchange: activity = .exchange
    case .reduce: activity = .reduce
    // Told by the moments between which they last.
    case .setup, .output: return
    }
    trace?.add(activity, from: nanoseconds(start), to: nanoseconds(end))
  }

  func sent(bytes: Int, to rank: Int) {
    trace?.addSend(bytes: bytes, to: firstRank + rank, at: nanoseconds(.now))
  }

  func received(
    bytes: Int, from rank: Int, waitingSince start: ContinuousClock.Instant,
    until end: ContinuousClock.Instant
  ) {
    trace?.addWait(bytes: bytes, for: firstRank + rank, from: nanoseconds(start), to: nanoseconds(end))
  }

  /// Writes the trace. Collective.
  ///
  /// - Parameters:
  ///   - begin: when setting up began; it ended with the first round.
  ///   - solved: when the last round ended, and the writing of results began.
  ///   - hosts: the host of every rank, on rank 0.
  func writeTrace(
    to path: String, since begin: ContinuousClock.Instant, solved: ContinuousClock.Instant,
    hosts: [String], over world: Communicator
  ) throws {
    guard var trace, var clock else { return }
    trace.addEnds(
      setupFrom: nanoseconds(begin), outputFrom: nanoseconds(solved), to: nanoseconds(.now))
    try clock.measureAgain(world)
    var processes = world.rank == 0 ? hosts.map { hosts.firstIndex(of: $0) ?? 0 } : [Int](repeating: 0, count: world.size)
    try world.broadcast(&processes, root: 0)
    try TraceFile(path).write(
      trace, clock: clock, host: world.processorName, process: processes[world.rank],
      over: world)
  }

  private func nanoseconds(_ time: ContinuousClock.Instant) -> Int64 {
    let (seconds, attoseconds) = (time - moment.instant).components
    return moment.nanoseconds + seconds * 1_000_000_000 + attoseconds / 1_000_000_000
  }

  /// Both clocks read as close together as a few attempts get.
  private static func simultaneousReadings() -> (instant: ContinuousClock.Instant, nanoseconds: Int64) {
    let attempts = (0..<16).map { _ in
      let before = RankClock.now
      let instant = ContinuousClock.now
      let after = RankClock.now
      return (instant: instant, nanoseconds: before + (after - before) / 2, gap: after - before)
    }
    guard let best = attempts.min(by: { $0.gap < $1.gap }) else { return (.now, RankClock.now) }
    return (best.instant, best.nanoseconds)
  }
}
