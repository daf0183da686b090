import Foundation
import MPI

extension WholeFile {
  /// Writes the file from all ranks at once through MPI-IO: whole or not at
  /// all; collective over all ranks of the job.
  ///
  /// Every rank writes its part at its place in `PATH.partial`. The ranks agree
  /// after each stage that all went well; then rank 0 gives the file its name.
  /// On any failure the partial file is removed and all ranks throw the same
  /// error.
  ///
  /// - Parameters:
  ///   - byteCount: bytes of the whole file.
  ///   - writePart: writes this rank's part.
  ///   - check: looks at the partial file on rank 0 before it gets its name.
  /// - Returns: on rank 0 what `check` returns, elsewhere `nil`.
  /// - Throws: the `JobError` of all ranks, made from an `OutputError`.
  func write<Result>(
    byteCount: Int, over communicator: Communicator, hints: Info = [:], part writePart: (File) throws -> Void,
    check: () throws -> Result
  ) throws -> Result? {
    let isFirst = communicator.rank == 0
    do {
      try communicator.agree { if isFirst { try createPartial() } }
      try communicator.agree { try requireVisiblePartial() }
      try communicator.agree {
        try outputErrors(byteCount: byteCount) {
          try communicator.withFile(at: partialPath, .write, hints: hints) { partial in
            try communicator.agree { try outputErrors(byteCount: byteCount) { try writePart(partial) } }
            try communicator.agree { try outputErrors(byteCount: byteCount) { try partial.sync() } }
          }
        }
      }
      return try communicator.agree {
        guard isFirst else { return nil }
        let result = try check()
        try publishPartial()
        return result
      }
    } catch {
      if isFirst { discardPartial() }
      throw error
    }
  }

  /// MPI's errors in the terms of this file.
  ///
  /// Open MPI tells a full disk only by a short count, so the disk is asked.
  func outputErrors<Result>(byteCount: Int, _ body: () throws -> Result) throws -> Result {
    do {
      return try body()
    } catch let error as MPIError {
      switch error.errorClass {
      case .noSpace: throw failure(ENOSPC)
      case .quota: throw failure(EDQUOT)
      case .readOnly: throw failure(EROFS)
      case .access: throw failure(EACCES)
      default:
        if let free = freeBytes, free < byteCount { throw failure(ENOSPC) }
        throw OutputError(file: path, "cannot be written: \(error)")
      }
    }
  }
}
