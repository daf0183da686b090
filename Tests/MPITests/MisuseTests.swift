import Foundation
import Launching
import MPI
import Testing

/// Mistakes that the compiler must find. Each is compiled with the library's
/// module; the first has no mistake, and shows that the others fail for theirs.
@Suite struct MisuseTests {
  struct Snippet: CustomTestStringConvertible {
    let name: String
    let code: String
    /// What the compiler says; nil for code that compiles.
    let complaint: String?
    var testDescription: String { name }

    init(_ name: String, complaint: String?, _ code: String) {
      self.name = name
      self.code = code
      self.complaint = complaint
    }
  }

  static let snippets = [
    Snippet(
      "correct use", complaint: nil,
      """
      struct Particle: Transferable { var x = 1.0; var charge: Int32 = 1 }
      let buffer = Buffer(repeating: 1.0, count: 4)
      let request = try world.startSend(buffer, to: world[1])
      let returned = try request.wait()
      print(returned[0])
      var sums = [1.0]
      try world.allReduce(&sums, .sum)
      try world.receive(into: &sums, from: .any, tag: .any)
      try world.receive(into: &sums, from: world.neighbor(-1), tag: 3)
      try world.send([Particle()].span, to: .noProcess)
      """),
    Snippet(
      "a wildcard as the destination of a message", complaint: "context expects 'Peer'",
      """
      try world.send([1.0].span, to: .any)
      """),
    Snippet(
      "a wildcard as the tag of a message that is sent", complaint: "context expects 'Int'",
      """
      try world.send([1.0].span, to: world[0], tag: .any)
      """),
    Snippet(
      "a wildcard as a root", complaint: "context expects 'Int'",
      """
      var numbers = [1.0]
      try world.broadcast(&numbers, root: .any)
      """),
    Snippet(
      "no process as a root", complaint: "'Int' has no member 'noProcess'",
      """
      var numbers = [1.0]
      try world.broadcast(&numbers, root: .noProcess)
      """),
    Snippet(
      "arithmetic on a rank as the destination", complaint: "expected argument type 'Peer'",
      """
      try world.send([1.0].span, to: world.rank + 1)
      """),
    Snippet(
      "arithmetic on a rank as the source", complaint: "conform to 'Source'",
      """
      var numbers = [1.0]
      try world.receive(into: &numbers, from: world.rank - 1)
      """),
    Snippet(
      "arithmetic on a peer", complaint: "operator '+'",
      """
      try world.send([1.0].span, to: world[0] + 1)
      """),
    Snippet(
      "a peer that no communicator has made", complaint: "initializer is inaccessible",
      """
      try world.send([1.0].span, to: Peer(number: 1))
      """),
    Snippet(
      "a struct that says nothing of its layout", complaint: "conform to 'Transferable'",
      """
      struct Particle { var x = 1.0 }
      try world.send([Particle()].span, to: world[0])
      """),
    Snippet(
      "a struct with an array in it", complaint: "non-bitwise-copyable type",
      """
      struct Particle: Transferable { var history = [1.0] }
      try world.send([Particle()].span, to: world[0])
      """),
    Snippet(
      "a struct with the datatype of another type",
      complaint: "cannot convert return expression of type 'Datatype<Double>'",
      """
      struct Particle: Transferable {
        var x = 1.0, y = 1.0, z = 1.0
        static var datatype: Datatype<Self> { Double.datatype }
      }
      try world.send([Particle()].span, to: world[0])
      """),
    Snippet(
      "a datatype made by hand", complaint: "initializer is inaccessible",
      """
      struct Particle: Transferable {
        var x = 1.0, y = 1.0, z = 1.0
        static var datatype: Datatype<Self> { Datatype<Self>() }
      }
      try world.send([Particle()].span, to: world[0])
      """),
    Snippet(
      "a sum of structs", complaint: "requires that 'Particle' conform to 'Summable'",
      """
      struct Particle: Transferable { var x = 1.0 }
      _ = try world.allReduce(Particle(), .sum)
      """),
    Snippet(
      "a part of an array with elements of another type", complaint: "cannot convert value",
      """
      let column = try Subarray<Float>(of: [4, 4], [0..<4, 0..<1])
      try world.send([Double](repeating: 0, count: 16).span, column, to: world[0])
      """),
    Snippet(
      "a shared array kept beyond its scope", complaint: "lifetime",
      """
      var kept = [1].span
      try world.withSharedArray(of: Int.self, count: 3) { _ in } _: { kept = $0 }
      print(kept[0])
      """),
    Snippet(
      "a shared array written to while others read it", complaint: "subscript is get-only",
      """
      try world.withSharedArray(of: Int.self, count: 3) { _ in } _: { $0[0] = 1 }
      """),
    Snippet(
      "calls of several threads at once", complaint: "no member 'multiple'",
      """
      var options = EnvironmentOptions()
      options.threadLevel = .multiple
      """),
    Snippet(
      "a buffer touched while it is being sent", complaint: "'buffer' used after consume",
      """
      var buffer = Buffer(repeating: 1.0, count: 4)
      let request = try world.startSend(buffer, to: world[1])
      buffer[0] = 2
      _ = try request.wait()
      """),
    Snippet(
      "a buffer received into twice at once", complaint: "'buffer' consumed more than once",
      """
      let buffer = Buffer(repeating: 1.0, count: 4)
      let first = try world.startReceive(into: buffer, from: world[1])
      let second = try world.startReceive(into: buffer, from: world[2])
      _ = try first.wait()
      _ = try second.wait()
      """),
    Snippet(
      "a request waited for twice", complaint: "'request' consumed more than once",
      """
      let request = try world.startReceive(into: Buffer(repeating: 1.0, count: 4), from: world[1])
      _ = try request.wait()
      _ = try request.wait()
      """),
    Snippet(
      "a persistent buffer touched while it is under way",
      complaint: "'exchange' used after consume",
      """
      var exchange = try world.prepareSend(Buffer(repeating: 1.0, count: 4), to: world[1])
      let started = try exchange.start()
      exchange[0] = 2
      _ = try started.wait()
      """),
    Snippet(
      "a message received twice", complaint: "'message' consumed more than once",
      """
      let message = try world.probe(from: world[1])
      _ = try message.receive(Int.self)
      _ = try message.receive(Int.self)
      """),
    Snippet(
      "a bitwise operation on floating-point numbers", complaint: "property 'bitwiseOr' requires",
      """
      var numbers = [1.0]
      try world.allReduce(&numbers, .bitwiseOr)
      """),
    Snippet(
      "a type that MPI has no datatype for", complaint: "conform to 'Transferable'",
      """
      try world.send([true].span, to: world[1])
      """),
    Snippet(
      "a communicator on another thread", complaint: "data races",
      """
      Task.detached { try world.barrier() }
      """),
  ]

