import Diffusion

/// One slope for all elements of a slice's state: `A`, 1, 0, or by the slice's own secant.
final class ScalarSlopes<Scalar: StateScalar>: ChunkSlopes {
  private let linearization: Linearization
  /// By slice of the chunk, of those that are active: its slope, and the derivative of the
  /// state behind it with respect to the chunk's first state.
  @exclusivity(unchecked) private var gains: [Gain]
  @exclusivity(unchecked) private var responses: [Gain]

  static func rows(_ layout: ChunkLayout) -> Int { 0 }

  init(_ layout: ChunkLayout, dimension: Int) {
    linearization = layout.linearization
    gains = Array(repeating: .zero, count: layout.capacity)
    responses = gains
  }

  func reset() {}

  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  func absorb(
    _ index: Int, _ prediction: Row<Scalar>, _ conversion: Conversion, in chunk: Chunk<Scalar>
  ) -> Bool {
    chunk.slices[index].absorb(prediction, conversion)
  }

  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  func update(from chunk: Chunk<Scalar>) {
    var response = Gain.identity
    for index in chunk.active {
      gains[index] = linearization.gain(chunk.slices[index].map, slope: chunk.slices[index].slope)
      response = (gains[index] * response).bounded
      responses[index] = response
    }
  }

  /// Large states are worked on piece by piece, all slices of a piece before the next one, so
  /// that most of what is read is in the cache.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  func propose(in chunk: Chunk<Scalar>) {
    let active = chunk.active
    func propose(_ elements: Range<Int>) {
      for index in active {
        chunk.step(
          index, elements, noise: chunk.noise[index], carrying: index == active.lowerBound ? nil : gains[index])
        chunk.measure(index, elements)
      }
    }
    // Noise that is drawn again is whole, one slice's at a time.
    if chunk.noise.isDrawnAgain(for: active) {
      propose(0..<chunk.dimension)
    } else {
      inPieces(chunk.dimension, propose)
    }
  }

  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  func carryToEnd(_ elements: Range<Int>, in chunk: Chunk<Scalar>) {
    chunk.endProposal[elements].correct(
      responses[chunk.active.upperBound - 1], chunk.left[elements], minus: chunk.slices[0].state[elements])
  }

  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  func correctInterior(of chunk: Chunk<Scalar>) {
    guard chunk.components == 1 else {
      chunk.slices[0].change = chunk.left.distance(to: chunk.slices[0].state)
      for index in chunk.slices.indices.dropFirst() {
        let slice = chunk.slices[index]
        slice.proposal.correct(responses[index - 1], chunk.left, minus: chunk.slices[0].state)
        chunk.slices[index].change = slice.proposal.distance(to: slice.state)
      }
      return
    }
    chunk.measureInterior { elements in
      let (new, old) = (chunk.left[elements].position, chunk.slices[0].state[elements].position)
      chunk.slices[0].change += squaredDistance(new, old)
      for index in chunk.slices.indices.dropFirst() {
        let slice = chunk.slices[index]
        let (proposal, state) = (slice.proposal[elements].position, slice.state[elements].position)
        let response = responses[index - 1].uu
        chunk.slices[index].change +=
          response == 0
          ? squaredDistance(proposal, state)
          : accumulate(proposal, Scalar(response), new, minus: old, squaredDistanceTo: state)
      }
    }
  }

  /// The slopes of the slices are stored with them.
  func code(_ coder: inout StateCoder, of chunk: Chunk<Scalar>) throws {}
}

extension Gain {
  /// A chain of secants can run away before the states settle; beyond this a
  /// product is of no use, and it must stay finite so that it vanishes with
  /// the change it multiplies.
  fileprivate var bounded: Gain {
    func bound(_ x: Double) -> Double { x.isFinite ? max(-1e6, min(1e6, x)) : 0 }
    return Gain(uu: bound(uu), uv: bound(uv), vu: bound(vu), vv: bound(vv))
  }
}
