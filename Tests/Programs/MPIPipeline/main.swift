// A stream of numbers passes through twelve stages that the ranks share, in
// order. While a rank works on one number, the one before it is on its way to
// the next rank.

import MPI

let stages = 12
let items = 20

func stage(_ index: Int, _ number: UInt64) -> UInt64 {
  (number &* number &+ UInt64(index)) % 1_000_003
}

runProgram { world in
  let mine = stages * world.rank / world.size..<stages * (world.rank + 1) / world.size
  let previous = world.neighbor(-1)
  let next = world.neighbor(1)
  var results: [UInt64] = []

  // At most one number under way at a time: its buffer comes back from the
  // request before the next number needs it.
  var sending = try world.startSend(
    Buffer<UInt64>(repeating: 0, count: 1), to: .noProcess)
  for item in 0..<items {
    var number = [UInt64(item)]
    // From no process comes nothing, and the number stays.
    try world.receive(into: &number, from: previous)
    for index in mine { number[0] = stage(index, number[0]) }

    var buffer = try sending.wait()
    buffer[0] = number[0]
    sending = try world.startSend(buffer, to: next)
    if next == .noProcess { results.append(number[0]) }
  }
  _ = try sending.wait()

  if world.rank == world.size - 1 { print("results:", results) }
}
