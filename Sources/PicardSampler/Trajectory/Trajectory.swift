public import Diffusion

/// The whole way of a sample from noise to data: blocks of predictor steps,
/// each followed by the corrector where there is one.
public struct Trajectory: Hashable, Sendable {
  package let stages: [Stage]
  /// Number of the first slice of every stage.
  let stageStarts: [Int]

  /// Noise that the initial state has beside its own; to be added by `ChurnedStart`.
  public let start: StartChurn?
  /// Sampling steps, those of the corrector not counted.
  public let steps: Int
  /// Slices in all, those of the corrector included: the rounds that a
  /// sequential sampler needs.
  public var slices: Int { stages.reduce(0) { $0 + $1.slices.count } }
  /// Number of blocks.
  public var blocks: Int { stages.count { !$0.isCorrector } }
  /// Some step adds noise.
  public var isRandom: Bool { stages.contains(where: \.isRandom) }
  /// Slices of the longest stage: of a block, or of the corrector after one.
  public var longestStage: Int { stages.map(\.slices.count).max() ?? 0 }

  /// - Parameters:
  ///   - kind: the formula of a step.
  ///   - grid: the nodes, each step leading from one to the next.
  ///   - noiseLevel: 0 (probability flow) to 1 (reverse SDE).
  ///   - blocks: number of blocks; their sizes differ by at most one.
  ///   - corrector: run after every block, the last one too, but not where a
  ///     block ends on clean data, which leaves it nothing to do.
  ///   - bound: what is done to the model's denoised estimate.
  ///   - variance: what the model says of the noise of posterior steps.
  ///   - churn: noise before every step.
  ///   - langevin: Langevin steps before every step.
  /// - Throws: `DiffusionError` where the numbers do not fit together.
  public init(
    _ kind: StepMap.Kind, on grid: TimeGrid, noiseLevel: Double, blocks: Int = 1,
    corrector: LangevinCorrector.Settings = .init(steps: 0), bound: EstimateBound? = nil,
    variance: LearnedVariance? = nil, churn: Churn? = nil, langevin: LangevinSteps? = nil
  ) throws {
    try corrector.validate()
    let blocks = try grid.blocks(blocks)
    // A corrector moves the state off the trajectory that the history of a
    // multistep map belongs to.
    let restarts = corrector.steps > 0 ? Set(blocks.map(\.lowerBound)) : []
    let map = try StepMap(
      kind, on: grid, noiseLevel: noiseLevel, restarts: restarts, bound: bound, variance: variance, churn: churn,
      langevin: langevin)
    let stages = blocks.enumerated().flatMap { block, range -> [Stage] in
      let predictor = Stage(
        kind: .predictor(first: range.lowerBound), block: block, quantity: map.quantity, components: 1,
        slices: map.maps(ofSteps: range).map { SliceMap(map, $0) })
      let node = grid.nodes[range.upperBound]
      guard corrector.steps > 0, node.sigma > 0 else { return [predictor] }
      let step = LangevinCorrector(corrector, sigma: node.sigma)
      let slices = (0..<corrector.steps).map {
        SliceMap(step, at: node, step: block * corrector.steps + $0)
      }
      return [
        predictor, Stage(kind: .corrector, block: block, quantity: .score, components: 2, slices: slices),
      ]
    }
    self.init(stages: stages, steps: grid.steps, start: map.start)
  }

  /// - Parameter steps: sampling steps, which may be fewer than slices.
  package init(stages: [Stage], steps: Int, start: StartChurn? = nil) {
    self.stages = stages
    self.start = start
    self.steps = steps
    stageStarts = stages.indices.map { stages[..<$0].reduce(0) { $0 + $1.slices.count } }
  }
}
