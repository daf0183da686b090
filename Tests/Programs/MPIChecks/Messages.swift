import MPI

/// The values that `rank` sends, different for every rank and element.
private func values<Element: Numeric>(of rank: Int, count: Int, as type: Element.Type) -> [Element] {
  (0..<count).map { Element(exactly: (rank + 1) * 7 % 11 + $0 % 5)! }
}

private func passAround<Element: Scalar & Numeric>(_ world: Communicator, _ type: Element.Type)
  throws
{
  let right = world.ringNeighbor(1)
  let left = world.ringNeighbor(-1)
  let mine = values(of: world.rank, count: 9, as: type)
  var received = [Element](repeating: 0, count: 12)
  // Even ranks speak first; with an odd number of ranks the last and the
  // first both do, which a small message allows. A rank alone would wait for
  // itself in a blocking exchange.
  if world.size == 1 { return }
  let status: Status
  if world.rank % 2 == 0 {
    try world.send(mine.span, to: right, tag: 3)
    status = try world.receive(into: &received, from: left, tag: 3)
  } else {
    status = try world.receive(into: &received, from: left, tag: 3)
    try world.send(mine.span, to: right, tag: 3)
  }
  try expectEqual(status.sender, left)
  try expectEqual(status.tag, 3)
  try expectEqual(status.count(of: type), 9)
  try expectEqual(received, values(of: left.rank!, count: 9, as: type) + [0, 0, 0])
}

func checkBlockingMessages(_ world: Communicator) throws {
  try passAround(world, Int8.self)
  try passAround(world, Int16.self)
  try passAround(world, Int32.self)
  try passAround(world, Int64.self)
  try passAround(world, Int.self)
  try passAround(world, UInt8.self)
  try passAround(world, UInt16.self)
  try passAround(world, UInt32.self)
  try passAround(world, UInt64.self)
  try passAround(world, UInt.self)
  try passAround(world, Float.self)
  try passAround(world, Double.self)

  // Any source, any tag: the message says who it is from.
  if world.rank == 0 {
    var seen = Set<Int>()
    for _ in 1..<world.size {
      var number = [0]
      let status = try world.receive(
        into: &number, from: .any, tag: .any)
      try expectEqual(number[0], status.source * 10)
      try expectEqual(status.tag, status.source)
      seen.insert(status.source)
    }
    try expectEqual(seen, Set(1..<world.size))
  } else {
    try world.send([world.rank * 10].span, to: world[0], tag: world.rank)
  }

  // Before messages that any tag would match too.
  try world.barrier()

  // Nobody: sends vanish, receives are empty and leave the buffer alone.
  try world.send([1.0].span, to: .noProcess)
  var untouched = [5.0]
  let status = try world.receive(into: &untouched, from: Peer.noProcess)
  try expectEqual(try status.count(of: Double.self), 0)
  try expectEqual(untouched, [5.0])

  // A combined send and receive goes round in one call, also to oneself.
  let right = world.ringNeighbor(1)
  let left = world.ringNeighbor(-1)
  var fromLeft: [Float] = [0, 0, 0]
  let shifted = try world.sendReceive(
    [Int32(world.rank), 8].span, to: right, tag: 4, into: &fromLeft, from: left, tag: 4)
  try expectEqual(shifted.sender, left)
  try expectEqual(try shifted.count(of: Int32.self), 2)
  try expectEqual(fromLeft[0].bitPattern, UInt32(left.rank!))

  // An empty message is a message.
  if world.size > 1 {
    let empty: [Float] = []
    if world.rank == 0 { try world.send(empty.span, to: world[1]) }
    if world.rank == 1 {
      var buffer: [Float] = [4]
      let status = try world.receive(into: &buffer, from: world[0])
      try expectEqual(try status.count(of: Float.self), 0)
    }
  }
}

