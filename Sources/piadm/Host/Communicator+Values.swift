import Foundation
import MPI

/// Values of any kind between ranks, as JSON: for what is said once.
extension Communicator {
  /// A value of every rank, at the root; empty elsewhere.
  func gather<Value: Codable>(encoded value: Value, root: Int) throws -> [Value] {
    let bytes = try encode(value)
    let counts = try allGather([bytes.count])
    var all = [UInt8](repeating: 0, count: rank == root ? counts.reduce(0, +) : 0)
    var span = all.mutableSpan
    try gather(bytes.span, counts: counts, into: &span, root: root)
    guard rank == root else { return [] }
    var rest = all[...]
    return try counts.map { count in
      defer { rest = rest.dropFirst(count) }
      return try decode(rest.prefix(count))
    }
  }

  /// The parts of all ranks, which may differ in length, on rank 0; empty elsewhere.
  func gather<Element: Scalar & AdditiveArithmetic>(unequal part: [Element]) throws -> [Element] {
    let counts = try allGather([part.count])
    var all = [Element](repeating: .zero, count: rank == 0 ? counts.reduce(0, +) : 0)
    var span = all.mutableSpan
    try gather(part.span, counts: counts, into: &span, root: 0)
    return all
  }

  /// The root's value.
  func broadcast<Value: Codable>(encoded value: Value, root: Int) throws -> Value {
    var bytes = try rank == root ? encode(value) : []
    var count = [bytes.count]
    try broadcast(&count, root: root)
    if rank != root { bytes = [UInt8](repeating: 0, count: count[0]) }
    try broadcast(&bytes, root: root)
    return try rank == root ? value : decode(bytes[...])
  }
}

private let (infinity, minusInfinity, notANumber) = ("Infinity", "-Infinity", "NaN")

private func encode(_ value: some Encodable) throws -> [UInt8] {
  let encoder = JSONEncoder()
  encoder.nonConformingFloatEncodingStrategy = .convertToString(
    positiveInfinity: infinity, negativeInfinity: minusInfinity, nan: notANumber)
  return Array(try encoder.encode(value))
}

private func decode<Value: Decodable>(_ bytes: ArraySlice<UInt8>) throws -> Value {
  let decoder = JSONDecoder()
  decoder.nonConformingFloatDecodingStrategy = .convertFromString(
    positiveInfinity: infinity, negativeInfinity: minusInfinity, nan: notANumber)
  return try decoder.decode(Value.self, from: Data(bytes))
}
