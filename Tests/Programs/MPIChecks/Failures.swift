import MPI

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// What once broke, or went unnoticed.
func checkFailures(_ world: Communicator) throws {
  try checkNumbers(world)
  try checkAbsentNeighbor(world)
  try checkFailedTest(world)
  try checkOverrun(world)
  try checkFailedSet(world)
  try checkEndedScopes(world)
  try checkLeftOut(world)
  try checkDroppedPersistent(world)
  try world.barrier()
}

/// Numbers that do not fit into MPI's are refused, not cut.
private func checkNumbers(_ world: Communicator) throws {
  let own = try world[world.rank]
  for tag in [1 << 40, 1 << 41, Int.max, Int.min, -1, 1 << 31] {
    var one = [1.0]
    try expectError(.tag) { try world.send(one.span, to: own, tag: tag) }
    try expectError(.tag) { try world.sendSynchronously(one.span, to: own, tag: tag) }
    try expectError(.tag) { try world.receive(into: &one, from: own, tag: tag) }
    try expectError(.tag) { try world.sendReceive([1].span, to: own, tag: tag, into: &one, from: own) }
    try expectError(.tag) { try world.sendReceive([1].span, to: own, tag: 0, into: &one, from: own, tag: tag) }
    try expectError(.tag) { _ = try world.startSend(Buffer(repeating: 1, count: 1), to: own, tag: tag) }
    try expectError(.tag) { _ = try world.startReceive(into: Buffer(repeating: 1, count: 1), from: own, tag: tag) }
    try expectError(.tag) { _ = try world.prepareSend(Buffer(repeating: 1, count: 1), to: own, tag: tag) }
    try expectError(.tag) { _ = try world.prepareReceive(into: Buffer(repeating: 1, count: 1), from: own, tag: tag) }
    try expectError(.tag) { _ = try world.probe(from: own, tag: tag) }
    try expectError(.tag) { _ = try world.probeIfArrived(from: own, tag: tag) }
  }
  for number in [1 << 40, Int.min, -(1 << 31) - 1] {
    try expectError(.argument) { try world.withSplit(color: 0, key: number) { _ in } }
    try expectError(.argument) { try world.withSplit(into: .color(number), key: 0) { _ in } }
  }
  for rank in [-1, -2, -3, world.size, 1 << 32, Int.min, Int.max] {
    try expectError(.rank) { _ = try world[rank] }
    try expectError(.root) {
      try world.barrier(); var one = [1]; try world.broadcast(&one, root: rank)
    }
  }
  // A peer of a larger communicator is none of this one.
  try world.withSplit(color: world.rank) { alone in
    if world.size > 1 {
      let stranger = try world[world.size - 1]
      try expectError(.rank) { try alone.send([1].span, to: stranger) }
      var one = [1]
      try expectError(.rank) { try alone.receive(into: &one, from: stranger) }
    }
  }
}

/// At the end of a row there is no one to receive from, although others send.
private func checkAbsentNeighbor(_ world: Communicator) throws {
  let (left, right) = (world.neighbor(-1), world.neighbor(1))
  try expectEqual(left.rank, world.rank == 0 ? nil : world.rank - 1)
  try expectEqual(right.rank, world.rank == world.size - 1 ? nil : world.rank + 1)
  try expectEqual(world.neighbor(Int.max), .noProcess)
  try expectEqual(world.ringNeighbor(Int.max).rank, (world.rank + Int.max % world.size) % world.size)
  // A stranger's message is there before rank 0 asks for one from its left.
  let stranger = try world.startSend(Buffer(repeating: 77, count: 1), to: world[0])
  try world.barrier()
  var number = [-1]
  if world.rank == 0 {
    let status = try world.receive(into: &number, from: left)
    try expectEqual(number, [-1])
    try expectEqual(status.sender, .noProcess)
    try expectEqual(status.source, -1)
    try expectEqual(try status.count(of: Int.self), 0)
    for _ in 0..<world.size { try world.receive(into: &number, from: .any) }
    try expectEqual(number, [77])
  }
  _ = try stranger.wait()
}

/// A failure that `test` has found is not forgotten.
private func checkFailedTest(_ world: Communicator) throws {
  let (left, right) = (world.ringNeighbor(-1), world.ringNeighbor(1))
  let send = try world.startSend(Buffer(repeating: 7, count: 5), to: right)
  try world.barrier()
  var short: Request<Int>? = try world.startReceive(into: Buffer(repeating: 0, count: 2), from: left)
  try expectError(.truncated) { while try short?.test() == false {} }
  try expectError(.truncated) { _ = try short?.test() }
  try expectError(.truncated) { _ = try short.take()!.wait() }
  _ = try send.wait()

  let again = try world.startSend(Buffer(repeating: 7, count: 5), to: right)
  try world.barrier()
  let bound = try world.prepareReceive(into: Buffer(repeating: 0, count: 2), from: left)
  var started: StartedRequest<Int>? = try bound.start()
  try expectError(.truncated) { while try started?.test() == false {} }
  try expectError(.truncated) { _ = try started.take()!.wait() }
  _ = try again.wait()
}

/// A message that is too long is not written beyond its buffer.
private func checkOverrun(_ world: Communicator) throws {
  let (left, right) = (world.ringNeighbor(-1), world.ringNeighbor(1))
  for length in [100, 10_000, 1 << 20] {
    let send = try world.startSend(Buffer<UInt8>(repeating: 7, count: length), to: right)
    try world.barrier()
    var memory = [UInt8](repeating: 1, count: length)
    try expectError(.truncated) {
      try memory.withUnsafeMutableBufferPointer { memory in
        var part = UnsafeMutableBufferPointer(rebasing: memory[..<10]).mutableSpan
        try world.receive(into: &part, from: left)
      }
    }
    let behind = [UInt8](repeating: 1, count: length - 10)
    try expect(Array(memory[10...]) == behind, "\(length) bytes went beyond the buffer")
    _ = try send.wait()
  }
}

