/// What one rank did and when, for a timeline; of bounded size and cost.
///
/// A run that outgrows its room, or whose rounds are so short that taking note
/// of them would slow it down, keeps every second round, then every fourth, and
/// so on. Both ends of a message belong to the same round, so that all messages
/// that are kept have both ends.
public struct Trace: Sendable {
  public enum Activity: UInt8, Hashable, Sendable {
    case setup, score, update, exchange, reduce, output
    /// Waiting for a message, within `exchange`.
    case wait
    case send
    case round
    case block, corrector
  }

  package struct Event: Sendable {
    var activity: Activity
    /// Nanoseconds of this rank's clock.
    var start: Int64
    var duration: Int64
    /// Its number, from 1.
    var round: Int32
    /// The other rank of a message; the number of a block.
    var other: Int32 = 0
    /// Which message between these two ranks it is; slices that a round has finished.
    var number: Int32 = 0
    /// Size of a message; rows of a round.
    var amount: Int32 = 0
  }

  package private(set) var events: [Event] = []
  private(set) var blocks: [Event] = []
  /// One round of so many is kept.
  package private(set) var stride: Int32 = 1
  private let capacity: Int
  private var begin: Int64 = 0
  private var round: Int32 = 1
  private var roundStart: Int64?
  private var sent: [Int32]
  private var received: [Int32]

  /// Bytes of one event in the file, roughly.
  static let bytesPerEvent = 95
  /// The file's size is kept below this for up to 32 ranks.
  static let mostBytes = 15_000_000
  private static let mostBlocks = 256
  /// The time in which one event may be kept: to note it, write it and store it
  /// takes in the order of 1 us, which is to be half a percent.
  static let nanosecondsPerEvent: Int64 = 200_000
  /// What a short run may keep all the same: 2 ms, where setting up takes 200 and more.
  static let fewest = 2000

  /// - Parameter ranks: ranks whose events go into one file, and which may send messages.
  public init(ranks: Int) {
    capacity = max(500, Self.mostBytes / Self.bytesPerEvent / ranks)
    sent = [Int32](repeating: 0, count: ranks)
    received = sent
    events.reserveCapacity(Self.fewest)
  }

  /// Takes note of what was done; in a round that is not kept the times are not asked for.
  public mutating func add(
    _ activity: Activity, from start: @autoclosure () -> Int64, to end: @autoclosure () -> Int64
  ) {
    guard keepsRound else { return }
    let start = start()
    append(Event(activity: activity, start: start, duration: end() - start, round: round))
  }

  /// Takes note of a message that leaves; in a round that is not kept `time` is not asked for.
  public mutating func addSend(bytes: Int, to rank: Int, at time: @autoclosure () -> Int64) {
    if keepsRound {
      append(
        Event(
          activity: .send, start: time(), duration: 0, round: round, other: Int32(rank),
          number: sent[rank], amount: Int32(clamping: bytes)))
    }
    sent[rank] &+= 1
  }

  /// Takes note of a message that was waited for; in a round that is not kept the
  /// times are not asked for.
  public mutating func addWait(
    bytes: Int, for rank: Int, from start: @autoclosure () -> Int64, to end: @autoclosure () -> Int64
  ) {
    if keepsRound {
      let start = start()
      append(
        Event(
          activity: .wait, start: start, duration: end() - start, round: round, other: Int32(rank),
          number: received[rank], amount: Int32(clamping: bytes)))
    }
    received[rank] &+= 1
  }

  /// Adds what came before the first round and after the last one.
  public mutating func addEnds(setupFrom begin: Int64, outputFrom solved: Int64, to end: Int64) {
    if let first = blocks.first {
      events.append(
        Event(activity: .setup, start: begin, duration: first.start - begin, round: 1))
    }
    events.append(Event(activity: .output, start: solved, duration: end - solved, round: 1))
  }

  /// Whether events of the present round are kept. Of other rounds messages are
  /// numbered alone, so that their times need not be known.
  public var keepsRound: Bool { (round - 1) % stride == 0 }

  /// Starts the first round.
  public mutating func beginRounds(at time: Int64) { (begin, roundStart) = (time, time) }

  /// Ends a round, and starts the next one.
  ///
  /// - Parameters:
  ///   - rows: rows that this rank evaluated in it.
  ///   - block: the block that the sample furthest behind is in.
  public mutating func endRound(
    rows: Int, finishedSlices: Int, block: Int, isCorrector: Bool, at time: Int64
  ) {
    let start = roundStart ?? time
    append(
      Event(
        activity: .round, start: start, duration: time - start, round: round,
        number: Int32(clamping: finishedSlices), amount: Int32(clamping: rows)))
    let activity = isCorrector ? Activity.corrector : .block
    let number = Int32(clamping: block)
    let isSame = blocks.last.map { $0.activity == activity && $0.other == number } ?? false
    if let last = blocks.indices.last, isSame || blocks.count == Self.mostBlocks {
      blocks[last].duration = time - blocks[last].start
    } else {
      blocks.append(
        Event(activity: activity, start: start, duration: time - start, round: 1, other: number))
    }
    round &+= 1
    roundStart = time
    let affordable = max(Self.fewest, Int(clamping: (time - begin) / Self.nanosecondsPerEvent))
    if events.count > min(capacity, affordable) { keep(oneRoundOf: stride * 2) }
  }

  private mutating func append(_ event: Event) {
    if keepsRound { events.append(event) }
  }

  /// Lets go of all rounds but one of so many.
  package mutating func keep(oneRoundOf stride: Int32) {
    self.stride = stride
    events.removeAll { ($0.round - 1) % stride != 0 }
  }
}
