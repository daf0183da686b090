// Heat flows along a rod that the ranks have cut into pieces. Each step needs
// one cell, the halo, of both neighbouring pieces; the halos travel while the
// inner cells, which do not need them, are computed.

import MPI

let cells = 240
let steps = 500
let flow = 0.25  // time step / cell size^2; stable up to 0.5

runProgram { world in
  // The rod's ends have no neighbour: their halos stay at 0, the cold outside.
  let left = world.neighbor(-1)
  let right = world.neighbor(1)
  let first = cells * world.rank / world.size
  let end = cells * (world.rank + 1) / world.size
  var heat = (first..<end).map { $0 < cells / 2 ? 1.0 : 0.0 }

  // The same messages in every step, with their arguments bound once.
  var toLeft = try world.prepareSend(Buffer(repeating: 0.0, count: 1), to: left)
  var toRight = try world.prepareSend(Buffer(repeating: 0.0, count: 1), to: right)
  var fromLeft = try world.prepareReceive(into: Buffer(repeating: 0.0, count: 1), from: left)
  var fromRight = try world.prepareReceive(into: Buffer(repeating: 0.0, count: 1), from: right)

  func stepped(_ left: Double, _ middle: Double, _ right: Double) -> Double {
    middle + flow * (left - 2 * middle + right)
  }

  let last = heat.count - 1
  for _ in 0..<steps {
    toLeft[0] = heat[0]
    toRight[0] = heat[last]
    let leftArriving = try fromLeft.start()
    let rightArriving = try fromRight.start()
    let leftLeaving = try toLeft.start()
    let rightLeaving = try toRight.start()

    var next = heat
    for cell in 1..<last {
      next[cell] = stepped(heat[cell - 1], heat[cell], heat[cell + 1])
    }

    fromLeft = try leftArriving.wait()
    fromRight = try rightArriving.wait()
    next[0] = stepped(fromLeft[0], heat[0], heat[1])
    next[last] = stepped(heat[last - 1], heat[last], fromRight[0])
    toLeft = try leftLeaving.wait()
    toRight = try rightLeaving.wait()
    heat = next
  }
  _ = try toLeft.free()
  _ = try toRight.free()
  _ = try fromLeft.free()
  _ = try fromRight.free()

  let total = try world.exactSum(of: heat.span)
  if world.rank == 0 { print("heat left in the rod: \(total) of \(cells / 2)") }
}
