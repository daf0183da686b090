internal import CMPI

/// A file that the ranks of a communicator read and write together.
///
/// It lives as long as the scope of ``Communicator/withFile(at:_:hints:_:)``;
/// after it every call throws an error of class ``ErrorClass/file``. Offsets are
/// in bytes from the start of the file. Numbers are stored as they lie in memory.
public final class File {
  /// Where it is, as it was named.
  public let path: String
  private var handle: cmpi_file
  private let communicator: Communicator

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
      do throws(MPIError) {
        try communicator.collective(
          "MPI_File_open", CollectiveArguments(further: "\(path), mode \(mode.rawValue)")
        ) {
          MPI_File_open($0, path, mode.rawValue, info.raw, &handle.raw)
        }
      } catch { throw error.about(path) }
    }
    self.path = path
    self.handle = handle
    self.communicator = communicator
    try check(cmpi_file_return_errors(handle.raw), "MPI_File_set_errhandler", subject: path)
  }

  /// Closes the file; collective.
  func close() throws(MPIError) {
    // MPI makes the handle null.
    try collective("MPI_File_close") { _ in MPI_File_close(&handle.raw) }
  }

  /// Closes nothing, but lets no further call reach the file.
  func invalidate() { handle = cmpi_file_null() }

  /// Sets the size in bytes, cutting or extending the file; collective.
  public func setSize(_ bytes: Int) throws(MPIError) {
    if bytes < 0 {
      throw MPIError(.argument, call: "MPI_File_set_size", message: "\(bytes) is no size", subject: path)
    }
    try collective("MPI_File_set_size", CollectiveArguments(further: "\(bytes) bytes")) {
      MPI_File_set_size($0, MPI_Offset(bytes))
    }
  }

  /// The size in bytes.
  public func size() throws(MPIError) -> Int {
    var size: MPI_Offset = 0
    try independent("MPI_File_get_size") { MPI_File_get_size($0, &size) }
    return Int(size)
  }

  /// Hands all data written so far to the storage device; collective.
  public func sync() throws(MPIError) { try collective("MPI_File_sync") { MPI_File_sync($0) } }

  /// Writes values at an offset, independently of the other ranks.
  public func write<Element: Transferable>(_ values: Span<Element>, at offset: Int) throws(MPIError) {
    let place = try place(of: values.count, Element.self, at: offset, "MPI_File_write_at")
    var status = Status()
    try values.withUnsafeBufferPointer { (values) throws(MPIError) in
      try independent("MPI_File_write_at") {
        cmpi_file_write_at(
          $0, place.offset, values.baseAddress, MPI_Count(values.count), place.type.raw,
          &status.handle.raw)
      }
    }
    try requireWhole(values.count, Element.self, status, "MPI_File_write_at")
  }

  /// Writes values at this rank's offset; collective, so that the library can
  /// merge the ranks' pieces into large ones.
  public func writeAll<Element: Transferable>(_ values: Span<Element>, at offset: Int)
    throws(MPIError)
  {
    let place = try place(of: values.count, Element.self, at: offset, "MPI_File_write_at_all")
    var status = Status()
    try values.withUnsafeBufferPointer { (values) throws(MPIError) in
      try collective("MPI_File_write_at_all") {
        cmpi_file_write_at_all(
          $0, place.offset, values.baseAddress, MPI_Count(values.count), place.type.raw,
          &status.handle.raw)
      }
    }
    try requireWhole(values.count, Element.self, status, "MPI_File_write_at_all")
  }

  /// Reads values from an offset, independently of the other ranks.
  ///
  /// - Returns: how many were there to read; fewer than asked for at the end
  ///   of the file.
  /// - Throws: an ``MPIError``; of class ``ErrorClass/io`` also if the file ends
  ///   within an element.
  @discardableResult
  public func read<Element: Transferable>(into buffer: inout MutableSpan<Element>, at offset: Int)
    throws(MPIError) -> Int
  {
    let place = try place(of: buffer.count, Element.self, at: offset, "MPI_File_read_at")
    var status = Status()
    try buffer.withUnsafeMutableBufferPointer { (buffer) throws(MPIError) in
      try independent("MPI_File_read_at") {
        cmpi_file_read_at(
          $0, place.offset, buffer.baseAddress, MPI_Count(buffer.count), place.type.raw,
          &status.handle.raw)
      }
    }
    return try wholeElements(Element.self, at: offset, status, "MPI_File_read_at")
  }

  /// Reads values from this rank's offset; collective.
  ///
  /// - Returns: how many were there to read; fewer than asked for at the end
  ///   of the file.
  /// - Throws: an ``MPIError``; of class ``ErrorClass/io`` also if the file ends
  ///   within an element.
  @discardableResult
  public func readAll<Element: Transferable>(
    into buffer: inout MutableSpan<Element>, at offset: Int
  ) throws(MPIError) -> Int {
    let place = try place(of: buffer.count, Element.self, at: offset, "MPI_File_read_at_all")
    var status = Status()
    try buffer.withUnsafeMutableBufferPointer { (buffer) throws(MPIError) in
      try collective("MPI_File_read_at_all") {
        cmpi_file_read_at_all(
          $0, place.offset, buffer.baseAddress, MPI_Count(buffer.count), place.type.raw,
          &status.handle.raw)
      }
    }
    return try wholeElements(Element.self, at: offset, status, "MPI_File_read_at_all")
  }
}

