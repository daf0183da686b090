import Foundation
import Launching
import Testing

/// Any bytes give a value or a clear error. `jobs/fuzz.sh` looks further, with
/// coverage.
@Suite struct ReaderTests {
  private static let corpora = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().appending(path: "Fuzzing/Corpora")

  @Test(
    "every reader takes the inputs that were kept and mutations of them",
    arguments: ["npy", "target", "schedule", "onnx", "checkpoint", "state", "environment"])
  func readers(reader: String) throws {
    let folder = Self.corpora.appending(path: reader).path
    let mutations = reader == "state" ? 1000 : 20000
    let run = try MPIRun(
      "ReadersUnderFuzz", [reader, folder, "\(mutations)"], ranks: 1, isLaunched: false)
    #expect(!run.isTimedOut)
    #expect(run.exitCode == 0, "\(run.standardError)")
    let kept = try FileManager.default.contentsOfDirectory(atPath: folder).count
    #expect(run.standardOutput == "\(kept + mutations) inputs read by \(reader)\n")
  }

  @Test("no reader is without a kept corpus, and no corpus without a reader")
  func corpora() throws {
    let folders = try FileManager.default.contentsOfDirectory(atPath: Self.corpora.path)
    #expect(Set(folders) == ["npy", "target", "schedule", "onnx", "checkpoint", "state", "environment"])
  }
}
