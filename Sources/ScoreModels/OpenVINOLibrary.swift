import COpenVINO
import Foundation

/// OpenVINO's C library, found and loaded when the program runs.
///
/// Once loaded it stays until the process ends: its threads do not survive
/// being unloaded.
public struct OpenVINOLibrary {
  /// The loaded file, or the name under which the loader found it.
  public let path: String
  /// OpenVINO's build number, such as `2026.1.0-19000-...`.
  public let version: String

  let functions: UnsafeMutablePointer<ov_functions>
  /// The code of float32 in this version's enumeration of element types.
  let float32: UInt32

  /// The element type is one of integers, which follow f32 and f64.
  func isInteger(_ elementType: UInt32) -> Bool { elementType > float32 + 1 }

  /// The name of an element type, as ONNX has it.
  func name(ofElementType code: UInt32) -> String {
    // The enumeration around f32, which is number 3 of these.
    let names = ["bool", "bfloat16", "float16", "float", "double", "int4", "int8", "int16", "int32", "int64"]
    let place = Int(code) - Int(float32) + 3
    return names.indices.contains(place) ? names[place] : "type \(code)"
  }

  /// The command that mends a missing library.
  public static let installation = "python3 -m venv .venv && .venv/bin/pip install openvino"

  /// Loads the first library found in, one after another:
  ///
  /// 1. `PIADM_OPENVINO`: the library itself, a folder that holds it, or a
  ///    virtual environment; where it is set nothing else is tried;
  /// 2. the active virtual environment (`VIRTUAL_ENV`);
  /// 3. a `.venv` in the current folder or the program's, or in a folder above;
  /// 4. the folders of the dynamic loader.
  ///
  /// - Throws: `ScoreModelError.Code.missingLibrary`, with the command that
  ///   installs it and what was tried.
  public init() throws {
    let program = Bundle.main.executableURL?.resolvingSymlinksInPath().deletingLastPathComponent().path
    try self.init(
      environment: ProcessInfo.processInfo.environment,
      startFolders: [FileManager.default.currentDirectoryPath] + (program.map { [$0] } ?? []))
  }

  package init(environment: [String: String], startFolders: [String]) throws {
    var failures: [String] = []
    for candidate in Self.candidates(environment, startFolders) {
      var reason = [CChar](repeating: 0, count: 1024)
      if let functions = ov_functions_load(candidate, &reason, reason.count) {
        try self.init(path: candidate, functions: functions)
        return
      }
      failures.append("\(candidate): \(text(of: reason))")
    }
    let tried =
      failures.isEmpty
      ? "PIADM_OPENVINO=\(environment["PIADM_OPENVINO"] ?? "") holds no libopenvino_c.so"
      : failures.joined(separator: "\n  ")
    throw ScoreModelError(
      .missingLibrary,
      """
      OpenVINO's C library (libopenvino_c.so) was not found; it evaluates trained networks.
      Install it here:  \(Self.installation)
      or name the folder that holds it in PIADM_OPENVINO. Tried:
        \(tried)
      """)
  }

  private init(path: String, functions: UnsafeMutablePointer<ov_functions>) throws {
    self.path = path
    self.functions = functions
    var version = ov_version()
    try functions.pointee.check(
      functions.pointee.get_openvino_version(&version), .missingLibrary, "\(path) does not tell its version")
    self.version = version.build_number.map { String(cString: $0) } ?? "unknown"
    functions.pointee.version_free(&version)
    float32 = try Self.codeOfFloat32(functions)
  }

  /// Element types are numbered dynamic, boolean, bf16, f16, f32 from 0; before
  /// 2025 an "undefined" stood in front. A tensor of one element of type 4
  /// tells which: f32 takes 4 bytes, f16 takes 2.
  private static func codeOfFloat32(_ functions: UnsafeMutablePointer<ov_functions>) throws -> UInt32 {
    var one: Int64 = 1
    var bytes = 0
    try withUnsafeMutablePointer(to: &one) { one in
      var tensor: OpaquePointer?
      let shape = ov_shape(rank: 1, dimensions: one)
      try functions.pointee.check(
        functions.pointee.tensor_create(4, shape, &tensor), .missingLibrary, "OpenVINO makes no tensor")
      guard let tensor else { return }
      defer { functions.pointee.tensor_free(tensor) }
      try functions.pointee.check(
        functions.pointee.tensor_get_byte_size(tensor, &bytes), .missingLibrary, "OpenVINO measures no tensor")
    }
    return bytes == 4 ? 4 : 5
  }

