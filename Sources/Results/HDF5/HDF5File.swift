public import MPI
import PicardSampler

/// A run as one HDF5 file: samples, noise times, changes and the report.
///
/// Its arrays are `samples` (B x shape), `noise_times` (M + 1, decreasing) and
/// `changes` (rounds x slices; -1 where a slice was not iterated), its text is
/// `report`; the attributes of its root say the most important of that.
public struct HDF5File: Hashable, Sendable {
  private let file: WholeFile

  public init(_ path: String) { file = WholeFile(path) }

  /// Finds out before a run whether the file can be written here.
  ///
  /// - Throws: `MissingLibrary`, or `OutputError`.
  public func checkWritable() throws {
    _ = try HDF5Library()
    try file.checkWritable()
  }

  /// Writes the file; collective. Rank 0 writes its structure, then all ranks
  /// their samples through MPI-IO: whole or not at all.
  ///
  /// - Parameters:
  ///   - report: on rank 0.
  ///   - rows: this rank's samples, one after another.
  ///   - firstSample: the number of the first of them.
  public func write<Element: Scalar & BinaryFloatingPoint>(
    _ report: Report?, noiseTimes: [Double], residuals: ResidualMap, rows: Span<Element>,
    firstSample: Int, shape: [Int], over communicator: Communicator
  ) throws {
    do {
      var place = [0]
      try communicator.agree {
        guard communicator.rank == 0, let report else { return }
        try file.createPartial()
        do {
          place[0] = try writeStructure(report, noiseTimes, residuals, MemoryLayout<Element>.size)
        } catch let refusal as HDF5Writer.Refusal {
          throw OutputError(file: file.path, "cannot be written: HDF5's \(refusal.call) failed")
        }
      }
      try communicator.broadcast(&place, root: 0)
      let rowBytes = shape.reduce(MemoryLayout<Element>.size, *)
      try communicator.agree { try file.requireVisiblePartial() }
      let byteCount = rows.count * MemoryLayout<Element>.size
      try communicator.agree {
        try file.outputErrors(byteCount: byteCount) {
          try communicator.withFile(at: file.partialPath, .write) { partial in
            try communicator.agree {
              try file.outputErrors(byteCount: byteCount) {
                if !rows.isEmpty { try partial.write(rows, at: place[0] + firstSample * rowBytes) }
                try partial.sync()
              }
            }
          }
        }
      }
      try communicator.agree { if communicator.rank == 0 { try file.publishPartial() } }
    } catch {
      if communicator.rank == 0 { file.discardPartial() }
      throw error
    }
  }

  /// - Returns: where the samples are to be written.
  private func writeStructure(
    _ report: Report, _ noiseTimes: [Double], _ residuals: ResidualMap, _ elementSize: Int
  ) throws -> Int {
    let writer = try HDF5Writer(HDF5Library(), path: file.partialPath)
    try writer.write("noise_times", noiseTimes)
    if residuals.columns > 0 {
      try writer.write("changes", residuals.cells, shape: [residuals.columns, residuals.rows])
    }
    try writer.write("report", text: String(decoding: try report.json(), as: UTF8.self))
    let place = try writer.reserve(
      "samples", elementSize == 4 ? .float32 : .float64, shape: [report.samples] + report.shape)
    for (name, value) in [
      ("model", report.model), ("method", report.method), ("digest", report.digest),
      ("piadm", report.versions.piadm),
    ] { try writer.setAttribute(name, value) }
    for (name, value) in [
      ("steps", report.steps), ("rounds", report.rounds), ("ranks", report.ranks),
      ("rounds_per_row_of_changes", residuals.roundsPerColumn),
      ("slices_per_column_of_changes", residuals.slicesPerRow),
    ] { try writer.setAttribute(name, Double(value)) }
    try writer.setAttribute("seconds", report.seconds.total)
    try writer.close()
    return place
  }
}
