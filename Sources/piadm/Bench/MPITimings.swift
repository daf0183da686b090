import CMPIBench
import MPI

/// The time of one exchange of a size, in Swift and in C.
struct ExchangeTime: Encodable {
  let bytes: Int
  /// Seconds in Swift: one way of a ping-pong, one all-reduce.
  let seconds: Double
  /// Seconds of the same in C.
  let secondsC: Double

  var ratio: Double { seconds / secondsC }
}

/// What the Swift layer adds, over all sizes of an exchange: ratios of times,
/// Swift to C.
struct RatioSummary: Encodable {
  let median: Double
  let largest: Double

  /// - Precondition: there is at least one time.
  init(_ times: [ExchangeTime]) {
    let ratios = times.map(\.ratio).sorted()
    let middle = ratios.count / 2
    median = ratios.count % 2 == 1 ? ratios[middle] : (ratios[middle - 1] + ratios[middle]) / 2
    largest = ratios.last!
  }
}

/// Measures exchanges of the ranks of a job. Collective.
struct MPITimings {
  /// The world: the loops in C know no other communicator.
  let world: Communicator
  /// Time to measure each size for.
  let secondsPerSize: Double

  /// 8 B to 4 MiB.
  static let sizes = (3...22).map { 1 << $0 }

  /// Half a round trip of `bytes` bytes between ranks 0 and 1.
  func pingPong(bytes: Int) throws -> ExchangeTime {
    var buffer = [UInt8](repeating: 1, count: bytes)
    let roundTrip = try compare(
      bytes: bytes,
      swift: { repeats in
        var span = buffer.mutableSpan
        return try pingPongSeconds(world, &span, repeats: repeats)
      },
      c: { bench_ping_pong(&buffer, Int32(bytes), Int32($0)) })
    return ExchangeTime(
      bytes: bytes, seconds: roundTrip.seconds / 2, secondsC: roundTrip.secondsC / 2)
  }

  /// A sum over all ranks of `bytes` bytes of double precision, in place.
  func allReduce(bytes: Int) throws -> ExchangeTime {
    var buffer = [Double](repeating: 0, count: bytes / MemoryLayout<Double>.stride)
    return try compare(
      bytes: bytes,
      swift: { repeats in
        var span = buffer.mutableSpan
        return try allReduceSeconds(world, &span, repeats: repeats)
      },
      c: { bench_all_reduce(&buffer, Int32(buffer.count), Int32($0)) })
  }

  /// Both loops in turn, in many runs of 0.4 ms or a little more.
  ///
  /// The time of a loop is that of its fastest tenth: other work on the machine
  /// makes runs slower, never faster, and may meet one loop more than the other.
  private func compare(
    bytes: Int, swift: (_ repeats: Int) throws -> Double, c: (_ repeats: Int) -> Double
  ) throws -> ExchangeTime {
    // The first exchanges of a size open connections and map memory.
    _ = try swift(2)
    var repeats = 1
    var runSeconds = 0.0
    while runSeconds < 0.0004 {
      repeats *= 2
      runSeconds = try world.allReduce(c(repeats), .maximum)
    }
    let runs = max(3, Int(secondsPerSize / (2 * runSeconds)))
    var times: [Double] = []
    var timesC: [Double] = []
    for _ in 0..<runs {
      timesC.append(c(repeats) / Double(repeats))
      times.append(try swift(repeats) / Double(repeats))
    }
    return ExchangeTime(
      bytes: bytes, seconds: fastestTenth(times), secondsC: fastestTenth(timesC))
  }

  private func fastestTenth(_ times: [Double]) -> Double { times.sorted()[(times.count - 1) / 10] }
}

/// `bench_ping_pong` in Swift.
private func pingPongSeconds(
  _ world: Communicator, _ buffer: inout MutableSpan<UInt8>, repeats: Int
) throws -> Double {
  try world.barrier()
  let start = world.wallTime
  for _ in 0..<repeats {
    if world.rank == 0 {
      try world.send(buffer.span, to: world[1])
      try world.receive(into: &buffer, from: world[1])
    } else if world.rank == 1 {
      try world.receive(into: &buffer, from: world[0])
      try world.send(buffer.span, to: world[0])
    }
  }
  return world.wallTime - start
}

/// `bench_all_reduce` in Swift.
private func allReduceSeconds(
  _ world: Communicator, _ buffer: inout MutableSpan<Double>, repeats: Int
) throws -> Double {
  try world.barrier()
  let start = world.wallTime
  for _ in 0..<repeats {
    try world.allReduce(&buffer, .sum)
  }
  return world.wallTime - start
}
