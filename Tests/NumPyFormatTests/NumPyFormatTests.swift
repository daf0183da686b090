import Foundation
import NumPyFormat
import Testing

/// A file as NumPy writes it: version, header text padded to a multiple of 64
/// bytes, elements.
func npy(_ dictionary: String, version: UInt8 = 1, _ elements: [UInt8]) -> [UInt8] {
  let start = version == 1 ? 10 : 12
  let length = (start + dictionary.utf8.count + 1 + 63) / 64 * 64 - start
  var bytes: [UInt8] = [0x93] + Array("NUMPY".utf8) + [version, 0]
  for byte in 0..<(start - 8) { bytes.append(UInt8(length >> (8 * byte) & 0xFF)) }
  bytes += Array(dictionary.utf8)
  bytes += [UInt8](repeating: 0x20, count: length - dictionary.utf8.count - 1) + [0x0A]
  return bytes + elements
}

func littleEndian<Word: FixedWidthInteger>(_ words: [Word]) -> [UInt8] {
  words.flatMap { word in withUnsafeBytes(of: word.littleEndian) { Array($0) } }
}

func bigEndian<Word: FixedWidthInteger>(_ words: [Word]) -> [UInt8] {
  words.flatMap { word in withUnsafeBytes(of: word.bigEndian) { Array($0) } }
}

@Suite struct Reading {
  let values: [Double] = [0.5, -1.25, 3, 1024, -0.0, 0.0625]

  @Test(arguments: [1, 2, 3] as [UInt8])
  func `every version of the format is read`(version: UInt8) throws {
    let bytes = npy(
      "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", version: version,
      littleEndian(values.map { Float($0).bitPattern }))
    let array = try NumPyArray(parsing: bytes, name: "a.npy")
    #expect(array.shape == [2, 3])
    #expect(array.doubles == values)
    #expect(array.floats == values.map { Float($0) })
  }

  @Test func `every element type gives its numbers`() throws {
    let cases: [(String, [UInt8])] = [
      ("<f2", littleEndian(values.map { Float16($0).bitPattern })),
      (">f2", bigEndian(values.map { Float16($0).bitPattern })),
      ("<f4", littleEndian(values.map { Float($0).bitPattern })),
      (">f4", bigEndian(values.map { Float($0).bitPattern })),
      ("<f8", littleEndian(values.map { $0.bitPattern })),
      (">f8", bigEndian(values.map { $0.bitPattern })),
    ]
    for (descr, elements) in cases {
      let bytes = npy("{'descr': '\(descr)', 'fortran_order': False, 'shape': (6,), }", elements)
      #expect(try NumPyArray(parsing: bytes, name: descr).doubles == values, "\(descr)")
    }
    let whole = [Int8.min, -1, 0, Int8.max]
    let integerCases: [(String, [UInt8])] = [
      ("|i1", littleEndian(whole)),
      ("<i2", littleEndian(whole.map { Int16($0) })),
      (">i4", bigEndian(whole.map { Int32($0) })),
      ("<i8", littleEndian(whole.map { Int64($0) })),
    ]
    for (descr, elements) in integerCases {
      let bytes = npy("{'descr': '\(descr)', 'fortran_order': False, 'shape': (4,), }", elements)
      #expect(try NumPyArray(parsing: bytes, name: descr).doubles == [-128, -1, 0, 127], "\(descr)")
    }
    let naturalCases: [(String, [UInt8])] = [
      ("|u1", [0, 7, 255]),
      ("<u2", littleEndian([0, 7, 255] as [UInt16])),
      ("<u4", littleEndian([0, 7, 255] as [UInt32])),
      (">u8", bigEndian([0, 7, 255] as [UInt64])),
    ]
    for (descr, elements) in naturalCases {
      let bytes = npy("{'descr': '\(descr)', 'fortran_order': False, 'shape': (3,), }", elements)
      #expect(try NumPyArray(parsing: bytes, name: descr).floats == [0, 7, 255], "\(descr)")
    }
  }

