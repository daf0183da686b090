import Foundation

/// Called by libFuzzer, whose `main` takes the place of this program's when it
/// is linked (see `jobs/fuzz.sh`). `PIADM_FUZZ` names the reader.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  ReadersUnderFuzz.chosen.read(Array(UnsafeBufferPointer(start: bytes, count: count)))
  return 0
}

/// Hands a reader every file of a folder, and then mutations of them without
/// the help of coverage: `ReadersUnderFuzz READER FOLDER [MUTATIONS [SEED]]`.
@main enum ReadersUnderFuzz {
  static let chosen: Reader = {
    let name = ProcessInfo.processInfo.environment["PIADM_FUZZ"] ?? ""
    guard let reader = Reader(rawValue: name) else {
      fatalError("PIADM_FUZZ must be one of \(Reader.allCases.map(\.rawValue)), not '\(name)'")
    }
    return reader
  }()

  static func main() throws {
    let arguments = CommandLine.arguments
    guard arguments.count >= 3, let reader = Reader(rawValue: arguments[1]) else {
      fatalError("usage: ReadersUnderFuzz READER FOLDER [MUTATIONS [SEED]]")
    }
    let folder = URL(fileURLWithPath: arguments[2])
    let files = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
    let corpus = try files.sorted { $0.path < $1.path }.map { [UInt8](try Data(contentsOf: $0)) }
    precondition(!corpus.isEmpty, "\(folder.path) holds no inputs")
    // Where a format has changed, what was kept must change with it.
    let accepted = corpus.count { reader.read($0) }
    precondition(accepted > 0, "\(reader) refuses all inputs of \(folder.path)")

    let count = arguments.count > 3 ? Int(arguments[3]) ?? 0 : 0
    var random = SplitMix64(state: arguments.count > 4 ? UInt64(arguments[4]) ?? 0 : 0)
    for _ in 0..<count { reader.read(mutated(corpus, &random)) }
    print("\(corpus.count + count) inputs read by \(reader.rawValue)")
  }

  /// One input with a few bytes changed, removed, repeated or taken from another.
  private static func mutated(_ corpus: [[UInt8]], _ random: inout SplitMix64) -> [UInt8] {
    var bytes = corpus.randomElement(using: &random) ?? []
    for _ in 0..<Int.random(in: 1...4, using: &random) {
      let place = Int.random(in: 0...bytes.count, using: &random)
      let length = min(Int.random(in: 1...16, using: &random), bytes.count - place)
      switch Int.random(in: 0..<6, using: &random) {
      case 0 where place < bytes.count: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
      case 1 where place < bytes.count: bytes[place] = [0, 1, 0x7f, 0x80, 0xff].randomElement(using: &random) ?? 0
      case 2: bytes.removeSubrange(place..<(place + length))
      case 3: bytes.insert(contentsOf: bytes[place..<(place + length)], at: place)
      case 4: bytes.removeSubrange(place...)
      default:
        let other = corpus.randomElement(using: &random) ?? []
        bytes.replaceSubrange(place..<(place + length), with: other.prefix(place + 24).suffix(24))
      }
    }
    return bytes
  }
}

/// The generator of Steele, Lea and Flood (OOPSLA 2014): the same mutations
/// for the same seed.
private struct SplitMix64: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}
