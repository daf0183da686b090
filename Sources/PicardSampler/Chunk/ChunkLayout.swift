import Diffusion

/// What the memory of a chunk has room for.
package struct ChunkLayout: Hashable, Sendable {
  /// Slices that it has room for.
  package let capacity: Int
  /// Components of a state.
  package let components: Int
  /// Kept values of `f` that its first slices read of slices to the left.
  package let historyDepth: Int
  /// The noise of its slices stays in memory.
  package let keepsNoise: Bool
  package let linearization: Linearization
  /// Evaluations beside every slice.
  package let probes: Int
  package let mixing: AndersonMixing?

  /// - Parameter capacity: slices of a chunk.
  package init(_ stage: Stage, _ options: PicardOptions, capacity: Int) {
    self.capacity = capacity
    components = stage.components
    historyDepth = stage.historyDepth
    // Noise that the model scales is of the state that was evaluated last.
    keepsNoise = (options.keepsNoise || stage.hasLearnedNoise) && stage.isRandom
    linearization = options.linearization
    probes = options.linearization.isElementwise(components: stage.components) ? options.probes : 0
    mixing = options.anderson
  }

  /// How its chunks carry corrections.
  func slopes<Scalar: StateScalar>(of: Scalar.Type) -> any ChunkSlopes<Scalar>.Type {
    mixing == nil ? linearization.slopes(self, of: Scalar.self) : MixedSlopes<Scalar>.self
  }

  /// States in memory: two for every slice, and two behind the last one.
  var states: Int { 2 * capacity + 2 }
  /// Values of `f` in memory: of every slice, the first guess of the first one's, and those
  /// that slices to the left have kept.
  var values: Int { capacity + 1 + historyDepth }

  /// Rows of memory, as many numbers each as a sample has.
  var rows: Int {
    components * (states + (keepsNoise ? capacity : 0)) + values + slopes(of: Float.self).rows(self)
  }
}

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
    trajectory.stages.map { stage in
      // A window does not always begin where a chunk does.
      let open = (extent.largestSize(of: stage.slices.count) + chunk - 1) / chunk + (extent == .blocks ? 0 : 1)
      let chunks = min(open, (stage.slices.count + chunk - 1) / chunk)
      return chunks * ChunkLayout(stage, self, capacity: capacity(trajectory)).rows
    }.max() ?? 0
  }

  /// Slices that a chunk has room for.
  func capacity(_ trajectory: Trajectory) -> Int { min(chunk, trajectory.longestStage) }
}
