import Diffusion

/// The state between two rounds: how far every sample is, which all ranks
/// know, and the open chunks, each known to its owner. Noise is not part of
/// it, since it can be drawn again.
extension PicardSolver: ResumableSolver {
  public var evaluations: Int { batch.evaluations }

  public func progress() throws -> [SampleProgress] {
    var progress = samples.indices.map { index in
      let window = windows[index]
      let (iterations, changes) = record.progress(of: index, in: window.stage)
      return SampleProgress(
        sample: samples[index], stage: window.stage, first: window.first, end: window.end,
        size: window.size, fresh: window.fresh, rounds: UInt32(window.rounds), iterations: iterations.map { UInt32($0) }, changes: changes)
    }
    // Where the number of rounds is fixed, a change is known to one rank alone.
    var changes = progress.flatMap(\.changes)
    if ring.size > 1, !changes.isEmpty {
      var span = changes.mutableSpan
      try ring.maximum(&span)
    }
    for index in progress.indices {
      let count = progress[index].changes.count
      progress[index].changes = Array(changes.prefix(count))
      changes.removeFirst(count)
    }
    return progress
  }

  public func forEachPiece(_ body: (PieceKey, [UInt8]) throws -> Void) throws {
    for (index, sample) in samples.enumerated() {
      if var position = chunks.finished[index] {
        var coder = StateCoder()
        try coder.code(&position)
        try body(PieceKey(sample: sample, chunk: 0), coder.bytes)
      }
      try chunks.forEach(of: index) { number, chunk in
        var coder = StateCoder()
        try chunk.code(&coder)
        try body(PieceKey(sample: sample, chunk: number), coder.bytes)
      }
    }
  }

  public func restore(_ progress: [SampleProgress], piece: (PieceKey) throws -> [UInt8]) throws {
    let bySample = Dictionary(progress.map { ($0.sample, $0) }) { first, _ in first }
    for (index, sample) in samples.enumerated() {
      guard let stored = bySample[sample] else {
        throw StoredStateError("sample \(sample) is not stored")
      }
      windows[index] = try window(stored)
      record.restore(index, iterations: stored.iterations.map { Int($0) }, changes: stored.changes)
      if schedule.policy.isFinished(windows[index]) {
        try restoreFinished(index, piece)
      } else {
        try restoreChunks(index, piece)
      }
    }
    ahead.follow(windows)
    isRestored = true
  }

  private func restoreFinished(
    _ index: Int, _ piece: (PieceKey) throws -> [UInt8]
  ) throws {
    guard let last = schedule.maps.last, last.owner(ofChunk: last.chunks - 1) == ring.rank else { return }
    var position = [Scalar](repeating: 0, count: batch.dimension)
    var coder = StateCoder(reading: try piece(PieceKey(sample: samples[index], chunk: 0)))
    try coder.code(&position)
    try coder.finish()
    chunks.finished[index] = position
  }

  private func restoreChunks(_ index: Int, _ piece: (PieceKey) throws -> [UInt8]) throws {
    let window = windows[index]
    let map = schedule.maps[window.stage]
    chunks.enter(window.stage, sample: index)
    for number in map.chunks(touching: window.slices) where map.owner(ofChunk: number) == ring.rank {
      let key = ChunkKey(sample: index, chunk: number)
      // Slices that have converged may be of use to others of their chunk.
      let opened = map.slices(ofChunk: number).prefix { $0 < window.end }
      chunks.allocate(key, stage: window.stage, before: opened.endIndex)
      for _ in opened { chunks[key].open() }
      var coder = StateCoder(reading: try piece(PieceKey(sample: samples[index], chunk: number)))
      try chunks[key].code(&coder)
      try coder.finish()
    }
  }

  /// The window of a stored sample, if this solver can have got there.
  private func window(_ stored: SampleProgress) throws -> Window {
    let stages = trajectory.stages.count
    let isConsistent =
      0...stages ~= stored.stage
      && stored.iterations.count == min(stored.stage + 1, stages)
      && stored.changes.count == stored.iterations.count
    guard isConsistent else { throw StoredStateError("the progress of sample \(stored.sample) is odd") }
    if stored.stage == stages { return schedule.policy.window(entering: stages) }
    let window = Window(
      stage: stored.stage, first: stored.first, end: stored.end, rounds: Int(stored.rounds),
      size: stored.size, fresh: stored.fresh)
    let slices = schedule.policy.stages[window.stage]
    let (least, most) =
      switch options.extent {
      case .blocks: (slices, slices)
      case .window(let size, let maximum): (size, maximum)
      }
    guard 0 <= window.first, window.first < window.end, window.end <= slices, least...most ~= window.size,
      window.end - window.first <= most, 0...window.end ~= window.fresh
    else {
      throw StoredStateError("sample \(stored.sample) is at steps that its window cannot cover")
    }
    return window
  }
}
