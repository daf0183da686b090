/// What one round does: the active slices of all samples, chunk by chunk, each with its owner
/// and its neighbours.
///
/// The parts are in the order of their levels: how many chunks away from its window's first
/// one a chunk is, and so after how many hops a boundary state reaches it.
package struct RoundPlan {
  /// The slices of one chunk of a sample that a round iterates, or that are opened after it.
  package struct Part: Hashable, Sendable {
    /// Position in the solver's list of samples.
    package var sample: Int
    package var stage: Int
    /// Number of the chunk within the stage.
    package var chunk: Int
    /// Numbers within the stage.
    package var slices: Range<Int>
    package var level: Int
    /// The rank that the chunk belongs to.
    package var owner: Int
    /// The owner of the chunk to the left, where it has a part in this round, too.
    package var left: Int?
    /// The owner of the chunk to the right, where it has a part in this round, too.
    package var right: Int?

    /// The part's chunk, or the one so many chunks further.
    func key(_ offset: Int = 0) -> ChunkKey { ChunkKey(sample: sample, chunk: chunk + offset) }
  }

  package internal(set) var parts: [Part] = []
}

/// Names a chunk of the stage in which a sample is.
struct ChunkKey: Hashable {
  /// Position in the solver's list of samples.
  var sample: Int
  var chunk: Int
}

/// Slices of a sample that are opened between two rounds.
package struct Opening: Sendable {
  /// Position in the solver's list of samples.
  package var sample: Int
  package var stage: Int
  /// Numbers within the stage.
  package var slices: Range<Int>
  /// The rank that holds the state from which they start: the first one's of the sample, or
  /// the one behind the last slice that was open.
  package var holder: Int
  /// Chunk by chunk.
  package var parts: [RoundPlan.Part]

  /// The ranks that the state behind the opened slices passes, from its holder on.
  package var hops: [(source: Int, destination: Int)] {
    let ranks = [holder] + parts.map(\.owner)
    return zip(ranks, ranks.dropFirst()).filter { $0 != $1 }.map { (source: $0, destination: $1) }
  }
}

/// Who does what in which round, on any number of ranks.
package struct Schedule: Sendable {
  package let policy: WindowPolicy
  /// Of every stage.
  let maps: [ChunkMap]

  package init(_ trajectory: Trajectory, _ options: PicardOptions, ranks: Int) {
    policy = WindowPolicy(trajectory, options)
    maps = policy.stages.map {
      ChunkMap(slices: $0, chunkSize: options.chunk, ranks: ranks, layout: options.extent.layout)
    }
  }

  /// The parts of all ranks.
  package func plan(_ windows: [Window]) -> RoundPlan {
    var plan = RoundPlan()
    update(&plan, windows) { _ in true }
    return plan
  }

  /// Makes a plan one of the parts of a rank.
  func update(_ plan: inout RoundPlan, _ windows: [Window], of rank: Int) {
    update(&plan, windows) { $0 == rank }
  }

  private func update(_ plan: inout RoundPlan, _ windows: [Window], isPlanned: (_ owner: Int) -> Bool) {
    plan.parts.removeAll(keepingCapacity: true)
    var (level, areMore) = (0, true)
    while areMore {
      areMore = false
      for (sample, window) in windows.enumerated() where !window.isEmpty {
        let map = maps[window.stage]
        let chunks = map.chunks(touching: window.slices)
        guard level < chunks.count else { continue }
        areMore = true
        let chunk = chunks.lowerBound + level
        guard isPlanned(map.owner(ofChunk: chunk)) else { continue }
        plan.parts.append(
          part(chunk, level: level, of: chunks, sample: sample, stage: window.stage, slices: window.slices))
      }
      level += 1
    }
  }

  private func part(
    _ chunk: Int, level: Int, of chunks: Range<Int>, sample: Int, stage: Int, slices: Range<Int>
  ) -> RoundPlan.Part {
    let map = maps[stage]
    return RoundPlan.Part(
      sample: sample, stage: stage, chunk: chunk, slices: map.slices(ofChunk: chunk).clamped(to: slices),
      level: level, owner: map.owner(ofChunk: chunk),
      left: chunk > chunks.lowerBound ? map.owner(ofChunk: chunk - 1) : nil,
      right: chunk + 1 < chunks.upperBound ? map.owner(ofChunk: chunk + 1) : nil)
  }

  /// The first slices of a sample.
  package func opening(of sample: Int, at start: Window) -> Opening {
    opening(sample, start.stage, start.slices, holder: maps[0].owner(ofChunk: 0))
  }

  /// What is opened where a sample's window has moved; `nil` where nothing is.
  package func opening(of sample: Int, from old: Window, to new: Window) -> Opening? {
    guard !new.isEmpty else { return nil }
    let before = maps[old.stage]
    if new.stage != old.stage {
      return opening(sample, new.stage, new.slices, holder: before.owner(ofChunk: before.chunks - 1))
    }
    guard new.end > old.end else { return nil }
    let last = before.chunk(ofSlice: old.end - 1)
    return opening(sample, new.stage, old.end..<new.end, holder: before.owner(ofChunk: last))
  }

  private func opening(_ sample: Int, _ stage: Int, _ slices: Range<Int>, holder: Int) -> Opening {
    let chunks = maps[stage].chunks(touching: slices)
    let parts = chunks.enumerated().map { level, chunk in
      part(chunk, level: level, of: chunks, sample: sample, stage: stage, slices: slices)
    }
    return Opening(sample: sample, stage: stage, slices: slices, holder: holder, parts: parts)
  }
}
