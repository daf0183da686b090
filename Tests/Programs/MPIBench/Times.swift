import CMPIBench
import MPI

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// One size of message: seconds of one call in C and in Swift.
struct Comparison {
  let bytes: Int
  let secondsInC: Double
  let secondsInSwift: Double
  var ratio: Double { secondsInSwift / secondsInC }
}

func printTimes(_ world: Communicator) throws {
  let sizes = (3...22).map { 1 << $0 }
  for (name, measure) in [("ping-pong", comparePingPong), ("all-reduce", compareAllReduce)] {
    if world.rank == 0 {
      print("\(name) on \(world.size) ranks\n     bytes       C [us]   Swift [us]  ratio")
    }
    var ratios: [Double] = []
    for bytes in sizes {
      let comparison = try measure(world, bytes)
      ratios.append(comparison.ratio)
      if world.rank == 0 {
        print(
          padded("\(bytes)", 10), padded(rounded(comparison.secondsInC * 1e6, 3), 12),
          padded(rounded(comparison.secondsInSwift * 1e6, 3), 12),
          padded(rounded(comparison.ratio, 3), 6))
      }
    }
    if world.rank == 0 {
      print("median ratio \(rounded(median(ratios), 3)), largest \(rounded(ratios.max()!, 3))\n")
    }
  }
}

/// Half a round trip of `bytes` bytes.
private func comparePingPong(_ world: Communicator, bytes: Int) throws -> Comparison {
  var buffer = [UInt8](repeating: 1, count: bytes)
  let comparison = try compare(
    world, bytes,
    inC: { repeats in
      buffer.withUnsafeMutableBufferPointer {
        bench_ping_pong($0.baseAddress, Int32(bytes), Int32(repeats))
      }
    },
    inSwift: { repeats in
      var span = buffer.mutableSpan
      return try pingPong(world, &span, repeats: repeats)
    })
  return Comparison(
    bytes: bytes, secondsInC: comparison.secondsInC / 2,
    secondsInSwift: comparison.secondsInSwift / 2)
}

private func compareAllReduce(_ world: Communicator, bytes: Int) throws -> Comparison {
  let count = bytes / MemoryLayout<Double>.stride
  var buffer = [Double](repeating: 0, count: count)
  return try compare(
    world, bytes,
    inC: { repeats in
      buffer.withUnsafeMutableBufferPointer {
        bench_all_reduce($0.baseAddress, Int32(count), Int32(repeats))
      }
    },
    inSwift: { repeats in
      var span = buffer.mutableSpan
      return try allReduce(world, &span, repeats: repeats)
    })
}

/// Both loops in turn, in many runs of about 0.4 ms.
///
/// The time of a loop is that of its fastest tenth: other work on the machine
/// makes runs slower, never faster, and may meet one loop more than the other.
private func compare(
  _ world: Communicator, _ bytes: Int, inC: (Int) -> Double, inSwift: (Int) throws -> Double
) throws -> Comparison {
  let runs = 200
  _ = try inSwift(10)
  let estimate = try world.allReduce(inC(10), .maximum) / 10
  let repeats = max(2, Int(0.0004 / estimate))
  var timesInC: [Double] = []
  var timesInSwift: [Double] = []
  for _ in 0..<runs {
    timesInC.append(inC(repeats))
    timesInSwift.append(try inSwift(repeats))
  }
  return Comparison(
    bytes: bytes, secondsInC: quantile(timesInC, 0.1) / Double(repeats),
    secondsInSwift: quantile(timesInSwift, 0.1) / Double(repeats))
}

func quantile(_ values: [Double], _ fraction: Double) -> Double {
  values.sorted()[Int(Double(values.count - 1) * fraction)]
}

func median(_ values: [Double]) -> Double { quantile(values, 0.5) }

func rounded(_ value: Double, _ digits: Int) -> String {
  let unit = pow(10, Double(digits))
  let whole = (value * unit).rounded()
  let fraction = String(Int(whole) % Int(unit))
  return "\(Int(whole) / Int(unit))." + String(repeating: "0", count: digits - fraction.count)
    + fraction
}

func padded(_ text: String, _ width: Int) -> String {
  String(repeating: " ", count: max(0, width - text.count)) + text
}

func exitProgram(_ code: Int32) -> Never { exit(code) }
