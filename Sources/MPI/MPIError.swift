internal import CMPI

/// A failed MPI call.
///
/// Every return code of MPI passes one check, which throws this error. All
/// communicators and files are set to return errors, so that no failure ends
/// the program behind its back.
public struct MPIError: Error, Hashable, Sendable {
  /// MPI's error class (MPI standard, section 9.4), the portable part of a code.
  public let errorClass: ErrorClass
  /// The library's own error code.
  public let code: Int32
  /// What went wrong, in the library's words or, for an argument refused
  /// before MPI saw it, in ours.
  public let message: String
  /// The MPI function that failed, for example `MPI_Send`.
  public let call: String
  /// What the call worked on, where MPI's text does not tell: a file's path.
  public let subject: String?

  @inline(never)
  init(code: Int32, call: StaticString, subject: String? = nil) {
    var errorClass: Int32 = MPI_ERR_UNKNOWN
    MPI_Error_class(code, &errorClass)
    self.errorClass = ErrorClass(rawValue: errorClass)
    self.code = code
    self.message = string(capacity: MPI_MAX_ERROR_STRING) { MPI_Error_string(code, $0, $1) }
    self.call = call.description
    self.subject = subject
  }

  /// An argument that is refused before it reaches MPI.
  @usableFromInline
  init(_ errorClass: ErrorClass, call: StaticString, message: String, subject: String? = nil) {
    self.errorClass = errorClass
    self.code = errorClass.rawValue
    self.message = message
    self.call = call.description
    self.subject = subject
  }

  /// The same error with what the call worked on.
  func about(_ subject: String) -> MPIError { MPIError(self, subject) }

  private init(_ error: MPIError, _ subject: String) {
    errorClass = error.errorClass
    code = error.code
    message = error.message
    call = error.call
    self.subject = subject
  }
}

extension MPIError: CustomStringConvertible {
  /// The call, what it worked on, and what went wrong.
  public var description: String {
    "\(call)\(subject.map { " of \($0)" } ?? "") failed: \(message) (error class \(errorClass.rawValue), code \(code))"
  }
}

/// MPI's portable classification of errors.
///
/// The numbers differ from one MPI library to the other; the names do not.
public struct ErrorClass: RawRepresentable, Hashable, Sendable {
  /// The number that this MPI library gives the class.
  public let rawValue: Int32
  /// The class with this number.
  public init(rawValue: Int32) { self.rawValue = rawValue }

  /// The address of a buffer is not valid.
  public static let buffer = ErrorClass(rawValue: MPI_ERR_BUFFER)
  /// A number of elements is not valid.
  public static let count = ErrorClass(rawValue: MPI_ERR_COUNT)
  /// The datatype is not valid for the call.
  public static let datatype = ErrorClass(rawValue: MPI_ERR_TYPE)
  /// The tag is not valid.
  public static let tag = ErrorClass(rawValue: MPI_ERR_TAG)
  /// The communicator is not valid.
  public static let communicator = ErrorClass(rawValue: MPI_ERR_COMM)
  /// There is no such rank.
  public static let rank = ErrorClass(rawValue: MPI_ERR_RANK)
  /// There is no such root.
  public static let root = ErrorClass(rawValue: MPI_ERR_ROOT)
  /// The request is not valid.
  public static let request = ErrorClass(rawValue: MPI_ERR_REQUEST)
  /// The operation is not valid for the datatype.
  public static let operation = ErrorClass(rawValue: MPI_ERR_OP)
  /// An argument is not valid.
  public static let argument = ErrorClass(rawValue: MPI_ERR_ARG)
  /// The message is longer than the buffer.
  public static let truncated = ErrorClass(rawValue: MPI_ERR_TRUNCATE)
  /// A known error that has no class of its own.
  public static let other = ErrorClass(rawValue: MPI_ERR_OTHER)
  /// An error within the MPI library.
  public static let intern = ErrorClass(rawValue: MPI_ERR_INTERN)
  /// The info object is not valid.
  public static let info = ErrorClass(rawValue: MPI_ERR_INFO)
  /// The file handle is not valid.
  public static let file = ErrorClass(rawValue: MPI_ERR_FILE)
  /// Permission is denied.
  public static let access = ErrorClass(rawValue: MPI_ERR_ACCESS)
  /// The access mode is not valid.
  public static let accessMode = ErrorClass(rawValue: MPI_ERR_AMODE)
  /// The file name is not valid.
  public static let badFileName = ErrorClass(rawValue: MPI_ERR_BAD_FILE)
  /// The file exists.
  public static let fileExists = ErrorClass(rawValue: MPI_ERR_FILE_EXISTS)
  /// The file does not exist.
  public static let noSuchFile = ErrorClass(rawValue: MPI_ERR_NO_SUCH_FILE)
  /// The device is full.
  public static let noSpace = ErrorClass(rawValue: MPI_ERR_NO_SPACE)
  /// The quota is used up.
  public static let quota = ErrorClass(rawValue: MPI_ERR_QUOTA)
  /// The file or file system is read-only.
  public static let readOnly = ErrorClass(rawValue: MPI_ERR_READ_ONLY)
  /// Another error of input or output.
  public static let io = ErrorClass(rawValue: MPI_ERR_IO)
  /// An argument differs between ranks that must give the same.
  public static let notSame = ErrorClass(rawValue: MPI_ERR_NOT_SAME)
}

/// The one check that every return code of MPI passes.
@inline(__always)
func check(
  _ code: Int32, _ call: StaticString, subject: @autoclosure () -> String? = nil
) throws(MPIError) {
  if code != MPI_SUCCESS { throw MPIError(code: code, call: call, subject: subject()) }
}

/// Text that a C function writes into a buffer of `capacity` bytes, leaving
/// its length beside it; empty if the function fails.
func string(
  capacity: Int32, _ fill: (UnsafeMutablePointer<CChar>, UnsafeMutablePointer<Int32>) -> Int32
) -> String {
  withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(capacity) + 1) { buffer in
    var length: Int32 = 0
    guard fill(buffer.baseAddress!, &length) == MPI_SUCCESS else { return "" }
    let bytes = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(buffer)[..<Int(length)])
    return String(decoding: bytes, as: UTF8.self)
  }
}
