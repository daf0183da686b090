import Foundation
import Launching
import NumPyFormat
import Testing

/// What the README shows is true: its program is the one that is built, and
/// its commands run.
@Suite(.serialized) struct ReadmeTests {
  let top = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()
  var readme: String {
    get throws { try String(contentsOf: top.appending(path: "README.md"), encoding: .utf8) }
  }

  @Test("the README's program is the example that is built, and draws its samples")
  func example() throws {
    let program = try String(
      contentsOf: top.appending(path: "Tests/Programs/ReadmeExample/main.swift"), encoding: .utf8)
    #expect(try readme.contains("```swift\n\(program)```"))
    let run = try MPIRun("ReadmeExample", [], ranks: 2)
    #expect(run.exitCode == 0, "\(run.standardError)")
    for sample in 0..<4 { #expect(run.standardOutput.contains("sample \(sample): [")) }
  }

  @Test("every sampling command of the README runs; needs OpenVINO")
  func commands() throws {
    let lines = try readme.split(separator: "\n").filter { $0.hasPrefix("    ") }
      .map { $0.trimmingCharacters(in: .whitespaces) }
    let target = try #require(lines.first { $0.hasPrefix("{\"target\"") })
    let commands = lines.filter {
      ($0.hasPrefix("piadm sample ") || $0.hasPrefix("mpirun ")) && !$0.contains("[options]")
        && !$0.contains("--help")
    }
    try #require(commands.count >= 5)
    for command in commands {
      let place = try Workplace()
      try place.write(target, to: "target.json")
      let line = command.replacing("mpirun ", with: "\"${MPIRUN:-mpirun}\" ")
      let plugins = "\(top.path)/jobs/plugins/build.sh"
      let build = command.contains("plugin:") ? "'\(plugins)' results/plugins || exit 1" : ""
      let run = try place.run(
        [], script: "PATH=$(dirname \"$1\"):$PATH\n\(build)\n\(line)",
        environment: ["OMPI_MCA_rmaps_base_oversubscribe": "1"])
      #expect(run.exitCode == 0, "\(command): \(run.standardError)")
      guard command.contains("piadm sample ") else { continue }
      #expect(run.standardOutput.hasSuffix("status: completed\n"), "\(command)")
      #expect(try !place.array("samples.npy").floats.isEmpty, "\(command)")
    }
  }
}
