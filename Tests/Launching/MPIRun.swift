package import Foundation
import MPI

/// A program of this package, run on several ranks by the launcher of the MPI
/// library that the tests are built with.
package struct MPIRun {
  package let exitCode: Int32
  package let standardOutput: String
  package let standardError: String
  /// Whether the program was still running at its time limit and was killed.
  package let isTimedOut: Bool

  /// - Parameters:
  ///   - isLaunched: whether to start it with the launcher, or by itself.
  ///   - script: a shell script that runs the whole command as `"$@"`, for
  ///     circumstances that only a shell makes.
  ///   - folder: the working directory; `nil` for that of the tests.
  ///   - seconds: after this long the program is killed. Generous for 7 ranks
  ///     on 2 cores; a run that hangs is a failed run. $PIADM_TEST_PATIENCE times
  ///     as long where programs are slow, as with a sanitizer.
  /// - Throws: where the launcher or the program is missing.
  package init(
    _ program: String, _ arguments: [String] = [], ranks: Int, isLaunched: Bool = true,
    script: String = #"exec "$@""#, in folder: String? = nil, seconds: Double = 60,
    environment: [String: String] = [:]
  ) throws {
    let logs = FileManager.default.temporaryDirectory.appending(path: "mpi-run-\(UUID())")
    try FileManager.default.createDirectory(at: logs, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: logs) }
    let outputFile = logs.appending(path: "out")
    let errorFile = logs.appending(path: "err")
    for file in [outputFile, errorFile] {
      try Data().write(to: file)
    }

    let launcher = try Launcher.current()
    let process = Process()
    let product = try Self.builtProduct(program)
    let start = isLaunched ? [launcher.executable.path] + launcher.options + ["-n", "\(ranks)"] : []
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.arguments = ["-c", script, "sh"] + start + [product.path] + arguments
    if let folder { process.currentDirectoryURL = URL(fileURLWithPath: folder) }
    process.environment = ProcessInfo.processInfo.environment
      .merging(launcher.environment) { $1 }.merging(environment) { $1 }
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = try FileHandle(forWritingTo: outputFile)
    process.standardError = try FileHandle(forWritingTo: errorFile)

    let ended = DispatchSemaphore(value: 0)
    process.terminationHandler = { _ in ended.signal() }
    try process.run()
    let patience = ProcessInfo.processInfo.environment["PIADM_TEST_PATIENCE"].flatMap(Double.init) ?? 1
    isTimedOut = ended.wait(timeout: .now() + patience * seconds) == .timedOut
    if isTimedOut {
      // The launcher ends its ranks when it is asked to; where it does not
      // answer either, it is killed.
      process.terminate()
      if ended.wait(timeout: .now() + 5) == .timedOut {
        kill(process.processIdentifier, SIGKILL)
        ended.wait()
      }
    }
    exitCode = process.terminationStatus
    standardOutput = String(decoding: try Data(contentsOf: outputFile), as: UTF8.self)
    standardError = String(decoding: try Data(contentsOf: errorFile), as: UTF8.self)
  }

  /// Whether standard error has this line, and has it once.
  package func saysOnce(_ line: String) -> Bool {
    standardError.split(separator: "\n").filter { $0 == line }.count == 1
  }

  /// The tests are built with Open MPI.
  package static var isOpenMPI: Bool { Library.runtimeVersion.hasPrefix("Open MPI") }

  /// SwiftPM builds the programs beside the test bundle.
  package static func builtProduct(_ name: String) throws -> URL {
    let file = try productsFolder().appending(path: name)
    guard FileManager.default.isExecutableFile(atPath: file.path) else {
      throw LaunchError(description: "\(file.path) is not built")
    }
    return file
  }

  package static func productsFolder() throws -> URL {
    let candidates = ProcessInfo.processInfo.arguments + [Bundle.main.executablePath ?? ""]
    guard let bundle = candidates.first(where: { $0.hasSuffix(".xctest") }) else {
      throw LaunchError(description: "no test bundle among \(candidates)")
    }
    return URL(fileURLWithPath: bundle).deletingLastPathComponent()
  }
}

/// Why a test cannot start its program.
package struct LaunchError: Error, CustomStringConvertible {
  package let description: String
}

/// How ranks are started.
private struct Launcher {
  let executable: URL
  let options: [String]
  let environment: [String: String]

  static func current() throws -> Launcher {
    let isOpenMPI = MPIRun.isOpenMPI
    // Debian installs both libraries side by side, each with its own name.
    let names = isOpenMPI ? ["mpirun.openmpi", "mpirun"] : ["mpirun.mpich", "mpirun"]
    let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
    let candidates = names.flatMap { name in folders.map { "\($0)/\(name)" } }
    guard let path = candidates.first(where: { FileManager.default.isExecutableFile(atPath: $0) }) else {
      throw LaunchError(
        description: "the launcher \(names[0]) of \(Library.runtimeVersion) is not on the PATH")
    }
    return Launcher(
      executable: URL(fileURLWithPath: path),
      options: isOpenMPI ? ["--oversubscribe", "--bind-to", "none"] : [],
      environment: [
        // Containers run tests as root.
        "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
        // With more ranks than cores, a rank that waits must let others run.
        "OMPI_MCA_mpi_yield_when_idle": "1",
      ])
  }
}
