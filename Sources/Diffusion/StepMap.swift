import Foundation

/// One family of sampling steps on one grid, each one or several maps, one an evaluation:
///
///     y' = A y + B f(y) + D_1 f_-1 + D_2 f_-2 + ... + C xi
///
/// with scalars from the grid alone, `f` the score, the noise or the denoised estimate, `f_-k`
/// the newest values of it that earlier maps have kept, and `xi` standard normal. Where the
/// estimate `x_0` is bounded, `f = bound(x_0) + E x_0`.
///
/// A method of several stages needs no second state. The state at a stage is a multiple of the
/// state at the start of the step and of values of `f`, so that the next map can start from it:
/// Heun's second map, for one, is `x' = p + (sigma - sigma') / 2 sigma' (D(p) - D(x))` at the
/// state `p` that Euler's step has led to.
public struct StepMap: Hashable, Sendable {
  /// The formulas of a step.
  public enum Kind: Hashable, Sendable {
    /// The exponential integrator of Chen, Ren, Ying and Rotskoff (NeurIPS
    /// 2024): the linear part exactly, the score held constant. Order 1.
    case exponential
    /// The Gaussian posterior between two nodes given the denoised estimate:
    /// DDPM at noise level 1 (Ho, Jain and Abbeel, NeurIPS 2020), DDIM at 0
    /// (Song, Meng and Ermon, ICLR 2021). Order 1.
    case posterior
    /// DPM-Solver++ multistep (Lu et al., 2022): the posterior's step with the denoised
    /// estimate extrapolated from this step and those before. Order 1 or 2 as stated; 3 has half
    /// of its last term as published, and so order 2 too.
    case dataMultistep(order: Int, Extrapolation = .midpoint)
    /// DPM-Solver multistep (Lu et al., NeurIPS 2022): likewise of the noise.
    case noiseMultistep(order: Int, Extrapolation = .midpoint)
    /// UniPC (Zhao et al., NeurIPS 2023): each evaluation corrects the last step and predicts
    /// the next. Of one order more than stated.
    case unipc(order: Int, UniPC = .bh2)
    /// Adams and Bashforth's formulas of equal steps on the noise, up to four values: PLMS
    /// (Liu et al., ICLR 2022) with a second evaluation in the first step, IPNDM (Zhang and
    /// Chen, ICLR 2023) without.
    case adams(evaluatesFirstTwice: Bool)
    /// DEIS (Zhang and Chen, ICLR 2023): the noise as a polynomial of `log sigma_E` through as
    /// many values as its order.
    case deis(order: Int)
    /// The linear multistep method (Katherine Crowson's k-diffusion): the noise as a polynomial
    /// of `sigma_E` through four values.
    case lms

    /// Heun's method (Karras et al., NeurIPS 2022, algorithm 1), two evaluations a step. Order 2.
    case heun(SolverTime)
    /// DPM-Solver-2 of k-diffusion, which evaluates in the middle of the step. Order 2.
    case middle
    /// Single-step DPM-Solver++(2S) (Lu et al., 2022): each two steps of the grid are one of
    /// order 2.
    case pairs

    /// DPM-Solver++(2M): order 2.
    public static let multistep = Kind.dataMultistep(order: 2)
  }

  /// The time in which Heun's method takes its steps.
  public enum SolverTime: Hashable, Sendable {
    /// `sigma_E`.
    case noiseLevel
    /// The flow time.
    case flowTime
  }

  /// How the second order of DPM-Solver integrates the slope of what it extrapolates.
  public enum Extrapolation: Hashable, Sendable {
    /// By its value in the middle of the step.
    case midpoint
    /// Exactly.
    case heun
  }

  /// The function `B(h)` of UniPC.
  public enum UniPC: Hashable, Sendable {
    /// `h`.
    case bh1
    /// `exp(h) - 1`.
    case bh2
  }

  /// The coefficients of one map.
  public struct Step: Hashable, Sendable {
    /// Where `f` is evaluated.
    public var time: NoiseTime
    /// A, the factor of the state.
    public var state: Double
    /// B, the factor of `f` at this state.
    public var value: Double
    /// D_1, D_2, ..., the factors of the newest values of `f` that earlier maps have kept.
    public var history: [Double] = []
    /// `f` of this map is one of those that later maps read.
    public var keepsValue = true
    /// C, the standard deviation of the step's noise.
    public var noise = 0.0
    /// Where that noise comes from.
    public var noiseStream = NoiseStream.step
    /// Its number there.
    public var noiseNumber = 0
    /// E, the factor of the estimate as predicted beside the bounded one.
    public var unbounded = 0.0
    /// `C(y)`, where the model predicts the variance of the noise.
    public var learnedNoise: LearnedNoise?
    /// The number of the grid's step that it is, or is a part of.
    public var number = 0
  }

