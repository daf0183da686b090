import Foundation
import InputFiles
public import MPI

/// Samples in a Zarr store (format 2), which grows group by group and is
/// readable while it does: `xarray.open_zarr` opens it.
///
/// A chunk is a whole number of samples. Its file appears whole or not at all,
/// so that a run that is killed loses the group at work, and one that is
/// resumed draws the groups that are missing. Rows that nobody has drawn yet
/// read as NaN.
public struct SampleStore: Hashable, Sendable {
  /// The axes in front of a sample's own: samples, or steps and samples.
  public let leading: [Int]
  /// Shape of one sample.
  public let shape: [Int]
  /// Samples of a chunk; of the last axis of `leading`, where there are two, all.
  public let chunk: Int
  public let elementSize: Int
  public let path: String

  /// Numbers along an axis, such as a sample's number or a step's noise time.
  public struct Coordinate: Hashable, Sendable {
    public var name: String
    /// The axis; one of the name where it has no samples.
    public var axis: String
    public var values: [Double]
    public var isInteger: Bool

    /// Whole numbers along the samples.
    public init(ofSamples name: String, _ values: [Int]) {
      (self.name, axis, isInteger) = (name, "sample", true)
      self.values = values.map { Double($0) }
    }

    /// Numbers along an axis of their own.
    public init(_ name: String, _ values: [Double]) {
      (self.name, axis, self.values, isInteger) = (name, name, values, false)
    }
  }

  public init(_ path: String, leading: [Int], shape: [Int], chunk: Int, elementSize: Int) {
    self.path = path
    self.leading = leading
    self.shape = shape
    self.chunk = chunk
    self.elementSize = elementSize
  }

  /// What a store says of itself, for the run that goes on with it.
  public struct Description: Codable, Hashable, Sendable {
    /// What the samples' bits depend on, by name.
    public var fingerprint: [String: String]
    /// The number of the first sample that it has room for.
    public var firstSample: Int
    public var samples: Int
    public var chunk: Int

    public init(fingerprint: [String: String], firstSample: Int, samples: Int, chunk: Int) {
      self.fingerprint = fingerprint
      self.firstSample = firstSample
      self.samples = samples
      self.chunk = chunk
    }
  }

  /// The attribute that holds the description, as JSON.
  private static let attribute = "piadm"

  /// What is stored at a path; `nil` where nothing is.
  /// - Throws: `OutputError` where something else is there.
  public static func description(at path: String) throws(OutputError) -> Description? {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    guard let data = FileManager.default.contents(atPath: path + "/.zattrs"),
      let text = try? JSONDecoder().decode([String: OptionValue].self, from: data)[attribute],
      case .text(let text) = text,
      let description = try? JSONDecoder().decode(Description.self, from: Data(text.utf8))
    else { throw OutputError(file: path, "is there and no store of piadm; name another, or remove it") }
    return description
  }

  var rowBytes: Int { shape.reduce(elementSize, *) }
  private var array: String { path + "/samples" }

  private func file(ofChunk number: Int) -> WholeFile {
    let zeros = [String](repeating: "0", count: leading.count - 1 + shape.count)
    return WholeFile(array + "/" + (["\(number)"] + zeros).joined(separator: "."))
  }

