public import Diffusion

/// The whole way of a sample from noise to data: blocks of predictor steps,
/// each followed by the corrector where there is one.
public struct Trajectory: Hashable, Sendable {
  /// A run of slices that is iterated as one.
  struct Segment: Hashable, Sendable {
    enum Kind: Hashable, Sendable {
      /// Steps of the step map, the first of them being step `first`.
      case predictor(first: Int)
      /// Underdamped Langevin steps after a block.
      case corrector
    }
    var kind: Kind
    /// Number of the block that it is, or that it corrects.
    var block: Int
    /// What `f` is.
    var quantity: StepQuantity
    /// 1 in the predictor, 2 in the corrector.
    var components: Int
    var slices: [SliceMap]
    /// The map needs `f` one slice earlier.
    var usesEarlierValue: Bool
  }

  let segments: [Segment]
  /// Number of the first slice of every segment.
  let segmentStarts: [Int]

  /// Sampling steps, those of the corrector not counted.
  public let steps: Int
  /// Slices in all, those of the corrector included: the rounds that a
  /// sequential sampler needs.
  public var slices: Int { segments.reduce(0) { $0 + $1.slices.count } }
  /// Number of blocks.
  public var blocks: Int { segments.count { !$0.isCorrector } }
  /// Slices of the longest segment.
  public var longestSegment: Int { segments.map(\.slices.count).max() ?? 0 }

  /// - Parameters:
  ///   - kind: the formula of a step.
  ///   - grid: the nodes, each step leading from one to the next.
  ///   - noiseLevel: 0 (probability flow) to 1 (reverse SDE).
  ///   - blocks: number of blocks; their sizes differ by at most one.
  ///   - corrector: run after every block, the last one too, but not where a
  ///     block ends on clean data, which leaves it nothing to do.
  ///   - bound: what is done to the model's denoised estimate.
  /// - Throws: `DiffusionError` where the numbers do not fit together.
  public init(
    _ kind: StepMap.Kind, on grid: TimeGrid, noiseLevel: Double, blocks: Int = 1,
    corrector: LangevinCorrector.Settings = .init(steps: 0), bound: EstimateBound? = nil
  ) throws {
    try corrector.validate()
    let blocks = try grid.blocks(blocks)
    // A corrector moves the state off the trajectory that the history of a
    // multistep map belongs to.
    let restarts = corrector.steps > 0 ? Set(blocks.map(\.lowerBound)) : []
    let map = try StepMap(kind, on: grid, noiseLevel: noiseLevel, restarts: restarts, bound: bound)
    segments = blocks.enumerated().flatMap { block, range in
      let predictor = Segment(
        kind: .predictor(first: range.lowerBound), block: block, quantity: map.quantity, components: 1,
        slices: range.map { SliceMap(map, step: $0) },
        usesEarlierValue: range.contains { map.steps[$0].earlierValue != 0 })
      let node = grid.nodes[range.upperBound]
      guard corrector.steps > 0, node.sigma > 0 else { return [predictor] }
      let step = LangevinCorrector(corrector, sigma: node.sigma)
      let slices = (0..<corrector.steps).map {
        SliceMap(step, at: node, step: block * corrector.steps + $0)
      }
      return [
        predictor,
        Segment(
          kind: .corrector, block: block, quantity: .score, components: 2, slices: slices,
          usesEarlierValue: false),
      ]
    }
    var starts: [Int] = []
    var count = 0
    for segment in segments { starts.append(count); count += segment.slices.count }
    segmentStarts = starts
    steps = grid.steps
  }
}

extension Trajectory.Segment {
  var isCorrector: Bool { if case .corrector = kind { true } else { false } }

  /// Makes of a state the one with which this segment starts, from the position
  /// that the segment before it ends with, which it holds already.
  func start<Scalar: StateScalar>(_ state: State<Scalar>, noise: any NoiseSource, sample: Int) {
    guard isCorrector else { return }
    var velocity = state.velocity.mutableSpan
    noise.fill(&velocity, stream: .correctorStart, step: block, sample: sample)
  }
}