  /// The formula of every step.
  public let kind: Kind
  /// The nodes; step `m` leads from node `m` to node `m + 1`.
  public let grid: TimeGrid
  /// The coefficients of every map, one or more for every step of the grid.
  public let steps: [Step]

  /// Noise that is added to the initial state; `nil` for none.
  public let start: StartChurn?

  /// 0 (probability flow) to 1 (reverse SDE).
  public let noiseLevel: Double

  /// By how much a change of the state at a node moves the last state, where the data are
  /// normal with unit variance: `(alpha / alpha_end)^(v^2)`, since their reverse dynamics
  /// are `dy = -v^2 y/2 dt + v dw`.
  public func sensitivity(ofNode index: Int) -> Double {
    pow(grid.nodes[index].alpha / grid.nodes[grid.steps].alpha, noiseLevel * noiseLevel)
  }

  /// What `f` is.
  public var quantity: StepQuantity { kind.quantity }

  /// The maps of some of the grid's steps.
  public func maps(ofSteps range: Range<Int>) -> ArraySlice<Step> {
    let first = steps.firstIndex { $0.number >= range.lowerBound } ?? steps.count
    let end = steps.firstIndex { $0.number >= range.upperBound } ?? steps.count
    return steps[first..<end]
  }

  /// - Parameters:
  ///   - kind: the formula of a step.
  ///   - grid: the nodes, each step leading from one to the next.
  ///   - noiseLevel: 0 (probability flow) to 1 (reverse SDE).
  ///   - restarts: steps at which a multistep map has no usable history and is
  ///     first order; step 0 always is one.
  ///   - bound: what is done to the denoised estimate.
  ///   - variance: what the model says of the noise of posterior steps.
  ///   - churn: noise before every step of a method without history and noise of its own.
  ///   - langevin: Langevin steps before every step of a method without history.
  /// - Throws: `DiffusionError` where the grid or the noise level does not suit
  ///   the kind.
  public init(
    _ kind: Kind, on grid: TimeGrid, noiseLevel: Double, restarts: Set<Int> = [], bound: EstimateBound? = nil,
    variance: LearnedVariance? = nil, churn: Churn? = nil, langevin: LangevinSteps? = nil
  ) throws {
    guard noiseLevel >= 0, noiseLevel <= 1 else {
      throw DiffusionError("`noiseLevel` must be from 0 to 1, not \(noiseLevel)")
    }
    if noiseLevel != 0, !kind.mayHaveNoise {
      throw DiffusionError("steps of this method have no noise: `noiseLevel` must be 0, not \(noiseLevel)")
    }
    if !kind.mayStartAtNoise, grid.nodes[0].alpha == 0 {
      let map = kind == .exponential ? "the exponential step map needs" : "steps of this method need"
      throw DiffusionError("\(map) a finite noise time, but the grid starts at pure noise; use ddpm, ddim or dpm++2m")
    }
    guard churn == nil || kind.isOfOneStep && kind != .exponential && noiseLevel == 0 else {
      throw DiffusionError("`churn` adds the noise of euler, heun and dpm2 at noise level 0, and of no other method")
    }
    guard langevin == nil || kind.isOfOneStep else {
      throw DiffusionError("`langevinSteps` would take the state off the history that this method extrapolates from")
    }
    self.kind = kind
    self.grid = grid
    self.noiseLevel = noiseLevel
    let nodes = grid.nodes.dropLast().map { churn?.start(of: $0, steps: grid.steps) ?? $0 }
    let rises = nodes.indices.map { nodes[$0] == grid.nodes[$0] ? nil : churn?.rise(from: grid.nodes[$0], to: nodes[$0]) }
    start = rises[0]
    var multistep = MultistepMaps(kind, on: grid, noiseLevel: noiseLevel)
    self.steps = (0..<grid.steps).flatMap { index -> [Step] in
      let (from, to) = (nodes[index], grid.nodes[index + 1])
      var maps: [Step]
      switch kind {
      case .exponential:
        maps = [Self.exponential(from, to, noiseLevel)]
      case .posterior:
        var step = Self.posterior(from, grid.landings[index], noiseLevel, grid.stepVariance)
        // The last training timestep has no noise behind it.
        if let variance, noiseLevel > 0, from.timestep != 0 {
          step.learnedNoise = LearnedNoise(variance, from: from, to: grid.landings[index], level: noiseLevel)
        }
        maps = [bound?.keepsDirection == true ? Self.keepingDirection(step, from, grid.landings[index]) : step]
      case .heun(let time):
        maps = StagedMaps.heun(from, to, in: time)
      case .middle:
        maps = StagedMaps.middle(from, to)
      case .pairs:
        let isSecond = index % 2 == 1 && !restarts.contains(index) && (index + 1 < grid.steps || grid.endOrders.first != 1)
        let pair = isSecond ? StagedMaps.pair(grid.nodes[index - 1], from, to) : nil
        maps = [pair ?? Self.posterior(from, to, 0)]
      case .dataMultistep, .noiseMultistep, .unipc, .adams, .deis, .lms:
        if restarts.contains(index) { multistep.restart(at: index) }
        maps = multistep.maps(ofStep: index)
      }
      for number in maps.indices { maps[number].noiseNumber = index }
      if index + 1 < grid.steps, let rise = rises[index + 1] {
        maps[maps.count - 1].raise(by: rise, beforeStep: index + 1)
      }
      maps = (langevin?.maps(at: from, beforeStep: index, of: kind.quantity) ?? []) + maps
      for number in maps.indices { maps[number].number = index }
      return maps
    }
  }

