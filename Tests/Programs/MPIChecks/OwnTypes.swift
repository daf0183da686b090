import MPI

/// Three numbers: twenty-four bytes, no padding.
struct Triple: Transferable, Equatable {
  var x: Double
  var y: Double
  var z: Double
}

/// Numbers of several sizes, a vector, a tuple, a struct in a struct, and
/// padding between them and at the end.
struct Particle: Transferable, Equatable {
  var kind: UInt8
  var position: SIMD3<Double>
  var triple: Triple
  var charge: Int16
  var pair: (Float, Int8)
  var history: InlineArray<3, Int32>
  var phase: Complex<Float>
  var mark: UInt8

  init(_ number: Int) {
    kind = UInt8(number)
    position = SIMD3(Double(number), 0.5, -Double(number))
    triple = Triple(x: 1, y: Double(number), z: 3)
    charge = -Int16(number)
    pair = (Float(number) / 2, Int8(number))
    history = [Int32(number), 7, -Int32(number)]
    phase = Complex(Float(number), -1)
    mark = 200
  }

  static func == (left: Particle, right: Particle) -> Bool {
    left.kind == right.kind && left.position == right.position && left.triple == right.triple
      && left.charge == right.charge && left.pair == right.pair && left.phase == right.phase
      && left.mark == right.mark && (0..<3).allSatisfy { left.history[$0] == right.history[$0] }
  }
}

/// A layout that is kept in the type.
struct Celsius: Transferable, Equatable {
  var degrees: Float
  static let datatype = Datatype<Celsius>.derived
}

struct WithTruth: Transferable {
  var number = 1.0
  var isTrue = true
}

enum Choice: Transferable { case one, other }

struct WithChoice: Transferable {
  var choice = Choice.one
}

struct Empty: Transferable {}

struct Mirrored: Transferable, CustomReflectable {
  var number = 1.0
  var customMirror: Mirror { Mirror(self, children: ["x": 1, "y": 2]) }
}

func checkOwnTypes(_ world: Communicator) throws {
  let (left, right) = (world.ringNeighbor(-1), world.ringNeighbor(1))

  // What arrives is what was sent, to the last field of the last element, and
  // nothing beyond the buffer is touched.
  let mine = (0..<5).map { Particle(10 * world.rank + $0) }
  var theirs = [Particle](repeating: Particle(99), count: 6)
  let status = try world.sendReceive(mine.span, to: right, into: &theirs, from: left)
  try expectEqual(theirs, (0..<5).map { Particle(10 * left.rank! + $0) } + [Particle(99)])
  try expectEqual(try status.count(of: Particle.self), 5)

  // The fields are numbers for MPI: they may arrive as such, and the other way.
  let triples = [Triple(x: 1, y: 2, z: 3), Triple(x: 4, y: 5, z: Double(world.rank))]
  var numbers = [Double](repeating: 0, count: 6)
  let asNumbers = try world.sendReceive(triples.span, to: right, into: &numbers, from: left)
  try expectEqual(numbers, [1, 2, 3, 4, 5, Double(left.rank!)])
  try expectEqual(try asNumbers.count(of: Triple.self), 2)
  try expectEqual(try asNumbers.count(of: Double.self), 6)
  let seven = try world.startSend(Buffer(repeating: 1.0, count: 7), to: right)
  try expectError(.datatype) {
    let message = try world.probe(from: left)
    try expectEqual(try message.status.count(of: Triple.self), nil)
    _ = try message.receive(Triple.self)
  }
  _ = try seven.wait()

  try expectEqual(
    try world.allGather([Celsius(degrees: Float(world.rank))]),
    (0..<world.size).map { Celsius(degrees: Float($0)) })
  var shared = world.rank == 0 ? mine : [Particle](repeating: Particle(0), count: 5)
  try world.broadcast(&shared, root: 0)
  try expectEqual(shared, (0..<5).map { Particle($0) })
  let started = try world.startBroadcast(
    Buffer(copying: (world.rank == 0 ? triples : [triples[0], triples[0]]).span), root: 0
  ).wait()
  try expectEqual(started[1], Triple(x: 4, y: 5, z: 0))

  // What is no struct of numbers has no layout, and is told by name.
  try expectNoLayout(world, WithTruth(), "isTrue is a Bool")
  try expectNoLayout(world, WithChoice(), "Choice, which is neither a number nor a struct")
  try expectNoLayout(world, Empty(), "no stored properties")
  try expectNoLayout(world, Mirrored(), "mirror of its own")
  try checkSubarrays(world)
}

