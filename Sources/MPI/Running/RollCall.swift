#if canImport(Darwin)
  internal import Darwin
#else
  internal import Glibc
#endif

/// Asks the ranks of a job what they are doing: one that hangs keeps the others
/// waiting in MPI, which cannot tell them who it is.
///
/// Beside MPI, a question is one datagram to the socket of a rank, and so is
/// its answer, which comes from the thread of that rank's ``StallWatch``. A
/// question has the key that only the ranks of the job know.
final class RollCall: Sendable {
  /// Where a rank can be asked, as its bytes are exchanged.
  private struct Desk {
    let key: UInt64
    /// In network order; 0 where the rank has no socket.
    let port: UInt16
    let addresses: [UInt32]
    let host: String

    private static let mostAddresses = 8
    private static let longestName = 64
    static let byteCount = 8 + 2 + 4 * mostAddresses + longestName

    init(key: UInt64, port: UInt16, addresses: [UInt32], host: String) {
      (self.key, self.port, self.host) = (key, port, host)
      self.addresses = Array(addresses.prefix(Self.mostAddresses))
    }

    init(_ bytes: ArraySlice<UInt8>) {
      var rest = bytes
      func number(_ count: Int) -> UInt64 {
        defer { rest = rest.dropFirst(count) }
        return rest.prefix(count).reduce(0) { $0 << 8 | UInt64($1) }
      }
      key = number(8)
      port = UInt16(number(2))
      addresses = (0..<Self.mostAddresses).map { _ in UInt32(number(4)) }.filter { $0 != 0 }
      host = String(decoding: rest.prefix { $0 != 0 }, as: UTF8.self)
    }

    var encoded: [UInt8] {
      func bytes(_ value: UInt64, _ count: Int) -> [UInt8] {
        (0..<count).reversed().map { UInt8(truncatingIfNeeded: value >> (8 * UInt64($0))) }
      }
      let padded = addresses + [UInt32](repeating: 0, count: Self.mostAddresses - addresses.count)
      let name = host.utf8.prefix(Self.longestName)
      return bytes(key, 8) + bytes(UInt64(port), 2) + padded.flatMap { bytes(UInt64($0), 4) } + name
        + [UInt8](repeating: 0, count: Self.longestName - name.count)
    }
  }

  /// What a rank does, and for how long.
  enum Activity: Equatable {
    case waits(seconds: Double)
    case works(seconds: Double)
  }

  private let socket: Int32
  private let rank: Int
  private let desks: [Desk]

  /// Collective. A rank that gets no socket cannot be asked, and answers nothing.
  init(_ world: Communicator) throws(MPIError) {
    rank = world.rank
    socket = datagramSocket()
    let own = Desk(
      key: .random(in: .min ... .max), port: Self.bind(socket), addresses: networkAddresses(),
      host: world.processorName)
    let all = try world.allGather(own.encoded)
    desks = (0..<world.size).map { rank in
      Desk(all[(rank * Desk.byteCount)..<((rank + 1) * Desk.byteCount)])
    }
  }

  deinit { if socket >= 0 { close(socket) } }

  /// Answers what has been asked since the last time.
  func answer(_ activity: Activity) {
    let tenths: Int32 =
      switch activity {
      case .waits(let seconds): Int32(clamping: Int(seconds * 10) + 1)
      case .works(let seconds): -Int32(clamping: Int(seconds * 10) + 1)
      }
    var asker = sockaddr_in()
    while let question = receive(UInt64.self, on: socket, from: &asker) {
      guard question == desks[rank].key else { continue }
      send(Answer(key: question, tenths: tenths), on: socket, to: asker)
    }
  }

  /// Asks all other ranks.
  ///
  /// - Parameter meanwhile: called again and again until they have answered, or a second is over.
  /// - Returns: the answers of those that gave one.
  func ask(meanwhile: () -> Void = {}) -> [Int: Activity] {
    var answers: [Int: Activity] = [:]
    let asking = datagramSocket()
    guard asking >= 0 else { return answers }
    defer { close(asking) }
    let ranks = Dictionary(desks.enumerated().map { ($1.key, $0) }) { $1 }
    var silent = desks.indices.filter { $0 != rank && desks[$0].port != 0 }
    // Datagrams get lost where many are sent at once: whoever is silent is asked again.
    for turn in 0..<20 where !silent.isEmpty {
      if turn.isMultiple(of: 4) { for other in silent { ask(desks[other], on: asking) } }
      usleep(50_000)
      meanwhile()
      var sender = sockaddr_in()
      while let answer = receive(Answer.self, on: asking, from: &sender) {
        guard let other = ranks[answer.key] else { continue }
        let seconds = Double(abs(Int(answer.tenths)) - 1) / 10
        answers[other] = answer.tenths < 0 ? .works(seconds: seconds) : .waits(seconds: seconds)
      }
      silent.removeAll { answers[$0] != nil }
    }
    return answers
  }

