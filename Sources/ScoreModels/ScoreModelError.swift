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
    case missingFile = 66
    case missingLibrary = 69
    /// The model failed while it was evaluated.
    case evaluation = 70
    case inputOutput = 74
  }

  public let code: Code
  public let description: String

  public init(_ code: Code, _ description: String) {
    self.code = code
    self.description = description
  }

  public var exitCode: Int32 { code.rawValue }
}
