import Diffusion

/// Draws noise that slices keep before they are opened, while this rank waits for others. How
/// much is drawn ahead depends on time, what is drawn does not.
final class NoiseAhead<Scalar: StateScalar> {
  private let chunks: ChunkStore<Scalar>
  private let clock: PhaseClock
  private let rank: Int
  /// No farther than the next chunk of this rank.
  private let reach: Int
  @exclusivity(unchecked) private var windows: [Window]
  /// One past the last slice whose noise was drawn before it is opened, by sample.
  @exclusivity(unchecked) private var drawn: [Int]
  /// Nothing more is to be drawn until windows move.
  @exclusivity(unchecked) private var isDone = true

  init(_ chunks: ChunkStore<Scalar>, _ ring: any Ring, _ clock: PhaseClock) {
    self.chunks = chunks
    self.clock = clock
    rank = ring.rank
    reach = (chunks.schedule.maps.first?.chunkSize ?? 1) * ring.size
    windows = chunks.samples.map { _ in chunks.schedule.policy.window(entering: 0) }
    drawn = chunks.samples.map { _ in 0 }
  }

  /// Takes note of where windows are now.
  func follow(_ windows: [Window]) {
    for (sample, window) in windows.enumerated() where window.stage != self.windows[sample].stage {
      drawn[sample] = 0
    }
    self.windows = windows
    isDone = false
  }

  /// Draws the noise of one more slice that may be opened soon, as far as that
  /// takes little memory.
  ///
  /// - Returns: whether there was one.
  func draw() -> Bool {
    guard !isDone else { return false }
    for (sample, window) in windows.enumerated()
    where !window.isEmpty && chunks.layouts[window.stage].keepsNoise {
      let map = chunks.schedule.maps[window.stage]
      let end = min(map.slices, window.end + min(window.end - window.first, reach))
      var slice = max(window.end, drawn[sample])
      while slice < end {
        let key = ChunkKey(sample: sample, chunk: map.chunk(ofSlice: slice))
        if map.owner(ofChunk: key.chunk) == rank, chunks.isAllocated(key) || mayAllocate(window.stage) {
          clock.time(.update) { chunks.allocate(key, stage: window.stage, before: slice + 1) }
          drawn[sample] = slice + 1
          return true
        }
        slice = map.slices(ofChunk: key.chunk).upperBound
      }
    }
    isDone = true
    return false
  }

  /// `draw` while a message is on its way, which large states must not delay.
  func drawBesideMessage() -> Bool { chunks.dimension <= 4096 && draw() }

  /// A chunk may be given memory before it has slices: where the chunks of all
  /// samples take no more than 4 MB, so that what a run needs stays what it was
  /// forecast to be.
  private func mayAllocate(_ stage: Int) -> Bool {
    let bytes = chunks.layouts[stage].rows * chunks.dimension * MemoryLayout<Scalar>.stride
    return bytes * chunks.samples.count <= 1 << 22
  }
}
