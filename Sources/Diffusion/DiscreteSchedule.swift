import Foundation

/// The training timesteps of a discrete-time model: `alphaBar[i] = alpha^2` at
/// timestep `i`, decreasing; timestep `i` sits at noise time `-log alphaBar[i]`.
public struct DiscreteSchedule: NoiseSchedule {
  /// How sampling steps are chosen among the training timesteps (the names of
  /// Lin et al., WACV 2024, and of diffusers).
  public enum Spacing: String, Hashable, Sendable, CaseIterable {
    /// Multiples of `count / steps`, from 0.
    case leading
    /// Multiples of `count / steps`, down from the last timestep.
    case trailing
    /// Evenly from the first to the last timestep, both included.
    case linspace
  }

  /// Which timesteps may be chosen.
  public enum Choice: Hashable, Sendable {
    /// Whole timesteps, as many as steps.
    case whole
    /// As many as steps, fractions among them; noise levels are interpolated
    /// between training timesteps.
    case fractional
    /// Whole timesteps, one more than steps, the lowest of which is left out
    /// (DPM-Solver). Those with a smaller `log(alpha / sigma)` are left out too.
    case withoutLowest(leastLogRatio: Double)
    /// A subset of this many timesteps that a model was distilled to.
    case distilled(count: Int)
  }

  /// The timestep of a noise level that is not a training timestep's.
  public enum LevelTimestep: Hashable, Sendable {
    /// A fraction, linear in `log sigma_E`.
    case fraction
    /// The whole one below.
    case below
    /// The nearest whole one.
    case nearest
  }

  /// What the last step leads to.
  public enum End: Hashable, Sendable {
    /// The node with this `alpha^2`; 1 is clean data.
    case alphaBar(Double)
    /// The last node itself: the last step changes nothing.
    case lastNode
  }

  /// `alpha^2` of each training timestep, decreasing.
  public let alphaBar: [Double]
  /// How sampling steps are chosen.
  public var spacing: Spacing
  /// Added to every timestep of `leading` spacing.
  public var stepsOffset: Int
  /// What the last step leads to.
  public var end: End
  /// Which timesteps may be chosen.
  public var choice = Choice.whole
  /// Every step leads `count / steps` timesteps down, even where the next one
  /// is evaluated elsewhere (DDIM).
  public var landsByCount = false
  /// Where the noise levels of the steps lie.
  public var levels = NoiseLevels.trained
  /// Levels that are not `trained` lie between the ends of training, not
  /// between those of the chosen timesteps.
  public var levelsSpanTraining = false
  /// The least of noise levels that are not `trained`, in place of those.
  public var leastLevel: Double?
  /// The greatest of them.
  public var greatestLevel: Double?
  /// The timesteps of levels that are not `trained`.
  public var levelTimestep = LevelTimestep.fraction
  /// `trained` levels are equally spaced in their logarithm, whatever the
  /// timesteps are, and end at the least level of training.
  public var interpolatesLogarithms = false
  /// Networks are told `log(sigma_E) / 4` in place of a timestep.
  public var tellsLogarithm = false
  /// Start states have the deviation of the first noise level, without the
  /// data's share.
  public var startsWithNoiseAlone = false
  /// Where the last steps are of a lower order.
  public var endOrders = EndOrders()
  /// The variance of the noise of steps.
  public var stepVariance = StepVariance.posterior

  /// The defaults are those of DDPM as diffusers writes them.
  public init(alphaBar: [Double], spacing: Spacing = .leading, stepsOffset: Int = 0, finalAlphaBar: Double = 1) {
    self.alphaBar = alphaBar
    self.spacing = spacing
    self.stepsOffset = stepsOffset
    end = .alphaBar(finalAlphaBar)
  }

  /// Cumulative products of `1 - beta`.
  ///
  /// - Parameters:
  ///   - betas: variance of the noise that each training timestep adds, between
  ///     0 and 1, from the data to the noise.
  ///   - spacing: which timesteps sampling visits.
  ///   - stepsOffset: added to the timesteps of `leading` spacing.
  ///   - finalAlphaBar: what the last step leads to; 1 is clean data.
  public init(
    betas: [Double], spacing: Spacing = .leading, stepsOffset: Int = 0, finalAlphaBar: Double = 1
  ) {
    var product = 1.0
    let alphaBar = betas.map { beta in
      product *= 1 - beta
      return product
    }
    self.init(
      alphaBar: alphaBar, spacing: spacing, stepsOffset: stepsOffset, finalAlphaBar: finalAlphaBar)
  }

  /// Betas evenly from `start` to `end` (Ho, Jain and Abbeel, NeurIPS 2020).
  public static func linearBetas(count: Int, from start: Double, to end: Double) -> [Double] {
    (0..<count).map { start + (end - start) * Double($0) / Double(max(count - 1, 1)) }
  }

  /// The timestep, possibly fractional, at which the model was trained for
  /// this noise time: exact at the training timesteps, between them
  /// interpolated linearly in noise time, clamped outside.
  public func timestep(at time: NoiseTime) -> Double {
    if tellsLogarithm { return log(time.edmSigma) / 4 }
    let target = time.alpha * time.alpha
    let timestep = position {
      alphaBar[$0] > target
    } of: { below in
      log(target / alphaBar[below]) / log(alphaBar[below + 1] / alphaBar[below])
    }
    // alpha is a rounded square root: a training timestep comes back to within
    // a few units in the last place, and must be hit exactly.
    let nearest = timestep.rounded()
    return abs(timestep - nearest) < 1e-6 ? nearest : timestep
  }

  /// The place among the training timesteps, clamped to them, behind the last
  /// one that `isBefore`, by the share of its interval.
  private func position(isBefore: (Int) -> Bool, of share: (_ below: Int) -> Double) -> Double {
    var (low, high) = (0, alphaBar.count - 1)
    guard isBefore(low) else { return 0 }
    guard !isBefore(high) else { return Double(high) }
    while high - low > 1 {
      let middle = (low + high) / 2
      if isBefore(middle) { low = middle } else { high = middle }
    }
    return min(Double(low) + share(low), Double(high))
  }
}
