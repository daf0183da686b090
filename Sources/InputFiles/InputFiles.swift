public import Foundation

/// The files that a run reads, with a digest of the contents of each.
///
/// Every file that a run's samples depend on is read through one value of this type, so
/// that the record of what was read is complete without a list kept by hand. A file that
/// a library reads by itself, such as a runtime its weights, is recorded when it is
/// handed over.
public final class InputFiles {
  /// What a file is to the run. A role keeps its name when the file moves.
  public enum Role: Hashable, Sendable, CustomStringConvertible {
    /// A file of the model, by its place in the model's folder.
    case model(place: String)
    /// A file that an option of the run names, by the option.
    case option(String)

    /// As a person would say it.
    public var description: String {
      switch self {
      case .model(let place): "MODEL's \(place)"
      case .option(let name): "--\(name)"
      }
    }
  }

  /// A file that was read.
  public struct Entry: Hashable, Sendable {
    /// What it is to the run.
    public let role: Role
    /// Where it was read.
    public let path: String
    /// SHA-256 of its contents, in lower-case hexadecimal digits.
    public let digest: String
  }

  /// Files in the order in which they were first read.
  public private(set) var entries: [Entry] = []

  /// Nothing was read yet.
  public init() {}

  /// The contents of a regular file, mapped, and recorded under its role.
  ///
  /// - Throws: `InputFileError` for a file that is missing, no regular file or
  ///   unreadable, and for one that has changed since it was read first.
  public func contents(of path: String, as role: Role) throws(InputFileError) -> Data {
    try Self.requireRegularFile(path)
    let data: Data
    do {
      data = try Data(contentsOf: URL(fileURLWithPath: path), options: .alwaysMapped)
    } catch {
      throw InputFileError(.unreadable, file: path, "cannot be read: \(error.localizedDescription)")
    }
    let hash = SHA256()
    hash.update(data.bytes)
    let entry = Entry(role: role, path: path, digest: hash.hexadecimal())
    if let known = entries.first(where: { $0.role == role && $0.path == path }) {
      guard known == entry else {
        throw InputFileError(.badData, file: path, "has changed while this run was reading it; run again")
      }
    } else {
      entries.append(entry)
    }
    return data
  }

  /// - Throws: why a file cannot be read.
  private static func requireRegularFile(_ path: String) throws(InputFileError) {
    var status = stat()
    guard stat(path, &status) == 0 else {
      let code = errno
      if code == ENOENT || code == ENOTDIR { throw InputFileError(.missing, file: path, "no such file") }
      throw InputFileError(.unreadable, file: path, "cannot be read: \(String(cString: strerror(code)))")
    }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw InputFileError(.badData, file: path, "is a folder, a pipe or a device, not a file")
    }
    guard access(path, R_OK) == 0 else {
      throw InputFileError(.unreadable, file: path, "cannot be read: \(String(cString: strerror(errno)))")
    }
  }
}

/// Why an input file could not be read.
public struct InputFileError: Error, Hashable, Sendable, CustomStringConvertible {
  /// Kinds of failure; the raw value is the process exit code of BSD's `sysexits.h`.
  public enum Code: Int32, Hashable, Sendable {
    /// What is there is no file that can be read.
    case badData = 65
    /// There is no such file.
    case missing = 66
    /// The system refused to read the file.
    case unreadable = 74
  }

  /// The kind of failure.
  public let code: Code
  /// The file.
  public let file: String
  /// What is wrong.
  public let message: String

  init(_ code: Code, file: String, _ message: String) {
    self.code = code
    self.file = file
    self.message = message
  }

  public var description: String { "\(file): \(message)" }
}
