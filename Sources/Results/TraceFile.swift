public import MPI

/// The timeline of all ranks in Chrome's trace event format, which Perfetto
/// (ui.perfetto.dev) and chrome://tracing open.
///
/// Every host is a process and every rank a thread of it. Blocks hold rounds,
/// rounds hold phases; a message is an arrow from its sender's to its
/// receiver's.
public struct TraceFile: Hashable, Sendable {
  public let path: String

  public init(_ path: String) {
    self.path = path
  }

  /// Writes the traces of all ranks, on the clock of rank 0. Collective.
  public func write(
    _ trace: Trace, clock: RankClock, host: String, process: Int, over world: Communicator
  ) throws {
    var trace = trace
    trace.keep(oneRoundOf: try world.allReduce(trace.stride, .maximum))
    let first = trace.all.map { clock.onRankZero($0.start) }.min() ?? .max
    let origin = try world.allReduce(first, .minimum)
    var text = JSONEvents(process: process, thread: world.rank, origin: origin, clock: clock)
    text.name(host: host, rank: world.rank)
    for event in trace.all { text.add(event) }

    let counts = try world.allGather([text.bytes.count])
    var all = [UInt8](repeating: 0, count: world.rank == 0 ? counts.reduce(0, +) : 0)
    var span = all.mutableSpan
    try world.gather(text.bytes.span, counts: counts, into: &span, root: 0)
    try world.agree {
      guard world.rank == 0 else { return }
      var file = Array(
        """
        {"displayTimeUnit":"ms","otherData":{"keptRounds":"one of \(trace.stride)"},"traceEvents":[

        """.utf8)
      file.reserveCapacity(all.count + 200)
      // The last event has no comma behind it.
      file += all[..<(all.count - 2)]
      file += Array("\n]}\n".utf8)
      try WholeFile(path).write(file)
    }
  }
}

extension Trace {
  /// Outer spans before those they hold.
  fileprivate var all: [Event] { blocks + events }
}

/// Events of one rank as JSON, each with a comma and a line end behind it.
package struct JSONEvents {
  package private(set) var bytes: [UInt8] = []
  private let track: [UInt8]
  private let rank: Int32
  private let origin: Int64
  private let clock: RankClock

  package init(process: Int, thread: Int, origin: Int64, clock: RankClock) {
    track = Array("\"pid\":\(process),\"tid\":\(thread)".utf8)
    rank = Int32(thread)
    self.origin = origin
    self.clock = clock
  }

  package mutating func name(host: String, rank: Int) {
    let host = String(host.unicodeScalars.filter { $0.isASCII && $0.value >= 32 && $0 != "\"" && $0 != "\\" })
    for (kind, name) in [("process_name", host), ("thread_name", "rank \(rank)")] {
      put("{\"ph\":\"M\",")
      bytes += track
      put(",\"name\":\"\(kind)\",\"args\":{\"name\":\"\(name)\"}},\n")
    }
    put("{\"ph\":\"M\",")
    bytes += track
    put(",\"name\":\"thread_sort_index\",\"args\":{\"sort_index\":\(rank)}},\n")
  }

  package mutating func add(_ event: Trace.Event) {
    switch event.activity {
    case .send:
      flow("s", from: rank, to: event.other, event.number, at: event.start)
    case .wait:
      span(event, "wait")
      put(",\"args\":{\"for\":")
      put(Int64(event.other))
      put(",\"bytes\":")
      put(Int64(event.amount))
      put("}},\n")
      // An arrow ends within a span: a nanosecond before the wait does.
      flow("f\",\"bp\":\"e", from: event.other, to: rank, event.number, at: event.start + max(0, event.duration - 1))
    case .round:
      span(event, "round")
      put(",\"args\":{\"round\":")
      put(Int64(event.round))
      put(",\"rows\":")
      put(Int64(event.amount))
      put(",\"done\":")
      put(Int64(event.number))
      put("}},\n")
    case .block, .corrector:
      span(event, event.activity == .block ? "block" : "corrector")
      put(",\"args\":{\"number\":")
      put(Int64(event.other))
      put("}},\n")
    case .setup, .score, .update, .exchange, .reduce, .output:
      span(event, event.activity.name)
      put("},\n")
    }
  }

  private mutating func span(_ event: Trace.Event, _ name: StaticString) {
    let start = clock.onRankZero(event.start) - origin
    put("{\"ph\":\"X\",")
    bytes += track
    put(",\"ts\":")
    put(microseconds: start)
    put(",\"dur\":")
    put(microseconds: clock.onRankZero(event.start + event.duration) - origin - start)
    put(",\"name\":\"")
    put(name)
    put("\"")
  }

  private mutating func flow(_ kind: StaticString, from source: Int32, to destination: Int32, _ number: Int32, at time: Int64) {
    put("{\"ph\":\"")
    put(kind)
    put("\",\"cat\":\"m\",\"name\":\"state\",\"id\":\"")
    for (index, part) in [source, destination, number].enumerated() {
      if index > 0 { put("-") }
      put(Int64(part))
    }
    put("\",")
    bytes += track
    put(",\"ts\":")
    put(microseconds: clock.onRankZero(time) - origin)
    put("},\n")
  }

  private mutating func put(_ text: StaticString) {
    bytes.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  private mutating func put(_ text: String) { bytes += text.utf8 }

  private mutating func put(_ number: Int64) {
    if number < 0 { bytes.append(UInt8(ascii: "-")) }
    var rest = number.magnitude
    let start = bytes.count
    repeat {
      bytes.append(UInt8(ascii: "0") + UInt8(rest % 10))
      rest /= 10
    } while rest > 0
    bytes[start...].reverse()
  }

  private mutating func put(microseconds nanoseconds: Int64) {
    let value = max(0, nanoseconds)
    put(value / 1000)
    let digits = value % 1000
    bytes.append(UInt8(ascii: "."))
    for power in [100, 10, 1] as [Int64] { bytes.append(UInt8(ascii: "0") + UInt8(digits / power % 10)) }
  }
}

extension Trace.Activity {
  fileprivate var name: StaticString {
    switch self {
    case .setup: "setup"
    case .score: "score"
    case .update: "update"
    case .exchange: "exchange"
    case .reduce: "reduce"
    case .output: "output"
    case .wait: "wait"
    case .send: "send"
    case .round: "round"
    case .block: "block"
    case .corrector: "corrector"
    }
  }
}
