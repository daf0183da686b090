package import Diffusion

/// The noise of a chunk's slices. Either it is kept, or it is drawn in every round again, to
/// the same bits: slower, in less memory.
package final class SliceNoise<Scalar: StateScalar> {
  /// A row for every slice, or one that all chunks share.
  private let memory: Rows<Scalar>
  private let isKept: Bool
  private let components: Int
  private let dimension: Int
  @exclusivity(unchecked) private var maps: ArraySlice<SliceMap> = []
  @exclusivity(unchecked) private var source: (any NoiseSource)?
  /// Number of the sample.
  @exclusivity(unchecked) private var sample = 0
  /// Slices whose noise has been drawn to be kept.
  @exclusivity(unchecked) private var drawn = 0

  /// - Parameter shared: a row for the noise of one slice.
  init(_ layout: ChunkLayout, dimension: Int, shared: Rows<Scalar>) {
    components = layout.components
    self.dimension = dimension
    isKept = layout.keepsNoise
    memory = isKept ? Rows(layout.capacity, of: components * dimension) : shared
  }

  /// - Parameters:
  ///   - maps: of the slices.
  ///   - sample: number of the sample.
  func begin(_ maps: ArraySlice<SliceMap>, from source: any NoiseSource, sample: Int) {
    (self.maps, self.source, self.sample, drawn) = (maps, source, sample, 0)
  }

  /// Draws what is to be kept of so many slices, in any number of calls.
  func draw(_ slices: Int) {
    guard isKept else { return }
    while drawn < slices {
      fill(drawn)
      drawn += 1
    }
  }

  /// What the map of a slice adds; `nil` where it adds nothing. Where noise is not kept, the
  /// next one is written over it.
  package subscript(index: Int) -> State<Scalar>? {
    guard maps[maps.startIndex + index].isRandom else { return nil }
    precondition(!isKept || index < drawn, "a slice is used before its noise is drawn")
    if !isKept { fill(index) }
    return state(index)
  }

  /// Some of these slices have noise that is drawn in every round again.
  func isDrawnAgain(for slices: Range<Int>) -> Bool {
    !isKept && slices.contains { maps[maps.startIndex + $0].isRandom }
  }

  /// Scales the noise of a slice anew, where the model predicts its variance.
  func scale(_ index: Int, by variances: Row<Scalar>) {
    if maps[maps.startIndex + index].hasLearnedNoise { fill(index, variances) }
  }

  /// Stores the noise that depends on the model's predictions at so many slices, or reads it.
  func code(_ coder: inout StateCoder, slices: Int) throws {
    for index in 0..<slices where maps[maps.startIndex + index].hasLearnedNoise { try state(index).code(&coder) }
  }

  private func fill(_ index: Int, _ variances: Row<Scalar>? = nil) {
    let map = maps[maps.startIndex + index]
    guard map.isRandom, let source else { return }
    map.fill(state(index), with: source, sample: sample, variances: variances)
  }

  private func state(_ index: Int) -> State<Scalar> {
    State(Row(rebasing: memory[isKept ? index : 0][..<(components * dimension)]), components: components)
  }

  /// Normal numbers of the sample beside those of its steps.
  func fill(_ row: Row<Scalar>, stream: NoiseStream, step: Int) {
    var span = row.mutableSpan
    source?.fill(&span, stream: stream, step: step, sample: sample)
  }
}
