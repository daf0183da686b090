import Diffusion

extension PicardOptions {
  /// Rows of numbers, as many as a sample has, in which a solver keeps what it
  /// iterates of one sample, on all ranks together. Times `d` and the bytes of a
  /// number it is the memory that grows with the extent of the iteration.
  ///
  /// A slice takes four: its state, the last or the next one, `f` and the noise.
  /// It takes one less where noise is not kept or the step map adds none, one
  /// more for the change of the estimate where slopes are elementwise, two more for every
  /// probe, and twice the states in the corrector, which has velocities. A chunk
  /// takes a few of its own.
  public func rows(for trajectory: Trajectory) -> Int {
    trajectory.segments.map { rows($0, capacity: capacity(trajectory)) }.max() ?? 0
  }

  private func rows(_ segment: Trajectory.Segment, capacity: Int) -> Int {
    let slices = min(largestWindow ?? window ?? .max, segment.slices.count)
    // A window does not always begin where a chunk does.
    let chunks = min(
      (slices + chunk - 1) / chunk + (window == nil ? 0 : 1),
      (segment.slices.count + chunk - 1) / chunk)
    let history = anderson.map { segment.components * $0.rows } ?? 0
    return slices * history + chunks * chunkRows(segment, capacity: capacity).all
  }

  /// Memory of a chunk of a segment.
  func chunkRows(_ segment: Trajectory.Segment, capacity: Int) -> ChunkRows {
    ChunkRows(
      capacity: capacity, components: segment.components, elementwise: hasElementSlopes(segment),
      probes: hasElementSlopes(segment) ? probes : 0,
      keepsNoise: keepsNoise && segment.slices.contains(where: \.isRandom))
  }

  /// Slices that a chunk has room for.
  func capacity(_ trajectory: Trajectory) -> Int { min(chunk, trajectory.longestSegment) }

  /// Slopes are those of single elements: in the predictor.
  func hasElementSlopes(_ segment: Trajectory.Segment) -> Bool {
    linearization == .elementwise && segment.components == 1
  }
}

/// Rows of memory that a chunk is made of; a state has one for each component.
struct ChunkRows: Hashable {
  /// Slices that it has room for.
  let capacity: Int
  let components: Int
  /// Two states for every slice, and two behind the last one; two more where
  /// slopes are elementwise.
  let states: Int
  /// `f` of every slice, and of the one to the left.
  let values: Int
  /// Changes of the denoised estimate that elementwise slopes come from.
  let estimateChanges: Int
  /// What the step map adds to every slice's state.
  let noise: Int
  /// Probes of every slice.
  let probes: Int

  init(capacity: Int, components: Int, elementwise: Bool, probes: Int, keepsNoise: Bool) {
    self.capacity = capacity
    self.components = components
    states = 2 * capacity + (elementwise ? 4 : 2)
    values = capacity + 1
    estimateChanges = elementwise ? capacity : 0
    noise = keepsNoise ? capacity : 0
    self.probes = probes
  }

  /// Numbers of rows in all, with those of elementwise slopes and of probes.
  var all: Int {
    components * (states + noise) + values + estimateChanges + (estimateChanges > 0 ? elementSlopeRows : 0)
      + (probes > 0 ? 2 * probes * capacity + probeRows : 0)
  }
}
