import CMPIBench
import MPI

/// Prints how often each kind of exchange allocates memory, once it has warmed
/// up; the first line is the same exchange in C.
func printAllocations(_ world: Communicator) throws {
  let repeats = 1000
  var bytes = [UInt8](repeating: 1, count: 1000)
  var numbers = [1.0, 2.0]
  func report(_ name: String, _ exchange: () throws -> Void) throws {
    try exchange()
    try world.barrier()
    let before = bench_allocations()
    try exchange()
    let found = try world.allReduce(Int(bench_allocations() - before), .maximum)
    if world.rank == 0 { print("\(name): \(found)") }
  }

  try report("blocking in C") {
    _ = bytes.withUnsafeMutableBufferPointer {
      bench_ping_pong($0.baseAddress, 1000, Int32(repeats))
    }
  }
  try report("blocking") {
    var span = bytes.mutableSpan
    _ = try pingPong(world, &span, repeats: repeats)
  }
  try report("all-reduce in C") {
    _ = numbers.withUnsafeMutableBufferPointer {
      bench_all_reduce($0.baseAddress, 2, Int32(repeats))
    }
  }
  try report("all-reduce") {
    var span = numbers.mutableSpan
    _ = try allReduce(world, &span, repeats: repeats)
  }
  try reportNonBlocking(world, repeats: repeats, report)
}

private func reportNonBlocking(
  _ world: Communicator, repeats: Int, _ report: (String, () throws -> Void) throws -> Void
) throws {
  let count = 100
  let other = world.size - 1 - world.rank
  var ones = [Double](repeating: 1, count: count)
  var zeros = [Double](repeating: 0, count: count)
  try report("non-blocking in C") {
    bench_non_blocking(&ones, &zeros, Int32(count), Int32(other), Int32(repeats))
  }
  var outgoing = Optional(Buffer(repeating: 1.0, count: count))
  var incoming = Optional(Buffer(repeating: 0.0, count: count))
  try report("non-blocking") {
    for _ in 0..<repeats {
      let receive = try world.startReceive(into: incoming.take()!, from: other)
      let send = try world.startSend(outgoing.take()!, to: other)
      incoming = try receive.wait()
      outgoing = try send.wait()
    }
  }

  var set = RequestSet<Double>(capacity: 2)
  try report("request set") {
    for _ in 0..<repeats {
      let receive = set.add(try world.startReceive(into: incoming.take()!, from: other))
      let send = set.add(try world.startSend(outgoing.take()!, to: other))
      try set.waitAll()
      incoming = try set.wait(receive)
      outgoing = try set.wait(send)
    }
  }

  // Binding the arguments allocates; the exchanges that follow do not.
  try report("persistent in C") {
    bench_persistent(&ones, &zeros, Int32(count), Int32(other), Int32(repeats))
  }
  try report("persistent") {
    var receiving = try world.prepareReceive(into: incoming.take()!, from: other)
    var sending = try world.prepareSend(outgoing.take()!, to: other)
    for _ in 0..<repeats {
      let receive = try receiving.start()
      let send = try sending.start()
      receiving = try receive.wait()
      sending = try send.wait()
    }
    incoming = try receiving.free()
    outgoing = try sending.free()
  }
}
