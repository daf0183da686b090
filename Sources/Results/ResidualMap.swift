public import MPI

/// The change of every slice in every round, as a map of bounded size.
///
/// A cell holds the largest change of a few neighbouring slices in a few rounds
/// one after another. A run that outgrows the map makes its cells wider.
public struct ResidualMap: Sendable {
  static let mostRows = 1024
  static let mostColumns = 512

  public let slices: Int
  /// Slices of a cell.
  public let slicesPerRow: Int
  /// Rounds of a cell.
  public private(set) var roundsPerColumn = 1
  public private(set) var rounds = 0
  /// The largest change of each cell, column by column, from the noise on;
  /// -1 where nothing was iterated.
  public private(set) var cells: [Float] = []
  /// How many slices were done at the end of each column.
  public private(set) var finished: [Int] = []

  public init(slices: Int) {
    self.slices = slices
    slicesPerRow = (slices + Self.mostRows - 1) / Self.mostRows
  }

  public var rows: Int { (slices + slicesPerRow - 1) / slicesPerRow }
  public var columns: Int { finished.count }

  public func cell(column: Int, row: Int) -> Float { cells[column * rows + row] }

  /// The largest change in a column; -1 where there is none.
  public func largest(column: Int) -> Float {
    cells[(column * rows)..<((column + 1) * rows)].max() ?? -1
  }

  /// Adds a round.
  ///
  /// - Parameters:
  ///   - finishedSlices: slices that are done after it.
  ///   - changes: hands every slice with its change on.
  public mutating func addRound(
    finishedSlices: Int, _ changes: (_ note: (_ slice: Int, _ change: Double) -> Void) -> Void
  ) {
    if rounds == columns * roundsPerColumn {
      if columns == Self.mostColumns { widen() }
      if rounds == columns * roundsPerColumn { addColumn() }
    }
    rounds += 1
    finished[columns - 1] = finishedSlices
    let first = (columns - 1) * rows
    changes { slice, change in
      let index = first + slice / slicesPerRow
      cells[index] = max(cells[index], Float(change))
    }
  }

  private mutating func addColumn() {
    cells += [Float](repeating: -1, count: rows)
    finished.append(finished.last ?? 0)
  }

  /// Draws two columns together.
  private mutating func widen() {
    let old = self
    (cells, finished) = ([], [])
    for column in stride(from: 0, to: old.columns, by: 2) {
      let second = min(column + 1, old.columns - 1)
      for row in 0..<rows {
        cells.append(max(old.cell(column: column, row: row), old.cell(column: second, row: row)))
      }
      finished.append(old.finished[second])
    }
    roundsPerColumn *= 2
  }

  /// What all ranks know together. Collective.
  public func merged(over communicator: Communicator) throws -> ResidualMap {
    var map = self
    let widest = try communicator.allReduce(roundsPerColumn, .maximum)
    while map.roundsPerColumn < widest { map.widen() }
    map.rounds = try communicator.allReduce(rounds, .maximum)
    let columns = (map.rounds + widest - 1) / widest
    while map.columns < columns { map.addColumn() }
    var cells = map.cells.mutableSpan
    try communicator.allReduce(&cells, .maximum)
    // Whoever has ended is not behind.
    for column in finished.count..<max(finished.count, columns) { map.finished[column] = slices }
    var finished = map.finished.mutableSpan
    try communicator.allReduce(&finished, .minimum)
    return map
  }
}
