import Foundation
import InputFiles

/// A checkpoint on the disk, open for reading.
///
/// Every byte of it is covered by a checksum, and read only after that of the
/// header was found right.
public final class Checkpoint<Progress: Codable & Sendable> {
  public let header: CheckpointHeader<Progress>
  /// SHA-256 of the header, and so of the whole checkpoint.
  public let digest: String
  private let path: String
  private let places: [CheckpointKey: (range: Range<Int>, digest: String)]
  private let read: (Range<Int>) throws(CheckpointError) -> [UInt8]

  /// Opens the checkpoint in a folder.
  /// - Returns: `nil` where there is none yet.
  public static func open(in folder: String) throws(CheckpointError) -> Checkpoint? {
    let path = CheckpointFile(folder).path
    guard let file = try StoredFile(path) else { return nil }
    return try Checkpoint(path: path, length: file.length) { (range) throws(CheckpointError) in
      try file.read(range)
    }
  }

  /// Reads a checkpoint that is in memory; `path` stands for it in errors.
  package convenience init(parsing bytes: [UInt8], path: String) throws(CheckpointError) {
    try self.init(path: path, length: bytes.count) { Array(bytes[$0]) }
  }

  private init(
    path: String, length: Int, read: @escaping (Range<Int>) throws(CheckpointError) -> [UInt8]
  ) throws(CheckpointError) {
    func wrong(_ message: String) -> CheckpointError {
      CheckpointError(.damaged, "\(path): \(message); without `resume` the run starts from the beginning")
    }
    let bytes = try CheckpointPreamble.header(fileLength: length, read: read, wrong: wrong)
    guard let header = try? JSONDecoder.ofCheckpoint.decode(CheckpointHeader<Progress>.self, from: Data(bytes)),
      // What the run that goes on will add must not overflow.
      0...(1 << 60) ~= header.evaluations
    else { throw wrong("its header cannot be read") }
    var places: [CheckpointKey: (range: Range<Int>, digest: String)] = [:]
    var start = CheckpointPreamble.length + bytes.count
    for piece in header.pieces {
      guard piece.length >= 0, piece.length <= length - start, places[piece.key] == nil else {
        throw wrong("is cut short or damaged")
      }
      places[piece.key] = (start..<(start + piece.length), piece.digest)
      start += piece.length
    }
    guard start == length else { throw wrong("goes on after its end") }
    self.header = header
    digest = SHA256.hexadecimal(of: bytes)
    self.path = path
    self.places = places
    self.read = read
  }

  /// The bytes of a piece.
  public func piece(_ key: CheckpointKey) throws(CheckpointError) -> [UInt8] {
    guard let place = places[key] else {
      throw CheckpointError(.damaged, "\(path): has no chunk \(key.chunk) of sample \(key.sample)")
    }
    let bytes = try read(place.range)
    guard SHA256.hexadecimal(of: bytes) == place.digest else {
      throw CheckpointError(
        .damaged,
        "\(path): is damaged: chunk \(key.chunk) of sample \(key.sample) does not have the checksum "
          + "that the header states; without `resume` the run starts from the beginning")
    }
    return bytes
  }
}

/// Why a checkpoint cannot be used.
public struct CheckpointError: Error, Hashable, Sendable, CustomStringConvertible {
  public enum Reason: Hashable, Sendable {
    /// It is there and not what it must be.
    case damaged
    /// The system refused to read it.
    case unreadable
  }

  public let reason: Reason
  public let description: String

  public init(_ reason: Reason, _ description: String) {
    self.reason = reason
    self.description = description
  }

  /// The process exit code in the convention of BSD's `sysexits.h`.
  public var exitCode: Int32 { reason == .damaged ? 65 : 74 }
}

/// A regular file open for reading at any place.
private final class StoredFile {
  let length: Int
  private let path: String
  private let descriptor: Int32

  /// - Returns: `nil` where there is no such file.
  init?(_ path: String) throws(CheckpointError) {
    self.path = path
    // A named pipe would otherwise wait here for its writer.
    descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    let code = errno
    if descriptor < 0, code == ENOENT { return nil }
    guard descriptor >= 0 else {
      throw CheckpointError(.unreadable, "\(path): cannot be read: \(String(cString: strerror(code)))")
    }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      close(descriptor)
      throw CheckpointError(.damaged, "\(path): is a folder, a pipe or a device, not a checkpoint")
    }
    length = Int(status.st_size)
  }

  deinit { close(descriptor) }

  func read(_ range: Range<Int>) throws(CheckpointError) -> [UInt8] {
    var code: Int32 = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: range.count) { buffer, done in
      while done < range.count {
        let count = pread(
          descriptor, buffer.baseAddress! + done, range.count - done, off_t(range.lowerBound + done))
        if count < 0, errno == EINTR { continue }
        if count < 0 { code = errno }
        if count <= 0 { return }
        done += count
      }
    }
    guard bytes.count == range.count else {
      let reason = code == 0 ? "it became shorter meanwhile" : String(cString: strerror(code))
      throw CheckpointError(.unreadable, "\(path): cannot be read: \(reason)")
    }
    return bytes
  }
}
