/// A resolved option as it stands in a report.
public enum OptionValue: Hashable, Sendable {
  case none
  case flag(Bool)
  case integer(Int)
  /// A whole number that may exceed `Int`, such as a seed.
  case unsigned(UInt64)
  case number(Double)
  case text(String)
  case list([OptionValue])

  /// The value as a person types it.
  public var typed: String {
    switch self {
    case .none: "off"
    case .flag(let value): value ? "on" : "off"
    case .integer(let value): "\(value)"
    case .unsigned(let value): "\(value)"
    case .number(let value): value.rounded() == value && abs(value) < 1e15 ? "\(Int(value))" : "\(value)"
    case .text(let value): value
    case .list(let values): values.map(\.typed).joined(separator: ",")
    }
  }
}

extension OptionValue: Codable {
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .none: try container.encodeNil()
    case .flag(let value): try container.encode(value)
    case .integer(let value): try container.encode(value)
    case .unsigned(let value): try container.encode(value)
    case .number(let value): try container.encode(value)
    case .text(let value): try container.encode(value)
    case .list(let values): try container.encode(values)
    }
  }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if container.decodeNil() {
      self = .none
    } else if let value = try? container.decode(Bool.self) {
      self = .flag(value)
    } else if let value = try? container.decode(Int.self) {
      self = .integer(value)
    } else if let value = try? container.decode(UInt64.self) {
      self = .unsigned(value)
    } else if let value = try? container.decode(Double.self) {
      self = .number(value)
    } else if let value = try? container.decode(String.self) {
      self = .text(value)
    } else {
      self = .list(try container.decode([OptionValue].self))
    }
  }
}
