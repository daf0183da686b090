internal import CMPI

/// What a ``Datatype`` describes, without the type: what the functions behind
/// the generic ones work with.
@usableFromInline
enum ElementType: Sendable {
  case predefined(PredefinedType)
  /// A layout lives as long as the process.
  case structure(Unmanaged<StructureLayout>)

  /// MPI's own datatype; that of a structure is made at its first use.
  @inline(__always)
  func handle() throws(MPIError) -> cmpi_datatype {
    switch self {
    case .predefined(let type): return type.handle
    case .structure(let layout): return try layout._withUnsafeGuaranteedRef { $0 }.handle()
    }
  }

  /// Bytes from one element to the next.
  var stride: Int {
    switch self {
    case .predefined(let type): type.size
    case .structure(let layout): layout.takeUnretainedValue().stride
    }
  }

  /// Bytes of one element that travel: those of a structure without padding.
  var payload: Int {
    switch self {
    case .predefined(let type): type.size
    case .structure(let layout): layout.takeUnretainedValue().payload
    }
  }

  var isPredefined: Bool {
    if case .predefined = self { true } else { false }
  }
}

extension ElementType: CustomStringConvertible {
  @usableFromInline var description: String {
    switch self {
    case .predefined(let type): "\(type)"
    case .structure(let layout): layout.takeUnretainedValue().name
    }
  }
}

/// The datatypes that MPI itself has.
@usableFromInline
enum PredefinedType: UInt8, Sendable {
  case int8, int16, int32, int64
  case uint8, uint16, uint32, uint64
  case float, double
  case floatComplex, doubleComplex

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
    case .floatComplex: cmpi_float_complex()
    case .doubleComplex: cmpi_double_complex()
    }
  }

  /// Bytes of one element.
  var size: Int {
    switch self {
    case .int8, .uint8: 1
    case .int16, .uint16: 2
    case .int32, .uint32, .float: 4
    case .int64, .uint64, .double, .floatComplex: 8
    case .doubleComplex: 16
    }
  }
}