  @Test func `Fortran order becomes row-major order`() throws {
    // Element (i, j, k) of shape (2, 3, 4) is 100 i + 10 j + k; the first index runs fastest.
    var columnMajor: [UInt16] = []
    var rowMajor: [Double] = []
    for k in 0..<4 { for j in 0..<3 { for i in 0..<2 { columnMajor.append(UInt16(100 * i + 10 * j + k)) } } }
    for i in 0..<2 { for j in 0..<3 { for k in 0..<4 { rowMajor.append(Double(100 * i + 10 * j + k)) } } }
    let bytes = npy(
      "{'descr': '<u2', 'fortran_order': True, 'shape': (2, 3, 4), }", littleEndian(columnMajor))
    #expect(try NumPyArray(parsing: bytes, name: "f.npy").doubles == rowMajor)
  }

  @Test func `a single number, an empty array and one axis have their shapes`() throws {
    func shape(_ text: String, count: Int) throws -> [Int] {
      try NumPyArray(
        parsing: npy(
          "{'descr': '<f8', 'fortran_order': True, 'shape': \(text), }",
          [UInt8](repeating: 0, count: 8 * count)), name: "s.npy"
      ).shape
    }
    #expect(try shape("()", count: 1) == [])
    #expect(try shape("(0, 5)", count: 0) == [0, 5])
    #expect(try shape("(5, 0)", count: 0) == [5, 0])
    #expect(try shape("(3,)", count: 3) == [3])
    #expect(try shape("(9223372036854775807, 9223372036854775807, 0)", count: 0).last == 0)
  }

  @Test func `keys in any order, double quotes and no last comma are Python too`() throws {
    let bytes = npy(
      "{\"shape\":(1,2),\n\"descr\" : \"<f4\",'fortran_order':False}",
      littleEndian([Float(1).bitPattern, Float(2).bitPattern]))
    #expect(try NumPyArray(parsing: bytes, name: "q.npy").floats == [1, 2])
  }
}

@Suite struct Refusing {
  private func refusal(of bytes: [UInt8]) -> NumPyError? {
    #expect(throws: NumPyError.self) { try NumPyArray(parsing: bytes, name: "bad.npy") }
  }

  @Test(arguments: [
    ("{'descr': '<f4', 'fortran_order': False}", "must have the keys"),
    ("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'more': 1}", "unknown key 'more'"),
    ("{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,)}", "'descr' twice"),
    ("{'descr': [('x', '<f4')], 'fortran_order': False, 'shape': (1,)}", "records"),
    ("{'descr': '<c8', 'fortran_order': False, 'shape': (1,)}", "element type '<c8'"),
    ("{'descr': '|O', 'fortran_order': False, 'shape': (1,)}", "element type '|O'"),
    ("{'descr': '<f16', 'fortran_order': False, 'shape': (1,)}", "element type '<f16'"),
    ("{'descr': '<f4', 'fortran_order': 0, 'shape': (1,)}", "True or False"),
    ("{'descr': '<f4', 'fortran_order': False, 'shape': (1)}", "as (1,)"),
    ("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}", "whole numbers"),
    ("{'descr': '<f4', 'fortran_order': False, 'shape': (1 1)}", "lacks ',' or ')'"),
    ("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}", "too long"),
    ("{'descr': '<f4', 'fortran_order': False, 'shape': (1,)} x", "goes on after"),
    ("{'descr': '<f4', 'fortran_order': False, 'shape': (1,)", "lacks '}'"),
    ("{'descr': '<f4, 'fortran_order", "lacks"),
    (
      "{'descr': '<f4', 'fortran_order': False, 'shape': (\(String(repeating: "1, ", count: 65)))}",
      "65 axes"
    ),
    ("{'descr", "lacks the end of the string"),
    ("", "lacks '{'"),
  ])
  func `a header that is not exactly one of NumPy's is bad data`(dictionary: String, message: String) throws {
    let error = try #require(refusal(of: npy(dictionary, [0, 0, 0, 0])))
    #expect(error.exitCode == 65)
    #expect(error.description.hasPrefix("bad.npy: "))
    #expect(error.description.contains(message))
  }

  @Test func `sizes that overflow or exceed the file are refused before memory is taken`() throws {
    for shape in ["(4294967296, 4294967296)", "(2305843009213693952,)", "(1000000000000,)", "(3,)", "(1,)"] {
      let bytes = npy("{'descr': '<f4', 'fortran_order': False, 'shape': \(shape), }", [UInt8](repeating: 0, count: 8))
      let error = try #require(refusal(of: bytes))
      #expect(error.exitCode == 65)
      #expect(error.description.contains("8 follow the header"))
    }
  }

