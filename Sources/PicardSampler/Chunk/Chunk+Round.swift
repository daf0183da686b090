import Diffusion

/// What is evaluated in a round of a chunk.
package enum ChunkRequest {
  /// A slice's state, by index in the chunk.
  case slice(Int)
  /// A state beside that of a slice, by the slopes' own number.
  case beside(Int, slice: Int)

  /// The slice's index in the chunk.
  var slice: Int {
    switch self {
    case .slice(let index), .beside(_, let index): index
    }
  }
}

/// A round of one chunk: its slices are evaluated, the next states proposed, corrected once
/// the change from the left is known, and accepted.
extension Chunk {
  /// Begins a round of the slices of a part, and tells where `f` is wanted.
  package func beginRound(_ part: RoundPlan.Part, _ body: (ChunkRequest, _ state: Row<Scalar>, SliceMap) -> Void) {
    enter(.evaluating, from: .resting)
    active = (part.slices.lowerBound - first)..<slices.count
    isLeftmost = part.left == nil
    for index in active where slices[index].needsEvaluation {
      body(.slice(index), slices[index].state.position, slices[index].map)
    }
    slopes.forEachRequest(in: self) { number, index, state in
      body(.beside(number, slice: index), state, slices[index].map)
    }
  }

  /// Takes the model's prediction for a request.
  ///
  /// - Parameter variances: what the model says of the noise; `nil` where it says nothing.
  /// - Returns: whether `f` is finite in every element.
  package func absorb(
    _ request: ChunkRequest, _ prediction: Row<Scalar>, _ conversion: Conversion, variances: Row<Scalar>? = nil
  ) -> Bool {
    precondition(phase == .evaluating, "a prediction comes outside of its round")
    if case .slice(let index) = request, let variances { noise.scale(index, by: variances) }
    return switch request {
    case .slice(let index): slopes.absorb(index, prediction, conversion, in: self)
    case .beside(let number, _): slopes.absorb(request: number, prediction, conversion)
    }
  }

  /// Runs the iteration over the active slices, the first of them unchanged.
  package func propose() {
    enter(.proposed, from: .evaluating)
    squares.removeAll(keepingCapacity: true)
    // Where no change comes from the left, what is proposed is final.
    if isLeftmost, components == 1 { squares.append(contentsOf: repeatElement(0, count: slices.count)) }
    slopes.update(from: self)
    slopes.propose(in: self)
  }

  /// This round's state of the first slice, from the left, to be written once all have been
  /// proposed.
  package var left: State<Scalar> { slices[0].proposal }

  /// Carries the change of the first state to some elements of the state behind the chunk.
  package func carryToEnd(_ elements: Range<Int>) {
    precondition(phase == .proposed, "a change comes before states are proposed")
    if !isLeftmost { slopes.carryToEnd(elements, in: self) }
  }

  /// Carries the change of the first state to all other proposals, and finds by how much the
  /// states change.
  package func correctInterior() {
    enter(.corrected, from: .proposed)
    if isLeftmost { findChanges() } else { slopes.correctInterior(of: self) }
  }

  /// Makes the proposals the states.
  ///
  /// - Parameter withEnd: the state behind the last slice, too, which no other chunk takes.
  package func accept(withEnd: Bool) {
    for index in movingStates { slices[index].accept() }
    if withEnd { swap(&end, &endProposal) }
    enter(.resting, from: .corrected)
  }

  private func enter(_ next: Phase, from expected: Phase) {
    precondition(phase == expected, "a chunk is to become \(next), and is \(phase)")
    phase = next
  }

  // MARK: For slopes

  /// The proposal for the state behind a slice.
  package func output(_ index: Int) -> State<Scalar> {
    index + 1 < slices.count ? slices[index + 1].proposal : endProposal
  }

  /// Proposes some elements of the state behind a slice, `phi(y) + L (y+ - y)`.
  ///
  /// - Parameters:
  ///   - noise: of the slice.
  ///   - gain: `L`; `nil` for `phi(y)`.
  package func step(_ index: Int, _ elements: Range<Int>, noise: State<Scalar>?, carrying gain: Gain?) {
    slices[index].step(into: output(index)[elements], elements, noise: noise?[elements], carrying: gain) {
      Row(rebasing: history(of: index, $0)[elements])
    }
  }

  /// Adds to the square of the change of the state behind a slice, where that is final.
  package func measure(_ index: Int, _ elements: Range<Int>) {
    guard !squares.isEmpty else { return }
    let state = index + 1 < slices.count ? slices[index + 1].state : end
    squares[index] += squaredDistance(
      output(index)[elements].position, state[elements].position)
  }

  /// The slices whose state is iterated: not that of the window's first one,
  /// which is known.
  package var movingStates: Range<Int> {
    min(isLeftmost ? active.lowerBound + 1 : active.lowerBound, slices.count)..<slices.count
  }

  /// Finds by how much the states change that are as proposed.
  package func findChanges() {
    for index in movingStates {
      let slice = slices[index]
      slices[index].change =
        squares.isEmpty
        ? slice.proposal.distance(to: slice.state)
        : slice.proposal.distance(0, to: slice.state, squared: squares[index - 1])
    }
  }

  /// Finds by how much the states of one component change.
  ///
  /// - Parameter addSquares: adds those of some elements to each slice's `change`.
  package func measureInterior(_ addSquares: (Range<Int>) -> Void) {
    for index in slices.indices { slices[index].change = 0 }
    inPieces(dimension, addSquares)
    for index in slices.indices {
      let slice = slices[index]
      slices[index].change = slice.proposal.distance(0, to: slice.state, squared: slice.change)
    }
  }

  /// By how much the state behind the last slice changes.
  package var endChange: Double {
    guard let last = squares.last else { return endProposal.distance(to: end) }
    return endProposal.distance(0, to: end, squared: last)
  }
}
