import Diffusion

/// The changes of all active slices in a round, sample after sample.
struct Changes {
  /// Active slices of each sample.
  private let ranges: [Range<Int>]
  private let starts: [Int]
  /// Negative where another rank knows.
  private var values: [Double]

  init(_ ranges: [Range<Int>]) {
    self.ranges = ranges
    var total = 0
    starts = ranges.map { range in
      defer { total += range.count }
      return total
    }
    values = Array(repeating: -1, count: total)
  }

  /// The change of a slice's output. What is not a number counts as infinite,
  /// which marks a failure.
  subscript(sample: Int, slice: Int) -> Double {
    get { values[starts[sample] + slice - ranges[sample].lowerBound] }
    set {
      let index = starts[sample] + slice - ranges[sample].lowerBound
      values[index] = newValue.isNaN ? .infinity : newValue
    }
  }

  func of(_ sample: Int) -> ArraySlice<Double> {
    values[starts[sample]..<(starts[sample] + ranges[sample].count)]
  }

  /// The first slice that any rank reports as failed.
  var failure: Position? {
    for (sample, range) in ranges.enumerated() {
      if let slice = range.first(where: { self[sample, $0] == .infinity }) {
        return Position(sample: sample, slice: slice)
      }
    }
    return nil
  }

  /// Takes the maximum over the ranks, so that all of them hold all changes.
  mutating func agree(_ ring: any Ring) throws {
    var span = values.mutableSpan
    try ring.maximum(&span)
  }
}
