public import MPI
import PicardSampler

/// An array that is stored beside samples, such as a condition.
public struct NamedArray: Hashable, Sendable {
  public var name: String
  public var values: [Float]
  public var shape: [Int]

  public init(name: String, values: [Float], shape: [Int]) {
    self.name = name
    self.values = values
    self.shape = shape
  }
}

/// A run as one HDF5 file that is a NetCDF-4 file too: samples, noise times,
/// changes, conditions and the report.
///
/// Its arrays are `samples` (sample and the axes of `axisNames`), `noise_times`
/// (M + 1, decreasing, a coordinate), `changes` (round, slice; -1 where a slice
/// was not iterated) and `condition_NAME`; its text is `report`; the attributes
/// of its root say the most important of that. `sample` has the samples'
/// numbers.
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
  ///   - firstRow: the place of the first of them.
  ///   - conditions: on rank 0, what the model was given.
  public func write<Element: Scalar & BinaryFloatingPoint>(
    _ report: Report?, noiseTimes: [Double], residuals: ResidualMap, rows: Span<Element>,
    firstRow: Int, shape: [Int], conditions: [NamedArray] = [], over communicator: Communicator
  ) throws {
    do {
      var place = [0]
      try communicator.agree {
        guard communicator.rank == 0, let report else { return }
        try file.createPartial()
        do {
          place[0] = try writeStructure(report, noiseTimes, residuals, conditions, MemoryLayout<Element>.size)
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
                if !rows.isEmpty { try partial.write(rows, at: place[0] + firstRow * rowBytes) }
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
    _ report: Report, _ noiseTimes: [Double], _ residuals: ResidualMap, _ conditions: [NamedArray], _ elementSize: Int
  ) throws -> Int {
    let writer = try HDF5Writer(HDF5Library(), path: file.partialPath)
    var first = 0
    if case .integer(let number) = report.options["first-sample"] ?? .none { first = number }
    try writer.writeCoordinate("sample", (first..<(first + report.samples)).map { Double($0) })
    try writer.setAttribute("long_name", "number of the sample within its seed", of: "sample")
    try writer.writeCoordinate("noise_times", noiseTimes)
    try writer.setAttribute("long_name", "forward noise time of a step", of: "noise_times")
    try writer.setAttribute("units", "1", of: "noise_times")
    if residuals.columns > 0 {
      try writer.write("changes", residuals.cells, shape: [residuals.columns, residuals.rows], axes: ["round", "slice"])
      try writer.setAttribute("long_name", "root mean square of a slice's last change", of: "changes")
    }
    for condition in conditions {
      let name = "condition_" + condition.name
      let axes = condition.shape.enumerated().map { axis, length in
        axis == 0 && length == report.samples ? "sample" : "\(name)_axis_\(axis)"
      }
      try writer.write(name, condition.values, shape: condition.shape, axes: axes)
    }
    try writer.write("report", text: String(decoding: try report.json(), as: UTF8.self))
    let place = try writer.reserve(
      "samples", elementSize == 4 ? .float32 : .float64, shape: [report.samples] + report.shape,
      axes: ["sample"] + axisNames(ofShape: report.shape))
    try writer.setAttribute("long_name", "samples of \(report.model)", of: "samples")
    try writer.setAttribute("units", "1", of: "samples")
    let history = report.provenance.map { "\($0.date) \($0.commandLine.joined(separator: " "))" } ?? ""
    for (name, value) in [
      ("Conventions", "CF-1.10"), ("title", "Samples of a diffusion model"), ("history", history),
      ("model", report.model), ("method", report.method), ("digest", report.digest), ("piadm", report.versions.piadm),
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
