internal import CMPI

/// Ranks that are numbered as the cells of a grid (`MPI_Cart_create`).
///
/// The grid of ``Communicator/withGrid(_:isPeriodic:mayReorder:_:)``; the last
/// coordinate runs fastest.
public final class CartesianGrid {
  /// The ranks of the grid.
  public let communicator: Communicator
  /// The number of ranks along each dimension.
  public let dimensions: [Int]
  /// Whether the last rank along a dimension is a neighbor of the first.
  public let isPeriodic: [Bool]
  /// This rank's place.
  public let coordinates: [Int]
  /// For the library's own messages, which must not meet the program's.
  let privateCommunicator: Communicator
  /// The next ranks along each dimension.
  private(set) var nextPeers: [(lower: Peer, upper: Peer)] = []

  init(_ communicator: Communicator, _ dimensions: [Int], isPeriodic: [Bool]) throws(MPIError) {
    self.communicator = communicator
    self.dimensions = dimensions
    self.isPeriodic = isPeriodic
    coordinates = Self.coordinates(of: communicator.rank, dimensions)
    privateCommunicator = try communicator.duplicate()
    nextPeers = try dimensions.indices.map { (dimension) throws(MPIError) in
      (try neighbor(along: dimension, -1), try neighbor(along: dimension, 1))
    }
  }

  /// The place of a rank of the grid's communicator.
  public func coordinates(of peer: Peer) throws(MPIError) -> [Int] {
    let number = try communicator.number(of: peer, "MPI_Cart_coords")
    guard number >= 0 else {
      throw MPIError(.rank, call: "MPI_Cart_coords", message: "no process has no coordinates")
    }
    return Self.coordinates(of: Int(number), dimensions)
  }

  private static func coordinates(of rank: Int, _ dimensions: [Int]) -> [Int] {
    var rest = rank
    var coordinates: [Int] = []
    for length in dimensions.reversed() {
      coordinates.append(rest % length)
      rest /= length
    }
    return coordinates.reversed()
  }

  /// The rank at a place; no process beyond the end of a dimension that is not
  /// periodic.
  public func peer(at coordinates: [Int]) throws(MPIError) -> Peer {
    try requireCount(coordinates.count, "coordinates")
    var rank = 0
    for (dimension, coordinate) in coordinates.enumerated() {
      let length = dimensions[dimension]
      if !isPeriodic[dimension], !(0..<length).contains(coordinate) { return .noProcess }
      let place = coordinate % length
      rank = rank * length + (place < 0 ? place + length : place)
    }
    return Peer(number: Int32(rank))
  }

  /// The rank that is so many places further on along a dimension
  /// (`MPI_Cart_shift`); no process beyond the end of one that is not periodic.
  public func neighbor(along dimension: Int, _ offset: Int) throws(MPIError) -> Peer {
    guard dimensions.indices.contains(dimension) else {
      throw MPIError(
        .argument, call: "MPI_Cart_shift",
        message: "dimension \(dimension) is not in 0..<\(dimensions.count)")
    }
    var place = coordinates
    // Within one turn, so that the sum does not overflow.
    let turn = offset % dimensions[dimension]
    if turn != offset, !isPeriodic[dimension] { return .noProcess }
    place[dimension] += turn
    return try peer(at: place)
  }

  private func requireCount(_ count: Int, _ what: String) throws(MPIError) {
    if count != dimensions.count {
      throw MPIError(
        .argument, call: "MPI_Cart_rank",
        message: "\(count) \(what) are given for a grid of \(dimensions.count) dimensions")
    }
  }
}

extension Communicator {
  /// Splits the ranks into a grid with sides as equal as possible
  /// (`MPI_Dims_create`).
  ///
  /// - Parameter count: the number of dimensions, at least 1.
  /// - Returns: their lengths, which decrease; the product is ``size``.
  public func balancedDimensions(_ count: Int) throws(MPIError) -> [Int] {
    guard (1...64).contains(count) else {
      throw MPIError(
        .argument, call: "MPI_Dims_create", message: "\(count) dimensions are not in 1...64")
    }
    try requireOpen("MPI_Dims_create")
    var lengths = [Int32](repeating: 0, count: count)
    try check(MPI_Dims_create(size32, Int32(count), &lengths), "MPI_Dims_create")
    return lengths.map { Int($0) }
  }

  /// Runs `body` with the ranks as a grid.
  ///
  /// Collective; freed as ``withSplit(color:key:_:)`` says.
  ///
  /// - Parameters:
  ///   - dimensions: the number of ranks along each dimension; their product is
  ///     ``size``. To use fewer ranks, split the communicator before.
  ///   - isPeriodic: whether a dimension closes to a ring, one for each.
  ///   - mayReorder: whether the library may give the ranks other numbers, to
  ///     put neighbors close to each other.
  ///   - body: what to do with the grid.
  public func withGrid<Result>(
    _ dimensions: [Int], isPeriodic: [Bool], mayReorder: Bool = false,
    _ body: (CartesianGrid) throws -> Result
  ) throws -> Result {
    func refusal(_ message: String) -> MPIError {
      MPIError(.argument, call: "MPI_Cart_create", message: message)
    }
    guard !dimensions.isEmpty, dimensions.count == isPeriodic.count else {
      throw refusal("\(dimensions.count) dimensions, of which \(isPeriodic.count) are periodic or not")
    }
    var product = 1
    for length in dimensions {
      let (next, isTooLarge) = product.multipliedReportingOverflow(by: length)
      guard length >= 1, !isTooLarge, next <= size else { product = 0; break }
      product = next
    }
    guard product == size else { throw refusal("\(dimensions) is not a grid of \(size) ranks") }
    var grid = cmpi_comm()
    try collective(
      "MPI_Cart_create",
      CollectiveArguments(further: "\(dimensions), \(isPeriodic), \(mayReorder)")
    ) {
      MPI_Cart_create(
        $0, Int32(dimensions.count), dimensions.map { Int32($0) }, isPeriodic.map { $0 ? 1 : 0 },
        mayReorder ? 1 : 0, &grid.raw)
    }
    return try Communicator(grid, job: job).freed { communicator in
      let grid = try CartesianGrid(communicator, dimensions, isPeriodic: isPeriodic)
      return try grid.privateCommunicator.freed { _ in try body(grid) }
    }
  }
}
