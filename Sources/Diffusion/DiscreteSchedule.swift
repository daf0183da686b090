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

  /// Whose conventions place the steps. Each is named after the scheduler of
  /// diffusers that it follows.
  public enum Rule: Hashable, Sendable {
    /// A step leads from one chosen timestep to the next.
    case ddpm
    /// Every step leads `count / steps` timesteps down, even where the next
    /// one is evaluated elsewhere.
    case ddim
    /// Two terms of history, with the exceptions that the rule states.
    case multistep(MultistepRule)
    /// Timesteps may be fractions; noise levels are interpolated between them.
    case euler
  }

  /// What DPMSolverMultistepScheduler adds. It chooses among one timestep more
  /// than it has steps, and leaves the lowest out.
  public struct MultistepRule: Hashable, Sendable {
    /// Timesteps with a smaller `log(alpha / sigma)` are left out.
    public var leastLogRatio = -Double.infinity
    /// Runs of fewer steps end with one of first order.
    public var firstOrderEndBelow = 15
    /// Timesteps between training timesteps go to the nearest one, not to the
    /// one below.
    public var roundsTimesteps = true

    /// The defaults of diffusers.
    public init() {}
  }

  /// `alpha^2` of each training timestep, decreasing.
  public let alphaBar: [Double]
  /// How sampling steps are chosen.
  public var spacing: Spacing
  /// Added to every timestep of `leading` spacing.
  public var stepsOffset: Int
  /// `alpha^2` after the last step; 1 is clean data.
  public var finalAlphaBar: Double
  /// Whose conventions place the steps.
  public var rule = Rule.ddpm
  /// Where between the timesteps the noise levels lie.
  public var levels = NoiseLevels.trained
  /// The least of noise levels that are not `trained`; `nil` for that of the timesteps.
  public var leastLevel: Double?
  /// The greatest of them.
  public var greatestLevel: Double?

  /// The defaults are those of DDPM as diffusers writes them.
  public init(
    alphaBar: [Double], spacing: Spacing = .leading, stepsOffset: Int = 0, finalAlphaBar: Double = 1
  ) {
    self.alphaBar = alphaBar
    self.spacing = spacing
    self.stepsOffset = stepsOffset
    self.finalAlphaBar = finalAlphaBar
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
    let target = time.alpha * time.alpha
    let timestep = position { alphaBar[$0] > target } of: { below in
      log(target / alphaBar[below]) / log(alphaBar[below + 1] / alphaBar[below])
    }
    // alpha is a rounded square root: a training timestep comes back to within
    // a few units in the last place, and must be hit exactly.
    let nearest = timestep.rounded()
    return abs(timestep - nearest) < 1e-6 ? nearest : timestep
  }

  /// The place among the training timesteps, clamped to them, behind the last
  /// one that `isBefore`, by the share of its interval.
  func position(isBefore: (Int) -> Bool, of share: (_ below: Int) -> Double) -> Double {
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
