import Foundation
public import MPI
public import PicardSampler

/// The solver's ring of ranks over an MPI communicator.
///
/// Messages leave at once and are kept until they are gone. A rank that waits
/// too long for another one throws a `RingError` that says for whom it waited.
public final class MPIRing: Ring {
  private let communicator: Communicator
  private let stallTimeout: Duration
  private var underWay: [SentMessage] = []
  /// Bytes in the messages that this rank has sent.
  public private(set) var bytesSent = 0

  /// - Parameters:
  ///   - communicator: the ranks that share the samples; no other messages may
  ///     use it at the same time.
  ///   - stallTimeout: seconds after which a rank that waits gives up.
  public init(_ communicator: Communicator, stallTimeout seconds: Double) {
    self.communicator = communicator
    stallTimeout = .seconds(seconds)
  }

  public var rank: Int { communicator.rank }
  public var size: Int { communicator.size }

  public func send(_ message: RawSpan, to destination: Int) throws {
    try underWay.removeAll { try $0.isGone() }
    let bytes = message.withUnsafeBytes { bytes in
      bytes.withMemoryRebound(to: UInt8.self) { Buffer(copying: $0.span) }
    }
    bytesSent += bytes.count
    underWay.append(SentMessage(try communicator.startSend(bytes, to: destination)))
  }

  public func receive(into message: inout MutableRawSpan, from source: Int) throws {
    let buffer = Buffer<UInt8>(repeating: 0, count: message.byteCount)
    var request = try communicator.startReceive(into: buffer, from: source)
    let clock = ContinuousClock()
    try wait(clock.now, for: "a boundary state of rank \(source)") { try request.test() }
    var status = Status.empty
    let received = try request.wait(&status)
    let count = try status.count(of: UInt8.self) ?? 0
    guard count == message.byteCount else {
      throw RingError("expected \(message.byteCount) bytes from rank \(source), but \(count) came")
    }
    received.span.withUnsafeBytes { bytes in
      message.withUnsafeMutableBytes { $0.copyMemory(from: bytes) }
    }
  }

  public func maximum(_ values: inout MutableSpan<Double>, meanwhile: () -> Void) throws {
    let buffer = Buffer(copying: values.span)
    var request = try communicator.startAllReduce(buffer, .maximum)
    meanwhile()
    let clock = ContinuousClock()
    try wait(clock.now, for: "the other ranks to agree on the changes") { try request.test() }
    let result = try request.wait()
    for index in 0..<values.count { values[index] = result[index] }
  }

  /// Waits until all messages have left this rank.
  public func finish() throws {
    for message in underWay { try message.finish() }
    underWay = []
  }

  /// Asks until `isDone`. MPI makes progress while it is asked; the clock and
  /// the other processes of a crowded core get their turn now and then.
  private func wait(
    _ start: ContinuousClock.Instant, for what: String, _ isDone: () throws -> Bool
  ) throws {
    var asked = 0
    while try !isDone() {
      asked += 1
      guard asked.isMultiple(of: 256) else { continue }
      sched_yield()
      if ContinuousClock.now - start > stallTimeout {
        throw RingError(
          """
          rank \(rank) has waited \(stallTimeout / .seconds(1)) s for \(what); \
          a rank hangs, or --stall-timeout is shorter than a round
          """)
      }
    }
  }
}

/// Why ranks could not go on together.
public struct RingError: Error, CustomStringConvertible {
  public let description: String
  init(_ description: String) { self.description = description }
}

/// A message that may still be leaving.
private final class SentMessage {
  private var request: Request<UInt8>?

  init(_ request: consuming Request<UInt8>) { self.request = consume request }

  func isGone() throws -> Bool {
    guard try request?.test() ?? true else { return false }
    try finish()
    return true
  }

  func finish() throws {
    if let request = request.take() { _ = try request.wait() }
  }
}
