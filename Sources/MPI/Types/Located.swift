/// A value and where it is: what ``Operation/minimumLocation()`` and
/// ``Operation/maximumLocation()`` find over all ranks.
///
/// ```swift
/// let worst = try world.allReduce(Located(error, at: firstCell + cell), .maximumLocation())
/// ```
@frozen
public struct Located<Value: Scalar>: Transferable, Equatable, Sendable {
  /// The value.
  public var value: Value
  /// The caller's number of the place: a rank, or an index in the whole array.
  public var location: Int

  /// A value at a place.
  @inlinable
  public init(_ value: Value, at location: Int) {
    self.value = value
    self.location = location
  }
}

extension Operation {
  /// The smallest value and its location, the lowest of several (`MPI_MINLOC`).
  ///
  /// A NaN counts as smaller than any number, so that it is found.
  public static func minimumLocation<Value>() -> Self
  where Element == Located<Value> {
    .custom(isCommutative: true) { precedes($0, $1, <) ? $0 : $1 }
  }

  /// The largest value and its location, the lowest of several (`MPI_MAXLOC`).
  ///
  /// A NaN counts as larger than any number, so that it is found.
  public static func maximumLocation<Value>() -> Self
  where Element == Located<Value> {
    .custom(isCommutative: true) { precedes($0, $1, >) ? $0 : $1 }
  }
}

private func precedes<Value>(
  _ left: Located<Value>, _ right: Located<Value>, _ isBefore: (Value, Value) -> Bool
) -> Bool {
  // A value that differs from itself is a NaN.
  let leftIsNaN = left.value != left.value
  let rightIsNaN = right.value != right.value
  if leftIsNaN != rightIsNaN { return leftIsNaN }
  if isBefore(left.value, right.value) && !leftIsNaN { return true }
  if isBefore(right.value, left.value) && !rightIsNaN { return false }
  return left.location <= right.location
}