func checkNonBlockingMessages(_ world: Communicator) throws {
  let right = world.ringNeighbor(1)
  let left = world.ringNeighbor(-1)

  let receive = try world.startReceive(into: Buffer(repeating: 0.0, count: 4), from: left, tag: 1)
  var send = try world.startSend(
    Buffer(copying: [Double(world.rank), 0.5, 0.25].span), to: right, tag: 1)
  var status = Status.empty
  let received = try receive.wait(&status)
  try expectEqual(received.span.array, [Double(left.rank!), 0.5, 0.25, 0])
  try expectEqual(status.sender, left)
  try expectEqual(try status.count(of: Double.self), 3)
  while try !send.test() {}
  try expect(try send.test(), "a completed request stays completed")
  let sent = try send.wait()
  try expectEqual(sent.span.array, [Double(world.rank), 0.5, 0.25])

  // test() does not wait: this message cannot arrive before it is sent.
  var early = try world.startReceive(into: Buffer(repeating: 0, count: 1), from: left, tag: 2)
  try expect(try !early.test(), "nothing has been sent yet")
  try world.barrier()
  let late = try world.startSend(Buffer(repeating: world.rank, count: 1), to: right, tag: 2)
  try expectEqual(try early.wait()[0], left.rank!)
  _ = try late.wait()

  let sum = try world.startAllReduce(
    Buffer(copying: [world.rank + 1, 1].span), .sum
  ).wait()
  try expectEqual(sum.span.array, [world.size * (world.size + 1) / 2, world.size])

  let root = world.size - 1
  let copy = try world.startBroadcast(
    Buffer(repeating: world.rank == root ? Float(2.5) : 0, count: 3), root: root
  ).wait()
  try expectEqual(copy.span.array, [2.5, 2.5, 2.5])

  var barrier = try world.startBarrier()
  while try !barrier.test() {}
  try barrier.wait()
}

func checkPersistentMessages(_ world: Communicator) throws {
  let right = world.ringNeighbor(1)
  let left = world.ringNeighbor(-1)
  var outgoing = try world.prepareSend(Buffer(repeating: 0, count: 2), to: right)
  var incoming = try world.prepareReceive(into: Buffer(repeating: 0, count: 3), from: left)
  for step in 0..<5 {
    outgoing[0] = world.rank
    outgoing[1] = step
    var receiving = try incoming.start()
    var sending = try outgoing.start()
    if step % 2 == 0 {
      while try !receiving.test() {}
      while try !sending.test() {}
    }
    var status = Status.empty
    incoming = try receiving.wait(&status)
    outgoing = try sending.wait()
    try expectEqual(incoming.span.array, [left.rank!, step, 0])
    try expectEqual(try status.count(of: Int.self), 2)
  }
  let last = try incoming.free()
  try expectEqual(last[1], 4)
  _ = try outgoing.free()
}

func checkRequestSets(_ world: Communicator) throws {
  var set = RequestSet<Int>(capacity: 2)
  try checkWaitAll(world, &set)
  try checkWaitAny(world, &set)
  try checkFailureInSet(world, &set)
}

private func checkWaitAll(_ world: Communicator, _ set: inout RequestSet<Int>) throws {
  let others = world.size
  // Everybody sends to everybody, itself included; wait for all together.
  var receives: [Int] = []
  for source in 0..<others {
    receives.append(
      set.add(try world.startReceive(into: Buffer(repeating: -1, count: 2), from: world[source])))
  }
  var sends: [Int] = []
  for destination in 0..<others {
    let buffer = Buffer(repeating: 100 * world.rank + destination, count: 1)
    sends.append(set.add(try world.startSend(buffer, to: world[destination])))
  }
  try expectEqual(receives + sends, Array(0..<2 * others))
  try set.waitAll()
  for source in 0..<others {
    var status = Status.empty
    let buffer = try set.wait(receives[source], &status)
    try expectEqual(buffer.span.array, [100 * source + world.rank, -1])
    try expectEqual(status.source, source)
    try expectEqual(try status.count(of: Int.self), 1)
  }
  for slot in sends { _ = try set.wait(slot) }
  let none = try set.waitAny()
  try expectEqual(none, nil)
}

