package import Diffusion

/// How corrections are carried through the slices of one chunk: what a linearization knows of
/// the Jacobian of `f`, and the loops that use it.
///
/// In a round, in this order: the chunk's slices are evaluated, and what the slopes ask for
/// beside them (`forEachRequest`, `absorb`); `update` learns from it; `propose` runs the
/// iteration with the chunk's first state unchanged; where a change of that state comes from
/// the left, `carryToEnd` brings it to the state behind the chunk, which goes on to the next
/// one, and `correctInterior` to the states between.
///
/// All of it leaves the bits of a proposal where the state that it follows has not changed:
/// corrections are added to `phi`, never merged with it. Each conformance keeps its loops
/// whole, so that large states pass the cache once; one dynamic call a chunk and phase is the
/// price. Marked `@specialized`, since those calls know nothing of `Scalar`.
package protocol ChunkSlopes<Scalar>: AnyObject {
  associatedtype Scalar: StateScalar

  /// Rows of memory, of a state's numbers each, that a chunk of a layout takes for them.
  static func rows(_ layout: ChunkLayout) -> Int

  init(_ layout: ChunkLayout, dimension: Int)

  /// Forgets everything: the chunk begins with other slices.
  func reset()

  /// Takes the model's prediction for a slice, given by its index in the chunk.
  /// - Returns: whether `f` is finite in every element.
  func absorb(
    _ index: Int, _ prediction: Row<Scalar>, _ conversion: Conversion, in chunk: Chunk<Scalar>
  ) -> Bool

  /// Chooses states beside those of the slices at which `f` is wanted in this round.
  ///
  /// - Parameter body: is told the number of a request, the index of the slice whose noise
  ///   time is meant, and the state.
  func forEachRequest(
    in chunk: Chunk<Scalar>, _ body: (_ number: Int, _ index: Int, _ state: Row<Scalar>) -> Void)

  /// Takes the model's prediction for a request.
  /// - Returns: whether `f` is finite in every element.
  func absorb(request number: Int, _ prediction: Row<Scalar>, _ conversion: Conversion) -> Bool

  /// Learns from this round's evaluations.
  func update(from chunk: Chunk<Scalar>)

  /// Proposes the states behind the chunk's active slices, the first of them unchanged.
  func propose(in chunk: Chunk<Scalar>)

  /// A change from the left is carried through the chunk with all its elements together;
  /// otherwise each of them goes its own way.
  var carriesWholeStates: Bool { get }

  /// Carries the change of the chunk's first state to some elements of the proposal for the
  /// state behind it.
  func carryToEnd(_ elements: Range<Int>, in chunk: Chunk<Scalar>)

  /// Carries the change of the chunk's first state to the proposals for its other states, and
  /// finds by how much each of them changes.
  func correctInterior(of chunk: Chunk<Scalar>)

  /// Adds what the ranks are to agree on beside the changes.
  func share(_ part: RoundPlan.Part, of chunk: Chunk<Scalar>, in changes: inout Changes)

  /// Uses what the ranks have agreed on, before the proposals become the states.
  func adjust(_ part: RoundPlan.Part, of chunk: Chunk<Scalar>, in window: Window, _ changes: Changes)

  /// Stores what the next round needs, or reads it for a chunk in which the same slices are
  /// open.
  func code(_ coder: inout StateCoder, of chunk: Chunk<Scalar>) throws
}

/// What most slopes have no need of.
extension ChunkSlopes {
  package var carriesWholeStates: Bool { false }

  package func forEachRequest(
    in chunk: Chunk<Scalar>, _ body: (_ number: Int, _ index: Int, _ state: Row<Scalar>) -> Void
  ) {}

  package func absorb(request number: Int, _ prediction: Row<Scalar>, _ conversion: Conversion) -> Bool {
    preconditionFailure("slopes that ask for no evaluation are handed one")
  }

  package func share(_ part: RoundPlan.Part, of chunk: Chunk<Scalar>, in changes: inout Changes) {}

  package func adjust(
    _ part: RoundPlan.Part, of chunk: Chunk<Scalar>, in window: Window, _ changes: Changes
  ) {}
}
