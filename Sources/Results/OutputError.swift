/// Why an output file could not be written: names the file and what is wrong.
public struct OutputError: Error, Hashable, Sendable, CustomStringConvertible {
  public let file: String
  public let message: String

  public init(file: String, _ message: String) {
    self.file = file
    self.message = message
  }

  public var description: String { "\(file): \(message)" }

  /// `EX_IOERR` of BSD's `sysexits.h`.
  public var exitCode: Int32 { 74 }
}
