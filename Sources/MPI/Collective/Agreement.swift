internal import CMPI

extension Communicator {
  /// Runs `body` on every rank and lets all ranks fail if one does.
  ///
  /// Collective. Where `body` throws on some ranks, all of them throw one and
  /// the same ``JobError``: the report of the lowest rank that failed. Read
  /// inputs and allocate memory in it, so that no rank starts to wait for one
  /// that has already given up. Costs one reduction.
  ///
  /// `body` must not communicate over this communicator after it has failed.
  public func agree<Result>(_ body: () throws -> Result) throws -> Result {
    try agree(isAlone: false, body)
  }

  /// Runs `body` on one rank and lets all ranks fail if it does: what needs to
  /// be done once, such as to look at a file. Its message names no rank.
  ///
  /// - Returns: on that rank what `body` returns, elsewhere `nil`.
  public func agree<Result>(on root: Int, _ body: () throws -> Result) throws -> Result? {
    try agree(isAlone: true) { rank == root ? try body() : nil }
  }

  private func agree<Result>(isAlone: Bool, _ body: () throws -> Result) throws -> Result {
    let outcome: Swift.Result<Result, any Error>
    do {
      outcome = .success(try body())
    } catch let error as JobError where error.coversJob {
      throw error
    } catch {
      outcome = .failure(error)
    }

    var report = FailureReport("", exitCode: 0)
    var failedRank = size
    if case .failure(let error) = outcome {
      report = job.options.report(error)
      failedRank = rank
    }
    let lowestFailedRank = try allReduce(failedRank, .minimum)
    if lowestFailedRank == size { return try outcome.get() }

    let failures = try allReduce(failedRank == size ? 0 : 1, .sum)
    var message = Array(report.message.utf8)
    var header = [Int(report.exitCode), message.count]
    try broadcast(&header, root: lowestFailedRank)
    if rank != lowestFailedRank { message = [UInt8](repeating: 0, count: header[1]) }
    try broadcast(&message, root: lowestFailedRank)

    let speaker = failures == size || isAlone ? "" : "rank \(lowestFailedRank) of \(size): "
    throw JobError(
      message: speaker + String(decoding: message, as: UTF8.self),
      exitCode: Int32(truncatingIfNeeded: header[0]),
      isReportedHere: rank == 0,
      coversJob: size == job.worldSize)
  }
}
