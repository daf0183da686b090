import Diffusion
import Foundation

/// A sampler's steps for one dimension: what its output law depends on.
struct StepPlan: Hashable {
  var method: SamplingMethod
  /// Noise time that sampling starts from.
  var horizon: Double
  var steps: Int
  var blocks: Int
  /// Corrector steps after every block.
  var correctorSteps: Int

  /// Noise time that sampling stops at.
  static let earlyStop = 0.05

  func grid() throws -> TimeGrid {
    try .shrinking(steps: steps, horizon: horizon, earlyStop: Self.earlyStop)
  }

  var corrector: LangevinCorrector.Settings { .init(steps: correctorSteps) }
}

/// A target in many dimensions for which the law that a sequential sampler's
/// output has is known, and so its error.
protocol DimensionTarget {
  var name: String { get }
  var model: any ScoreModel<Float> { get }
  /// Divergence of the target's law at a noise time from `N(0, I)`.
  func divergenceFromNoise(at node: NoiseTime) -> Double
  /// The error of a sampler's output against the target at the last node.
  func error(of plan: StepPlan) throws -> DiscretizationError
}

/// Independent normal coordinates: distinct variances, and how many coordinates
/// have each.
struct Spectrum {
  var variances: [Double]
  var counts: [Double]

  /// - Parameter variances: one for each coordinate.
  init(_ variances: [Double]) {
    var counts: [Double: Double] = [:]
    for variance in variances { counts[variance, default: 0] += 1 }
    self.variances = counts.keys.sorted()
    self.counts = self.variances.map { counts[$0] ?? 0 }
  }

  func divergenceFromNoise(at node: NoiseTime) -> Double {
    zip(variances, counts).reduce(0) { sum, level in
      let excess = node.alpha * node.alpha * (level.0 - 1)
      return sum + level.1 * 0.5 * (excess - log1p(excess))
    }
  }

  func error(of plan: StepPlan) throws -> DiscretizationError {
    let grid = try plan.grid()
    let map = try StepMap(
      plan.method.stepMap, on: grid, noiseLevel: plan.method.defaultNoiseLevel)
    var law = GaussianLaw(
      target: try Gaussian<Double>(mean: variances.map { _ in 0 }, variances: variances))
    for block in try grid.blocks(plan.blocks) {
      law.advance(map, over: block)
      if plan.correctorSteps > 0 { law.correct(plan.corrector, at: grid.nodes[block.upperBound]) }
    }
    return zip(law.errors(at: grid.nodes[grid.steps]), counts).reduce(into: .none) { sum, level in
      sum.divergence += level.1 * level.0.divergence
      sum.squaredDistance += level.1 * level.0.squaredDistance
    }
  }

  /// Divergence of the paths of the reverse SDE from those of a plan's steps.
  func pathDivergence(of plan: StepPlan) throws -> Double {
    zip(Diffusion.pathDivergence(variances: variances, on: try plan.grid()), counts)
      .reduce(0) { $0 + $1.0 * $1.1 }
  }
}

extension DiscretizationError {
  static let none = DiscretizationError(divergence: 0, squaredDistance: 0)
}

/// A Gaussian with variances from 1/4 to 4, equally spaced in their logarithm:
/// up to 64 of them, which repeat.
struct SpreadTarget: DimensionTarget {
  let name = "spread"
  let model: any ScoreModel<Float>
  let spectrum: Spectrum

  init(dimension: Int) throws {
    let levels = min(dimension, 64)
    let variances = (0..<dimension).map { k in
      0.25 * pow(16, (Double(k % levels) + 0.5) / Double(levels))
    }
    spectrum = Spectrum(variances)
    model = try Gaussian<Float>(mean: variances.map { _ in 0 }, variances: variances)
  }

  func divergenceFromNoise(at node: NoiseTime) -> Double { spectrum.divergenceFromNoise(at: node) }
  func error(of plan: StepPlan) throws -> DiscretizationError { try spectrum.error(of: plan) }
}

/// A random field on a square lattice, its spectrum falling off as a power law.
struct FieldTarget: DimensionTarget {
  let name = "field"
  let model: any ScoreModel<Float>
  let spectrum: Spectrum

  init(dimension: Int) throws {
    let field = try GaussianField<Float>(
      side: 1 << (dimension.trailingZeroBitCount / 2), scale: 4, corner: 1.0 / 4, exponent: 2)
    spectrum = Spectrum(field.variances)
    model = field
  }

  func divergenceFromNoise(at node: NoiseTime) -> Double { spectrum.divergenceFromNoise(at: node) }
  func error(of plan: StepPlan) throws -> DiscretizationError { try spectrum.error(of: plan) }
}

/// Two normal components with variance 1/4, three standard deviations on either
/// side of the origin along the diagonal of the space.
///
/// The sampler treats all directions alike: along the diagonal the law is that
/// of one dimension, across it all coordinates are normal.
struct MixtureTarget: DimensionTarget {
  let name = "mixture"
  let model: any ScoreModel<Float>
  private let dimension: Int
  private let variance = 0.25
  private let offset = 1.5

  init(dimension: Int) throws {
    let mean = [Double](repeating: 1.5 / Double(dimension).squareRoot(), count: dimension)
    model = try GaussianMixture<Float>(means: [mean, mean.map { -$0 }], variance: 0.25)
    self.dimension = dimension
  }

  private var across: Spectrum { Spectrum([Double](repeating: variance, count: dimension - 1)) }

  /// Across the diagonal exactly; along it that of the normal law with the
  /// same moments, which is of the same order.
  func divergenceFromNoise(at node: NoiseTime) -> Double {
    across.divergenceFromNoise(at: node)
      + Spectrum([variance + offset * offset]).divergenceFromNoise(at: node)
  }

  func error(of plan: StepPlan) throws -> DiscretizationError {
    precondition(plan.method == .piadmSDE)
    var error = try across.error(of: plan)
    let along = try PairLaw(offset: offset, variance: variance, weight: 0.5, on: plan.grid()).error
    error.divergence += along.divergence
    error.squaredDistance += along.squaredDistance
    return error
  }
}
