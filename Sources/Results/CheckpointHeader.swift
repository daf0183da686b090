import Foundation
import InputFiles

/// What stands at the beginning of a checkpoint: which run it belongs to, how
/// far that is, and where the pieces of its state are.
///
/// The file is a line that says what it is, the length of the header (8 bytes,
/// little-endian), the header's SHA-256 (64 hexadecimal digits), the header as
/// JSON, and the pieces, one after another without gaps.
public struct CheckpointHeader<Progress: Codable & Sendable>: Codable, Sendable {
  /// What the run's bits depend on, by name; a run that goes on must have the same.
  public var fingerprint: [String: String]
  /// The processor of the nodes that have written it.
  public var processor: String
  /// Rows that were handed to the model.
  public var evaluations: Int
  /// How far each sample is.
  public var progress: [Progress]
  /// In the order in which they follow the header.
  var pieces: [Piece] = []

  struct Piece: Codable, Hashable, Sendable {
    var key: CheckpointKey
    /// Bytes.
    var length: Int
    /// SHA-256 in hexadecimal digits.
    var digest: String
  }

  public init(
    fingerprint: [String: String], processor: String, evaluations: Int, progress: [Progress]
  ) {
    self.fingerprint = fingerprint
    self.processor = processor
    self.evaluations = evaluations
    self.progress = progress
  }
}

/// Names a piece of a state: a chunk of a sample.
public struct CheckpointKey: Codable, Hashable, Comparable, Sendable {
  public var sample: Int
  public var chunk: Int

  public init(sample: Int, chunk: Int) {
    self.sample = sample
    self.chunk = chunk
  }

  public static func < (a: Self, b: Self) -> Bool { (a.sample, a.chunk) < (b.sample, b.chunk) }
}

/// The bytes in front of the header.
enum CheckpointPreamble {
  static let magic = Array("piadm checkpoint 3\n".utf8)
  private static let digestDigits = 64
  static let length = magic.count + 8 + digestDigits
  /// A header of ten million pieces; more is no checkpoint.
  private static let longestHeader = 1 << 31

  static func encoded(for header: [UInt8]) -> [UInt8] {
    magic + withUnsafeBytes(of: UInt64(header.count).littleEndian) { Array($0) }
      + Array(SHA256.hexadecimal(of: header).utf8)
  }

  /// The header, if all of it is there and whole.
  static func header<Failure: Error>(
    fileLength: Int, read: (Range<Int>) throws(Failure) -> [UInt8], wrong: (String) -> Failure
  ) throws(Failure) -> [UInt8] {
    guard fileLength >= length else { throw wrong("is too short to be a checkpoint") }
    let preamble = try read(0..<length)
    guard preamble.starts(with: magic) else {
      throw wrong("is not a checkpoint of this version of piadm")
    }
    var count: UInt64 = 0
    for byte in preamble[magic.count..<(magic.count + 8)].reversed() { count = count << 8 | UInt64(byte) }
    guard count <= longestHeader, Int(count) <= fileLength - length else {
      throw wrong("is cut short or damaged")
    }
    let header = try read(length..<(length + Int(count)))
    guard Array(SHA256.hexadecimal(of: header).utf8) == Array(preamble.suffix(digestDigits)) else {
      throw wrong("is damaged: its header does not have the checksum that it states")
    }
    return header
  }
}

extension JSONEncoder {
  /// Of the header: the same bytes for the same run. JSON has no infinities.
  static var ofCheckpoint: JSONEncoder {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
    return encoder
  }
}

extension JSONDecoder {
  static var ofCheckpoint: JSONDecoder {
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
    return decoder
  }
}