private func expectNoLayout<Value: Transferable>(
  _ world: Communicator, _ value: Value, _ reason: String
) throws {
  do {
    try world.send([value].span, to: world[0])
  } catch {
    try expectEqual(error.errorClass, .datatype)
    try expect(error.message.contains(reason), "\(error) says \(reason)")
    return
  }
  throw CheckFailure(description: "\(Value.self) was sent")
}

private func checkSubarrays(_ world: Communicator) throws {
  let (left, right) = (world.ringNeighbor(-1), world.ringNeighbor(1))
  let (rows, columns) = (4, 5)
  let field = (0..<rows * columns).map { 100 * world.rank + $0 }

  // A column arrives as a row of numbers, and a block in another place.
  let column = try Subarray<Int>(of: [rows, columns], [0..<rows, 3..<4])
  let send = try world.startSend(Buffer(copying: field.span), to: right, tag: 9)
  var received = [Int](repeating: -1, count: rows)
  if world.size > 1 {
    // In two steps: even ranks send first.
    if world.rank % 2 == 0 { try world.send(field.span, column, to: right) }
    try world.receive(into: &received, from: left)
    if world.rank % 2 == 1 { try world.send(field.span, column, to: right) }
    try expectEqual(received, (0..<rows).map { 100 * left.rank! + 5 * $0 + 3 })
  }
  var whole = [Int](repeating: 0, count: rows * columns)
  try world.receive(into: &whole, from: left, tag: 9)
  try expectEqual(whole[7], 100 * left.rank! + 7)
  _ = try send.wait()

  var array = field
  var span = array.mutableSpan
  let first = try Subarray<Int>(of: [rows, columns], [1..<3, 0..<1])
  let last = try Subarray<Int>(of: [rows, columns], [1..<3, 4..<5])
  try world.sendReceive(in: &span, first, to: left, into: last, from: right)
  for (index, value) in array.enumerated() {
    let isNew = index == 9 || index == 14
    try expectEqual(value, isNew ? 100 * right.rank! + index - 4 : field[index])
  }

  // Structs in three dimensions.
  let cube = (0..<24).map { Triple(x: Double($0), y: Double(world.rank), z: 0) }
  let part = try Subarray<Triple>(of: [2, 3, 4], [1..<2, 0..<2, 2..<4])
  try expectEqual(part.count, 4)
  let sending = try world.startSend(Buffer(copying: [12.0, 0, 0].span), to: right, tag: 5)
  var target = cube
  var targetSpan = target.mutableSpan
  let one = try Subarray<Triple>(of: [2, 3, 4], [0..<1, 2..<3, 1..<2])
  try world.receive(into: &targetSpan, one, from: left, tag: 5)
  try expectEqual(target[9], Triple(x: 12, y: 0, z: 0))
  try expectEqual(target[8], cube[8])
  _ = try sending.wait()

  let overlapping = try Subarray<Int>(of: [rows, columns], [2..<4, 0..<5])
  try expectError(.buffer) {
    var span = array.mutableSpan
    try world.sendReceive(in: &span, first, to: left, into: overlapping, from: right)
  }
  try expectError(.count) { try world.send([1, 2].span, column, to: right) }
  try expectError(.argument) { _ = try Subarray<Int>(of: [4], [2..<5]) }
  try expectError(.argument) { _ = try Subarray<Int>(of: [4, 4], [0..<1]) }
  try expectError(.argument) { _ = try Subarray<Int>(of: [1 << 40], [0..<1]) }
  try expectError(.argument) { _ = try Subarray<Int>(of: [1 << 30, 1 << 30, 1 << 30], [0..<1, 0..<1, 0..<1]) }
}
