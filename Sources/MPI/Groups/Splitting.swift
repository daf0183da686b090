internal import CMPI

/// Which new communicator a rank joins; see ``Communicator/withSplit(into:key:_:)``.
public enum SplitGroup: Hashable, Sendable {
  /// The one of all ranks with this color, a number that is not negative.
  case color(Int)
  /// None (`MPI_UNDEFINED`).
  case leftOut
}

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
    let part = try split(try Self.number(ofColor: color), key: key)
    return try Communicator(part, job: job).freed(after: body)
  }

  /// Runs `body` with the communicator of all ranks that gave the same color, on
  /// the ranks that join one.
  ///
  /// Collective over all ranks, also those that are left out; see
  /// ``withSplit(color:key:_:)``.
  ///
  /// - Returns: what `body` returns; nil on a rank that is left out.
  public func withSplit<Result>(
    into group: SplitGroup, key: Int = 0, _ body: (Communicator) throws -> Result
  ) throws -> Result? {
    switch group {
    case .color(let color):
      return try withSplit(color: color, key: key, body)
    case .leftOut:
      _ = try split(Int32(MPI_UNDEFINED), key: key)
      return nil
    }
  }

  /// Runs `body` with the communicator of the ranks that share this node's
  /// memory (`MPI_COMM_TYPE_SHARED`), in the order of their ranks.
  ///
  /// Collective; see ``withSplit(color:key:_:)``, and
  /// ``withSharedArray(of:count:fill:_:)`` for what such ranks can do.
  public func withNode<Result>(_ body: (Communicator) throws -> Result) throws -> Result {
    var part = cmpi_comm()
    try collective("MPI_Comm_split_type", CollectiveArguments()) {
      cmpi_split_by_node($0, &part.raw)
    }
    return try Communicator(part, job: job).freed(after: body)
  }

  /// Runs `body` with a communicator of the same ranks, whose messages never
  /// match this one's: what a library needs that must not meet its caller's
  /// messages.
  ///
  /// Collective; freed as ``withSplit(color:key:_:)`` says.
  public func withDuplicate<Result>(_ body: (Communicator) throws -> Result) throws -> Result {
    try duplicate().freed(after: body)
  }

  func duplicate() throws(MPIError) -> Communicator {
    var copy = cmpi_comm()
    try collective("MPI_Comm_dup", CollectiveArguments()) { MPI_Comm_dup($0, &copy.raw) }
    return try Communicator(copy, job: job)
  }

  private func split(_ color: Int32, key: Int) throws(MPIError) -> cmpi_comm {
    guard let key = Int32(exactly: key) else {
      throw MPIError(.argument, call: "MPI_Comm_split", message: "key \(key) is not in -2^31..<2^31")
    }
    var part = cmpi_comm()
    try collective("MPI_Comm_split", CollectiveArguments()) {
      MPI_Comm_split($0, color, key, &part.raw)
    }
    return part
  }

  private static func number(ofColor color: Int) throws(MPIError) -> Int32 {
    guard let number = Int32(exactly: color), number >= 0 else {
      throw MPIError(.argument, call: "MPI_Comm_split", message: "color \(color) is not in 0..<2^31")
    }
    return number
  }

  /// Runs `body` and frees this communicator, unless an error other than one of
  /// all ranks leaves it.
  func freed<Result>(after body: (Communicator) throws -> Result) throws -> Result {
    try scoped(end: { try free() }, abandon: close) { try body(self) }
  }
}

/// Runs `body`, and then `end`, which is collective: not after an error that
/// other ranks may not have, when `abandon` closes without them.
func scoped<Result>(
  end: () throws -> Void, abandon: () -> Void, _ body: () throws -> Result
) throws -> Result {
  let result: Result
  do {
    result = try body()
  } catch {
    if let error = error as? JobError, error.coversJob { try end() }
    abandon()
    throw error
  }
  try end()
  return result
}
