import Diffusion

/// Opens slices: at the start, where windows have moved, and where a sample enters its next
/// stage. Each starts from the state to its left carried on by the step map with the denoised
/// estimate held constant (`Chunk.open`).
final class Opener<Scalar: StateScalar> {
  private let chunks: ChunkStore<Scalar>
  private let boundary: Boundary<Scalar>
  private let ahead: NoiseAhead<Scalar>
  private let clock: PhaseClock
  private let noise: any NoiseSource
  private let rank: Int

  /// Slices to be opened.
  private struct Order {
    let opening: Opening
    /// With what a stage begins, on the rank that holds it; `nil` elsewhere, and where slices
    /// follow others of their stage.
    let start: BoundaryState<Scalar>?
    /// Where slices follow others of their stage, the chunk of the last of these.
    let last: ChunkKey?
  }

  /// Memory of the states with which stages begin.
  private var starts: [Rows<Scalar>] = []

  init(
    _ chunks: ChunkStore<Scalar>, _ boundary: Boundary<Scalar>, _ ahead: NoiseAhead<Scalar>, _ clock: PhaseClock,
    noise: any NoiseSource
  ) {
    self.chunks = chunks
    self.boundary = boundary
    self.ahead = ahead
    self.clock = clock
    self.noise = noise
    rank = boundary.ring.rank
  }

  private var schedule: Schedule { chunks.schedule }
  private var stages: [Stage] { chunks.trajectory.stages }

  /// Draws the initial states and opens the first slices.
  func start(_ windows: [Window]) throws {
    ahead.follow(windows)
    let orders = windows.enumerated().map { sample, window in
      chunks.enter(window.stage, sample: sample)
      let opening = schedule.opening(of: sample, at: window)
      guard opening.holder == rank else { return Order(opening: opening, start: nil, last: nil) }
      let state = newStart(of: window.stage)
      var span = state.state.position.mutableSpan
      noise.fill(&span, stream: .initialState, step: 0, sample: chunks.samples[sample])
      // The data are a point at the origin, as far as is known yet.
      scale(state.guess, Scalar(stages[window.stage].slices[0].stateInValue), state.state.position)
      for row in state.kept { copy(state.guess, to: row) }
      return Order(opening: opening, start: state, last: nil)
    }
    try open(orders)
  }

  /// Opens what windows have moved to, and recycles the chunks that they have left behind.
  func open(from old: [Window], to new: [Window]) throws {
    var orders: [Order] = []
    for sample in new.indices where !old[sample].isEmpty {
      let start = new[sample].stage != old[sample].stage ? leaveStage(old[sample].stage, sample) : nil
      guard let opening = schedule.opening(of: sample, from: old[sample], to: new[sample]) else { continue }
      let isSameStage = opening.stage == old[sample].stage
      let last = ChunkKey(sample: sample, chunk: schedule.maps[old[sample].stage].chunk(ofSlice: old[sample].end - 1))
      orders.append(Order(opening: opening, start: start, last: isSameStage ? last : nil))
    }
    if !orders.isEmpty { ahead.follow(new) }
    // New slices start from the last state, whose chunk may be done as well.
    recycle(behind: old, new, exceptLast: true)
    try open(orders)
    recycle(behind: old, new, exceptLast: false)
  }

  /// Keeps a finished sample, or what the next stage begins with, where this rank holds it.
  private func leaveStage(_ number: Int, _ sample: Int) -> BoundaryState<Scalar>? {
    let map = schedule.maps[number]
    var start: BoundaryState<Scalar>?
    let isHere = map.owner(ofChunk: map.chunks - 1) == rank
    let last = isHere ? chunks[ChunkKey(sample: sample, chunk: map.chunks - 1)] : nil
    if number + 1 == stages.count {
      chunks.finished[sample] = last.map { Array($0.end.position) }
    } else if let last {
      let next = newStart(of: number + 1)
      last.leave(to: stages[number + 1].slices[0], next)
      stages[number + 1].start(next.state, noise: noise, sample: chunks.samples[sample])
      start = next
    }
    chunks.recycleAll(of: sample)
    if number + 1 < stages.count { chunks.enter(number + 1, sample: sample) }
    return start
  }

  /// Memory for a state with which a stage begins.
  private func newStart(of stage: Int) -> BoundaryState<Scalar> {
    let layout = chunks.layouts[stage]
    let count = BoundaryState<Scalar>.rows(components: layout.components, depth: layout.historyDepth)
    let rows = Rows<Scalar>(1, of: count * chunks.dimension)
    starts.append(rows)
    return BoundaryState(
      rows[0], dimension: chunks.dimension, components: layout.components, depth: layout.historyDepth)
  }

  /// The states behind opened slices pass from chunk to chunk, all samples' together.
  private func open(_ orders: [Order]) throws {
    defer { starts.removeAll() }
    guard !orders.isEmpty else { return }
    // All ranks draw their noise at once, before one waits for the other.
    clock.time(.update) {
      for part in orders.flatMap(\.opening.parts) where part.owner == rank {
        chunks.allocate(part.key(), stage: part.stage, before: part.slices.upperBound)
      }
    }
    for order in orders where order.opening.holder == rank {
      let first = order.opening.parts[0]
      if let start = order.start { try boundary.hand(start, to: first) }
      if let last = order.last { try handOn(last, to: first) }
    }
    for level in 0..<(orders.map(\.opening.parts.count).max() ?? 0) {
      for order in orders where level < order.opening.parts.count {
        let parts = order.opening.parts
        guard parts[level].owner == rank else { continue }
        let source = level == 0 ? order.opening.holder : parts[level - 1].owner
        if source != rank { try boundary.receiveEntry(of: parts[level], from: source) }
        let chunk = chunks[parts[level].key()]
        clock.time(.update) { for _ in parts[level].slices { chunk.open() } }
        if level + 1 < parts.count { try handOn(parts[level].key(), to: parts[level + 1]) }
      }
    }
  }

  private func handOn(_ key: ChunkKey, to part: RoundPlan.Part) throws {
    try boundary.hand(chunks[key], to: part, stages[part.stage].slices[part.slices.lowerBound])
  }

  /// Lets go of the chunks that windows have left behind.
  private func recycle(behind old: [Window], _ new: [Window], exceptLast: Bool) {
    for (sample, (old, new)) in zip(old, new).enumerated() where !new.isEmpty && new.stage == old.stage {
      let map = schedule.maps[old.stage]
      for chunk in map.chunks(touching: old.slices) {
        let slices = map.slices(ofChunk: chunk)
        guard slices.upperBound <= new.first, !exceptLast || !slices.contains(old.end - 1) else { continue }
        chunks.recycle(ChunkKey(sample: sample, chunk: chunk))
      }
    }
  }
}
