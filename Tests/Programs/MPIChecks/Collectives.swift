import MPI

func checkCollectives(_ world: Communicator) throws {
  let size = world.size
  let rank = world.rank
  try world.barrier()

  for root in 0..<size {
    var text = Array((rank == root ? "grüße" : "-------").utf8)
    try world.broadcast(&text, root: root)
    try expectEqual(String(decoding: text, as: UTF8.self), "grüße")

    let parts = try world.gather([Float(rank), Float(rank) + 0.5], root: root)
    let expected = (0..<size).flatMap { [Float($0), Float($0) + 0.5] }
    try expectEqual(parts, rank == root ? expected : [])

    try checkUnequalParts(world, root: root)

    let whole = rank == root ? (0..<2 * size).map { Int32($0) } : []
    var part: [Int32] = [-1, -1]
    var partSpan = part.mutableSpan
    try world.scatter(whole.span, into: &partSpan, root: root)
    try expectEqual(part, [Int32(2 * rank), Int32(2 * rank + 1)])

    var sum = [rank, 1]
    var sumSpan = sum.mutableSpan
    try world.reduce(&sumSpan, .sum, root: root)
    try expectEqual(sum, rank == root ? [size * (size - 1) / 2, size] : [rank, 1])

    var largest = [-1.0]
    var largestSpan = largest.mutableSpan
    try world.reduce([Double(rank)].span, into: &largestSpan, .maximum, root: root)
    try expectEqual(largest, rank == root ? [Double(size - 1)] : [-1])
  }

  try expectEqual(
    try world.allGather([Int16(rank), Int16(-rank)]),
    (0..<size).flatMap { [Int16($0), Int16(-$0)] })

  var places = [Double](repeating: -1, count: 2 * size)
  places[2 * rank] = Double(rank)
  places[2 * rank + 1] = 0.5
  var placesSpan = places.mutableSpan
  try world.allGather(inPlace: &placesSpan)
  try expectEqual(places, (0..<size).flatMap { [Double($0), 0.5] })

  try checkScans(world)
  try checkReductions(world, Int8.self)
  try checkReductions(world, Int16.self)
  try checkReductions(world, Int32.self)
  try checkReductions(world, Int64.self)
  try checkReductions(world, Int.self)
  try checkReductions(world, UInt8.self)
  try checkReductions(world, UInt16.self)
  try checkReductions(world, UInt32.self)
  try checkReductions(world, UInt64.self)
  try checkReductions(world, UInt.self)
  try checkReductions(world, Float.self)
  try checkReductions(world, Double.self)
  try checkBitwiseReductions(world)

  var none: [Double] = []
  try world.allReduce(&none, .sum)
  try world.broadcast(&none, root: 0)
}

/// Rank r has 2 r elements, so that the parts differ and one is empty.
private func checkUnequalParts(_ world: Communicator, root: Int) throws {
  let counts = (0..<world.size).map { 2 * $0 }
  let part = [Int](repeating: world.rank, count: counts[world.rank])
  let expected = counts.indices.flatMap { [Int](repeating: $0, count: counts[$0]) }

  var all = [Int](repeating: -1, count: world.rank == root ? expected.count : 0)
  var allSpan = all.mutableSpan
  try world.gather(part.span, counts: counts, into: &allSpan, root: root)
  try expectEqual(all, world.rank == root ? expected : [])

  var everywhere = [Int](repeating: -1, count: expected.count)
  var everywhereSpan = everywhere.mutableSpan
  try world.allGather(part.span, counts: counts, into: &everywhereSpan)
  try expectEqual(everywhere, expected)

  var dealt = [Int](repeating: -1, count: counts[world.rank])
  var dealtSpan = dealt.mutableSpan
  try world.scatter(all.span, counts: counts, into: &dealtSpan, root: root)
  try expectEqual(dealt, part)
}

private func checkScans(_ world: Communicator) throws {
  var running = [world.rank + 1, 2]
  var runningSpan = running.mutableSpan
  try world.inclusiveScan(&runningSpan, .sum)
  try expectEqual(running, [(world.rank + 1) * (world.rank + 2) / 2, 2 * (world.rank + 1)])

  // Where a rank's part of a long array begins.
  var offset = [Int64(10 * world.rank + 3)]
  var offsetSpan = offset.mutableSpan
  try world.exclusiveScan(&offsetSpan, .sum)
  let expected = (0..<world.rank).reduce(0) { $0 + 10 * $1 + 3 }
  try expectEqual(offset, [world.rank == 0 ? 3 : Int64(expected)])
}

private func checkReductions<Element: Scalar & Numeric>(
  _ world: Communicator, _ type: Element.Type
) throws {
  func number(_ value: Int) -> Element { Element(exactly: value)! }
  let size = world.size
  var values = [number(world.rank + 1), 1, 3]
  try world.allReduce(&values, .sum)
  try expectEqual(values, [number(size * (size + 1) / 2), number(size), number(3 * size)])

  let factor = world.rank == 0 ? number(3) : number(1)
  try expectEqual(try world.allReduce(factor, .product), 3)
  try expectEqual(try world.allReduce(number(world.rank + 4), .minimum), 4)

  let mine = [number(world.rank), number(size - world.rank)]
  var largest: [Element] = [0, 0]
  var span = largest.mutableSpan
  try world.allReduce(mine.span, into: &span, .maximum)
  try expectEqual(largest, [number(size - 1), number(size)])
  try expectEqual(mine, [number(world.rank), number(size - world.rank)])
}

private func checkBitwiseReductions(_ world: Communicator) throws {
  let bit = UInt64(1) << UInt64(world.rank)
  let all = (UInt64(1) << UInt64(world.size)) - 1
  try expectEqual(try world.allReduce(bit, .bitwiseOr), all)
  try expectEqual(try world.allReduce(~bit, .bitwiseAnd), ~all)
  try expectEqual(
    try world.allReduce(bit | 1 << 60, .bitwiseXor), all | (world.size % 2 == 1 ? 1 << 60 : 0))
}
