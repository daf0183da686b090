import MPI

/// Prints the bits of sums over numbers that do not depend on the number of
/// ranks but are dealt out to all of them.
func printExactSums(_ world: Communicator) throws {
  let numbers = spreadNumbers(count: 10_000)
  let mine = stride(from: world.rank, to: numbers.count, by: world.size).map { numbers[$0] }
  let exact = try world.exactSum(of: mine.span)
  let withInfinity = try world.exactSum(
    of: (world.rank == 0 ? mine + [.infinity] : mine).span)
  let ordinary = try world.allReduce(mine.reduce(0, +), .sum)
  if world.rank == 0 {
    print("exact \(String(exact.bitPattern, radix: 16))")
    print("infinite \(withInfinity)")
    print("ordinary \(String(ordinary.bitPattern, radix: 16))")
  }
}

/// Numbers of both signs over 80 orders of magnitude, from a linear
/// congruential generator (Knuth's constants for MMIX).
private func spreadNumbers(count: Int) -> [Double] {
  var state: UInt64 = 1
  return (0..<count).map { _ in
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    let exponent = Int(state >> 56) - 128
    let significand = Double(Int64(bitPattern: state << 8) >> 11)
    return Double(sign: .plus, exponent: exponent, significand: significand)
  }
}
