/// What the solver asks of its fellow ranks: boundary states from one owner of
/// slices to the next, and agreement on the largest change.
///
/// Messages between two ranks arrive in the order in which they were sent.
public protocol Ring: AnyObject {
  /// This rank, from 0.
  var rank: Int { get }
  /// Number of ranks.
  var size: Int { get }

  /// Sends a message and returns at once; the caller may reuse its memory.
  func send(_ message: RawSpan, to destination: Int) throws

  /// Waits for the next message of a rank.
  ///
  /// - Parameters:
  ///   - message: where it goes; it must have exactly this many bytes.
  ///   - source: the rank that sends it.
  ///   - meanwhile: does a piece of other work and returns whether there is more;
  ///     called again and again while the message has not come. It must not use
  ///     this ring.
  func receive(into message: inout MutableRawSpan, from source: Int, meanwhile: () -> Bool) throws

  /// Replaces every element by its maximum over the ranks. Maxima are exact,
  /// so all ranks hold the same bits afterwards.
  ///
  /// - Parameters:
  ///   - values: as many on every rank.
  ///   - meanwhile: does a piece of other work and returns whether there is more;
  ///     called again and again while the ranks wait for each other. It must not
  ///     use this ring.
  func maximum(_ values: inout MutableSpan<Double>, meanwhile: () -> Bool) throws

  /// Waits until all messages have left this rank. A solver's run ends with it.
  func finish() throws
}

extension Ring {
  /// Waits for a message with nothing else to do.
  public func receive(into message: inout MutableRawSpan, from source: Int) throws {
    try receive(into: &message, from: source) { false }
  }

  /// Agrees on maxima with nothing else to do.
  public func maximum(_ values: inout MutableSpan<Double>) throws {
    try maximum(&values) { false }
  }
}

/// A ring of one: what runs without a launcher.
public final class SingleRank: Ring {
  /// The ring of this process alone.
  public init() {}
  /// 0.
  public var rank: Int { 0 }
  /// 1.
  public var size: Int { 1 }
  /// Never called: there is no other rank.
  public func send(_ message: RawSpan, to destination: Int) {
    preconditionFailure("a single rank has nobody to send to")
  }
  /// Never called: there is no other rank.
  public func receive(into message: inout MutableRawSpan, from source: Int, meanwhile: () -> Bool) {
    preconditionFailure("a single rank has nobody to receive from")
  }
  /// The values are their own maximum.
  public func maximum(_ values: inout MutableSpan<Double>, meanwhile: () -> Bool) {}
  /// There are no messages.
  public func finish() {}
}
