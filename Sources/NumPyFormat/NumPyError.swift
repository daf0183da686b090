/// Why a `.npy` file could not be read: names the file, what is wrong and what
/// would be right.
public struct NumPyError: Error, Hashable, Sendable, CustomStringConvertible {
  public enum Reason: Hashable, Sendable {
    /// The file is there and its content is not what it must be.
    case badData
    /// There is no such file.
    case missing
    /// The system refused to read the file.
    case unreadable
  }

  public let reason: Reason
  public let file: String
  public let message: String

  public init(_ reason: Reason, file: String, _ message: String) {
    self.reason = reason
    self.file = file
    self.message = message
  }

  public var description: String { "\(file): \(message)" }

  /// The process exit code in the convention of BSD's `sysexits.h`.
  public var exitCode: Int32 {
    switch reason {
    case .badData: 65
    case .missing: 66
    case .unreadable: 74
    }
  }
}
