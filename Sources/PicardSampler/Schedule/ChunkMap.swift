/// Which rank owns which slices of a stage.
///
/// A chunk is a run of consecutive slices: the unit of ownership, of batching
/// and of messages. Chunks do not depend on the number of ranks; only their
/// owners do.
public struct ChunkMap: Hashable, Sendable {
  /// How chunks are dealt to ranks.
  public enum Layout: Hashable, Sendable {
    /// A rank's chunks are consecutive; loads differ by at most one chunk.
    case contiguous
    /// Chunk `q` belongs to rank `q mod P`, so that a window slides without
    /// moving any state.
    case cyclic
  }

  /// Slices of the stage.
  public let slices: Int
  /// Slices of a chunk; the last one may have fewer.
  public let chunkSize: Int
  /// Ranks that the chunks are dealt to.
  public let ranks: Int
  /// How they are dealt.
  public let layout: Layout

  /// - Parameters:
  ///   - slices: of the stage.
  ///   - chunkSize: slices of a chunk.
  ///   - ranks: that the chunks are dealt to.
  ///   - layout: how they are dealt.
  /// - Precondition: all numbers are positive.
  public init(slices: Int, chunkSize: Int, ranks: Int, layout: Layout) {
    precondition(slices > 0 && chunkSize > 0 && ranks > 0)
    self.slices = slices
    self.chunkSize = chunkSize
    self.ranks = ranks
    self.layout = layout
  }

  /// Number of chunks.
  public var chunks: Int { (slices + chunkSize - 1) / chunkSize }

  /// The chunk that a slice is in.
  public func chunk(ofSlice slice: Int) -> Int { slice / chunkSize }

  /// The slices of a chunk.
  public func slices(ofChunk chunk: Int) -> Range<Int> {
    (chunk * chunkSize)..<min((chunk + 1) * chunkSize, slices)
  }

  /// The chunks that a non-empty range of slices touches.
  public func chunks(touching range: Range<Int>) -> Range<Int> {
    (range.lowerBound / chunkSize)..<((range.upperBound - 1) / chunkSize + 1)
  }

  /// The rank that a chunk belongs to.
  public func owner(ofChunk chunk: Int) -> Int {
    switch layout {
    case .cyclic: chunk % ranks
    case .contiguous: ((chunk + 1) * ranks - 1) / chunks
    }
  }
}
