import Diffusion

/// A slope for every element, from what the slices of the chunk have in common
/// (`DiagonalEstimate`), and within the chunk a symmetric rank-two update of it by each slice's
/// own secant.
final class DiagonalSlopes<Scalar: StateScalar>: ChunkSlopes {
  @exclusivity(unchecked) private var estimate: DiagonalEstimate<Scalar>
  private let secants: SliceSecants<Scalar>
  private let spares: SpareStates<Scalar>
  /// The derivative of the state behind the chunk with respect to its first state, and the
  /// change of that, carried through the chunk.
  private let passing: Rows<Scalar>

  private var response: Row<Scalar> { passing[0] }
  private var change: Row<Scalar> { passing[1] }

  static func rows(_ layout: ChunkLayout) -> Int {
    DiagonalEstimate<Scalar>.rows + SliceSecants<Scalar>.rows(layout) + SpareStates<Scalar>.rows + 2
  }

  init(_ layout: ChunkLayout, dimension: Int) {
    estimate = DiagonalEstimate(dimension: dimension)
    secants = SliceSecants(layout, dimension: dimension)
    spares = SpareStates(dimension: dimension)
    passing = Rows(2, of: dimension)
  }

  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  func reset() {
    estimate.reset()
    spares.reset()
  }

  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  func absorb(
    _ index: Int, _ prediction: Row<Scalar>, _ conversion: Conversion, in chunk: Chunk<Scalar>
  ) -> Bool {
    secants.absorb(index, prediction, conversion, in: chunk)
  }

  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  func update(from chunk: Chunk<Scalar>) {
    estimate.add(secants, of: chunk)
    // No change is on its way yet.
    estimate.addFirstVisits(of: chunk, change)
    for index in chunk.active { chunk.slices[index].takeFirstSlope(estimate.firstSlope) }
  }

  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  func propose(in chunk: Chunk<Scalar>) {
    let (active, count) = (chunk.active, chunk.slices.count)
    var products = RankTwoProducts()
    for index in active {
      let gains = estimate.gains(index, chunk.slices[index])
      let secant = secants.secant(index, in: chunk)
      let isLast = index + 1 == count
      let nextGains = isLast ? gains : estimate.gains(index + 1, chunk.slices[index + 1])
      let nextSecant = isLast ? nil : secants.secant(index + 1, in: chunk)
      var nextProducts = RankTwoProducts()
      if !isLast { chunk.slices[index + 1].propose(in: spares.take()) }
      let slice = chunk.slices[index]
      let noise = chunk.noise[index]
      inPieces(chunk.dimension) { elements in
        let output = chunk.output(index)[elements]
        if index == active.lowerBound { findSlopes(gains[elements]) }
        if !isLast { findSlopes(nextGains[elements]) }
        chunk.step(index, elements, noise: noise, carrying: nil)
        if index > active.lowerBound {
          accumulate(
            output.position, gains[elements], slice.proposal[elements].position,
            minus: slice.state[elements].position, secant?[elements], products)
        }
        if let nextSecant {
          nextProducts += rankTwoProducts(
            nextGains[elements], output.position, minus: chunk.slices[index + 1].state[elements].position,
            nextSecant[elements])
        }
        chunk.measure(index, elements)
        if !chunk.isLeftmost {
          chain(Row(rebasing: response[elements]), gains[elements], isFirst: index == 0)
        }
      }
      products = nextProducts
      // Its secant has been carried on.
      if index > active.lowerBound { spares.give(slice.earlierState) }
    }
  }

  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  func carryToEnd(_ elements: Range<Int>, in chunk: Chunk<Scalar>) {
    accumulate(
      chunk.endProposal[elements].position, Row(rebasing: response[elements]), chunk.left[elements].position,
      minus: chunk.slices[0].state[elements].position)
  }

  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  func correctInterior(of chunk: Chunk<Scalar>) {
    chunk.measureInterior { elements in
      let (new, old) = (chunk.left[elements].position, chunk.slices[0].state[elements].position)
      chunk.slices[0].change += squaredDistance(new, old)
      let change = Row(rebasing: change[elements])
      subtract(change, new, old)
      for index in chunk.slices.indices.dropFirst() {
        let (before, slice) = (chunk.slices[index - 1], chunk.slices[index])
        let gains = estimate.gains(index - 1, before)[elements]
        findSlopes(gains)
        chunk.slices[index].change += carry(
          change, gains, into: slice.proposal[elements].position,
          squaredDistanceTo: slice.state[elements].position)
      }
    }
  }

  func code(_ coder: inout StateCoder, of chunk: Chunk<Scalar>) throws { try estimate.code(&coder) }
}

/// Two states for the next proposals, where a slice's secant is of use until it has been
/// carried on: what is proposed must not take the place of the state of the round before.
final class SpareStates<Scalar: StateScalar> {
  private let memory: Rows<Scalar>
  @exclusivity(unchecked) private var states: [State<Scalar>] = []

  static var rows: Int { 2 }

  init(dimension: Int) {
    memory = Rows(Self.rows, of: dimension)
    states.reserveCapacity(Self.rows + 1)
  }

  func reset() {
    states.removeAll(keepingCapacity: true)
    for row in 0..<Self.rows { states.append(State(memory[row], components: 1)) }
  }

  func take() -> State<Scalar> { states.removeLast() }

  /// Hands in a state whose numbers are no longer needed.
  func give(_ state: State<Scalar>) { states.append(state) }
}
