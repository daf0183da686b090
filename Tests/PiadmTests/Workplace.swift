import Foundation
import Launching
import NumPyFormat
import Testing

/// A folder that someone works in: inputs, runs of `piadm`, and what they
/// leave. It goes away with this value.
final class Workplace {
  let path: String

  init() throws {
    path = FileManager.default.temporaryDirectory.appending(path: "piadm-\(UUID())").path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    try write(
      """
      {"target": "gaussian-mixture", "variance": 0.05, "weights": [0.5, 0.3, 0.2],
       "means": [[1, 0, 0.5, -1, 0], [0, -1, 0.5, 0, 1], [-1, -1, 0, 0.25, -0.5]]}
      """, to: "mixture.json")
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// The dimension of `mixture.json`, a target that is in every workplace.
  static let dimension = 5

  /// Whether this user may mount, and so change what a run sees of its machine.
  static let canMount: Bool = {
    let place = try? Workplace()
    return (try? place?.run([], script: "unshare --mount true"))?.exitCode == 0
  }()

  /// Names in this folder, but for the target that was there from the start.
  var content: [String] {
    get throws {
      try FileManager.default.contentsOfDirectory(atPath: path).filter { $0 != "mixture.json" }.sorted()
    }
  }

  /// Names in a folder of this folder.
  func content(of folder: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: "\(path)/\(folder)").sorted()
  }

  func write(_ text: String, to name: String) throws { try write(Array(text.utf8), to: name) }

  func write(_ bytes: [UInt8], to name: String) throws {
    try Data(bytes).write(to: URL(fileURLWithPath: "\(path)/\(name)"))
  }

  /// An array in double precision.
  func writeArray(_ values: [Double], shape: [Int], to name: String) throws {
    var bytes = Data(NumPyHeader(elementType: .float64, shape: shape).encoded)
    for value in values {
      withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes.append(contentsOf: $0) }
    }
    try bytes.write(to: URL(fileURLWithPath: "\(path)/\(name)"))
  }

  func read(_ name: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: "\(path)/\(name)")) }

  func array(_ name: String) throws -> NumPyArray { try NumPyArray(contentsOf: "\(path)/\(name)") }

  /// Runs `piadm` here, under the launcher where there is more than one rank.
  ///
  /// - Parameter isTuned: the run chooses solver, window and replicas. Otherwise `sample`
  ///   iterates whole blocks on all ranks together, unless the arguments say more.
  func run(
    _ arguments: [String], ranks: Int = 1, script: String = #"exec "$@""#,
    environment: [String: String] = [:], isTuned: Bool = false
  ) throws -> MPIRun {
    let stated = isTuned || arguments.first != "sample" ? [] : Self.untuned(arguments)
    return try MPIRun(
      "piadm", arguments + stated, ranks: ranks, isLaunched: ranks > 1, script: script, in: path,
      environment: environment)
  }

  /// Options that state what a run would choose.
  private static func untuned(_ arguments: [String]) -> [String] {
    func has(_ option: String) -> Bool { arguments.contains { $0 == option || $0.hasPrefix(option + "=") } }
    var stated: [String] = []
    if !has("--window"), !has("--solver"), !has("--help") { stated += ["--window", "off"] }
    if !has("--replicas"), !has("--help") { stated += ["--replicas", "1"] }
    return stated
  }

  /// Draws samples, which must succeed.
  /// - Returns: the digest of the samples, as the run tells it.
  func digest(
    _ arguments: [String], ranks: Int = 1, sourceLocation: SourceLocation = #_sourceLocation
  ) throws -> String {
    let run = try run(["sample", "--progress", "none"] + arguments, ranks: ranks)
    #expect(!run.isTimedOut, sourceLocation: sourceLocation)
    #expect(
      run.exitCode == 0, "\(arguments) on \(ranks) ranks: \(run.standardError)",
      sourceLocation: sourceLocation)
    let line = run.standardOutput.split(separator: "\n").last { $0.hasPrefix("digest ") }
    let digest = try #require(line?.split(separator: " ").last, sourceLocation: sourceLocation)
    try #require(digest.count == 64, sourceLocation: sourceLocation)
    return String(digest)
  }
}

extension MPIRun {
  /// The messages of the program itself, without what launcher and MPI add.
  var messages: [Substring] {
    standardError.split(separator: "\n").filter {
      $0.firstMatch(of: #/^(rank \d+ of \d+: )?(piadm|Error): /#) != nil
    }
  }

  /// Checks that the run was refused: in time, with this exit code, and with
  /// one message, which has these words.
  func expectRefusal(
    _ exitCode: Int32, _ words: String..., sourceLocation: SourceLocation = #_sourceLocation
  ) {
    #expect(!isTimedOut, sourceLocation: sourceLocation)
    #expect(self.exitCode == exitCode, "\(standardError)", sourceLocation: sourceLocation)
    #expect(messages.count == 1, "\(standardError)", sourceLocation: sourceLocation)
    for word in words {
      #expect(
        standardError.contains(word), "no '\(word)' in: \(standardError)",
        sourceLocation: sourceLocation)
    }
    expectNoTrap(sourceLocation: sourceLocation)
  }

  func expectNoTrap(sourceLocation: SourceLocation = #_sourceLocation) {
    for sign in ["Fatal error", "crashed", "Backtrac", "signal"] {
      #expect(!standardError.contains(sign), "\(standardError)", sourceLocation: sourceLocation)
    }
  }
}
