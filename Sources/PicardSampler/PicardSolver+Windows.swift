import Diffusion

/// How windows move: which slices are done, and where new ones start from.
extension PicardSolver {
  /// A state and the `f` to its left, from which further slices are opened.
  struct Edge {
    var state: State<Scalar>
    var value: [Scalar]
  }

  /// Draws the initial state of a sample and opens its first slices.
  func start(_ sample: Int) throws {
    let quantity = trajectory.segments[0].quantity
    let holder = maps[0].owner(ofChunk: 0)
    var edge: Edge?
    if holder == ring.rank {
      let position: [Scalar] = noise.normals(
        batch.model.dimension, stream: .initialState, step: 0, sample: samples[sample])
      // The data are a point at the origin, as far as is known yet.
      let guess = quantity.converted(
        [Scalar](repeating: 0, count: position.count), from: .denoised, state: position,
        at: trajectory.segments[0].slices[0].time)
      edge = Edge(state: State(position: position), value: guess)
    }
    try enter(sample, segment: 0, from: edge, at: holder)
  }

  /// Decides for every sample which slices are done, and opens new ones.
  func advance(_ changes: Changes) throws {
    record.beginRound()
    for sample in samples.indices where !isFinished(windows[sample]) {
      windows[sample].rounds += 1
      let window = windows[sample]
      record.note(
        segment: window.segment, sample: sample, change: changes.of(sample).max() ?? 0)
      windows[sample].first += finishedSlices(window, changes.of(sample))
      let count = map(window).slices
      if windows[sample].first == count {
        try leave(sample)
      } else {
        let end = min(count, windows[sample].first + (options.window ?? count))
        try open(sample, until: end)
      }
      discard(sample, behind: window)
    }
  }

  /// How many slices from the left of the window need no further round.
  private func finishedSlices(_ window: Window, _ changes: [Double]) -> Int {
    let count = window.end - window.first
    switch options.stop {
    case .iterations(let rounds):
      return window.rounds >= min(rounds, count) ? count : 0
    case .tolerance(let tolerance):
      guard let unfinished = changes.firstIndex(where: { $0 > tolerance }) else { return count }
      if options.window == nil {
        // After as many rounds as it has slices a block is exact.
        return window.rounds >= count ? count : 0
      }
      return max(1, unfinished)
    }
  }

  /// Opens slices up to `end`.
  private func open(_ sample: Int, until end: Int) throws {
    let window = windows[sample]
    guard end > window.end else { return }
    windows[sample].end = end
    windows[sample].rounds = 0
    let last = ChunkKey(
      segment: window.segment, chunk: map(window).chunk(ofSlice: window.end - 1), sample: sample)
    let isHere = owner(last) == ring.rank
    let edge = isHere ? Edge(state: self[last].end, value: self[last].lastValue) : nil
    try extend(sample, from: edge, at: owner(last), over: window.end..<end)
  }

  /// Opens a range of slices, each starting from the state to its left carried
  /// on by the step map with `f` held constant: a guess that costs no evaluation.
  ///
  /// - Parameters:
  ///   - edge: where the range starts, on the rank that holds it.
  ///   - holder: that rank.
  private func extend(
    _ sample: Int, from edge: Edge?, at holder: Int, over range: Range<Int>
  ) throws {
    let number = windows[sample].segment
    let segment = trajectory.segments[number]
    var (edge, holder) = (edge, holder)
    for chunk in maps[number].chunks(touching: range) {
      let key = ChunkKey(segment: number, chunk: chunk, sample: sample)
      edge = try hand(edge, from: holder, to: owner(key), components: segment.components)
      holder = owner(key)
      guard let start = edge else { continue }
      clock.time(\.update) {
        let bounds = maps[number].slices(ofChunk: chunk)
        let target =
          chunks[sample][chunk]
          ?? Chunk(first: bounds.lowerBound, state: start.state, leftValue: start.value)
        chunks[sample][chunk] = target
        for index in bounds.clamped(to: range) {
          let noise: State<Scalar>? = segment.slices[index].noise(
            from: noise, sample: samples[sample], dimension: batch.model.dimension)
          target.open(segment.slices[index], noise: noise)
        }
        edge = Edge(state: target.end, value: target.lastValue)
      }
    }
  }

  private func enter(_ sample: Int, segment: Int, from edge: Edge?, at holder: Int) throws {
    let count = maps[segment].slices
    let end = min(count, options.window ?? count)
    windows[sample] = Window(segment: segment, first: 0, end: end)
    chunks[sample] = Array(repeating: nil, count: maps[segment].chunks)
    try extend(sample, from: edge, at: holder, over: 0..<end)
  }

  /// Goes on from the end of a segment to the next one, or keeps the finished sample.
  private func leave(_ sample: Int) throws {
    let number = windows[sample].segment
    let (segment, next) = (trajectory.segments[number], number + 1)
    let last = ChunkKey(segment: number, chunk: maps[number].chunks - 1, sample: sample)
    let isHere = owner(last) == ring.rank
    guard next < trajectory.segments.count else {
      if isHere { finished[sample] = self[last].end.position }
      windows[sample] = Window(segment: next, first: 0, end: 0)
      chunks[sample] = []
      return
    }
    var edge: Edge?
    if isHere {
      let following = trajectory.segments[next]
      let position = self[last].end.position
      edge = Edge(
        state: following.start(from: position, noise: noise, sample: samples[sample]),
        value: following.quantity.converted(
          self[last].lastValue, from: segment.quantity, state: position,
          at: following.slices[0].time))
    }
    try enter(sample, segment: next, from: edge, at: owner(last))
  }

  /// Gives an edge from the rank that holds it to the one that needs it.
  /// - Returns: the edge on the receiving rank, `nil` elsewhere.
  private func hand(
    _ edge: Edge?, from source: Int, to destination: Int, components: Int
  ) throws -> Edge? {
    guard source != destination else { return edge }
    return try clock.time(\.exchange) {
      if let edge { try ring.send(edge.state.runs + [edge.value], to: destination) }
      guard ring.rank == destination else { return nil }
      let runs: [[Scalar]] = try ring.receive(
        components + 1, of: batch.model.dimension, from: source)
      return Edge(state: State(runs.dropLast()), value: runs[components])
    }
  }

  /// Lets go of the chunks that a window has left behind.
  private func discard(_ sample: Int, behind old: Window) {
    let window = windows[sample]
    guard window.segment == old.segment else { return }
    for chunk in map(old).chunks(touching: old.first..<old.end)
    where map(old).slices(ofChunk: chunk).upperBound <= window.first {
      chunks[sample][chunk] = nil
    }
  }
}