  private static func candidates(_ environment: [String: String], _ startFolders: [String]) -> [String] {
    if let named = environment["PIADM_OPENVINO"], !named.isEmpty {
      var isFolder: ObjCBool = false
      let exists = FileManager.default.fileExists(atPath: named, isDirectory: &isFolder)
      return exists && isFolder.boolValue ? libraries(under: named) : [named]
    }
    var roots: [String] = []
    if let active = environment["VIRTUAL_ENV"], !active.isEmpty { roots.append(active) }
    for start in startFolders {
      var folder = URL(fileURLWithPath: start).standardizedFileURL
      while true {
        roots.append(folder.appendingPathComponent(".venv").path)
        if folder.path == "/" || folder.path.isEmpty { break }
        folder.deleteLastPathComponent()
      }
    }
    let searched = (environment["LD_LIBRARY_PATH"] ?? "").split(separator: ":").map { String($0) }
    return (roots + searched).flatMap { libraries(under: $0) } + ["libopenvino_c.so"]
  }

  /// Libraries in a folder that is itself, or holds as OpenVINO's archive, its
  /// Python package or a virtual environment do, the folder of libraries.
  private static func libraries(under root: String) -> [String] {
    let files = FileManager.default
    let pythons = ((try? files.contentsOfDirectory(atPath: "\(root)/lib")) ?? [])
      .filter { $0.hasPrefix("python") }.sorted()
      .map { "\(root)/lib/\($0)/site-packages/openvino/libs" }
    return ([root, "\(root)/libs", "\(root)/runtime/lib/intel64"] + pythons).flatMap { folder in
      ((try? files.contentsOfDirectory(atPath: folder)) ?? [])
        .filter { $0.hasPrefix("libopenvino_c.so") }.sorted().map { "\(folder)/\($0)" }
    }
  }

  func check(_ status: Int32, _ code: ScoreModelError.Code, _ attempt: @autoclosure () -> String) throws {
    try functions.pointee.check(status, code, attempt())
  }

  /// Turns a status into an error that names the cause and its mend, where they are known.
  func check(
    _ status: Int32, _ code: ScoreModelError.Code, ofFile file: String, otherwise attempt: @autoclosure () -> String
  ) throws {
    do { try check(status, code, attempt()) } catch let error as ScoreModelError {
      guard let cause = UnreadableNetwork.explain(error.description) else { throw error }
      throw ScoreModelError(code, "\(file): \(cause)")
    }
  }
}

extension ov_functions {
  /// Turns a status of the library into an error with OpenVINO's own text.
  fileprivate func check(
    _ status: Int32, _ code: ScoreModelError.Code, _ attempt: @autoclosure () -> String
  ) throws {
    guard status != 0 else { return }
    throw ScoreModelError(code, "\(attempt()): \(lastMessage(status))")
  }

  /// OpenVINO's text on its last failure in this thread, on one line and
  /// without the places in its source code.
  private func lastMessage(_ status: Int32) -> String {
    if let message = get_last_err_msg() {
      defer { free(message) }
      let lines = String(cString: message).split(separator: "\n")
        .map { $0.trimmingCharacters(in: .whitespaces) }
        .filter { !$0.isEmpty && !$0.hasPrefix("Exception from") && !$0.hasPrefix("Check '") }
      if !lines.isEmpty { return lines.joined(separator: " ") }
    }
    return get_error_info(status).map { String(cString: $0) } ?? "status \(status)"
  }
}

private func text(of characters: [CChar]) -> String {
  String(decoding: characters.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
}
