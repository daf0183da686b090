import Diffusion

/// What a round does to the states behind all active slices, sample after
/// sample: their changes, and the products that mixing needs.
struct Changes {
  /// Active slices of each sample.
  private let ranges: [Range<Int>]
  /// Numbers for each slice: the change first, then the products.
  private let width: Int
  private let starts: [Int]
  /// Minus infinity where another rank knows.
  private var values: [Double]

  init(_ ranges: [Range<Int>], products: Int) {
    self.ranges = ranges
    let width = 1 + products
    self.width = width
    var total = 0
    starts = ranges.map { range in
      defer { total += range.count * width }
      return total
    }
    values = Array(repeating: -.infinity, count: total)
  }

  private func index(_ sample: Int, _ slice: Int) -> Int {
    starts[sample] + (slice - ranges[sample].lowerBound) * width
  }

  /// The change of a slice's output. What is not a number counts as infinite,
  /// which marks a failure.
  subscript(sample: Int, slice: Int) -> Double {
    get { values[index(sample, slice)] }
    set { values[index(sample, slice)] = newValue.isNaN ? .infinity : newValue }
  }

  /// The changes of a sample's active slices.
  func of(_ sample: Int) -> [Double] { ranges[sample].map { self[sample, $0] } }

  mutating func setProducts(_ sample: Int, _ slice: Int, _ products: [Double]) {
    let first = index(sample, slice) + 1
    for (offset, product) in products.enumerated() { values[first + offset] = product }
  }

  func products(_ sample: Int, _ slice: Int) -> ArraySlice<Double> {
    let first = index(sample, slice) + 1
    return values[first..<(first + width - 1)]
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

  /// Takes the maximum over the ranks, of which one knows each number, so that
  /// all of them hold all numbers.
  ///
  /// - Parameter meanwhile: a piece of work to do while they wait; returns whether there is more.
  mutating func agree(_ ring: any Ring, meanwhile: () -> Bool) throws {
    var span = values.mutableSpan
    try ring.maximum(&span, meanwhile: meanwhile)
  }
}
