/// The type of an array's elements: NumPy's `dtype`, of which real numbers
/// and truth values are read, the latter as 0 and 1.
public struct NumPyElementType: Hashable, Sendable {
  public enum Kind: Character, Hashable, Sendable {
    case floatingPoint = "f"
    case signedInteger = "i"
    case unsignedInteger = "u"
    case boolean = "b"
  }

  public let kind: Kind
  /// Bytes of one element.
  public let size: Int
  public let isBigEndian: Bool

  public static let float32 = Self(kind: .floatingPoint, size: 4, isBigEndian: false)
  public static let float64 = Self(kind: .floatingPoint, size: 8, isBigEndian: false)

  private init(kind: Kind, size: Int, isBigEndian: Bool) {
    self.kind = kind
    self.size = size
    self.isBigEndian = isBigEndian
  }

  /// The type that NumPy writes as `descr`, such as `<f4`; `nil` where it is
  /// neither a real number of at most 8 bytes nor a truth value.
  public init?(descr: String) {
    let characters = Array(descr)
    guard characters.count == 3, let kind = Kind(rawValue: characters[1]),
      let size = characters[2].wholeNumberValue
    else { return nil }
    let sizes =
      switch kind {
      case .floatingPoint: [2, 4, 8]
      case .signedInteger, .unsignedInteger: [1, 2, 4, 8]
      case .boolean: [1]
      }
    let orders: [Character] = size == 1 ? ["|", "<", ">"] : ["<", ">"]
    guard sizes.contains(size), orders.contains(characters[0]) else { return nil }
    self.init(kind: kind, size: size, isBigEndian: characters[0] == ">")
  }

  public var descr: String {
    "\(size == 1 ? "|" : isBigEndian ? ">" : "<")\(kind.rawValue)\(size)"
  }
}
