// Prints how often each kind of exchange allocates memory in a thousand turns,
// beside the same exchange in C: `mpirun -n 2 MPIAllocations`.

import CMPIAllocations
import CMPIBench
import MPI

let repeats = 1000

/// Prints the allocations of the second of two runs, the first one being the
/// one in which the MPI library sets itself up.
func report(_ world: Communicator, _ name: String, _ exchange: () throws -> Void) throws {
  try exchange()
  try world.barrier()
  let before = allocation_count()
  try exchange()
  let found = try world.allReduce(Int(allocation_count() - before), .maximum)
  if world.rank == 0 { print("\(name): \(found)") }
}

func reportBlocking(_ world: Communicator) throws {
  var bytes = [UInt8](repeating: 1, count: 1000)
  let other = world.ringNeighbor(1)
  try report(world, "blocking in C") {
    _ = bench_ping_pong(&bytes, Int32(bytes.count), Int32(repeats))
  }
  try report(world, "blocking") {
    var buffer = bytes.mutableSpan
    for _ in 0..<repeats {
      if world.rank == 0 {
        try world.send(buffer.span, to: other)
        try world.receive(into: &buffer, from: other)
      } else {
        try world.receive(into: &buffer, from: other)
        try world.send(buffer.span, to: other)
      }
    }
  }
  var numbers = [1.0, 2.0]
  try report(world, "all-reduce in C") {
    _ = bench_all_reduce(&numbers, Int32(numbers.count), Int32(repeats))
  }
  try report(world, "all-reduce") {
    var buffer = numbers.mutableSpan
    for _ in 0..<repeats { try world.allReduce(&buffer, .sum) }
  }
}

func reportNonBlocking(_ world: Communicator) throws {
  let count = 100
  let other = world.ringNeighbor(1)
  var ones = [Double](repeating: 1, count: count)
  var zeros = [Double](repeating: 0, count: count)
  try report(world, "non-blocking in C") {
    exchange_non_blocking(&ones, &zeros, Int32(count), Int32(1 - world.rank), Int32(repeats))
  }
  var outgoing = Optional(Buffer(repeating: 1.0, count: count))
  var incoming = Optional(Buffer(repeating: 0.0, count: count))
  try report(world, "non-blocking") {
    for _ in 0..<repeats {
      let receive = try world.startReceive(into: incoming.take()!, from: other)
      let send = try world.startSend(outgoing.take()!, to: other)
      incoming = try receive.wait()
      outgoing = try send.wait()
    }
  }

  var set = RequestSet<Double>(capacity: 2)
  try report(world, "request set") {
    for _ in 0..<repeats {
      let receive = set.add(try world.startReceive(into: incoming.take()!, from: other))
      let send = set.add(try world.startSend(outgoing.take()!, to: other))
      try set.waitAll()
      incoming = try set.wait(receive)
      outgoing = try set.wait(send)
    }
  }

  // Binding the arguments allocates; the exchanges that follow do not.
  try report(world, "persistent in C") {
    exchange_persistent(&ones, &zeros, Int32(count), Int32(1 - world.rank), Int32(repeats))
  }
  try report(world, "persistent") {
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

struct Cell: Transferable {
  var temperature = 1.0
  var material: Int32 = 2
}

/// A row and a column of an array, and structs, whose datatypes are made once.
func reportOwnTypes(_ world: Communicator) throws {
  let length = 100
  let other = world.ringNeighbor(1)
  var field = [Double](repeating: 1, count: length * length)
  try report(world, "halo in C") {
    exchange_halo(&field, Int32(length), Int32(1 - world.rank), Int32(repeats))
  }
  try world.withGrid([1, 2], isPeriodic: [true, true]) { grid in
    let halo = try Halo<Double>(shape: [length, length], width: 1)
    var span = field.mutableSpan
    try report(world, "halo") {
      for _ in 0..<repeats { try grid.exchange(halo, of: &span) }
    }
  }

  let cells = [Cell](repeating: Cell(), count: 100)
  var received = cells
  try report(world, "structs in C") {
    exchange_structs(Int32(1 - world.rank), Int32(repeats))
  }
  try report(world, "structs") {
    var span = received.mutableSpan
    for _ in 0..<repeats { try world.sendReceive(cells.span, to: other, into: &span, from: other) }
  }
  try report(world, "own operation in C") {
    reduce_structs(Int32(repeats))
  }
  let hotter = Operation<Cell>.custom(isCommutative: true) { $0.temperature > $1.temperature ? $0 : $1 }
  try report(world, "own operation") {
    var span = received.mutableSpan
    for _ in 0..<repeats { try world.allReduce(&span, hotter) }
  }
}

runProgram { world in
  precondition(world.size == 2, "run it on two ranks")
  try reportOwnTypes(world)
  try reportBlocking(world)
  try reportNonBlocking(world)
}
