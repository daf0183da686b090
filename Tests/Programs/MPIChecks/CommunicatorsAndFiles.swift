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
  try expectError(.communicator) { try kept.send([1].span, to: 0) }

  // Messages of a duplicate do not match those of the original.
  try world.withDuplicate { copy in
    try expectEqual(copy.rank, world.rank)
    try expectEqual(copy.size, world.size)
    let inCopy = try copy.startReceive(into: Buffer(repeating: 0, count: 1), from: world.rank)
    let inWorld = try world.startReceive(into: Buffer(repeating: 0, count: 1), from: world.rank)
    try world.send([1].span, to: world.rank)
    try copy.send([2].span, to: world.rank)
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

  let closed = try world.withFile(at: path, .read) { $0 }
  try expectError(.file) { _ = try closed.size() }

  try world.barrier()
  if world.rank == 0 { try File.delete(path) }
  try world.barrier()
  try expectError(.noSuchFile) { try world.withFile(at: path, .read) { _ in } }
  try expectError(.noSuchFile) { try File.delete(path + ".other") }
  do {
    try world.withFile(at: path, .read) { _ in }
  } catch {
    try expect("\(error)".contains(path), "\(error) names the file")
  }
}

/// The path given to the program, which all ranks share.
private func scratchPath(_ world: Communicator) throws -> String {
  guard CommandLine.arguments.count == 3 else {
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
  try expectError(.rank) { try world.send([1.0].span, to: size) }
  try expectError(.rank) { try world.send([1.0].span, to: Int.max) }
  try expectError(.rank) { try world.receive(into: &one, from: -77) }
  try expectError(.tag) { try world.send([1.0].span, to: 0, tag: -5) }
  try expectError(.root) { try world.broadcast(&one, root: size) }
  try expectError(.root) {
    _ = try world.startBroadcast(Buffer(repeating: 1.0, count: 1), root: -9)
  }
  try expectError(.rank) {
    _ = try world.startSend(Buffer(repeating: 1.0, count: 1), to: size + 3)
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
  let right = (world.rank + 1) % size
  let left = (world.rank + size - 1) % size
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
