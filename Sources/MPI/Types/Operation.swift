internal import CMPI

/// A reduction over the ranks.
///
/// The element type is part of the operation's type, so that a bitwise
/// operation on floating-point numbers does not compile.
public struct Operation<Element: Transferable>: Sendable {
  @usableFromInline let kind: OperationKind
  /// Keeps the operation that `kind` refers to.
  private let owner: UserOperation?

  private init(_ operation: PredefinedOperation) {
    kind = .predefined(operation)
    owner = nil
  }

  /// An operation of your own, for example on a struct.
  ///
  /// - Parameters:
  ///   - isCommutative: whether the order of the two values does not matter.
  ///     The ranks are then combined in any order; otherwise in the order of
  ///     ranks.
  ///   - combine: combines two values, the first of which comes from lower
  ///     ranks. It must be associative, and must not call MPI.
  public static func custom(
    isCommutative: Bool, _ combine: @escaping @Sendable (Element, Element) -> Element
  ) -> Self {
    Self(
      UserOperation(Element.datatype.type, isCommutative: isCommutative) { from, into, count in
        let stride = MemoryLayout<Element>.stride
        for offset in Swift.stride(from: 0, to: count * stride, by: stride) {
          let lower = from.loadUnaligned(fromByteOffset: offset, as: Element.self)
          let higher = into.loadUnaligned(fromByteOffset: offset, as: Element.self)
          into.storeBytes(of: combine(lower, higher), toByteOffset: offset, as: Element.self)
        }
      })
  }

  private init(_ operation: UserOperation) {
    owner = operation
    kind = .user(.passUnretained(operation))
  }
}

extension Operation where Element: Summable {
  /// The sum; its order, and so its rounding, is the library's choice (see ``ExactSum``).
  public static var sum: Self { Self(.sum) }
  /// The product; its order is the library's choice.
  public static var product: Self { Self(.product) }
}

extension Operation where Element: Scalar {
  /// The least element.
  public static var minimum: Self { Self(.minimum) }
  /// The largest element.
  public static var maximum: Self { Self(.maximum) }
}

extension Operation where Element: Scalar & FixedWidthInteger {
  /// And of all bits.
  public static var bitwiseAnd: Self { Self(.bitwiseAnd) }
  /// Or of all bits.
  public static var bitwiseOr: Self { Self(.bitwiseOr) }
  /// Exclusive or of all bits.
  public static var bitwiseXor: Self { Self(.bitwiseXor) }
}

/// An ``Operation`` whose element type has been checked.
@usableFromInline
enum OperationKind: Sendable {
  case predefined(PredefinedOperation)
  /// The ``Operation`` of the call, or its request, keeps it alive.
  case user(Unmanaged<UserOperation>)

  /// MPI's operation, and the datatype to call it with.
  @inline(__always)
  func handles(for type: ElementType, _ call: StaticString) throws(MPIError)
    -> (operation: cmpi_op, datatype: cmpi_datatype)
  {
    switch self {
    case .predefined(let operation):
      guard type.isPredefined else { throw Self.noOperation(operation, type, call) }
      return (operation.handle, try type.handle())
    case .user(let operation): return try operation._withUnsafeGuaranteedRef { $0 }.handles()
    }
  }

  /// What a request has to keep.
  var owner: UserOperation? {
    if case .user(let operation) = self { operation.takeUnretainedValue() } else { nil }
  }

  @inline(never)
  private static func noOperation(
    _ operation: PredefinedOperation, _ type: ElementType, _ call: StaticString
  ) -> MPIError {
    MPIError(
      .operation, call: call,
      message: "MPI has no \(operation) of \(type); make one with Operation.custom")
  }
}

extension OperationKind: CustomStringConvertible {
  @usableFromInline var description: String {
    if case .predefined(let operation) = self { "\(operation)" } else { "an operation of its own" }
  }
}

@usableFromInline
enum PredefinedOperation: Sendable {
  case sum, product, minimum, maximum
  case bitwiseAnd, bitwiseOr, bitwiseXor

  var handle: cmpi_op {
    switch self {
    case .sum: cmpi_sum()
    case .product: cmpi_product()
    case .minimum: cmpi_minimum()
    case .maximum: cmpi_maximum()
    case .bitwiseAnd: cmpi_bitwise_and()
    case .bitwiseOr: cmpi_bitwise_or()
    case .bitwiseXor: cmpi_bitwise_xor()
    }
  }
}
