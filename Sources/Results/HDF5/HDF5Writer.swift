import Foundation

/// An HDF5 file that is written by one process: numbers, text and attributes
/// at its root.
struct HDF5Writer {
  typealias Identifier = HDF5Library.Identifier

  private let library: HDF5Library
  private let file: Identifier

  enum ElementType {
    case float32, float64
    fileprivate var symbol: String { self == .float32 ? "H5T_NATIVE_FLOAT_g" : "H5T_NATIVE_DOUBLE_g" }
  }

  /// A call of the library that did not succeed.
  struct Refusal: Error {
    let call: String
  }

  /// Makes the file anew.
  init(_ library: HDF5Library, path: String) throws {
    self.library = library
    let create = library.call(
      "H5Fcreate", as: (@convention(c) (UnsafePointer<CChar>, UInt32, Identifier, Identifier) -> Identifier).self)
    file = try check(create(path, Flag.truncate, Flag.defaults, Flag.defaults), "H5Fcreate")
  }

  func close() throws {
    let close = library.call("H5Fclose", as: (@convention(c) (Identifier) -> Int32).self)
    try check(Identifier(close(file)), "H5Fclose")
  }

  /// Writes an array along axes, each a coordinate that was written or a
  /// dimension without numbers.
  func write(_ name: String, _ values: [Float], shape: [Int], axes: [String]) throws {
    precondition(values.count == shape.reduce(1, *))
    try values.withUnsafeBytes { _ = try dataset(name, .float32, shape, content: $0.baseAddress) }
    try attach(name, shape, axes)
  }

  /// Writes numbers along an axis that has their name.
  func writeCoordinate(_ name: String, _ values: [Double]) throws {
    try values.withUnsafeBytes { _ = try dataset(name, .float64, [values.count], content: $0.baseAddress) }
    try setScale(name, called: name)
  }

  /// Makes room for an array that others write.
  /// - Returns: its place in the file, in bytes.
  func reserve(_ name: String, _ type: ElementType, shape: [Int], axes: [String]) throws -> Int {
    let place = try dataset(name, type, shape, content: nil)
    try attach(name, shape, axes)
    return place
  }

  private func withDataset<Result>(_ name: String, _ body: (Identifier) throws -> Result) throws -> Result {
    let open = library.call(
      "H5Dopen2", as: (@convention(c) (Identifier, UnsafePointer<CChar>, Identifier) -> Identifier).self)
    let set = try check(open(file, name, Flag.defaults), "H5Dopen2")
    defer { close("H5Dclose", set) }
    return try body(set)
  }

  private func setScale(_ name: String, called title: String) throws {
    try withDataset(name) { set in
      let setScale = library.call("H5DSset_scale", as: (@convention(c) (Identifier, UnsafePointer<CChar>) -> Int32).self)
      try check(Identifier(setScale(set, title)), "H5DSset_scale")
    }
  }

  /// Ties an array's axes to their dimensions, which are made where they are missing.
  private func attach(_ name: String, _ shape: [Int], _ axes: [String]) throws {
    precondition(axes.count == shape.count)
    let exists = library.call(
      "H5Lexists", as: (@convention(c) (Identifier, UnsafePointer<CChar>, Identifier) -> Int32).self)
    for (axis, length) in zip(axes, shape) where exists(file, axis, Flag.defaults) <= 0 {
      _ = try dataset(axis, .float32, [length], content: nil)
      // NetCDF-4's mark of a dimension without numbers: the length in ten places.
      let digits = "\(length)"
      let padding = String(repeating: " ", count: max(0, 10 - digits.count))
      try setScale(axis, called: "This is a netCDF dimension but not a netCDF variable." + padding + digits)
    }
    try withDataset(name) { array in
      for (index, axis) in axes.enumerated() {
        try withDataset(axis) { scale in
          let attach = library.call(
            "H5DSattach_scale", as: (@convention(c) (Identifier, Identifier, UInt32) -> Int32).self)
          try check(Identifier(attach(array, scale, UInt32(index))), "H5DSattach_scale")
        }
      }
    }
  }

  /// Writes a text as one string.
  func write(_ name: String, text: String) throws {
    let bytes = Array(text.utf8)
    let space = try check(
      library.call("H5Screate", as: (@convention(c) (Int32) -> Identifier).self)(Flag.scalar), "H5Screate")
    defer { close("H5Sclose", space) }
    let type = try stringType(bytes.count)
    defer { close("H5Tclose", type) }
    let set = try create(name, type, space, Flag.defaults)
    defer { close("H5Dclose", set) }
    try bytes.withUnsafeBytes { try write(set, type, $0.baseAddress) }
  }

  /// Gives the file an attribute: a number or a text.
  func setAttribute(_ name: String, _ value: Double) throws {
    try withUnsafeBytes(of: value) {
      try attribute(file, name, library.identifier("H5T_NATIVE_DOUBLE_g"), $0.baseAddress)
    }
  }

  func setAttribute(_ name: String, _ value: String) throws { try setText(file, name, value) }

  /// Gives an array a text.
  func setAttribute(_ name: String, _ value: String, of array: String) throws {
    try withDataset(array) { try setText($0, name, value) }
  }

  private func setText(_ owner: Identifier, _ name: String, _ value: String) throws {
    let bytes = Array(value.utf8) + (value.isEmpty ? [0] : [])
    let type = try stringType(bytes.count)
    defer { close("H5Tclose", type) }
    try bytes.withUnsafeBytes { try attribute(owner, name, type, $0.baseAddress) }
  }

