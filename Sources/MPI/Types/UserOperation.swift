internal import CMPI

/// A function of the program that MPI calls to combine values of two ranks.
///
/// MPI hands such a function no context, only the datatype: each operation has a
/// copy of the element's datatype for itself, with the operation as an attribute.
@usableFromInline
final class UserOperation: Sendable {
  /// Combines `count` elements of lower ranks with those of higher ones, in place.
  typealias Combine =
    @Sendable (_ from: UnsafeRawPointer, _ into: UnsafeMutableRawPointer, _ count: Int) -> Void

  private let type: ElementType
  private let isCommutative: Bool
  private let combine: Combine
  /// Made at the first use; only the thread that calls MPI looks at it.
  private nonisolated(unsafe) var datatype: CommittedType?

  init(_ type: ElementType, isCommutative: Bool, _ combine: @escaping Combine) {
    self.type = type
    self.isCommutative = isCommutative
    self.combine = combine
  }

  func handles() throws(MPIError) -> (operation: cmpi_op, datatype: cmpi_datatype) {
    let functions = try Functions.made()
    let operation = isCommutative ? functions.commutative : functions.ordered
    if let datatype { return (operation, datatype.handle) }
    var copy = cmpi_datatype()
    try check(MPI_Type_dup(type.handle().raw, &copy.raw), "MPI_Type_dup")
    try check(
      MPI_Type_set_attr(copy.raw, functions.key, Unmanaged.passUnretained(self).toOpaque()),
      "MPI_Type_set_attr")
    let datatype = try CommittedType(copy)
    self.datatype = datatype
    return (operation, datatype.handle)
  }

  /// What all operations of a program share with MPI.
  private struct Functions {
    var commutative = cmpi_op()
    var ordered = cmpi_op()
    var key: Int32 = 0

    /// MPI is the process's own, and one thread calls it.
    nonisolated(unsafe) static var known: Functions?

    static func made() throws(MPIError) -> Functions {
      if let known { return known }
      var made = Functions()
      try check(cmpi_create_context_key(&made.key), "MPI_Type_create_keyval")
      try check(create(isCommutative: 1, &made.commutative), "MPI_Op_create")
      try check(create(isCommutative: 0, &made.ordered), "MPI_Op_create")
      known = made
      return made
    }

    private static func create(isCommutative: Int32, _ operation: inout cmpi_op) -> Int32 {
      MPI_Op_create(
        { from, into, count, type in
          guard let from, let into, let count, let type, let key = Functions.known?.key,
            let context = cmpi_context(type, key)
          else { return }
          let operation = Unmanaged<UserOperation>.fromOpaque(context).takeUnretainedValue()
          operation.combine(from, into, Int(count.pointee))
        }, isCommutative, &operation.raw)
    }
  }

  /// Before MPI ends.
  static func freeFunctions() {
    guard var functions = Functions.known else { return }
    MPI_Op_free(&functions.commutative.raw)
    MPI_Op_free(&functions.ordered.raw)
    MPI_Type_free_keyval(&functions.key)
    Functions.known = nil
  }
}
