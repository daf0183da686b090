import Diffusion

/// How windows move: which slices are done, and where new ones start from.
extension PicardSolver {
  /// A state from which further slices are opened, and a guess of `f` there.
  struct Edge {
    var state: State<Scalar>
    var value: Row<Scalar>
    /// Keeps the rows where no open chunk does.
    var owner: Rows<Scalar>?
  }

  /// Slices of a sample that are to be opened.
  struct Opening {
    var sample: Int
    var slices: Range<Int>
    /// Where they start, on the rank that holds it; `nil` elsewhere.
    var edge: Edge?
    var holder: Int
  }

  /// Draws the initial states and opens the first slices.
  func start() throws {
    let (first, holder) = (trajectory.segments[0].slices[0], maps[0].owner(ofChunk: 0))
    var openings = samples.indices.map { sample in
      var edge: Edge?
      if holder == rank {
        edge = newEdge(components: 1) { position, value in
          var span = position.mutableSpan
          noise.fill(&span, stream: .initialState, step: 0, sample: samples[sample])
          // The data are a point at the origin, as far as is known yet.
          scale(value, Scalar(first.stateInValue), position)
        }
      }
      return enter(sample, segment: 0, from: edge, at: holder)
    }
    try open(&openings)
  }

  /// An edge in memory of its own.
  private func newEdge(
    components: Int, fill: (_ position: Row<Scalar>, _ value: Row<Scalar>) -> Void
  ) -> Edge {
    let dimension = batch.dimension
    let rows = Rows<Scalar>(1, of: (components + 1) * dimension)
    let states = components * dimension
    let edge = Edge(
      state: State(Row(rebasing: rows[0][..<states]), components: components),
      value: Row(rebasing: rows[0][states...]), owner: rows)
    fill(edge.state.position, edge.value)
    return edge
  }

  /// Decides for every sample which slices are done, and opens new ones.
  /// - Returns: the windows that were iterated.
  func advance() throws -> [Window] {
    record.beginRound()
    var openings: [Opening] = []
    let old = windows
    for sample in samples.indices where !isFinished(windows[sample]) {
      windows[sample].rounds += 1
      let window = windows[sample]
      record.note(segment: window.segment, sample: sample, change: changes.largest(of: sample))
      let finished = finishedSlices(sample)
      windows[sample].first += finished
      resize(sample, before: window, finished: finished)
      if windows[sample].first == map(window).slices {
        if let opening = leave(sample) { openings.append(opening) }
      } else {
        if let opening = slide(sample) { openings.append(opening) }
      }
    }
    // New slices start from the last state, whose chunk may be done as well.
    letGo(behind: old, exceptLast: true)
    try open(&openings)
    letGo(behind: old, exceptLast: false)
    return old
  }

  /// How many slices from the left of the window need no further round: in a
  /// sliding window those whose own state is at rest, by its weighted change.
  /// What is behind the last of them is a plain step from there, whatever it
  /// changed by itself; but the segment's last state is left only at rest.
  private func finishedSlices(_ sample: Int) -> Int {
    let window = windows[sample]
    let count = window.end - window.first
    switch options.stop {
    case .iterations(let rounds):
      return window.rounds >= min(rounds, count) ? count : 0
    case .tolerance(let tolerance):
      if options.window == nil {
        // After as many rounds as it has slices a block is exact.
        let isDone = window.rounds >= count || changes.countAtRest(sample, within: tolerance) == count
        return isDone ? count : 0
      }
      let moving = changes.countAtRest(sample, within: tolerance)
      if moving == count { return count }
      // A mixed state is no plain step.
      guard options.anderson == nil else { return max(1, moving) }
      let isLast = window.end == map(window).slices
      return max(1, min(moving + 1, isLast ? count - 1 : count))
    }
  }

  /// What a change of the state behind a slice is multiplied by before it is compared with
  /// the tolerance. A sliding window leaves states behind at all noise levels, and what
  /// counts is how far they move the last one. At tolerance 0 every bit does, also where
  /// a product with the smallest number would vanish.
  func weight(of slice: Int, _ segment: Int) -> Double {
    guard options.window != nil, case .tolerance(let tolerance) = options.stop, tolerance > 0 else { return 1 }
    return trajectory.segments[segment].slices[slice].reach
  }

  /// Has a window grow as long as steps come to rest as fast as they are opened.
  ///
  /// - Parameters:
  ///   - window: as it was in this round.
  ///   - finished: slices of it that are done now.
  private func resize(_ sample: Int, before window: Window, finished: Int) {
    guard let least = options.window, let most = options.largestWindow else { return }
    let isAtOnce = window.fresh <= window.first && finished == window.end - window.first
    windows[sample].size = isAtOnce ? min(2 * window.size, most) : least
  }

