import Foundation
public import InputFiles

/// An array of real numbers read from a `.npy` file, in row-major order.
///
/// Elements are kept as they came, in single or double precision; Fortran
/// order, big-endian bytes, half precision and integers are converted on the
/// way in. Integers beyond 2^53 are rounded to the nearest `Double`.
public struct NumPyArray: Hashable, Sendable {
  private enum Elements: Hashable, Sendable {
    case single([Float])
    case double([Double])
  }

  /// Lengths of the axes; empty for a single number.
  public let shape: [Int]
  private let elements: Elements

  /// All elements, the last index running fastest.
  public var doubles: [Double] {
    switch elements {
    case .single(let values): values.map { Double($0) }
    case .double(let values): values
    }
  }

  /// All elements, the last index running fastest; those in double precision
  /// rounded to the nearest `Float`.
  public var floats: [Float] {
    switch elements {
    case .single(let values): values
    case .double(let values): values.map { Float($0) }
    }
  }

  /// Reads the file at `path`.
  ///
  /// The shape is checked against the file's length before memory is taken.
  ///
  /// - Throws: `NumPyError` where the file is missing, cannot be read, is not
  ///   a `.npy` file, holds something else than real numbers, is shorter or
  ///   longer than its shape says, or exceeds the machine's memory.
  public init(contentsOf path: String) throws(NumPyError) {
    let file = try InputFile(path)
    try self.init(length: file.length, name: path) { (range) throws(NumPyError) in
      try file.read(range)
    }
  }

  /// Reads a file of a run's input.
  ///
  /// - Throws: as `init(contentsOf:)`.
  public init(contentsOf path: String, in files: InputFiles, as role: InputFiles.Role) throws(NumPyError) {
    let data: Data
    do {
      data = try files.contents(of: path, as: role)
    } catch {
      switch error.code {
      case .missing:
        throw NumPyError(.missing, file: path, "no such file; a .npy file, as numpy.save writes it, is needed")
      case .badData: throw NumPyError(.badData, file: path, "\(error.message); a regular .npy file is needed")
      case .unreadable: throw NumPyError(.unreadable, file: path, error.message)
      }
    }
    try self.init(length: data.count, name: path) { Array(data[(data.startIndex + $0.lowerBound)..<(data.startIndex + $0.upperBound)]) }
  }

  /// Reads the first rows of the file at `path`: at most `count` indices of the
  /// first axis. What is not read takes no memory.
  ///
  /// - Throws: as `init(contentsOf:)`, and where the array is in Fortran order
  ///   or has no axis.
  public init(contentsOf path: String, firstRows count: Int) throws(NumPyError) {
    let file = try InputFile(path)
    try self.init(length: file.length, name: path, firstRows: count) { (range) throws(NumPyError) in
      try file.read(range)
    }
  }

  /// Reads a whole `.npy` file that is in memory already; `name` stands for
  /// it in errors.
  public init(parsing bytes: [UInt8], name: String) throws(NumPyError) {
    try self.init(length: bytes.count, name: name) { Array(bytes[$0]) }
  }

  private init(
    length: Int, name: String, firstRows: Int? = nil,
    read: (Range<Int>) throws(NumPyError) -> [UInt8]
  ) throws(NumPyError) {
    let prefix = try read(0..<min(length, NumPyPreamble.longest))
    let preamble = try NumPyPreamble(prefix, fileLength: length, file: name)
    var header = try NumPyHeader(parsing: try read(preamble.text), file: name)

    let present = length - preamble.text.upperBound
    guard var count = header.elementCount, var needed = header.byteCount, needed == present else {
      let needed = header.byteCount.map { "\($0)" } ?? "more than 2^63"
      throw NumPyError(
        .badData, file: name,
        "shape \(header.shape) of '\(header.elementType.descr)' takes \(needed) bytes, "
          + "but \(present) follow the header; the file is cut short or damaged")
    }
    if let firstRows {
      guard let rows = header.shape.first, !header.fortranOrder else {
        throw NumPyError(.badData, file: name, "must have at least one axis and be in C order")
      }
      header.shape[0] = min(max(firstRows, 0), rows)
      let part = rows == 0 ? 0 : count / rows * header.shape[0]
      (count, needed) = (part, part * header.elementType.size)
    }
    // The bytes as read and the converted elements are held at once.
    guard needed <= Int(clamping: ProcessInfo.processInfo.physicalMemory) / 3 else {
      throw NumPyError(.badData, file: name, "an array of \(needed) bytes does not fit in this machine's memory")
    }
    let start = preamble.text.upperBound
    let bytes = try read(start..<(start + needed))

    shape = header.shape
    let order = header.fortranOrder ? rowMajorOrder(ofColumnMajor: header.shape, count: count) : nil
    elements = Self.decode(bytes, as: header.elementType, count: count, order: order)
  }

  private static func decode(
    _ bytes: [UInt8], as type: NumPyElementType, count: Int, order: [Int]?
  ) -> Elements {
    func integers<Word: FixedWidthInteger>(_: Word.Type) -> [Word] {
      bytes.withUnsafeBytes { raw in
        (0..<count).map { index in
          let word = raw.loadUnaligned(
            fromByteOffset: (order?[index] ?? index) * type.size, as: Word.self)
          return type.isBigEndian ? Word(bigEndian: word) : Word(littleEndian: word)
        }
      }
    }
    switch (type.kind, type.size) {
    case (.floatingPoint, 2):
      return .single(integers(UInt16.self).map { Float(Float16(bitPattern: $0)) })
    case (.floatingPoint, 4): return .single(integers(UInt32.self).map { Float(bitPattern: $0) })
    case (.floatingPoint, _): return .double(integers(UInt64.self).map { Double(bitPattern: $0) })
    case (.signedInteger, 1): return .double(integers(Int8.self).map { Double($0) })
    case (.signedInteger, 2): return .double(integers(Int16.self).map { Double($0) })
    case (.signedInteger, 4): return .double(integers(Int32.self).map { Double($0) })
    case (.signedInteger, _): return .double(integers(Int64.self).map { Double($0) })
    case (.unsignedInteger, 1): return .double(integers(UInt8.self).map { Double($0) })
    case (.unsignedInteger, 2): return .double(integers(UInt16.self).map { Double($0) })
    case (.unsignedInteger, 4): return .double(integers(UInt32.self).map { Double($0) })
    case (.boolean, _): return .single(integers(UInt8.self).map { $0 == 0 ? 0 : 1 })
    case (.unsignedInteger, _): return .double(integers(UInt64.self).map { Double($0) })
    }
  }
}

/// For every element in row-major order, its place in column-major order.
private func rowMajorOrder(ofColumnMajor shape: [Int], count: Int) -> [Int] {
  if count == 0 { return [] }
  var strides: [Int] = []
  var stride = 1
  for length in shape {
    strides.append(stride)
    stride *= length
  }
  var index = [Int](repeating: 0, count: shape.count)
  var place = 0
  var order: [Int] = []
  order.reserveCapacity(count)
  while true {
    order.append(place)
    var axis = shape.count - 1
    while axis >= 0, index[axis] == shape[axis] - 1 {
      place -= index[axis] * strides[axis]
      index[axis] = 0
      axis -= 1
    }
    if axis < 0 { return order }
    index[axis] += 1
    place += strides[axis]
  }
}
