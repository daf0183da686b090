package import Foundation

/// What the outside of an ONNX file tells before a runtime reads it: that it
/// is whole, how many parameters it has, and where they are.
///
/// The runtime's readers write to standard error when they try a file that is
/// not theirs, and do not say which weights are missing; hence this look ahead.
package struct ONNXFile {
  /// Numbers in the network's weights.
  private(set) var parameterCount = 0
  /// Where the files lie that hold weights, by the names that the model gives them.
  package private(set) var weightFiles: [String: String] = [:]

  /// Reads the model's outside and records the files of its weights.
  ///
  /// - Throws: `ScoreModelError` for a file that is missing, unreadable, cut
  ///   short or no ONNX model, and for files of weights that it names and
  ///   that are missing, too short or elsewhere.
  init(at place: String, in folder: ModelFolder) throws(ScoreModelError) {
    try self.init(parsing: folder.contents(of: place), at: place, in: folder)
  }

  /// Reads a model that is in memory, as if it lay at a place of a folder.
  package init(parsing data: Data, at place: String, in folder: ModelFolder) throws(ScoreModelError) {
    let path = folder.path(of: place)
    func damaged() -> ScoreModelError {
      ScoreModelError(
        .badData, "\(path): is no ONNX model, or is cut short or damaged; export or copy it again")
    }
    guard let tensors = try? ONNXTensors(data) else { throw damaged() }
    var ends: [String: Int] = [:]
    for tensor in tensors.all {
      if tensor.isWeight {
        let (sum, overflow) = parameterCount.addingReportingOverflow(tensor.count)
        guard !overflow else { throw damaged() }
        parameterCount = sum
      }
      if let location = tensor.location { ends[location] = max(ends[location] ?? 0, tensor.end) }
    }
    for (location, end) in ends.sorted(by: { $0.key < $1.key }) {
      let (file, weightPlace) = try folder.locate(location, namedBy: place)
      guard FileManager.default.fileExists(atPath: file) else {
        throw ScoreModelError(.missingFile, "\(path): its weights are in \(file), which is missing; copy it there")
      }
      guard try folder.contents(of: file, at: weightPlace).count >= end else {
        throw ScoreModelError(.badData, "\(file): is shorter than the weights that \(path) has in it; copy it again")
      }
      weightFiles[location] = file
    }
  }
}
