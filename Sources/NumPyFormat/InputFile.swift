import Foundation

/// A regular file open for reading at any place.
struct InputFile: ~Copyable {
  private let path: String
  private let descriptor: Int32
  /// Bytes in the file when it was opened.
  let length: Int

  init(_ path: String) throws(NumPyError) {
    self.path = path
    // A named pipe would otherwise wait here for its writer.
    descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else {
      let code = errno
      if code == ENOENT || code == ENOTDIR {
        throw NumPyError(.missing, file: path, "no such file; a .npy file, as numpy.save writes it, is needed")
      }
      throw NumPyError(.unreadable, file: path, "cannot be read: \(String(cString: strerror(code)))")
    }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else {
      let code = errno
      close(descriptor)
      throw NumPyError(.unreadable, file: path, "cannot be read: \(String(cString: strerror(code)))")
    }
    guard status.st_mode & S_IFMT == S_IFREG else {
      close(descriptor)
      throw NumPyError(.badData, file: path, "is a folder, a pipe or a device; a regular .npy file is needed")
    }
    length = Int(status.st_size)
  }

  deinit { close(descriptor) }

  func read(_ range: Range<Int>) throws(NumPyError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: range.count)
    var done = 0
    var failure: Int32 = 0
    bytes.withUnsafeMutableBytes { buffer in
      while done < buffer.count {
        let count = pread(
          descriptor, buffer.baseAddress! + done, buffer.count - done, off_t(range.lowerBound + done))
        if count < 0, errno == EINTR { continue }
        if count <= 0 {
          failure = count < 0 ? errno : 0
          break
        }
        done += count
      }
    }
    guard done == bytes.count else {
      let reason = failure == 0 ? "it became shorter meanwhile" : String(cString: strerror(failure))
      throw NumPyError(.unreadable, file: path, "cannot be read: \(reason)")
    }
    return bytes
  }
}
