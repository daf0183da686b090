import Foundation
import InputFiles
import MPI
import Results
import ScoreModels

/// Copies of a model's files on every host, made by one reading of them: a file
/// system that a thousand ranks share is asked once.
enum ModelCopy {
  /// What is copied.
  private struct Listing: Codable {
    var files: [File] = []
    /// The file that names the others, where the model is no folder.
    var entry: String?

    struct File: Codable {
      /// Its place in the model's folder, and in that of the copy.
      var place: String
      /// Where rank 0 reads it.
      var source: String
      var bytes: Int
    }
  }

  /// Bytes that are read and sent at a time.
  private static let piece = 1 << 26

  /// Runs `body` with the name of a copy of the model on this host. Collective.
  ///
  /// Rank 0 reads the files and sends them to the first rank of every host,
  /// which writes them into a folder in its `TMPDIR`. The folder goes away when
  /// `body` ends; a run that is killed leaves it.
  static func with(_ model: String, over world: Communicator, _ body: (String) throws -> Void) throws {
    let isSource = world.rank == 0
    let hosts = try Placement(world).hosts
    let firstHere = hosts.firstIndex(of: hosts[world.rank]) ?? world.rank
    let source = try world.agree { isSource ? try ModelSource(model) : nil }
    let listing = try world.broadcast(encoded: world.agree { try source.map(list) ?? Listing() }, root: 0)

    var folder = ""
    defer { if !folder.isEmpty { try? FileManager.default.removeItem(atPath: folder) } }
    try world.agree { if firstHere == world.rank { folder = try makeFolder() } }
    // The ranks that fail go on receiving, so that the others do not wait.
    var failure: (any Error)?
    try world.withSplit(color: firstHere == world.rank ? 0 : 1, key: world.rank) { firsts in
      guard !folder.isEmpty else { return }
      for file in listing.files {
        try send(file, from: isSource ? file.source : nil, to: "\(folder)/\(file.place)", over: firsts, &failure)
      }
    }
    try world.agree { if let failure { throw failure } }

    let place = try world.allGatherText(folder)[firstHere]
    try body(listing.entry.map { "\(place)/\($0)" } ?? place)
  }

  private static func list(_ model: ModelSource) throws -> Listing {
    if case .plugin = model {
      throw WrongUsage("--broadcast-model: a plug-in is loaded from where it lies; omit the option")
    }
    var listing = Listing()
    for file in try model.files() {
      guard case .model(let place) = file.role else { continue }
      let size = try FileManager.default.attributesOfItem(atPath: URL(fileURLWithPath: file.path).resolvingSymlinksInPath().path)[.size] as? Int
      listing.files.append(Listing.File(place: place, source: file.path, bytes: size ?? 0))
    }
    if case .target(let file) = model { listing.entry = URL(fileURLWithPath: file).lastPathComponent }
    return listing
  }

  /// A new folder of this host's, for this user alone.
  private static func makeFolder() throws -> String {
    var template = FileManager.default.temporaryDirectory.appending(path: "piadm-model-XXXXXX").path.utf8CString.map { $0 }
    guard mkdtemp(&template) != nil else {
      throw OutputError(
        file: FileManager.default.temporaryDirectory.path,
        "takes no copy of the model: \(String(cString: strerror(errno))); name a folder of this host in TMPDIR")
    }
    return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// Writes a file that rank 0 of `firsts` reads. Collective, to the end, also
  /// where reading or writing fails: `failure` tells of it.
  private static func send(
    _ file: Listing.File, from source: String?, to place: String, over firsts: Communicator,
    _ failure: inout (any Error)?
  ) throws {
    let place = URL(fileURLWithPath: place)
    var input: FileHandle?
    var output: FileHandle?
    func attempt(_ step: () throws -> Void) {
      guard failure == nil else { return }
      do { try step() } catch {
        failure = OutputError(file: source ?? place.path, "cannot be copied for --broadcast-model: \(error.localizedDescription)")
      }
    }
    attempt {
      try FileManager.default.createDirectory(at: place.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data().write(to: place)
      output = try FileHandle(forWritingTo: place)
      if let source { input = try FileHandle(forReadingFrom: URL(fileURLWithPath: source)) }
    }
    var done = 0
    while done < file.bytes {
      var bytes = [UInt8](repeating: 0, count: min(piece, file.bytes - done))
      attempt {
        guard let input else { return }
        var filled = 0
        while filled < bytes.count, let part = try input.read(upToCount: bytes.count - filled), !part.isEmpty {
          bytes.replaceSubrange(filled..<(filled + part.count), with: part)
          filled += part.count
        }
        guard filled == bytes.count else { throw BadData("\(source ?? file.place): became shorter meanwhile") }
      }
      try firsts.broadcast(&bytes, root: 0)
      attempt { try output?.write(contentsOf: bytes) }
      done += bytes.count
    }
    attempt { try output?.close() }
  }
}
