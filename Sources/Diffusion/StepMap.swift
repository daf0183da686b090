import Foundation

/// One family of sampling steps on one grid:
///
///     y' = A y + B f(y) + D_1 f(y_-1) + D_2 f(y_-2) + ... + C xi
///
/// with scalars from the grid alone, `f` the score or the denoised estimate,
/// `y_-k` the state `k` steps earlier and `xi` standard normal. Where the
/// estimate `x_0` is bounded, `f = bound(x_0) + E x_0`.
public struct StepMap: Hashable, Sendable {
  /// The formulas of a step.
  public enum Kind: String, Hashable, Sendable, CaseIterable {
    /// The exponential integrator of Chen, Ren, Ying and Rotskoff (NeurIPS
    /// 2024): the linear part exactly, the score held constant. Order 1.
    case exponential
    /// The Gaussian posterior between two nodes given the denoised estimate:
    /// DDPM at noise level 1 (Ho, Jain and Abbeel, NeurIPS 2020), DDIM at 0
    /// (Song, Meng and Ermon, ICLR 2021). Order 1.
    case posterior
    /// DPM-Solver++(2M) (Lu et al., 2022): the denoised estimate extrapolated
    /// from this step and the one before. Order 2; noise level 0 only.
    case multistep
  }

  /// The coefficients of one step.
  public struct Step: Hashable, Sendable {
    /// A, the factor of the state.
    public var state: Double
    /// B, the factor of `f` at this state.
    public var value: Double
    /// D_1, D_2, ..., the factors of `f` one step earlier, two steps earlier and so on; none
    /// in maps of one step.
    public var history: [Double] = []
    /// C, the standard deviation of the step's noise.
    public var noise: Double
    /// E, the factor of the estimate as predicted beside the bounded one.
    public var unbounded = 0.0
    /// `C(y)`, where the model predicts the variance of the noise.
    public var learnedNoise: LearnedNoise?
  }

  /// The formula of every step.
  public let kind: Kind
  /// The nodes; step `m` leads from node `m` to node `m + 1`.
  public let grid: TimeGrid
  /// The coefficients of every step.
  public let steps: [Step]

  /// 0 (probability flow) to 1 (reverse SDE).
  public let noiseLevel: Double

  /// By how much a change of the state at a node moves the last state, where the data are
  /// normal with unit variance: `(alpha / alpha_end)^(v^2)`, since their reverse dynamics
  /// are `dy = -v^2 y/2 dt + v dw`.
  public func sensitivity(ofNode index: Int) -> Double {
    pow(grid.nodes[index].alpha / grid.nodes[grid.steps].alpha, noiseLevel * noiseLevel)
  }

  /// What `f` is.
  public var quantity: StepQuantity { kind == .exponential ? .score : .denoised }

  /// - Parameters:
  ///   - kind: the formula of a step.
  ///   - grid: the nodes, each step leading from one to the next.
  ///   - noiseLevel: 0 (probability flow) to 1 (reverse SDE).
  ///   - restarts: steps at which a multistep map has no usable history and is
  ///     first order; step 0 always is one.
  ///   - bound: what is done to the denoised estimate.
  ///   - variance: what the model says of the noise of posterior steps.
  /// - Throws: `DiffusionError` where the grid or the noise level does not suit
  ///   the kind.
  public init(
    _ kind: Kind, on grid: TimeGrid, noiseLevel: Double, restarts: Set<Int> = [], bound: EstimateBound? = nil,
    variance: LearnedVariance? = nil
  ) throws {
    guard noiseLevel >= 0, noiseLevel <= 1 else {
      throw DiffusionError("`noiseLevel` must be from 0 to 1, not \(noiseLevel)")
    }
    if kind == .multistep, noiseLevel != 0 {
      throw DiffusionError("the multistep map has no noise: `noiseLevel` must be 0, not \(noiseLevel)")
    }
    if kind == .exponential, grid.nodes[0].alpha == 0 {
      throw DiffusionError(
        "the exponential step map needs a finite noise time, but the grid starts at pure noise; use ddpm, ddim or dpm++2m"
      )
    }
    self.kind = kind
    self.grid = grid
    self.noiseLevel = noiseLevel
    self.steps = (0..<grid.steps).map { index in
      let (from, to) = (grid.nodes[index], grid.nodes[index + 1])
      switch kind {
      case .exponential:
        return Self.exponential(from, to, noiseLevel)
      case .posterior:
        var step = Self.posterior(from, grid.landings[index], noiseLevel, grid.stepVariance)
        // The last training timestep has no noise behind it.
        if let variance, noiseLevel > 0, from.timestep != 0 {
          step.learnedNoise = LearnedNoise(variance, from: from, to: grid.landings[index], level: noiseLevel)
        }
        return bound?.keepsDirection == true ? Self.keepingDirection(step, from, grid.landings[index]) : step
      case .multistep:
        let first = Self.posterior(from, to, 0)
        let isLast = index == grid.steps - 1
        guard index > 0, !restarts.contains(index), to.sigma > 0, !(isLast && grid.endsFirstOrder) else {
          return first
        }
        return Self.secondOrder(first, before: grid.nodes[index - 1], from, to)
      }
    }
  }

  private static func exponential(_ from: NoiseTime, _ to: NoiseTime, _ level: Double) -> Step {
    let e = from.s - to.s
    return Step(
      state: exp(e / 2), value: (1 + level * level) * expm1(e / 2),
      noise: level * expm1(e).squareRoot())
  }

  private static func posterior(
    _ from: NoiseTime, _ to: NoiseTime, _ level: Double, _ variance: StepVariance = .posterior
  ) -> Step {
    if variance == .whole {
      let state = (1 - level * level).squareRoot() * to.sigma / from.sigma
      return Step(state: state, value: to.alpha - from.alpha * state, noise: level * to.sigma)
    }
    // With C^2 = v^2 sigma'^2 (1 - alpha^2/alpha'^2) / sigma^2, the square
    // root of sigma'^2 - C^2 is written without cancellation.
    let ratio = to.sigma / from.sigma
    let correlated = from.alpha / to.alpha * ratio
    let kept = 1 - level * level + level * level * correlated * correlated
    let state = ratio * kept.squareRoot()
    let forward = (-expm1(to.s - from.s)).squareRoot()
    let noise = variance == .posterior ? ratio * forward : from.timestep == 0 ? 0 : forward
    return Step(state: state, value: to.alpha - from.alpha * state, noise: level * noise)
  }

  /// `y' = alpha' bound(x_0) + (A y - alpha A x_0)`: the direction to the noise
  /// from the estimate as predicted.
  private static func keepingDirection(_ step: Step, _ from: NoiseTime, _ to: NoiseTime) -> Step {
    var step = step
    step.value = to.alpha
    step.unbounded = -from.alpha * step.state / to.alpha
    return step
  }

  private static func secondOrder(
    _ first: Step, before: NoiseTime, _ from: NoiseTime, _ to: NoiseTime
  ) -> Step {
    func logRatio(_ node: NoiseTime) -> Double { log(node.alpha / node.sigma) }
    let (previous, next) = (logRatio(from) - logRatio(before), logRatio(to) - logRatio(from))
    // Between nodes that rounding alone tells apart there is no slope.
    guard previous > 1e-6 * next, previous > 0 else { return first }
    let half = 0.5 * next / previous
    var step = first
    step.value = first.value * (1 + half)
    step.history = [-first.value * half]
    return step
  }
}
