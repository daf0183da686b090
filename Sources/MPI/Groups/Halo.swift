/// The edges of a rank's block of an array that is spread over a grid of ranks,
/// and the halo around it that holds copies of the neighbors' edges.
///
/// ```swift
/// let halo = try Halo<Double>(shape: [rows + 2, columns + 2], width: 1)
/// for _ in 0..<steps {
///   try grid.exchange(halo, of: &field)
///   // every cell of the block now has its neighbors
/// }
/// ```
///
/// The edges travel straight from and to their places in the array. Dimension
/// after dimension, each with the halos of those before: corners come along.
public struct Halo<Element: Transferable> {
  /// The lengths of a rank's array, halos included.
  public let shape: [Int]
  /// The width of the halo on each side.
  public let width: Int
  let sides: [HaloSides]

  /// - Parameters:
  ///   - shape: the lengths of a rank's array, halos included: along each
  ///     dimension at least three times the width. Ranks may have different ones,
  ///     but neighbors along a dimension the same in the others.
  ///   - width: the width of the halo on each side, at least 1.
  public init(shape: [Int], width: Int) throws(MPIError) {
    guard width >= 1, shape.allSatisfy({ $0 / 3 >= width }) else {
      throw MPIError(
        .argument, call: "MPI_Type_create_subarray",
        message: "an array of shape \(shape) has no halo of width \(width): each length must be at least three times the width, which is at least 1")
    }
    self.shape = shape
    self.width = width
    var sides: [HaloSides] = []
    for dimension in shape.indices {
      func part(_ range: Range<Int>) throws(MPIError) -> Region {
        let ranges = shape.indices.map { other in
          other == dimension ? range : other < dimension ? 0..<shape[other] : width..<shape[other] - width
        }
        return try Region(of: shape, ranges, Element.datatype.type)
      }
      let end = shape[dimension]
      sides.append(
        HaloSides(
          lowerEdge: try part(width..<2 * width), upperEdge: try part(end - 2 * width..<end - width),
          lowerHalo: try part(0..<width), upperHalo: try part(end - width..<end)))
    }
    self.sides = sides
  }
}

/// What is exchanged along one dimension.
struct HaloSides {
  let lowerEdge: Region
  let upperEdge: Region
  let lowerHalo: Region
  let upperHalo: Region
}

extension CartesianGrid {
  /// Fills the halo of every rank's array with the edges of its neighbors.
  ///
  /// Every rank calls it. The halo beyond the end of a dimension that is not
  /// periodic is left as it is. Allocates nothing after the first time.
  public func exchange<Element: Transferable>(
    _ halo: Halo<Element>, of array: inout MutableSpan<Element>
  ) throws(MPIError) {
    try array.withUnsafeMutableBufferPointer { (array) throws(MPIError) in
      try exchange(halo.sides, of: array.baseAddress, array.count)
    }
  }

  /// The same for a whole array.
  public func exchange<Element: Transferable>(
    _ halo: Halo<Element>, of array: inout [Element]
  ) throws(MPIError) {
    var span = array.mutableSpan
    try exchange(halo, of: &span)
  }

  private func exchange(
    _ halo: [HaloSides], of array: UnsafeMutableRawPointer?, _ count: Int
  ) throws(MPIError) {
    guard halo.count == dimensions.count else {
      throw MPIError(
        .argument, call: "MPI_Sendrecv",
        message: "an array of \(halo.count) dimensions on a grid of \(dimensions.count)")
    }
    for dimension in halo.indices {
      let sides = halo[dimension]
      let (lower, upper) = nextPeers[dimension]
      // With a tag for each direction: both neighbors may be one rank.
      let (down, up) = (2 * dimension, 2 * dimension + 1)
      _ = try privateCommunicator.sendReceive(
        in: array, count, sides.lowerEdge, to: lower, tag: down, into: sides.upperHalo,
        from: upper.sourceNumber, tag: down.tagNumber)
      _ = try privateCommunicator.sendReceive(
        in: array, count, sides.upperEdge, to: upper, tag: up, into: sides.lowerHalo,
        from: lower.sourceNumber, tag: up.tagNumber)
    }
  }
}