  private func ask(_ desk: Desk, on asking: Int32) {
    // On this host every address leads to it; the loopback is there without a network.
    let isHere = desk.host == desks[rank].host
    for address in isHere ? [INADDR_LOOPBACK.bigEndian] : desk.addresses {
      var place = sockaddr_in()
      place.sin_family = sa_family_t(AF_INET)
      place.sin_port = desk.port
      place.sin_addr.s_addr = address
      send(desk.key, on: asking, to: place)
    }
  }

  /// Whether a rank below this one waits for others.
  func hasLowerWaiting(in answers: [Int: Activity]) -> Bool {
    answers.contains { other, activity in
      guard case .waits = activity else { return false }
      return other < rank
    }
  }

  /// Says who is waited for, as far as the answers show it.
  func finding(in answers: [Int: Activity]) -> String {
    Self.finding(in: answers, to: rank, hosts: desks.map(\.host))
  }

  /// - Parameters:
  ///   - asker: the rank that has got the answers.
  ///   - hosts: of all ranks.
  static func finding(in answers: [Int: Activity], to asker: Int, hosts: [String]) -> String {
    // Of many, the first few say enough.
    let most = 4
    func list(_ names: [String]) -> String {
      names.prefix(most).joined(separator: ", ") + (names.count > most ? " and \(names.count - most) more" : "")
    }
    func name(_ rank: Int) -> String { "rank \(rank) on \(hosts[rank])" }
    let silent = hosts.indices.filter { $0 != asker && answers[$0] == nil }
    let working = answers.compactMap { rank, activity -> (rank: Int, seconds: Double)? in
      guard case .works(let seconds) = activity else { return nil }
      return (rank, seconds)
    }.sorted { ($1.seconds, $0.rank) < ($0.seconds, $1.rank) }
    var found: [String] = []
    if !silent.isEmpty { found.append("no answer from " + list(silent.map(name))) }
    if !working.isEmpty {
      found.append("still at work: " + list(working.map { "\(name($0.rank)) for \($0.seconds) s" }))
    }
    return found.isEmpty ? "every rank waits for another" : found.joined(separator: "; ")
  }

  private struct Answer {
    var key: UInt64
    /// Of a second, and one more; negative for a rank that works.
    var tenths: Int32
  }

  /// - Returns: the port in network order; 0 where there is none.
  private static func bind(_ socket: Int32) -> UInt16 {
    guard socket >= 0 else { return 0 }
    var place = sockaddr_in()
    place.sin_family = sa_family_t(AF_INET)
    place.sin_addr.s_addr = INADDR_ANY
    let isBound = withSocketAddress(&place) { bindSocket(socket, $0, $1) == 0 && getsockname(socket, $0, &$1) == 0 }
    return isBound ? place.sin_port : 0
  }
}

/// Sends and receives without waiting; negative where the system has none.
private func datagramSocket() -> Int32 {
  #if canImport(Darwin)
    let descriptor = socket(AF_INET, SOCK_DGRAM, 0)
  #else
    let descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
  #endif
  guard descriptor >= 0 else { return descriptor }
  _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
  _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
  return descriptor
}

private let bindSocket: @Sendable (Int32, UnsafePointer<sockaddr>, socklen_t) -> Int32 = { bind($0, $1, $2) }

private func withSocketAddress<Result>(
  _ place: inout sockaddr_in, _ body: (UnsafeMutablePointer<sockaddr>, inout socklen_t) -> Result
) -> Result {
  var length = socklen_t(MemoryLayout<sockaddr_in>.size)
  return withUnsafeMutablePointer(to: &place) {
    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, &length) }
  }
}

/// A datagram is lost where it cannot be sent.
private func send<Message: BitwiseCopyable>(_ message: Message, on socket: Int32, to place: sockaddr_in) {
  var place = place
  withUnsafeBytes(of: message) { bytes in
    _ = withSocketAddress(&place) { sendto(socket, bytes.baseAddress, bytes.count, 0, $0, $1) }
  }
}

/// The next datagram of this length, if one has come.
private func receive<Message: BitwiseCopyable>(
  _: Message.Type, on socket: Int32, from sender: inout sockaddr_in
) -> Message? {
  withUnsafeTemporaryAllocation(byteCount: 64, alignment: MemoryLayout<Message>.alignment) { bytes in
    while true {
      let count = withSocketAddress(&sender) { recvfrom(socket, bytes.baseAddress, bytes.count, 0, $0, &$1) }
      if count < 0, errno == EINTR { continue }
      if count < 0 { return nil }
      if count == MemoryLayout<Message>.size { return bytes.load(as: Message.self) }
    }
  }
}

/// This host's addresses in the networks that it is in, in network order.
private func networkAddresses() -> [UInt32] {
  var first: UnsafeMutablePointer<ifaddrs>?
  guard getifaddrs(&first) == 0 else { return [] }
  defer { freeifaddrs(first) }
  return sequence(first: first) { $0?.pointee.ifa_next }.compactMap { entry in
    guard let address = entry?.pointee.ifa_addr, address.pointee.sa_family == sa_family_t(AF_INET) else { return nil }
    let number = address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { $0.pointee.sin_addr.s_addr }
    // 127.0.0.0/8 is this host, wherever it is asked from.
    return UInt32(bigEndian: number) >> 24 == 127 ? nil : number
  }
}