  private static func exponential(_ from: NoiseTime, _ to: NoiseTime, _ level: Double) -> Step {
    let e = from.s - to.s
    return Step(
      time: from, state: exp(e / 2), value: (1 + level * level) * expm1(e / 2),
      noise: level * expm1(e).squareRoot())
  }

  static func posterior(
    _ from: NoiseTime, _ to: NoiseTime, _ level: Double, _ variance: StepVariance = .posterior
  ) -> Step {
    if variance == .whole {
      let state = (1 - level * level).squareRoot() * to.sigma / from.sigma
      return Step(time: from, state: state, value: to.alpha - from.alpha * state, noise: level * to.sigma)
    }
    // With C^2 = v^2 sigma'^2 (1 - alpha^2/alpha'^2) / sigma^2, the square
    // root of sigma'^2 - C^2 is written without cancellation.
    let ratio = to.sigma / from.sigma
    let correlated = from.alpha / to.alpha * ratio
    let kept = 1 - level * level + level * level * correlated * correlated
    let state = ratio * kept.squareRoot()
    let forward = (-expm1(to.s - from.s)).squareRoot()
    let noise = variance == .posterior ? ratio * forward : from.timestep == 0 ? 0 : forward
    return Step(time: from, state: state, value: to.alpha - from.alpha * state, noise: level * noise)
  }

  /// `y' = alpha' bound(x_0) + (A y - alpha A x_0)`: the direction to the noise
  /// from the estimate as predicted.
  private static func keepingDirection(_ step: Step, _ from: NoiseTime, _ to: NoiseTime) -> Step {
    var step = step
    step.value = to.alpha
    step.unbounded = -from.alpha * step.state / to.alpha
    return step
  }
}

extension StepMap.Step {
  /// Takes the state on to the higher noise level from which the next step starts.
  fileprivate mutating func raise(by rise: StartChurn, beforeStep number: Int) {
    state *= rise.factor
    value *= rise.factor
    history = history.map { $0 * rise.factor }
    (noise, noiseNumber) = (rise.deviation, number)
  }
}

extension StepMap.Kind {
  /// What `f` is.
  var quantity: StepQuantity {
    switch self {
    case .exponential: .score
    case .posterior, .dataMultistep, .unipc, .heun, .middle, .pairs: .denoised
    case .noiseMultistep, .adams, .deis, .lms: .noise
    }
  }

  /// Steps may add noise.
  public var mayHaveNoise: Bool {
    switch self {
    case .exponential, .posterior, .dataMultistep: true
    case .unipc, .noiseMultistep, .adams, .deis, .lms, .heun, .middle, .pairs: false
    }
  }

  /// No step reads values of another one.
  var isOfOneStep: Bool {
    switch self {
    case .exponential, .posterior, .heun, .middle: true
    case .dataMultistep, .unipc, .noiseMultistep, .adams, .deis, .lms, .pairs: false
    }
  }

  /// Something is known of the data where the state is all noise.
  var mayStartAtNoise: Bool {
    switch self {
    // IPNDM takes the data for a point at the origin there, as diffusers does.
    case .posterior, .dataMultistep, .pairs, .heun(.flowTime), .adams(evaluatesFirstTwice: false): true
    case .exponential, .unipc, .noiseMultistep, .adams, .deis, .lms, .heun(.noiseLevel), .middle: false
    }
  }
}
