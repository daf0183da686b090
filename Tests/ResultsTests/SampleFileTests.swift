import Foundation
import InputFiles
import NumPyFormat
import Results
import Testing

private struct Outcome {
  let exitCode: Int32
  let output: String
  let errors: String
}

private func run(_ command: [String]) throws -> Outcome {
  let process = Process()
  process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
  process.arguments = command
  var environment = ProcessInfo.processInfo.environment
  // Open MPI starts more ranks than there are cores only when it is told to.
  environment["OMPI_MCA_rmaps_base_oversubscribe"] = "1"
  environment["OMPI_MCA_mpi_yield_when_idle"] = "1"
  if getuid() == 0 {
    environment["OMPI_ALLOW_RUN_AS_ROOT"] = "1"
    environment["OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"] = "1"
  }
  process.environment = environment
  let folder = try Folder()
  let (output, errors) = (folder.file("output"), folder.file("errors"))
  for file in [output, errors] { try Data().write(to: URL(fileURLWithPath: file)) }
  process.standardInput = FileHandle.nullDevice
  process.standardOutput = try FileHandle(forWritingTo: URL(fileURLWithPath: output))
  process.standardError = try FileHandle(forWritingTo: URL(fileURLWithPath: errors))
  try process.run()
  process.waitUntilExit()
  func text(_ file: String) throws -> String {
    String(decoding: try Data(contentsOf: URL(fileURLWithPath: file)), as: UTF8.self)
  }
  return Outcome(
    exitCode: process.terminationStatus, output: try text(output), errors: try text(errors))
}

/// The program `WriteSamples`, built beside the tests.
private let program = URL(fileURLWithPath: CommandLine.arguments[0])
  .deletingLastPathComponent().appendingPathComponent("WriteSamples").path

/// The launcher is `MPIRUN`, else `mpirun`: that of the MPI library which the
/// tests are built for.
private func mpirun(_ ranks: Int, _ command: [String]) -> [String] {
  let launcher = ProcessInfo.processInfo.environment["MPIRUN"] ?? "mpirun"
  return ["timeout", "120", launcher, "-n", "\(ranks)"] + command
}

@Suite(.serialized) struct SampleFiles {
  @Test(arguments: [("single", 5, [1, 8, 8]), ("double", 7, [3]), ("single", 1, [])])
  func `ranks and groups of any number write the same file, whose data the digest vouches for`(
    type: String, samples: Int, shape: [Int]
  ) throws {
    let folder = try Folder()
    let dimension = shape.reduce(1, *)
    let expected = (0..<samples).flatMap { sample in
      (0..<dimension).map { Double(sample) + Double($0) / 1024 }
    }
    let words: [UInt8] = expected.flatMap { value in
      type == "single"
        ? withUnsafeBytes(of: Float(value).bitPattern.littleEndian) { Array($0) }
        : withUnsafeBytes(of: value.bitPattern.littleEndian) { Array($0) }
    }
    let digest = SHA256.hexadecimal(of: words)
    for (ranks, groups) in [(1, 1), (2, 1), (2, 2), (3, 2), (4, 4), (7, 7)] {
      let file = folder.file("\(ranks)-\(groups).npy")
      let outcome = try run(
        mpirun(ranks, [program, file, type, "\(groups)", "\(samples)"] + shape.map(String.init)))
      #expect(outcome.exitCode == 0, "\(outcome.errors)")
      #expect(outcome.output == digest + "\n")
      let array = try NumPyArray(contentsOf: file)
      #expect(array.shape == [samples] + shape)
      #expect(array.doubles == expected)
      #expect(try Data(contentsOf: URL(fileURLWithPath: file)).suffix(words.count) == Data(words))
    }
    #expect(try folder.content.allSatisfy { $0.hasSuffix(".npy") })
  }

  /// Every rank fails with the exit code of input/output, one message names
  /// the file, and an earlier file stays as it was.
  private func expectFailure(_ outcome: Outcome, file: String, _ reason: String) {
    #expect(outcome.exitCode == 74, "\(outcome.errors)")
    #expect(outcome.output == "")
    let messages = outcome.errors.split(separator: "\n").filter { $0.contains("\(file): ") }
    #expect(messages.count == 1, "\(outcome.errors)")
    #expect(messages.first?.contains(reason) == true, "\(outcome.errors)")
  }

  @Test func `a missing folder is one error of all ranks`() throws {
    let folder = try Folder()
    let file = folder.file("none/a.npy")
    expectFailure(
      try run(mpirun(3, [program, file, "single", "3", "9", "64"])), file: file, "folder does not exist")
    #expect(try folder.content == [])
  }

  @Test func `a limit on the size of files leaves the earlier file and nothing else`() throws {
    let folder = try Folder()
    let file = folder.file("a.npy")
    try Data("earlier".utf8).write(to: URL(fileURLWithPath: file))
    // 64 MB in all against 32 MB: above what MPI's own shared files take.
    let command =
      ["bash", "-c", #"ulimit -f 32768; exec "$@""#, "bash"]
      + [program, file, "double", "3", "1000", "8192"]
    expectFailure(try run(mpirun(3, command)), file: file, "cannot be written")
    #expect(try folder.content == ["a.npy"])
    #expect(try Data(contentsOf: URL(fileURLWithPath: file)) == Data("earlier".utf8))
  }

  private static var canMount: Bool {
    (try? run(["unshare", "--mount", "true"]))?.exitCode == 0
  }

  @Test(.enabled(if: canMount, "needs the right to mount a small disk"), arguments: ["rw", "ro"])
  func `a full disk and a read-only one leave nothing behind`(mode: String) throws {
    let folder = try Folder()
    let file = folder.file("a.npy")
    // 800 kB in all against 256 kB; the mount ends with its shell.
    let script = #"""
      mount -t tmpfs -o size=256k,"$1" none "$2" || exit 1
      folder=$2
      shift 2
      "$@"
      code=$?
      ls -A "$folder"
      exit $code
      """#
    let outcome = try run(
      ["unshare", "--mount", "sh", "-c", script, "sh", mode, folder.path]
        + mpirun(3, [program, file, "double", "3", "100", "1024"]))
    expectFailure(
      outcome, file: file, mode == "rw" ? "No space left on device" : "Read-only file system")
  }
}
