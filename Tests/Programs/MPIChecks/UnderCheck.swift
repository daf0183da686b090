import MPI

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// Correct programs in which ranks come to a start call at different times, with
/// a message in between: the check must not make them wait there.
func checkOverlapUnderCheck(_ world: Communicator) throws {
  for turn in 0..<3 {
    let isFirst = world.rank == 0
    if !isFirst {
      var number = [0]
      try world.receive(into: &number, from: world[0], tag: turn)
    }
    let barrier = try world.startBarrier()
    let sum = try world.startAllReduce(Buffer(repeating: 1, count: 2), .sum)
    var all = try world.startAllToAll(Buffer(repeating: world.rank, count: world.size))
    if isFirst {
      _ = try all.test()
      for other in 1..<max(world.size, 1) { try world.send([turn].span, to: world[other], tag: turn) }
    }
    try expectEqual(try sum.wait()[1], world.size)
    try barrier.wait()
    try expectEqual(try all.wait()[world.size - 1], world.size - 1)
  }
}

/// Calls that differ between the ranks are an error on all of them, before any
/// rank waits for another one.
func checkDifferences(_ world: Communicator) throws {
  if world.size == 1 { return }
  let isFirst = world.rank == 0
  try expectDifference("MPI_Comm_split", "MPI_Barrier") {
    if isFirst { try world.withSplit(color: 0) { _ in } } else { try world.barrier() }
  }
  try expectDifference("MPI_Comm_dup", "MPI_Cart_create") {
    if isFirst { try world.withDuplicate { _ in } } else { try world.withGrid([world.size], isPeriodic: [true]) { _ in } }
  }
  try expectDifference("[\(world.size)], [true]", "[\(world.size)], [false]") {
    try world.withGrid([world.size], isPeriodic: [isFirst]) { _ in }
  }
  try expectDifference("other counts") {
    var counts = [Int](repeating: 2, count: world.size)
    counts[isFirst ? 0 : 1] += 1
    var all = [Double](repeating: 0, count: 2 * world.size + 1)
    var span = all.mutableSpan
    try world.allGather([Double](repeating: 1, count: counts[world.rank]).span, counts: counts, into: &span)
  }
  try expectDifference("sends 1 elements", "which expects 2") {
    var received = [Int](repeating: 0, count: 2 * world.size)
    var span = received.mutableSpan
    try world.allToAll(
      [Int](repeating: 0, count: world.size).span, counts: [Int](repeating: 1, count: world.size),
      into: &span, counts: [Int](repeating: 2, count: world.size))
  }
  try expectDifference("MPI_Allreduce of 1 double, sum", "MPI_Allreduce of 1 int64, sum") {
    if isFirst { _ = try world.allReduce(1.0, .sum) } else { _ = try world.allReduce(1, .sum) }
  }
  // A file is opened with the same name and mode, and its calls are compared too.
  let path = CommandLine.arguments[2]
  try expectDifference(path, path + ".other") {
    try world.withFile(at: isFirst ? path : path + ".other", [.create, .write]) { _ in }
  }
  try world.withFile(at: path, [.create, .readWrite]) { file in
    try expectDifference("MPI_File_set_size, 8 bytes", "MPI_File_set_size, 16 bytes") {
      try file.setSize(isFirst ? 8 : 16)
    }
    try expectDifference("MPI_File_write_at_all", "MPI_File_sync") {
      if isFirst { try file.writeAll([1.0].span, at: 0) } else { try file.sync() }
    }
  }
}

private func expectDifference(
  _ parts: String..., line: Int = #line, _ body: () throws -> Void
) throws {
  do {
    try body()
  } catch let error as MPIError {
    try expectEqual(error.errorClass, .notSame, line: line)
    for part in parts { try expect(error.message.contains(part), "\(error) says \(part)", line: line) }
    return
  }
  throw CheckFailure(description: "line \(line): the difference was not noticed")
}

/// Rank 0 waits in a call, which the third argument names, for a rank that does
/// not come.
func stall(_ world: Communicator) throws {
  let call = CommandLine.arguments[2]
  let path = CommandLine.arguments[3]
  func hang() -> Never { while true { sleep(60) } }
  let other = try world[1]
  var numbers = [Double](repeating: 0, count: 1_000_000)
  if call.hasPrefix("MPI_File") {
    try world.withFile(at: path, [.create, .readWrite]) { file in
      if world.rank == 1 { hang() }
      var span = numbers.mutableSpan
      switch call {
      case "MPI_File_set_size": try file.setSize(1000)
      case "MPI_File_sync": try file.sync()
      case "MPI_File_read_at_all": try file.readAll(into: &span, at: 0)
      case "MPI_File_write_at_all": try file.writeAll(span.span, at: 0)
      default: break
      }
    }
  }
  if world.rank == 1 { hang() }
  switch call {
  case "MPI_Send": try world.send(numbers.span, to: other)
  case "MPI_Ssend": try world.sendSynchronously([1].span, to: other)
  case "MPI_Recv": try world.receive(into: &numbers, from: other)
  case "MPI_Sendrecv": try world.sendReceive([1].span, to: other, into: &numbers, from: other)
  case "MPI_Mprobe": _ = try world.probe(from: other)
  case "MPI_Wait": _ = try world.startReceive(into: Buffer(repeating: 0, count: 1), from: other).wait()
  case "MPI_Waitany":
    var set = RequestSet<Int>(capacity: 1)
    _ = set.add(try world.startReceive(into: Buffer(repeating: 0, count: 1), from: other))
    _ = try set.waitAny()
  case "MPI_Alltoall": _ = try world.allToAll([1, 2])
  case "MPI_Comm_split": try world.withSplit(color: 0) { _ in }
  case "MPI_Cart_create": try world.withGrid([2], isPeriodic: [true]) { _ in }
  default: throw CheckFailure(description: "no call \(call)")
  }
}
