/// What the solver asks of its fellow ranks: boundary states from one owner of
/// slices to the next, and agreement on the largest change.
///
/// Messages between two ranks arrive in the order in which they were sent.
public protocol Ring {
  /// This rank, from 0.
  var rank: Int { get }
  /// Number of ranks.
  var size: Int { get }

  /// Sends a message and returns at once; the caller may reuse its memory.
  func send(_ message: RawSpan, to destination: Int) throws

  /// Waits for the next message of `source`, which must have exactly this many bytes.
  func receive(into message: inout MutableRawSpan, from source: Int) throws

  /// Replaces every element by its maximum over the ranks. Maxima are exact,
  /// so all ranks hold the same bits afterwards.
  ///
  /// - Parameter meanwhile: work that is done while the ranks wait for each
  ///   other; it must not use this ring.
  func maximum(_ values: inout MutableSpan<Double>, meanwhile: () -> Void) throws
}

/// A ring of one: what runs without a launcher.
public struct SingleRank: Ring {
  public init() {}
  public var rank: Int { 0 }
  public var size: Int { 1 }
  public func send(_ message: RawSpan, to destination: Int) {
    preconditionFailure("a single rank has nobody to send to")
  }
  public func receive(into message: inout MutableRawSpan, from source: Int) {
    preconditionFailure("a single rank has nobody to receive from")
  }
  public func maximum(_ values: inout MutableSpan<Double>, meanwhile: () -> Void) { meanwhile() }
}
