package import Foundation

/// A JSON value of any kind.
enum JSONValue: Hashable, Sendable {
  case null
  case bool(Bool)
  case number(Double)
  case string(String)
  case array([JSONValue])
  case object([String: JSONValue])

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

/// A JSON file that holds one object, read key by key. It knows which keys
/// nobody asked for: they are refused, or named, but never silently ignored.
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
      value = try JSONParser.parse(data)
    } catch let failure as JSONParser.Failure {
      throw ScoreModelError(.badData, "\(file): is not valid JSON: line \(failure.line): \(failure.reason)")
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

  /// A switch as Python reads it: null and an empty list are false.
  mutating func flag(_ key: String, default absent: Bool) throws -> Bool {
    known.insert(key)
    switch values[key] {
    case nil: return absent
    case .null, .array([]): return false
    case .bool(let bool): return bool
    case let value?: throw wrong(key, value, needed: "true or false")
    }
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

  /// Keys that nobody asked for.
  var otherKeys: [String] { values.keys.filter { !known.contains($0) }.sorted() }

  /// - Throws: where the file holds keys that nobody asked for.
  func refuseOtherKeys() throws {
    let others = otherKeys
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
