/// A wrong grid, schedule, step map or target, in words a person can act on.
public struct DiffusionError: Error, Hashable, Sendable, CustomStringConvertible {
  public let description: String
  public init(_ description: String) { self.description = description }
}
