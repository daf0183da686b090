internal import CMPI

/// A group of ranks that talk among themselves.
///
/// The world communicator comes from ``withEnvironment(_:_:)``, others from
/// ``withSplit(color:key:_:)`` and its relatives, and live as long as those
/// scopes. After its scope a communicator is closed: every call on it throws an
/// error of class ``ErrorClass/communicator``.
///
/// All calls belong to the thread that started MPI; a communicator is not
/// `Sendable`.
public final class Communicator {
  // Every call reads the handle, and no call is made within another: the
  // run-time check of exclusive access would cost a tenth of a short message.
  @exclusivity(unchecked) private(set) var handle: cmpi_comm
  /// Where the ranks compare their collective calls, if they do.
  @exclusivity(unchecked) private(set) var checkHandle: cmpi_comm
  let job: Job

  /// This process's number among the ranks, from 0.
  public let rank: Int
  /// The number of ranks.
  public let size: Int
  let size32: Int32

  /// Takes over `handle`, whose errors are from now on returned. Collective.
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
    size32 = size
    checkHandle = cmpi_comm_null()
    if job.options.checksCollectives {
      try check(MPI_Comm_dup(handle.raw, &checkHandle.raw), "MPI_Comm_dup")
    }
  }

  /// Ends the job on all ranks with this exit code, at once.
  public func abort(exitCode: Int32) -> Never {
    job.abort(exitCode: exitCode)
  }

  /// From now on every call throws.
  func close() {
    handle = cmpi_comm_null()
    checkHandle = cmpi_comm_null()
  }

  /// Frees what MPI holds; collective.
  func free() throws(MPIError) {
    defer { close() }
    try freeCheck()
    try blocking("MPI_Comm_free") { MPI_Comm_free(&handle.raw) }
  }
}

extension Communicator {
  func freeCheck() throws(MPIError) {
    guard cmpi_comm_is_null(checkHandle) == 0 else { return }
    try blocking("MPI_Comm_free") { MPI_Comm_free(&checkHandle.raw) }
  }
}

// MARK: - Calls

extension Communicator {
  /// Throws once the communicator is closed.
  @inline(__always)
  func requireOpen(_ call: StaticString) throws(MPIError) {
    if cmpi_comm_is_null(handle) != 0 { throw closed(call) }
  }

  @inline(never)
  private func closed(_ call: StaticString) -> MPIError {
    MPIError(.communicator, call: call, message: "the scope of this communicator has ended")
  }

  /// A call that may wait for one other rank.
  @inline(__always)
  func message(_ call: StaticString, _ body: (MPI_Comm) throws(MPIError) -> Int32) throws(MPIError) {
    try requireOpen(call)
    StallWatch.shared.begin(call)
    defer { StallWatch.shared.end() }
    try check(try body(handle.raw), call)
  }

  /// A call that all ranks make together, and that may wait for all of them.
  @inline(__always)
  func collective(
    _ call: StaticString, _ arguments: @autoclosure () -> CollectiveArguments,
    _ body: (MPI_Comm) throws(MPIError) -> Int32
  ) throws(MPIError) {
    try requireOpen(call)
    StallWatch.shared.begin(call)
    defer { StallWatch.shared.end() }
    if job.options.checksCollectives { try compareNow(call, arguments()) }
    try check(try body(handle.raw), call)
  }

  /// A call that all ranks make together and that returns before it is done.
  @inline(__always)
  func startCollective(
    _ call: StaticString, _ arguments: @autoclosure () -> CollectiveArguments,
    keeping owner: UserOperation? = nil,
    _ body: (MPI_Comm, inout cmpi_request) throws(MPIError) -> Int32
  ) throws(MPIError) -> PendingCall {
    try requireOpen(call)
    let comparison = job.options.checksCollectives ? try startComparison(call, arguments()) : nil
    var request = cmpi_request()
    try check(try body(handle.raw, &request), call)
    return PendingCall(request, keeping: owner, comparison: comparison)
  }
}

/// A call that may wait for other ranks, and belongs to no communicator.
@inline(__always)
func blocking(
  _ call: StaticString, subject: @autoclosure () -> String? = nil, _ body: () -> Int32
) throws(MPIError) {
  StallWatch.shared.begin(call)
  let code = body()
  StallWatch.shared.end()
  try check(code, call, subject: subject())
}

// MARK: - Waiting in a loop

extension Communicator {
  /// Runs `body`, a loop in which this rank waits for others by asking MPI again
  /// and again, for example with ``Request/test()``. The report of a rank that
  /// has waited too long (``StallError``) then says that this rank waits.
  ///
  /// ``EnvironmentOptions/stallTimeout`` does not end such a loop: it looks at
  /// the time itself.
  public func waiting<Result>(_ body: () throws -> Result) rethrows -> Result {
    StallWatch.shared.beginLoop()
    defer { StallWatch.shared.end() }
    return try body()
  }

  /// What the other ranks of the job do, as far as they tell it beside MPI, for
  /// the report of a rank that has waited too long; nil where they cannot be
  /// asked, which needs ``EnvironmentOptions/stallTimeout``.
  public func findingOfOtherRanks() -> String? { StallWatch.shared.finding() }

  /// The number in the whole job of a rank of this communicator; `rank` itself
  /// where it has none.
  public func numberInJob(of rank: Int) -> Int {
    guard cmpi_comm_is_null(handle) == 0, (0..<size).contains(rank) else { return rank }
    let number = Int(cmpi_world_rank(handle.raw, Int32(rank)))
    return number < 0 ? rank : number
  }
}
