import Foundation
import MPI
import Results
import ScoreModels

/// What a run's bits depend on, by name: the model's bytes, the options with
/// the bytes of the files that they name, and the versions of what computes.
///
/// All ranks must have the same, and so must a run that is taken up again.
struct RunIdentity: Hashable, Sendable {
  private(set) var values: [String: String]

  /// Options that no bit depends on.
  private static let idle: Set = [
    "replicas", "out", "images", "report", "plot", "trace", "hdf5", "stall-timeout", "score-latency",
    "batch", "checkpoint", "every", "resume", "max-time", "broadcast-model", "io-hint",
  ]

  /// - Parameters:
  ///   - model: where the model is read.
  init(
    _ command: Sample, model: String, options: [String: OptionValue], versions: Report.Versions
  ) throws {
    values = ["piadm": versions.piadm, "OpenVINO": versions.openvino]
    values["bytes of MODEL"] = try digest(ofFiles: ModelSource(model).files())
    for (name, value) in options where !Self.idle.contains(name) { values["--" + name] = value.typed }
    // A row's score is that of the row alone, which may share its call with guidance's other one.
    if command.solver.batch == 1, command.network.guidance != nil { values["--batch"] = "1" }
    // The file's bytes say it.
    if command.sampler.times != nil { values["--grid"] = nil }
    for (name, file) in command.sampler.files {
      values["--" + name] = try digest(ofFiles: [file])
    }
  }

  /// Options that the program chooses by others, where they are not given.
  private static let derived: Set = ["--batch", "--chunk", "--grid", "--blocks", "--corrector-steps", "--noise-level"]

  /// The first thing that another run has otherwise: its name, this run's
  /// value and the other's. What follows from other options comes last.
  func difference(from other: [String: String]) -> (name: String, here: String, there: String)? {
    let all = Set(values.keys).union(other.keys)
    let names = all.subtracting(Self.derived).sorted() + all.intersection(Self.derived).sorted()
    guard let name = names.first(where: { values[$0] != other[$0] }) else { return nil }
    return (name, values[name] ?? "none", other[name] ?? "none")
  }

  /// - Throws: where a stored run is another one than this.
  func requireSame(as stored: [String: String], in file: String) throws {
    guard let (name, here, there) = difference(from: stored) else { return }
    throw BadData(
      "\(file): is of a run with \(name) \(there), not \(here); give the same options, or another --checkpoint folder")
  }

  /// Collective: compares the ranks.
  func requireSameOnAllRanks(of world: Communicator) throws {
    var own = self
    // Another version is told of, as another processor is.
    own.values["OpenVINO"] = nil
    let first = try world.broadcast(encoded: own.values, root: 0)
    try world.agree {
      guard let (name, here, there) = own.difference(from: first) else { return }
      throw BadData(
        "\(name) is \(here) here and \(there) on rank 0; all ranks need the same program, options and files")
    }
  }
}

/// One digest of the bytes of several files.
private func digest(ofFiles files: [String]) throws -> String {
  let hash = SHA256()
  for file in files {
    guard let handle = FileHandle(forReadingAtPath: file) else {
      throw ScoreModelError(.inputOutput, "\(file): cannot be read")
    }
    defer { try? handle.close() }
    do {
      while let piece = try handle.read(upToCount: 1 << 22), !piece.isEmpty {
        hash.update(piece.bytes)
      }
    } catch {
      throw ScoreModelError(.inputOutput, "\(file): cannot be read: \(error.localizedDescription)")
    }
  }
  return String(hash.hexadecimal().prefix(16))
}

extension SamplerOptions {
  /// Files that options name, by option.
  fileprivate var files: [String: String] {
    ["times": times, "initial": initial, "noise": noise].compactMapValues(\.self)
  }
}
