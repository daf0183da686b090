/// A number that ``Complex`` is made of: `Float` or `Double`.
public protocol ComplexPart: Scalar, BinaryFloatingPoint {
  /// MPI's datatype of a complex number with such parts.
  static var complexDatatype: Datatype<Complex<Self>> { get }
}

extension Float: ComplexPart {
  @inlinable public static var complexDatatype: Datatype<Complex<Float>> { .predefined(.floatComplex) }
}
extension Double: ComplexPart {
  @inlinable public static var complexDatatype: Datatype<Complex<Double>> { .predefined(.doubleComplex) }
}

/// A complex number that MPI can send, add and multiply
/// (`MPI_C_FLOAT_COMPLEX`, `MPI_C_DOUBLE_COMPLEX`).
///
/// It has the arithmetic that a transform needs, and no functions of complex
/// numbers.
@frozen
public struct Complex<Part: ComplexPart>: Hashable, Sendable, BitwiseCopyable {
  /// The real part.
  public var real: Part
  /// The imaginary part.
  public var imaginary: Part

  /// A number with these parts.
  @inlinable
  public init(_ real: Part, _ imaginary: Part = 0) {
    self.real = real
    self.imaginary = imaginary
  }

  /// The number with the imaginary part negated.
  @inlinable public var conjugate: Self { Self(real, -imaginary) }

  /// The square of the absolute value.
  @inlinable public var squaredMagnitude: Part { real * real + imaginary * imaginary }
}

extension Complex: Summable {
  @inlinable public static var datatype: Datatype<Self> { Part.complexDatatype }
}

extension Complex: AdditiveArithmetic {
  /// 0 + 0 i.
  @inlinable public static var zero: Self { Self(0) }

  /// The sum.
  @inlinable
  public static func + (left: Self, right: Self) -> Self {
    Self(left.real + right.real, left.imaginary + right.imaginary)
  }

  /// The difference.
  @inlinable
  public static func - (left: Self, right: Self) -> Self {
    Self(left.real - right.real, left.imaginary - right.imaginary)
  }

  /// The product, by the formula of the definition: infinite parts may give NaN.
  @inlinable
  public static func * (left: Self, right: Self) -> Self {
    Self(
      left.real * right.real - left.imaginary * right.imaginary,
      left.real * right.imaginary + left.imaginary * right.real)
  }

  /// The product with a real number.
  @inlinable
  public static func * (left: Part, right: Self) -> Self {
    Self(left * right.real, left * right.imaginary)
  }
}
