import Diffusion

/// Slopes whose proposals are mixed with earlier iterates (`AndersonMixing`).
final class MixedSlopes<Scalar: StateScalar>: ChunkSlopes {
  private let slopes: any ChunkSlopes<Scalar>
  private let mixing: AndersonMixing
  /// By slice of the chunk.
  @exclusivity(unchecked) private var histories: [MixingHistory<Scalar>] = []

  static func rows(_ layout: ChunkLayout) -> Int {
    let mixed = layout.components * (layout.mixing?.rows ?? 0) * layout.capacity
    return layout.linearization.slopes(layout, of: Scalar.self).rows(layout) + mixed
  }

  init(_ layout: ChunkLayout, dimension: Int) {
    guard let mixing = layout.mixing else { preconditionFailure("slopes are mixed that are not to be") }
    self.mixing = mixing
    slopes = layout.linearization.slopes(layout, of: Scalar.self).init(layout, dimension: dimension)
  }

  func reset() {
    slopes.reset()
    histories.removeAll(keepingCapacity: true)
  }

  private func makeHistories(_ chunk: Chunk<Scalar>) {
    while histories.count < chunk.slices.count {
      histories.append(MixingHistory(depth: mixing.history, of: chunk.end))
    }
  }

  /// Takes note of the proposals, and tells the others their products.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  func share(_ part: RoundPlan.Part, of chunk: Chunk<Scalar>, in changes: inout Changes) {
    makeHistories(chunk)
    for index in chunk.movingStates {
      let products = histories[index].record(chunk.slices[index].state, chunk.slices[index].proposal)
      changes.setProducts(part.sample, chunk.first + index - 1, products)
    }
  }

  /// Mixes the proposals beyond the front of exactness.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  func adjust(_ part: RoundPlan.Part, of chunk: Chunk<Scalar>, in window: Window, _ changes: Changes) {
    guard let last = chunk.movingStates.last else { return }
    var sums = [Double](repeating: 0, count: mixing.products)
    // By the slice whose output a state is.
    for slice in window.first..<(chunk.first + last) {
      for (number, product) in changes.products(part.sample, slice).enumerated() { sums[number] += product }
      let index = slice + 1 - chunk.first
      // The output of slice `first + rounds` becomes exact in this round.
      guard slice > window.first + window.rounds, chunk.movingStates.contains(index),
        let gamma = mixing.coefficients(sums)
      else { continue }
      histories[index].mix(gamma, into: chunk.slices[index].proposal)
      chunk.slices[index].change = .infinity
    }
  }

  func code(_ coder: inout StateCoder, of chunk: Chunk<Scalar>) throws {
    try slopes.code(&coder, of: chunk)
    makeHistories(chunk)
    for history in histories { try history.code(&coder) }
  }

  // MARK: What the slopes themselves do

  func absorb(
    _ index: Int, _ prediction: Row<Scalar>, _ conversion: Conversion, in chunk: Chunk<Scalar>
  ) -> Bool {
    slopes.absorb(index, prediction, conversion, in: chunk)
  }

  func forEachRequest(
    in chunk: Chunk<Scalar>, _ body: (_ number: Int, _ index: Int, _ state: Row<Scalar>) -> Void
  ) {
    slopes.forEachRequest(in: chunk, body)
  }

  func absorb(request number: Int, _ prediction: Row<Scalar>, _ conversion: Conversion) -> Bool {
    slopes.absorb(request: number, prediction, conversion)
  }

  func update(from chunk: Chunk<Scalar>) { slopes.update(from: chunk) }

  func propose(in chunk: Chunk<Scalar>) { slopes.propose(in: chunk) }

  var carriesWholeStates: Bool { slopes.carriesWholeStates }

  func carryToEnd(_ elements: Range<Int>, in chunk: Chunk<Scalar>) {
    slopes.carryToEnd(elements, in: chunk)
  }

  func correctInterior(of chunk: Chunk<Scalar>) { slopes.correctInterior(of: chunk) }
}
