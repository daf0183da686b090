import Foundation

/// A network's file, looked at before a runtime reads it, with the files of its weights.
struct NetworkFile {
  /// Where it lies.
  let path: String
  /// Numbers in the network's weights.
  let parameterCount: Int
  /// The file of weights that OpenVINO's format has.
  private(set) var weights: String?
  /// An ONNX model to be read in place of the file.
  private(set) var outline: [UInt8]?
  /// The inputs of an ONNX file as it declares them; `nil` for OpenVINO's format.
  private(set) var declaredInputs: [NetworkInput]?

  /// Names that exporters give to a network's file, those of one network in a row.
  static let names = ["model.onnx", "openvino_model.xml"]

  /// - Throws: `ScoreModelError` for files that are missing, unreadable, damaged or
  ///   shorter than they should be.
  init(at place: String, in folder: ModelFolder) throws(ScoreModelError) {
    path = folder.path(of: place)
    let data = try folder.contents(of: place)
    if place.hasSuffix(".xml") {
      let file = try OpenVINOFile(parsing: data, path: path)
      parameterCount = file.parameterCount
      guard file.weightBytes > 0 else { return }
      let name = String(place.split(separator: "/").last ?? "").dropLast(".xml".count) + ".bin"
      let (weights, weightPlace) = try folder.locate(String(name), namedBy: place)
      guard FileManager.default.fileExists(atPath: weights) else {
        throw ScoreModelError(.missingFile, "\(path): its weights are in \(weights), which is missing; copy it there")
      }
      guard try folder.contents(of: weights, at: weightPlace).count >= file.weightBytes else {
        throw ScoreModelError(.badData, "\(weights): is shorter than the weights that \(path) has in it; copy it again")
      }
      self.weights = weights
    } else {
      let file = try ONNXFile(parsing: data, at: place, in: folder)
      parameterCount = file.parameterCount
      declaredInputs = try NetworkInput.all(of: data, path: path)
      try MisreadOperators.refuse(data, path: path)
      // A runtime follows links to a file, and looks for weights beside that.
      guard let own = resolved(path) else { return }
      outline = try? ONNXOutline(
        of: data, path: own, weightFiles: file.weightFiles.compactMapValues { resolved($0) }
      ).bytes
    }
  }
}
