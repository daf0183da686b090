// Heat flows on a plate that is cut into blocks in both directions, one for each
// rank of a grid. Each step needs the edges of the four neighboring blocks: rows
// that lie in one piece, and columns that do not, straight from and to their
// places. The plate is rolled up: above the first row is the last one.

import MPI

let length = 60
let steps = 200
let flow = 0.2  // time step / cell size^2; stable up to 0.25

runProgram { world in
  let sides = try world.balancedDimensions(2)
  try world.withGrid(sides, isPeriodic: [true, false]) { grid in
    func cells(_ dimension: Int) -> Range<Int> {
      let (place, ranks) = (grid.coordinates[dimension], sides[dimension])
      return length * place / ranks..<length * (place + 1) / ranks
    }
    let (rows, columns) = (cells(0), cells(1))

    // This rank's block, with one cell more on each side. The cells beyond the
    // first and the last column have no neighbor to come from and stay cold.
    let (height, width) = (rows.count + 2, columns.count + 2)
    var heat = [Double](repeating: 0, count: height * width)
    for row in 1...rows.count {
      for column in 1...columns.count {
        let isHot = rows.lowerBound + row <= 20 && columns.lowerBound + column <= 30
        heat[row * width + column] = isHot ? 1 : 0
      }
    }

    let halo = try Halo<Double>(shape: [height, width], width: 1)
    for _ in 0..<steps {
      try grid.exchange(halo, of: &heat)
      let before = heat
      for row in 1...rows.count {
        for cell in row * width + 1...row * width + columns.count {
          let around = before[cell - width] + before[cell + width] + before[cell - 1] + before[cell + 1]
          heat[cell] = before[cell] + flow * (around - 4 * before[cell])
        }
      }
    }

    var total = ExactSum()
    var hottest = Located(-1.0, at: 0)
    for row in 1...rows.count {
      for column in 1...columns.count {
        let value = heat[row * width + column]
        total.add(value)
        let place = (rows.lowerBound + row - 1) * length + columns.lowerBound + column - 1
        if value > hottest.value { hottest = Located(value, at: place) }
      }
    }
    let heatLeft = try world.allReduce(total).value
    hottest = try world.allReduce(hottest, .maximumLocation())
    if world.rank == 0 {
      print("heat left on the plate: \(heatLeft) of 600")
      print("hottest cell: (\(hottest.location / length), \(hottest.location % length))")
    }
  }
}
