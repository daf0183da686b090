import MPI

/// The map x -> a x + b. One after the other is associative, not commutative.
struct Affine: Transferable, Equatable {
  var a: Int32
  var b: Int64

  /// First `self`, then `next`.
  func then(_ next: Affine) -> Affine {
    Affine(a: next.a &* a, b: Int64(next.a) &* b &+ next.b)
  }

  init(a: Int32, b: Int64) { (self.a, self.b) = (a, b) }
  init(_ rank: Int) { (a, b) = (Int32(rank % 3 + 1), Int64(2 * rank + 1)) }
}

func checkOperations(_ world: Communicator) throws {
  let (rank, size) = (world.rank, world.size)

  // In the order of ranks, whatever the library's algorithm.
  let compose = Operation<Affine>.custom(isCommutative: false) { $0.then($1) }
  func composed(_ ranks: Range<Int>) -> Affine {
    ranks.dropFirst().reduce(Affine(ranks.lowerBound)) { $0.then(Affine($1)) }
  }
  try expectEqual(try world.allReduce(Affine(rank), compose), composed(0..<size))
  var many = [Affine](repeating: Affine(rank), count: 1000)
  try world.allReduce(&many, compose)
  try expect(many.allSatisfy { $0 == composed(0..<size) }, "every element is combined")
  var running = [Affine(rank)]
  var runningSpan = running.mutableSpan
  try world.inclusiveScan(&runningSpan, compose)
  try expectEqual(running, [composed(0..<rank + 1)])
  var atRoot = [Affine(rank)]
  var rootSpan = atRoot.mutableSpan
  try world.reduce(&rootSpan, compose, root: size - 1)
  if rank == size - 1 { try expectEqual(atRoot, [composed(0..<size)]) }
  // The request keeps the operation.
  func started() throws -> Request<Affine> {
    let own = Operation<Affine>.custom(isCommutative: false) { $0.then($1) }
    return try world.startAllReduce(Buffer(repeating: Affine(rank), count: 3), own)
  }
  try expectEqual(try started().wait()[2], composed(0..<size))

  // An operation on the language's own numbers.
  let gcd = Operation<Int>.custom(isCommutative: true) { a, b in
    var (a, b) = (a, b)
    while b != 0 { (a, b) = (b, a % b) }
    return a
  }
  try expectEqual(try world.allReduce(6 * (rank + 1) * 35, gcd), 210)

  // Complex numbers, whose product is not that of the parts.
  let factors = (0..<size).map { Complex(1.0, Double($0)) }
  try expectEqual(try world.allReduce(factors[rank], .product), factors.reduce(Complex(1), *))
  let single = (0..<size).map { Complex<Float>(Float($0), 1) }
  try expectEqual(try world.allReduce(single[rank], .sum), single.reduce(.zero, +))

  try checkLocations(world)

  // MPI has no sum of a struct of one's own, and says so before it is asked.
  struct Alone: Summable { var number = 1.0 }
  try expectError(.operation) { _ = try world.allReduce(Alone(), .sum) }
}

private func checkLocations(_ world: Communicator) throws {
  let (rank, size) = (world.rank, world.size)
  // Every second rank has the same value: the lowest of them is found.
  let value = Located(Double(rank % 2), at: rank)
  try expectEqual(try world.allReduce(value, .minimumLocation()), Located(0, at: 0))
  try expectEqual(
    try world.allReduce(value, .maximumLocation()), size == 1 ? Located(0, at: 0) : Located(1, at: 1))
  try expectEqual(
    try world.allReduce(Located(Int8(-rank), at: 1 << 40 + rank), .minimumLocation()),
    Located(Int8(1 - size), at: 1 << 40 + size - 1))
  let broken = Located(rank == size - 1 ? Float.nan : Float(rank), at: rank)
  for operation in [Operation<Located<Float>>.minimumLocation(), .maximumLocation()] {
    let found = try world.allReduce(broken, operation)
    try expect(found.value.isNaN && found.location == size - 1, "a NaN is found, not \(found)")
  }
}
