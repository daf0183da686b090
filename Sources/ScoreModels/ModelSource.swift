public import Diffusion
import Foundation
public import InputFiles

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
    "needed: digits, a folder with a network (model.onnx or openvino_model.xml) and scheduler_config.json, a closed-form target FILE.json, "
    + "or plugin:LIB.so[:CONFIG], where a Python file FILE.py may stand for LIB.so"

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
  ///   - rowsAlone: a network gets one row a call, each branch of guidance too.
  ///   - output: the network's output that is the prediction; `nil` where its name or
  ///     shape tells.
  ///   - files: records what is read.
  /// - Throws: `ScoreModelError` or `NumPyError`, each with its exit code.
  public func open<Scalar: StateScalar>(
    as scalar: Scalar.Type, threads: Int? = nil, processors: Int? = nil, conditions: Conditions = Conditions(),
    sampleShape: [Int]? = nil, rowsAlone: Bool = false, output: String? = nil, files: InputFiles = InputFiles()
  ) throws -> any ScoreModel<Scalar> {
    switch self {
    case .target(let file), .plugin(let file, _):
      if !PythonFile.isOne(file) { try conditions.refuse(by: file) }
      if sampleShape != nil {
        throw ScoreModelError(.usage, "`sampleShape`: MODEL \(file) states its own shape; omit it")
      }
      if let output {
        throw ScoreModelError(.usage, "`output` \(output): MODEL \(file) has one output; omit it")
      }
    default: break
    }
    switch self {
    case .digits, .folder:
      // The built-in model shows this program's methods, not its scheduler's.
      return try ExportedFolder(modelFolder(files)).open(
        as: scalar, followsScheduler: self != .digits, threads: threads, processors: processors, conditions: conditions,
        sampleShape: sampleShape, rowsAlone: rowsAlone, output: output, files: files)
    case .target(let file):
      return try ClosedFormTarget(contentsOf: file, in: files).model(of: scalar, file: file)
    case .plugin(let file, let configuration) where PythonFile.isOne(file):
      return try PythonModel<Scalar>(
        file: file, configuration: configuration, conditions: conditions, threads: threads, files: files)
    case .plugin(let file, let configuration):
      return try PluginModel<Scalar>(file: file, configuration: configuration, files: files)
    }
  }

  /// The files that the model is made of, in the order in which they are read: what its
  /// scores depend on, besides the library that evaluates it.
  ///
  /// - Throws: as `open` does.
  public func files() throws -> [InputFiles.Entry] {
    let files = InputFiles()
    switch self {
    case .digits, .folder: _ = try ExportedFolder(modelFolder(files))
    case .target(let file): _ = try ClosedFormTarget(contentsOf: file, in: files)
    case .plugin(let file, let configuration): try Self.record(file, configuration, in: files)
    }
    return files.entries
  }

  private func modelFolder(_ files: InputFiles) throws -> ModelFolder {
    ModelFolder(try { if case .folder(let path) = self { path } else { try BuiltInModel.folder("digits") } }(), files)
  }

  /// A configuration is any text, whose meaning is the plug-in's. Words in it that are the
  /// names of files are taken for files that the plug-in reads.
  static func record(_ file: String, _ configuration: String, in files: InputFiles) throws {
    _ = try files.read(file, as: .model(place: "plug-in"))
    let words = configuration.split { $0.isWhitespace || ",;=:".contains($0) }.map { String($0) }
    var known: Set<String> = []
    for word in [configuration] + words where known.insert(word).inserted && isRegularFile(word) {
      _ = try files.read(word, as: .model(place: "configuration \(word)"))
    }
  }
}

/// Plug-ins in Python are told from shared libraries by their name.
enum PythonFile {
  static func isOne(_ name: String) -> Bool { name.hasSuffix(".py") }
}

private func isRegularFile(_ path: String) -> Bool {
  var status = stat()
  return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
}
