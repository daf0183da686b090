public import Diffusion

/// The time-parallel solver: iterates all active slices of all samples at
/// once, each rank those of its own chunks, until the trajectories stand.
///
/// Every sample has a window of its own, so that it takes the same rounds, to
/// the same bits, whatever other samples are drawn beside it. The fixed point
/// is the sequential sampler's trajectory with the same noise; after `k` rounds
/// the first `k` states of a window have its bits.
public final class PicardSolver<Scalar: StateScalar> {
  let trajectory: Trajectory
  let options: PicardOptions
  let batch: ScoreBatch<Scalar>
  let ring: any Ring
  let noise: any NoiseSource
  /// Numbers of the samples, which the noise depends on.
  let samples: [Int]
  let maps: [ChunkMap]

  @exclusivity(unchecked) var windows: [Window]
  /// The open chunks that this rank owns, by sample and number within the
  /// sample's segment.
  @exclusivity(unchecked) var chunks: [[Chunk<Scalar>?]]
  /// Noise that was drawn before its slices are opened, by sample and slice.
  @exclusivity(unchecked) var noiseAhead: [[Int: Rows<Scalar>]]
  /// One past the last slice that was, by sample.
  @exclusivity(unchecked) var drawnAhead: [Int]
  /// Nothing more is to be drawn until further slices are opened.
  @exclusivity(unchecked) var isAllDrawnAhead = false
  /// Memory of chunks and noise that are done with, for the next ones.
  @exclusivity(unchecked) var spareChunks: [Chunk<Scalar>] = []
  @exclusivity(unchecked) var spareNoise: [Rows<Scalar>] = []
  /// Noise of one slice, where slices do not keep theirs.
  lazy var passingNoise = Rows<Scalar>(1, of: 2 * batch.dimension)
  /// An edge on its way to another rank.
  lazy var passingEdge = Rows<Scalar>(1, of: 3 * batch.dimension)
  var finished: [Int: [Scalar]] = [:]
  /// Runs of elements that travel as one message.
  let segments: [Range<Int>]
  @exclusivity(unchecked) var record: RunRecord
  /// The state was taken from a checkpoint, so that slices are open already.
  var isRestored = false
  let clock = PhaseClock()

  /// Is told what this rank does.
  public var observer: (any RunObserver)? {
    get { clock.observer }
    set { clock.observer = newValue }
  }

  struct ChunkKey {
    var segment: Int
    var chunk: Int
    /// Position in `samples`.
    var sample: Int
  }

  /// - Parameters:
  ///   - trajectory: the steps from noise to data.
  ///   - options: how the iteration runs.
  ///   - batch: the model, and how many rows it takes at once.
  ///   - ring: the ranks that share the work; all of them make a solver alike.
  ///   - noise: where initial states and step noise come from.
  ///   - samples: numbers of the samples to draw, the same on all ranks.
  public init(
    _ trajectory: Trajectory, options: PicardOptions, batch: ScoreBatch<Scalar>, ring: any Ring,
    noise: any NoiseSource, samples: [Int]
  ) {
    self.trajectory = trajectory
    self.options = options
    self.batch = batch
    self.ring = ring
    self.noise = noise
    self.samples = samples
    maps = trajectory.segments.map { segment in
      ChunkMap(
        slices: segment.slices.count, chunkSize: options.chunk, ranks: ring.size,
        layout: options.window == nil ? .contiguous : .cyclic)
    }
    windows = samples.map { _ in Window(segment: 0, first: 0, end: 0) }
    chunks = samples.map { _ in [] }
    noiseAhead = samples.map { _ in [:] }
    drawnAhead = samples.map { _ in 0 }
    segments = Self.messageSegments(batch.dimension)
    record = RunRecord(trajectory)
  }

