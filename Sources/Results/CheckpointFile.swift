import Foundation
import InputFiles
public import MPI

/// The checkpoint of a run in a folder, written by all ranks at once beside
/// the one before and put in its place only when it is whole and synced.
public struct CheckpointFile: Hashable, Sendable {
  private let file: WholeFile
  /// Bytes that are handed to MPI-IO together where pieces of a rank follow one another.
  private let bufferLength = 4 << 20

  public init(_ folder: String) {
    file = WholeFile(folder + "/checkpoint")
  }

  public var path: String { file.path }

  /// Makes the folder where it is missing, and finds out whether it can be
  /// written; to be called by one rank.
  public static func prepare(_ folder: String) throws(OutputError) {
    guard !folder.isEmpty else { throw OutputError(file: "''", "a folder for checkpoints needs a name") }
    if mkdir(folder, 0o777) != 0, errno != EEXIST {
      throw OutputError(
        file: folder, "cannot be made: \(String(cString: strerror(errno))); name a folder in one that you may write")
    }
    try CheckpointFile(folder).file.checkWritable()
  }

  /// Writes a checkpoint; collective over all ranks of the job.
  ///
  /// - Parameters:
  ///   - header: on rank 0, what it says of the run.
  ///   - forEachPiece: hands out the pieces that this rank holds, in the order
  ///     of their keys; called twice. Every piece is held by one rank.
  /// - Returns: bytes written by all ranks.
  /// - Throws: the `JobError` of all ranks, made from an `OutputError`.
  public func write<Progress>(
    _ header: CheckpointHeader<Progress>, over communicator: Communicator,
    forEachPiece: ((CheckpointKey, [UInt8]) throws -> Void) throws -> Void
  ) throws -> Int {
    var own: [CheckpointHeader<Progress>.Piece] = []
    try forEachPiece {
      own.append(.init(key: $0, length: $1.count, digest: SHA256.hexadecimal(of: $1)))
    }
    let holders = try communicator.gatherPieces(own)
    var header = header
    header.pieces = holders.flatMap(\.self).sorted { $0.key < $1.key }
    let encoded = communicator.rank == 0 ? Array(try JSONEncoder.ofCheckpoint.encode(header)) : []
    let beginning = communicator.rank == 0 ? CheckpointPreamble.encoded(for: encoded) + encoded : []

    var offsets: [CheckpointKey: Int] = [:]
    var end = beginning.count
    for piece in header.pieces {
      offsets[piece.key] = end
      end += piece.length
    }
    let places = try communicator.scatter(holders.map { $0.map { offsets[$0.key] ?? 0 } }, count: own.count)
    var total = [end]
    try communicator.broadcast(&total, root: 0)

    _ = try file.write(byteCount: total[0], over: communicator) { partial in
      if communicator.rank == 0 { try partial.write(beginning.span, at: 0) }
      var run = (start: 0, bytes: [UInt8]())
      var next = 0
      try forEachPiece { _, bytes in
        let place = places[next]
        next += 1
        if place != run.start + run.bytes.count || run.bytes.count >= bufferLength {
          if !run.bytes.isEmpty { try partial.write(run.bytes.span, at: run.start) }
          run = (place, [])
        }
        run.bytes += bytes
      }
      if !run.bytes.isEmpty { try partial.write(run.bytes.span, at: run.start) }
    } check: {
    }
    return total[0]
  }
}

extension Communicator {
  /// What every rank holds, on rank 0.
  fileprivate func gatherPieces<Progress>(
    _ own: [CheckpointHeader<Progress>.Piece]
  ) throws -> [[CheckpointHeader<Progress>.Piece]] {
    // Key, length, and the digest of 64 digits in four words.
    let width = 7
    let words = own.flatMap { piece in
      [piece.key.sample, piece.key.chunk, piece.length]
        + (0..<4).map { word in
          Int(bitPattern: UInt(piece.digest.dropFirst(16 * word).prefix(16), radix: 16) ?? 0)
        }
    }
    let counts = try allGather([words.count])
    var all = [Int](repeating: 0, count: rank == 0 ? counts.reduce(0, +) : 0)
    var span = all.mutableSpan
    try gather(words.span, counts: counts, into: &span, root: 0)
    guard rank == 0 else { return [] }
    var rest = all[...]
    return counts.map { count in
      defer { rest = rest.dropFirst(count) }
      let words = Array(rest.prefix(count))
      return stride(from: 0, to: count, by: width).map { first in
        .init(
          key: CheckpointKey(sample: words[first], chunk: words[first + 1]), length: words[first + 2],
          digest: words[(first + 3)..<(first + width)].map(Self.digits).joined())
      }
    }
  }

  private static func digits(_ word: Int) -> String {
    let digits = String(UInt(bitPattern: word), radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }

  /// Deals out rank 0's lists, one for each rank.
  fileprivate func scatter(_ lists: [[Int]], count: Int) throws -> [Int] {
    let counts = try allGather([count])
    var own = [Int](repeating: 0, count: count)
    var span = own.mutableSpan
    let all = lists.flatMap(\.self)
    try scatter(all.span, counts: counts, into: &span, root: 0)
    return own
  }
}