  /// Makes the store, or lets one that is there grow; to be called by one rank.
  ///
  /// - Parameters:
  ///   - attributes: texts and numbers about the run.
  ///   - coordinates: numbers along its axes.
  public func prepare(
    _ description: Description, attributes: [String: OptionValue], coordinates: [Coordinate]
  ) throws {
    for folder in [path, array] where mkdir(folder, 0o777) != 0 && errno != EEXIST {
      throw OutputError(file: folder, "cannot be made: \(String(cString: strerror(errno)))")
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    var attributes = attributes
    attributes[Self.attribute] = .text(String(decoding: try encoder.encode(description), as: UTF8.self))
    var metadata = [".zgroup": Metadata(format: 2), ".zattrs": Metadata(attributes: attributes)]
    metadata["samples/.zarray"] = Metadata(
      array: leading + shape, chunks: (leading.count == 1 ? [chunk] : [1] + leading.dropFirst()) + shape,
      type: elementSize == 4 ? "<f4" : "<f8")
    metadata["samples/.zattrs"] = Metadata(dimensions: leadingNames + axisNames(ofShape: shape))
    for coordinate in coordinates {
      let folder = path + "/" + coordinate.name
      guard mkdir(folder, 0o777) == 0 || errno == EEXIST else {
        throw OutputError(file: folder, "cannot be made: \(String(cString: strerror(errno)))")
      }
      // Of one length, so that growing adds files and changes no other.
      let length = 1024
      for (number, first) in stride(from: 0, to: coordinate.values.count, by: length).enumerated() {
        try WholeFile("\(folder)/\(number)").write(coordinate.bytes(from: first, length))
      }
      metadata[coordinate.name + "/.zarray"] = Metadata(
        array: [coordinate.values.count], chunks: [length], type: coordinate.isInteger ? "<i8" : "<f8")
      metadata[coordinate.name + "/.zattrs"] = Metadata(dimensions: [coordinate.axis])
    }
    encoder.outputFormatting.insert(.prettyPrinted)
    // The description comes last: a store whose making was cut has none.
    for (name, content) in metadata.sorted(by: { $0.key > $1.key }) { try WholeFile("\(path)/\(name)").write(encoder.encode(content)) }
    try WholeFile(path + "/.zmetadata").write(encoder.encode(Consolidated(metadata: metadata)))
  }

  private var leadingNames: [String] { leading.count == 1 ? ["sample"] : ["step", "sample"] }

  /// Rows of one chunk file.
  private var chunkRows: Int { leading.count == 1 ? chunk : leading[1] }

  /// Whether all of these rows, which one chunk holds, are there.
  public func hasRows(_ rows: Range<Int>) throws(OutputError) -> Bool {
    guard let bytes = try read(ofChunk: rows.lowerBound / chunkRows) else { return false }
    return rows.allSatisfy { row in !isNaN(bytes, at: row % chunkRows * rowBytes) }
  }

  private func isNaN(_ bytes: Data, at place: Int) -> Bool {
    bytes.withUnsafeBytes {
      elementSize == 4
        ? $0.loadUnaligned(fromByteOffset: place, as: Float.self).isNaN
        : $0.loadUnaligned(fromByteOffset: place, as: Double.self).isNaN
    }
  }

  /// - Returns: `nil` where the chunk is not there.
  private func read(ofChunk number: Int) throws(OutputError) -> Data? {
    let name = file(ofChunk: number).path
    guard access(name, F_OK) == 0 else { return nil }
    guard let data = try? Data(contentsOf: URL(fileURLWithPath: name), options: .alwaysMapped) else {
      throw OutputError(file: name, "cannot be read")
    }
    guard data.count == chunkRows * rowBytes else {
      throw OutputError(
        file: name, "has \(data.count) bytes and not \(chunkRows * rowBytes); remove it, and its samples are drawn again")
    }
    return data
  }

  /// The elements of rows that one chunk holds and that are there.
  public func floats(ofRows rows: Range<Int>) throws -> [Float] {
    let name = file(ofChunk: rows.lowerBound / chunkRows).path
    guard let data = try read(ofChunk: rows.lowerBound / chunkRows) else { throw OutputError(file: name, "is missing") }
    let first = rows.lowerBound % chunkRows * rowBytes
    return data.withUnsafeBytes { bytes in
      stride(from: first, to: first + rows.count * rowBytes, by: elementSize).map {
        elementSize == 4
          ? bytes.loadUnaligned(fromByteOffset: $0, as: Float.self)
          : Float(bytes.loadUnaligned(fromByteOffset: $0, as: Double.self))
      }
    }
  }

  /// Writes a group of samples; collective. Other samples of its chunk stay.
  ///
  /// - Parameters:
  ///   - rows: this rank's samples, one after another.
  ///   - first: the row of the first of them.
  ///   - group: the rows that all ranks hold together, of one chunk.
  public func write<Element: Scalar & BinaryFloatingPoint>(
    _ rows: Span<Element>, first: Int, group: Range<Int>, over communicator: Communicator, hints: Info = [:]
  ) throws {
    precondition(MemoryLayout<Element>.size == elementSize)
    let number = group.lowerBound / chunkRows
    let start = number * chunkRows
    let whole = start..<(start + chunkRows)
    _ = try file(ofChunk: number).write(byteCount: chunkRows * rowBytes, over: communicator, hints: hints) { partial in
      if communicator.rank == 0 {
        let old = try read(ofChunk: number).map { Array($0) }
        for others in [whole.lowerBound..<group.lowerBound, group.upperBound..<whole.upperBound] where !others.isEmpty {
          let (place, count) = ((others.lowerBound - start) * rowBytes, others.count * rowBytes)
          let blank = [Element](repeating: .nan, count: count / elementSize)
          if let old { try partial.write(Array(old[place..<(place + count)]).span, at: place) } else { try partial.write(blank.span, at: place) }
        }
      }
      if !rows.isEmpty { try partial.write(rows, at: (first - start) * rowBytes) }
    } check: {
    }
  }

  /// Hands out the bytes of rows, chunk by chunk; for one rank.
  func forEachPiece(ofRows rows: Range<Int>, _ body: (Data) throws -> Void) throws {
    var row = rows.lowerBound
    while row < rows.upperBound {
      let number = row / chunkRows
      let end = min(rows.upperBound, (number + 1) * chunkRows)
      guard let data = try read(ofChunk: number) else {
        throw OutputError(file: file(ofChunk: number).path, "is missing")
      }
      let start = number * chunkRows
      try body(data[((row - start) * rowBytes)..<((end - start) * rowBytes)])
      row = end
    }
  }

  /// SHA-256 of rows as `SampleFile` computes it; for one rank.
  public func digest(ofRows rows: Range<Int>) throws -> String {
    let hash = SHA256()
    try forEachPiece(ofRows: rows) { hash.update($0.bytes) }
    return hash.hexadecimal()
  }

  /// Removes the store, its folder included.
  public func remove() throws { try FileManager.default.removeItem(atPath: path) }
}

extension SampleStore.Coordinate {
  /// So many numbers, filled up at the end.
  fileprivate func bytes(from first: Int, _ count: Int) -> [UInt8] {
    (first..<(first + count)).flatMap { index in
      let value = index < values.count ? values[index] : 0
      let bits = isInteger ? UInt64(bitPattern: Int64(value)) : value.bitPattern
      return withUnsafeBytes(of: bits.littleEndian) { Array($0) }
    }
  }
}

/// Zarr's metadata of format 2: what is not set is not written.
private struct Metadata: Encodable {
  private var values: [String: OptionValue] = [:]

  init(format: Int) { values["zarr_format"] = .integer(format) }

  init(attributes: [String: OptionValue]) { values = attributes }

  init(dimensions: [String]) { values["_ARRAY_DIMENSIONS"] = .list(dimensions.map { .text($0) }) }

  init(array shape: [Int], chunks: [Int], type: String) {
    values = [
      "zarr_format": .integer(2), "shape": .list(shape.map { .integer($0) }), "chunks": .list(chunks.map { .integer($0) }),
      "dtype": .text(type), "compressor": .none, "filters": .none,
      // Readers take the fill value for a missing number.
      "fill_value": type == "<i8" ? .none : .text("NaN"), "order": .text("C"),
    ]
  }

  func encode(to encoder: any Encoder) throws { try values.encode(to: encoder) }
}

/// All metadata in one file, which readers ask for first.
private struct Consolidated: Encodable {
  let zarr_consolidated_format = 1
  let metadata: [String: Metadata]
}
