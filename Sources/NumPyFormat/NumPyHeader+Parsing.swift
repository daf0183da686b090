/// Where the header text of a `.npy` file lies, read from its first bytes.
struct NumPyPreamble {
  /// Enough bytes for the magic string, the version and the longer length field.
  static let longest = 12
  /// No header of real numbers comes near this many bytes.
  static let longestText = 1 << 20

  let text: Range<Int>

  init(_ bytes: [UInt8], fileLength: Int, file: String) throws(NumPyError) {
    func wrong(_ message: String) -> NumPyError { NumPyError(.badData, file: file, message) }
    guard bytes.count >= 10, bytes.starts(with: NumPyHeader.magic) else {
      throw wrong("not a .npy file (it must start with \\x93NUMPY, as numpy.save writes it)")
    }
    let version = (bytes[6], bytes[7])
    guard (1...3).contains(version.0), version.1 == 0 else {
      throw wrong(".npy version \(version.0).\(version.1) is unknown; versions 1.0, 2.0 and 3.0 are read")
    }
    let start = version.0 == 1 ? 10 : 12
    guard bytes.count >= start else { throw wrong("the file ends within its .npy header") }
    var length = 0
    for byte in bytes[8..<start].reversed() { length = length << 8 | Int(byte) }
    guard length <= Self.longestText else {
      throw wrong("the .npy header claims \(length) bytes; at most \(Self.longestText) are read")
    }
    guard start + length <= fileLength else {
      throw wrong("the file ends within its .npy header, after \(fileLength) of \(start + length) bytes")
    }
    text = start..<(start + length)
  }
}

extension NumPyHeader {
  /// Reads the header text, strictly: exactly the three keys, each once.
  init(parsing text: [UInt8], file: String) throws(NumPyError) {
    var literal = PythonLiteral(text)
    do {
      self = try literal.header()
    } catch {
      throw NumPyError(.badData, file: file, "the .npy header \(error.message)")
    }
  }
}

/// What is wrong with a header text, to be read after "the .npy header".
private struct Malformed: Error {
  let message: String
}

/// The part of Python's literal syntax that a `.npy` header is written in.
private struct PythonLiteral {
  private let text: [UInt8]
  private var position = 0

  init(_ text: [UInt8]) { self.text = text }

  mutating func header() throws(Malformed) -> NumPyHeader {
    var descr: String?
    var fortranOrder: Bool?
    var shape: [Int]?
    try expect("{")
    while !take("}") {
      let key = try string()
      try expect(":")
      let isRepeated: Bool
      switch key {
      case "descr":
        isRepeated = descr != nil
        if next == UInt8(ascii: "[") {
          throw Malformed(message: "describes records; a plain array of numbers is needed")
        }
        descr = try string()
      case "fortran_order":
        isRepeated = fortranOrder != nil
        fortranOrder = try boolean()
      case "shape":
        isRepeated = shape != nil
        shape = try tuple()
      default:
        throw Malformed(message: "has the unknown key '\(key)'")
      }
      if isRepeated { throw Malformed(message: "has the key '\(key)' twice") }
      if take(",") { continue }
      try expect("}")
      break
    }
    skipSpace()
    guard position == text.count else {
      throw Malformed(message: "goes on after its dictionary, at byte \(position)")
    }
    guard let descr, let fortranOrder, let shape else {
      throw Malformed(message: "must have the keys 'descr', 'fortran_order' and 'shape'")
    }
    guard shape.count <= NumPyHeader.mostAxes else {
      throw Malformed(message: "has \(shape.count) axes; NumPy's arrays have at most \(NumPyHeader.mostAxes)")
    }
    guard let elementType = NumPyElementType(descr: descr) else {
      throw Malformed(
        message: "has element type '\(descr)'; real numbers are read: f2, f4, f8, i1 to i8 and u1 to u8")
    }
    return NumPyHeader(elementType: elementType, fortranOrder: fortranOrder, shape: shape)
  }

  /// The next byte that is not white space.
  private var next: UInt8? {
    mutating get {
      skipSpace()
      return position < text.count ? text[position] : nil
    }
  }

  private mutating func skipSpace() {
    while position < text.count, " \t\r\n".utf8.contains(text[position]) { position += 1 }
  }

  private mutating func take(_ symbol: Unicode.Scalar) -> Bool {
    guard next == UInt8(ascii: symbol) else { return false }
    position += 1
    return true
  }

  private mutating func expect(_ symbol: Unicode.Scalar) throws(Malformed) {
    guard take(symbol) else {
      throw Malformed(message: "lacks '\(symbol)' at byte \(position)")
    }
  }

  private mutating func string() throws(Malformed) -> String {
    guard let quote = next, quote == UInt8(ascii: "'") || quote == UInt8(ascii: "\"") else {
      throw Malformed(message: "lacks a string at byte \(position)")
    }
    let rest = text[(position + 1)...]
    guard let end = rest.firstIndex(of: quote) else {
      throw Malformed(message: "lacks the end of the string at byte \(position)")
    }
    position = end + 1
    let characters = text[rest.startIndex..<end]
    guard characters.count <= 64, characters.allSatisfy({ (0x20..<0x7F).contains($0) }) else {
      throw Malformed(message: "has a string that is not a name, at byte \(rest.startIndex)")
    }
    return String(decoding: characters, as: UTF8.self)
  }

  private mutating func boolean() throws(Malformed) -> Bool {
    skipSpace()
    for (word, value) in [("True", true), ("False", false)]
    where text[position...].starts(with: word.utf8) {
      position += word.utf8.count
      return value
    }
    throw Malformed(message: "must say True or False for 'fortran_order'")
  }

  /// A tuple of whole numbers; one number alone needs its comma, as in Python.
  private mutating func tuple() throws(Malformed) -> [Int] {
    try expect("(")
    var numbers: [Int] = []
    var endsWithComma = false
    while !take(")") {
      if !numbers.isEmpty, !endsWithComma {
        throw Malformed(message: "lacks ',' or ')' in 'shape', at byte \(position)")
      }
      numbers.append(try wholeNumber())
      endsWithComma = take(",")
    }
    if numbers.count == 1, !endsWithComma {
      throw Malformed(message: "must write a 'shape' of one axis as (\(numbers[0]),)")
    }
    return numbers
  }

  private mutating func wholeNumber() throws(Malformed) -> Int {
    skipSpace()
    let digits = text[position...].prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    guard !digits.isEmpty else {
      throw Malformed(message: "must hold whole numbers in 'shape', at byte \(position)")
    }
    guard let number = Int(String(decoding: digits, as: UTF8.self)) else {
      throw Malformed(message: "has an axis in 'shape' that is too long, at byte \(position)")
    }
    position = digits.endIndex
    return number
  }
}