  @Test("the compiler finds the mistake", arguments: snippets)
  func compilerFindsMistake(snippet: Snippet) throws {
    let (isCompiled, output) = try compile(
      """
      import MPI
      func snippet(_ world: Communicator) throws {
      \(snippet.code)
      }
      """)
    if let complaint = snippet.complaint {
      #expect(!isCompiled)
      #expect(output.contains(complaint), "\(output)")
    } else {
      #expect(isCompiled, "\(output)")
    }
  }

  /// Compiles up to the checks of ownership and of data races, which come
  /// after those of types.
  private func compile(_ source: String) throws -> (isCompiled: Bool, output: String) {
    let folder = FileManager.default.temporaryDirectory.appending(path: "mpi-snippet-\(UUID())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = folder.appending(path: "snippet.swift")
    try Data(source.utf8).write(to: file)

    let package = Library.header.name == "Open MPI" ? "ompi-c" : "mpich"
    let headers = try run("pkg-config", ["--cflags-only-I", package]).output
      .split { $0.isWhitespace }.flatMap { ["-Xcc", String($0)] }
    let moduleMap = repository.appending(path: "Sources/CMPI/module.modulemap").path
    let (status, output) = try run(
      "swiftc",
      [
        "-swift-version", "6", "-emit-sil", "-o", folder.appending(path: "snippet.sil").path,
        "-module-cache-path", folder.path,
        "-I", try MPIRun.productsFolder().appending(path: "Modules").path,
        "-Xcc", "-fmodule-map-file=\(moduleMap)",
      ] + headers + [file.path])
    return (status == 0, output)
  }

  private func run(_ program: String, _ arguments: [String]) throws -> (
    status: Int32, output: String
  ) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [program] + arguments
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = pipe
    try process.run()
    let output = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    try #require(process.terminationStatus != 127, "\(program) is not on the PATH")
    return (process.terminationStatus, String(decoding: output, as: UTF8.self))
  }
}
