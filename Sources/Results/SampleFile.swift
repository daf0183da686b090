import Foundation
public import MPI
import NumPyFormat

/// The samples of a run as one `.npy` file, written by all ranks at once
/// through MPI-IO: whole or not at all.
public struct SampleFile: Hashable, Sendable {
  private let file: WholeFile
  /// Samples in all, over all ranks.
  public let samples: Int
  /// Shape of one sample.
  public let shape: [Int]

  public init(_ path: String, samples: Int, shape: [Int]) {
    file = WholeFile(path)
    self.samples = samples
    self.shape = shape
  }

  /// Writes the file; collective over all ranks of the job.
  ///
  /// Every rank writes the rows it holds at their place in `PATH.partial`. The
  /// ranks agree after each stage that all went well; then rank 0 computes the
  /// digest and gives the file its name. On any failure the partial file is
  /// removed and all ranks throw the same error.
  ///
  /// - Parameters:
  ///   - rows: this rank's samples, one after another, each in row-major order;
  ///     empty on a rank that holds none. Together the ranks hold every sample
  ///     exactly once.
  ///   - firstSample: the number of the first of them.
  /// - Returns: on rank 0 the digest (see `sampleDigest`), elsewhere `nil`.
  /// - Throws: the `JobError` of all ranks, made from an `OutputError`.
  public func write<Element: Scalar & BinaryFloatingPoint>(
    _ rows: Span<Element>, firstSample: Int, over communicator: Communicator
  ) throws -> String? {
    let header = NumPyHeader(
      elementType: MemoryLayout<Element>.size == 4 ? .float32 : .float64, shape: [samples] + shape)
    let start = header.encoded.count
    let rowBytes = shape.reduce(MemoryLayout<Element>.size, *)
    let byteCount = samples * rowBytes
    let isFirst = communicator.rank == 0
    // A hole would be read as zeros.
    let held = try communicator.allReduce(rows.count, .sum)
    precondition(held * MemoryLayout<Element>.size == byteCount, "the ranks must hold every sample once")
    do {
      try communicator.agree { if isFirst { try file.createPartial() } }
      try communicator.agree { try file.requireVisiblePartial() }
      try communicator.agree {
        try outputErrors(byteCount: byteCount) {
          try communicator.withFile(at: file.partialPath, .write) { partial in
            try communicator.agree {
              try outputErrors(byteCount: byteCount) {
                if isFirst { try partial.write(header.encoded.span, at: 0) }
                if !rows.isEmpty { try partial.write(rows, at: start + firstSample * rowBytes) }
              }
            }
            try communicator.agree { try outputErrors(byteCount: byteCount) { try partial.sync() } }
          }
        }
      }
      return try communicator.agree {
        guard isFirst else { return nil }
        let digest = try sampleDigest(of: file, from: start, byteCount: byteCount)
        try file.publishPartial()
        return digest
      }
    } catch {
      if isFirst { file.discardPartial() }
      throw error
    }
  }

  /// MPI's errors in the terms of this file.
  ///
  /// Open MPI tells a full disk only by a short count, so the disk is asked.
  private func outputErrors<Result>(byteCount: Int, _ body: () throws -> Result) throws -> Result {
    do {
      return try body()
    } catch let error as MPIError {
      switch error.errorClass {
      case .noSpace: throw file.failure(ENOSPC)
      case .quota: throw file.failure(EDQUOT)
      case .readOnly: throw file.failure(EROFS)
      case .access: throw file.failure(EACCES)
      default:
        if let free = file.freeBytes, free < byteCount { throw file.failure(ENOSPC) }
        throw OutputError(file: file.path, "cannot be written: \(error)")
      }
    }
  }
}
