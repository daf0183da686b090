// All ranks write one file together, each its own rows of a matrix, and read it
// back the other way round.

import MPI

struct UsageError: Error, CustomStringConvertible {
  let description = "usage: MPIParallelFile PATH"
}

let rows = 21
let columns = 10

runProgram { world in
  // Every rank finds the mistake, and one tells of it.
  let path = try world.agree {
    guard CommandLine.arguments.count == 2 else { throw UsageError() }
    return CommandLine.arguments[1]
  }

  func rowsOf(_ rank: Int) -> Range<Int> {
    rows * rank / world.size..<rows * (rank + 1) / world.size
  }
  func offset(ofRow row: Int) -> Int { row * columns * MemoryLayout<Float>.stride }

  let mine = rowsOf(world.rank)
  let values = mine.flatMap { row in (0..<columns).map { Float(row * columns + $0) } }
  try world.withFile(at: path, [.create, .write]) { file in
    try file.setSize(offset(ofRow: rows))
    try file.writeAll(values.span, at: offset(ofRow: mine.lowerBound))
  }

  let theirs = rowsOf(world.size - 1 - world.rank)
  var read = [Float](repeating: 0, count: theirs.count * columns)
  try world.withFile(at: path, .read) { file in
    var span = read.mutableSpan
    try file.readAll(into: &span, at: offset(ofRow: theirs.lowerBound))
  }
  let total = try world.allReduce(read.reduce(0, +), .sum)
  if world.rank == 0 { print("sum of all elements: \(total)") }
}