  /// Moves the end of a window to where its first slice calls for.
  private func slide(_ sample: Int) -> Opening? {
    let window = windows[sample]
    let count = map(window).slices
    let end = min(count, window.first + window.size)
    windows[sample].fresh = window.end
    guard end > window.end else { return nil }
    windows[sample].end = end
    windows[sample].rounds = 0
    let last = ChunkKey(
      segment: window.segment, chunk: map(window).chunk(ofSlice: window.end - 1), sample: sample)
    let isHere = owner(last) == rank
    return Opening(
      sample: sample, slices: window.end..<end,
      edge: isHere ? edge(behind: last, window.end) : nil,
      holder: owner(last))
  }

  private func enter(_ sample: Int, segment: Int, from edge: Edge?, at holder: Int) -> Opening {
    let count = maps[segment].slices
    let size = options.window ?? count
    let end = min(count, size)
    windows[sample] = Window(segment: segment, first: 0, end: end, size: size)
    chunks[sample] = Array(repeating: nil, count: maps[segment].chunks)
    drawnAhead[sample] = 0
    return Opening(sample: sample, slices: 0..<end, edge: edge, holder: holder)
  }

  /// Goes on from the end of a segment to the next one, or keeps the finished sample.
  private func leave(_ sample: Int) -> Opening? {
    let number = windows[sample].segment
    let next = number + 1
    let last = ChunkKey(segment: number, chunk: maps[number].chunks - 1, sample: sample)
    let isHere = owner(last) == rank
    guard next < trajectory.segments.count else {
      if isHere { finished[sample] = Array(self[last].end.position) }
      windows[sample] = Window(segment: next, first: 0, end: 0, size: 0)
      letGoOfAll(sample)
      return nil
    }
    var edge: Edge?
    if isHere {
      let following = trajectory.segments[next]
      let chunk = self[last]
      let opened = newEdge(components: following.components) { position, value in
        copy(chunk.end.position, to: position)
        copy(chunk.guess(following.slices[0]), to: value)
      }
      following.start(opened.state, noise: noise, sample: samples[sample])
      edge = opened
    }
    letGoOfAll(sample)
    return enter(sample, segment: next, from: edge, at: owner(last))
  }

  /// Opens slices, each starting from the state to its left carried on by the
  /// step map with the denoised estimate held constant (`Chunk.guess`).
  ///
  /// The samples' edges pass from chunk to chunk together.
  private func open(_ openings: inout [Opening]) throws {
    guard !openings.isEmpty else { return }
    // All ranks draw their noise at once, before one waits for the other.
    clock.time(.update) {
      for opening in openings {
        for number in 0... {
          guard let key = chunk(number, of: opening.sample, touching: opening.slices) else { break }
          if owner(key) == rank { makeReady(key, before: slices(of: opening, in: key).upperBound) }
        }
      }
    }
    isAllDrawnAhead = false
    var (level, areMore) = (0, true)
    while areMore {
      areMore = false
      for index in openings.indices {
        guard let key = chunk(level, of: openings[index].sample, touching: openings[index].slices)
        else { continue }
        areMore = true
        try hand(&openings[index], to: key)
      }
      clock.time(.update) {
        for index in openings.indices {
          guard let key = chunk(level, of: openings[index].sample, touching: openings[index].slices),
            owner(key) == rank
          else { continue }
          extend(key, &openings[index])
        }
      }
      level += 1
    }
  }

  /// What of an opening is in one chunk.
  private func slices(of opening: Opening, in key: ChunkKey) -> Range<Int> {
    maps[key.segment].slices(ofChunk: key.chunk).clamped(to: opening.slices)
  }

  /// Draws the noise of slices that do not keep it; each call writes over what
  /// the last one gave.
  func noiseAgain(_ key: ChunkKey) -> (SliceMap) -> State<Scalar>? {
    guard !options.keepsNoise else { return { _ in nil } }
    let components = trajectory.segments[key.segment].components
    return { [self] map in
      guard map.isRandom else { return nil }
      let row = Row(rebasing: passingNoise[0][..<(components * batch.dimension)])
      let state = State(row, components: components)
      map.fill(state, with: noise, sample: samples[key.sample])
      return state
    }
  }

