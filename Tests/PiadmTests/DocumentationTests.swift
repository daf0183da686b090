import Foundation
import Launching
import Testing

/// The documentation as DocC builds it, from the articles and from the symbol
/// graphs of the libraries as they are built.
@Suite(.serialized) struct DocumentationTests {
  /// The libraries that the package offers.
  static let libraries = ["Diffusion", "MPI", "PicardSampler", "PicardSamplerMPI", "ScoreModels"]

  let top = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()

  @Test("DocC builds the program's articles with all libraries, without a warning")
  func program() throws {
    let graphs = try SymbolGraphs(of: Self.libraries)
    try graphs.convert(top.appending(path: "Sources/piadm/piadm.docc"), name: "piadm")
  }

  @Test("DocC builds the MPI library's pages, without a warning")
  func messagePassing() throws {
    let graphs = try SymbolGraphs(of: ["MPI"])
    try graphs.convert(top.appending(path: "Sources/MPI/MPI.docc"), name: "MPI")
  }

  @Test("every public symbol has a documentation comment")
  func symbols() throws {
    #expect(try SymbolGraphs(of: Self.libraries).undocumented() == [])
  }
}

/// Symbol graphs of built libraries, in a folder that goes away with this value.
private final class SymbolGraphs {
  private let folder = FileManager.default.temporaryDirectory.appending(path: "symbols-\(UUID())")

  init(of libraries: [String]) throws {
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let products = try MPIRun.productsFolder()
    // The C modules that the libraries are built on are loaded with them.
    let modules = try FileManager.default.contentsOfDirectory(atPath: products.path)
      .map { "\(products.path)/\($0)/module.modulemap" }
      .filter { $0.contains(".build/") && FileManager.default.fileExists(atPath: $0) }
    let sources = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent().appending(path: "Sources")
    let systemModules = try FileManager.default.contentsOfDirectory(atPath: sources.path)
      .filter { FileManager.default.fileExists(atPath: sources.appending(path: "\($0)/module.modulemap").path) }
    for library in libraries {
      try run(
        [
          "swift", "symbolgraph-extract", "-module-name", library, "-target", try target(),
          "-I", products.appending(path: "Modules").path, "-minimum-access-level", "public",
          "-skip-inherited-docs", "-output-dir", folder.path,
        ] + systemModules.flatMap { ["-I", sources.appending(path: $0).path] }
          + modules.flatMap { ["-Xcc", "-fmodule-map-file=\($0)"] } + mpiFlags())
    }
  }

  deinit { try? FileManager.default.removeItem(at: folder) }

  /// Builds the pages of a catalogue.
  func convert(_ catalogue: URL, name: String) throws {
    let log = try run([
      "docc", "convert", catalogue.path, "--additional-symbol-graph-dir", folder.path,
      "--fallback-display-name", name, "--fallback-bundle-identifier", name,
      "--warnings-as-errors", "--output-path", folder.appending(path: "\(name).doccarchive").path,
    ])
    #expect(!log.contains("warning:") && !log.contains("error:"), "\(log)")
    let pages = folder.appending(path: "\(name).doccarchive/data/documentation/\(name.lowercased()).json")
    #expect(FileManager.default.fileExists(atPath: pages.path))
  }

  /// Public symbols without a comment, but for members that protocols
  /// document: those of this package's, and these of the standard library.
  func undocumented() throws -> [String] {
    let standard = [
      "description", "rawValue", "init(rawValue:)", "<(_:_:)", "==(_:_:)",
      "init(dictionaryLiteral:)", "init(from:)", "encode(to:)", "hash(into:)", "hashValue",
    ]
    let files = try FileManager.default.contentsOfDirectory(atPath: folder.path)
      .filter { $0.hasSuffix(".symbols.json") }
    try #require(!files.isEmpty)
    let graphs = try files.map {
      try JSONDecoder().decode(Graph.self, from: Data(contentsOf: folder.appending(path: $0)))
    }
    let symbols = graphs.flatMap(\.symbols)
    let protocols = Set(
      symbols.filter { $0.kind.identifier == "swift.protocol" }.map { $0.pathComponents[0] })
    let requirements = Set(
      symbols.filter { $0.docComment != nil && protocols.contains($0.pathComponents[0]) }
        .map { $0.pathComponents.last! })
    let names = symbols.filter { symbol in
      let name = symbol.pathComponents.last!
      let isMember = symbol.pathComponents.count > 1
      return symbol.docComment == nil && !symbol.identifier.precise.contains("::SYNTHESIZED::")
        && !(isMember && (standard.contains(name) || requirements.contains(name)))
    }.map { $0.pathComponents.joined(separator: ".") }
    return names.sorted()
  }

  private struct Graph: Decodable {
    var symbols: [Symbol]

    struct Symbol: Decodable {
      var kind: Kind
      var identifier: Identifier
      var pathComponents: [String]
      var docComment: Comment?
    }
    struct Kind: Decodable { var identifier: String }
    struct Identifier: Decodable { var precise: String }
    struct Comment: Decodable {}
  }
}

/// The triple that the toolchain builds for.
private func target() throws -> String {
  struct Info: Decodable {
    struct Target: Decodable { var unversionedTriple: String }
    var target: Target
  }
  let text = try run(["swiftc", "-print-target-info"])
  return try JSONDecoder().decode(Info.self, from: Data(text.utf8)).target.unversionedTriple
}

/// Where the headers of the MPI library are that the tests are built with.
private func mpiFlags() throws -> [String] {
  let package = ProcessInfo.processInfo.environment["MPI_PKG_CONFIG"] ?? "ompi-c"
  return try run(["pkg-config", "--cflags-only-I", package]).split(whereSeparator: \.isWhitespace).map { "\($0)" }
}

/// Runs a command of the toolchain, which must succeed.
/// - Returns: what it wrote, to both streams.
@discardableResult
private func run(_ command: [String]) throws -> String {
  let process = Process()
  process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
  process.arguments = command
  let output = Pipe()
  process.standardOutput = output
  process.standardError = output
  try process.run()
  let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
  process.waitUntilExit()
  #expect(process.terminationStatus == 0, "\(command.joined(separator: " ")): \(text)")
  return text
}
