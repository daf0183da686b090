package import Foundation

/// A JSON value of any kind.
enum JSONValue: Decodable, Hashable, Sendable {
  case null
  case bool(Bool)
  case number(Double)
  case string(String)
  case array([JSONValue])
  case object([String: JSONValue])

  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if let number = try? container.decode(Double.self) {
      self = .number(number)
    } else if let string = try? container.decode(String.self) {
      self = .string(string)
    } else if let bool = try? container.decode(Bool.self) {
      self = .bool(bool)
    } else if container.decodeNil() {
      self = .null
    } else if let array = try? container.decode([JSONValue].self) {
      self = .array(array)
    } else {
      self = .object(try container.decode([String: JSONValue].self))
    }
  }

  /// The value's kind, as error messages name it.
  var kind: String {
    switch self {
    case .null: "null"
    case .bool(let value): "\(value)"
    case .number(let value): "the number \(value)"
    case .string(let value): "the string \"\(value)\""
    case .array: "an array"
    case .object: "an object"
    }
  }
}

/// A JSON file that holds one object, read key by key; every key must be asked
/// for, so that nothing in the file is silently ignored.
package struct JSONObject {
  /// The file, as error messages name it.
  let file: String
  let values: [String: JSONValue]
  private var known: Set<String> = []

  /// - Throws: `ScoreModelError` for a missing or unreadable file, for what is
  ///   not JSON, and for JSON that is not an object.
  package init(at place: String, in folder: ModelFolder) throws {
    let (file, data) = (folder.path(of: place), try folder.contents(of: place))
    // A configuration or target; large vectors belong into .npy files.
    let limit = 256 << 20
    guard data.count <= limit else {
      throw ScoreModelError(.badData, "\(file): \(data.count) bytes are too many for a JSON file here (at most \(limit))")
    }
    try self.init(parsing: data, file: file)
  }

  package init(parsing data: Data, file: String) throws {
    self.file = file
    let value: JSONValue
    do {
      let decoder = JSONDecoder()
      // Python writes infinities bare, and diffusers has them in configurations.
      // (Foundation's JSON 5, which has them too, traps on truncated files.)
      decoder.nonConformingFloatDecodingStrategy = .convertFromString(
        positiveInfinity: "\u{7f}Infinity", negativeInfinity: "-\u{7f}Infinity", nan: "\u{7f}NaN")
      value = try decoder.decode(JSONValue.self, from: quotingInfinities(data))
    } catch {
      throw ScoreModelError(.badData, "\(file): is not valid JSON (UTF-8, nested at most 500 deep)")
    }
    guard case .object(let values) = value else {
      throw ScoreModelError(.badData, "\(file): holds \(value.kind); a JSON object, {...}, is needed")
    }
    self.values = values
  }

  /// The value of a key, `nil` where it is absent or null.
  mutating func value(_ key: String) -> JSONValue? {
    known.insert(key)
    guard let value = values[key], value != .null else { return nil }
    return value
  }

  mutating func string(_ key: String) throws -> String? {
    guard let value = value(key) else { return nil }
    guard case .string(let string) = value else { throw wrong(key, value, needed: "a string") }
    return string
  }

  mutating func bool(_ key: String) throws -> Bool? {
    guard let value = value(key) else { return nil }
    guard case .bool(let bool) = value else { throw wrong(key, value, needed: "true or false") }
    return bool
  }

  mutating func number(_ key: String, allowsInfinity: Bool = false) throws -> Double? {
    guard let value = value(key) else { return nil }
    guard case .number(let number) = value, number.isFinite || allowsInfinity && !number.isNaN else {
      throw wrong(key, value, needed: "a finite number")
    }
    return number
  }

  package mutating func integer(_ key: String, in range: ClosedRange<Int>) throws -> Int? {
    guard let value = value(key) else { return nil }
    guard case .number(let number) = value, let integer = Int(exactly: number), range.contains(integer) else {
      throw wrong(key, value, needed: "an integer from \(range.lowerBound) to \(range.upperBound)")
    }
    return integer
  }

  mutating func numbers(_ key: String) throws -> [Double]? {
    guard let value = value(key) else { return nil }
    guard case .array(let elements) = value else { throw wrong(key, value, needed: "an array of numbers") }
    return try elements.map { element in
      guard case .number(let number) = element, number.isFinite else {
        throw wrong(key, element, needed: "only finite numbers in the array")
      }
      return number
    }
  }

  /// - Throws: where the file holds keys that nobody asked for.
  func refuseOtherKeys() throws {
    let others = values.keys.filter { !known.contains($0) }.sorted()
    guard others.isEmpty else {
      throw ScoreModelError(
        .badData,
        "\(file): unknown \(others.count == 1 ? "key" : "keys") \(others.map { "\"\($0)\"" }.joined(separator: ", ")); "
          + "known here: \(known.sorted().joined(separator: ", "))")
    }
  }

  func missing(_ key: String, needed: String) -> ScoreModelError {
    ScoreModelError(.badData, "\(file): \"\(key)\" is missing; \(needed) is needed")
  }

  func wrong(_ key: String, _ value: JSONValue, needed: String) -> ScoreModelError {
    ScoreModelError(.badData, "\(file): \"\(key)\" is \(value.kind); \(needed) is needed")
  }
}

/// JSON with quotes about the bare words `Infinity`, `-Infinity` and `NaN`, and
/// a character before them that no string of a person has.
private func quotingInfinities(_ data: Data) -> Data {
  let words = ["Infinity", "NaN"].map { Array($0.utf8) }
  let bytes = Array(data)
  var result = Data()
  var (isInString, index) = (false, 0)
  while index < bytes.count {
    let byte = bytes[index]
    if isInString, byte == UInt8(ascii: "\\"), index + 1 < bytes.count {
      result += bytes[index...(index + 1)]
      index += 2
    } else if !isInString, let word = words.first(where: { bytes[index...].starts(with: $0) }) {
      let isNegative = result.last == UInt8(ascii: "-")
      if isNegative { result.removeLast() }
      result += Data((isNegative ? "\"-\u{7f}" : "\"\u{7f}").utf8) + word + Data("\"".utf8)
      index += word.count
    } else {
      if byte == UInt8(ascii: "\"") { isInString.toggle() }
      result.append(byte)
      index += 1
    }
  }
  return result
}
