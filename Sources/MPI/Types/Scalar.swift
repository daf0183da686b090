/// A number of the language that MPI can send, reduce and write to a file.
///
/// `Bool` is missing on purpose: of its bit patterns only two are valid, and a
/// message may bring any. Send a `UInt8`.
public protocol Scalar: Summable, Comparable, Hashable, Codable, SIMDScalar
where SIMD2Storage: BitwiseCopyable, SIMD4Storage: BitwiseCopyable, SIMD8Storage: BitwiseCopyable {}

/// A number that MPI itself can add and multiply: a ``Scalar`` or a ``Complex``
/// number. For other types see ``Operation/custom(isCommutative:_:)``.
public protocol Summable: Transferable, Sendable {}

extension Int8: Scalar { @inlinable public static var datatype: Datatype<Self> { .predefined(.int8) } }
extension Int16: Scalar { @inlinable public static var datatype: Datatype<Self> { .predefined(.int16) } }
extension Int32: Scalar { @inlinable public static var datatype: Datatype<Self> { .predefined(.int32) } }
extension Int64: Scalar { @inlinable public static var datatype: Datatype<Self> { .predefined(.int64) } }
extension UInt8: Scalar { @inlinable public static var datatype: Datatype<Self> { .predefined(.uint8) } }
extension UInt16: Scalar { @inlinable public static var datatype: Datatype<Self> { .predefined(.uint16) } }
extension UInt32: Scalar { @inlinable public static var datatype: Datatype<Self> { .predefined(.uint32) } }
extension UInt64: Scalar { @inlinable public static var datatype: Datatype<Self> { .predefined(.uint64) } }
extension Float: Scalar { @inlinable public static var datatype: Datatype<Self> { .predefined(.float) } }
extension Double: Scalar { @inlinable public static var datatype: Datatype<Self> { .predefined(.double) } }

#if _pointerBitWidth(_64)
  extension Int: Scalar { @inlinable public static var datatype: Datatype<Self> { .predefined(.int64) } }
  extension UInt: Scalar { @inlinable public static var datatype: Datatype<Self> { .predefined(.uint64) } }
#else
  extension Int: Scalar { @inlinable public static var datatype: Datatype<Self> { .predefined(.int32) } }
  extension UInt: Scalar { @inlinable public static var datatype: Datatype<Self> { .predefined(.uint32) } }
#endif