/// A set says which of its requests failed, and goes on with the others.
private func checkFailedSet(_ world: Communicator) throws {
  let (left, right) = (world.ringNeighbor(-1), world.ringNeighbor(1))
  var set = RequestSet<Int>(capacity: 3)
  var sends = RequestSet<Int>(capacity: 3)
  for tag in 0..<3 { _ = sends.add(try world.startSend(Buffer(repeating: tag, count: 3), to: right, tag: tag)) }
  try world.barrier()
  for tag in 0..<3 {
    _ = set.add(try world.startReceive(into: Buffer(repeating: 0, count: tag == 1 ? 1 : 3), from: left, tag: tag))
  }
  var seen: Set<Int> = []
  while let slot = try set.waitAny() {
    seen.insert(slot)
    if slot == 1 {
      try expectError(.truncated) { _ = try set.wait(slot) }
    } else {
      try expectEqual(try set.wait(slot)[2], slot)
    }
  }
  try expectEqual(seen, [0, 1, 2])
  try sends.waitAll()
}

/// After its scope nothing can be done with a communicator or a request of it.
private func checkEndedScopes(_ world: Communicator) throws {
  var kept: PersistentRequest<Int>?
  let ended = try world.withDuplicate { copy in
    kept = try copy.prepareReceive(into: Buffer(repeating: 0, count: 4), from: .any)
    return copy
  }
  let own = try world[world.rank]
  var one = [1]
  try expectError(.communicator) { _ = try kept.take()!.start() }
  try expectError(.communicator) { try ended.send([1].span, to: own) }
  try expectError(.communicator) { try ended.receive(into: &one, from: own) }
  try expectError(.communicator) { try ended.sendReceive([1].span, to: own, into: &one, from: own) }
  try expectError(.communicator) { _ = try ended.startSend(Buffer(repeating: 1, count: 1), to: own) }
  try expectError(.communicator) { _ = try ended.startReceive(into: Buffer(repeating: 1, count: 1), from: own) }
  try expectError(.communicator) { _ = try ended.prepareSend(Buffer(repeating: 1, count: 1), to: own) }
  try expectError(.communicator) { _ = try ended.prepareReceive(into: Buffer(repeating: 1, count: 1), from: own) }
  try expectError(.communicator) { _ = try ended.probe(from: own) }
  try expectError(.communicator) { _ = try ended.probeIfArrived(from: own) }
  try expectError(.communicator) { try ended.barrier() }
  try expectError(.communicator) { _ = try ended.startBarrier() }
  try expectError(.communicator) { try ended.broadcast(&one, root: 0) }
  try expectError(.communicator) { _ = try ended.startBroadcast(Buffer(repeating: 1, count: 1), root: 0) }
  try expectError(.communicator) { try ended.allReduce(&one, .sum) }
  try expectError(.communicator) { _ = try ended.startAllReduce(Buffer(repeating: 1, count: 1), .sum) }
  try expectError(.communicator) { _ = try ended.allGather([1]) }
  try expectError(.communicator) { _ = try ended.allToAll([Int](repeating: 0, count: world.size)) }
  try expectError(.communicator) { try ended.withDuplicate { _ in } }
  try expectError(.communicator) { try ended.withSplit(color: 0) { _ in } }
  try expectError(.communicator) { try ended.withNode { _ in } }
  try expectError(.communicator) { try ended.withGrid([world.size], isPeriodic: [true]) { _ in } }
  try expectError(.communicator) { try ended.withFile(at: "nowhere", .read) { _ in } }
  try expectEqual(ended.numberInJob(of: 0), 0)
}

/// Ranks that join no group take part in the split only.
private func checkLeftOut(_ world: Communicator) throws {
  let isIn = world.rank % 2 == 0
  let size = try world.withSplit(into: isIn ? .color(3) : .leftOut) { part in
    try part.allReduce(1, .sum)
  }
  try expectEqual(size, isIn ? (world.size + 1) / 2 : nil)
}

/// A persistent request that is dropped at rest, or has failed, is freed with
/// its buffer.
private func checkDroppedPersistent(_ world: Communicator) throws {
  let (left, right) = (world.ringNeighbor(-1), world.ringNeighbor(1))
  let megabyte = 1 << 20
  func dropAndFail(_ turns: Int) throws {
    for _ in 0..<turns {
      _ = try world.prepareSend(Buffer<UInt8>(repeating: 1, count: megabyte), to: right)
      _ = try world.prepareReceive(into: Buffer<UInt8>(repeating: 1, count: megabyte), from: left)
      let send = try world.startSend(Buffer<UInt8>(repeating: 1, count: megabyte + 1), to: right)
      try world.barrier()
      try expectError(.truncated) {
        let failing = try world.prepareReceive(into: Buffer<UInt8>(repeating: 1, count: megabyte), from: left)
        _ = try failing.start().wait()
      }
      _ = try send.wait()
    }
  }
  try dropAndFail(3)
  let before = residentBytes()
  try dropAndFail(30)
  let grown = residentBytes() - before
  // Not freed, it would be 90 MB.
  try expect(grown < 20 * megabyte, "30 turns have left \(grown >> 20) MB")
}

private func residentBytes() -> Int {
  guard let file = fopen("/proc/self/statm", "r") else { return 0 }
  defer { fclose(file) }
  var line = [CChar](repeating: 0, count: 200)
  guard fgets(&line, 200, file) != nil else { return 0 }
  let words = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self).split(separator: " ")
  return (Int(words[1]) ?? 0) * Int(sysconf(Int32(_SC_PAGESIZE)))
}
