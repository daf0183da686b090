/// The slices of one sample that are being iterated.
package struct Window: Hashable, Sendable {
  /// The stage they belong to; the number of stages where the sample is finished.
  package var stage: Int
  /// The first slice that has not converged.
  package var first: Int
  /// One past the last open slice.
  package var end: Int
  /// Rounds since slices were last opened.
  package var rounds = 0
  /// How many slices it is to have; more may be open where it has shrunk.
  package var size: Int
  /// The first of the slices that were opened after the last round; `end` where none were.
  package var fresh = 0

  package init(stage: Int, first: Int, end: Int, rounds: Int = 0, size: Int, fresh: Int = 0) {
    self.stage = stage
    self.first = first
    self.end = end
    self.rounds = rounds
    self.size = size
    self.fresh = fresh
  }

  package var slices: Range<Int> { first..<end }
  package var isEmpty: Bool { first == end }
}

/// A slice of a sample.
struct SlicePlace: Hashable, Sendable {
  /// Position in the solver's list of samples.
  var sample: Int
  /// Number of the slice within its stage.
  var slice: Int
}