  /// Draws the noise of one more slice that may be opened soon, as far as that
  /// takes little memory. It is done while this rank waits for others: how much
  /// is drawn ahead depends on time, what is drawn does not.
  ///
  /// - Returns: whether there was one.
  func drawAhead() -> Bool {
    guard !isAllDrawnAhead else { return false }
    for (sample, window) in windows.enumerated()
    where !isFinished(window) && chunkRows[window.segment].noise > 0 {
      // No farther than the next chunk of this rank.
      let ahead = min(window.end - window.first, options.chunk * ring.size)
      let reach = min(map(window).slices, window.end + ahead)
      var key = ChunkKey(segment: window.segment, chunk: 0, sample: sample)
      var slice = max(window.end, drawnAhead[sample])
      while slice < reach {
        key.chunk = map(window).chunk(ofSlice: slice)
        if owner(key) == rank, chunks[sample][key.chunk] != nil || mayOpenAhead(key) {
          clock.time(.update) { makeReady(key, before: slice + 1) }
          drawnAhead[sample] = slice + 1
          return true
        }
        slice = map(window).slices(ofChunk: key.chunk).upperBound
      }
    }
    isAllDrawnAhead = true
    return false
  }

  /// `drawAhead` while a message is on its way, which large states must not delay.
  func drawAheadOfMessage() -> Bool { batch.dimension <= 4096 && drawAhead() }

  /// A chunk may be given memory before it has slices: where the chunks of all
  /// samples take no more than 4 MB, so that what a run needs stays what it was
  /// forecast to be.
  private func mayOpenAhead(_ key: ChunkKey) -> Bool {
    let bytes = chunkRows[key.segment].all * batch.dimension * MemoryLayout<Scalar>.stride
    return bytes * samples.count <= 1 << 22
  }

  /// Moves an edge to the rank that opens slices next, straight into the memory
  /// of their chunk.
  private func hand(_ opening: inout Opening, to key: ChunkKey) throws {
    let (source, destination) = (opening.holder, owner(key))
    opening.holder = destination
    if source == destination {
      if let edge = opening.edge { self[key].start(edge.state, edge.value) }
    } else if let edge = opening.edge.take() {
      try clock.time(.exchange) { try send(edge, to: destination) }
    } else if destination == rank {
      try clock.time(.exchange) { try receiveEdge(of: self[key], from: source) }
    }
  }

  /// Gives a chunk memory, where it has none yet, and the slices before one the
  /// noise that they keep.
  func makeReady(_ key: ChunkKey, before end: Int) {
    if chunks[key.sample][key.chunk] == nil {
      let rows = chunkRows[key.segment]
      let chunk = spareChunks.take { $0.rows == rows } ?? Chunk(rows, dimension: batch.dimension)
      chunk.begin(maps[key.segment].slices(ofChunk: key.chunk).lowerBound)
      chunks[key.sample][key.chunk] = chunk
    }
    self[key].drawNoise(
      trajectory.segments[key.segment].slices, before: end, from: noise, sample: samples[key.sample])
  }

  /// Opens the slices of one chunk of this rank, and moves the edge behind them.
  private func extend(_ key: ChunkKey, _ opening: inout Opening) {
    let chunk = self[key]
    let draw = noiseAgain(key)
    for slice in slices(of: opening, in: key) {
      chunk.open(trajectory.segments[key.segment].slices[slice], drawing: draw)
    }
    let end = slices(of: opening, in: key).upperBound
    opening.edge = end < opening.slices.upperBound ? edge(behind: key, end) : nil
  }

  /// Where a slice starts from that follows the last one of a chunk.
  private func edge(behind key: ChunkKey, _ slice: Int) -> Edge {
    Edge(state: self[key].end, value: self[key].guess(trajectory.segments[key.segment].slices[slice]))
  }

  /// Lets go of the chunks that windows have left behind.
  private func letGo(behind old: [Window], exceptLast: Bool) {
    for sample in samples.indices {
      let (window, old) = (windows[sample], old[sample])
      guard !isFinished(window), window.segment == old.segment else { continue }
      for chunk in map(old).chunks(touching: old.first..<old.end) {
        let slices = map(old).slices(ofChunk: chunk)
        guard slices.upperBound <= window.first, !exceptLast || !slices.contains(old.end - 1)
        else { continue }
        letGo(sample, chunk)
      }
    }
  }

  private func letGoOfAll(_ sample: Int) {
    for number in chunks[sample].indices { letGo(sample, number) }
  }

  /// Keeps the memory of a chunk for the next one.
  private func letGo(_ sample: Int, _ number: Int) {
    guard let chunk = chunks[sample][number] else { return }
    chunks[sample][number] = nil
    spareChunks.append(chunk)
  }
}

extension Array {
  /// Takes out the last element that will do. Where none will, the last of all
  /// goes, so that what replaces it takes the place of its memory.
  fileprivate mutating func take(where willDo: (Element) -> Bool) -> Element? {
    guard let index = lastIndex(where: willDo) else {
      _ = popLast()
      return nil
    }
    return remove(at: index)
  }
}
