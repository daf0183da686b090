/// How the time-parallel iteration runs.
public struct PicardOptions: Hashable, Sendable {
  /// The slope with which corrections are carried on.
  public var linearization: Linearization
  /// When a slice is done.
  public var stop: StopRule
  /// How many slices are iterated at the same time.
  public var extent: Extent
  /// Slices of a chunk; enters the bits of the result, unlike the number of ranks.
  public var chunk: Int
  /// Mixing of iterates; `nil` for none.
  public var anderson: AndersonMixing?
  /// With elementwise slopes, further evaluations a slice and round that measure
  /// the Jacobian (`JacobianProbes`): fewer rounds for `1 + probes` times the rows.
  public var probes: Int
  /// The step noise of open slices stays in memory. Otherwise it is drawn in
  /// every round again, to the same bits: slower, with a fourth less memory.
  public var keepsNoise = true

  /// What is left away takes the default of the command line; `chunk` that of
  /// `defaultChunk`.
  public init(
    linearization: Linearization = .elementwise, stop: StopRule = .tolerance(1e-3), extent: Extent = .blocks,
    chunk: Int? = nil, anderson: AndersonMixing? = nil, probes: Int = 0, trajectory: Trajectory
  ) {
    if case .window(let slices, let maximum) = extent {
      precondition(0 < slices && slices <= maximum, "a window grows from its size to a larger one")
    }
    self.anderson = anderson
    self.probes = probes
    self.linearization = linearization
    self.stop = stop
    self.extent = extent
    self.chunk = chunk ?? Self.defaultChunk(extent, slices: trajectory.longestStage)
  }

  /// In a block, 64 chunks, or 16 and more where that gives chunks of up to
  /// eight slices, which have more to learn slopes from. In a window, chunks
  /// of at most eight slices, and two or more: few hops, and on 2 ranks even
  /// loads wherever the window stands.
  ///
  /// - Parameters:
  ///   - extent: blocks or a window.
  ///   - slices: of the longest stage.
  public static func defaultChunk(_ extent: Extent, slices: Int) -> Int {
    if let window = extent.window, window < slices { return max(1, min(window / 2, 8)) }
    return max((slices + 63) / 64, min(slices / 16, 8))
  }
}

extension PicardOptions {
  /// How many ranks can work on one sample: the number of chunks that are iterated at
  /// the same time, where a window has not grown.
  public func activeChunks(_ trajectory: Trajectory) -> Int {
    (extent.size(of: trajectory.longestStage) + chunk - 1) / chunk
  }

  /// Rows of the score in a round for slices of one sample's predictor on one rank:
  /// themselves, and in every chunk no more probes than there are dimensions.
  public func rows(ofSlices slices: Int, dimension: Int) -> Int {
    guard linearization == .elementwise else { return slices }
    let (chunks, rest) = slices.quotientAndRemainder(dividingBy: chunk)
    return slices + chunks * min(dimension, probes * chunk) + min(dimension, probes * rest)
  }

  /// The largest number of slices that are iterated at the same time, a sample.
  public func activeSlices(_ trajectory: Trajectory) -> Int {
    extent.largestSize(of: trajectory.longestStage)
  }
}
