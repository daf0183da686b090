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
  /// This rank in the ring.
  let rank: Int
  let noise: any NoiseSource
  /// Numbers of the samples, which the noise depends on.
  let samples: [Int]
  let maps: [ChunkMap]
  /// Some step needs `f` one slice earlier.
  private let isMultistep: Bool
  /// Memory of a chunk of each segment.
  let chunkRows: [ChunkRows]

  @exclusivity(unchecked) var windows: [Window]
  /// The open chunks that this rank owns, by sample and number within the
  /// sample's segment.
  @exclusivity(unchecked) var chunks: [[Chunk<Scalar>?]]
  /// One past the last slice whose noise was drawn before it is opened, by sample.
  @exclusivity(unchecked) var drawnAhead: [Int]
  /// Nothing more is to be drawn until further slices are opened.
  @exclusivity(unchecked) var isAllDrawnAhead = false
  /// Chunks that are done with, whose memory is for the next ones.
  @exclusivity(unchecked) var spareChunks: [Chunk<Scalar>] = []
  /// This rank's chunks with active slices, those of the leftmost level first.
  @exclusivity(unchecked) private var active: [ChunkKey] = []
  /// Where this round evaluates.
  @exclusivity(unchecked) private var visits: [Visit<Scalar>] = []
  @exclusivity(unchecked) private var origins: [(key: ChunkKey, slice: Int, probe: Int?)] = []
  /// What this round does to the active slices.
  @exclusivity(unchecked) var changes: Changes
  /// Noise of one slice, where slices do not keep theirs.
  lazy var passingNoise = Rows<Scalar>(1, of: 2 * batch.dimension)
  /// An edge on its way to another rank.
  lazy var passingEdge = Rows<Scalar>(1, of: 3 * batch.dimension)
  /// The samples that ended here.
  var finished: [[Scalar]?]
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
    rank = ring.rank
    self.noise = noise
    self.samples = samples
    maps = trajectory.segments.map { segment in
      ChunkMap(
        slices: segment.slices.count, chunkSize: options.chunk, ranks: ring.size,
        layout: options.window == nil ? .contiguous : .cyclic)
    }
    isMultistep = trajectory.segments.contains(where: \.usesEarlierValue)
    chunkRows = trajectory.segments.map {
      options.chunkRows($0, capacity: options.capacity(trajectory))
    }
    windows = samples.map { _ in Window(segment: 0, first: 0, end: 0, size: 0) }
    chunks = samples.map { _ in [] }
    drawnAhead = samples.map { _ in 0 }
    changes = Changes(products: options.anderson?.products ?? 0)
    segments = Self.messageSegments(batch.dimension)
    finished = samples.map { _ in nil }
    record = RunRecord(trajectory, samples: samples.count)
  }

  /// Draws the samples.
  ///
  /// - Parameter observe: called after every round, on every rank.
  /// - Returns: what this rank holds of the samples, and the record of the run.
  /// - Throws: `SamplingError` on all ranks alike where a score is not finite;
  ///   `RowDependence` where a row's score is not a function of that row; what the
  ///   model and the ring throw.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public func run(observe: (RoundSummary) throws -> Void = { _ in }) throws -> Solution<Scalar> {
    try checkRows()
    if !isRestored { try start() }
    while windows.contains(where: { !isFinished($0) }) {
      findActiveChunks()
      let failed = try evaluate()
      try sendValues()
      try update(failed: failed)
      let iterated = try advance()
      try observe(
        summary(SliceChanges(starts: trajectory.segmentStarts, windows: iterated, changes: changes)))
    }
    try checkRowsAgain()
    try record.close(ring)
    record.evaluations = batch.evaluations
    record.seconds = clock.seconds
    return Solution(
      samples: zip(samples, finished).compactMap { number, state in state.map { (number, $0) } },
      record: record)
  }

  /// Checks that a row's score does not depend on its batch (`ScoreBatch.checkRows`), where
  /// that was not done for as many rows. Collective; `run` begins with it.
  ///
  /// - Throws: `RowDependence`; what the model and the ring throw.
  public func checkRows() throws {
    let load = options.largestLoad(
      trajectory, samples: samples.count, ranks: ring.size, dimension: batch.dimension)
    try batch.checkOnce(load: load, of: trajectory, samples: samples, over: ring)
  }

  public func checkRowsAgain() throws { try batch.checkAgain(over: ring) }

  /// Finds this rank's chunks with active slices, by level: how many chunks away
  /// from its window's first one a chunk is, and so after how many hops the
  /// boundary state reaches it.
  private func findActiveChunks() {
    active.removeAll(keepingCapacity: true)
    var (level, areMore) = (0, true)
    while areMore {
      areMore = false
      for (sample, window) in windows.enumerated() where !isFinished(window) {
        guard let key = chunk(level, of: sample, touching: window.first..<window.end) else { continue }
        areMore = true
        if owner(key) == rank { active.append(key) }
      }
      level += 1
    }
  }

  private func evaluate() throws -> Position? {
    visits.removeAll(keepingCapacity: true)
    origins.removeAll(keepingCapacity: true)
    for key in active {
      let (chunk, quantity) = (self[key], trajectory.segments[key.segment].quantity)
      for index in activeSlices(key) where chunk.needsEvaluation(index) {
        visits.append(chunk.visit(index, of: samples[key.sample], quantity))
        origins.append((key, index, nil))
      }
      if chunk.probes != nil { clock.time(.update) { probe(key, quantity) } }
    }
    return try clock.time(.score) {
      try batch.evaluate(visits) { visit, prediction, conversion in
        let (key, slice, probe) = origins[visit]
        return probe.map { self[key].absorb(probe: $0, prediction, conversion) }
          ?? self[key].absorb(slice, prediction, conversion)
      }.map { Position(sample: origins[$0].key.sample, slice: origins[$0].slice) }
    }
  }

  /// Evaluates beside the states of a chunk, too.
  private func probe(_ key: ChunkKey, _ quantity: StepQuantity) {
    let (chunk, sample) = (self[key], samples[key.sample])
    chunk.aim(activeSlices(key).filter(chunk.needsEvaluation)) { number, row in
      var span = row.mutableSpan
      noise.fill(&span, stream: .probe, step: number, sample: sample)
    }
    chunk.forEachProbe { number, slice in
      var visit = chunk.visit(slice, of: sample, quantity)
      visit.state = chunk.probedState(number, slice)
      visits.append(visit)
      origins.append((key, slice, number))
    }
  }

  /// Hands `f` of every chunk's last slice to the right, for multistep maps.
  private func sendValues() throws {
    guard isMultistep else { return }
    try clock.time(.exchange) {
      for key in active where trajectory.segments[key.segment].usesEarlierValue {
        guard let next = rightNeighbour(key) else { continue }
        if owner(next) == rank {
          copy(self[key].lastValue, to: self[next].leftValue)
        } else {
          try send(self[key].lastValue, to: owner(next))
        }
      }
      for key in active where trajectory.segments[key.segment].usesEarlierValue {
        if let previous = leftNeighbour(key), owner(previous) != rank {
          try receive(self[key].leftValue, from: owner(previous))
        }
      }
    }
  }

  /// Runs the iteration over this rank's chunks and agrees with the other
  /// ranks on the changes of all active slices.
  private func update(failed: Position?) throws {
    for key in active where isAwaited(key) {
      propose(key)
      try passBoundary(key)
    }
    for key in active where !isAwaited(key) { propose(key) }
    for key in active where !isAwaited(key) { try passBoundary(key) }
    let mixing = options.anderson
    clock.time(.update) {
      changes.begin(windows.lazy.map { $0.first..<$0.end })
      for key in active {
        let (chunk, slices) = (self[key], activeSlices(key))
        func note(_ slice: Int, _ change: Double) {
          changes[key.sample, slice] = weight(of: slice, key.segment) * change
        }
        chunk.settle(from: slices.lowerBound, report: note)
        if holdsEnd(key) { note(slices.upperBound - 1, chunk.endChange) }
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
      if let mixing { mix(mixing) }
      for key in active {
        self[key].accept(from: activeSlices(key).lowerBound)
        if holdsEnd(key) { self[key].acceptEnd() }
      }
    }
  }

  /// Another rank waits for the state behind this chunk, which is known as soon as
  /// it is proposed.
  private func isAwaited(_ key: ChunkKey) -> Bool {
    guard leftNeighbour(key) == nil, let next = rightNeighbour(key) else { return false }
    return owner(next) != rank
  }

  private func propose(_ key: ChunkKey) {
    clock.time(.update) {
      self[key].propose(
        from: activeSlices(key).lowerBound, options.linearization,
        isLeftmost: leftNeighbour(key) == nil, drawing: noiseAgain(key))
    }
  }

  /// The state behind this chunk is the end of its sample's window.
  private func holdsEnd(_ key: ChunkKey) -> Bool {
    activeSlices(key).upperBound == windows[key.sample].end
  }

  private func mix(_ mixing: AndersonMixing) {
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
    for key in active {
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
    func receiveLeft(_ elements: Range<Int>) throws {
      guard let previous, owner(previous) != rank else { return }
      try clock.time(.exchange) { try receive(chunk.left[elements], from: owner(previous)) }
    }
    if chunk.probes != nil {
      // What is measured takes all elements of a change together.
      for elements in segments { try receiveLeft(elements) }
      clock.time(.update) { chunk.carryLeft(from: start) }
    }
    for elements in segments {
      if chunk.probes == nil { try receiveLeft(elements) }
      let end = clock.time(.update) { chunk.correctEnd(from: start, elements) }
      guard let next else { continue }
      if owner(next) == rank {
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

  /// The chunk that a range of slices of a sample touches after so many others.
  func chunk(_ number: Int, of sample: Int, touching slices: Range<Int>) -> ChunkKey? {
    let segment = windows[sample].segment
    let chunks = maps[segment].chunks(touching: slices)
    guard number < chunks.count else { return nil }
    return ChunkKey(segment: segment, chunk: chunks.lowerBound + number, sample: sample)
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