  @Test func `no beginning of a file and no damaged byte of its header traps`() throws {
    let whole = npy("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 1), }", [UInt8](repeating: 1, count: 8))
    for length in 0..<whole.count { #expect(refusal(of: Array(whole[..<length]))?.exitCode == 65) }
    for position in 0..<128 {
      for value in UInt8.min...UInt8.max {
        var damaged = whole
        damaged[position] = value
        do {
          let array = try NumPyArray(parsing: damaged, name: "bad.npy")
          #expect(array.doubles.count == array.shape.reduce(1, *))
        } catch {
          #expect(error.exitCode == 65)
        }
      }
    }
  }

  @Test func `the first rows alone are read, and none of an array without rows`() throws {
    let folder = FileManager.default.temporaryDirectory
    let file = folder.appendingPathComponent(UUID().uuidString + ".npy")
    defer { unlink(file.path) }
    func rows(_ count: Int, of shape: String, fortranOrder: String = "False") throws -> NumPyArray {
      let bytes = npy(
        "{'descr': '<u2', 'fortran_order': \(fortranOrder), 'shape': \(shape)}",
        littleEndian([1, 2, 3, 4, 5, 6] as [UInt16]))
      try Data(bytes).write(to: file)
      return try NumPyArray(contentsOf: file.path, firstRows: count)
    }
    let two = try rows(2, of: "(3, 2)")
    #expect(two.shape == [2, 2])
    #expect(two.doubles == [1, 2, 3, 4])
    #expect(try rows(5, of: "(3, 2)").doubles == [1, 2, 3, 4, 5, 6])
    #expect(try rows(0, of: "(3, 2)").doubles == [])
    #expect(throws: NumPyError.self) { try rows(1, of: "(3, 2)", fortranOrder: "True") }
    #expect(throws: NumPyError.self) { try rows(1, of: "()") }
  }

  @Test func `a missing file, a folder and a pipe are told apart`() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let pipe = folder.appendingPathComponent("pipe").path
    try #require(mkfifo(pipe, 0o600) == 0)
    func refusal(of path: String) -> NumPyError? {
      #expect(throws: NumPyError.self) { try NumPyArray(contentsOf: path) }
    }
    #expect(refusal(of: folder.appendingPathComponent("none.npy").path)?.exitCode == 66)
    #expect(refusal(of: folder.path)?.exitCode == 65)
    #expect(refusal(of: pipe)?.exitCode == 65)
    #expect(refusal(of: "/dev/zero")?.exitCode == 65)
  }

  @Test func `a file larger than the machine's memory is refused`() throws {
    let file = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString + ".npy").path
    defer { unlink(file) }
    let header = NumPyHeader(elementType: .float64, shape: [1 << 40])
    try Data(header.encoded).write(to: URL(fileURLWithPath: file))
    let length = try off_t(header.encoded.count + #require(header.byteCount))
    try #require(truncate(file, length) == 0, "the temporary folder must take sparse files of 8 TiB")
    let error = #expect(throws: NumPyError.self) { try NumPyArray(contentsOf: file) }
    #expect(error?.exitCode == 65)
    #expect(error?.description.contains("memory") == true)
  }
}

@Suite struct Writing {
  @Test func `the header has the bytes that NumPy writes`() {
    // numpy.save of float32 zeros of shape (32, 1, 8, 8), NumPy 2.4.
    let dictionary = "{'descr': '<f4', 'fortran_order': False, 'shape': (32, 1, 8, 8), }"
    let padding = String(repeating: " ", count: 51)
    #expect(
      NumPyHeader(elementType: .float32, shape: [32, 1, 8, 8]).encoded
        == [0x93] + Array("NUMPY".utf8) + [1, 0, 0x76, 0] + Array((dictionary + padding + "\n").utf8))
  }

  @Test(arguments: [[], [0], [7], [3, 4], [1 << 40, 1 << 20]])
  func `a header is a multiple of 64 bytes and is read back`(shape: [Int]) throws {
    let header = NumPyHeader(elementType: .float64, shape: shape)
    #expect(header.encoded.count.isMultiple(of: 64))
    if let count = header.byteCount, count < 1000 {
      let array = try NumPyArray(
        parsing: header.encoded + [UInt8](repeating: 0, count: count), name: "w.npy")
      #expect(array.shape == shape)
    } else {
      let error = #expect(throws: NumPyError.self) { try NumPyArray(parsing: header.encoded, name: "w.npy") }
      #expect(error?.description.contains("shape \(shape)") == true)
    }
  }
}
