import Diffusion

/// The state between two rounds: how far every sample is, which all ranks
/// know, and the open chunks, each known to its owner. Noise is not part of
/// it, since it can be drawn again.
extension PicardSolver: ResumableSolver {
  public var evaluations: Int { batch.evaluations }

  public func progress() throws -> [SampleProgress] {
    var progress = samples.indices.map { index in
      let window = windows[index]
      let (iterations, changes) = record.progress(of: index, in: window.segment)
      return SampleProgress(
        sample: samples[index], segment: window.segment, first: window.first, end: window.end,
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
      if var position = finished[index] {
        var coder = StateCoder()
        try coder.code(&position)
        try body(PieceKey(sample: sample, chunk: 0), coder.bytes)
      }
      for (number, chunk) in chunks[index].enumerated() {
        // Without slices it has noise drawn ahead at most.
        guard let chunk, !chunk.slices.isEmpty else { continue }
        var coder = StateCoder()
        try chunk.code(&coder, depth: options.anderson?.history)
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
      if isFinished(windows[index]) {
        try restoreFinished(index, piece)
      } else {
        try restoreChunks(index, piece)
      }
    }
    isRestored = true
  }

  private func restoreFinished(
    _ index: Int, _ piece: (PieceKey) throws -> [UInt8]
  ) throws {
    guard let last = maps.last, last.owner(ofChunk: last.chunks - 1) == rank else { return }
    var position = [Scalar](repeating: 0, count: batch.dimension)
    var coder = StateCoder(reading: try piece(PieceKey(sample: samples[index], chunk: 0)))
    try coder.code(&position)
    try coder.finish()
    finished[index] = position
  }

  private func restoreChunks(_ index: Int, _ piece: (PieceKey) throws -> [UInt8]) throws {
    let window = windows[index]
    let segment = trajectory.segments[window.segment]
    chunks[index] = Array(repeating: nil, count: map(window).chunks)
    for number in map(window).chunks(touching: window.first..<window.end) {
      let key = ChunkKey(segment: window.segment, chunk: number, sample: index)
      guard owner(key) == rank else { continue }
      let slices = map(window).slices(ofChunk: number)
      let opened = slices.clamped(to: slices.lowerBound..<window.end)
      makeReady(key, before: opened.upperBound)
      let chunk = self[key]
      for slice in opened { chunk.open(segment.slices[slice], drawing: noiseAgain(key)) }
      var coder = StateCoder(reading: try piece(PieceKey(sample: samples[index], chunk: number)))
      try chunk.code(&coder, depth: options.anderson?.history)
      try coder.finish()
    }
  }

  /// The window of a stored sample, if this solver can have got there.
  private func window(_ stored: SampleProgress) throws -> Window {
    let segments = trajectory.segments.count
    let isConsistent =
      0...segments ~= stored.segment
      && stored.iterations.count == min(stored.segment + 1, segments)
      && stored.changes.count == stored.iterations.count
    let window = Window(
      segment: stored.segment, first: stored.first, end: stored.end, rounds: Int(stored.rounds),
      size: stored.size, fresh: stored.fresh)
    guard isConsistent else { throw StoredStateError("the progress of sample \(stored.sample) is odd") }
    if isFinished(window) { return Window(segment: segments, first: 0, end: 0, size: 0) }
    let slices = map(window).slices
    guard 0 <= window.first, window.first < window.end, window.end <= slices,
      (options.window ?? slices)...(options.largestWindow ?? options.window ?? slices) ~= window.size,
      window.end - window.first <= options.largestWindow ?? window.size, 0...window.end ~= window.fresh
    else {
      throw StoredStateError("sample \(stored.sample) is at steps that its window cannot cover")
    }
    return window
  }
}
