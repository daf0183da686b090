/// How many slices of a sample are iterated at the same time.
public enum Extent: Hashable, Codable, Sendable {
  /// Every block as a whole (Chen, Ren, Ying and Rotskoff, NeurIPS 2024).
  case blocks
  /// A window of so many slices that slides along the trajectory. Where all its slices were
  /// new and converged in their first round it opens twice as many the next time, up to
  /// `maximum`, until some slice does not.
  case window(Int, maximum: Int)

  /// A window of a fixed size.
  public static func window(_ slices: Int) -> Extent { .window(slices, maximum: slices) }

  /// Slices of a window that has not grown, of a stage of so many.
  public func size(of slices: Int) -> Int { min(slices, window ?? slices) }

  /// Slices of the largest window, of a stage of so many.
  public func largestSize(of slices: Int) -> Int {
    switch self {
    case .blocks: slices
    case .window(_, let maximum): min(slices, maximum)
    }
  }

  /// Slices of a window that has not grown; `nil` for blocks.
  public var window: Int? {
    switch self {
    case .blocks: nil
    case .window(let slices, _): slices
    }
  }

  /// The window may grow.
  public var grows: Bool {
    switch self {
    case .blocks: false
    case .window(let slices, let maximum): maximum > slices
    }
  }

  /// How chunks are dealt to ranks: those of a window so that it slides without moving
  /// any state.
  var layout: ChunkMap.Layout { self == .blocks ? .contiguous : .cyclic }
}
