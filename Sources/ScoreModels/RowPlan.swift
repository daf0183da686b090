import Diffusion

/// How the rows of one evaluation go through a network: which call computes
/// which row of which branch of guidance.
///
/// A network that takes one timestep for all rows is called once for each
/// timestep; one with a fixed batch is called with that many rows, the last
/// call filled up with copies of its last row. With a free batch, calls are
/// kept within a range of rows, likewise filled up, and alike in size. Where rows
/// are to be alone, every entry has a call of its own.
struct RowPlan {
  struct Entry: Hashable {
    var row: Int
    /// Computes the unconditional branch of guidance.
    var isNull = false
  }

  private(set) var entries: [Entry] = []
  /// Entries of each call.
  private(set) var calls: [Range<Int>] = []
  /// The entry that computes the conditional branch of each row, and the
  /// unconditional one.
  private(set) var places: [(conditional: Int, null: Int)] = []

  init(
    timesteps: ArraySlice<Float>, sharesTimestep: Bool, batch: Int?, rows: ClosedRange<Int>,
    isGuided: (_ row: Int) -> Bool, rowsAlone: Bool = false
  ) {
    places = timesteps.map { _ in (0, 0) }
    var groups = [Array(timesteps.indices)]
    if sharesTimestep {
      groups = Dictionary(grouping: timesteps.indices) { timesteps[$0] }.values.sorted { $0[0] < $1[0] }
    }
    for group in groups {
      let first = entries.count
      for row in group {
        places[row].conditional = entries.count
        entries.append(Entry(row: row))
        if rowsAlone { addCalls(from: entries.count - 1, size: batch ?? 1) }
        // Both branches are one where the row is not guided.
        places[row].null = places[row].conditional
        guard isGuided(row) else { continue }
        places[row].null = entries.count
        entries.append(Entry(row: row, isNull: true))
        if rowsAlone { addCalls(from: entries.count - 1, size: batch ?? 1) }
      }
      guard !rowsAlone else { continue }
      let count = entries.count - first
      let parts = (count - 1) / rows.upperBound + 1
      addCalls(from: first, size: batch ?? max((count - 1) / parts + 1, rows.lowerBound))
    }
  }

  /// Calls for the entries from one on, the last call filled up.
  private mutating func addCalls(from first: Int, size: Int) {
    while (entries.count - first) % size != 0 { entries.append(entries[entries.count - 1]) }
    calls += stride(from: first, to: entries.count, by: size).map { $0..<($0 + size) }
  }

  /// One call whose entries are the rows as they are.
  var isPlain: Bool { calls.count == 1 && entries.count == places.count }
}
