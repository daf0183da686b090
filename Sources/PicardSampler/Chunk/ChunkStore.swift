import Diffusion

/// What one rank holds of a run: the open chunks that it owns, by sample and number within the
/// sample's stage; the memory of chunks that windows have left; and the samples that ended here.
final class ChunkStore<Scalar: StateScalar> {
  let trajectory: Trajectory
  let schedule: Schedule
  /// Of a chunk of each stage.
  let layouts: [ChunkLayout]
  let dimension: Int
  private let noise: any NoiseSource
  /// Numbers of the samples.
  let samples: [Int]
  @exclusivity(unchecked) private var chunks: [[Chunk<Scalar>?]]
  @exclusivity(unchecked) private var spare: [Chunk<Scalar>] = []
  /// Final states, of the samples that ended here.
  var finished: [[Scalar]?]
  /// Room for the noise of one slice, where slices do not keep theirs.
  private lazy var passingNoise = Rows<Scalar>(1, of: 2 * dimension)

  init(
    _ trajectory: Trajectory, _ options: PicardOptions, _ schedule: Schedule, dimension: Int,
    noise: any NoiseSource, samples: [Int]
  ) {
    self.trajectory = trajectory
    self.schedule = schedule
    layouts = trajectory.stages.map { ChunkLayout($0, options, capacity: options.capacity(trajectory)) }
    self.dimension = dimension
    self.noise = noise
    self.samples = samples
    chunks = samples.map { _ in [] }
    finished = samples.map { _ in nil }
  }

  /// An open chunk, which this rank owns.
  subscript(key: ChunkKey) -> Chunk<Scalar> {
    guard let chunk = chunks[key.sample][key.chunk] else {
      preconditionFailure("chunk \(key) is not open here")
    }
    return chunk
  }

  func isAllocated(_ key: ChunkKey) -> Bool { chunks[key.sample][key.chunk] != nil }

  /// Has a sample enter a stage, of which no chunk is open yet.
  func enter(_ stage: Int, sample: Int) {
    chunks[sample] = Array(repeating: nil, count: schedule.maps[stage].chunks)
  }

  /// Gives a chunk memory, where it has none yet, and the slices before one the
  /// noise that they keep.
  func allocate(_ key: ChunkKey, stage: Int, before end: Int) {
    if chunks[key.sample][key.chunk] == nil {
      let chunk = takeSpare(layouts[stage]) ?? makeChunk(layouts[stage])
      chunk.begin(
        schedule.maps[stage].slices(ofChunk: key.chunk), of: trajectory.stages[stage], noise: noise,
        sample: samples[key.sample])
      chunks[key.sample][key.chunk] = chunk
    }
    self[key].drawNoise(before: end)
  }

  private func makeChunk(_ layout: ChunkLayout) -> Chunk<Scalar> {
    let isShared = !layout.keepsNoise
    return Chunk(layout, dimension: dimension, noise: isShared ? passingNoise : Rows(0, of: 0))
  }

  /// The last spare chunk of a layout. Where there is none, the last of all goes, so that what
  /// replaces it takes the place of its memory.
  private func takeSpare(_ layout: ChunkLayout) -> Chunk<Scalar>? {
    guard let index = spare.lastIndex(where: { $0.layout == layout }) else {
      _ = spare.popLast()
      return nil
    }
    return spare.remove(at: index)
  }

  /// Keeps the memory of a chunk for the next one.
  func recycle(_ key: ChunkKey) {
    guard let chunk = chunks[key.sample][key.chunk] else { return }
    chunks[key.sample][key.chunk] = nil
    spare.append(chunk)
  }

  /// Keeps the memory of all chunks of a sample.
  func recycleAll(of sample: Int) {
    for chunk in chunks[sample].indices { recycle(ChunkKey(sample: sample, chunk: chunk)) }
  }

  /// The open chunks with slices, in order. Others have noise drawn ahead at most.
  func forEach(of sample: Int, _ body: (_ number: Int, Chunk<Scalar>) throws -> Void) rethrows {
    for (number, chunk) in chunks[sample].enumerated() {
      if let chunk, !chunk.slices.isEmpty { try body(number, chunk) }
    }
  }
}
