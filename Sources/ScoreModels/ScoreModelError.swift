/// Why a model cannot be opened or evaluated, in words a person can act on:
/// which file, what is wrong, what would be right.
public struct ScoreModelError: Error, Hashable, Sendable, CustomStringConvertible {
  /// Kinds of failure; the raw value is the process exit code in the
  /// convention of BSD's `sysexits.h`.
  public enum Code: Int32, Hashable, Sendable {
    /// The model was named wrongly.
    case usage = 64
    /// A file's content is not what it must be, or is not supported.
    case badData = 65
    /// A file is not there.
    case missingFile = 66
    /// OpenVINO is not there.
    case missingLibrary = 69
    /// The model failed while it was evaluated.
    case evaluation = 70
    /// A file cannot be read.
    case inputOutput = 74
  }

  /// The kind of failure.
  public let code: Code
  /// Which file, what is wrong, what would be right.
  public let description: String

  /// An error of this kind, with these words.
  public init(_ code: Code, _ description: String) {
    self.code = code
    self.description = description
  }

  /// The process's exit code.
  public var exitCode: Int32 { code.rawValue }
}