// MARK: - Behind them

extension File {
  private func collective(
    _ call: StaticString, _ arguments: @autoclosure () -> CollectiveArguments = CollectiveArguments(),
    _ body: (MPI_File) -> Int32
  ) throws(MPIError) {
    try requireOpen(call)
    do throws(MPIError) {
      try communicator.collective(call, arguments()) { _ in body(handle.raw) }
    } catch { throw error.about(path) }
  }

  private func independent(_ call: StaticString, _ body: (MPI_File) -> Int32) throws(MPIError) {
    try requireOpen(call)
    try communicator.requireOpen(call)
    try blocking(call, subject: path) { body(handle.raw) }
  }

  private func requireOpen(_ call: StaticString) throws(MPIError) {
    if cmpi_file_is_null(handle) != 0 {
      throw MPIError(.file, call: call, message: "the scope of this file has ended", subject: path)
    }
  }

  /// Where values lie in the file, and how MPI sees one.
  private func place<Element: Transferable>(
    of count: Int, _ type: Element.Type, at offset: Int, _ call: StaticString
  ) throws(MPIError) -> (offset: MPI_Offset, type: cmpi_datatype) {
    guard offset >= 0, offset <= Int.max - count * MemoryLayout<Element>.stride else {
      throw MPIError(
        .argument, call: call, message: "\(offset) is no offset in a file", subject: path)
    }
    return (MPI_Offset(offset), try Element.datatype.type.handle())
  }

  private func requireWhole<Element: Transferable>(
    _ count: Int, _ type: Element.Type, _ status: Status, _ call: StaticString
  ) throws(MPIError) {
    let written = try status.byteCount()
    let expected = count * Element.datatype.type.payload
    if written < expected {
      throw MPIError(
        .io, call: call, message: "only \(written) of \(expected) bytes were written", subject: path)
    }
  }

  private func wholeElements<Element: Transferable>(
    _ type: Element.Type, at offset: Int, _ status: Status, _ call: StaticString
  ) throws(MPIError) -> Int {
    // A collective read of MPICH reports all that was asked for, also beyond the
    // end of the file.
    let bytes = min(try status.byteCount(), max(0, try size() - offset))
    let payload = Element.datatype.type.payload
    if bytes % payload != 0 {
      throw MPIError(
        .io, call: call,
        message: "the file ends within an element: \(bytes) bytes are \(bytes / payload) of \(payload) bytes and \(bytes % payload) bytes more",
        subject: path)
    }
    return bytes / payload
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
    return try scoped(end: file.close, abandon: file.invalidate) { try body(file) }
  }

  /// Removes a file; to be called by one rank.
  public func deleteFile(at path: String) throws(MPIError) {
    try requireOpen("MPI_File_delete")
    try check(MPI_File_delete(path, cmpi_info_null().raw), "MPI_File_delete", subject: path)
  }
}
