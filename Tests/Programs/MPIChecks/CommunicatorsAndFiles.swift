import MPI

func checkCommunicators(_ world: Communicator) throws {
  try expect(world.rank >= 0 && world.rank < world.size, "rank \(world.rank) of \(world.size)")
  try expect(!world.processorName.isEmpty, "the host has a name")
  try expect(Library.standard.major >= 3, "MPI 3 or later")
  let start = world.wallTime
  while world.wallTime == start {}
  try expect(world.wallTime > start, "time passes")

  // Even and odd ranks, numbered backwards.
  let color = world.rank % 2
  let members = (0..<world.size).filter { $0 % 2 == color }
  let kept = try world.withSplit(color: color, key: -world.rank) { part in
    try expectEqual(part.size, members.count)
    try expectEqual(members[part.size - 1 - part.rank], world.rank)
    try expectEqual(try part.allReduce(world.rank, .sum), members.reduce(0, +))
    return part
  }
  try expectError(.communicator) { try kept.barrier() }
  try expectError(.communicator) { try kept.send([1].span, to: world[0]) }

  // Messages of a duplicate do not match those of the original.
  try world.withDuplicate { copy in
    try expectEqual(copy.rank, world.rank)
    try expectEqual(copy.size, world.size)
    let inCopy = try copy.startReceive(into: Buffer(repeating: 0, count: 1), from: copy[world.rank])
    let inWorld = try world.startReceive(into: Buffer(repeating: 0, count: 1), from: copy[world.rank])
    try world.send([1].span, to: world[world.rank])
    try copy.send([2].span, to: copy[world.rank])
    try expectEqual(try inCopy.wait()[0], 2)
    try expectEqual(try inWorld.wait()[0], 1)
  }
}

func checkFiles(_ world: Communicator) throws {
  let path = try scratchPath(world)
  let mine = (0..<3).map { Double(world.rank * 3 + $0) }
  let stride = MemoryLayout<Double>.stride

  try world.withFile(at: path, [.create, .write], hints: ["cb_nodes": "1"]) { file in
    try file.setSize(0)
    try file.writeAll(mine.span, at: world.rank * 3 * stride)
    try file.sync()
  }
  try world.withFile(at: path, .readWrite) { file in
    try expectEqual(try file.size(), world.size * 3 * stride)
    var left = [0.0, 0, 0]
    let other = (world.rank + 1) % world.size
    var span = left.mutableSpan
    try expectEqual(try file.readAll(into: &span, at: other * 3 * stride), 3)
    try expectEqual(left, (0..<3).map { Double(other * 3 + $0) })
    try world.barrier()

    // One rank alone; then everybody sees it, and the end of the file.
    if world.rank == world.size - 1 { try file.write([-1.0].span, at: 0) }
    try file.sync()
    try world.barrier()
    try file.sync()
    var first = [0.0]
    var firstSpan = first.mutableSpan
    try expectEqual(try file.read(into: &firstSpan, at: 0), 1)
    try expectEqual(first, [-1.0])
    var tail = [0.0, 7.0]
    var tailSpan = tail.mutableSpan
    let end = (world.size * 3 - 1) * stride
    try expectEqual(try file.read(into: &tailSpan, at: end), 1)
    try expectEqual(tail[1], 7.0)
    try world.barrier()
    try file.setSize(stride)
    try expectEqual(try file.size(), stride)
  }

  try checkOwnTypesAndTornFiles(world, path)

  let closed = try world.withFile(at: path, .read) { $0 }
  var one = [1.0]
  var oneSpan = one.mutableSpan
  try expectError(.file) { _ = try closed.size() }
  try expectError(.file) { try closed.setSize(8) }
  try expectError(.file) { try closed.sync() }
  try expectError(.file) { try closed.write([1.0].span, at: 0) }
  try expectError(.file) { try closed.writeAll([1.0].span, at: 0) }
  do {
    _ = try closed.read(into: &oneSpan, at: 0)
    throw CheckFailure(description: "a file whose scope has ended was read")
  } catch let error as MPIError {
    try expectEqual(error.errorClass, .file)
  }

  try world.barrier()
  if world.rank == 0 { try world.deleteFile(at: path) }
  try world.barrier()
  try expectError(.noSuchFile) { try world.withFile(at: path, .read) { _ in } }
  try expectError(.noSuchFile) { try world.deleteFile(at: path + ".other") }
  do {
    try world.withFile(at: path, .read) { _ in }
  } catch {
    try expect("\(error)".contains(path), "\(error) names the file")
  }
}

