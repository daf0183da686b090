/// What a round does to the states behind all active slices, sample after
/// sample: their changes, and the products that mixing needs.
package struct Changes: Sendable {
  /// Active slices of each sample, and where its numbers start.
  private var parts: [(slices: Range<Int>, start: Int)] = []
  /// Numbers for each slice: the change first, then the products.
  private let width: Int
  /// Minus infinity where another rank knows.
  private var values: [Double] = []

  /// - Parameter products: numbers of products of a slice.
  package init(products: Int) { width = 1 + products }

  /// Forgets the last round.
  ///
  /// - Parameter active: slices of each sample in this one.
  package mutating func begin(_ active: some Sequence<Range<Int>>) {
    parts.removeAll(keepingCapacity: true)
    values.removeAll(keepingCapacity: true)
    for slices in active {
      parts.append((slices, values.count))
      values.append(contentsOf: repeatElement(-.infinity, count: slices.count * width))
    }
  }

  private func index(_ sample: Int, _ slice: Int) -> Int {
    parts[sample].start + (slice - parts[sample].slices.lowerBound) * width
  }

  /// The change of a slice's output, weighted where that is what counts. What is not a
  /// number counts as infinite, which marks a failure.
  package subscript(sample: Int, slice: Int) -> Double {
    get { values[index(sample, slice)] }
    set { values[index(sample, slice)] = newValue.isNaN ? .infinity : newValue }
  }

  /// The largest change of a sample's active slices.
  func largest(of sample: Int) -> Double {
    parts[sample].slices.reduce(0) { max($0, self[sample, $1]) }
  }

  /// The changes of a sample's active slices, from the first one on.
  func changes(of sample: Int) -> some RandomAccessCollection<Double> {
    parts[sample].slices.lazy.map { self[sample, $0] }
  }

  mutating func setProducts(_ sample: Int, _ slice: Int, _ products: [Double]) {
    let first = index(sample, slice) + 1
    for (offset, product) in products.enumerated() { values[first + offset] = product }
  }

  func products(_ sample: Int, _ slice: Int) -> ArraySlice<Double> {
    let first = index(sample, slice) + 1
    return values[first..<(first + width - 1)]
  }

  /// The first slice that any rank reports as failed.
  var failure: SlicePlace? {
    for (sample, part) in parts.enumerated() {
      if let slice = part.slices.first(where: { self[sample, $0] == .infinity }) {
        return SlicePlace(sample: sample, slice: slice)
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
