import MPI

func checkExchanges(_ world: Communicator) throws {
  let (rank, size) = (world.rank, world.size)

  // Everybody to everybody, in equal and in unequal parts, of which some are empty.
  let parts = (0..<size).flatMap { [100 * rank + $0, -rank] }
  let expected = (0..<size).flatMap { [100 * $0 + rank, -$0] }
  try expectEqual(try world.allToAll(parts), expected)
  var received = [Int](repeating: 0, count: 2 * size)
  var receivedSpan = received.mutableSpan
  try world.allToAll(parts.span, into: &receivedSpan)
  try expectEqual(received, expected)

  let counts = (0..<size).map { (rank + 2 * $0) % 3 }
  let incoming = (0..<size).map { ($0 + 2 * rank) % 3 }
  let unequal = (0..<size).flatMap { [Float](repeating: Float(10 * rank + $0), count: counts[$0]) }
  var collected = [Float](repeating: -1, count: incoming.reduce(0, +))
  var collectedSpan = collected.mutableSpan
  try world.allToAll(unequal.span, counts: counts, into: &collectedSpan, counts: incoming)
  try expectEqual(
    collected, (0..<size).flatMap { [Float](repeating: Float(10 * $0 + rank), count: incoming[$0]) })

  // A reduction whose result is dealt out.
  let values = (0..<3 * size).map { Double($0 + rank) }
  func sum(_ index: Int) -> Double { Double(size * index + size * (size - 1) / 2) }
  var part = [0.0, 0, 0]
  var partSpan = part.mutableSpan
  try world.reduceScatter(values.span, into: &partSpan, .sum)
  try expectEqual(part, (0..<3).map { sum(3 * rank + $0) })
  let lengths = (0..<size).map { $0 % 3 }
  let start = lengths[..<rank].reduce(0, +)
  var own = [Double](repeating: -1, count: lengths[rank])
  var ownSpan = own.mutableSpan
  let total = lengths.reduce(0, +)
  try world.reduceScatter(Array(values[..<total]).span, counts: lengths, into: &ownSpan, .sum)
  try expectEqual(own, (0..<lengths[rank]).map { sum(start + $0) })
  var maps = [Affine(0)]
  var mapSpan = maps.mutableSpan
  let compose = Operation<Affine>.custom(isCommutative: false) { $0.then($1) }
  try world.reduceScatter(
    [Affine](repeating: Affine(rank), count: size).span, into: &mapSpan, compose)
  try expectEqual(maps[0], (1..<size).reduce(Affine(0)) { $0.then(Affine($1)) })

  try checkSynchronousSends(world)

  try expectError(.count) {
    var short = [Int](repeating: 0, count: 2 * size - 1)
    var span = short.mutableSpan
    try world.allToAll(parts.span, into: &span)
  }
  try expectError(.count) {
    var none: [Int] = []
    var span = none.mutableSpan
    try world.allToAll([1].span, counts: [Int](repeating: 0, count: size), into: &span, counts: [Int](repeating: 0, count: size))
  }
  try expectError(.count) {
    var short = [1.0]
    var span = short.mutableSpan
    try world.reduceScatter([Double](repeating: 1, count: size + 1).span, into: &span, .sum)
  }
}

private func checkSynchronousSends(_ world: Communicator) throws {
  let (left, right) = (world.ringNeighbor(-1), world.ringNeighbor(1))
  var number = [-1]
  if world.size > 1 {
    if world.rank % 2 == 0 { try world.sendSynchronously([world.rank].span, to: right, tag: 3) }
    try world.receive(into: &number, from: left, tag: 3)
    if world.rank % 2 == 1 { try world.sendSynchronously([world.rank].span, to: right, tag: 3) }
    // The last of an odd number of ranks sends first, and so does rank 0.
    try expectEqual(number[0], left.rank!)
  }

  // It is not complete before somebody receives it, however small it is.
  var request = try world.startSendSynchronously(Buffer(repeating: 7, count: 1), to: right, tag: 4)
  try world.barrier()
  for _ in 0..<100 { try expect(try !request.test(), "nobody has received it yet") }
  try world.barrier()
  try world.receive(into: &number, from: left, tag: 4)
  try expectEqual(number[0], 7)
  _ = try request.wait()
}

func checkStartedCollectives(_ world: Communicator) throws {
  let (rank, size) = (world.rank, world.size)
  for root in [0, size - 1] {
    let isRoot = rank == root
    let gathering = Buffer(repeating: rank, count: isRoot ? 2 * size : 2)
    let gathered = try world.startGather(gathering, root: root).wait()
    if isRoot { try expectEqual(gathered.span.array, (0..<size).flatMap { [$0, $0] }) }

    var dealing = Buffer(repeating: -1, count: isRoot ? 2 * size : 2)
    if isRoot { for index in 0..<2 * size { dealing[index] = index } }
    let dealt = try world.startScatter(dealing, root: root).wait()
    if !isRoot { try expectEqual(dealt.span.array, [2 * rank, 2 * rank + 1]) }
    if isRoot { try expectEqual(dealt.span.array, Array(0..<2 * size)) }
  }

  let all = try world.startAllGather(Buffer(repeating: Int16(rank), count: size)).wait()
  try expectEqual(all.span.array, (0..<size).map { Int16($0) })

  let parts: [Float] = (0..<size).flatMap { [Float(10 * rank + $0), 0.5] }
  let exchanging = try world.startAllToAll(Buffer(copying: parts.span))
  let barrier = try world.startBarrier()
  let exchanged = try exchanging.wait()
  try barrier.wait()
  try expectEqual(exchanged.span.array, (0..<size).flatMap { [Float(10 * $0 + rank), 0.5] as [Float] })

  // Several at once, in whatever order they complete.
  var set = RequestSet<Int>(capacity: 3)
  let sum = set.add(try world.startAllReduce(Buffer(repeating: rank, count: 1), .sum))
  let copy = set.add(try world.startBroadcast(Buffer(repeating: rank, count: 1), root: 0))
  var found: Set<Int> = []
  while let slot = try set.waitAny() { found.insert(slot) }
  try expectEqual(found, [sum, copy])
  try expectEqual(try set.wait(sum)[0], size * (size - 1) / 2)
  try expectEqual(try set.wait(copy)[0], 0)

  try expectError(.root) { _ = try world.startGather(Buffer(repeating: 1, count: 1), root: size) }
  try expectError(.root) { _ = try world.startScatter(Buffer(repeating: 1, count: 1), root: -1) }
  if size > 1 {
    try expectError(.count) { _ = try world.startAllToAll(Buffer(repeating: 1, count: size + 1)) }
  }
}
