import Foundation
import Launching
import MPI
import Testing

/// The job files on a cluster that is made for the test. The tests wait most of
/// the time, and so run beside others.
@Suite struct ClusterTests {
  /// A script of `jobs/` that tests the built program and ends with
  /// `N passed, N failed`; it makes what it needs, and says where it cannot.
  struct Script {
    let name: String
    /// Why it cannot run here; `nil` where it can.
    let obstacle: String?

    init(_ name: String) {
      self.name = name
      guard let run = try? Self.start(name, ["--may-run"]), run.code != 0 else {
        obstacle = nil
        return
      }
      obstacle = run.output
    }

    func run() throws -> (code: Int32, output: String) {
      try Self.start(name, [MPIRun.builtProduct("piadm").path])
    }

    private static func start(_ name: String, _ arguments: [String]) throws -> (code: Int32, output: String) {
      try execute(top.appending(path: "jobs/\(name)").path, arguments)
    }
  }

  static let slurm = Script("test-slurm.sh")
  static let hosts = Script("test-hosts.sh")
  static let top = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()

  @Test(
    "on a Slurm of two nodes the job files draw the bits of a local run, go on after the time limit, and join an array",
    .enabled(if: slurm.obstacle == nil, Comment(rawValue: slurm.obstacle ?? "")))
  func slurm() throws {
    let run = try Self.slurm.run()
    #expect(run.code == 0, "\(run.output)")
    #expect(run.output.contains(#/\n1\d passed, 0 failed\n/#), "\(run.output)")
  }

  @Test(
    "on four hosts ranks draw the bits of one host; latency costs at most a tenth; a cut cable and a lost host end the run",
    .enabled(if: hosts.obstacle == nil, Comment(rawValue: hosts.obstacle ?? "")))
  func hosts() throws {
    let run = try Self.hosts.run()
    #expect(run.code == 0, "\(run.output)")
    #expect(run.output.contains(#/\n1\d passed, 0 failed\n/#), "\(run.output)")
  }

  @Test("shellcheck finds nothing in the scripts; needs shellcheck")
  func shellcheck() throws {
    let folders = try ["jobs", "cmake"].flatMap { folder in
      try FileManager.default.contentsOfDirectory(atPath: Self.top.appending(path: folder).path)
        .filter { $0.hasSuffix(".sh") || $0.hasSuffix(".sbatch") || $0 == "environment.example" }
        .map { Self.top.appending(path: folder).appending(path: $0).path }
    }
    try #require(folders.count > 10)
    let run = try Self.execute("/usr/bin/env", ["shellcheck"] + folders)
    #expect(run.code == 0, "\(run.output)")
  }

  /// Runs a command to its end; standard output and error together.
  private static func execute(_ command: String, _ arguments: [String]) throws -> (code: Int32, output: String) {
    let process = Process()
    let pipe = Pipe()
    process.executableURL = URL(fileURLWithPath: command)
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment.merging([
      "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    ]) { $1 }
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = pipe
    process.standardError = pipe
    try process.run()
    let output = String(decoding: try pipe.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
    process.waitUntilExit()
    return (process.terminationStatus, output)
  }
}
