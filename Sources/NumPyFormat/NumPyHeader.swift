/// What stands before the elements of a `.npy` file.
///
/// The format is NumPy Enhancement Proposal 1, versions 1.0 to 3.0: the bytes
/// `\x93NUMPY`, the version, the length of the header text, and the text, a
/// Python dictionary of `descr`, `fortran_order` and `shape`.
public struct NumPyHeader: Hashable, Sendable {
  public var elementType: NumPyElementType
  /// Whether the first index runs fastest in the file.
  public var fortranOrder: Bool
  /// Lengths of the axes, at most 64; empty for a single number.
  public var shape: [Int]

  public init(elementType: NumPyElementType, fortranOrder: Bool = false, shape: [Int]) {
    precondition(shape.count <= Self.mostAxes && shape.allSatisfy { $0 >= 0 })
    self.elementType = elementType
    self.fortranOrder = fortranOrder
    self.shape = shape
  }

  /// Elements in all; `nil` where `Int` cannot hold that number.
  public var elementCount: Int? { product(of: shape) }

  /// Bytes of all elements; `nil` where `Int` cannot hold that number.
  public var byteCount: Int? { product(of: shape + [elementType.size]) }

  /// The bytes from the start of the file to the first element: a multiple of
  /// 64, so that an element of any type may be mapped in place.
  public var encoded: [UInt8] {
    let axes = shape.map(String.init).joined(separator: ", ") + (shape.count == 1 ? "," : "")
    let text =
      "{'descr': '\(elementType.descr)', 'fortran_order': \(fortranOrder ? "True" : "False"), "
      + "'shape': (\(axes)), }"
    let dictionary = Array(text.utf8)
    // Version 1.0: 10 bytes, the last two of them the text's length, then the
    // text with its line end. 64 axes stay far below its limit of 65535.
    let end = (10 + dictionary.count + 1 + 63) / 64 * 64
    let length = end - 10
    var bytes = Self.magic + [1, 0, UInt8(length & 0xFF), UInt8(length >> 8)]
    bytes += dictionary
    bytes += [UInt8](repeating: UInt8(ascii: " "), count: length - dictionary.count - 1)
    bytes.append(UInt8(ascii: "\n"))
    return bytes
  }

  /// As many axes as NumPy's arrays may have.
  public static let mostAxes = 64

  static let magic = [0x93] + Array("NUMPY".utf8)
}

/// The product of non-negative factors, 0 as soon as one is 0; `nil` where
/// `Int` cannot hold it.
private func product(of factors: [Int]) -> Int? {
  if factors.contains(0) { return 0 }
  var product = 1
  for factor in factors {
    let (next, overflow) = product.multipliedReportingOverflow(by: factor)
    if overflow { return nil }
    product = next
  }
  return product
}
