/// A wrong grid, schedule, step map or target, in words a person can act on.
public struct DiffusionError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What is wrong, and what would be right.
  public let description: String
  /// An error with these words.
  public init(_ description: String) { self.description = description }
}
