public import Diffusion
import Foundation

/// What a person names as MODEL.
public enum ModelSource: Hashable, Sendable {
  /// The built-in model of 8x8 handwritten digits.
  case digits
  /// A folder as diffusers and Optimum export models.
  case folder(String)
  /// A JSON file that states a target with an exact score.
  case target(String)
  /// A shared library behind the C header `piadm_score.h`, or a Python file,
  /// with text for it.
  case plugin(file: String, configuration: String)

  /// - Throws: `ScoreModelError` for a name that is none of these.
  public init(_ name: String) throws {
    var isFolder: ObjCBool = false
    if name == "digits" {
      self = .digits
    } else if name.hasPrefix("plugin:") {
      // The first colon ends the library's name.
      let parts = name.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false).map { String($0) }
      guard !parts[1].isEmpty else {
        throw ScoreModelError(.usage, "MODEL \(name): names no library; \(Self.forms)")
      }
      self = .plugin(file: parts[1], configuration: parts.count > 2 ? parts[2] : "")
    } else if name.hasSuffix(".json") {
      self = .target(name)
    } else if !name.isEmpty, FileManager.default.fileExists(atPath: name, isDirectory: &isFolder) {
      guard isFolder.boolValue else {
        throw ScoreModelError(.usage, "MODEL \(name): is a file; \(Self.forms)")
      }
      self = .folder(name)
    } else {
      throw ScoreModelError(.missingFile, "MODEL \(name): no such model or folder; \(Self.forms)")
    }
  }

  private static let forms =
    "needed: digits, a folder with model.onnx and scheduler_config.json, a closed-form target FILE.json, "
    + "or plugin:LIB.so[:CONFIG], where LIB.so may be a Python file FILE.py"

  /// Opens the model for states of the given type.
  ///
  /// - Parameters:
  ///   - scalar: the type of the states.
  ///   - threads: threads of one evaluation of a network; `nil` for the
  ///     default of `OpenVINOModel`.
  ///   - processors: processors that this process has to itself; `nil` for all
  ///     that it may run on.
  ///   - conditions: further inputs of a network.
  ///   - sampleShape: the shape of one sample, where a network leaves it free.
  /// - Throws: `ScoreModelError` or `NumPyError`, each with its exit code.
  public func open<Scalar: StateScalar>(
    as scalar: Scalar.Type, threads: Int? = nil, processors: Int? = nil, conditions: Conditions = Conditions(),
    sampleShape: [Int]? = nil
  ) throws -> any ScoreModel<Scalar> {
    switch self {
    case .target(let file), .plugin(let file, _):
      if !PythonFile.isOne(file) { try conditions.refuse(by: file) }
      if sampleShape != nil {
        throw ScoreModelError(.usage, "--shape: MODEL \(file) states its own shape; leave it away")
      }
    default: break
    }
    switch self {
    case .digits, .folder:
      let folder = if case .folder(let path) = self { path } else { try BuiltInModel.folder("digits") }
      return try ExportedFolder(folder).open(
        as: scalar, threads: threads, processors: processors, conditions: conditions, sampleShape: sampleShape)
    case .target(let file):
      return try ClosedFormTarget(contentsOf: file).model(of: scalar, file: file)
    case .plugin(let file, let configuration) where PythonFile.isOne(file):
      return try PythonModel<Scalar>(file: file, configuration: configuration, conditions: conditions, threads: threads)
    case .plugin(let file, let configuration):
      return try PluginModel<Scalar>(file: file, configuration: configuration)
    }
  }
}

/// Plug-ins in Python are told from shared libraries by their name.
enum PythonFile {
  static func isOne(_ name: String) -> Bool { name.hasSuffix(".py") }
}