  // MARK: Calls

  /// Constants of HDF5's headers.
  private enum Flag {
    static let truncate: UInt32 = 2  // H5F_ACC_TRUNC
    static let defaults: Identifier = 0  // H5P_DEFAULT
    static let all: Identifier = 0  // H5S_ALL
    static let scalar: Int32 = 0  // H5S_SCALAR
    static let early: Int32 = 1  // H5D_ALLOC_TIME_EARLY
    static let never: Int32 = 1  // H5D_FILL_TIME_NEVER
    static let utf8: Int32 = 1  // H5T_CSET_UTF8
  }

  /// - Parameter content: what to write; `nil` reserves the room.
  /// - Returns: the array's place in the file.
  private func dataset(
    _ name: String, _ type: ElementType, _ shape: [Int], content: UnsafeRawPointer?
  ) throws -> Int {
    let lengths = shape.map { UInt64($0) }
    let makeSpace = library.call(
      "H5Screate_simple", as: (@convention(c) (Int32, UnsafePointer<UInt64>, UnsafePointer<UInt64>?) -> Identifier).self)
    let space = try check(makeSpace(Int32(lengths.count), lengths, nil), "H5Screate_simple")
    defer { close("H5Sclose", space) }
    let properties = try check(
      library.call("H5Pcreate", as: (@convention(c) (Identifier) -> Identifier).self)(
        library.identifier("H5P_CLS_DATASET_CREATE_ID_g")), "H5Pcreate")
    defer { close("H5Pclose", properties) }
    let set = (@convention(c) (Identifier, Int32) -> Int32).self
    try check(Identifier(library.call("H5Pset_alloc_time", as: set)(properties, Flag.early)), "H5Pset_alloc_time")
    try check(Identifier(library.call("H5Pset_fill_time", as: set)(properties, Flag.never)), "H5Pset_fill_time")
    let elements = library.identifier(type.symbol)
    let array = try create(name, elements, space, properties)
    defer { close("H5Dclose", array) }
    if let content { try write(array, elements, content) }
    let place = library.call("H5Dget_offset", as: (@convention(c) (Identifier) -> UInt64).self)(array)
    guard let offset = Int(exactly: place) else { throw Refusal(call: "H5Dget_offset") }
    return offset
  }

  private func create(
    _ name: String, _ type: Identifier, _ space: Identifier, _ properties: Identifier
  ) throws -> Identifier {
    let create = library.call(
      "H5Dcreate2",
      as: (@convention(c) (
        Identifier, UnsafePointer<CChar>, Identifier, Identifier, Identifier, Identifier, Identifier
      ) -> Identifier).self)
    return try check(
      create(file, name, type, space, Flag.defaults, properties, Flag.defaults), "H5Dcreate2")
  }

  private func write(_ array: Identifier, _ type: Identifier, _ content: UnsafeRawPointer?) throws {
    let write = library.call(
      "H5Dwrite",
      as: (@convention(c) (
        Identifier, Identifier, Identifier, Identifier, Identifier, UnsafeRawPointer?
      ) -> Int32).self)
    try check(
      Identifier(write(array, type, Flag.all, Flag.all, Flag.defaults, content)), "H5Dwrite")
  }

  private func attribute(_ owner: Identifier, _ name: String, _ type: Identifier, _ value: UnsafeRawPointer?) throws {
    let space = try check(
      library.call("H5Screate", as: (@convention(c) (Int32) -> Identifier).self)(Flag.scalar), "H5Screate")
    defer { close("H5Sclose", space) }
    let create = library.call(
      "H5Acreate2",
      as: (@convention(c) (
        Identifier, UnsafePointer<CChar>, Identifier, Identifier, Identifier, Identifier
      ) -> Identifier).self)
    let attribute = try check(
      create(owner, name, type, space, Flag.defaults, Flag.defaults), "H5Acreate2")
    defer { close("H5Aclose", attribute) }
    let write = library.call(
      "H5Awrite", as: (@convention(c) (Identifier, Identifier, UnsafeRawPointer?) -> Int32).self)
    try check(Identifier(write(attribute, type, value)), "H5Awrite")
  }

  /// The type of texts of so many bytes of UTF-8.
  private func stringType(_ length: Int) throws -> Identifier {
    let type = try check(
      library.call("H5Tcopy", as: (@convention(c) (Identifier) -> Identifier).self)(
        library.identifier("H5T_C_S1_g")), "H5Tcopy")
    let setSize = library.call("H5Tset_size", as: (@convention(c) (Identifier, Int) -> Int32).self)
    try check(Identifier(setSize(type, max(1, length))), "H5Tset_size")
    let setCharacters = library.call("H5Tset_cset", as: (@convention(c) (Identifier, Int32) -> Int32).self)
    try check(Identifier(setCharacters(type, Flag.utf8)), "H5Tset_cset")
    return type
  }

  private func close(_ name: String, _ identifier: Identifier) {
    _ = library.call(name, as: (@convention(c) (Identifier) -> Int32).self)(identifier)
  }
}

/// Negative identifiers and results are failures.
@discardableResult
private func check(_ result: HDF5Library.Identifier, _ call: String) throws -> HDF5Library.Identifier {
  guard result >= 0 else { throw HDF5Writer.Refusal(call: call) }
  return result
}
