internal import CMPI

/// A reduction over the ranks.
///
/// The element type is part of the operation's type, so that a bitwise
/// operation on floating-point numbers does not compile.
public struct Operation<Element: Scalar>: Sendable {
  @usableFromInline let kind: OperationKind
}

extension Operation {
  /// The sum; its order, and so its rounding, is the library's choice (see ``ExactSum``).
  public static var sum: Self { Self(kind: .sum) }
  /// The product; its order is the library's choice.
  public static var product: Self { Self(kind: .product) }
  /// The least element.
  public static var minimum: Self { Self(kind: .minimum) }
  /// The largest element.
  public static var maximum: Self { Self(kind: .maximum) }
}

extension Operation where Element: FixedWidthInteger {
  /// And of all bits.
  public static var bitwiseAnd: Self { Self(kind: .bitwiseAnd) }
  /// Or of all bits.
  public static var bitwiseOr: Self { Self(kind: .bitwiseOr) }
  /// Exclusive or of all bits.
  public static var bitwiseXor: Self { Self(kind: .bitwiseXor) }
}

/// An ``Operation`` whose element type has been checked.
@usableFromInline
enum OperationKind: Int, Sendable {
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
