internal import CMPI

/// A rectangular part of an array of several dimensions: a column, an edge, a
/// block (`MPI_Type_create_subarray`).
///
/// The array lies in memory in the order of C: the last index runs fastest.
///
/// ```swift
/// let column = try Subarray<Double>(of: [rows, columns], [0..<rows, 3..<4])
/// try world.send(field.span, column, to: world[1])
/// ```
///
/// The elements of the part travel in the order of memory, as an array of
/// ``count`` elements would: the other side may receive them as such.
///
/// MPI learns of the part when it is first used; keep it for an exchange that
/// repeats.
public struct Subarray<Element: Transferable> {
  let region: Region

  /// The lengths of the whole array.
  public var shape: [Int] { region.shape }
  /// The part of each dimension.
  public var ranges: [Range<Int>] { region.ranges }
  /// The number of elements of the part.
  public var count: Int { region.count }

  /// - Parameters:
  ///   - shape: the lengths of the whole array, each at least 1.
  ///   - ranges: the part of each dimension, within its length.
  /// - Throws: an ``MPIError`` of class ``ErrorClass/argument`` for a part that
  ///   is not within the array.
  public init(of shape: [Int], _ ranges: [Range<Int>]) throws(MPIError) {
    region = try Region(of: shape, ranges, Element.datatype.type)
  }
}

/// A ``Subarray`` whatever its elements.
final class Region {
  let shape: [Int]
  let ranges: [Range<Int>]
  let count: Int
  private let wholeCount: Int
  private let element: ElementType
  /// MPI's datatype, once it is made.
  private var committed: CommittedType?

  init(of shape: [Int], _ ranges: [Range<Int>], _ element: ElementType) throws(MPIError) {
    func refusal(_ message: String) -> MPIError {
      MPIError(.argument, call: "MPI_Type_create_subarray", message: message)
    }
    guard !shape.isEmpty, shape.count == ranges.count else {
      throw refusal("\(ranges.count) ranges are given for an array of \(shape.count) dimensions")
    }
    var whole = 1
    for (length, range) in zip(shape, ranges) {
      guard (1...Int(Int32.max)).contains(length) else {
        throw refusal("a length of \(length) is not in 1..<2^31")
      }
      guard range.lowerBound >= 0, range.upperBound <= length else {
        throw refusal("\(range) is not within 0..<\(length)")
      }
      let (product, isTooLarge) = whole.multipliedReportingOverflow(by: length)
      if isTooLarge { throw refusal("the array is too large: \(shape)") }
      whole = product
    }
    self.shape = shape
    self.ranges = ranges
    self.element = element
    wholeCount = whole
    count = ranges.reduce(1) { $0 * $1.count }
  }

  /// Whether two parts of one array have elements in common.
  func overlaps(_ other: Region) -> Bool {
    count > 0 && other.count > 0 && zip(ranges, other.ranges).allSatisfy { $0.overlaps($1) }
  }

  /// How many elements of ``handle()`` travel: one, if the part has elements.
  var typeCount: Int { count == 0 ? 0 : 1 }

  /// - Throws: unless the memory has the whole array.
  func require(_ elements: Int, _ call: StaticString) throws(MPIError) {
    if elements != wholeCount {
      throw MPIError(
        .count, call: call,
        message: "an array of shape \(shape) has \(wholeCount) elements, not \(elements)")
    }
  }

  /// MPI's datatype of the part.
  func handle() throws(MPIError) -> cmpi_datatype {
    if let committed { return committed.handle }
    // MPI has no datatype of an empty part.
    if count == 0 { return try element.handle() }
    var handle = cmpi_datatype()
    try check(
      MPI_Type_create_subarray(
        Int32(shape.count), shape.map { Int32($0) }, ranges.map { Int32($0.count) },
        ranges.map { Int32($0.lowerBound) }, MPI_ORDER_C, try element.handle().raw, &handle.raw),
      "MPI_Type_create_subarray")
    let made = try CommittedType(handle)
    committed = made
    return made.handle
  }
}
