// The dot product of two long vectors that are spread over the ranks, twice: as
// an ordinary sum, whose last bits depend on the number of ranks, and as an
// exact one, whose bits do not.

import MPI

let length = 100_000

runProgram { world in
  let mine = length * world.rank / world.size..<length * (world.rank + 1) / world.size
  let x = mine.map { 1 / Double($0 + 1) }
  let y = mine.map { $0 % 2 == 0 ? 1.0 : -0.999 }
  let products = zip(x, y).map { $0 * $1 }

  let ordinary = try world.allReduce(products.reduce(0, +), .sum)
  let exact = try world.exactSum(of: products.span)
  if world.rank == 0 {
    print("ordinary: \(ordinary)")
    print("exact: \(exact)")
  }
}
