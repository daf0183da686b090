/// The type of an array's elements: NumPy's `dtype`, of which the real numbers
/// are read.
public struct NumPyElementType: Hashable, Sendable {
  public enum Kind: Character, Hashable, Sendable {
    case floatingPoint = "f"
    case signedInteger = "i"
    case unsignedInteger = "u"
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
  /// not a real number of at most 8 bytes.
  public init?(descr: String) {
    let characters = Array(descr)
    guard characters.count == 3, let kind = Kind(rawValue: characters[1]),
      let size = characters[2].wholeNumberValue
    else { return nil }
    let sizes = kind == .floatingPoint ? [2, 4, 8] : [1, 2, 4, 8]
    let orders: [Character] = size == 1 ? ["|", "<", ">"] : ["<", ">"]
    guard sizes.contains(size), orders.contains(characters[0]) else { return nil }
    self.init(kind: kind, size: size, isBigEndian: characters[0] == ">")
  }

  public var descr: String {
    "\(size == 1 ? "|" : isBigEndian ? ">" : "<")\(kind.rawValue)\(size)"
  }
}
