import InputFiles
import MPI
import Results

/// What a run's bits depend on, by name: the contents of every file that it has read, the
/// options, and the versions of what computes.
///
/// All ranks must have the same, and so must a run that is resumed.
struct RunIdentity: Hashable, Sendable {
  private(set) var values: [String: String]
  /// Where this run has read the files whose contents are among the values.
  private let paths: [String: String]

  /// - Parameters:
  ///   - files: every file that the run has read.
  ///   - rowsAlone: each branch of guidance is evaluated in a call of its own.
  init(files: InputFiles, options: [String: OptionValue], versions: Report.Versions, rowsAlone: Bool) {
    values = ["piadm": versions.piadm, "OpenVINO": versions.openvino]
    var (paths, named): ([String: String], Set<String>) = ([:], [])
    for entry in files.entries {
      let name = "contents of \(entry.role)"
      values[name] = String(entry.digest.prefix(16))
      paths[name] = entry.path
      // An option that names files, such as `condition`, or `condition labels` for one of several.
      if case .option(let option) = entry.role { named.insert(option.split(separator: " ").first.map { String($0) } ?? "") }
    }
    self.paths = paths
    // A file is known by its contents, wherever it lies.
    for (name, value) in options where RunOption(rawValue: name)?.effect != RunOption.Effect.none && !named.contains(name) {
      values["--" + name] = value.typed
    }
    // A row's score is that of the row alone, which may share its call with guidance's other one.
    if rowsAlone { values["--batch"] = "1" }
    // The grid's contents say it.
    if named.contains("times") { values["--grid"] = nil }
  }

  /// This identity without some options, or with others.
  func with(_ changes: [String: String?]) -> RunIdentity {
    var changed = self
    for (name, value) in changes { changed.values[name] = value }
    return changed
  }

  /// The first thing that another run has otherwise, this run's value and the other's.
  private struct Difference {
    var name: String
    var here: String
    var there: String
  }

  /// What follows from other options comes last.
  private func difference(from other: [String: String]) -> Difference? {
    let all = Set(values.keys).union(other.keys)
    let derived = Set(RunOption.allCases.filter(\.isDerived).map(\.typed))
    let names = all.subtracting(derived).sorted() + all.intersection(derived).sorted()
    guard let name = names.first(where: { values[$0] != other[$0] }) else { return nil }
    let place = paths[name].map { " (\($0))" } ?? ""
    return Difference(name: name + place, here: values[name] ?? "none", there: other[name] ?? "none")
  }

  /// - Throws: where a stored run is another one than this.
  func requireSame(as stored: [String: String], in file: String) throws {
    guard let difference = difference(from: stored) else { return }
    throw BadData(
      "\(file): is of a run with \(difference.name) \(difference.there), not \(difference.here); give the same options "
        + "and files, or another --checkpoint folder")
  }

  /// Collective: compares the ranks.
  func requireSameOnAllRanks(of world: Communicator) throws {
    var own = self
    // The run warns of another version, as it does of another processor.
    own.values["OpenVINO"] = nil
    let first = try world.broadcast(encoded: own.values, root: 0)
    try world.agree {
      guard let difference = own.difference(from: first) else { return }
      throw BadData(
        "\(difference.name) is \(difference.here) here and \(difference.there) on rank 0; all ranks need the same program, "
          + "options and files")
    }
  }
}
