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
  private let turn: Duration
  /// Messages that are leaving, and memory of those that are gone.
  @exclusivity(unchecked) private var leaving: [Packet] = []
  @exclusivity(unchecked) private var idle: [Packet] = []
  /// Memory for the numbers that ranks agree on.
  @exclusivity(unchecked) private var numbers: Buffer<Double>?
  /// Bytes of the boundary states that this rank has sent.
  @exclusivity(unchecked) public private(set) var bytesSent = 0

  /// - Parameters:
  ///   - communicator: the ranks that share the samples; no other messages may
  ///     use it at the same time.
  ///   - seconds: time after which a rank that waits gives up.
  public init(_ communicator: Communicator, stallTimeout seconds: Double) {
    self.communicator = communicator
    stallTimeout = .seconds(seconds)
    // One of those that wait speaks: it ends the job before the turn of the next.
    turn = .seconds(2 * min(communicator.numberInJob(of: communicator.rank), 5))
  }

  /// This rank in the communicator.
  public var rank: Int { communicator.rank }
  /// Ranks of the communicator.
  public var size: Int { communicator.size }

  /// Sends without waiting; the message is copied. Throws `MPIError`.
  public func send(_ message: RawSpan, to destination: Int) throws {
    try collectGone()
    let packet = packet(message.byteCount)
    try packet.startSend(message, to: destination, communicator)
    // Small messages are gone at once.
    if try packet.isDone() { idle.append(packet) } else { leaving.append(packet) }
    bytesSent += message.byteCount
  }

  /// Waits for a message, at most the time-out; throws `RingError` after it.
  public func receive(
    into message: inout MutableRawSpan, from source: Int, meanwhile: () -> Bool
  ) throws {
    let packet = packet(message.byteCount)
    try packet.startReceive(from: source, communicator)
    try wait(for: { "a boundary state of rank \($0.numberInJob(of: source))" }, meanwhile: meanwhile) {
      try packet.isDone()
    }
    let count = packet.receivedCount
    guard count == message.byteCount else {
      throw RingError("expected \(message.byteCount) bytes from rank \(source), but \(count) came")
    }
    packet.copy(to: &message)
    idle.append(packet)
  }

  /// Memory for a message, from one that is gone where there is one of its size.
  private func packet(_ byteCount: Int) -> Packet {
    if let index = idle.lastIndex(where: { $0.byteCount == byteCount }) {
      return idle.remove(at: index)
    }
    return Packet(byteCount)
  }

  private func collectGone() throws {
    guard !leaving.isEmpty else { return }
    for packet in leaving where try packet.isDone() { idle.append(packet) }
    leaving.removeAll { $0.isAtRest }
  }

  /// MPI's own reduction, which knows the library's and the network's tuning. Throws
  /// `RingError` after the time-out.
  public func maximum(_ values: inout MutableSpan<Double>, meanwhile: () -> Bool) throws {
    guard size > 1 else { return }
    var numbers = numbers.take() ?? Buffer(repeating: 0, count: values.count)
    if numbers.count != values.count { numbers = Buffer(repeating: 0, count: values.count) }
    for index in 0..<values.count { numbers[index] = values[index] }
    var request = try communicator.startAllReduce(numbers, .maximum)
    try wait(for: { _ in "the changes of all ranks" }, meanwhile: meanwhile) { try request.test() }
    numbers = try request.wait()
    for index in 0..<values.count { values[index] = numbers[index] }
    self.numbers = consume numbers
    // A large message leaves while MPI is asked, and the next call of the model may take long.
    try finish()
  }

  /// Waits until all messages have left this rank; throws `RingError` after the
  /// time-out.
  public func finish() throws {
    try wait(for: { _ in "its messages to be received" }, meanwhile: { false }) {
      try collectGone()
      return leaving.isEmpty
    }
  }

  /// Asks until `isDone`. MPI makes progress while it is asked; the clock and
  /// the other processes of a crowded core get their turn now and then. Time
  /// in which the whole job is stopped does not count.
  ///
  /// - Parameter meanwhile: pieces of other work, as long as there are any.
  private func wait(
    for what: (Communicator) -> String, meanwhile: () -> Bool, _ isDone: () throws -> Bool
  ) throws {
    repeat {
      guard try !isDone() else { return }
    } while meanwhile()
    try communicator.waiting {
      var asked = 0
      var waited = Duration.zero
      var last = ContinuousClock.now
      while try !isDone() {
        asked += 1
        guard asked.isMultiple(of: 256) else { continue }
        sched_yield()
        let now = ContinuousClock.now
        waited += min(now - last, .seconds(1))
        last = now
        guard waited > stallTimeout + turn else { continue }
        let finding = communicator.findingOfOtherRanks().map { ": " + $0 } ?? ""
        throw RingError(
          """
          rank \(communicator.numberInJob(of: rank)) has waited \(stallTimeout / .seconds(1)) s for \
          \(what(communicator))\(finding); a rank hangs, or --stall-timeout is shorter than a round
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

/// A message with its memory, which serves one message after another.
private final class Packet {
  let byteCount: Int
  /// The memory, while no message is under way.
  @exclusivity(unchecked) private var buffer: Buffer<UInt8>?
  @exclusivity(unchecked) private var request: Request<UInt8>?
  /// Bytes of the last message that came.
  private(set) var receivedCount = 0

  init(_ byteCount: Int) {
    self.byteCount = byteCount
    buffer = Buffer(repeating: 0, count: byteCount)
  }

  var isAtRest: Bool { request == nil }

  func startSend(_ message: RawSpan, to destination: Int, _ communicator: Communicator) throws {
    guard var buffer = buffer.take() else { preconditionFailure("this message is under way") }
    var bytes = buffer.mutableSpan
    bytes.withUnsafeMutableBytes { target in
      message.withUnsafeBytes { target.copyMemory(from: $0) }
    }
    request = try communicator.startSend(buffer, to: communicator[destination])
  }

  func startReceive(from source: Int, _ communicator: Communicator) throws {
    guard let buffer = buffer.take() else { preconditionFailure("this message is under way") }
    request = try communicator.startReceive(into: buffer, from: communicator[source])
  }

  /// Whether the message has left or come; takes its memory back then.
  func isDone() throws -> Bool {
    guard try request?.test() ?? true else { return false }
    if let request = request.take() {
      var status = Status.empty
      buffer = try request.wait(&status)
      receivedCount = try status.count(of: UInt8.self) ?? 0
    }
    return true
  }

  func copy(to message: inout MutableRawSpan) {
    guard let buffer = buffer.take() else { preconditionFailure("this message is under way") }
    copyBytes(of: buffer, to: &message)
    self.buffer = consume buffer
  }
}

private func copyBytes(of buffer: borrowing Buffer<UInt8>, to message: inout MutableRawSpan) {
  buffer.span.withUnsafeBytes { source in
    message.withUnsafeMutableBytes { $0.copyMemory(from: source) }
  }
}
