import Foundation
public import MPI
import NumPyFormat

/// The samples of a run as one `.npy` file, written by all ranks at once
/// through MPI-IO: whole or not at all.
public struct SampleFile: Hashable, Sendable {
  let file: WholeFile
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
  /// Every rank writes the rows it holds at their place; rank 0 computes the
  /// digest before the file gets its name.
  ///
  /// - Parameters:
  ///   - rows: this rank's samples, one after another, each in row-major order;
  ///     empty on a rank that holds none. Together the ranks hold every sample
  ///     exactly once.
  ///   - firstSample: the number of the first of them.
  ///   - hints: for MPI-IO; the file is there when it is opened.
  /// - Returns: on rank 0 the digest (see `sampleDigest`), elsewhere `nil`.
  /// - Throws: the `JobError` of all ranks, made from an `OutputError`.
  public func write<Element: Scalar & BinaryFloatingPoint>(
    _ rows: Span<Element>, firstSample: Int, over communicator: Communicator, hints: Info = [:]
  ) throws -> String? {
    let header = NumPyHeader(
      elementType: MemoryLayout<Element>.size == 4 ? .float32 : .float64, shape: [samples] + shape)
    let start = header.encoded.count
    let rowBytes = shape.reduce(MemoryLayout<Element>.size, *)
    let byteCount = samples * rowBytes
    // A hole would be read as zeros.
    let held = try communicator.allReduce(rows.count, .sum)
    precondition(held * MemoryLayout<Element>.size == byteCount, "the ranks must hold every sample once")
    return try file.write(byteCount: byteCount, over: communicator, hints: hints) { partial in
      if communicator.rank == 0 { try partial.write(header.encoded.span, at: 0) }
      if !rows.isEmpty { try partial.write(rows, at: start + firstSample * rowBytes) }
    } check: {
      try sampleDigest(of: file, from: start, byteCount: byteCount)
    }
  }
}
