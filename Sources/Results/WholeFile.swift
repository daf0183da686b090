import Foundation

/// An output file that appears under its name only when all of it is on the
/// disk: written to `NAME.partial` beside it, synced, and renamed.
///
/// A run that is killed while it writes leaves the earlier file untouched,
/// and a `.partial` that the next run replaces.
public struct WholeFile: Hashable, Sendable {
  /// The file as it was asked for.
  public let path: String

  public init(_ path: String) {
    self.path = path
  }

  /// The file itself, where `path` is a symbolic link to it: one that is there, or is not
  /// there yet.
  private var destination: String {
    if let resolved = realpath(path, nil) {
      defer { free(resolved) }
      return String(cString: resolved)
    }
    var place = path
    // As many links as the kernel follows.
    for _ in 0..<40 {
      guard let target = try? FileManager.default.destinationOfSymbolicLink(atPath: place) else { return place }
      let folder = URL(fileURLWithPath: place).deletingLastPathComponent().path
      place = target.hasPrefix("/") ? target : "\(folder)/\(target)"
    }
    return path
  }

  var partialPath: String { destination + ".partial" }

  /// Finds out before a run whether its result can be stored: makes the
  /// partial file and removes it again.
  ///
  /// - Throws: `OutputError` where the folder is missing or may not be written,
  ///   or where `path` is something else than a regular file, or one that is
  ///   write-protected.
  public func checkWritable() throws(OutputError) {
    guard !path.isEmpty else { throw OutputError(file: "''", "an output file needs a name") }
    var status = stat()
    if stat(path, &status) == 0 {
      guard status.st_mode & S_IFMT == S_IFREG else {
        throw OutputError(file: path, "is a folder or a device; name a file")
      }
      // The superuser may write it all the same, but somebody has protected it.
      guard status.st_mode & 0o222 != 0, access(path, W_OK) == 0 else {
        throw OutputError(file: path, "is write-protected; permit writing with chmod u+w, or name another file")
      }
    } else if errno == ELOOP {
      throw failure(ELOOP)
    } else if path.hasSuffix("/") {
      throw OutputError(file: path, "ends with '/'; name a file")
    }
    close(try openPartial())
    discardPartial()
  }

  /// Writes all of the file from this process.
  ///
  /// - Throws: `OutputError`; nothing is left behind then.
  public func write(_ bytes: some Sequence<UInt8>) throws(OutputError) {
    try checkWritable()
    let descriptor = try openPartial()
    let code = writeAll(Array(bytes), to: descriptor)
    // A network file system may report a full disk only at the last of these.
    let closeCode = close(descriptor) == 0 ? 0 : errno
    guard code == 0, closeCode == 0 else {
      discardPartial()
      throw failure(code != 0 ? code : closeCode)
    }
    try publishPartial()
  }

  /// Makes the partial file, empty, in place of what a killed run may have left.
  func createPartial() throws(OutputError) {
    try checkWritable()
    close(try openPartial())
  }

  private func openPartial() throws(OutputError) -> Int32 {
    if unlink(partialPath) != 0, errno != ENOENT { throw failure(errno) }
    let descriptor = open(partialPath, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw failure(errno) }
    // Whom a file was kept from, its successor is kept from too.
    var status = stat()
    if stat(destination, &status) == 0, fchmod(descriptor, status.st_mode & 0o777) != 0 {
      let code = errno
      close(descriptor)
      discardPartial()
      throw failure(code)
    }
    return descriptor
  }

  /// Finds out whether the partial file that another rank made can be written here.
  func requireVisiblePartial() throws(OutputError) {
    guard access(partialPath, W_OK) == 0 else {
      throw OutputError(
        file: path,
        "cannot be written from \(ProcessInfo.processInfo.hostName): "
          + "\(String(cString: strerror(errno))); name a folder that all hosts share")
    }
  }

  func discardPartial() {
    unlink(partialPath)
  }

  /// Gives the partial file, whole and synced, its name.
  func publishPartial() throws(OutputError) {
    guard rename(partialPath, destination) == 0 else {
      let code = errno
      discardPartial()
      throw failure(code)
    }
    // The name is as durable as the folder; some file systems refuse to sync one.
    let folder = open(URL(fileURLWithPath: destination).deletingLastPathComponent().path, O_RDONLY | O_CLOEXEC)
    if folder >= 0 {
      fsync(folder)
      close(folder)
    }
  }

  /// The error number of the first call that failed; 0 if none did.
  private func writeAll(_ bytes: [UInt8], to descriptor: Int32) -> Int32 {
    bytes.withUnsafeBytes { buffer in
      var rest = buffer[...]
      while !rest.isEmpty {
        let count = rest.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
        if count < 0, errno == EINTR { continue }
        if count < 0 { return errno }
        rest = rest.dropFirst(count)
      }
      return fsync(descriptor) == 0 ? 0 : errno
    }
  }

  /// Room that the disk has left for this user; `nil` where it does not tell.
  var freeBytes: Int? {
    var status = statvfs()
    guard statvfs(partialPath, &status) == 0 else { return nil }
    return Int(clamping: UInt64(status.f_bavail).multipliedReportingOverflow(by: UInt64(status.f_frsize)).partialValue)
  }

  func failure(_ code: Int32) -> OutputError {
    switch code {
    case ENOENT, ENOTDIR:
      OutputError(file: path, "its folder does not exist; make it first")
    case EACCES, EPERM, EROFS:
      OutputError(file: path, "cannot be written: \(String(cString: strerror(code))); name a file in a folder you may write")
    case ENOSPC, EDQUOT:
      OutputError(file: path, "cannot be written: \(String(cString: strerror(code))); free space or name another disk")
    default:
      OutputError(file: path, "cannot be written: \(String(cString: strerror(code)))")
    }
  }
}
