import Foundation
import MPI
import Testing

/// A program of this package's tests, run on several ranks by the launcher of
/// the MPI library that the tests are built with.
struct MPIRun {
  let exitCode: Int32
  let standardOutput: String
  let standardError: String
  /// Whether the program was still running at its time limit and was killed.
  let isTimedOut: Bool

  /// - Parameters:
  ///   - isLaunched: whether to start it with the launcher, or by itself.
  ///   - seconds: after this long the program is killed. Generous for 7 ranks
  ///     on 2 cores; a run that hangs is a failed run.
  init(
    _ program: String, _ arguments: [String] = [], ranks: Int, isLaunched: Bool = true,
    seconds: Double = 60, environment: [String: String] = [:]
  ) throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "mpi-run-\(UUID())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let outputFile = folder.appending(path: "out")
    let errorFile = folder.appending(path: "err")
    for file in [outputFile, errorFile] {
      try Data().write(to: file)
    }

    let launcher = try Launcher.current()
    let process = Process()
    let product = try Self.builtProduct(program)
    process.executableURL = isLaunched ? launcher.executable : product
    process.arguments =
      isLaunched ? launcher.options + ["-n", "\(ranks)", product.path] + arguments : arguments
    process.environment = ProcessInfo.processInfo.environment
      .merging(launcher.environment) { $1 }.merging(environment) { $1 }
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = try FileHandle(forWritingTo: outputFile)
    process.standardError = try FileHandle(forWritingTo: errorFile)

    let ended = DispatchSemaphore(value: 0)
    process.terminationHandler = { _ in ended.signal() }
    try process.run()
    isTimedOut = ended.wait(timeout: .now() + seconds) == .timedOut
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
  func saysOnce(_ line: String) -> Bool {
    standardError.split(separator: "\n").filter { $0 == line }.count == 1
  }

  /// SwiftPM builds the programs beside the test bundle.
  static func builtProduct(_ name: String) throws -> URL {
    let file = try productsFolder().appending(path: name)
    try #require(
      FileManager.default.isExecutableFile(atPath: file.path), "\(file.path) is not built")
    return file
  }

  static func productsFolder() throws -> URL {
    let candidates = ProcessInfo.processInfo.arguments + [Bundle.main.executablePath ?? ""]
    let bundle = try #require(
      candidates.first { $0.hasSuffix(".xctest") }, "no test bundle among \(candidates)")
    return URL(fileURLWithPath: bundle).deletingLastPathComponent()
  }
}

/// How ranks are started.
struct Launcher {
  let executable: URL
  let options: [String]
  let environment: [String: String]

  static func current() throws -> Launcher {
    let isOpenMPI = Library.runtimeVersion.hasPrefix("Open MPI")
    // Debian installs both libraries side by side, each with its own name.
    let names = isOpenMPI ? ["mpirun.openmpi", "mpirun"] : ["mpirun.mpich", "mpirun"]
    let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
    let candidates = names.flatMap { name in folders.map { "\($0)/\(name)" } }
    let path = try #require(
      candidates.first { FileManager.default.isExecutableFile(atPath: $0) },
      "the launcher \(names[0]) of \(Library.runtimeVersion) is not on the PATH")
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
