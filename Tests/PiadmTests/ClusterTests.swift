import Foundation
import Launching
import MPI
import Testing

/// A script of `jobs/` that tests the built program on what it makes itself, and
/// ends with `N passed, N failed`.
private struct ClusterScript {
  static let slurm = ClusterScript("test-slurm.sh")
  static let hosts = ClusterScript("test-hosts.sh")

  let path: String
  /// Why it cannot run here; `nil` where it can.
  let obstacle: String?

  private init(_ name: String) {
    path = checkout.appending(path: "jobs/\(name)").path
    let answer = try? execute(path, ["--may-run"])
    obstacle = answer?.code == 0 ? nil : answer?.output ?? "\(path) does not start"
  }

  func expectSuccess() throws {
    let run = try execute(path, [MPIRun.builtProduct("piadm").path])
    #expect(run.code == 0, "\(run.output)")
    #expect(run.output.contains(#/\n[12]\d passed, 0 failed\n/#), "\(run.output)")
  }
}

private let checkout = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
  .deletingLastPathComponent().deletingLastPathComponent()

/// Runs a command to its end; standard output and error together.
///
/// Foundation starts processes with most signals blocked, and daemons and
/// launchers that inherit that cannot be told to stop: Python clears it.
private func execute(_ command: String, _ arguments: [String]) throws -> (code: Int32, output: String) {
  let process = Process()
  let pipe = Pipe()
  process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
  process.arguments =
    [
      "python3", "-c",
      "import os, signal, sys; signal.pthread_sigmask(signal.SIG_SETMASK, []); os.execvp(sys.argv[1], sys.argv[1:])",
      command,
    ] + arguments
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

/// The job files on a cluster that is made for the test. The tests wait most of
/// the time, and so run beside others.
@Suite struct ClusterTests {
  @Test(
    "on a Slurm of two nodes the job files draw the bits of a local run, go on after the time limit, and join an array",
    .enabled(if: ClusterScript.slurm.obstacle == nil, "\(ClusterScript.slurm.obstacle ?? "")"))
  func onSlurm() throws { try ClusterScript.slurm.expectSuccess() }

  @Test(
    "on four hosts ranks draw the bits of one host; latency costs little; a cut cable and a lost host end the run",
    .enabled(if: ClusterScript.hosts.obstacle == nil, "\(ClusterScript.hosts.obstacle ?? "")"))
  func onSeveralHosts() throws { try ClusterScript.hosts.expectSuccess() }

  @Test("what the installed modules import from C is installed with them")
  func installedModules() throws {
    let rules = try ["Build", "Install"].map {
      try String(contentsOf: checkout.appending(path: "cmake/\($0).cmake"), encoding: .utf8)
    }.joined()
    func names(after start: String) throws -> [String] {
      let from = try #require(rules.range(of: start)).upperBound
      return rules[from...].prefix { $0 != ")" }.split(separator: " ").map { String($0) }
    }
    let modules = try names(after: "set(library_modules ")
    let installed = try names(after: "set(library_c_modules ") + names(after: "foreach(module CMPI ") + ["CMPI"]
    var imported: Set<String> = []
    for module in modules {
      let folder = checkout.appending(path: "Sources/\(module)")
      for file in try FileManager.default.contentsOfDirectory(atPath: folder.path) where file.hasSuffix(".swift") {
        let text = try String(contentsOf: folder.appending(path: file), encoding: .utf8)
        imported.formUnion(text.matches(of: #/(?m)^(?:\w+ )?import (C[A-Z]\w*)$/#).map { String($0.1) })
      }
    }
    #expect(!imported.isEmpty)
    #expect(imported.subtracting(installed).isEmpty)
  }

  @Test("shellcheck finds nothing in the scripts; needs shellcheck")
  func shellcheck() throws {
    let scripts = try ["jobs", "jobs/plugins", "cmake"].flatMap { folder in
      try FileManager.default.contentsOfDirectory(atPath: checkout.appending(path: folder).path)
        .filter { $0.hasSuffix(".sh") || $0.hasSuffix(".sbatch") || $0 == "environment.example" }
        .map { checkout.appending(path: "\(folder)/\($0)").path }
    }
    try #require(scripts.count > 10)
    let run = try execute("shellcheck", scripts)
    #expect(run.code == 0, "\(run.output)")
  }
}
