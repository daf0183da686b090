internal import CMPI

#if canImport(Darwin)
  internal import Darwin
#else
  internal import Glibc
#endif

/// How a program uses MPI.
public struct EnvironmentOptions {
  /// Which threads may call MPI. The default, one thread among several, costs
  /// nothing in any library.
  public var threadLevel = ThreadLevel.funneled

  /// Checks that all ranks make the same collective call with the same
  /// arguments, at the price of one more collective call each: all calls of
  /// communicators, grids, shared arrays and files, also those that start
  /// something, which is then compared before it completes. A program that is
  /// correct without the check is so with it.
  public var checksCollectives = false

  /// Seconds after which a rank that waits for others in one blocking call
  /// ends the job with the report of a ``StallError``; nil to wait for ever.
  /// Time in which the job is stopped does not count.
  public var stallTimeout: Double?

  /// What to tell and to return to the shell for an error that ends the job.
  public var report: @Sendable (any Error) -> FailureReport = { FailureReport("\($0)") }

  /// The defaults.
  public init() {}
}

/// What a failed job leaves: a message on standard error and an exit code.
public struct FailureReport {
  /// What a person reads.
  public var message: String
  /// What scripts see.
  public var exitCode: Int32

  /// The default code is `EX_SOFTWARE` of sysexits.h.
  public init(_ message: String, exitCode: Int32 = 70) {
    self.message = message
    self.exitCode = exitCode
  }
}

/// How threads and MPI go together (`MPI_Init_thread`).
///
/// Calls from several threads at once (`MPI_THREAD_MULTIPLE`) are not supported:
/// the library counts what is under way without locks.
public enum ThreadLevel: Comparable, Sendable {
  /// The program has one thread.
  case single
  /// The thread that started MPI makes all calls.
  case funneled
  /// Any thread may call, one at a time.
  case serialized

  var rawValue: Int32 {
    switch self {
    case .single: Int32(MPI_THREAD_SINGLE)
    case .funneled: Int32(MPI_THREAD_FUNNELED)
    case .serialized: Int32(MPI_THREAD_SERIALIZED)
    }
  }
}

/// Why MPI could not be used, or not be ended in order.
public enum EnvironmentError: Error, Equatable, Sendable {
  /// MPI was already started in this process; it can be started once.
  case alreadyStarted
  /// The library at run time is not the one the program was built for.
  case wrongLibrary(built: String, found: String)
  /// The library cannot serve threads as asked.
  case threadLevel(asked: ThreadLevel)
  /// Slurm started several tasks and MPI connected none of them.
  case isolated(slurmTasks: Int)
  /// Requests were started and never waited for.
  case outstandingRequests(Int)
}

extension EnvironmentError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .alreadyStarted:
      "MPI was already started in this process, and can be started only once"
    case .wrongLibrary(let built, let found):
      "built for \(built), but the MPI library found at run time is \(found): load the right module, or build again with MPI_PKG_CONFIG naming this library"
    case .threadLevel(let asked):
      "the MPI library does not support the thread level \(asked)"
    case .isolated(let tasks):
      "srun started \(tasks) tasks, but MPI in each of them sees a world of one rank: this MPI library cannot be started by this srun. Use mpirun inside the job, or an MPI plug-in that both know (srun --mpi=list shows Slurm's)"
    case .outstandingRequests(let count):
      "\(count) requests were started and never completed: wait for each of them"
    }
  }
}

/// A failure that ends the job on all ranks and is known to all of them.
///
/// When ``withEnvironment(_:_:)`` throws it, one rank has written the message
/// to standard error; all that is left to do is to exit with the code.
public struct JobError: Error, CustomStringConvertible {
  /// What went wrong, for a person.
  public let message: String
  /// The code that the job ends with.
  public let exitCode: Int32
  /// Whether this rank is the one that tells the user.
  let isReportedHere: Bool
  /// Whether all ranks of the job have thrown this error, not only those of
  /// a smaller communicator.
  let coversJob: Bool

  public var description: String { message }
}

/// Starts MPI, runs `body` with the world communicator, and ends MPI.
///
/// This is the only way in, once in a process. An error thrown out of `body`
/// on one rank while the others go on ends the job on all: the message that
/// ``EnvironmentOptions/report`` makes of it goes to standard error with the
/// rank in front, and its exit code becomes the job's; this function does not
/// return then. A ``JobError``, which all ranks throw together (see
/// ``Communicator/agree(_:)``), is written by one rank, ends MPI in order and
/// is thrown on.
///
/// - Throws: ``JobError`` on all ranks together; also when MPI cannot be used,
///   with the report of an ``EnvironmentError``.
public func withEnvironment<Result>(
  _ options: EnvironmentOptions = EnvironmentOptions(),
  _ body: (Communicator) throws -> Result
) throws(JobError) -> Result {
  let job = Job(options)
  try job.requireUsableLibrary()
  Library.avoidOverruns()
  job.watchForStalls()
  do {
    if let step = job.launch.slurmStep, step.isLeftAlone {
      throw job.refusal(.isolated(slurmTasks: step.tasks)).written()
    }
    job.launch.hideFromLibrary()
    var provided: Int32 = 0
    try blocking("MPI_Init_thread") {
      MPI_Init_thread(nil, nil, options.threadLevel.rawValue, &provided)
    }
    let world = try job.start()
    let result: Result
    do {
      if provided < options.threadLevel.rawValue {
        throw job.refusal(.threadLevel(asked: options.threadLevel))
      }
      result = try body(world)
      if OutstandingRequests.count != 0 {
        throw EnvironmentError.outstandingRequests(OutstandingRequests.count)
      }
    } catch let error as JobError where error.coversJob {
      // MPI may not end while messages are under way.
      if OutstandingRequests.count != 0 { job.abort(because: error) }
      // Before the end of MPI, which no rank leaves until all have come: a
      // rank that exits with an error makes the launcher kill the others.
      error.write()
      try job.finalize(world)
      throw error
    }
    try job.finalize(world)
    return result
  } catch let error as JobError where error.coversJob {
    throw error
  } catch {
    job.abort(because: error)
  }
}

/// Runs `body` with the world communicator as the whole program, and exits:
/// with 0, or with the exit code of the error that ended the job.
///
/// ```swift
/// runProgram { world in
///   print("rank \(world.rank) of \(world.size)")
/// }
/// ```
///
/// See ``withEnvironment(_:_:)`` for what happens to errors.
public func runProgram(
  _ options: EnvironmentOptions = EnvironmentOptions(),
  _ body: (Communicator) throws -> Void
) -> Never {
  do {
    try withEnvironment(options, body)
  } catch {
    exit(error.exitCode)
  }
  exit(0)
}
