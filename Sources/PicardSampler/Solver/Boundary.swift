import Diffusion

/// Passes what lies between chunks: states and changes in a round, kept values of `f`, and the
/// states from which slices are opened. Within a rank it is copied, between ranks it is sent.
final class Boundary<Scalar: StateScalar> {
  let ring: any Ring
  private let clock: PhaseClock
  private let chunks: ChunkStore<Scalar>
  private let ahead: NoiseAhead<Scalar>
  /// Runs of elements that travel as one message.
  private let pieces: [Range<Int>]
  /// By stage: whether chunks supply all that the next one reads of kept values.
  private let suppliesHistory: [Bool]
  /// A boundary state on its way to another rank.
  private lazy var passing = Rows<Scalar>(1, of: passingRows * chunks.dimension)
  private let passingRows: Int

  init(_ chunks: ChunkStore<Scalar>, _ ring: any Ring, _ clock: PhaseClock, _ ahead: NoiseAhead<Scalar>) {
    self.ring = ring
    self.clock = clock
    self.ahead = ahead
    self.chunks = chunks
    pieces = messagePieces(chunks.dimension)
    suppliesHistory = zip(chunks.trajectory.stages, chunks.schedule.maps).map {
      $0.chunksSupplyHistory(ofSize: $1.chunkSize)
    }
    passingRows = chunks.layouts.map { BoundaryState<Scalar>.rows(components: $0.components, depth: $0.historyDepth) }.max() ?? 0
  }

  private var rank: Int { ring.rank }

  // MARK: A round

  /// Hands the kept values of `f` from chunk to chunk.
  func passHistory(_ plan: RoundPlan) throws {
    let parts = plan.parts.filter { chunks.layouts[$0.stage].historyDepth > 0 }
    guard !parts.isEmpty else { return }
    try clock.time(.exchange) {
      // Nobody waits where chunks know enough of their own.
      for part in parts where suppliesHistory[part.stage] { try sendHistory(of: part) }
      for part in parts {
        try receiveHistory(of: part)
        if !suppliesHistory[part.stage] { try sendHistory(of: part) }
      }
    }
  }

  private func sendHistory(of part: RoundPlan.Part) throws {
    guard let next = part.right else { return }
    let chunk = chunks[part.key()]
    for age in 0..<chunk.layout.historyDepth {
      let row = chunk.history(of: chunk.slices.count, age)
      if next == rank {
        copy(row, to: chunks[part.key(1)].keptFromLeft(age))
      } else {
        try send(row, to: next)
      }
    }
  }

  private func receiveHistory(of part: RoundPlan.Part) throws {
    guard let previous = part.left, previous != rank else { return }
    let chunk = chunks[part.key()]
    for age in 0..<chunk.layout.historyDepth { try receive(chunk.keptFromLeft(age), from: previous) }
  }

  /// Takes the boundary state of a chunk from the left, and sends the state
  /// behind the chunk on at once, piece by piece.
  func pass(_ part: RoundPlan.Part) throws {
    let chunk = chunks[part.key()]
    func receiveLeft(_ elements: Range<Int>) throws {
      guard let previous = part.left, previous != rank else { return }
      try clock.time(.exchange) { try receive(chunk.left[elements], from: previous) }
    }
    func sendEnd(_ elements: Range<Int>) throws {
      guard let next = part.right else { return }
      let end = chunk.endProposal[elements]
      if next == rank {
        chunks[part.key(1)].left[elements].copy(from: end)
      } else {
        try clock.time(.exchange) { try send(end, to: next) }
      }
    }
    if chunk.slopes.carriesWholeStates {
      for elements in pieces { try receiveLeft(elements) }
      clock.time(.update) { chunk.carryToEnd(0..<chunk.dimension) }
      for elements in pieces { try sendEnd(elements) }
    } else {
      for elements in pieces {
        try receiveLeft(elements)
        clock.time(.update) { chunk.carryToEnd(elements) }
        try sendEnd(elements)
      }
    }
  }

  // MARK: Opening slices

  /// Hands the state behind a chunk to the chunk that opens slices from there.
  ///
  /// - Parameter map: of the first of these slices.
  func hand(_ chunk: Chunk<Scalar>, to part: RoundPlan.Part, _ map: SliceMap) throws {
    if part.owner == rank {
      let next = chunks[part.key()]
      // Slices that are open go on by themselves.
      if next.slices.isEmpty { chunk.leave(to: map, next.entry) }
    } else {
      try clock.time(.exchange) {
        let entry = passingEntry(part.stage)
        chunk.leave(to: map, entry.state)
        try send(entry.row, to: part.owner)
      }
    }
  }

  /// Hands a state with which a stage begins to the first chunk of the stage.
  func hand(_ state: BoundaryState<Scalar>, to part: RoundPlan.Part) throws {
    if part.owner == rank {
      chunks[part.key()].entry.copy(from: state)
    } else {
      try clock.time(.exchange) {
        let entry = passingEntry(part.stage)
        entry.state.copy(from: state)
        try send(entry.row, to: part.owner)
      }
    }
  }

  /// Takes a boundary state into a chunk that has no open slices.
  func receiveEntry(of part: RoundPlan.Part, from source: Int) throws {
    try clock.time(.exchange) {
      let entry = passingEntry(part.stage)
      try receive(entry.row, from: source)
      chunks[part.key()].entry.copy(from: entry.state)
    }
  }

  /// Room for a boundary state, which travels as one message, since it is a whole round's
  /// last wait.
  private func passingEntry(_ stage: Int) -> (state: BoundaryState<Scalar>, row: Row<Scalar>) {
    let layout = chunks.layouts[stage]
    let rows = BoundaryState<Scalar>.rows(components: layout.components, depth: layout.historyDepth)
    let row = Row(rebasing: passing[0][..<(rows * chunks.dimension)])
    return (
      BoundaryState(row, dimension: chunks.dimension, components: layout.components, depth: layout.historyDepth),
      row
    )
  }

  // MARK: Messages

  private func send(_ state: State<Scalar>, to destination: Int) throws {
    for component in 0..<state.components { try send(state[component], to: destination) }
  }

  private func receive(_ state: State<Scalar>, from source: Int) throws {
    for component in 0..<state.components { try receive(state[component], from: source) }
  }

  private func send(_ row: Row<Scalar>, to destination: Int) throws {
    clock.observer?.sent(bytes: row.span.bytes.byteCount, to: destination)
    try ring.send(row.span.bytes, to: destination)
  }

  private func receive(_ row: Row<Scalar>, from source: Int) throws {
    var span = row.mutableSpan
    var bytes = span.mutableBytes
    try clock.awaitMessage(of: bytes.byteCount, from: source) {
      try ring.receive(into: &bytes, from: source) { ahead.drawBesideMessage() }
    }
  }
}

/// Runs of at most 2^17 elements: a chunk's end then leaves while the rest of
/// what it depends on is still arriving, so that the hops of large states
/// overlap.
package func messagePieces(_ dimension: Int) -> [Range<Int>] {
  let length = 1 << 17
  return stride(from: 0, to: dimension, by: length).map { $0..<min($0 + length, dimension) }
}