/// The slots are free again; wait for any, in whatever order they complete.
private func checkWaitAny(_ world: Communicator, _ set: inout RequestSet<Int>) throws {
  let others = world.size
  for source in 0..<others {
    _ = set.add(
      try world.startReceive(into: Buffer(repeating: -1, count: 1), from: world[source], tag: source))
  }
  try world.barrier()
  for destination in 0..<others {
    try world.send([world.rank].span, to: world[destination], tag: world.rank)
  }
  var seen = Set<Int>()
  while let slot = try set.waitAny() {
    var status = Status.empty
    let buffer = try set.wait(slot, &status)
    try expectEqual(buffer[0], slot)
    try expectEqual(status.tag, slot)
    try expect(seen.insert(slot).inserted, "slot \(slot) was reported twice")
  }
  try expectEqual(seen, Set(0..<others))
  for slot in [0, 99, -1] {
    try expectError(.request) { _ = try set.wait(slot) }
  }
}

/// One truncated message among good ones: its error, and the others' buffers.
private func checkFailureInSet(_ world: Communicator, _ set: inout RequestSet<Int>) throws {
  let right = world.ringNeighbor(1)
  let left = world.ringNeighbor(-1)
  var outgoing = RequestSet<Int>(capacity: 2)
  for tag in 0..<2 {
    _ = outgoing.add(try world.startSend(Buffer(repeating: 5, count: 3), to: right, tag: tag))
  }
  try world.barrier()
  let short = set.add(
    try world.startReceive(into: Buffer(repeating: 0, count: 1), from: left, tag: 0))
  let good = set.add(
    try world.startReceive(into: Buffer(repeating: 0, count: 3), from: left, tag: 1))
  do {
    try set.waitAll()
    throw CheckFailure(description: "a truncated message was not noticed")
  } catch let error as MPIError {
    try expectEqual(error.errorClass, .truncated)
    try expectEqual(error.subject, "slot \(short)")
  }
  let received = try set.wait(good)
  try expectEqual(received.span.array, [5, 5, 5])
  try expectError(.truncated) { _ = try set.wait(short) }
  try expectError(.request) { _ = try set.wait(short) }
  try outgoing.waitAll()
}

func checkProbes(_ world: Communicator) throws {
  let right = world.ringNeighbor(1)
  let left = world.ringNeighbor(-1)
  let text = Array("rank \(world.rank) says \(String(repeating: "hi ", count: world.rank))".utf8)

  // The length is known before there is a buffer.
  let send = try world.startSend(Buffer(copying: text.span), to: right, tag: 6)
  let message = try world.probe(from: left, tag: 6)
  try expectEqual(message.status.sender, left)
  let received = String(decoding: try message.receive(UInt8.self), as: UTF8.self)
  try expectEqual(
    received, "rank \(left.rank!) says \(String(repeating: "hi ", count: left.rank!))")
  _ = try send.wait()

  // A message set aside is not taken by another receive.
  try world.barrier()
  let first = try world.startSend(Buffer(repeating: 1.5, count: 1), to: right, tag: 7)
  let second = try world.startSend(Buffer(repeating: 2.5, count: 1), to: right, tag: 7)
  let setAside = try world.probe(from: .any, tag: 7)
  var later = [0.0]
  try world.receive(into: &later, from: left, tag: 7)
  try expectEqual(later, [2.5])
  var earlier = [0.0]
  var span = earlier.mutableSpan
  try setAside.receive(into: &span)
  try expectEqual(earlier, [1.5])
  _ = try first.wait()
  _ = try second.wait()

  try world.barrier()
  if let unexpected = try world.probeIfArrived(from: left, tag: 8) {
    throw CheckFailure(description: "a message from \(unexpected.status.source) that nobody sent")
  }
  try world.barrier()
  let expected = try world.startSend(Buffer<Int8>(repeating: 3, count: 1), to: right, tag: 8)
  while true {
    if let arrived = try world.probeIfArrived(from: left, tag: 8) {
      try expectEqual(try arrived.receive(Int8.self), [3])
      break
    }
  }
  _ = try expected.wait()

  // Three bytes are no whole number of doubles.
  let bytes = try world.startSend(Buffer<UInt8>(repeating: 0, count: 3), to: right, tag: 9)
  let odd = try world.probe(from: left, tag: 9)
  try expectEqual(try odd.status.count(of: Double.self), nil)
  _ = try odd.receive(UInt8.self)
  _ = try bytes.wait()
}
