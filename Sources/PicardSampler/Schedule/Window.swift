/// The slices of one sample that are being iterated.
struct Window: Hashable, Sendable {
  var segment: Int
  /// The first slice that is not done.
  var first: Int
  /// One past the last open slice.
  var end: Int
  /// Rounds since slices were last opened.
  var rounds = 0
  /// How many slices it is to have; more may be open where it has shrunk.
  var size: Int
  /// The first of the slices that the last advance opened; `end` where it opened none.
  var fresh = 0

  var isEmpty: Bool { first == end }
}

/// A slice of a sample.
struct Position: Hashable {
  /// Position in the solver's list of samples.
  var sample: Int
  var slice: Int
}
