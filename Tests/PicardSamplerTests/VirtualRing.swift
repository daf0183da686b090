import Foundation
import PicardSampler

/// Ranks as threads of this process, which share one mailbox.
final class VirtualRing: Ring {
  let rank: Int
  let size: Int
  private let mailbox: Mailbox

  private init(rank: Int, size: Int, mailbox: Mailbox) {
    self.rank = rank
    self.size = size
    self.mailbox = mailbox
  }

  /// Runs `body` on `size` ranks at once, and returns what each returned, by rank.
  static func run<Result: Sendable>(
    _ size: Int, _ body: @escaping @Sendable (VirtualRing) throws -> Result
  ) throws -> [Result] {
    let mailbox = Mailbox(size: size)
    let results = Results<Result>()
    let done = DispatchGroup()
    for rank in 0..<size {
      done.enter()
      let thread = Thread {
        let result = Swift.Result { try body(VirtualRing(rank: rank, size: size, mailbox: mailbox)) }
        results.put(result, of: rank)
        done.leave()
      }
      thread.stackSize = 8 << 20
      thread.start()
    }
    done.wait()
    return try results.inOrder()
  }

  func send(_ message: RawSpan, to destination: Int) {
    let bytes = message.withUnsafeBytes { [UInt8]($0) }
    mailbox.put(bytes, from: rank, to: destination)
  }

  func receive(into message: inout MutableRawSpan, from source: Int, meanwhile: () -> Bool) throws {
    _ = meanwhile()
    let bytes = mailbox.take(from: source, to: rank)
    guard bytes.count == message.byteCount else { throw WrongLength() }
    message.withUnsafeMutableBytes { $0.copyBytes(from: bytes) }
  }

  func maximum(_ values: inout MutableSpan<Double>, meanwhile: () -> Bool) {
    _ = meanwhile()
    var mine: [Double] = []
    for index in 0..<values.count { mine.append(values[index]) }
    let largest = mailbox.maximum(mine)
    for index in 0..<values.count { values[index] = largest[index] }
  }

  func finish() {}

  struct WrongLength: Error {}
}

/// What each rank returns. A lock of the system's, which ThreadSanitizer sees.
private final class Results<Result>: @unchecked Sendable {
  private let lock = NSLock()
  private var byRank: [Int: Swift.Result<Result, any Error>] = [:]

  func put(_ result: Swift.Result<Result, any Error>, of rank: Int) { lock.withLock { byRank[rank] = result } }

  func inOrder() throws -> [Result] {
    try lock.withLock { try byRank.sorted { $0.key < $1.key }.map { try $0.value.get() } }
  }
}

/// Messages between threads, in order for every pair, and one reduction at a time.
private final class Mailbox: @unchecked Sendable {
  private let size: Int
  private let condition = NSCondition()
  private var messages: [[Int]: [[UInt8]]] = [:]
  private var reduction: [Double] = []
  private var arrived = 0
  private var generation = 0
  private var result: [Double] = []

  init(size: Int) { self.size = size }

  func put(_ bytes: [UInt8], from source: Int, to destination: Int) {
    condition.lock()
    defer { condition.unlock() }
    messages[[source, destination], default: []].append(bytes)
    condition.broadcast()
  }

  func take(from source: Int, to destination: Int) -> [UInt8] {
    condition.lock()
    defer { condition.unlock() }
    while messages[[source, destination], default: []].isEmpty { condition.wait() }
    return messages[[source, destination]]!.removeFirst()
  }

  func maximum(_ values: [Double]) -> [Double] {
    condition.lock()
    defer { condition.unlock() }
    let own = generation
    reduction = arrived == 0 ? values : zip(reduction, values).map(max)
    arrived += 1
    if arrived == size {
      (result, arrived) = (reduction, 0)
      generation += 1
      condition.broadcast()
    }
    while generation == own { condition.wait() }
    return result
  }
}
