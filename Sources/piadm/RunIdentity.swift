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
  /// Every file that the run reads.
  private(set) var files: [Report.Provenance.File] = []

  /// Options that no bit depends on.
  private static let idle: Set = [
    "replicas", "out", "images", "report", "plot", "trace", "hdf5", "stall-timeout", "score-latency",
    "checkpoint", "every", "resume", "max-time", "broadcast-model", "io-hint", "at-once",
  ]

  /// - Parameters:
  ///   - model: where the model is read.
  ///   - isInvariant: a row's score is the same in every batch.
  init(
    _ command: Sample, model: String, options: [String: OptionValue], versions: Report.Versions, isInvariant: Bool,
    caseFiles: [String] = []
  ) throws {
    values = ["piadm": versions.piadm, "OpenVINO": versions.openvino]
    let source = try ModelSource(model)
    values["bytes of MODEL"] = try read(source.files())
    if case .plugin(_, let configuration) = source { values["configuration of MODEL"] = configuration }
    for (name, value) in options where !Self.idle.contains(name) && !(isInvariant && name == "batch") {
      values["--" + name] = value.typed
    }
    // The file's bytes say it.
    if command.sampler.times != nil { values["--grid"] = nil }
    for (name, file) in command.sampler.files {
      values["--" + name] = try read([file])
    }
    // Their bytes say it, wherever the files lie.
    for name in ["--condition", "--condition-null"] { values[name] = nil }
    values["--condition"] = command.network.conditionNames.sorted().joined(separator: " ")
    if !command.network.files.isEmpty { values["bytes of conditions"] = try read(command.network.files) }
    if let cases = command.ensemble.cases { values["--cases"] = try read([cases] + caseFiles) }
  }

  /// This identity without some options, or with others.
  func with(_ changes: [String: String?]) -> RunIdentity {
    var changed = self
    for (name, value) in changes { changed.values[name] = value }
    return changed
  }

  /// Takes note of files.
  /// - Returns: one digest of their contents.
  private mutating func read(_ paths: [String]) throws -> String {
    let digests = try paths.map { path in
      try files.first { $0.path == path }?.sha256 ?? digest(of: path)
    }
    for (path, digest) in zip(paths, digests) where !files.contains(where: { $0.path == path }) {
      files.append(Report.Provenance.File(path: path, sha256: digest))
    }
    return String(SHA256.hexadecimal(of: digests.joined().utf8).prefix(16))
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

/// SHA-256 of a file.
private func digest(of file: String) throws -> String {
  let hash = SHA256()
  guard let handle = FileHandle(forReadingAtPath: file) else {
    throw ScoreModelError(.inputOutput, "\(file): cannot be read")
  }
  defer { try? handle.close() }
  do {
    while let piece = try handle.read(upToCount: 1 << 22), !piece.isEmpty { hash.update(piece.bytes) }
  } catch {
    throw ScoreModelError(.inputOutput, "\(file): cannot be read: \(error.localizedDescription)")
  }
  return hash.hexadecimal()
}

extension SamplerOptions {
  /// Files that options name, by option.
  fileprivate var files: [String: String] {
    ["times": times, "initial": initial, "noise": noise].compactMapValues(\.self)
  }
}
