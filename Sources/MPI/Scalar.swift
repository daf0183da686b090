internal import CMPI

/// A number that MPI can send, reduce and write to a file.
///
/// `Bool` is missing on purpose: MPI has no datatype of its size and meaning
/// in every library. Send a `UInt8`.
public protocol Scalar: BitwiseCopyable {
  /// MPI's datatype of this number.
  static var datatype: Datatype { get }
}

/// The MPI datatype of a ``Scalar``.
public enum Datatype: Int, Sendable {
  /// `Int8`.
  case int8
  /// `Int16`.
  case int16
  /// `Int32`.
  case int32
  /// `Int64`.
  case int64
  /// `UInt8`.
  case uint8
  /// `UInt16`.
  case uint16
  /// `UInt32`.
  case uint32
  /// `UInt64`.
  case uint64
  /// `Float`, single precision.
  case float
  /// `Double`, double precision.
  case double

  var handle: cmpi_datatype {
    switch self {
    case .int8: cmpi_int8()
    case .int16: cmpi_int16()
    case .int32: cmpi_int32()
    case .int64: cmpi_int64()
    case .uint8: cmpi_uint8()
    case .uint16: cmpi_uint16()
    case .uint32: cmpi_uint32()
    case .uint64: cmpi_uint64()
    case .float: cmpi_float()
    case .double: cmpi_double()
    }
  }
}

extension Datatype {
  /// Bytes of one element.
  var size: Int {
    switch self {
    case .int8, .uint8: 1
    case .int16, .uint16: 2
    case .int32, .uint32, .float: 4
    case .int64, .uint64, .double: 8
    }
  }
}

extension Int8: Scalar { @inlinable public static var datatype: Datatype { .int8 } }
extension Int16: Scalar { @inlinable public static var datatype: Datatype { .int16 } }
extension Int32: Scalar { @inlinable public static var datatype: Datatype { .int32 } }
extension Int64: Scalar { @inlinable public static var datatype: Datatype { .int64 } }
extension UInt8: Scalar { @inlinable public static var datatype: Datatype { .uint8 } }
extension UInt16: Scalar { @inlinable public static var datatype: Datatype { .uint16 } }
extension UInt32: Scalar { @inlinable public static var datatype: Datatype { .uint32 } }
extension UInt64: Scalar { @inlinable public static var datatype: Datatype { .uint64 } }
extension Float: Scalar { @inlinable public static var datatype: Datatype { .float } }
extension Double: Scalar { @inlinable public static var datatype: Datatype { .double } }

#if _pointerBitWidth(_64)
  extension Int: Scalar { @inlinable public static var datatype: Datatype { .int64 } }
  extension UInt: Scalar { @inlinable public static var datatype: Datatype { .uint64 } }
#else
  extension Int: Scalar { @inlinable public static var datatype: Datatype { .int32 } }
  extension UInt: Scalar { @inlinable public static var datatype: Datatype { .uint32 } }
#endif
