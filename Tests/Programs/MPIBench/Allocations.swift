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
    _ = bytes.withUnsafeMutableBufferPointer { bench_ping_pong($0.baseAddress, 1000, Int32(repeats)) }
  }
  try report("blocking") {
    var span = bytes.mutableSpan
    _ = try pingPong(world, &span, repeats: repeats)
  }
  try report("all-reduce in C") {
    _ = numbers.withUnsafeMutableBufferPointer { bench_all_reduce($0.baseAddress, 2, Int32(repeats)) }
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
  let other = world.size - 1 - world.rank
  var outgoing = Optional(Buffer(repeating: 1.0, count: 100))
  var incoming = Optional(Buffer(repeating: 0.0, count: 100))
  try report("non-blocking") {
    for _ in 0..<repeats {
      let receive = try world.startReceive(into: incoming.take()!, from: other)
      let send = try world.startSend(outgoing.take()!, to: other)
      incoming = try receive.wait()
      outgoing = try send.wait()
    }
  }
  var sending = Optional(try world.prepareSend(outgoing.take()!, to: other))
  var receiving = Optional(try world.prepareReceive(into: incoming.take()!, from: other))
  try report("persistent") {
    for _ in 0..<repeats {
      let receive = try receiving.take()!.start()
      let send = try sending.take()!.start()
      receiving = try receive.wait()
      sending = try send.wait()
    }
  }
  _ = try sending.take()!.free()
  _ = try receiving.take()!.free()
}
