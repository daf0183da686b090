internal import CMPI

/// A group of ranks that talk among themselves.
///
/// The world communicator comes from ``withEnvironment(_:_:)``, others from
/// ``withSplit(color:key:_:)`` and ``withDuplicate(_:)``, and live as long as
/// those scopes. After its scope a communicator is null: every call on it
/// throws an error of class ``ErrorClass/communicator``.
///
/// All calls belong to the thread that started MPI; a communicator is not
/// `Sendable`.
public final class Communicator {
  // Every call reads the handle, and no call is made within another: the
  // run-time check of exclusive access would cost a tenth of a short message.
  @exclusivity(unchecked) var handle: cmpi_comm
  let job: Job

  /// This process's number among the ranks, from 0.
  public let rank: Int
  /// The number of ranks.
  public let size: Int

  /// Takes over `handle`, whose errors are from now on returned.
  init(_ handle: cmpi_comm, job: Job) throws(MPIError) {
    try check(cmpi_comm_return_errors(handle.raw), "MPI_Comm_set_errhandler")
    var rank: Int32 = 0
    var size: Int32 = 0
    try check(MPI_Comm_rank(handle.raw, &rank), "MPI_Comm_rank")
    try check(MPI_Comm_size(handle.raw, &size), "MPI_Comm_size")
    self.handle = handle
    self.job = job
    self.rank = Int(rank)
    self.size = Int(size)
  }

  /// Any rank may be the sender (`MPI_ANY_SOURCE`).
  public static var anySource: Int { Int(MPI_ANY_SOURCE) }
  /// Any tag matches (`MPI_ANY_TAG`).
  public static var anyTag: Int { Int(MPI_ANY_TAG) }
  /// No process: messages to and from it complete at once and are empty
  /// (`MPI_PROC_NULL`), which spares a domain's edge a special case.
  public static var noProcess: Int { Int(MPI_PROC_NULL) }

  /// Ends the job on all ranks with this exit code, at once.
  public func abort(exitCode: Int32) -> Never {
    job.abort(exitCode: exitCode)
  }
}

// MARK: - Waiting in a loop

extension Communicator {
  /// Runs `body`, a loop in which this rank waits for others by asking MPI again
  /// and again: ranks that look for one that hangs are told that it waits. The
  /// loop looks at the time itself.
  package func waiting<Result>(_ body: () throws -> Result) rethrows -> Result {
    StallWatch.shared.beginLoop()
    defer { StallWatch.shared.end() }
    return try body()
  }

  /// What the other ranks of the job do, as far as they tell it beside MPI, for
  /// the report of a rank that has waited too long; nil where they cannot be asked.
  package func findingOfOtherRanks() -> String? { StallWatch.shared.finding() }

  /// The number in the whole job of a rank of this communicator.
  package func numberInJob(of rank: Int) -> Int {
    let number = Int(cmpi_world_rank(handle.raw, Int32(clamping: rank)))
    return number < 0 ? rank : number
  }
}

// MARK: - New communicators

extension Communicator {
  /// Runs `body` with the communicator of all ranks that gave the same color.
  ///
  /// Collective. The communicator is freed when `body` returns. When `body`
  /// throws it is not, unless the error is a ``JobError`` that all ranks
  /// throw: freeing is collective, and the other ranks may be elsewhere.
  ///
  /// - Parameters:
  ///   - color: which group this rank joins; not negative.
  ///   - key: ranks are numbered in the order of their keys, ties in the order
  ///     of their old ranks.
  ///   - body: what to do with this rank's group.
  public func withSplit<Result>(
    color: Int, key: Int = 0, _ body: (Communicator) throws -> Result
  ) throws -> Result {
    guard let color = Int32(exactly: color), color >= 0 else {
      throw MPIError(
        .argument, call: "MPI_Comm_split", message: "color \(color) is not in 0..<2^31")
    }
    var part = cmpi_comm()
    StallWatch.shared.begin("MPI_Comm_split")
    let code = MPI_Comm_split(handle.raw, color, Int32(clamping: key), &part.raw)
    StallWatch.shared.end()
    try check(code, "MPI_Comm_split")
    return try Communicator(part, job: job).freed(after: body)
  }

  /// Runs `body` with a communicator of the same ranks, whose messages never
  /// match this one's: what a library needs that must not meet its caller's
  /// messages.
  ///
  /// Collective; freed as ``withSplit(color:key:_:)`` says.
  public func withDuplicate<Result>(_ body: (Communicator) throws -> Result) throws -> Result {
    var copy = cmpi_comm()
    StallWatch.shared.begin("MPI_Comm_dup")
    let code = MPI_Comm_dup(handle.raw, &copy.raw)
    StallWatch.shared.end()
    try check(code, "MPI_Comm_dup")
    return try Communicator(copy, job: job).freed(after: body)
  }

  private func freed<Result>(after body: (Communicator) throws -> Result) throws -> Result {
    let result: Result
    do {
      result = try body(self)
    } catch {
      if let error = error as? JobError, error.coversJob { try free() }
      handle = cmpi_comm_null()
      throw error
    }
    try free()
    return result
  }

  private func free() throws(MPIError) {
    StallWatch.shared.begin("MPI_Comm_free")
    defer { StallWatch.shared.end() }
    try check(MPI_Comm_free(&handle.raw), "MPI_Comm_free")
  }
}
