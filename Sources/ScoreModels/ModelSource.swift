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

  /// - Throws: `ScoreModelError` for a name that is none of these.
  public init(_ name: String) throws {
    var isFolder: ObjCBool = false
    if name == "digits" {
      self = .digits
    } else if name.hasPrefix("plugin:") {
      throw ScoreModelError(.usage, "MODEL \(name): plug-ins are not supported by this version; \(Self.forms)")
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
    "needed: digits, a folder with model.onnx and scheduler_config.json, or a closed-form target FILE.json"

  /// Opens the model for states of the given type.
  ///
  /// - Parameters:
  ///   - threads: threads of one evaluation of a network; `nil` for the
  ///     default of `OpenVINOModel`.
  ///   - processors: processors that this process has to itself; `nil` for all
  ///     that it may run on.
  /// - Throws: `ScoreModelError` or `NumPyError`, each with its exit code.
  public func open<Scalar: StateScalar>(
    as scalar: Scalar.Type, threads: Int? = nil, processors: Int? = nil
  ) throws -> any ScoreModel<Scalar> {
    switch self {
    case .digits:
      return try ExportedFolder(BuiltInModel.folder("digits")).open(as: scalar, threads: threads, processors: processors)
    case .folder(let path):
      return try ExportedFolder(path).open(as: scalar, threads: threads, processors: processors)
    case .target(let file):
      return try ClosedFormTarget(contentsOf: file).model(of: scalar, file: file)
    }
  }
}