private func checkOwnTypesAndTornFiles(_ world: Communicator, _ path: String) throws {
  // Structs lie in a file without their padding: 77 of 128 bytes.
  let size = 77
  let mine = (0..<3).map { Particle(3 * world.rank + $0) }
  try world.withFile(at: path, .readWrite) { file in
    try file.writeAll(mine.span, at: 3 * size * world.rank)
    try file.sync()
    try world.barrier()
    try file.sync()
    try expectEqual(try file.size(), 3 * size * world.size)
    var all = [Particle](repeating: Particle(90), count: 3 * world.size)
    var span = all.mutableSpan
    try expectEqual(try file.readAll(into: &span, at: 0), 3 * world.size)
    try expectEqual(all, (0..<3 * world.size).map { Particle($0) })
    try world.barrier()

    // A file that ends within an element is not merely a shorter one.
    try file.setSize(20)
    func read(_ count: Int, at offset: Int, isCollective: Bool) throws -> Int {
      var numbers = [Double](repeating: 0, count: count)
      var span = numbers.mutableSpan
      return isCollective
        ? try file.readAll(into: &span, at: offset) : try file.read(into: &span, at: offset)
    }
    for isCollective in [true, false] {
      try expectEqual(try read(2, at: 0, isCollective: isCollective), 2)
      try expectError(.io) { _ = try read(3, at: 0, isCollective: isCollective) }
      try expectError(.io) { _ = try read(1, at: 16, isCollective: isCollective) }
      try expectEqual(try read(1, at: 20, isCollective: isCollective), 0)
      try expectEqual(try read(1, at: 1 << 40, isCollective: isCollective), 0)
      for offset in [-1, -8, Int.min, Int.max, Int.max - 7] {
        try expectError(.argument) { _ = try read(1, at: offset, isCollective: isCollective) }
      }
    }
    for offset in [-1, Int.min, Int.max] {
      try expectError(.argument) { try file.write([1.0].span, at: offset) }
      try expectError(.argument) { try file.writeAll([1.0].span, at: offset) }
    }
    try expectError(.argument) { try file.setSize(-1) }
  }
}

/// The path given to the program, which all ranks share.
private func scratchPath(_ world: Communicator) throws -> String {
  guard CommandLine.arguments.count >= 3 else {
    throw CheckFailure(description: "the check of files needs a path")
  }
  return CommandLine.arguments[2]
}

func checkAgreement(_ world: Communicator) throws {
  try expectEqual(try world.agree { world.rank * 2 }, world.rank * 2)

  // A failed agreement is an ordinary error: whoever catches it goes on.
  do {
    try world.agree {
      if world.rank == world.size - 1 { throw CheckFailure(description: "no luck") }
    }
    throw CheckFailure(description: "the error of one rank did not reach this one")
  } catch let error as JobError {
    let speaker = world.size == 1 ? "" : "rank \(world.size - 1) of \(world.size): "
    try expectEqual("\(error)", speaker + "no luck")
    try expectEqual(error.exitCode, 70)
  }
  try expectEqual(try world.allReduce(1, .sum), world.size)
}

/// Every wrong argument gives the documented error, and the communicator can
/// be used afterwards.
func checkRefusals(_ world: Communicator) throws {
  let size = world.size
  var one = [1.0]
  try expectError(.rank) { try world.send([1.0].span, to: world[size]) }
  try expectError(.rank) { try world.send([1.0].span, to: world[Int.max]) }
  try expectError(.rank) { try world.receive(into: &one, from: world[-77]) }
  try expectError(.tag) { try world.send([1.0].span, to: world[0], tag: -5) }
  try expectError(.root) { try world.broadcast(&one, root: size) }
  try expectError(.root) {
    _ = try world.startBroadcast(Buffer(repeating: 1.0, count: 1), root: -9)
  }
  try expectError(.rank) {
    _ = try world.startSend(Buffer(repeating: 1.0, count: 1), to: world[size + 3])
  }
  try expectError(.count) {
    var short = [Double](repeating: 0, count: size + 1)
    var span = short.mutableSpan
    try world.allGather([1.0].span, into: &span)
  }
  try expectError(.count) {
    var result = [0.0]
    var span = result.mutableSpan
    try world.allReduce([1.0, 2.0].span, into: &span, .sum)
  }
  try expectError(.count) {
    var all = [Double](repeating: 0, count: 2 * size)
    var span = all.mutableSpan
    try world.allGather([1.0].span, counts: [Int](repeating: 2, count: size), into: &span)
  }
  try expectError(.argument) { try world.withSplit(color: -3) { _ in } }

  // Too long a message for its buffer. It is sent first: Open MPI 4.1 lets a
  // long message to oneself pass where the receive was there before it.
  let right = world.ringNeighbor(1)
  let left = world.ringNeighbor(-1)
  let receives: [() throws -> Void] = [
    {
      var short = [0, 0]
      try world.receive(into: &short, from: left)
    },
    { _ = try world.startReceive(into: Buffer(repeating: 0, count: 2), from: left).wait() },
    {
      let receive = try world.prepareReceive(into: Buffer(repeating: 0, count: 2), from: left)
      _ = try receive.start().wait()
    },
  ]
  for receive in receives {
    let send = try world.startSend(Buffer(repeating: 7, count: 5), to: right)
    try world.barrier()
    do {
      try receive()
      throw CheckFailure(description: "a truncated message was not noticed")
    } catch let error as MPIError {
      try expect(error.errorClass == .truncated, "\(error)")
      try expect(!error.message.isEmpty, "MPI has words for it")
      try expect(error.code != 0, "and a code")
    }
    _ = try send.wait()
  }

  try world.barrier()
  try expectEqual(try world.allReduce(1, .sum), size)
}
