import MPI

func checkGrids(_ world: Communicator) throws {
  try expectEqual(try world.balancedDimensions(1), [world.size])
  let sides = try world.balancedDimensions(2)
  try expectEqual(sides.reduce(1, *), world.size)
  // Rings, rows with ends, and rings of one or two ranks, which are both of
  // their own neighbors.
  try checkGrid(world, [world.size], isPeriodic: [true])
  try checkGrid(world, sides, isPeriodic: [false, false])
  try checkGrid(world, sides, isPeriodic: [true, false])
  try checkGrid(world, sides, isPeriodic: [true, true])
  try checkGrid(world, [1] + sides.reversed(), isPeriodic: [true, false, true])

  try expectError(.argument) { try world.withGrid([world.size + 1], isPeriodic: [true]) { _ in } }
  try expectError(.argument) { try world.withGrid([world.size], isPeriodic: []) { _ in } }
  try expectError(.argument) { try world.withGrid([-world.size, -1], isPeriodic: [true, true]) { _ in } }
  try expectError(.argument) { try world.withGrid([1 << 32, 1 << 32], isPeriodic: [true, true]) { _ in } }
  try expectError(.argument) { _ = try world.balancedDimensions(0) }
}

private func checkGrid(_ world: Communicator, _ dimensions: [Int], isPeriodic: [Bool]) throws {
  let kept = try world.withGrid(dimensions, isPeriodic: isPeriodic, mayReorder: true) { grid in
    let ranks = grid.communicator
    /// The rank at a place, by hand.
    func rank(at place: [Int]) -> Int? {
      var number = 0
      for (dimension, length) in dimensions.enumerated() {
        let wrapped = (place[dimension] % length + length) % length
        if wrapped != place[dimension], !isPeriodic[dimension] { return nil }
        number = number * length + wrapped
      }
      return number
    }
    try expectEqual(rank(at: grid.coordinates), ranks.rank)
    try expectEqual(try grid.coordinates(of: ranks[ranks.rank]), grid.coordinates)
    var neighbors: [Int?] = []
    for dimension in dimensions.indices {
      for offset in [-1, 1, 2, -7] {
        var place = grid.coordinates
        place[dimension] += offset
        let neighbor = try grid.neighbor(along: dimension, offset)
        try expectEqual(neighbor.rank, rank(at: place))
        try expectEqual(try grid.peer(at: place), neighbor)
        if abs(offset) == 1 { neighbors.append(neighbor.rank) }
      }
    }

    // Two parts for each dimension; where there is no neighbor, nothing changes.
    let told = try gathered(grid, [Double(ranks.rank), 0.5])
    try expectEqual(told, neighbors.flatMap { $0.map { [Double($0), 0.5] } ?? [-1, -1] })
    let parts = neighbors.indices.map { 100 * ranks.rank + $0 }
    var received = [Int](repeating: -1, count: parts.count)
    var span = received.mutableSpan
    try grid.neighborAllToAll(parts.span, into: &span)
    // A neighbor's part for this rank is the one for its opposite side.
    try expectEqual(
      received,
      neighbors.enumerated().map { side, neighbor in
        neighbor.map { 100 * $0 + (side ^ 1) } ?? -1
      })

    try checkHalo(grid, width: 1)
    try checkHalo(grid, width: 2)
    try expectError(.argument) { _ = try grid.neighbor(along: dimensions.count, 1) }
    try expectError(.argument) { _ = try grid.peer(at: []) }
    try expectError(.count) { _ = try gathered(grid, [1.0, 2, 3], room: 1) }
    return grid
  }
  try expectError(.communicator) { try kept.communicator.barrier() }
  try expectError(.communicator) { _ = try gathered(kept, [1.0]) }
}

private func gathered(_ grid: CartesianGrid, _ part: [Double], room: Int? = nil) throws -> [Double] {
  let neighbors = 2 * grid.dimensions.count
  var all = [Double](repeating: -1, count: (room ?? part.count) * neighbors)
  var span = all.mutableSpan
  try grid.neighborAllGather(part.span, into: &span)
  return all
}

/// Every cell of the block knows its place in the whole array; after the exchange
/// so does every cell of the halo, corners included, but not beyond the ends.
private func checkHalo(_ grid: CartesianGrid, width: Int) throws {
  let inner = grid.dimensions.indices.map { 2 * width + $0 }
  let shape = inner.map { $0 + 2 * width }
  let whole = zip(inner, grid.dimensions).map(*)
  var place = [Int](repeating: 0, count: shape.count)
  /// What should be in a cell with these indices; nil beyond the ends.
  func expected(_ place: [Int], isFilled: Bool) -> Particle {
    var number = 0
    for dimension in shape.indices {
      let own = place[dimension] - width
      if !isFilled, !(0..<inner[dimension]).contains(own) { return Particle(100) }
      let cell = grid.coordinates[dimension] * inner[dimension] + own
      let wrapped = (cell + whole[dimension]) % whole[dimension]
      if wrapped != cell, !grid.isPeriodic[dimension] { return Particle(100) }
      number = number * 3 + wrapped
    }
    return Particle(number % 97)
  }
  func cells(isFilled: Bool) -> [Particle] {
    (0..<shape.reduce(1, *)).map { index in
      var rest = index
      for dimension in shape.indices.reversed() {
        place[dimension] = rest % shape[dimension]
        rest /= shape[dimension]
      }
      return expected(place, isFilled: isFilled)
    }
  }
  var field = cells(isFilled: false)
  let halo = try Halo<Particle>(shape: shape, width: width)
  for _ in 0..<2 {
    try grid.exchange(halo, of: &field)
    try expect(field == cells(isFilled: true), "the halo of \(grid.dimensions), \(grid.isPeriodic)")
  }
  try expectError(.argument) { _ = try Halo<Int>(shape: [3 * width - 1], width: width) }
  try expectError(.argument) { _ = try Halo<Int>(shape: shape, width: 0) }
  try expectError(.argument) { _ = try Halo<Int>(shape: shape, width: Int.max) }
  try expectError(.count) {
    var short = [Particle(0)]
    try grid.exchange(halo, of: &short)
  }
}

func checkNodes(_ world: Communicator) throws {
  // All ranks of the tests are on one host.
  try world.withNode { node in
    try expectEqual(node.size, world.size)
    let sum = try node.withSharedArray(of: Particle.self, count: 1000) { weights in
      for index in 0..<weights.count { weights[index] = Particle(index % 100) }
    } _: { weights in
      for index in weights.indices { try expectEqual(weights[index], Particle(index % 100)) }
      return try node.allReduce(weights.count, .sum)
    }
    try expectEqual(sum, 1000 * world.size)
    try node.withSharedArray(of: Int.self, count: 0) { _ in
    } _: {
      try expectEqual($0.count, 0)
    }
    let zeros = try node.withSharedArray(of: Int.self, count: 5) { _ in
    } _: {
      $0.array
    }
    try expectEqual(zeros, [0, 0, 0, 0, 0])
    try expectError(.count) {
      try node.withSharedArray(of: Int.self, count: -1) { _ in
      } _: { _ in
      }
    }
    try expectError(.count) {
      try node.withSharedArray(of: Int.self, count: Int.max / 2) { _ in
      } _: { _ in
      }
    }

    // What fails on rank 0 fails on all.
    do {
      try node.withSharedArray(of: Int.self, count: 4) { _ in
        throw CheckFailure(description: "no weights")
      } _: { _ in
      }
      throw CheckFailure(description: "nobody was told")
    } catch let error as JobError {
      try expectEqual("\(error)", "no weights")
    }
    try node.barrier()
  }
}
