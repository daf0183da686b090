import Foundation

/// One field of a message in the wire format of Protocol Buffers.
struct ProtobufField {
  enum Value {
    case varint(UInt64)
    /// A string, bytes, an embedded message or packed numbers.
    case bytes(Data)
    /// A number of fixed size; nothing here reads one.
    case fixed
  }

  let number: Int
  let value: Value
}

/// Bytes that are no message, or end within one.
package struct MalformedProtobuf: Error {}

/// The fields of a message, in the order of its bytes.
struct ProtobufFields {
  private var rest: Data

  init(_ message: Data) { rest = message }

  /// The next field, or `nil` at the message's end.
  mutating func next() throws(MalformedProtobuf) -> ProtobufField? {
    guard !rest.isEmpty else { return nil }
    let tag = try varint()
    guard let number = Int(exactly: tag >> 3), number > 0 else { throw MalformedProtobuf() }
    switch tag & 7 {
    case 0: return ProtobufField(number: number, value: .varint(try varint()))
    case 1: _ = try take(8)
    case 2: return ProtobufField(number: number, value: .bytes(try take(varint())))
    case 5: _ = try take(4)
    default: throw MalformedProtobuf()
    }
    return ProtobufField(number: number, value: .fixed)
  }

  var isAtEnd: Bool { rest.isEmpty }

  /// Where the next field begins, an index of the message.
  var position: Data.Index { rest.startIndex }

  /// A number in groups of seven bits, the lowest first.
  mutating func varint() throws(MalformedProtobuf) -> UInt64 {
    var result: UInt64 = 0
    for shift in stride(from: UInt64(0), through: 63, by: 7) {
      guard let byte = rest.popFirst() else { throw MalformedProtobuf() }
      result |= UInt64(byte & 0x7f) << shift
      if byte < 0x80 { return result }
    }
    throw MalformedProtobuf()
  }

  private mutating func take(_ count: UInt64) throws(MalformedProtobuf) -> Data {
    guard let count = Int(exactly: count), count <= rest.count else { throw MalformedProtobuf() }
    defer { rest = rest.dropFirst(count) }
    return rest.prefix(count)
  }
}
