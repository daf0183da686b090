import Foundation

/// The maps of methods with two evaluations in a step. Where an inner state is `p = a y + b f`,
/// the second map starts from it: `y = (p - b f) / a`, with `f` the newest kept value.
enum StagedMaps {
  /// Heun's method: the mean of both slopes. `x' = p + w (D(p) - D(x))` with
  /// `w = (t - t') / 2 t'` in the time `t` in which a step is taken.
  static func heun(_ from: NoiseTime, _ to: NoiseTime, in time: StepMap.SolverTime) -> [StepMap.Step] {
    let first = StepMap.posterior(from, to, 0)
    // A step to clean data is Euler's.
    guard to.sigma > 0 else { return [first] }
    let scale: Double
    let weight: Double
    switch time {
    case .noiseLevel: (scale, weight) = (to.alpha, from.edmSigma / to.edmSigma)
    case .flowTime:
      func flowTime(_ node: NoiseTime) -> Double { node.sigma / (node.alpha + node.sigma) }
      (scale, weight) = (to.alpha + to.sigma, flowTime(from) / flowTime(to))
    }
    let value = scale * (weight - 1) / 2
    return [first, StepMap.Step(time: to, state: 1, value: value, history: [-value])]
  }

  /// DPM-Solver-2 of k-diffusion: Euler's step with the slope in the middle of the step, as
  /// `log sigma_E` goes.
  static func middle(_ from: NoiseTime, _ to: NoiseTime) -> [StepMap.Step] {
    guard to.sigma > 0, to.s < from.s else { return [StepMap.posterior(from, to, 0)] }
    let (level, next) = (from.edmSigma, to.edmSigma)
    let middle = NoiseTime(edmSigma: (level * next).squareRoot())
    let inner = middle.edmSigma
    return [
      StepMap.posterior(from, middle, 0),
      StepMap.Step(
        time: middle, state: to.sigma / middle.sigma, value: to.alpha * (level - next) / inner,
        history: [-to.alpha * (level - inner) / inner]),
    ]
  }

  /// The second step of a pair of the single-step DPM-Solver++, which goes over both of them
  /// from the start of the first; `nil` where that is to be a step of its own.
  static func pair(_ start: NoiseTime, _ middle: NoiseTime, _ to: NoiseTime) -> StepMap.Step? {
    func logRatio(_ node: NoiseTime) -> Double { log(node.alpha / node.sigma) }
    let share = (logRatio(middle) - logRatio(start)) / (logRatio(to) - logRatio(start))
    guard to.sigma > 0, share.isFinite, share > 1e-6 else { return nil }
    let state = to.sigma / middle.sigma
    let inner = StepMap.posterior(start, middle, 0)
    let whole = StepMap.posterior(start, to, 0)
    let value = whole.value / (2 * share)
    return StepMap.Step(
      time: middle, state: state, value: value, history: [whole.value - value - state * inner.value])
  }
}

/// The noise that Karras et al. (NeurIPS 2022, algorithm 2) add before a step, which then starts
/// from a higher noise level.
public struct Churn: Hashable, Sendable {
  /// `S_churn`: the level rises by this over the number of steps, by at most 41%.
  public var amount: Double
  /// `S_min`: lower noise levels have none.
  public var least: Double
  /// `S_max`: nor have higher ones.
  public var greatest: Double
  /// `S_noise`, the deviation of the noise that is added.
  public var noise: Double

  /// The defaults are those of Karras et al. where they add noise at all levels.
  public init(amount: Double, least: Double = 0, greatest: Double = .infinity, noise: Double = 1) {
    self.amount = amount
    self.least = least
    self.greatest = greatest
    self.noise = noise
  }

  /// Where a step from a node starts, in a run of so many steps.
  func start(of node: NoiseTime, steps: Int) -> NoiseTime {
    let level = node.edmSigma
    guard amount > 0, level.isFinite, level > 0, level >= least, level <= greatest else { return node }
    // What a network is told follows from the level.
    return NoiseTime(edmSigma: level * (1 + min(amount / Double(steps), 2.0.squareRoot() - 1)))
  }

  /// What becomes of a state there: a multiple of it, and noise of this deviation.
  func rise(from node: NoiseTime, to start: NoiseTime) -> StartChurn {
    let (before, after) = (node.edmSigma, start.edmSigma)
    return StartChurn(
      factor: start.alpha / node.alpha, deviation: start.alpha * noise * (after * after - before * before).squareRoot())
  }
}

/// The first step's churn, which is of the initial state.
public struct StartChurn: Hashable, Sendable {
  /// The factor of the state.
  public var factor: Double
  /// The deviation of the noise, which is that of step 0.
  public var deviation: Double
}

/// Langevin steps before every step of the method, at its noise time (Song et al., ICLR 2021):
/// `y' = y + e score + sqrt(2 e) z`, `e = 2 (r sigma)^2` with `r` the signal-to-noise ratio. The
/// published step takes `sigma` from norms, which here would make samples depend on each other.
public struct LangevinSteps: Hashable, Sendable {
  /// Steps at every noise time.
  public var count: Int
  /// The signal-to-noise ratio.
  public var ratio: Double

  /// The ratio is Song et al.'s for images.
  public init(count: Int, ratio: Double = 0.16) {
    self.count = count
    self.ratio = ratio
  }

  /// The maps before a step with this number.
  func maps(at time: NoiseTime, beforeStep number: Int, of quantity: StepQuantity) -> [StepMap.Step] {
    let size = 2 * ratio * ratio
    let map: (state: Double, value: Double) =
      switch quantity {
      case .score: (state: 1, value: size * time.sigma * time.sigma)
      case .noise: (state: 1, value: -size * time.sigma)
      case .denoised: (state: 1 - size, value: size * time.alpha)
      }
    return (0..<count).map {
      StepMap.Step(
        time: time, state: map.state, value: map.value, noise: (2 * size).squareRoot() * time.sigma,
        noiseStream: .langevin, noiseNumber: number * count + $0)
    }
  }
}
