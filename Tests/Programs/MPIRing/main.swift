// Every rank hands a number to its right neighbour until all have come round,
// and so learns the sum of all.

import MPI

runProgram { world in
  let right = world.ringNeighbor(1)
  let left = world.ringNeighbor(-1)

  var sum = 0
  var number = [world.rank]
  for _ in 0..<world.size {
    sum += number[0]
    // In one call: with separate ones, all ranks might send and none receive.
    try world.sendReceive([number[0]].span, to: right, into: &number, from: left)
  }

  let sums = try world.gather([sum], root: 0)
  if world.rank == 0 { print("sums on the ranks:", sums) }
}
