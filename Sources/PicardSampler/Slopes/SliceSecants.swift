import Diffusion

/// The last two visits of every slice of a chunk: by how much `g` (`SliceMap.stateInValue`) has
/// changed between them, and where.
struct SliceSecants<Scalar: StateScalar> {
  /// This round's changes of `g`, by slice.
  private let changes: Rows<Scalar>

  static func rows(_ layout: ChunkLayout) -> Int { layout.capacity }

  init(_ layout: ChunkLayout, dimension: Int) { changes = Rows(Self.rows(layout), of: dimension) }

  /// Takes the model's prediction for a slice.
  /// - Returns: whether `f` is finite in every element.
  func absorb(
    _ index: Int, _ prediction: Row<Scalar>, _ conversion: Conversion, in chunk: Chunk<Scalar>
  ) -> Bool {
    guard chunk.slices[index].wasEvaluated else { return chunk.slices[index].absorb(prediction, conversion) }
    let change = changes[index]
    copy(chunk.slices[index].value, to: change)
    let isFinite = chunk.slices[index].absorb(prediction, conversion)
    let slice = chunk.slices[index]
    if slice.map.isOfScore {
      let (p, q) = (slice.map.stateInValue, slice.map.estimateInValue)
      subtract(
        change, Scalar(1 / q), slice.value, change, plus: Scalar(-p / q), slice.state.position,
        slice.earlierState.position)
    } else {
      subtract(change, slice.value, change)
    }
    return isFinite
  }

  /// What a slice's last two visits say, where the second one was in this round and the state
  /// had changed.
  func secant(_ index: Int, in chunk: Chunk<Scalar>) -> ElementSecant<Scalar>? {
    let slice = chunk.slices[index]
    guard case .again(let squared) = slice.visit else { return nil }
    return ElementSecant(
      estimateChange: changes[index], state: slice.state.position, earlier: slice.earlierState.position,
      squaredChange: squared)
  }
}

/// The last two visits of a slice: what `g` has changed by, and where.
struct ElementSecant<Scalar: StateScalar> {
  let estimateChange: Row<Scalar>
  let state: Row<Scalar>
  let earlier: Row<Scalar>
  /// Sum of squares of `state - earlier`, over all elements.
  let squaredChange: Double

  /// Some of the elements.
  subscript(elements: Range<Int>) -> ElementSecant {
    ElementSecant(
      estimateChange: Row(rebasing: estimateChange[elements]), state: Row(rebasing: state[elements]),
      earlier: Row(rebasing: earlier[elements]), squaredChange: squaredChange)
  }
}
