import MPI

/// Messages and collective calls of more than 2^31 elements, which MPI counts
/// with a C int. Takes 2.2 GB a buffer.
func checkLargeCounts(_ world: Communicator) throws {
  let count = (1 << 31) + 5
  func marked(_ first: UInt8, _ last: UInt8) -> Buffer<UInt8> {
    var buffer = Buffer<UInt8>(repeating: 0, count: count)
    buffer[0] = first
    buffer[count - 1] = last
    return buffer
  }

  // A message, between two ranks.
  if world.rank == 0 {
    _ = try world.startSend(marked(11, 12), to: 1).wait()
  } else if world.rank == 1 {
    let message = try world.probe(from: 0)
    try expectEqual(try message.status.count(of: UInt8.self), count)
    var buffer = marked(0, 0)
    var span = buffer.mutableSpan
    try message.receive(into: &span)
    try expectEqual([buffer[0], buffer[1 << 30], buffer[count - 1]], [11, 0, 12])
  }

  var copied = world.rank == 0 ? marked(21, 22) : marked(0, 0)
  var copiedSpan = copied.mutableSpan
  try world.broadcast(&copiedSpan, root: 0)
  try expectEqual([copied[0], copied[count - 1]], [21, 22])

  copied[0] = UInt8(world.rank + 1)
  copied[count - 1] = 1
  var sumSpan = copied.mutableSpan
  try world.allReduce(&sumSpan, .sum)
  try expectEqual(copied[0], UInt8(world.size * (world.size + 1) / 2))
  try expectEqual(copied[count - 1], UInt8(world.size))

  // Parts whose places are beyond 2^31, and one part that is.
  let counts = (0..<world.size).map { $0 == 0 ? count : 3 }
  var part = Buffer<UInt8>(repeating: UInt8(world.rank + 1), count: counts[world.rank])
  var all = Buffer<UInt8>(repeating: 0, count: counts.reduce(0, +))
  var allSpan = all.mutableSpan
  try world.allGather(part.span, counts: counts, into: &allSpan)
  try expectEqual(all[count - 1], 1)
  try expectEqual(all[count], 2)
  try expectEqual(all[all.count - 1], UInt8(world.size))

  all[count] = 99
  var partSpan = part.mutableSpan
  try world.scatter(all.span, counts: counts, into: &partSpan, root: 0)
  if world.rank == 1 { try expectEqual(part.span.array, [99, 2, 2]) }

  all[count] = 0
  var gatheredSpan = all.mutableSpan
  try world.gather(part.span, counts: counts, into: &gatheredSpan, root: 0)
  if world.rank == 0 { try expectEqual(all[count], 99) }
}
