import Foundation

/// Reads JSON (RFC 8259) in UTF-8, and with it the bare words `Infinity`,
/// `-Infinity` and `NaN` that Python writes. What other readers disagree on is
/// refused: a key twice in one object, and a comma behind the last element.
struct JSONParser {
  /// What is wrong with a text, and where.
  struct Failure: Error {
    let line: Int
    let reason: String
  }

  private let bytes: [UInt8]
  private var index = 0
  /// Arrays and objects around the present place.
  private var depth = 0
  private static let mostDepth = 500

  /// - Throws: `Failure`.
  static func parse(_ data: Data) throws -> JSONValue {
    guard String(validating: data, as: UTF8.self) != nil else {
      throw Failure(line: 1, reason: "it is not UTF-8")
    }
    var parser = JSONParser(bytes: [UInt8](data))
    if parser.bytes.starts(with: [0xEF, 0xBB, 0xBF]) { parser.index = 3 }
    let value = try parser.value()
    parser.skipSpace()
    guard parser.index == parser.bytes.count else { throw parser.failure("something follows the end of the value") }
    return value
  }

  private init(bytes: [UInt8]) { self.bytes = bytes }

  private func failure(_ reason: String) -> Failure {
    Failure(line: 1 + bytes.prefix(index).count { $0 == UInt8(ascii: "\n") }, reason: reason)
  }

  private mutating func skipSpace() {
    while index < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[index]) { index += 1 }
  }

  /// Skips space and, where it is next, this character.
  private mutating func take(_ character: Unicode.Scalar) -> Bool {
    skipSpace()
    guard index < bytes.count, bytes[index] == UInt8(ascii: character) else { return false }
    index += 1
    return true
  }

  private mutating func take(word: StaticString) -> Bool {
    let rest = bytes[index...]
    let matches = word.withUTF8Buffer { rest.starts(with: $0) }
    if matches { index += word.utf8CodeUnitCount }
    return matches
  }

  private mutating func value() throws -> JSONValue {
    skipSpace()
    guard index < bytes.count else { throw failure("it ends before a value") }
    if take("{") { return try nested { try $0.object() } }
    if take("[") { return try nested { try $0.array() } }
    if take("\"") { return .string(try string()) }
    if take(word: "true") { return .bool(true) }
    if take(word: "false") { return .bool(false) }
    if take(word: "null") { return .null }
    if take(word: "Infinity") { return .number(.infinity) }
    if take(word: "-Infinity") { return .number(-.infinity) }
    if take(word: "NaN") { return .number(.nan) }
    return .number(try number())
  }

  private mutating func nested(_ body: (inout JSONParser) throws -> JSONValue) throws -> JSONValue {
    depth += 1
    guard depth <= Self.mostDepth else { throw failure("it is nested more than \(Self.mostDepth) deep") }
    defer { depth -= 1 }
    return try body(&self)
  }

  private mutating func array() throws -> JSONValue {
    var elements: [JSONValue] = []
    guard !take("]") else { return .array(elements) }
    while true {
      elements.append(try value())
      if take("]") { return .array(elements) }
      guard take(",") else { throw failure("a comma or ] is missing") }
      if take("]") { throw failure("a comma stands before ]") }
    }
  }

  private mutating func object() throws -> JSONValue {
    var members: [String: JSONValue] = [:]
    guard !take("}") else { return .object(members) }
    while true {
      guard take("\"") else { throw failure("a key in quotes is missing") }
      let key = try string()
      guard members[key] == nil else { throw failure("the key \"\(key)\" is there twice") }
      guard take(":") else { throw failure("a colon is missing behind \"\(key)\"") }
      members[key] = try value()
      if take("}") { return .object(members) }
      guard take(",") else { throw failure("a comma or } is missing") }
      if take("}") { throw failure("a comma stands before }") }
    }
  }

  private mutating func number() throws -> Double {
    let start = index
    let isPart = { (byte: UInt8) in
      byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") || "+-.eE".utf8.contains(byte)
    }
    while index < bytes.count, isPart(bytes[index]) { index += 1 }
    let text = String(decoding: bytes[start..<index], as: UTF8.self)
    guard text.wholeMatch(of: /-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/) != nil, let number = Double(text) else {
      index = start
      throw failure(text.isEmpty ? "a value is missing" : "\(text) is not a number of JSON")
    }
    return number
  }

  /// The rest of a string whose opening quote has been read.
  private mutating func string() throws -> String {
    var units: [UInt8] = []
    while index < bytes.count {
      let byte = bytes[index]
      index += 1
      switch byte {
      case UInt8(ascii: "\""): return String(decoding: units, as: UTF8.self)
      case UInt8(ascii: "\\"): units += Array(String(try escaped()).utf8)
      case ..<0x20: throw failure("a string has a line break or another control character")
      default: units.append(byte)
      }
    }
    throw failure("a string does not end")
  }

  private mutating func escaped() throws -> Unicode.Scalar {
    guard index < bytes.count else { throw failure("a string does not end") }
    index += 1
    switch bytes[index - 1] {
    case UInt8(ascii: "\""): return "\""
    case UInt8(ascii: "\\"): return "\\"
    case UInt8(ascii: "/"): return "/"
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{c}"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "u"):
      let unit = try hexadecimal()
      if let scalar = Unicode.Scalar(unit) { return scalar }
      // One of two units of UTF-16.
      guard unit < 0xDC00, take(word: "\\u") else { throw failure("a string has half a surrogate pair") }
      let other = try hexadecimal()
      guard (0xDC00...0xDFFF).contains(other),
        let scalar = Unicode.Scalar(0x10000 + (unit - 0xD800) << 10 + (other - 0xDC00))
      else { throw failure("a string has half a surrogate pair") }
      return scalar
    default: throw failure("a string has an unknown escape")
    }
  }

  private mutating func hexadecimal() throws -> UInt32 {
    let digits = bytes[index...].prefix(4)
    let text = String(decoding: digits, as: UTF8.self)
    guard digits.count == 4, text.allSatisfy(\.isHexDigit), let unit = UInt32(text, radix: 16) else {
      throw failure("\\u needs four hexadecimal digits")
    }
    index += 4
    return unit
  }
}
