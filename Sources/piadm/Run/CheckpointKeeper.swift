import Foundation
import MPI
import PicardSampler
import PicardSamplerMPI
import Results

/// Stores the state of a run now and then, and ends the run in order when it
/// is asked to: after the same round on all ranks.
final class CheckpointKeeper {
  private(set) var cost = Report.Checkpoints()
  /// Rows that were handed to the model before this process started.
  var earlierEvaluations: Int { stored?.header.evaluations ?? 0 }

  private let options: CheckpointOptions
  private let folder: String
  private let identity: RunIdentity
  private let processor: String
  private let stored: Checkpoint<SampleProgress>?
  private let world: Communicator
  /// Over all ranks, those of other replicas too.
  private let ring: MPIRing
  private let start: ContinuousClock.Instant
  private var lastStored: ContinuousClock.Instant
  private var lastCost = 0.0

  /// What a rank wants after a round, the strongest wish being granted.
  private enum Wish: Double {
    case goOn, store, stop
  }

  /// - Parameters:
  ///   - processor: of this rank's node.
  ///   - start: when the run has begun, for `--max-time`.
  init(
    _ options: CheckpointOptions, folder: String, identity: RunIdentity, processor: String,
    goingOnFrom stored: Checkpoint<SampleProgress>?, over world: Communicator, stallTimeout: Double,
    since start: ContinuousClock.Instant
  ) {
    self.options = options
    self.folder = folder
    self.identity = identity
    self.processor = processor
    self.stored = stored
    self.world = world
    self.start = start
    ring = MPIRing(world, stallTimeout: stallTimeout)
    lastStored = .now
    cost.resumedAfterRound = stored?.header.progress.map(\.round).max()
  }

  /// What the log says of where the run begins; `nil` where that is the start.
  var beginning: String? {
    guard let header = stored?.header else { return nil }
    let other =
      header.processor == processor
      ? ""
      : """
      warning: the checkpoint was written on \(header.processor), and this is \(processor): \
      the samples' last bits can differ from those of an uninterrupted run

      """
    return other + "resumed after round \(header.round) from \(folder)\n"
  }

  /// Runs a solver; collective over all ranks, each with the solver of its
  /// replica. Replicas go in step.
  ///
  /// - Parameters:
  ///   - observe: called after every round.
  ///   - speaks: this rank tells how far the samples of its replica are: one
  ///     rank of each replica does.
  ///   - stopping: called on all ranks before the run is ended after a round.
  /// - Throws: on all ranks the `JobError` of a `Stopped`; what the solver throws.
  func run<Solver: ResumableSolver>(
    _ solver: Solver, speaks: Bool, observe: (RoundSummary) throws -> Void,
    stopping: (_ evaluations: Int, _ round: Int) throws -> Void
  ) throws -> Solution<Solver.Scalar> {
    try world.agree { try restore(solver) }
    func afterRound(isFinished: Bool) throws -> Bool {
      switch try agreedWish(isFinished: isFinished) {
      case nil: return false
      case .goOn: break
      case .store:
        try solver.checkRowsAgain()
        _ = try store(solver, speaks: speaks)
      case .stop:
        try solver.checkRowsAgain()
        let header = try store(solver, speaks: speaks)
        try ring.finish()
        try stopping(header.evaluations, header.round)
        try world.agree { throw Stopped(round: header.round, folder: folder) }
      }
      return true
    }
    let solution = try solver.run { summary in
      try observe(summary)
      _ = try afterRound(isFinished: false)
    }
    // Other replicas may still be at work.
    while try afterRound(isFinished: true) {}
    return solution
  }

  private func restore(_ solver: some ResumableSolver) throws {
    guard let stored else { return }
    do {
      try solver.restore(stored.header.progress) {
        try stored.piece(CheckpointKey(sample: $0.sample, chunk: $0.chunk))
      }
    } catch let error as StoredStateError {
      throw BadData("\(CheckpointFile(folder).path): \("\(error)".namingOptions); without --resume the run starts from the beginning")
    }
  }

  /// - Returns: `nil` where no rank is at work any more.
  private func agreedWish(isFinished: Bool) throws -> Wish? {
    var agreed = [wish.rawValue, isFinished ? 0 : 1]
    var span = agreed.mutableSpan
    try ring.maximum(&span)
    return agreed[1] > 0 ? Wish(rawValue: agreed[0]) : nil
  }

  /// Signals count wherever they arrive; time is rank 0's.
  private var wish: Wish {
    if StopSignals.haveCome { return .stop }
    guard world.rank == 0 else { return .goOn }
    let now = ContinuousClock.now
    if let maxTime = options.maxTime, now - start >= .seconds(maxTime) { return .stop }
    return now - lastStored >= .seconds(interval) ? .store : .goOn
  }

  /// By default at most one part in fifty of the time is spent on storing.
  private var interval: Double { options.every ?? max(600, 49 * lastCost) }

  /// - Returns: on rank 0, the header that was stored.
  private func store(
    _ solver: some ResumableSolver, speaks: Bool
  ) throws -> CheckpointHeader<SampleProgress> {
    let begin = ContinuousClock.now
    let own = try solver.progress()
    let progress = try world.gather(encoded: speaks ? own : [], root: 0).flatMap(\.self)
    let header = CheckpointHeader(
      fingerprint: identity.values, processor: processor,
      evaluations: earlierEvaluations + (try world.allReduce(solver.evaluations, .sum)),
      progress: progress.sorted { $0.sample < $1.sample })
    let bytes = try CheckpointFile(folder).write(header, over: world) { body in
      try solver.forEachPiece { try body(CheckpointKey(sample: $0.sample, chunk: $0.chunk), $1) }
    }
    lastStored = .now
    lastCost = (lastStored - begin) / .seconds(1)
    cost.written += 1
    cost.bytes = bytes
    cost.seconds += lastCost
    return header
  }
}

extension CheckpointHeader<SampleProgress> {
  /// Rounds that the sample that is furthest on has had.
  var round: Int { progress.map(\.round).max() ?? 0 }
}

/// That a run was stopped as asked, its state stored.
struct Stopped: Error, CustomStringConvertible {
  let round: Int
  let folder: String

  var description: String {
    "stopped after round \(round), the state is in \(folder): run again with --resume"
  }
}
