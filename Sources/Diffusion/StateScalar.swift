/// The floating-point type of sampler states: `Float` or `Double`.
///
/// Coefficients of grids and step maps are always computed in `Double` and
/// rounded once; only states, model outputs and noise are kept in this type.
public protocol StateScalar: BinaryFloatingPoint, SIMDScalar, BitwiseCopyable, Codable, Sendable {}

extension Float: StateScalar {}
extension Double: StateScalar {}