  /// Draws the samples.
  ///
  /// - Parameter observe: called after every round, on every rank.
  /// - Returns: what this rank holds of the samples, and the record of the run.
  /// - Throws: `SamplingError` on all ranks alike where a score is not finite;
  ///   what the model and the ring throw.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public func run(observe: (RoundSummary) throws -> Void = { _ in }) throws -> Solution<Scalar> {
    if !isRestored { try start() }
    while windows.contains(where: { !isFinished($0) }) {
      let levels = activeChunks()
      let own = Array(levels.joined())
      let failed = try evaluate(own)
      try sendValues(own)
      let changes = try update(levels, own, failed: failed)
      let iterated = windows
      try advance(changes)
      try observe(
        summary(SliceChanges(starts: trajectory.segmentStarts, windows: iterated, changes: changes)))
    }
    try record.close(ring)
    record.evaluations = batch.evaluations
    record.seconds = clock.seconds
    return Solution(
      samples: finished.sorted { $0.key < $1.key }.map { (samples[$0.key], $0.value) },
      record: record)
  }

  /// This rank's chunks with active slices, by level: how many chunks away from
  /// its window's first one a chunk is, and so after how many hops the boundary
  /// state reaches it.
  private func activeChunks() -> [[ChunkKey]] {
    var levels: [[ChunkKey]] = []
    for (sample, window) in windows.enumerated() where !isFinished(window) {
      for (level, chunk) in map(window).chunks(touching: window.first..<window.end).enumerated() {
        if level == levels.count { levels.append([]) }
        let key = ChunkKey(segment: window.segment, chunk: chunk, sample: sample)
        if owner(key) == ring.rank { levels[level].append(key) }
      }
    }
    return levels
  }

  private func evaluate(_ own: [ChunkKey]) throws -> Position? {
    var visits: [Visit<Scalar>] = []
    var origins: [(key: ChunkKey, slice: Int)] = []
    for key in own {
      let (chunk, segment) = (self[key], trajectory.segments[key.segment])
      for index in activeSlices(key) {
        let slice = chunk.slice(index)
        guard slice.needsEvaluation else { continue }
        visits.append(
          Visit(
            state: slice.state.position, map: slice.map, quantity: segment.quantity,
            sample: samples[key.sample]))
        origins.append((key, index))
      }
    }
    return try clock.time(.score) {
      try batch.evaluate(visits) { visit, prediction, conversion in
        let (key, slice) = origins[visit]
        return self[key].absorb(slice, prediction, conversion)
      }.map { Position(sample: origins[$0].key.sample, slice: origins[$0].slice) }
    }
  }

  /// Hands `f` of every chunk's last slice to the right, for multistep maps.
  private func sendValues(_ own: [ChunkKey]) throws {
    try clock.time(.exchange) {
      for key in own where trajectory.segments[key.segment].usesEarlierValue {
        guard let next = rightNeighbour(key) else { continue }
        if owner(next) == ring.rank {
          copy(self[key].lastValue, to: self[next].leftValue)
        } else {
          try send(self[key].lastValue, to: owner(next))
        }
      }
      for key in own where trajectory.segments[key.segment].usesEarlierValue {
        if let previous = leftNeighbour(key), owner(previous) != ring.rank {
          try receive(self[key].leftValue, from: owner(previous))
        }
      }
    }
  }

  /// Runs the iteration over this rank's chunks and agrees with the other
  /// ranks on the changes of all active slices.
  private func update(
    _ levels: [[ChunkKey]], _ own: [ChunkKey], failed: Position?
  ) throws -> Changes {
    clock.time(.update) {
      for key in own {
        self[key].propose(
          from: activeSlices(key).lowerBound, options.linearization,
          isLeftmost: leftNeighbour(key) == nil, drawing: noiseAgain(key))
      }
    }
    for level in levels {
      for key in level { try passBoundary(key) }
    }
    let mixing = options.anderson
    var changes = Changes(
      windows.map { isFinished($0) ? 0..<0 : $0.first..<$0.end }, products: mixing?.products ?? 0)
    clock.time(.update) {
      for key in own {
        let (chunk, slices) = (self[key], activeSlices(key))
        chunk.settle(from: slices.lowerBound) { changes[key.sample, $0] = $1 }
        if holdsEnd(key) { changes[key.sample, slices.upperBound - 1] = chunk.endChange }
        if let mixing {
          chunk.remember(from: slices.lowerBound, depth: mixing.history) {
            changes.setProducts(key.sample, $0, $1)
          }
        }
      }
    }
    if let failed { changes[failed.sample, failed.slice] = .infinity }
    if ring.size > 1, mixing != nil || options.stop.needsAgreement {
      try clock.time(.reduce) {
        try changes.agree(ring) { drawAhead() }
      }
    }
    if let position = changes.failure { throw failure(position) }
    clock.time(.update) {
      if let mixing { mix(own, changes, mixing) }
      for key in own {
        self[key].accept(from: activeSlices(key).lowerBound)
        if holdsEnd(key) { self[key].acceptEnd() }
      }
    }
    return changes
  }

  /// The state behind this chunk is the end of its sample's window.
  private func holdsEnd(_ key: ChunkKey) -> Bool {
    activeSlices(key).upperBound == windows[key.sample].end
  }

  private func mix(_ own: [ChunkKey], _ changes: Changes, _ mixing: AndersonMixing) {
    var coefficients: [Int: [Int: [Double]]] = [:]
    for (sample, window) in windows.enumerated() where !isFinished(window) {
      var sums = [Double](repeating: 0, count: mixing.products)
      // The state behind the window's last slice has no history.
      for slice in window.first..<(window.end - 1) {
        for (index, product) in changes.products(sample, slice).enumerated() {
          sums[index] += product
        }
        // The output of slice `first + rounds` becomes exact in this round.
        guard slice > window.first + window.rounds, let gamma = mixing.coefficients(sums)
        else { continue }
        coefficients[sample, default: [:]][slice] = gamma
      }
    }
    for key in own {
      self[key].mix(from: activeSlices(key).lowerBound) { coefficients[key.sample]?[$0] }
    }
  }

  /// Takes the boundary state of a chunk from the left, and sends the state
  /// behind the chunk on at once, segment by segment.
  private func passBoundary(_ key: ChunkKey) throws {
    let chunk = self[key]
    let start = activeSlices(key).lowerBound
    let (previous, next) = (leftNeighbour(key), rightNeighbour(key))
    chunk.leftHasCome = previous != nil
    for elements in segments {
      if let previous, owner(previous) != ring.rank {
        try clock.time(.exchange) { try receive(chunk.left[elements], from: owner(previous)) }
      }
      let end = clock.time(.update) { chunk.correctEnd(from: start, elements) }
      guard let next else { continue }
      if owner(next) == ring.rank {
        self[next].left[elements].copy(from: end)
      } else {
        try clock.time(.exchange) { try send(end, to: owner(next)) }
      }
    }
  }

  private func failure(_ position: Position) -> SamplingError {
    let window = windows[position.sample]
    let segment = trajectory.segments[window.segment]
    let chunk = map(window).chunk(ofSlice: position.slice)
    return SamplingError(
      nonFinite: segment, slice: position.slice, sample: samples[position.sample],
      rank: map(window).owner(ofChunk: chunk), round: record.rounds + 1)
  }

  private func summary(_ changes: SliceChanges) -> RoundSummary {
    let last = windows.min { ($0.segment, $0.first) < ($1.segment, $1.first) }
    let isDone = last.map { isFinished($0) } ?? true
    let segment = isDone ? trajectory.segments.count - 1 : last?.segment ?? 0
    return RoundSummary(
      round: record.rounds, evaluations: batch.evaluations, calls: batch.calls,
      finishedSteps: isDone
        ? trajectory.slices : trajectory.segmentStarts[segment] + (last?.first ?? 0),
      steps: trajectory.slices, largestChange: record.largestChange,
      block: trajectory.segments[segment].block,
      isCorrector: trajectory.segments[segment].isCorrector, changes: changes)
  }

  // MARK: Who owns what

  func isFinished(_ window: Window) -> Bool { window.segment == trajectory.segments.count }

  func map(_ window: Window) -> ChunkMap { maps[window.segment] }

  func owner(_ key: ChunkKey) -> Int { maps[key.segment].owner(ofChunk: key.chunk) }

  /// The chunk of a key, which this rank owns.
  subscript(key: ChunkKey) -> Chunk<Scalar> {
    guard let chunk = chunks[key.sample][key.chunk] else {
      preconditionFailure("chunk \(key) is not open here")
    }
    return chunk
  }

  func activeSlices(_ key: ChunkKey) -> Range<Int> {
    let window = windows[key.sample]
    return maps[key.segment].slices(ofChunk: key.chunk).clamped(to: window.first..<window.end)
  }

  /// The chunk to the right, where it is active too.
  private func rightNeighbour(_ key: ChunkKey) -> ChunkKey? {
    var next = key
    next.chunk += 1
    return activeSlices(key).upperBound < windows[key.sample].end ? next : nil
  }

  /// The chunk to the left, where it is active too.
  private func leftNeighbour(_ key: ChunkKey) -> ChunkKey? {
    var previous = key
    previous.chunk -= 1
    return activeSlices(key).lowerBound > windows[key.sample].first ? previous : nil
  }
}

/// The slices of one sample that are being iterated.
struct Window: Hashable, Sendable {
  var segment: Int
  /// The first slice that is not done.
  var first: Int
  /// One past the last open slice.
  var end: Int
  /// Rounds since slices were last opened.
  var rounds = 0

  var isEmpty: Bool { first == end }
}

/// A slice of a sample.
struct Position: Hashable {
  /// Position in the solver's list of samples.
  var sample: Int
  var slice: Int
}
