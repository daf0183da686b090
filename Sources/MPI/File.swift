internal import CMPI

/// A file that the ranks of a communicator read and write together.
///
/// It lives as long as the scope of ``Communicator/withFile(at:_:hints:_:)``.
/// Offsets are in bytes from the start of the file. Numbers are stored as they
/// lie in memory.
public final class File {
  /// Where it is, as it was named.
  public let path: String
  private var handle: cmpi_file

  /// What a file is opened for.
  public struct Mode: OptionSet, Sendable {
    public let rawValue: Int32
    public init(rawValue: Int32) { self.rawValue = rawValue }

    /// To read.
    public static let read = Mode(rawValue: MPI_MODE_RDONLY)
    /// To write.
    public static let write = Mode(rawValue: MPI_MODE_WRONLY)
    /// To read and write.
    public static let readWrite = Mode(rawValue: MPI_MODE_RDWR)
    /// Makes the file if it is not there.
    public static let create = Mode(rawValue: MPI_MODE_CREATE)
    /// Fails if the file is there.
    public static let exclusive = Mode(rawValue: MPI_MODE_EXCL)
  }

  init(_ communicator: Communicator, path: String, mode: Mode, hints: Info) throws(MPIError) {
    var handle = cmpi_file()
    try hints.withHandle { (info) throws(MPIError) in
      StallWatch.shared.begin("MPI_File_open")
      defer { StallWatch.shared.end() }
      try check(
        MPI_File_open(communicator.handle.raw, path, mode.rawValue, info.raw, &handle.raw),
        "MPI_File_open", subject: path)
    }
    self.path = path
    self.handle = handle
    try check(cmpi_file_return_errors(handle.raw), "MPI_File_set_errhandler", subject: path)
  }

  /// Closes the file; collective.
  func close() throws(MPIError) {
    StallWatch.shared.begin("MPI_File_close")
    defer { StallWatch.shared.end() }
    try check(MPI_File_close(&handle.raw), "MPI_File_close", subject: path)
  }

  /// Closes nothing, but lets no further call reach the file.
  func invalidate() { handle = cmpi_file_null() }

  /// Sets the size in bytes, cutting or extending the file; collective.
  public func setSize(_ bytes: Int) throws(MPIError) {
    try check(MPI_File_set_size(handle.raw, MPI_Offset(bytes)), "MPI_File_set_size", subject: path)
  }

  /// The size in bytes.
  public func size() throws(MPIError) -> Int {
    var size: MPI_Offset = 0
    try check(MPI_File_get_size(handle.raw, &size), "MPI_File_get_size", subject: path)
    return Int(size)
  }

  /// Hands all data written so far to the storage device; collective.
  public func sync() throws(MPIError) {
    StallWatch.shared.begin("MPI_File_sync")
    defer { StallWatch.shared.end() }
    try check(MPI_File_sync(handle.raw), "MPI_File_sync", subject: path)
  }

  /// Writes numbers at an offset, independently of the other ranks.
  public func write<Element: Scalar>(_ values: Span<Element>, at offset: Int) throws(MPIError) {
    try transfer("MPI_File_write_at", values, at: offset) {
      MPI_File_write_at(handle.raw, $0, $1, $2, $3.raw, &$4.raw)
    }
  }

  /// Writes numbers at this rank's offset; collective, so that the library can
  /// merge the ranks' pieces into large ones.
  public func writeAll<Element: Scalar>(_ values: Span<Element>, at offset: Int) throws(MPIError) {
    try transfer("MPI_File_write_at_all", values, at: offset) {
      MPI_File_write_at_all(handle.raw, $0, $1, $2, $3.raw, &$4.raw)
    }
  }

  /// Reads numbers from an offset, independently of the other ranks.
  ///
  /// - Returns: how many were there to read; fewer than asked for at the end
  ///   of the file.
  @discardableResult
  public func read<Element: Scalar>(into buffer: inout MutableSpan<Element>, at offset: Int)
    throws(MPIError) -> Int
  {
    try transfer("MPI_File_read_at", into: &buffer, at: offset) {
      MPI_File_read_at(handle.raw, $0, $1, $2, $3.raw, &$4.raw)
    }
  }

  /// Reads numbers from this rank's offset; collective.
  ///
  /// - Returns: how many were there to read; fewer than asked for at the end
  ///   of the file.
  @discardableResult
  public func readAll<Element: Scalar>(into buffer: inout MutableSpan<Element>, at offset: Int)
    throws(MPIError) -> Int
  {
    try transfer("MPI_File_read_at_all", into: &buffer, at: offset) {
      MPI_File_read_at_all(handle.raw, $0, $1, $2, $3.raw, &$4.raw)
    }
  }

  private func transfer<Element: Scalar>(
    _ call: StaticString, _ values: Span<Element>, at offset: Int,
    _ body: (MPI_Offset, UnsafeRawPointer?, Int32, cmpi_datatype, inout cmpi_status) -> Int32
  ) throws(MPIError) {
    var status = Status()
    try values.withUnsafeBufferPointer { (values) throws(MPIError) in
      try withCount(values.count, Element.datatype) { (count, datatype) throws(MPIError) in
        try check(
          body(MPI_Offset(offset), values.baseAddress, count, datatype, &status.handle), call,
          subject: path)
      }
    }
    if let written = try status.count(of: Element.self), written < values.count {
      throw MPIError(
        .io, call: call,
        message: "only \(written) of \(values.count) elements were written to \(path)")
    }
  }

  private func transfer<Element: Scalar>(
    _ call: StaticString, into buffer: inout MutableSpan<Element>, at offset: Int,
    _ body: (MPI_Offset, UnsafeMutableRawPointer?, Int32, cmpi_datatype, inout cmpi_status) -> Int32
  ) throws(MPIError) -> Int {
    var status = Status()
    try buffer.withUnsafeMutableBufferPointer { (buffer) throws(MPIError) in
      try withCount(buffer.count, Element.datatype) { (count, datatype) throws(MPIError) in
        try check(
          body(MPI_Offset(offset), buffer.baseAddress, count, datatype, &status.handle), call,
          subject: path)
      }
    }
    return try status.count(of: Element.self) ?? 0
  }
}

extension Communicator {
  /// Opens a file on all ranks, runs `body` with it and closes it.
  ///
  /// Collective. When `body` throws, the file is closed only if the error is a
  /// ``JobError`` that all ranks throw: closing is collective, and the other
  /// ranks may be elsewhere.
  public func withFile<Result>(
    at path: String, _ mode: File.Mode, hints: Info = [:], _ body: (File) throws -> Result
  ) throws -> Result {
    let file = try File(self, path: path, mode: mode, hints: hints)
    let result: Result
    do {
      result = try body(file)
    } catch {
      if let error = error as? JobError, error.coversJob { try file.close() }
      file.invalidate()
      throw error
    }
    try file.close()
    return result
  }
}

extension File {
  /// Removes a file; to be called by one rank.
  public static func delete(_ path: String) throws(MPIError) {
    try check(MPI_File_delete(path, cmpi_info_null().raw), "MPI_File_delete", subject: path)
  }
}
