import MPI

/// Messages and collective calls of more than 2^31 elements, which MPI counts
/// with a C int. Takes 4.4 GB on rank 0 and 2.2 GB on the others.
func checkLargeCounts(_ world: Communicator) throws {
  let count = (1 << 31) + 5
  let counts = (0..<world.size).map { $0 == 0 ? count : 3 }
  var all = Buffer<UInt8>(repeating: 0, count: counts.reduce(0, +))
  let last = all.count - 1

  // A message, between two ranks, into a buffer that is longer still.
  if world.rank == 0 {
    all[0] = 11
    all[count - 1] = 12
    try world.send(all.span.extracting(0..<count), to: world[1])
  } else if world.rank == 1 {
    let message = try world.probe(from: world[0])
    try expectEqual(try message.status.count(of: UInt8.self), count)
    var span = all.mutableSpan
    try message.receive(into: &span)
    try expectEqual([all[0], all[1 << 30], all[count - 1], all[count]], [11, 0, 12, 0])
  }

  if world.rank == 0 { all[last] = 22 }
  var copySpan = all.mutableSpan
  try world.broadcast(&copySpan, root: 0)
  try expectEqual([all[0], all[count - 1], all[last]], [11, 12, 22])

  all[0] = UInt8(world.rank + 1)
  all[last] = 1
  var sumSpan = all.mutableSpan
  try world.allReduce(&sumSpan, .sum)
  try expectEqual(all[0], UInt8(world.size * (world.size + 1) / 2))
  try expectEqual(all[last], UInt8(world.size))

  // Not blocking, and over more than one request.
  all[0] = 1
  let reduced = try world.startAllReduce(all, .sum).wait()
  try expectEqual(
    [reduced[0], reduced[last]], [UInt8(world.size), UInt8(world.size * world.size)])
  all = reduced

  // Parts whose places are beyond 2^31, and one part that is itself longer.
  var part = Buffer<UInt8>(repeating: UInt8(world.rank + 1), count: counts[world.rank])
  var allSpan = all.mutableSpan
  try world.allGather(part.span, counts: counts, into: &allSpan)
  try expectEqual([all[0], all[count - 1], all[count], all[last]], [1, 1, 2, UInt8(world.size)])

  all[count] = 99
  var partSpan = part.mutableSpan
  try world.scatter(all.span, counts: counts, into: &partSpan, root: 0)
  if world.rank == 1 { try expectEqual(part.span.array, [99, 2, 2]) }

  all[count] = 0
  var gatherSpan = all.mutableSpan
  try world.gather(part.span, counts: counts, into: &gatherSpan, root: 0)
  if world.rank == 0 { try expectEqual(all[count], 99) }
}
