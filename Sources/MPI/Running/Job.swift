internal import CMPI

#if canImport(Darwin)
  internal import Darwin
#else
  internal import Glibc
#endif

/// What all communicators of a run share.
final class Job {
  let options: EnvironmentOptions
  let launch = Launch()
  private(set) var worldSize = 1
  private(set) var worldRank = 0
  private(set) var largestTag = 0
  private(set) var processorName = ""
  /// Whether MPI has been ended: nothing may call it.
  private(set) var hasEnded = false

  init(_ options: EnvironmentOptions) { self.options = options }

  func start() throws(MPIError) -> Communicator {
    // Self too, so that an error on a private file or message is returned.
    try check(cmpi_comm_return_errors(cmpi_comm_self().raw), "MPI_Comm_set_errhandler")
    largestTag = Int(cmpi_largest_tag())
    processorName = string(capacity: MPI_MAX_PROCESSOR_NAME) { MPI_Get_processor_name($0, $1) }
    let world = try Communicator(cmpi_comm_world(), job: self)
    worldSize = world.size
    worldRank = world.rank
    if options.stallTimeout != nil, world.size > 1 {
      StallWatch.shared.join(try RollCall(world))
    }
    return world
  }

  /// Ends MPI; collective.
  func finalize(_ world: Communicator) throws(MPIError) {
    CommittedType.freeAll()
    UserOperation.freeFunctions()
    hasEnded = true
    try world.freeCheck()
    world.close()
    try blocking("MPI_Finalize") { MPI_Finalize() }
  }

  /// Lets a thread end this process, and so the job, when it waits too long.
  func watchForStalls() {
    guard let seconds = options.stallTimeout else { return }
    let (report, rank) = (options.report, launch.rank)
    // The lowest rank that waits speaks: the launcher then ends the others.
    let turn = 2 * Double(min(rank, 5))
    StallWatch.shared.start(seconds: seconds + turn) { call, finding in
      let failure = report(StallError(rank: rank, seconds: seconds, call: call, finding: finding))
      write(toStandardError: failure.message)
      _exit(failure.exitCode)
    }
  }

  /// Throws unless MPI can be started in this process.
  func requireUsableLibrary() throws(JobError) {
    let found = Library.runtimeVersion
    var isStarted: Int32 = 0
    if !Library.header.matches(runtimeVersion: found) {
      throw refusal(.wrongLibrary(built: "\(Library.header)", found: found)).written()
    }
    if MPI_Initialized(&isStarted) != MPI_SUCCESS || isStarted != 0 {
      throw refusal(.alreadyStarted).written()
    }
  }

  /// That MPI cannot be used, as every process of the job finds by itself.
  func refusal(_ error: EnvironmentError) -> JobError {
    let report = options.report(error)
    // The launcher ends the others when the first rank leaves.
    if launch.rank != 0 { sleep(1) }
    return JobError(
      message: report.message, exitCode: report.exitCode,
      isReportedHere: launch.speaksForJob, coversJob: true)
  }

  /// Says what went wrong on this rank and ends the job on all of them.
  func abort(because error: any Error) -> Never {
    var exitCode: Int32
    if let error = error as? JobError {
      error.write()
      // Another rank has the message: let it speak before the job is ended.
      if !error.isReportedHere { sleep(1) }
      exitCode = error.exitCode
    } else {
      let report = options.report(error)
      let speaker = worldSize > 1 ? "rank \(worldRank) of \(worldSize): " : ""
      write(toStandardError: speaker + report.message)
      exitCode = report.exitCode
    }
    // No failure looks like success to a shell, which sees eight bits.
    if exitCode & 0xff == 0 { exitCode = 70 }
    // The launcher passes on what ranks write, and MPICH's drops what is still
    // on its way when the job is aborted.
    if worldSize > 1 { usleep(200_000) }
    abort(exitCode: exitCode)
  }

  func abort(exitCode: Int32) -> Never {
    fflush(nil)
    if hasEnded { exit(exitCode) }
    MPI_Abort(cmpi_comm_world().raw, exitCode)
    _exit(exitCode)
  }
}

extension JobError {
  /// Tells the user, if this rank is the one to do so.
  func write() {
    fflush(nil)
    if isReportedHere { MPI.write(toStandardError: message) }
  }

  func written() -> JobError {
    write()
    return self
  }
}

private func write(toStandardError message: String) {
  var line = message + "\n"
  line.withUTF8 { bytes in
    var rest = UnsafeRawBufferPointer(bytes)
    while !rest.isEmpty {
      let written = write(STDERR_FILENO, rest.baseAddress, rest.count)
      if written < 0 { return }
      rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(written))
    }
  }
}
