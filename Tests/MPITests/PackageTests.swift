import Foundation
import Testing

/// What a package gets that uses only this library.
@Suite struct PackageTests {
  @Test("a package that asks for MPI without the program fetches no other package")
  func clientFetchesNothingElse() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "mpi-client-\(UUID())")
    defer { try? FileManager.default.removeItem(at: folder) }
    let sources = folder.appending(path: "Sources/client")
    try FileManager.default.createDirectory(at: sources, withIntermediateDirectories: true)
    try Data("import MPI\n".utf8).write(to: sources.appending(path: "main.swift"))
    try Data(
      """
      // swift-tools-version: 6.2
      import PackageDescription

      let package = Package(
        name: "client",
        dependencies: [.package(path: "\(repository.path)", traits: [])],
        targets: [
          .executableTarget(
            name: "client",
            dependencies: [.product(name: "MPI", package: "\(repository.lastPathComponent)")])
        ])
      """.utf8
    ).write(to: folder.appending(path: "Package.swift"))

    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [
      "swift", "package", "--package-path", folder.path, "show-dependencies", "--format", "json",
    ]
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = FileHandle.nullDevice
    try process.run()
    let output = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    let client = try JSONDecoder().decode(PackageNode.self, from: output)
    let piadm = try #require(client.dependencies.first)
    #expect(client.dependencies.count == 1)
    #expect(piadm.name == "piadm")
    #expect(piadm.dependencies.isEmpty)
  }

  private struct PackageNode: Decodable {
    let name: String
    let dependencies: [PackageNode]
  }
}
