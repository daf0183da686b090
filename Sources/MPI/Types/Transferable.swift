/// A value that MPI can send and write to a file: a number, a complex number, or
/// a struct of such values.
///
/// A struct of your own needs only to say so; its layout is found from its
/// stored properties when it is first used:
///
/// ```swift
/// struct Particle: Transferable {
///   var position: SIMD3<Double>
///   var charge: Int32
/// }
/// ```
///
/// The struct is one of your own module: Swift lets no other one declare it
/// `BitwiseCopyable`. Padding does not travel. Each stored property must be `Transferable` itself,
/// or a tuple of such values; if one is not, the first use throws an error of
/// class ``ErrorClass/datatype`` that names it. A type that is not
/// `BitwiseCopyable`, for example one with an array in it, does not compile. A
/// message may bring any numbers: a struct for which some are not valid has to
/// check them after it is received.
///
/// The layout of a type is looked up in a table, at about 40 ns a call. Where
/// that counts, keep it in the type:
/// `static let datatype = Datatype<Particle>.derived`.
public protocol Transferable: BitwiseCopyable, SendableMetatype {
  /// How MPI reads and writes a value of this type.
  static var datatype: Datatype<Self> { get }
}

extension Transferable {
  /// The layout of the stored properties.
  public static var datatype: Datatype<Self> { .derived }
}

/// How MPI reads and writes a value of type `Element`.
///
/// There is no other way to a datatype than through the type it describes, so
/// that the size and the layout of the two agree.
public struct Datatype<Element>: Sendable {
  @usableFromInline let type: ElementType

  @usableFromInline
  init(_ type: ElementType) { self.type = type }

  @inlinable
  static func predefined(_ type: PredefinedType) -> Self { Self(.predefined(type)) }
}

extension Datatype where Element: BitwiseCopyable {
  /// The layout of the stored properties of a struct; see ``Transferable``.
  public static var derived: Self {
    Self(.structure(StructureLayout.of(Element.self) { StructureLayout(reflecting: Element.self) }))
  }
}

// MARK: - Several values of one type

extension Datatype where Element: BitwiseCopyable {
  /// `count` values in a row, the rest of `Element` being padding.
  static func repeated<Part: Transferable>(_ part: Part.Type, _ count: Int) -> Self {
    Self(
      .structure(
        StructureLayout.of(Element.self) {
          StructureLayout(Element.self, repeating: part, count)
        }))
  }
}

extension SIMD2: Transferable where Scalar: MPI.Scalar {
  public static var datatype: Datatype<Self> { .repeated(Scalar.self, 2) }
}
extension SIMD3: Transferable where Scalar: MPI.Scalar {
  public static var datatype: Datatype<Self> { .repeated(Scalar.self, 3) }
}
extension SIMD4: Transferable where Scalar: MPI.Scalar {
  public static var datatype: Datatype<Self> { .repeated(Scalar.self, 4) }
}
extension SIMD8: Transferable where Scalar: MPI.Scalar {
  public static var datatype: Datatype<Self> { .repeated(Scalar.self, 8) }
}
extension InlineArray: Transferable where Element: Transferable {
  public static var datatype: Datatype<Self> { .repeated(Element.self, count) }
}
